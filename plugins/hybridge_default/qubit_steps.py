"""Large states: one row of a batch in steps, whose parts threads share.

A step is a sweep, or what comes between sweeps. The sums over a state that derivatives need are made part by
part and added in the order of the parts, so that the number of threads changes no bit of them.
"""

from __future__ import annotations

import numpy as np

from hybridge_default.compiling import kept, sources
from hybridge_default.qubit_kernels import start
from hybridge_default.qubit_layout import (
    BLOCK,
    NUM_GATES,
    NUM_KEPT,
    NUM_OUTER,
    NUM_SWEEPS,
    NUM_TABLE,
    NUM_TRIGS,
    NUM_VALUES,
    SIZE,
    SWEEPS_AT,
)
from hybridge_default.qubit_measures import measure, pull_measure
from hybridge_default.qubit_program import Program
from hybridge_default.qubit_simd import aligned
from hybridge_default.qubit_sweeps import backwards, forwards
from hybridge_default.qubit_threads import share
from hybridge_default.qubit_values import fill, pull_values, trig_room

PARTS = 16  # of a sweep at most: few enough for their sums, more than there are threads
BEGIN, FORWARDS, MEASURE, PULL, BACKWARDS, FINISH = range(6)
NOTHING = np.empty(0)


def entry_point(digest):
    """The kernel to call; `digest` belongs to what it is kept under."""

    @kept
    def step(ints, floats, row, external, cotangent, out, states, third, numbers, cot, what, at, first, last):
        """One step of a row; of the sweep that stands at `at`, the blocks from `first` to before `last`."""
        _ = digest  # only what a function names belongs to its closure
        size, room, table_size = ints[SIZE], trig_room(ints[NUM_TRIGS]), ints[NUM_TABLE]
        trigs, slopes, vals = numbers[: 2 * room], numbers[2 * room : 3 * room], numbers[3 * room :]
        re, im, other = states[:size], states[size : 2 * size], states.shape[0] - 2 * size
        lr, li = states[other : other + size], states[other + size :]
        tr, ti = third[: third.shape[0] // 2], third[third.shape[0] // 2 :]
        buf, acc, local = aligned(128, states), aligned(128, states), aligned(4 * ints[BLOCK], states)
        table, rows, sums = (
            aligned(table_size, states),
            aligned(table_size, states),
            aligned(table_size, states),
        )
        if what == BEGIN:
            fill(ints, floats, row, external, vals, trigs)
            start(ints, floats, re, im)
        elif what == FORWARDS:
            forwards(ints, at, first, last, vals, re, im, local, buf, table, rows)
        elif what == MEASURE:
            measure(ints, floats, re, im, tr, ti, out, buf)
        elif what == PULL:
            pull_measure(ints, floats, cotangent, re, im, lr, li, tr, ti, buf)
        elif what == BACKWARDS:
            backwards(ints, at, first, last, vals, cot, lr, li, re, im, local, buf, acc, table, rows, sums)
        else:
            pull_values(ints, floats, vals, cot, trigs, slopes, out)

    return step


step = entry_point(sources("qubit"))


class _Row:
    """What the steps of one row work on: states of zeros, values and what they are made of."""

    def __init__(self, program: Program, row: np.ndarray, external: np.ndarray, num_states: int):
        ints = program.ints
        self.given = (ints, program.floats, row, external)
        self.states = _zeros(2 * ints[SIZE] * num_states, program.like)
        self.third = _zeros(2 * ints[SIZE] if program.spare else 0, program.like)
        room = 3 * (ints[NUM_TRIGS] + 7)  # at least: angles fill whole vectors
        self.numbers = _zeros(room + 2 * ints[NUM_VALUES], program.floats)
        self.cot = _zeros(2 * ints[NUM_VALUES], program.floats)
        self.sweeps = [int(at) for at in ints[ints[SWEEPS_AT] : ints[SWEEPS_AT] + ints[NUM_SWEEPS]]]

    def step(self, what: int, cotangent: np.ndarray = NOTHING, out: np.ndarray = NOTHING) -> None:
        """A step between sweeps."""
        step(*self.given, cotangent, out, self.states, self.third, self.numbers, self.cot, what, 0, 0, 0)

    def sweep(self, what: int, at: int, threads: int) -> None:
        """A sweep forwards or backwards; backwards every part has its own sums."""
        blocks = 1 << int(self.given[0][at + NUM_OUTER])
        count = min(blocks, PARTS)
        size = blocks // count
        sums = np.zeros((count, len(self.cot) if what == BACKWARDS else 0))

        def part(i: int) -> None:
            arrays = (NOTHING, NOTHING, self.states, self.third, self.numbers, sums[i])
            step(*self.given, *arrays, what, at, i * size, (i + 1) * size)

        share(part, count, threads)
        if what == BACKWARDS:
            for own in sums:
                self.cot += own


def _zeros(length: int, like: np.ndarray) -> np.ndarray:
    """Zeros that begin at a multiple of 64 bytes; the system gives large arrays as they are written to."""
    block = np.zeros(length + 16, like.dtype)
    skip = (-block.ctypes.data & 63) // block.itemsize
    return block[skip : skip + length]


def _applied(program: Program, row: np.ndarray, external: np.ndarray, threads: int, num_states: int) -> _Row:
    run = _Row(program, row, external, num_states)
    run.step(BEGIN)
    for at in run.sweeps:
        run.sweep(FORWARDS, at, threads)
    return run


def forward(program: Program, row: np.ndarray, external: np.ndarray, out: np.ndarray, threads: int) -> None:
    """row (P,), external (2 X,) -> out (columns,), zeros before; a state is two entries a number."""
    _applied(program, row, external, threads, 1).step(MEASURE, out=out)


def backward(
    program: Program,
    row: np.ndarray,
    external: np.ndarray,
    cotangent: np.ndarray,
    pulled: np.ndarray,
    out: np.ndarray,
    threads: int,
) -> None:
    """row (P,), external (2 X,), cotangent (columns,) -> pulled (P,), values out (columns,); zeros before."""
    run = _applied(program, row, external, threads, 2)
    run.step(MEASURE, out=out)
    run.step(PULL, cotangent=cotangent)
    for at in reversed(run.sweeps):
        if program.ints[at + NUM_KEPT] == program.ints[at + NUM_GATES]:
            break  # it has no derivatives, nor does any sweep before it
        run.sweep(BACKWARDS, at, threads)
    run.step(FINISH, out=pulled)
