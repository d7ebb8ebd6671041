"""The devices: every row of a batch on a fresh simulator, as SF has no batches and its engine keeps state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.plugin import Circuit, CircuitError, Device, Task, UnsupportedCircuit, available, human
from hybridge_strawberryfields import FOCK, GAUSSIAN
from hybridge_strawberryfields.backends import FockBackend, GaussianBackend, forget_matrices
from hybridge_strawberryfields.translate import Recipe, translate

COMPLEX = 16  # bytes
FORGET_AFTER_RUN = 15  # the cutoff from which 128 remembered gate matrices take more than 100 MB
FORGET_AFTER_ROW = 20  # ... and more than 330 MB; below, rows that share a parameter share its matrix


class SFGaussian(Device):
    """Strawberry Fields' Gaussian simulator: exact mean and covariance of any number of modes.

    cutoff_dim: photon numbers 0..cutoff_dim-1 in probabilities; the simulation has no cutoff.
    """

    capabilities = GAUSSIAN
    name = "strawberryfields.gaussian"

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int = 10
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = _check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Recipe:
        """The circuit as calls of the simulator."""
        return translate(circuit)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task (batch, columns): 2n + 4n^2 for every measurement, mean and covariance row-major."""
        return [self._rows(task.program, task.params) for task in tasks]

    def _rows(self, recipe: Recipe, params: np.ndarray) -> np.ndarray:
        n = len(recipe.circuit.wires)
        out = np.empty((len(params), len(recipe.circuit.measurements), 2 * n + 4 * n * n))
        for row, numbers in zip(out, recipe.numbers(params), strict=True):
            simulator = GaussianBackend()
            simulator.begin_circuit(n)
            recipe.apply(numbers, simulator)
            row[:] = simulator.moments()
        return out.reshape(len(params), out.shape[1] * out.shape[2])


class SFFock(Device):
    """Strawberry Fields' Fock simulator: a ket while the state is pure, else a density matrix.

    cutoff_dim: photon numbers 0..cutoff_dim-1 in every mode.
    """

    capabilities = FOCK
    name = "strawberryfields.fock"
    cutoff_dim: int

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = _check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Recipe:
        """The circuit as calls of the simulator; UnsupportedCircuit where its density matrix does not fit."""
        n = len(circuit.wires)
        if any(m.kind == "density_matrix" for m in circuit.measurements):
            needed, room = self._bytes(2 * n, n), available()
            if needed > room:
                what = f"a density matrix of {n} modes with cutoff_dim={self.cutoff_dim}"
                remedy = (
                    f"it needs {human(needed)}, {human(room)} are free: lower cutoff_dim or use fewer modes"
                )
                raise UnsupportedCircuit(self.name, what, remedy)
        return translate(circuit, self.cutoff_dim)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task (batch, columns) complex: C^n for a state, C^2n for a density matrix."""
        try:
            return [self._rows(task.program, task.params) for task in tasks]
        finally:
            if self.cutoff_dim >= FORGET_AFTER_RUN:
                forget_matrices()

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak, while its state is a ket."""
        return self._bytes(num_wires, num_wires)

    def _bytes(self, axes: int, num_wires: int) -> int:
        """Three arrays of C^axes numbers (state, copy, result), and two gate matrices."""
        return COMPLEX * (3 * self.cutoff_dim**axes + 2 * self.cutoff_dim ** (2 * min(num_wires, 2)))

    def _rows(self, recipe: Recipe, params: np.ndarray) -> np.ndarray:
        n, kinds = len(recipe.circuit.wires), [m.kind for m in recipe.circuit.measurements]
        widths = [self.cutoff_dim ** (n if kind == "state" else 2 * n) for kind in kinds]
        out = np.empty((len(params), sum(widths)), dtype=complex)
        for row, numbers in zip(out, recipe.numbers(params), strict=True):
            simulator = FockBackend()
            simulator.begin_circuit(n, cutoff_dim=self.cutoff_dim)
            recipe.apply(numbers, simulator)
            if "state" in kinds and not simulator.pure:
                raise UnsupportedCircuit(
                    self.name, "this circuit to a ket: it is mixed", "ask for density_matrix"
                )
            for part, kind in zip(np.split(row, np.cumsum(widths)[:-1]), kinds, strict=True):
                part[:] = simulator.ket() if kind == "state" else simulator.density_matrix().ravel()
            if self.cutoff_dim >= FORGET_AFTER_ROW:
                forget_matrices()
        return out


def _check_cutoff(cutoff_dim: Any) -> int:
    if (
        isinstance(cutoff_dim, (bool, np.bool_))
        or not isinstance(cutoff_dim, (int, np.integer))
        or cutoff_dim < 1
    ):
        raise CircuitError(
            f"cutoff_dim must be a whole number >= 1, the photon numbers kept; got {cutoff_dim!r}"
        )
    return int(cutoff_dim)
