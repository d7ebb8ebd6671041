"""Exact shift rules, f'(t) = sum_r weights[r] f(t + shifts[r]), from the function space f lies in.

For frequencies 1..R the equidistant rule of Wierichs et al., Quantum 6, 677 (2022), eq. 22; for any other
set, and for hyperbolic and polynomial dependence (CV circuits), a linear system for odd pairs of shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hybridge.gradients.quiet import Solve, quiet_steps
from hybridge.operations.spectrum import Chance, Hyperbolic, Power, Spectrum, Trig

# Of exact values a step of .6 loses least to rounding at degrees 1 and 2; far beyond shifts of 1.2 degree 12
# has no right digit left. A truncated Fock space holds the exact rule only as far as it holds the shifted
# states, so there the steps stay small (CV.md: the rules are those of the untruncated circuit), unless noise
# is larger than what is lost.
STEP = 0.6
TRUNCATED_STEP = 0.1
REACH = 1.2  # of the farthest shift of a hyperbolic rule
SCANNED = 12  # frequencies with gaps; of more, equidistant shifts are hard to tell apart
MOST_CANDIDATES = 4000


class Space(NamedTuple):
    """A space of functions of one parameter: spectrum.power(degree)."""

    spectrum: Spectrum
    degree: int = 1


def joined(spaces: Sequence[Space]) -> Space:
    """The least space that holds them all: they are trigonometric, or of one spectrum.

    >>> from hybridge.operations.spectrum import Trig
    >>> joined([Space(Trig(1), 2), Space(Trig(3))])
    Space(spectrum=Trig(1, 2, 3), degree=1)
    """
    if len({space.spectrum for space in spaces}) == 1:
        return max(spaces, key=lambda space: space.degree)
    powers = [space.spectrum.power(space.degree) for space in spaces]
    found: dict[float, float] = {}
    for power in powers:
        assert isinstance(power, Trig)  # a row that has any other spectrum has no finite one beside it
        found.update({round(w, 9): w for w in power})
    return Space(Trig(*found.values()))


class Shifts(NamedTuple):
    """The rule of one parameter: shifts (R,) in the parameter's unit, weights (R,).

    Where a shifted parameter might leave its bounds, `scale` (R,) are factors of it: f(scale * t + shifts).
    """

    shifts: np.ndarray
    weights: np.ndarray
    scale: np.ndarray | None = None


@lru_cache(maxsize=1024)
def shift_rule(spectrum: Spectrum, degree: int = 1, truncated: bool = False, shots: bool = False) -> Shifts:
    """The exact first derivative for an observable of this degree; both signs of each shift are listed.

    `truncated`: for values of a truncated Fock space; `shots`: for sampled ones, see quiet.py.

    >>> from hybridge.operations.spectrum import Trig
    >>> shift_rule(Trig(1)).weights
    array([ 0.5, -0.5])
    """
    space = spectrum.power(degree)
    if isinstance(space, Trig):
        return _mirrored(*_trig(space))
    if isinstance(space, Chance):
        return _chance(space)
    if space.degree == 0:
        return Shifts(np.zeros(0), np.zeros(0))
    solve, steps = _linear(space, truncated and not shots)
    if shots:
        steps = quiet_steps(space, solve, steps, STEP if truncated else None)
    forward = isinstance(space, Power) and space.forward
    return Shifts(steps, solve(steps)) if forward else _mirrored(steps, solve(steps))


def _linear(space: Hyperbolic | Power, short: bool) -> tuple[Solve, np.ndarray]:
    """What gives the weights of shifts, and shifts for exact values."""
    if isinstance(space, Hyperbolic):
        rates = np.arange(1, space.degree + 1)
        solve = lambda s: np.linalg.solve(2 * np.sinh(np.outer(rates, s)), rates.astype(float))
        return solve, evenly(space, short, len(rates))
    if space.forward:
        powers = np.arange(space.degree + 1)
        solve = lambda s: np.linalg.solve(s ** powers[:, None], (powers == 1).astype(float))
        return solve, evenly(space, short, space.degree, start=0)
    odd = np.arange(1, space.degree + 1, 2)  # even powers drop out of f(t+s) - f(t-s)
    solve = lambda s: np.linalg.solve(2 * s ** odd[:, None], (odd == 1).astype(float))
    return solve, evenly(space, short, len(odd))


def evenly(space: Hyperbolic | Power, truncated: bool, count: int, start: int = 1) -> np.ndarray:
    """The steps start..count of a rule that is not periodic, in the parameter's unit."""
    step = TRUNCATED_STEP if truncated else STEP
    if isinstance(space, Hyperbolic):
        step = min(step, REACH / space.degree)
    return step * np.arange(start, count + 1)


def _chance(space: Chance) -> Shifts:
    """From points between 0 and 1, whatever t between them is: f(1) - f(0) where f is affine.

    Where it is quadratic, f'(t) = 2 f'(t/2 + 1/4) - f'(1/2) by differences, which are exact, to both sides.
    Other probabilities of the same sum, scaled as t is, leave it as it is and the sum below 1.
    """
    if space.degree == 1:
        return Shifts(np.array([1.0, 0.0]), np.array([1.0, -1.0]), np.zeros(2))
    assert space.degree == 2  # of a variance: a mean is affine
    return Shifts(
        np.array([0.5, 0.0, 1.0, 0.0]), np.array([4.0, -4.0, -1.0, 1.0]), np.array([0.5, 0.5, 0.0, 0.0])
    )


def _mirrored(steps: np.ndarray, weights: np.ndarray) -> Shifts:
    return Shifts(np.concatenate([steps, -steps]), np.concatenate([weights, -weights]))


def _trig(frequencies: Trig) -> tuple[np.ndarray, np.ndarray]:
    w = np.array(frequencies)
    r = len(w)
    if r == 0:
        return np.zeros(0), np.zeros(0)
    if np.allclose(w, w[0] * np.arange(1, r + 1), rtol=1e-9):
        mu = np.arange(1, r + 1)
        steps = (2 * mu - 1) * np.pi / (2 * r)
        return steps / w[0], w[0] * (-1.0) ** (mu - 1) / (4 * r * np.sin(steps / 2) ** 2)
    scanned = _scanned(w) if r <= SCANNED else None
    return _pivoted(w) if scanned is None else scanned


def _scanned(w: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Equidistant shifts with the spacing that makes the weights, and with them the error, smallest."""
    r = len(w)
    found = [_solved(w, (2 * np.arange(1, r + 1) - 1) * t) for t in np.linspace(0.02, np.pi, 400) / w.max()]
    return min((f for f in found if f is not None), key=lambda f: np.abs(f[1]).sum(), default=None)


def _pivoted(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As many shifts as frequencies, from a fine grid over the slowest beat, by a QR with pivoting."""
    finest = np.diff(w, prepend=0.0).min()
    grid = np.linspace(0, np.pi / finest, min(8 * int(w[-1] / finest), MOST_CANDIDATES) + 1)[1:]
    rest, chosen = np.sin(np.outer(w, grid)), []
    for _ in w:  # the one most unlike those before
        chosen.append(int(np.argmax((rest**2).sum(axis=0))))
        unit = rest[:, chosen[-1]] / np.linalg.norm(rest[:, chosen[-1]])
        rest -= np.outer(unit, unit @ rest)
    steps = np.sort(grid[chosen])
    return steps, np.linalg.solve(2 * np.sin(np.outer(w, steps)), w)


def _solved(w: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    matrix = 2 * np.sin(np.outer(w, steps))
    if np.linalg.cond(matrix) > 1e8:
        return None
    return steps, np.linalg.solve(matrix, w)
