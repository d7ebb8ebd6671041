"""Complex symmetric matrices as U diag(s) U^T, and what they say of Gaussian transformations."""

from __future__ import annotations

import numpy as np

ROUNDING = 1e-12  # of the largest singular value; below, a value is 0


def takagi(symmetric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s (k,) >= 0 in descending order and a unitary U (k, k) with U diag(s) U^T = A, A (k, k) symmetric.

    A conj(u) = s u is a real symmetric eigenproblem for the real and imaginary parts of u, whose eigenvalues
    come as +s and -s (u and i u); equal values need no care. Autonne-Takagi: Horn and Johnson, Matrix
    Analysis, 4.4.4.

    >>> takagi(np.array([[0, 2j], [2j, 0]]))[0].round(6).tolist()
    [2.0, 2.0]
    """
    A = np.asarray(symmetric, dtype=complex)
    k = len(A)
    values, vectors = np.linalg.eigh(np.block([[A.real, A.imag], [A.imag, -A.real]]))
    s = values[::-1][:k]
    U = (vectors[:k] + 1j * vectors[k:])[:, ::-1][:, :k]
    rank = int((s > ROUNDING * max(s[0], 1e-300)).sum())
    if rank < k:  # vectors of 0 may be multiples of one another: any basis of the rest serves
        U = np.concatenate([U[:, :rank], np.linalg.svd(U[:, :rank])[0][:, rank:]], axis=1)
        s = np.where(np.arange(k) < rank, s, 0.0)
    return s, U


def euler(S: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unitary V, squeezings r (k,), unitary U: S is V, then squeezers x -> e^{-r} x, then U (Bloch-Messiah).

    S = P O with P = (S S^T)^(1/2) and O orthogonal. The logarithm of P is [[A, B], [B, -A]], and the Takagi
    form of A + i B turns it into squeezers.
    """
    k = len(S) // 2
    values, vectors = np.linalg.eigh(S @ S.T)
    log = (vectors * np.log(values) / 2) @ vectors.T
    s, U = takagi(log[:k, :k] + 1j * log[:k, k:])
    orthogonal = (vectors / np.sqrt(values)) @ vectors.T @ S
    return U.conj().T @ (orthogonal[:k, :k] + 1j * orthogonal[k:, :k]), -s, U


def passive(u: np.ndarray) -> np.ndarray:
    """The matrix of a -> u a in the order (x1..xk, p1..pk)."""
    return np.block([[u.real, -u.imag], [u.imag, u.real]])
