"""The exact derivatives of what numberbasis.py writes out, at any cutoff.

Each function takes what `pullback` found for a result, beside the definition the result was made from, and
returns a function from the definition's derivative in some parameter to dL, (B,). Batches broadcast.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hybridge.phasespace.numberbasis import PROBE, channel_axes, complex_form
from hybridge.phasespace.recursion import Pullback, pullback

Slope = Callable[..., np.ndarray]


def ket_slope(pulled: Pullback, mean: np.ndarray, cov: np.ndarray) -> Slope:
    """For `ket`: a function of d mean and d cov."""
    k = mean.shape[-1] // 2

    def slope(dmean: np.ndarray, dcov: np.ndarray) -> np.ndarray:
        A, b, log = _husimi_slope(mean, cov, dmean, dcov)
        return _dot(pulled, A[:, :k, :k], b[:, :k], log / 2)

    return slope


def density_slope(pulled: Pullback, mean: np.ndarray, cov: np.ndarray) -> Slope:
    """For `density`: a function of d mean and d cov."""
    return lambda dmean, dcov: _dot(pulled, *_husimi_slope(mean, cov, dmean, dcov))


def gate_slope(pulled: Pullback, S: np.ndarray, d: np.ndarray) -> Slope:
    """For `gate`: a function of dS and dd. The formulas are those of `gate`, differentiated line by line."""
    E, F, e = complex_form(S, d)
    across = np.linalg.inv(E.conj())

    def slope(dS: np.ndarray, dd: np.ndarray) -> np.ndarray:
        dE, dF, de = complex_form(dS, dd)
        d_across = -across @ dE.conj() @ across
        A = np.block(
            [
                [dF @ across + F @ d_across, np.swapaxes(d_across, 1, 2)],
                [d_across, -d_across @ F.conj() - across @ dF.conj()],
            ]
        )
        to = _times(across, e.conj())
        d_to = _times(d_across, e.conj()) + _times(across, de.conj())
        b = np.concatenate([de - _times(dF, to) - _times(F, d_to), -d_to], axis=1)
        half = dS @ np.swapaxes(S, 1, 2)
        log = _husimi_slope(d, S @ np.swapaxes(S, 1, 2), dd, half + np.swapaxes(half, 1, 2))[2]
        return _dot(pulled, A, b, log / 2)

    return slope


def channel_pullback(G: np.ndarray, cotangent: np.ndarray) -> Pullback:
    """`pullback` for a result of `channel`."""
    axes = channel_axes((G.ndim - 1) // 4)
    return pullback(G.transpose(axes), cotangent.transpose(axes))


def channel_slope(pulled: Pullback, X: np.ndarray, d: np.ndarray, Y: np.ndarray) -> Slope:
    """For `channel`, with `channel_pullback`: a function of dX, dd and dY."""
    k = d.shape[-1] // 2
    mirror = np.diag([1.0] * k + [-1.0] * k)
    order = np.arange(4 * k).reshape(2, 2, k).swapaxes(0, 1).ravel()
    scale = np.tile(np.repeat([1, 1 / PROBE], k), 2)
    none = np.zeros_like(X)

    def joint(upper: np.ndarray, cross: np.ndarray, lower: np.ndarray) -> np.ndarray:
        V = np.block([[upper, cross], [np.swapaxes(cross, 1, 2), lower]])
        return V[:, order][:, :, order]

    def slope(dX: np.ndarray, dd: np.ndarray, dY: np.ndarray) -> np.ndarray:
        half = 2 * dX @ np.swapaxes(X, 1, 2)
        V = joint(2 * X @ np.swapaxes(X, 1, 2) + Y, np.sqrt(3) * X @ mirror, none + 2 * np.eye(2 * k))
        dV = joint(half + np.swapaxes(half, 1, 2) + dY, np.sqrt(3) * dX @ mirror, 0 * dX)
        mean = np.concatenate([d, np.zeros_like(d)], axis=1)[:, order]
        dmean = np.concatenate([dd, np.zeros_like(dd)], axis=1)[:, order]
        A, b, log = _husimi_slope(mean, V, dmean, dV)
        return _dot(pulled, A * np.outer(scale, scale), b * scale, log)

    return slope


def _husimi_slope(
    mean: np.ndarray, cov: np.ndarray, dmean: np.ndarray, dcov: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The derivatives of A, b and log c of a state."""
    k = mean.shape[-1] // 2
    one = np.eye(k)
    r_of_z = np.block([[one, one], [1j * one, -1j * one]])
    W = np.linalg.inv(cov + np.eye(2 * k))
    pull = _times(W, mean)
    dA = r_of_z.T @ W @ dcov @ W @ r_of_z
    db = _times(W, dmean - _times(dcov, pull)) @ r_of_z
    traced = (W * np.swapaxes(dcov, 1, 2)).sum(axis=(1, 2))
    return dA, db, (pull * _times(dcov, pull)).sum(axis=1) / 2 - (dmean * pull).sum(axis=1) - traced / 2


def probs_slopes(
    mean: np.ndarray, cov: np.ndarray, weights: np.ndarray, elements: Callable[..., np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The slopes of sum weights[n] <n|rho|n> in mean (B, 2k) and cov (B, 2k, 2k), whose entries are free.

    weights (B, cutoff^k); elements(m, n) gives <m|rho|n> for flat indices (N,), as (B, N). It is the reverse
    of `_husimi_slope` behind that of `amplitudes`, of which only elements near the diagonal are needed.

    >>> vacuum = lambda m, n: np.array([(m == 0) & (n == 0)], float)
    >>> by_mean, by_cov = probs_slopes(np.zeros((1, 2)), np.eye(2)[None], np.array([[0.0, 1.0]]), vacuum)
    >>> by_cov.tolist()  # of the probability of one photon
    [[[0.25, 0.0], [0.0, 0.25]]]
    """
    k = mean.shape[-1] // 2
    pulled = _number_pullback(weights, elements, k)
    one = np.eye(k)
    r_of_z = np.block([[one, one], [1j * one, -1j * one]])
    W = np.linalg.inv(cov + np.eye(2 * k))
    pull, log = _times(W, mean), pulled.by_log.real[:, None]
    to_b = _times(W @ r_of_z, pulled.by_b).real
    outer = lambda u, v: u[:, :, None] * v[:, None, :]
    by_cov = (W @ r_of_z @ pulled.by_A @ r_of_z.T @ W).real / 2 - (outer(to_b, pull) + outer(pull, to_b)) / 2
    return to_b - log * pull, by_cov + log[:, :, None] * (outer(pull, pull) - W) / 2


def _number_pullback(weights: np.ndarray, elements: Callable[..., np.ndarray], k: int) -> Pullback:
    """`pullback` for the cotangent that is `weights` on the diagonal of a density matrix and 0 beside it."""
    cutoff = round(weights.shape[1] ** (1 / k))
    numbers = np.indices((cutoff,) * k).reshape(k, -1)

    def lowered(*variables: int) -> np.ndarray:
        """sum weights[n] * (z_i z_j ... times the generating function)[n, n]."""
        sides, factor = np.stack([numbers, numbers]), np.ones(numbers.shape[1])
        for v in variables:  # first those of the ket, then those of the bra
            row = sides[v // k, v % k]
            factor = factor * np.sqrt(np.maximum(row, 0))
            row -= 1
        there = factor > 0
        ket, bra = (np.ravel_multi_index(side[:, there], (cutoff,) * k) for side in sides)
        return (weights[:, there] * factor[there] * elements(ket, bra)).sum(axis=1)

    by_A = np.empty((len(weights), 2 * k, 2 * k), dtype=complex)
    for i in range(2 * k):
        for j in range(i, 2 * k):
            by_A[:, i, j] = by_A[:, j, i] = lowered(i, j)
    by_b = np.stack([lowered(i) for i in range(2 * k)], axis=1)
    return Pullback(by_A, by_b, lowered())


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (matrices @ vectors[..., None])[..., 0]


def _dot(pulled: Pullback, dA: np.ndarray, db: np.ndarray, dlog: np.ndarray) -> np.ndarray:
    quadratic = (pulled.by_A * dA).sum(axis=(1, 2)) / 2
    return (quadratic + (pulled.by_b * db).sum(axis=1) + pulled.by_log * dlog).real
