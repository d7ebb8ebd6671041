"""The arrays that a compiled circuit is, as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Arrays:
    """Two arrays being written; each piece added is known by where it begins.

    The first ints are a header of so many, which is known last.
    """

    def __init__(self, header: int) -> None:
        self._ints: list[int] = [0] * header
        self._floats: list[np.ndarray] = []
        self._length = 0

    def ints(self, numbers: Sequence[int]) -> int:
        start = len(self._ints)
        self._ints += numbers
        return start

    def floats(self, numbers: Any) -> int:
        start, array = self._length, np.asarray(numbers, dtype=float)
        padded = np.zeros(-(-len(array) // 8) * 8)  # every piece begins a vector
        padded[: len(array)] = array
        self._floats.append(padded)
        self._length += len(padded)
        return start

    def joined(self, header: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        self._ints[: len(header)] = header
        return np.array(self._ints, dtype=np.int64), np.concatenate([np.zeros(0), *self._floats])
