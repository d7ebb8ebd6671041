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


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (matrices @ vectors[..., None])[..., 0]


def _dot(pulled: Pullback, dA: np.ndarray, db: np.ndarray, dlog: np.ndarray) -> np.ndarray:
    quadratic = (pulled.by_A * dA).sum(axis=(1, 2)) / 2
    return (quadratic + (pulled.by_b * db).sum(axis=1) + pulled.by_log * dlog).real
