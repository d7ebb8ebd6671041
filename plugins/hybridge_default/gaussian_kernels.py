"""The kernels of default.gaussian in numba: a whole circuit, for a whole batch, in one call.

gaussian_layout.py describes the arrays. The quadratures that are read are taken back through the circuit, or
the covariance forward; derivatives take one sweep each way. numba keeps what it compiled by the date of this
file alone: touch it after a change of gaussian_layout.py or gaussian_forms.py.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from hybridge_default.compiling import OPTIONS, kept, sources
from hybridge_default.gaussian_forms import HYPERBOLIC, POWER, TRIG
from hybridge_default.gaussian_layout import (
    COEFFICIENTS_AT,
    CONSTANTS_AT,
    FUNCTIONS_AT,
    IDENTITY,
    LINEAR_AT,
    LINEAR_FLOATS_AT,
    NONE,
    NUM_COLUMNS,
    NUM_FUNCTIONS,
    NUM_LINEAR,
    NUM_PAIRS,
    NUM_PARTS,
    NUM_QUADRATIC,
    NUM_QUADRATURES,
    NUM_ROWS,
    NUM_TERMS,
    NUM_USES,
    NUM_VALUES,
    OFFSETS_AT,
    PAIRS_AT,
    QUADRATIC_AT,
    QUADRATIC_FLOATS_AT,
    RECORD,
    ROWS_AT,
    SCALES_AT,
    TERMS_AT,
    USES_AT,
    WIDEST,
)

# the sums over the rows of a state may be taken in any order
_OPTIONS = {**OPTIONS, "fastmath": {"contract", "nsz", "reassoc"}}
part = njit(**_OPTIONS)

PADDING = 8  # of a row of a covariance: else the columns of 128 modes share two sets of the cache


# ---- values -------------------------------------------------------------------------------------------


@part
def fill(ints, floats, numbers, vals, funcs):
    """The values and the functions of one row of the batch."""
    constants, at = ints[CONSTANTS_AT], ints[FUNCTIONS_AT]
    for i in range(ints[NUM_VALUES]):
        vals[i] = floats[constants + i]
    funcs[0] = 1.0
    for i in range(ints[NUM_FUNCTIONS]):
        kind = ints[at + 2 * i]
        x = floats[ints[SCALES_AT] + i] * numbers[ints[at + 2 * i + 1]]
        if kind == TRIG:
            u, v = math.cos(x), math.sin(x)
        elif kind == HYPERBOLIC:
            u, v = math.cosh(x), math.sinh(x)
        elif kind == POWER:
            u, v = x, x * x
        else:
            u, v = math.sqrt(x), x
        funcs[1 + 2 * i] = u
        funcs[2 + 2 * i] = v
    at = ints[TERMS_AT]
    for i in range(ints[NUM_TERMS]):
        value, first, second = ints[at + 3 * i], ints[at + 3 * i + 1], ints[at + 3 * i + 2]
        vals[value] += floats[ints[COEFFICIENTS_AT] + i] * funcs[first] * funcs[second]


@part
def pull_values(ints, floats, by_vals, funcs, by_funcs, pulled):
    """The cotangents of the values, added up to those of the parameters."""
    for i in range(by_funcs.shape[0]):
        by_funcs[i] = 0.0
    at = ints[TERMS_AT]
    for i in range(ints[NUM_TERMS]):
        first, second = ints[at + 3 * i + 1], ints[at + 3 * i + 2]
        g = by_vals[ints[at + 3 * i]] * floats[ints[COEFFICIENTS_AT] + i]
        by_funcs[first] += g * funcs[second]
        by_funcs[second] += g * funcs[first]
    at = ints[FUNCTIONS_AT]
    for i in range(ints[NUM_FUNCTIONS]):
        kind, column = ints[at + 2 * i], ints[at + 2 * i + 1]
        u, v = funcs[1 + 2 * i], funcs[2 + 2 * i]
        if kind == TRIG:
            du, dv = -v, u
        elif kind == HYPERBOLIC:
            du, dv = v, u
        elif kind == POWER:
            du, dv = 1.0, 2.0 * u
        else:
            du, dv = 0.5 / u, 1.0
        slope = by_funcs[1 + 2 * i] * du + by_funcs[2 + 2 * i] * dv
        pulled[column] += floats[ints[SCALES_AT] + i] * slope


# ---- the quadratures that are read, taken back ----------------------------------------------------------


@part
def multiply(out, to, vals, x, m, across, along, source, at, width):
    """out[to:] (width) = sum over a of vals[x + across + a along] * source[at + a width:]."""
    for q in range(width):
        out[to + q] = 0.0
    for a in range(m):
        s = vals[x + across + a * along]
        if s != 0.0:
            for q in range(width):
                out[to + q] += s * source[at + a * width + q]


@part
def take_back(ints, vals, L, parts, keep, weighted, mean, pairs):
    """L (2n, R): each row read in terms of the quadratures at the start; parts: what it was at each use,
    at all of them to `keep`, else at the last."""
    R, E, listed = ints[NUM_ROWS], ints[NUM_PAIRS], ints[PAIRS_AT]
    L[:], mean[:], pairs[:] = 0.0, 0.0, 0.0
    for q in range(R):
        L[ints[ints[ROWS_AT] + q] * R + q] = 1.0
    for use in range(ints[NUM_USES] - 1, -1, -1):
        at = ints[ints[USES_AT] + use]
        m, x, d, y = ints[at], ints[at + 1], ints[at + 2], ints[at + 3]
        start = ints[at + 5] if keep else 0
        at += RECORD
        for a in range(m):
            source = ints[at + a] * R
            for q in range(R):
                parts[start + a * R + q] = L[source + q]
        if d != NONE:
            for a in range(m):
                for q in range(R):
                    mean[q] += vals[d + a] * parts[start + a * R + q]
        if y != NONE:
            for a in range(m):
                multiply(weighted, a * R, vals, y, m, a * m, 1, parts, start, R)
            for e in range(E):
                first, second = ints[listed + 2 * e], ints[listed + 2 * e + 1]
                for a in range(m):
                    pairs[e] += parts[start + a * R + first] * weighted[a * R + second]
        if x >= 0:
            for b in range(m):
                multiply(L, ints[at + b] * R, vals, x, m, b, m, parts, start, R)
        elif x == NONE:  # what these modes were before has no part in it
            for b in range(m):
                for q in range(R):
                    L[ints[at + b] * R + q] = 0.0
    for k in range(ints[NUM_QUADRATURES]):
        for e in range(E):
            pairs[e] += L[k * R + ints[listed + 2 * e]] * L[k * R + ints[listed + 2 * e + 1]]


@part
def take_forward(ints, vals, L, by_L, parts, weighted, by_mean, by_pairs, by_vals):
    """The reverse of take_back: from the cotangents of mean and pairs to those of the values."""
    R, E, listed = ints[NUM_ROWS], ints[NUM_PAIRS], ints[PAIRS_AT]
    by_L[:], by_vals[:] = 0.0, 0.0
    for k in range(ints[NUM_QUADRATURES]):
        for e in range(E):
            first, second = k * R + ints[listed + 2 * e], k * R + ints[listed + 2 * e + 1]
            by_L[first] += by_pairs[e] * L[second]
            by_L[second] += by_pairs[e] * L[first]
    new = weighted[weighted.shape[0] // 2 :]
    for use in range(ints[NUM_USES]):
        at = ints[ints[USES_AT] + use]
        m, x, d, y = ints[at], ints[at + 1], ints[at + 2], ints[at + 3]
        wanted, start = ints[at + 4], ints[at + 5]
        at += RECORD
        if x != IDENTITY:
            for a in range(m):
                for q in range(R):
                    new[a * R + q] = by_L[ints[at + a] * R + q]
        if x >= 0:
            for a in range(m):
                if wanted:
                    for b in range(m):
                        total = 0.0
                        for q in range(R):
                            total += parts[start + a * R + q] * new[b * R + q]
                        by_vals[x + a * m + b] = total
                multiply(by_L, ints[at + a] * R, vals, x, m, a * m, 1, new, 0, R)
        elif x == NONE:
            for a in range(m):
                for q in range(R):
                    by_L[ints[at + a] * R + q] = 0.0
        if d != NONE:
            for a in range(m):
                total = 0.0
                for q in range(R):
                    total += parts[start + a * R + q] * by_mean[q]
                    by_L[ints[at + a] * R + q] += vals[d + a] * by_mean[q]
                by_vals[d + a] = total
        if y != NONE:
            for a in range(m):
                multiply(weighted, a * R, vals, y, m, a * m, 1, parts, start, R)
            for e in range(E):
                first, second, g = ints[listed + 2 * e], ints[listed + 2 * e + 1], by_pairs[e]
                for a in range(m):
                    by_L[ints[at + a] * R + first] += g * weighted[a * R + second]
                    by_L[ints[at + a] * R + second] += g * weighted[a * R + first]
                    for b in range(m):
                        by_vals[y + a * m + b] += g * (
                            parts[start + a * R + first] * parts[start + b * R + second]
                        )


@part
def measure(ints, floats, mean, pairs, out):
    """The columns that are quadratic in the quadratures, then the mean and the pairs themselves."""
    M, R, listed = ints[NUM_COLUMNS], ints[NUM_ROWS], ints[PAIRS_AT]
    for c in range(M):
        out[c] = floats[ints[OFFSETS_AT] + c]
    for t in range(ints[NUM_LINEAR]):
        at = ints[LINEAR_AT] + 2 * t
        out[ints[at]] += floats[ints[LINEAR_FLOATS_AT] + t] * mean[ints[at + 1]]
    for t in range(ints[NUM_QUADRATIC]):
        at = ints[QUADRATIC_AT] + 2 * t
        e = ints[at + 1]
        product = mean[ints[listed + 2 * e]] * mean[ints[listed + 2 * e + 1]]
        out[ints[at]] += floats[ints[QUADRATIC_FLOATS_AT] + t] * (pairs[e] + product)
    for q in range(R):
        out[M + q] = mean[q]
    for e in range(ints[NUM_PAIRS]):
        out[M + R + e] = pairs[e]


@part
def pull_measure(ints, floats, mean, cotangent, by_mean, by_pairs):
    M, R, listed = ints[NUM_COLUMNS], ints[NUM_ROWS], ints[PAIRS_AT]
    for q in range(R):
        by_mean[q] = cotangent[M + q]
    for e in range(ints[NUM_PAIRS]):
        by_pairs[e] = cotangent[M + R + e]
    for t in range(ints[NUM_LINEAR]):
        at = ints[LINEAR_AT] + 2 * t
        by_mean[ints[at + 1]] += floats[ints[LINEAR_FLOATS_AT] + t] * cotangent[ints[at]]
    for t in range(ints[NUM_QUADRATIC]):
        at = ints[QUADRATIC_AT] + 2 * t
        e = ints[at + 1]
        first, second = ints[listed + 2 * e], ints[listed + 2 * e + 1]
        g = floats[ints[QUADRATIC_FLOATS_AT] + t] * cotangent[ints[at]]
        by_pairs[e] += g
        by_mean[first] += g * mean[second]
        by_mean[second] += g * mean[first]


# ---- the whole state, forward -----------------------------------------------------------------------------


@part
def multiply_wide(out, to, vals, x, m, source, width):
    """out[to:] (width) = sum over a of vals[x + a] * source[a width:]: one pass for one or two modes."""
    if m == 2:
        s, t = vals[x], vals[x + 1]
        for q in range(width):
            out[to + q] = s * source[q] + t * source[width + q]
    elif m == 4:
        s, t, u, v = vals[x], vals[x + 1], vals[x + 2], vals[x + 3]
        for q in range(width):
            first = s * source[q] + t * source[width + q]
            out[to + q] = first + (u * source[2 * width + q] + v * source[3 * width + q])
    else:
        multiply(out, to, vals, x, m, 0, 1, source, 0, width)


@part
def evolve(ints, vals, rows, V, stride, mean):
    """mean (2n,) and V (2n rows of `stride`) at the end; each use changes its rows and columns alone."""
    size = ints[NUM_QUADRATURES]
    V[:], mean[:] = 0.0, 0.0
    for i in range(size):
        V[i * stride + i] = 1.0
    moved = rows[rows.shape[0] // 2 :]
    for use in range(ints[NUM_USES]):
        at = ints[ints[USES_AT] + use]
        m, x, d, y = ints[at], ints[at + 1], ints[at + 2], ints[at + 3]
        at += RECORD
        if x != IDENTITY:
            for a in range(m):
                source = ints[at + a]
                moved[a] = mean[source]
                for k in range(size):
                    rows[a * size + k] = V[source * stride + k]
            for a in range(m):
                to = ints[at + a]
                mean[to] = 0.0
                if x == NONE:
                    for k in range(size):
                        V[to * stride + k] = 0.0
                else:
                    for b in range(m):
                        mean[to] += vals[x + a * m + b] * moved[b]
                    multiply_wide(V, to * stride, vals, x + a * m, m, rows, size)
            for a in range(m):  # the block where both are moved, once more from the right
                for b in range(m):
                    total = 0.0
                    if x >= 0:
                        for c in range(m):
                            total += V[ints[at + a] * stride + ints[at + c]] * vals[x + b * m + c]
                    moved[a * m + b] = total
            for a in range(m):
                for b in range(m):
                    V[ints[at + a] * stride + ints[at + b]] = moved[a * m + b]
            for a in range(0, m, 2):  # neighbours of x or of p are often in the same line of the cache
                i, j = ints[at + a], ints[at + a + 1]
                for k in range(size):
                    V[k * stride + i] = V[i * stride + k]
                    V[k * stride + j] = V[j * stride + k]
        if d != NONE:
            for a in range(m):
                mean[ints[at + a]] += vals[d + a]
        if y != NONE:
            for a in range(m):
                for b in range(m):
                    V[ints[at + a] * stride + ints[at + b]] += vals[y + a * m + b]


# ---- what is called ------------------------------------------------------------------------------------


def entry_points(digest: str) -> tuple[Any, Any, Any]:
    """The kernels to call; `digest` belongs to what they are kept under."""

    @partial(kept, options=_OPTIONS)
    def forward(ints, floats, params, out):
        """params (B, P) -> out (B, columns + rows + pairs)."""
        _ = digest  # only what a function names belongs to its closure
        R, E, size = ints[NUM_ROWS], ints[NUM_PAIRS], ints[NUM_QUADRATURES]
        vals, funcs = np.empty(ints[NUM_VALUES]), np.empty(1 + 2 * ints[NUM_FUNCTIONS])
        L, parts, weighted = np.empty(size * R), np.empty(ints[WIDEST] * R), np.empty(2 * ints[WIDEST] * R)
        mean, pairs = np.empty(R), np.empty(E)
        for b in range(params.shape[0]):
            fill(ints, floats, params[b], vals, funcs)
            take_back(ints, vals, L, parts, False, weighted, mean, pairs)
            measure(ints, floats, mean, pairs, out[b])

    @partial(kept, options=_OPTIONS)
    def backward(ints, floats, params, cotangent, pulled):
        """cotangent (B, columns + rows + pairs) -> pulled (B, P), zeros before."""
        _ = digest
        R, E, size = ints[NUM_ROWS], ints[NUM_PAIRS], ints[NUM_QUADRATURES]
        vals, funcs = np.empty(ints[NUM_VALUES]), np.empty(1 + 2 * ints[NUM_FUNCTIONS])
        by_vals, by_funcs = np.empty(vals.shape[0]), np.empty(funcs.shape[0])
        L, parts, weighted = np.empty(size * R), np.empty(ints[NUM_PARTS]), np.empty(2 * ints[WIDEST] * R)
        mean, pairs, by_L = np.empty(R), np.empty(E), np.empty(size * R)
        by_mean, by_pairs = np.empty(R), np.empty(E)
        for b in range(params.shape[0]):
            fill(ints, floats, params[b], vals, funcs)
            take_back(ints, vals, L, parts, True, weighted, mean, pairs)
            pull_measure(ints, floats, mean, cotangent[b], by_mean, by_pairs)
            take_forward(ints, vals, L, by_L, parts, weighted, by_mean, by_pairs, by_vals)
            pull_values(ints, floats, by_vals, funcs, by_funcs, pulled[b])

    @partial(kept, options=_OPTIONS)
    def states(ints, floats, params, out):
        """params (B, P) -> out (B, 2n + 4n^2): the mean, and the covariance row-major."""
        _ = digest
        size = ints[NUM_QUADRATURES]
        vals, funcs = np.empty(ints[NUM_VALUES]), np.empty(1 + 2 * ints[NUM_FUNCTIONS])
        rows = np.empty(2 * ints[WIDEST] * size)
        stride = size + PADDING
        V = np.empty(size * stride)
        for b in range(params.shape[0]):
            fill(ints, floats, params[b], vals, funcs)
            evolve(ints, vals, rows, V, stride, out[b, :size])
            for i in range(size):
                for k in range(size):
                    out[b, size + i * size + k] = V[i * stride + k]

    return forward, backward, states


forward, backward, states = entry_points(sources("gaussian"))
