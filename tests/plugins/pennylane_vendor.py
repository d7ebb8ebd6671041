"""Devices as others write them for PennyLane: of its old interface, of few gates, of shots only, broken."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pennylane as qml
from pennylane.devices import DefaultQubit, Device, ExecutionConfig, QubitDevice
from pennylane.devices.preprocess import decompose, validate_measurements
from pennylane.transforms.core import CompilePipeline

GATES = {"RX", "RY", "RZ", "CNOT"}
executed: list[int] = []  # how many tapes came in each call


class Old(QubitDevice):
    """Kets, by the interface before 2023: four gates, no products of observables, 1000 shots of its own."""

    name, short_name, pennylane_requires, version, author = "Old", "old.device", ">=0.30", "1", "nobody"
    operations = frozenset({*GATES, "BitFlip"})
    observables = frozenset({"PauliX", "PauliY", "PauliZ", "Identity"})

    def __init__(self, wires, shots=1000, seed=None):
        super().__init__(wires=wires, shots=shots)
        self._rng = np.random.default_rng(seed)

    def apply(self, operations, rotations=(), **options):
        self._ket = np.eye(2**self.num_wires, dtype=complex)[0]
        for gate in [*operations, *rotations]:
            self._ket = qml.matrix(gate, wire_order=self.wires) @ self._ket

    def generate_samples(self):
        drawn = self._rng.choice(len(self._ket), size=self.shots, p=np.abs(self._ket) ** 2)
        return drawn[:, None] >> np.arange(self.num_wires)[::-1] & 1

    def analytic_probability(self, wires=None):
        return self.marginal_prob(np.abs(self._ket) ** 2, wires)


class Few(Device):
    """Four gates, no batches inside a tape."""

    name = "few.device"

    def __init__(self, wires=None, seed=0):
        super().__init__(wires=wires)
        self._seed = seed

    def preprocess_transforms(self, execution_config=None):
        pipeline = CompilePipeline()
        pipeline.add_transform(
            decompose, target_gates=GATES, stopping_condition=lambda gate: gate.name in GATES, name=self.name
        )
        return pipeline

    def execute(self, circuits, execution_config=None):
        executed.append(len(circuits))
        for circuit in circuits:
            assert circuit.batch_size is None and {gate.name for gate in circuit.operations} <= {
                *GATES,
                "StatePrep",
            }
        return DefaultQubit(self.wires, seed=self._seed).execute(circuits, ExecutionConfig())


class Shots(Few):
    """As hardware: no exact results."""

    name = "shots.device"

    def preprocess_transforms(self, execution_config=None):
        pipeline = super().preprocess_transforms(execution_config)
        pipeline.add_transform(validate_measurements, lambda m: False, lambda m: True, name=self.name)
        return pipeline


class Unlicensed(Few):
    """Cannot be made."""

    def __init__(self, wires=None):
        raise RuntimeError("no licence\nwas found")


class Lost(Few):
    """Cannot be run."""

    name = "lost.device"

    def execute(self, circuits, execution_config=None):
        raise ValueError("lost the connection")


PLACES = {
    "old.device": f"{__name__}:Old",
    "few.device": f"{__name__}:Few",
    "shots.device": f"{__name__}:Shots",
    "unlicensed.device": f"{__name__}:Unlicensed",
    "lost.device": f"{__name__}:Lost",
    "absent.device": "no_such_package:Device",
}
# what their packages would write beside pennylane.plugins
ENTRIES = {name: EntryPoint(name, place, "pennylane.plugins") for name, place in PLACES.items()}
