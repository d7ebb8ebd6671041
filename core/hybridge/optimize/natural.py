"""Quantum natural gradient: the gradient, measured in the geometry of the states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridge.errors import OptimizationError
from hybridge.geometry import metric_tensor
from hybridge.optimize.descent import Descent, Velocity, rolling
from hybridge.optimize.problem import Problem
from hybridge.qnode import QNode

SINGULAR = 1e-10  # directions in which the state changes less than this, of the most, are left alone

Metric = Callable[..., np.ndarray]


def natural_gradient(
    problem: Problem, x: np.ndarray, approx: str | None, lam: float, metric: Metric | None
) -> np.ndarray:
    """(g + lam)^-1 gradient at x, g the metric tensor (N, N); by the pseudoinverse."""
    if metric is None:
        if not isinstance(problem.cost, QNode):
            raise OptimizationError(
                f"the cost must be a QNode to have a metric tensor; got {problem.cost!r}; give "
                f"metric=hb.metric_tensor(qnode) of the QNode in it"
            )
        metric = metric_tensor(problem.cost, approx, problem.argnums)
    gradient = problem.gradient(x)
    found = np.asarray(metric(*problem.call_args(x), **problem.kwargs))
    if found.shape != (x.size, x.size):
        raise OptimizationError(f"the metric must be ({x.size}, {x.size}); it has shape {found.shape}")
    return np.linalg.pinv(found + lam * np.eye(x.size), rcond=SINGULAR, hermitian=True) @ gradient


@dataclass(eq=False)
class QNG(Descent):
    """x -> x - stepsize (g + lam)^-1 gradient, g the metric tensor (Stokes et al., Quantum 4, 269 (2020)).

    The cost is a QNode; `approx` is that of hb.metric_tensor. For other costs `metric` is a function of the
    cost's arguments that returns the tensor (N, N), such as hb.metric_tensor(qnode) of the QNode in it.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> round(hb.QNG(stepsize=0.25).step(circuit, 0.3), 6) == round(0.3 + 0.29552, 6)
    True
    """

    stepsize: float = 0.01
    approx: str | None = "block-diag"
    lam: float = 0.0
    metric: Metric | None = None

    def direction(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        return natural_gradient(problem, x, self.approx, self.lam, self.metric)

    def update(self, gradient: np.ndarray, state: None) -> tuple[np.ndarray, None]:
        return self.stepsize * gradient, None


@dataclass(eq=False)
class MomentumQNG(Descent):
    """v -> momentum v + stepsize (g + lam)^-1 gradient; x -> x - v (Borysenko et al., arXiv:2409.01978).

    The cost, `approx` and `metric` are those of QNG.
    """

    stepsize: float = 0.01
    momentum: float = 0.9
    approx: str | None = "block-diag"
    lam: float = 0.0
    metric: Metric | None = None

    def direction(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        return natural_gradient(problem, x, self.approx, self.lam, self.metric)

    def update(self, gradient: np.ndarray, state: Velocity | None) -> tuple[np.ndarray, Any]:
        return rolling(self.stepsize * gradient, self.momentum, state)
