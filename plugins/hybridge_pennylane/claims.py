"""What a device of PennyLane does by itself: what it lists, and what its own preprocessing lets through."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pennylane as qml

from hybridge.plugin import Capabilities, DeviceError
from hybridge_pennylane import DEVICE, MIXED
from hybridge_pennylane.translate import NAMED

KET = replace(DEVICE, measurements=DEVICE.measurements | {"state"})
MATRIX = replace(
    DEVICE,
    operations=(DEVICE.operations or frozenset()) | MIXED,
    measurements=DEVICE.measurements | {"density_matrix"},
)
# PennyLane takes these apart for no device; the core does for those that do not list them
WHOLE = frozenset({"DoubleExcitationPlus", "DoubleExcitationMinus"})
# PennyLane's own simulators list nothing; asking them would take 4 ms for each device that is made
KNOWN = {
    "default.qubit": KET,
    "reference.qubit": replace(KET, operations=(KET.operations or frozenset()) - WHOLE),
    "default.mixed": MATRIX,
}
REFUSALS = (qml.exceptions.DeviceError, qml.exceptions.QuantumFunctionError, NotImplementedError, ValueError)
WIRES = 2  # of a device that is asked


def _sum_of_words() -> Any:
    return qml.Hamiltonian([0.5, 0.25], [qml.Z(0), qml.X(0) @ qml.Y(1)])


ASKED = {
    "expval": lambda: qml.expval(_sum_of_words()),
    "probs": lambda: qml.probs(wires=[1, 0]),
    "sample": lambda: qml.sample(wires=[1, 0]),
}


def claims(made: Any) -> Capabilities:
    """The claims of pennylane.device for this one; a DeviceError where it runs no circuit of qubits."""
    if made.name in KNOWN:
        return KNOWN[made.name]
    exact, why = _passing(made, ("expval", "probs"), None)
    drawn, why = _passing(made, ("expval", "probs", "sample"), 1, why)
    if not exact and not drawn:
        raise DeviceError(
            f"PennyLane's device {made.name!r} runs no circuit of qubits that hybridge could read: {why}"
        )
    kinds = (exact & drawn if exact and drawn else exact | drawn) | drawn & {"sample"}
    listed = _operations(made)
    mixed = frozenset(row for row in MIXED if _native(row) in listed)
    if exact and not mixed and "StateMP" in _listed(made, "measurement_processes"):
        kinds |= {"state"}
    operations = (DEVICE.operations or frozenset()) - (WHOLE - listed) | mixed
    return replace(DEVICE, operations=operations, measurements=kinds, exact=bool(exact), shots=bool(drawn))


def _passing(made: Any, kinds: Sequence[str], shots: int | None, why: str = "") -> tuple[frozenset[str], str]:
    """The kinds that the device lets through, and the last reason that it gave against one."""
    if not _refusal(made, kinds, shots):  # all at once, most often
        return frozenset(kinds), why
    reasons = {kind: _refusal(made, [kind], shots) for kind in kinds}
    return frozenset(k for k, said in reasons.items() if not said), next(filter(None, reasons.values()), why)


def _refusal(made: Any, kinds: Sequence[str], shots: int | None) -> str:
    """What the device has against these measurements; nothing is run."""
    tape = qml.tape.QuantumScript([qml.X(0), qml.CNOT([0, 1])], [ASKED[kind]() for kind in kinds], shots)
    with warnings.catch_warnings():  # what a refusal says, PennyLane says in a warning too
        warnings.simplefilter("ignore")
        return _said(made, tape)


def _said(made: Any, tape: Any) -> str:
    try:
        config = made.setup_execution_config(circuit=tape)
        tapes, _ = made.preprocess_transforms(config)([tape])
        if isinstance(made, qml.devices.LegacyDeviceFacade):  # checks when it runs
            for one in tapes:
                made.target_device.check_validity(one.operations, one.observables)
    except REFUSALS as error:
        return str(error) or type(error).__name__
    return ""


def _native(row: str) -> str:
    """What PennyLane calls a row of mixed states, as translate.py gives it."""
    return row if row in NAMED or row == "QubitDensityMatrix" else "QubitChannel"


def _operations(made: Any) -> set[str]:
    """The operations that a device of PennyLane lists, in a file or, of the old interface, in itself."""
    old = isinstance(made, qml.devices.LegacyDeviceFacade)
    return set(made.target_device.operations) if old else _listed(made, "operations")


def _listed(made: Any, of: str) -> set[str]:
    """What a device of PennyLane says it has, if it says it."""
    said = made.capabilities
    return set(getattr(said, of)) if isinstance(said, qml.devices.capabilities.DeviceCapabilities) else set()
