"""One call from a cost and a start to a minimum, by a method of scipy or one of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import Any

import numpy as np

from hybridge.errors import OptimizationError
from hybridge.optimize.methods import OPTIMIZERS, SCIPY, method_named
from hybridge.optimize.minimum import Minimum
from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem
from hybridge.optimize.search import run_optimizer

STEPS = 100  # of an optimizer, where nothing else is said


def minimize(
    cost: Callable[[Any], Any],
    x0: Any,
    method: str | Optimizer = "BFGS",
    *,
    steps: int | None = None,
    tol: float | None = None,
    bounds: Any = None,
    callback: Callable[[Any, float], Any] | None = None,
    options: Mapping[str, Any] | None = None,
    grad_fn: Callable[..., Any] | None = None,
    progress: bool = False,
) -> Minimum:
    """The x that makes cost(x) small, found from x0: a float, an array of floats, or containers of them.

    `method` is one of scipy.optimize.minimize, which gets exact derivatives where it takes any ("BFGS",
    "L-BFGS-B", "COBYLA" ...), or an optimizer, by name ("adam", "rotosolve", "spsa" ...) or made by you; the
    case of names does not matter. `options` are the method's: scipy's dict, or an optimizer's settings.
    `steps` is the greatest number of steps (of calls, for TNC and COBYLA), 100 where an optimizer is given
    none. `tol` is scipy's, and of an optimizer the change of the cost in a step that counts as converged.
    `bounds`, for methods that take them, is one pair (low, high), or a pair for each number.
    `callback(x, value)` is called after each step, with x shaped like x0, and ends the search where it
    returns True. `grad_fn(x)` gives the gradient in place of hb.grad(cost). `progress` shows a bar on the
    standard error stream.

    Raises OptimizationError for an x0 that is not made of finite floats, a cost that is not one finite real
    number, or whose derivative cannot be traced, and for what the method does not take; GradientError where
    there is no derivative.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x["angle"], wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> found = hb.minimize(circuit, {"angle": 0.3})
    >>> round(found.fun, 6), round(found.x["angle"], 4), found.success
    (-1.0, 3.1416, True)
    """
    if steps is not None and (type(steps) is bool or not isinstance(steps, (int, np.integer)) or steps < 1):
        raise OptimizationError(f"steps must be a whole number >= 1; got {steps!r}")
    if tol is not None and not (isinstance(tol, (int, float)) and tol > 0):
        raise OptimizationError(f"tol must be a number > 0; got {tol!r}")
    name = type(method).__name__ if isinstance(method, Optimizer) else method_named(method)
    if bounds is not None and not (name in SCIPY and SCIPY[name].bounded):
        able = ", ".join(repr(n) for n, m in SCIPY.items() if m.bounded)
        raise OptimizationError(f"method {name!r} takes no bounds; those that do are {able}")
    problem, settings = Problem(cost, (x0,), grad_fn=grad_fn), dict(options or {})
    limit = steps if name in SCIPY else steps or STEPS
    values: list[float] = []
    with _bar(progress, name, limit) as bar:

        def told(x: np.ndarray, value: float) -> bool:
            values.append(value)
            if bar is not None:
                bar.advance(value)
            return callback is not None and bool(callback(problem.like(x), value))

        if name in SCIPY:
            from hybridge.optimize.scipy_ import run_scipy  # scipy.optimize takes 0.2 s to import

            ended = run_scipy(problem, name, told, bounds, tol, limit, settings)
        else:
            optimizer = _optimizer(method, name, settings, limit)
            ended = run_optimizer(problem, optimizer, told, limit or STEPS, tol)
    return Minimum(
        x=problem.like(ended.x),
        fun=ended.value,
        success=ended.success,
        message=ended.message,
        nfev=problem.calls,
        steps=len(values),
        history=np.array([problem.value_at(problem.start), *values]),
        method=name,
    )


def _optimizer(method: str | Optimizer, name: str, settings: dict[str, Any], steps: int | None) -> Optimizer:
    """The optimizer itself, or one made from its name and settings."""
    if isinstance(method, Optimizer):
        if settings:
            raise OptimizationError(f"{name} has its settings already; options go with a method's name")
        return method
    kind = OPTIMIZERS[name]
    known = [f.name for f in fields(kind)]
    for option in settings:
        if option not in known:
            raise OptimizationError(f"method {name!r} has no option {option!r}; it has {', '.join(known)}")
    if "maxiter" in known:  # the steps that are planned
        settings = {"maxiter": steps, **settings}
    return kind(**settings)


def _bar(wanted: bool, name: str, total: int | None) -> AbstractContextManager[Any]:
    if not wanted:
        return nullcontext()
    from hybridge.optimize.progress import Bar  # rich takes 30 ms to import

    return Bar(name, total)
