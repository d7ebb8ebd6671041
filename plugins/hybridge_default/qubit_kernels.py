"""The kernels of default.qubit in numba: a whole circuit, for a whole batch, in one call.

qubit_layout.py describes the arrays. Each row of a batch is run from start to end before the next, so that
its state stays in the cache; nothing is parallel, the GIL is released. numba keeps what it compiled by the
date of this file alone: touch it after a change of qubit_simd.py or qubit_layout.py.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridge_default.qubit_layout import (
    COLUMNS_AT,
    CONSTANTS_AT,
    DENSE,
    DIAGONAL,
    EXPVAL,
    EXTERNAL_AT,
    FIRST_GRAD,
    GATES_AT,
    MOVE1,
    MOVE2,
    NUM_COLUMNS,
    NUM_EXTERNAL,
    NUM_GATES,
    NUM_PRODUCTS,
    NUM_TABLE,
    NUM_TERMS,
    NUM_TRIGS,
    NUM_VALUES,
    PAIR1,
    PAIR2,
    PAULI,
    PROBS,
    PRODUCTS_AT,
    REAL1,
    REAL2,
    SIZE,
    START,
    START_AT,
    STRIDE,
    TERMS_AT,
    TERMS_FLOATS_AT,
    TRIGS_AT,
    TRIGS_FLOATS_AT,
    USED,
    VAR,
    WEIGHTS,
    WORD,
)
from hybridge_default.qubit_simd import (
    add,
    flip1,
    flip2,
    flip4,
    fma,
    fnma,
    load,
    mul,
    parity,
    splat,
    store,
    total,
)

_OPTIONS = {"nogil": True, "boundscheck": False, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def compiled(function):
    """The function compiled at its first call, and kept on disk where some cache directory is writable."""
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # a read-only installation, and no home to write in
        return njit(**_OPTIONS)(function)


part = njit(**_OPTIONS)
inlined = njit(inline="always", **_OPTIONS)


@inlined
def flipped(x, low):
    """The lanes of x exchanged: lane l comes from lane l ^ low."""
    if low & 1:
        x = flip1(x)
    if low & 2:
        x = flip2(x)
    if low & 4:
        x = flip4(x)
    return x


@inlined
def opened(index, ints, bits, count):
    """The index with a zero put in at each of the bits but the first, ascending."""
    for q in range(bits + 1, bits + count):
        p = ints[q]
        index = ((index >> p) << (p + 1)) | (index & ((1 << p) - 1))
    return index


# ---- values ---------------------------------------------------------------------------------------------


@part
def fill(ints, floats, row, external, vals, trigs):
    """The values of one row of parameters: constants, terms in cosines and sines, products of 2 x 2."""
    at = ints[CONSTANTS_AT]
    for i in range(2 * ints[NUM_VALUES]):
        vals[i] = floats[at + i]
    at = ints[EXTERNAL_AT]
    for i in range(ints[NUM_EXTERNAL]):
        vals[2 * ints[at + i]] = external[2 * i]
        vals[2 * ints[at + i] + 1] = external[2 * i + 1]
    at, fat = ints[TRIGS_AT], ints[TRIGS_FLOATS_AT]
    for t in range(ints[NUM_TRIGS]):
        angle = floats[fat + 2 * t] * row[ints[at + t]] + floats[fat + 2 * t + 1]
        trigs[2 * t] = np.cos(angle)
        trigs[2 * t + 1] = np.sin(angle)
    at, fat = ints[TERMS_AT], ints[TERMS_FLOATS_AT]
    for k in range(ints[NUM_TERMS]):
        t = ints[at + 2 * k + 1]
        vals[ints[at + 2 * k]] += (
            floats[fat + 2 * k] * trigs[2 * t] + floats[fat + 2 * k + 1] * trigs[2 * t + 1]
        )
    at = ints[PRODUCTS_AT]
    for _ in range(ints[NUM_PRODUCTS]):
        out, count = ints[at], ints[at + 1]
        a, b, c, d = matrix(vals, ints, at + 2)
        for k in range(1, count):
            p, q, r, s = matrix(vals, ints, at + 2 + 4 * k)
            a, b, c, d = p * a + q * c, p * b + q * d, r * a + s * c, r * b + s * d
        keep(vals, out, a, b, c, d)
        at += 2 + 4 * count


@inlined
def value(vals, i):
    return complex(vals[2 * i], vals[2 * i + 1])


@inlined
def matrix(vals, ints, at):
    return (
        value(vals, ints[at]),
        value(vals, ints[at + 1]),
        value(vals, ints[at + 2]),
        value(vals, ints[at + 3]),
    )


@inlined
def increase(vals, i, number):
    vals[2 * i] += number.real
    vals[2 * i + 1] += number.imag


@inlined
def keep(vals, i, a, b, c, d):
    vals[2 * i], vals[2 * i + 1], vals[2 * i + 2], vals[2 * i + 3] = a.real, a.imag, b.real, b.imag
    vals[2 * i + 4], vals[2 * i + 5], vals[2 * i + 6], vals[2 * i + 7] = c.real, c.imag, d.real, d.imag


@part
def pull_values(ints, floats, vals, cot, trigs, pulled):
    """The cotangents of the values, which this changes, become those of the parameters, added to `pulled`."""
    at = ints[PRODUCTS_AT]
    for _ in range(ints[NUM_PRODUCTS]):  # no product is a factor of another
        out, count = ints[at], ints[at + 1]
        a, b, c, d = value(vals, out), value(vals, out + 1), value(vals, out + 2), value(vals, out + 3)
        w, x, y, z = value(cot, out), value(cot, out + 1), value(cot, out + 2), value(cot, out + 3)
        for k in range(count - 1, -1, -1):
            i = at + 2 + 4 * k
            p, q, r, s = matrix(vals, ints, i)
            p, q, r, s = p.conjugate(), r.conjugate(), q.conjugate(), s.conjugate()  # its adjoint
            a, b, c, d = p * a + q * c, p * b + q * d, r * a + s * c, r * b + s * d  # without this factor
            e, f, g, h = a.conjugate(), c.conjugate(), b.conjugate(), d.conjugate()
            increase(cot, ints[i], w * e + x * g)
            increase(cot, ints[i + 1], w * f + x * h)
            increase(cot, ints[i + 2], y * e + z * g)
            increase(cot, ints[i + 3], y * f + z * h)
            w, x, y, z = p * w + q * y, p * x + q * z, r * w + s * y, r * x + s * z
        at += 2 + 4 * count
    at, fat = ints[TERMS_AT], ints[TERMS_FLOATS_AT]
    tat, tfat = ints[TRIGS_AT], ints[TRIGS_FLOATS_AT]
    for k in range(ints[NUM_TERMS]):
        t = ints[at + 2 * k + 1]
        slope = floats[fat + 2 * k + 1] * trigs[2 * t] - floats[fat + 2 * k] * trigs[2 * t + 1]
        pulled[ints[tat + t]] += cot[ints[at + 2 * k]] * slope * floats[tfat + 2 * t]


# ---- gates of pairs -------------------------------------------------------------------------------------


@part
def gather(vals, ints, at, count, lanes, buf):
    """Values as vectors: number v has its real parts at buf[16 v], its imaginary parts at buf[16 v + 8]."""
    for v in range(count):
        for lane in range(8):
            i = 2 * ints[at + v * lanes + (lane if lanes == 8 else 0)]
            buf[16 * v + lane] = vals[i]
            buf[16 * v + 8 + lane] = vals[i + 1]


@part
def adjoint(buf, count, low):
    """Turn gathered values into those of the inverse gate."""
    for v in range(count):
        for lane in range(8, 16):
            buf[16 * v + lane] = -buf[16 * v + lane]
    i, j = 16, 48 if count == 4 else 16
    if count > 1:
        for half in (0, 8):
            for lane in range(8):
                other = lane ^ low
                if i != j or lane < other:
                    a, b = i + half + lane, j + half + other
                    buf[a], buf[b] = buf[b], buf[a]


@part
def pair2(re, im, ints, bits, count, oi, oj, low, buf):
    ar, ai, br, bi = load(buf, 0), load(buf, 8), load(buf, 16), load(buf, 24)
    cr, ci, dr, di = load(buf, 32), load(buf, 40), load(buf, 48), load(buf, 56)
    first = ints[bits]
    run = 1 << first
    for o in range(re.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        if low == 0:
            for k in range(0, run, 8):
                i, j = base + oi + k, base + oj + k
                x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
                store(re, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
                store(im, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))
                store(re, j, fnma(di, y, fma(dr, x, fnma(ci, v, mul(cr, u)))))
                store(im, j, fma(di, x, fma(dr, y, fma(ci, u, mul(cr, v)))))
        else:
            for k in range(0, run, 8):
                i, j = base + oi + k, base + oj + k
                x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
                p, q, s, t = flipped(x, low), flipped(y, low), flipped(u, low), flipped(v, low)
                store(re, i, fnma(bi, t, fma(br, s, fnma(ai, y, mul(ar, x)))))
                store(im, i, fma(bi, s, fma(br, t, fma(ai, x, mul(ar, y)))))
                store(re, j, fnma(di, q, fma(dr, p, fnma(ci, v, mul(cr, u)))))
                store(im, j, fma(di, p, fma(dr, q, fma(ci, u, mul(cr, v)))))


@part
def pair2_back(lr, li, pr, pi, ints, bits, count, oi, oj, low, buf, acc):
    """Sums of conj(l_i) p_i, conj(l_i) p_j, conj(l_j) p_j, conj(l_j) p_i by lanes; then the gate on both."""
    ar, ai, br, bi = load(buf, 0), load(buf, 8), load(buf, 16), load(buf, 24)
    cr, ci, dr, di = load(buf, 32), load(buf, 40), load(buf, 48), load(buf, 56)
    sar = splat(0.0)
    sai, sbr, sbi, scr, sci, sdr, sdi = sar, sar, sar, sar, sar, sar, sar
    first = ints[bits]
    run = 1 << first
    for o in range(lr.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        for k in range(0, run, 8):
            i, j = base + oi + k, base + oj + k
            x, y, u, v = load(lr, i), load(li, i), load(lr, j), load(li, j)
            m, n, s, t = load(pr, i), load(pi, i), load(pr, j), load(pi, j)
            sar, sai = fma(y, n, fma(x, m, sar)), fnma(y, m, fma(x, n, sai))
            scr, sci = fma(v, t, fma(u, s, scr)), fnma(v, s, fma(u, t, sci))
            mf, nf, sf, tf = flipped(m, low), flipped(n, low), flipped(s, low), flipped(t, low)
            sbr, sbi = fma(y, tf, fma(x, sf, sbr)), fnma(y, sf, fma(x, tf, sbi))
            sdr, sdi = fma(v, nf, fma(u, mf, sdr)), fnma(v, mf, fma(u, nf, sdi))
            store(pr, i, fnma(bi, tf, fma(br, sf, fnma(ai, n, mul(ar, m)))))
            store(pi, i, fma(bi, sf, fma(br, tf, fma(ai, m, mul(ar, n)))))
            store(pr, j, fnma(di, nf, fma(dr, mf, fnma(ci, t, mul(cr, s)))))
            store(pi, j, fma(di, mf, fma(dr, nf, fma(ci, s, mul(cr, t)))))
            xf, yf, uf, vf = flipped(x, low), flipped(y, low), flipped(u, low), flipped(v, low)
            store(lr, i, fnma(bi, vf, fma(br, uf, fnma(ai, y, mul(ar, x)))))
            store(li, i, fma(bi, uf, fma(br, vf, fma(ai, x, mul(ar, y)))))
            store(lr, j, fnma(di, yf, fma(dr, xf, fnma(ci, v, mul(cr, u)))))
            store(li, j, fma(di, xf, fma(dr, yf, fma(ci, u, mul(cr, v)))))
    store(acc, 0, sar)
    store(acc, 8, sai)
    store(acc, 16, sbr)
    store(acc, 24, sbi)
    store(acc, 32, scr)
    store(acc, 40, sci)
    store(acc, 48, sdr)
    store(acc, 56, sdi)


@inlined
def spans(size, ints, bits, count):
    """How many runs of consecutive entries there are, and how long: the state where there is no bit."""
    if count == 0:
        return 1, size
    return size >> (ints[bits] + count), 1 << ints[bits]


@part
def pair1(re, im, ints, bits, count, oi, low, buf):
    ar, ai, br, bi = load(buf, 0), load(buf, 8), load(buf, 16), load(buf, 24)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, 8):
            x, y = load(re, i), load(im, i)
            u, v = flipped(x, low), flipped(y, low)
            store(re, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
            store(im, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))


@part
def pair1_back(lr, li, pr, pi, ints, bits, count, oi, low, buf, acc):
    ar, ai, br, bi = load(buf, 0), load(buf, 8), load(buf, 16), load(buf, 24)
    sar = splat(0.0)
    sai, sbr, sbi = sar, sar, sar
    outer, run = spans(lr.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, 8):
            x, y, m, n = load(lr, i), load(li, i), load(pr, i), load(pi, i)
            sar, sai = fma(y, n, fma(x, m, sar)), fnma(y, m, fma(x, n, sai))
            u, v, s, t = flipped(x, low), flipped(y, low), flipped(m, low), flipped(n, low)
            sbr, sbi = fma(y, t, fma(x, s, sbr)), fnma(y, s, fma(x, t, sbi))
            store(pr, i, fnma(bi, t, fma(br, s, fnma(ai, n, mul(ar, m)))))
            store(pi, i, fma(bi, s, fma(br, t, fma(ai, m, mul(ar, n)))))
            store(lr, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
            store(li, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))
    store(acc, 0, sar)
    store(acc, 8, sai)
    store(acc, 16, sbr)
    store(acc, 24, sbi)


@part
def real2(re, ints, bits, count, oi, oj, low, buf):
    """pair2 for real values, on the real or on the imaginary parts."""
    a, b, c, d = load(buf, 0), load(buf, 16), load(buf, 32), load(buf, 48)
    first = ints[bits]
    run = 1 << first
    for o in range(re.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        for k in range(0, run, 8):
            i, j = base + oi + k, base + oj + k
            x, u = load(re, i), load(re, j)
            store(re, i, fma(b, flipped(u, low), mul(a, x)))
            store(re, j, fma(d, flipped(x, low), mul(c, u)))


@part
def real1(re, ints, bits, count, oi, low, buf):
    a, b = load(buf, 0), load(buf, 16)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, 8):
            x = load(re, i)
            store(re, i, fma(b, flipped(x, low), mul(a, x)))


@part
def move2(re, ints, bits, count, oi, oj, low):
    """Entries change places: the two blocks, and in them the lanes."""
    first = ints[bits]
    run = 1 << first
    for o in range(re.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        for k in range(0, run, 8):
            i, j = base + oi + k, base + oj + k
            x, u = load(re, i), load(re, j)
            store(re, i, flipped(u, low))
            store(re, j, flipped(x, low))


@part
def move1(re, ints, bits, count, oi, low):
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, 8):
            store(re, i, flipped(load(re, i), low))


@part
def diagonal(re, im, ints, bits, count, oi, buf):
    ar, ai = load(buf, 0), load(buf, 8)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, 8):
            x, y = load(re, i), load(im, i)
            store(re, i, fnma(ai, y, mul(ar, x)))
            store(im, i, fma(ai, x, mul(ar, y)))


@part
def diagonal_back(lr, li, pr, pi, ints, bits, count, oi, buf, acc):
    ar, ai = load(buf, 0), load(buf, 8)
    sr = splat(0.0)
    si = sr
    outer, run = spans(lr.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, 8):
            x, y, m, n = load(lr, i), load(li, i), load(pr, i), load(pi, i)
            sr, si = fma(y, n, fma(x, m, sr)), fnma(y, m, fma(x, n, si))
            store(pr, i, fnma(ai, n, mul(ar, m)))
            store(pi, i, fma(ai, m, mul(ar, n)))
            store(lr, i, fnma(ai, y, mul(ar, x)))
            store(li, i, fma(ai, x, mul(ar, y)))
    store(acc, 0, sr)
    store(acc, 8, si)


@inlined
def row_length(code):
    """How many values a pair has."""
    if code == PAIR2 or code == REAL2:
        return 4
    if code == PAIR1 or code == REAL1:
        return 2
    return 1 if code == DIAGONAL else 0


@part
def pairs(re, im, ints, at, vals, buf, inverse):
    code, low, lanes, count, number = ints[at], ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5]
    bits = at + 6
    width = row_length(code)
    pair = bits + count
    for _ in range(number):
        i, j = ints[pair], ints[pair + 1]
        if width:
            gather(vals, ints, pair + 2, width, lanes, buf)
            if inverse:
                adjoint(buf, width, low)
        if code == PAIR2:
            pair2(re, im, ints, bits, count, i, j, low, buf)
        elif code == PAIR1:
            pair1(re, im, ints, bits, count, i, low, buf)
        elif code == DIAGONAL:
            diagonal(re, im, ints, bits, count, i, buf)
        elif code == REAL2:
            real2(re, ints, bits, count, i, j, low, buf)
            real2(im, ints, bits, count, i, j, low, buf)
        elif code == REAL1:
            real1(re, ints, bits, count, i, low, buf)
            real1(im, ints, bits, count, i, low, buf)
        elif code == MOVE2:
            move2(re, ints, bits, count, i, j, low)
            move2(im, ints, bits, count, i, j, low)
        else:
            move1(re, ints, bits, count, i, low)
            move1(im, ints, bits, count, i, low)
        pair += 2 + width * lanes


@part
def pairs_back(lr, li, pr, pi, ints, at, vals, cot, buf, acc):
    """Un-apply the gate on both states, l and p; the cotangents of its values are added to `cot`."""
    code, low, lanes, count, number = ints[at], ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5]
    bits = at + 6
    width = row_length(code)
    pair = bits + count
    for _ in range(number):
        i, j = ints[pair], ints[pair + 1]
        gather(vals, ints, pair + 2, width, lanes, buf)
        adjoint(buf, width, low)
        if width == 4:
            pair2_back(lr, li, pr, pi, ints, bits, count, i, j, low, buf, acc)
        elif width == 2:
            pair1_back(lr, li, pr, pi, ints, bits, count, i, low, buf, acc)
        else:
            diagonal_back(lr, li, pr, pi, ints, bits, count, i, buf, acc)
        scatter(ints, pair + 2, width, lanes, low, buf, acc, cot)
        pair += 2 + width * lanes


@part
def scatter(ints, at, width, lanes, low, buf, acc, cot):
    """Sums over the states after the gate become cotangents: 2 conj(sums of conj(l) times p before it)."""
    for side in range(2 if width == 4 else 1):
        own, other = 32 * side, 32 * (1 - side) if width == 4 else 0
        for lane in range(8):
            d = complex(acc[own + lane], acc[own + 8 + lane])
            place = 2 * ints[at + 2 * side * lanes + (lane if lanes == 8 else 0)]
            first = complex(buf[own + lane], buf[own + 8 + lane]) * d
            if width > 1:
                k = lane ^ low
                e = complex(acc[own + 16 + lane], acc[own + 24 + lane])
                first += complex(buf[own + 16 + lane], buf[own + 24 + lane]) * e
                second = complex(buf[other + k], buf[other + 8 + k]) * e
                second += complex(buf[other + 16 + k], buf[other + 24 + k]) * d
                there = 2 * ints[at + (2 * side + 1) * lanes + (lane if lanes == 8 else 0)]
                cot[there] += 2 * second.real
                cot[there + 1] -= 2 * second.imag
            cot[place] += 2 * first.real
            cot[place + 1] -= 2 * first.imag


# ---- Pauli rotations of any weight, Pauli words ---------------------------------------------------------


@part
def signs(low, buf):
    """The vector of the signs of the parities of lane & low."""
    for lane in range(8):
        buf[lane] = 1.0 - 2.0 * parity(lane & low)
    return load(buf, 0)


@part
def pauli(re, im, high, low, sign_high, sign_low, d, e, buf):
    """out_i = d x_i + e s_i x_(i ^ flip)"""
    lane_signs = signs(sign_low, buf)
    dr, di = splat(d.real), splat(d.imag)
    er, ei = mul(splat(e.real), lane_signs), mul(splat(e.imag), lane_signs)
    if high == 0:
        for i in range(0, re.shape[0], 8):
            s = splat(1.0 - 2.0 * parity(i & sign_high))
            x, y = load(re, i), load(im, i)
            u, v = mul(s, flipped(x, low)), mul(s, flipped(y, low))
            store(re, i, fnma(ei, v, fma(er, u, fnma(di, y, mul(dr, x)))))
            store(im, i, fma(ei, u, fma(er, v, fma(di, x, mul(dr, y)))))
        return
    top = 8
    while 2 * top <= high:
        top *= 2
    turn = 1.0 - 2.0 * parity(high & sign_high)
    for block in range(0, re.shape[0], 2 * top):
        for i in range(block, block + top, 8):
            j = i ^ high
            sign = 1.0 - 2.0 * parity(i & sign_high)
            s, t = splat(sign), splat(sign * turn)
            x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
            p, q = mul(s, flipped(u, low)), mul(s, flipped(v, low))
            store(re, i, fnma(ei, q, fma(er, p, fnma(di, y, mul(dr, x)))))
            store(im, i, fma(ei, p, fma(er, q, fma(di, x, mul(dr, y)))))
            p, q = mul(t, flipped(x, low)), mul(t, flipped(y, low))
            store(re, j, fnma(ei, q, fma(er, p, fnma(di, v, mul(dr, u)))))
            store(im, j, fma(ei, p, fma(er, q, fma(di, u, mul(dr, v)))))


@part
def pauli_dot(lr, li, pr, pi, high, low, sign_high, sign_low, buf):
    """sum over i of conj(l_i) s_i p_(i ^ flip)"""
    lane_signs = signs(sign_low, buf)
    ar = splat(0.0)
    ai = ar
    for i in range(0, lr.shape[0], 8):
        j = i ^ high
        s = splat(1.0 - 2.0 * parity(i & sign_high))
        x, y = mul(s, load(lr, i)), mul(s, load(li, i))
        m, n = flipped(load(pr, j), low), flipped(load(pi, j), low)
        ar, ai = fma(y, n, fma(x, m, ar)), fnma(y, m, fma(x, n, ai))
    return complex(total(mul(lane_signs, ar)), total(mul(lane_signs, ai)))


@part
def rotation(re, im, ints, at, vals, buf, inverse):
    d, e = value(vals, ints[at + 6]), value(vals, ints[at + 7])
    if inverse:
        d, e = d.conjugate(), e.conjugate() * (1 - 2 * ints[at + 8])
    pauli(re, im, ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5], d, e, buf)


@part
def rotation_back(lr, li, pr, pi, ints, at, vals, cot, buf):
    rotation(pr, pi, ints, at, vals, buf, True)
    i, j = 2 * ints[at + 6], 2 * ints[at + 7]
    d = pauli_dot(lr, li, pr, pi, 0, 0, 0, 0, buf)
    e = pauli_dot(lr, li, pr, pi, ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5], buf)
    cot[i] += 2 * d.real
    cot[i + 1] -= 2 * d.imag
    cot[j] += 2 * e.real
    cot[j + 1] -= 2 * e.imag
    rotation(lr, li, ints, at, vals, buf, True)


# ---- any matrix -----------------------------------------------------------------------------------------


@inlined
def dense_parts(ints, at):
    """Bits, their number, the number of blocks, of flips, and where offsets, flips and values stand."""
    lanes, count, flips = ints[at + 2], ints[at + 3], ints[at + 4]
    bits = at + 5
    blocks = 1 << count
    return (
        lanes,
        bits,
        count,
        blocks,
        flips,
        bits + count,
        bits + count + blocks,
        bits + count + blocks + 2 * flips,
    )


@part
def dense_table(ints, at, vals, table, inverse):
    """The coefficient of each flip for each block: vectors, real and imaginary."""
    lanes, _, _, blocks, flips, _, flips_at, values_at = dense_parts(ints, at)
    for f in range(flips):
        cross, low = ints[flips_at + 2 * f], ints[flips_at + 2 * f + 1]
        for b in range(blocks):
            place = 16 * (f * blocks + b)
            for lane in range(8):
                source, sign = (b, 1.0) if not inverse else (b ^ cross, -1.0)
                k = lane ^ low if inverse else lane
                i = 2 * ints[values_at + (f * blocks + source) * lanes + (k if lanes == 8 else 0)]
                table[place + lane] = vals[i]
                table[place + 8 + lane] = sign * vals[i + 1]


@part
def dense(re, im, ints, at, table, rows):
    _, bits, count, blocks, flips, offsets, flips_at, _ = dense_parts(ints, at)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = opened(o * 2 * run, ints, bits, count) if count else 0
        for k in range(base, base + run, 8):
            for b in range(blocks):
                store(rows, 16 * b, load(re, k + ints[offsets + b]))
                store(rows, 16 * b + 8, load(im, k + ints[offsets + b]))
            for b in range(blocks):
                ar = splat(0.0)
                ai = ar
                for f in range(flips):
                    low = ints[flips_at + 2 * f + 1]
                    source = 16 * (b ^ ints[flips_at + 2 * f])
                    x, y = flipped(load(rows, source), low), flipped(load(rows, source + 8), low)
                    place = 16 * (f * blocks + b)
                    cr, ci = load(table, place), load(table, place + 8)
                    ar, ai = fnma(ci, y, fma(cr, x, ar)), fma(ci, x, fma(cr, y, ai))
                store(re, k + ints[offsets + b], ar)
                store(im, k + ints[offsets + b], ai)


@part
def dense_back(lr, li, pr, pi, ints, at, vals, cot, table, rows, acc):
    dense_table(ints, at, vals, table, True)
    dense(pr, pi, ints, at, table, rows)
    if ints[at + 1]:
        lanes, bits, count, blocks, flips, offsets, flips_at, values_at = dense_parts(ints, at)
        for i in range(16 * flips * blocks):
            acc[i] = 0.0
        outer, run = spans(lr.shape[0], ints, bits, count)
        for o in range(outer):
            base = opened(o * 2 * run, ints, bits, count) if count else 0
            for k in range(base, base + run, 8):
                for f in range(flips):
                    low = ints[flips_at + 2 * f + 1]
                    for b in range(blocks):
                        i, j = k + ints[offsets + b], k + ints[offsets + (b ^ ints[flips_at + 2 * f])]
                        x, y = load(lr, i), load(li, i)
                        m, n = flipped(load(pr, j), low), flipped(load(pi, j), low)
                        place = 16 * (f * blocks + b)
                        store(acc, place, fma(y, n, fma(x, m, load(acc, place))))
                        store(acc, place + 8, fnma(y, m, fma(x, n, load(acc, place + 8))))
        for v in range(flips * blocks):
            for lane in range(8):
                i = 2 * ints[values_at + v * lanes + (lane if lanes == 8 else 0)]
                cot[i] += 2 * acc[16 * v + lane]
                cot[i + 1] -= 2 * acc[16 * v + 8 + lane]
    dense(lr, li, ints, at, table, rows)


# ---- the circuit ----------------------------------------------------------------------------------------


@part
def start(ints, floats, re, im):
    for i in range(0, re.shape[0], 8):
        store(re, i, splat(0.0))
        store(im, i, splat(0.0))
    at = ints[START_AT]
    if at < 0:
        re[ints[START]] = 1.0
    else:
        for i in range(ints[USED]):
            re[i] = floats[at + 2 * i]
            im[i] = floats[at + 2 * i + 1]


@part
def apply(ints, vals, re, im, buf, table, rows):
    at = ints[GATES_AT]
    for g in range(ints[NUM_GATES]):
        gate = ints[at + g]
        code = ints[gate]
        if code <= MOVE1:
            pairs(re, im, ints, gate, vals, buf, False)
        elif code == PAULI:
            rotation(re, im, ints, gate, vals, buf, False)
        else:
            dense_table(ints, gate, vals, table, False)
            dense(re, im, ints, gate, table, rows)


@part
def unapply(ints, vals, cot, lr, li, pr, pi, buf, acc, table, rows, sums):
    at = ints[GATES_AT]
    for g in range(ints[NUM_GATES] - 1, ints[FIRST_GRAD] - 1, -1):
        gate = ints[at + g]
        code = ints[gate]
        if code == DENSE:
            dense_back(lr, li, pr, pi, ints, gate, vals, cot, table, rows, sums)
        elif code == PAULI:
            if ints[gate + 1]:
                rotation_back(lr, li, pr, pi, ints, gate, vals, cot, buf)
            else:
                rotation(pr, pi, ints, gate, vals, buf, True)
                rotation(lr, li, ints, gate, vals, buf, True)
        elif ints[gate + 1]:
            pairs_back(lr, li, pr, pi, ints, gate, vals, cot, buf, acc)
        else:
            pairs(pr, pi, ints, gate, vals, buf, True)
            pairs(lr, li, ints, gate, vals, buf, True)


# ---- measurements ---------------------------------------------------------------------------------------


@part
def mean_term(ints, floats, at, re, im, buf):
    """<x|O|x> for one term of an observable."""
    code = ints[at]
    if code == WEIGHTS:
        w = floats[ints[at + 1] :]
        a = splat(0.0)
        for i in range(0, re.shape[0], 8):
            x, y = load(re, i), load(im, i)
            a = fma(fma(x, x, mul(y, y)), load(w, i), a)
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
    code = ints[at]
    if code == WEIGHTS:
        w = floats[ints[at + 1] :]
        h = splat(g)
        for i in range(0, re.shape[0], 8):
            c = mul(h, load(w, i))
            store(outr, i, fma(c, load(re, i), load(outr, i)))
            store(outi, i, fma(c, load(im, i), load(outi, i)))
        return
    if code == WORD:
        e = g * complex(floats[ints[at + 5]], floats[ints[at + 5] + 1])
        high, low, sign_high = ints[at + 1], ints[at + 2], ints[at + 3]
        lane_signs = signs(ints[at + 4], buf)
        er, ei = mul(splat(e.real), lane_signs), mul(splat(e.imag), lane_signs)
        for i in range(0, re.shape[0], 8):
            s = splat(1.0 - 2.0 * parity(i & sign_high))
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
    for i in range(0, re.shape[0], 8):
        store(re, i, splat(0.0))
        store(im, i, splat(0.0))


@part
def observed(ints, floats, at, re, im, outr, outi, buf):
    """out = O x for the observable of a column."""
    clear(outr, outi)
    for k in range(ints[at + 2]):
        add_term(ints, floats, ints[at + 3 + k], 1.0, re, im, outr, outi, buf)


@part
def overlap(xr, xi, yr, yi):
    """The real part of <x|y>."""
    a = splat(0.0)
    b = a
    for i in range(0, xr.shape[0], 8):
        a = fma(load(xr, i), load(yr, i), a)
        b = fma(load(xi, i), load(yi, i), b)
    return total(add(a, b))


@part
def shifted(xr, xi, g, yr, yi):
    """x += g y"""
    h = splat(g)
    for i in range(0, xr.shape[0], 8):
        store(xr, i, fma(h, load(yr, i), load(xr, i)))
        store(xi, i, fma(h, load(yi, i), load(xi, i)))


@inlined
def outcome(index, ints, bits, count):
    """The number that the bits of an index write, the first most significant."""
    number = 0
    for q in range(bits, bits + count):
        number = 2 * number + ((index >> ints[q]) & 1)
    return number


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
            count, bits = ints[column + 2], column + 3
            for i in range(ints[USED]):
                out[place + stride * outcome(i, ints, bits, count)] += re[i] * re[i] + im[i] * im[i]
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
            count, bits = ints[column + 2], column + 3
            for i in range(ints[USED]):
                g = cot[place + outcome(i, ints, bits, count)]
                lr[i] += g * re[i]
                li[i] += g * im[i]


@inlined
def aligned(length):
    """An array whose first entry is at a multiple of 64 bytes, as the vectors want it."""
    block = np.empty(length + 8, np.float64)
    skip = (-(block.ctypes.data >> 3)) & 7
    return block[skip : skip + length]


@compiled
def forward(ints, floats, params, external, out):
    """params (B, P), external (B, X) -> out (B, columns), zeros before; a state is two entries a number."""
    size, buf = ints[SIZE], aligned(64)
    vals, trigs = aligned(2 * ints[NUM_VALUES]), aligned(2 * ints[NUM_TRIGS])
    table, rows = aligned(ints[NUM_TABLE]), aligned(ints[NUM_TABLE])
    states = aligned(2 * size)
    re, im = states[:size], states[size:]
    spare = False
    for c in range(ints[NUM_COLUMNS]):
        spare |= ints[ints[ints[COLUMNS_AT] + c]] == VAR
    third = aligned(2 * size if spare else 0)
    tr, ti = third[: third.shape[0] // 2], third[third.shape[0] // 2 :]
    for b in range(params.shape[0]):
        fill(ints, floats, params[b], external[b], vals, trigs)
        start(ints, floats, re, im)
        apply(ints, vals, re, im, buf, table, rows)
        measure(ints, floats, re, im, tr, ti, out[b], buf)


@compiled
def backward(ints, floats, params, external, cotangent, pulled):
    """cotangent (B, columns) -> pulled (B, P), zeros before."""
    size, buf, acc = ints[SIZE], aligned(64), aligned(64)
    vals, trigs = aligned(2 * ints[NUM_VALUES]), aligned(2 * ints[NUM_TRIGS])
    cot = aligned(2 * ints[NUM_VALUES])
    table, rows, sums = aligned(ints[NUM_TABLE]), aligned(ints[NUM_TABLE]), aligned(ints[NUM_TABLE])
    states = aligned(6 * size)
    re, im, lr, li = (
        states[:size],
        states[size : 2 * size],
        states[2 * size : 3 * size],
        states[3 * size : 4 * size],
    )
    tr, ti = states[4 * size : 5 * size], states[5 * size :]
    for b in range(params.shape[0]):
        fill(ints, floats, params[b], external[b], vals, trigs)
        start(ints, floats, re, im)
        apply(ints, vals, re, im, buf, table, rows)
        pull_measure(ints, floats, cotangent[b], re, im, lr, li, tr, ti, buf)
        for i in range(cot.shape[0]):
            cot[i] = 0.0
        unapply(ints, vals, cot, lr, li, re, im, buf, acc, table, rows, sums)
        pull_values(ints, floats, vals, cot, trigs, pulled[b])
