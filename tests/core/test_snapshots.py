"""Snapshots show what is measured in the middle of a circuit, on every device, and leave its result alone."""

from __future__ import annotations

import numpy as np
import pytest

import hybridge as hb
from hybridge.snapshots import snapshots

ROOT = np.sqrt(0.5)


def test_without_a_measurement_the_state_is_taken():
    @hb.qnode(hb.device("default.qubit", wires=2))
    def circuit():
        hb.Snapshot()
        hb.H(0)
        hb.Snapshot("superposed")
        hb.CNOT([0, 1])
        hb.Snapshot()
        return hb.probs()

    found = snapshots(circuit)()
    assert list(found) == [0, "superposed", 1, "execution_results"]
    np.testing.assert_allclose(found[0], [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found["superposed"], [ROOT, 0, ROOT, 0], atol=1e-12)
    np.testing.assert_allclose(found[1], [ROOT, 0, 0, ROOT], atol=1e-12)
    np.testing.assert_allclose(found["execution_results"], [0.5, 0, 0, 0.5], atol=1e-12)


def test_any_measurement_is_taken():
    @hb.qnode(hb.device("default.qubit", wires=2))
    def circuit(x):
        hb.RX(x, wires=0)
        hb.Snapshot("mean", hb.expval(hb.Z(0)))
        hb.Snapshot("spread", measurement=hb.var(hb.Z(0)))
        hb.Snapshot("bits", hb.probs(wires=0))
        hb.Snapshot("reduced", hb.density_matrix(1))
        hb.RX(-x, wires=0)
        return hb.expval(hb.Z(0)), hb.expval(hb.Z(1))

    found = snapshots(circuit)(0.4)
    np.testing.assert_allclose(found["mean"], np.cos(0.4))
    np.testing.assert_allclose(found["spread"], np.sin(0.4) ** 2)
    np.testing.assert_allclose(found["bits"], [np.cos(0.2) ** 2, np.sin(0.2) ** 2])
    np.testing.assert_allclose(found["reduced"], np.diag([1, 0]), atol=1e-12)
    np.testing.assert_allclose(found["execution_results"], (1, 1))


def test_a_snapshot_changes_nothing():
    def results(watch):
        @hb.qnode("default.qubit")
        def circuit(x):
            hb.RX(x, wires=0)
            watch()
            hb.RY(x, wires=0)
            return hb.expval(hb.X(0))

        return circuit(0.3), hb.grad(circuit)(0.3), snapshots(circuit)(0.3)["execution_results"]

    assert results(lambda: hb.Snapshot("here")) == results(lambda: None)


def test_wires_that_come_later_are_in_the_state_too():
    @hb.qnode(hb.device("default.qubit"))  # wires inferred
    def circuit():
        hb.X("early")
        hb.Snapshot("here")
        hb.H("later")
        hb.CNOT(["early", "later"])
        return hb.expval(hb.Z("last"))

    np.testing.assert_allclose(snapshots(circuit)()["here"], np.eye(8)[0b100])


def test_batches_have_their_axis():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def circuit(x):
        hb.RX(x, wires=0)
        hb.Snapshot("ket")
        hb.Snapshot("mean", hb.expval(hb.Z(0)))
        hb.RY(x, wires=0)
        return hb.probs()

    x = np.array([0.1, 0.2, 0.3])
    found = snapshots(circuit)(x)
    assert found["ket"].shape == (3, 2) and found["execution_results"].shape == (3, 2)
    np.testing.assert_allclose(found["mean"], np.cos(x))


def test_with_shots_the_state_is_exact_and_all_else_is_sampled():
    @hb.qnode(hb.device("default.qubit", wires=1, shots=50, seed=3))
    def circuit():
        hb.H(0)
        hb.Snapshot("ket")
        hb.Snapshot("bits", hb.sample(wires=0))
        hb.Snapshot("counted", hb.counts())
        return hb.expval(hb.X(0))

    found = snapshots(circuit)()
    np.testing.assert_allclose(found["ket"], [ROOT, ROOT])
    assert found["bits"].shape == (50, 1)
    assert sum(found["counted"].values()) == 50
    assert found["execution_results"] == 1.0


def test_snapshots_can_be_differentiated():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def circuit(x):
        hb.RX(x, wires=0)
        hb.Snapshot("mean", hb.expval(hb.Z(0)))
        return hb.expval(hb.Y(0))

    slope = hb.grad(lambda x: snapshots(circuit)(x)["mean"])(0.3)
    np.testing.assert_allclose(slope, -np.sin(0.3))


def test_modes_in_a_fock_space():
    @hb.qnode(hb.device("default.fock", wires=1, cutoff_dim=4))
    def circuit(T):
        hb.FockState(2, wires=0)
        hb.Snapshot("ket")
        hb.LossChannel(T, wires=0)
        hb.Snapshot("mixed")
        hb.Snapshot("photons", hb.expval(hb.NumberOperator(0)))
        return hb.probs()

    found = snapshots(circuit)(0.5)
    np.testing.assert_allclose(found["ket"], [0, 0, 1, 0])
    np.testing.assert_allclose(found["mixed"], np.diag([0.25, 0.5, 0.25, 0]), atol=1e-12)
    np.testing.assert_allclose(found["photons"], 1.0)
    np.testing.assert_allclose(found["execution_results"], [0.25, 0.5, 0.25, 0], atol=1e-12)


def test_gaussian_modes():
    @hb.qnode(hb.device("default.gaussian", wires=2, cutoff_dim=3))
    def circuit(r):
        hb.Squeezing(r, 0.0, wires=0)
        hb.Snapshot("x", hb.var(hb.QuadX(0)))
        hb.Snapshot("vacuum", hb.density_matrix(1))
        hb.Beamsplitter(np.pi / 4, 0.0, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0))

    found = snapshots(circuit)(0.3)
    np.testing.assert_allclose(found["x"], np.exp(-0.6))
    np.testing.assert_allclose(found["vacuum"], np.diag([1, 0, 0]), atol=1e-12)
    np.testing.assert_allclose(found["execution_results"], np.sinh(0.3) ** 2 / 2)


def test_a_gaussian_device_says_that_it_has_no_ket():
    @hb.qnode(hb.device("default.gaussian", wires=1))
    def circuit():
        hb.Snapshot()
        return hb.expval(hb.QuadX(0))

    with pytest.raises(hb.UnsupportedCircuit, match=r"keeps no ket; ask for density_matrix\(wires\)"):
        snapshots(circuit)()


def test_a_circuit_without_snapshots_gives_its_result_alone():
    circuit = hb.QNode(lambda: hb.probs(wires=0), "default.qubit")
    assert list(snapshots(circuit)()) == ["execution_results"]


MISTAKES = {
    "one tag twice": (lambda: [hb.Snapshot("a"), hb.Snapshot("a")], "'a' is taken"),
    "a number that is given anyway": (lambda: [hb.Snapshot(), hb.Snapshot(0)], "0 is taken"),
    "the result's": (lambda: [hb.Snapshot("execution_results")], "'execution_results' is taken"),
    "an observable": (lambda: [hb.Snapshot("a", hb.Z(0) @ hb.Z(1))], "takes a measurement"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_told(case):
    gates, words = MISTAKES[case]

    @hb.qnode(hb.device("default.qubit", wires=2))
    def circuit():
        gates()
        return hb.expval(hb.Z(0))

    with pytest.raises(hb.CircuitError, match=words):
        snapshots(circuit)()


def test_only_qnodes_have_snapshots():
    with pytest.raises(hb.CircuitError, match="snapshots takes a QNode"):
        snapshots(lambda: hb.state())
