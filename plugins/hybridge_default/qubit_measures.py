"""Measurements: what is read off a state, and the state that cotangents of it pull back to."""

from __future__ import annotations

import numpy as np

from hybridge_default.compiling import inlined, owner, part
from hybridge_default.qubit_gates import flipped, signs
from hybridge_default.qubit_layout import (
    COLUMNS_AT,
    EXPVAL,
    NUM_COLUMNS,
    PER_WORD,
    PROBS,
    STRIDE,
    TILES,
    USED,
    VAR,
    WEIGHTS,
)
from hybridge_default.qubit_simd import (
    add,
    aligned,
    fma,
    lanes,
    load,
    mul,
    narrowed,
    parity,
    splat,
    store,
    total,
)

# ---- measurements ---------------------------------------------------------------------------------------


@inlined
def paired(ar, ai, cr, ci, begin, first, last, flip, low, u, v):
    """Sums, lane by lane, of the products a_i c_(i ^ flip) of the first and of the second parts."""
    for i in range(first, last, lanes(ar)):
        j = begin + (i ^ flip)
        u = fma(load(ar, begin + i), flipped(load(cr, j), low), u)
        v = fma(load(ai, begin + i), flipped(load(ci, j), low), v)
    return u, v


@part
def mean_word(re, im, cr, ci, begin, size, high, low, sign_high, lane_signs, back):
    """sum over i of s_i (re_i cr_(i ^ flip) + back im_i ci_(i ^ flip)) in a tile.

    A word maps i to i ^ flip as it maps that to i, conjugated: half of the sum counts twice.
    """
    half = size
    if high:
        half = 1
        while 2 * half <= high:
            half *= 2
    run = half
    if sign_high:
        run = min(half, sign_high & -sign_high)  # of these the sign is the same
    zero = splat(re, 0.0)
    a, b = zero, zero
    for block in range(0, size, 2 * half):
        for first in range(block, block + half, run):
            s = splat(re, 1.0 - 2.0 * parity(first & sign_high))
            if low:
                u, v = paired(re, im, cr, ci, begin, first, first + run, high, low, zero, zero)
            else:
                u, v = paired(re, im, cr, ci, begin, first, first + run, high, 0, zero, zero)
            a, b = fma(s, u, a), fma(s, v, b)
    both = fma(splat(re, back), b, a)
    return total(mul(lane_signs, both)) * (2.0 if high else 1.0)


@part
def mean_tile(ints, floats, words, count, factors, base, re, im, begin, size, buf):
    """The words of a group on the tile that begins at `base` of the state and stands at `begin`."""
    found = 0.0
    for k in range(count):
        at = words + PER_WORD * k
        flips, lane_signs = (ints[at], ints[at + 1], ints[at + 2]), signs(ints[at + 3], buf)
        if ints[at + 5]:  # the real part of i conj(x) y
            one = -mean_word(re, im, im, re, begin, size, *flips, lane_signs, -1.0)
        else:
            one = mean_word(re, im, re, im, begin, size, *flips, lane_signs, 1.0)
        found += floats[factors + k] * (1.0 - 2.0 * parity(base & ints[at + 4])) * one
    return found


@inlined
def added(ar, ai, outr, outi, begin, place, first, last, flip, low, c, d):
    """out_i += c a_(i ^ flip) for the first parts, d for the second."""
    for i in range(first, last, lanes(ar)):
        j = begin + (i ^ flip)
        store(outr, place + i, fma(c, flipped(load(ar, j), low), load(outr, place + i)))
        store(outi, place + i, fma(d, flipped(load(ai, j), low), load(outi, place + i)))


@part
def add_word(ar, ai, outr, outi, begin, place, size, high, low, sign_high, lane_signs, g, back):
    """out_i += g s_i a_(i ^ flip) in a tile, for the first parts `back` times it."""
    run = size
    if sign_high:
        run = min(size, sign_high & -sign_high)
    for first in range(0, size, run):
        d = mul(splat(ar, g * (1.0 - 2.0 * parity(first & sign_high))), lane_signs)
        c = mul(splat(ar, back), d)
        if low:
            added(ar, ai, outr, outi, begin, place, first, first + run, high, low, c, d)
        else:
            added(ar, ai, outr, outi, begin, place, first, first + run, high, 0, c, d)


@part
def add_tile(ints, floats, words, count, factors, base, g, re, im, begin, outr, outi, place, size, buf):
    for k in range(count):
        at = words + PER_WORD * k
        flips, lane_signs = (ints[at], ints[at + 1], ints[at + 2]), signs(ints[at + 3], buf)
        e = g * floats[factors + k] * (1.0 - 2.0 * parity(base & ints[at + 4]))
        if ints[at + 5]:
            add_word(im, re, outr, outi, begin, place, size, *flips, lane_signs, e, -1.0)
        else:
            add_word(re, im, outr, outi, begin, place, size, *flips, lane_signs, e, 1.0)


@inlined
def tiles(ints, at):
    """Of a group: bits of a run, rank, number of words, and where factors, pivots, masks and words stand."""
    run, rank, count, factors, pivots = ints[at + 1], ints[at + 2], ints[at + 3], ints[at + 4], at + 5
    return run, rank, count, factors, pivots, pivots + rank, pivots + rank + (1 << rank)


@part
def gather(ints, masks, runs, run, base, x, tile):
    """The runs of a tile of the state, one after the other."""
    for r in range(runs):
        begin, place = base ^ ints[masks + r], r * run
        for i in range(0, run, lanes(x)):
            store(tile, place + i, load(x, begin + i))


@part
def scatter_add(ints, masks, runs, run, base, tile, x):
    """The state plus the tile, which is zero then."""
    for r in range(runs):
        begin, place = base ^ ints[masks + r], r * run
        for i in range(0, run, lanes(x)):
            store(x, begin + i, add(load(x, begin + i), load(tile, place + i)))
            store(tile, place + i, splat(x, 0.0))


@part
def mean_tiles(ints, floats, at, re, im, buf):
    """<x|O|x> for a group of words."""
    run, rank, count, factors, _, _, words = tiles(ints, at)
    if rank:
        return mean_gathered(ints, floats, at, re, im, buf)
    found, size = 0.0, 1 << run
    for base in range(0, re.shape[0], size):
        found += mean_tile(ints, floats, words, count, factors, base, re, im, base, size, buf)
    return found


@owner
def mean_gathered(ints, floats, at, re, im, buf):
    run, rank, count, factors, pivots, masks, words = tiles(ints, at)
    size, length = 1 << (run + rank), 1 << run
    both = aligned(2 * size, re)
    x, y = both[:size], both[size:]
    found = 0.0
    for t in range(0, re.shape[0] >> rank, length):
        base = spread(t, ints, pivots, rank)
        gather(ints, masks, 1 << rank, length, base, re, x)
        gather(ints, masks, 1 << rank, length, base, im, y)
        found += mean_tile(ints, floats, words, count, factors, base, x, y, 0, size, buf)
    return found


@part
def add_tiles(ints, floats, at, g, re, im, outr, outi, buf):
    """out += g O x for a group of words."""
    run, rank, count, factors, _, _, words = tiles(ints, at)
    size = 1 << run
    if rank:
        add_gathered(ints, floats, at, g, re, im, outr, outi, buf)
        return
    for base in range(0, re.shape[0], size):
        add_tile(ints, floats, words, count, factors, base, g, re, im, base, outr, outi, base, size, buf)


@owner
def add_gathered(ints, floats, at, g, re, im, outr, outi, buf):
    run, rank, count, factors, pivots, masks, words = tiles(ints, at)
    size, length, runs = 1 << (run + rank), 1 << run, 1 << rank
    block = aligned(4 * size, re)
    x, y, u, v = block[:size], block[size : 2 * size], block[2 * size : 3 * size], block[3 * size :]
    clear(u, v)
    for t in range(0, re.shape[0] >> rank, length):
        base = spread(t, ints, pivots, rank)
        gather(ints, masks, runs, length, base, re, x)
        gather(ints, masks, runs, length, base, im, y)
        add_tile(ints, floats, words, count, factors, base, g, x, y, 0, u, v, 0, size, buf)
        scatter_add(ints, masks, runs, length, base, u, outr)
        scatter_add(ints, masks, runs, length, base, v, outi)


@part
def mean_term(ints, floats, at, re, im, buf):
    """<x|O|x> for one term of an observable."""
    L = lanes(re)
    code = ints[at]
    if code == WEIGHTS:
        w = ints[at + 1]
        a = splat(re, 0.0)
        for i in range(0, re.shape[0], L):
            x, y = load(re, i), load(im, i)
            a = fma(fma(x, x, mul(y, y)), narrowed(re, floats, w + i), a)
        return total(a)
    if code == TILES:
        return mean_tiles(ints, floats, at, re, im, buf)
    wires, offsets = ints[at + 1], ints[at + 2]
    heads, columns, entries = ints[at + 3], ints[at + 4], ints[at + 5]
    bits = at + 6
    found = 0.0
    for rest in range(ints[USED] >> wires):
        base = spread(rest, ints, bits, wires)
        for a in range(1 << wires):
            i = base + ints[offsets + a]
            u, v = 0.0, 0.0
            for k in range(ints[heads + a], ints[heads + a + 1]):
                j = base + ints[offsets + ints[columns + k]]
                p, q = floats[entries + 2 * k], floats[entries + 2 * k + 1]
                u += p * re[j] - q * im[j]
                v += p * im[j] + q * re[j]
            found += re[i] * u + im[i] * v
    return found


@inlined
def spread(index, ints, bits, count):
    """The index with a zero put in at each of the bits, ascending."""
    for q in range(bits, bits + count):
        p = ints[q]
        index = ((index >> p) << (p + 1)) | (index & ((1 << p) - 1))
    return index


@part
def add_term(ints, floats, at, g, re, im, outr, outi, buf):
    """out += g O x for one term of an observable."""
    L = lanes(re)
    code = ints[at]
    if code == WEIGHTS:
        w = ints[at + 1]
        h = splat(re, g)
        for i in range(0, re.shape[0], L):
            c = mul(h, narrowed(re, floats, w + i))
            store(outr, i, fma(c, load(re, i), load(outr, i)))
            store(outi, i, fma(c, load(im, i), load(outi, i)))
        return
    if code == TILES:
        add_tiles(ints, floats, at, g, re, im, outr, outi, buf)
        return
    wires, offsets = ints[at + 1], ints[at + 2]
    heads, columns, entries = ints[at + 3], ints[at + 4], ints[at + 5]
    bits = at + 6
    for rest in range(ints[USED] >> wires):
        base = spread(rest, ints, bits, wires)
        for a in range(1 << wires):
            i = base + ints[offsets + a]
            u, v = 0.0, 0.0
            for k in range(ints[heads + a], ints[heads + a + 1]):
                j = base + ints[offsets + ints[columns + k]]
                p, q = floats[entries + 2 * k], floats[entries + 2 * k + 1]
                u += p * re[j] - q * im[j]
                v += p * im[j] + q * re[j]
            outr[i] += g * u
            outi[i] += g * v


@part
def clear(re, im):
    L = lanes(re)
    for i in range(0, re.shape[0], L):
        store(re, i, splat(re, 0.0))
        store(im, i, splat(re, 0.0))


@part
def observed(ints, floats, at, re, im, outr, outi, buf):
    """out = O x for the observable of a column."""
    clear(outr, outi)
    for k in range(ints[at + 2]):
        add_term(ints, floats, ints[at + 3 + k], 1.0, re, im, outr, outi, buf)


@part
def overlap(xr, xi, yr, yi):
    """The real part of <x|y>."""
    L = lanes(xr)
    a = splat(xr, 0.0)
    b = a
    for i in range(0, xr.shape[0], L):
        a = fma(load(xr, i), load(yr, i), a)
        b = fma(load(xi, i), load(yi, i), b)
    return total(add(a, b))


@part
def shifted(xr, xi, g, yr, yi):
    """x += g y"""
    L = lanes(xr)
    h = splat(xr, g)
    for i in range(0, xr.shape[0], L):
        store(xr, i, fma(h, load(yr, i), load(xr, i)))
        store(xi, i, fma(h, load(yi, i), load(xi, i)))


@inlined
def outcome(index, ints, bits, count):
    """The number that the bits of an index write, the first most significant."""
    number = 0
    for q in range(bits, bits + count):
        number = 2 * number + ((index >> ints[q]) & 1)
    return number


@owner
def halves(ints, bits, count):
    """Outcomes of indices by halves: that of i is low[i & (len(low) - 1)] + high[i // len(low)]."""
    size = 1
    while size * size < ints[USED]:
        size *= 2
    low, high = np.empty(size, np.int64), np.empty(ints[USED] // size, np.int64)
    for i in range(size):
        low[i] = outcome(i, ints, bits, count)
    for i in range(high.shape[0]):
        high[i] = outcome(i * size, ints, bits, count)
    return low, high


@owner
def probabilities(ints, column, re, im, out, place, stride):
    low, high = halves(ints, column + 3, ints[column + 2])
    for h in range(high.shape[0]):
        base = h * low.shape[0]
        for k in range(low.shape[0]):
            x, y = re[base + k], im[base + k]
            out[place + stride * (high[h] + low[k])] += x * x + y * y


@owner
def pull_probabilities(ints, column, cot, place, re, im, lr, li):
    low, high = halves(ints, column + 3, ints[column + 2])
    for h in range(high.shape[0]):
        base = h * low.shape[0]
        for k in range(low.shape[0]):
            g = cot[place + high[h] + low[k]]
            lr[base + k] += g * re[base + k]
            li[base + k] += g * im[base + k]


@part
def measure(ints, floats, re, im, tr, ti, out, buf):
    """Every column of one row of the batch; the state's go where complex numbers are expected."""
    at, stride = ints[COLUMNS_AT], ints[STRIDE]
    for c in range(ints[NUM_COLUMNS]):
        column = ints[at + c]
        code, place = ints[column], ints[column + 1] * stride
        if code == EXPVAL:
            found = 0.0
            for k in range(ints[column + 2]):
                found += mean_term(ints, floats, ints[column + 3 + k], re, im, buf)
            out[place] = found
        elif code == VAR:
            observed(ints, floats, column, re, im, tr, ti, buf)
            # no cancellation: the norm of (O - <O>)|psi>
            shifted(tr, ti, -overlap(re, im, tr, ti), re, im)
            out[place] = overlap(tr, ti, tr, ti)
        elif code == PROBS:
            probabilities(ints, column, re, im, out, place, stride)
        else:
            for i in range(ints[USED]):
                out[place + 2 * i] = re[i]
                out[place + 2 * i + 1] = im[i]


@part
def pull_measure(ints, floats, cot, re, im, lr, li, tr, ti, buf):
    """l: half the derivative of sum(cot * columns) by conj(x), for one row of the batch."""
    clear(lr, li)
    at = ints[COLUMNS_AT]
    for c in range(ints[NUM_COLUMNS]):
        column = ints[at + c]
        code, place = ints[column], ints[column + 1]
        if code == EXPVAL:
            if cot[place] != 0.0:
                for k in range(ints[column + 2]):
                    add_term(ints, floats, ints[column + 3 + k], cot[place], re, im, lr, li, buf)
        elif code == VAR:
            observed(ints, floats, column, re, im, tr, ti, buf)
            shifted(tr, ti, -2.0 * overlap(re, im, tr, ti), re, im)
            for k in range(ints[column + 2]):
                add_term(ints, floats, ints[column + 3 + k], cot[place], tr, ti, lr, li, buf)
        elif code == PROBS:
            pull_probabilities(ints, column, cot, place, re, im, lr, li)
