"""The circuits of light that are compared, each written once as a list of gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class LightGate(NamedTuple):
    """A gate as hybridge names it, its modes, and the slots of its parameters."""

    name: str
    modes: tuple[int, ...]
    slots: tuple[int, ...]


class Light(NamedTuple):
    """Gates from vacuum, whether the photons of mode 0 or of all modes are asked for, and parameters (P,)."""

    modes: int
    gates: tuple[LightGate, ...]
    everywhere: bool
    params: np.ndarray
    cutoff: int | None = None  # photons a mode may hold, where number states are kept


WIDTHS = {"Squeezing": 2, "Beamsplitter": 2, "Displacement": 2, "Rotation": 1, "Kerr": 1, "CubicPhase": 1}


def _light(
    modes: int,
    names: Iterator[tuple[str, tuple[int, ...]]],
    scale: float,
    everywhere: bool,
    cutoff: int | None,
) -> Light:
    gates, slot = [], 0
    for name, where in names:
        width = WIDTHS[name]
        gates.append(LightGate(name, where, tuple(range(slot, slot + width))))
        slot += width
    params = np.random.default_rng(0).uniform(0, scale, slot)
    return Light(modes, tuple(gates), everywhere, params, cutoff)


def mesh(modes: int, everywhere: bool = False) -> Light:
    """Two layers of squeezers, then of beamsplitters between neighbours, all with parameters of their own."""

    def names() -> Iterator[tuple[str, tuple[int, ...]]]:
        for layer in range(2):
            for mode in range(modes):
                yield "Squeezing", (mode,)
            for mode in range(layer % 2, modes - 1, 2):
                yield "Beamsplitter", (mode, mode + 1)

    return _light(modes, names(), 0.3, everywhere, None)


def network(modes: int, cutoff: int) -> Light:
    """Two layers of a neural network of light: every kind of gate, Kerr and cubic phases among them."""

    def names() -> Iterator[tuple[str, tuple[int, ...]]]:
        for _ in range(2):
            for mode in range(modes):
                for name in ("Displacement", "Squeezing", "Rotation", "Kerr", "CubicPhase"):
                    yield name, (mode,)
            for mode in range(modes - 1):
                yield "Beamsplitter", (mode, mode + 1)

    return _light(modes, names(), 0.05, False, cutoff)
