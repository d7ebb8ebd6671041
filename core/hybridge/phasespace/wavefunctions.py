"""Wave functions of the number states in position; hbar = 2: psi_0(x)^2 is the standard normal density."""

from __future__ import annotations

import numpy as np


def wavefunctions(x: np.ndarray, cutoff: int) -> np.ndarray:
    """psi_n(x) for n < cutoff, real: x of any shape -> (cutoff, *x.shape).

    From x = a + a^dagger: sqrt(n + 1) psi_{n+1} = x psi_n - sqrt(n) psi_{n-1}.

    >>> wavefunctions(np.zeros(1), 3).round(4).tolist()
    [[0.6316], [0.0], [-0.4466]]
    """
    psi = np.empty((cutoff, *x.shape))
    psi[0] = np.exp(-(x**2) / 4) / (2 * np.pi) ** 0.25
    if cutoff > 1:
        psi[1] = x * psi[0]
    for n in range(2, cutoff):
        psi[n] = (x * psi[n - 1] - np.sqrt(n - 1) * psi[n - 2]) / np.sqrt(n)
    return psi
