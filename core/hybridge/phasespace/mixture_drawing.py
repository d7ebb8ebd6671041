"""Points drawn from a sum of Gaussians of one covariance, some of which are subtracted.

By rejection: with every weight its modulus, the larger for an imaginary part of its mean, the sum is nowhere
less, and is a mixture that is drawn from directly (Bourassa et al., PRX Quantum 2, 040315 (2021)).
"""

from __future__ import annotations

import numpy as np

from hybridge.errors import DeviceError

SAME = 9  # decimals, in standard deviations, to which means that agree are one: their weights cancel first
BLOCK = 2**22  # numbers held at once
MOST = 1e5  # proposals for each point


def draw_positions(
    weights: np.ndarray, means: np.ndarray, cov: np.ndarray, shots: int, rng: np.random.Generator
) -> np.ndarray:
    """weights (K,), means (K, d) complex, cov (d, d) real -> (shots, d).

    Raises DeviceError where the Gaussians cancel so far that almost no proposal is accepted.

    >>> rng = np.random.default_rng(0)
    >>> draw_positions(np.array([1.5, -0.5]), np.array([[0.0], [0.5]]), np.eye(1), 4, rng).shape
    (4, 1)
    """
    values, vectors = np.linalg.eigh(cov)
    spread = np.sqrt(np.clip(values, values[-1] * 1e-14, None))
    weights, means = _merged(weights, (means @ vectors) / spread)  # now of covariance 1
    plain = (weights.imag == 0) & ~means.imag.any(axis=1)
    largest = np.abs(weights) * np.exp((means.imag**2).sum(axis=1) / 2)
    bound = np.where(plain, np.clip(weights.real, 0, None), largest)
    centres, bound, total = means.real[bound > 0], bound[bound > 0], bound.sum()
    if total > MOST:
        raise DeviceError(
            f"the state is a sum of Gaussians that cancel to one part in {total:.2g}; it cannot be sampled so"
        )
    found: list[np.ndarray] = []
    missing = shots
    while missing > 0:
        count = min(int(missing * total * 1.2) + 16, max(1, BLOCK // len(weights)))
        at = centres[rng.choice(len(bound), count, p=bound / total)] + rng.standard_normal((count, len(cov)))
        level = rng.random(count) * _density(bound, centres, at)
        found.append(at[level < _density(weights, means, at)][:missing])
        missing -= len(found[-1])
    return (np.concatenate(found) * spread) @ vectors.T


def _merged(weights: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights, means = weights.astype(complex), means.astype(complex)
    unique, at = np.unique(means.round(SAME), axis=0, return_inverse=True)
    total = np.zeros(len(unique), dtype=complex)
    np.add.at(total, at.ravel(), weights)
    kept = np.abs(total) > 1e-15 * np.abs(total).max()
    return total[kept], unique[kept]


def _density(weights: np.ndarray, means: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Up to (2 pi)^(-d/2)."""
    exponent = at @ means.T - (means**2).sum(axis=1) / 2
    return (np.exp(exponent - (at**2).sum(axis=1)[:, None] / 2) @ weights).real
