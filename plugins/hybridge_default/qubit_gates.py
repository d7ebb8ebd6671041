"""Gates on states: what a record does to the real and the imaginary parts of amplitudes, and undoes."""

from __future__ import annotations

from hybridge_default.compiling import inlined, part
from hybridge_default.qubit_layout import (
    DIAGONAL,
    MOVE2,
    ONE,
    PAIR1,
    PAIR2,
    REAL1,
    REAL2,
)
from hybridge_default.qubit_simd import (
    blend1,
    blend2,
    blend4,
    blend8,
    flip1,
    flip2,
    flip4,
    flip8,
    fma,
    fnma,
    lanes,
    load,
    mul,
    parity,
    splat,
    store,
    sub,
    total,
)
from hybridge_default.qubit_values import pull, value


@inlined
def flipped(x, low):
    """The lanes of x exchanged: lane l comes from lane l ^ low."""
    if low & 1:
        x = flip1(x)
    if low & 2:
        x = flip2(x)
    if low & 4:
        x = flip4(x)
    if low & 8:
        x = flip8(x)
    return x


@inlined
def opened(index, ints, bits, count):
    """The index with a zero put in at each of the bits but the first, ascending."""
    for q in range(bits + 1, bits + count):
        p = ints[q]
        index = ((index >> p) << (p + 1)) | (index & ((1 << p) - 1))
    return index


# ---- gates on one bit -----------------------------------------------------------------------------------


@inlined
def entries(vals, v, inverse):
    """The matrix of four values, or of its adjoint."""
    a, b, c, d = value(vals, v), value(vals, v + 1), value(vals, v + 2), value(vals, v + 3)
    if inverse:
        return a.conjugate(), c.conjugate(), b.conjugate(), d.conjugate()
    return a, b, c, d


@inlined
def spread_over(like, x):
    return splat(like, x.real), splat(like, x.imag)


def on_lanes(flip, blend):
    """A gate on the lane bit that these exchange: real, complex, and complex undone with its sums G."""

    @inlined
    def real(re, a, b, c, d):
        p, q = blend(splat(re, a), splat(re, d)), blend(splat(re, b), splat(re, c))
        for i in range(0, re.shape[0], lanes(re)):
            x = load(re, i)
            store(re, i, fma(q, flip(x), mul(p, x)))

    @inlined
    def full(re, im, a, b, c, d):
        pr, pi = blend(splat(re, a.real), splat(re, d.real)), blend(splat(re, a.imag), splat(re, d.imag))
        qr, qi = blend(splat(re, b.real), splat(re, c.real)), blend(splat(re, b.imag), splat(re, c.imag))
        for i in range(0, re.shape[0], lanes(re)):
            x, y = load(re, i), load(im, i)
            u, v = flip(x), flip(y)
            store(re, i, fnma(qi, v, fma(qr, u, fnma(pi, y, mul(pr, x)))))
            store(im, i, fma(qi, u, fma(qr, v, fma(pi, x, mul(pr, y)))))

    @inlined
    def undone(lr, li, mr, mi, a, b, c, d):
        pr, pi = blend(splat(lr, a.real), splat(lr, d.real)), blend(splat(lr, a.imag), splat(lr, d.imag))
        qr, qi = blend(splat(lr, b.real), splat(lr, c.real)), blend(splat(lr, b.imag), splat(lr, c.imag))
        zero = splat(lr, 0.0)
        sr, si, tr, ti = zero, zero, zero, zero
        for i in range(0, lr.shape[0], lanes(lr)):
            x, y, m, n = load(lr, i), load(li, i), load(mr, i), load(mi, i)
            u, v, s, t = flip(x), flip(y), flip(m), flip(n)
            sr, si = fma(y, n, fma(x, m, sr)), fnma(y, m, fma(x, n, si))
            tr, ti = fma(y, t, fma(x, s, tr)), fnma(y, s, fma(x, t, ti))
            store(mr, i, fnma(qi, t, fma(qr, s, fnma(pi, n, mul(pr, m)))))
            store(mi, i, fma(qi, s, fma(qr, t, fma(pi, m, mul(pr, n)))))
            store(lr, i, fnma(qi, v, fma(qr, u, fnma(pi, y, mul(pr, x)))))
            store(li, i, fma(qi, u, fma(qr, v, fma(pi, x, mul(pr, y)))))
        return (
            complex(total(blend(sr, zero)), total(blend(si, zero))),
            complex(total(blend(tr, zero)), total(blend(ti, zero))),
            complex(total(blend(zero, tr)), total(blend(zero, ti))),
            complex(total(blend(zero, sr)), total(blend(zero, si))),
        )

    @inlined
    def real_undone(lr, mr, a, b, c, d):
        p, q = blend(splat(lr, a), splat(lr, d)), blend(splat(lr, b), splat(lr, c))
        zero = splat(lr, 0.0)
        s = zero
        for i in range(0, lr.shape[0], lanes(lr)):
            x, m = load(lr, i), load(mr, i)
            n = flip(m)
            s = fma(x, n, s)
            store(mr, i, fma(q, n, mul(p, m)))
            store(lr, i, fma(q, flip(x), mul(p, x)))
        return total(sub(blend(zero, s), blend(s, zero)))

    return real, full, undone, real_undone


real_1, full_1, undone_1, real_undone_1 = on_lanes(flip1, blend1)
real_2, full_2, undone_2, real_undone_2 = on_lanes(flip2, blend2)
real_4, full_4, undone_4, real_undone_4 = on_lanes(flip4, blend4)
real_8, full_8, undone_8, real_undone_8 = on_lanes(flip8, blend8)


@part
def real_one(re, bit, a, b, c, d):
    """A real gate on one bit, on the real or on the imaginary parts."""
    L, run = lanes(re), 1 << bit
    if run >= L:
        p, q, r, s = splat(re, a), splat(re, b), splat(re, c), splat(re, d)
        for base in range(0, re.shape[0], 2 * run):
            for i in range(base, base + run, L):
                x, u = load(re, i), load(re, i + run)
                store(re, i, fma(q, u, mul(p, x)))
                store(re, i + run, fma(r, x, mul(s, u)))
    elif run == 1:
        real_1(re, a, b, c, d)
    elif run == 2:
        real_2(re, a, b, c, d)
    elif run == 4:
        real_4(re, a, b, c, d)
    elif L > 8:
        real_8(re, a, b, c, d)


@part
def one(re, im, bit, a, b, c, d):
    L, run = lanes(re), 1 << bit
    if run >= L:
        ar, ai = spread_over(re, a)
        br, bi = spread_over(re, b)
        cr, ci = spread_over(re, c)
        dr, di = spread_over(re, d)
        for base in range(0, re.shape[0], 2 * run):
            for i in range(base, base + run, L):
                j = i + run
                x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
                store(re, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
                store(im, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))
                store(re, j, fnma(di, v, fma(dr, u, fnma(ci, y, mul(cr, x)))))
                store(im, j, fma(di, u, fma(dr, v, fma(ci, x, mul(cr, y)))))
    elif run == 1:
        full_1(re, im, a, b, c, d)
    elif run == 2:
        full_2(re, im, a, b, c, d)
    elif run == 4:
        full_4(re, im, a, b, c, d)
    elif L > 8:
        full_8(re, im, a, b, c, d)


@part
def one_undone(lr, li, mr, mi, bit, a, b, c, d):
    """The gate of the matrix on both states; the sums of conj(l_x) m_y over them as they were."""
    L, run = lanes(lr), 1 << bit
    if run == 1:
        return undone_1(lr, li, mr, mi, a, b, c, d)
    if run == 2:
        return undone_2(lr, li, mr, mi, a, b, c, d)
    if run == 4:
        return undone_4(lr, li, mr, mi, a, b, c, d)
    if L > 8 and run < L:
        return undone_8(lr, li, mr, mi, a, b, c, d)
    ar, ai = spread_over(lr, a)
    br, bi = spread_over(lr, b)
    cr, ci = spread_over(lr, c)
    dr, di = spread_over(lr, d)
    sar = splat(lr, 0.0)
    sai, sbr, sbi, scr, sci, sdr, sdi = sar, sar, sar, sar, sar, sar, sar
    for base in range(0, lr.shape[0], 2 * run):
        for i in range(base, base + run, L):
            j = i + run
            x, y, u, v = load(lr, i), load(li, i), load(lr, j), load(li, j)
            m, n, s, t = load(mr, i), load(mi, i), load(mr, j), load(mi, j)
            sar, sai = fma(y, n, fma(x, m, sar)), fnma(y, m, fma(x, n, sai))
            sbr, sbi = fma(y, t, fma(x, s, sbr)), fnma(y, s, fma(x, t, sbi))
            scr, sci = fma(v, n, fma(u, m, scr)), fnma(v, m, fma(u, n, sci))
            sdr, sdi = fma(v, t, fma(u, s, sdr)), fnma(v, s, fma(u, t, sdi))
            store(mr, i, fnma(bi, t, fma(br, s, fnma(ai, n, mul(ar, m)))))
            store(mi, i, fma(bi, s, fma(br, t, fma(ai, m, mul(ar, n)))))
            store(mr, j, fnma(di, t, fma(dr, s, fnma(ci, n, mul(cr, m)))))
            store(mi, j, fma(di, s, fma(dr, t, fma(ci, m, mul(cr, n)))))
            store(lr, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
            store(li, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))
            store(lr, j, fnma(di, v, fma(dr, u, fnma(ci, y, mul(cr, x)))))
            store(li, j, fma(di, u, fma(dr, v, fma(ci, x, mul(cr, y)))))
    return (
        complex(total(sar), total(sai)),
        complex(total(sbr), total(sbi)),
        complex(total(scr), total(sci)),
        complex(total(sdr), total(sdi)),
    )


@part
def real_one_undone(lr, mr, bit, a, b, c, d):
    """A real gate on one of the parts of both states; the sum of l_1 m_0 - l_0 m_1 as they were."""
    L, run = lanes(lr), 1 << bit
    if run == 1:
        return real_undone_1(lr, mr, a, b, c, d)
    if run == 2:
        return real_undone_2(lr, mr, a, b, c, d)
    if run == 4:
        return real_undone_4(lr, mr, a, b, c, d)
    if L > 8 and run < L:
        return real_undone_8(lr, mr, a, b, c, d)
    p, q, r, s = splat(lr, a), splat(lr, b), splat(lr, c), splat(lr, d)
    up = splat(lr, 0.0)
    down = up
    for base in range(0, lr.shape[0], 2 * run):
        for i in range(base, base + run, L):
            x, u, m, n = load(lr, i), load(lr, i + run), load(mr, i), load(mr, i + run)
            up, down = fma(u, m, up), fma(x, n, down)
            store(mr, i, fma(q, n, mul(p, m)))
            store(mr, i + run, fma(r, m, mul(s, n)))
            store(lr, i, fma(q, u, mul(p, x)))
            store(lr, i + run, fma(r, x, mul(s, u)))
    return total(sub(up, down))


@part
def ones(re, im, ints, at, vals, inverse):
    a, b, c, d = entries(vals, ints[at + 3], inverse)
    if ints[at] == ONE:
        one(re, im, ints[at + 2], a, b, c, d)
    else:
        real_one(re, ints[at + 2], a.real, b.real, c.real, d.real)
        real_one(im, ints[at + 2], a.real, b.real, c.real, d.real)


@part
def ones_back(lr, li, pr, pi, ints, at, vals, cot):
    """Un-apply the gate on both states; what pull_values makes cotangents of is added to `cot`.

    Of a real gate only turns about Y have a derivative: they ask for the antisymmetric part alone.
    """
    bit, v = ints[at + 2], ints[at + 3]
    a, b, c, d = entries(vals, v, True)
    if ints[at] == ONE:
        a, b, c, d = one_undone(lr, li, pr, pi, bit, a, b, c, d)
        for i, part in enumerate((a, b, c, d)):
            cot[2 * (v + i)] += part.real
            cot[2 * (v + i) + 1] += part.imag
    else:
        up = real_one_undone(lr, pr, bit, a.real, b.real, c.real, d.real)
        cot[2 * (v + 2)] += up + real_one_undone(li, pi, bit, a.real, b.real, c.real, d.real)


# ---- gates of pairs -------------------------------------------------------------------------------------


@part
def gather(vals, ints, at, count, each, buf):
    """Values as vectors: number v has its real parts at buf[2 L v], imaginary ones L further."""
    L = lanes(buf)
    for v in range(count):
        if each == 1:
            i = 2 * ints[at + v]
            store(buf, 2 * L * v, splat(buf, vals[i]))
            store(buf, 2 * L * v + L, splat(buf, vals[i + 1]))
            continue
        for lane in range(L):
            i = 2 * ints[at + v * each + lane]
            buf[2 * L * v + lane] = vals[i]
            buf[2 * L * v + L + lane] = vals[i + 1]


@part
def adjoint(buf, count, low):
    """Turn gathered values into those of the inverse gate."""
    L = lanes(buf)
    for v in range(count):
        store(buf, 2 * L * v + L, sub(splat(buf, 0.0), load(buf, 2 * L * v + L)))
    if count > 1:
        i, j = 2 * L, 6 * L if count == 4 else 2 * L
        for half in range(0, 2 * L, L):
            x, y = flipped(load(buf, i + half), low), flipped(load(buf, j + half), low)
            store(buf, i + half, y)
            store(buf, j + half, x)


@part
def pair2(re, im, ints, bits, count, oi, oj, low, buf):
    L = lanes(re)
    ar, ai, br, bi = load(buf, 0), load(buf, L), load(buf, 2 * L), load(buf, 3 * L)
    cr, ci, dr, di = load(buf, 4 * L), load(buf, 5 * L), load(buf, 6 * L), load(buf, 7 * L)
    first = ints[bits]
    run = 1 << first
    for o in range(re.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        if low == 0:
            for k in range(0, run, L):
                i, j = base + oi + k, base + oj + k
                x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
                store(re, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
                store(im, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))
                store(re, j, fnma(di, y, fma(dr, x, fnma(ci, v, mul(cr, u)))))
                store(im, j, fma(di, x, fma(dr, y, fma(ci, u, mul(cr, v)))))
        else:
            for k in range(0, run, L):
                i, j = base + oi + k, base + oj + k
                x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
                p, q, s, t = flipped(x, low), flipped(y, low), flipped(u, low), flipped(v, low)
                store(re, i, fnma(bi, t, fma(br, s, fnma(ai, y, mul(ar, x)))))
                store(im, i, fma(bi, s, fma(br, t, fma(ai, x, mul(ar, y)))))
                store(re, j, fnma(di, q, fma(dr, p, fnma(ci, v, mul(cr, u)))))
                store(im, j, fma(di, p, fma(dr, q, fma(ci, u, mul(cr, v)))))


@part
def pair2_back(lr, li, pr, pi, ints, bits, count, oi, oj, low, buf, acc):
    """Sums of conj(l_i) p_i, conj(l_i) p_j, conj(l_j) p_j, conj(l_j) p_i by each; then the gate on both."""
    L = lanes(lr)
    ar, ai, br, bi = load(buf, 0), load(buf, L), load(buf, 2 * L), load(buf, 3 * L)
    cr, ci, dr, di = load(buf, 4 * L), load(buf, 5 * L), load(buf, 6 * L), load(buf, 7 * L)
    sar = splat(lr, 0.0)
    sai, sbr, sbi, scr, sci, sdr, sdi = sar, sar, sar, sar, sar, sar, sar
    first = ints[bits]
    run = 1 << first
    for o in range(lr.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        for k in range(0, run, L):
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
    store(acc, L, sai)
    store(acc, 2 * L, sbr)
    store(acc, 3 * L, sbi)
    store(acc, 4 * L, scr)
    store(acc, 5 * L, sci)
    store(acc, 6 * L, sdr)
    store(acc, 7 * L, sdi)


@inlined
def spans(size, ints, bits, count):
    """How many runs of consecutive entries there are, and how long: the state where there is no bit."""
    if count == 0:
        return 1, size
    return size >> (ints[bits] + count), 1 << ints[bits]


@part
def pair1(re, im, ints, bits, count, oi, low, buf):
    L = lanes(re)
    ar, ai, br, bi = load(buf, 0), load(buf, L), load(buf, 2 * L), load(buf, 3 * L)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, L):
            x, y = load(re, i), load(im, i)
            u, v = flipped(x, low), flipped(y, low)
            store(re, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
            store(im, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))


@part
def pair1_back(lr, li, pr, pi, ints, bits, count, oi, low, buf, acc):
    L = lanes(lr)
    ar, ai, br, bi = load(buf, 0), load(buf, L), load(buf, 2 * L), load(buf, 3 * L)
    sar = splat(lr, 0.0)
    sai, sbr, sbi = sar, sar, sar
    outer, run = spans(lr.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, L):
            x, y, m, n = load(lr, i), load(li, i), load(pr, i), load(pi, i)
            sar, sai = fma(y, n, fma(x, m, sar)), fnma(y, m, fma(x, n, sai))
            u, v, s, t = flipped(x, low), flipped(y, low), flipped(m, low), flipped(n, low)
            sbr, sbi = fma(y, t, fma(x, s, sbr)), fnma(y, s, fma(x, t, sbi))
            store(pr, i, fnma(bi, t, fma(br, s, fnma(ai, n, mul(ar, m)))))
            store(pi, i, fma(bi, s, fma(br, t, fma(ai, m, mul(ar, n)))))
            store(lr, i, fnma(bi, v, fma(br, u, fnma(ai, y, mul(ar, x)))))
            store(li, i, fma(bi, u, fma(br, v, fma(ai, x, mul(ar, y)))))
    store(acc, 0, sar)
    store(acc, L, sai)
    store(acc, 2 * L, sbr)
    store(acc, 3 * L, sbi)


@part
def real2(re, ints, bits, count, oi, oj, low, buf):
    """pair2 for real values, on the real or on the imaginary parts."""
    L = lanes(re)
    a, b, c, d = load(buf, 0), load(buf, 2 * L), load(buf, 4 * L), load(buf, 6 * L)
    first = ints[bits]
    run = 1 << first
    for o in range(re.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        for k in range(0, run, L):
            i, j = base + oi + k, base + oj + k
            x, u = load(re, i), load(re, j)
            store(re, i, fma(b, flipped(u, low), mul(a, x)))
            store(re, j, fma(d, flipped(x, low), mul(c, u)))


@part
def real1(re, ints, bits, count, oi, low, buf):
    L = lanes(re)
    a, b = load(buf, 0), load(buf, 2 * L)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, L):
            x = load(re, i)
            store(re, i, fma(b, flipped(x, low), mul(a, x)))


@part
def move2(re, ints, bits, count, oi, oj, low):
    """Entries change places: the two blocks, and in them the each."""
    L = lanes(re)
    first = ints[bits]
    run = 1 << first
    for o in range(re.shape[0] >> (first + count)):
        base = opened(o << (first + 1), ints, bits, count)
        for k in range(0, run, L):
            i, j = base + oi + k, base + oj + k
            x, u = load(re, i), load(re, j)
            store(re, i, flipped(u, low))
            store(re, j, flipped(x, low))


@part
def move1(re, ints, bits, count, oi, low):
    L = lanes(re)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, L):
            store(re, i, flipped(load(re, i), low))


@part
def diagonal(re, im, ints, bits, count, oi, buf):
    L = lanes(re)
    ar, ai = load(buf, 0), load(buf, L)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, L):
            x, y = load(re, i), load(im, i)
            store(re, i, fnma(ai, y, mul(ar, x)))
            store(im, i, fma(ai, x, mul(ar, y)))


@part
def diagonal_back(lr, li, pr, pi, ints, bits, count, oi, buf, acc):
    L = lanes(lr)
    ar, ai = load(buf, 0), load(buf, L)
    sr = splat(lr, 0.0)
    si = sr
    outer, run = spans(lr.shape[0], ints, bits, count)
    for o in range(outer):
        base = oi + (opened(o * 2 * run, ints, bits, count) if count else 0)
        for i in range(base, base + run, L):
            x, y, m, n = load(lr, i), load(li, i), load(pr, i), load(pi, i)
            sr, si = fma(y, n, fma(x, m, sr)), fnma(y, m, fma(x, n, si))
            store(pr, i, fnma(ai, n, mul(ar, m)))
            store(pi, i, fma(ai, m, mul(ar, n)))
            store(lr, i, fnma(ai, y, mul(ar, x)))
            store(li, i, fma(ai, x, mul(ar, y)))
    store(acc, 0, sr)
    store(acc, L, si)


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
    code, low, each, count, number = ints[at], ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5]
    bits = at + 6
    width = row_length(code)
    pair = bits + count
    for _ in range(number):
        i, j = ints[pair], ints[pair + 1]
        if width:
            gather(vals, ints, pair + 2, width, each, buf)
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
        pair += 2 + width * each


@part
def pairs_back(lr, li, pr, pi, ints, at, vals, cot, buf, acc):
    """Un-apply the gate on both states, l and p; the cotangents of its values are added to `cot`."""
    code, low, each, count, number = ints[at], ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5]
    bits = at + 6
    width = row_length(code)
    pair = bits + count
    for _ in range(number):
        i, j = ints[pair], ints[pair + 1]
        gather(vals, ints, pair + 2, width, each, buf)
        adjoint(buf, width, low)
        if width == 4:
            pair2_back(lr, li, pr, pi, ints, bits, count, i, j, low, buf, acc)
        elif width == 2:
            pair1_back(lr, li, pr, pi, ints, bits, count, i, low, buf, acc)
        else:
            diagonal_back(lr, li, pr, pi, ints, bits, count, i, buf, acc)
        scatter(ints, pair + 2, width, each, low, buf, acc, cot)
        pair += 2 + width * each


@part
def scatter(ints, at, width, each, low, buf, acc, cot):
    """Sums over the states after the gate become cotangents: 2 conj(sums of conj(l) times p before it)."""
    L = lanes(buf)
    for side in range(2 if width == 4 else 1):
        own, other = 4 * L * side, 4 * L * (1 - side) if width == 4 else 0
        for lane in range(L if each > 1 else 1):
            d = summed(acc, own, lane, each)
            first = complex(buf[own + lane], buf[own + L + lane]) * d
            if width > 1:
                k = lane ^ low
                e = summed(acc, own + 2 * L, lane, each)
                first += complex(buf[own + 2 * L + lane], buf[own + 3 * L + lane]) * e
                second = complex(buf[other + k], buf[other + L + k]) * e
                second += complex(buf[other + 2 * L + k], buf[other + 3 * L + k]) * d
                pull(cot, ints[at + (2 * side + 1) * each + lane], second)
            pull(cot, ints[at + 2 * side * each + lane], first)


@inlined
def summed(acc, at, lane, each):
    """One lane of complex sums, or all of them where they have one value."""
    L = lanes(acc)
    if each > 1:
        return complex(acc[at + lane], acc[at + L + lane])
    return complex(total(load(acc, at)), total(load(acc, at + L)))


# ---- Pauli rotations of any weight, Pauli words ---------------------------------------------------------


@part
def signs(low, buf):
    """The vector of the signs of the parities of lane & low."""
    L = lanes(buf)
    for lane in range(L):
        buf[lane] = 1.0 - 2.0 * parity(lane & low)
    return load(buf, 0)


@part
def pauli(re, im, ar, ai, high, low, sign_high, lane_signs, d, c, back):
    """x_i <- d x_i + c s_i a_(i ^ flip) for both parts, `back` times c for the second.

    The factors i of a Pauli word make its exponential's off-diagonal c real, where `a` is x itself, or
    imaginary, where the parts of `a` are those of x exchanged and `back` is -1.
    """
    L = lanes(re)
    dd, cr, ci = splat(re, d), mul(splat(re, c), lane_signs), mul(splat(re, c * back), lane_signs)
    if high == 0:
        for i in range(0, re.shape[0], L):
            s = splat(re, 1.0 - 2.0 * parity(i & sign_high))
            u, v = mul(s, flipped(load(ar, i), low)), mul(s, flipped(load(ai, i), low))
            x, y = load(re, i), load(im, i)
            store(re, i, fma(cr, u, mul(dd, x)))
            store(im, i, fma(ci, v, mul(dd, y)))
        return
    top = L
    while 2 * top <= high:
        top *= 2
    turn = 1.0 - 2.0 * parity(high & sign_high)
    for block in range(0, re.shape[0], 2 * top):
        for i in range(block, block + top, L):
            j = i ^ high
            sign = 1.0 - 2.0 * parity(i & sign_high)
            s, t = splat(re, sign), splat(re, sign * turn)
            x, y, u, v = load(re, i), load(im, i), load(re, j), load(im, j)
            p, q = mul(s, flipped(load(ar, j), low)), mul(s, flipped(load(ai, j), low))
            m, n = mul(t, flipped(load(ar, i), low)), mul(t, flipped(load(ai, i), low))
            store(re, i, fma(cr, p, mul(dd, x)))
            store(im, i, fma(ci, q, mul(dd, y)))
            store(re, j, fma(cr, m, mul(dd, u)))
            store(im, j, fma(ci, n, mul(dd, v)))


@part
def pauli_dot(lr, li, pr, pi, high, low, sign_high, sign_low, buf):
    """sum over i of conj(l_i) s_i p_(i ^ flip)"""
    L = lanes(lr)
    lane_signs = signs(sign_low, buf)
    ar = splat(lr, 0.0)
    ai = ar
    for i in range(0, lr.shape[0], L):
        j = i ^ high
        s = splat(lr, 1.0 - 2.0 * parity(i & sign_high))
        x, y = mul(s, load(lr, i)), mul(s, load(li, i))
        m, n = flipped(load(pr, j), low), flipped(load(pi, j), low)
        ar, ai = fma(y, n, fma(x, m, ar)), fnma(y, m, fma(x, n, ai))
    return complex(total(mul(lane_signs, ar)), total(mul(lane_signs, ai)))


@part
def rotation(re, im, ints, at, vals, buf, inverse):
    d, e = value(vals, ints[at + 6]), value(vals, ints[at + 7])
    if inverse:
        e = e.conjugate() * (1 - 2 * ints[at + 8])
    high, low, sign_high, lane_signs = ints[at + 2], ints[at + 3], ints[at + 4], signs(ints[at + 5], buf)
    if ints[at + 9]:
        pauli(re, im, im, re, high, low, sign_high, lane_signs, d.real, -e.imag, -1.0)
    else:
        pauli(re, im, re, im, high, low, sign_high, lane_signs, d.real, e.real, 1.0)


@part
def rotation_back(lr, li, pr, pi, ints, at, vals, cot, buf):
    """Of the sums over both states only that of l and the word times p has to do with the angle."""
    d, e = value(vals, ints[at + 6]), value(vals, ints[at + 7])
    dot = pauli_dot(lr, li, pr, pi, ints[at + 2], ints[at + 3], ints[at + 4], ints[at + 5], buf)
    pull(cot, ints[at + 6], e.conjugate() * (1 - 2 * ints[at + 8]) * dot)
    pull(cot, ints[at + 7], d * dot)
    rotation(pr, pi, ints, at, vals, buf, True)
    rotation(lr, li, ints, at, vals, buf, True)


# ---- any matrix -----------------------------------------------------------------------------------------


@inlined
def dense_parts(ints, at):
    """Bits, their number, the number of blocks, of flips, and where offsets, flips and values stand."""
    each, count, flips = ints[at + 2], ints[at + 3], ints[at + 4]
    bits = at + 5
    blocks = 1 << count
    return (
        each,
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
    L = lanes(table)
    each, _, _, blocks, flips, _, flips_at, values_at = dense_parts(ints, at)
    for f in range(flips):
        cross, low = ints[flips_at + 2 * f], ints[flips_at + 2 * f + 1]
        for b in range(blocks):
            place = 2 * L * (f * blocks + b)
            for lane in range(L):
                source, sign = (b, 1.0) if not inverse else (b ^ cross, -1.0)
                k = lane ^ low if inverse else lane
                i = 2 * ints[values_at + (f * blocks + source) * each + (k if each > 1 else 0)]
                table[place + lane] = vals[i]
                table[place + L + lane] = sign * vals[i + 1]


@part
def dense(re, im, ints, at, table, rows):
    L = lanes(re)
    _, bits, count, blocks, flips, offsets, flips_at, _ = dense_parts(ints, at)
    outer, run = spans(re.shape[0], ints, bits, count)
    for o in range(outer):
        base = opened(o * 2 * run, ints, bits, count) if count else 0
        for k in range(base, base + run, L):
            for b in range(blocks):
                store(rows, 2 * L * b, load(re, k + ints[offsets + b]))
                store(rows, 2 * L * b + L, load(im, k + ints[offsets + b]))
            for b in range(blocks):
                ar = splat(re, 0.0)
                ai = ar
                for f in range(flips):
                    low = ints[flips_at + 2 * f + 1]
                    source = 2 * L * (b ^ ints[flips_at + 2 * f])
                    x, y = flipped(load(rows, source), low), flipped(load(rows, source + L), low)
                    place = 2 * L * (f * blocks + b)
                    cr, ci = load(table, place), load(table, place + L)
                    ar, ai = fnma(ci, y, fma(cr, x, ar)), fma(ci, x, fma(cr, y, ai))
                store(re, k + ints[offsets + b], ar)
                store(im, k + ints[offsets + b], ai)


@part
def dense_back(lr, li, pr, pi, ints, at, vals, cot, table, rows, acc):
    L = lanes(lr)
    dense_table(ints, at, vals, table, True)
    dense(pr, pi, ints, at, table, rows)
    if ints[at + 1]:
        each, bits, count, blocks, flips, offsets, flips_at, values_at = dense_parts(ints, at)
        for i in range(2 * L * flips * blocks):
            acc[i] = 0.0
        outer, run = spans(lr.shape[0], ints, bits, count)
        for o in range(outer):
            base = opened(o * 2 * run, ints, bits, count) if count else 0
            for k in range(base, base + run, L):
                for f in range(flips):
                    low = ints[flips_at + 2 * f + 1]
                    for b in range(blocks):
                        i, j = k + ints[offsets + b], k + ints[offsets + (b ^ ints[flips_at + 2 * f])]
                        x, y = load(lr, i), load(li, i)
                        m, n = flipped(load(pr, j), low), flipped(load(pi, j), low)
                        place = 2 * L * (f * blocks + b)
                        store(acc, place, fma(y, n, fma(x, m, load(acc, place))))
                        store(acc, place + L, fnma(y, m, fma(x, n, load(acc, place + L))))
        for v in range(flips * blocks):
            for lane in range(L):
                i = 2 * ints[values_at + v * each + (lane if each > 1 else 0)]
                cot[i] += 2 * acc[2 * L * v + lane]
                cot[i + 1] -= 2 * acc[2 * L * v + L + lane]
    dense(lr, li, ints, at, table, rows)
