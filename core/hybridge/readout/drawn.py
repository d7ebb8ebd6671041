"""What was drawn from a qubit circuit: shot by shot, or how often each outcome came."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hybridge.readout.settings import Reading

MAX_NUMBER = 62  # bits of an outcome's number in an int64; numbers of more wires are Python's


class Drawn(ABC):
    """Entries of these wires, (B, M): each one outcome, that came some number of `times`."""

    shots: int
    times: np.ndarray | None  # (B, M) ints; None: every entry is one shot

    @abstractmethod
    def bits(self, wires: Sequence[int]) -> np.ndarray:
        """(B, M, k) of 0 and 1."""

    @abstractmethod
    def numbers(self, wires: Sequence[int]) -> np.ndarray:
        """(B, M): the bits of each entry as a number, wires[0] most significant."""

    def values(self, reading: Reading) -> np.ndarray:
        """(B, M) values, or (B, M, k) bits where the reading is of wires."""
        bits = self.bits(reading.wires)
        return bits if reading.value is None else reading.value(bits) + 0.0  # + 0.0: no negative zeros

    def probs(self, reading: Reading) -> np.ndarray:
        """(B, 2^k) relative frequencies, wires[0] most significant."""
        d, numbers = 2 ** len(reading.wires), self.numbers(reading.wires)
        times = np.broadcast_to(1, numbers.shape) if self.times is None else self.times
        rows = zip(numbers, times, strict=True)
        return np.array([np.bincount(row, n, minlength=d) for row, n in rows]) / self.shots

    def counts(self, reading: Reading) -> np.ndarray:
        """(B, 2, M): the outcomes, as values or as numbers of bits, and how often each came."""
        found = self.numbers(reading.wires) if reading.value is None else self.values(reading)
        times = np.ones(found.shape, int) if self.times is None else self.times
        return np.stack((found, times), axis=1)


class Shots(Drawn):
    """Bits (B, S, k) of these wires, one row a shot."""

    times = None

    def __init__(self, bits: np.ndarray, wires: Sequence[int]):
        self._bits, self._wires, self.shots = bits, tuple(wires), bits.shape[1]

    def bits(self, wires: Sequence[int]) -> np.ndarray:
        if tuple(wires) == self._wires:
            return self._bits
        return self._bits[..., [self._wires.index(w) for w in wires]]

    def numbers(self, wires: Sequence[int]) -> np.ndarray:
        bits = self.bits(wires)
        if len(wires) <= MAX_NUMBER:
            return bits @ (1 << np.arange(len(wires))[::-1])
        weights: Any = [1 << i for i in reversed(range(len(wires)))]
        return bits.astype(object) @ np.array(weights, dtype=object)


class Counts(Drawn):
    """Outcomes (B, M) of these wires, as numbers, and their `times`; an entry of 0 times says nothing."""

    times: np.ndarray

    def __init__(self, outcomes: np.ndarray, times: np.ndarray, wires: Sequence[int], shots: int):
        self._outcomes, self.times, self._wires, self.shots = outcomes, times, tuple(wires), shots

    def bits(self, wires: Sequence[int]) -> np.ndarray:
        return self._bits[..., [self._wires.index(w) for w in wires]]

    @cached_property
    def _bits(self) -> np.ndarray:
        return bits_of(self._outcomes, len(self._wires))

    def numbers(self, wires: Sequence[int]) -> np.ndarray:
        if tuple(wires) == self._wires:
            return self._outcomes
        return self.bits(wires) @ (1 << np.arange(len(wires))[::-1])

    def shuffled(self, rng: np.random.Generator) -> Shots:
        """The shots in an order of their own: no order of independent shots is likelier than another."""
        rows = [np.repeat(o, t) for o, t in zip(self._outcomes, self.times, strict=True)]
        return Shots(bits_of(rng.permuted(np.array(rows), axis=1), len(self._wires)), self._wires)


class Distribution:
    """Exact probabilities (B, 2^k) of the bit strings of these wires; the same questions."""

    def __init__(self, probabilities: np.ndarray, wires: Sequence[int]):
        self.probabilities, self._wires = probabilities, list(wires)

    def probs(self, reading: Reading) -> np.ndarray:
        k = len(self._wires)
        tensor = self.probabilities.reshape(-1, *(2,) * k)
        at = [self._wires.index(w) for w in reading.wires]
        rest = tuple(1 + i for i in range(k) if i not in at)
        order = sorted(at)
        return tensor.sum(axis=rest).transpose(0, *(1 + order.index(i) for i in at)).reshape(len(tensor), -1)

    def _moment(self, reading: Reading, power: int) -> np.ndarray:
        assert reading.value is not None  # wires have probabilities, not a mean
        return self.probs(reading) @ reading.value(all_bits(len(reading.wires))) ** power

    def mean(self, reading: Reading) -> np.ndarray:
        return self._moment(reading, 1)

    def var(self, reading: Reading) -> np.ndarray:
        return self._moment(reading, 2) - self._moment(reading, 1) ** 2

    def draw(self, shots: int, rng: np.random.Generator) -> Shots:
        """Independent samples: (B, shots, k) bits."""
        cumulative = np.cumsum(self.probabilities, axis=1)
        u = rng.random((len(cumulative), shots)) * cumulative[:, -1:]
        # rounding may bring u to the sum itself: nothing is beyond the last outcome that is possible
        last = [np.searchsorted(c, c[-1], side="left") for c in cumulative]
        rows = zip(cumulative, u, last, strict=True)
        index = np.array([np.minimum(np.searchsorted(c, row, side="right"), i) for c, row, i in rows])
        return Shots(bits_of(index, len(self._wires)), self._wires)


def bits_of(numbers: np.ndarray, k: int) -> np.ndarray:
    """(..., k) uint8: the last k bits of each number, most significant first."""
    size = next(size for size in (1, 2, 4, 8) if k <= 8 * size)  # in bytes
    octets = numbers.astype(f">u{size}")[..., None].view(np.uint8)
    return np.unpackbits(octets, axis=-1)[..., 8 * size - k :]  # 6x faster than shifting


def all_bits(k: int) -> np.ndarray:
    """(2^k, k): every bit string in order, most significant bit first."""
    return (np.arange(2**k)[:, None] >> np.arange(k)[::-1]) & 1
