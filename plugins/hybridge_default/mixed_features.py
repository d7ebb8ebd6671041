"""Features: functions of a circuit's parameters, of which the entries of its matrices are made."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hybridge.plugin import Operation
from hybridge_default.mixed_functions import FUNCTIONS
from hybridge_default.mixed_transfer import at

STILL = 1e-13  # how much a value of order 1 depends on what it does not depend on


class Number(NamedTuple):
    """A parameter of an operation: scale * (column of the parameters) + offset."""

    column: int
    scale: float = 1.0
    offset: float = 0.0


class Group(NamedTuple):
    """Features of one function: `count` times its outputs, those of one output side by side.

    The numbers of feature i are scale[i] * params[:, columns[i]] + offset[i], each (count, arity).
    """

    function: str
    columns: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    first: int

    def numbers(self, params: np.ndarray) -> list[np.ndarray]:
        """(B, count) for each number of the function."""
        found = params[:, self.columns] * self.scale + self.offset
        return [found[..., j] for j in range(self.columns.shape[1])]

    def fill(self, params: np.ndarray, features: np.ndarray) -> None:
        """Write the group's features, (B, all features)."""
        count = len(self.columns)
        for k, value in enumerate(FUNCTIONS[self.function].values(*self.numbers(params))):
            features[:, self.first + k * count : self.first + (k + 1) * count] = value

    def pull(self, params: np.ndarray, cotangent: np.ndarray, pulled: np.ndarray) -> None:
        """Add what a cotangent of the features (B, all) gives to that of the parameters (B, P)."""
        count = len(self.columns)
        for k, slopes in enumerate(FUNCTIONS[self.function].slopes(*self.numbers(params))):
            own = cotangent[:, self.first + k * count : self.first + (k + 1) * count]
            for j, slope in enumerate(slopes):
                np.add.at(pulled.T, self.columns[:, j], (_times(own, slope) * self.scale[:, j]).T)


def _times(own: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Their product; of what nothing depends on, but by rounding, no slope is steep."""
    steep = np.isinf(slope)
    if not steep.any():
        return own * slope
    moving = np.abs(own) > STILL
    return own * np.where(steep & ~moving, 0.0, slope)


class External(NamedTuple):
    """A matrix that no form describes: its entries are features, evaluated for the whole batch."""

    operation: Operation
    numbers: tuple[Number, ...]
    first: int

    def fill(self, params: np.ndarray, features: np.ndarray) -> None:
        """Write the entries, among (B, all features)."""
        matrix = at(self.operation, *(n.scale * params[:, n.column] + n.offset for n in self.numbers))
        own = matrix.reshape(len(params), -1)
        features[:, self.first : self.first + own.shape[1]] = own
