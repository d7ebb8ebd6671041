"""The rows that measure a wire inside a circuit, and those that act where the outcomes allow.

The k-th measurement of a recording writes classical bit k. An operation that depends on bits keeps its own
wires and numbers; the bits, and the patterns of them at which it acts, are its constants.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from hybridge.operations.derived import controlled
from hybridge.operations.table import Affine, Operation, Step, derive

Pattern = tuple[int, ...]  # a value, 0 or 1, for each bit
Patterns = tuple[Pattern, ...]


@dataclass(frozen=True)
class Bit:
    """A classical bit where a wire may stand: in what a device is asked to sample, and in observables."""

    index: int


class Measured(NamedTuple):
    """The constants of a row that measures: its bit, whether the wire is reset, the outcome to select."""

    bit: int
    reset: bool
    postselect: int | None


class Condition(NamedTuple):
    """The constants of a row that depends on bits: the gate, and the patterns at which it acts."""

    base: Operation
    bits: tuple[int, ...]
    allowed: Patterns


def measured(operation: Operation) -> Measured:
    """What a row of kind "measure" does."""
    return Measured(*cast(Any, operation.constants))


def condition(operation: Operation) -> Condition:
    """What a row of kind "conditional" does."""
    return Condition(*cast(Any, operation.constants))


def mid_measure(bit: int, reset: bool, postselect: int | None) -> Operation:
    """The row that measures a wire into a classical bit, then resets the wire where asked."""
    chosen = "" if postselect is None else "₀₁"[postselect]
    return Operation(
        "MidMeasure",
        "qubit",
        1,
        kind="measure",
        mixed=True,
        constants=(bit, reset, postselect),
        formula="a measurement in the computational basis, its outcome kept as a classical bit",
        label=f"┤↗{chosen}├" + ("|0⟩" if reset else ""),
    )


def conditional(base: Operation, bits: tuple[int, ...], allowed: Patterns) -> Operation:
    """The row that acts as `base` where the classical bits read one of the `allowed` patterns."""

    def steps(*wires: Hashable) -> Sequence[Step]:
        """Those of the base, under the condition; a phase is one of the whole state, whatever the bits."""
        if base.name == "GlobalPhase":
            return []
        assert base.decomposition is not None
        return [
            Step(derive(conditional, s.operation, bits, allowed), s.wires, s.params)
            for s in base.decomposition(*wires)
        ]

    return Operation(
        f"Conditional({base.name})",
        base.domain,
        base.num_wires,
        base.params,
        "conditional",
        spectrum=base.spectrum,
        decomposition=None if base.decomposition is None and base.name != "GlobalPhase" else steps,
        bounds=base.bounds,
        check=base.check,
        mixed=base.mixed,
        constants=(base, bits, allowed),
        formula=f"{base.name} where classical bits read an allowed pattern",
        label=base.label or base.name,
    )


def where(base: Operation, count: int, cubes: tuple[tuple[tuple[int, int], ...], ...]) -> Operation:
    """The gate on the wires after the first `count`, which keep measured bits, where these are in a cube.

    A cube is ((place, value), ...) of the bits that matter; no two have a pattern in common. What was
    measured has no coherence, so each parameter has the spectrum that it has in the base, and not that of a
    controlled gate.
    """
    same = tuple(map(Affine, base.params))

    def steps(*wires: Hashable) -> list[Step]:
        return [
            Step(
                controlled(base, [value for _, value in cube]),
                (*(wires[place] for place, _ in cube), *wires[count:]),
                same,
            )
            for cube in cubes
        ]

    return Operation(
        f"Conditional({base.name})",
        base.domain,
        count + base.num_wires,
        base.params,
        spectrum=base.spectrum,
        decomposition=steps,
        exponent=base.exponent,
        bounds=base.bounds,
        check=base.check,
        formula=f"{base.name} where the first wires keep certain bits",
        label=base.label or base.name,
    )
