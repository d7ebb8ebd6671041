"""The states that SF's Fock simulator prepares, with their derivatives in the truncated basis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from thewalrus import fock_gradients

from hybridge.plugin import (
    ROWS,
    Operation,
    definition_slope,
    fock_density,
    fock_density_slope,
    fock_ket,
    fock_ket_slope,
    fock_pullback,
)
from hybridge_strawberryfields.backends import fock

Slopes = Callable[[np.ndarray], list[float]]


@dataclass(frozen=True)
class State:
    """A ket (C,)*k or a density matrix (C,)*2k, ket axes first; by(cotangent) is dL / d number of each, of a
    tensor with dL = Re sum conj(cotangent) d tensor."""

    tensor: np.ndarray
    pure: bool
    by: Slopes

    def density(self) -> np.ndarray:
        """(C,)*2k."""
        return np.multiply.outer(self.tensor, self.tensor.conj()) if self.pure else self.tensor

    def slopes(self, cotangent: np.ndarray) -> list[float]:
        """From the cotangent lam of the ket, dL = 2 Re <lam, d ket>."""
        return self.by(2 * cotangent)

    def slopes_of_density(self, cotangent: np.ndarray) -> list[float]:
        """From the cotangent M (C,)*2k of the density matrix, dL = tr(M d rho)."""
        if not self.pure:
            return self.by(cotangent)
        return self.slopes(np.tensordot(cotangent, self.tensor, self.tensor.ndim))


def _of_derivatives(derivatives: Sequence[np.ndarray]) -> Slopes:
    return lambda cotangent: [np.vdot(cotangent, slope).real for slope in derivatives]


def _by_gate(array: Any, gradients: Any) -> Callable[..., State]:
    """A gate on the vacuum."""

    def state(arrays: Any, numbers: Sequence[float], C: int) -> State:
        T = array(*numbers, C)
        return State(T[:, 0], True, _of_derivatives([slope[:, 0] for slope in gradients(T, *numbers)]))

    return state


def _by_row(name: str) -> Callable[..., State]:
    """A row's own ket."""
    row = ROWS[name]

    def state(arrays: Any, numbers: Sequence[float], C: int) -> State:
        assert row.fock is not None
        slopes = [definition_slope(row, i, np.array([numbers]), C)[0][0] for i in range(len(numbers))]
        return State(row.fock(C, *numbers), True, _of_derivatives(slopes))

    return state


def _vacuum(arrays: Any, numbers: Sequence[float], C: int) -> State:
    return State(fock.ops.fockState(0, C), True, lambda cotangent: [])


def _thermal(arrays: Any, numbers: Sequence[float], C: int) -> State:
    (nbar,) = numbers
    n = np.arange(float(C))
    falling = np.where(n == 0, 0.0, n * np.float64(nbar) ** np.maximum(n - 1, 0))
    slope = falling / (1 + nbar) ** (n + 1) - (n + 1) * nbar**n / (1 + nbar) ** (n + 2)
    return State(fock.ops.thermalState(nbar, C), False, _of_derivatives([np.diag(slope)]))


def _gaussian(arrays: tuple[Operation], numbers: Sequence[float], C: int) -> State:
    """A row of GaussianState whose entries are numbers."""
    row, values = arrays[0], np.array([numbers])
    assert row.definition is not None
    mean, cov = (v[None] for v in row.definition(*numbers))
    expand, slope = (fock_density, fock_density_slope) if row.mixed else (fock_ket, fock_ket_slope)
    tensor = expand(mean, cov, C)

    def by(cotangent: np.ndarray) -> list[float]:
        pulled = slope(fock_pullback(tensor, cotangent[None]), mean, cov)
        return [pulled(*definition_slope(row, i, values)).item() for i in range(len(numbers))]

    return State(tensor[0], not row.mixed, by)


def _fixed_ket(arrays: tuple[np.ndarray], numbers: Sequence[float], C: int) -> State:
    return State(arrays[0], True, lambda cotangent: [])


def _fixed_density(arrays: tuple[np.ndarray], numbers: Sequence[float], C: int) -> State:
    """SF has a mode's ket and bra axes side by side."""
    axes = range(arrays[0].ndim)
    return State(arrays[0].transpose([*axes[::2], *axes[1::2]]), False, lambda cotangent: [])


# the simulator's method -> (arrays, numbers, cutoff) -> the state it prepares
STATES: dict[str, Callable[..., State]] = {
    "prepare_coherent_state": _by_gate(fock.ops.displacement, fock_gradients.grad_displacement),
    "prepare_squeezed_state": _by_gate(fock.ops.squeezing, fock_gradients.grad_squeezing),
    "prepare_vacuum_state": _vacuum,
    "prepare_cat_state": _by_row("CatState"),
    "prepare_gkp_state": _by_row("GKPState"),
    "prepare_thermal_state": _thermal,
    "prepare_gaussian_row": _gaussian,
    "prepare_ket_state": _fixed_ket,
    "prepare_dm_state": _fixed_density,
}
