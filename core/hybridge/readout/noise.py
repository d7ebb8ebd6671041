"""How sure an estimate from shots is: the one place that makes a variance of what was drawn.

An estimate is a sum of means over shots, a mean for each setting; settings are independent, and what is read
in one setting shares its shots. The observed variance of S shots, divided by S - 1, has the true one as its
expectation. It is 0 where all shots were equal, and that is no certainty: an outcome that comes once in S
shots is missed in one of e runs. So no variance is taken below the one that had been seen if one of the shots
had given the next other outcome, which is `unit` away: (unit / S)^2. Where outcomes do vary this changes
nothing, so errors stay unbiased; of quadratures, which always do, the unit is 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hybridge.errors import CircuitError


def check_spread(shots: int) -> None:
    """Raise CircuitError for a single shot."""
    if shots < 2:
        raise CircuitError("one shot says nothing of its spread; a standard error needs shots=2 or more")


def mean_variance(spread: np.ndarray, shots: int, unit: np.ndarray | float) -> np.ndarray:
    """The variance of a mean of so many shots, whose observed variance is `spread` (the mean square)."""
    return np.maximum(spread / (shots - 1), (np.asarray(unit) / shots) ** 2)


class Share(NamedTuple):
    """What one setting gives to an estimate: the mean of `values` (B, M) over its shots.

    `times` (B, M) tells how often each entry came, None for once; `unit`, (B,) or a number, how far apart the
    nearest other outcome is. With `outcomes` the values are whole numbers, and the estimate is the relative
    frequency of each below it.
    """

    setting: Hashable
    shots: int
    values: np.ndarray
    times: np.ndarray | None = None
    unit: np.ndarray | float = 0.0
    outcomes: int = 0

    def average(self, values: np.ndarray) -> np.ndarray:
        """(B, M, ...) -> (B, ...): over the shots."""
        if self.times is None:
            return values.mean(axis=1)
        if values.ndim == 2:  # 4 us less than by einsum
            return (values * self.times).sum(axis=1) / self.shots
        return np.einsum("bm...,bm->b...", values, self.times) / self.shots

    @property
    def mean(self) -> np.ndarray:
        """(B,)"""
        return self.average(self.values)

    @property
    def spread(self) -> np.ndarray:
        """The observed variance, (B,): the mean square."""
        return _spread(self, self.values)

    @property
    def variance(self) -> np.ndarray:
        """Of the mean, (B,)."""
        return mean_variance(self.spread, self.shots, self.unit)

    def folded(self, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Its columns times fold (columns, K), for each entry (B, M, K), and the units (B, K)."""
        if not self.outcomes:
            return self.values[..., None] * fold[0], np.multiply.outer(self.unit, np.abs(fold[0]))
        unseen = np.zeros((1, fold.shape[1]))  # an outcome beyond the last
        found = np.concatenate([fold, unseen])[np.minimum(self.values, self.outcomes)]
        return found, np.abs(fold).max(axis=0)


class Noise(NamedTuple):
    """The shares of one measurement's estimate, and what its variance (B,) has beside theirs."""

    shares: tuple[Share, ...]
    more: np.ndarray | float = 0.0


def spread_noise(share: Share) -> Noise:
    """Of the observed variance of a share's values: to first order, and to second where that vanishes."""
    off = (share.values - share.mean[:, None]) ** 2
    unit = np.where(share.average(off) > 0, 0.0, np.square(share.unit))
    return Noise((share._replace(values=off, unit=unit),), 2 * share.variance**2)


def difference_noise(square: Sequence[Share], mean: Sequence[Share], value: np.ndarray) -> Noise:
    """Of <O^2> - <O>^2 where <O> is `value` (B,), each a sum of shares."""
    slope = -2 * value[:, None]
    lowered = [s._replace(values=slope * s.values, unit=np.abs(slope[:, 0]) * s.unit) for s in mean]
    return Noise((*square, *lowered), 2 * sum(s.variance for s in mean) ** 2)


class Estimate(NamedTuple):
    """The values of all measurements at some of the rows, (B, *shape) each, and their noise.

    `places` (B,) are those of the rows among all. None for the noise of single shots and of counts, which
    estimate nothing; no shares where exact.
    """

    places: np.ndarray
    values: list[np.ndarray]
    noises: list[Noise | None]

    @property
    def flat(self) -> np.ndarray:
        """The values side by side, (B, columns)."""
        return np.concatenate([v.reshape(len(v), -1) for v in self.values], axis=1)

    def errors(self) -> list[np.ndarray | None]:
        """The standard errors of the values, in their shapes."""
        return [
            None if noise is None else np.sqrt(_variances(noise, v))
            for noise, v in zip(self.noises, self.values, strict=True)
        ]

    def variances(self, fold: np.ndarray | None = None) -> np.ndarray:
        """(B, K): of flat @ fold (columns, K), or of flat. Single shots and counts must not be asked for."""
        if fold is None:
            pairs = [(n, v) for n, v in zip(self.noises, self.values, strict=True) if n is not None]
            return np.concatenate([_variances(n, v).reshape(len(v), -1) for n, v in pairs], axis=1)
        known = self._known(fold)
        total = _more(known, len(self.values[0]), fold.shape[1])
        for share, values, unit in _settings(known):
            total += mean_variance(_spread(share, values), share.shots, unit)
        return total

    def covariances(self, fold: np.ndarray | None = None) -> np.ndarray:
        """(B, K, K): of the same."""
        fold = np.eye(self.flat.shape[1]) if fold is None else fold
        known = self._known(fold)
        total = _more(known, len(self.values[0]), fold.shape[1])[:, None] * np.eye(fold.shape[1])
        for share, values, unit in _settings(known):
            off = values - share.average(values)[:, None, :]
            weighted = off if share.times is None else off * share.times[..., None]
            spread = np.einsum("bmk,bml->bkl", weighted, off) / (share.shots * (share.shots - 1))
            own = np.einsum("bkk->bk", spread)  # a view of the diagonals
            own[:] = np.maximum(own, (unit / share.shots) ** 2)
            total += spread
        return total

    def _known(self, fold: np.ndarray) -> Folded:
        """Each measurement's noise and its block of the fold, where that is not zero."""
        found, start = [], 0
        for noise, v in zip(self.noises, self.values, strict=True):
            block = fold[start : start + v[0].size]
            start += len(block)
            if noise is not None and block.any():
                found.append((noise, block))
        return found


Folded = list[tuple[Noise, np.ndarray]]


def _variances(noise: Noise, values: np.ndarray) -> np.ndarray:
    """Of each number of one measurement, like its values (B, *shape)."""
    if not noise.shares:
        return np.zeros(values.shape)
    for share in noise.shares:
        if share.outcomes:  # of frequencies: no need to go through the shots
            return mean_variance(values * (1 - values), share.shots, share.unit)
    return Estimate(np.arange(len(values)), [values], [noise]).variances(np.ones((1, 1)))[:, 0]


def _spread(share: Share, values: np.ndarray) -> np.ndarray:
    return share.average((values - share.average(values)[:, None]) ** 2)


def _more(known: Folded, batch: int, k: int) -> np.ndarray:
    total = np.zeros((batch, k))
    for noise, fold in known:
        total += np.multiply.outer(np.broadcast_to(noise.more, batch), fold[0] ** 2)
    return total


def _settings(known: Folded) -> Iterator[tuple[Share, np.ndarray, np.ndarray]]:
    """For each setting: its shots, what each of its entries gives to the sums (B, M, K), and their units."""
    found: dict[Hashable, tuple[Share, np.ndarray, np.ndarray]] = {}
    for noise, fold in known:
        for share in noise.shares:
            values, unit = share.folded(fold)
            if share.setting in found:
                _, before, least = found[share.setting]
                values, unit = before + values, np.maximum(least, unit)
            found[share.setting] = (share, values, unit)
    yield from found.values()
