"""The kit finds what a device, or the core, does wrong with measurements inside a circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge import deferral, postselection
from hybridge.circuit import Circuit, Instruction
from hybridge.conformance import QubitConformance, items
from hybridge.conformance.midcircuit import MidCircuitConformance
from hybridge.operations.measuring import condition, conditional, measured, mid_measure
from hybridge.operations.table import Operation, derive
from hybridge_default.qubit import DefaultQubit

Change = Callable[[Operation], Operation]


class Inside(DefaultQubit):
    """default.qubit that always measures on the way, and may get a row wrong."""

    name = "inside.qubit"
    change: Change = staticmethod(lambda row: row)
    shuffled = False  # whether bits come beside the wires of other shots

    def measures_inside(self, num_wires: int, deferred: int) -> bool:
        return True

    def compile(self, circuit: Circuit) -> Any:
        changed = tuple(Instruction(self.change(row), on) for row, on in circuit.instructions)
        return super().compile(circuit._replace(instructions=changed))

    def run(self, tasks: Any) -> list[np.ndarray]:
        found = super().run(tasks)
        for task, array in zip(tasks, found, strict=True):
            if self.shuffled and getattr(task.program, "kind", "") == "sample" and task.program.from_bits:
                bits = array.reshape(len(array), task.shots, -1)
                for k, _ in task.program.from_bits:
                    bits[:, :, k] = np.roll(bits[:, :, k], 1, axis=1)
        return found


def _measuring(change: Callable[..., tuple[Any, ...]]) -> Change:
    return lambda row: derive(mid_measure, *change(*measured(row))) if row.kind == "measure" else row


def _deciding(change: Callable[..., Any]) -> Change:
    return lambda row: change(*condition(row)) if row.kind == "conditional" else row


def _patterns(change: Callable[[int, tuple[Any, ...]], Any]) -> Change:
    return _deciding(
        lambda base, bits, allowed: derive(conditional, base, bits, tuple(change(len(bits), allowed)))
    )


class Fault(NamedTuple):
    name: str
    found_by: str  # how the names of the items begin
    hooks: dict[str, Any]

    def __str__(self) -> str:
        return self.name


WITH_SHOTS = "test_measured_inside_with_shots"
FAULTS = [
    Fault(name, found_by, {"change": staticmethod(change)})
    for name, found_by, change in (
        ("no reset", f"{WITH_SHOTS}[reset]", _measuring(lambda bit, reset, chosen: (bit, False, chosen))),
        ("reset unasked", f"{WITH_SHOTS}[measured and read]", _measuring(lambda bit, _, c: (bit, True, c))),
        (
            "one bit for all",
            f"{WITH_SHOTS}[only bits]",
            _measuring(lambda bit, reset, c: (bit // 2, reset, c)),
        ),
        ("conditions ignored", f"{WITH_SHOTS}[teleportation]", _deciding(lambda base, bits, allowed: base)),
        ("nothing conditional", f"{WITH_SHOTS}[coins]", _patterns(lambda count, allowed: ())),
        (
            "conditions the other way",
            f"{WITH_SHOTS}[feed-forward]",
            _patterns(lambda n, allowed: {tuple(1 - v for v in p) for p in allowed}),
        ),
        (
            "the first bit least significant",
            f"{WITH_SHOTS}[order]",
            _patterns(lambda n, allowed: {p[::-1] for p in allowed}),
        ),
        (
            "the first pattern only",
            f"{WITH_SHOTS}[coins]",
            _patterns(lambda n, allowed: allowed[:1]),
        ),
    )
]


def failures(owner: type, beginning: str) -> Iterator[str]:
    for item in items(owner):
        if item.name.startswith(beginning):
            try:
                item.run()
            except (Exception, pytest.fail.Exception) as error:
                yield f"{item.name}: {error}"


def kit(device: type[DefaultQubit]) -> type:
    return type("Kit", (QubitConformance,), {"device": device})


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_of_a_device_is_caught(fault):
    faulty = type("Faulty", (Inside,), fault.hooks)
    assert next(failures(kit(faulty), fault.found_by), None) is not None
    assert list(failures(kit(Inside), fault.found_by)) == []


def test_bits_beside_the_wires_of_other_shots_are_caught():
    faulty = type("Faulty", (Inside,), {"shuffled": True})
    assert next(failures(kit(faulty), "test_single_shots_that_are_selected"), None) is not None


# what the core might do wrong, and the exact item that is there to find it
OF_THE_CORE = {
    "coherence left in a wire that is read": (
        deferral,
        "_letters_read",
        lambda circuit: {},
        "measured and read",
    ),
    "bits kept on wires that go on": (deferral, "_last_touched", lambda circuit: {}, "repeated"),
    "cubes that overlap": (
        deferral,
        "cubes",
        lambda count, allowed: tuple(((k, 1),) for k in range(count)),
        "branches",
    ),
    "one cube of several": (
        deferral,
        "cubes",
        lambda count, allowed, cubes=deferral.cubes: cubes(count, allowed)[:1],
        "coins",
    ),
    "what is left not divided by how much it is": (
        postselection,
        "_quotient",
        lambda numerator, weight: numerator,
        "selected",
    ),
    "the other outcome selected": (
        postselection,
        "Projector",
        lambda outcomes, wires, made=postselection.Projector: made([1 - v for v in outcomes], wires),
        "selected at the end",
    ),
}


@pytest.mark.parametrize("name", OF_THE_CORE)
def test_a_fault_of_the_core_is_caught(name, monkeypatch):
    owner, attribute, wrong, found_by = OF_THE_CORE[name]
    monkeypatch.setattr(owner, attribute, wrong)
    assert next(failures(kit(DefaultQubit), f"test_measured_inside[{found_by}]"), None) is not None


def test_every_item_is_of_the_kit():
    named = {item.name.split("[")[0] for item in items(QubitConformance)}
    assert {name for name in vars(MidCircuitConformance) if name.startswith("test_")} <= named
