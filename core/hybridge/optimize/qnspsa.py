"""SPSA for the gradient and for the metric tensor both: natural steps at a fixed price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybridge.errors import OptimizationError
from hybridge.fidelity import fidelities
from hybridge.interfaces.rows import as_rows
from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem
from hybridge.optimize.spsa import fresh_seed, signs
from hybridge.qnode import QNode


class Estimate(NamedTuple):
    """How many steps were taken, the running mean of the metric (N, N), and the last values of the cost."""

    steps: int
    metric: np.ndarray
    values: tuple[float, ...]


@dataclass(eq=False)
class QNSPSA(Optimizer):
    """x -> x - stepsize g^-1 gradient, both from random directions (Gacon et al., Quantum 5, 567 (2021)).

    The gradient takes two values of the cost, a QNode, and the metric four fidelities of its states, each
    `resamplings` times a step and `finite_diff_step` apart. The metric is the mean over all steps, starting
    from the identity, and is used as sqrt(g g) + regularization. With `blocking`, a step that would raise the
    cost by more than two standard deviations of its last `history_length` values is not taken, which takes
    two more values a step. The same seed gives the same directions.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> found = hb.minimize(circuit, 0.3, "qnspsa", steps=100, options={"stepsize": 0.1, "seed": 1})
    >>> found.fun < -0.99
    True
    """

    stepsize: float = 1e-3
    regularization: float = 1e-3
    finite_diff_step: float = 1e-2
    resamplings: int = 1
    blocking: bool = True
    history_length: int = 5
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seed = fresh_seed() if self.seed is None else self.seed

    def advance(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        assert self.seed is not None  # set when made
        steps, metric, values = self.state or Estimate(0, np.eye(x.size), ())
        gradients, metrics = [], []
        for h, first, second in signs(self.seed, steps, (self.resamplings, 3, x.size)):
            e = self.finite_diff_step
            ahead, behind = problem.values(x + e * np.array([h, -h]))
            gradients.append((ahead - behind) / (2 * e) * h)
            metrics.append(sampled_metric(problem, x, e * first, e * second))
        k = steps + 1
        metric = (k * metric + np.mean(metrics, axis=0)) / (k + 1)
        sizes, axes = np.linalg.eigh(metric)
        sizes = (np.abs(sizes) + self.regularization) / (1 + self.regularization)
        natural = axes @ (axes.T @ np.mean(gradients, axis=0) / sizes)
        ahead = x - self.stepsize * natural
        if self.blocking:
            here = problem.value_at(x)
            values = (*values, here)[-self.history_length :]
            if problem.value_at(ahead) > here + 2 * np.std(values):
                ahead = x
        self.state = Estimate(k, metric, values)
        return ahead


def sampled_metric(problem: Problem, x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """An estimate of the metric (N, N) from the fidelities of the state at x with those at four others."""
    node = problem.cost
    if not isinstance(node, QNode):
        raise OptimizationError(f"QNSPSA needs a QNode, whose states have fidelities; got {node!r}")
    recorded = [
        node.record(*problem.call_args(x + d), **problem.kwargs) for d in (0 * a, a + b, a, b - a, -a)
    ]
    rows = np.concatenate([as_rows(r.numbers)[0] for r in recorded])
    both, first, other, back = fidelities(node, recorded[0], rows[0], rows[1:])
    # a and b are e times signs: dividing by the squares of e twice over
    scale = 8 * (a @ a) * (b @ b) / x.size**2
    return -(both - first - other + back) * (np.outer(a, b) + np.outer(b, a)) / scale
