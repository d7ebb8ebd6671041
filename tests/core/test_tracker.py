"""Trackers count every job of their device, in any thread, and nothing else."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import hybridge as hb
from hybridge import tracker as module
from hybridge.tracker import Tracker


def node(device):
    @hb.qnode(device)
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.expval(hb.X(0))

    return circuit


@pytest.fixture
def device():
    return hb.device("default.qubit", wires=1, seed=5)


def test_totals_history_and_latest_agree(device):
    circuit = node(device)
    with Tracker(device) as tracker:
        circuit(0.1)
        circuit(np.array([0.1, 0.2, 0.3]))
    assert tracker.totals == {"jobs": 2, "executions": 4, "shots": 0}
    assert tracker.history == {"jobs": [1, 1], "executions": [1, 3], "shots": [0, 0]}
    assert {key: tracker.latest[key] for key in tracker.totals} == {"jobs": 1, "executions": 3, "shots": 0}


def test_latest_has_what_the_device_returned(device):
    with Tracker(device) as tracker:
        hb.QNode(lambda x: (hb.RX(x, wires=0), hb.state())[1], device)(0.4)
    (ket,) = tracker.latest["results"]
    np.testing.assert_allclose(ket, [[np.cos(0.2), -1j * np.sin(0.2)]])


def test_shots_are_counted_over_rows_and_settings(device):
    circuit = node(device).on(device, shots=100)
    with Tracker(device) as tracker:
        circuit(np.array([0.1, 0.2, 0.3]))
    # Z and X are measured in a setting each
    assert tracker.totals == {"jobs": 1, "executions": 6, "shots": 600}


def test_a_gradient_is_one_job_beside_the_value_s(device):
    for method, circuits in (("parameter-shift", 2), ("device", 1)):
        circuit = hb.QNode(node(device).function, device, diff_method=method)
        with Tracker(device) as tracker:
            hb.grad(lambda x, circuit=circuit: circuit(x)[0])(0.3)
        assert tracker.history["executions"] == [1, circuits]


def test_only_the_block_is_counted(device):
    circuit = node(device)
    circuit(0.1)
    with Tracker(device) as tracker:
        circuit(0.1)
    circuit(0.1)
    assert tracker.totals["jobs"] == 1


def test_only_its_own_device_is_counted(device):
    with Tracker(device) as tracker:
        node(hb.device("default.qubit", wires=1))(0.1)
    assert tracker.totals == {"jobs": 0, "executions": 0, "shots": 0}
    assert tracker.latest == {}


@pytest.mark.parametrize("persistent, jobs", [(False, 1), (True, 2)])
def test_persistent_totals_go_on(device, persistent, jobs):
    tracker, circuit = Tracker(device, persistent=persistent), node(device)
    for _ in range(2):
        with tracker:
            circuit(0.1)
    assert tracker.totals["jobs"] == jobs == len(tracker.history["jobs"])
    tracker.reset()
    assert tracker.totals["jobs"] == 0 and tracker.history["jobs"] == []


def test_trackers_nest(device):
    circuit = node(device)
    with Tracker(device) as outer:
        circuit(0.1)
        with Tracker(device) as inner:
            circuit(0.1)
        circuit(0.1)
    assert (outer.totals["jobs"], inner.totals["jobs"]) == (3, 1)


def test_a_tracker_is_not_entered_twice(device):
    with Tracker(device) as tracker:
        node(device)(0.1)
        with pytest.raises(hb.DeviceError, match="counting already; make one for each block"), tracker:
            pass
        node(device)(0.1)
    assert tracker.totals["jobs"] == 2


def test_an_exception_in_the_block_ends_the_counting_and_is_passed_on(device):
    circuit = node(device)
    tracker = Tracker(device)
    with pytest.raises(KeyError, match="mine"), tracker:
        circuit(0.1)
        raise KeyError("mine")
    circuit(0.1)
    assert tracker.totals["jobs"] == 1
    assert device not in module._listeners


def test_a_failed_job_is_not_counted(device, monkeypatch):
    circuit = node(device)
    circuit(0.1)
    monkeypatch.setattr(device, "run", lambda tasks: 1 / 0)
    with Tracker(device) as tracker, pytest.raises(hb.JobFailed):
        circuit(0.1)
    assert tracker.totals["jobs"] == 0


def test_the_callback_sees_every_job(device):
    seen = []

    def callback(totals, history, latest):
        seen.append((totals["executions"], history["executions"][-1], latest["executions"]))

    circuit = node(device)
    with Tracker(device, callback):
        circuit(0.1)
        circuit(np.array([0.1, 0.2]))
    assert seen == [(1, 1, 1), (3, 2, 2)]


def test_a_callback_may_run_the_device(device):
    circuit = node(device)

    def callback(totals, history, latest):
        if totals["jobs"] < 3:
            circuit(0.1)

    with Tracker(device, callback) as tracker:
        circuit(0.1)
    assert tracker.totals["jobs"] == 3


def test_a_callback_that_raises_hides_no_job_from_other_trackers(device):
    def callback(totals, history, latest):
        raise RuntimeError("stop")

    with Tracker(device, callback) as first, Tracker(device) as second:
        with pytest.raises(RuntimeError, match="stop"):
            node(device)(0.1)
    assert first.totals == second.totals == {"jobs": 1, "executions": 1, "shots": 0}


def test_jobs_of_all_threads_are_counted(device):
    circuit, threads, calls = node(device), 8, 50
    circuit(0.1)
    start = threading.Barrier(threads)

    def work():
        start.wait()
        for _ in range(calls):
            circuit(np.array([0.1, 0.2]))

    with Tracker(device) as tracker:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert tracker.totals == {"jobs": threads * calls, "executions": 2 * threads * calls, "shots": 0}
    assert tracker.history["executions"] == [2] * threads * calls


def test_trackers_come_and_go_in_threads():
    device, wrong = hb.device("default.qubit", wires=1), []
    circuit = node(device)

    def work():
        for _ in range(30):
            with Tracker(device) as tracker:
                circuit(0.1)
            if not tracker.totals["jobs"]:
                wrong.append(tracker.totals)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    assert device not in module._listeners


def test_a_tracker_needs_a_device(device):
    for thing in ("default.qubit", node(device)):
        with pytest.raises(hb.DeviceError, match="a Tracker needs a device"):
            Tracker(thing)
