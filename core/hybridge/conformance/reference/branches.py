"""Circuits that measure on their way, branch by branch: each pattern of outcomes has a matrix of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.circuit import Circuit
from hybridge.conformance.reference.qubit import QubitState, embedded, kraus
from hybridge.operations.measuring import Bit, condition, measured

Branch = tuple[dict[int, int], np.ndarray]  # what the bits read, and the state times its probability


def branched(circuit: Circuit, numbers: Sequence[float]) -> QubitState:
    """The mixture of all branches on the wires and, after them, the classical bits; selected ones only.

    Its trace is 1, whatever part of the runs was selected.
    """
    order = circuit.wires
    start = np.zeros((2 ** len(order),) * 2, dtype=complex)
    start[0, 0] = 1
    branches: list[Branch] = [({}, start)]
    used = 0
    for operation, wires in circuit.instructions:
        own = numbers[used : used + operation.arity]
        used += operation.arity
        if operation.kind == "measure":
            bit, reset, postselect = measured(operation)
            outcomes = (0, 1) if postselect is None else (postselect,)
            after = [np.outer(np.eye(2)[0 if reset else v], np.eye(2)[v]) for v in (0, 1)]
            branches = [
                ({**read, bit: v}, _by([embedded(after[v], wires, order)], rho))
                for read, rho in branches
                for v in outcomes
            ]
            continue
        acting, at = operation, None
        if operation.kind == "conditional":
            acting, bits, at = condition(operation)
        found = [embedded(k, wires, order) for k in kraus(acting, own)]
        branches = [
            (read, _by(found, rho) if found and (at is None or tuple(read[b] for b in bits) in at) else rho)
            for read, rho in branches
        ]
    return _mixture(order, branches)


def _by(operators: Sequence[np.ndarray], rho: np.ndarray) -> np.ndarray:
    return np.sum([k @ rho @ k.conj().T for k in operators], axis=0)


def _mixture(order: Sequence[object], branches: Sequence[Branch]) -> QubitState:
    bits = sorted(branches[0][0])
    total = sum(float(np.trace(rho).real) for _, rho in branches)
    size = 2 ** len(bits)
    whole = np.zeros((2 ** len(order) * size,) * 2, dtype=complex)
    for read, rho in branches:
        place = int("0" + "".join(str(read[b]) for b in bits), 2)
        classical = np.zeros((size, size))
        classical[place, place] = 1
        whole += np.kron(rho, classical)
    return QubitState((*order, *map(Bit, bits)), None, whole / total, total)
