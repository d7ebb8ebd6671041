"""One number after another to its exact minimum, from as many values as its frequencies need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.operations.spectrum import Trig
from hybridge.optimize.frequencies import given_frequencies, qnode_frequencies
from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem

GRID = 32  # points in the shortest period; minima that are nearer to each other are as low


class Points(NamedTuple):
    """Where to look, (2R + 1,), 0 in the middle, and the inverse that turns values into coefficients."""

    at: np.ndarray
    inverse: np.ndarray


@dataclass(eq=False)
class Rotosolve(Optimizer):
    """In turn, sets each number to the minimum of the cost along it, all others fixed; a step is one round.

    Along one number the cost is a0 + sum_r a_r cos(w_r t) + b_r sin(w_r t), known from 2 R + 1 values
    (Wierichs et al., Quantum 6, 677 (2022); with R = 1 Ostaszewski et al., Quantum 5, 391 (2021)). The value
    at a minimum is taken from there, so that a round costs 1 + 2 sum R calls; those along one number are one
    job where the cost is a QNode.

    `frequencies`: None to take them from the cost, which must then be a QNode whose numbers enter its
    operations linearly; R for 1..R; a list of frequencies for all numbers; or a list of such lists, one for
    each number in the order of the arguments. It has no state.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x, y):
    ...     hb.RX(x, wires=0)
    ...     hb.RY(y, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> x, y = hb.Rotosolve().step(circuit, 0.3, 0.4, argnums=(0, 1))
    >>> round(float(circuit(x, y)), 12)
    -1.0
    """

    frequencies: Any = None

    def advance(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        if self.frequencies is None:
            spectra = qnode_frequencies(problem, x)
        else:
            spectra = given_frequencies(self.frequencies, x.size)
        x, value = x.copy(), problem.value_at(x)
        for j, spectrum in enumerate(spectra):
            if not spectrum:  # the cost does not depend on it
                continue
            points = sampling(spectrum)
            values = np.full(len(points.at), value)
            away = points.at != 0
            moved = np.repeat(x[None], away.sum(), axis=0)
            moved[:, j] += points.at[away]
            values[away] = problem.values(moved)
            step, value = lowest(points.inverse @ values, spectrum)
            x[j] += step
        return x


@lru_cache(maxsize=256)
def sampling(spectrum: Trig) -> Points:
    """The points that determine a trigonometric polynomial of these frequencies, as well as they can."""
    w, r = np.array(spectrum), len(spectrum)
    steps = np.arange(-r, r + 1)
    if np.allclose(w, w[0] * np.arange(1, r + 1), rtol=1e-9):
        spacings = np.array([2 * np.pi / (w[0] * (2 * r + 1))])  # equidistant: nothing is better
    else:
        spacings = np.linspace(0.02, np.pi, 400) / w.max()
    matrices = [_functions(w, steps * spacing) for spacing in spacings]
    best = int(np.argmin([np.linalg.cond(m) for m in matrices]))
    return Points(steps * spacings[best], np.linalg.inv(matrices[best]))


def _functions(w: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1, cos(w t), sin(w t) at each t: (len(t), 2 R + 1)."""
    angles = np.outer(t, w)
    return np.concatenate([np.ones((len(t), 1)), np.cos(angles), np.sin(angles)], axis=1)


def lowest(coefficients: np.ndarray, spectrum: Trig) -> tuple[float, float]:
    """The minimum of a0 + sum a cos(w t) + b sin(w t): (t, value), the nearest t to 0 of the lowest.

    Over one period around 0; frequencies without a common period are searched over 16 of the longest. The
    minima are those of a grid, each then found to rounding by Newton's method.
    """
    w = np.array(spectrum)
    mean, a, b = np.split(coefficients, [1, 1 + len(w)])
    if len(w) == 1:  # the formula, 10x faster
        height = np.hypot(a[0], b[0])
        flat = height <= 1e-12 * (1 + abs(mean[0]))
        return (0.0 if flat else float(np.arctan2(-b[0], -a[0]) / w[0])), float(mean[0] - height)
    reach = np.pi / _base(w)
    t = np.linspace(-reach, reach, 1 + 2 * int(np.ceil(GRID * reach * w.max() / (2 * np.pi))))
    values = _functions(w, t) @ coefficients
    inner = np.flatnonzero((values <= np.roll(values, 1)) & (values <= np.roll(values, -1)))
    t, spacing = t[inner], t[1] - t[0]
    start = t
    for _ in range(8):
        cos, sin = np.cos(np.outer(t, w)), np.sin(np.outer(t, w))
        slope, bend = (cos * b - sin * a) @ w, -(cos * a + sin * b) @ w**2
        change = np.divide(slope, bend, out=np.zeros_like(slope), where=bend > 0)
        t = np.clip(t - change, start - spacing, start + spacing)
    values, before = _functions(w, t) @ coefficients, values[inner]
    t, values = np.where(values <= before, t, start), np.minimum(values, before)  # Newton may go astray
    close = np.flatnonzero(values <= values.min() + 1e-12 * (1 + np.abs(coefficients).sum()))
    best = close[np.argmin(np.abs(t[close]))]
    return float(t[best]), float(values[best])


def _base(w: np.ndarray) -> float:
    """The largest frequency of which all are multiples; w_min / 16 where there is none above it."""
    for k in range(1, 17):
        ratios = w / (w[0] / k)
        if np.allclose(ratios, np.round(ratios), atol=1e-6):
            break
    return float(w[0] / k)
