"""The device qiskit.aer: its numbers, its jobs, its options."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from aer_circuits import (
    EXACT,
    MATRICES_OF,
    angles,
    circuit,
    coins,
    evaluate,
    generic_ket,
    mean,
    noise,
    prepare,
    random_circuit,
    run,
)
from qiskit_aer import AerSimulator
from qiskit_aer.noise import depolarizing_error

from hybridge.circuit import Measurement
from hybridge.device import Task
from hybridge.errors import DeviceError, JobFailed, UnsupportedCircuit
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import FAMILIES, ROWS
from hybridge.registry import device as make
from hybridge.registry import devices
from hybridge_qiskit import AER
from hybridge_qiskit.device import LARGE, METHODS


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many circuits each Aer job was given, as it happens."""
    seen: list[int] = []
    submit = AerSimulator.run

    def counting(self: AerSimulator, circuits: Any, *args: Any, **options: Any) -> Any:
        seen.append(len(circuits))
        return submit(self, circuits, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", counting)
    return seen


# ---- numbers ---------------------------------------------------------------------------------------------


def test_more_than_ten_numbers_keep_their_order() -> None:
    turns = [(ROWS[name], (w,)) for w in range(4) for name in ("RX", "RY", "RZ")]
    made = circuit(*turns, (ROWS["CRot"], (3, 0)))
    params = np.arange(15)[None] / 7
    assert made.num_slots == 15
    np.testing.assert_allclose(run(made, params)[0], evaluate(made, params[0]), atol=1e-13)


@pytest.mark.parametrize("num_wires", [4, LARGE])
def test_rows_are_independent(num_wires: int) -> None:
    z, every = Sentence({((0, "Z"),): 1.0}), tuple(range(4))
    kinds = [
        Measurement("expval", z),
        Measurement("probs", None, every),
        Measurement("density_matrix", None, (2, 0)),
    ]
    made = random_circuit(40, 4, seed=1)._replace(wires=tuple(range(num_wires)), measurements=tuple(kinds))
    params = angles(made, 6)
    params[3] = params[0]
    together = run(made, params)
    np.testing.assert_array_equal(together[3], together[0])
    np.testing.assert_allclose(together, [run(made, p[None])[0] for p in params], atol=1e-13)
    small = made._replace(wires=every)
    ket = evaluate(small, params[5])
    np.testing.assert_allclose(together[5, 1:17].real, np.abs(ket) ** 2, atol=1e-13)


@pytest.mark.parametrize("shots", [None, 5])
def test_rows_of_a_circuit_without_numbers(shots: int | None) -> None:
    kind = Measurement("state") if shots is None else Measurement("sample")
    made = circuit((ROWS["X"], (1,)), (ROWS["S"], (1,)), num_wires=2, measure=[kind])
    got = run(made, np.empty((3, 0)), shots=shots)
    np.testing.assert_allclose(got, [[0, 1j, 0, 0]] * 3 if shots is None else [[0, 1] * 5] * 3, atol=1e-15)


@pytest.mark.parametrize("shots", [None, 5])
def test_numbers_that_change_nothing(shots: int | None) -> None:
    kind = Measurement("probs" if shots is None else "sample", None, (0,))
    made = circuit((FAMILIES["GlobalPhase"].of(0), ()), num_wires=1, measure=[kind])
    got = run(made, [[0.1], [0.2]], shots=shots)
    np.testing.assert_array_equal(got, [[1, 0]] * 2 if shots is None else [[0] * 5] * 2)


def test_no_rows_give_no_results(jobs: list[int]) -> None:
    made = random_circuit(10, 3, seed=1)
    assert run(made, np.empty((0, made.num_slots))).shape == (0, 8)
    assert jobs == []


def test_no_gates_at_all_is_the_zero_state() -> None:
    np.testing.assert_array_equal(run(circuit(num_wires=2)), [[1, 0, 0, 0]])


def test_idle_wires_stay_zero_in_their_place() -> None:
    expval = Measurement("expval", Sentence({((2, "Z"), (4, "Z")): 1.0}))
    kinds = [Measurement("state"), expval, Measurement("probs", None, (4, 2))]
    got = run(circuit((ROWS["RX"], (2,)), num_wires=5, measure=kinds), [[0.3]])[0]
    state = np.zeros(32, dtype=complex)
    state[0], state[0b00100] = np.cos(0.15), -1j * np.sin(0.15)
    c, s = np.cos(0.15) ** 2, np.sin(0.15) ** 2
    np.testing.assert_allclose(got, [*state, c - s, c, s, 0, 0], atol=1e-15)


# ---- jobs ------------------------------------------------------------------------------------------------


def test_a_batch_of_tasks_is_one_job(jobs: list[int]) -> None:
    aer = make("qiskit.aer")
    z = Sentence({((1, "Z"),): 1.0})
    first = random_circuit(20, 3, seed=1, measure=[Measurement("expval", z)])
    second = circuit((prepare(generic_ket(2)), (2, 0)), num_wires=3)
    third = random_circuit(20, 4, seed=2)
    made = [first, second, third, first]
    params = [angles(c, batch, seed) for seed, (c, batch) in enumerate(zip(made, (32, 2, 3, 1), strict=True))]
    got = aer.run([Task(aer.compile(c), p) for c, p in zip(made, params, strict=True)])
    assert jobs == [4]
    for c, p, array in zip(made, params, got, strict=True):
        kets = [evaluate(c, numbers) for numbers in p]
        expected = [[mean(np.outer(k, k.conj()), z)] for k in kets] if c is first else kets
        np.testing.assert_allclose(array, expected, atol=1e-13)


def test_a_sampled_batch_is_one_job(jobs: list[int]) -> None:
    aer = make("qiskit.aer")
    tasks = [
        Task(aer.compile(coins(wires)), np.zeros((8, 1)), 10, seed) for seed, wires in enumerate((1, 2, 1))
    ]
    assert [a.shape for a in aer.run(tasks)] == [(8, 10), (8, 20), (8, 10)]
    assert jobs == [3]


def test_a_job_for_each_number_of_shots(jobs: list[int]) -> None:
    aer = make("qiskit.aer")
    exact = Task(aer.compile(circuit((ROWS["RX"], (0,)), num_wires=1)), np.zeros((2, 1)))
    few, many = (Task(aer.compile(coins()), np.zeros((2, 1)), shots, 1) for shots in (3, 7))
    got = aer.run([few, exact, many, few])
    assert [a.shape for a in got] == [(2, 3), (2, 2), (2, 7), (2, 3)]
    assert sorted(jobs) == [1, 1, 2]


def test_a_circuit_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    aer = make("qiskit.aer")
    program = aer.compile(random_circuit(20, 3, seed=1))
    monkeypatch.setattr("qiskit.circuit.QuantumCircuit.append", None)
    monkeypatch.setattr("qiskit.circuit.QuantumCircuit.assign_parameters", None)
    assert aer.run([Task(program, np.ones((3, len(program.slots.tolist()) + 20)))])[0].shape == (3, 8)


def test_what_goes_wrong_in_aer_is_a_failed_job() -> None:
    aer = make("qiskit.aer", method="stabilizer")
    made = circuit((ROWS["T"], (0,)), num_wires=1, measure=[Measurement("probs")])
    with pytest.raises((JobFailed, UnsupportedCircuit), match=r"qiskit\.aer"):
        run(made, aer=aer)
    with pytest.raises(JobFailed, match=r"(?i)memory"):
        run(
            circuit((ROWS["RX"], (24,)), num_wires=25),
            [[0.1]],
            make("qiskit.aer", method="statevector", max_memory_mb=1),
        )


# ---- the device ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "tensor"}, "has no method 'tensor'; its methods: automatic, statevector"),
        ({"precision": "half"}, "has precision 'double' and 'single'; got 'half'"),
        ({"max_bond_dimension": 0}, "a whole number >= 1 as max_bond_dimension; got 0"),
        ({"max_memory_mb": -4}, "a whole number >= 1 as max_memory_mb; got -4"),
        ({"max_parallel_threads": 1.5}, "a whole number >= 0 as max_parallel_threads; got 1.5"),
        ({"truncation_threshold": np.nan}, "a number from 0 to 1 as truncation_threshold; got nan"),
        ({"approximation_error": "q"}, "a number between 0 and 1 as approximation_error; got 'q'"),
        ({"noise_model": "depolarizing"}, r"needs a qiskit_aer\.noise\.NoiseModel"),
        ({"shot": 5}, "has no option 'shot'; its options: method='automatic', noise_model=None"),
    ],
)
def test_an_option_aer_does_not_know_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        make("qiskit.aer", **options)


def test_samples_need_shots() -> None:
    with pytest.raises(UnsupportedCircuit, match="sample without shots; use shots=1000"):
        run(coins(), np.zeros((1, 1)))


def test_a_bond_dimension_is_obeyed() -> None:
    bell = circuit((ROWS["H"], (0,)), (ROWS["CNOT"], (0, 1)), num_wires=2, measure=[Measurement("probs")])
    cut = make("qiskit.aer", method="matrix_product_state", max_bond_dimension=1)
    assert np.abs(run(bell, aer=cut) - run(bell)).max() > 0.1


# an option that is not there, and what the error names
WRONG = {
    "device": ("GPUS", "runs on .*CPU.*'GPUS'"),
    "sampling_method": ("mean", "norm_estimation; got 'mean'"),
}


@pytest.mark.parametrize(("option", "wrong"), WRONG.items(), ids=WRONG)
def test_options_are_checked_by_their_values(option: str, wrong: tuple[str, str]) -> None:
    with pytest.raises(DeviceError, match=wrong[1]):
        make("qiskit.aer", **{option: wrong[0]})


def test_extended_stabilizers_take_their_options() -> None:
    options = {"approximation_error": 0.01, "sampling_method": "norm_estimation"}
    aer = make("qiskit.aer", method="extended_stabilizer", **options)
    made = circuit((ROWS["X"], (1,)), (ROWS["T"], (1,)), num_wires=2, measure=[Measurement("sample")])
    np.testing.assert_array_equal(run(made, aer=aer, shots=5, seed=1), [[0, 1] * 5])


@pytest.mark.parametrize("method", METHODS)
def test_a_method_claims_what_it_gives(method: str) -> None:
    aer = make("qiskit.aer", method=method)
    assert aer.capabilities.measurements <= AER.measurements and aer.capabilities.operations <= AER.operations
    for kind in aer.capabilities.measurements:
        observable = Sentence({((1, "Z"),): 1.0}) if kind in ("expval", "var") else None
        wires = (1,) if kind in ("probs", "density_matrix", "sample", "counts") else None
        made = circuit(
            (ROWS["H"], (0,)),
            (ROWS["CNOT"], (0, 1)),
            num_wires=2,
            measure=[Measurement(kind, observable, wires)],
        )
        assert np.isfinite(run(made, aer=aer, shots=10 if kind in ("sample", "counts") else None)).all()


def test_small_circuits_use_one_thread_and_bind_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, bool]] = []
    submit = AerSimulator.run

    def watching(self: AerSimulator, *args: Any, **options: Any) -> Any:
        seen.append((options["max_parallel_threads"], options["runtime_parameter_bind_enable"]))
        return submit(self, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", watching)
    for wires, threads in ((LARGE - 1, None), (LARGE, None), (2, 2)):
        made = circuit((ROWS["RX"], (0,)), num_wires=wires, measure=[Measurement("probs", None, (0,))])
        run(made, [[0.1]], make("qiskit.aer", max_parallel_threads=threads))
    assert seen == [(1, True), (0, False), (2, True)]


def test_threads_do_not_disturb_each_other() -> None:
    aer = make("qiskit.aer")
    circuits = [random_circuit(40, 4, seed) for seed in range(8)]
    params = [angles(c, 5, seed) for seed, c in enumerate(circuits)]
    with ThreadPoolExecutor(4) as pool:
        for made, numbers, states in zip(
            circuits, params, pool.map(run, circuits, params, [aer] * 8), strict=True
        ):
            np.testing.assert_allclose(states, [evaluate(made, p) for p in numbers], atol=1e-13)


def test_programs_and_devices_pickle() -> None:
    aer = make("qiskit.aer", wires=4, noise_model=noise(cx=depolarizing_error(0.1, 2)))
    made = random_circuit(30, 4, seed=8, measure=EXACT + MATRICES_OF)
    params, program = angles(made), aer.compile(made)
    expected = aer.run([Task(program, params)])
    aer, copy = pickle.loads(pickle.dumps((aer, program)))
    np.testing.assert_array_equal(aer.run([Task(copy, params)]), expected)


def test_listing_the_plugin_does_not_import_qiskit() -> None:
    code = (
        "import sys, hybridge_qiskit; from hybridge.registry import registry; registry.load('qiskit');"
        "assert 'qiskit.aer' in registry.devices, registry.failures;"
        "assert not {'qiskit', 'qiskit_aer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_it_is_listed_as_it_is() -> None:
    line = next(d for d in devices() if d.name == "qiskit.aer")
    assert (line.domain, line.status) == ("qubit", "installed")


def test_memory_is_that_of_the_state() -> None:
    noisy = noise(cx=depolarizing_error(0.1, 2))
    assert 16 * 2**10 <= make("qiskit.aer").memory(10) <= 64 * 2**10
    assert 16 * 4**10 <= make("qiskit.aer", noise_model=noisy).memory(10) <= 64 * 4**10
    assert make("qiskit.aer", method="matrix_product_state").memory(60) == 0
