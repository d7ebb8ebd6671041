"""OpenQASM 2, read and written (Cross et al., arXiv:1707.03429)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from hybridge.circuit import Circuit
from hybridge.io.conditions import equals
from hybridge.io.format import Format
from hybridge.io.formulas import QASM2
from hybridge.io.imported import ImportedCircuit
from hybridge.io.qasm_gates import BUILT_IN_2, QELIB1, rows
from hybridge.io.qasm_reader import QasmReader
from hybridge.io.qasm_writer import Dialect, written
from hybridge.io.tokens import Token, Tokens
from hybridge.operations.qubit_gates import PhaseShift


class Qasm2(Format):
    """hb.from_qasm and hb.to_qasm."""

    def read(self, source: Any) -> ImportedCircuit:
        """The program in a text, or in the file of a pathlib.Path; wires number its qubits as declared."""
        return Reader(Tokens(self.name, source)).read()

    def write(self, circuit: Circuit, numbers: np.ndarray) -> str:
        """The program of a circuit, in gates of qelib1.inc; wires are its qubits, in their order.

        Its global phase is left out: version 2 has no word for it. Wires that probs, sample or counts name
        are measured at the end, into a register c; what is measured inside goes into registers m0, m1, ...
        """
        return written(self.name, DIALECT, circuit, numbers)


WORDS = {rows()[name]: name for name in reversed(QELIB1)} | {PhaseShift: "u1"}  # every reader knows these
DIALECT = Dialect(
    header='OPENQASM 2.0;\ninclude "qelib1.inc";',
    qubits="qreg q[{size}];",
    bits="creg {name}[{size}];",
    measure="measure {wire} -> {bit};",
    condition="if({name}=={value}) {line}",
    word=WORDS.get,
    phase=None,
)


class Reader(QasmReader):
    """Reads a program of version 2."""

    grammar = QASM2
    includes: ClassVar[Mapping[str, frozenset[str]]] = {"qelib1.inc": frozenset(QELIB1)}
    built_in = BUILT_IN_2

    def version(self) -> None:
        self.read_version(("2.0", "2"), "from_qasm3")

    def register(self, token: Token) -> None:
        name = self.tokens.expect_kind("name", "the name of a register")
        self.check_lower(name)
        self.check_name(name)
        self.tokens.expect("[")
        size = self.tokens.whole("a number of places", 10**18)
        self.tokens.expect("]")
        self.tokens.expect(";")
        self.program.declare(name, token.text == "qreg", size)

    def check_lower(self, token: Token) -> None:
        """Names of version 2 begin with a small letter."""
        if not ("a" <= token.text[0] <= "z" and token.text.isascii()):
            self.tokens.fail(f"a name of version 2 begins with one of a-z; got {token.text[:40]!r}", token)

    def check_name(self, token: Token) -> None:
        self.check_lower(token)
        super().check_name(token)

    def declare_opaque(self, token: Token) -> None:
        name, _, _ = self.header()
        self.tokens.expect(";")
        self.opaque.add(name.text)

    def measure(self, token: Token) -> None:
        wires = self.program.operand(quantum=True)
        self.tokens.expect("->")
        bits = self.program.operand(quantum=False)
        self.tokens.expect(";")
        self.program.measure(token, wires, bits)

    def condition(self, token: Token) -> None:
        tokens = self.tokens
        tokens.expect("(")
        name = tokens.expect_kind("name", "the name of a register of classical bits")
        register = self.program.registers.get(name.text)
        if register is None or register.quantum:
            tokens.fail(f"no classical bits are named {name.text!r}", name)
        tokens.expect("==")
        number = tokens.next
        tokens.check_number(number)
        asked = tokens.whole("a whole number", 10**400)
        tokens.expect(")")
        what = tokens.next
        if what.text in self.statements:
            tokens.fail(f"only gates are read under a condition, not {what.text}", what)
        self.program.spend(token, len(register.places) // 16)
        self.applied(equals(register.places, asked))

    statements: ClassVar[Mapping[str, Callable[[Any, Token], None]]] = {
        "include": QasmReader.include,
        "gate": QasmReader.define,
        "opaque": declare_opaque,
        "qreg": register,
        "creg": register,
        "barrier": QasmReader.barrier,
        "measure": measure,
        "reset": QasmReader.reset,
        "if": condition,
    }
