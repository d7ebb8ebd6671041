"""The cubic phase gate in the number basis, exact whatever the cutoff."""

from __future__ import annotations

import numpy as np

from hybridge.phasespace.wavefunctions import wavefunctions


def cubic_phase(gamma: np.ndarray, cutoff: int) -> np.ndarray:
    """Elements of the untruncated exp(i gamma x^3 / 6): gamma (...) -> (..., cutoff, cutoff).

    The integral of psi_m psi_n exp(i gamma x^3 / 6) on a uniform grid. The integrand is analytic and decays
    like a Gaussian, so the sum is exact to rounding once the step resolves its fastest oscillation:
    2 sqrt(cutoff) from the two wave functions and |gamma| x^2 / 2 from the phase, and a margin for the tails.
    The exponential of the truncated matrix of x^3 would be wrong: its highest elements feel the cutoff.
    """
    gamma = np.asarray(gamma, float)
    reach = 2 * np.sqrt(cutoff) + 9  # psi_n has decayed to 1e-16 there
    fastest = 2 * np.sqrt(cutoff) + 12 + np.max(np.abs(gamma), initial=0.0) * reach**2 / 2
    x, dx = np.linspace(-reach, reach, int(2 * reach * fastest / (2 * np.pi)) + 2, retstep=True)
    psi = wavefunctions(x, cutoff)
    phase = np.exp(1j * gamma[..., None] * x**3 / 6) * dx
    return (psi * phase[..., None, :]) @ psi.T
