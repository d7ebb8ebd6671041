"""A derivative as weighted sums of values at shifted numbers: what every method comes to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Part(NamedTuple):
    """Runs of one plan: what they give to df/dp[slots] is weights . f(p + shifts), summed over the runs.

    With `scale` (R, P) it is weights . f(scale * p + shifts): what has bounds stays between them. shifts
    (R, P); weights (R, S) for S slots and all columns of f alike, or (R, S, columns). `plan` None is
    the plan that is differentiated; another one has the same slots in the same order, and its columns times
    `fold` (its columns, columns of f) are what is summed, where fold is given.
    """

    shifts: np.ndarray
    weights: np.ndarray
    plan: Any = None
    fold: np.ndarray | None = None
    scale: np.ndarray | None = None

    def points(self, rows: Any) -> Any:
        """The numbers of all runs: rows (B, P), of any library, as (B, R, P)."""
        each = rows[:, None, :]
        return each + self.shifts if self.scale is None else each * self.scale + self.shifts

    def combined(self, values: Any, xp: Any) -> Any:
        """The values (B, R, columns of the plan) summed up, (B, S, columns), by the functions of xp."""
        if self.fold is not None:
            values = xp.matmul(values, self.fold)
        if self.weights.ndim == 2:
            return xp.matmul(self.weights.T, values)
        return xp.einsum("rsc,brc->bsc", self.weights, values)
