"""A Quil program as hybridge's operations; conditions follow from its jumps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pyquil import Program
from pyquil.quilatom import Qubit
from pyquil.quilbase import Gate
from quil.instructions import GateError
from scipy.linalg import expm

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
    formula,
)

MAX_TEXT = 2**20  # characters of a program
MAX_PART = 1000  # characters of a formula: the parser calls itself for each bracket and sign
MAX_WIRES = 6  # of a matrix that is defined
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
PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}
_AT = re.compile(r"at line (\d+), column (\d+)")
_REFERENCE = re.compile(r"([A-Za-z_][\w-]*)\[(\d+)\]")


def parsed(format: str, text: str) -> Program:
    """The program, whose text is small enough to be given to the parser. Raises FormatError."""
    if len(text) > MAX_TEXT:
        raise FormatError(format, f"a text of {len(text)} characters; at most {MAX_TEXT} are read", 1, 1)
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("PRAGMA"):
            continue
        for part in re.finditer(r"[^,]+", line):
            if len(part[0]) > MAX_PART:
                reason = f"a formula of {len(part[0])} characters; at most {MAX_PART} are read"
                raise FormatError(format, reason, number, part.start() + 1)
    try:
        program = Program(text)
        _ = program.instructions, program.defined_gates  # pyQuil makes them now, and finds more amiss
        return program
    except (ValueError, GateError) as error:
        found = _AT.search(str(error))
        place = (int(found[1]), int(found[2]) + 1) if found else (1, 1)
        raise FormatError(format, str(error), *place) from error


class Reader:
    """Reads one program; classical bits are the entries of its BIT memory, in their order."""

    def __init__(self, format: str, program: Program):
        self.format, self.program = format, program
        self.entries: list[Entry | Measured] = []
        self.definitions = {d.name: d for d in program.defined_gates}
        declared = [(d.name, d.memory_type, d.memory_size) for d in program.declarations.values()]
        places = [(name, kind, k) for name, kind, size in declared for k in range(min(size, 2**16))]
        self.bits = {(name, k): i for i, (name, _, k) in enumerate(p for p in places if p[1] == "BIT")}
        self.reals = {(name, k): f"{name}[{k}]" for name, kind, k in places if kind == "REAL"}
        self.fixed: dict[tuple[str, int], float] = {}
        self.used: dict[tuple[str, int], None] = {}
        self.kraus: dict[tuple[str, tuple[int, ...]], list[np.ndarray]] = {}
        self.active = conditions.ALWAYS
        self.pending: dict[str, conditions.Condition] = {}
        self.passed: set[str] = set()
        self.qubits: dict[int, None] = {}

    def read(self) -> ImportedCircuit:
        """The circuit, on its qubits in their order."""
        for instruction in self.program.instructions:
            kind = type(instruction).__name__
            if kind not in _KINDS:
                raise self._error(f"{instruction.out()}: {kind}")
            _KINDS[kind](self, instruction)
        if self.pending:
            raise self._error(f"a jump to @{next(iter(self.pending))}, which does not come later,")
        wires = tuple(sorted(self.qubits))
        place = {q: k for k, q in enumerate(wires)}
        entries = tuple(_placed(entry, place) for entry in self.entries)
        parameters = tuple(self.reals[key] for key in self.reals if key in self.used)
        return ImportedCircuit(entries, wires, parameters, tuple(f"{n}[{k}]" for n, k in self.bits))

    def _error(self, what: str) -> FormatError:
        return FormatError(self.format, f"{what} is not read")

    def _qubit(self, instruction: Any) -> int:
        if not isinstance(instruction.qubit, Qubit):
            raise self._error(f"{instruction.out()}, on no number of a qubit,")
        return instruction.qubit.index

    # ---- instructions --------------------------------------------------------------------------------

    def nothing(self, instruction: Any) -> None:
        """Declarations are read already."""

    def gate(self, gate: Gate) -> None:
        try:
            on = tuple(gate.get_qubit_indices())
        except (RuntimeError, ValueError) as error:
            raise self._error(gate.out()) from error
        self.qubits.update(dict.fromkeys(on))
        numbers = [self._number(text) for text in _arguments(gate.out())]
        if (gate.name, on) in self.kraus:
            channel = FAMILIES["QubitChannel"].of(len(on), self.kraus[gate.name, on])
            found = [Entry(channel, on)]
        else:
            found = self._modified(gate.name, gate.modifiers, on, numbers)
        if len(set(on)) != len(on):
            raise self._error(f"{gate.out()}: a qubit twice")
        bits, allowed = self.active
        if bits and not allowed:
            return  # nothing leads here
        self.entries += [e._replace(bits=bits, allowed=allowed if bits else ()) for e in found]

    def measure(self, measure: Any) -> None:
        self._certain(measure)
        q, register = self._qubit(measure), measure.classical_reg
        self.qubits[q] = None
        if register is None:
            raise self._error(f"{measure.out()}, whose outcome goes nowhere,")
        if (register.name, register.offset) not in self.bits:
            raise self._error(f"{measure.out()}: no such BIT,")
        self.entries.append(Measured(q, self.bits[register.name, register.offset]))

    def reset(self, reset: Any) -> None:
        self._certain(reset)
        on = [self._qubit(reset)] if reset.qubit is not None else list(self.qubits)
        self.qubits.update(dict.fromkeys(on))
        self.entries += [Measured(q, reset=True) for q in on]

    def move(self, move: Any) -> None:
        key = (move.left.name, move.left.offset)
        if key not in self.reals or key in self.used or not isinstance(move.right, (int, float)):
            raise self._error(move.out())
        self._certain(move)
        self.fixed[key] = expression.constant(move.right)

    def pragma(self, pragma: Any) -> None:
        if pragma.command != "ADD-KRAUS":
            raise self._error(pragma.out())
        words = pragma.out().split('"')[0].split()
        name, on = words[2], tuple(int(q) for q in words[3:] if q.isdigit())
        entries = pragma.freeform_string.strip("() ").split()
        size = 2 ** len(on)
        try:
            kraus = np.array([complex(e.replace("i", "j")) for e in entries]).reshape(size, size)
        except ValueError as error:
            raise self._error(f"PRAGMA ADD-KRAUS {name}: {size * size} numbers are wanted; this") from error
        self.kraus.setdefault((name, on), []).append(kraus)

    # ---- jumps ---------------------------------------------------------------------------------------

    def _certain(self, instruction: Any) -> None:
        if self.active.bits:
            raise self._error(f"{instruction.out()} under a condition")

    def jump(self, jump: Any) -> None:
        words = re.split(r"[\s@]+", jump.out())
        label = words[1]
        if label in self.passed:
            raise self._error(f"{jump.out()}, a jump back,")
        goes = self.active
        if words[0] != "JUMP":
            condition = jump.condition
            bit = self.bits.get((condition.name, condition.offset))
            if bit is None:
                raise self._error(f"{jump.out()}: no such BIT,")
            taken = conditions.equals([bit], int(words[0] == "JUMP-WHEN"))
            goes = conditions.both(self.active, taken)
            self.active = conditions.both(self.active, conditions.opposite(taken))
        else:
            self.active = _never(self.active)
        self.pending[label] = _either(self.pending[label], goes) if label in self.pending else goes

    def label(self, label: Any) -> None:
        name = re.split(r"[\s@]+", label.out())[1]
        self.passed.add(name)
        if name in self.pending:
            self.active = _either(self.active, self.pending.pop(name))

    # ---- gates ---------------------------------------------------------------------------------------

    def _number(self, text: str) -> Any:
        """An argument of a gate: a number, or a formula in memory."""
        values: dict[str, Any] = {}

        def named(found: re.Match[str]) -> str:
            key = (found[1], int(found[2]))
            if key not in self.reals:
                raise self._error(f"{found[0]}, which is no REAL memory,")
            if key not in self.fixed:
                self.used[key] = None
            name = f"v{len(values)}"
            values[name] = self.fixed.get(key, expression.parameter(self.reals[key]))
            return name

        return formula(self.format, _REFERENCE.sub(named, text), values)

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
        row = self._defined(name, numbers) if name in self.definitions else self._known(name)
        own = () if name in self.definitions else numbers
        if row.num_wires != len(on) or len(row.params) != len(own):
            raise self._error(f"{name} with {len(numbers)} numbers on qubits {list(on)}")
        return [Entry(row, on, own)]

    def _known(self, name: str) -> Any:
        if name == "I":
            return FAMILIES["I"].of(1)
        if name not in GATES:
            raise self._error(f"the gate {name}")
        return ROWS[GATES[name]]

    def _defined(self, name: str, numbers: tuple[Any, ...]) -> Any:
        """A DEFGATE as a matrix: its numbers must be known."""
        definition = self.definitions[name]
        if any(not isinstance(n, (int, float)) for n in numbers):
            raise self._error(f"{name}, a matrix that depends on a parameter,")
        values = {p.name: complex(n) for p, n in zip(definition.parameters, numbers, strict=False)}
        if len(values) != len(numbers):
            raise self._error(f"{name} with {len(numbers)} numbers")
        size = _size(definition.specification)
        k = size.bit_length() - 1
        if k > MAX_WIRES or 2**k != size:
            raise self._error(f"{name}, whose matrix has {size} rows,")
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused as a matrix
                return FAMILIES["QubitUnitary"].of(k, _matrix(definition.specification, values))
        except (CircuitError, ValueError, IndexError) as error:
            raise FormatError(self.format, f"{name}: {error}") from error


def _size(specification: Any) -> int:
    """How many rows the matrix of a DEFGATE has."""
    if specification.is_permutation():
        return len(specification.to_permutation())
    if specification.is_pauli_sum():
        return 2 ** min(len(specification.to_pauli_sum().arguments), MAX_WIRES + 1)
    return len(specification.to_matrix())


def _matrix(specification: Any, values: Mapping[str, complex]) -> np.ndarray:
    if specification.is_permutation():
        order = specification.to_permutation()
        return np.eye(len(order), dtype=complex)[:, order]
    if specification.is_pauli_sum():
        total = specification.to_pauli_sum()
        exponent = np.zeros((2 ** len(total.arguments),) * 2, dtype=complex)
        for term in total.terms:
            letters = {argument: str(letter).rpartition(".")[2] for letter, argument in term.arguments}
            product = np.eye(1)
            for argument in total.arguments:
                product = np.kron(product, PAULIS[letters.get(argument, "I")])
            exponent += term.expression.evaluate(values, {}) * product
        return expm(-1j * exponent)
    cells = specification.to_matrix()
    return np.array([[cell.evaluate(values, {}) for cell in row] for row in cells], dtype=complex)


def _arguments(text: str) -> list[str]:
    """What stands between the brackets of a gate, apart by commas outside of further brackets."""
    if "(" not in text:
        return []
    found, depth = [""], 0
    for letter in text[text.index("(") + 1 : text.rindex(")")]:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def _never(condition: conditions.Condition) -> conditions.Condition:
    return conditions.Condition(condition.bits or (0,), ())


def _either(a: conditions.Condition, b: conditions.Condition) -> conditions.Condition:
    """Where one of them holds; ALWAYS where that is everywhere."""
    if not a.bits or not b.bits:
        return conditions.ALWAYS
    found = conditions.either(a, b)
    return conditions.ALWAYS if len(found.allowed) == 2 ** len(found.bits) else found


def _placed(entry: Entry | Measured, place: Mapping[int, int]) -> Entry | Measured:
    if isinstance(entry, Measured):
        return entry._replace(wire=place[entry.wire])
    return entry._replace(wires=tuple(place[w] for w in entry.wires))


_KINDS: Mapping[str, Callable[[Reader, Any], None]] = {
    "Declare": Reader.nothing,
    "Nop": Reader.nothing,
    "Halt": Reader.nothing,
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
