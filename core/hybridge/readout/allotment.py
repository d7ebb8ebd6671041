"""Which run takes how many shots: as many each, or by weight.

By weight, N shots are parted so that the variance of a sum of c_i times means with standard deviations s_i is
least: N_i in proportion to |c_i| s_i (Neyman, J. R. Stat. Soc. 97, 558 (1934)). Of a run at shifted numbers c
is its weight in the derivative; of a setting, s is what the readout expects (readout/reader.py, Setting).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hybridge.errors import CircuitError

DISTRIBUTIONS = ("uniform", "weighted")
LEAST = 2  # shots of a run, where so many are there: one has no spread


class Lot(NamedTuple):
    """Rows that take the same shots in each setting, None for exact; `places` tells which of all they are."""

    places: np.ndarray
    rows: np.ndarray
    shots: tuple[int, ...] | None


def check_distribution(name: str) -> str:
    """The name, if there is such a distribution of shots."""
    if name not in DISTRIBUTIONS:
        raise CircuitError(
            f"shot_dist {name!r} is not known; choose from {', '.join(map(repr, DISTRIBUTIONS))}"
        )
    return name


def parted(total: int, weights: np.ndarray) -> np.ndarray:
    """Whole numbers in proportion to the weights (n,), none below LEAST if they can be, that sum up to total.

    >>> parted(1000, np.array([3.0, 1.0, 0.0]))
    array([749, 249,   2])
    """
    if not weights.any():
        weights = np.ones(len(weights))
    least = min(LEAST, total // len(weights))
    low = np.zeros(len(weights), bool)
    while True:
        share = np.where(low, 0.0, weights)
        ideal = np.where(low, least, (total - least * low.sum()) * share / share.sum())
        below = ~low & (ideal < least)
        if not below.any():
            break
        low |= below
    found = np.floor(ideal + 1e-9).astype(int)
    rest = np.argsort(found - ideal, kind="stable")[: total - found.sum()]  # the largest parts cut off
    found[rest] += 1
    return found


@lru_cache(maxsize=4096)
def of_settings(total: int, each: int, weights: tuple[float | None, ...]) -> tuple[int, ...]:
    """A row's shots in each setting: `each` where the weight is None, the rest by weight."""
    free = [i for i, w in enumerate(weights) if w is not None]
    found = [each] * len(weights)
    if free:
        shared = parted(total - each * (len(weights) - len(free)), np.array([weights[i] for i in free]))
        for i, shots in zip(free, shared.tolist(), strict=True):
            found[i] = shots
    return tuple(found)


def lots(
    rows: np.ndarray,
    weights: tuple[float | None, ...],
    shots: int | None,
    totals: np.ndarray | None,
    chunks: Callable[[np.ndarray, int | None], list[np.ndarray]],
) -> Iterator[Lot]:
    """Rows of as many shots together, in chunks; `totals` None: each of the settings takes `shots`."""
    alike = [(None, np.arange(len(rows)))] if totals is None else _alike(totals)
    for total, places in alike:
        each = None if shots is None else (shots,) * len(weights)
        if total is not None and shots is not None:
            each = of_settings(total, shots, weights)
        start = 0
        for chunk in chunks(rows[places], shots if each is None else max(each, default=shots)):
            yield Lot(places[start : start + len(chunk)], chunk, each)
            start += len(chunk)


def _alike(totals: np.ndarray) -> list[tuple[int | None, np.ndarray]]:
    """Each number there is, and the places where it stands."""
    return [(total, np.flatnonzero(totals == total)) for total in np.unique(totals).tolist()]


def in_order(pieces: Sequence[np.ndarray], places: Sequence[np.ndarray]) -> np.ndarray:
    """What lots gave, (rows of the lot, ...), in the order of all rows."""
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces)[np.argsort(np.concatenate(places))]
