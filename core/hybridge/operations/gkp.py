"""GKP states of finite energy: combs in position, damped by exp(-epsilon n), which encode a qubit in a mode.

The ideal |mu> is the sum of position eigenstates at (2 t + mu) sqrt(pi hbar) over all whole t (Gottesman,
Kitaev and Preskill, PRA 64, 012310 (2001)). The number basis gives psi_n at these points times exp(-epsilon
n); the norm is that of the untruncated state, by Mehler's kernel, so that what a cutoff loses is missing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.operations.table import row
from hybridge.phasespace.wavefunctions import wavefunctions

SPACING = np.sqrt(2 * np.pi)  # sqrt(pi hbar)
BEYOND = 80.0  # teeth of weight under exp(-40) are left out
FINEST = 1e-3  # epsilon: there are 230 teeth


@lru_cache(maxsize=64)
def _combs(cutoff: int, teeth: int) -> np.ndarray:
    """Sum over the even and over the odd teeth of psi_n there: (2, cutoff)."""
    j = np.arange(-teeth, teeth + 1)
    waves = wavefunctions(j * SPACING, cutoff)
    found = np.stack([waves[:, j % 2 == parity].sum(axis=1) for parity in (0, 1)])
    found.flags.writeable = False
    return found


class _Norms(NamedTuple):
    """<mu| exp(-2 epsilon n) |nu> of ideal combs, (..., 2, 2), and its derivative in epsilon."""

    value: np.ndarray
    slope: np.ndarray


def _norms(epsilon: np.ndarray, teeth: int) -> _Norms:
    """sum_n w^n psi_n(x) psi_n(y) = exp(-((1 + w^2) (x^2 + y^2) - 4 w x y) / (4 (1 - w^2))) / sqrt(2 pi (1 -
    w^2)), w = exp(-2 epsilon)."""
    j = np.arange(-teeth, teeth + 1)
    x, y = (j * SPACING)[:, None], (j * SPACING)[None, :]
    w = np.exp(-2 * epsilon)[..., None, None]
    rest = -np.expm1(-4 * epsilon)[..., None, None]
    Q = (1 + w**2) * (x**2 + y**2) - 4 * w * x * y
    kernel = np.exp(-Q / (4 * rest)) / np.sqrt(2 * np.pi * rest)
    by_w = w / rest - ((2 * w * (x**2 + y**2) - 4 * x * y) * rest + 2 * w * Q) / (4 * rest**2)
    comb = np.stack([j % 2 == 0, j % 2 == 1]).astype(float)
    both = lambda v: comb @ v @ comb.T
    return _Norms(both(kernel), both(-2 * w * by_w * kernel))


class _Parts(NamedTuple):
    """What ket and slopes share; coefficients (..., 2), unnormalised ket (..., cutoff)."""

    c: np.ndarray
    damped: np.ndarray  # (..., 2, cutoff)
    norm: np.ndarray
    norms: _Norms


def _parts(cutoff: int, theta: Any, phi: Any, epsilon: Any) -> _Parts:
    theta, phi, epsilon = np.broadcast_arrays(*(np.asarray(v, float) for v in (theta, phi, epsilon)))
    teeth = int(np.ceil(np.sqrt(BEYOND / np.tanh(epsilon.min())) / SPACING)) + 1
    c = np.stack([np.cos(theta / 2) + 0j, np.exp(-1j * phi) * np.sin(theta / 2)], axis=-1)
    norms = _norms(epsilon, teeth)
    damped = _combs(cutoff, teeth) * np.exp(-epsilon[..., None] * np.arange(cutoff))[..., None, :]
    return _Parts(c, damped, _form(c, norms.value, c), norms)


def _form(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("...i,...ij,...j->...", left.conj(), matrix, right).real


def _ket(c: np.ndarray, damped: np.ndarray) -> np.ndarray:
    return np.einsum("...i,...in->...n", c, damped)


def _gkp(cutoff: int, theta: Any, phi: Any, epsilon: Any) -> np.ndarray:
    c, damped, norm, _ = _parts(cutoff, theta, phi, epsilon)
    return _ket(c, damped) / np.sqrt(norm)[..., None]


def _gkp_slope(cutoff: int, theta: Any, phi: Any, epsilon: Any) -> tuple[tuple[np.ndarray], ...]:
    c, damped, norm, norms = _parts(cutoff, theta, phi, epsilon)
    ket, root = _ket(c, damped) / np.sqrt(norm)[..., None], np.sqrt(norm)[..., None]
    theta, phi = (np.broadcast_to(np.asarray(v, float), norm.shape) for v in (theta, phi))
    by_theta = np.stack([-np.sin(theta / 2) + 0j, np.exp(-1j * phi) * np.cos(theta / 2)], axis=-1) / 2
    by_phi = np.stack([0 * c[..., 0], -1j * c[..., 1]], axis=-1)

    def of_qubit(dc: np.ndarray) -> tuple[np.ndarray]:
        return (_ket(dc, damped) / root - ket * (_form(c, norms.value, dc) / norm)[..., None],)

    shrunk = -np.arange(cutoff) * ket - ket * (_form(c, norms.slope, c) / (2 * norm))[..., None]
    return of_qubit(by_theta), of_qubit(by_phi), (shrunk,)


GKPState = row(
    "GKPState",
    "cv",
    1,
    ("theta", "phi", "epsilon"),
    "state",
    fock=_gkp,
    slope=_gkp_slope,
    spectrum=(None, None, None),
    bounds={"epsilon": (FINEST, np.inf)},
    formula="exp(-epsilon n) (cos(theta / 2) |0> + e^{-i phi} sin(theta / 2) |1>) / norm, |mu> the comb of "
    "positions (2 t + mu) sqrt(pi hbar)",
)
