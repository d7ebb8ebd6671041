"""The rows of default.mixed: circuits with a channel after every gate, against other density matrices."""

from __future__ import annotations

from functools import partial

from benchmarks.circuits import noisy
from benchmarks.comparison import FASTEST, Comparison, Goal, Part

OURS = ("hybridge", "hybridge static")
# qubits -> floor and aim against the fastest
VALUE = {2: (40, 80), 4: (50, 100), 6: (60, 120), 8: (30, 60)}
GRADIENT = {4: (60, 110), 6: (80, 160)}


def _against_the_fastest(kind: str, work: str, problem: partial, floor: float, aim: float) -> Comparison:
    goals = tuple(Goal(FASTEST, ours, floor, aim) for ours in OURS)
    return Comparison("noise", work, (Part(kind, problem),), goals)


ROWS = [
    *(
        _against_the_fastest("noisy value", f"noisy value, HEA, {wires} qubits", partial(noisy, wires), *goal)
        for wires, goal in VALUE.items()
    ),
    *(
        _against_the_fastest(
            "noisy gradient", f"noisy gradient, HEA, {wires} qubits", partial(noisy, wires), *goal
        )
        for wires, goal in GRADIENT.items()
    ),
    _against_the_fastest(
        "noisy values", "64 noisy values, HEA, 4 qubits", partial(noisy, 4, batch=64), 25, 45
    ),
]
