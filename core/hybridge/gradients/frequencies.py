"""Shift rules of any order for a set of frequencies, at the shifts of one's choice.

D. Wierichs, J. Izaac, C. Wang and C. Y.-Y. Lin, General parameter-shift rules for quantum gradients,
Quantum 6, 677 (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.errors import GradientError
from hybridge.gradients.shift import shift_rule
from hybridge.operations.spectrum import Trig

WORST = 1e8  # condition number of the linear system: half of the digits are gone
SMALL = 1e-10  # weights below, of the largest, are rounding


def generate_shift_rule(
    frequencies: Sequence[float], shifts: Sequence[float] | None = None, order: int = 1
) -> np.ndarray:
    """The rule for a derivative of f(t) = a0 + sum_w a_w cos(w t) + b_w sin(w t), w in `frequencies` > 0.

    An array (R, 2) of coefficients c and shifts s, d^order f / dt^order = sum_r c_r f(t + s_r), the smallest
    shifts first. `shifts` are as many as the frequencies, in the unit of t; each is taken with both signs,
    and for even orders 0 beside them. By default they are equidistant, for frequencies that are multiples of
    the smallest without gaps (2m - 1) pi / (2R w) in odd orders and m pi / (R w) in even ones (Wierichs et
    al., Quantum 6, 677 (2022)). Raises GradientError for shifts that do not tell the
    frequencies apart.

    >>> generate_shift_rule([1])
    array([[ 0.5       ,  1.57079633],
           [-0.5       , -1.57079633]])
    >>> generate_shift_rule([1], order=2)
    array([[-0.5       ,  0.        ],
           [ 0.5       ,  3.14159265]])
    """
    w = _frequencies(frequencies)
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise GradientError("the shift rule", f"order must be a whole number >= 1; got {order!r}")
    steps = _default(w, order % 2 == 0) if shifts is None else _given(shifts, w)
    weights, at = _solved(w, steps, int(order))
    weights, at = merged(w, weights, at)
    used = np.abs(weights) > SMALL * np.abs(weights).max(initial=0.0)
    found = np.stack([weights[used], at[used]], axis=1)
    return found[np.lexsort((-np.sign(found[:, 1]), np.abs(found[:, 1])))]


def _frequencies(given: Sequence[float]) -> np.ndarray:
    w = np.sort(_numbers(given, "frequencies"))
    if not len(w) or w[0] <= 0 or (np.diff(w) < 1e-9 * w[-1]).any():
        raise GradientError(
            "the shift rule", f"frequencies must be numbers > 0 that differ; got {list(given)!r}"
        )
    return w


def _given(shifts: Sequence[float], w: np.ndarray) -> np.ndarray:
    steps = _numbers(shifts, "shifts")
    if len(steps) != len(w):
        raise GradientError(
            "the shift rule",
            f"there must be as many shifts as frequencies, {len(w)}; got {len(steps)}",
            "each is taken with both signs",
        )
    return steps


def _numbers(given: Any, what: str) -> np.ndarray:
    try:
        found = np.array(given, dtype=float)
    except (TypeError, ValueError):
        found = np.zeros(())
    if found.ndim != 1 or not np.isfinite(found).all():
        raise GradientError("the shift rule", f"{what} must be a sequence of finite numbers; got {given!r}")
    return found


def _default(w: np.ndarray, even: bool) -> np.ndarray:
    r = len(w)
    if not even:
        return shift_rule(Trig(*w)).shifts[:r]
    if np.allclose(w, w[0] * np.arange(1, r + 1), rtol=1e-9):
        return np.arange(1, r + 1) * np.pi / (r * w[0])
    grids = [np.arange(1, r + 1) * t for t in np.linspace(0.02, np.pi, 400) / w.max()]
    return min(grids, key=lambda steps: np.linalg.cond(_system(w, steps, 2)))


def _system(w: np.ndarray, steps: np.ndarray, order: int) -> np.ndarray:
    """What f(s) - f(-s) is of sin(w t), or in even orders f(s) + f(-s) - 2 f(0) of cos(w t): (w, s)."""
    angles = np.outer(w, steps)
    return 2 * np.sin(angles) if order % 2 else 2 * np.cos(angles) - 2


def _solved(w: np.ndarray, steps: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and shifts: of the pairs, and in even orders of 0."""
    unit = w[-1]  # of 1/t, so that the condition does not depend on the unit
    matrix = _system(w, steps, order)
    singular = np.linalg.svd(matrix, compute_uv=False)
    condition = max(singular[0], 1.0) / max(singular[-1], 1e-300)  # of one row it is more than its ratio
    if not condition < WORST:
        raise GradientError(
            "the shift rule",
            f"shifts {steps.tolist()} do not tell the frequencies {w.tolist()} apart: "
            f"the condition number of their linear system is {condition:.2g}",
            "choose other shifts, or leave them out",
        )
    own = np.linalg.solve(matrix, (-1.0) ** (order // 2) * (w / unit) ** order) * unit**order
    if order % 2:
        return np.concatenate([own, -own]), np.concatenate([steps, -steps])
    return np.concatenate([own, own, [-2 * own.sum()]]), np.concatenate([steps, -steps, [0.0]])


def merged(w: np.ndarray, weights: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same with one shift where two are alike for all frequencies, as pi and -pi are for whole ones."""
    kept: list[int] = []
    for k in np.argsort(-at, kind="stable").tolist():
        turns = (at[kept] - at[k])[:, None] * w / (2 * np.pi)
        same = np.flatnonzero((np.abs(turns - np.round(turns)) < 1e-9).all(axis=1))
        if len(same):
            weights[kept[same[0]]] += weights[k]
        else:
            kept.append(k)
    return weights[kept], at[kept]
