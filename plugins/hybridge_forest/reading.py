"""A Quil program as hybridge's operations; conditions follow from its jumps, circuits are expanded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pyquil.quilbase import Gate
from quil.instructions import GateError

from hybridge.plugin import (
    FAMILIES,
    ROWS,
    CircuitError,
    Entry,
    FormatError,
    ImportedCircuit,
    Measured,
    adjoint_row,
    conditions,
    controlled,
    expression,
)
from hybridge_forest.formulas import number
from hybridge_forest.matrices import defined
from hybridge_forest.memory import Memory, Place
from hybridge_forest.parsing import parsed, places

MAX_EXPANDED = 2**16  # instructions that come of circuits defined
MAX_NESTED = 64  # circuits inside one another
MAX_PATTERNS = 2**20  # patterns of bits that jumps are gone through
GATES = {
    **{name: name for name in "X Y Z H S T RX RY RZ CZ CNOT SWAP ISWAP CSWAP PSWAP".split()},
    "CCNOT": "Toffoli",
    "PHASE": "PhaseShift",
    "CPHASE": "ControlledPhaseShift",
    "CPHASE00": "CPhaseShift00",
    "CPHASE01": "CPhaseShift01",
    "CPHASE10": "CPhaseShift10",
    "XY": "IsingXY",
}
# what a compiler is told, and what it tells: the circuit is the same without
HINTS = frozenset(
    "INITIAL_REWIRING CURRENT_REWIRING EXPECTED_REWIRING PRESERVE_BLOCK END_PRESERVE_BLOCK COMMUTING_BLOCKS "
    "END_COMMUTING_BLOCKS BLOCK END_BLOCK".split()
)
NEVER = conditions.Condition((0,), ())


class Scope(NamedTuple):
    """Inside of a circuit that is expanded: its qubits and numbers by name, and what sets it apart."""

    qubits: Mapping[str, int]
    numbers: Mapping[str, Any]
    depth: int
    mark: str  # after the names of its labels, each call having its own


class Reader:
    """Reads one program; classical bits are the entries of its BIT memory, in their order."""

    def __init__(self, format: str, text: str, ordered: bool):
        self.format, self.program = format, parsed(format, text)
        self.place = (1, 1)  # of the instruction that is read
        self.entries: list[Entry | Measured] = []
        self.definitions = {d.name: d for d in self.program.defined_gates}
        self.circuits: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[Any, ...]]] = {}
        self.rows: dict[tuple[str, tuple[Any, ...]], Any] = {}
        self.fixed: dict[Place, float] = {}
        self.used: dict[Place, None] = {}
        self.kraus: dict[tuple[str, tuple[int, ...]], list[np.ndarray]] = {}
        self.active = conditions.ALWAYS
        self.pending: dict[str, conditions.Condition] = {}
        self.passed: set[str] = set()
        self.qubits: dict[int, None] = {}
        self.scope = Scope({}, {}, 0, "")
        self.expanded = self.patterns = 0
        self.text, self.ordered = text, ordered

    def read(self) -> ImportedCircuit:
        """The circuit, on its qubits in their order. Raises FormatError."""
        try:
            self._read()
        except FormatError as error:
            raise FormatError(self.format, error.reason, *self.place) from error
        except CircuitError as error:
            raise FormatError(self.format, str(error), *self.place) from error
        wires = tuple(sorted(self.qubits))
        place = {q: k for k, q in enumerate(wires)}
        entries = tuple(_placed(entry, place) for entry in self.entries)
        parameters = tuple(name for key, name in self.memory.reals.items() if key in self.used)
        return ImportedCircuit(entries, wires, parameters, tuple(f"{n}[{k}]" for n, k in self.memory.bits))

    def _read(self) -> None:
        program = self.program
        pulses = [program.calibrations, program.measure_calibrations, program.waveforms, program.frames]
        if any(pulses):
            raise self._error("a definition of pulses (DEFCAL, DEFWAVEFORM, DEFFRAME)")
        self.memory = Memory(program.declarations.values(), self.text if self.ordered else "")
        body = [i for i in program.instructions if type(i).__name__ != "Declare"]
        placed = list(zip(body, places(self.text, len(body)), strict=True))
        for kinds in ({"DefCircuit", "Pragma"}, _KINDS.keys() - {"DefCircuit", "Pragma"}):
            for instruction, self.place in placed:
                kind = type(instruction).__name__
                if kind not in _KINDS:
                    raise self._error(f"{instruction.out()}: {kind}")
                if kind in kinds:  # what holds for the whole program comes first
                    _KINDS[kind](self, instruction)
        if self.pending:
            raise self._error(f"a jump to @{next(iter(self.pending))}, which does not come later,")

    def _error(self, what: str) -> FormatError:
        return FormatError(self.format, f"{what if len(what) < 200 else what[:200] + '...'} is not read")

    def _on(self, instruction: Any, qubits: Sequence[str]) -> tuple[int, ...]:
        """The numbers of these qubits: their own, or those that a circuit was given."""
        known = self.scope.qubits
        if not all(q.isdecimal() or q in known for q in qubits):
            raise self._error(f"{instruction.out()}, on no number of a qubit,")
        found = tuple([int(q) if q.isdecimal() else known[q] for q in qubits])
        self.qubits.update(dict.fromkeys(found))
        return found

    # ---- instructions --------------------------------------------------------------------------------

    def nothing(self, instruction: Any) -> None:
        """NOP."""

    def gate(self, gate: Gate) -> None:
        name, text, modifiers = gate.name, gate.out(), gate.modifiers
        after = text.rpartition(")")[2].split() if ")" in text else text.split()[len(modifiers) + 1 :]
        on = self._on(gate, after)
        if len(set(on)) != len(on):
            raise self._error(f"{text}: a qubit twice")
        numbers = [number(tree, self._remembered, self.scope.numbers) for tree in gate.parameters]
        if name in self.circuits:
            if modifiers:
                raise self._error(f"{text}: a circuit under {modifiers[0]}")
            self._expand(name, on, numbers)
            return
        if (name, on) in self.kraus:
            if modifiers or numbers:
                raise self._error(f"{text}: ADD-KRAUS in the place of a gate with modifiers or numbers")
            channel = FAMILIES["QubitChannel"].of(len(on), self.kraus[name, on])
            found = [Entry(channel, on)]
        else:
            found = self._modified(name, modifiers, on, numbers)
        bits, allowed = self.active
        if bits and not allowed:
            return  # nothing leads here
        self.entries += [e._replace(bits=bits, allowed=allowed if bits else ()) for e in found]

    def circuit(self, circuit: Any) -> None:
        """A DEFCIRCUIT: what it takes, and its instructions."""
        name, takes = circuit.name, tuple(p.name for p in circuit.parameters)
        on = tuple(q.name for q in circuit.qubit_variables)
        if name in self.circuits or name in self.definitions or len({*takes, *on}) < len(takes) + len(on):
            raise self._error(f"{name}, or a name it takes, defined twice,")
        try:
            self.circuits[name] = (takes, on, tuple(circuit.instructions))
        except GateError as error:  # pyQuil makes them now
            raise self._error(f"{name}: {error}; this") from error

    def _expand(self, name: str, on: tuple[int, ...], numbers: Sequence[Any]) -> None:
        takes, variables, instructions = self.circuits[name]
        if len(takes) != len(numbers) or len(variables) != len(on):
            raise self._error(f"{name} with {len(numbers)} numbers on {len(on)} qubits")
        outer = self.scope
        if outer.depth == MAX_NESTED:
            raise self._error(f"{name}, in circuits inside one another more than {MAX_NESTED} deep,")
        self.expanded += 1 + len(instructions)
        if self.expanded > MAX_EXPANDED:
            raise self._error(f"{name}, with which circuits expand to more than {MAX_EXPANDED} instructions,")
        inner = dict(zip(variables, on, strict=True)), dict(zip(takes, numbers, strict=True))
        self.scope = Scope(*inner, outer.depth + 1, f" {self.expanded}")
        for instruction in instructions:
            kind = type(instruction).__name__
            if kind not in _KINDS or kind in ("DefCircuit", "Pragma"):
                raise self._error(f"{instruction.out()} in a circuit")
            _KINDS[kind](self, instruction)
        self.scope = outer

    def measure(self, measure: Any) -> None:
        register, (q,) = measure.classical_reg, self._on(measure, measure.out().split()[1:2])
        if register is None:
            raise self._error(f"{measure.out()}, whose outcome goes nowhere,")
        place = self.memory.place(register.name, register.offset)
        if place not in self.memory.bits:
            raise self._error(f"{measure.out()}: no such BIT,")
        if self._certain(measure):
            self.entries.append(Measured(q, self.memory.bits[place]))

    def reset(self, reset: Any) -> None:
        """Of all qubits: of those that the program has named so far, as the others are |0> still."""
        on = self._on(reset, reset.out().split()[1:]) or tuple(self.qubits)
        self.expanded += len(on)
        if self.expanded > MAX_EXPANDED:
            raise self._error(f"{reset.out()}, of {len(on)} qubits so often,")
        if self._certain(reset):
            self.entries += [Measured(q, reset=True) for q in on]

    def move(self, move: Any) -> None:
        key = self.memory.place(move.left.name, move.left.offset)
        if (
            key not in self.memory.reals
            or key in self.used
            or not isinstance(move.right, (int, float))
            or self.scope.depth
        ):
            raise self._error(move.out())
        if self._certain(move):
            self.fixed[key] = expression.constant(move.right)

    def pragma(self, pragma: Any) -> None:
        if pragma.command in HINTS:
            return
        words = pragma.out().split('"')[0].split()
        if pragma.command != "ADD-KRAUS" or len(words) < 4 or not all(q.isdecimal() for q in words[3:]):
            raise self._error(pragma.out())
        name, on = words[2], tuple(int(q) for q in words[3:])
        entries = (pragma.freeform_string or "").strip("() ").split()
        size = 2 ** len(on)
        try:
            kraus = np.array([complex(e.replace("i", "j")) for e in entries]).reshape(size, size)
        except ValueError as error:
            raise self._error(f"PRAGMA ADD-KRAUS {name}: {size * size} numbers are wanted; this") from error
        self.kraus.setdefault((name, on), []).append(kraus)

    # ---- jumps ---------------------------------------------------------------------------------------

    def _certain(self, instruction: Any) -> bool:
        """Whether this is reached: not where nothing leads to it. Raises where that depends on bits."""
        if self.active.bits and self.active.allowed:
            raise self._error(f"{instruction.out()} under a condition")
        return bool(self.active.allowed)

    def _counted(self, condition: conditions.Condition) -> conditions.Condition:
        self.patterns += 2 ** len(condition.bits)
        if self.patterns > MAX_PATTERNS:
            raise self._error(f"a program whose jumps go through more than {MAX_PATTERNS} patterns of bits")
        return condition

    def _label(self, instruction: Any) -> tuple[str, str]:
        """The first word, and the label."""
        words = re.split(r"[\s@]+", instruction.out())
        return words[0], words[1] + self.scope.mark

    def jump(self, jump: Any) -> None:
        word, label = self._label(jump)
        if label in self.passed:
            raise self._error(f"{jump.out()}, a jump back,")
        goes, self.active = self.active, NEVER
        if word != "JUMP":
            place = self.memory.place(jump.condition.name, jump.condition.offset)
            bit = self.memory.bits.get(place)
            if bit is None:
                raise self._error(f"{jump.out()}: no such BIT,")
            taken = conditions.equals([bit], int(word == "JUMP-WHEN"))
            self.active = self._counted(conditions.both(goes, conditions.opposite(taken)))
            goes = self._counted(conditions.both(goes, taken))
        self.pending[label] = _either(self.pending[label], goes) if label in self.pending else goes

    def halt(self, halt: Any) -> None:
        self.active = NEVER

    def label(self, label: Any) -> None:
        _, name = self._label(label)
        if name in self.passed:
            raise self._error(f"{label.out()}, a label twice,")
        self.passed.add(name)
        if name in self.pending:
            self.active = self._counted(_either(self.active, self.pending.pop(name)))

    # ---- gates ---------------------------------------------------------------------------------------

    def _remembered(self, name: str, index: int) -> Any:
        """A number in memory: one that was moved there, or a parameter."""
        key = self.memory.place(name, index)
        if key not in self.memory.reals:
            raise self._error(f"{name}[{index}], which is no REAL memory,")
        if key in self.fixed:
            return self.fixed[key]
        self.used[key] = None
        return expression.parameter(self.memory.reals[key])

    def _modified(
        self, name: str, modifiers: Sequence[str], on: tuple[int, ...], numbers: Sequence[Any]
    ) -> list[Entry]:
        """The gate under its modifiers, the first of them outermost; each control comes first."""
        if not modifiers:
            return self._plain(name, on, tuple(numbers))
        first, *rest = modifiers
        if first == "DAGGER":
            inner = self._modified(name, rest, on, numbers)
            return [e._replace(operation=adjoint_row(e.operation)) for e in reversed(inner)]
        half, odd = divmod(len(numbers), 2)
        if first == "FORKED" and (odd or not half):  # numbers for each branch: else branches grow without end
            raise self._error(f"FORKED {name} with {len(numbers)} numbers")
        branches = [(0, numbers[:half]), (1, numbers[half:])] if first == "FORKED" else [(1, numbers)]
        return [
            Entry(controlled(e.operation, (value,)), (on[0], *e.wires), e.numbers)
            for value, own in branches
            for e in self._modified(name, rest, on[1:], own)
        ]

    def _plain(self, name: str, on: tuple[int, ...], numbers: tuple[Any, ...]) -> list[Entry]:
        own = numbers if name not in self.definitions else ()
        row = self._known(name) if name not in self.definitions else self._defined(name, numbers)
        if row.num_wires != len(on) or len(row.params) != len(own):
            raise self._error(f"{name} with {len(numbers)} numbers on qubits {list(on)}")
        return [Entry(row, on, own)]

    def _defined(self, name: str, numbers: tuple[Any, ...]) -> Any:
        """The row of a DEFGATE: made once, as making it takes a millisecond."""
        if (name, numbers) not in self.rows:
            self.rows[name, numbers] = defined(self.definitions[name], numbers)
        return self.rows[name, numbers]

    def _known(self, name: str) -> Any:
        if name == "I":
            return FAMILIES["I"].of(1)
        if name not in GATES:
            raise self._error(f"the gate {name}")
        return ROWS[GATES[name]]


def _either(a: conditions.Condition, b: conditions.Condition) -> conditions.Condition:
    """Where one of them holds; ALWAYS where that is everywhere."""
    if not a.allowed or not b.allowed:
        return a if a.allowed else b
    if not a.bits or not b.bits:
        return conditions.ALWAYS
    found = conditions.either(a, b)
    return conditions.ALWAYS if len(found.allowed) == 2 ** len(found.bits) else found


def _placed(entry: Entry | Measured, place: Mapping[int, int]) -> Entry | Measured:
    if isinstance(entry, Measured):
        return entry._replace(wire=place[entry.wire])
    return entry._replace(wires=tuple(place[w] for w in entry.wires))


_KINDS: Mapping[str, Callable[[Reader, Any], None]] = {
    "DefCircuit": Reader.circuit,
    "Nop": Reader.nothing,
    "Halt": Reader.halt,
    "Gate": Reader.gate,
    "Measurement": Reader.measure,
    "Reset": Reader.reset,
    "ResetQubit": Reader.reset,
    "ClassicalMove": Reader.move,
    "Pragma": Reader.pragma,
    "Jump": Reader.jump,
    "JumpWhen": Reader.jump,
    "JumpUnless": Reader.jump,
    "JumpTarget": Reader.label,
}
