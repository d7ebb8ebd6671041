"""Measurements: what is read off a state, and the state that cotangents of it pull back to."""

from __future__ import annotations

import numpy as np

from hybridge_default.compiling import inlined, owner, part
from hybridge_default.qubit_gates import flipped, pauli_dot, signs
from hybridge_default.qubit_layout import (
    COLUMNS_AT,
    EXPVAL,
    NUM_COLUMNS,
    PROBS,
    STRIDE,
    USED,
    VAR,
    WEIGHTS,
    WORD,
)
from hybridge_default.qubit_simd import (
    add,
    fma,
    fnma,
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
    if code == WORD:
        e = complex(floats[ints[at + 5]], floats[ints[at + 5] + 1])
        dot = pauli_dot(re, im, re, im, ints[at + 1], ints[at + 2], ints[at + 3], ints[at + 4], buf)
        return (e * dot).real
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
    if code == WORD:
        e = g * complex(floats[ints[at + 5]], floats[ints[at + 5] + 1])
        high, low, sign_high = ints[at + 1], ints[at + 2], ints[at + 3]
        lane_signs = signs(ints[at + 4], buf)
        er, ei = mul(splat(re, e.real), lane_signs), mul(splat(re, e.imag), lane_signs)
        for i in range(0, re.shape[0], L):
            s = splat(re, 1.0 - 2.0 * parity(i & sign_high))
            x, y = mul(s, flipped(load(re, i ^ high), low)), mul(s, flipped(load(im, i ^ high), low))
            store(outr, i, fnma(ei, y, fma(er, x, load(outr, i))))
            store(outi, i, fma(ei, x, fma(er, y, load(outi, i))))
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
