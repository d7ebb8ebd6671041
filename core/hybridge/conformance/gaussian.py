"""The kit for devices that hold a mean and a covariance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from hybridge.circuit import state
from hybridge.conformance.items import over
from hybridge.conformance.light import Strength
from hybridge.conformance.light_models import models
from hybridge.conformance.models import Model
from hybridge.conformance.modes import ModesConformance
from hybridge.conformance.rows import Example, Ranges, examples
from hybridge.errors import CircuitError, UnsupportedCircuit

STRENGTH = Strength(0.35, 0.7)
RANGES: Mapping[str, tuple[float, float]] = {
    "r": (0.2, 0.5),
    "a": (0.3, 0.8),
    "s": (0.2, 0.6),
    "nbar": (0.2, 0.6),
    "T": (0.4, 0.85),
    "r_anc": (0.3, 1.0),
    "eta_anc": (0.6, 0.95),
}
ROWS = examples("cv", RANGES)


class GaussianConformance(ModesConformance):
    """The kit's items for a Gaussian device.

    `class TestMine(GaussianConformance): device = "mine.gaussian"`
    """

    reason = "the rules of squeezers divide differences of hyperbolic functions"
    gradient_tolerance: ClassVar[float] = 1e-6
    hessian_tolerance: ClassVar[float] = 1e-5
    strength = STRENGTH
    RANGES: ClassVar[Ranges] = RANGES
    modes = 3
    MODELS: ClassVar[Sequence[Model]] = models(STRENGTH)
    SMOOTH: ClassVar[Sequence[Model]] = models(STRENGTH)[:2]
    ROWS: ClassVar[Sequence[Example]] = ROWS
    STATES: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.kind == "state"]
    GATES: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.kind == "gate"]
    VARIED: ClassVar[Sequence[Example]] = [e for e in ROWS if e.numbers]
    RANDOM: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.num_wires <= 2]

    @over(wires=(1, 2))
    def test_a_gaussian_state_has_no_ket(self, wires: int) -> None:
        """state() is refused."""

        def circuit() -> Any:
            self.prepared(range(wires))
            return state()

        with pytest.raises((UnsupportedCircuit, CircuitError)):
            self.node(circuit, wires)()
