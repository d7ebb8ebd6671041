"""A circuit as Quil that a QVM runs shot by shot: with channels, measurements, and what depends on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import (
    FAMILIES,
    QUBIT_CHANNELS,
    Bit,
    Circuit,
    FormatError,
    Operation,
    condition,
    measured,
    measured_places,
    plain_steps,
)
from hybridge_forest.program import declarations, digest, moves, named, written
from hybridge_forest.translate import CLAIMED, Angle, translated


class Channel(NamedTuple):
    """Where a channel is: the name of the identity gate that stands for it, and its numbers' first slot."""

    name: str
    wires: tuple[int, ...]
    operation: Operation
    slot: int

    def pragmas(self, row: Sequence[float]) -> list[str]:
        """One line for each Kraus operator: the QVM applies them in place of the gate."""
        numbers = row[self.slot : self.slot + len(self.operation.params)]
        on = " ".join(map(str, self.wires))
        kraus: np.ndarray = self.operation.definition(*numbers)  # type: ignore[misc]
        return [f'PRAGMA ADD-KRAUS {self.name} {on} "({_entries(k)})"' for k in kraus]


def _entries(matrix: np.ndarray) -> str:
    """A matrix row by row, as cl-quil reads numbers: neither 1j nor pi/4."""
    return " ".join(f"{c.real!r}{c.imag:+}i" for c in matrix.astype(complex).ravel().tolist())


@dataclass(frozen=True, eq=False)
class ShotProgram:
    """Lines of Quil, what they name, and which bits of `ro` are asked for; made once, bound to many rows."""

    num_slots: int
    num_bits: int
    lines: tuple[str, ...]
    matrices: Mapping[str, np.ndarray]
    channels: tuple[Channel, ...]
    columns: tuple[int, ...]  # of `ro`

    @property
    def quil(self) -> str:
        """The program as Quil text, without the Kraus operators that depend on numbers."""
        constant = [c for c in self.channels if not c.operation.params]
        return self._text(constant, (), [])

    def native(self) -> str:
        """The program as Quil text."""
        return self.quil

    def bound(self, row: Sequence[float]) -> str:
        """The text with a row of numbers: in `theta`, and in Kraus operators, which cannot read memory."""
        return self._text(self.channels, row, moves(row))

    def _text(self, channels: Sequence[Channel], row: Sequence[float], first: Sequence[str]) -> str:
        pragmas = [line for channel in channels for line in channel.pragmas(row)]
        return self._head + "".join(f"{line}\n" for line in (*pragmas, *first, *self.lines))

    @cached_property
    def _head(self) -> str:
        return declarations({"theta": ("REAL", self.num_slots), "ro": ("BIT", self.num_bits)}, self.matrices)


def shotwise(circuit: Circuit) -> ShotProgram:
    """The program of a lowered circuit whose measurements are samples, of wires and of bits."""
    writer = _Writer(circuit.wires, [operation for operation, _ in circuit.instructions])
    slot = 0
    for operation, wires in circuit.instructions:
        writer.write(operation, tuple(int(w) for w in wires), slot)  # type: ignore[call-overload]
        slot += len(operation.params)
    columns = [writer.column(wire) for m in circuit.measurements for wire in m.wires or ()]
    return ShotProgram(
        slot, writer.num_bits, writer.padded(), writer.matrices, tuple(writer.channels), tuple(columns)
    )


def literal(format: str, circuit: Circuit, numbers: np.ndarray) -> str:
    """The program of a circuit as the user wrote it, with its numbers in their places. Raises FormatError."""
    steps = list(plain_steps(format, circuit, numbers, lambda row: row.name in CLAIMED | QUBIT_CHANNELS))
    writer = _Writer(tuple(range(len(circuit.wires))), [s.operation for s in steps])
    for step in steps:
        if step.operation.kind == "measure" and measured(step.operation).postselect is not None:
            raise FormatError(format, "post-selection cannot be written")
        if step.operation.kind == "marker":
            continue
        writer.numbers = step.numbers
        if step.bits:
            writer.conditionally(step.bits, step.allowed, step.operation, step.wires, 0)
        else:
            writer.write(step.operation, step.wires, 0)
    for place in measured_places(circuit):
        writer.column(place)
    pragmas = [line for channel in writer.channels for line in channel.pragmas(())]
    head = declarations({"ro": ("BIT", writer.num_bits)}, writer.matrices)
    return head + "".join(f"{line}\n" for line in (*pragmas, *writer.padded()))


class _Writer:
    """Lines, as instructions come; `ro` holds the circuit's own bits first, then those read at the end."""

    numbers: Sequence[float] | None = None  # those of the row that comes, where they are written out

    def __init__(self, wires: Sequence[Any], operations: Iterable[Operation]):
        self.wires = wires
        self.lines: list[str] = []
        self.matrices: dict[str, np.ndarray] = {}
        self.channels: dict[Channel, None] = {}
        self.labels = 0
        self.touched: set[int] = set()
        inside = [measured(o).bit for o in operations if o.kind == "measure"]
        self.num_bits = max(inside, default=-1) + 1
        self.ends: dict[int, int] = {}  # wire: its bit, read at the end

    def write(self, operation: Operation, wires: tuple[int, ...], slot: int) -> None:
        self.touched.update(wires)
        _KINDS[operation.kind](self, operation, wires, slot)

    def gates(self, operation: Operation, wires: tuple[int, ...], slot: int) -> None:
        for gate in translated(operation, wires, slot):
            if self.numbers is not None and gate.angle is not None and gate.angle.slot is not None:
                gate = gate._replace(angle=Angle(gate.angle.scale * self.numbers[gate.angle.slot]))
            self.touched.update(gate.wires)
            name, matrix = named(gate)
            if matrix is not None:
                self.matrices[name] = matrix
            self.lines.append(written(gate))

    def channel(self, operation: Operation, wires: tuple[int, ...], slot: int) -> None:
        """An identity gate, on which the Kraus operators of the channel are put."""
        size = 2 ** len(wires)
        if self.numbers:
            kraus = operation.definition(*self.numbers)  # type: ignore[misc]
            operation = FAMILIES["QubitChannel"].of(len(wires), list(kraus))
        own = operation.definition if not operation.params else None
        name = f"NOISE_{slot}" if own is None else f"NOISE_{digest(own())}"
        self.matrices[name] = np.eye(size)
        found = Channel(name, wires, operation, slot if operation.params else 0)
        self.channels[found] = None  # once: pragmas that are repeated would add up
        self.lines.append(f"{name} {' '.join(map(str, wires))}")

    def measure(self, operation: Operation, wires: tuple[int, ...], slot: int) -> None:
        row = measured(operation)
        self.lines.append(f"MEASURE {wires[0]} ro[{row.bit}]")
        if row.reset:
            self.lines.append(f"RESET {wires[0]}")

    def conditional(self, operation: Operation, wires: tuple[int, ...], slot: int) -> None:
        base, bits, allowed = condition(operation)
        self.conditionally(bits, allowed, base, wires, slot)

    def conditionally(
        self,
        bits: Sequence[int],
        allowed: Iterable[Sequence[int]],
        base: Operation,
        wires: tuple[int, ...],
        slot: int,
    ) -> None:
        """Jumps past the gates where the bits read no allowed pattern: each pattern is tried in turn."""
        self.touched.update(wires)
        number, self.labels = self.labels, self.labels + 1
        for k, pattern in enumerate(allowed):
            for bit, value in zip(bits, pattern, strict=True):
                self.lines.append(f"JUMP-{'UNLESS' if value else 'WHEN'} @no-{number}-{k} ro[{bit}]")
            self.lines += [f"JUMP @yes-{number}", f"LABEL @no-{number}-{k}"]
        self.lines += [f"JUMP @end-{number}", f"LABEL @yes-{number}"]
        self.gates(base, wires, slot)
        self.lines.append(f"LABEL @end-{number}")

    def column(self, wire: object) -> int:
        """The bit of `ro` that a wire or bit is read from; a wire is measured when it is first asked for."""
        if isinstance(wire, Bit):
            return wire.index
        assert isinstance(wire, int)
        if wire not in self.ends:
            self.ends[wire] = self.num_bits
            self.lines.append(f"MEASURE {wire} ro[{self.num_bits}]")
            self.num_bits += 1
            self.touched.add(wire)
        return self.ends[wire]

    def padded(self) -> tuple[str, ...]:
        """The lines, and an `I` on each wire they leave out: the QVM renumbers qubits where one is missing.

        On those alone, as noise after gates comes after this one too.
        """
        idle = [f"I {w}" for w in self.wires if w not in self.touched]
        return (*idle, *self.lines)


_KINDS: Mapping[str, Callable[[_Writer, Operation, tuple[int, ...], int], None]] = {
    "gate": _Writer.gates,
    "state": _Writer.gates,
    "channel": _Writer.channel,
    "measure": _Writer.measure,
    "conditional": _Writer.conditional,
}


def unitary(circuit: Circuit) -> bool:
    """Whether every shot starts from the same state: nothing is measured or lost on the way to the end."""
    return all(operation.kind in ("gate", "state") for operation, _ in circuit.instructions)
