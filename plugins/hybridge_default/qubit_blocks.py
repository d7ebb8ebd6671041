"""Gates in sweeps: which records run together while a block of the state is in the cache.

A state larger than the cache is gone through block by block. A block holds the amplitudes that differ in a
sweep's local bits; a gate needs local the bits it flips, while of a bit it only reads (a control, a diagonal)
it has another form for each value, chosen by where the block begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hybridge_default.qubit_layout import (
    DENSE,
    DIAGONAL,
    MOVE1,
    MOVE2,
    ONE,
    PAIR1,
    PAIR2,
    PAULI,
    REAL1,
    REAL2,
    REAL_ONE,
    UNIT,
    ZERO,
)

RUN_BITS = 5  # of a block lie side by side: four cache lines


class Cut(NamedTuple):
    """How states are cut: 2^block amplitudes are a block, where there are more than `whole` wires.

    From `shared` wires on threads share a state. A sweep whose gates change fewer amplitudes than `light`
    times all is not worth the copying.
    """

    block: int = 11  # 32 KiB: nearly in L1; 2^12 take a fifth longer
    whole: int = 11
    shared: int = 18  # here a sweep takes long against waking the threads
    light: float = 2.0


CUT = Cut()


class When(NamedTuple):
    """The blocks a gate acts on: base & mask == wanted, and the parity of base & signs is odd or not."""

    mask: int = 0
    wanted: int = 0
    signs: int = 0
    odd: int = 0


ALWAYS = When()


class Gate(NamedTuple):
    """A record, whether its values depend on parameters, and which blocks it acts on."""

    record: list[int]
    grad: bool
    when: When = ALWAYS


class Sweep(NamedTuple):
    """Gates on blocks of these bits, ascending; a block other than the first state in an idle bit is zero."""

    bits: tuple[int, ...]
    gates: list[Gate]
    idle: int


class Bits(NamedTuple):
    """What a record does to the bits of the state, as masks: it flips some, and reads others alone.

    `share`: of the amplitudes, those it changes.
    """

    flips: int
    reads: int
    share: float = 1.0

    def commute(self, other: Bits) -> bool:
        return not (self.flips & (other.flips | other.reads) or self.reads & other.flips)


def sweeps(
    gates: Sequence[Gate], n: int, prepared: int, negated: Callable[[int], int], cut: Cut = CUT
) -> list[Sweep]:
    """The gates, on all n bits, in sweeps and on the bits of these.

    `prepared`: the bits in which the first state is no basis state; `negated`: the value that is minus one.
    """
    if n <= cut.whole:
        return [Sweep(tuple(range(n)), list(gates), 0)]
    found, spread = [], prepared
    for local, taken in _grouped([(g, CODES[g.record[0]].bits(g.record)) for g in gates], n, cut):
        for _, bits in taken:
            spread |= bits.flips
        place = _Place(tuple(b for b in range(n) if local >> b & 1), local, negated)
        idle = ~(spread | local) & ((1 << n) - 1)
        acts = [act for gate, _ in taken for act in CODES[gate.record[0]].local(gate, place)]
        found.append(Sweep(place.bits, acts, idle))
    return found


Noted = tuple[Gate, Bits]


def _grouped(waiting: list[Noted], n: int, cut: Cut) -> Iterator[tuple[int, list[Noted]]]:
    """Local bits, and the gates that may run on them now: each time as many as come first."""
    everything, all_flips = (1 << n) - 1, 0
    for _, bits in waiting:
        all_flips |= bits.flips
    passes: list[Noted] = []  # over the whole state, one after the other
    while waiting:
        local, taken, rest = _fitting(waiting, (1 << min(RUN_BITS, cut.block)) - 1, cut.block, all_flips)
        wide = not taken  # the first gate flips more bits than a block has
        if wide:
            taken, rest = waiting[:1], waiting[1:]
        waiting = rest
        if wide or sum(bits.share for _, bits in taken) < cut.light:
            passes += taken
            continue
        if passes:
            yield everything, passes
            passes = []
        for b in range(n):
            if local.bit_count() < cut.block:
                local |= 1 << b
        yield local, taken
    if passes:
        yield everything, passes


def _fitting(
    waiting: list[Noted], local: int, block_bits: int, all_flips: int
) -> tuple[int, list[Noted], list[Noted]]:
    """Take the gates that nothing left behind hinders, as long as there is room for the bits they flip."""
    taken, rest = [], []
    touched = flipped = 0  # by gates left behind
    for i, item in enumerate(waiting):
        bits = item[1]
        free = not (bits.flips & touched or bits.reads & flipped)
        if free and (local | bits.flips).bit_count() <= block_bits:
            local |= bits.flips
            taken.append(item)
            continue
        rest.append(item)
        touched |= bits.flips | bits.reads
        flipped |= bits.flips
        if flipped == all_flips:  # every gate from here on is hindered, and there may be very many
            return local, taken, rest + waiting[i + 1 :]
    return local, taken, rest


class _Place:
    """Where bits of the state are in a block."""

    def __init__(self, bits: tuple[int, ...], mask: int, negated: Callable[[int], int]):
        self.bits, self.mask, self.negated = bits, mask, negated
        self._local = {b: i for i, b in enumerate(bits)}

    def of(self, bits: Sequence[int]) -> list[int]:
        """Those of the bits that are local, as bits of a block."""
        return [self._local[b] for b in bits if b in self._local]

    def offset(self, mask: int) -> int:
        """The local bits of a mask."""
        return sum(1 << i for i, b in enumerate(self.bits) if mask >> b & 1)


# ---- matrices on one bit --------------------------------------------------------------------------------


def _bits_of_one(record: Sequence[int]) -> Bits:
    return Bits(1 << record[2], 0)


def _local_one(gate: Gate, place: _Place) -> Iterator[Gate]:
    code, grad, bit, first = gate.record
    yield Gate([code, grad, *place.of([bit]), first], gate.grad)


# ---- records of pairs -----------------------------------------------------------------------------------

BETWEEN = (PAIR2, REAL2, MOVE2)  # records whose pairs are two places
WIDTHS = {PAIR2: 4, PAIR1: 2, DIAGONAL: 1, REAL2: 4, REAL1: 2, MOVE2: 0, MOVE1: 0}  # values of a pair


def pairs_of(record: Sequence[int]) -> tuple[list[int], list[list[int]]]:
    lanes, count, number = record[3:6]
    size, at = 2 + WIDTHS[record[0]] * lanes, 6 + count
    return list(record[6:at]), [list(record[at + i * size : at + (i + 1) * size]) for i in range(number)]


def _bits_of_pairs(record: Sequence[int]) -> Bits:
    low, lanes = record[2:4]
    bits, pairs = pairs_of(record)
    flips = low
    for i, j, *_ in pairs:
        flips |= i ^ j
    reads = sum(1 << b for b in bits) | (lanes - 1)
    share = len(pairs) * (2 if record[0] in BETWEEN else 1) / 2 ** len(bits)
    return Bits(flips, reads & ~flips, share)


def _local_pairs(gate: Gate, place: _Place) -> Iterator[Gate]:
    code, grad, low, lanes = gate.record[:4]
    bits, pairs = pairs_of(gate.record)
    outer = sum(1 << b for b in bits) & ~place.mask
    inner = place.of(bits)
    chosen: dict[int, list[int]] = {}
    for i, j, *values in pairs:
        chosen.setdefault(i & outer, []).extend([place.offset(i), place.offset(j), *values])
    for wanted, found in chosen.items():
        number = len(found) // (2 + WIDTHS[code] * lanes)
        yield Gate(
            [code, grad, low, lanes, len(inner), number, *inner, *found], gate.grad, When(outer, wanted)
        )


# ---- Pauli rotations ------------------------------------------------------------------------------------


def _bits_of_pauli(record: Sequence[int]) -> Bits:
    flips, signs = record[2] | record[3], record[4] | record[5]
    return Bits(flips, signs & ~flips)


def _local_pauli(gate: Gate, place: _Place) -> Iterator[Gate]:
    code, grad, high, low, high_signs, low_signs, d, e, *kind = gate.record
    outer = high_signs & ~place.mask
    own = [place.offset(high), low, place.offset(high_signs), low_signs, d]
    for odd in (0, 1) if outer else (0,):
        value = place.negated(e) if odd else e
        yield Gate([code, grad, *own, value, *kind], gate.grad, When(0, 0, outer, odd))


# ---- any matrix -----------------------------------------------------------------------------------------


class _Dense(NamedTuple):
    lanes: int
    bits: list[int]
    offsets: list[int]
    flips: list[tuple[int, int]]  # of blocks of the matrix, of lanes
    values: list[list[list[int]]]  # by flip, block and lane


def _dense(record: Sequence[int]) -> _Dense:
    lanes, count, number = record[2:5]
    blocks = 2**count
    at = 5 + count
    offsets, flips = record[at : at + blocks], record[at + blocks : at + blocks + 2 * number]
    at += blocks + 2 * number
    starts = [[at + (f * blocks + b) * lanes for b in range(blocks)] for f in range(number)]
    values = [[list(record[s : s + lanes]) for s in row] for row in starts]
    pairs = list(zip(flips[::2], flips[1::2], strict=True))
    return _Dense(lanes, list(record[5 : 5 + count]), list(offsets), pairs, values)


def _bits_of_dense(record: Sequence[int]) -> Bits:
    parts = _dense(record)
    flips = 0
    for cross, low in parts.flips:
        flips |= parts.offsets[cross] | low
    reads = sum(1 << b for b in parts.bits) | (parts.lanes - 1)
    return Bits(flips, reads & ~flips)


def _local_dense(gate: Gate, place: _Place) -> Iterator[Gate]:
    parts = _dense(gate.record)
    outer = sum(1 << b for b in parts.bits) & ~place.mask
    inner = place.of(parts.bits)
    chosen: dict[int, list[int]] = {}
    for b, offset in enumerate(parts.offsets):
        chosen.setdefault(offset & outer, []).append(b)
    for wanted, blocks in chosen.items():
        values = [[row[b] for b in blocks] for row in parts.values]
        same = [[[ZERO if any(flip) else UNIT] * parts.lanes] * len(blocks) for flip in parts.flips]
        if values == same:
            continue  # the identity
        number = {b: i for i, b in enumerate(blocks)}
        flips = [x for cross, low in parts.flips for x in (number[blocks[0] ^ cross], low)]
        head = [DENSE, gate.record[1], parts.lanes, len(inner), len(parts.flips), *inner]
        offsets = [place.offset(parts.offsets[b]) for b in blocks]
        flat = [v for row in values for lanes in row for v in lanes]
        yield Gate([*head, *offsets, *flips, *flat], gate.grad, When(outer, wanted))


class Code(NamedTuple):
    """What the scheduler asks of a record: its bits, and its forms on the bits of a block."""

    bits: Callable[[Sequence[int]], Bits]
    local: Callable[[Gate, _Place], Iterator[Gate]]


CODES: dict[int, Code] = {
    **{code: Code(_bits_of_pairs, _local_pairs) for code in WIDTHS},
    **{code: Code(_bits_of_one, _local_one) for code in (ONE, REAL_ONE)},
    PAULI: Code(_bits_of_pauli, _local_pauli),
    DENSE: Code(_bits_of_dense, _local_dense),
}
