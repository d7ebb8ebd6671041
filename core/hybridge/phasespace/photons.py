"""Photon numbers of a Gaussian state drawn mode by mode, exactly: no table over all modes is made.

The state is a pure one that is moved at random (V = T + W, T pure, W the covariance of the move), so each
shot is one of a pure state. There all modes are first measured by heterodyne; then, mode after mode, the
outcome is forgotten and a photon number drawn instead, given the photons before and the outcomes behind
(Quesada et al., PRX Quantum 3, 010306 (2022)). hbar = 2, order (x1..xk, p1..pk).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.errors import DeviceError
from hybridge.memory import available, human
from hybridge.phasespace.numberbasis import ket_function

FIRST = 8  # photon numbers of a mode that are looked at, until those beyond have no weight
BEYOND = 1e-13  # the weight of the last third that is taken for none
BLOCK = 2**24  # bytes of amplitudes held at once


def draw_photons(mean: np.ndarray, cov: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Photon numbers of all modes, jointly: mean (2k,), cov (2k, 2k) -> (shots, k) int64.

    The work of a shot is the product over the modes of (photons + 1). Raises DeviceError where the amplitudes
    of one shot do not fit into memory.

    >>> draw_photons(np.zeros(4), np.eye(4), 2, np.random.default_rng(0)).tolist()  # the vacuum
    [[0, 0], [0, 0]]
    """
    k = len(mean) // 2
    T = pure_part(cov)
    moved = mean + _normal(cov - T, shots, rng)
    outcome = moved + _normal(T + np.eye(2 * k), shots, rng)
    alpha = (outcome[:, :k] - 1j * outcome[:, k:]) / 2  # conjugated, as <alpha| is
    A, b = ket_function(moved, T)
    photons = np.zeros((shots, k), dtype=np.int64)
    for j in range(k):
        shift = b[:, : j + 1] + alpha[:, j + 1 :] @ A[j + 1 :, : j + 1]
        level = rng.random(shots)
        before, group = np.unique(photons[:, :j], axis=0, return_inverse=True)
        for numbers, members in zip(before, _members(group.ravel()), strict=True):
            photons[members, j] = _next(A[: j + 1, : j + 1], shift[members], numbers, level[members])
    return photons


def _members(group: np.ndarray) -> list[np.ndarray]:
    """Where each of the groups 0, 1, ... is."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def pure_part(cov: np.ndarray) -> np.ndarray:
    """The covariance of a pure state that is nowhere above cov: S S^T where cov = S (nu + nu) S^T.

    It is V^1/2 (V^1/2 Omega V Omega^T V^1/2)^-1/2 V^1/2.
    """
    k = len(cov) // 2
    omega = np.kron([[0, 1], [-1, 0]], np.eye(k))
    root = _power(cov, 0.5)
    return root @ _power(root @ omega @ cov @ omega.T @ root, -0.5) @ root


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * values**exponent) @ vectors.T


def _normal(cov: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Normal numbers of this covariance, which may be singular: (shots, 2k)."""
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    return rng.standard_normal((shots, len(cov))) @ (vectors * np.sqrt(np.clip(values, 0, None))).T


def _next(A: np.ndarray, shift: np.ndarray, before: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The photons of the last mode, given those `before` it: shift (S, j + 1), level (S,) -> (S,)."""
    cutoff = FIRST
    while True:
        box = int(np.prod(before + 1)) * cutoff
        _check_room(box, before)
        rows = max(1, BLOCK // (16 * box))
        blocks = [shift[i : i + rows] for i in range(0, len(shift), rows)]
        weights = np.concatenate([np.abs(_line(A, block, before, cutoff)) ** 2 for block in blocks])
        total = weights.sum(axis=1)
        if np.all(weights[:, cutoff * 2 // 3 :].sum(axis=1) <= BEYOND * total):
            break
        cutoff = cutoff * 3 // 2
    below = np.cumsum(weights, axis=1)
    return (below <= (level * below[:, -1])[:, None]).sum(axis=1).clip(max=cutoff - 1)


def _line(A: np.ndarray, shift: np.ndarray, before: np.ndarray, cutoff: int) -> np.ndarray:
    """G[before, n] of exp(z A z / 2 + shift z) for all n < cutoff, up to a factor: (S, cutoff).

    The recursion of `amplitudes` over no more numbers than are needed, all n at once.
    """
    root, last = np.sqrt(np.arange(cutoff)), len(before)
    G: dict[tuple[int, ...], np.ndarray] = {}
    line = np.zeros((len(shift), cutoff), dtype=complex)
    line[:, 0] = 1
    for n in range(1, cutoff):
        line[:, n] = shift[:, last] * line[:, n - 1]
        if n > 1:
            line[:, n] += A[last, last] * root[n - 1] * line[:, n - 2]
        line[:, n] /= root[n]
    G[(0,) * last] = line / np.abs(line).max(axis=1, keepdims=True)
    for numbers in np.ndindex(*(before + 1)):
        if not any(numbers):
            continue
        i = int(np.argmax(numbers))  # lowering the largest keeps errors from growing
        below = _less(numbers, i)
        line = shift[:, i, None] * G[below]
        line[:, 1:] += A[i, last] * root[1:] * G[below][:, :-1]
        for m, count in enumerate(below):
            if count and A[i, m]:
                line += A[i, m] * np.sqrt(count) * G[_less(below, m)]
        G[numbers] = line / np.sqrt(numbers[i])
    return G[tuple(before.tolist())]


def _less(numbers: tuple[int, ...], i: int) -> tuple[int, ...]:
    return (*numbers[:i], numbers[i] - 1, *numbers[i + 1 :])


def _check_room(elements: int, before: Any) -> None:
    needed = 16 * elements
    if needed > BLOCK and needed > (room := available()):
        raise DeviceError(
            f"one shot with {before.tolist()} photons in its first modes needs {human(needed)}, "
            f"{human(room)} are free; measure fewer modes at once, or weaker light"
        )
