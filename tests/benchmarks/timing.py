"""Interleaved timing in process CPU time: what is compared is measured in turn, in one process."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Timing(NamedTuple):
    """Median seconds of one call over the rounds, and their interquartile range as a share of it."""

    seconds: float
    spread: float
    rounds: int


class Effort(NamedTuple):
    """How long to measure: rounds, CPU seconds of a work in each, and in all, after which it gets no more."""

    rounds: int = 9
    share: float = 0.1
    limit: float = 8.0
    fewest: int = 3


def interleaved(works: Mapping[str, Callable[[], object]], effort: Effort | None = None) -> dict[str, Timing]:
    """Time each work in turn, round after round; a slow work stops after its limit and the fewest rounds."""
    effort = effort or Effort()
    repeats: dict[str, int] = {}
    samples: dict[str, list[float]] = {}
    for name, work in works.items():
        repeats[name], once = _repeats(work, effort.share)
        samples[name] = [once] if once > effort.share else []  # of a slow work every call counts
    gc.collect()
    for _ in range(effort.rounds):
        for name, work in works.items():
            spent, taken = sum(samples[name]) * repeats[name], len(samples[name])
            if taken >= effort.rounds or (spent > effort.limit and taken >= effort.fewest):
                continue
            samples[name].append(_seconds(work, repeats[name]))
    return {name: timing(values) for name, values in samples.items()}


def timing(values: list[float]) -> Timing:
    """The median of at least two values, and their spread."""
    middle = statistics.median(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Timing(middle, (high - low) / middle, len(values))


def _seconds(work: Callable[[], object], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - start) / repeats


def _repeats(work: Callable[[], object], share: float) -> tuple[int, float]:
    """How many calls fill the share, tried with more and more as the first are slower; seconds of one."""
    repeats = 1
    while (once := _seconds(work, repeats)) * repeats < share / 20 and repeats < 1000:
        repeats *= 4
    return max(1, int(share / max(once, 1e-7))), once
