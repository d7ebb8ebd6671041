"""The kernels of default.qubit in numba: a whole circuit, for a whole batch, in one call.

qubit_layout.py describes the arrays. Each row of a batch is run from start to end before the next, so that
its state stays in the cache; nothing is parallel, the GIL is released.
"""

from __future__ import annotations

from hybridge_default.compiling import kept, part, sources, unfolded
from hybridge_default.qubit_layout import (
    BLOCK,
    COLUMNS_AT,
    NUM_COLUMNS,
    NUM_GATES,
    NUM_KEPT,
    NUM_OUTER,
    NUM_SWEEPS,
    NUM_TABLE,
    NUM_TRIGS,
    NUM_VALUES,
    SIZE,
    START,
    START_AT,
    SWEEPS_AT,
    USED,
    VAR,
)
from hybridge_default.qubit_measures import clear, measure, pull_measure
from hybridge_default.qubit_simd import aligned
from hybridge_default.qubit_sweeps import backwards, forwards
from hybridge_default.qubit_values import fill, pull_values, trig_room


@part
def start(ints, floats, re, im):
    """The first state, where there are zeros."""
    at = ints[START_AT]
    if at < 0:
        re[ints[START]] = 1.0
    else:
        for i in range(ints[USED]):
            re[i] = floats[at + 2 * i]
            im[i] = floats[at + 2 * i + 1]


@part
def spare(ints):
    """Whether the measurements take another state."""
    found = False
    for c in range(ints[NUM_COLUMNS]):
        found |= ints[ints[ints[COLUMNS_AT] + c]] == VAR
    return found


@unfolded
def cut(block, lengths, k):
    """Part k of a block: parts of such lengths, each beginning with a vector."""
    begin = 0
    for i in range(k):
        begin += (lengths[i] + 15) & -16
    return block[begin : begin + lengths[k]]


def entry_points(digest):
    """The kernels to call; `digest` belongs to what they are kept under."""

    @kept
    def forward(ints, floats, like, params, external, out):
        """params (B, P), external (B, X) -> out (B, columns), zeros before; a state is two entries a number.

        `like`: an array of the precision of the state's real and imaginary parts.
        """
        _ = digest  # only what a function names belongs to its closure
        size, table_size, room = ints[SIZE], ints[NUM_TABLE], trig_room(ints[NUM_TRIGS])
        third = size if spare(ints) else 0
        copied = 2 * ints[BLOCK]
        lengths = (size, size, third, third, 128, table_size, table_size, copied)
        block = aligned(7 * 16 + 2 * (size + third + table_size) + 128 + copied, like)
        re, im, tr, ti = (
            cut(block, lengths, 0),
            cut(block, lengths, 1),
            cut(block, lengths, 2),
            cut(block, lengths, 3),
        )
        buf, table, rows = cut(block, lengths, 4), cut(block, lengths, 5), cut(block, lengths, 6)
        local = cut(block, lengths, 7)
        numbers = aligned(2 * ints[NUM_VALUES] + 2 * room, floats)
        vals, trigs = numbers[2 * room :], numbers[: 2 * room]
        for b in range(params.shape[0]):
            fill(ints, floats, params[b], external[b], vals, trigs)
            clear(re, im)
            start(ints, floats, re, im)
            for s in range(ints[NUM_SWEEPS]):
                sweep = ints[ints[SWEEPS_AT] + s]
                last = 1 << ints[sweep + NUM_OUTER]
                forwards(ints, sweep, 0, last, vals, re, im, local, buf, table, rows)
            measure(ints, floats, re, im, tr, ti, out[b], buf)

    @kept
    def backward(ints, floats, like, params, external, cotangent, pulled, out):
        """cotangent (B, columns) -> pulled (B, P), and the values out (B, columns); both zeros before."""
        _ = digest
        size, table_size, room = ints[SIZE], ints[NUM_TABLE], trig_room(ints[NUM_TRIGS])
        copied, third = 4 * ints[BLOCK], size if spare(ints) else 0
        scratch = (128, 128, table_size, table_size, table_size, copied)
        lengths = (size, size, size, size, third, third, *scratch)
        block = aligned(12 * 16 + 4 * size + 2 * third + 3 * table_size + 256 + copied, like)
        re, im, lr = cut(block, lengths, 0), cut(block, lengths, 1), cut(block, lengths, 2)
        li, tr, ti = cut(block, lengths, 3), cut(block, lengths, 4), cut(block, lengths, 5)
        buf, acc = cut(block, lengths, 6), cut(block, lengths, 7)
        table, rows, sums = cut(block, lengths, 8), cut(block, lengths, 9), cut(block, lengths, 10)
        local = cut(block, lengths, 11)
        count = 2 * ints[NUM_VALUES]
        numbers = aligned(2 * count + 3 * room, floats)
        vals, cot = numbers[3 * room : 3 * room + count], numbers[3 * room + count :]
        trigs, slopes = numbers[: 2 * room], numbers[2 * room : 3 * room]
        for b in range(params.shape[0]):
            fill(ints, floats, params[b], external[b], vals, trigs)
            clear(re, im)
            start(ints, floats, re, im)
            for s in range(ints[NUM_SWEEPS]):
                sweep = ints[ints[SWEEPS_AT] + s]
                last = 1 << ints[sweep + NUM_OUTER]
                forwards(ints, sweep, 0, last, vals, re, im, local, buf, table, rows)
            measure(ints, floats, re, im, tr, ti, out[b], buf)
            pull_measure(ints, floats, cotangent[b], re, im, lr, li, tr, ti, buf)
            for i in range(count):
                cot[i] = 0.0
            for s in range(ints[NUM_SWEEPS] - 1, -1, -1):
                sweep = ints[ints[SWEEPS_AT] + s]
                last = 1 << ints[sweep + NUM_OUTER]
                if ints[sweep + NUM_KEPT] < ints[sweep + NUM_GATES]:
                    scratch = buf, acc, table, rows, sums
                    backwards(ints, sweep, 0, last, vals, cot, lr, li, re, im, local, *scratch)
            pull_values(ints, floats, vals, cot, trigs, slopes, pulled[b])

    return forward, backward


forward, backward = entry_points(sources("qubit"))
