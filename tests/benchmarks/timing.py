"""Interleaved timing in process CPU time: what is compared is measured in turn, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Timing(NamedTuple):
    """Median seconds of one call over the rounds, and their interquartile range as a share of it."""

    seconds: float
    spread: float


def interleaved(
    works: Mapping[str, Callable[[], object]], rounds: int = 9, budget: float = 0.15
) -> dict[str, Timing]:
    """Time each work in turn, `rounds` times over, each for about `budget` seconds of CPU time."""
    repeats = {}
    for name, work in works.items():
        work()
        start = time.process_time()
        work()
        repeats[name] = max(1, int(budget / max(time.process_time() - start, 1e-6)))
    samples: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                work()
            samples[name].append((time.process_time() - start) / repeats[name])
    return {name: _timing(values) for name, values in samples.items()}


def _timing(values: list[float]) -> Timing:
    middle = statistics.median(values)
    low, _, high = statistics.quantiles(values, n=4)
    return Timing(middle, (high - low) / middle)
