"""The kit for devices that hold a sum of Gaussians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from hybridge.circuit import state
from hybridge.conformance.fock import RANGES, ROOM, ROWS, STRENGTH
from hybridge.conformance.light_models import models
from hybridge.conformance.models import Model
from hybridge.conformance.modes import ModesConformance
from hybridge.conformance.rows import Example, Ranges
from hybridge.device import Device
from hybridge.errors import CircuitError, UnsupportedCircuit


class MixtureConformance(ModesConformance):
    """The kit's items for a device that claims "mixture".

    `class TestMine(MixtureConformance): device = "mine.bosonic"`. The reference of what is not Gaussian is
    one in Fock space, so the light is weak.
    """

    options: ClassVar[Mapping[str, Any]] = {"cutoff_dim": 12}
    reason = "the reference has 16 photon numbers, and misses 1e-12 or less of the norm"
    tolerance: ClassVar[float] = 1e-6
    gradient_tolerance: ClassVar[float] = 1e-5
    hessian_tolerance: ClassVar[float] = 1e-5
    strength = STRENGTH
    RANGES: ClassVar[Ranges] = RANGES
    modes = 3
    idle = (3, (2, 0))
    MODELS: ClassVar[Sequence[Model]] = models(STRENGTH)
    SMOOTH: ClassVar[Sequence[Model]] = models(STRENGTH)[:2]
    ROWS: ClassVar[Sequence[Example]] = ROWS
    STATES: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.kind == "state"]
    GATES: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.kind == "gate"]
    VARIED: ClassVar[Sequence[Example]] = [e for e in ROWS if e.numbers]
    RANDOM: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.num_wires <= 2]

    def space(self, device: Device) -> dict[str, int]:
        assert device.cutoff_dim is not None  # the kit's option
        return {"cutoff": device.cutoff_dim, "size": device.cutoff_dim + ROOM}

    def modes_for(self, row: Any, midway: bool) -> int:
        """A mixed state of three modes would be a matrix of size^6 numbers."""
        return 2 if row.mixed or (midway and row.kind == "state") else 3

    def test_a_mixture_has_no_ket(self) -> None:
        """state() is refused."""

        def circuit() -> Any:
            self.prepared(range(2))
            return state()

        with pytest.raises((UnsupportedCircuit, CircuitError)):
            self.node(circuit, 2)()
