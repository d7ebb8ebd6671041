"""A row of the benchmark: works that must agree and are timed in turn, and the ratios read off them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from benchmarks.peers import Peers
from benchmarks.timing import Effort, Timing, interleaved

OURS = "hybridge"
FASTEST = "fastest"
TOLERANCE = 1e-10


class Goal(NamedTuple):
    """How many times as long `over` takes as `under`: at least, or at most, `floor` and, hoped for, `aim`.

    `over` may be "fastest": of the peers, the one that takes the least. With `difference`, how many
    microseconds `over` takes more than `under`.
    """

    over: str
    under: str
    floor: float
    aim: float
    at_most: bool = False
    difference: bool = False


class Line(NamedTuple):
    """One ratio with its goal; `peer` is what ours is compared with, its seconds None for absolute goals."""

    group: str
    work: str
    ours: str
    peer: str
    ratio: float
    spread: float
    floor: float
    aim: float
    at_most: bool
    ours_s: float
    peer_s: float | None

    def meets(self, bound: float) -> bool:
        return self.ratio <= bound if self.at_most else self.ratio >= bound


class Found(NamedTuple):
    """What measuring a row gave: its lines, all timings by label, and what was left out, with the reason.

    `cycles`: kernel -> cycles per amplitude with each bit of the state as target, the lowest first.
    """

    lines: list[Line]
    timings: dict[str, Timing]
    left_out: dict[str, str]
    cycles: Mapping[str, list[float]] = MappingProxyType({})


class Settings(NamedTuple):
    """What a row is measured with; `patience` is the longest a peer may take to compile, in seconds."""

    peers: Peers
    effort: Effort
    patience: float


class Row(Protocol):
    """Anything measured: the group by which it is chosen, its name, and `measure`."""

    @property
    def group(self) -> str: ...

    @property
    def work(self) -> str: ...

    def measure(self, settings: Settings) -> Found: ...


def close(results: Mapping[str, Any]) -> None:
    """AssertionError where results differ by more than 1e-10 from the first."""
    flat = {label: np.concatenate([np.ravel(r) for r in _parts(result)]) for label, result in results.items()}
    first, *others = flat
    for other in others:
        assert flat[first].shape == flat[other].shape, (first, other, flat[first].shape, flat[other].shape)
        error = np.max(np.abs(flat[first] - flat[other]))
        assert error < TOLERANCE, f"{first} and {other} differ by {error}"


def anything(results: Mapping[str, Any]) -> None:
    """For works that do not do the same."""


def _parts(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


class Part(NamedTuple):
    """A kind of work on a problem, by all that offer it or ours alone; `suffix` tells labels apart."""

    kind: str
    problem: Callable[[], Any]
    suffix: str = ""
    alone: bool = False
    agree: Callable[[Mapping[str, Any]], None] = close


class Comparison(NamedTuple):
    """The parts are all timed in turn; peers are those of the first."""

    group: str
    work: str
    parts: tuple[Part, ...]
    goals: tuple[Goal, ...]

    def measure(self, settings: Settings) -> Found:
        runs: dict[str, Callable[[], Any]] = {}
        left_out: dict[str, str] = {}
        for part in self.parts:
            made, missing = settings.peers.runs(part.kind, part.problem(), settings.patience, part.alone)
            part.agree({label: run() for label, run in made.items()})
            runs.update({label + part.suffix: run for label, run in made.items()})
            left_out.update(missing)
        timings = interleaved(runs, settings.effort)
        lines = [line for goal in self.goals if (line := self._line(goal, timings))]
        return Found(lines, timings, left_out)

    def _line(self, goal: Goal, timings: Mapping[str, Timing]) -> Line | None:
        over = goal.over
        if over == FASTEST:
            others = [label for label in timings if not label.startswith(OURS)]
            over = min(others, key=lambda label: timings[label].seconds, default=FASTEST)
        if over not in timings or goal.under not in timings:
            return None
        above, below = timings[over], timings[goal.under]
        ours, peer = (over, goal.under) if goal.at_most else (goal.under, over)
        ratio = above.seconds / below.seconds
        if goal.difference:
            ratio, peer = 1e6 * (above.seconds - below.seconds), f"us above {peer}"
        return Line(
            self.group,
            self.work,
            ours,
            peer + (" (fastest)" if goal.over == FASTEST else ""),
            ratio,
            max(above.spread, below.spread),
            goal.floor,
            goal.aim,
            goal.at_most,
            timings[ours].seconds,
            None if goal.difference else timings[peer].seconds,
        )
