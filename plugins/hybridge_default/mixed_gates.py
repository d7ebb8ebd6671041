"""Components of records on states: what they make of coefficients, and the sums that derivatives need."""

from __future__ import annotations

from hybridge_default.compiling import inlined, part, variant
from hybridge_default.mixed_layout import EXCHANGE, RECORD, ZERO
from hybridge_default.qubit_simd import fma, got, lanes, load, mul, put, splat, store, total


@inlined
def opened(index, ints, digits, count):
    """The index with a zero digit put in at each of the digits but the first, ascending."""
    for q in range(digits + 1, digits + count):
        p = 2 * ints[q]
        index = ((index >> p) << (p + 2)) | (index & ((1 << p) - 1))
    return index


@inlined
def entry(vals, ints, at, size, i, j, turned):
    """An entry of the matrix of a component, or of its transpose."""
    return vals[ints[at + (size * j + i if turned else size * i + j)]]


# numbers one by one, where vectors are longer than a run
@inlined
def one_lane(x):
    return 1


@inlined
def same(x, number):
    return number


@inlined
def times(a, b):
    return a * b


@inlined
def plus(a, b, c):
    return a * b + c


@inlined
def alone(number):
    return number


def over(name, step, load, store, splat, fma, mul, total):
    """The kernels of small components, a vector or a number at a time, as their name says."""

    @variant(name)
    def forwards(x, ints, digits, count, run, rests, at, size, vals, turned):
        offsets = at + 1
        if size == 1:
            a = splat(x, vals[ints[at + 2]])
            for r in range(rests):
                i = opened(r * run * 4, ints, digits, count) + ints[offsets]
                for k in range(i, i + run, step(x)):
                    store(x, k, mul(a, load(x, k)))
        elif size == EXCHANGE:
            b, c = (
                splat(x, entry(vals, ints, at + 3, 2, 0, 1, turned)),
                splat(x, entry(vals, ints, at + 3, 2, 1, 0, turned)),
            )
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j = base + ints[offsets], base + ints[offsets + 1]
                for k in range(0, run, step(x)):
                    u, v = load(x, i + k), load(x, j + k)
                    store(x, i + k, mul(b, v))
                    store(x, j + k, mul(c, u))
        elif size == 2:
            a, b = (
                splat(x, entry(vals, ints, at + 3, 2, 0, 0, turned)),
                splat(x, entry(vals, ints, at + 3, 2, 0, 1, turned)),
            )
            c, d = (
                splat(x, entry(vals, ints, at + 3, 2, 1, 0, turned)),
                splat(x, entry(vals, ints, at + 3, 2, 1, 1, turned)),
            )
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j = base + ints[offsets], base + ints[offsets + 1]
                for k in range(0, run, step(x)):
                    u, v = load(x, i + k), load(x, j + k)
                    store(x, i + k, fma(b, v, mul(a, u)))
                    store(x, j + k, fma(d, v, mul(c, u)))
        elif size == 3:
            m = at + 4
            a, b, c = (
                splat(x, entry(vals, ints, m, 3, 0, 0, turned)),
                splat(x, entry(vals, ints, m, 3, 0, 1, turned)),
                splat(x, entry(vals, ints, m, 3, 0, 2, turned)),
            )
            d, e, f = (
                splat(x, entry(vals, ints, m, 3, 1, 0, turned)),
                splat(x, entry(vals, ints, m, 3, 1, 1, turned)),
                splat(x, entry(vals, ints, m, 3, 1, 2, turned)),
            )
            g, h, q = (
                splat(x, entry(vals, ints, m, 3, 2, 0, turned)),
                splat(x, entry(vals, ints, m, 3, 2, 1, turned)),
                splat(x, entry(vals, ints, m, 3, 2, 2, turned)),
            )
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j, o = base + ints[offsets], base + ints[offsets + 1], base + ints[offsets + 2]
                for k in range(0, run, step(x)):
                    u, v, w = load(x, i + k), load(x, j + k), load(x, o + k)
                    store(x, i + k, fma(c, w, fma(b, v, mul(a, u))))
                    store(x, j + k, fma(f, w, fma(e, v, mul(d, u))))
                    store(x, o + k, fma(q, w, fma(h, v, mul(g, u))))
        elif size == 4:
            m = at + 5
            m00, m01, m02, m03 = (
                splat(x, entry(vals, ints, m, 4, 0, 0, turned)),
                splat(x, entry(vals, ints, m, 4, 0, 1, turned)),
                splat(x, entry(vals, ints, m, 4, 0, 2, turned)),
                splat(x, entry(vals, ints, m, 4, 0, 3, turned)),
            )
            m10, m11, m12, m13 = (
                splat(x, entry(vals, ints, m, 4, 1, 0, turned)),
                splat(x, entry(vals, ints, m, 4, 1, 1, turned)),
                splat(x, entry(vals, ints, m, 4, 1, 2, turned)),
                splat(x, entry(vals, ints, m, 4, 1, 3, turned)),
            )
            m20, m21, m22, m23 = (
                splat(x, entry(vals, ints, m, 4, 2, 0, turned)),
                splat(x, entry(vals, ints, m, 4, 2, 1, turned)),
                splat(x, entry(vals, ints, m, 4, 2, 2, turned)),
                splat(x, entry(vals, ints, m, 4, 2, 3, turned)),
            )
            m30, m31, m32, m33 = (
                splat(x, entry(vals, ints, m, 4, 3, 0, turned)),
                splat(x, entry(vals, ints, m, 4, 3, 1, turned)),
                splat(x, entry(vals, ints, m, 4, 3, 2, turned)),
                splat(x, entry(vals, ints, m, 4, 3, 3, turned)),
            )
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j = base + ints[offsets], base + ints[offsets + 1]
                o, p = base + ints[offsets + 2], base + ints[offsets + 3]
                for k in range(0, run, step(x)):
                    t, u, v, w = load(x, i + k), load(x, j + k), load(x, o + k), load(x, p + k)
                    store(x, i + k, fma(m03, w, fma(m02, v, fma(m01, u, mul(m00, t)))))
                    store(x, j + k, fma(m13, w, fma(m12, v, fma(m11, u, mul(m10, t)))))
                    store(x, o + k, fma(m23, w, fma(m22, v, fma(m21, u, mul(m20, t)))))
                    store(x, p + k, fma(m33, w, fma(m32, v, fma(m31, u, mul(m30, t)))))

    @variant(name)
    def backwards(x, y, ints, digits, count, run, rests, at, size, cot):
        """cot += the sums of y_i x_j, for the entries of the component's matrix."""
        offsets = at + 1
        zero = splat(x, 0.0)
        if size == 1:
            s = zero
            for r in range(rests):
                i = opened(r * run * 4, ints, digits, count) + ints[offsets]
                for k in range(i, i + run, step(x)):
                    s = fma(load(y, k), load(x, k), s)
            cot[ints[at + 2]] += total(s)
        elif size == 2 or size == EXCHANGE:
            s00, s01, s10, s11 = zero, zero, zero, zero
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j = base + ints[offsets], base + ints[offsets + 1]
                for k in range(0, run, step(x)):
                    u, v, m, n = load(x, i + k), load(x, j + k), load(y, i + k), load(y, j + k)
                    s00, s01 = fma(m, u, s00), fma(m, v, s01)
                    s10, s11 = fma(n, u, s10), fma(n, v, s11)
            cot[ints[at + 3]] += total(s00)
            cot[ints[at + 4]] += total(s01)
            cot[ints[at + 5]] += total(s10)
            cot[ints[at + 6]] += total(s11)
        elif size == 3:
            s00, s01, s02 = zero, zero, zero
            s10, s11, s12 = zero, zero, zero
            s20, s21, s22 = zero, zero, zero
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j, o = base + ints[offsets], base + ints[offsets + 1], base + ints[offsets + 2]
                for k in range(0, run, step(x)):
                    u, v, w = load(x, i + k), load(x, j + k), load(x, o + k)
                    m, n, p = load(y, i + k), load(y, j + k), load(y, o + k)
                    s00, s01, s02 = fma(m, u, s00), fma(m, v, s01), fma(m, w, s02)
                    s10, s11, s12 = fma(n, u, s10), fma(n, v, s11), fma(n, w, s12)
                    s20, s21, s22 = fma(p, u, s20), fma(p, v, s21), fma(p, w, s22)
            cot[ints[at + 4]] += total(s00)
            cot[ints[at + 5]] += total(s01)
            cot[ints[at + 6]] += total(s02)
            cot[ints[at + 7]] += total(s10)
            cot[ints[at + 8]] += total(s11)
            cot[ints[at + 9]] += total(s12)
            cot[ints[at + 10]] += total(s20)
            cot[ints[at + 11]] += total(s21)
            cot[ints[at + 12]] += total(s22)
        elif size == 4:
            s00, s01, s02, s03 = zero, zero, zero, zero
            s10, s11, s12, s13 = zero, zero, zero, zero
            s20, s21, s22, s23 = zero, zero, zero, zero
            s30, s31, s32, s33 = zero, zero, zero, zero
            for r in range(rests):
                base = opened(r * run * 4, ints, digits, count)
                i, j = base + ints[offsets], base + ints[offsets + 1]
                o, p = base + ints[offsets + 2], base + ints[offsets + 3]
                for k in range(0, run, step(x)):
                    t, u, v, w = load(x, i + k), load(x, j + k), load(x, o + k), load(x, p + k)
                    l0 = load(y, i + k)
                    s00, s01 = fma(l0, t, s00), fma(l0, u, s01)
                    s02, s03 = fma(l0, v, s02), fma(l0, w, s03)
                    l1 = load(y, j + k)
                    s10, s11 = fma(l1, t, s10), fma(l1, u, s11)
                    s12, s13 = fma(l1, v, s12), fma(l1, w, s13)
                    l2 = load(y, o + k)
                    s20, s21 = fma(l2, t, s20), fma(l2, u, s21)
                    s22, s23 = fma(l2, v, s22), fma(l2, w, s23)
                    l3 = load(y, p + k)
                    s30, s31 = fma(l3, t, s30), fma(l3, u, s31)
                    s32, s33 = fma(l3, v, s32), fma(l3, w, s33)
            cot[ints[at + 5]] += total(s00)
            cot[ints[at + 6]] += total(s01)
            cot[ints[at + 7]] += total(s02)
            cot[ints[at + 8]] += total(s03)
            cot[ints[at + 9]] += total(s10)
            cot[ints[at + 10]] += total(s11)
            cot[ints[at + 11]] += total(s12)
            cot[ints[at + 12]] += total(s13)
            cot[ints[at + 13]] += total(s20)
            cot[ints[at + 14]] += total(s21)
            cot[ints[at + 15]] += total(s22)
            cot[ints[at + 16]] += total(s23)
            cot[ints[at + 17]] += total(s30)
            cot[ints[at + 18]] += total(s31)
            cot[ints[at + 19]] += total(s32)
            cot[ints[at + 20]] += total(s33)

    @variant(name)
    def many(x, ints, digits, count, run, rests, at, size, vals, turned, buf):
        """A component of any size."""
        L, offsets, m = step(x), at + 1, at + 1 + size
        for r in range(rests):
            base = opened(r * run * 4, ints, digits, count)
            for k in range(base, base + run, L):
                for i in range(size):
                    store(buf, i * L, load(x, ints[offsets + i] + k))
                for i in range(size):
                    s = splat(x, 0.0)
                    for j in range(size):
                        value = ints[m + (size * j + i if turned else size * i + j)]
                        if value != ZERO:
                            s = fma(splat(x, vals[value]), load(buf, j * L), s)
                    store(x, ints[offsets + i] + k, s)

    @variant(name)
    def many_backwards(x, y, ints, digits, count, run, rests, at, size, cot, buf, acc):
        L, offsets, m = step(x), at + 1, at + 1 + size
        for i in range(0, L * size * size, L):
            store(acc, i, splat(x, 0.0))
        for r in range(rests):
            base = opened(r * run * 4, ints, digits, count)
            for k in range(base, base + run, L):
                for j in range(size):
                    store(buf, j * L, load(x, ints[offsets + j] + k))
                for i in range(size):
                    left = load(y, ints[offsets + i] + k)
                    for j in range(size):
                        place = L * (size * i + j)
                        store(acc, place, fma(left, load(buf, j * L), load(acc, place)))
        for i in range(size * size):
            cot[ints[m + i]] += total(load(acc, L * i))

    return forwards, backwards, many, many_backwards


vectors = over("vectors", lanes, load, store, splat, fma, mul, total)
numbers = over("numbers", one_lane, got, put, same, plus, times, alone)
forwards_v, backwards_v, many_v, many_backwards_v = vectors
forwards_n, backwards_n, many_n, many_backwards_n = numbers


@inlined
def length(ints, at):
    """How many ints a component takes."""
    size = ints[at]
    if size == EXCHANGE:
        size = 2
    return 1 + size + size * size


@part
def applied(x, ints, record, vals, turned, buf):
    """The matrix of a record, or its transpose, on a state."""
    run, count, components = ints[record + 3], ints[record + 4], ints[record + 5]
    digits = record + RECORD
    at, rests = digits + count, (x.shape[0] >> (2 * count)) // run
    for _ in range(components):
        size = ints[at]
        if size > 4:
            if run >= lanes(x):
                many_v(x, ints, digits, count, run, rests, at, size, vals, turned, buf)
            else:
                many_n(x, ints, digits, count, run, rests, at, size, vals, turned, buf)
        elif run >= lanes(x):
            forwards_v(x, ints, digits, count, run, rests, at, size, vals, turned)
        else:
            forwards_n(x, ints, digits, count, run, rests, at, size, vals, turned)
        at += length(ints, at)


@part
def pulled(x, y, ints, record, cot, buf, acc):
    """cot += the derivatives by the values of a record: x is the state before it, y pulls on that after."""
    run, count, components = ints[record + 3], ints[record + 4], ints[record + 5]
    digits = record + RECORD
    at, rests = digits + count, (x.shape[0] >> (2 * count)) // run
    for _ in range(components):
        size = ints[at]
        if size > 4:
            if run >= lanes(x):
                many_backwards_v(x, y, ints, digits, count, run, rests, at, size, cot, buf, acc)
            else:
                many_backwards_n(x, y, ints, digits, count, run, rests, at, size, cot, buf, acc)
        elif run >= lanes(x):
            backwards_v(x, y, ints, digits, count, run, rests, at, size, cot)
        else:
            backwards_n(x, y, ints, digits, count, run, rests, at, size, cot)
        at += length(ints, at)
