"""default.qubit without numba: batches of state vectors in numpy; every row runs by its definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Device, Task
from hybridge_default import PLAIN_QUBIT


class Gate(NamedTuple):
    """One instruction ready to run: what its matrix is and where it acts."""

    definition: Callable[..., np.ndarray]
    matrix: np.ndarray | None  # (d, d), or the ket (d,) of a preparation; None where the row has parameters
    start: int  # its columns in the parameters
    stop: int
    order: tuple[int, ...]  # of the axes (batch, wires...): the gate's wires behind the batch, then the rest
    back: tuple[int, ...]  # the order that undoes it
    left: int  # 2^(wires before it), for a gate on one wire


class Program(NamedTuple):
    """A compiled circuit: gates over n wires."""

    n: int
    gates: tuple[Gate, ...]


def gate(
    definition: Callable[..., np.ndarray], wires: Sequence[int], start: int, stop: int, n: int, square: bool
) -> Gate:
    """What `definition` gives of the parameters from `start` to before `stop`, on wires of n.

    `square`: it is a matrix; else it may be the ket of a preparation.
    """
    order = (0, *(1 + w for w in wires), *(1 + w for w in range(n) if w not in wires))
    back = tuple(int(axis) for axis in np.argsort(order))
    matrix = None if stop > start else np.asarray(definition(), dtype=complex)
    left = 2 ** wires[0] if len(wires) == 1 and square else 0
    return Gate(definition, matrix, start, stop, order, back, left)


def _applied(matrix: np.ndarray, states: np.ndarray, gate: Gate, n: int) -> np.ndarray:
    """A matrix (..., d, d) or ket (d,) on states (B, 2^n); a leading axis of a matrix is the batch."""
    batch, d = len(states), matrix.shape[-1]
    if gate.left:  # one wire: its axis comes into the middle by reshaping, without a transposition
        tensor = states.reshape(batch, gate.left, 2, -1)
        return np.matmul(matrix if matrix.ndim == 2 else matrix[:, None], tensor).reshape(batch, -1)
    if d == 1:  # a global phase
        return states * matrix.reshape(-1, 1)
    tensor = states.reshape(batch, *(2,) * n).transpose(gate.order)
    if matrix.ndim == 1:  # a preparation: its wires are in |0..0> still
        product = matrix[:, None] * tensor.reshape(batch, d, -1)[:, :1]
    else:
        product = np.matmul(matrix, tensor.reshape(batch, d, -1))
    return product.reshape(tensor.shape).transpose(gate.back).reshape(batch, -1)


def evolved(program: Program, params: np.ndarray) -> np.ndarray:
    """params (B, P) -> states (B, 2^n), from |0...0>."""
    states = np.zeros((len(params), 2**program.n), dtype=complex)
    states[:, 0] = 1
    single = len(params) == 1
    for gate in program.gates:
        matrix = gate.matrix
        if matrix is None:
            at = slice(gate.start, gate.stop)
            numbers: Any = params[0, at] if single else params[:, at].T
            matrix = gate.definition(*numbers)
        states = _applied(matrix, states, gate, program.n)
    return states


class PlainQubit(Device):
    """Exact state vectors in numpy, complex128: what default.qubit is where numba is not installed."""

    capabilities = PLAIN_QUBIT

    def compile(self, circuit: Circuit) -> Program:
        gates, slot, n = [], 0, len(circuit.wires)
        for operation, wires in circuit.instructions:
            stop = slot + len(operation.params)
            gates.append(gate(operation.definition, wires, slot, stop, n, operation.kind == "gate"))
            slot = stop
        return Program(n, tuple(gates))

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [evolved(task.program, task.params) for task in tasks]

    def memory(self, num_wires: int) -> int:
        return 3 * 16 * 2**num_wires  # the state, the next one, and a transposed copy
