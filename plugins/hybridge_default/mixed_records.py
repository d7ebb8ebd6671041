"""A matrix on some digits as a record: coefficients that it maps to one another, and no others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hybridge_default.mixed_layout import EXCHANGE, UNIT, ZERO


class Record(NamedTuple):
    """A matrix of values (4^k, 4^k) on k digits, the first most significant.

    grad        whether it depends on parameters whose derivatives the kernels give
    orthogonal  whether it is undone by its transpose: gates are
    constant    the matrix itself, where it has no parameters
    """

    digits: tuple[int, ...]
    values: np.ndarray
    grad: bool
    orthogonal: bool
    constant: np.ndarray | None


def encoded(record: Record, lossy: int) -> list[int]:
    """The ints of a record before which so many are not orthogonal."""
    digits = record.digits
    offsets = np.zeros(1, int)
    for d in digits:
        offsets = np.add.outer(offsets, np.arange(4) << 2 * d).reshape(-1)
    found, count = [], 0
    for members in _components(record.values != ZERO):
        values = record.values[np.ix_(members, members)]
        if len(members) == 1 and values[0, 0] == UNIT:
            continue
        exchanged = len(members) == 2 and values[0, 0] == values[1, 1] == ZERO
        size = EXCHANGE if exchanged else len(members)
        found += [size, *offsets[members].tolist(), *values.reshape(-1).tolist()]
        count += 1
    lowest = min(digits)
    head = [int(record.grad), int(record.orthogonal), lossy, 4**lowest, len(digits), count]
    return [*head, *sorted(digits), *found]


def _components(linked: np.ndarray) -> list[np.ndarray]:
    """The least sets of indices that no entry links with another."""
    near = (linked | linked.T | np.eye(len(linked), dtype=bool)).astype(np.int64)
    names = np.arange(len(near))
    while True:  # the least name spreads
        spread = np.where(near > 0, names[None, :], len(near)).min(axis=1)
        if (spread == names).all():
            return [np.flatnonzero(names == name) for name in np.unique(names)]
        names = spread
