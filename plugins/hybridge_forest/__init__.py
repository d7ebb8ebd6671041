"""Rigetti's Forest as hybridge devices: what they claim, readable without pyQuil."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.plugin import Capabilities, hookimpl
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


@hookimpl
def register_devices(register: Callable[..., Any]) -> None:
    register(
        "forest.numpy",
        "hybridge_forest.device:ForestNumpy",
        capabilities=NUMPY,
        requires=("pyquil",),
        extra="forest",
        note="pyquil needs Python < 3.13",
    )
