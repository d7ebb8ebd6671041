"""strawberryfields.bosonic, every row of a batch on a fresh simulator, as SF has no batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.plugin import Circuit, Device, Task, check_cutoff
from hybridge_strawberryfields import BOSONIC
from hybridge_strawberryfields.bosonic_backend import BosonicBackend
from hybridge_strawberryfields.translate import Recipe, translate


class SFBosonic(Device):
    """Strawberry Fields' bosonic simulator: cats and GKP states through Gaussian operations, exact.

    cutoff_dim: photon numbers 0..cutoff_dim-1 in probabilities; the simulation has no cutoff.
    """

    capabilities = BOSONIC
    name = "strawberryfields.bosonic"

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int = 10
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Recipe:
        """The circuit as calls of the simulator."""
        return translate(circuit, "bosonic")

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task (batch, (2n)^2 + K (1 + 2n)) complex, K the most Gaussians a row has."""
        return [self._rows(task.program, task.params) for task in tasks]

    def _rows(self, recipe: Recipe, params: np.ndarray) -> np.ndarray:
        found = [self._row(recipe, numbers) for numbers in recipe.numbers(params)]
        n = len(recipe.circuit.wires)
        width = max(map(len, found), default=4 * n * n + 1 + 2 * n)
        out = np.zeros((len(found), width), dtype=complex)
        for row, own in zip(out, found, strict=True):
            row[: len(own)] = own
        return out

    def _row(self, recipe: Recipe, numbers: list[float]) -> np.ndarray:
        simulator = BosonicBackend()
        simulator.begin_circuit(len(recipe.circuit.wires))
        recipe.apply(numbers, simulator)
        return simulator.mixture()
