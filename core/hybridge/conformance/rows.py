"""Every row of the table at generic numbers: what a device must run, or refuse."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.operations.table import FAMILIES, ROWS, Operation

ANGLES = (0.4, 2.7)  # radians
# of the channels on qubits; those of one channel are allowed together
CHANCES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("p", "gamma", "p0", "p1", "pe"), (0.1, 0.4)),
    **{"t1": (0.9, 1.8), "t2": (0.7, 1.7), "tg": (0.2, 0.7)},
}
Ranges = Mapping[str, tuple[float, float]]


class Example(NamedTuple):
    """A row and numbers for its parameters; its name tells the examples of a family apart."""

    name: str
    operation: Operation
    numbers: tuple[float, ...]

    def __str__(self) -> str:
        return self.name


def examples(
    domain: str, ranges: Ranges, families: Mapping[str, Sequence[Any]] | None = None
) -> list[Example]:
    """One example of each row and all of each family; `ranges` per parameter name, else ANGLES.

    `families` replaces the examples of some families: {name: [(num_wires, constants)]}. To those of
    InterferometerUnitary one is added that is not symmetric, and so is not its own transpose.
    """
    unlike = (2, (np.array([[0.6, -0.8j], [0.8, 0.6j]]),))
    families = {
        "InterferometerUnitary": (*FAMILIES["InterferometerUnitary"].examples, unlike),
        **(families or {}),
    }
    found = [(row.name, row) for row in ROWS.values() if row.domain == domain]
    for family in FAMILIES.values():
        if family.domain == domain:
            given = families.get(family.name, family.examples)
            found += [
                (f"{family.name}.{i}", family.of(n, *constants)) for i, (n, constants) in enumerate(given)
            ]
    return [Example(name, row, numbers(row, ranges, zlib.crc32(name.encode()))) for name, row in found]


def numbers(row: Operation, ranges: Ranges, seed: int) -> tuple[float, ...]:
    """Numbers for a row's parameters, drawn from their ranges; angles get either sign."""
    rng = np.random.default_rng(seed)
    drawn = []
    for name in row.params:
        low, high = ranges.get(name, ANGLES)
        value = float(rng.uniform(low, high))
        drawn.append(value if name in ranges or rng.random() < 0.5 else -value)
    return tuple(drawn)


class Placement(NamedTuple):
    """A way to put k wires among n: never the first k in order."""

    name: str

    def __str__(self) -> str:
        return self.name

    def __call__(self, k: int, n: int) -> tuple[int, ...]:
        if self.name == "descending":
            return tuple(range(n - 1, -1, -1))[:k] if k > 2 else (n - 1, 0)[:k]
        order = np.random.default_rng(11 * k + n).permutation(n)[:k].tolist()
        return tuple(order[::-1] if order == sorted(order) and k > 1 else order)


PLACEMENTS = (Placement("descending"), Placement("scattered"))
