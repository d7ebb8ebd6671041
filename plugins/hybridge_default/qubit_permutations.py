"""Runs of gates that move amplitudes, in one pass: out_i is x_s(i), s(i) an xor of images of i's bits."""

from __future__ import annotations

from hybridge_default.compiling import part
from hybridge_default.qubit_gates import flipped
from hybridge_default.qubit_layout import IN_ORDER, PLAIN
from hybridge_default.qubit_simd import got, lanes, load, put, store


@part
def gathered(re, ints, high, low, sort, spare):
    """One part of the state permuted. `high`: where the sources of vectors are; `low`: of lanes in them."""
    L, size = lanes(re), re.shape[0]
    at = high
    if sort == PLAIN:
        for i in range(0, size, L):
            store(spare, i, load(re, ints[at]))
            at += 1
    elif sort == IN_ORDER:
        for i in range(0, size, L):
            source = ints[at]
            store(spare, i, flipped(load(re, source & -L), source & (L - 1)))
            at += 1
    else:
        for half in range(0, L, 8):
            a, b, c, d = ints[low + half], ints[low + half + 1], ints[low + half + 2], ints[low + half + 3]
            e, f, g, h = (
                ints[low + half + 4],
                ints[low + half + 5],
                ints[low + half + 6],
                ints[low + half + 7],
            )
            at = high
            for i in range(half, size, L):
                s = ints[at]
                put(spare, i, got(re, s ^ a))
                put(spare, i + 1, got(re, s ^ b))
                put(spare, i + 2, got(re, s ^ c))
                put(spare, i + 3, got(re, s ^ d))
                put(spare, i + 4, got(re, s ^ e))
                put(spare, i + 5, got(re, s ^ f))
                put(spare, i + 6, got(re, s ^ g))
                put(spare, i + 7, got(re, s ^ h))
                at += 1
    for i in range(0, size, L):
        store(re, i, load(spare, i))


@part
def permutation(re, im, ints, at, inverse, spare):
    L = lanes(re)
    vectors = re.shape[0] // L
    high = at + 3 + (vectors + L if inverse else 0)
    gathered(re, ints, high, high + vectors, ints[at + 2], spare)
    gathered(im, ints, high, high + vectors, ints[at + 2], spare)
