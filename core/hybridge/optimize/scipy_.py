"""The methods of scipy.optimize.minimize on a Problem, with exact derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import Bounds, minimize

from hybridge.errors import OptimizationError
from hybridge.optimize.methods import SCIPY
from hybridge.optimize.problem import Problem
from hybridge.optimize.search import STOPPED, Ended, Told


class _Stop(Exception):
    """The callback asks for the end: every method lets it through, StopIteration only some."""


def run_scipy(
    problem: Problem,
    name: str,
    told: Told,
    bounds: Any,
    tol: float | None,
    steps: int | None,
    options: Mapping[str, Any],
) -> Ended:
    """Search from problem.start by a method of the table SCIPY. Raises OptimizationError for wrong bounds."""
    method = SCIPY[name]
    last = problem.start

    def stepped(x: np.ndarray, state: Any = None) -> None:  # trust-constr gives a second argument
        nonlocal last
        last = np.array(x, dtype=float)
        if told(last, problem.value_at(last)):
            raise _Stop

    def with_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        slope = problem.gradient(x)
        return problem.value_at(x), slope

    try:
        found = minimize(
            with_gradient if method.order else problem.value,
            problem.start.copy(),
            method=name,
            jac=True if method.order else None,
            hess=problem.hessian if method.order == 2 else None,
            bounds=None if bounds is None else _bounds(bounds, problem.start),
            tol=tol,
            callback=stepped,
            options={**({} if steps is None else {method.limit: steps}), **options},
        )
    except _Stop:
        return Ended(last, problem.value_at(last), True, STOPPED)
    x = np.array(found.x, dtype=float)
    return Ended(x, problem.value_at(x), bool(found.success), str(found.message))


def _bounds(given: Any, start: np.ndarray) -> Bounds:
    """(low, high) for all numbers, or a pair for each of them, None where there is no bound."""
    count = start.size
    try:
        if isinstance(given, Bounds):
            pairs = list(zip(np.broadcast_to(given.lb, count), np.broadcast_to(given.ub, count), strict=True))
        else:
            pairs = list(given)
            if len(pairs) == 2 and all(np.ndim(b) == 0 for b in pairs):
                pairs = [given] * count
        low, high = (
            np.array(b) for b in zip(*((_end(a, -np.inf), _end(b, np.inf)) for a, b in pairs), strict=True)
        )
        if len(low) != count:
            raise ValueError
    except (TypeError, ValueError):
        raise OptimizationError(
            f"bounds must be one pair (low, high), or a pair for each of the {count} numbers, None where "
            f"there is no bound; got {given!r}"
        ) from None
    for x, a, b in zip(start, low, high, strict=True):
        if not a <= x <= b:
            raise OptimizationError(f"x0 starts outside the bounds: {x:g} is not in [{a:g}, {b:g}]")
    return Bounds(low, high)


def _end(bound: float | None, missing: float) -> float:
    return missing if bound is None else float(bound)
