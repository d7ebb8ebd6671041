"""Second derivatives from one rule: of each number by a rule of order 2, of each pair by a product of rules.

For one frequency the rule of order 2 has 2 points, the unshifted one and f(t + pi), and the unshifted one is
all numbers' own. A value lies in its space of functions of each number whatever the others are, so products
of the rules of two numbers are exact.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import GradientError
from hybridge.gradients.choose import Choice, Chosen, Conditions, choices, needed_of
from hybridge.gradients.frequencies import generate_shift_rule, merged
from hybridge.gradients.method import Method
from hybridge.gradients.reach import moves
from hybridge.gradients.shift import Shifts, Space, evenly, shift_rule
from hybridge.operations.spectrum import Chance, Hyperbolic, Trig

STILL = Shifts(np.zeros(1), np.ones(1))  # the unshifted point


class SecondRule(NamedTuple):
    """Second derivatives in S slots: center at the numbers themselves, weights (R,) at R shifted ones.

    slots, amounts  (R, 2): in each of the R points two slots move, by these amounts (the second of a diagonal
                    entry by 0), times `scales` (R, 2) before
    pairs, starts   (Q, 2), (Q,): which entries of the Hessian the points from each start to the next belong
                    to, places among the S with i <= j
    center          (S,): weights of the unshifted point on the diagonal
    moves           (S, measurements): 1 where the measurement may depend on the slot, else 0
    """

    slots: np.ndarray
    amounts: np.ndarray
    scales: np.ndarray
    weights: np.ndarray
    pairs: np.ndarray
    starts: np.ndarray
    center: np.ndarray
    moves: np.ndarray

    @property
    def num_points(self) -> int:
        """How many points there are, the unshifted one included."""
        return len(self.weights) + 1

    @property
    def sizes(self) -> np.ndarray:
        """How much each point weighs in all entries, (points,), the unshifted one first."""
        return np.concatenate([[np.linalg.norm(self.center)], np.abs(self.weights)])

    def shifted(self, rows: np.ndarray) -> np.ndarray:
        """The points of each row (B, P): (B, points, P), the unshifted one first."""
        found = np.repeat(rows[:, None, :], self.num_points, axis=1)
        each = np.arange(1, self.num_points)
        for side in range(2):
            found[:, each, self.slots[:, side]] *= self.scales[:, side]
            found[:, each, self.slots[:, side]] += self.amounts[:, side]
        return found

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Values (B, points, columns) as the Hessian (B, columns, S, S)."""
        batch, _, columns = values.shape
        size = len(self.center)
        found = np.zeros((batch, columns, size, size))
        if len(self.pairs):
            terms = np.add.reduceat(self.weights[:, None] * values[:, 1:], self.starts, axis=1)
            i, j = self.pairs.T
            found[:, :, i, j] = found[:, :, j, i] = np.swapaxes(terms, 1, 2)
        diagonal = np.arange(size)
        found[:, :, diagonal, diagonal] += values[:, 0, :, None] * self.center
        return found


@lru_cache(maxsize=1024)
def second_rule(space: Space, truncated: bool = False) -> Shifts:
    """The exact second derivative in a space of functions; the unshifted point first, where there is one.

    >>> second_rule(Space(Trig(1))).weights
    array([-0.5,  0.5])
    """
    functions = space.spectrum.power(space.degree)
    if isinstance(functions, Trig):
        if not functions:
            return Shifts(np.zeros(0), np.zeros(0))
        try:
            weights, shifts = generate_shift_rule(functions, order=2).T
        except GradientError:  # frequencies that no even steps tell apart well: the rule of the rule
            once = shift_rule(functions)
            sums, products = np.add.outer(*[once.shifts] * 2), np.multiply.outer(*[once.weights] * 2)
            weights, shifts = merged(np.array(functions), products.ravel(), sums.ravel())
        return Shifts(shifts, weights)
    if isinstance(functions, Chance) and functions.degree == 2:
        return Shifts(np.array([0.0, 0.5, 1.0]), np.array([4.0, -8.0, 4.0]), np.zeros(3))
    if isinstance(functions, Chance):
        return Shifts(np.zeros(0), np.zeros(0))
    if not isinstance(functions, Hyperbolic) and functions.degree < 2:
        return Shifts(np.zeros(0), np.zeros(0))
    if not isinstance(functions, Hyperbolic) and functions.forward:
        powers = np.arange(functions.degree + 1)
        steps = evenly(functions, truncated, len(powers) - 1, start=0)
        return Shifts(steps, np.linalg.solve(steps ** powers[:, None], 2.0 * (powers == 2)))
    if isinstance(functions, Hyperbolic):
        rates = np.arange(1, functions.degree + 1)
        steps = evenly(functions, truncated, len(rates))
        own = np.linalg.solve(2 * np.cosh(np.outer(rates, steps)) - 2, rates**2.0)
    else:
        even = np.arange(2, functions.degree + 1, 2)  # odd powers drop out of f(t+s) + f(t-s)
        steps = evenly(functions, truncated, len(even))
        own = np.linalg.solve(2 * steps ** even[:, None], 2.0 * (even == 2))
    return Shifts(np.concatenate([[0.0], steps, -steps]), np.concatenate([[-2 * own.sum()], own, own]))


class Known(NamedTuple):
    """What Hessian rules are made of: the choice of each slot, its rule of order 2, and what it moves."""

    choices: list[Choice]
    second: list[Shifts]
    moves: np.ndarray  # (S, measurements)

    @property
    def num_points(self) -> int:
        """How many points the rule takes, the unshifted one included."""
        first = np.array([len(_rule(found).shifts) for found in self.choices])
        together = np.triu(self.moves @ self.moves.T > 0, 1)
        diagonal = sum(int((~_still(rule)).sum()) for rule in self.second)
        return 1 + diagonal + int(first @ together @ first)


@lru_cache(maxsize=64)
def known(circuit: Circuit, slots: tuple[int, ...], method: Method, conditions: Conditions) -> Known | None:
    """What the Hessian rule in these slots is made of; None where one of them has no exact rule for all.

    Raises GradientError where one has none and nothing to fall back to.
    """
    needed = needed_of(circuit, None)
    found = choices(circuit, slots, method, conditions, needed)
    if any(len(own.rules) > 1 or not all(map(_moves_alone, own.rules)) for own in found):
        return None
    small = conditions.cutoff is not None and conditions.shots is None  # noise is more than a cutoff loses
    spaces = [own.rules[0].space if own.rules else None for own in found]
    second = [second_rule(space or Space(Trig()), small) for space in spaces]
    return Known(found, second, moves(circuit, slots, needed))


@lru_cache(maxsize=64)
def hessian_rule(
    circuit: Circuit, slots: tuple[int, ...], method: Method, conditions: Conditions
) -> SecondRule | None:
    """The rule for all second derivatives in these slots; None and GradientError as `known`."""
    parts = known(circuit, slots, method, conditions)
    if parts is None:
        return None
    center = np.zeros(len(slots))
    pairs, points = [], []  # of each pair (slot, slot, amount, amount, weight) of its points
    for i, rule in enumerate(parts.second):
        still = _still(rule)
        center[i] = rule.weights[still].sum()
        if not still.all():
            pairs.append((i, i))
            scale = None if rule.scale is None else rule.scale[~still]
            moving = Shifts(rule.shifts[~still], rule.weights[~still], scale)
            points.append(_points(slots[i], slots[i], moving, STILL))
    together = parts.moves @ parts.moves.T > 0  # else no value depends on both
    for i, j in zip(*np.nonzero(np.triu(together, 1)), strict=True):
        a, b = _rule(parts.choices[i]), _rule(parts.choices[j])
        if len(a.weights) * len(b.weights):
            pairs.append((i, j))
            points.append(_points(slots[i], slots[j], a, b))
    starts = np.cumsum([0, *(len(p) for p in points)])[:-1]
    table = np.concatenate([np.zeros((0, 7)), *points])
    return SecondRule(
        slots=table[:, :2].astype(np.intp),
        amounts=table[:, 2:4],
        scales=table[:, 4:6],
        weights=table[:, 6],
        pairs=np.array(pairs, dtype=np.intp).reshape(-1, 2),
        starts=starts,
        center=center,
        moves=parts.moves,
    )


def _moves_alone(rule: Chosen) -> bool:
    """Whether a rule of order 2 is known: of a number that moves no other with it."""
    spectrum = None if rule.space is None else rule.space.spectrum
    return spectrum is not None and not (isinstance(spectrum, Chance) and spectrum.among)


def _rule(found: Choice) -> Shifts:
    if not found.rules:
        return Shifts(np.zeros(0), np.zeros(0))
    return found.rules[0].rule


def _still(rule: Shifts) -> np.ndarray:
    """Which points of a rule are the unshifted one."""
    return (rule.shifts == 0) & (_scale(rule) == 1)


def _scale(rule: Shifts) -> np.ndarray:
    return np.ones(len(rule.shifts)) if rule.scale is None else rule.scale


def _points(i: int, j: int, a: Shifts, b: Shifts) -> np.ndarray:
    """Every point a of slot i with every point b of slot j: (slots, amounts, scales, weight), two of each."""
    first, second = (
        np.repeat(np.arange(len(a.shifts)), len(b.shifts)),
        np.tile(np.arange(len(b.shifts)), len(a.shifts)),
    )
    columns = [np.full(len(first), i), np.full(len(first), j), a.shifts[first], b.shifts[second]]
    scales = [_scale(a)[first], _scale(b)[second]]
    return np.stack([*columns, *scales, a.weights[first] * b.weights[second]], axis=1)
