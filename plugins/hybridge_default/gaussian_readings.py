"""What default.gaussian reads from the means and covariances of some quadratures, with the derivatives."""

from __future__ import annotations

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
    all_click,
    all_click_slopes,
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
class Projection(Reading):
    """The probability p of some photon numbers, or its variance p (1 - p)."""

    photons: tuple[int, ...]
    variance: bool
    width = 1

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        p = self._all.columns(mean, cov)[:, self._at]
        return p * (1 - p) if self.variance else p

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        weights = np.zeros((len(mean), self._all.width))
        weights[:, self._at] = cotangent
        if self.variance:
            weights *= 1 - 2 * self._all.columns(mean, cov)
        return self._all.pullback(mean, cov, weights)

    @property
    def _all(self) -> Probabilities:
        """The probabilities up to the most photons asked for: no cutoff of the device's is needed."""
        cutoff = max(self.photons) + 1
        return Probabilities(cutoff, cutoff ** len(self.photons))

    @property
    def _at(self) -> list[int]:
        return [int(np.ravel_multi_index(self.photons, (max(self.photons) + 1,) * len(self.photons)))]


@dataclass(frozen=True)
class AllClick(Reading):
    """The probability p that detectors in all its modes click, or its variance p (1 - p)."""

    variance: bool
    width = 1

    def columns(self, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        p = all_click(mean, cov)[:, None]
        return p * (1 - p) if self.variance else p

    def pullback(
        self, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.variance:
            cotangent = cotangent * (1 - 2 * all_click(mean, cov)[:, None])
        by_mean, by_cov = all_click_slopes(mean, cov)
        return cotangent * by_mean, cotangent[:, :, None] * by_cov


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
        return AllClick(kind == "var")
    if observable is not None:
        return Projection(observable.photons, kind == "var")
    if kind == "probs":
        return Probabilities(cutoff, cutoff ** len(modes))
    return Everything(2 * len(modes) + 4 * len(modes) ** 2)
