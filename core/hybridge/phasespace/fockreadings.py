"""What is read from Fock states, and the operators behind it, from which derivatives start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from hybridge.errors import DeviceError
from hybridge.phasespace import fock
from hybridge.phasespace.counted import Counted
from hybridge.phasespace.fock import FockModes
from hybridge.phasespace.polynomial import Polynomial


class Reading(ABC):
    """One measurement: functions of some numbers tr(O rho), O operators that do not depend on the state."""

    gives_state: ClassVar[bool] = False

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

    gives_state: ClassVar[bool] = True

    kind: str
    wires: tuple[int, ...]

    def columns(self, modes: FockModes) -> np.ndarray:
        found = modes.kets if self.kind == "state" else modes.density_matrix(self.wires)
        assert found is not None  # a mixed state is no ket: the device refuses that when it compiles
        return found.reshape(len(found), -1)

    def width(self, C: int, n: int) -> int:
        return C ** (n if self.kind == "state" else 2 * len(self.wires))

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        raise DeviceError("expval, var and probs of a Fock state have derivatives; a state() has none")


@dataclass(frozen=True)
class Probabilities(Reading):
    """Of the photon numbers of some wires."""

    wires: tuple[int, ...]

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.probs(self.wires)

    def width(self, C: int, n: int) -> int:
        return C ** len(self.wires)

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        return fock.weighted(kets, inner, self.wires)


@dataclass(frozen=True)
class Mean(Reading):
    """The expectation value of a polynomial."""

    polynomial: Polynomial

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.expval(self.polynomial)[:, None]

    def width(self, C: int, n: int) -> int:
        return 1

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        return _scaled(fock.applied(self.polynomial, kets), inner[:, 0])


@dataclass(frozen=True)
class Variance(Mean):
    """The variance of a polynomial f: <f^2> - <f>^2."""

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.var(self.polynomial)[:, None]

    def inner(self, modes: FockModes, cotangent: np.ndarray) -> np.ndarray:
        return np.concatenate([-2 * modes.expval(self.polynomial)[:, None] * cotangent, cotangent], axis=1)

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        square = fock.applied(self.polynomial, kets, power=2)
        return super().applied(kets, inner) + _scaled(square, inner[:, 1])


@dataclass(frozen=True)
class Projection(Reading):
    """The probability of what a detector of photons says yes to."""

    observable: Counted

    def columns(self, modes: FockModes) -> np.ndarray:
        return (modes.probs(self._wires) @ self._values(modes.cutoff))[:, None]

    def width(self, C: int, n: int) -> int:
        return 1

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        return fock.weighted(kets, inner * self._values(kets.shape[1]), self._wires)

    @property
    def _wires(self) -> tuple[int, ...]:
        return cast(tuple[int, ...], self.observable.wires)

    def _values(self, C: int) -> np.ndarray:
        """(C^k,), at all photon numbers of its wires."""
        k = len(self._wires)
        return self.observable.value(np.indices((C,) * k).reshape(k, -1).T)


@dataclass(frozen=True)
class ProjectionVariance(Projection):
    """p (1 - p) of a probability p."""

    def columns(self, modes: FockModes) -> np.ndarray:
        p = super().columns(modes)
        return p * (1 - p)

    def inner(self, modes: FockModes, cotangent: np.ndarray) -> np.ndarray:
        return cotangent * (1 - 2 * super().columns(modes))


@dataclass(frozen=True)
class Patterns(Reading):
    """The probabilities of which threshold detectors in some wires click, a bit a wire."""

    wires: tuple[int, ...]

    def columns(self, modes: FockModes) -> np.ndarray:
        return modes.click_probs(self.wires)

    def width(self, C: int, n: int) -> int:
        return 2 ** len(self.wires)

    def applied(self, kets: np.ndarray, inner: np.ndarray) -> np.ndarray:
        C, k = kets.shape[1], len(self.wires)
        seen = np.indices((C,) * k).reshape(k, -1) > 0
        pattern = (1 << np.arange(k)[::-1]) @ seen
        return fock.weighted(kets, inner[:, pattern], self.wires)


def reading(kind: str, observable: Any, wires: Sequence[int]) -> Reading:
    """The reading of a measurement: of an observable, or else of these modes.

    >>> modes = FockModes(kets=np.array([[0.6, 0.8]]))
    >>> reading("probs", None, [0]).columns(modes).round(2).tolist()
    [[0.36, 0.64]]
    """
    if isinstance(observable, Polynomial):
        return (Mean if kind == "expval" else Variance)(observable)
    if kind == "probs" and observable is not None:
        return Patterns(tuple(observable.wires))
    if observable is not None:
        projection = Projection if kind == "expval" else ProjectionVariance
        return projection(observable)
    return Probabilities(tuple(wires)) if kind == "probs" else State(kind, tuple(wires))


def cotangent(readings: Sequence[Reading], modes: FockModes, of_columns: np.ndarray) -> np.ndarray:
    """That of the states, from that of all columns (B, columns): (B,) + the axes of a state.

    Of kets it is lam with dL = 2 Re <lam, d ket>, of density matrices the Hermitian M with dL = tr(M d rho).
    """
    C, n, B, start = modes.cutoff, modes.num_modes, len(of_columns), 0
    if modes.kets is not None:
        kets, repeats = modes.kets, 1
    else:  # the columns of M, from all basis states
        repeats = C**n
        kets = np.tile(np.eye(repeats), (B, 1)).reshape(-1, *(C,) * n)
    total = np.zeros((B * repeats, *(C,) * n), dtype=complex)
    for one in readings:
        stop = start + one.width(C, n)
        inner = one.inner(modes, of_columns[:, start:stop])
        total += one.applied(kets, np.repeat(inner, repeats, axis=0))
        start = stop
    if modes.kets is not None:
        return total
    return np.swapaxes(total.reshape(B, repeats, repeats), 1, 2).reshape(-1, *(C,) * (2 * n))


def _scaled(kets: np.ndarray, factors: np.ndarray) -> np.ndarray:
    return kets * factors.reshape(-1, *(1,) * (kets.ndim - 1))
