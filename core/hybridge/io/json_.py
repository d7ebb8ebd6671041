"""hybridge's own circuits as JSON, version 1: nothing lost, nothing run, everything read is checked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.errors import CircuitError, FormatError
from hybridge.io import json_values as values
from hybridge.io.format import Format
from hybridge.io.imported import Entry, ImportedCircuit, Measured
from hybridge.io.json_rows import read_row, write_row
from hybridge.io.tokens import MAX_CHARACTERS
from hybridge.operations.measuring import condition, measured
from hybridge.operations.table import Operation

FORMAT, VERSION = "hybridge circuit", 1
KINDS = frozenset("expval var probs sample counts state density_matrix gaussian".split())
LISTS = ("wires", "instructions", "numbers", "measurements")
MAX_WIRES = 2**16


class Json(Format):
    """hb.from_json and hb.to_json."""

    def write(self, circuit: Circuit, numbers: np.ndarray) -> str:
        """The circuit, its numbers and its measurements. Raises FormatError for labels JSON cannot hold."""
        try:
            found = {
                "format": FORMAT,
                "version": VERSION,
                "wires": [values.write(w) for w in circuit.wires],
                "instructions": [
                    {"operation": write_row(o), "wires": [values.write(w) for w in wires]}
                    for o, wires in circuit.instructions
                ],
                "numbers": numbers.tolist(),
                "measurements": [
                    {key: values.write(value) for key, value in m._asdict().items()}
                    for m in circuit.measurements
                ],
            }
        except CircuitError as error:
            raise FormatError(self.name, str(error)) from error
        return json.dumps(found, allow_nan=False, indent=1)

    def read(self, source: Any) -> ImportedCircuit:
        """The circuit of a text: a call records it with its own numbers; `measurements` are those it had.

        Measured values inside are recorded as they were. Raises FormatError for another version, and for
        what does not fit together.
        """
        document = self._parsed(source)
        place = "the document"
        try:
            if (document["format"], repr(document["version"])) != (
                FORMAT,
                repr(VERSION),
            ):  # nor 1.0, nor true
                raise CircuitError(f"{FORMAT!r} of version {VERSION} is read here")
            for key in LISTS:
                if not isinstance(document[key], list):
                    raise CircuitError(f"{key!r} is a list; got {type(document[key]).__name__}")
            wires = tuple(values.read(w) for w in document["wires"])
            if len(set(wires)) != len(wires) or len(wires) > MAX_WIRES:
                raise CircuitError(f"wires must differ, and be at most {MAX_WIRES}")
            numbers = [values.plain_float(x) for x in document["numbers"]]
            entries, slot = [], 0
            for k, instruction in enumerate(document["instructions"]):
                place = f"instructions[{k}]"
                row = read_row(instruction["operation"])
                on = tuple(wires.index(values.read(w)) for w in instruction["wires"])
                if len(on) != row.num_wires or len(set(on)) != len(on):
                    raise CircuitError(f"{row.name} acts on {row.num_wires} different wires; got {len(on)}")
                own = numbers[slot : slot + row.arity]
                slot += row.arity
                if len(own) != row.arity:
                    raise CircuitError(f"{row.name} takes {row.arity} numbers; {len(own)} are left")
                entries.append(_entry(row, on, tuple(own)))
            place = "numbers"
            if slot != len(numbers):
                raise CircuitError(f"{len(numbers)} numbers for {slot} parameters")
            place = "measurements"
            measurements = tuple(_measurement(m, wires) for m in document["measurements"])
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError) as error:
            said = str(error) if isinstance(error, CircuitError) else f"{type(error).__name__} {error}"
            raise FormatError(self.name, f"{place}: {said[:200]}") from error
        bits = sum(isinstance(e, Measured) for e in entries)
        names = tuple(f"bit {k}" for k in range(bits))
        return ImportedCircuit(tuple(entries), wires, (), names, measurements, records=bits > 0)

    def _parsed(self, source: Any) -> Any:
        if not isinstance(source, str):
            raise FormatError(self.name, f"a text is read; got {type(source).__name__}")
        if len(source) > MAX_CHARACTERS:
            raise FormatError(self.name, f"the text has more than {MAX_CHARACTERS} characters", 1, 1)

        def refused(text: str) -> Any:
            raise FormatError(self.name, f"a number must be finite; got {text}")

        try:
            found = json.loads(source, parse_constant=refused)
        except json.JSONDecodeError as error:
            raise FormatError(self.name, error.msg, error.lineno, error.colno) from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(self.name, f"the text is no JSON that is read: {str(error)[:100]}") from error
        if not isinstance(found, dict):
            raise FormatError(
                self.name, f"an object with the key 'format' is read; got {type(found).__name__}"
            )
        return found


def _entry(row: Operation, wires: tuple[int, ...], numbers: tuple[float, ...]) -> Entry | Measured:
    if row.kind == "measure":
        bit, reset, postselect = measured(row)
        return Measured(wires[0], bit, reset, postselect)
    if row.kind == "conditional":
        base, bits, allowed = condition(row)
        return Entry(base, wires, numbers, bits, allowed)
    return Entry(row, wires, numbers)


def _measurement(written: Any, wires: tuple[Any, ...]) -> Measurement:
    found = Measurement(**{key: values.read(written[key]) for key in Measurement._fields})
    if found.kind not in KINDS:
        raise CircuitError(f"no measurement is called {str(found.kind)[:40]!r}")
    if found.wires is not None and not isinstance(found.wires, tuple):
        raise CircuitError("the wires of a measurement are a tuple")
    return found
