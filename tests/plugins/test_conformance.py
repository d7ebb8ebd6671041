"""The conformance kit on every device that is installed; those that ask a QVM ask that of the tests."""

from __future__ import annotations

import pytest

import hybridge as hb
from hybridge.conformance import FockConformance, GaussianConformance, MixtureConformance, QubitConformance

KITS = {
    "default.qubit": QubitConformance,
    "default.gaussian": GaussianConformance,
    "default.fock": FockConformance,
    "default.mixed": QubitConformance,
    "forest.numpy": QubitConformance,
    "forest.qvm": QubitConformance,
    "forest.wavefunction": QubitConformance,
    "qiskit.aer": QubitConformance,
    "cirq.simulator": QubitConformance,
    "cirq.density_matrix": QubitConformance,
    "pennylane.device": QubitConformance,
    "strawberryfields.gaussian": GaussianConformance,
    "strawberryfields.bosonic": MixtureConformance,
    "strawberryfields.fock": FockConformance,
}
ELSEWHERE = {"qiskit.backend"}  # in test_qiskit_backend_kit.py, with a backend
INSTALLED = [info.name for info in hb.devices() if info.installed and info.name not in ELSEWHERE]

for name in INSTALLED:
    title = f"Test{name.title().replace('.', '')}"
    globals()[title] = type(
        title, (KITS[name],), {"device": name, "pytestmark": [pytest.mark.usefixtures("qvm")]}
    )
