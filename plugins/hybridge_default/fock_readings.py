"""What default.fock reads from a state, and the operators behind it, from which derivatives start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import cast

import numpy as np

from hybridge.plugin import DeviceError, FockModes, Measurement, Polynomial, fock_applied, fock_weighted


class Reading(ABC):
    """One measurement: functions of some numbers tr(O rho), O operators that do not depend on the state."""

    @abstractmethod
    def columns(self, modes: FockModes) -> np.ndarray:
        """The values, (B, width)."""

    @abstractmethod
    def width(self, C: int, n: int) -> int:
        """The number of columns."""

    def inner(self, modes: FockModes, cotangent: np.ndarray) -> np.ndarray:
        """The cotangents of the numbers tr(O rho), from (B, width); the columns are those numbers mostly."""
        return cotangent

    @abstractmethod
    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """sum of inner (B, numbers) * O |ket> for each row."""


@dataclass(frozen=True)
class State(Reading):
    """The ket, or the reduced density matrix of some wires."""

    kind: str
    wires: tuple[int, ...]

    def columns(self, modes: FockModes) -> np.ndarray:
        found = modes.kets if self.kind == "state" else modes.density_matrix(self.wires)
        assert found is not None  # a mixed state is no ket: the device refuses that when it compiles
        return found.reshape(len(found), -1)

    def width(self, C: int, n: int) -> int:
        return C ** (n if self.kind == "state" else 2 * len(self.wires))

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        raise DeviceError("default.fock differentiates expval, var and probs; a state it does not")


@dataclass(frozen=True)
class Probabilities(Reading):
    """Of the photon numbers of some wires."""

    wires: tuple[int, ...]

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.probs(self.wires)

    def width(self, C: int, n: int) -> int:
        return C ** len(self.wires)

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        return fock_weighted(kets, inner, self.wires)


@dataclass(frozen=True)
class Mean(Reading):
    """The expectation value of a polynomial."""

    polynomial: Polynomial

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.expval(self.polynomial)[:, None]

    def width(self, C: int, n: int) -> int:
        return 1

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        return _scaled(fock_applied(self.polynomial, kets), inner[:, 0])


@dataclass(frozen=True)
class Variance(Mean):
    """The variance of a polynomial f: <f^2> - <f>^2."""

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.var(self.polynomial)[:, None]

    def inner(self, modes: FockModes, cotangent: np.ndarray) -> np.ndarray:
        return np.concatenate([-2 * modes.expval(self.polynomial)[:, None] * cotangent, cotangent], axis=1)

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        square = fock_applied(self.polynomial, kets, power=2)
        return super().applied(kets, inner) + _scaled(square, inner[:, 1])


@dataclass(frozen=True)
class Projection(Reading):
    """The probability of some photon numbers."""

    photons: tuple[int, ...]
    wires: tuple[int, ...]

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.probs(self.wires)[:, [self._at(modes.cutoff)]]

    def width(self, C: int, n: int) -> int:
        return 1

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        C = kets.shape[1]
        weights = np.zeros((len(inner), C ** len(self.wires)))
        weights[:, self._at(C)] = inner[:, 0]
        return fock_weighted(kets, weights, self.wires)

    def _at(self, C: int) -> int:
        return int(np.ravel_multi_index(self.photons, (C,) * len(self.wires)))


@dataclass(frozen=True)
class ProjectionVariance(Projection):
    """p (1 - p) of a probability p."""

    def columns(self, modes: FockModes) -> np.ndarray:
        p = super().columns(modes)
        return p * (1 - p)

    def inner(self, modes: FockModes, cotangent: np.ndarray) -> np.ndarray:
        return cotangent * (1 - 2 * super().columns(modes))


def reading(measurement: Measurement, n: int) -> Reading:
    """The reading of a measurement on modes 0..n-1."""
    kind, observable = measurement.kind, measurement.observable
    if isinstance(observable, Polynomial):
        return (Mean if kind == "expval" else Variance)(observable)
    if observable is not None:
        projection = Projection if kind == "expval" else ProjectionVariance
        return projection(observable.photons, observable.wires)
    wires = tuple(range(n)) if measurement.wires is None else cast(tuple[int, ...], measurement.wires)
    return Probabilities(wires) if kind == "probs" else State(kind, wires)


def _scaled(kets: np.ndarray, factors: np.ndarray) -> np.ndarray:
    return kets * factors.reshape(-1, *(1,) * (kets.ndim - 1))
