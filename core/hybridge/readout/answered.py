"""Where the user's measurements stand in what a device returns, if they do: no reader is needed then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.gradients.choose import DIFFERENTIABLE

Width = Callable[[Measurement], int]  # how many columns a measurement has


def answered_as(m: Measurement, circuit: Circuit, answered: Collection[Measurement]) -> Measurement:
    """The measurement as it stands in an answer: one of all wires may name them there."""
    return m._replace(wires=circuit.wires) if m == Measurement("probs") and m not in answered else m


def own_columns(circuit: Circuit, answered: Sequence[Measurement], width: Width) -> np.ndarray | None:
    """For each of the user's columns the column of the device's answer that it is; None if one is not."""
    starts: dict[Measurement, int] = {}
    start = 0
    for m in answered:
        starts[m] = start
        start += width(m)
    found: list[np.ndarray] = []
    for m in circuit.measurements:
        asked = answered_as(m, circuit, starts)
        if asked not in starts or asked.kind not in DIFFERENTIABLE:
            return None
        found.append(starts[asked] + np.arange(width(asked)))
    return np.concatenate(found) if found else None


def own_places(circuit: Circuit, own: np.ndarray, width: Width) -> list[int | slice]:
    """Where each of the user's measurements stands in the answer."""
    places: list[int | slice] = []
    start = 0
    for m in circuit.measurements:
        first, count = int(own[start]), width(m)
        places.append(first if m.kind in ("expval", "var") else slice(first, first + count))
        start += count
    return places
