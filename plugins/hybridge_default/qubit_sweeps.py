"""The kernels of a sweep: gates on each block of the state, which is copied where it is not in one run."""

from __future__ import annotations

from hybridge_default.compiling import inlined, part
from hybridge_default.qubit_gates import (
    dense,
    dense_back,
    dense_table,
    ones,
    ones_back,
    pairs,
    pairs_back,
    rotation,
    rotation_back,
)
from hybridge_default.qubit_layout import (
    DENSE,
    IDLE,
    MOVE1,
    NUM_GATES,
    NUM_KEPT,
    NUM_OUTER,
    NUM_RUNS,
    ONE,
    PAULI,
    PER_GATE,
    PERMUTATION,
    PHASES,
    RUN,
    START,
    SWEEP,
)
from hybridge_default.qubit_permutations import permutation
from hybridge_default.qubit_phases import phases, phases_back
from hybridge_default.qubit_simd import lanes, load, parity, store


@inlined
def acts(ints, at, base):
    """Whether the gate of a sweep acts on the block that begins at `base`."""
    return base & ints[at + 1] == ints[at + 2] and parity(base & ints[at + 3]) == ints[at + 4]


@part
def apply(ints, at, count, base, vals, re, im, buf, table, rows):
    """Gates of a sweep on the block that begins at `base`."""
    for g in range(at, at + PER_GATE * count, PER_GATE):
        if not acts(ints, g, base):
            continue
        gate = ints[g]
        code = ints[gate]
        if code <= MOVE1:
            pairs(re, im, ints, gate, vals, buf, False)
        elif code == PERMUTATION:
            permutation(re, im, ints, gate, False, table)
        elif code == PHASES:
            phases(re, im, ints, gate, base, vals, False, table, rows)
        elif code >= ONE:
            ones(re, im, ints, gate, vals, False)
        elif code == PAULI:
            rotation(re, im, ints, gate, vals, buf, False)
        else:
            dense_table(ints, gate, vals, table, False)
            dense(re, im, ints, gate, table, rows)


@part
def unapply(ints, at, count, base, vals, cot, lr, li, pr, pi, buf, acc, table, rows, sums):
    """Undo gates of a sweep on a block of both states; the cotangents of their values are added to `cot`."""
    for g in range(at + PER_GATE * (count - 1), at - 1, -PER_GATE):
        if not acts(ints, g, base):
            continue
        gate = ints[g]
        code = ints[gate]
        if code == DENSE:
            dense_back(lr, li, pr, pi, ints, gate, vals, cot, table, rows, sums)
        elif code == PAULI:
            if ints[gate + 1]:
                rotation_back(lr, li, pr, pi, ints, gate, vals, cot, buf)
            else:
                rotation(pr, pi, ints, gate, vals, buf, True)
                rotation(lr, li, ints, gate, vals, buf, True)
        elif code == PERMUTATION:
            permutation(pr, pi, ints, gate, True, table)
            permutation(lr, li, ints, gate, True, table)
        elif code == PHASES and ints[gate + 1]:
            phases_back(lr, li, pr, pi, ints, gate, base, vals, cot, table, rows, sums)
        elif code == PHASES:
            phases(pr, pi, ints, gate, base, vals, True, table, rows)
            phases(lr, li, ints, gate, base, vals, True, table, rows)
        elif code >= ONE and ints[gate + 1]:
            ones_back(lr, li, pr, pi, ints, gate, vals, cot)
        elif code >= ONE:
            ones(pr, pi, ints, gate, vals, True)
            ones(lr, li, ints, gate, vals, True)
        elif ints[gate + 1]:
            pairs_back(lr, li, pr, pi, ints, gate, vals, cot, buf, acc)
        else:
            pairs(pr, pi, ints, gate, vals, buf, True)
            pairs(lr, li, ints, gate, vals, buf, True)


@inlined
def beginning(block, ints, bits, count):
    """Where the block of a number begins: the number is written in these bits."""
    base = 0
    for i in range(count):
        base |= ((block >> i) & 1) << ints[bits + i]
    return base


@part
def taken(state, base, ints, runs, count, run, block):
    """Copy the runs of a block that begins at `base` into one."""
    for j in range(count):
        source = base + ints[runs + j]
        for k in range(0, run, lanes(state)):
            store(block, j * run + k, load(state, source + k))


@part
def returned(state, base, ints, runs, count, run, block):
    for j in range(count):
        target = base + ints[runs + j]
        for k in range(0, run, lanes(state)):
            store(state, target + k, load(block, j * run + k))


@part
def forwards(ints, sweep, first, last, vals, re, im, block, buf, table, rows):
    """The gates of a sweep on its blocks from `first` to before `last`."""
    outer, runs = sweep + len(SWEEP), sweep + len(SWEEP) + ints[sweep + NUM_OUTER]
    run, count, gates = ints[sweep + RUN], ints[sweep + NUM_RUNS], ints[sweep + NUM_GATES]
    at, size = runs + count, run * count
    for b in range(first, last):
        base = beginning(b, ints, outer, ints[sweep + NUM_OUTER])
        if (base ^ ints[START]) & ints[sweep + IDLE]:
            continue  # it is zero
        if count == 1:
            end = base + size
            apply(ints, at, gates, base, vals, re[base:end], im[base:end], buf, table, rows)
            continue
        br, bi = block[:size], block[size : 2 * size]
        taken(re, base, ints, runs, count, run, br)
        taken(im, base, ints, runs, count, run, bi)
        apply(ints, at, gates, base, vals, br, bi, buf, table, rows)
        returned(re, base, ints, runs, count, run, br)
        returned(im, base, ints, runs, count, run, bi)


@part
def backwards(ints, sweep, first, last, vals, cot, lr, li, pr, pi, block, buf, acc, table, rows, sums):
    """Undo a sweep on its blocks from `first` to before `last`, of both states."""
    outer, runs = sweep + len(SWEEP), sweep + len(SWEEP) + ints[sweep + NUM_OUTER]
    run, count, kept = ints[sweep + RUN], ints[sweep + NUM_RUNS], ints[sweep + NUM_KEPT]
    gates = ints[sweep + NUM_GATES] - kept
    at, size = runs + count + PER_GATE * kept, run * count
    for b in range(first, last):
        base = beginning(b, ints, outer, ints[sweep + NUM_OUTER])
        if (base ^ ints[START]) & ints[sweep + IDLE]:
            continue  # p is zero there from now on, so l does not matter
        if count == 1:
            end = base + size
            ar, ai, cr, ci = lr[base:end], li[base:end], pr[base:end], pi[base:end]
        else:
            ar, ai, cr, ci = (
                block[:size],
                block[size : 2 * size],
                block[2 * size : 3 * size],
                block[3 * size : 4 * size],
            )
            taken(lr, base, ints, runs, count, run, ar)
            taken(li, base, ints, runs, count, run, ai)
            taken(pr, base, ints, runs, count, run, cr)
            taken(pi, base, ints, runs, count, run, ci)
        unapply(ints, at, gates, base, vals, cot, ar, ai, cr, ci, buf, acc, table, rows, sums)
        if count > 1:
            returned(lr, base, ints, runs, count, run, ar)
            returned(li, base, ints, runs, count, run, ai)
            returned(pr, base, ints, runs, count, run, cr)
            returned(pi, base, ints, runs, count, run, ci)
