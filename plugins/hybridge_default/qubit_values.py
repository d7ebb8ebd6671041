"""The entries of gates from the parameters, and cotangents of the entries back to the parameters."""

from __future__ import annotations

import numpy as np

from hybridge_default.compiling import inlined, part
from hybridge_default.qubit_layout import (
    BY_VALUES,
    CONSTANTS_AT,
    EXTERNAL_AT,
    FACTOR,
    NUM_EXTERNAL,
    NUM_PRODUCTS,
    NUM_TERMS,
    NUM_TRIGS,
    NUM_VALUES,
    PRODUCTS_AT,
    TERMS_AT,
    TERMS_FLOATS_AT,
    TRIGS_AT,
    TRIGS_FLOATS_AT,
    TURN_X,
    TURN_Y,
)
from hybridge_default.qubit_simd import add, floor, fma, fnma, load, mul, splat, store, sub


@inlined
def trig_room(count):
    """Numbers that the cosines, or the sines, of so many angles take: whole vectors."""
    return (count + 7) & -8


@part
def sincos(trigs, room):
    """Angles in the second half of `trigs` become sines, the first half their cosines.

    Cody and Waite's reduction by pi/2, exact with fused multiplications up to 2^30, and fdlibm's polynomials.
    """
    half, two = splat(trigs, 0.5), splat(trigs, 2.0)
    one, quarter = splat(trigs, 1.0), splat(trigs, 0.25)
    for i in range(0, room, 8):
        x = load(trigs, room + i)
        k = floor(fma(x, splat(trigs, 0.6366197723675814), half))
        r = fnma(k, splat(trigs, 6.123233995736766e-17), fnma(k, splat(trigs, 1.5707963267948966), x))
        z = mul(r, r)
        p = fma(z, splat(trigs, 1.58969099521155010221e-10), splat(trigs, -2.50507602534068634195e-08))
        p = fma(z, p, splat(trigs, 2.75573137070700676789e-06))
        p = fma(z, p, splat(trigs, -1.98412698298579493134e-04))
        p = fma(z, p, splat(trigs, 8.33333333332248946124e-03))
        p = fma(z, p, splat(trigs, -1.66666666666666324348e-01))
        s = fma(mul(z, r), p, r)
        p = fma(z, splat(trigs, -1.13596475577881948265e-11), splat(trigs, 2.08757232129817482790e-09))
        p = fma(z, p, splat(trigs, -2.75573143513906633035e-07))
        p = fma(z, p, splat(trigs, 2.48015872894767294178e-05))
        p = fma(z, p, splat(trigs, -1.38888888888741095749e-03))
        p = fma(z, p, splat(trigs, 4.16666666666666019037e-02))
        c = fma(mul(z, z), p, fnma(half, z, one))
        # of the number of quarters only the lowest two bits matter; products with 0 and 1 choose
        q = fnma(splat(trigs, 4.0), floor(mul(k, quarter)), k)
        high = floor(mul(q, half))
        odd = fnma(two, high, q)
        even = sub(one, odd)
        sign = fnma(two, high, one)
        other = fnma(two, mul(odd, sign), sign)  # the cosine's: -1 in quarters 1 and 2
        store(trigs, room + i, mul(sign, add(mul(even, s), mul(odd, c))))
        store(trigs, i, mul(other, add(mul(even, c), mul(odd, s))))


@part
def fill_trigs(ints, floats, row, trigs):
    at, fat, count = ints[TRIGS_AT], ints[TRIGS_FLOATS_AT], ints[NUM_TRIGS]
    room = trig_room(count)
    far = False
    for t in range(count):
        angle = floats[fat + 2 * t] * row[ints[at + t]] + floats[fat + 2 * t + 1]
        trigs[room + t] = angle
        far |= not abs(angle) < 2.0**30
    if far:  # infinities and what is not a number among them
        for t in range(count):
            angle = trigs[room + t]
            trigs[t], trigs[room + t] = np.cos(angle), np.sin(angle)
        return
    for t in range(count, room):
        trigs[room + t] = 0.0
    sincos(trigs, room)


@part
def fill(ints, floats, row, external, vals, trigs):
    """The values of one row of parameters: constants, terms in cosines and sines, products of 2 x 2."""
    at = ints[CONSTANTS_AT]
    for i in range(0, 2 * ints[NUM_VALUES], 8):  # both are padded to whole vectors
        store(vals, i, load(floats, at + i))
    at = ints[EXTERNAL_AT]
    for i in range(ints[NUM_EXTERNAL]):
        vals[2 * ints[at + i]] = external[2 * i]
        vals[2 * ints[at + i] + 1] = external[2 * i + 1]
    fill_trigs(ints, floats, row, trigs)
    room = trig_room(ints[NUM_TRIGS])
    at, fat = ints[TERMS_AT], ints[TERMS_FLOATS_AT]
    for k in range(ints[NUM_TERMS]):
        t = ints[at + 2 * k + 1]
        vals[ints[at + 2 * k]] += floats[fat + 2 * k] * trigs[t] + floats[fat + 2 * k + 1] * trigs[room + t]
    at = ints[PRODUCTS_AT]
    for _ in range(ints[NUM_PRODUCTS]):
        out, count = ints[at], ints[at + 1]
        at += 2
        one = complex(1.0, 0.0)
        a, b, c, d = one, 0 * one, 0 * one, one
        for _ in range(count):
            kind = ints[at]
            if kind == BY_VALUES:
                p, q, r, s = matrix(vals, ints, at + 1)
                a, b, c, d = p * a + q * c, p * b + q * d, r * a + s * c, r * b + s * d
            else:
                t = ints[at + 1]
                x, y = trigs[t], trigs[room + t]
                if kind == TURN_Y:
                    a, b, c, d = x * a - y * c, x * b - y * d, y * a + x * c, y * b + x * d
                elif kind == TURN_X:
                    a, c = x * a + complex(y * c.imag, -y * c.real), x * c + complex(y * a.imag, -y * a.real)
                    b, d = x * b + complex(y * d.imag, -y * d.real), x * d + complex(y * b.imag, -y * b.real)
                else:
                    u, v = complex(x, -y), complex(x, y)
                    a, b, c, d = u * a, u * b, v * c, v * d
            at += FACTOR
        keep(vals, out, a, b, c, d)


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
def pull(cot, i, number):
    """The cotangent of value i, whose change times `number` is half the result's."""
    cot[2 * i] += 2 * number.real
    cot[2 * i + 1] -= 2 * number.imag


@inlined
def keep(vals, i, a, b, c, d):
    vals[2 * i], vals[2 * i + 1], vals[2 * i + 2], vals[2 * i + 3] = a.real, a.imag, b.real, b.imag
    vals[2 * i + 4], vals[2 * i + 5], vals[2 * i + 6], vals[2 * i + 7] = c.real, c.imag, d.real, d.imag


@part
def pull_values(ints, floats, vals, cot, trigs, slopes, pulled):
    """The cotangents of the values, which this changes, become those of the parameters, added to `pulled`.

    Where a product stands, `cot` holds the sums G of conj(l_a) p_b over the states after it.
    """
    room = trig_room(ints[NUM_TRIGS])
    for t in range(ints[NUM_TRIGS]):
        slopes[t] = 0.0
    at = ints[PRODUCTS_AT]
    for _ in range(ints[NUM_PRODUCTS]):  # no product is a factor of another
        out, count = ints[at], ints[at + 1]
        at += 2 + FACTOR * count
        a, b, c, d = value(cot, out), value(cot, out + 1), value(cot, out + 2), value(cot, out + 3)
        for k in range(1, count + 1):
            i = at - FACTOR * k
            kind = ints[i]
            if kind == BY_VALUES:
                p, q, r, s = matrix(vals, ints, i + 1)
                e, f, g, h = p.conjugate(), q.conjugate(), r.conjugate(), s.conjugate()
                a, b, c, d = a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h
                pull(cot, ints[i + 1], a)
                pull(cot, ints[i + 2], b)
                pull(cot, ints[i + 3], c)
                pull(cot, ints[i + 4], d)
                a, b, c, d = p * a + r * c, p * b + r * d, q * a + s * c, q * b + s * d
                continue
            t = ints[i + 1]
            x, y = trigs[t], trigs[room + t]
            if kind == TURN_Y:
                slopes[t] += 2 * (c.real - b.real)
                a, b, c, d = x * a + y * c, x * b + y * d, x * c - y * a, x * d - y * b
                a, b, c, d = x * a + y * b, x * b - y * a, x * c + y * d, x * d - y * c
            elif kind == TURN_X:
                slopes[t] += 2 * (b.imag + c.imag)
                z = complex(0.0, y)
                a, b, c, d = x * a - z * c, x * b - z * d, x * c - z * a, x * d - z * b
                a, b, c, d = x * a + z * b, x * b + z * a, x * c + z * d, x * d + z * c
            else:
                slopes[t] += 2 * (a.imag - d.imag)
                u = complex(x * x - y * y, -2 * x * y)
                b, c = u * b, u.conjugate() * c
    at, fat = ints[TERMS_AT], ints[TERMS_FLOATS_AT]
    for k in range(ints[NUM_TERMS]):
        t = ints[at + 2 * k + 1]
        slope = floats[fat + 2 * k + 1] * trigs[t] - floats[fat + 2 * k] * trigs[room + t]
        slopes[t] += cot[ints[at + 2 * k]] * slope
    at, fat = ints[TRIGS_AT], ints[TRIGS_FLOATS_AT]
    for t in range(ints[NUM_TRIGS]):
        pulled[ints[at + t]] += slopes[t] * floats[fat + 2 * t]
