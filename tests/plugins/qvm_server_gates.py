"""The gates that the Lisp QVM knows, as matrices: the first qubit of a gate is the most significant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from pyquil.quilatom import Parameter, substitute
from scipy.linalg import expm

X = np.array([[0, 1], [1, 0]], dtype=complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(complex)
SWAP = np.eye(4, dtype=complex)[[0, 2, 1, 3]]
PAULIS = {"I": np.eye(2, dtype=complex), "X": X, "Y": Y, "Z": Z}


def _turn(pauli: np.ndarray) -> Callable[[float], np.ndarray]:
    return lambda t: np.cos(t / 2) * np.eye(2) - 1j * np.sin(t / 2) * pauli


def _phase_of(which: int, size: int) -> Callable[[float], np.ndarray]:
    return lambda t: np.diag(np.where(np.arange(size) == which, np.exp(1j * t), 1))


def _middle(block: Callable[[float], Any]) -> Callable[[float], np.ndarray]:
    """The block on |01>, |10>; one elsewhere."""

    def matrix(t: float) -> np.ndarray:
        found = np.eye(4, dtype=complex)
        found[1:3, 1:3] = block(t)
        return found

    return matrix


def _last(block: np.ndarray, size: int) -> np.ndarray:
    """The block in the last corner; one elsewhere."""
    found = np.eye(size, dtype=complex)
    found[-len(block) :, -len(block) :] = block
    return found


FIXED: Mapping[str, np.ndarray] = {
    **PAULIS,
    "H": (X + Z) / np.sqrt(2),
    "S": np.diag([1, 1j]),
    "T": np.diag([1, np.exp(0.25j * np.pi)]),
    "CZ": _last(Z, 4),
    "CNOT": _last(X, 4),
    "CCNOT": _last(X, 8),
    "SWAP": SWAP,
    "CSWAP": _last(SWAP, 8),
    "ISWAP": _middle(lambda _: [[0, 1j], [1j, 0]])(0),
}
TURNING: Mapping[str, Callable[[float], np.ndarray]] = {
    "RX": _turn(X),
    "RY": _turn(Y),
    "RZ": _turn(Z),
    "PHASE": _phase_of(1, 2),
    "CPHASE": _phase_of(3, 4),
    "CPHASE00": _phase_of(0, 4),
    "CPHASE01": _phase_of(1, 4),
    "CPHASE10": _phase_of(2, 4),
    "PSWAP": _middle(lambda t: [[0, np.exp(1j * t)], [np.exp(1j * t), 0]]),
    "XY": _middle(lambda t: [[np.cos(t / 2), 1j * np.sin(t / 2)], [1j * np.sin(t / 2), np.cos(t / 2)]]),
}


def defined(definition: Any) -> tuple[int, Callable[..., np.ndarray]]:
    """How many numbers a DEFGATE takes, and its matrix as a function of them."""
    names, specification = definition.parameters, definition.specification
    if specification.is_permutation():
        permuted = np.eye(len(specification.to_permutation()))[:, specification.to_permutation()]
        return 0, lambda: permuted
    if specification.is_pauli_sum():
        return len(names), lambda *values: _of_paulis(specification.to_pauli_sum(), names, values)
    cells = definition.matrix

    def matrix(*values: float) -> np.ndarray:
        known: Any = dict(zip(names, values, strict=True))
        return np.array([[complex(substitute(cell, known)) for cell in row] for row in cells])

    return len(names), matrix


def _of_paulis(total: Any, names: Sequence[Parameter], values: Sequence[float]) -> np.ndarray:
    """exp(-i sum) of the Pauli terms of a DEFGATE."""
    known = {name.name: complex(value) for name, value in zip(names, values, strict=True)}
    size = 2 ** len(total.arguments)
    exponent = np.zeros((size, size), dtype=complex)
    for term in total.terms:
        letters = {argument: str(letter).rpartition(".")[2] for letter, argument in term.arguments}
        factors = [PAULIS[letters.get(argument, "I")] for argument in total.arguments]
        exponent += term.expression.evaluate(known, {}) * reduce(np.kron, factors)
    return expm(-1j * exponent)


def modified(
    matrix: Callable[..., np.ndarray], modifiers: Sequence[str], values: Sequence[float]
) -> np.ndarray:
    """The matrix under DAGGER, CONTROLLED and FORKED, the leftmost of them outermost."""
    if not modifiers:
        return matrix(*values)
    first, *rest = modifiers
    if first == "DAGGER":
        return modified(matrix, rest, values).conj().T
    half = len(values) // 2
    inner = modified(matrix, rest, values[half:] if first == "FORKED" else values)
    other = modified(matrix, rest, values[:half]) if first == "FORKED" else np.eye(len(inner))
    zeros = np.zeros_like(inner)
    return np.block([[other, zeros], [zeros, inner]])


def number(value: Any, memory: Mapping[Any, float]) -> float:
    """A gate's number: itself, or an expression of memory."""
    return complex(substitute(value, memory)).real
