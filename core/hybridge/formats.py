"""`hb.from_<name>` and `hb.to_<name>`: circuits from and to the formats that the core and plugins offer."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Instruction
from hybridge.compilation import check_preparations, circuit_wires
from hybridge.errors import CircuitError
from hybridge.interfaces.choose import values_of
from hybridge.interfaces.rows import as_rows
from hybridge.io.format import Format
from hybridge.listing import aligned
from hybridge.noise.model import NoiseModel
from hybridge.observables.qubit import MatrixObservable
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import Applied
from hybridge.qnode import QNode
from hybridge.registry import FormatRegistration, offered_class, registry

PREFIXES = ("from_", "to_")


class FormatInfo(NamedTuple):
    """A line of `formats()`."""

    name: str  # as in hb.from_<name> and hb.to_<name>
    plugin: str
    status: str  # "installed", the pip line that installs its SDK, or why it failed to load


class Formats(list[FormatInfo]):
    """What `formats()` returns: a list that prints as a table."""

    def __repr__(self) -> str:
        return aligned([("format", "plugin", "status"), *self])


def formats() -> Formats:
    """Every format that circuits are read from or written in: `hb.from_<name>`, `hb.to_<name>`.

    >>> import hybridge as hb
    >>> [f.name for f in hb.formats() if f.plugin == "hybridge"]
    ['json', 'qasm', 'qasm3']
    """
    return Formats(sorted(map(_info, _all().values())))


def _all() -> dict[str, FormatRegistration]:
    registry.load_all()
    return registry.formats


def _info(found: FormatRegistration) -> FormatInfo:
    missing, failure = found.missing(), registry.format_failures.get(found.name)
    if missing:
        status = str(missing).partition("; ")[2]
    else:
        status = f"failed to load: {failure}" if failure else "installed"
    return FormatInfo(found.name, found.plugin, status)


def verbs() -> list[str]:
    """The names `from_<name>` and `to_<name>` of every format, for dir(hybridge)."""
    return [prefix + name for name in _all() for prefix in PREFIXES]


def verb(attribute: str) -> Callable[..., Any]:
    """The function of this name; AttributeError, with the formats there are, where no format has it."""
    prefix = next((p for p in PREFIXES if attribute.startswith(p)), None)
    if prefix is None:
        raise AttributeError(f"module 'hybridge' has no attribute {attribute!r}")
    name = attribute.removeprefix(prefix)
    if name not in registry.formats and name not in _all():
        close = difflib.get_close_matches(name, registry.formats, n=1)
        hint = f"; did you mean {prefix + close[0]!r}?" if close else ""
        raise AttributeError(
            f"module 'hybridge' has no attribute {attribute!r}; "
            f"formats: {', '.join(sorted(registry.formats)) or 'none'}{hint}"
        )
    return _reader(name) if prefix == "from_" else _writer(name)


@cache
def _reader(name: str) -> Callable[[Any], Any]:
    def read(source: Any) -> Any:
        return _format(name).read(source)

    return _named(read, f"from_{name}", f"What `source` describes, in the format {name!r}.")


@cache
def _writer(name: str) -> Callable[[Any], Any]:
    def write(circuit: Any) -> Any:
        if isinstance(circuit, NoiseModel):
            return _format(name).write_noise(circuit)
        if isinstance(circuit, (Sentence, MatrixObservable, Applied)):
            observable = circuit.as_observable()
            if observable is not None:
                return _format(name).write_observable(observable)
        if not isinstance(circuit, (QNode, Circuit)):
            raise CircuitError(f"to_{name} takes a QNode, a Circuit or an observable; got {circuit!r}")
        return partial(_written, name, circuit)

    doc = f"A function of its arguments: the circuit as {name!r}; of anything else, what it is there."
    return _named(write, f"to_{name}", doc)


def _named(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__, function.__module__ = doc, "hybridge"
    return function


def _format(name: str) -> Format:
    """The format, its SDK imported. Raises MissingDependency and PluginError."""
    found = registry.formats[name]
    missing = found.missing()
    if missing:
        raise missing
    what, failures = f"format {name!r}", registry.format_failures
    cls = offered_class(found.location, Format, found.plugin, what, name, failures)
    made = cls()
    made.name = name
    return made


def _written(name: str, circuit: QNode | Circuit, *args: Any, **kwargs: Any) -> Any:
    written, numbers = (_of_node if isinstance(circuit, QNode) else _of_circuit)(circuit, *args, **kwargs)
    rows, batched = as_rows(values_of(numbers), written.instructions)
    if batched:
        raise CircuitError(f"to_{name} writes one circuit; got arrays of numbers for {len(rows)} of them")
    return _format(name).write(written, rows[0])


def _of_node(node: Any, *args: Any, **kwargs: Any) -> tuple[Circuit, list[Any]]:
    recorded = node.record(*args, **kwargs)
    instructions = tuple(Instruction(*i) for i in recorded.instructions)
    check_preparations(instructions)
    wires = circuit_wires(instructions, recorded.measurements, node.device)
    return Circuit(instructions, recorded.measurements, wires), recorded.numbers


def _of_circuit(circuit: Any, *numbers: Any) -> tuple[Circuit, list[Any]]:
    given = list(numbers)
    if len(given) == 1 and np.ndim(given[0]) == 1:
        given = list(given[0])
    if len(given) != circuit.num_slots:
        raise CircuitError(f"this circuit takes {circuit.num_slots} numbers; got {len(given)}")
    return circuit, given
