"""A Quil text as pyQuil's program, and where in the text its instructions stand."""

from __future__ import annotations

import re

from pyquil import Program
from quil.instructions import GateError

from hybridge.plugin import FormatError

MAX_TEXT = 2**20  # characters of a program
MAX_PART = 1000  # characters of a formula: the parser calls itself for each bracket and sign
_AT = re.compile(r"at line (\d+), column (\d+) ?")
_APART = ("DECLARE", "DEFGATE", "DEFCAL", "DEFFRAME", "DEFWAVEFORM")  # pyQuil keeps these apart
_STATEMENT = re.compile(r'(?:[^;#"]|"(?:[^"\\]|\\.)*")+')
_INDENTED = ("    ", "\t")  # what belongs to a definition


def parsed(format: str, text: str) -> Program:
    """The program, whose text is small enough to be given to the parser. Raises FormatError."""
    if len(text) > MAX_TEXT:
        raise FormatError(format, f"a text of {len(text)} characters; at most {MAX_TEXT} are read", 1, 1)
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(("PRAGMA", "#")):
            continue
        for part in re.finditer(r"[^,;]+", line):
            if len(part[0]) > MAX_PART:
                reason = f"a formula of {len(part[0])} characters; at most {MAX_PART} are read"
                raise FormatError(format, reason, number, part.start() + 1)
    try:
        program = Program(text)
        _ = program.instructions, program.defined_gates  # pyQuil makes them now, and finds more amiss
        return program
    except (ValueError, GateError) as error:
        found = _AT.search(str(error))
        place = _place(text, int(found[1]), int(found[2])) if found else (1, 1)
        raise FormatError(format, _AT.sub("", str(error), count=1), *place) from error
    except BaseException as error:  # a panic of the parser, which is written in Rust, is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise FormatError(format, f"pyQuil's parser gives up: {error}", 1, 1) from error


def _place(text: str, line: int, column: int) -> tuple[int, int]:
    """Where a place that pyQuil's parser gives is: it leaves out the space in front."""
    space = _space(text)
    return line + space.count("\n"), column + (len(space.rpartition("\n")[2]) if line == 1 else 0)


def _space(text: str) -> str:
    """The space that a text begins with."""
    return text[: len(text) - len(text.lstrip())]


def places(text: str, count: int) -> list[tuple[int, int]]:
    """Line and column of each of the `count` instructions of a program's body; of all (1, 1) if in doubt."""
    found = []
    first = 1 + _space(text).count("\n")  # which may be indented
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(_INDENTED) and number != first:
            continue
        at = 0
        while at < len(line) and line[at] != "#":
            statement = _STATEMENT.match(line, at)
            if statement is None:  # a semicolon, or a quote that does not end
                at += 1
                continue
            at = statement.end()
            words = statement[0].split(None, 1)
            if words and words[0] not in _APART:
                found.append((number, statement.end() - len(statement[0].lstrip()) + 1))
    return found if len(found) == count else [(1, 1)] * count
