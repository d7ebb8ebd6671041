"""A program as it is read: registers, gates, and what has been applied so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hybridge.errors import CircuitError
from hybridge.io.conditions import ALWAYS, Condition
from hybridge.io.expression import Number
from hybridge.io.gates import MAX_OPERATIONS, Gate
from hybridge.io.imported import Entry, ImportedCircuit, Measured
from hybridge.io.tokens import Token, Tokens, shown
from hybridge.operations.markers import Barrier

MAX_REGISTER = 2**16  # wires, and classical bits, of a program


class Register(NamedTuple):
    """Wires, or classical bits, of one name; `single` where it is one that takes no index."""

    name: str
    quantum: bool
    places: Sequence[int]
    single: bool = False

    @property
    def noun(self) -> str:
        return "qubits" if self.quantum else "classical bits"


class Operand(NamedTuple):
    """Places that a statement names; `whole` where it names a register, which is gone through."""

    token: Token
    places: tuple[int, ...]
    whole: bool


# Of a register's size, the indices that the text names next, and whether they are gone through.
Indices = Callable[[int], tuple[Sequence[int], bool]]


class Program:
    """What the statements of a text have made. Errors are raised at the token they are about."""

    def __init__(self, tokens: Tokens, indices: Indices, physical: bool = False):
        self.tokens, self._indices, self._physical = tokens, indices, physical
        self.registers: dict[str, Register] = {}
        self.gates: dict[str, Gate] = {}
        self.num_wires = 0
        self.numbered = False  # whether the wires are physical qubits, which are not declared
        self.bits: list[str] = []
        self.entries: list[Entry | Measured] = []
        self.parameters: list[str] = []
        self._room = MAX_OPERATIONS + len(tokens.tokens)

    def imported(self) -> ImportedCircuit:
        """The circuit on wires 0..n-1, in the order in which they were declared."""
        return ImportedCircuit(
            tuple(self.entries), tuple(range(self.num_wires)), tuple(self.parameters), tuple(self.bits)
        )

    def declare(self, token: Token, quantum: bool, size: int, single: bool = False) -> None:
        """A register of this name."""
        start = self.num_wires if quantum else len(self.bits)
        found = Register(token.text, quantum, range(start, start + size), single)
        if start + size > MAX_REGISTER:
            self.tokens.fail(f"at most {MAX_REGISTER} {found.noun} are read", token)
        if quantum and self.numbered:
            self.tokens.fail("qubits are either declared or physical, as $0 is; not both", token)
        self.registers[token.text] = found
        if quantum:
            self.num_wires += size
        else:
            self.bits += [token.text] if single else [f"{token.text}[{k}]" for k in range(size)]

    def alias(self, token: Token, operands: Sequence[Operand], quantum: bool) -> None:
        """A name for the places of these operands, one after another."""
        places = [place for o in operands for place in o.places]
        self.spend(token, len(places))
        if len(set(places)) != len(places) or not places:
            self.tokens.fail(f"{shown(token)} is a name for places that differ, one or more", token)
        self.registers[token.text] = Register(token.text, quantum, places)

    def operand(self, quantum: bool) -> Operand:
        """The register, or one place of it, that the text names next."""
        tokens = self.tokens
        if quantum and self._physical and tokens.next.text == "$":
            return self._numbered(tokens.take())
        token = tokens.expect_kind("name", "the name of a register")
        register = self.registers.get(token.text)
        if register is None or register.quantum != quantum:
            noun = "qubits" if quantum else "classical bits"
            tokens.fail(f"no {noun} are named {shown(token)}", token)
        if not tokens.accept("["):
            self.spend(token, len(register.places) // 16)
            return Operand(token, tuple(register.places), not register.single)
        place = tokens.next
        if register.single:
            tokens.fail(f"{register.name} is one of the {register.noun} and takes no index", place)
        size = len(register.places)
        chosen, whole = self._indices(size)
        for index in chosen:
            if not 0 <= index < size:
                has = f"{register.name} has {size} {register.noun}"
                tokens.fail(f"{has}; no {register.name}[{index}]", place)
        tokens.expect("]")
        return Operand(token, tuple(register.places[index] for index in chosen), whole)

    def _numbered(self, token: Token) -> Operand:
        """The physical qubit whose number comes next: wire k is $k."""
        if self.num_wires and not self.numbered:
            self.tokens.fail("qubits are either declared or physical, as $0 is; not both", token)
        place = self.tokens.whole("the number of a physical qubit", MAX_REGISTER - 1)
        self.numbered, self.num_wires = True, max(self.num_wires, place + 1)
        return Operand(token, (place,), False)

    def operands(self, quantum: bool = True) -> list[Operand]:
        """One or more of them, with commas between."""
        found = [self.operand(quantum)]
        while self.tokens.accept(","):
            found.append(self.operand(quantum))
        return found

    def rows_of(self, token: Token, operands: Sequence[Operand]) -> list[tuple[int, ...]]:
        """The places for each time that the statement acts: whole registers are gone through side by side."""
        lengths = {len(o.places) for o in operands if o.whole}
        if len(lengths) > 1:
            sizes = ", ".join(f"{o.token.text} of {len(o.places)}" for o in operands if o.whole)
            self.tokens.fail(f"registers gone through together need one size; got {sizes}", token)
        times = lengths.pop() if lengths else 1
        self.spend(token, times - 1)
        return [tuple([o.places[k] if o.whole else o.places[0] for o in operands]) for k in range(times)]

    def spend(self, token: Token, operations: int) -> None:
        """Account for operations that the text does not write out one by one."""
        self._room -= operations
        if self._room < 0:
            self.tokens.fail(
                f"the program comes to more than {MAX_OPERATIONS} operations beyond its text", token
            )

    def apply(
        self,
        token: Token,
        gate: Gate,
        numbers: Sequence[Number],
        operands: Sequence[Operand],
        condition: Condition = ALWAYS,
    ) -> None:
        """A gate on these operands, where the condition holds."""
        if len(numbers) != len(gate.params):
            self.tokens.fail(f"{token.text} takes {len(gate.params)} parameters; got {len(numbers)}", token)
        if len(operands) != gate.num_wires:
            self.tokens.fail(f"{token.text} acts on {gate.num_wires} qubits; got {len(operands)}", token)
        for wires in self.rows_of(token, operands):
            if len(set(wires)) != len(wires):
                self.tokens.fail(f"{token.text} acts on a qubit twice", token)
            self.spend(token, gate.size - 1)
            try:
                found = list(gate.entries(numbers, wires))
            except CircuitError as error:
                self.tokens.fail(f"in {token.text}: {error}", token)
            if condition.bits:
                found = [e._replace(bits=condition.bits, allowed=condition.allowed) for e in found]
            self.entries += found

    def barrier(self, operands: Sequence[Operand]) -> None:
        """A barrier over these wires, each once."""
        wires = tuple(dict.fromkeys(w for o in operands for w in o.places))
        if wires:
            self.entries.append(Entry(Barrier.of(len(wires)), wires))

    def measure(self, token: Token, wires: Operand, bits: Operand) -> None:
        """Measurements of wires into as many classical bits."""
        if len(wires.places) != len(bits.places):
            sizes = f"{len(wires.places)} qubits into {len(bits.places)} classical bits"
            self.tokens.fail(f"measure takes as many classical bits as qubits; got {sizes}", token)
        self.spend(token, len(wires.places) - 1)
        self.entries += [Measured(w, b) for w, b in zip(wires.places, bits.places, strict=True)]

    def reset(self, token: Token, operand: Operand) -> None:
        """Wires back to |0>."""
        self.spend(token, len(operand.places) - 1)
        self.entries += [Measured(w, reset=True) for w in operand.places]


def named_once(tokens: Tokens, names: Sequence[Token]) -> None:
    """Refuse a name that is used twice."""
    seen: set[str] = set()
    for token in names:
        if token.text in seen:
            tokens.fail(f"{shown(token)} is the name of something else already", token)
        seen.add(token.text)
