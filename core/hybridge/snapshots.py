"""Look into a circuit: what is measured at each of its Snapshots."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from hybridge.circuit import Instruction, Measurement, density_matrix, state
from hybridge.compilation import circuit_wires
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.markers import Barrier
from hybridge.operations.table import Applied, Wires
from hybridge.qnode import QNode
from hybridge.recorded import Recorded
from hybridge.recording import record

RESULTS = "execution_results"  # the key of the QNode's own result
EXACT = frozenset({"state", "density_matrix"})  # taken without shots, whatever the QNode's


def snapshots(qnode: QNode) -> Callable[..., dict[Hashable, Any]]:
    """A function of the qnode's arguments that returns {tag: value} for its Snapshots, and its own result.

    `hb.Snapshot(tag, measurement)` takes any measurement; without one the state: the ket (2^n,) of all
    wires, or their density matrix after a measurement, and on a device that has them where the state is
    mixed. Those are exact, all else takes the QNode's shots. A Snapshot without a tag is numbered 0, 1, ...;
    "execution_results" is what the QNode returns. The circuit up to each Snapshot is a circuit of its own,
    so this runs on every device, in one job each. Raises CircuitError for a tag that is taken,
    UnsupportedCircuit for a measurement that the device cannot give.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit():
    ...     hb.Snapshot("before", hb.expval(hb.Z(0)))
    ...     hb.X(0)
    ...     return hb.expval(hb.Z(0))
    >>> {tag: float(value) for tag, value in hb.snapshots(circuit)().items()}
    {'before': 1.0, 'execution_results': -1.0}
    """
    if not isinstance(qnode, QNode):
        raise CircuitError(f"snapshots takes a QNode, a function decorated with @hb.qnode; got {qnode!r}")

    @functools.wraps(qnode.function)
    def taken(*args: Any, **kwargs: Any) -> dict[Hashable, Any]:
        tape, returned = record(qnode.function, *args, **kwargs)
        measured = Recorded(tape, returned, getattr(qnode, "__name__", "the circuit function")).measurements
        wires = circuit_wires([Instruction(a.operation, a.wires) for a in tape], measured, qnode.device)
        values: dict[Hashable, Any] = {}
        untagged = 0
        for i, applied in enumerate(tape):
            if applied.operation.name != "Snapshot":
                continue
            tag, measurement = applied.operation.constants
            if tag is None:
                tag, untagged = untagged, untagged + 1
            if tag in values or tag == RESULTS:
                raise CircuitError(f"a Snapshot needs a tag of its own; {tag!r} is taken")
            values[tag] = _value(qnode, tape[:i], wires, measurement)
        values[RESULTS] = qnode(*args, **kwargs)
        return values

    return taken


def _value(qnode: QNode, tape: Sequence[Applied], wires: Wires, measurement: Any) -> Any:
    """What this measurement gives after these operations."""
    if measurement is not None:
        if not isinstance(measurement, Measurement):
            raise CircuitError(f"a Snapshot takes a measurement such as hb.probs(); got {measurement!r}")
        return _measured(qnode, tape, wires, measurement)
    if any(applied.operation.kind == "measure" for applied in tape):
        return _measured(qnode, tape, wires, density_matrix(wires))
    try:
        return _measured(qnode, tape, wires, state())
    except UnsupportedCircuit:
        if "density_matrix" not in qnode.device.capabilities.measurements:
            raise
        return _measured(qnode, tape, wires, density_matrix(wires))


def _measured(qnode: QNode, tape: Sequence[Applied], wires: Wires, measurement: Measurement) -> Any:
    def begun() -> Measurement:
        for applied in tape:
            applied.operation(*applied.params, wires=applied.wires)
        Barrier(wires)  # the wires that the circuit comes to later are there too
        return measurement

    shots = None if measurement.kind in EXACT else qnode.shots
    return qnode.update(function=begun, shots=shots, static=False)()
