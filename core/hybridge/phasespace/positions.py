"""How much of a state lies left of a position: its distribution function, without a grid.

hbar = 2. The wave functions obey d/dx = (a - a^dagger) / 2 and -psi_n'' + x^2 psi_n / 4 = (n + 1/2) psi_n.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hybridge.phasespace.wavefunctions import wavefunctions


def reach(cutoff: int) -> float:
    """A position beyond which, on either side, states below the cutoff have probability under 1e-12.

    The classical turning point of the highest number state, and 7 widths of the vacuum.
    """
    return float(2 * np.sqrt(cutoff) + 7)


def distribution(rho: np.ndarray) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A function of x (..., S): the probability below x, and its density at x, both (..., S).

    rho (..., R, C, C): real parts of density matrices, R = S with one for each position, or R = 1. For m != n
    the integral of psi_m psi_n is (psi_m' psi_n - psi_m psi_n') / (n - m), by their differential equation;
    that of psi_n^2 is the one of psi_{n-1}^2 less psi_{n-1} psi_n / sqrt(n), by parts.

    >>> below, density = distribution(np.diag([0.5, 0.5])[None])(np.array([0.0]))
    >>> below.round(6).tolist(), density.round(6).tolist()
    ([0.5], [0.199471])
    """
    from scipy.special import ndtr  # scipy takes longer to import than hybridge itself

    C = rho.shape[-1]
    n = np.arange(C)
    root = np.sqrt(np.arange(1.0, C + 1))
    weights = np.diagonal(rho, axis1=-2, axis2=-1)
    # 2: the orders m, n and n, m give the same
    cross = 2 * rho * (1 - np.eye(C)) / (n - n[:, None] + np.eye(C))

    def at(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        psi = np.moveaxis(wavefunctions(x, C + 1), 0, -1)
        waves = psi[..., :-1]
        slope = -root * psi[..., 1:] / 2
        slope[..., 1:] += root[:-1] * psi[..., :-2] / 2
        own = np.repeat(ndtr(x)[..., None], C, axis=-1)
        own[..., 1:] -= np.cumsum(waves[..., :-1] * waves[..., 1:] / root[:-1], axis=-1)
        below = (weights * own).sum(axis=-1) + (slope * _each(cross, waves)).sum(axis=-1)
        return below, (waves * _each(rho, waves)).sum(axis=-1)

    return at


def _each(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """matrices (..., R, C, C) times vectors (..., S, C), one matrix for each or one for all: (..., S, C)."""
    if matrices.shape[-3] == 1:  # one product of matrices, many times faster than one for each vector
        return vectors @ np.swapaxes(matrices[..., 0, :, :], -1, -2)
    return (matrices @ vectors[..., None])[..., 0]
