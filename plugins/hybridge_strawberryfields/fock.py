"""strawberryfields.fock, every row of a batch on a fresh simulator, as SF has no batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import (
    Circuit,
    Device,
    FockModes,
    FockReading,
    Task,
    UnsupportedCircuit,
    available,
    check_cutoff,
    fock_cotangent,
    fock_reading,
    human,
    warn_of_leak,
)
from hybridge_strawberryfields import FOCK
from hybridge_strawberryfields.backends import FockBackend, forget_matrices
from hybridge_strawberryfields.fock_sweep import swept, taped
from hybridge_strawberryfields.translate import Recipe, translate

COMPLEX = 16  # bytes
FORGET_AFTER_RUN = 15  # the cutoff from which 128 remembered gate matrices take more than 100 MB
FORGET_AFTER_ROW = 20  # ... and more than 330 MB; below, rows that share a parameter share its matrix


class Program(NamedTuple):
    """A circuit as calls of the simulator, and what is read from the state they leave."""

    recipe: Recipe
    readings: tuple[FockReading, ...]

    @property
    def num_wires(self) -> int:
        return len(self.recipe.circuit.wires)

    def native(self) -> str:
        """The circuit as Blackbird text, its numbers the free parameters {p0}, {p1}, ..."""
        return self.recipe.native()

    def width(self, cutoff: int) -> int:
        """The number of columns."""
        return sum(reading.width(cutoff, self.num_wires) for reading in self.readings)


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
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Program:
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
        readings = tuple(
            fock_reading(m.kind, m.observable, range(n) if m.wires is None else m.wires)
            for m in circuit.measurements
        )
        return Program(translate(circuit, "fock", self.cutoff_dim), readings)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task (batch, columns): complex beside a state."""
        try:
            return [self._rows(task.program, task.params) for task in tasks]
        finally:
            if self.cutoff_dim >= FORGET_AFTER_RUN:
                forget_matrices()

    def _rows(self, program: Program, params: np.ndarray) -> np.ndarray:
        found = [self._row(program, numbers) for numbers in program.recipe.numbers(params)]
        return np.array(found).reshape(len(params), program.width(self.cutoff_dim))

    def _row(self, program: Program, numbers: list[float]) -> np.ndarray:
        simulator = self._simulator(program)
        program.recipe.apply(numbers, simulator)
        if self.cutoff_dim >= FORGET_AFTER_ROW:
            forget_matrices()
        return self._read(program, self._modes(program, simulator))[0]

    def _simulator(self, program: Program) -> FockBackend:
        simulator = FockBackend()
        simulator.begin_circuit(program.num_wires, cutoff_dim=self.cutoff_dim)
        return simulator

    def _modes(self, program: Program, simulator: FockBackend) -> FockModes:
        state, hidden = simulator.array(), np.array([simulator.hidden])
        if state.ndim == program.num_wires:
            return FockModes(state[None], None, hidden)
        if any(m.kind == "state" for m in program.recipe.circuit.measurements):
            raise UnsupportedCircuit(
                self.name, "this circuit to a ket: it is mixed", "ask for density_matrix"
            )
        return FockModes(None, state[None], hidden)

    def _read(self, program: Program, modes: FockModes) -> np.ndarray:
        """(1, columns)."""
        if not any(
            reading.gives_state for reading in program.readings
        ):  # of a state the core judges the norm
            warn_of_leak(modes, self.name)
        return np.concatenate([reading.columns(modes) for reading in program.readings], axis=1)

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        """By a sweep back through the states before each call; DeviceError if they do not fit into memory."""
        return self.value_and_vjp(task, cotangent)[1]

    def value_and_vjp(self, task: Task, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both from one pass."""
        program, recipe = task.program, task.program.recipe
        values, found = [], np.zeros((len(task.params), len(recipe.affine)))
        try:
            for i, numbers in enumerate(recipe.numbers(task.params)):
                steps = taped(recipe, numbers, simulator := self._simulator(program))
                modes = self._modes(program, simulator)
                values.append(self._read(program, modes)[0])
                back = fock_cotangent(program.readings, modes, cotangent[i : i + 1])[0]
                found[i] = swept(steps, back, program.num_wires, len(recipe.affine))
                if self.cutoff_dim >= FORGET_AFTER_ROW:
                    forget_matrices()
        finally:
            if self.cutoff_dim >= FORGET_AFTER_RUN:
                forget_matrices()
        return np.array(values).reshape(len(values), program.width(self.cutoff_dim)), recipe.slots(found)

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak, while its state is a ket."""
        return self._bytes(num_wires, num_wires)

    def _bytes(self, axes: int, num_wires: int) -> int:
        """Three arrays of C^axes numbers (state, copy, result), and two gate matrices."""
        return COMPLEX * (3 * self.cutoff_dim**axes + 2 * self.cutoff_dim ** (2 * min(num_wires, 2)))
