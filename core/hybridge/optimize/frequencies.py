"""With which frequencies the value of a QNode depends on each number it is called with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from hybridge.errors import OptimizationError
from hybridge.gradients.choose import function_space
from hybridge.operations.spectrum import Trig
from hybridge.optimize.problem import Problem
from hybridge.qnode import QNode

TOO_MANY = 1000
REMEDY = "give frequencies=, or use another optimizer"


def qnode_frequencies(problem: Problem, x: np.ndarray) -> list[Trig]:
    """For each number in x the frequencies of the QNode's value: the sums and differences of its places' own.

    Raises OptimizationError where a number enters an operation nonlinearly, or the value is not a
    trigonometric polynomial in it, and GradientError where the operation's spectrum is not known.
    """
    node = problem.cost
    if not isinstance(node, QNode):
        raise OptimizationError(f"the cost must be a QNode, decorated with @hb.qnode; got {node!r}; {REMEDY}")
    elsewhere = x + 0.3 + 0.1 * np.sqrt(np.arange(1, x.size + 1))
    here, there = problem.slots(x), problem.slots(elsewhere)
    if (here.recorded.instructions, here.recorded.measurements) != (
        there.recorded.instructions,
        there.recorded.measurements,
    ):
        raise OptimizationError(f"the circuit, or what it measures, depends on the numbers; {REMEDY}")
    slopes = here.slopes
    if not np.allclose(slopes, there.slopes, rtol=1e-9, atol=1e-9):
        raise OptimizationError(f"a number enters an operation of the circuit nonlinearly; {REMEDY}")
    circuit = node.plan(*problem.call_args(x), **problem.kwargs).named
    spaces: dict[int, Trig] = {}
    for slot in np.flatnonzero(np.abs(slopes).sum(axis=1) > 0).tolist():
        spectrum, degree = function_space(circuit, slot)
        if not isinstance(spectrum, Trig):
            at, name = circuit.slots[slot]
            raise OptimizationError(
                f"in {name!r} of {circuit.instructions[at].operation.name} the cost is not periodic; {REMEDY}"
            )
        spaces[slot] = spectrum.power(degree)
    return [_joined(slopes[:, j], spaces) for j in range(x.size)]


def _joined(slopes: np.ndarray, spaces: dict[int, Trig]) -> Trig:
    """The frequencies in a number of which the slots are the multiples `slopes`."""
    reach = {0.0}
    for slot, space in spaces.items():
        scaled = [abs(float(slopes[slot])) * w for w in space if slopes[slot]]
        reach |= {round(abs(a + s * w), 9) for a, w, s in product(reach, scaled, (-1, 1))}
        if len(reach) > TOO_MANY:
            raise OptimizationError(f"the cost has more than {TOO_MANY} frequencies in one number; {REMEDY}")
    return Trig(*(w for w in reach if w > 1e-9))


def given_frequencies(given: Any, count: int) -> list[Trig]:
    """The user's `frequencies` for `count` numbers: R for 1..R, a list for all, or a list of lists."""
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return [_trig(range(1, given + 1), given)] * count
    if not isinstance(given, Sequence) and not isinstance(given, np.ndarray):
        raise _malformed(given)
    if all(np.ndim(w) == 0 for w in given):
        return [_trig(given, given)] * count
    if len(given) != count:
        raise OptimizationError(f"frequencies has {len(given)} lists for {count} numbers")
    return [_trig(each, given) for each in given]


def _trig(frequencies: Any, given: Any) -> Trig:
    try:
        found = Trig(*{float(w) for w in frequencies})
    except (TypeError, ValueError):
        raise _malformed(given) from None
    if not found or not all(0 < w < np.inf for w in found):
        raise _malformed(given)
    return found


def _malformed(given: Any) -> OptimizationError:
    return OptimizationError(
        f"frequencies must be a whole number R > 0 (for 1..R), a list of numbers > 0, or a list of lists, "
        f"one for each number optimized; got {given!r}"
    )
