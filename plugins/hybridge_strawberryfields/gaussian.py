"""strawberryfields.gaussian, every row of a batch on a fresh simulator, as SF has no batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.plugin import Circuit, Device, Task, check_cutoff
from hybridge_strawberryfields import GAUSSIAN
from hybridge_strawberryfields.backends import GaussianBackend
from hybridge_strawberryfields.translate import Recipe, translate


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
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Recipe:
        """The circuit as calls of the simulator."""
        return translate(circuit, "gaussian")

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
