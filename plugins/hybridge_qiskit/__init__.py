"""Qiskit Aer as a hybridge device: what it claims, readable without Qiskit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.plugin import Capabilities, hookimpl
from hybridge_qiskit.translate import CLAIMED

AER = Capabilities(
    domain="qubit",
    operations=CLAIMED,
    measurements=frozenset({"state", "density_matrix", "expval", "var", "probs", "sample"}),
    observables=frozenset({"pauli"}),  # a matrix from the state is cheaper than Aer's sum of 4^k words
    conventions=(
        "wire w is Aer's qubit w; Aer counts qubit 0 as least significant, so matrices and reduced results "
        "get their qubits reversed and states their axes; Qiskit's global phase is exp(+i phi), the row's is "
        "exp(-i phi); with a noise model, gates it does not name are rewritten in those it does"
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
