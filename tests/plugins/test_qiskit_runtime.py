"""qiskit.backend on an account of IBM's: machines, sessions and batches, by Qiskit Runtime's own classes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import Batch, IBMBackend, Session
from qiskit_ibm_runtime.exceptions import IBMBackendError
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_cloud import Cloud, Service

import hybridge as hb


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FakeManilaV2())


@pytest.fixture
def machine(cloud: Cloud) -> IBMBackend:
    return Service(cloud).backend("fake_manila")


def device(shots: int | None = 500, **options: Any) -> Any:
    return hb.device("qiskit.backend", wires=2, shots=shots, **options)


def turns(x: Any) -> Any:
    """Bit 1 on wire 1 alone at x = pi."""
    hb.RX(x, wires=1)
    hb.CNOT(wires=[1, 0])
    hb.CNOT(wires=[1, 0])
    return hb.probs(wires=[0, 1])


def test_a_machine_runs_by_itself(cloud: Cloud, machine: IBMBackend) -> None:
    """Its `run` only raises; rows and observables of a call are PUBs of one job."""
    with pytest.raises(IBMBackendError):
        machine.run([])
    made = device(backend=machine, initial_layout=[3, 1])

    def circuit(x: Any) -> Any:
        turns(x)
        return hb.probs(wires=[0, 1]), hb.expval(hb.Z(0) @ hb.X(1))

    probs, _ = hb.qnode(made)(circuit)(np.array([0.0, np.pi]))
    # in less than a tenth of the shots its noise changes a bit
    np.testing.assert_array_equal(np.argmax(probs, axis=1), [0b00, 0b01])
    (job,) = cloud.jobs
    assert made.jobs == ("job-1",)
    assert (job["program"], job["backend_name"], job["session_id"]) == ("executor", "fake_manila", None)
    assert len(job["params"]["quantum_program"]["items"]) == 2
    assert job["params"]["quantum_program"]["shots"] == 500


def test_a_machine_branches_by_itself(machine: IBMBackend) -> None:
    def circuit() -> Any:
        hb.X(0)
        hb.cond(hb.measure(0, reset=True), hb.X)(1)
        return hb.probs(wires=[0, 1])

    node = hb.qnode(device(backend=machine))(circuit)
    assert "if (" in node.plan().programs[0].native()
    assert np.argmax(node()) == 0b01


@pytest.mark.parametrize(("kind", "name"), [(Session, "dedicated"), (Batch, "batch")])
def test_jobs_are_part_of_their_mode(kind: Any, name: str, cloud: Cloud, machine: IBMBackend) -> None:
    with kind(backend=machine) as mode:
        made = device(mode=mode, options={"environment": {"job_tags": ["mine"]}})
        node = hb.qnode(made)(turns)
        node(0.1)
        node(0.2)
    assert [job["session_id"] for job in cloud.jobs] == [f"{name} 1"] * 2
    assert {tag for job in cloud.jobs for tag in job["job_tags"]} == {"mine"}
    with pytest.raises(hb.JobFailed, match="closed"):
        node(0.3)


def test_a_fake_backend_has_sessions_in_local_testing_mode() -> None:
    with Session(backend=FakeManilaV2()) as session:
        found = hb.qnode(device(mode=session))(turns)(np.array([0.0, np.pi]))
    np.testing.assert_array_equal(np.argmax(found, axis=1), [0b00, 0b01])


def test_twirling_gives_the_shots_that_were_asked() -> None:
    """Qiskit Runtime takes 1024 for 1000, so that all random gates have as many."""
    made = device(1000, mode=AerSimulator(), options={"twirling": {"enable_gates": True}})

    def circuit() -> Any:
        hb.X(0)
        hb.CNOT(wires=[0, 1])
        return hb.sample(wires=[1, 0])

    np.testing.assert_array_equal(hb.qnode(made)(circuit)(), np.ones((1000, 2)))


def test_an_estimator_of_a_machine_follows_its_layout() -> None:
    made = device(None, estimator=Estimator(mode=FakeManilaV2()), initial_layout=[4, 2], precision=0.05)

    def circuit(x: Any) -> Any:
        hb.RX(x, wires=1)
        return hb.expval(hb.Z(1)), hb.expval(hb.Z(0))

    first, second = hb.qnode(made)(circuit)(np.array([0.0, np.pi]))
    assert first[0] > 0.6 > -0.6 > first[1] and np.all(second > 0.6)


def test_a_job_that_failed_is_named(cloud: Cloud, machine: IBMBackend) -> None:
    cloud.broken = True
    with pytest.raises(hb.JobFailed, match=r"job job-1: RuntimeJobFailureError: .*the fridge is warm"):
        hb.qnode(device(backend=machine))(turns)(0.1)


# what is asked, and what the error says
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such option": ({"options": {"twirl": {}}}, "no options named 'twirl'; .*twirling"),
    "no such option inside": ({"options": {"twirling": {"enable_gate": True}}}, "twirling.enable_gate"),
    "shots are the device's": ({"options": {"default_shots": 7}}, "no options named 'default_shots'"),
    "a seed": ({"seed": 3}, "cannot seed .* seed_transpiler="),
    "no mode": ({"mode": "ibm_fez"}, "mode='ibm_fez'.*Session, Batch"),
    "another backend": ({"backend": AerSimulator()}, "give no other, and no estimator"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(hb.DeviceError, match=f"(?s){message}"):
        device(**{"mode": FakeManilaV2(), **options})


def test_what_is_no_bit_is_refused() -> None:
    made = device(mode=AerSimulator(), options={"execution": {"meas_type": "kerneled"}})
    with pytest.raises(hb.JobFailed, match="else than bits"):
        hb.qnode(made)(turns)(0.1)


def test_qiskit_runtime_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not needed for other backends."""
    for module in ("qiskit_ibm_runtime", "qiskit_ibm_runtime.executor_sampler"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "hybridge_qiskit.runtime", raising=False)
    with pytest.raises(hb.DeviceError, match="pip install 'qiskit-ibm-runtime"):
        device(mode=AerSimulator())
    hb.qnode(device(backend=AerSimulator()))(turns)(0.1)
