"""Channels of one mode as Kraus operators in the number basis, sets of them one after the other."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from numpy.polynomial.hermite import hermgauss

Kraus = list[np.ndarray]  # (size, size) each

NODES = 12  # of the quadrature over random displacements
MARGIN = 8  # photon numbers beyond the space in which a displacement is made


def loss(transmission: float, size: int) -> Kraus:
    """The l-th loses l photons: <n - l|K_l|n>^2 = C(n, l) T^(n - l) (1 - T)^l."""
    found = []
    for lost in range(size):
        k = np.zeros((size, size))
        for n in range(lost, size):
            k[n - lost, n] = np.sqrt(comb(n, lost) * transmission ** (n - lost) * (1 - transmission) ** lost)
        found.append(k)
    return found


def amplified(gain: float, size: int) -> Kraus:
    """The l-th adds l photons: <n + l|K_l|n>^2 = C(n + l, l) (1 - 1/G)^l / G^(n + 1)."""
    found = []
    for added in range(size):
        k = np.zeros((size, size))
        for n in range(size - added):
            k[n + added, n] = np.sqrt(comb(n + added, added) * (1 - 1 / gain) ** added / gain ** (n + 1))
        found.append(k)
    return found


def _exponential(generator: np.ndarray, size: int) -> np.ndarray:
    from scipy.linalg import expm  # takes longer to import than all of hybridge

    return expm(generator)[:size, :size]


def _ladder(size: int) -> np.ndarray:
    return np.diag(np.sqrt(np.arange(1.0, size + MARGIN)), 1)


def rotated(phi: float, size: int) -> Kraus:
    return [np.diag(np.exp(1j * phi * np.arange(size)))]


def squeezed(r: float, size: int) -> Kraus:
    a = _ladder(size)
    return [_exponential(r * (a @ a - a.T @ a.T) / 2, size)]


def moved(variance: float, direction: complex, size: int) -> Kraus:
    """Displacements by normal numbers of this variance, along x (1) or p (1j)."""
    a = _ladder(size)
    nodes, weights = hermgauss(NODES)
    shifts = direction * np.sqrt(2 * variance) * nodes / 2
    return [
        np.sqrt(w / np.sqrt(np.pi)) * _exponential(s * a.T - np.conj(s) * a, size)
        for s, w in zip(shifts, weights, strict=True)
    ]


def thermal_loss(T: float, nbar: float, size: int) -> list[Kraus]:
    """The least loss, and then the amplifier that adds the noise."""
    gain = 1 + (1 - T) * nbar
    return [loss(T / gain, size), amplified(gain, size)]


def measured_squeezing(r: float, phi: float, r_anc: float, eta: float, size: int) -> list[Kraus]:
    """A squeezer, and noise on x from the ancilla, on p from its detector."""
    return [
        rotated(-phi / 2, size),
        squeezed(r, size),
        moved(-np.expm1(-2 * r) * np.exp(-2 * r_anc), 1, size),
        moved(np.expm1(2 * r) * (1 - eta) / eta, 1j, size),
        rotated(phi / 2, size),
    ]


CHANNELS: dict[str, Callable[..., list[Kraus]]] = {
    "LossChannel": lambda T, size: [loss(T, size)],
    "ThermalLossChannel": thermal_loss,
    "MeasurementBasedSqueezing": measured_squeezing,
}
