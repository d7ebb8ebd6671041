"""A circuit read from elsewhere, to be called inside a circuit function."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hybridge.circuit import Measurement
from hybridge.errors import CircuitError
from hybridge.io.expression import Number, value
from hybridge.observables.measured import MeasuredValue, measure
from hybridge.operations.measuring import Patterns, conditional
from hybridge.operations.table import Operation, Wires, as_wires, derive
from hybridge.recording import recorder

_ELEMENT = re.compile(r"(?P<vector>.+)\[(?P<index>\d+)\]")


class Entry(NamedTuple):
    """An operation on wires 0..n-1, its numbers plain or depending on parameters.

    With `bits` it acts only where these classical bits read one of the `allowed` patterns; one that was never
    measured reads 0.
    """

    operation: Operation
    wires: tuple[int, ...]
    numbers: tuple[Number, ...] = ()
    bits: tuple[int, ...] = ()
    allowed: Patterns = ()


class Measured(NamedTuple):
    """A measurement of a wire into a classical bit; or, without a bit, a reset of the wire to |0>.

    A reset of a wire that the circuit has not acted on yet is recorded only where a call finds it in use.
    """

    wire: int
    bit: int | None = None
    reset: bool = False
    postselect: int | None = None


@dataclass(frozen=True, eq=False)
class ImportedCircuit:
    """What hb.from_<format> returns. Called inside a circuit function, it records its operations there.

    `circuit(*values, wires=None, **named)`: a value for each of `parameters`, in their order or by name; a
    vector `x[0], x[1], ...` also as one array, under the name `x` or in its place. `wires`: the labels to use
    in place of its own. Values may be arrays (batch,) and may be differentiated.

    entries       Entry and Measured, in time order
    wires         its own labels, those of wires 0..n-1
    parameters    names, in order
    bits          names of its classical bits
    measurements  what the source reads at the end, where it says so, on its own labels
    records       whether measurements are recorded where they come at the end too

    The call returns what the source measures, in the order of its classical bits: where all of it comes at
    the end, the wires, for hb.probs or hb.sample, and nothing is recorded of it; else a measured value for
    each bit, as hb.measure returns. Raises CircuitError for values or wires that do not fit.
    """

    entries: tuple[Entry | Measured, ...]
    wires: Wires
    parameters: tuple[str, ...] = ()
    bits: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    records: bool = False
    _last: Mapping[int, int] | None = field(init=False, default=None, repr=False)
    _early: frozenset[int] = field(init=False, default=frozenset(), repr=False)  # places of early resets

    def __post_init__(self) -> None:
        if not self.records:
            early = _early_resets(self.entries)
            rest = [entry for k, entry in enumerate(self.entries) if k not in early]
            object.__setattr__(self, "_early", early)
            object.__setattr__(self, "_last", _measured_last(rest))

    @property
    def num_wires(self) -> int:
        """How many wires it acts on."""
        return len(self.wires)

    @property
    def measured(self) -> Wires:
        """The wires it measures, in the order of its classical bits; each once.

        Where measurements come before the end, those of the last measurement into each bit.
        """
        last = self._last
        if last is None:
            last = {e.bit: e.wire for e in self.entries if isinstance(e, Measured) and e.bit is not None}
        return tuple(dict.fromkeys(self.wires[last[bit]] for bit in sorted(last)))

    @property
    def measures_inside(self) -> bool:
        """Whether it measures or resets before its end, so that a call records measurements."""
        return self._last is None

    def __call__(self, *values: Any, wires: Any = None, **named: Any) -> tuple[Any, ...]:
        labels = self._labels(wires)
        parameters = self._values(values, named)
        outcomes: dict[int, MeasuredValue] = {}
        used = _wires_in_use() if self._early else frozenset()
        for k, entry in enumerate(self.entries):
            if isinstance(entry, Entry):
                on = tuple([labels[w] for w in entry.wires])
                row = _under(entry, outcomes) if entry.bits else entry.operation
                if row is not None:
                    row(*[value(n, parameters) for n in entry.numbers], wires=on)
            elif k in self._early:
                if labels[entry.wire] in used:
                    measure(labels[entry.wire], reset=True)
            elif self._last is None:
                outcome = measure(labels[entry.wire], entry.reset, entry.postselect)
                if entry.bit is not None:
                    outcomes[entry.bit] = outcome
        if self._last is None:
            return tuple(outcomes[bit] for bit in sorted(outcomes))
        return tuple(dict.fromkeys(labels[self._last[bit]] for bit in sorted(self._last)))

    def _labels(self, wires: Any) -> Wires:
        labels = self.wires if wires is None else as_wires(wires)
        if len(labels) != self.num_wires:
            raise CircuitError(f"this circuit acts on {self.num_wires} wires; got {list(labels)!r}")
        return labels

    def _values(self, values: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        vectors = _vectors(self.parameters)
        names: Sequence[str] = self.parameters
        if len(values) + len(named) != len(names) and len(values) <= len(vectors):
            names = tuple(vectors)  # an array for each vector
        if len(values) > len(names):
            raise CircuitError(f"this circuit takes {self._signature()}; got {len(values)} values")
        given = dict(zip(names, values, strict=False))
        repeated = sorted(set(given) & set(named))
        unknown = sorted(set(named) - set(vectors) - set(self.parameters))
        if repeated or unknown:
            what = f"{repeated[0]!r} twice" if repeated else f"no parameter {unknown[0]!r}"
            raise CircuitError(f"this circuit takes {self._signature()}; it has {what}")
        found: dict[str, Any] = {}
        for name, given_value in {**given, **named}.items():
            elements = vectors.get(name, (name,))
            if elements == (name,):
                found[name] = given_value
                continue
            places = [int(element[len(name) + 1 : -1]) for element in elements]
            if len(given_value) <= max(places):
                raise CircuitError(f"{name} has an element {max(places)}; got {len(given_value)} numbers")
            found.update({e: given_value[k] for e, k in zip(elements, places, strict=True)})
        missing = [name for name in self.parameters if name not in found]
        if missing:
            raise CircuitError(f"this circuit takes {self._signature()}; {missing[0]!r} has no value")
        return found

    def _signature(self) -> str:
        count = len(self.parameters)
        return f"{count} parameters: {', '.join(self.parameters)}" if count else "no parameters"

    def __repr__(self) -> str:
        inside = "".join(f", {noun}={list(v)}" for noun, v in (("parameters", self.parameters),) if v)
        return f"<ImportedCircuit of {len(self.entries)} operations on {self.num_wires} wires{inside}>"


def _vectors(parameters: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The parameters by vector, in order: {'x': ('x[0]', 'x[1]'), 'y': ('y',)}."""
    found: dict[str, list[str]] = {}
    for name in parameters:
        element = _ELEMENT.fullmatch(name)
        found.setdefault(element["vector"] if element else name, []).append(name)
    return {vector: tuple(names) for vector, names in found.items()}


def _early_resets(entries: Sequence[Entry | Measured]) -> frozenset[int]:
    """Places of the resets of wires that nothing has acted on before."""
    found: list[int] = []
    touched: set[int] = set()
    for k, entry in enumerate(entries):
        if isinstance(entry, Entry):
            if entry.operation.kind != "marker":
                touched.update(entry.wires)
        elif entry.reset and entry.bit is None and entry.wire not in touched:
            found.append(k)
        else:
            touched.add(entry.wire)
    return frozenset(found)


def _wires_in_use() -> frozenset[Any]:
    """The wires that the circuit which is being recorded has acted on."""
    tape = recorder.tape or ()
    return frozenset(w for applied in tape if applied.operation.kind != "marker" for w in applied.wires)


def _measured_last(entries: Sequence[Entry | Measured]) -> Mapping[int, int] | None:
    """The wire each classical bit is measured from, where nothing happens to a wire once it is measured.

    None where something does, where a wire is reset, and where an operation depends on a bit.
    """
    found: dict[int, int] = {}
    done: set[int] = set()
    for entry in entries:
        if isinstance(entry, Entry):
            if entry.bits or (entry.operation.kind != "marker" and not done.isdisjoint(entry.wires)):
                return None
        elif entry.bit is None or entry.reset or entry.wire in done or entry.bit in found:
            return None
        else:
            found[entry.bit] = entry.wire
            done.add(entry.wire)
    return found


def _under(entry: Entry, outcomes: Mapping[int, MeasuredValue]) -> Operation | None:
    """The row that acts where the bits read an allowed pattern; None where they cannot."""
    written = [k for k, bit in enumerate(entry.bits) if bit in outcomes]
    possible = tuple(
        tuple(pattern[k] for k in written)
        for pattern in entry.allowed
        if not any(bit and k not in written for k, bit in enumerate(pattern))
    )
    if not possible:
        return None
    if not written or entry.operation.kind == "marker":
        return entry.operation
    bits = tuple(outcomes[entry.bits[k]].bits[0] for k in written)
    return derive(conditional, entry.operation, bits, possible)
