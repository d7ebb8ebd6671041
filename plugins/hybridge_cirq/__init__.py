"""Cirq's simulators as hybridge devices: what they claim, readable without Cirq."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hybridge.plugin import QUBIT_CHANNELS, Capabilities, hookimpl

GATES = frozenset(
    "I X Y Z H S T SX Adjoint(S) Adjoint(T) Adjoint(SX) CNOT CZ CY CH SWAP ISWAP SISWAP Toffoli CCZ "
    "CSWAP MultiControlledX RX RY RZ PhaseShift U1 ControlledPhaseShift CRX CRY CRZ IsingXX IsingYY IsingZZ "
    "IsingXY QubitUnitary ControlledQubitUnitary".split()
)
KETS = frozenset({"BasisState", "StatePrep"})

SIMULATOR = Capabilities(
    domain="qubit",
    operations=GATES | KETS,
    measurements=frozenset({"state"}),
    conventions=(
        "wire w is Cirq's LineQubit w, the first one most significant; Cirq's exponents are angles over pi, "
        "and its powers of Z, CZ and ISWAP have the phase of the rows, those of XX, YY and ZZ have it with "
        "global_shift=-0.5"
    ),
)
DENSITY_MATRIX = replace(
    SIMULATOR,
    operations=GATES | KETS | QUBIT_CHANNELS | {"QubitDensityMatrix"},
    measurements=frozenset({"density_matrix"}),
    conventions=f"{SIMULATOR.conventions}; generalized_amplitude_damp takes the probability of decay first",
)


@hookimpl
def register_devices(register: Callable[..., Any]) -> None:
    sdk = {"requires": ("cirq",), "extra": "cirq"}
    register("cirq.simulator", "hybridge_cirq.device:CirqSimulator", capabilities=SIMULATOR, **sdk)
    register(
        "cirq.density_matrix", "hybridge_cirq.device:CirqDensityMatrix", capabilities=DENSITY_MATRIX, **sdk
    )
