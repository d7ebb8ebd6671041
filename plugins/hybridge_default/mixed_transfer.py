"""Operations as real matrices on Pauli coefficients: what default.mixed runs.

A state rho of n wires is the real vector of its 4^n Pauli coefficients tr(P rho), the words P numbered in
base 4 by their letters I, X, Y, Z, wire 0 most significant. An operation sum_i K_i rho K_i^dagger is then the
real matrix R[P, Q] = 2^-k sum_i tr(P K_i Q K_i^dagger), a gate's is orthogonal (Pauli transfer matrix:
Greenbaum, arXiv:1509.02921, eq. 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Operation, Trig
from hybridge_default.mixed_functions import CHANNELS, FUNCTIONS

LETTERS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
CLEAN = 2e-12  # entries nearer to a multiple of 1/8 are that multiple, but for rounding
WRONG = 1e-11  # more than rounding
MAX_FREQUENCIES = 8  # of a gate whose matrix is fitted


class Term(NamedTuple):
    """A function of some of an operation's parameters, each times `scale`, and the matrix of each value."""

    function: str
    parameters: tuple[int, ...]
    scale: float
    matrices: tuple[np.ndarray, ...]


class Form(NamedTuple):
    """A real matrix (4^k, 4^k) as a function of parameters: the constant, and sums of functions."""

    constant: np.ndarray
    terms: tuple[Term, ...] = ()


@lru_cache(maxsize=8)
def words(k: int) -> np.ndarray:
    """(4^k, 2^k, 2^k): the Pauli words on k wires, in order."""
    empty = np.ones((1, 1, 1), complex)

    def joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        found = np.einsum("pij,qkl->pqikjl", a, b)
        size = a.shape[1] * b.shape[1]
        return found.reshape(-1, size, size)

    return reduce(joined, [LETTERS] * k, empty)


def transfer(kraus: np.ndarray) -> np.ndarray:
    """Kraus operators (..., m, 2^k, 2^k) -> (..., 4^k, 4^k) real."""
    size = kraus.shape[-1]
    basis = words(size.bit_length() - 1)
    wide = kraus[..., None, :, :]
    moved = (wide @ basis @ wide.conj().swapaxes(-1, -2)).sum(axis=-4)  # (..., 4^k, 2^k, 2^k)
    flat = moved.reshape(*moved.shape[:-2], -1) @ basis.swapaxes(-1, -2).reshape(len(basis), -1).T
    return np.ascontiguousarray(flat.real.swapaxes(-1, -2)) / size


def coefficients(matrix: np.ndarray) -> np.ndarray:
    """(..., 2^k, 2^k) Hermitian -> (..., 4^k): tr(P matrix), wire by wire."""
    return _by_wires(matrix, LETTERS.swapaxes(-1, -2))  # tr(P A) = sum over i, j of P[j, i] A[i, j]


def _by_wires(matrix: np.ndarray, letters: np.ndarray) -> np.ndarray:
    k = matrix.shape[-1].bit_length() - 1
    lead = matrix.shape[:-2]
    found = matrix.reshape(-1, *(2,) * (2 * k))
    for left in range(k, 0, -1):
        found = np.tensordot(found, letters, axes=((1, 1 + left), (1, 2)))
    return np.ascontiguousarray(found.reshape(*lead, 4**k).real)


def matrices(coefficient: np.ndarray) -> np.ndarray:
    """(B, 4^k) -> density matrices (B, 2^k, 2^k): 2^-k sum over P of c_P P, wire by wire."""
    batch, k = len(coefficient), (coefficient.shape[-1].bit_length() - 1) // 2
    found: np.ndarray = coefficient.reshape(batch, *(4,) * k)
    for _ in range(k):
        found = np.tensordot(found, LETTERS / 2, axes=((1,), (0,)))
    order = (0, *(1 + 2 * w for w in range(k)), *(2 + 2 * w for w in range(k)))
    return found.transpose(order).reshape(batch, 2**k, 2**k)


def at(operation: Operation, *numbers: Any) -> np.ndarray:
    """The matrix of a gate or channel at these numbers; arrays (B,) of them give (B, 4^k, 4^k)."""
    assert operation.definition is not None
    found = np.asarray(operation.definition(*numbers), dtype=complex)
    return transfer(found if operation.kind == "channel" else found[..., None, :, :])


def shown(found: Form, numbers: Sequence[float]) -> np.ndarray:
    """The matrix of a form at these numbers."""
    total = found.constant.copy()
    for term in found.terms:
        values = FUNCTIONS[term.function].values(*(term.scale * numbers[p] for p in term.parameters))
        for value, matrix in zip(values, term.matrices, strict=True):
            total += value * matrix
    return total


@lru_cache(maxsize=512)
def form(operation: Operation) -> Form | None:
    """The form of a gate or channel; None where its matrix is no sum of few known functions."""
    if not operation.params:
        return Form(_cleaned(at(operation)))
    shapes = _shapes(operation)
    if shapes is None:
        return None
    count = 2 * (1 + sum(len(FUNCTIONS[name].outputs) for name, *_ in shapes)) + 3
    points = _points(operation, count)
    columns = [np.ones(count)]
    for name, parameters, scale in shapes:
        columns += FUNCTIONS[name].values(*(scale * points[:, p] for p in parameters))
    samples = np.array([at(operation, *point) for point in points])
    solved = np.linalg.lstsq(np.stack(columns, axis=1), samples.reshape(count, -1), rcond=None)[0]
    solved = _cleaned(solved.reshape(-1, *samples.shape[1:]))
    terms, start = [], 1
    for name, parameters, scale in shapes:
        stop = start + len(FUNCTIONS[name].outputs)
        terms.append(Term(name, parameters, scale, tuple(solved[start:stop])))
        start = stop
    found = Form(solved[0], tuple(terms))
    scale = 1 + max((scale for _, _, scale in shapes), default=0)
    wrong = max(np.abs(shown(found, p) - m).max() for p, m in zip(points, samples, strict=True))
    return found if wrong < WRONG * scale else None


def _shapes(operation: Operation) -> list[tuple[str, tuple[int, ...], float]] | None:
    """The functions a row's matrix is made of: (function, parameters, scale)."""
    if operation.name in CHANNELS:
        return [
            (name, tuple(operation.params.index(p) for p in parameters), 1.0)
            for name, *parameters in CHANNELS[operation.name]
        ]
    if operation.kind == "channel":
        return [("number", (i,), 1.0) for i in range(operation.arity)]  # what `form` checks
    spectrum = operation.spectrum[0]
    if operation.arity != 1 or not isinstance(spectrum, Trig) or len(spectrum) > MAX_FREQUENCIES:
        return None
    return [("turn", (0,), w) for w in spectrum]


# between these the numbers of a channel are generic and allowed, together too
RANGES = {"t1": (0.5, 0.9), "t2": (0.3, 0.95), "tg": (0.05, 0.9)}
ANGLES = (-9.0, 9.0)


def _points(operation: Operation, count: int) -> np.ndarray:
    """Generic numbers (count, arity), irregular and always the same."""
    rng = np.random.default_rng(5)
    share = 0.9 / max(1, operation.arity)
    usual = (0.02, share) if operation.kind == "channel" else ANGLES
    return np.stack([rng.uniform(*RANGES.get(p, usual), count) for p in operation.params], axis=1)


def _cleaned(found: np.ndarray) -> np.ndarray:
    """Rounding taken off: entries are sums of a few 1, 1/2, 1/4 ... of the definition's."""
    near = np.round(found * 8) / 8
    return np.where(np.abs(found - near) < CLEAN, near, found) + 0.0
