"""pennylane.device beside the kit: any device of its ecosystem, in one call, with its options and seeds."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest

import hybridge as hb
from hybridge.conformance.rows import examples
from hybridge.operations.qubit_channels import QUBIT_CHANNELS
from hybridge_pennylane import DEVICE, MIXED
from hybridge_pennylane.translate import TABLE


def circuit(x, y):
    hb.RX(x, wires=0)
    hb.CRot(y, 0.3, -x, wires=[2, 0])
    hb.CNOT([0, 1])
    hb.RY(y, wires=2)
    return hb.expval(0.5 * hb.X(0) @ hb.Z(1) - hb.Y(2)), hb.probs(wires=[2, 0])


def noisy(p):
    hb.RX(0.7, wires=0)
    hb.AmplitudeDamping(p, wires=0)
    return hb.expval(hb.Z(0))


def test_what_is_claimed_is_what_is_translated():
    prepared = {"BasisState", "StatePrep", "QubitDensityMatrix"}
    assert {*DEVICE.operations, *MIXED} == {*TABLE, *prepared} and QUBIT_CHANNELS <= set(TABLE)


@pytest.mark.parametrize("name", ["default.qubit", "lightning.qubit", "default.mixed", "reference.qubit"])
def test_devices_of_its_ecosystem_agree_with_default_qubit(name):
    device = hb.device("pennylane.device", wires=3, device=name)
    found, exact = hb.QNode(circuit, device), hb.QNode(circuit, "default.qubit")
    for value, wanted in zip(found(0.4, 0.9), exact(0.4, 0.9), strict=True):
        assert np.abs(value - wanted).max() < 1e-12
    slopes = [hb.jacobian(node, argnums=(0, 1))(0.4, 0.9)[0] for node in (found, exact)]
    assert np.allclose(*slopes, atol=1e-12)


GATES = [
    e for e in examples("qubit", {}) if e.operation.kind == "gate" and e.operation.num_wires in (1, 2, 3, 4)
]


@pytest.mark.parametrize("name", ["default.qubit", "lightning.qubit", "default.mixed", "reference.qubit"])
def test_every_gate_runs_on_every_device(name):
    """Those that a device lacks and that PennyLane takes apart for none are the core's to take apart."""

    def every_gate():
        for k in range(4):
            hb.RY(0.3 + k, wires=k)
        for example in GATES:
            wires = [3 - w for w in range(example.operation.num_wires)]
            example.operation(*example.numbers, wires=wires)
        return hb.probs(wires=[2, 0, 3])

    device = hb.device("pennylane.device", wires=4, device=name)
    assert np.abs(hb.QNode(every_gate, device)() - hb.QNode(every_gate, "default.qubit")()).max() < 1e-10


def test_all_rows_are_one_call_of_pennylane(monkeypatch):
    calls = []
    own = qml.execute
    monkeypatch.setattr(
        qml, "execute", lambda tapes, *a, **k: calls.append(len(tapes)) or own(tapes, *a, **k)
    )
    node = hb.QNode(lambda x: circuit(x, 0.2)[0], hb.device("pennylane.device", wires=3))
    node(np.linspace(0, 1, 5))
    assert calls == [5]


def test_channels_run_where_mixed_states_do():
    mixed = hb.device("pennylane.device", wires=1, device="default.mixed")
    assert abs(hb.QNode(noisy, mixed)(0.25) - (1 - 0.75 * (1 - np.cos(0.7)))) < 1e-12
    with pytest.raises(hb.UnsupportedCircuit, match=r"default\.mixed"):
        hb.QNode(noisy, hb.device("pennylane.device", wires=1))(0.25)


def test_options_reach_the_device():
    def value(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    options = {"c_dtype": np.complex64}
    single = hb.device("pennylane.device", wires=1, device="lightning.qubit", device_options=options)
    assert 0 < abs(hb.QNode(value, single)(0.4) - np.cos(0.4)) < 1e-6
    assert single.precision == np.finfo(np.float32).eps  # from which differences choose their step
    assert abs(hb.grad(hb.QNode(value, single, diff_method="finite-diff"))(0.4) + np.sin(0.4)) < 1e-3


@pytest.mark.parametrize(
    "given, said",
    [
        ({"device": "default.qbit"}, "cannot make its device 'default.qbit'"),
        ({"device_options": {"colour": 1}}, "cannot make its device 'default.qubit'"),
        ({"device_options": {"c_dtype": "complex65"}}, "'complex65' is no type of numbers"),
    ],
)
def test_a_device_that_pennylane_cannot_make_is_an_error_of_the_hub(given, said):
    with pytest.raises(hb.DeviceError, match=said):
        hb.device("pennylane.device", wires=1, **given)


def test_a_seed_that_would_be_ignored_is_refused():
    hb.device("pennylane.device", wires=1, device="reference.qubit", seed=1)
    with pytest.raises(hb.DeviceError, match="takes no seed"):
        hb.device("pennylane.device", wires=1, device="null.qubit", seed=1)


def test_a_program_shows_pennylanes_own_drawing():
    node = hb.QNode(circuit, hb.device("pennylane.device", wires=3))
    text = node.plan(0.3, 0.4).programs[0].native()
    assert "RX(0.1)" in text and "Rot" in text


def test_sums_of_words_do_not_depend_on_those_asked_for_before():
    """PennyLane's own sums do, see translate.py."""
    device = hb.device("pennylane.device", wires=4)
    rng = np.random.default_rng(8)
    letters = (hb.X, hb.Y, hb.Z)
    for _ in range(60):
        terms = []
        for _ in range(rng.integers(1, 6)):
            word = 1.0
            for w in rng.permutation(4)[: rng.integers(1, 5)].tolist():
                word = letters[rng.integers(3)](w) @ word if word != 1.0 else letters[rng.integers(3)](w)
            terms.append(rng.normal() * word)
        observable, angles = sum(terms[1:], terms[0]), rng.normal(size=8)

        def value(observable=observable, angles=angles):
            for i, angle in enumerate(angles.tolist()):
                (hb.RX, hb.RY)[i % 2](angle, wires=i % 4)
                hb.CNOT([i % 4, (i + 1) % 4])
            return hb.expval(observable)

        assert abs(hb.QNode(value, device)() - hb.QNode(value, "default.qubit")()) < 1e-10
