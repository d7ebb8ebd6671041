"""Runs a checked Quil program for many trials at once.

Trials that have gone the same way so far are one lane: a state, memory, and a place in the program. Where
chance comes in, each of a lane's trials draws for itself, and the lane parts.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from pyquil.quilatom import MemoryReference
from pyquil.quilbase import (
    ArithmeticBinaryOp,
    ClassicalComparison,
    ClassicalMove,
    Jump,
    JumpUnless,
    JumpWhen,
    LogicalBinaryOp,
    Measurement,
    UnaryClassicalInstruction,
)
from qvm_server_gates import PAULIS, modified, number
from qvm_server_program import Application, Checked, Refused, qubits, target

DTYPES = {"BIT": np.int64, "INTEGER": np.int64, "OCTET": np.int64, "REAL": np.float64}
MAX_STEPS = 10**5  # of one trial: a stand-in is no place for loops without end


class Noise(NamedTuple):
    """Probabilities of X, Y and Z: after every gate on each of its qubits, and before every measurement."""

    gate: tuple[float, ...] = ()
    measurement: tuple[float, ...] = ()


class Machine:
    """The trials of one program, from |0..0> and zeros."""

    def __init__(self, program: Checked, where: dict[int, int], trials: int, noise: Noise, seed: int | None):
        self.program, self.where, self.noise = program, where, noise  # where: qubit -> its place in the state
        self.rng = np.random.default_rng(seed)
        self.n = max(where.values(), default=-1) + 1
        self.state = np.zeros((1, *(2,) * self.n), dtype=complex)  # the last axis is place 0
        self.state[(0,) * (self.n + 1)] = 1
        self.memory = {
            name: np.zeros((1, size), dtype=DTYPES[kind]) for name, (kind, size) in program.memory.items()
        }
        self.at = np.zeros(1, dtype=int)  # the next instruction of each lane
        self.count = np.array([trials])  # how many trials each lane is

    def run(self) -> Machine:
        """Lanes that are at the same instruction do it together: those that are furthest behind first."""
        end = len(self.program.instructions)
        for _ in range(MAX_STEPS):
            at = int(self.at.min(initial=end))
            if at >= end:
                return self
            lanes = np.flatnonzero(self.at == at)
            self.at[lanes] += 1
            instruction = self.program.instructions[at]
            step = _STEPS.get(type(instruction)) or _BY_NAME.get(type(instruction).__name__)
            if step is not None:
                step(self, instruction, lanes)
        raise Refused("the program does not come to an end")

    @property
    def amplitudes(self) -> np.ndarray:
        """(lanes, 2^n), place 0 least significant."""
        return self.state.reshape(len(self.state), -1)

    def read(self, name: str, columns: Sequence[int]) -> str:
        """Memory (trials, columns) as JSON: each lane is written once, not each of its trials."""
        rows = [json.dumps(row) for row in self.memory[name][:, columns].tolist()]
        return f"[{','.join([rows[lane] for lane in self.order])}]"

    @cached_property
    def order(self) -> list[int]:
        """The lane of each trial, the trials in an order that is the same for all of memory."""
        return self.rng.permutation(np.repeat(np.arange(len(self.count)), self.count)).tolist()

    # ---- instructions --------------------------------------------------------------------------------

    def gate(self, gate: Application, lanes: np.ndarray) -> None:
        on = gate.on
        kraus = self.program.kraus.get((gate.name, on))
        if kraus is not None:
            lanes = self._channel(kraus, on, lanes)
        else:
            for values, some in self._numbers(gate, lanes):
                matrix = modified(self.program.gates[gate.name][1], gate.modifiers, values)
                self._apply(matrix, on, some)
        if self.noise.gate:
            for q in on:
                lanes = self._pauli(self.noise.gate, q, lanes)

    def measure(self, measure: Measurement, lanes: np.ndarray) -> None:
        q = measure.qubit.index
        if self.noise.measurement:
            lanes = self._pauli(self.noise.measurement, q, lanes)
        lanes, bits = self._collapse(q, lanes)
        if q in self.program.povms:
            lanes, _, bits = self._parted(lanes, self.program.povms[q].T[bits])
        register = measure.classical_reg
        if register is not None:
            self.memory[register.name][lanes, register.offset] = bits

    def reset(self, instruction: Any, lanes: np.ndarray) -> None:
        for q in qubits(instruction) or tuple(self.where):
            lanes, bits = self._collapse(q, lanes)
            self._apply(PAULIS["X"], (q,), lanes[bits == 1])

    def jump(self, jump: Any, lanes: np.ndarray) -> None:
        if not isinstance(jump, Jump):
            bits = self.memory[jump.condition.name][lanes, jump.condition.offset]
            lanes = lanes[bits == int(isinstance(jump, JumpWhen))]
        self.at[lanes] = self.program.labels[target(jump)]

    def halt(self, instruction: Any, lanes: np.ndarray) -> None:
        self.at[lanes] = len(self.program.instructions)

    def classical(self, instruction: Any, lanes: np.ndarray) -> None:
        """left := operator(left, right), the operator being the instruction's first word."""
        left, right = instruction.left, self._value(instruction.right, lanes)
        column = self.memory[left.name][lanes, left.offset]
        self.memory[left.name][lanes, left.offset] = _BINARY[instruction.out().split()[0]](column, right)

    def unary(self, instruction: Any, lanes: np.ndarray) -> None:
        place = instruction.target
        kind = self.program.memory[place.name][0]
        column = self.memory[place.name][lanes, place.offset]
        negated = -column if instruction.out().startswith("NEG") else 1 - column if kind == "BIT" else ~column
        self.memory[place.name][lanes, place.offset] = negated

    def comparison(self, instruction: Any, lanes: np.ndarray) -> None:
        found = _COMPARISONS[instruction.out().split()[0]](
            self._value(instruction.left, lanes), self._value(instruction.right, lanes)
        )
        self.memory[instruction.target.name][lanes, instruction.target.offset] = found

    # ---- what they are made of -----------------------------------------------------------------------

    def _value(self, operand: Any, lanes: np.ndarray) -> Any:
        if isinstance(operand, MemoryReference):
            return self.memory[operand.name][lanes, operand.offset]
        return operand

    def _numbers(self, gate: Application, lanes: np.ndarray) -> list[tuple[list[float], np.ndarray]]:
        """The gate's numbers, and the lanes that agree on them."""
        if not gate.reads:
            return [([number(v, {}) for v in gate.values], lanes)]
        table = np.array([self.memory[name][lanes, k] for name, k in gate.reads]).T
        found = []
        for row in dict.fromkeys(map(tuple, table.tolist())):
            known = {MemoryReference(*place): value for place, value in zip(gate.reads, row, strict=True)}
            found.append(([number(v, known) for v in gate.values], lanes[(table == row).all(axis=1)]))
        return found

    def _axes(self, on: Sequence[int]) -> list[int]:
        return [self.n - self.where[q] for q in on]

    def _applied(self, matrix: np.ndarray, on: Sequence[int], lanes: np.ndarray) -> np.ndarray:
        first = self._axes(on)  # an eighth less of a request's time than by tensordot
        order = [*first, *(axis for axis in range(self.n + 1) if axis not in first)]
        moved = self.state[lanes].transpose(order)
        found = matrix @ moved.reshape(2 ** len(on), -1)
        return found.reshape(moved.shape).transpose(np.argsort(order))

    def _apply(self, matrix: np.ndarray, on: Sequence[int], lanes: np.ndarray) -> None:
        if len(lanes):
            self.state[lanes] = self._applied(matrix, on, lanes)

    def _parted(self, lanes: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Each trial of the lanes goes one of several ways, weights (lanes, ways).

        Returns the lanes there are now, from which of those given each comes, and its way.
        """
        drawn = self.rng.multinomial(self.count[lanes], weights / weights.sum(axis=1, keepdims=True))
        parent, way = np.nonzero(drawn)
        others = np.setdiff1d(np.arange(len(self.count)), lanes)
        kept = np.concatenate([others, lanes[parent]])
        self.state, self.at = self.state[kept], self.at[kept]
        self.memory = {name: values[kept] for name, values in self.memory.items()}
        self.count = np.concatenate([self.count[others], drawn[parent, way]])
        return np.arange(len(others), len(kept)), parent, way

    def _channel(self, kraus: np.ndarray, on: Sequence[int], lanes: np.ndarray) -> np.ndarray:
        """One Kraus operator for each trial, as likely as the norm of what it leaves."""
        left = np.array([self._applied(k, on, lanes) for k in kraus])
        weights = (np.abs(left.reshape(len(kraus), len(lanes), -1)) ** 2).sum(axis=2)
        found, parent, way = self._parted(lanes, weights.T)
        norms = np.sqrt(weights[way, parent]).reshape(-1, *(1,) * self.n)
        self.state[found] = left[way, parent] / norms
        return found

    def _pauli(self, probabilities: Sequence[float], q: int, lanes: np.ndarray) -> np.ndarray:
        weights = np.tile([1 - sum(probabilities), *probabilities], (len(lanes), 1))
        found, _, way = self._parted(lanes, weights)
        for k, letter in enumerate("IXYZ"):
            self._apply(PAULIS[letter], (q,), found[way == k])
        return found

    def _collapse(self, q: int, lanes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lanes there are now, and their measured bits; the states are projected."""
        axis = self._axes((q,))[0]
        halves = np.moveaxis(self.state[lanes], axis, 1).reshape(len(lanes), 2, -1)
        weights = (np.abs(halves) ** 2).sum(axis=2)
        found, parent, bits = self._parted(lanes, weights)
        state = np.moveaxis(self.state[found], axis, 1)
        state[np.arange(len(found)), 1 - bits] = 0
        norms = np.sqrt(weights[parent, bits]).reshape(-1, *(1,) * self.n)
        self.state[found] = np.moveaxis(state / norms, 1, axis)
        return found, bits


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "MOVE": lambda left, right: right,
    "AND": operator.and_,
    "IOR": operator.or_,
    "XOR": operator.xor,
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
    "DIV": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "EQ": operator.eq,
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
}
Step = Callable[[Machine, Any, np.ndarray], None]
_STEPS: dict[type, Step] = {
    Application: Machine.gate,
    Measurement: Machine.measure,
    ClassicalMove: Machine.classical,
    LogicalBinaryOp: Machine.classical,
    ArithmeticBinaryOp: Machine.classical,
    UnaryClassicalInstruction: Machine.unary,
    ClassicalComparison: Machine.comparison,
    Jump: Machine.jump,
    JumpWhen: Machine.jump,
    JumpUnless: Machine.jump,
}
_BY_NAME: dict[str, Step] = {"Reset": Machine.reset, "ResetQubit": Machine.reset, "Halt": Machine.halt}
