"""qiskit.backend: PUBs in one job, on the backend's qubits, numbers and shots where they belong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorEstimator, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.executor_sampler import Sampler
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

import hybridge as hb
from hybridge.conformance.statistics import probs_allowance

SHOTS = 4000
LINE = [[0, 1], [1, 0], [1, 2], [2, 1], [2, 3], [3, 2], [3, 4], [4, 3]]


def noisy_line() -> GenericBackendV2:
    """Five qubits in a line, whose gates and readout err."""
    return GenericBackendV2(5, coupling_map=LINE, seed=11)


def device(shots: int | None = SHOTS, **options: Any) -> Any:
    return hb.device("qiskit.backend", wires=options.pop("wires", 3), shots=shots, **options)


class Recording(StatevectorSampler):
    """What jobs were made of, as they happen."""

    def __init__(self) -> None:
        super().__init__(seed=np.random.default_rng(3))
        self.pubs: list[list[Any]] = []

    def run(self, pubs: Any, *, shots: int | None = None) -> Any:
        self.pubs.append(list(pubs))
        return super().run(self.pubs[-1], shots=shots)


@pytest.fixture
def transpilings(monkeypatch: pytest.MonkeyPatch) -> list[QuantumCircuit]:
    """The circuits that Qiskit transpiled, as it happens."""
    seen: list[QuantumCircuit] = []
    transpile = PassManager.run

    def counting(self: PassManager, circuits: Any, *args: Any, **options: Any) -> Any:
        if isinstance(circuits, QuantumCircuit) and circuits.cregs:
            seen.append(circuits)
        return transpile(self, circuits, *args, **options)

    monkeypatch.setattr("qiskit.transpiler.StagedPassManager.run", counting)
    return seen


def turns(x: Sequence[float]) -> Any:
    """Bits 1, 0, 1 of wires 0, 2, 1 at the point (pi, 0, pi); a gate between wires far apart."""
    hb.RX(x[0], wires=0)
    hb.CNOT(wires=[0, 2])
    hb.CNOT(wires=[0, 2])
    hb.RY(x[1], wires=2)
    hb.RX(x[2], wires=1)
    return hb.sample(wires=[0, 2, 1])


BACKENDS = {
    "none": dict,
    "generic, noisy": lambda: {"backend": noisy_line()},
    "manila": lambda: {"backend": FakeManilaV2()},
    "manila in local testing mode": lambda: {"sampler": Sampler(mode=FakeManilaV2())},
    "a sampler with a backend": lambda: {"sampler": BackendSamplerV2(backend=noisy_line())},
    "aer": lambda: {"backend": AerSimulator()},
    "another layout": lambda: {"backend": FakeManilaV2(), "initial_layout": [4, 0, 2]},
    "seeded": lambda: {"sampler": lambda seed: StatevectorSampler(seed=np.random.default_rng(seed))},
}


@pytest.mark.parametrize("options", BACKENDS.values(), ids=BACKENDS)
def test_bits_come_in_the_order_of_the_wires(options: Any) -> None:
    node = hb.qnode(device(200, **options()))(turns)
    bits = node(np.array([np.pi, 0.0, np.pi]))
    assert bits.shape == (200, 3)
    # each bit of a noisy machine is wrong in less than a tenth of the shots
    np.testing.assert_array_equal(np.round(bits.mean(axis=0)), [1, 0, 1])


@pytest.mark.parametrize("options", BACKENDS.values(), ids=BACKENDS)
def test_rows_are_bound_to_their_own_numbers(options: Any) -> None:
    """Twelve angles, of which the tenth comes before the second in the order of letters."""

    def circuit(x: Any) -> Any:
        for i in range(12):
            hb.RX(x[i] * (i + 1), wires=i % 3)
        return hb.probs(wires=[0, 1, 2])

    x = np.zeros((12, 4))
    x[1, 0], x[9, 1], x[10, 2] = np.pi / 2, np.pi / 10, np.pi / 11
    found = hb.qnode(device(400, **options()))(circuit)(x)
    np.testing.assert_array_equal(np.argmax(found, axis=1), [0b010, 0b100, 0b010, 0])


def test_all_tasks_of_a_call_are_one_job_with_a_pub_for_each_circuit() -> None:
    sampler = Recording()

    def circuit(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.CNOT(wires=[0, 1])
        return hb.expval(hb.Z(0) @ hb.Z(1)), hb.expval(hb.X(0) @ hb.Y(1)), hb.probs(wires=[1])

    made = device(50, sampler=sampler, wires=2)
    node = hb.qnode(made)(circuit)
    node(np.linspace(0, 1, 7))
    assert [[pub[1].shape for pub in job] for job in sampler.pubs] == [[(7,), (7,)]]
    assert {pub[2] for job in sampler.pubs for pub in job} == {50}
    hb.jacobian(node)(0.4)
    # the jacobian's value, then its shifts
    assert [[pub[1].shape for pub in job] for job in sampler.pubs[1:]] == [[(1,), (1,), (2,), (2,)]]
    assert len(set(made.jobs)) == len(sampler.pubs) == 2


def test_shots_that_differ_are_a_job_for_each_number() -> None:
    sampler = Recording()
    made = device(50, sampler=sampler)
    node = hb.qnode(made)(turns)
    plan, task = node.plan(np.zeros(3)), hb.plugin.Task
    program, numbers = plan.programs[0], np.array([[np.pi, 0.0, 0.0], [0.0, 0.0, np.pi]])
    tasks = [task(program, numbers, 5), task(program, numbers[:1], 8), task(program, numbers[1:], 5)]
    found = made.run(tasks)
    assert [array.shape for array in found] == [(2, 15), (1, 24), (1, 15)]
    np.testing.assert_array_equal(found[1], [[1, 0, 0] * 8])
    np.testing.assert_array_equal(found[2], [[0, 0, 1] * 5])
    assert [len(job) for job in sampler.pubs] == [2, 1]


def test_a_circuit_is_transpiled_once(transpilings: list[QuantumCircuit]) -> None:
    node = hb.qnode(device(20, backend=noisy_line()))(turns)
    for x in (0.1, 0.2):
        node(np.full(3, x))
        node(np.full((3, 4), x))
    assert len(transpilings) == 1


def test_numbers_that_change_nothing_are_dropped() -> None:
    """The transpiler removes them; the rows are still rows."""

    def circuit(x: Any) -> Any:
        hb.RZ(x, wires=0)
        hb.X(1)
        return hb.sample(wires=[0, 1])

    found = hb.qnode(device(6, backend=AerSimulator(), wires=2))(circuit)(np.array([0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(found, np.tile([0, 1], (3, 6, 1)))


def test_a_layout_is_the_backends_qubit_of_each_wire() -> None:
    made = device(20, backend=noisy_line(), initial_layout=[4, 1, 0], optimization_level=0)
    program = hb.qnode(made)(lambda x: (hb.RX(x, wires=0), hb.X(2), hb.sample())[-1]).plan(0.3).programs[0]
    text = program.native()
    assert text.startswith("OPENQASM 3")
    assert "measured[0] = measure $4" in text and "measured[2] = measure $0" in text


def test_a_pass_manager_of_the_user_is_taken() -> None:
    passes = generate_preset_pass_manager(0, basis_gates=["u", "cz"])
    made = device(20, pass_manager=passes)
    program = hb.qnode(made)(turns).plan(np.zeros(3)).programs[0]
    assert set(program.circuit.count_ops()) == {"u", "cz", "measure"}


def test_statistics_are_those_of_the_state_on_an_ideal_backend() -> None:
    def circuit(x: Any) -> Any:
        hb.StatePrep(np.array([0.5, 0.5j, -0.1, 0.7]), wires=[2, 0])
        hb.CRY(x, wires=[0, 1])
        hb.IsingXX(x, wires=[2, 1])
        return hb.probs(wires=[1, 2, 0]), hb.probs(wires=[2])

    exact = hb.qnode(hb.device("default.qubit", wires=3))(circuit)(0.7)
    for options in ({}, {"backend": AerSimulator(), "initial_layout": [7, 3, 5]}):
        found = hb.qnode(device(20000, seed=2, **options))(circuit)(0.7)
        for drawn, right in zip(found, exact, strict=True):
            assert np.all(np.abs(drawn - right) <= probs_allowance(right, 20000))


def test_noise_of_the_backend_acts() -> None:
    """Eighty gates in pairs that undo each other, which no transpiler may see."""

    def circuit() -> Any:
        for _ in range(40):
            hb.CNOT(wires=[0, 1])
            hb.CNOT(wires=[0, 1])
        return hb.probs(wires=[0, 1])

    ideal = hb.qnode(device(500, wires=2))(circuit)()
    noisy = hb.qnode(device(500, wires=2, backend=FakeManilaV2(), optimization_level=0, seed=3))(circuit)()
    assert ideal[0] == 1 and 0.2 < noisy[0] < 0.9


def test_samples_follow_the_seed_and_their_rows() -> None:
    for options in ({}, {"backend": noisy_line()}):
        node = hb.qnode(device(100, seed=5, **options))(turns)
        again = hb.qnode(device(100, seed=5, **options))(turns)
        x = np.full((3, 2), 1.3)
        first = node(x)
        np.testing.assert_array_equal(first, again(x))
        assert not np.array_equal(first[0], first[1])


ESTIMATORS = {
    "statevector": (lambda: {"estimator": StatevectorEstimator()}, 1e-12),
    "statevector, transpiled to a line": (
        lambda: {"estimator": StatevectorEstimator(), "backend": noisy_line(), "initial_layout": [4, 0, 2]},
        1e-12,
    ),
    # five words of which each is off by less than five standard errors
    "a backend's": (
        lambda: {"estimator": BackendEstimatorV2(backend=AerSimulator(seed_simulator=5)), "precision": 0.01},
        0.25,
    ),
}


@pytest.mark.parametrize(("options", "tolerance"), ESTIMATORS.values(), ids=ESTIMATORS)
def test_expectation_values_come_from_an_estimator(options: Any, tolerance: float) -> None:
    """One job, observables on the qubits where the wires are, rows and observables in their places."""

    def circuit(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.CNOT(wires=[0, 2])
        hb.RY(2 * x, wires=1)
        hb.CRX(0.7, wires=[1, 0])
        return (
            hb.expval(hb.Z(0) @ hb.X(1) + 0.5 * hb.Y(2) - 2),
            hb.expval(hb.Z(2)),
            hb.expval(hb.Y(0) @ hb.Y(2)),
        )

    made = hb.device("qiskit.backend", wires=3, **options())
    x = np.array([0.3, -1.2])
    found = hb.qnode(made)(circuit)(x)
    exact = hb.qnode(hb.device("default.qubit", wires=3))(circuit)(x)
    assert len(made.jobs) == 1
    for value, right in zip(found, exact, strict=True):
        np.testing.assert_allclose(value, right, rtol=0, atol=tolerance)


def test_an_estimator_gives_nothing_else() -> None:
    made = hb.device("qiskit.backend", wires=3, estimator=StatevectorEstimator())
    for measure in (lambda: hb.probs(wires=0), lambda: hb.var(hb.Z(0))):
        with pytest.raises(hb.UnsupportedCircuit):
            hb.qnode(made)(lambda measure=measure: (hb.X(0), measure())[1])()
    with pytest.raises(hb.DeviceError, match="precision"):
        hb.device("qiskit.backend", precision=0.1)
    with pytest.raises(hb.DeviceError, match="number >= 0 as precision; got nan"):
        hb.device("qiskit.backend", estimator=StatevectorEstimator(), precision=np.nan)
    with pytest.raises(hb.DeviceError, match="no seed"):
        hb.device("qiskit.backend", estimator=StatevectorEstimator(), seed=1)


# what is asked, and what the error says
REFUSED = {
    "backend": ({"backend": "ibm_fez"}, "needs a qiskit BackendV2 as backend; got str 'ibm_fez'"),
    "sampler": ({"sampler": 3}, "needs a qiskit BaseSamplerV2 as sampler; got int 3"),
    "pass manager": ({"pass_manager": 1}, "needs a qiskit PassManager as pass_manager"),
    "an option": (
        {"backend": AerSimulator(), "options": {"shot": 1}},
        "no options named 'shot'.*run_options",
    ),
    "transpiler": (
        {"backend": AerSimulator(), "transpiler": {"layout": "sabre"}},
        "no transpiler named 'layout'.*layout_method",
    ),
    "options of another's sampler": (
        {"sampler": StatevectorSampler(), "options": {"run_options": {}}},
        "give them to",
    ),
    "seed of another's sampler": (
        {"sampler": StatevectorSampler(), "seed": 1},
        "cannot seed .* function of a seed",
    ),
    "a layout twice": ({"backend": noisy_line(), "initial_layout": [1, 1, 0]}, "different qubit from 0 to 4"),
    "a layout beyond": (
        {"backend": noisy_line(), "initial_layout": [1, 0, 5]},
        "different qubit from 0 to 4",
    ),
    "a layout of one": ({"backend": noisy_line(), "initial_layout": 2}, "different qubit from 0 to 4"),
    "a layout of nothing": ({"initial_layout": [1, 0, 2]}, "for a backend alone"),
    "a layout beside passes": (
        {"backend": noisy_line(), "pass_manager": PassManager(), "initial_layout": [1, 0, 2]},
        "no pass_manager",
    ),
    "a level": ({"backend": noisy_line(), "optimization_level": 7}, "0, 1, 2 and 3; got 7"),
    "a seed of the transpiler": ({"backend": noisy_line(), "seed_transpiler": "x"}, "whole number >= 0"),
    "options of nothing": ({"options": {"run_options": {}}}, "with a backend alone"),
    "shots twice": (
        {"backend": noisy_line(), "options": {"run_options": {"shots": 7}}},
        "sets shots by itself",
    ),
    "wires": ({"backend": noisy_line(), "wires": 6}, "at most 5 wires; got 6"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(hb.DeviceError, match=message):
        device(10, **options)


def test_exact_results_are_refused() -> None:
    with pytest.raises(hb.UnsupportedCircuit, match="shots"):
        hb.qnode(device(None, backend=noisy_line()))(turns)(np.zeros(3))


def test_a_failed_job_is_named_with_its_id() -> None:
    class Failing(StatevectorSampler):
        def _run(self, pubs: Any) -> Any:
            raise RuntimeError("the fridge is warm")

    made = device(10, sampler=Failing())
    with pytest.raises(hb.JobFailed) as caught:
        hb.qnode(made)(turns)(np.zeros(3))
    assert f"'qiskit.backend' failed: job {made.jobs[-1]}: RuntimeError: the fridge is warm" in str(
        caught.value
    )


def test_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for options in BACKENDS.values():
            hb.qnode(device(5, **options()))(turns)(np.zeros(3))
