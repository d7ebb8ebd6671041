"""Gaussian states of several modes: what can be computed and sampled from a batch of means and covariances.

hbar = 2: the vacuum has mean 0 and covariance 1. Order (x1..xn, p1..pn).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from hybridge.errors import CircuitError, DeviceError
from hybridge.memory import available, human
from hybridge.phasespace import numberbasis
from hybridge.phasespace.clicks import click_probs
from hybridge.phasespace.detection import Detection
from hybridge.phasespace.drawing import draw_numbers
from hybridge.phasespace.moments import moment
from hybridge.phasespace.numberslopes import probs_slopes
from hybridge.phasespace.photons import draw_photons
from hybridge.phasespace.polynomial import Polynomial

PURE = 1e-10  # a state is taken for pure if its purity is 1 to this; probabilities move by no more
MISSING = 1e-12  # probability that photon numbers beyond the sampled table may have
TABLE = 2**26  # bytes up to which photon numbers are drawn from a table of all their probabilities
ALWAYS_ROOM = 2**24  # bytes that are asked for without looking how much memory there is


@dataclass(frozen=True, eq=False)
class GaussianModes:
    """B Gaussian states of n modes: mean (B, 2n), cov (B, 2n, 2n); photon numbers below cutoff in probs.

    >>> squeezed = GaussianModes(np.zeros((1, 2)), np.diag([0.5, 2.0])[None], cutoff=3)
    >>> squeezed.probs([0]).round(4).tolist()
    [[0.9428, 0.0, 0.0524]]
    """

    mean: np.ndarray
    cov: np.ndarray
    cutoff: int | None = None

    def expval(self, polynomial: Polynomial) -> np.ndarray:
        """The mean of an observable, (B,): the classical average of its Weyl symbol."""
        return self._moment("expval", polynomial)

    def var(self, polynomial: Polynomial) -> np.ndarray:
        """The variance of a Hermitian observable, (B,)."""
        return self._moment("var", polynomial)

    def _moment(self, kind: str, polynomial: Polynomial) -> np.ndarray:
        modes = cast(tuple[int, ...], polynomial.wires)
        part = self._reduced(modes)
        return moment(kind, polynomial, modes).value(part.mean, part.cov)

    def probs(self, modes: Sequence[int]) -> np.ndarray:
        """Photon-number probabilities of `modes`, (B, cutoff^k), modes[0] most significant.

        What lies beyond the cutoff is missing from the sum. Raises CircuitError without a cutoff, DeviceError
        where the table does not fit into memory.
        """
        return self._number_table(modes, self._cutoff()).reshape(len(self.mean), -1)

    def click_probs(self, modes: Sequence[int]) -> np.ndarray:
        """How likely each pattern of threshold detectors is, (B, 2^k), a bit a mode: 1 where it clicks."""
        part = self._reduced(modes)
        return click_probs(part.mean, part.cov)

    def probs_slopes(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The slopes of sum weights * probs of all modes: in the mean (B, 2n), in the covariance (B, 2n, 2n).

        weights (B, cutoff^n). Pure states are differentiated in mixed directions too. Raises the errors of
        `probs`.
        """
        cutoff, B, n = self._cutoff(), len(self.mean), self.mean.shape[1] // 2
        if self._pure:
            _check_room(B, cutoff**n, range(n), cutoff)
            ket = numberbasis.ket(self.mean, self.cov, cutoff).reshape(B, -1)
            return probs_slopes(self.mean, self.cov, weights, lambda m, n: ket[:, m] * ket[:, n].conj())
        _check_room(B, cutoff ** (2 * n), range(n), cutoff)
        rho = numberbasis.density(self.mean, self.cov, cutoff).reshape(B, cutoff**n, cutoff**n)
        return probs_slopes(self.mean, self.cov, weights, lambda m, n: rho[:, m, n])

    def density_matrix(self, modes: Sequence[int]) -> np.ndarray:
        """The reduced density matrix of `modes` in the number basis, (B, cutoff^k, cutoff^k).

        Raises the errors of `probs`.
        """
        cutoff = self._cutoff()
        part = self._reduced(modes)
        size = cutoff ** len(modes)
        _check_room(len(self.mean), size**2, modes, cutoff)
        if part._pure:
            ket = numberbasis.ket(part.mean, part.cov, cutoff).reshape(-1, size)
            return ket[:, :, None] * ket[:, None, :].conj()
        return numberbasis.density(part.mean, part.cov, cutoff).reshape(-1, size, size)

    def sample_photons(self, modes: Sequence[int], shots: int, rng: np.random.Generator) -> np.ndarray:
        """Photon numbers of `modes`, measured jointly: (B, shots, k) int64, not limited by the cutoff.

        From a table of their probabilities, enlarged until less than 1e-12 is missing; where that grows too
        large, mode by mode.
        """
        n, k = self.mean.shape[1] // 2, len(modes)
        if k < n < 2 * k and self._pure and not self._reduced(modes)._pure:  # cutoff^n numbers, not cutoff^2k
            return self.sample_photons(range(n), shots, rng)[:, :, list(modes)]
        part = self._reduced(modes)
        cutoff, before, power = 8, np.zeros(len(self.mean)), k if part._pure else 2 * k
        while _table_bytes(len(self.mean), cutoff**power) <= TABLE:
            table = part._number_table(range(k), cutoff)
            found = table.reshape(len(table), -1).sum(axis=1)
            # the second: the sum has stopped growing, and what it lacks is rounding
            if np.all((1 - found < MISSING) | ((found - before < MISSING / 10) & (1 - found < 10 * PURE))):
                return draw_numbers(table, shots, rng)
            cutoff, before = cutoff * 3 // 2, found
        drawn = [draw_photons(m, V, shots, rng) for m, V in zip(part.mean, part.cov, strict=True)]
        return np.stack(drawn)

    def sample_quadratures(
        self, settings: Mapping[int, float | None], shots: int, rng: np.random.Generator
    ) -> np.ndarray:
        """x cos(angle) + p sin(angle) of each mode, jointly: (B, shots, k), columns as in `settings`.

        An angle None is heterodyne detection: (x + i p) / 2, both at once with the noise of one vacuum more;
        the array is then complex.
        """
        detection = Detection(settings, self.mean.shape[1] // 2)
        # not Cholesky: nearly singular ones are common
        values, vectors = np.linalg.eigh(detection.of(self.cov))
        root = vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]
        noise = rng.standard_normal((len(self.mean), shots, len(detection.rows)))
        mean = (self.mean @ detection.rows.T)[:, None, :]
        return detection.outcomes(mean + noise @ np.swapaxes(root, 1, 2))

    def leak(self) -> np.ndarray:
        """Norm outside the cutoff, (B,): none, a Gaussian state has no cutoff."""
        return np.zeros(len(self.mean))

    def _reduced(self, modes: Sequence[int]) -> GaussianModes:
        index = np.array([*modes, *(self.mean.shape[1] // 2 + m for m in modes)], dtype=np.intp)
        return GaussianModes(self.mean[:, index], self.cov[:, index[:, None], index], self.cutoff)

    @property
    def _pure(self) -> bool:
        return bool(np.all(np.abs(np.linalg.slogdet(self.cov)[1]) < 2 * PURE))  # purity = 1 / sqrt(det cov)

    def _number_table(self, modes: Sequence[int], cutoff: int) -> np.ndarray:
        """Photon-number probabilities, (B,) + (cutoff,)*k."""
        B, k = len(self.mean), len(modes)
        part = self._reduced(modes)
        if part._pure:
            _check_room(B, cutoff**k, modes, cutoff)
            return np.abs(numberbasis.ket(part.mean, part.cov, cutoff)) ** 2
        _check_room(B, cutoff ** (2 * k), modes, cutoff)
        elements = numberbasis.density(part.mean, part.cov, cutoff).reshape(B, cutoff**k, cutoff**k)
        return elements.diagonal(axis1=1, axis2=2).real.reshape(B, *(cutoff,) * k)

    def _cutoff(self) -> int:
        if self.cutoff is None:
            raise CircuitError(
                "photon-number probabilities of a Gaussian state need a cutoff; give the device cutoff_dim"
            )
        return self.cutoff


def _table_bytes(batch: int, elements: int) -> int:
    """The table, and what the recursion holds beside it."""
    return 3 * 16 * batch * elements


def _check_room(batch: int, elements: int, modes: Sequence[int], cutoff: int) -> None:
    needed = _table_bytes(batch, elements)
    if needed > ALWAYS_ROOM and needed > (room := available()):
        raise DeviceError(
            f"photon numbers below {cutoff} of modes {list(modes)!r} need {human(needed)} (batch {batch}); "
            f"{human(room)} are free; measure fewer modes at once, or lower cutoff_dim"
        )
