"""Light without symmetry, as the kit's items for modes begin and end with."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from hybridge.circuit import expval
from hybridge.observables.cv import QuadP, QuadX
from hybridge.operations.cv_gates import Beamsplitter, Displacement, Rotation, Squeezing

Wires = Sequence[Hashable]


class Strength(NamedTuple):
    """How far the sample states are from the vacuum: squeezing r and displacement a."""

    r: float
    a: float


def prepare(wires: Wires, strength: Strength) -> None:
    """Displaced squeezed states, different on every mode, then mixed: no symmetry is left."""
    for k, w in enumerate(wires):
        Squeezing(strength.r * (1 - 0.2 * k), 0.4 + 0.9 * k, wires=w)
        Displacement(strength.a * (1 - 0.3 * k), 0.7 - 1.1 * k, wires=w)
    for k, (a, b) in enumerate(pairwise(wires)):
        Beamsplitter(0.5 + 0.2 * k, 0.3, wires=[a, b])
        Rotation(0.6, wires=b)


def scramble(wires: Wires) -> None:
    """What turns phases into numbers."""
    for k, (a, b) in enumerate(pairwise(wires)):
        Beamsplitter(0.9 - 0.3 * k, 1.1, wires=[b, a])


def second_moments(wires: Wires) -> list[Any]:
    """Expectation values of x and p of every mode and of all their symmetrised products."""
    single = [r(w) for w in wires for r in (QuadX, QuadP)]
    pairs = [(a @ b + b @ a) / 2 for a, b in combinations(single, 2)]
    return [expval(o) for o in [*single, *pairs, *(a @ a for a in single)]]
