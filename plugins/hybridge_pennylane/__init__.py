"""Any device of PennyLane's ecosystem as a hybridge device: what it claims, readable without PennyLane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.plugin import QUBIT_CHANNELS, Capabilities, hookimpl

# rows that PennyLane has under the same name, with the same parameters in the same order
SAME = frozenset(
    "X Y Z H S T SX CNOT CZ CY CH SWAP ISWAP SISWAP ECR Toffoli CCZ CSWAP RX RY RZ Rot PhaseShift U1 U2 U3 "
    "ControlledPhaseShift CPhaseShift00 CPhaseShift01 CPhaseShift10 CRX CRY CRZ CRot IsingXX IsingYY IsingZZ "
    "IsingXY PSWAP SingleExcitation SingleExcitationPlus SingleExcitationMinus DoubleExcitation "
    "DoubleExcitationPlus DoubleExcitationMinus OrbitalRotation FermionicSWAP MultiRZ".split()
)
OTHERS = frozenset(
    "I GlobalPhase Adjoint(S) Adjoint(T) Adjoint(SX) PauliRot PCPhase MultiControlledX QubitUnitary "
    "ControlledQubitUnitary DiagonalQubitUnitary BasisState StatePrep".split()
)
MIXED = QUBIT_CHANNELS | {"QubitDensityMatrix"}  # run by devices that hold mixed states
DEVICE = Capabilities(
    domain="qubit",
    operations=SAME | OTHERS,
    measurements=frozenset({"expval", "probs", "sample"}),
    observables=frozenset({"pauli"}),
    conventions=(
        "wires, angles and signs are PennyLane's own; states are prepared at once before everything else; "
        "what a device does not run itself PennyLane decomposes; exact results of state and density_matrix "
        "come from the devices that have them"
    ),
)


@hookimpl
def register_devices(register: Callable[..., Any]) -> None:
    register(
        "pennylane.device",
        "hybridge_pennylane.device:PennyLaneDevice",
        capabilities=DEVICE,
        requires=("pennylane",),
        extra="pennylane",
    )
