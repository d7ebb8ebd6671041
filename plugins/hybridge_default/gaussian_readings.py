"""What default.gaussian reads from the means and covariances of some quadratures, with the derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybridge.plugin import Measurement, Moment, moment


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


class Placed(NamedTuple):
    """A reading, and its quadratures (2k,) among those that are read."""

    reading: Reading
    at: np.ndarray


def placed(measurements: Sequence[Measurement], num_wires: int) -> tuple[np.ndarray, tuple[Placed, ...]]:
    """The quadratures (R,) that are read, of (x1..xn, p1..pn), and a reading for each measurement."""
    modes_of = [_modes(m, num_wires) for m in measurements]
    modes = sorted({mode for of_one in modes_of for mode in of_one})
    place = {mode: i for i, mode in enumerate(modes)}
    found = []
    for m, own in zip(measurements, modes_of, strict=True):
        at = [place[mode] for mode in own]
        found.append(Placed(_reading(m, own), np.array([*at, *(len(modes) + i for i in at)], np.intp)))
    return np.array([*modes, *(num_wires + mode for mode in modes)], np.intp), tuple(found)


def _modes(measurement: Measurement, num_wires: int) -> tuple[int, ...]:
    if measurement.observable is None:
        return tuple(range(num_wires))
    return tuple(measurement.observable.wires)


def _reading(measurement: Measurement, modes: Sequence[int]) -> Reading:
    if measurement.observable is None:
        return Everything(2 * len(modes) + 4 * len(modes) ** 2)
    return Scalar(moment(measurement.kind, measurement.observable, modes))
