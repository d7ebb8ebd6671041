"""Rows of the table as JSON: by name, by family and constants, or by what they are derived from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.errors import CircuitError
from hybridge.io import json_values as values
from hybridge.operations import derived
from hybridge.operations.derived import adjoint_row, controlled, power
from hybridge.operations.evolution import _evolution
from hybridge.operations.gaussian_state import _of_entries
from hybridge.operations.measuring import conditional, mid_measure
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import FAMILIES, ROWS, Constant, Family, Operation, derive

MAX_ROW_WIRES = {"MultiRZ": 24}  # it is made with a table of 2^k
MAX_WIRES, MAX_POWER = 4096, 10**9
MAX_PATTERNS = 2**16


def write_row(row: Operation) -> Any:
    """The row as JSON. Raises CircuitError for one that a plugin made by other means."""
    if ROWS.get(row.name) is row:
        return row.name
    function, *arguments = row.origin[1] if row.origin is not None else (None,)
    family = _FAMILY.get(function)
    if family is not None:
        count, *constants = arguments
        return {"family": family.name, "wires": count, "constants": [values.write(c) for c in constants]}
    if function not in _DERIVED:
        raise CircuitError(f"the operation {row.name} cannot be written")
    found = [write_row(a) if isinstance(a, Operation) else values.write(a) for a in arguments]
    return {_DERIVED[function]: found}


def read_row(written: Any, depth: int = 0) -> Operation:
    """The row that `write_row` gave. Raises CircuitError, KeyError, TypeError or ValueError for another."""
    if depth > 64:
        raise CircuitError("an operation is derived more than 64 times")
    if isinstance(written, str):
        return ROWS[written]
    if "family" in values.only_object(written):
        name, count = written["family"], written["wires"]
        family: Family = FAMILIES[name]
        if type(count) is not int or not 0 <= count <= MAX_ROW_WIRES.get(name, MAX_WIRES):
            raise CircuitError(f"{name} on {str(count)[:20]} wires is not read")
        constants = [values.read(c) for c in written["constants"]]
        return family.of(count, *(c.array if isinstance(c, Constant) else c for c in constants))
    ((key, arguments),) = written.items()
    return _READ[key](arguments, depth + 1)


def _adjoint(arguments: Any, depth: int) -> Operation:
    (base,) = arguments
    return adjoint_row(read_row(base, depth))


def _power(arguments: Any, depth: int) -> Operation:
    base, z = arguments[0], values.read(arguments[1])
    if abs(z) > MAX_POWER:
        raise CircuitError(f"a power can be at most {MAX_POWER}")
    return power(read_row(base, depth), z)


def _controlled(arguments: Any, depth: int) -> Operation:
    base, pattern = arguments
    return controlled(read_row(base, depth), _bits(values.read(pattern)))


def _bits(pattern: Any) -> tuple[int, ...]:
    if not isinstance(pattern, tuple) or any(type(b) is not int or b not in (0, 1) for b in pattern):
        raise CircuitError("a pattern is of zeros and ones")
    if len(pattern) > MAX_WIRES:
        raise CircuitError(f"a pattern has at most {MAX_WIRES} bits")
    return pattern


def _conditional(arguments: Any, depth: int) -> Operation:
    base, bits, allowed = arguments
    places, patterns = values.read(bits), values.read(allowed)
    if any(type(b) is not int or b < 0 for b in places) or len(patterns) > MAX_PATTERNS:
        raise CircuitError("a condition is of numbered bits and patterns of them")
    if any(len(_bits(p)) != len(places) for p in patterns):
        raise CircuitError("a pattern has a value for each bit")
    row = read_row(base, depth)
    if row.kind != "gate":
        raise CircuitError(f"{row.name} cannot be conditional: only gates can")
    return derive(conditional, row, places, patterns)


def _measure(arguments: Any, depth: int) -> Operation:
    bit, reset, postselect = arguments
    if type(bit) is not int or bit < 0 or type(reset) is not bool or postselect not in (None, 0, 1):
        raise CircuitError("a measurement has a bit, a reset and an outcome to select")
    return derive(mid_measure, bit, reset, postselect)


def _entries(arguments: Any, depth: int) -> Operation:
    count, mixed = arguments
    if type(count) is not int or not 1 <= count <= 256 or type(mixed) is not bool:
        raise CircuitError("a Gaussian state has 1 to 256 modes")
    return derive(_of_entries, count, mixed)


def _evolved(arguments: Any, depth: int) -> Operation:
    count, sentence = arguments[0], values.read(arguments[1])
    if not isinstance(sentence, Sentence) or set(sentence.wires) - set(range(count)) or count > MAX_WIRES:
        raise CircuitError("an evolution has a sum of Pauli words on its wires")
    return derive(_evolution, count, sentence)


_FAMILY: dict[Any, Family] = {family._make: family for family in FAMILIES.values()}
_DERIVED: dict[Any, str] = {
    derived._adjoint: "adjoint",
    derived._power: "power",
    derived._controlled: "controlled",
    conditional: "conditional",
    mid_measure: "measure",
    _of_entries: "gaussian entries",
    _evolution: "evolution",
}
_READ: dict[str, Callable[[Any, int], Operation]] = {
    "adjoint": _adjoint,
    "power": _power,
    "controlled": _controlled,
    "conditional": _conditional,
    "measure": _measure,
    "gaussian entries": _entries,
    "evolution": _evolved,
}
