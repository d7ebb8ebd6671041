"""Outcomes of heterodyne detection drawn from states in the number basis, exactly and without a grid.

The outcome alpha has the density <alpha|rho|alpha> / pi. Its radius squared is a mixture of gamma
distributions, with n + 1 for parameter where there are n photons; given the radius, the density of the angle
is a trigonometric polynomial, whose integral is inverted.
"""

from __future__ import annotations

import numpy as np

from hybridge.phasespace.inversion import inverted


def draw_alpha(kets: np.ndarray, shots: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes (B, S) for the first mode, and what is left of the rest (B, S, R), not normalised.

    kets (B, S, C, R) or (B, 1, C, R): one state for each shot, or one for all.
    """
    C = kets.shape[2]
    below = np.cumsum((np.abs(kets) ** 2).sum(axis=3), axis=2)
    level = rng.random((len(kets), shots)) * below[..., -1]
    photons = (below <= level[..., None]).sum(axis=2).clip(max=C - 1)
    radius = np.sqrt(rng.gamma(photons + 1.0))
    there = kets * _amplitudes(radius, C)[..., None]
    there = there / np.linalg.norm(there, axis=(2, 3), keepdims=True)
    angles = 2 * C  # as many as tell all differences of photon numbers apart
    density = (np.abs(np.fft.fft(there, angles, axis=2)) ** 2).sum(axis=3)
    wave = np.fft.fft(density, axis=2)[..., :C] / angles  # of exp(i k angle), k < C
    k = np.arange(1, C)

    def distribution(phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turned = np.exp(1j * np.multiply.outer(phi, k))
        waves = 2 * wave[..., 1:]
        start = np.exp(-1j * np.pi * k)
        below = wave[..., 0].real * (phi + np.pi) + (waves * (turned - start) / (1j * k)).sum(axis=-1).real
        return below, wave[..., 0].real + (waves * turned).sum(axis=-1).real

    level = rng.random(radius.shape) * 2 * np.pi * wave[..., 0].real
    phi = inverted(distribution, level, np.pi)
    turned = np.exp(-1j * np.multiply.outer(phi, np.arange(C)))  # <alpha| has alpha conjugated
    return radius * np.exp(1j * phi), np.einsum("bscr,bsc->bsr", there, turned)


def _amplitudes(radius: np.ndarray, C: int) -> np.ndarray:
    """radius^n / sqrt(n!) exp(-radius^2 / 2): (..., C)."""
    steps = radius[..., None] / np.sqrt(np.maximum(np.arange(C), 1))
    steps[..., 0] = np.exp(-(radius**2) / 2)
    return np.cumprod(steps, axis=-1)
