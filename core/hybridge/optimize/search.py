"""A search in the course of `minimize`: what it tells after each step, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem

Told = Callable[[np.ndarray, float], bool]  # (x (N,), the cost there) after each step -> whether to stop
STOPPED = "stopped by the callback"


class Ended(NamedTuple):
    """How a search ended: x (N,), the cost there, and the verdict."""

    x: np.ndarray
    value: float
    success: bool
    message: str


def run_optimizer(problem: Problem, optimizer: Optimizer, told: Told, steps: int, tol: float | None) -> Ended:
    """At most `steps` steps from problem.start, fewer where a step changes the cost by less than `tol`."""
    x, before = problem.start, None
    for k in range(steps + 1):
        # most optimizers learn the value at x as they step from there; so it is told a step late
        ahead = optimizer.moved(problem, x) if k < steps else x
        value = problem.value_at(x)
        if k and told(x, value):
            return Ended(x, value, True, STOPPED)
        if before is not None and tol is not None and abs(value - before) < tol:
            return Ended(x, value, True, f"the cost changed by less than {tol:g} in step {k}")
        if k < steps:
            x, before = ahead, value
    if tol is not None:
        return Ended(x, value, False, f"no step of {steps} changed the cost by less than {tol:g}")
    return Ended(x, value, True, f"{steps} steps taken")
