"""default.mixed without numba: batches of density matrices in numpy; every row runs by its definition.

A density matrix of n wires is a ket of 2n: a gate U acts on its wires w and, conjugate, on n + w; a channel
sum_i K_i rho K_i^dagger is the matrix sum_i K_i (x) conj(K_i) on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Device, Operation, Task
from hybridge_default import PLAIN_MIXED
from hybridge_default.qubit_numpy import Program as Evolution
from hybridge_default.qubit_numpy import evolved, gate

Definition = Callable[..., np.ndarray]


class Program(NamedTuple):
    """A compiled circuit: what happens on twice its wires, and the wires whose density matrices it gives."""

    evolution: Evolution
    wires: tuple[tuple[int, ...], ...]


def _channel(definition: Definition) -> Definition:
    """Kraus operators (..., m, d, d) as one matrix (..., d^2, d^2)."""

    def matrix(*numbers: np.ndarray) -> np.ndarray:
        kraus = np.asarray(definition(*numbers), dtype=complex)
        found = np.einsum("...mij,...mkl->...ikjl", kraus, kraus.conj())
        size = kraus.shape[-1] ** 2
        return found.reshape(*kraus.shape[:-3], size, size)

    return matrix


def _preparation(definition: Definition) -> Definition:
    """A ket, or a density matrix, as the ket of twice as many wires."""

    def ket(*numbers: np.ndarray) -> np.ndarray:
        found = np.asarray(definition(*numbers), dtype=complex)
        return (np.outer(found, found.conj()) if found.ndim == 1 else found).reshape(-1)

    return ket


def _conjugate(definition: Definition) -> Definition:
    return lambda *numbers: np.conj(definition(*numbers))


def _parts(operation: Operation, wires: Sequence[int], n: int) -> list[tuple[Definition, tuple[int, ...]]]:
    """What an operation is on 2n wires, one after another."""
    left, right = tuple(wires), tuple(n + w for w in wires)
    assert operation.definition is not None
    if operation.kind == "gate":
        return [(operation.definition, left), (_conjugate(operation.definition), right)]
    make = _channel if operation.kind == "channel" else _preparation
    return [(make(operation.definition), (*left, *right))]


def _reduced(matrices: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    """(B, 4^n) -> (B, 4^k): those of these wires, in their order, row-major."""
    rest = [w for w in range(n) if w not in wires]
    tensor = matrices.reshape(-1, *(2,) * (2 * n))
    tensor = tensor.transpose(0, *(1 + at + w for at in (0, n) for w in (*wires, *rest)))
    kept, traced = 2 ** len(wires), 2 ** len(rest)
    return np.einsum("bikjk->bij", tensor.reshape(-1, kept, traced, kept, traced)).reshape(len(matrices), -1)


class PlainMixed(Device):
    """Exact density matrices in numpy, complex128: what default.mixed is where numba is not installed."""

    capabilities = PLAIN_MIXED

    def compile(self, circuit: Circuit) -> Program:
        gates, slot, n = [], 0, len(circuit.wires)
        for operation, wires in circuit.instructions:
            stop = slot + len(operation.params)
            for definition, on in _parts(operation, wires, n):
                gates.append(gate(definition, on, slot, stop, 2 * n, operation.kind == "gate"))
            slot = stop
        asked = tuple(m.wires if m.wires is not None else circuit.wires for m in circuit.measurements)
        return Program(Evolution(2 * n, tuple(gates)), asked)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [self._matrices(task.program, task.params) for task in tasks]

    def _matrices(self, program: Program, params: np.ndarray) -> np.ndarray:
        whole, n = evolved(program.evolution, params), program.evolution.n // 2
        every = tuple(range(n))
        return np.hstack([whole if on == every else _reduced(whole, on, n) for on in program.wires])

    def memory(self, num_wires: int) -> int:
        return 3 * 16 * 4**num_wires  # the matrix, the next one, and a transposed copy
