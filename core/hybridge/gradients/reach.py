"""Which parameters cannot change a measured value, told from the circuit's structure in one sweep back.

What is measured is followed from the end to the beginning (in Heisenberg's picture), wire by wire. A
parameter is still where nothing measured is reached from its gate, or where its gate commutes with what
follows as far as that is measured: the light cone, diagonal gates before diagonal observables, phases.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.gradients.letters import measured_letters, pulled_letters
from hybridge.gradients.variables import ANY, measured_variables, pulled_variables
from hybridge.operations.spectrum import Trig

OUTCOME = "outcome"
PHASE = "a phase of the whole state"
UNREACHED = "outside the light cone of {m!r}"
COMMUTES = "it commutes with what follows and with {m!r}"


class Reach(NamedTuple):
    """What one measurement depends on.

    still    for each slot why the value does not depend on it, or None where it may
    through  for each slot the instruction of a non-Gaussian operation that it passes on its way to the
             measurement, or None; the latest, where it passes several
    """

    still: tuple[str | None, ...]
    through: tuple[int | None, ...]


@lru_cache(maxsize=256)
def reach(circuit: Circuit, m: Measurement) -> Reach:
    """The Reach of one of the circuit's measurements; a number of steps linear in the instructions."""
    light = any(o.domain == "cv" for o, _ in circuit.instructions if o.kind != "marker")
    known = (measured_variables if light else measured_letters)(m, circuit.wires)
    seen = {wire: what for wire, what in known.items() if what}
    passed: dict[Hashable, int] = {}
    still: list[str | None] = []
    through: list[int | None] = []
    for at in range(len(circuit.instructions) - 1, -1, -1):
        operation, wires = circuit.instructions[at]
        after = tuple(seen.get(w, "") for w in wires)
        behind = max((passed[w] for w in wires if w in passed), default=None)
        if operation.kind == OUTCOME:  # it divides by its probability, on which all that meets it has a part
            moved: list[str | None] = [None] * operation.arity
            _enter(seen, wires, (ANY,) * operation.num_wires)
        elif operation.kind == "marker" or not any(after):
            moved = [PHASE if s == Trig() else UNREACHED.format(m=m) for s in operation.spectrum]
        else:
            if light:
                before, unchanged = pulled_variables(operation, after)
                at_rest = (unchanged,) * operation.arity
            else:
                before, at_rest = pulled_letters(operation, after)
                unchanged = before == after and all(at_rest)
            moved = [
                PHASE if s == Trig() else COMMUTES.format(m=m) if rests else None
                for s, rests in zip(operation.spectrum, at_rest, strict=True)
            ]
            if not unchanged:
                _enter(seen, wires, before)
                own = at if light and not operation.gaussian else None
                latest = behind if behind is not None else own
                _pass(passed, wires, latest if operation.kind != "state" else None)
        still += reversed(moved)
        through += [behind] * operation.arity
    return Reach(tuple(reversed(still)), tuple(reversed(through)))


def _enter(seen: dict[Hashable, str], wires: tuple[Hashable, ...], before: tuple[str, ...]) -> None:
    for wire, what in zip(wires, before, strict=True):
        if what:
            seen[wire] = what
        else:
            seen.pop(wire, None)


def _pass(passed: dict[Hashable, int], wires: tuple[Hashable, ...], latest: int | None) -> None:
    for wire in wires:
        if latest is None:
            passed.pop(wire, None)
        else:
            passed[wire] = latest


def moves(circuit: Circuit, slots: Sequence[int], measured: Sequence[int]) -> np.ndarray:
    """(slots, measurements): 1 where the value of a measurement may depend on a slot, else 0.

    Of measurements that are not among `measured`, 0.
    """
    found = np.zeros((len(slots), len(circuit.measurements)))
    for i in measured:
        still = reach(circuit, circuit.measurements[i]).still
        found[:, i] = [still[slot] is None for slot in slots]
    return found
