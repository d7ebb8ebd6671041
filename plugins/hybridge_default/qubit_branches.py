"""Circuits of default.qubit that measure on their way, with shots: followed outcome by outcome.

Shots with the same outcomes so far share one state. At a measurement they part, as many to each outcome as a
binomial number says, and only outcomes that some shot has are followed: depth first, the fewer shots first,
so that no more than log2(shots) states wait. Between measurements the compiled kernels run, from the state of
the branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import FAMILIES, Bit, Circuit, Instruction, Measurement, condition, measured
from hybridge_default.qubit_layout import START_AT
from hybridge_default.qubit_program import Program, compiled

MAX_PROGRAMS = 64  # of a segment: one for each choice of the conditional gates that act in it


class Segment(NamedTuple):
    """Gates between two measurements, the columns of their numbers, and what is measured after them."""

    instructions: tuple[Instruction, ...]
    columns: tuple[tuple[int, ...], ...]  # of each instruction
    wire: int | None  # None: the end of the circuit
    bit: int
    reset: bool


class Branch(NamedTuple):
    """Shots with the same outcomes: before which segment, in which state, what the bits read."""

    at: int
    state: np.ndarray
    read: tuple[int, ...]  # by bit
    shots: int


Waiting = list[Branch]


class Ready(NamedTuple):
    """A segment's gates compiled: the columns of their numbers, and where their first state belongs."""

    program: Program
    columns: np.ndarray
    start: slice | None  # of the program's floats; None for the first segment, which begins by itself


class Branching:
    """A circuit to be sampled branch by branch; `run` is the device's, of a program and its rows."""

    def __init__(self, circuit: Circuit, dtype: str):
        (request,) = circuit.measurements  # shots answer one question about a circuit
        self.n, self.dtype, self.kind = len(circuit.wires), dtype, request.kind
        asked: Sequence[Any] = circuit.wires if request.wires is None else request.wires
        self.width = len(asked)
        self.from_wires = [k for k, w in enumerate(asked) if not isinstance(w, Bit)]
        self.from_bits = [(k, w.index) for k, w in enumerate(asked) if isinstance(w, Bit)]
        self.wires = tuple(asked[k] for k in self.from_wires)
        self.segments = tuple(_segments(circuit))
        self.num_bits = max((s.bit for s in self.segments if s.wire is not None), default=-1) + 1
        self._ready: list[dict[tuple[bool, ...], Ready]] = [{} for _ in self.segments]
        ket = np.full(2**self.n, 2 ** (-self.n / 2))
        self._any_state = Instruction(FAMILIES["StatePrep"].of(self.n, ket), circuit.wires)

    def drawn(
        self, params: np.ndarray, shots: int, seed: int | None, run: Callable[..., np.ndarray]
    ) -> np.ndarray:
        """Of rows (B, P), what was asked for: (B, shots * width) bits, or (B, 2 m) outcomes and times."""
        rng, rows = np.random.default_rng(seed), []
        room = min(shots, 2**self.width)
        for row in params:
            bits, times = self.outcomes(row, shots, rng, run)
            if self.kind == "sample":
                order = rng.permutation(np.repeat(np.arange(len(bits)), times))  # no order is likelier
                rows.append(bits[order].reshape(-1))
                continue
            numbers, which = np.unique(bits @ (1 << np.arange(self.width)[::-1]), return_inverse=True)
            found = np.zeros((2, room), np.int64)
            found[0, : len(numbers)] = numbers
            found[1, : len(numbers)] = np.bincount(which, times)
            rows.append(found.reshape(-1))
        return np.array(rows)

    def outcomes(
        self, row: np.ndarray, shots: int, rng: np.random.Generator, run: Callable[..., np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of one row of numbers (P,): outcomes (m, width) of 0 and 1, and how often each came (m,)."""
        from hybridge_default.qubit_sampling import count  # of numba

        found, times = [], []
        for branch in self._leaves(row, shots, rng, run):
            if self.wires:
                probs = self._probs(branch.state)[None]
                drawn = count(probs, len(self.wires), branch.shots, int(rng.integers(2**62)))[0]
                numbers, came = np.split(drawn, 2)
                numbers, came = numbers[came > 0], came[came > 0]
            else:
                numbers, came = np.zeros(1, np.int64), np.array([branch.shots])
            bits = np.zeros((len(numbers), self.width), np.uint8)
            for place, k in enumerate(self.from_wires):
                bits[:, k] = numbers >> (len(self.wires) - 1 - place) & 1
            for k, bit in self.from_bits:
                bits[:, k] = branch.read[bit]
            found.append(bits)
            times.append(came)
        return np.concatenate(found), np.concatenate(times)

    def _leaves(
        self, row: np.ndarray, shots: int, rng: np.random.Generator, run: Callable[..., np.ndarray]
    ) -> Iterator[Branch]:
        """The branches at the end of the circuit."""
        ground = np.zeros(2**self.n, complex)
        ground[0] = 1
        waiting = Waiting([Branch(0, ground, (0,) * self.num_bits, shots)])
        while waiting:
            branch = waiting.pop()
            branch = branch._replace(state=self._evolved(branch, row, run))
            segment = self.segments[branch.at]
            if segment.wire is None:
                yield branch
                continue
            halves = branch.state.reshape(2**segment.wire, 2, -1)
            weights = [float(np.vdot(halves[:, v], halves[:, v]).real) for v in (0, 1)]
            ones = int(rng.binomial(branch.shots, min(1.0, weights[1] / sum(weights))))
            # the one with fewer shots comes next: what waits below it has half the shots at most
            for count, outcome in sorted(((ones, 1), (branch.shots - ones, 0)), reverse=True):
                if count:
                    state = np.zeros_like(halves)
                    scale = weights[outcome] ** -0.5
                    state[:, 0 if segment.reset else outcome] = halves[:, outcome] * scale
                    read = (*branch.read[: segment.bit], outcome, *branch.read[segment.bit + 1 :])
                    waiting.append(Branch(branch.at + 1, state.reshape(-1), read, count))

    def _evolved(self, branch: Branch, row: np.ndarray, run: Callable[..., np.ndarray]) -> np.ndarray:
        """The state of a branch after the gates of its segment that act there."""
        instructions = self.segments[branch.at].instructions
        acting = tuple(_acts(operation, branch.read) for operation, _ in instructions)
        if not any(acting):
            return branch.state
        known = self._ready[branch.at]
        ready = known.get(acting)
        if ready is None:
            if len(known) >= MAX_PROGRAMS:
                known.clear()
            ready = known[acting] = self._compiled(branch.at, acting)
        program = ready.program
        if ready.start is not None:
            floats = program.floats.copy()
            floats[ready.start] = branch.state.view(np.float64)
            program = program._replace(floats=floats)
        return run(program, row[None, ready.columns])[0]

    def _compiled(self, at: int, acting: tuple[bool, ...]) -> Ready:
        segment = self.segments[at]
        chosen = [k for k, acts in enumerate(acting) if acts]
        gates = [segment.instructions[k] for k in chosen]
        bare = [Instruction(condition(o).base if o.kind == "conditional" else o, on) for o, on in gates]
        columns = np.array([c for k in chosen for c in segment.columns[k]], dtype=np.intp)
        wires = tuple(range(self.n))
        begun = (self._any_state,) if at else ()
        program = compiled(Circuit((*begun, *bare), (Measurement("state"),), wires), self.dtype)
        begin = int(program.ints[START_AT])
        return Ready(program, columns, slice(begin, begin + 2 ** (self.n + 1)) if at else None)

    def _probs(self, state: np.ndarray) -> np.ndarray:
        """(2^k,) of the wires asked for, the first most significant."""
        tensor = (state.real**2 + state.imag**2).reshape((2,) * self.n)
        rest = tuple(w for w in range(self.n) if w not in self.wires)
        left = tensor.sum(axis=rest)
        remaining = sorted(self.wires)
        return np.ascontiguousarray(left.transpose([remaining.index(w) for w in self.wires])).reshape(-1)


def _acts(operation: Any, read: Sequence[int]) -> bool:
    if operation.kind != "conditional":
        return True
    _, bits, allowed = condition(operation)
    return tuple(read[b] for b in bits) in allowed


def _segments(circuit: Circuit) -> Iterator[Segment]:
    """The circuit, cut at its measurements; states are prepared first of all, as nothing is before them."""
    placed, column = [], 0
    for instruction in circuit.instructions:
        stop = column + len(instruction.operation.params)
        placed.append((instruction, tuple(range(column, stop))))
        column = stop
    first = [p for p in placed if p[0].operation.kind == "state"]
    rest = [p for p in placed if p[0].operation.kind != "state"]
    gathered = list(first)
    for (operation, wires), columns in rest:
        if operation.kind != "measure":
            gathered.append((Instruction(operation, wires), columns))
            continue
        bit, reset, _ = measured(operation)
        yield Segment(*_columns(gathered), wires[0], bit, reset)
        gathered = []
    yield Segment(*_columns(gathered), None, 0, False)


def _columns(
    gathered: Sequence[tuple[Instruction, tuple[int, ...]]],
) -> tuple[tuple[Instruction, ...], tuple[tuple[int, ...], ...]]:
    return tuple(i for i, _ in gathered), tuple(c for _, c in gathered)
