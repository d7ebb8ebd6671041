"""OpenQASM 3, of it what describes circuits: read and written (Cross et al., arXiv:2104.14722)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import CircuitError
from hybridge.io import conditions
from hybridge.io.conditions import ALWAYS, Condition
from hybridge.io.expression import Expression, call, parameter
from hybridge.io.format import Format
from hybridge.io.formulas import MAX_DEPTH, QASM3
from hybridge.io.gates import Controlled, Defined, Gate, Powered, Use
from hybridge.io.imported import ImportedCircuit
from hybridge.io.program import MAX_REGISTER, Operand
from hybridge.io.qasm3_words import DIALECT
from hybridge.io.qasm_gates import PHASE, QELIB1, STDGATES
from hybridge.io.qasm_reader import MAX_WIRES_OF_A_GATE, QasmReader
from hybridge.io.qasm_writer import written
from hybridge.io.tokens import Token, Tokens, shown


class Qasm3(Format):
    """hb.from_qasm3 and hb.to_qasm3."""

    def read(self, source: Any) -> ImportedCircuit:
        """The program in a text, or in the file of a pathlib.Path; wires number its qubits as declared.

        What is read: qubits, bits, input numbers, constants, gates and their definitions, ctrl, negctrl, inv
        and pow, gphase, measure, reset, barrier, if and else on bits.
        """
        return Reader(Tokens(self.name, source)).read()

    def write(self, circuit: Circuit, numbers: np.ndarray) -> str:
        """The program of a circuit, in gates of stdgates.inc; wires are its qubits, in their order.

        Wires that probs, sample or counts name are measured at the end, into bits c; what is measured inside
        goes into bits m0, m1, ...
        """
        return written(self.name, DIALECT, circuit, numbers)


_GPHASE = Defined("gphase", ("gamma",), 0, [Use(PHASE, (call("negative", parameter("gamma")),), ())])
MODIFIERS = ("ctrl", "negctrl", "inv", "pow")
FLOATS, WHOLES = ("float", "angle"), ("int", "uint")
UNREAD = (
    "for while def extern cal defcal defcalgrammar box delay stretch duration let switch return break "
    "continue output array int uint float angle bool complex end pragma opaque"
).split()


class Reader(QasmReader):
    """Reads a program of version 3."""

    grammar = QASM3
    includes: ClassVar[Mapping[str, frozenset[str]]] = {
        "stdgates.inc": STDGATES,
        "qelib1.inc": frozenset(QELIB1),
    }
    built_in = frozenset({"U", "gphase"})

    def __init__(self, tokens: Tokens):
        super().__init__(tokens)
        self.program.gates["gphase"] = _GPHASE

    def version(self) -> None:
        self.read_version(("3.0", "3", "3.1"), "from_qasm")

    def statement(self) -> None:
        token = self.tokens.next
        register = self.program.registers.get(token.text)
        if token.kind == "name" and register is not None and not register.quantum:
            bits = self.program.operand(quantum=False)
            self.tokens.expect("=")
            self.measured(bits)
        else:
            super().statement()

    # --- numbers that are whole ---

    def whole(self, what: str, least: int, most: int) -> int:
        """The value of the formula that comes next, a whole number."""
        token = self.tokens.next
        found = self.grammar.read(self.tokens, self.constants)
        if not isinstance(found, int) or not least <= found <= most:
            self.tokens.fail(f"{what} should stand here, a whole number of {least} to {most}", token)
        return found

    def indices(self, size: int) -> tuple[Sequence[int], bool]:
        """An index, a range first:last or first:step:last, or a list {a, b}; counted from the end below 0."""
        tokens = self.tokens
        if tokens.accept("{"):
            found = [self.index(size)]
            while tokens.accept(","):
                found.append(self.index(size))
            tokens.expect("}")
            return found, True
        first = self.index(size)
        if not tokens.accept(":"):
            return (first,), False
        token = tokens.next
        second = self.whole("a step, or the last index", -MAX_REGISTER, MAX_REGISTER)
        if tokens.accept(":"):
            last, step = self.index(size), second
        else:
            last, step = second + size * (second < 0), 1
        if step == 0:
            tokens.fail("a step cannot be 0", token)
        return range(first, last + (1 if step > 0 else -1), step), True

    def index(self, size: int) -> int:
        found = self.whole("an index", -MAX_REGISTER, MAX_REGISTER)
        return found + size if found < 0 else found

    def width(self) -> int | None:
        """The number in square brackets that comes next, if one does."""
        if not self.tokens.accept("["):
            return None
        found = self.whole("a number of places", 1, MAX_REGISTER)
        self.tokens.expect("]")
        return found

    # --- declarations ---

    def register(self, token: Token) -> None:
        quantum = token.text == "qubit"
        size = self.width()
        name = self.tokens.expect_kind("name", "the name of a register")
        self.check_name(name)
        self.program.declare(name, quantum, size or 1, single=size is None)
        if not quantum and self.tokens.accept("="):
            register = self.program.registers[name.text]
            places = tuple(range(register.start, register.start + register.size))
            self.measured(Operand(name, places, not register.single))
        else:
            self.tokens.expect(";")

    def old_register(self, token: Token) -> None:
        name = self.tokens.expect_kind("name", "the name of a register")
        self.check_name(name)
        size = self.width()
        self.tokens.expect(";")
        self.program.declare(name, token.text == "qreg", size or 1, single=size is None)

    def input(self, token: Token) -> None:
        kind = self.tokens.take()
        if kind.text not in FLOATS:
            self.tokens.fail(f"an input is a float or an angle here, not {shown(kind)}", kind)
        self.width()
        name = self.tokens.expect_kind("name", "the name of a parameter")
        self.check_name(name)
        self.tokens.expect(";")
        self.names[name.text] = parameter(name.text)
        self.program.parameters.append(name.text)
        self.fixed.add(name.text)

    def constant(self, token: Token) -> None:
        kind = self.tokens.take()
        if kind.text not in FLOATS + WHOLES:
            self.tokens.fail(f"a constant is a float, angle, int or uint here, not {shown(kind)}", kind)
        self.width()
        name = self.tokens.expect_kind("name", "the name of a constant")
        self.check_name(name)
        self.tokens.expect("=")
        begins = self.tokens.next
        found = self.grammar.read(self.tokens, self.constants)
        if kind.text in WHOLES and not isinstance(found, int):
            self.tokens.fail(f"{kind.text} takes a whole number", begins)
        assert not isinstance(found, Expression)  # of constants alone
        self.tokens.expect(";")
        self.constants[name.text] = self.names[name.text] = found if kind.text in WHOLES else float(found)
        self.fixed.add(name.text)

    def unread(self, token: Token) -> NoReturn:
        self.tokens.fail(f"{token.text} is not read: only what describes a circuit is", token)

    # --- measurements ---

    def measured(self, bits: Operand) -> None:
        """Read `measure` and what it measures into these bits."""
        token = self.tokens.expect("measure")
        wires = self.program.operand(quantum=True)
        self.tokens.expect(";")
        self.program.measure(token, wires, bits)

    def measure(self, token: Token) -> None:
        wires = self.program.operand(quantum=True)
        self.tokens.expect("->")
        bits = self.program.operand(quantum=False)
        self.tokens.expect(";")
        self.program.measure(token, wires, bits)

    # --- gates ---

    def named_gate(self) -> tuple[Token, Gate]:
        """The gate that comes next, under the modifiers before it."""
        tokens, modifiers = self.tokens, []
        while (token := tokens.next).text in MODIFIERS and token.kind == "name":
            tokens.take()
            modifiers.append((token, self.modified(token)))
            tokens.expect("@")
            if len(modifiers) > MAX_WIRES_OF_A_GATE:
                tokens.fail(f"more than {MAX_WIRES_OF_A_GATE} modifiers", token)
        token, gate = super().named_gate()
        for place, change in reversed(modifiers):
            try:
                gate = change(gate)
            except CircuitError as error:
                tokens.fail(str(error), place)
        return token, gate

    def modified(self, token: Token) -> Callable[[Gate], Gate]:
        """What a modifier makes of a gate; its number, in brackets, comes next."""
        tokens, name = self.tokens, token.text
        if name == "inv":
            return lambda gate: Powered(gate, -1)
        if name == "pow":
            tokens.expect("(")
            begins = tokens.next
            exponent = self.grammar.read(tokens, self.constants)
            if isinstance(exponent, Expression) or abs(exponent) > 10**9:
                tokens.fail("a power is a constant of at most 10^9", begins)
            tokens.expect(")")
            return lambda gate: Powered(gate, exponent)
        times = 1
        if tokens.accept("("):
            times = self.whole("a number of controls", 1, MAX_WIRES_OF_A_GATE)
            tokens.expect(")")
        return lambda gate: Controlled(gate, (int(name == "ctrl"),) * times)

    # --- conditions ---

    def condition(self, token: Token, outer: Condition = ALWAYS, depth: int = 0) -> None:
        """Read an `if`, which acts where `outer` holds too."""
        tokens = self.tokens
        if depth > MAX_DEPTH:
            tokens.fail(f"conditions nest more than {MAX_DEPTH} deep", token)
        tokens.expect("(")
        inside = self.any_of(0)
        tokens.expect(")")
        self.block(self.combined(token, conditions.both, outer, inside), depth)
        if tokens.accept("else"):
            opposite = self.combined(token, conditions.opposite, inside)
            self.block(self.combined(token, conditions.both, outer, opposite), depth)

    def block(self, condition: Condition, depth: int) -> None:
        """Read one statement, or several in braces, that act where the condition holds."""
        tokens = self.tokens
        many = tokens.accept("{") is not None
        while not (many and tokens.accept("}")):
            token = tokens.next
            if tokens.accept("if"):
                self.condition(token, condition, depth + 1)
            elif not tokens.accept(";"):
                if token.text in self.statements or token.text in self.program.registers:
                    tokens.fail(f"only gates are read under a condition, not {shown(token)}", token)
                self.applied(condition)
            if not many:
                return

    def combined(self, token: Token, function: Callable[..., Condition], *parts: Condition) -> Condition:
        """Conditions put together, or an error at this token where they come to too much."""
        try:
            return function(*parts)
        except CircuitError as error:
            self.tokens.fail(str(error), token)

    def any_of(self, depth: int) -> Condition:
        found = self.all_of(depth)
        while (token := self.tokens.next).text == "||" and self.tokens.accept("||"):
            found = self.combined(token, conditions.either, found, self.all_of(depth))
        return found

    def all_of(self, depth: int) -> Condition:
        found = self.compared(depth)
        while (token := self.tokens.next).text == "&&" and self.tokens.accept("&&"):
            found = self.combined(token, conditions.both, found, self.compared(depth))
        return found

    def compared(self, depth: int) -> Condition:
        """A condition on one register or bit, its opposite, or one in brackets."""
        tokens, token = self.tokens, self.tokens.next
        if depth > MAX_DEPTH:
            tokens.fail(f"a condition nests more than {MAX_DEPTH} deep")
        if tokens.accept("!"):
            return self.combined(token, conditions.opposite, self.compared(depth + 1))
        if tokens.accept("("):
            inside = self.any_of(depth + 1)
            tokens.expect(")")
            return inside
        bits = self.program.operand(quantum=False).places
        sign = tokens.next
        if not tokens.accept("==", "!="):
            if len(bits) != 1:
                tokens.fail(f"{token.text} is {len(bits)} bits: compare it with a number", token)
            return conditions.equals(bits, 1)
        found = conditions.equals(bits, self.asked(len(bits)))
        return found if sign.text == "==" else self.combined(sign, conditions.opposite, found)

    def asked(self, size: int) -> int:
        """The number, truth value or string of bits that comes next."""
        tokens, token = self.tokens, self.tokens.next
        if token.text in ("true", "false"):
            tokens.take()
            return int(token.text == "true")
        if token.kind == "string":
            tokens.take()
            bits = token.text[1:-1]
            if len(bits) != size or set(bits) - {"0", "1"}:
                tokens.fail(f"{size} bits are compared with as many of 0 and 1, not {shown(token)}", token)
            return int(bits, 2)
        tokens.check_number(token)
        return tokens.whole("a whole number", 10**400)

    statements: ClassVar[Mapping[str, Callable[[Any, Token], None]]] = {
        "include": QasmReader.include,
        "gate": QasmReader.define,
        "qubit": register,
        "bit": register,
        "qreg": old_register,
        "creg": old_register,
        "input": input,
        "const": constant,
        "barrier": QasmReader.barrier,
        "measure": measure,
        "reset": QasmReader.reset,
        "if": condition,
        **dict.fromkeys(UNREAD, unread),
    }
