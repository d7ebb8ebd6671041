"""The devices cirq.simulator and cirq.density_matrix."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np

from hybridge.plugin import Circuit, Device, DeviceError, Task
from hybridge_cirq import DENSITY_MATRIX, SIMULATOR
from hybridge_cirq.program import Program, make_program

DTYPES = {"complex64": np.complex64, "complex128": np.complex128}


class _Cirq(Device):
    """A simulator of Cirq: each row of a task is one circuit of numbers, simulated once.

    The core draws shots from the state that a circuit ends in, and puts off what is measured inside: for that
    Cirq would simulate every shot by itself.
    """

    mixed: bool
    simulator: Any  # Cirq's class

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        dtype: str = "complex128",
    ):
        super().__init__(wires, shots, seed)
        if dtype not in tuple(DTYPES):  # whatever its type
            raise DeviceError(f"device {self.name!r} has the dtypes {', '.join(DTYPES)}; got {dtype!r}")
        self._dtype = DTYPES[dtype]
        self.precision = float(np.finfo(self._dtype).eps)

    def compile(self, circuit: Circuit) -> Program:
        """The circuit's steps; `program.native()` is Cirq's own drawing of it."""
        return make_program(circuit)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task (batch, 2^n), or (batch, columns of density matrices)."""
        return [self._states(task) for task in tasks]

    def _states(self, task: Task) -> np.ndarray:
        simulator = self.simulator(dtype=self._dtype)
        rows = [self._final(task.program, simulator, numbers) for numbers in task.params.tolist()]
        return np.array([self._read(task.program, state) for state in rows]).reshape(len(task.params), -1)

    def _final(self, program: Program, simulator: Any, numbers: Sequence[float]) -> np.ndarray:
        start = program.start(self.mixed).astype(self._dtype)
        circuit, qubits = program.circuit(numbers), program.qubits
        return self._state_of(simulator.simulate(circuit, qubit_order=qubits, initial_state=start))

    @abstractmethod
    def _state_of(self, result: Any) -> np.ndarray:
        """What the simulation ended in: a ket (2^n,), or a density matrix (2^n, 2^n)."""

    @abstractmethod
    def _read(self, program: Program, state: np.ndarray) -> np.ndarray:
        """The columns of one row: the measurements side by side."""


class CirqSimulator(_Cirq):
    """Cirq's Simulator: kets. Options:

    dtype   "complex128" or "complex64"
    """

    capabilities = SIMULATOR
    name = "cirq.simulator"
    mixed = False
    simulator = cirq.Simulator

    def _state_of(self, result: Any) -> np.ndarray:
        return result.final_state_vector

    def _read(self, program: Program, state: np.ndarray) -> np.ndarray:
        return np.tile(state.astype(complex), len(program.measurements))

    def memory(self, num_wires: int) -> int:
        """Bytes of a row at its peak: the initial state, the state, and a gate's result."""
        return 3 * 16 * 2**num_wires


class CirqDensityMatrix(_Cirq):
    """Cirq's DensityMatrixSimulator: density matrices, with channels. Options:

    dtype   "complex128" or "complex64"
    """

    capabilities = DENSITY_MATRIX
    name = "cirq.density_matrix"
    mixed = True
    simulator = cirq.DensityMatrixSimulator

    def _state_of(self, result: Any) -> np.ndarray:
        return result.final_density_matrix

    def _read(self, program: Program, state: np.ndarray) -> np.ndarray:
        n = program.num_wires
        found = [_reduced(state.astype(complex), m.wires, n) for m in program.measurements]
        return np.concatenate([matrix.reshape(-1) for matrix in found])

    def memory(self, num_wires: int) -> int:
        """Bytes of a row at its peak: the initial state, the state, and the buffers of a channel."""
        return 5 * 16 * 4**num_wires


def _reduced(matrix: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    """(2^n, 2^n) -> (2^k, 2^k) of these wires in their order."""
    tensor = cirq.partial_trace(matrix.reshape((2,) * (2 * n)), sorted(wires))
    k, place = len(wires), [sorted(wires).index(w) for w in wires]
    return tensor.transpose([*place, *(k + p for p in place)]).reshape(2**k, 2**k)
