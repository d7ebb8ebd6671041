"""SF's two simulators with their faults repaired, and the gates they lack.

They are called directly, not through `sf.Engine`: a row of a Gaussian circuit of 2 modes and 7 gates takes
0.25 ms so, and 16 ms through the engine, which evaluates each free parameter with a sympy.lambdify of its
own, compiled program or not. The results are the same to rounding, and do not depend on the global
`sf.hbar`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import thewalrus.quantum

from hybridge.plugin import ROWS, CircuitError, FockModes, Operation, fock_channel, fock_ket
from hybridge_strawberryfields.outcomes import check_weight, given_fock, given_gaussians
from hybridge_strawberryfields.sdk import import_strawberryfields
from hybridge_strawberryfields.shears import Shears

sf = import_strawberryfields()
gaussian = sf.backends.gaussianbackend
fock = sf.backends.fockbackend

# functions of SF that keep their last 128 results, matrices of C^4 numbers
REMEMBERING = (
    fock.ops.beamsplitter,
    fock.ops.two_mode_squeeze,
    fock.ops.mzgate,
    fock.ops.cross_kerr,
)


def forget_matrices() -> None:
    """Free the gate matrices that SF keeps."""
    for function in REMEMBERING:
        function.cache_clear()


def gaussian_tensor(mean: np.ndarray, cov: np.ndarray, cutoff: int, mixed: bool) -> np.ndarray:
    """A Gaussian state in the number basis as SF has it: a ket, or a density matrix of pairs of axes.

    thewalrus gives a ket a phase that turns with the state; here <0|psi> > 0, as its derivatives have it.
    """
    if mixed:
        return thewalrus.quantum.density_matrix(mean, cov, cutoff=cutoff, hbar=2)
    return fock_ket(mean[None], cov[None], cutoff)[0]


def channel_elements(row: str, numbers: Sequence[float], cutoff: int) -> np.ndarray:
    """<m| Phi(|j><l|) |n> of a row's channel on one mode, [m, n, j, l]."""
    return fock_channel(*(v[None] for v in _definition(row, *numbers)), cutoff)[0]


def _definition(row: str, *numbers: float) -> tuple[np.ndarray, ...]:
    definition = ROWS[row].definition
    assert definition is not None  # it is Gaussian
    return definition(*numbers)


class GaussianBackend(Shears, gaussian.GaussianBackend):
    """The Gaussian simulator."""

    def prepare_gaussian_row(self, row: Operation, *numbers_and_modes: Any) -> None:
        """A row of GaussianState at numbers of the circuit, on a list of modes."""
        *numbers, modes = numbers_and_modes
        self.prepare_gaussian_state(*row.definition(*numbers), modes)

    def thermal_loss(self, T: float, nbar: float, mode: int) -> None:
        """SF adds the noise to every mode, and to all their correlations."""
        self.circuit.loss(T, mode)
        self.circuit.nmat[mode, mode] += (1 - T) * nbar

    def squeeze_by_measurement(self, r: float, phi: float, r_anc: float, eta_anc: float, mode: int) -> None:
        """The row MeasurementBasedSqueezing; SF has it on its bosonic simulator only."""
        X, d, Y = _definition("MeasurementBasedSqueezing", r, phi, r_anc, eta_anc)
        mean, cov, n = self.circuit.smeanxp(), self.circuit.scovmatxp(), self.circuit.nlen
        at = [mode, n + mode]
        mean[at] = X @ mean[at] + d
        cov[at] = X @ cov[at]
        cov[:, at] = cov[:, at] @ X.T
        cov[np.ix_(at, at)] += Y
        self.prepare_gaussian_state(mean, cov, list(range(n)))

    def select_row(self, row: Operation, *numbers_and_modes: Any) -> None:
        """The state given that a detector of these modes read what a row says."""
        *numbers, modes = numbers_and_modes
        n = self.circuit.nlen
        at = [*modes, *(n + mode for mode in modes)]
        mean, cov = self.circuit.smeanxp(), self.circuit.scovmatxp()
        means, cov, _ = given_gaussians(mean[None], cov, row.definition(*numbers), at)
        self.prepare_gaussian_state(means[0], cov, list(range(n)))

    def moments(self) -> np.ndarray:
        """Mean (2n,) and covariance (2n, 2n), row-major, in one vector; order (x1..xn, p1..pn), hbar = 2."""
        # not state(): it goes over to (x1, p1, ...) in Python loops, and scales by the global sf.hbar
        return np.concatenate((self.circuit.smeanxp(), self.circuit.scovmatxp().ravel()))


class FockBackend(Shears, fock.FockBackend):
    """The Fock simulator, right for any order of wires, pure as long as the physics is."""

    def begin_circuit(self, num_subsystems: int, *, cutoff_dim: int) -> None:
        super().begin_circuit(num_subsystems, cutoff_dim=cutoff_dim)
        self.circuit = FockCircuit(num_subsystems, cutoff_dim)
        self.hidden = 0.0  # what was beyond the cutoff where a state was normalised

    def prepare_gaussian_row(self, row: Operation, *numbers_and_modes: Any) -> None:
        """A row of GaussianState at numbers of the circuit, on a list of modes; exact below the cutoff."""
        *numbers, modes = numbers_and_modes
        state = gaussian_tensor(*row.definition(*numbers), self.get_cutoff_dim(), row.mixed)
        (self.prepare_dm_state if row.mixed else self.prepare_ket_state)(state, modes)

    def prepare_cat_state(self, a: float, phi: float, p: float, mode: int) -> None:
        """(|alpha> + e^{i pi p} |-alpha>) / norm, alpha = a e^{i phi}.

        SF's Catstate evaluates each amplitude with sympy, those of a small odd cat without a right one. Even
        photon numbers get 1 + e^{i pi p} = 2 e^{i pi p/2} cos(pi p/2), odd ones -2i e^{i pi p/2} sin(pi p/2).
        """
        turn = p % 2
        even, odd = (
            math.sin(math.pi * (1 - turn) / 2),
            math.sin(math.pi * turn / 2),
        )  # exactly 0 where they should
        square = (even**2 * (1 + math.exp(-2 * a * a)) - odd**2 * math.expm1(-2 * a * a)) / 2
        if square == 0:
            raise CircuitError(
                "CatState(a, phi, p) with a = 0 and p = 1 is the zero vector; use FockState(1)"
            )
        ket = fock.ops.coherentState(a, phi, self.get_cutoff_dim())
        weights = np.where(np.arange(len(ket)) % 2, -1j * odd, even) * np.exp(1j * math.pi * p / 2)
        self.prepare_ket_state(ket * weights / math.sqrt(square), [mode])

    def prepare_gkp_state(self, theta: float, phi: float, epsilon: float, mode: int) -> None:
        """The row GKPState; SF's own is normalised below the cutoff, and so does not show what it loses."""
        row = ROWS["GKPState"]
        assert row.fock is not None
        self.prepare_ket_state(row.fock(self.get_cutoff_dim(), theta, phi, epsilon), [mode])

    def thermal_loss(self, T: float, nbar: float, mode: int) -> None:
        """SF's Fock simulator has none: the channel's exact elements below the cutoff."""
        self._channel("ThermalLossChannel", mode, T, nbar)

    def squeeze_by_measurement(self, r: float, phi: float, r_anc: float, eta_anc: float, mode: int) -> None:
        """Nor this one."""
        self._channel("MeasurementBasedSqueezing", mode, r, phi, r_anc, eta_anc)

    def select_row(self, row: Operation, *numbers_and_modes: Any) -> None:
        """The state given that a detector of these modes read what a row says."""
        *numbers, modes = numbers_and_modes
        n = self.circuit._num_modes
        leak = FockModes(*((self.array()[None], None) if self.circuit._pure else (None, self.array()[None])))
        missing = float(leak.leak()[0]) + self.hidden
        state, weight = given_fock(self.array(), row.fock(self.get_cutoff_dim(), *numbers), modes, n)
        check_weight(row, numbers, weight)
        self.hidden = missing / weight
        self.circuit._pure = state.ndim == n
        side_by_side = [axis for mode in range(n) for axis in (mode, n + mode)]
        self.circuit._state = state if self.circuit._pure else state.transpose(side_by_side)

    def _channel(self, row: str, mode: int, *numbers: float) -> None:
        self.circuit.apply_elements(channel_elements(row, numbers, self.get_cutoff_dim()), mode)

    def array(self) -> np.ndarray:
        """The state, (C,)*n while it is pure, else (C,)*2n, ket axes first; not to be written to."""
        state, pure = self.circuit.get_state()
        # SF keeps a mode's ket and bra index side by side
        return state if pure else state.transpose([*range(0, state.ndim, 2), *range(1, state.ndim, 2)])


class FockCircuit(fock.circuit.Circuit):
    """The state of a `FockBackend`."""

    def apply_twomode_gate(self, mat: np.ndarray, modes: Sequence[int], gate: str = "BSgate") -> np.ndarray:
        """Apply a gate to two modes.

        SF takes the wrong modes of a pure state where the second is mode 0 (in 0.23 and in its master). One
        shape, (C, C, rest), for any number of modes also lets numba compile each kernel only once, in 2 s.
        """
        if not self._pure:
            return super().apply_twomode_gate(mat, modes, gate)
        front = np.moveaxis(self._state, modes, (0, 1))
        kernel = self._apply_S2 if gate == "S2gate" else self._apply_two_mode_passive
        applied = kernel(mat, front.reshape(self._trunc, self._trunc, -1), self._trunc)
        return np.moveaxis(applied.reshape(front.shape), (0, 1), modes)

    def apply_gate_BLAS(
        self,
        mat: np.ndarray,
        modes: Sequence[int],
        state: np.ndarray | None = None,
        pure: bool | None = None,
    ) -> np.ndarray:
        """A gate's matrix (outputs and inputs side by side) on some modes.

        SF multiplies vector by vector in a Python loop over the other modes: at three modes and 20 levels
        one product takes a hundredth of that.
        """
        state = self._state if state is None else state
        pure = self._pure if pure is None else pure
        k = len(modes)
        whole = mat.transpose([*range(0, 2 * k, 2), *range(1, 2 * k, 2)]).reshape((self._trunc**k,) * 2)
        if pure:
            return _times(whole, state, modes)
        kets = _times(whole, state, [2 * mode for mode in modes])
        return _times(whole.conj(), kets, [2 * mode + 1 for mode in modes])

    def apply_elements(self, elements: np.ndarray, mode: int) -> None:
        """A channel on one mode, of elements <m| Phi(|j><l|) |n>, [m, n, j, l]."""
        if self._pure:
            self._state = fock.ops.mix(self._state, self._num_modes)
            self._pure = False
        self._state = _times(elements.reshape((self._trunc**2,) * 2), self._state, [2 * mode, 2 * mode + 1])

    def prepare_multimode(self, state: np.ndarray, modes: int | Sequence[int]) -> None:
        """Replace the state of some modes.

        SF goes over to a density matrix, 16 C^2n bytes, whatever they held. A ket put on modes that are
        still in vacuum makes a product of kets, and the state stays pure here.
        """
        modes = [modes] if isinstance(modes, int) else list(modes)
        if self._pure and state.shape == (self._trunc,) * len(modes) and len(modes) < self._num_modes:
            first = range(len(modes))
            front = np.moveaxis(self._state, modes, first)
            others = front[(0,) * len(modes)]
            if np.count_nonzero(others) == np.count_nonzero(front):  # nothing but vacuum there
                self._state = np.moveaxis(np.multiply.outer(state, others), first, modes)
                return
        super().prepare_multimode(state, modes)


def _times(matrix: np.ndarray, state: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    first = range(len(axes))
    front = np.moveaxis(state, axes, first)
    return np.moveaxis((matrix @ front.reshape(len(matrix), -1)).reshape(front.shape), first, axes)
