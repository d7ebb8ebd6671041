"""The shape of every optimizer: settings, a state, and steps that return new arguments."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hybridge.errors import OptimizationError
from hybridge.interfaces.derivatives import Argnums
from hybridge.optimize.problem import Problem

# name of a setting -> what it must be, in words and as a test; None is let through where it is the default
POSITIVE = ("> 0", lambda v: 0 < v < math.inf)
NOT_NEGATIVE = (">= 0", lambda v: 0 <= v < math.inf)
FRACTION = (">= 0 and < 1", lambda v: 0 <= v < 1)
AT_LEAST_ONE = ("a whole number >= 1", lambda v: v >= 1 and v == int(v))
SETTINGS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "stepsize": POSITIVE,
    "momentum": FRACTION,
    "decay": FRACTION,
    "beta1": FRACTION,
    "beta2": FRACTION,
    "eps": POSITIVE,
    "alpha": NOT_NEGATIVE,
    "gamma": NOT_NEGATIVE,
    "c": POSITIVE,
    "A": NOT_NEGATIVE,
    "a": POSITIVE,
    "maxiter": AT_LEAST_ONE,
    "lam": NOT_NEGATIVE,
    "regularization": NOT_NEGATIVE,
    "finite_diff_step": POSITIVE,
    "resamplings": AT_LEAST_ONE,
    "history_length": AT_LEAST_ONE,
    "min_shots": AT_LEAST_ONE,
    "mu": FRACTION,
    "b": POSITIVE,
    "lipschitz": POSITIVE,
}


@dataclass(eq=False)
class Optimizer(ABC):
    """Settings as fields, and `state`: what earlier steps left, an immutable tuple, None before the first.

    Arguments and results are never the same objects: nothing is changed in place.
    """

    def __post_init__(self) -> None:
        self.state: Any = None
        for field in fields(self):
            value = getattr(self, field.name)
            words, holds = SETTINGS.get(field.name, ("", None))
            if holds is None or (value is None and field.default is None):
                continue
            if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not holds(value):
                raise OptimizationError(f"{type(self).__name__} needs {field.name} {words}; got {value!r}")

    def reset(self) -> None:
        """Forget all steps taken."""
        self.state = None

    @abstractmethod
    def advance(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        """The vector (N,) after one step from x (N,); the state is that after the step."""

    def step(
        self,
        cost: Callable[..., Any],
        *args: Any,
        argnums: Argnums = 0,
        grad_fn: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The arguments `argnums` of cost(*args, **kwargs) after one step: one, or a tuple where argnums is.

        Arguments are floats, arrays of floats, and containers of them. `grad_fn(*args, **kwargs)`, where
        given, is asked for the gradient in place of hb.grad(cost, argnums). Raises OptimizationError for
        anything that cannot be optimized, GradientError where a derivative is needed and there is none.
        """
        problem = Problem(cost, args, argnums, kwargs, grad_fn)
        return problem.like(self.moved(problem, problem.start))

    def step_and_cost(
        self,
        cost: Callable[..., Any],
        *args: Any,
        argnums: Argnums = 0,
        grad_fn: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, float]:
        """(what `step` returns, the cost before the step)."""
        problem = Problem(cost, args, argnums, kwargs, grad_fn)
        x = self.moved(problem, problem.start)
        return problem.like(x), problem.value_at(problem.start)

    def moved(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        """`advance`, checked: the state is of as many numbers as x, and the step ends somewhere finite."""
        for part in self.state or ():
            if isinstance(part, np.ndarray) and len(part) != len(x):
                raise OptimizationError(
                    f"this {type(self).__name__} has a state of {len(part)} numbers, and x has {len(x)}; "
                    f"call reset() before another problem"
                )
        found = self.advance(problem, x)
        if not np.isfinite(found).all():
            raise OptimizationError(
                f"{type(self).__name__} stepped to {problem.like(found)!r}; use a smaller stepsize"
            )
        return found
