"""The rows of sampling: a million shots of twenty qubits from a ready state."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks.comparison import Comparison, Goal, Part

SHOTS = 1_000_000


class Ready(NamedTuple):
    """A random state (2^wires,), and how many shots of it are asked for."""

    wires: int
    state: np.ndarray
    shots: int


@cache  # its rows share it
def ready(wires: int = 20, shots: int = SHOTS) -> Ready:
    rng = np.random.default_rng(0)
    state = rng.normal(size=2**wires) + 1j * rng.normal(size=2**wires)
    return Ready(wires, state / np.linalg.norm(state), shots)


def moments(result: Any) -> tuple[float, float, int]:
    """Mean and deviation of outcomes as numbers, and how many: bits (shots, n), numbers, or their counts."""
    if isinstance(result, Mapping):
        outcomes = np.array([int(k, 2) if isinstance(k, str) else k for k in result], float)
        outcomes = np.repeat(outcomes, list(result.values()))
    else:
        outcomes = np.asarray(result, float)
        if outcomes.ndim == 2:
            outcomes = outcomes @ 2.0 ** np.arange(outcomes.shape[1])[::-1]
    return float(outcomes.mean()), float(outcomes.std()), len(outcomes)


def alike(results: Mapping[str, Any]) -> None:
    """AssertionError where means differ by more than six deviations: by chance once in 500 million times."""
    first, *others = [moments(result) for result in results.values()]
    for other in others:
        assert first[2] == other[2]
        error = np.hypot(first[1], other[1]) / first[2] ** 0.5
        assert abs(first[0] - other[0]) < 6 * error, (first, other)


# kind -> floor and aim against qulacs; a static circuit has its state ready, as qulacs has
GOALS = {"samples": (4, 7), "counts": (6, 12)}
ROWS = [
    Comparison(
        "samples",
        f"1e6 {kind} of 20 qubits from a ready state",
        (Part(kind, ready, agree=alike),),
        (Goal("qulacs", "hybridge static", *goal),),
    )
    for kind, goal in GOALS.items()
]
