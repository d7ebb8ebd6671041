"""What `minimize` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridge.errors import MissingDependency
from hybridge.listing import aligned


@dataclass(frozen=True, repr=False, eq=False)
class Minimum:
    """What `minimize` returns; it prints as a table.

    x         where the search ended, shaped like x0
    fun       the cost there
    success   whether the method says that it has converged; without tol, a given number of steps is enough
    message   how it ended, in words
    nfev      how often the cost was called; a call that gives the gradient too is one
    steps     how many steps were taken
    history   the cost at x0 and after each step: (steps + 1,)
    method    by its name
    """

    x: Any
    fun: float
    success: bool
    message: str
    nfev: int
    steps: int
    history: np.ndarray
    method: str

    def plot(self, axes: Any = None) -> Any:
        """The history against the steps, on matplotlib axes, new ones where none are given; returns them.

        Raises MissingDependency without matplotlib.
        """
        try:
            from hybridge.optimize.plot import plot_history  # matplotlib takes half a second: only here
        except ImportError as error:
            raise MissingDependency("", "matplotlib", "plot", what="a plot of the history") from error
        return plot_history(self.history, self.method, axes)

    def __repr__(self) -> str:
        rows = [
            ("x", repr(self.x)),
            ("fun", f"{self.fun:.10g}"),
            ("success", str(self.success)),
            ("message", self.message),
            ("nfev", str(self.nfev)),
            ("steps", str(self.steps)),
            ("method", self.method),
        ]
        return aligned(rows)
