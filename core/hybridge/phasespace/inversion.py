"""Where a distribution function, given with its density, has given levels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RESOLUTION = 1e-10  # to which positions are sampled, in standard deviations of the vacuum
ROUNDING = 1e-13  # of the distribution function, whose levels are of order 1
HALVINGS = (
    40  # of the interval in which positions lie: enough for the resolution where Newton's steps never are
)


def inverted(
    distribution: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], level: np.ndarray, reach: float
) -> np.ndarray:
    """Where the distribution has these levels: by Newton's steps, or halving where they leave it."""
    low, high = np.full(level.shape, -reach), np.full(level.shape, reach)
    x = np.zeros(level.shape)
    for _ in range(HALVINGS):
        found, density = distribution(x)
        low, high = np.where(found < level, x, low), np.where(found < level, high, x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = x + (level - found) / density
        inside = (low <= newton) & (newton <= high)  # or at an end, once converged
        x, before = np.where(inside, newton, (low + high) / 2), x
        if np.all((np.abs(x - before) < RESOLUTION) | (np.abs(found - level) < ROUNDING)):
            break
    return x
