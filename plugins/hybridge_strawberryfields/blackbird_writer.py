"""Circuits written as Blackbird text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Clicks, FormatError, Measurement, Operation, PlainStep, plain_steps
from hybridge_strawberryfields.blackbird_table import ARRAYS, NUMBERS

UNREAD = frozenset(
    {"sMZgate", "Ket"}
)  # SF's own reader does not know the first, nor arrays that are no matrices
NUMBERED = {op.row: name for name, op in NUMBERS.items() if name not in UNREAD}
OF_ARRAYS = {op.row: name for name, op in ARRAYS.items() if name not in UNREAD}
SPECIAL_ROWS = frozenset(
    {
        "FockState",
        "GKPState",
        "GaussianState",
        "FockStateVector",
        "PostselectHomodyne",
        "PostselectPhotons",
        "PostselectClick",
    }
)
OF_ONE_MODE = frozenset({"FockDensityMatrix", "FockStateVector"})


class Call(NamedTuple):
    """An operation of SF on modes; an argument is a number, its text, an array, or a list of numbers."""

    name: str
    arguments: dict[str, Any]
    wires: tuple[int, ...]


def calls(format: str, circuit: Circuit, numbers: np.ndarray) -> Iterator[Call]:
    """A circuit with these numbers (P,), measurements last. Raises FormatError for what SF has not."""
    places = {wire: k for k, wire in enumerate(circuit.wires)}
    for step in plain_steps(format, circuit, numbers, _claims):
        if step.bits or step.operation.kind == "measure":
            raise FormatError(format, "operations that depend on outcomes are not written")
        if step.operation.name != "Barrier":
            yield from _of_step(step)
    yield from _measurements(circuit.measurements, places)


def text(found: Iterable[Call]) -> str:
    """The text of these calls."""
    arrays: list[np.ndarray] = []
    lines = []
    for name, arguments, wires in found:
        # lists, and what is selected, can stand behind a name only
        named = "select" in arguments or any(isinstance(v, list) for v in arguments.values())
        shown = {key: _shown(v, arrays) for key, v in arguments.items()}
        inside = ", ".join(f"{key}={v}" for key, v in shown.items()) if named else ", ".join(shown.values())
        on = str(wires[0]) if len(wires) == 1 else f"[{', '.join(map(str, wires))}]"
        lines.append(f"{name}({inside}) | {on}")
    declared = [line for k, array in enumerate(arrays) for line in _declaration(k, array)]
    return "\n".join(["name circuit", "version 1.0", "", *declared, *lines]) + "\n"


def template(circuit: Circuit) -> str:
    """The text of a lowered circuit on wires 0..n-1, its numbers free parameters {p0}, {p1}, ..."""
    found: list[Call] = []
    used = 0
    for row, wires in circuit.instructions:
        numbers: Any = tuple(f"{{p{used + k}}}" for k in range(row.arity))
        used += row.arity
        found += _of_step(PlainStep(row, wires, numbers))
    return text(found)


def _claims(row: Operation) -> bool:
    if row.num_wires > 1 and row.name in OF_ONE_MODE:
        return False
    if row.name == "GaussianState" and row.params:
        return False
    return row.name in NUMBERED or row.name in OF_ARRAYS or row.name in SPECIAL_ROWS


def _of_step(step: PlainStep) -> list[Call]:
    row, wires, numbers = step.operation, step.wires, step.numbers
    if row.name in NUMBERED:
        name = NUMBERED[row.name]
        return [Call(name, dict(zip(NUMBERS[name].params, numbers, strict=True)), wires)]
    if row.name == "GKPState":
        return [Call("GKP", {"state": list(numbers[:2]), "epsilon": numbers[2]}, wires)]
    if row.name == "FockState":
        return [Call("Fock", {"n": int(n)}, (w,)) for n, w in zip(row.constants[0], wires, strict=True)]
    if row.kind == "outcome":
        return [_selecting(row, wires, numbers)]
    if row.params:  # a GaussianState of numbers: in the text of a device's program only
        return [Call("Gaussian", {str(k): v for k, v in enumerate(numbers)}, wires)]
    constants = [getattr(c, "array", c) for c in row.constants]
    if row.name == "GaussianState":
        V, r = constants
        k = len(wires)
        moved = [(w, (x + 1j * p) / 2) for w, x, p in zip(wires, r[:k], r[k:], strict=True) if x or p]
        shifts = [Call("Dgate", {"r": float(abs(a)), "phi": float(np.angle(a))}, (w,)) for w, a in moved]
        return [Call("Gaussian", {"V": V}, wires), *shifts]
    if row.name == "FockStateVector":
        ket = constants[0]
        return [Call("DensityMatrix", {"state": np.outer(ket, ket.conj())}, wires)]
    name = OF_ARRAYS[row.name]
    return [Call(name, dict(zip(ARRAYS[name].params, constants, strict=True)), wires)]


def _selecting(row: Operation, wires: tuple[int, ...], numbers: Sequence[Any]) -> Call:
    """A row that selects an outcome; a complex one in the text of a device's program only."""
    if row.name == "PostselectHomodyne":
        return Call("MeasureHomodyne", {"phi": numbers[1], "select": numbers[0]}, wires)
    if row.name == "PostselectHeterodyne":
        return Call("MeasureHeterodyne", {"select": f"{numbers[0]}*exp(1j*{numbers[1]})"}, wires)
    name = "MeasureFock" if row.name == "PostselectPhotons" else "MeasureThreshold"
    return Call(name, {"select": list(row.constants[0])}, wires)


def _shown(value: Any, arrays: list[np.ndarray]) -> str:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return f"A{len(arrays) - 1}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(v, arrays) for v in value)}]"
    return value if isinstance(value, str) else repr(value)


def _declaration(k: int, array: np.ndarray) -> Iterator[str]:
    kind = "complex" if np.iscomplexobj(array) else "float"
    yield f"{kind} array A{k}[{', '.join(map(str, array.shape))}] ="
    for row in array.tolist():
        yield "    " + ", ".join(map(_entry, row))
    yield ""


def _entry(value: complex | float) -> str:
    if not isinstance(value, complex):
        return repr(value)
    return f"{value.real!r}{'-' if np.copysign(1.0, value.imag) < 0 else '+'}{abs(value.imag)!r}j"


def _measurements(measured: Sequence[Measurement], places: dict[Any, int]) -> Iterator[Call]:
    """Each mode is read once, as the first measurement that reads it asks."""
    done: set[Any] = set()
    for m in measured:
        reads = _measurement(m)
        found = m.wires if m.observable is None else m.observable.wires
        wires = [w for w in (places if found is None else found) if w not in done]
        if reads is not None and wires:
            done.update(wires)
            yield from (Call(*reads, (places[w],)) for w in wires)


def _measurement(m: Measurement) -> tuple[str, dict[str, Any]] | None:
    """Of one mode; None where SF has no measurement that reads it."""
    observable: Any = m.observable
    if m.kind == "heterodyne":
        return "MeasureHeterodyne", {}
    if m.kind not in ("probs", "sample", "counts"):
        return None
    if observable is None:
        return "MeasureFock", {}
    if isinstance(observable, Clicks):
        return "MeasureThreshold", {}
    if observable.degree == 1 and len(observable.wires) == 1:
        ((_, angle),) = dict(observable.settings).items()
        return "MeasureHomodyne", {"phi": float(angle)}
    return None
