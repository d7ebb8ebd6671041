"""OpenQASM 3, of it what describes circuits: read and written (Cross et al., arXiv:2104.14722)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import CircuitError
from hybridge.io.expression import Expression, call, parameter
from hybridge.io.format import Format
from hybridge.io.formulas import QASM3
from hybridge.io.gates import Controlled, Defined, Gate, Powered, Use
from hybridge.io.imported import ImportedCircuit
from hybridge.io.program import Operand
from hybridge.io.qasm3_blocks import BlockReader
from hybridge.io.qasm3_words import DIALECT
from hybridge.io.qasm_gates import PHASE, QELIB1, STDGATES
from hybridge.io.qasm_reader import MAX_WIRES_OF_A_GATE, QasmReader
from hybridge.io.qasm_writer import written
from hybridge.io.tokens import Token, Tokens, shown


class Qasm3(Format):
    """hb.from_qasm3 and hb.to_qasm3."""

    def read(self, source: Any) -> ImportedCircuit:
        """The program in a text, or in the file of a pathlib.Path; wires number its qubits as declared.

        What is read: qubits, declared or physical, bits, aliases, input numbers, constants and arrays, gates
        and their definitions, ctrl, negctrl, inv and pow, gphase, measure, reset, barrier, delay, if, else
        and switch on bits, loops over known numbers.
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
UNITS = ("ns", "us", "µs", "ms", "s", "dt")
OUTSIDE = ("include", "gate", "qubit", "bit", "qreg", "creg", "input", "let")  # of blocks
ASSIGNING = ("=", "+", "-", "*", "/", "%", "**", "&", "|", "^", "~", "<", ">", "[")
UNREAD = (
    "while def extern cal defcal defcalgrammar stretch duration return break continue output bool complex "
    "end pragma opaque"
).split()


class Reader(BlockReader):
    """Reads a program of version 3."""

    grammar = QASM3
    includes: ClassVar[Mapping[str, frozenset[str]]] = {
        "stdgates.inc": STDGATES,
        "qelib1.inc": frozenset(QELIB1),
    }
    built_in = frozenset({"U", "gphase"})
    physical = True

    def __init__(self, tokens: Tokens):
        super().__init__(tokens)
        self.program.gates["gphase"] = _GPHASE

    def version(self) -> None:
        self.read_version(("3.0", "3", "3.1"), "from_qasm")

    def statement(self) -> None:
        tokens, token = self.tokens, self.tokens.next
        register = self.program.registers.get(token.text) if token.kind == "name" else None
        if register is not None and not register.quantum:
            bits = self.program.operand(quantum=False)
            tokens.expect("=")
            self.measured(bits)
        elif token.text in self.names or token.text in self.copies:
            self.assigned(token)
        elif self.depth and token.text in OUTSIDE:
            tokens.fail(f"{token.text} is read outside of blocks only", token)
        else:
            super().statement()

    def assigned(self, token: Token) -> None:
        """Read a number set from bits; a gate may have the name of one."""
        tokens = self.tokens
        after = tokens.tokens[tokens.at + 1]
        if token.text in self.copies and after.text == "=" and not self.where.bits:
            tokens.take()
            tokens.take()
            self.copies[token.text] = self.program.operand(quantum=False)
            tokens.expect(";")
        elif after.kind == "sign" and after.text in ASSIGNING:
            tokens.fail(f"{token.text} keeps its value: numbers are set once, where they are declared", token)
        else:
            super().statement()

    # --- declarations ---

    def register(self, token: Token) -> None:
        quantum = token.text == "qubit"
        size = self.width()
        name = self.tokens.expect_kind("name", "the name of a register")
        self.check_name(name)
        self.program.declare(name, quantum, size or 1, single=size is None)
        if not quantum and self.tokens.accept("="):
            self.measured(Operand(name, tuple(self.program.registers[name.text].places), size is not None))
        else:
            self.tokens.expect(";")

    def old_register(self, token: Token) -> None:
        name = self.tokens.expect_kind("name", "the name of a register")
        self.check_name(name)
        size = self.width()
        self.tokens.expect(";")
        self.program.declare(name, token.text == "qreg", size or 1, single=size is None)

    def alias(self, token: Token) -> None:
        """let name = a ++ b[0:1]; and as Qiskit writes it, {a, b[0]}."""
        tokens = self.tokens
        name = tokens.expect_kind("name", "the name of a register")
        self.check_name(name)
        tokens.expect("=")
        listed = tokens.accept("{") is not None
        first = self.program.registers.get(tokens.next.text)
        quantum = first is None or first.quantum
        parts = [self.program.operand(quantum)]
        while tokens.accept("," if listed else "++"):
            parts.append(self.program.operand(quantum))
        if listed:
            tokens.expect("}")
        tokens.expect(";")
        self.program.alias(name, parts, quantum)

    def delay(self, token: Token) -> None:
        """Read over a delay: nothing happens in it."""
        tokens = self.tokens
        tokens.expect("[")
        length = tokens.take()
        unit = tokens.take()
        if length.kind not in ("integer", "real") or unit.text not in UNITS:
            tokens.fail(f"a delay is a number of {', '.join(UNITS)}, not {shown(length)}", length)
        tokens.expect("]")
        if not tokens.accept(";"):
            self.program.operands()
            tokens.expect(";")

    def unread(self, token: Token) -> NoReturn:
        self.tokens.fail(f"{token.text} is not read: only what describes a circuit is", token)

    # --- measurements ---

    def measured(self, bits: Operand) -> None:
        """Read `measure` and what it measures into these bits."""
        token = self.tokens.expect("measure")
        wires = self.program.operand(quantum=True)
        self.tokens.expect(";")
        self.into(token, wires, bits)

    def measure(self, token: Token) -> None:
        wires = self.program.operand(quantum=True)
        self.tokens.expect("->")
        bits = self.program.operand(quantum=False)
        self.tokens.expect(";")
        self.into(token, wires, bits)

    def into(self, token: Token, wires: Operand, bits: Operand) -> None:
        """A measurement; numbers that were set from bits may read others now."""
        self.unconditional(token)
        self.program.measure(token, wires, bits)
        self.copies = dict.fromkeys(self.copies)

    def reset(self, token: Token) -> None:
        self.unconditional(token)
        super().reset(token)

    def unconditional(self, token: Token) -> None:
        """Refuse what can only be done always."""
        if self.where.bits:
            self.tokens.fail(f"only gates are read under a condition, not {shown(token)}", token)

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

    statements: ClassVar[Mapping[str, Callable[[Any, Token], None]]] = {
        "include": QasmReader.include,
        "gate": QasmReader.define,
        "qubit": register,
        "bit": register,
        "qreg": old_register,
        "creg": old_register,
        "let": alias,
        "input": BlockReader.input,
        "const": BlockReader.constant,
        **dict.fromkeys(("int", "uint", "float", "angle", "array"), BlockReader.number),
        "barrier": QasmReader.barrier,
        "delay": delay,
        "measure": measure,
        "reset": reset,
        "box": BlockReader.block,
        "if": BlockReader.condition,
        "for": BlockReader.loop,
        "switch": BlockReader.switch,
        **dict.fromkeys(UNREAD, unread),
    }
