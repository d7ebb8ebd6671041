"""Which quadratures homodyne and heterodyne detectors read of a state in phase space."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class Detection:
    """Detectors of some of n modes: the angle of homodyne detection, None for heterodyne.

    rows (q, 2n) are the quadratures read, those of `settings` first, then p of the modes read by heterodyne.
    """

    def __init__(self, settings: Mapping[int, float | None], n: int):
        self._count = len(settings)
        self._both = [mode for mode, angle in settings.items() if angle is None]
        read = [(mode, angle or 0.0) for mode, angle in settings.items()]
        read += [(mode, np.pi / 2) for mode in self._both]
        self._modes, angles = [mode for mode, _ in read], [angle for _, angle in read]
        self.rows = np.zeros((len(read), 2 * n))
        self.rows[np.arange(len(read)), self._modes] = np.cos(angles)
        self.rows[np.arange(len(read)), np.add(self._modes, n)] = np.sin(angles)

    def of(self, cov: np.ndarray) -> np.ndarray:
        """The covariance of what is read, (..., q, q): heterodyne detection adds the noise of one vacuum."""
        vacuum = np.diag([1.0 if mode in self._both else 0.0 for mode in self._modes])
        return self.rows @ cov @ self.rows.T + vacuum

    def outcomes(self, read: np.ndarray) -> np.ndarray:
        """(..., q) -> (..., k), columns as in the settings; (x + i p) / 2 of heterodyne detection."""
        if not self._both:
            return read
        found = read[..., : self._count].astype(complex)
        at = [self._modes.index(mode) for mode in self._both]
        found[..., at] = (read[..., at] + 1j * read[..., self._count :]) / 2
        return found
