"""What readout errors make of bits and of their probabilities, on wires 0..n-1."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.noise.readout_errors import ReadoutError
from hybridge.readout.drawn import Distribution, Shots, bits_of
from hybridge.readout.settings import Reading


class Table(NamedTuple):
    """Outcome i of these wires, the first most significant, is read as j with probability table[i, j]."""

    wires: tuple[int, ...]
    table: np.ndarray


def numbered_errors(errors: Sequence[ReadoutError], wires: Sequence[Hashable]) -> tuple[Table, ...]:
    """The errors of a circuit on these wires, on 0..n-1; those of classical bits stay theirs."""
    index: dict[Any, Any] = {wire: i for i, wire in enumerate(wires)}
    return tuple(Table(tuple(index.get(w, w) for w in e.wires or ()), e.table.array) for e in errors)


class Misread:
    """The readout errors of a circuit: which wires they touch, and what is read in place of what is there."""

    def __init__(self, errors: Sequence[Table]):
        self._errors = tuple(errors)
        self._wires = {w for e in errors for w in e.wires}

    def touches(self, wires: Iterable[Hashable]) -> bool:
        """Whether one of these wires is misread."""
        return not self._wires.isdisjoint(wires)

    def together(self, reading: Reading) -> Reading:
        """The reading with all wires that are read together with its own, in the computational basis."""
        if not self._wires:
            return reading
        based = {w for wires, _ in reading.bases for w in wires}
        errors = [e for e in self._errors if not based.isdisjoint(e.wires)]
        more = [w for e in errors for w in e.wires if w not in based]
        return reading._replace(bases=(*reading.bases, *(((w,), "Z") for w in more)))

    def distribution(self, exact: np.ndarray, wires: Sequence[int]) -> Distribution:
        """Of the true bits (B, 2^k) of these wires: of those that are read."""
        tensor = exact.reshape(-1, *(2,) * len(wires))
        for error in self._among(wires):
            at = [1 + wires.index(w) for w in error.wires]
            last = range(-len(at), 0)
            moved = np.moveaxis(tensor, at, last)
            read = moved.reshape(-1, len(error.table)) @ error.table
            tensor = np.moveaxis(read.reshape(moved.shape), last, at)
        return Distribution(tensor.reshape(exact.shape), wires)

    def shots(self, drawn: Shots, wires: Sequence[int], rng: np.random.Generator) -> Shots:
        """The true bits of these wires shot by shot, as they are read."""
        bits = drawn.bits(wires).astype(np.uint8)  # a copy
        for error in self._among(wires):
            at = [wires.index(w) for w in error.wires]
            true = bits[..., at] @ (1 << np.arange(len(at))[::-1])
            below = np.cumsum(error.table, axis=1)[:, :-1]  # the last outcome takes what is left
            read = (rng.random((*true.shape, 1)) >= below[true]).sum(axis=-1)
            bits[..., at] = bits_of(read, len(at))
        return Shots(bits, wires)

    def _among(self, wires: Sequence[int]) -> list[Table]:
        return [e for e in self._errors if e.wires[0] in wires]
