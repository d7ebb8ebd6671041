"""Finite differences of any order, to one side or both, with a step that balances bias against noise.

f'(t) ~ sum_j c_j f(t + h s_j) / h with s whole numbers and c chosen so that polynomials up to degree p, the
order, are differentiated exactly. The bias is C h^p f^(p+1), C = |sum_j c_j s_j^(p+1)| / (p+1)!, and values
that are off by a random `noise` make the result off by noise |c| / h. For f and its derivatives of order one
the sum of both is least at h^(p+1) = noise |c| / (p C).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hybridge.errors import CircuitError, NoiseWarning
from hybridge.gradients.method import Method
from hybridge.gradients.part import Part
from hybridge.gradients.shift import Shifts

STARTS = {"center": -0.5, "forward": 0.0, "backward": -1.0}  # of the p + 1 points of order p, in units of p
DOUBLE = float(np.finfo(float).eps)
MAX_ORDER = 16  # beyond, solving for the weights loses their last digits


class Stencil(NamedTuple):
    """Steps (R,) in units of h, and weights (R,) in units of 1 / h."""

    steps: np.ndarray
    weights: np.ndarray

    @property
    def gain(self) -> float:
        """The standard deviation of the result, in units of that of one value and of 1 / h."""
        return float(np.linalg.norm(self.weights))

    def best_step(self, order: int, noise: float) -> float:
        """The h at which bias and noise of one value balance."""
        bias = abs(float(self.weights @ self.steps ** (order + 1))) / math.factorial(order + 1)
        return float((noise * self.gain / (order * bias)) ** (1 / (order + 1)))


@lru_cache(maxsize=64)
def stencil(order: int, strategy: str) -> Stencil:
    """The fewest steps whose first derivative is exact up to degree `order`.

    >>> stencil(2, "center")
    Stencil(steps=array([-1.,  1.]), weights=array([-0.5,  0.5]))
    >>> stencil(1, "forward")
    Stencil(steps=array([0., 1.]), weights=array([-1.,  1.]))
    """
    if order > MAX_ORDER:
        raise CircuitError(f"approx_order may be at most {MAX_ORDER}; got {order}")
    if strategy == "center" and order % 2:
        raise CircuitError(
            f"approx_order={order} with strategy 'center': differences to both sides are of even orders; "
            f"use {order + 1}, or strategy 'forward'"
        )
    steps = np.arange(order + 1) + STARTS[strategy] * order
    powers = np.arange(order + 1)
    weights = np.linalg.solve(steps ** powers[:, None], (powers == 1).astype(float))
    used = np.abs(weights) > 1e-12  # the middle is not
    return Stencil(steps[used], weights[used])


def noise_of(shots: int | None, precision: float = DOUBLE) -> float:
    """The standard deviation of one value, at most, of an observable with eigenvalues +-1.

    With shots the larger of theirs and the device's rounding, its `precision`.
    """
    return precision if shots is None else max(precision, shots**-0.5)


def finite_rule(
    noise: float = DOUBLE, h: float | None = None, approx_order: int = 2, strategy: str = "center"
) -> Shifts:
    """The rule of one parameter; `h` None: the best.

    Warns, with NoiseWarning, of an h at which the standard error is larger than what is measured. Raises
    CircuitError for an odd order to both sides, and for one too high.

    >>> finite_rule(h=0.1).weights
    array([-5.,  5.])
    """
    rule = stencil(approx_order, strategy)
    if h is None:
        h = rule.best_step(approx_order, noise)
    elif noise * rule.gain > h:
        found, better = noise * rule.gain / h, rule.best_step(approx_order, noise)
        warnings.warn(
            f"finite differences with h={h:g}: values with a standard error near {noise:.1g} give "
            f"derivatives with one near {found:.1g}; leave h out (it is then {better:.2g})",
            NoiseWarning,
            stacklevel=2,
        )
    return Shifts(h * rule.steps, rule.weights / h)


def finite_part(method: Method, slots: Sequence[int], num_slots: int, noise: float) -> Part:
    """The rule in each of these slots; the unshifted point, where there is one, is shared by all."""
    options = dict(method.options) if method.name == "finite-diff" else {}
    rule = finite_rule(noise, **options)
    moved = rule.shifts != 0
    each, count = int(moved.sum()), len(slots)
    total = each * count + int(not moved.all() and count > 0)
    shifts, weights = np.zeros((total, num_slots)), np.zeros((total, count))
    for k, slot in enumerate(slots):
        rows = slice(k * each, (k + 1) * each)
        shifts[rows, slot] = rule.shifts[moved]
        weights[rows, k] = rule.weights[moved]
    weights[each * count :] = rule.weights[~moved, None]
    return Part(shifts, weights)
