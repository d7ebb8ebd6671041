"""Sums of Gaussians of one covariance: what can be computed and sampled from a batch of them.

Such is the Wigner function of a cat or a GKP state after Gaussian operations: sum_k w_k N(mean_k, cov),
weights of any sign, and complex where means are, in pairs whose sum is real (Bourassa et al., PRX Quantum 2,
040315 (2021)). hbar = 2, order (x1..xn, p1..pn).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from hybridge.errors import CircuitError, DeviceError
from hybridge.memory import available, human
from hybridge.phasespace import numberbasis
from hybridge.phasespace.clicks import click_parts
from hybridge.phasespace.detection import Detection
from hybridge.phasespace.drawing import draw_numbers
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.mixture_drawing import draw_positions
from hybridge.phasespace.moments import moment
from hybridge.phasespace.polynomial import Polynomial

MISSING = 1e-10  # probability that photon numbers beyond the sampled table may have
BLOCK = 2**26  # bytes of density matrices held at once while they are summed
ALWAYS_ROOM = 2**24  # bytes that are asked for without looking how much memory there is


@dataclass(frozen=True, eq=False)
class MixtureModes:
    """B states of n modes: weights (B, K), mean (B, K, 2n), cov (B, 2n, 2n); cutoff is that of probs.

    >>> cat = MixtureModes(np.full((1, 2), 0.5), np.array([[[2.0, 0], [-2.0, 0]]]), np.eye(2)[None], cutoff=3)
    >>> cat.probs([0]).round(4).tolist()  # of |alpha> and |-alpha>, alpha = 1, mixed
    [[0.3679, 0.3679, 0.1839]]
    """

    weights: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    cutoff: int | None = None

    def expval(self, polynomial: Polynomial) -> np.ndarray:
        """The mean of an observable, (B,): the classical average of its Weyl symbol."""
        modes = cast(tuple[int, ...], polynomial.wires)
        part = self._reduced(modes)
        B, K, size = part.mean.shape
        of_each = moment("expval", polynomial, modes).value(
            part.mean.reshape(-1, size), np.repeat(part.cov, K, axis=0)
        )
        total = (self.weights * of_each.reshape(B, K)).sum(axis=1)
        return total.real if polynomial.hermitian else total

    def var(self, polynomial: Polynomial) -> np.ndarray:
        """The variance of a Hermitian observable, (B,)."""
        return self.expval(polynomial @ polynomial) - self.expval(polynomial) ** 2

    def probs(self, modes: Sequence[int]) -> np.ndarray:
        """Photon-number probabilities of `modes`, (B, cutoff^k), modes[0] most significant.

        What lies beyond the cutoff is missing from the sum. Raises CircuitError without a cutoff, DeviceError
        where the density matrix does not fit into memory.
        """
        return self.density_matrix(modes).diagonal(axis1=1, axis2=2).real

    def density_matrix(self, modes: Sequence[int]) -> np.ndarray:
        """The reduced density matrix of `modes` in the number basis, (B, cutoff^k, cutoff^k).

        Raises the errors of `probs`.
        """
        if self.cutoff is None:
            raise CircuitError("photon-number probabilities need a cutoff; give the device cutoff_dim")
        return self._density(modes, self.cutoff)

    def sample_photons(self, modes: Sequence[int], shots: int, rng: np.random.Generator) -> np.ndarray:
        """Photon numbers of `modes`, measured jointly: (B, shots, k) int64, not limited by the cutoff.

        From a table of their probabilities, enlarged until less than 1e-10 is missing; DeviceError where that
        does not fit into memory.
        """
        if self.weights.shape[1] == 1:
            return GaussianModes(self.mean[:, 0].real, self.cov).sample_photons(modes, shots, rng)
        cutoff, k = 8, len(modes)
        while True:
            table = self._density(modes, cutoff).diagonal(axis1=1, axis2=2).real
            if np.all(1 - table.sum(axis=1) < MISSING):
                return draw_numbers(np.clip(table, 0, None).reshape(-1, *(cutoff,) * k), shots, rng)
            cutoff = cutoff * 3 // 2

    def click_probs(self, modes: Sequence[int]) -> np.ndarray:
        """How likely each pattern of threshold detectors is, (B, 2^k), a bit a mode: 1 where it clicks."""
        part = self._reduced(modes)
        parts = [click_parts(mean, cov[None]) for mean, cov in zip(part.mean, part.cov, strict=True)]
        found = np.stack([weights @ own for weights, own in zip(self.weights, parts, strict=True)])
        return np.clip(found.real, 0.0, 1.0)

    def sample_quadratures(
        self, settings: Mapping[int, float | None], shots: int, rng: np.random.Generator
    ) -> np.ndarray:
        """x cos(angle) + p sin(angle) of each mode, jointly: (B, shots, k), columns as in `settings`.

        An angle None is heterodyne detection: (x + i p) / 2, both at once with the noise of one vacuum more;
        the array is then complex. Raises DeviceError where the Gaussians cancel so far that none is sampled.
        """
        detection = Detection(settings, self.mean.shape[2] // 2)
        of_each = zip(self.weights, self.mean, self.cov, strict=True)
        drawn = [draw_positions(w, m @ detection.rows.T, detection.of(V), shots, rng) for w, m, V in of_each]
        return detection.outcomes(np.stack(drawn))

    def leak(self) -> np.ndarray:
        """Norm outside the cutoff, (B,): none, a sum of Gaussians has no cutoff."""
        return np.zeros(len(self.mean))

    def _reduced(self, modes: Sequence[int]) -> MixtureModes:
        at = np.array([*modes, *(self.mean.shape[2] // 2 + m for m in modes)], dtype=np.intp)
        return MixtureModes(self.weights, self.mean[:, :, at], self.cov[:, at[:, None], at], self.cutoff)

    def _density(self, modes: Sequence[int], cutoff: int) -> np.ndarray:
        part, size = self._reduced(modes), cutoff ** len(modes)
        _check_room(len(self.mean), size**2, modes, cutoff)
        rows = max(1, BLOCK // (3 * 16 * size**2))
        total = np.zeros((len(self.mean), size, size), dtype=complex)
        for own, weights, mean, cov in zip(total, part.weights, part.mean, part.cov, strict=True):
            for start in range(0, len(weights), rows):
                some = slice(start, start + rows)
                rho = numberbasis.density(mean[some], cov[None], cutoff)
                own += np.tensordot(weights[some], rho.reshape(-1, size, size), 1)
        return total


def _check_room(batch: int, elements: int, modes: Sequence[int], cutoff: int) -> None:
    needed = 4 * 16 * batch * elements
    if needed > ALWAYS_ROOM and needed > (room := available()):
        raise DeviceError(
            f"photon numbers below {cutoff} of modes {list(modes)!r} need {human(needed)} (batch {batch}); "
            f"{human(room)} are free; measure fewer modes at once, or lower cutoff_dim"
        )
