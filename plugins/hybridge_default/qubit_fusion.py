"""Which gates become one pass over the state: runs of permutations, runs of diagonal gates.

Gates that commute may change places, so a run need not be written in one piece: a gate joins the last run of
its sort that it can be brought to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge_default.qubit_blocks import ALWAYS, CODES, Bits, Gate, When, pairs_of
from hybridge_default.qubit_layout import (
    DIAGONAL,
    IN_ORDER,
    MIXED,
    MOVE1,
    MOVE2,
    ONE,
    PERMUTATION,
    PHASES,
    PLAIN,
    REAL1,
    REAL2,
    REAL_ONE,
    UNIT,
    ZERO,
)


class Affine(NamedTuple):
    """A permutation out_i = x_s(i): s(i) is the offset, xor the image of each bit that i has."""

    offset: int
    images: tuple[int, ...]

    def of(self, index: int) -> int:
        found = self.offset
        for bit, image in enumerate(self.images):
            if index >> bit & 1:
                found ^= image
        return found


class Phase(NamedTuple):
    """A diagonal gate on one or two bits, the upper first, and its values by what these are."""

    bits: tuple[int, ...]
    values: tuple[int, ...]


# ---- what records do ------------------------------------------------------------------------------------


def _affine(record: Sequence[int], n: int, lane_bits: int) -> Affine | None:
    """The record as a permutation that is linear but for a constant; None where it is none."""
    if record[0] not in (MOVE2, MOVE1, REAL2, REAL1):
        return None
    (low, each), (bits, pairs) = record[2:4], pairs_of(record)
    source: dict[int, int] = {}
    moves, wide = record[0] in (MOVE2, MOVE1), 2**lane_bits
    for i, j, *values in pairs:
        for side, (own, other) in enumerate(((i, j), (j, i))[: 1 if record[0] in (MOVE1, REAL1) else 2]):
            for lane in range(wide):
                stays, comes = ZERO, UNIT
                if not moves:
                    at = 2 * side * each + (lane if each > 1 else 0)
                    stays, comes = values[at], values[at + each]
                if (stays, comes) not in ((UNIT, ZERO), (ZERO, UNIT)):
                    return None
                source[own | lane] = own | lane if stays == UNIT else other | (lane ^ low)
    own_bits = [*range(lane_bits), *bits]
    offset = source.get(0, 0)
    images = [source.get(1 << b, 1 << b) ^ offset if b in own_bits else 1 << b for b in range(n)]
    found = Affine(offset, tuple(images))
    for i in range(2 ** len(own_bits)):
        index = sum(1 << b for q, b in enumerate(own_bits) if i >> q & 1)
        if found.of(index) != source.get(index, index):
            return None
    return found


def _phase(record: Sequence[int], lane_bits: int) -> Phase | None:
    """The record as a diagonal gate on at most two bits; None where it is none."""
    if record[0] != DIAGONAL or record[4] > 2:
        return None
    each, (bits, pairs) = record[3], pairs_of(record)
    low = list(range(lane_bits)) if each > 1 else []
    own = [*low, *bits]
    table = np.full((2,) * len(own), UNIT)  # axis q is the bit own[-1 - q]
    for i, _, *values in pairs:
        for lane in range(each):
            index = i | lane
            table[tuple(index >> b & 1 for b in reversed(own))] = values[lane]
    axes = [q for q in range(len(own)) if (table.take(0, q) != table.take(1, q)).any()]
    if not axes:  # in a block, where the bits are the same
        return Phase((0,), (int(table.flat[0]),) * 2)
    if len(axes) > 2:
        return None
    small = table[tuple(slice(None) if q in axes else 0 for q in range(len(own)))]
    return Phase(tuple(own[-1 - q] for q in axes), tuple(int(v) for v in small.reshape(-1)))


# ---- runs -----------------------------------------------------------------------------------------------


class _Run:
    """Gates that follow one another, all of a sort."""

    def __init__(self, sort: str, when: When):
        self.sort, self.when = sort, when
        self.gates: list[Gate] = []
        self.parts: list[Any] = []  # of gates that move, Affine; of diagonal ones, Phase
        self.bits = Bits(0, 0)

    def take(self, gate: Gate, part: Affine | Phase | None, bits: Bits) -> None:
        self.gates.append(gate)
        self.parts.append(part)
        flips = self.bits.flips | bits.flips
        self.bits = Bits(flips, (self.bits.reads | bits.reads) & ~flips)


def _runs(gates: Sequence[Gate], n: int, lane_bits: int) -> list[_Run]:
    runs: list[_Run] = []
    for gate in gates:
        bits = CODES[gate.record[0]].bits(gate.record)
        sort, part = _sorted(gate, n, lane_bits)
        when = ALWAYS if sort == "phases" else gate.when  # of a diagonal gate it goes into the record
        home = None
        for run in reversed(runs if sort else []):
            if run.sort == sort and run.when == when:
                home = run
                break
            if not run.bits.commute(bits):
                break
        if home is None:
            home = _Run(sort, when)
            runs.append(home)
        home.take(gate, part, bits)
    return runs


def _sorted(gate: Gate, n: int, lane_bits: int) -> tuple[str, Affine | Phase | None]:
    """What sort of run the gate may be in, and what it is there."""
    moved = _affine(gate.record, n, lane_bits)
    if moved is not None:
        return "moves", moved
    phase = _phase(gate.record, lane_bits)
    if phase is not None:
        return "phases", phase
    return ("ones" if gate.record[0] in (ONE, REAL_ONE) else ""), None


def fused(gates: Sequence[Gate], n: int, lane_bits: int) -> list[Gate]:
    """The gates, on n bits, as fewer records where these cost less."""
    n = max(n, lane_bits)
    return [gate for run in _runs(gates, n, lane_bits) for gate in FUSE[run.sort](run, n, lane_bits)]


def _same(run: _Run, n: int, lane_bits: int) -> Iterator[Gate]:
    yield from run.gates


# ---- permutations ---------------------------------------------------------------------------------------

# cycles an amplitude, measured at 2^10: a pass that permutes, single moves; cycles of a record besides
PERMUTATION_COST = 2.0
MOVE_COSTS = {MOVE2: 0.4, MOVE1: 0.5, REAL2: 0.7, REAL1: 0.8}
RECORD_COST = 80.0  # cycles


def _moved(run: _Run, n: int, lane_bits: int) -> Iterator[Gate]:
    size = 2**n
    apart = sum(MOVE_COSTS[g.record[0]] for g in run.gates) * size + RECORD_COST * len(run.gates)
    if len(run.gates) == 1 or apart < PERMUTATION_COST * size + RECORD_COST:
        yield from run.gates
        return
    source = np.arange(size)
    for part in run.parts:
        found = np.full(size, part.offset)
        for bit, image in enumerate(part.images):
            found ^= np.where(np.arange(size) >> bit & 1, image, 0)
        source = source[found]
    back = np.empty(size, int)
    back[source] = np.arange(size)
    wide = 2**lane_bits
    lanes = [[int(s[lane] ^ s[0]) for lane in range(wide)] for s in (source, back)]
    ordered = all(row == list(range(wide)) for row in lanes)
    whole = all((s[::wide] % wide == 0).all() for s in (source, back))
    order = MIXED if not ordered else PLAIN if whole else IN_ORDER
    tables = [x for s, row in zip((source, back), lanes, strict=True) for x in (*s[::wide].tolist(), *row)]
    yield Gate([PERMUTATION, 0, order, *tables], False, run.when)


# ---- diagonals ------------------------------------------------------------------------------------------

PHASES_COST, PHASES_PAIRS_COST = 1.8, 1.8  # cycles an amplitude, and more where there are pairs
PHASES_BIT_COST = 60.0  # cycles a bit of the table
DIAGONAL_COST = 0.6  # of a gate, on the amplitudes it changes


def _phased(run: _Run, n: int, lane_bits: int) -> Iterator[Gate]:
    size, top = 2**n, max(lane_bits, 1 + max(part.bits[0] for part in run.parts))
    blocks = [2.0 ** -gate.when.mask.bit_count() for gate in run.gates]  # the share of them it acts on
    changed = [
        share * sum(v != UNIT for v in part.values) / len(part.values)
        for share, part in zip(blocks, run.parts, strict=True)
    ]
    apart = DIAGONAL_COST * sum(changed) * size + RECORD_COST * sum(blocks)
    pairs = any(len(part.bits) == 2 for part in run.parts)
    together = PHASES_COST * size + PHASES_PAIRS_COST * pairs * 2**top + PHASES_BIT_COST * top
    if len(run.gates) == 1 or apart < together:
        yield from run.gates
        return
    grad = any(gate.grad for gate in run.gates)
    record = [PHASES, int(grad), top]
    listed = [
        (p.bits, g.when.mask, g.when.wanted, *p.values) for g, p in zip(run.gates, run.parts, strict=True)
    ]
    for q in range(top):
        singles = [item[1:] for item in listed if item[0] == (q,)]
        twos = sorted((item[0][1], *item[1:]) for item in listed if len(item[0]) == 2 and item[0][0] == q)
        plain = int(not singles and all(two[3:5] == (UNIT, UNIT) for two in twos))
        record += [len(singles), len(twos), plain, *(v for item in (*singles, *twos) for v in item)]
    yield Gate(record, grad)


FUSE: dict[str, Callable[[_Run, int, int], Iterator[Gate]]] = {
    "": _same,
    "ones": _same,
    "moves": _moved,
    "phases": _phased,
}
