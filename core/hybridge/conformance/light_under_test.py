"""A CV device under test: its light, its modes, and what it can prepare and read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

from hybridge.circuit import density_matrix, expval, probs, sample, var
from hybridge.compilation import runs
from hybridge.conformance.kit import Conformance
from hybridge.conformance.light import Strength, prepare, scramble
from hybridge.conformance.light_observables import SAMPLED
from hybridge.conformance.models import Sampled
from hybridge.conformance.rows import Example, Ranges, examples
from hybridge.device import Device
from hybridge.observables.cv import NumberOperator, QuadX
from hybridge.operations.table import Operation
from hybridge.qnode import QNode

Wires = Sequence[Hashable]


class LightUnderTest(Conformance):
    """What the items for modes ask of their device."""

    domain = "cv"
    SAMPLED: ClassVar[Sequence[Sampled]] = SAMPLED
    FOREIGN: ClassVar[Sequence[Example]] = [
        e
        for e in examples("qubit", {})
        if e.operation.kind != "marker"  # a barrier stands in any circuit
    ]
    strength: ClassVar[Strength]
    roomy: ClassVar[Mapping[str, Any]] = {}  # options under which states of larger squeezing fit
    RANGES: ClassVar[Ranges]
    ROWS: ClassVar[Sequence[Example]]
    GATES: ClassVar[Sequence[Example]]
    VARIED: ClassVar[Sequence[Example]]
    STATES: ClassVar[Sequence[Example]]
    RANDOM: ClassVar[Sequence[Example]]
    modes: ClassVar[int]  # how many a row is tried among

    def anything(self, wire: Hashable) -> Any:
        return expval(NumberOperator(wire))

    def generic(self, measure: Callable[[Wires], Any]) -> Any:
        prepare((0, 1), self.strength)
        scramble((0, 1))
        return measure((0, 1))

    @property
    def sampled_wires(self) -> int:
        return 2

    def shots_of(self, shots: int | None, seed: int | None = None) -> QNode:
        return self.node(lambda: self.generic(lambda w: sample(QuadX(w[0]))), 2, shots, seed)

    def prepared(self, wires: Wires) -> None:
        prepare(wires, self.strength)

    def prepares(self, *rows: Operation) -> bool:
        """Whether the device prepares these states itself, so that it can on modes in use."""
        return all(runs(self.capabilities, row) for row in rows)

    def modes_for(self, row: Any, midway: bool) -> int:
        """How many modes a circuit with this row may have."""
        return self.modes

    def photons(self, wires: Wires) -> list[Any]:
        """Measurements of photon numbers, where the device has a cutoff for them."""
        found = [expval(NumberOperator(wires[-1])), var(NumberOperator(wires[0]))]
        if self.make(1).cutoff_dim is not None:
            found += [probs(wires=wires[:2]), density_matrix(wires[0])]
        return found

    def space(self, device: Device) -> dict[str, int]:
        return {} if device.cutoff_dim is None else {"cutoff": device.cutoff_dim}
