"""A circuit with every mid-circuit measurement put off to its end, the results the same.

A measured bit is kept on a wire of its own, written by a CNOT, and what depends on it is controlled by that
wire (the principle of deferred measurement; Nielsen and Chuang, section 4.4). No wire is added where the
measured one is left alone afterwards: it keeps the bit itself, the first of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.errors import CircuitError
from hybridge.gradients.letters import measured_letters
from hybridge.operations.measuring import Bit, Pattern, condition, measured, where
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.table import Operation, derive

Cube = tuple[tuple[int, int], ...]  # (place, value) of the bits that matter


class Deferred(NamedTuple):
    """The circuit without measurements, and the wire on which each measured bit, a Bit, is read at its end.

    The wires added, each called by the Bit that it keeps, come after the user's.
    """

    circuit: Circuit
    holders: dict[Hashable, Hashable]


def measures(circuit: Circuit) -> bool:
    """Whether there is anything to defer."""
    return any(operation.kind in ("measure", "conditional") for operation, _ in circuit.instructions)


def deferred(circuit: Circuit, misread: Mapping[Bit, Operation] | None = None) -> Deferred:
    """The circuit on its wires and one more for each bit that needs one; the numbers keep their slots.

    `misread` are channels on bits that are not kept as they are. Raises CircuitError for state(): what is
    left is mixed.
    """
    last = _last_touched(circuit)
    read = _letters_read(circuit)
    holders: dict[Hashable, Hashable] = {}
    taken: set[Hashable] = set()  # wires that keep a bit: one each, so that bits can be told apart
    found: list[Instruction] = []
    for at, (operation, wires) in enumerate(circuit.instructions):
        if operation.kind == "measure":
            bit, reset, wanted = measured(operation)
            (wire,) = wires
            label = Bit(bit)
            # what selects must not be read itself: the two would be one wire
            plain = read.get(wire, "Z") == "Z" if wanted is None else wire not in read
            wrongly = (misread or {}).get(label)
            own = plain and wrongly is None and wire not in taken
            if not reset and last.get(wire, -1) < at and own:
                holders[label] = wire
                taken.add(wire)
                continue
            holders[label] = label
            found.append(Instruction(CNOT, (wire, label)))
            if reset:
                found.append(Instruction(CNOT, (label, wire)))
            if wrongly is not None:
                found.append(Instruction(wrongly, (label,)))
        elif operation.kind == "conditional":
            base, bits, allowed = condition(operation)
            chosen = derive(where, base, len(bits), cubes(len(bits), frozenset(allowed)))
            found.append(Instruction(chosen, (*(holders[Bit(b)] for b in bits), *wires)))
        else:
            found.append(Instruction(operation, wires))
    added = tuple(label for label, holder in holders.items() if label is holder)
    read_later = tuple(_measured(m, circuit, holders) for m in circuit.measurements)
    return Deferred(Circuit(tuple(found), read_later, (*circuit.wires, *added)), holders)


def _last_touched(circuit: Circuit) -> dict[Hashable, int]:
    """Where each wire is last changed: a measurement that leaves the wire as it found it does not."""
    found: dict[Hashable, int] = {}
    for at, (operation, wires) in enumerate(circuit.instructions):
        plain = operation.kind == "measure" and not measured(operation)[1]
        if not plain and operation.kind != "marker":
            found.update(dict.fromkeys(wires, at))
    return found


def _letters_read(circuit: Circuit) -> dict[Hashable, str]:
    """The Pauli letters that the measurements have on each wire: "Z" where only its bit is read."""
    found: dict[Hashable, str] = {}
    for m in circuit.measurements:
        if m.observable is None and m.kind in ("sample", "counts"):
            m = m._replace(kind="probs")
        for wire, letters in measured_letters(m, circuit.wires).items():
            found[wire] = letters if found.get(wire, letters) == letters else "XYZ"
    return found


def _measured(m: Measurement, circuit: Circuit, holders: dict[Hashable, Hashable]) -> Measurement:
    """The measurement on the wires that hold what it reads."""
    if m.kind == "state":
        raise CircuitError(
            "state() of a circuit that measures on its way: each outcome leaves a state of its own; "
            "ask for density_matrix(wires), the mixture of them"
        )
    if m.observable is not None:
        return m._replace(observable=m.observable.map_wires(holders), wires=_held(m.wires, holders))
    return m._replace(wires=_held(circuit.wires if m.wires is None else m.wires, holders))


def _held(
    wires: tuple[Hashable, ...] | None, holders: dict[Hashable, Hashable]
) -> tuple[Hashable, ...] | None:
    return None if wires is None else tuple(holders.get(w, w) for w in wires)


# ---- a gate where some bits have one of several patterns --------------------------------------------------


@lru_cache(maxsize=1024)
def cubes(count: int, allowed: frozenset[Pattern]) -> tuple[Cube, ...]:
    """Disjoint cubes of bits that hold these patterns and no others, few of them: greedily, by halves.

    >>> cubes(2, frozenset({(1, 0), (1, 1)}))
    (((0, 1),),)
    """
    return tuple(_split(tuple(range(count)), allowed))


def _split(places: Sequence[int], patterns: frozenset[Pattern]) -> Iterator[Cube]:
    """Of patterns of the bits in these places."""
    if not patterns:
        return
    if len(patterns) == 2 ** len(places):
        yield ()
        return
    halves = [
        tuple(frozenset(p[:i] + p[i + 1 :] for p in patterns if p[i] == value) for value in (0, 1))
        for i in range(len(places))
    ]
    for i, (low, high) in enumerate(halves):
        if low == high:  # this bit does not matter
            yield from _split((*places[:i], *places[i + 1 :]), low)
            return
    best = max(range(len(places)), key=lambda i: abs(len(halves[i][0]) - len(halves[i][1])))
    rest = (*places[:best], *places[best + 1 :])
    for value in (0, 1):
        for cube in _split(rest, halves[best][value]):
            yield tuple(sorted(((places[best], value), *cube)))
