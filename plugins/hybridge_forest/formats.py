"""Quil text and pyQuil's programs, read and written: wire w is qubit w."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyquil import Program

from hybridge.plugin import Circuit, Format, FormatError, ImportedCircuit
from hybridge_forest.reading import Reader
from hybridge_forest.shotwise import literal


class Quil(Format):
    """hb.from_quil and hb.to_quil: the text of a program."""

    def read(self, source: Any) -> ImportedCircuit:
        """The circuit of a text or a Program, what it reads from REAL memory its parameters.

        Measurements at the end are the wires the circuit's call returns. FormatError, with line and column of
        a text, for what is no Quil and for what is not read: calibrations, waveforms, jumps back, arithmetic.
        """
        if not isinstance(source, (str, Program)):
            raise FormatError(self.name, f"a text or a pyquil.Program is read; got {type(source).__name__}")
        ordered = isinstance(source, str)
        return Reader(self.name, source if ordered else _text(self.name, source), ordered).read()

    def write(self, circuit: Circuit, numbers: np.ndarray) -> Any:
        """The text; wires are its qubits, in their order.

        What is measured inside goes to the first bits of the memory `ro`; wires that probs, sample or counts
        name are measured at the end, into its next. Matrices, kets and channels become DEFGATEs.
        """
        return literal(self.name, circuit, numbers)


def _text(format: str, program: Program) -> str:
    """The text of a program, whose labels get names in a copy. Raises FormatError where qubits have none."""
    named = program.copy()
    named.resolve_label_placeholders()
    try:
        return named.out()
    except ValueError as error:
        raise FormatError(format, f"a program whose qubits have no numbers is not read: {error}") from error


class PyQuil(Quil):
    """hb.from_pyquil and hb.to_pyquil: a pyquil.Program."""

    def write(self, circuit: Circuit, numbers: np.ndarray) -> Program:
        """The Program of the text that hb.to_quil writes."""
        return Program(literal(self.name, circuit, numbers))
