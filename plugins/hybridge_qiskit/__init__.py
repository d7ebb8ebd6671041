"""Qiskit's simulators and backends as hybridge devices: what they claim, readable without Qiskit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.plugin import QUBIT_CHANNELS, Capabilities, hookimpl
from hybridge_qiskit.translate import CLAIMED

AER = Capabilities(
    domain="qubit",
    operations=CLAIMED,
    measurements=frozenset({"state", "density_matrix", "expval", "var", "probs", "sample", "counts"}),
    mid_circuit=frozenset({"measure", "reset", "conditional"}),
    observables=frozenset({"pauli"}),  # a matrix from the state is cheaper than Aer's sum of 4^k words
    conventions=(
        "wire w is Aer's qubit w; Aer counts qubit 0 as least significant, so matrices and reduced results "
        "get their qubits reversed and states their axes; Qiskit's global phase is exp(+i phi), the row's is "
        "exp(-i phi); with a noise model, gates it does not name are rewritten in those it does"
    ),
)

BACKEND = Capabilities(
    domain="qubit",
    operations=CLAIMED - QUBIT_CHANNELS - {"QubitDensityMatrix"},
    measurements=frozenset({"sample"}),
    exact=False,
    conventions=(
        "wire w is qubit w of the circuit, qubit initial_layout[w] of the backend; Qiskit writes classical "
        "bit 0 last, shots have the first wire first; rows are bound by the names of their parameters"
    ),
)


@hookimpl
def register_devices(register: Callable[..., Any]) -> None:
    register(
        "qiskit.aer",
        "hybridge_qiskit.device:Aer",
        capabilities=AER,
        requires=("qiskit", "qiskit_aer"),
        extra="qiskit",
    )
    register(
        "qiskit.backend",
        "hybridge_qiskit.backend:Backend",
        capabilities=BACKEND,
        requires=("qiskit",),
        extra="qiskit",
    )


@hookimpl
def register_formats(register: Callable[..., Any]) -> None:
    register(
        "qiskit_noise",
        "hybridge_qiskit.calibration:QiskitNoise",
        requires=("qiskit", "qiskit_aer"),
        extra="qiskit",
    )
    register("qiskit", "hybridge_qiskit.formats:Qiskit", requires=("qiskit",), extra="qiskit")
