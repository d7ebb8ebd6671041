"""pennylane.device on devices of others: what it asks of them, claims for them, and says where it cannot."""

from __future__ import annotations

import threading

import numpy as np
import pennylane as qml
import pennylane_vendor
import pytest

import hybridge as hb


@pytest.fixture(autouse=True)
def vendors(monkeypatch):
    for name, entry in pennylane_vendor.ENTRIES.items():
        monkeypatch.setitem(qml.devices.device_constructor.plugin_devices, name, entry)


def device(name, **options):
    return hb.device("pennylane.device", device=name, **{"wires": 4, **options})


def circuit(x, y):
    hb.StatePrep([0.6, 0, 0, 0.8j], wires=[3, 1])
    hb.RX(x, wires=0)
    hb.CRot(y, 0.3, -x, wires=[2, 0])
    hb.PSWAP(x * y, wires=[2, 1])
    hb.ctrl(hb.SX, 1)(wires=0)
    hb.adjoint(hb.IsingXY)(y, wires=[1, 0])
    hb.DoubleExcitation(x, wires=[2, 0, 1, 3])
    return hb.expval(0.5 * hb.X(0) @ hb.Z(1) - hb.Y(2)), hb.probs(wires=[2, 0]), hb.var(hb.Z(1) @ hb.Y(3))


def gates(x, y):
    """The same without a state, which few devices prepare."""
    hb.RX(x, wires=0)
    hb.CRot(y, 0.3, -x, wires=[2, 0])
    hb.PSWAP(x * y, wires=[2, 1])
    hb.adjoint(hb.IsingXY)(y, wires=[1, 0])
    hb.DoubleExcitationPlus(x, wires=[2, 3, 0, 1])  # PennyLane has no decomposition of it
    return hb.expval(0.5 * hb.X(0) @ hb.Z(1) - hb.Y(2)), hb.probs(wires=[2, 0]), hb.var(hb.Z(1) @ hb.Y(3))


@pytest.mark.parametrize("name", ["old.device", "few.device"])
@pytest.mark.parametrize("function", [circuit, gates])
def test_devices_of_few_gates_and_observables_agree_with_default_qubit(name, function):
    exact = hb.QNode(function, "default.qubit")(0.4, 0.9)
    for found, wanted in zip(hb.QNode(function, device(name))(0.4, 0.9), exact, strict=True):
        assert np.abs(found - wanted).max() < 1e-12


@pytest.mark.parametrize("name", ["old.device", "few.device", "shots.device"])
def test_their_samples_follow_the_seed_and_the_state(name):
    """6 standard deviations of 4 probabilities: a false alarm in 10^8 runs."""
    exact = hb.QNode(gates, "default.qubit")(0.4, 0.9)[1]
    first, second, other = (hb.QNode(gates, device(name, shots=4000, seed=s)) for s in (5, 5, 6))
    found = first(0.4, 0.9)[1]
    assert np.abs(found - exact).max() < 6 * 0.5 / np.sqrt(4000)
    assert np.array_equal(found, second(0.4, 0.9)[1])
    assert not np.array_equal(found, first(0.4, 0.9)[1]) and not np.array_equal(found, other(0.4, 0.9)[1])


def test_all_rows_reach_a_device_without_batches_in_one_call():
    pennylane_vendor.executed.clear()
    hb.QNode(lambda x: gates(x, 0.2)[1], device("few.device"))(np.linspace(0, 1, 5))
    assert pennylane_vendor.executed == [5]


def test_a_device_of_shots_is_not_asked_for_exact_values():
    with pytest.raises(hb.UnsupportedCircuit, match="shots=None"):
        hb.QNode(gates, device("shots.device"))(0.4, 0.9)


def test_a_device_runs_the_channels_that_it_lists():
    claimed = device("old.device").capabilities.operations
    assert "BitFlip" in claimed and not {"PhaseFlip", "AmplitudeDamping", "QubitDensityMatrix"} & claimed


@pytest.mark.parametrize("name", ["default.gaussian", "default.qutrit.mixed"])
def test_a_device_without_qubits_is_refused_when_made(name):
    with pytest.raises(hb.DeviceError, match="no circuit of qubits"):
        device(name)


@pytest.mark.parametrize(
    "name, said", [("unlicensed.device", "no licence was found"), ("absent.device", "no_such_package")]
)
def test_a_broken_device_is_an_error_that_names_it(name, said):
    with pytest.raises(hb.DeviceError, match=f"{name}.*{said}"):
        device(name)


def test_a_device_that_fails_when_run_is_a_job_that_failed():
    with pytest.raises(hb.JobFailed, match="lost the connection"):
        hb.QNode(gates, device("lost.device"))(0.4, 0.9)


@pytest.mark.parametrize("option", ["wires", "shots", "seed"])
def test_what_hybridge_decides_is_no_option_of_the_device(option):
    """Shots among the options would be ignored, a seed would make every call the same."""
    with pytest.raises(hb.DeviceError, match=f"{option} is no device_option"):
        device("default.qubit", device_options={option: 3})


def test_options_that_are_no_mapping_are_refused():
    with pytest.raises(hb.DeviceError, match="mapping of names"):
        device("default.qubit", device_options=["colour"])


def test_threads_do_not_meet_in_pennylanes_queue():
    """Operators that PennyLane decomposes for a device are queued by the process, not by the thread."""
    matrix = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]

    def turned(x):
        hb.RX(x, wires=0)
        hb.QubitUnitary(matrix, wires=[1, 0])
        return hb.probs(wires=[0, 1])

    node, exact = hb.QNode(turned, device("old.device", wires=2)), hb.QNode(turned, "default.qubit")
    off = []

    def work(x):
        off.extend(np.abs(node(x) - exact(x)).max() for _ in range(15))

    threads = [threading.Thread(target=work, args=(x,), daemon=True) for x in (0.3, 1.1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)  # without the lock one thread waits for ever
    assert len(off) == 30 and max(off) < 1e-12
