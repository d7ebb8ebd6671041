"""Which shifts of a hyperbolic or polynomial rule lose least to shot noise.

The estimator sum_r weights[r] f(t + shifts[r]) of as many shots each has the variance sum_r weights[r]^2
Var(shifts[r]) / shots, Var(s) being that of one shot. Any distinct shifts make an exact rule, of which those
are looked for that make this least, where Var grows as

- K x polynomial: that of q^K, where q has the noise of the vacuum, 1, and the mean 2 s: an amplitude moved by
  s. Constant for a quadrature (K = 1), 2 + 16 s^2 for a photon number (K = 2).
- hyperbolic: cosh(2 K s), the mean of exp(+-2 K s), by which squeezing multiplies squares of degree K.
- polynomial to one side: (1 + s)^(2 K), K the power of a mean photon number, 0 at first.

In all three larger shifts have smaller weights and never lose much, so the farthest is as far as allowed: to
FAR, where light is homodyned, to BRIGHT, where its photons may have to be drawn one by one and where light
that is squeezed already begins to lose.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb, prod

import numpy as np

from hybridge.operations.spectrum import Hyperbolic, Power

FAR = 3.0
BRIGHT = 1.5
LEAST = 1e-3  # relative change of a shift at which the search ends

Solve = Callable[[np.ndarray], np.ndarray]


def quiet_steps(
    space: Hyperbolic | Power, solve: Solve, start: np.ndarray, reach: float | None
) -> np.ndarray:
    """The shifts in place of `start`, ascending and of one sign, none beyond `reach` (None: as above).

    `solve` gives the weights of shifts. A first shift of 0 stays.
    """
    noise = _noise(space)
    limit = reach if reach is not None else FAR if space.degree == 1 else BRIGHT
    variance = lambda steps: float(solve(steps) ** 2 @ noise(steps))
    steps = start * (limit / start[-1])
    least, factor = variance(steps), 1.2
    while factor > 1 + LEAST:  # one shift after another, by ever smaller factors
        lower = False
        for j in np.flatnonzero(start):
            for scale in (factor, 1 / factor):
                tried = steps.copy()
                tried[j] = min(tried[j] * scale, limit)
                if len(np.unique(tried)) == len(tried) and (found := variance(tried)) < least * (1 - 1e-9):
                    steps, least, lower = tried, found, True
        if not lower:
            factor = factor**0.5
    return np.sort(steps)


def _noise(space: Hyperbolic | Power) -> Callable[[np.ndarray], np.ndarray]:
    """The variance of one shot at each shift, in units of its own."""
    K = space.degree
    if isinstance(space, Hyperbolic):
        return lambda s: np.cosh(2 * K * s)
    if space.forward:
        return lambda s: (1 + s) ** (2 * K)
    return lambda s: _moment(2 * K, 2 * s) - _moment(K, 2 * s) ** 2


def _moment(k: int, mean: np.ndarray) -> np.ndarray:
    """The mean of q^k of a normal q of variance 1."""
    terms = [comb(k, 2 * j) * prod(range(1, 2 * j, 2)) * mean ** (k - 2 * j) for j in range(k // 2 + 1)]
    return np.sum(terms, axis=0)
