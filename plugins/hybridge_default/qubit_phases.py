"""Runs of diagonal gates on one and two bits, as one pass: a table of their product, made each call.

The table over bits 0..q is that over the bits below times one factor where bit q is 0 and another where it is
1; a factor is itself made bit by bit. Derivatives of all the gates come from one pass too: Im(conj(l) p),
folded bit by bit from the highest, gives the sums over the amplitudes that share the values of a bit or two.
"""

from __future__ import annotations

from hybridge_default.compiling import inlined, part
from hybridge_default.qubit_simd import add, fma, fnma, lanes, load, mul, splat, store, sub, total
from hybridge_default.qubit_values import pull, value

SINGLE, PAIR = 4, 7  # ints of a gate on one bit and on two


@part
def doubled(xr, xi, half, low, high):
    """x[half:] = high x[:half], x[:half] *= low"""
    L = lanes(xr)
    if half < L:
        for k in range(half):
            x = complex(xr[k], xi[k])
            y, z = high * x, low * x
            xr[half + k], xi[half + k], xr[k], xi[k] = y.real, y.imag, z.real, z.imag
        return
    if low == complex(1.0, 0.0) and high == complex(1.0, 0.0):
        for k in range(0, half, L):
            store(xr, half + k, load(xr, k))
            store(xi, half + k, load(xi, k))
        return
    hr, hi = splat(xr, high.real), splat(xr, high.imag)
    lr, li = splat(xr, low.real), splat(xr, low.imag)
    for k in range(0, half, L):
        x, y = load(xr, k), load(xi, k)
        store(xr, half + k, fnma(hi, y, mul(hr, x)))
        store(xi, half + k, fma(hi, x, mul(hr, y)))
        store(xr, k, fnma(li, y, mul(lr, x)))
        store(xi, k, fma(li, x, mul(lr, y)))


@part
def factor(xr, xi, first, side, q, base, vals, ints, at, count):
    """The product over bits 0..q - 1 of the gates of two bits whose upper is q, where that is `side`."""
    xr[0], xi[0] = first.real, first.imag
    k = 0
    for p in range(q):
        low, high = complex(1.0, 0.0), complex(1.0, 0.0)
        while k < count and ints[at + PAIR * k] == p:
            two = at + PAIR * k + 1
            if base & ints[two] == ints[two + 1]:
                low *= value(vals, ints[two + 2 + 2 * side])
                high *= value(vals, ints[two + 3 + 2 * side])
            k += 1
        doubled(xr, xi, 1 << p, low, high)


@part
def multiplied(xr, xi, at, yr, yi, fr, fi, size):
    """x[at:] = y f"""
    L = lanes(xr)
    if size < L:
        for k in range(size):
            z = complex(yr[k], yi[k]) * complex(fr[k], fi[k])
            xr[at + k], xi[at + k] = z.real, z.imag
        return
    for k in range(0, size, L):
        x, y, u, v = load(yr, k), load(yi, k), load(fr, k), load(fi, k)
        store(xr, at + k, fnma(y, v, mul(x, u)))
        store(xi, at + k, fma(y, u, mul(x, v)))


@part
def phase_table(base, vals, ints, at, tr, ti, fr, fi):
    """The product of all gates of the record, over the bits of its table."""
    tr[0], ti[0] = 1.0, 0.0
    top = ints[at + 2]
    at += 3
    for q in range(top):
        size, singles, pairs, plain = 1 << q, ints[at], ints[at + 1], ints[at + 2]
        low, high = complex(1.0, 0.0), complex(1.0, 0.0)
        at += 3
        for _ in range(singles):
            if base & ints[at] == ints[at + 1]:
                low *= value(vals, ints[at + 2])
                high *= value(vals, ints[at + 3])
            at += SINGLE
        if pairs:
            factor(fr, fi, high, 1, q, base, vals, ints, at, pairs)
            multiplied(tr, ti, size, tr, ti, fr, fi, size)
            if not plain:  # else the gates do nothing where bit q is 0
                factor(fr, fi, low, 0, q, base, vals, ints, at, pairs)
                multiplied(tr, ti, 0, tr, ti, fr, fi, size)
            at += PAIR * pairs
        else:
            doubled(tr, ti, size, low, high)


@part
def phases(re, im, ints, at, first, vals, inverse, table, rows):
    L, size = lanes(re), 1 << ints[at + 2]
    tr, ti = table[:size], table[size : 2 * size]
    phase_table(first, vals, ints, at, tr, ti, rows[:size], rows[size : 2 * size])
    if inverse:
        for k in range(0, size, L):
            store(ti, k, sub(splat(re, 0.0), load(ti, k)))
    for base in range(0, re.shape[0], size):
        for k in range(0, size, L):
            i = base + k
            c, s, x, y = load(tr, k), load(ti, k), load(re, i), load(im, i)
            store(re, i, fnma(s, y, mul(c, x)))
            store(im, i, fma(s, x, mul(c, y)))


@part
def folded(w, half, into):
    """w[:half] += w[half:]; their differences are summed, and kept from w[half] on where `into`."""
    L = lanes(w)
    if half < L:
        found = 0.0
        for k in range(half):
            x, y = w[k], w[half + k]
            found += x - y
            w[k] = x + y
            if into:
                w[half + k] = x - y
        return found
    sums = splat(w, 0.0)
    for k in range(0, half, L):
        x, y = load(w, k), load(w, half + k)
        d = sub(x, y)
        sums = add(sums, d)
        store(w, k, add(x, y))
        if into:
            store(w, half + k, d)
    return total(sums)


@inlined
def signed(x, side):
    return -x if side else x


@part
def phases_back(lr, li, pr, pi, ints, at, first, vals, cot, table, rows, sums):
    """Un-apply the gates on the block of both states that begins at `first`; cotangents go to `cot`."""
    L, top = lanes(lr), ints[at + 2]
    size = 1 << top
    tr, ti = table[:size], table[size : 2 * size]
    phase_table(first, vals, ints, at, tr, ti, rows[:size], rows[size : 2 * size])
    w = rows[:size]
    for k in range(0, size, L):
        store(w, k, splat(lr, 0.0))
    for base in range(0, lr.shape[0], size):
        for k in range(0, size, L):
            i = base + k
            c, s = load(tr, k), load(ti, k)
            x, y, m, n = load(lr, i), load(li, i), load(pr, i), load(pi, i)
            store(w, k, fnma(y, m, fma(x, n, load(w, k))))
            store(lr, i, fma(s, y, mul(c, x)))
            store(li, i, fnma(s, x, mul(c, y)))
            store(pr, i, fma(s, n, mul(c, m)))
            store(pi, i, fnma(s, m, mul(c, n)))
    starts = at + 3  # from the records of bits, one after another, to the sums of each
    for q in range(top - 1, -1, -1):
        place = starts
        for _ in range(q):
            place += 3 + SINGLE * ints[place] + PAIR * ints[place + 1]
        half = 1 << q
        if ints[place + 1] == 0:
            sums[q] = folded(w, half, False)
            continue
        folded(w, half, True)
        d = w[half : 2 * half]
        for p in range(q - 1, -1, -1):
            sums[top * (1 + q) + p] = folded(d, 1 << p, False)
        sums[q] = d[0]
    everything = w[0]
    place = starts
    for q in range(top):
        singles, pairs = ints[place], ints[place + 1]
        place += 3
        for _ in range(singles):
            for side in range(2 if first & ints[place] == ints[place + 1] else 0):
                v = ints[place + 2 + side]
                s = 0.5 * (everything + signed(sums[q], side))
                pull(cot, v, value(vals, v).conjugate() * complex(0.0, s))
            place += SINGLE
        for _ in range(pairs):
            p = ints[place]
            for side in range(2 if first & ints[place + 1] == ints[place + 2] else 0):
                for other in range(2):
                    v = ints[place + 3 + 2 * side + other]
                    s = everything + signed(sums[q], side) + signed(sums[p], other)
                    s = 0.25 * (s + signed(signed(sums[top * (1 + q) + p], side), other))
                    pull(cot, v, value(vals, v).conjugate() * complex(0.0, s))
            place += PAIR
