"""default.qubit: batches of state vectors in plain numpy; every row runs by its definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Device, Operation, Task
from hybridge_default import QUBIT


class Gate(NamedTuple):
    """One instruction ready to run: where it acts and what its matrix is."""

    wires: tuple[int, ...]
    start: int  # its first column in the parameters
    stop: int
    definition: Callable[..., np.ndarray]
    matrix: np.ndarray | None  # where the row has no parameters


class Program(NamedTuple):
    """A compiled circuit: gates over n wires."""

    n: int
    gates: tuple[Gate, ...]


def _matrix(operation: Operation) -> np.ndarray:
    """The constant matrix of a parameterless row; a preparation maps |0..0> to its ket."""
    found = np.asarray(operation.definition(), dtype=complex)
    if operation.kind == "state":
        isometry = np.zeros((len(found), len(found)), dtype=complex)
        isometry[:, 0] = found
        return isometry
    return found


def apply(matrix: np.ndarray, states: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    """(…, d, d) on these wires of states (B, 2^n); a leading axis of the matrix pairs with the batch."""
    batch = len(states)
    if len(wires) == 1:  # no transposition: the wire's axis is moved into the middle by reshaping
        left = 2 ** wires[0]
        tensor = states.reshape(batch, left, 2, -1)
        out = np.matmul(matrix if matrix.ndim == 2 else matrix[:, None], tensor)
        return out.reshape(batch, -1)
    front = [1 + w for w in wires]
    order = [0, *front, *(1 + w for w in range(n) if w not in wires)]
    tensor = states.reshape(batch, *(2,) * n).transpose(order)
    out = np.matmul(matrix, tensor.reshape(batch, 2 ** len(wires), -1)).reshape(tensor.shape)
    return out.transpose(np.argsort(order)).reshape(batch, -1)


class DefaultQubit(Device):
    """Exact state vectors in numpy, complex128; samples are drawn from them with the device's seed."""

    capabilities = QUBIT

    def compile(self, circuit: Circuit) -> Program:
        gates, slot = [], 0
        for operation, wires in circuit.instructions:
            stop = slot + len(operation.params)
            matrix = None if operation.params else _matrix(operation)
            gates.append(Gate(wires, slot, stop, operation.definition, matrix))
            slot = stop
        return Program(len(circuit.wires), tuple(gates))

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [self._states(task.program, task.params) for task in tasks]

    def _states(self, program: Program, params: np.ndarray) -> np.ndarray:
        states = np.zeros((len(params), 2**program.n), dtype=complex)
        states[:, 0] = 1
        single = len(params) == 1
        for wires, start, stop, definition, matrix in program.gates:
            if matrix is None:
                numbers: Any = params[0, start:stop] if single else params[:, start:stop].T
                matrix = definition(*numbers)
            if wires:
                states = apply(matrix, states, wires, program.n)
            else:  # a global phase
                states = states * np.reshape(matrix, (-1, 1))
        return states

    def memory(self, num_wires: int) -> int:
        return 3 * 16 * 2**num_wires  # the state, the next one, and a transposed copy
