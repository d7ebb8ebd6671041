"""The conformance kit on every device that can be made here; what a device lacks, the kit checks that it refuses."""

from __future__ import annotations

import hybridge as hb
from hybridge.conformance import FockConformance, GaussianConformance, QubitConformance

KITS = {
    "default.qubit": QubitConformance,
    "default.gaussian": GaussianConformance,
    "default.fock": FockConformance,
    "forest.numpy": QubitConformance,
    "qiskit.aer": QubitConformance,
    "strawberryfields.gaussian": GaussianConformance,
    "strawberryfields.fock": FockConformance,
}
# What is looser than the kit, and why.
LOOSER: dict[str, dict[str, object]] = {}
INSTALLED = {info.name for info in hb.devices() if info.installed}

for name in INSTALLED & set(KITS):
    title = "Test" + name.title().replace(".", "")
    globals()[title] = type(title, (KITS[name],), {"device": name, **LOOSER.get(name, {})})


def test_every_installed_device_is_tried():
    assert set(KITS) >= INSTALLED
