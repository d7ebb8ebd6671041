"""Blackbird text read into a circuit, by a reader of our own: bounded, and nothing in it is evaluated.

Blackbird's own parser hands formulas to sympy, which evaluates Python, and reads the files that a text
includes. Read are the metadata, variables, arrays and parameters {x}, operations and measurements; loops,
includes, templates of arrays and outcomes in formulas are refused where they stand.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from hybridge.plugin import (
    PYTHON,
    CircuitError,
    Entry,
    ImportedCircuit,
    Measurement,
    Token,
    Tokens,
    expression,
)
from hybridge_strawberryfields.blackbird_table import MEASURES, entries, measurements, selected

MAX_MODES = 10_000
MAX_ENTRIES = 2**20  # of one array
MAX_ENTRY = 200  # characters
METADATA = ("name", "version", "target")
TYPES = ("float", "complex", "int")
REFUSED = {
    "include": "other files are not read",
    "for": "loops are not read; write the operations out",
    "type": "programs of a type of their own are not read",
    "par": "arrays that are parameters are not read",
}
_SIZE = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# a real number, an imaginary one, or both
_NUMBER = re.compile(rf"([+-]?{_SIZE})|([+-]?{_SIZE})j|([+-]?{_SIZE})([+-]{_SIZE})j")


class Reader:
    """One text; `read` goes through it."""

    def __init__(self, format: str, source: Any):
        self.tokens = Tokens(format, source, "#")
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[str, Any] = {}  # numbers by name, those of parameters in braces
        self.parameters: dict[str, None] = {}
        self.entries: list[Entry] = []
        self.measured: list[Measurement] = []
        self.done: set[int] = set()
        self.modes = 0

    def read(self) -> ImportedCircuit:
        """The circuit. Raises FormatError, with line and column."""
        self.tokens.tokens = self._with_parameters(self.tokens.tokens)
        while self.tokens.next.kind != "end":
            token = self.tokens.expect_kind("name", "an operation or a declaration")
            if token.text in REFUSED:
                self.tokens.fail(REFUSED[token.text], token)
            elif token.text in METADATA:
                self._skip_line(token)
            elif token.text in TYPES:
                self._declaration(token)
            else:
                self._operation(token)
        return ImportedCircuit(
            tuple(self.entries), tuple(range(self.modes)), tuple(self.parameters), (), tuple(self.measured)
        )

    def _with_parameters(self, tokens: list[Token]) -> list[Token]:
        """`{`, a name and `}` made one token each."""
        found, at = [], 0
        while at < len(tokens):
            token = tokens[at]
            if token.text == "{" and token.kind == "sign":
                inside = tokens[at + 1 : at + 3]
                if len(inside) < 2 or inside[0].kind != "name" or inside[1].text != "}":
                    self.tokens.fail("braces hold the name of a parameter", token)
                name = inside[0].text
                self.parameters[name] = None
                self.names[f"{{{name}}}"] = expression.parameter(name)
                token, at = Token("name", f"{{{name}}}", token.offset), at + 2
            found.append(token)
            at += 1
        return found

    def _skip_line(self, start: Token) -> None:
        text = self.tokens.text
        while self.tokens.next.kind != "end" and "\n" not in text[start.offset : self.tokens.next.offset]:
            self.tokens.take()

    # ---- variables --------------------------------------------------------------------------------

    def _declaration(self, kind: Token) -> None:
        tokens = self.tokens
        array = tokens.accept("array")
        name = tokens.expect_kind("name", "the name of a variable")
        if name.text in self.arrays or name.text in self.names:
            tokens.fail(f"{name.text!r} is declared twice", name)
        if array:
            self.arrays[name.text] = self._array(kind, name)
            return
        tokens.expect("=")
        self.names[name.text] = self._formula()

    def _array(self, kind: Token, name: Token) -> np.ndarray:
        """The rows on the lines below, indented."""
        tokens, shape = self.tokens, None
        if tokens.accept("["):
            shape = [tokens.whole("a length", MAX_ENTRIES)]
            while tokens.accept(","):
                shape.append(tokens.whole("a length", MAX_ENTRIES))
            tokens.expect("]")
        tokens.expect("=")
        start = tokens.tokens[tokens.at - 1].offset + 1
        rows, end = self._rows(start)
        if not rows or len({len(row) for row in rows}) != 1:
            tokens.fail(f"the rows of {name.text} must be there and be of one length", name)
        found = np.array(rows)
        if shape is not None and list(found.shape) != shape and [found.size] != shape:
            tokens.fail(f"{name.text} has the shape {list(found.shape)}, not {shape}", name)
        if kind.text != "complex":
            if found.imag.any():
                tokens.fail(f"{name.text} is declared as {kind.text} and has complex entries", name)
            found = found.real
        while tokens.next.kind != "end" and tokens.next.offset < end:
            tokens.take()
        return found

    def _rows(self, start: int) -> tuple[list[list[complex]], int]:
        text, at, count = self.tokens.text, start, 0
        rows: list[list[complex]] = []
        while at < len(text):
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            line = text[at:stop].split("#", 1)[0]
            if line.strip():
                if at != start and not line[0].isspace():
                    break
                row, place = [], at
                for part in line.split(","):
                    row.append(self._entry(part, place))
                    place += len(part) + 1
                rows.append(row)
                count += len(row)
                if count > MAX_ENTRIES:
                    self.tokens.fail(f"an array has more than {MAX_ENTRIES} entries", at)
            at = stop + 1
        return rows, min(at, len(text))

    def _entry(self, part: str, at: int) -> complex:
        text = "".join(part.split())
        match = _NUMBER.fullmatch(text) if len(text) <= MAX_ENTRY else None
        place = at + len(part) - len(part.lstrip())
        if match is None:
            shown = text if len(text) <= 40 else f"{text[:37]}..."
            self.tokens.fail(f"a number should stand here, not {shown!r}", place)
        real, alone, first, imag = match.groups()
        found = complex(float(real or first or 0), float(alone or imag or 0))
        if not np.isfinite(found):
            self.tokens.fail("a number must be finite", place)
        return found

    # ---- operations -------------------------------------------------------------------------------

    def _operation(self, name: Token) -> None:
        tokens = self.tokens
        arguments: list[Any] = []
        keywords: dict[str, Any] = {}
        if tokens.accept("(") and not tokens.accept(")"):
            while True:
                self._argument(arguments, keywords)
                if not tokens.accept(","):
                    break
            tokens.expect(")")
        tokens.expect("|")
        wires = self._wires()
        if self.done & set(wires):
            tokens.fail("an operation after a measurement of the same mode is not read", name)
        try:
            if name.text in MEASURES and "select" in keywords:
                self.entries += selected(name.text, arguments, keywords, wires)
            elif name.text in MEASURES:
                self.measured += measurements(name.text, arguments, keywords, wires)
                self.done |= set(wires)
            else:
                self.entries += entries(name.text, arguments, keywords, wires)
        except CircuitError as error:
            tokens.fail(str(error), name)

    def _argument(self, arguments: list[Any], keywords: dict[str, Any]) -> None:
        tokens = self.tokens
        after = tokens.tokens[min(tokens.at + 1, len(tokens.tokens) - 1)]
        if tokens.next.kind == "name" and after.text == "=":
            key = tokens.take()
            tokens.take()
            if key.text in keywords:
                tokens.fail(f"{key.text!r} is given twice", key)
            keywords[key.text] = self._value()
        elif keywords:
            tokens.fail("a value without a name cannot follow one with a name")
        else:
            arguments.append(self._value())

    def _value(self) -> Any:
        tokens = self.tokens
        if tokens.accept("["):
            found = [self._formula()]
            while tokens.accept(","):
                found.append(self._formula())
            tokens.expect("]")
            return found
        if tokens.next.kind == "name" and tokens.next.text in self.arrays:
            return self.arrays[tokens.take().text]
        return self._formula()

    def _formula(self) -> Any:
        return PYTHON.read(self.tokens, self.names)

    def _wires(self) -> tuple[int, ...]:
        tokens = self.tokens
        close = {"[": "]", "(": ")"}.get(tokens.next.text)
        if close:
            tokens.take()
        first = tokens.next
        found = [tokens.whole("a mode", MAX_MODES)]
        while tokens.accept(","):
            found.append(tokens.whole("a mode", MAX_MODES))
        if close:
            tokens.expect(close)
        if len(set(found)) != len(found):
            tokens.fail("a mode is named twice", first)
        self.modes = max(self.modes, *(mode + 1 for mode in found))
        return tuple(found)
