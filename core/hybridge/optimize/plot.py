"""The history of an optimization, drawn with matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import pyplot


def plot_history(history: np.ndarray, label: str, axes: Any = None) -> Any:
    """A line of the cost (steps + 1,) on these axes, or on those of a new figure; returns the axes."""
    if axes is None:
        _, axes = pyplot.subplots(layout="constrained")
    axes.plot(np.arange(len(history)), history, label=label)
    axes.set(xlabel="step", ylabel="cost")
    axes.legend()
    return axes
