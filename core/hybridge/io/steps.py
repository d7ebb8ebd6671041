"""A circuit with its numbers as the steps that a format can write."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import FormatError
from hybridge.operations.measuring import Bit, Patterns
from hybridge.operations.table import Affine, Operation

Claims = Callable[[Operation], bool]


class PlainStep(NamedTuple):
    """An operation on places 0..n-1, and its numbers; where `bits` read one of the `allowed` patterns."""

    operation: Operation
    wires: tuple[int, ...]
    numbers: tuple[float, ...]
    bits: tuple[int, ...] = ()
    allowed: Patterns = ()


def plain_steps(format: str, circuit: Circuit, numbers: np.ndarray, claims: Claims) -> Iterator[PlainStep]:
    """The circuit's operations, decomposed into those that `claims` takes; measurements and barriers as they
    are, other markers left out. Raises FormatError for one that cannot be decomposed.
    """
    places = {wire: k for k, wire in enumerate(circuit.wires)}
    slot = 0
    for operation, wires in circuit.instructions:
        own = tuple(map(float, numbers[slot : slot + len(operation.params)]))
        slot += len(own)
        on = tuple(places[w] for w in wires)
        if operation.kind == "conditional":
            base, bits, allowed = cast(Any, operation.constants)
            for step in _decomposed(format, base, on, own, claims, base.name):
                yield step._replace(bits=bits, allowed=allowed)
        else:
            yield from _decomposed(format, operation, on, own, claims, operation.name)


def _decomposed(
    format: str,
    operation: Operation,
    wires: tuple[int, ...],
    numbers: tuple[float, ...],
    claims: Claims,
    whole: str,
) -> Iterator[PlainStep]:
    """The steps of an operation; `whole` names the one of the circuit that it is a part of."""
    if operation.kind == "measure" or operation.name == "Barrier" or claims(operation):
        yield PlainStep(operation, wires, numbers)
        return
    if operation.decomposition is None:
        lacking = ", and" if operation.name == whole else f" without {operation.name}, which"
        raise FormatError(format, f"{whole} cannot be written{lacking} has no decomposition")
    named = dict(zip(operation.params, numbers, strict=True))
    for part in operation.decomposition(*wires):
        own = tuple(_plain(p, named) for p in part.params)
        yield from _decomposed(format, part.operation, part.wires, own, claims, whole)  # type: ignore[arg-type]


def _plain(p: float | Affine, named: Mapping[str, float]) -> float:
    return p.scale * named[p.name] + p.offset if isinstance(p, Affine) else p


def measured_places(circuit: Circuit) -> list[int]:
    """Places of the wires whose outcomes the circuit's measurements give; each once, in their order."""
    places = {wire: k for k, wire in enumerate(circuit.wires)}
    found: dict[int, None] = {}
    for m in circuit.measurements:
        if m.kind in ("probs", "sample", "counts") and m.observable is None:
            wires: Sequence[Hashable] = circuit.wires if m.wires is None else m.wires
            found.update(dict.fromkeys(places[w] for w in wires if not isinstance(w, Bit)))
    return list(found)


def bits_read(circuit: Circuit) -> set[int]:
    """Classical bits that an operation depends on, or a measurement reads."""
    found: set[int] = set()
    for operation, _ in circuit.instructions:
        if operation.kind == "conditional":
            found.update(operation.constants[1])  # type: ignore[arg-type]
    for m in circuit.measurements:
        wires = m.wires if m.observable is None else m.observable.wires
        found.update(w.index for w in wires or () if isinstance(w, Bit))
    return found
