"""Rigetti's Forest as hybridge devices: what they claim, readable without pyQuil."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.plugin import QUBIT_CHANNELS, Capabilities, hookimpl
from hybridge_forest.translate import CLAIMED

NUMPY = Capabilities(
    domain="qubit",
    operations=CLAIMED,
    measurements=frozenset({"state"}),
    max_wires=26,  # a row peaks at 4 GiB there, see ForestNumpy.memory
    conventions=(
        "Quil names the most significant qubit of a gate first, as hybridge does; DAGGER and CONTROLLED are "
        "never used, as pyQuil's numpy simulator ignores the one and fails on the other; every gate is exact "
        "with its phase"
    ),
)


_SERVED = (
    "a QVM names the least significant qubit first and leaves out qubits that nothing names: amplitudes are "
    "turned round, and every wire is named; every gate is exact with its phase"
)

WAVEFUNCTION = Capabilities(
    domain="qubit",
    operations=CLAIMED,
    measurements=frozenset({"state"}),
    max_wires=26,
    conventions=_SERVED,
)

QVM = Capabilities(
    domain="qubit",
    operations=CLAIMED | QUBIT_CHANNELS,
    measurements=frozenset({"sample"}),
    exact=False,
    max_wires=26,
    mid_circuit=frozenset({"measure", "reset", "conditional"}),
    conventions=f"{_SERVED}; a channel is an identity gate whose Kraus operators are put in its place",
)


@hookimpl
def register_devices(register: Callable[..., Any]) -> None:
    for name, location, capabilities, note in _DEVICES:
        register(
            name,
            location,
            capabilities=capabilities,
            requires=("pyquil", "qcs_sdk"),
            extra="forest",
            note=note,
        )


@hookimpl
def register_formats(register: Callable[..., Any]) -> None:
    for name, location in (
        ("quil", "hybridge_forest.formats:Quil"),
        ("pyquil", "hybridge_forest.formats:PyQuil"),
    ):
        register(name, location, requires=("pyquil",), extra="forest", note=_PYTHON)


_PYTHON = "pyquil needs Python < 3.13"
_SERVER = f"{_PYTHON}; it asks a QVM, a server of its own"
_DEVICES = (
    ("forest.numpy", "hybridge_forest.device:ForestNumpy", NUMPY, _PYTHON),
    ("forest.qvm", "hybridge_forest.sampled:ForestQVM", QVM, _SERVER),
    ("forest.wavefunction", "hybridge_forest.wavefunction:ForestWavefunction", WAVEFUNCTION, _SERVER),
)
