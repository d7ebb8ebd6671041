"""The cubic phase gate in the number basis, exact whatever the cutoff."""

from __future__ import annotations

import math

import numpy as np

from hybridge.errors import CircuitError
from hybridge.phasespace.wavefunctions import wavefunctions

MOST = 2**24  # points of the grid, 10 s of work
BLOCK = 2**20  # numbers held at once for each array, 16 MiB


def cubic_phase(gamma: np.ndarray, cutoff: int, order: int = 0) -> np.ndarray:
    """Elements of the untruncated exp(i gamma x^3 / 6), or of a derivative in gamma: (..., cutoff, cutoff).

    The integral of psi_m psi_n exp(i gamma x^3 / 6) on a uniform grid. The integrand is analytic and decays
    like a Gaussian, so the sum is exact to rounding once the step resolves its fastest oscillation:
    2 sqrt(cutoff) from the two wave functions and |gamma| x^2 / 2 from the phase, and a margin for the tails.
    The exponential of the truncated matrix of x^3 would be wrong: its highest elements feel the cutoff.
    Raises CircuitError for a gamma, 1e4 and more, whose oscillations are too many.
    """
    gamma = np.asarray(gamma, float)
    reach = 2 * math.sqrt(cutoff) + 9  # psi_n has decayed to 1e-16 there
    slow, largest = 2 * math.sqrt(cutoff) + 12, float(np.max(np.abs(gamma), initial=0.0))
    limit = (MOST * math.pi / reach - slow) * 2 / reach**2
    if largest > limit:
        raise CircuitError(f"CubicPhase at cutoff_dim={cutoff} needs |gamma| <= {limit:.3g}; got {largest:g}")
    points = int(reach * (slow + largest * reach**2 / 2) / math.pi) + 2
    dx = 2 * reach / (points - 1)
    block = max(1, BLOCK // (cutoff * max(1, gamma.size)))
    total = np.zeros((*gamma.shape, cutoff, cutoff), dtype=complex)
    for start in range(0, points, block):
        x = dx * np.arange(start, min(start + block, points)) - reach
        psi = wavefunctions(x, cutoff)
        phase = (1j * x**3 / 6) ** order * np.exp(1j * gamma[..., None] * x**3 / 6) * dx
        total += (psi * phase[..., None, :]) @ psi.T
    return total
