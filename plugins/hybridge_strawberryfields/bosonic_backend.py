"""SF's bosonic simulator: sums of Gaussian functions in phase space, of any sign or phase.

SF prepares cats and GKP states before the first gate only; here a state may be prepared at any time. Gaussian
operations move all Gaussians alike, and those of a state prepared here have one covariance, which is kept
once: SF's arrays of covariances have the length 1. What is measured is computed by the core, since SF's
photon numbers of two modes are wrong (it hands a state in the order x1, p1, x2, p2 to a function that takes
x1, x2, p1, p2), and it has no polynomials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.plugin import CircuitError, DeviceError, Operation, available, human
from hybridge_strawberryfields.backends import sf
from hybridge_strawberryfields.outcomes import check_weight, given_gaussians
from hybridge_strawberryfields.shears import Shears

NEGLIGIBLE = 1e-14  # weight of a Gaussian of a GKP state that is left out, relative to the largest
ALWAYS_ROOM = 2**24  # bytes that are asked for without looking how much memory there is


class BosonicBackend(Shears, sf.backends.bosonicbackend.BosonicBackend):
    """The simulator; `mixture` is its state."""

    def mixture(self) -> np.ndarray:
        """(2n)^2 + K (1 + 2n) complex: the covariance, then weight and mean of each of K Gaussians, in the
        order (x1..xn, p1..pn)."""
        circuit = self.circuit
        order = circuit.to_xp
        cov = circuit.covs[0][order[:, None], order]
        each = np.column_stack((circuit.weights, circuit.means[:, order]))
        return np.concatenate((cov.ravel(), each.ravel()))

    def passive(self, T: np.ndarray, modes: Sequence[int]) -> None:
        """a -> T a and vacuum for what is lost."""
        X = np.block([[T.real, -T.imag], [T.imag, T.real]])
        self.gaussian_cptp(list(modes), X, np.eye(len(X)) - X @ X.T)

    def prepare_thermal_state(self, nbar: float, mode: int) -> None:
        self._prepare(np.ones(1), np.zeros((1, 2)), np.eye(2) * (2 * nbar + 1), [mode])

    def prepare_gaussian_state(self, r: np.ndarray, V: np.ndarray, modes: Sequence[int]) -> None:
        """Mean and covariance in the order of the modes given, x before p."""
        k = len(modes)
        order = np.arange(2 * k).reshape(2, k).T.ravel()
        self._prepare(np.ones(1), r[None, order], V[order[:, None], order], list(modes))

    def prepare_gaussian_row(self, row: Operation, *numbers_and_modes: Any) -> None:
        """A row of GaussianState at numbers of the circuit, on a list of modes."""
        *numbers, modes = numbers_and_modes
        self.prepare_gaussian_state(*row.definition(*numbers), modes)

    def prepare_cat_state(self, a: float, phi: float, p: float, mode: int) -> None:
        """(|alpha> + e^{i pi p} |-alpha>) / norm, alpha = a e^{i phi}.

        Two Gaussians, and two of imaginary means, by which they interfere.

        SF's own weights lose the digits of a small odd cat, whose norm is 1 - exp(-2 a^2).
        """
        overlap, turn = np.exp(-2 * a * a), np.exp(-1j * np.pi * p)
        even, odd = (np.sin(np.pi * v / 2) ** 2 for v in (1 - p % 2, p % 2))  # exactly 0 where they should
        norm = 2 * (even * (1 + overlap) - odd * np.expm1(-2 * a * a))
        if norm == 0:
            raise CircuitError(
                "CatState(a, phi, p) with a = 0 and p = 1 is the zero vector; use FockState(1)"
            )
        forth = 2 * a * np.array([np.cos(phi), np.sin(phi)])
        across = 2j * a * np.array([np.sin(phi), -np.cos(phi)])
        weights = np.array([1, 1, overlap * turn, overlap * turn.conj()]) / norm
        means = np.array([forth, -forth, across, across.conj()])
        self._prepare(weights, means, np.eye(2), [mode])

    def prepare_gkp_state(self, theta: float, phi: float, epsilon: float, mode: int) -> None:
        """The row GKPState, as SF has it."""
        weights, means, covs = self.prepare_gkp([theta, phi], epsilon, NEGLIGIBLE)
        self._prepare(weights, means, covs[0], [mode])

    def squeeze_by_measurement(self, r: float, phi: float, r_anc: float, eta_anc: float, mode: int) -> None:
        """The average over the outcomes; numbers before the mode."""
        self.mb_squeeze_avg(mode, r, phi, r_anc, eta_anc)

    def select_row(self, row: Operation, *numbers_and_modes: Any) -> None:
        """The state given that a detector of these modes read what a row says; Gaussians get new weights."""
        *numbers, modes = numbers_and_modes
        circuit = self.circuit
        at = [*(2 * mode for mode in modes), *(2 * mode + 1 for mode in modes)]
        detected = row.definition(*numbers)
        means, cov, likely = given_gaussians(circuit.means, circuit.covs[0].real, detected, at)
        weights = circuit.weights * likely
        total = weights.sum()
        check_weight(row, numbers, abs(total) / np.abs(weights).sum())
        circuit.means, circuit.covs, circuit.weights = means, cov[None], weights / total

    def _prepare(self, weights: np.ndarray, means: np.ndarray, cov: np.ndarray, modes: Sequence[int]) -> None:
        """Replace the state of some modes: means (J, 2k), cov (2k, 2k), order (x1, p1, x2, p2, ...)."""
        circuit = self.circuit
        K, J, size = len(circuit.weights), len(weights), circuit.means.shape[1]
        needed = 4 * 16 * K * J * size
        if needed > ALWAYS_ROOM and needed > (room := available()):
            raise DeviceError(
                f"a sum of {K * J} Gaussians needs {human(needed)}, {human(room)} are free: use fewer cats "
                "and GKP states, or a larger epsilon"
            )
        for mode in modes:
            circuit.loss(0.0, mode)
        at = np.array([axis for mode in modes for axis in (2 * mode, 2 * mode + 1)])
        circuit.weights = np.multiply.outer(circuit.weights, weights).ravel()
        circuit.means = np.repeat(circuit.means, J, axis=0)
        circuit.means[:, at] = np.tile(means, (K, 1))
        circuit.covs[:, at[:, None], at] = cov
