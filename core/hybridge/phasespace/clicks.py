"""How likely threshold detectors click in a Gaussian state, and how that depends on its mean and covariance.

That no photon is in some modes has the probability exp(-m^T Q^-1 m / 2) / sqrt(det(Q / 2)), Q = V + 1 of them
(hbar = 2, order x1..xk, p1..pk). Which modes are dark and which click follows by inclusion and exclusion, 2^k
terms: the torontonian (Quesada, Arrazola and Killoran, PRA 98, 062322 (2018)).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hybridge.errors import CircuitError

MOST = 20  # modes: a million terms


def click_probs(mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Of all patterns: mean (B, 2k), cov (B, 2k, 2k) -> (B, 2^k), a bit a mode (1: it clicks), mode 0 first.

    >>> click_probs(np.array([[2.0, 0.0]]), np.eye(2)[None]).round(4).tolist()  # |alpha| = 1
    [[0.3679, 0.6321]]
    """
    return np.clip(click_parts(mean, cov), 0.0, 1.0)


def click_parts(mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """`click_probs` of the Gaussians of a sum, whose means may be complex: (B, 2^k), cov (B or 1, 2k, 2k)."""
    k = mean.shape[1] // 2
    found = np.ones(
        (len(mean), *(2,) * k), dtype=mean.dtype
    )  # first: those of the modes with a 0 are dark, the others ignored
    for modes, at in _subsets(k):
        found[(slice(None), *(0 if m in modes else 1 for m in range(k)))] = _dark(mean, cov, at)[0]
    for axis in range(1, k + 1):  # ignored = dark + click
        dark, ignored = np.split(found, 2, axis=axis)
        found = np.concatenate([dark, ignored - dark], axis=axis)
    return found.reshape(len(mean), -1)


def click_pullback(mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cotangent of `click_probs` (B, 2^k) -> those of the mean (B, 2k) and of the covariance (B, 2k, 2k),
    all its entries independent."""
    k = mean.shape[1] // 2
    by_mean, by_cov = np.zeros(mean.shape), np.zeros(cov.shape)
    of_dark = cotangent.reshape(-1, *(2,) * k)
    for axis in range(1, k + 1):  # the reverse of ignored = dark + click
        dark, click = np.split(of_dark, 2, axis=axis)
        of_dark = np.concatenate([dark - click, click], axis=axis)
    for modes, at in _subsets(k):
        p, inverse, pull = _dark(mean, cov, at)
        weight = p * of_dark[(slice(None), *(0 if m in modes else 1 for m in range(k)))]
        by_mean[:, at] -= weight[:, None] * pull
        outer = pull[:, :, None] * pull[:, None, :] - inverse
        by_cov[:, at[:, None], at] += weight[:, None, None] * outer / 2
    return by_mean, by_cov


def _subsets(k: int) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """All sets of modes but the empty one, and where their quadratures are."""
    if k > MOST:
        raise CircuitError(
            f"exact click probabilities of {k} modes are sums of 2^{k} terms; ask for at most {MOST}, or "
            "take shots"
        )
    for bits in range(1, 2**k):
        modes = tuple(m for m in range(k) if bits >> m & 1)
        yield modes, np.array([*modes, *(k + m for m in modes)], dtype=np.intp)


def _dark(mean: np.ndarray, cov: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The probability of no photon, the inverse of Q, and Q^-1 m."""
    Q = cov[:, at[:, None], at] + np.eye(len(at))
    inverse = np.linalg.inv(Q)
    pull = (inverse @ mean[:, at, None])[..., 0]
    exponent = (mean[:, at] * pull).sum(axis=1) + np.linalg.slogdet(Q / 2)[1]
    return np.exp(-exponent / 2), inverse, pull
