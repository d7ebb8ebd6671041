"""The rows that do nothing to the state and mark a place in the circuit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from hybridge.errors import CircuitError
from hybridge.operations.table import Family, Operation


def _barrier(num_wires: int) -> Operation:
    return Operation(
        "Barrier",
        "qubit",
        num_wires,
        kind="marker",
        decomposition=lambda *wires: [],
        formula=Barrier.formula,
        label="||",
    )


Barrier: Family = Family(
    "Barrier",
    "qubit",
    ("wires",),
    (),
    _barrier,
    defaults={"wires": ()},
    formula="nothing; a line in the drawing",
    examples=[(0, ()), (2, ())],
)


def _check_snapshot(num_wires: int, tag: Any, measurement: Any) -> tuple[Hashable, Hashable]:
    try:
        hash((tag, measurement))
    except TypeError as reason:
        raise CircuitError(
            f"Snapshot needs a tag and a measurement that are constants; got {tag!r}, {measurement!r}"
        ) from reason
    return tag, measurement


def _snapshot(num_wires: int, tag: Hashable, measurement: Hashable) -> Operation:
    return Operation(
        "Snapshot",
        "qubit",
        num_wires,
        kind="marker",
        decomposition=lambda *wires: [],
        constants=(tag, measurement),
        formula=Snapshot.formula,
        label="|Snap|",
    )


Snapshot: Family = Family(
    "Snapshot",
    "qubit",
    ("tag", "measurement", "wires"),
    (),
    _snapshot,
    _check_snapshot,
    defaults={"tag": None, "measurement": None, "wires": ()},
    formula="nothing; where hb.snapshots takes the state, or the measurement, under this tag",
    examples=[(0, ()), (0, ("here",))],
)
