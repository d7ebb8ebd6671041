"""A qubit device under test: its circuits, and what it gives of a state."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

from hybridge.circuit import expval, probs, sample, state
from hybridge.conformance.kit import Conformance
from hybridge.conformance.models import Model, Sampled
from hybridge.conformance.qubit_circuits import MODELS, paulis, prepare, scramble
from hybridge.conformance.qubit_measures import SAMPLED
from hybridge.conformance.rows import Example, examples
from hybridge.device import Device
from hybridge.operations.qubit_gates import Z
from hybridge.qnode import QNode

Wires = Sequence[Hashable]


class QubitUnderTest(Conformance):
    """What the items for qubits ask of their device."""

    domain = "qubit"
    MODELS: ClassVar[Sequence[Model]] = MODELS
    SMOOTH: ClassVar[Sequence[Model]] = MODELS
    SAMPLED: ClassVar[Sequence[Sampled]] = SAMPLED
    FOREIGN: ClassVar[Sequence[Example]] = examples("cv", {"T": (0.4, 0.85)})

    def space(self, device: Device) -> dict[str, int]:
        return {}

    def anything(self, wire: Hashable) -> Any:
        return expval(Z(wire))

    def generic(self, measure: Callable[[Wires], Any]) -> Any:
        prepare((0, 1, 2))
        scramble((0, 1, 2))
        return measure((0, 1, 2))

    def shots_of(self, shots: int | None, seed: int | None = None) -> QNode:
        return self.node(lambda: self.generic(lambda w: sample(wires=w)), 3, shots, seed)

    def gives(self, kind: str) -> bool:
        """Whether the device's exact results include this kind, from what it returns."""
        claims = self.capabilities
        sources = {"state": {"state"}, "density_matrix": {"state", "density_matrix"}}[kind]
        return claims.exact and bool(claims.measurements & sources)

    def complete(self, wires: Wires, mixed: bool = False) -> list[Any]:
        """Measurements that leave nothing of the state unseen: the state itself where the device gives it."""
        found = [probs(wires=wires[::-1])]
        if self.gives("state") and not mixed:
            found.append(state())
        else:
            found += paulis(wires, len(wires) <= 4)
        return found
