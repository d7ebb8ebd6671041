"""Measurements of Pauli coefficients, and what their cotangents pull on: most are single coefficients."""

from __future__ import annotations

from hybridge_default.compiling import inlined, part
from hybridge_default.mixed_layout import COLUMNS_AT, EXPVAL, NUM_COLUMNS, PROBS, VAR


@part
def mean(ints, floats, words, count, at, x):
    s = 0.0
    for i in range(count):
        s += floats[at + i] * x[ints[words + i]]
    return s


@part
def spread(ints, floats, words, count, at, g, y):
    for i in range(count):
        y[ints[words + i]] += g * floats[at + i]


@inlined
def word(number, ints, digits, count, bits, letter):
    """The word that the number writes in `count` digits of so many bits, each times `letter`."""
    found = 0
    for q in range(count):
        own = (number >> (bits * (count - 1 - q))) & ((1 << bits) - 1)
        found += (own * letter) << (2 * ints[digits + q])
    return found


@part
def transformed(out, start, count):
    """Walsh and Hadamard's transform of 2^count numbers, in place."""
    half = 1
    while half < 1 << count:
        for i in range(start, start + (1 << count), 2 * half):
            for k in range(i, i + half):
                a, b = out[k], out[k + half]
                out[k], out[k + half] = a + b, a - b
        half *= 2


@part
def measure(ints, floats, x, out):
    """Every column of one row of the batch."""
    for c in range(ints[NUM_COLUMNS]):
        at = ints[ints[COLUMNS_AT] + c]
        code, place, count = ints[at], ints[at + 1], ints[at + 2]
        if code == EXPVAL:
            out[place] = mean(ints, floats, at + 4, count, ints[at + 3], x)
        elif code == VAR:
            first = mean(ints, floats, at + 6, count, ints[at + 3], x)
            out[place] = mean(ints, floats, at + 6 + count, ints[at + 4], ints[at + 5], x) - first * first
        elif code == PROBS:
            size = 1 << count
            for b in range(size):
                out[place + b] = x[word(b, ints, at + 3, count, 1, 3)] / size
            transformed(out, place, count)
            for b in range(size):  # rounding
                out[place + b] = max(out[place + b], 0.0)
        else:
            for p in range(1 << (2 * count)):
                out[place + p] = x[word(p, ints, at + 3, count, 2, 1)]


@part
def pull_measure(ints, floats, cot, x, y):
    """y += the derivatives of sum(cot * columns) by x; `cot` is changed."""
    for c in range(ints[NUM_COLUMNS]):
        at = ints[ints[COLUMNS_AT] + c]
        code, place, count = ints[at], ints[at + 1], ints[at + 2]
        if code == EXPVAL:
            spread(ints, floats, at + 4, count, ints[at + 3], cot[place], y)
        elif code == VAR:
            first = mean(ints, floats, at + 6, count, ints[at + 3], x)
            spread(ints, floats, at + 6, count, ints[at + 3], -2.0 * first * cot[place], y)
            spread(ints, floats, at + 6 + count, ints[at + 4], ints[at + 5], cot[place], y)
        elif code == PROBS:
            size = 1 << count
            transformed(cot, place, count)
            for b in range(size):
                y[word(b, ints, at + 3, count, 1, 3)] += cot[place + b] / size
