"""Sample circuits of qubits, without symmetry."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np

from hybridge.circuit import expval, probs, var
from hybridge.conformance.models import Model
from hybridge.observables.qubit import Hermitian
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, RY, RZ, X, Y, Z

Wires = Sequence[Hashable]
LETTERS = {"X": X, "Y": Y, "Z": Z}


def prepare(wires: Wires) -> None:
    """A product of different states on every wire, then entangled: no symmetry is left."""
    for k, w in enumerate(wires):
        RY(0.5 + 0.37 * k, wires=w)
        RZ(0.4 - 0.53 * k, wires=w)
        RX(0.3 + 0.21 * k, wires=w)
    for a, b in pairwise(wires):
        CNOT([a, b])
        RY(0.45, wires=b)


def scramble(wires: Wires) -> None:
    """What turns phases into probabilities."""
    for k, w in enumerate(wires):
        RX(0.7 - 0.31 * k, wires=w)
        RY(0.6 + 0.17 * k, wires=w)
    for a, b in pairwise(wires[::-1]):
        CNOT([a, b])


def paulis(wires: Wires, pairs: bool = True) -> list[Any]:
    """Expectation values of every Pauli on one wire, and on two."""
    found = [expval(LETTERS[s](w)) for w in wires for s in "XYZ"]
    if pairs:
        found += [
            expval(LETTERS[s](a) @ LETTERS[t](b))
            for a, b in combinations(wires, 2)
            for s, t in product("XYZ", repeat=2)
        ]
    return found


def hermitian(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (matrix + matrix.conj().T) / np.sqrt(8 * size)


def ket(size: int, seed: int) -> np.ndarray:
    ket = hermitian(size, seed)[:, 0]
    return ket / np.linalg.norm(ket)


def _rotations(x: Any, w: Wires) -> None:
    prepare(w)
    RX(x[0], wires=w[0])
    CNOT([w[0], w[1]])
    RY(x[1], wires=w[1])
    CNOT([w[-1], w[0]])
    RZ(x[2], wires=w[-1])
    scramble(w)


def _values(x: Any, w: Wires) -> Any:
    _rotations(x, w)
    return expval(X(w[0]) + 2 * Z(w[1]) @ Y(w[2]) - 0.3), var(Z(w[2]) @ X(w[0])), expval(Z(w[1]))


def _probabilities(x: Any, w: Wires) -> Any:
    _rotations(x, w)
    return [probs(wires=[w[1], w[0]]), probs(wires=w[1])]


def _matrices(x: Any, w: Wires) -> Any:
    _rotations(x, w)
    return expval(Hermitian(hermitian(4, 7), [w[2], w[0]])), var(Hermitian(hermitian(2, 8), w[1])), probs()


MODELS = (
    Model("values", _values, (0.31, -0.74, 1.2), 3),
    Model("probabilities", _probabilities, (0.9, 0.35, -0.4), 2),
    Model("matrices", _matrices, (-0.5, 1.31, 0.8), 3),
)
