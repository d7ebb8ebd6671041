"""What OpenQASM 2 and 3 share: includes, definitions of gates, and gates applied."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from hybridge.errors import CircuitError
from hybridge.io import qasm_gates
from hybridge.io.conditions import ALWAYS, Condition
from hybridge.io.expression import Array, Number, parameter
from hybridge.io.formulas import QASM2, Grammar, Names
from hybridge.io.gates import Defined, Gate, Use
from hybridge.io.imported import ImportedCircuit
from hybridge.io.program import Operand, Program, named_once
from hybridge.io.tokens import Token, Tokens, shown

MAX_WIRES_OF_A_GATE = 256


class QasmReader(ABC):
    """Reads one program. `statements`: the word one begins with -> the method that reads it."""

    grammar: ClassVar[Grammar]
    includes: ClassVar[Mapping[str, frozenset[str]]]  # file -> the gates it defines
    built_in: ClassVar[frozenset[str]]
    statements: ClassVar[Mapping[str, Callable[[Any, Token], None]]]
    physical: ClassVar[bool] = False  # whether $0 is a qubit

    def __init__(self, tokens: Tokens):
        self.tokens = tokens
        self.program = Program(tokens, self.indices, self.physical)
        self.where: Condition = ALWAYS  # where what is read acts
        self.fixed: set[str] = set(self.built_in)  # names of gates that may not be defined anew
        self.known: set[str] = set(self.built_in)
        self.opaque: set[str] = set()
        self.names: dict[str, Number | Array] = {}  # what formulas outside of gates may use
        self.constants: dict[str, Number | Array] = {}  # what formulas anywhere may use

    def read(self) -> ImportedCircuit:
        """The whole program."""
        self.version()
        while self.tokens.next.kind != "end":
            self.statement()
        return self.program.imported()

    def indices(self, size: int) -> tuple[Sequence[int], bool]:
        """The index in a register of this size that comes next."""
        return (self.tokens.whole("an index", 10**18),), False

    @abstractmethod
    def version(self) -> None:
        """Read the line that says the version."""

    def statement(self) -> None:
        """Read one statement."""
        token = self.tokens.next
        if self.tokens.accept(";"):
            return
        reads = self.statements.get(token.text) if token.kind == "name" else None
        if reads is not None:
            self.tokens.take()
            reads(self, token)
        else:
            self.applied(self.where)

    def read_version(self, versions: Sequence[str], other: str) -> None:
        """Read the version line, if there is one; it must say one of these. `other` reads the other."""
        if not self.tokens.accept("OPENQASM"):
            return
        token = self.tokens.take()
        if token.kind not in ("real", "integer") or token.text not in versions:
            hint = f"; {other} reads other versions" if token.kind in ("real", "integer") else ""
            self.tokens.fail(f"version {versions[0]} is read here, not {shown(token)}{hint}", token)
        self.tokens.expect(";")

    def include(self, token: Token) -> None:
        """Make known the gates of a standard file; no file is ever opened."""
        name = self.tokens.expect_kind("string", "the name of a file in quotes")
        if name.text[1:-1] not in self.includes:
            files = " and ".join(self.includes)
            self.tokens.fail(f"only {files} can be included, not {shown(name)}", name)
        self.tokens.expect(";")
        self.fixed |= self.includes[name.text[1:-1]]
        self.known |= self.includes[name.text[1:-1]] | qasm_gates.MORE

    def gate(self, token: Token) -> Gate:
        """The gate that this token names."""
        name = token.text
        if name in self.program.gates:
            return self.program.gates[name]
        if token.kind != "name" or name not in self.known:
            if name in self.opaque:
                self.tokens.fail(f"{name} is opaque: the program does not say what it does", token)
            if name in self.program.registers:
                self.tokens.fail(f"{name} is a register, not a gate", token)
            hint = ""
            if name in qasm_gates.MORE:
                hint = f'; include "{next(iter(self.includes))}" to have it'
            self.tokens.fail(f"a statement should stand here; no gate is named {shown(token)}{hint}", token)
        return self.program.gates.setdefault(name, standard_gate(name))

    def applied(self, condition: Condition) -> None:
        """Read a gate with its numbers and operands, and apply it."""
        token, gate = self.named_gate()
        numbers = self.numbers(self.names)
        operands = self.program.operands() if gate.num_wires else []
        self.tokens.expect(";")
        self.program.apply(token, gate, numbers, operands, condition)

    def named_gate(self) -> tuple[Token, Gate]:
        """The gate that comes next, and where it is named."""
        token = self.tokens.take()
        return token, self.gate(token)

    def numbers(self, names: Names) -> list[Number]:
        """The numbers in brackets that come next, if any do."""
        tokens = self.tokens
        if not tokens.accept("("):
            return []
        found: list[Number] = []
        while not tokens.accept(")"):
            if found:
                tokens.expect(",")
            read = self.grammar.read(tokens, names)
            found.append(float(read) if isinstance(read, int) else read)
        return found

    def define(self, token: Token) -> None:
        """Read the definition of a gate."""
        name, params, wires = self.header()
        names = ChainMap[str, Number | Array]({p.text: parameter(p.text) for p in params}, self.constants)
        places = {w.text: k for k, w in enumerate(wires)}
        self.tokens.expect("{")
        body: list[Use] = []
        while not self.tokens.accept("}"):
            self.in_body(names, places, body)
        try:
            gate = Defined(name.text, tuple(p.text for p in params), len(places), body)
        except CircuitError as error:
            self.tokens.fail(str(error), name)
        self.program.gates[name.text] = gate
        self.fixed.add(name.text)

    def header(self) -> tuple[Token, list[Token], list[Token]]:
        """The name of a gate that is declared, its parameters and its qubits."""
        tokens = self.tokens
        name = tokens.expect_kind("name", "the name of a gate")
        self.check_name(name)
        params: list[Token] = []
        if tokens.accept("("):
            while not tokens.accept(")"):
                if params:
                    tokens.expect(",")
                params.append(tokens.expect_kind("name", "the name of a parameter"))
        wires = [tokens.expect_kind("name", "the name of a qubit")]
        while tokens.accept(","):
            wires.append(tokens.expect_kind("name", "the name of a qubit"))
        named_once(tokens, [*params, *wires])
        if len(wires) > MAX_WIRES_OF_A_GATE:
            tokens.fail(f"a gate on {len(wires)} qubits; at most {MAX_WIRES_OF_A_GATE} are read", name)
        return name, params, wires

    def check_name(self, token: Token) -> None:
        """Refuse a name that is taken."""
        name = token.text
        if any(name in taken for taken in (self.fixed, self.opaque, self.statements, self.program.registers)):
            self.tokens.fail(f"{shown(token)} is the name of something else already", token)

    def in_body(self, names: Names, places: Mapping[str, int], body: list[Use]) -> None:
        """Read one statement of a definition into its body."""
        tokens = self.tokens
        if tokens.accept(";"):
            return
        if tokens.accept("barrier"):
            self.wires_in_body(places)
            tokens.expect(";")
            return
        token, gate = self.named_gate()
        body.append(self.use(token, gate, names, places))

    def use(self, token: Token, gate: Gate, names: Names, places: Mapping[str, int]) -> Use:
        """A gate in a definition: its numbers and qubits, which come next."""
        tokens = self.tokens
        numbers = self.numbers(names)
        wires = self.wires_in_body(places) if gate.num_wires else []
        tokens.expect(";")
        if len(numbers) != len(gate.params):
            tokens.fail(f"{token.text} takes {len(gate.params)} parameters; got {len(numbers)}", token)
        if len(wires) != gate.num_wires or len(set(wires)) != len(wires):
            tokens.fail(f"{token.text} acts on {gate.num_wires} different qubits; got {len(wires)}", token)
        return Use(gate, tuple(numbers), tuple(wires))

    def wires_in_body(self, places: Mapping[str, int]) -> list[int]:
        found: list[int] = []
        while not found or self.tokens.accept(","):
            token = self.tokens.expect_kind("name", "the name of a qubit")
            if token.text not in places:
                self.tokens.fail(f"no qubit of this gate is named {shown(token)}", token)
            found.append(places[token.text])
        return found

    def barrier(self, token: Token) -> None:
        if self.tokens.accept(";"):
            self.program.spend(token, self.program.num_wires // 16)
            every = Operand(token, tuple(range(self.program.num_wires)), True)
            self.program.barrier([every])
            return
        operands = self.program.operands()
        self.tokens.expect(";")
        self.program.barrier(operands)

    def reset(self, token: Token) -> None:
        operand = self.program.operand(quantum=True)
        self.tokens.expect(";")
        self.program.reset(token, operand)


@cache
def standard_gate(name: str) -> Gate:
    """The gate of a standard file: a row, or its definition."""
    if name not in qasm_gates.BODIES:
        return qasm_gates.single(name)
    reader = _Standard(Tokens(name, qasm_gates.BODIES[name]))
    reader.read()
    return reader.program.gates[name]


class _Standard(QasmReader):
    """Reads the definitions of the standard gates."""

    grammar = QASM2
    includes: ClassVar[Mapping[str, frozenset[str]]] = {}
    built_in = qasm_gates.ALL
    statements: ClassVar[Mapping[str, Callable[[Any, Token], None]]] = {"gate": QasmReader.define}

    def version(self) -> None:
        """There is none."""

    def check_name(self, token: Token) -> None:
        """They are all known."""
