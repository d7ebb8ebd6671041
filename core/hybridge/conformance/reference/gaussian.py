"""Gaussian circuits as one mean and one covariance over all modes; hbar = 2, order (x1..xn, p1..pn)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from itertools import product
from math import factorial
from typing import Any

import numpy as np

from hybridge.circuit import Circuit
from hybridge.conformance.reference.ordered import Factor, ordered
from hybridge.conformance.reference.outcomes import GAUSSIAN as OUTCOMES
from hybridge.operations.table import Operation
from hybridge.phasespace.counted import Clicks, NumberProjector

POINTS = {1: 384, 2: 96, 3: 32}  # on a circle per mode; photon numbers beyond alias onto those below


class GaussianState:
    """The final state of a circuit whose rows are all Gaussian: mean (2n,), cov (2n, 2n)."""

    def __init__(self, circuit: Circuit, numbers: Sequence[float], cutoff: int | None = None):
        self.order, self.cutoff = circuit.wires, cutoff
        n = len(self.order)
        self.mean, self.cov = np.zeros(2 * n), np.eye(2 * n)
        used = 0
        for operation, wires in circuit.instructions:
            if operation.kind == "marker":
                continue
            own = numbers[used : used + operation.arity]
            used += operation.arity
            assert operation.definition is not None  # the row is Gaussian
            if operation.kind == "outcome":
                self._select(operation, own, wires)
                continue
            apply = APPLY[operation.kind]
            apply(self, self._places(wires), *operation.definition(*own))
        self._moment = lru_cache(maxsize=None)(self._central_moment)

    def _places(self, wires: Sequence[Hashable]) -> list[int]:
        at = [self.order.index(w) for w in wires]
        return [*at, *(len(self.order) + i for i in at)]

    def _gate(self, places: list[int], S: np.ndarray, d: np.ndarray) -> None:
        self._channel(places, S, d, np.zeros_like(S))

    def _channel(self, places: list[int], X: np.ndarray, d: np.ndarray, Y: np.ndarray) -> None:
        wide, shift, noise = np.eye(len(self.mean)), np.zeros(len(self.mean)), np.zeros_like(self.cov)
        for a, i in enumerate(places):
            shift[i] = d[a]
            for b, j in enumerate(places):
                wide[i, j], noise[i, j] = X[a, b], Y[a, b]
        self.mean = wide @ self.mean + shift
        self.cov = wide @ self.cov @ wide.T + noise

    def _prepare(self, places: list[int], mean: np.ndarray, cov: np.ndarray) -> None:
        """What was on these modes is gone, and so are its correlations."""
        forget = np.zeros((len(places),) * 2)
        self._channel(places, forget, np.asarray(mean), np.asarray(cov))

    def _select(self, operation: Operation, own: Sequence[float], wires: Sequence[Hashable]) -> None:
        """Mode by mode; then they are empty."""
        for w in wires:
            mode = self.order.index(w)
            self.mean, self.cov = OUTCOMES[operation.name](self.mean, self.cov, mode, *own)
            self._prepare(self._places([w]), np.zeros(2), np.eye(2))

    # ---- moments, by Wick's theorem for operators in the order they stand ----

    def _index(self, factor: Factor) -> int:
        mode, letter = factor
        return self.order.index(mode) + (len(self.order) if letter == "p" else 0)

    def _pair(self, i: int, j: int) -> complex:
        """<r_i r_j> of the fluctuations: their covariance and half their commutator, [x, p] = 2i."""
        n = len(self.order)
        return complex(self.cov[i, j]) + 1j * ((j == i + n) - (i == j + n))

    def _central_moment(self, factors: tuple[int, ...]) -> complex:
        """<r_1 r_2 ... r_k>: the first is its mean, or is paired with each of the others in turn."""
        if not factors:
            return 1.0
        first, *others = factors
        total = self.mean[first] * self._moment(tuple(others))
        for k, other in enumerate(others):
            total += self._pair(first, other) * self._moment((*others[:k], *others[k + 1 :]))
        return total

    def moment(self, observable: Any, power: int = 1) -> float:
        """<observable^power>."""
        if isinstance(observable, NumberProjector):
            table = number_distribution(*self._reduced(observable.wires), max(observable.photons) + 1)
            return float(table[observable.photons])
        if isinstance(observable, Clicks):
            return float(self.probs(observable.wires, observable)[-1])
        terms = (ordered(observable) ** power).terms
        total = sum(c * self._moment(tuple(map(self._index, factors))) for factors, c in terms.items())
        return float(np.real(total))

    def expval(self, observable: Any) -> float:
        return self.moment(observable)

    def var(self, observable: Any) -> float:
        return self.moment(observable, 2) - self.moment(observable) ** 2

    # ---- photon numbers ----

    def _reduced(self, wires: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
        places = self._places(wires)
        return self.mean[places], self.cov[np.ix_(places, places)]

    def probs(self, wires: Sequence[Hashable], observable: Any = None) -> np.ndarray:
        """(cutoff^k,), wires[0] most significant; of Click (2^k,)."""
        if observable is not None:
            k = len(observable.wires)
            return clicks(number_distribution(*self._reduced(observable.wires), POINTS[k] // 2))
        assert self.cutoff is not None
        return number_distribution(*self._reduced(wires), self.cutoff).ravel()

    def density_matrix(self, wires: Sequence[Hashable]) -> np.ndarray:
        """(cutoff^k, cutoff^k), wires[0] most significant."""
        assert self.cutoff is not None
        return number_density(*self._reduced(wires), self.cutoff)


APPLY: dict[str, Callable[..., None]] = {
    "gate": GaussianState._gate,
    "channel": GaussianState._channel,
    "state": GaussianState._prepare,
}


def number_distribution(mean: np.ndarray, cov: np.ndarray, cutoff: int) -> np.ndarray:
    """P(n1, ..., nk), (cutoff,)*k: the Fourier coefficients of <t1^n1 ... tk^nk> on the unit circles.

    The Weyl symbol of t^n is 2 / (1 + t) exp(-(1 - t) / (1 + t) (x^2 + p^2) / 2), so its mean is
    det(A)^(-1/2) exp(-m^T (1 - T) A^(-1) m / 4) with A = ((1 + T) + V (1 - T)) / 2.
    """
    k = len(mean) // 2
    points = max(POINTS[k], 2 * cutoff)
    circle = np.exp(2j * np.pi * np.arange(points) / points)
    grid = np.array(list(product(circle, repeat=k)))
    t = np.concatenate([grid, grid], axis=1)  # for x and for p of each mode
    one = np.eye(2 * k)
    A = ((1 + t)[:, None, :] * one + cov * (1 - t)[:, None, :]) / 2
    # det(A) = det((1 + V) / 2) det(1 + W T), |W| < 1: no eigenvalue of the second meets the cut of the root
    W = np.linalg.solve(one + cov, one - cov)
    roots = np.prod(np.sqrt(np.linalg.eigvals(one + W * t[:, None, :]).astype(complex)), axis=1)
    norm = np.sqrt(np.linalg.det((one + cov) / 2)) * roots
    solved = np.linalg.solve(A, np.broadcast_to(mean, (len(t), 2 * k))[..., None].astype(complex))[..., 0]
    values = np.exp(-np.einsum("i,gi,gi->g", mean, 1 - t, solved) / 4) / norm
    table = np.fft.fftn(values.reshape((points,) * k)).real / points**k
    return table[(slice(cutoff),) * k]


def clicks(table: np.ndarray) -> np.ndarray:
    """Photon-number probabilities (cutoff,)*k as those of click patterns, (2^k,)."""
    for axis in range(table.ndim):
        dark, light = np.split(table, [1], axis=axis)
        table = np.concatenate([dark, light.sum(axis=axis, keepdims=True)], axis=axis)
    return table.ravel()


def number_density(mean: np.ndarray, cov: np.ndarray, cutoff: int) -> np.ndarray:
    """The density matrix below the cutoff, (cutoff^k, cutoff^k), of one or two modes.

    The Fourier coefficients on circles of <0| e^(u.a) rho e^(v.a^dagger) |0>, which is the sum of
    rho_mn u^m v^n / sqrt(m! n!). As e^(v.a^dagger) |0><0| e^(u.a) has the Weyl symbol
    2 exp(-(x^2 + p^2) / 2 + J.r - u v), J = (u + v, i u - i v), it is a Gaussian in u and v.
    """
    k = len(mean) // 2
    points = max(cutoff + 10, 128 if k == 1 else 26)
    radius = np.sqrt(
        max(cutoff, 8) / 2
    )  # loses least to rounding: sqrt(m!) / radius^m is of order 1 for all m
    circle = radius * np.exp(2j * np.pi * np.arange(points) / points)
    axes = np.meshgrid(*[circle] * (2 * k), indexing="ij")
    u, v = np.array(axes[:k]), np.array(axes[k:])
    J = np.concatenate([u + v, 1j * (u - v)])
    inverse = np.linalg.inv(np.eye(2 * k) + cov)
    quadratic = (J * np.tensordot(cov @ inverse, J, 1)).sum(axis=0) / 2
    linear = np.tensordot(inverse @ mean, J, 1)
    offset = -mean @ inverse @ mean / 2
    values = np.exp(quadratic + linear + offset - np.sum(u * v, axis=0))
    values *= 2**k * np.sqrt(np.linalg.det(inverse))
    table = np.fft.fftn(values)[(slice(cutoff),) * (2 * k)] / points ** (2 * k)
    scale = np.sqrt([float(factorial(m)) for m in range(cutoff)]) / radius ** np.arange(cutoff)
    for axis in range(2 * k):
        table = table * scale.reshape([-1 if a == axis else 1 for a in range(2 * k)])
    return table.reshape(cutoff**k, cutoff**k)
