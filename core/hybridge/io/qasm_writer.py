"""Circuits as OpenQASM: one writer, and a table of what the versions write differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import FormatError
from hybridge.io.steps import PlainStep, bits_read, measured_places, plain_steps
from hybridge.operations.table import Operation

MAX_JOINT_BITS = (
    10  # of one register: a condition on some of them is written once for each value of the others
)


@dataclass(frozen=True)
class Dialect:
    """How a version writes things. `word` is what it calls a row, None where it has to be decomposed."""

    header: str
    qubits: str
    bits: str
    measure: str
    condition: str
    word: Callable[[Operation], str | None]
    phase: str | None  # None: a global phase is left out


def written(format: str, dialect: Dialect, circuit: Circuit, numbers: np.ndarray) -> str:
    """The program. Raises FormatError for what has no decomposition, and for post-selection."""
    steps = list(plain_steps(format, circuit, numbers, lambda o: _takes(dialect, o)))
    registers = _registers(format, steps)
    lines = [dialect.header, dialect.qubits.format(size=len(circuit.wires))]
    ends = measured_places(circuit)
    sizes = dict.fromkeys(f"{name}" for name, _ in registers.values())
    for name in sizes:
        size = sum(other == name for other, _ in registers.values())
        lines.append(dialect.bits.format(name=name, size=size))
    if ends:
        lines.append(dialect.bits.format(name="c", size=len(ends)))
    read = bits_read(circuit)
    for step in steps:
        lines += _lines(format, dialect, step, registers, read)
    for k, place in enumerate(ends):
        lines.append(dialect.measure.format(wire=f"q[{place}]", bit=f"c[{k}]"))
    return "\n".join(lines) + "\n"


def _takes(dialect: Dialect, operation: Operation) -> bool:
    return operation.name == "GlobalPhase" or dialect.word(operation) is not None


def _lines(
    format: str,
    dialect: Dialect,
    step: PlainStep,
    registers: Mapping[int, tuple[str, int]],
    read: set[int],
) -> Iterator[str]:
    on = ", ".join(f"q[{w}]" for w in step.wires)
    operation = step.operation
    if operation.kind == "measure":
        bit, reset, postselect = operation.constants
        if postselect is not None:
            raise FormatError(format, "post-selection cannot be written")
        if bit in read or not reset:
            name, place = registers[bit]  # type: ignore[index]
            yield dialect.measure.format(wire=on, bit=f"{name}[{place}]")
        if reset:
            yield f"reset {on};"
        return
    if operation.kind == "marker":
        yield f"barrier {on or 'q'};"
        return
    if operation.name == "GlobalPhase":
        if dialect.phase is None:
            return
        line = dialect.phase.format(number(-step.numbers[0]))
    else:
        given = f"({', '.join(map(number, step.numbers))})" if step.numbers else ""
        line = f"{dialect.word(operation)}{given} {on};"
    if not step.bits:
        yield line
    else:
        for name, value in _values(step, registers):
            yield dialect.condition.format(name=name, value=value, line=line)


def number(value: float) -> str:
    """The shortest text that reads back as this float, with a point before an exponent."""
    text = repr(value + 0.0)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _registers(format: str, steps: Sequence[PlainStep]) -> dict[int, tuple[str, int]]:
    """For each classical bit its register and place: bits that conditions read together share one."""
    groups: dict[int, list[int]] = {}
    for step in steps:
        if step.operation.kind == "measure":
            bit = step.operation.constants[0]
            groups[bit] = [bit]  # type: ignore[index, list-item]
    for step in steps:
        joined = sorted({b for bit in step.bits for b in groups[bit]})
        for b in joined:
            groups[b] = joined
    found = {}
    for bit, group in groups.items():
        if len(group) > MAX_JOINT_BITS:
            raise FormatError(format, f"conditions on {len(group)} classical bits that hang together")
        found[bit] = (f"m{group[0]}", group.index(bit))
    return found


def _values(step: PlainStep, registers: Mapping[int, tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Each value of the bits' register at which the step acts."""
    name, _ = registers[step.bits[0]]
    size = sum(other == name for other, _ in registers.values())
    own = [registers[bit][1] for bit in step.bits]
    for pattern in product((0, 1), repeat=size):
        if tuple(pattern[k] for k in own) in step.allowed:
            yield name, sum(bit << k for k, bit in enumerate(pattern))
