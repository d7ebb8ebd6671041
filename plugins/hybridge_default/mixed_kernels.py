"""The kernels of default.mixed in numba: a whole circuit, for a whole batch, in one call.

mixed_layout.py describes the arrays. Derivatives go backwards once: a gate is undone by its transpose, and
before a channel, which nothing undoes, the state is taken from a stack of states kept on the way. Where the
stack is too short for all of them, it is every so many, between which the circuit is run again.
"""

from __future__ import annotations

import numpy as np

from hybridge_default.compiling import kept, owner, part, sources
from hybridge_default.mixed_gates import applied, pulled
from hybridge_default.mixed_layout import (
    FIRST_GRAD,
    LARGEST,
    LONGEST,
    NUM_DIGITS,
    NUM_LOSSY,
    NUM_RECORDS,
    NUM_VALUES,
    ONES,
    RECORDS_AT,
    START_AT,
)
from hybridge_default.mixed_measures import measure, pull_measure
from hybridge_default.mixed_values import fill, pull_values
from hybridge_default.qubit_simd import aligned, lanes, load, store


@part
def start(ints, floats, x):
    """The first state."""
    at = ints[START_AT]
    if at >= 0:
        for i in range(x.shape[0]):
            x[i] = floats[at + i]
        return
    for i in range(x.shape[0]):
        x[i] = 0.0
    x[0] = 1.0
    size = 1
    for d in range(ints[NUM_DIGITS]):  # words of I and Z alone: those of a lower digit times 1 and +-1
        sign = -1.0 if (ints[ONES] >> d) & 1 else 1.0
        for i in range(size):
            x[3 * size + i] = sign * x[i]
        size *= 4


@part
def copy(source, target):
    L = lanes(source)
    if source.shape[0] < L:
        for i in range(source.shape[0]):
            target[i] = source[i]
    else:  # four times as fast as number by number
        for i in range(0, source.shape[0], L):
            store(target, i, load(source, i))


@part
def record(ints, r):
    return ints[ints[RECORDS_AT] + r]


@part
def lossy(ints, r):
    """Of the records before number r, how many nothing undoes."""
    if r == ints[NUM_RECORDS]:
        return ints[NUM_LOSSY]
    return ints[record(ints, r) + 2]


@owner
def reached(ints, floats, vals, x, target, stack, places, depth, buf):
    """x becomes the state before record number `target`; the depth of the stack from now on.

    The stack holds states before records that nothing undoes, which the circuit has not yet gone back over.
    """
    at = 0
    if depth:
        copy(stack[depth - 1], x)
        at = places[depth - 1]
        if at == target:
            return depth - 1
    else:
        start(ints, floats, x)
    free = stack.shape[0] - depth
    ahead = lossy(ints, target) - lossy(ints, at)
    spacing = 1 if ahead <= free else 1 + ahead // max(1, free // 2)
    since = 0 if depth else spacing  # the state before the first record need not be kept
    for r in range(at, target):
        here = record(ints, r)
        if not ints[here + 1]:
            if r > at and since >= spacing - 1 and depth < stack.shape[0]:
                copy(x, stack[depth])
                places[depth] = r
                depth += 1
                since = 0
            else:
                since += 1
        applied(x, ints, here, vals, False, buf)
    return depth


def entry_points(digest):
    """The kernels to call; `digest` belongs to what they are kept under."""

    @kept
    def forward(ints, floats, like, features, out):
        """features (B, F) -> out (B, columns). `like`: an array of the precision of states."""
        _ = digest  # only what a function names belongs to its closure
        size = 1 << (2 * ints[NUM_DIGITS])
        x, buf = aligned(size, like), aligned(lanes(like) * ints[LARGEST], like)
        vals, partial = np.empty(ints[NUM_VALUES]), np.empty(16 * max(1, ints[LONGEST]))
        for b in range(features.shape[0]):
            fill(ints, floats, features[b], vals, partial)
            start(ints, floats, x)
            for r in range(ints[NUM_RECORDS]):
                applied(x, ints, record(ints, r), vals, False, buf)
            measure(ints, floats, x, out[b])

    @kept
    def backward(ints, floats, like, features, cotangent, room, pull, out):
        """cotangent (B, columns), which this changes -> pull (B, F), zeros before, and the values out.

        `room`: how many states may be kept on the way.
        """
        _ = digest
        size, largest = 1 << (2 * ints[NUM_DIGITS]), ints[LARGEST]
        x, y, buf = aligned(size, like), aligned(size, like), aligned(lanes(like) * largest, like)
        acc = aligned(lanes(like) * largest * largest, like)
        vals, partial = np.empty(ints[NUM_VALUES]), np.empty(16 * max(1, ints[LONGEST]))
        cot, slope = np.empty(ints[NUM_VALUES]), np.empty(32)
        room = min(room, ints[NUM_LOSSY])
        block, places = aligned(size * room, like), np.empty(room + 1, np.int64)
        stack = block.reshape((room, size))
        for b in range(features.shape[0]):
            fill(ints, floats, features[b], vals, partial)
            depth = reached(ints, floats, vals, x, ints[NUM_RECORDS], stack, places, 0, buf)
            measure(ints, floats, x, out[b])
            for i in range(size):
                y[i] = 0.0
            pull_measure(ints, floats, cotangent[b], x, y)
            for v in range(ints[NUM_VALUES]):
                cot[v] = 0.0
            for r in range(ints[NUM_RECORDS] - 1, ints[FIRST_GRAD] - 1, -1):
                here = record(ints, r)
                if ints[here + 1]:
                    applied(x, ints, here, vals, True, buf)
                else:
                    depth = reached(ints, floats, vals, x, r, stack, places, depth, buf)
                if ints[here]:
                    pulled(x, y, ints, here, cot, buf, acc)
                applied(y, ints, here, vals, True, buf)
            pull_values(ints, floats, vals, cot, pull[b], partial, slope)

    return forward, backward


forward, backward = entry_points(sources("mixed"))
