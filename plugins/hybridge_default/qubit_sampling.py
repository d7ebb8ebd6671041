"""Drawing from exact probabilities in numba: shots in their order, or how often each outcome came.

Both are exact up to the rounding of the sums of probabilities, which need not be 1; an outcome of
probability 0 is never drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge_default.compiling import kept, owner, part, sources

_TOGETHER = 64  # shots whose loads from the tables, which miss the cache, are under way at once
# from so many shots, in all and per outcome, a binomial for each outcome is sooner drawn than every shot
_MANY, _MANY_EACH = 4096, 20


def checked(probs: np.ndarray) -> np.ndarray:
    """The probabilities; FloatingPointError where those of a row have no positive sum."""
    sums = probs.sum(axis=1)
    if not ((sums > 0) & (sums < np.inf)).all():  # NaN is neither
        raise FloatingPointError(
            "nothing can be drawn: the probabilities of a state are not finite, or all 0"
        )
    return probs


def sample(probs: np.ndarray, wires: int, shots: int, seed: int | None) -> np.ndarray:
    """probs (B, 2^k), which this changes -> bits (B, shots * k) int64, shot by shot."""
    rows, outcomes = checked(probs).shape
    buckets = 1 << (min(shots, outcomes) - 1).bit_length()
    table = np.empty(buckets + 2, np.uint32 if wires < 32 else np.int64)  # the smaller the fewer cache misses
    found = np.empty((rows, shots, wires), np.int64)
    pick(probs, np.random.default_rng(seed).random((rows, shots)), table, found)
    return found.reshape(rows, -1)


def count(probs: np.ndarray, wires: int, shots: int, seed: int | None) -> np.ndarray:
    """probs (B, 2^k) -> (B, 2 m), m = min(shots, 2^k): outcomes, then the times of each; 0 where to spare."""
    rng, (rows, outcomes) = np.random.default_rng(seed), checked(probs).shape
    found = np.zeros((rows, 2, min(shots, outcomes)), np.int64)
    if shots >= max(_MANY, _MANY_EACH * outcomes):
        found[:, 0] = np.arange(outcomes)
        found[:, 1] = multinomial(probs, shots, rng)
    else:
        merge(probs, rng.standard_exponential((rows, shots + 1)), found)
    return found.reshape(rows, -1)


def multinomial(probs: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """(B, d): how often each outcome came, by a binomial for each but the last, which gets the rest."""
    rows = np.arange(len(probs))
    # what rounding leaves over must not go to an outcome of probability 0: the likeliest takes the last place
    order = np.tile(np.arange(probs.shape[1]), (len(probs), 1))
    likeliest = probs.argmax(axis=1)
    order[rows, likeliest], order[:, -1] = order[:, -1], likeliest
    ordered = np.take_along_axis(probs, order, axis=1)
    drawn = rng.multinomial(shots, ordered / ordered.sum(axis=1, keepdims=True))
    return np.take_along_axis(drawn, order, axis=1)  # the exchange of two undoes itself


@part
def accumulate(probs):
    """Probabilities become their running sums."""
    a = 0.0
    for i in range(probs.shape[0]):
        a += probs[i]
        probs[i] = a


@part
def guide(sums, scale, table):
    """table[b]: how many outcomes end before bucket b, that of v being int(v * scale).

    L. Devroye, Non-Uniform Random Variate Generation (1986), III.2.4. One function gives the buckets here
    and of the shots, so that rounding cannot part them.
    """
    table[:] = 0
    for j in range(sums.shape[0]):
        table[int(sums[j] * scale) + 1] = j + 1
    most = table[0]
    for b in range(table.shape[0]):
        most = max(most, table[b])
        table[b] = most


@owner
def picked(probs, uniform, table, bits):
    """The outcome of each shot: the first whose running sum is above its uniform number times the sum."""
    shots, wires = bits.shape[1], bits.shape[2]
    outcomes = np.empty(shots, np.int64)
    at, target, reached = np.empty(_TOGETHER, np.int64), np.empty(_TOGETHER), np.empty(_TOGETHER)
    for row in range(probs.shape[0]):
        sums = probs[row]
        accumulate(sums)
        total = sums[-1]
        below, scale = np.nextafter(total, 0.0), (table.shape[0] - 2) / total
        guide(sums, scale, table)
        for start in range(0, shots, _TOGETHER):
            number = min(_TOGETHER, shots - start)
            for s in range(number):  # rounding must not bring it to the sum itself, which nothing is above
                target[s] = min(uniform[row, start + s] * total, below)
            for s in range(number):
                at[s] = table[int(target[s] * scale)]
            for s in range(number):
                reached[s] = sums[at[s]]
            for s in range(number):
                j = at[s]
                if reached[s] <= target[s]:
                    j += 1
                    while sums[j] <= target[s]:
                        j += 1
                outcomes[start + s] = j
        for s in range(shots):
            for q in range(wires):
                bits[row, s, q] = (outcomes[s] >> (wires - 1 - q)) & 1


@owner
def merged(probs, gaps, found):
    """How often each outcome came: uniform numbers in ascending order, merged with the running sums.

    The running sums of exponential gaps, divided by the last of them, are sorted uniform numbers (Devroye,
    V.3.1). Every step takes one more shot or one more outcome, without a branch that could be mispredicted.
    """
    for row in range(probs.shape[0]):
        p, gap, outcomes, times = probs[row], gaps[row], found[row, 0], found[row, 1]
        shots = gap.shape[0] - 1
        total, length, last = 0.0, 0.0, 0
        for i in range(p.shape[0]):
            before = total
            total += p[i]
            last = i if total > before else last  # no outcome of probability 0
        for s in range(shots + 1):
            length += gap[s]
        scale = total / length
        i, s, entry, here = 0, 0, 0, 0
        v, c = gap[0] * scale, p[0]
        while i < last and s < shots:
            taken = v < c
            outcomes[entry] = i
            times[entry] = here
            entry += (not taken) and here > 0
            here = here + 1 if taken else 0
            later, above = v + gap[s + 1] * scale, c + p[i + 1]
            v, c = later if taken else v, c if taken else above
            s += taken
            i += not taken
        here += shots - s  # what is left, and what rounding brings to the sum itself
        if here > 0:
            outcomes[entry] = i
            times[entry] = here
            entry += 1
        outcomes[entry:] = 0
        times[entry:] = 0


def entry_points(digest: str) -> tuple[Any, Any]:
    """The kernels to call; `digest` belongs to what they are kept under."""

    @kept
    def pick(probs, uniform, table, bits):
        _ = digest  # only what a function names belongs to its closure
        picked(probs, uniform, table, bits)

    @kept
    def merge(probs, gaps, found):
        _ = digest
        merged(probs, gaps, found)

    return pick, merge


pick, merge = entry_points(sources("qubit"))
