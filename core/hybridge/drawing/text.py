"""A circuit drawn as text, one line a wire."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from hybridge.circuit import Circuit, Instruction, measured_wires
from hybridge.compilation import circuit_wires
from hybridge.deferral import cubes
from hybridge.drawing.labels import Box, Labels, Number, check_decimals
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.interfaces.choose import values_of
from hybridge.interfaces.rows import as_rows
from hybridge.operations.measuring import Bit, condition, measured
from hybridge.operations.table import Operation, Wires
from hybridge.qnode import QNode

LEVELS = ("user", "device", "native")
_CUT = "···"  # where a line is continued below


@runtime_checkable
class Native(Protocol):
    """A program that has a text in its vendor's own language."""

    def native(self) -> str:
        """The program in that language, its numbers as parameters where it has them."""


class _Entry(NamedTuple):
    """What one operation or measurement writes: a text per line, and whether a joint connects the lines."""

    texts: Mapping[int, str]
    joined: bool

    @property
    def lines(self) -> Sequence[int]:
        """The lines it takes up; where it is joined, those in between too."""
        return range(min(self.texts), max(self.texts) + 1) if self.joined else list(self.texts)


def draw(
    qnode: QNode, level: str = "user", decimals: int | None = 2, max_length: int = 100
) -> Callable[..., str]:
    """A function of the qnode's arguments that returns its circuit as text.

    `level` "user" draws the circuit as written, "device" every program the device is given for it, after
    decomposition, "native" what these programs are in its vendor's language. Numbers have `decimals` places,
    None leaves them out; lines longer than `max_length` are continued below. Array parameters show their
    first value, `RX([0.10,…])`; arrays among the constants are called M0, M1, ...; a box whose wires stand in
    another order than the lines says which wire is which, `BS(0.30,0.00)[1]` above `[0]`. Wires that are not
    in use are left out. Bits that are measured on the way and used have lines below: a gate that depends on
    one has ● (1) or ○ (0) there, ◐ where several bits decide together. Raises CircuitError for another level,
    UnsupportedCircuit where the device's programs have no text of their own.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(x):
    ...     hb.H(0)
    ...     hb.CRX(x, wires=[0, 1])
    ...     return hb.expval(hb.Z(0) @ hb.Z(1))
    >>> print(hb.draw(circuit)(0.3))
    0: ──H─╭●────────┤ ╭<Z@Z>
    1: ────╰RX(0.30)─┤ ╰<Z@Z>
    """
    if not isinstance(qnode, QNode):
        raise CircuitError(f"draw takes a QNode, a function decorated with @hb.qnode; got {qnode!r}")
    if level not in LEVELS:
        raise CircuitError(f"draw has no level {level!r}; choose from {', '.join(map(repr, LEVELS))}")
    check_decimals(decimals)

    @functools.wraps(qnode.function)
    def drawn(*args: Any, **kwargs: Any) -> str:
        if level == "native":
            return _natives(qnode.device.name, qnode.plan(*args, **kwargs).programs)
        recorded = qnode.record(*args, **kwargs)
        instructions = tuple(Instruction(*i) for i in recorded.instructions)
        wires = circuit_wires(instructions, recorded.measurements, qnode.device)
        rows, _ = as_rows(values_of(recorded.numbers))
        arrays = [np.ndim(x) > 0 for x in recorded.numbers]
        labels = Labels(decimals)
        if level == "user":
            numbers = [Number(rows[:, k], array) for k, array in enumerate(arrays)]
            return _picture(
                Circuit(instructions, recorded.measurements, wires), wires, numbers, labels, max_length
            )
        plan = qnode.plan(*args, **kwargs)
        pictures = []
        for lowered, affine in zip(plan.lowered, plan.affine, strict=True):
            given = rows if affine is None else affine(rows)
            sources = range(len(arrays)) if affine is None else affine.slot
            numbers = [Number(given[:, k], slot >= 0 and arrays[slot]) for k, slot in enumerate(sources)]
            names = plan.named.wires[: len(lowered.wires)]  # with the wires that keep measured bits
            pictures.append(_picture(lowered, names, numbers, labels, max_length))
        return _numbered(pictures)

    return drawn


def _natives(device: str, programs: Sequence[Any]) -> str:
    """The texts of programs in their vendor's language."""
    texts = [program.native() for program in programs if isinstance(program, Native)]
    if len(texts) < len(programs):
        what = 'level="native": its programs have no text of their own'
        raise UnsupportedCircuit(device, what, 'use level="device"')
    return _numbered(texts)


def _numbered(pictures: Sequence[str]) -> str:
    if len(pictures) == 1:
        return pictures[0]
    return "\n\n".join(f"program {i + 1} of {len(pictures)}:\n{p}" for i, p in enumerate(pictures))


def _picture(
    circuit: Circuit, names: Wires, numbers: Sequence[Number], labels: Labels, max_length: int
) -> str:
    """The circuit's lines; `names` are the user's for the circuit's wires."""
    wires, bits = _shown_wires(circuit), _used_bits(circuit)
    line_of = {wire: i for i, wire in enumerate([*wires, *bits])}
    fillers = ["─"] * len(wires) + ["═"] * len(bits)
    operations = _columns(list(_operations(circuit, numbers, labels, line_of)), fillers)
    measurements = _columns(list(_measurements(circuit, labels, line_of)), [" "] * len(fillers))
    # pieces between which a line may be cut
    pieces = [[f + cell for f, cell in zip(fillers, column, strict=True)] for column in operations]
    pieces += [[f" {cell}" for cell in column] for column in measurements]
    ends = ["─┤"] * len(wires) + ["═╡"] * len(bits)
    last = pieces[len(operations)]
    pieces[len(operations)] = [end + cell for end, cell in zip(ends, last, strict=True)]
    named = dict(zip(circuit.wires, names, strict=True))
    heads = [f"{_name(named[wire])}: " for wire in wires] + [f"{_name(bit)}: " for bit in bits]
    return "\n\n".join("\n".join(block) for block in _blocks(heads, pieces, max_length))


def _name(wire: Hashable) -> str:
    return f"bit {wire.index}" if isinstance(wire, Bit) else str(wire)


def _used_bits(circuit: Circuit) -> list[Bit]:
    """The bits that an operation depends on or that are measured at the end, in their order."""
    used = {b for row, _ in circuit.instructions if row.kind == "conditional" for b in condition(row).bits}
    for m in circuit.measurements:
        wires = m.observable.wires if m.observable is not None else m.wires or ()
        used.update(w.index for w in wires if isinstance(w, Bit))
    return [Bit(index) for index in sorted(used)]


def _shown_wires(circuit: Circuit) -> list[Hashable]:
    """The wires in use, in the device's order; all where something is measured on all, or none is in use."""
    used = {w for _, wires in circuit.instructions for w in wires}
    used.update(measured_wires(circuit.measurements))
    every = not used or any(m.observable is None and m.wires is None for m in circuit.measurements)
    return [w for w in circuit.wires if every or w in used]


def _operations(
    circuit: Circuit, numbers: Sequence[Number], labels: Labels, line_of: Mapping[Hashable, int]
) -> Iterator[_Entry]:
    slot = 0
    for operation, wires in circuit.instructions:
        stop = slot + len(operation.params)
        acting = condition(operation).base if operation.kind == "conditional" else operation
        box = labels.operation(acting, numbers[slot:stop])
        slot = stop
        # an operation that names no wire, such as a global phase, is on all of them
        lines = [line_of[w] for w in wires] or [at for w, at in line_of.items() if not isinstance(w, Bit)]
        yield _Entry(_texts(box, lines) | _bit_texts(operation, line_of), joined=True)


def _bit_texts(operation: Operation, line_of: Mapping[Hashable, int]) -> dict[int, str]:
    """What is drawn on the lines of bits, for what is measured or depends on them."""
    if operation.kind == "measure":
        bit = Bit(measured(operation).bit)
        return {line_of[bit]: "╩"} if bit in line_of else {}
    if operation.kind != "conditional":
        return {}
    _, bits, allowed = condition(operation)
    found = cubes(len(bits), frozenset(allowed))
    marks = dict.fromkeys(range(len(bits)), "◐")
    if len(found) == 1:
        marks = {place: "●" if value else "○" for place, value in found[0]}
    return {line_of[Bit(bits[place])]: mark for place, mark in marks.items()}


def _texts(box: Box, lines: Sequence[int]) -> dict[int, str]:
    controls, targets = lines[: len(box.controls)], lines[len(box.controls) :]
    texts = {line: "●" if value else "○" for line, value in zip(controls, box.controls, strict=True)}
    marked = box.ordered and list(targets) != sorted(targets)
    return texts | {line: box.text + (f"[{k}]" if marked else "") for k, line in enumerate(targets)}


def _measurements(circuit: Circuit, labels: Labels, line_of: Mapping[Hashable, int]) -> Iterator[_Entry]:
    for m in circuit.measurements:
        wires = m.observable.wires if m.observable is not None else m.wires
        lines = [line_of[w] for w in wires or ()] or [
            at for w, at in line_of.items() if not isinstance(w, Bit)
        ]
        yield _Entry(dict.fromkeys(lines, labels.measurement(m)), joined=bool(wires))


def _columns(entries: Sequence[_Entry], fillers: Sequence[str]) -> list[list[str]]:
    """Each entry as far left as it can stand; a column is one text per line, all of one width."""
    columns: list[list[_Entry]] = []
    free = [0] * len(fillers)  # the first column in which this line is free
    for entry in entries:
        at = max(free[line] for line in entry.lines)
        if at == len(columns):
            columns.append([])
        columns[at].append(entry)
        for line in entry.lines:
            free[line] = at + 1
    return [_cells(column, fillers) for column in columns]


def _cells(column: Sequence[_Entry], fillers: Sequence[str]) -> list[str]:
    joints, texts = list(fillers), [""] * len(fillers)
    for entry in column:
        lines = entry.lines
        for line in lines:
            texts[line] = entry.texts.get(line, "")
            if entry.joined and len(lines) > 1:
                joints[line] = "├" if line in entry.texts else "│"
        if entry.joined and len(lines) > 1:
            joints[lines[0]], joints[lines[-1]] = "╭", "╰"
    width = max(map(len, texts))
    return [j + text.ljust(width, f) for j, text, f in zip(joints, texts, fillers, strict=True)]


def _blocks(heads: Sequence[str], pieces: Sequence[Sequence[str]], max_length: int) -> Iterator[list[str]]:
    """The lines, cut between pieces into blocks of at most max_length characters; a piece is never cut."""
    margin = max(map(len, heads))
    blocks: list[list[Sequence[str]]] = [[]]
    length = margin
    for i, piece in enumerate(pieces):
        mark = len(_CUT) if i < len(pieces) - 1 else 0
        if blocks[-1] and length + len(piece[0]) + mark > max_length:
            blocks.append([])
            length = margin + len(_CUT)
        blocks[-1].append(piece)
        length += len(piece[0])
    for b, block in enumerate(blocks):
        before, after = _CUT if b else "", _CUT if b < len(blocks) - 1 else ""
        yield [
            f"{head:>{margin}}{before}{''.join(piece[line] for piece in block)}{after}".rstrip()
            for line, head in enumerate(heads)
        ]
