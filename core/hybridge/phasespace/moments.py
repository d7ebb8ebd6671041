"""Means and variances of polynomials in Gaussian states, with their derivatives in mean and covariance.

E[f] is the classical average of the Weyl symbol f, so dE/dmean_i = E[df/dr_i] and dE/dcov_ij =
E[d2f/dr_i dr_j] / 2, exactly and for every degree. hbar = 2; order (x1..xn, p1..pn).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from hybridge.phasespace.polynomial import Polynomial

Variables = tuple[int, ...]  # entries of (x1..xn, p1..pn), one for each factor of a monomial
Slopes = tuple[np.ndarray, np.ndarray]  # (B, 2n) in the mean, (B, 2n, 2n) in the covariance, symmetric


class Moment(ABC):
    """A number read from a Gaussian state: mean (B, 2n), cov (B, 2n, 2n) -> (B,)."""

    @abstractmethod
    def value(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        """(B,)."""

    @abstractmethod
    def slopes(self, mean: np.ndarray, cov: np.ndarray) -> Slopes:
        """d value / d mean (B, 2n), and d value / d cov (B, 2n, 2n) with all its entries independent."""


def moment(kind: str, polynomial: Polynomial, modes: Sequence[int]) -> Moment:
    """The expval or the var of a polynomial, for states of `modes` in this order; an expval may be complex.

    >>> from hybridge.phasespace.polynomial import photon_number
    >>> variance = moment("var", photon_number(3), [3])
    >>> variance.value(np.array([[2.0, 0.0]]), np.eye(2)[None]).tolist()  # alpha = 1
    [1.0]
    """
    n = len(modes)
    local = polynomial.map_wires({mode: i for i, mode in enumerate(modes)})
    if local.degree <= 2:
        c, b, Q = _quadratic(_terms(local, n), n)
        return QuadraticMean(c, b, Q) if kind == "expval" else QuadraticVariance(b, Q)
    mean = PolynomialMean(_terms(local, n))
    return mean if kind == "expval" else Variance(PolynomialMean(_terms(local @ local, n)), mean)


def _terms(polynomial: Polynomial, n: int) -> dict[Variables, float]:
    """The symbol with its monomials written out, each variable as often as it occurs."""
    terms = cast(Mapping[tuple[tuple[int, int, int], ...], float], polynomial.terms)
    return {
        (
            *(m for m, a, _ in monomial for _ in range(a)),
            *(n + m for m, _, b in monomial for _ in range(b)),
        ): c
        for monomial, c in terms.items()
    }


def _quadratic(terms: Mapping[Variables, float], n: int) -> tuple[float, np.ndarray, np.ndarray]:
    """c, b and the symmetric Q of c + b r + r Q r."""
    dtype = np.result_type(float, *terms.values())  # complex where the observable is not Hermitian
    c, b, Q = 0.0, np.zeros(2 * n, dtype), np.zeros((2 * n, 2 * n), dtype)
    for variables, coefficient in terms.items():
        match variables:
            case (i, j):
                Q[i, j] += coefficient / 2
                Q[j, i] += coefficient / 2
            case (i,):
                b[i] += coefficient
            case _:
                c += coefficient
    return c, b, Q


@dataclass(frozen=True, eq=False)
class QuadraticMean(Moment):
    """The mean of c + b r + r Q r: c + b mean + mean Q mean + tr(Q cov)."""

    c: float
    b: np.ndarray
    Q: np.ndarray

    def value(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        spread = cov.reshape(len(cov), -1) @ self.Q.ravel()
        return self.c + mean @ self.b + ((mean @ self.Q) * mean).sum(axis=1) + spread

    def slopes(self, mean: np.ndarray, cov: np.ndarray) -> Slopes:
        return self.b + 2 * mean @ self.Q, np.broadcast_to(self.Q, cov.shape)


@dataclass(frozen=True, eq=False)
class QuadraticVariance(Moment):
    """The variance of b r + r Q r: 2 tr(Q cov Q cov) + g cov g - 2 tr(Q Omega Q Omega^T), g = b + 2 Q mean.

    The last term is what x and p not commuting takes away (1/4 for a photon number).
    """

    b: np.ndarray
    Q: np.ndarray

    def value(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        n = len(self.b) // 2
        omega = np.kron([[0, 1], [-1, 0]], np.eye(n))
        turned = self.Q @ cov
        g = self.b + 2 * mean @ self.Q
        classical = 2 * (turned * np.swapaxes(turned, 1, 2)).sum(axis=(1, 2))
        linear = (g[:, None, :] @ cov @ g[:, :, None])[:, 0, 0]
        return classical + linear - 2 * float(np.sum(self.Q * (omega @ self.Q @ omega.T)))

    def slopes(self, mean: np.ndarray, cov: np.ndarray) -> Slopes:
        g = self.b + 2 * mean @ self.Q
        by_mean = 4 * (g[:, None, :] @ cov)[:, 0] @ self.Q
        return by_mean, 4 * self.Q @ cov @ self.Q + g[:, :, None] * g[:, None, :]


class Averages:
    """E[r_i r_j ...] of Gaussian states by Isserlis' theorem, each made once."""

    def __init__(self, mean: np.ndarray, cov: np.ndarray):
        self.mean, self.cov = mean, cov
        self._known: dict[Variables, np.ndarray] = {(): np.ones(len(mean))}

    def __getitem__(self, variables: Variables) -> np.ndarray:
        """(B,): E[r_i g(r)] = mean_i E[g] + sum_j cov_ij E[dg/dr_j]."""
        if variables not in self._known:
            i, rest = variables[0], variables[1:]
            value = self.mean[:, i] * self[rest]
            for j, count, fewer in _lowered(rest):
                value = value + count * self.cov[:, i, j] * self[fewer]
            self._known[variables] = value
        return self._known[variables]


def _lowered(variables: Variables) -> list[tuple[int, int, Variables]]:
    """The derivative of a monomial: by which variable, the factor, what is left."""
    found = []
    for j in dict.fromkeys(variables):
        at = variables.index(j)
        found.append((j, variables.count(j), variables[:at] + variables[at + 1 :]))
    return found


@dataclass(frozen=True, eq=False)
class PolynomialMean(Moment):
    """The mean of any polynomial, given as {variables: coefficient}."""

    terms: Mapping[Variables, float]

    def value(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        averages = Averages(mean, cov)
        return sum((c * averages[v] for v, c in self.terms.items()), np.zeros(len(mean)))

    def slopes(self, mean: np.ndarray, cov: np.ndarray) -> Slopes:
        averages = Averages(mean, cov)
        by_mean, by_cov = np.zeros(mean.shape), np.zeros(cov.shape)
        for variables, c in self.terms.items():
            for i, count, fewer in _lowered(variables):
                by_mean[:, i] += c * count * averages[fewer]
                for j, again, fewest in _lowered(fewer):
                    by_cov[:, i, j] += c * count * again / 2 * averages[fewest]
        return by_mean, by_cov


@dataclass(frozen=True, eq=False)
class Variance(Moment):
    """E[f^2] - E[f]^2, the square that of the operator."""

    square: PolynomialMean
    mean: PolynomialMean

    def value(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        return self.square.value(mean, cov) - self.mean.value(mean, cov) ** 2

    def slopes(self, mean: np.ndarray, cov: np.ndarray) -> Slopes:
        twice = 2 * self.mean.value(mean, cov)
        of_square, of_mean = self.square.slopes(mean, cov), self.mean.slopes(mean, cov)
        return (
            of_square[0] - twice[:, None] * of_mean[0],
            of_square[1] - twice[:, None, None] * of_mean[1],
        )
