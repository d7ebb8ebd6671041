"""Qubit circuits as matrices over all wires, written out with kron; wire 0 most significant."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from hybridge.circuit import Circuit
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import Affine, Operation, Wires

PAULI = {
    "I": np.array([[1, 0], [0, 1]]),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]]),
}
# columns: the +1 and the -1 eigenvector
BASES = {
    "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "Y": np.array([[1, 1], [1j, -1j]]) / np.sqrt(2),
    "Z": np.eye(2),
}


def embedded(matrix: np.ndarray, wires: Sequence[Hashable], order: Sequence[Hashable]) -> np.ndarray:
    """The matrix on `wires` as one over `order`: kron with the identity, then every bit in its place."""
    rest = [w for w in order if w not in wires]
    wide = np.kron(matrix, np.eye(2 ** len(rest)))  # over (*wires, *rest)
    places = [list(order).index(w) for w in (*wires, *rest)]
    n = len(order)
    moved = [sum((b >> (n - 1 - at) & 1) << (n - 1 - k) for k, at in enumerate(places)) for b in range(2**n)]
    return wide[np.ix_(moved, moved)]


def kraus(operation: Operation, numbers: Sequence[float]) -> list[np.ndarray]:
    """The operation on its own wires as sum_i K_i rho K_i^dagger; a preparation starts from |0...0>."""
    if operation.kind == "marker":
        return []
    if operation.definition is None:
        return [_composed(operation, numbers)]
    found = np.asarray(operation.definition(*numbers), dtype=complex)
    if operation.kind == "gate":
        return [found]
    if operation.kind == "channel":
        return list(found)
    ground = np.eye(len(found))[0]
    if found.ndim == 1:
        return [np.outer(found, ground)]
    values, vectors = np.linalg.eigh(found)
    return [np.sqrt(max(v, 0.0)) * np.outer(ket, ground) for v, ket in zip(values, vectors.T, strict=True)]


def _composed(operation: Operation, numbers: Sequence[float]) -> np.ndarray:
    """The matrix of a gate that is defined by its decomposition."""
    order: Wires = tuple(range(operation.num_wires))
    given = dict(zip(operation.params, numbers, strict=True))
    total = np.eye(2 ** len(order), dtype=complex)
    assert operation.decomposition is not None  # it has no definition
    for part, wires, params in operation.decomposition(*order):
        values = [p.scale * given[p.name] + p.offset if isinstance(p, Affine) else p for p in params]
        for matrix in kraus(part, values):
            total = embedded(matrix, wires, order) @ total
    return total


class QubitState:
    """A state over `order`, wires and then bits: `ket` (2^n,) where it is pure, and `rho` (2^n, 2^n).

    `share` is how many of all runs are in it, where some are selected.
    """

    def __init__(self, order: Wires, ket: np.ndarray | None, rho: np.ndarray | None, share: float = 1.0):
        self.order, self.ket, self.share = order, ket, share
        self.rho = np.outer(ket, ket.conj()) if ket is not None else np.asarray(rho)

    def state(self) -> np.ndarray:
        """(2^n,), its phase included."""
        if self.ket is None:
            raise ValueError("the state is mixed")
        return self.ket

    def density_matrix(self, wires: Sequence[Hashable]) -> np.ndarray:
        """(2^k, 2^k), wires[0] most significant: every element a sum over the other wires."""
        rest = [w for w in self.order if w not in wires]
        found = np.zeros((2 ** len(wires),) * 2, dtype=complex)
        for r in range(2 ** len(rest)):
            spectator = np.eye(2 ** len(rest))[[r]]
            pick = _arranged(np.kron(np.eye(2 ** len(wires)), spectator), (*wires, *rest), self.order)
            found += pick @ self.rho @ pick.T
        return found

    def probs(self, wires: Sequence[Hashable], observable: Any = None) -> np.ndarray:
        """(2^k,), wires[0] most significant; of an observable's eigenvectors: +1 first, or ascending."""
        if observable is None:
            return self.density_matrix(wires).diagonal().real
        wires, _, vectors = eigenbasis(observable)
        rho = self.density_matrix(wires)
        return np.array([(v.conj() @ rho @ v).real for v in vectors.T])

    def distribution(self, observable: Any) -> tuple[np.ndarray, np.ndarray]:
        """The observable's outcomes and their probabilities, (d,) each."""
        wires = tuple(observable.wires) or self.order[:1]
        values, vectors = np.linalg.eigh(matrix(observable, wires))
        rho = self.density_matrix(wires)
        return values, np.array([(v.conj() @ rho @ v).real for v in vectors.T])

    def expval(self, observable: Any) -> float:
        return float(np.trace(matrix(observable, self.order) @ self.rho).real)

    def var(self, observable: Any) -> float:
        whole = matrix(observable, self.order)
        return float(np.trace(whole @ whole @ self.rho).real - np.trace(whole @ self.rho).real ** 2)


def qubit_state(circuit: Circuit, numbers: Sequence[float]) -> QubitState:
    """The final state of a circuit that measures nothing on its way."""
    order = circuit.wires
    ket: np.ndarray | None = np.eye(2 ** len(order), dtype=complex)[0]
    rho: np.ndarray | None = None
    used = 0
    for operation, wires in circuit.instructions:
        own = numbers[used : used + operation.arity]
        used += operation.arity
        found = [embedded(k, wires, order) for k in kraus(operation, own)]
        if not found:
            continue
        if ket is not None and len(found) == 1:
            ket = found[0] @ ket
            continue
        rho = np.outer(ket, ket.conj()) if ket is not None else rho
        ket, rho = None, sum(k @ rho @ k.conj().T for k in found)
    return QubitState(order, ket, rho)


def _arranged(pick: np.ndarray, wires: Sequence[Hashable], order: Sequence[Hashable]) -> np.ndarray:
    """Columns over `wires` in the order of `order`."""
    n = len(order)
    places = [list(order).index(w) for w in wires]
    moved = [sum((b >> (n - 1 - at) & 1) << (n - 1 - k) for k, at in enumerate(places)) for b in range(2**n)]
    return pick[:, moved]


def matrix(observable: Any, order: Sequence[Hashable]) -> np.ndarray:
    """An observable's matrix over `order`."""
    if not isinstance(observable, Sentence):
        local = observable.local if isinstance(observable.local, np.ndarray) else observable.local.toarray()
        return embedded(local, observable.wires, order)
    total = np.zeros((2 ** len(order),) * 2, dtype=complex)
    for word, coefficient in observable.terms.items():
        letters = dict(word)
        term: np.ndarray = np.eye(1)
        for w in order:
            term = np.kron(term, PAULI[letters.get(w, "I")])
        total += coefficient * term
    return total


def eigenbasis(observable: Any) -> tuple[Wires, np.ndarray, np.ndarray]:
    """Wires in the observable's order, eigenvalues, eigenvectors (columns) of one Pauli word, or a matrix."""
    if not isinstance(observable, Sentence):
        return observable.wires, *np.linalg.eigh(matrix(observable, observable.wires))
    (word,) = observable.terms
    letters = dict(word)
    signs = [np.array([1.0, -1.0 if w in letters else 1.0]) for w in observable.wires]
    vectors = reduce(np.kron, [BASES[letters.get(w, "Z")] for w in observable.wires])
    return observable.wires, reduce(np.kron, signs), vectors
