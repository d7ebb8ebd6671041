"""What default.gaussian reads from the means and covariances of some quadratures, with the derivatives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from hybridge.plugin import (
    Clicks,
    GaussianModes,
    Measurement,
    Moment,
    Polynomial,
    click_probs,
    click_pullback,
    moment,
)


class Reading(ABC):
    """One measurement as columns of the mean (B, 2k) and covariance (B, 2k, 2k) of its modes."""

    width: int

    @abstractmethod
    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        """(B, width)."""

    @abstractmethod
    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """cotangent (B, width) -> those of the mean and of the covariance, all its entries independent."""


@dataclass(frozen=True)
class Scalar(Reading):
    """An expectation value or a variance."""

    moment: Moment
    width = 1

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        return self.moment.value(mean, cov)[:, None]

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        by_mean, by_cov = self.moment.slopes(mean, cov)
        return cotangent * by_mean, cotangent[:, :, None] * by_cov


@dataclass(frozen=True)
class Everything(Reading):
    """The mean and the covariance of all modes."""

    width: int

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        return np.concatenate([mean, cov.reshape(len(cov), -1)], axis=1)

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        R = mean.shape[1]
        by_cov = cotangent[:, R:].reshape(-1, R, R)
        return cotangent[:, :R], (by_cov + np.swapaxes(by_cov, 1, 2)) / 2


@dataclass(frozen=True)
class Probabilities(Reading):
    """Of the photon numbers of its modes, those below the cutoff."""

    cutoff: int
    width: int

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        return GaussianModes(mean, cov, self.cutoff).probs(range(mean.shape[1] // 2))

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return GaussianModes(mean, cov, self.cutoff).probs_slopes(cotangent)


@dataclass(frozen=True)
class Patterns(Reading):
    """Of which threshold detectors in its modes click, a bit a mode."""

    width: int

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        return click_probs(mean, cov)

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return click_pullback(mean, cov, cotangent)


@dataclass(frozen=True)
class OneOf(Reading):
    """One probability p among those of another reading, or its variance p (1 - p)."""

    every: Reading
    at: int
    variance: bool
    width = 1

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        p = self.every.columns(mean, cov)[:, [self.at]]
        return p * (1 - p) if self.variance else p

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        weights = np.zeros((len(mean), self.every.width))
        weights[:, [self.at]] = cotangent
        if self.variance:
            weights *= 1 - 2 * self.every.columns(mean, cov)
        return self.every.pullback(mean, cov, weights)


class Placed(NamedTuple):
    """A reading, and its quadratures (2k,) among those that are read."""

    reading: Reading
    at: np.ndarray


def placed(
    measurements: Sequence[Measurement], num_wires: int, cutoff: int
) -> tuple[np.ndarray, tuple[Placed, ...]]:
    """The quadratures (R,) that are read, of (x1..xn, p1..pn), and a reading for each measurement."""
    modes_of = [measured(m, num_wires) for m in measurements]
    modes = sorted({mode for of_one in modes_of for mode in of_one})
    place = {mode: i for i, mode in enumerate(modes)}
    found = []
    for m, own in zip(measurements, modes_of, strict=True):
        at = [place[mode] for mode in own]
        reading = _reading(m, own, cutoff)
        found.append(Placed(reading, np.array([*at, *(len(modes) + i for i in at)], np.intp)))
    return np.array([*modes, *(num_wires + mode for mode in modes)], np.intp), tuple(found)


def measured(measurement: Measurement, num_wires: int) -> tuple[int, ...]:
    """The modes it reads, in its order."""
    if measurement.observable is not None:
        return tuple(measurement.observable.wires)
    if measurement.wires is not None:
        return cast(tuple[int, ...], measurement.wires)
    return tuple(range(num_wires))


def _reading(measurement: Measurement, modes: Sequence[int], cutoff: int) -> Reading:
    kind, observable = measurement.kind, measurement.observable
    if isinstance(observable, Polynomial):
        return Scalar(moment(kind, observable, modes))
    if isinstance(observable, Clicks):
        patterns = Patterns(2 ** len(modes))
        return patterns if kind == "probs" else OneOf(patterns, patterns.width - 1, kind == "var")
    if observable is not None:
        # up to the most photons asked for: no cutoff of the device's is needed
        numbers = (max(observable.photons) + 1,) * len(modes)
        every = Probabilities(numbers[0], math.prod(numbers))
        return OneOf(every, int(np.ravel_multi_index(observable.photons, numbers)), kind == "var")
    if kind == "probs":
        return Probabilities(cutoff, cutoff ** len(modes))
    return Everything(2 * len(modes) + 4 * len(modes) ** 2)
