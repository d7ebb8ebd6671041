"""The entries of matrices from features, and cotangents of the entries back to the features."""

from __future__ import annotations

from hybridge_default.compiling import inlined, part
from hybridge_default.mixed_layout import (
    CONSTANTS_AT,
    NUM_PRODUCTS,
    NUM_TERMS,
    NUM_VALUES,
    PRODUCTS_AT,
    TERMS_AT,
    TERMS_FLOATS_AT,
)


@inlined
def times_values(out, to, vals, ints, at, other, start):
    """out[to:] = M other[start:], (4, 4) each, M the matrix whose values' numbers are ints[at:]."""
    for i in range(4):
        for j in range(4):
            s = 0.0
            for k in range(4):
                s += vals[ints[at + 4 * i + k]] * other[start + 4 * k + j]
            out[to + 4 * i + j] = s


@part
def prefixes(vals, ints, at, count, partial):
    """partial[16 j:]: the product of the first j + 1 factors of a product."""
    for e in range(16):
        partial[e] = vals[ints[at + e]]
    for j in range(1, count):
        times_values(partial, 16 * j, vals, ints, at + 16 * j, partial, 16 * (j - 1))


@part
def fill(ints, floats, features, vals, partial):
    at = ints[CONSTANTS_AT]
    for v in range(ints[NUM_VALUES]):
        vals[v] = floats[at + v]
    at, fat = ints[TERMS_AT], ints[TERMS_FLOATS_AT]
    for t in range(ints[NUM_TERMS]):
        vals[ints[at + 2 * t]] += floats[fat + t] * features[ints[at + 2 * t + 1]]
    at = ints[PRODUCTS_AT]
    for _ in range(ints[NUM_PRODUCTS]):
        out, count = ints[at], ints[at + 1]
        prefixes(vals, ints, at + 2, count, partial)
        for e in range(16):
            vals[out + e] = partial[16 * (count - 1) + e]
        at += 2 + 16 * count


@part
def pull_values(ints, floats, vals, cot, pulled, partial, slope):
    """Cotangents of the values, which this changes, become those of the features, added to `pulled`."""
    at = ints[PRODUCTS_AT]
    for _ in range(ints[NUM_PRODUCTS]):
        out, count = ints[at], ints[at + 1]
        at += 2
        prefixes(vals, ints, at, count, partial)
        for e in range(16):
            slope[e] = cot[out + e]
        for j in range(count - 1, -1, -1):
            own = at + 16 * j
            for i in range(4):
                for k in range(4):
                    s = 0.0
                    if j:
                        for q in range(4):
                            s += slope[4 * i + q] * partial[16 * (j - 1) + 4 * k + q]
                    else:
                        s = slope[4 * i + k]
                    cot[ints[own + 4 * i + k]] += s
            for i in range(4):
                for k in range(4):
                    s = 0.0
                    for q in range(4):
                        s += vals[ints[own + 4 * q + i]] * slope[4 * q + k]
                    slope[16 + 4 * i + k] = s
            for e in range(16):
                slope[e] = slope[16 + e]
        at += 16 * count
    at, fat = ints[TERMS_AT], ints[TERMS_FLOATS_AT]
    for t in range(ints[NUM_TERMS]):
        pulled[ints[at + 2 * t + 1]] += floats[fat + t] * cot[ints[at + 2 * t]]
