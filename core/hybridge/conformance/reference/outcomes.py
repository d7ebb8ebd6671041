"""What detectors leave of a state, by what they are: homodyne detectors, beamsplitters and counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import factorial
from typing import Any

import numpy as np

Moments = tuple[np.ndarray, np.ndarray]
Reading = tuple[np.ndarray, float]  # a quadrature as a vector over r, and what it was found to be


def given(mean: np.ndarray, cov: np.ndarray, direction: np.ndarray, value: float) -> Moments:
    """The normal distribution of r where direction . r is known to be value."""
    spread = direction @ cov @ direction
    along = cov @ direction / spread
    return mean + along * (value - direction @ mean), cov - np.outer(along, along) * spread


def homodyned(mean: np.ndarray, cov: np.ndarray, mode: int, x: float, phi: float) -> Moments:
    """One quadrature is read."""
    n = len(mean) // 2
    direction = np.zeros(2 * n)
    direction[mode], direction[n + mode] = np.cos(phi), np.sin(phi)
    return given(mean, cov, direction, x)


def heterodyned(mean: np.ndarray, cov: np.ndarray, mode: int, a: float, phi: float) -> Moments:
    """A balanced beamsplitter with the vacuum; x of one output and p of the other are read."""
    n = len(mean) // 2
    keep = [*range(n), *range(n + 1, 2 * n + 1)]  # the vacuum is the last mode
    wide_mean, wide_cov = np.zeros(2 * n + 2), np.eye(2 * n + 2)
    wide_mean[keep], wide_cov[np.ix_(keep, keep)] = mean, cov
    x, p = np.zeros(2 * n + 2), np.zeros(2 * n + 2)
    x[mode] = x[n] = np.sqrt(0.5)
    p[n + 1 + mode], p[2 * n + 1] = np.sqrt(0.5), -np.sqrt(0.5)
    found = given(
        *given(wide_mean, wide_cov, x, np.sqrt(2) * a * np.cos(phi)), p, np.sqrt(2) * a * np.sin(phi)
    )
    return found[0][keep], found[1][np.ix_(keep, keep)]


GAUSSIAN: dict[str, Callable[..., Moments]] = {
    "PostselectHomodyne": homodyned,
    "PostselectHeterodyne": heterodyned,
    # no photon is the coherent state of amplitude 0
    "PostselectPhotons": lambda mean, cov, mode: heterodyned(mean, cov, mode, 0.0, 0.0),
    "PostselectClick": lambda mean, cov, mode: heterodyned(mean, cov, mode, 0.0, 0.0),
}


# ---- bras in the number basis ---------------------------------------------------------------------------


def _position(size: int, x: float, phi: float) -> np.ndarray:
    """<x_phi|n> = exp(-i n phi) He_n(x) exp(-x^2 / 4) / sqrt(n! sqrt(2 pi)), hbar = 2."""
    from scipy.special import eval_hermitenorm  # takes longer to import than all of hybridge

    n = np.arange(size)
    norms = np.sqrt([float(factorial(k)) * np.sqrt(2 * np.pi) for k in range(size)])
    return np.exp(-1j * n * phi - x**2 / 4) * eval_hermitenorm(n, x) / norms


def _coherent(size: int, a: float, phi: float) -> np.ndarray:
    conjugate = a * np.exp(-1j * phi)
    return np.array([conjugate**n / np.sqrt(float(factorial(n))) for n in range(size)]) * np.exp(-(a**2) / 2)


def _number(n: int, size: int) -> np.ndarray:
    return np.eye(size)[n]


def bras(name: str, numbers: Sequence[float], constants: Sequence[Any], size: int) -> list[np.ndarray]:
    """All <f|, (size^k,), that together are the outcome: several where more than one state answers to it."""
    if name == "PostselectHomodyne":
        return [_position(size, *numbers)]
    if name == "PostselectHeterodyne":
        return [_coherent(size, *numbers)]
    of_modes = constants[0]
    if name == "PostselectPhotons":
        choices = [[n] for n in of_modes]
    else:
        choices = [list(range(1, size)) if click else [0] for click in of_modes]
    found = []
    for chosen in product(*choices):
        bra = np.ones(1)
        for n in chosen:
            bra = np.kron(bra, _number(n, size))
        found.append(bra)
    return found
