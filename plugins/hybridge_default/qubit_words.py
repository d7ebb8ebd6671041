"""Which Pauli words of an observable are evaluated together: those whose flips stay in one small tile.

A tile is so many runs of consecutive amplitudes, whose beginnings differ by the sums (xor) of a few masks. A
word that flips bits in the run, and above it a sum of those masks, maps every tile to itself, where it acts
as a word on fewer bits. So a state is read once for many words, whichever bits they flip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

TILE_BITS = 11  # of a tile, small enough for the cache next to the core, with another that is pulled back to
RUN_BITS = 5  # of the shortest runs: whole cache lines


class Word(NamedTuple):
    """A Pauli word by the bits it flips (X, Y) and those that sign it (Y, Z), its coefficient."""

    flip: int
    sign: int
    coefficient: float

    @property
    def imaginary(self) -> bool:
        return bool((self.flip & self.sign).bit_count() & 1)

    @property
    def factor(self) -> float:
        """out_i = factor s_i x_(i ^ flip), times i if imaginary; s_i is the sign of i & sign."""
        return self.coefficient * (1, -1, -1, 1)[(self.flip & self.sign).bit_count() & 3]


class Group(NamedTuple):
    """Words on tiles of 2^rank runs of 2^run amplitudes: `masks` are the runs' beginnings, the sums of a
    basis whose highest bits are the pivots; one bit of each word's local flip and sign stands for a mask of
    the basis, above those of the run. Tiles begin where the pivots are 0."""

    run: int
    pivots: list[int]
    masks: list[int]
    words: list[tuple[int, int, Word]]  # local flip, local sign, and the word


def groups(words: Sequence[Word], n: int, lane_bits: int) -> list[Group]:
    """The words on n bits, each in one group; runs are at least a vector."""
    whole = max(n, lane_bits)
    least = min(whole, max(RUN_BITS, lane_bits))
    found, rest = [], sorted(words, key=lambda word: word.flip, reverse=True)
    while rest:
        taken: list[Word] = []
        left: list[Word] = []
        basis: dict[int, int] = {}  # by pivot
        for word in rest:
            new = _reduced(word.flip >> least, basis)
            if new and len(basis) == max(1, TILE_BITS - least):
                left.append(word)
                continue
            taken.append(word)
            if new:
                basis[new.bit_length() - 1] = new
        found.append(_group(taken, whole if len(taken) == 1 else least, whole))
        rest = left
    return found


def _reduced(mask: int, basis: dict[int, int]) -> int:
    """What is left of a mask after those of the basis that its bits at the pivots ask for."""
    for pivot in sorted(basis, reverse=True):
        if mask >> pivot & 1:
            mask ^= basis[pivot]
    return mask


def _group(words: list[Word], run: int, whole: int) -> Group:
    """With the longest runs: fewer of them copy faster, and one is used in place."""
    basis = _basis(words, run)
    while run < whole and run + 1 + len(longer := _basis(words, run + 1)) <= max(TILE_BITS, run):
        run, basis = run + 1, longer
    pivots = sorted(basis)
    masks = [0]
    for pivot in pivots:
        masks += [mask ^ basis[pivot] for mask in masks]
    local = []
    for word in words:
        flip, sign = word.flip & ((1 << run) - 1), word.sign & ((1 << run) - 1)
        high = word.flip >> run << run
        for place in reversed(range(len(pivots))):
            mask = basis[pivots[place]]
            if high >> pivots[place] & 1:
                high ^= mask
                flip |= 1 << (run + place)
            sign |= ((word.sign & mask).bit_count() & 1) << (run + place)
        local.append((flip, sign, word))
    return Group(run, pivots, masks, local)


def _basis(words: Sequence[Word], run: int) -> dict[int, int]:
    """Masks above the run, by pivot, whose sums the words' flips are."""
    basis: dict[int, int] = {}
    for word in words:
        new = _reduced(word.flip >> run << run, basis)
        if new:
            basis[new.bit_length() - 1] = new
    return basis
