"""Descent that buys as many shots for each derivative as the progress is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybridge.circuit import Measurement
from hybridge.errors import OptimizationError
from hybridge.execution import Plan
from hybridge.gradients.method import Method
from hybridge.jobs import estimate_together
from hybridge.operations.pauli import Sentence
from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem
from hybridge.plans import plans_of
from hybridge.postselection import check_unselected
from hybridge.qnode import QNode
from hybridge.slots import Slots


class Budget(NamedTuple):
    """Steps taken, shots for each derivative in the next one (N,), running means, and all shots spent.

    `slope` and `variance` (N,) are of the derivatives and of a single shot of them, not corrected for their
    start at 0.
    """

    steps: int
    shots: np.ndarray
    slope: np.ndarray
    variance: np.ndarray
    spent: int


@dataclass(eq=False)
class ShotAdaptive(Optimizer):
    """x -> x - stepsize g, each number of g from shots of its own (Kübler et al., Quantum 4, 263 (2020)).

    How many, so that the expected gain per shot is largest, follows from running means of the derivative
    and of its variance, with decay `mu`; `b` keeps it finite where the derivative vanishes. It starts at, and
    never falls below, `min_shots`. `lipschitz`, a bound on the second derivatives, is the sum of the
    coefficients of the observable where it is a sum of Pauli words; stepsize must be below 2 / lipschitz.
    `state.spent` counts all shots of the derivatives.

    The cost is a QNode that returns one expectation value, with parameters that have a shift rule. Its value,
    where asked for, is measured as the QNode says.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1, shots=100, seed=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> opt, x = hb.ShotAdaptive(min_shots=10, stepsize=0.5), 0.5
    >>> for _ in range(20):
    ...     x = opt.step(circuit, x)
    >>> abs(x - 3.14159) < 0.3
    True
    """

    min_shots: int = 10
    mu: float = 0.99
    b: float = 1e-6
    stepsize: float = 0.07
    lipschitz: float | None = None

    def advance(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        node = problem.cost
        if not isinstance(node, QNode):
            raise OptimizationError(f"ShotAdaptive needs a QNode, whose shots it chooses; got {node!r}")
        slots = problem.slots(x)
        bound = self._bound(slots.recorded.measurements)
        least = max(2, self.min_shots)  # one shot has no variance
        zero = np.zeros(x.size)
        steps, shots, slope, variance, spent = self.state or Budget(0, np.full(x.size, least), zero, zero, 0)
        plan = plans_of(node.device).get(slots.recorded.instructions, slots.recorded.measurements, True)
        gradient, noise, used = sampled_gradient(plan, slots, shots)
        slope = self.mu * slope + (1 - self.mu) * gradient
        variance = self.mu * variance + (1 - self.mu) * noise
        steps += 1
        squared, single = (slope / (1 - self.mu**steps)) ** 2, variance / (1 - self.mu**steps)
        rate = self.stepsize
        wanted = 2 * bound * rate * single / ((2 - bound * rate) * (squared + self.b * self.mu**steps))
        wanted = np.maximum(np.ceil(wanted), 1)
        gain = ((rate - bound * rate**2 / 2) * squared - bound * rate**2 * single / (2 * wanted)) / wanted
        most = wanted[np.argmax(gain)]
        shots = np.maximum(np.minimum(wanted, most), least).astype(int)
        self.state = Budget(steps, shots, slope, variance, spent + used)
        return x - rate * gradient

    def _bound(self, measurements: tuple[Measurement, ...]) -> float:
        """The bound on second derivatives; OptimizationError where there is none, or stepsize exceeds it."""
        if [m.kind for m in measurements] != ["expval"]:
            raise OptimizationError(
                f"ShotAdaptive needs a QNode that returns one expval; this returns {measurements}"
            )
        bound, observable = self.lipschitz, measurements[0].observable
        if bound is None:
            if not isinstance(observable, Sentence):
                raise OptimizationError(f"give lipschitz=, the largest |eigenvalue| of {observable!r}")
            bound = float(sum(abs(c) for w, c in observable.terms.items() if w))
        if self.stepsize * bound >= 2:
            raise OptimizationError(
                f"stepsize must be below 2 / lipschitz = {2 / bound:g}; it is {self.stepsize:g}"
            )
        return bound


def sampled_gradient(plan: Plan, slots: Slots, shots: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Derivatives (N,) of one expval by the shift rule, number j from shots[j] shots for each of its points.

    Each setting that the observable is measured in takes as many; all points are one job. Beside them the
    variance of a single shot of each, and how many shots were drawn.
    """
    check_unselected(plan.selection)
    gradient, variance, used = np.zeros(len(shots)), np.zeros(len(shots)), 0
    weights, runs, drawn = {}, [], []
    for j, each in enumerate(shots.tolist()):
        own = tuple(np.flatnonzero(slots.slopes[:, j]).tolist())
        for part in plan.rule(own, Method("parameter-shift"), each) if own else ():
            if len(part.shifts):
                weights[j] = part.weights @ slots.slopes[list(own), j]
                runs.append((plan, part.points(slots.rows)[0]))
                drawn.append(each)
    for j, each, found in zip(weights, drawn, estimate_together(runs, drawn), strict=True):
        values = np.concatenate([piece.flat[:, 0] for piece in found])
        spread = np.concatenate([piece.variances()[:, 0] for piece in found])
        gradient[j], variance[j] = weights[j] @ values, each * weights[j] ** 2 @ spread
        used += each * len(values) * len(plan.programs)
    return gradient, variance, used
