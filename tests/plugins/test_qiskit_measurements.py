"""qiskit.aer's results: exact ones, and samples distributed as the state says."""

from __future__ import annotations

import numpy as np
import pytest
from aer_circuits import (
    EXACT,
    MATRICES_OF,
    NUM_WIRES,
    STATE,
    angles,
    circuit,
    coins,
    evaluate,
    expected_of,
    generic_ket,
    prepare,
    random_circuit,
    reduced,
    run,
    within,
)

from hybridge.circuit import Measurement
from hybridge.device import Task
from hybridge.operations.table import ROWS
from hybridge.registry import device as make
from hybridge_qiskit.device import LARGE

# ---- exact measurements ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "matrix_product_state"])
def test_measurements_side_by_side_mean_what_they_say(method: str) -> None:
    aer = make("qiskit.aer", method=method)
    made = random_circuit(30, NUM_WIRES, seed=4, measure=EXACT)
    params = angles(made, 2)
    kets = [evaluate(made, p) for p in params]
    for kinds, dtype in ((EXACT, np.float64), (EXACT + MATRICES_OF, np.complex128)):
        got = run(made._replace(measurements=tuple(kinds)), params, aer)
        expected = [np.concatenate([expected_of(np.outer(k, k.conj()), m) for m in kinds]) for k in kets]
        np.testing.assert_allclose(got, expected, atol=2e-13)
        assert got.dtype == dtype
    if "state" in aer.capabilities.measurements:
        np.testing.assert_allclose(
            run(made._replace(measurements=STATE * 2), params, aer), np.hstack([kets] * 2), atol=1e-13
        )


def test_a_clifford_circuit_is_exact_too() -> None:  # Aer may then leave amplitudes for stabilizers
    gates = [("H", (3,)), ("CNOT", (3, 1)), ("S", (1,)), ("CNOT", (1, 0)), ("H", (0,)), ("X", (2,))]
    for method in ("automatic", "stabilizer"):
        made = circuit(*[(ROWS[name], wires) for name, wires in gates], measure=EXACT)
        ket = evaluate(made, ())
        expected = np.concatenate([expected_of(np.outer(ket, ket.conj()), m) for m in EXACT])
        np.testing.assert_allclose(run(made, aer=make("qiskit.aer", method=method))[0], expected, atol=1e-13)


def test_single_precision_is_single() -> None:
    made = random_circuit(30, NUM_WIRES, seed=4)
    params = angles(made, 1)
    error = np.abs(
        run(made, params, make("qiskit.aer", precision="single")) - evaluate(made, params[0])
    ).max()
    assert 1e-9 < error < 1e-5


# ---- samples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "matrix_product_state"])
@pytest.mark.parametrize("wires", [None, (2,), (3, 0), (1, 3, 0)])
def test_samples_are_distributed_as_the_state_says(method: str, wires: tuple[int, ...] | None) -> None:
    shots, on = 4000, wires or tuple(range(NUM_WIRES))
    made = random_circuit(30, NUM_WIRES, seed=5, measure=[Measurement("sample", None, wires)])
    params = angles(made, 2)
    got = run(made, params, make("qiskit.aer", method=method, seed=1), shots=shots)
    assert got.dtype == np.uint8 and got.shape == (2, shots * len(on))
    words = got.reshape(2, shots, len(on)) @ (1 << np.arange(len(on))[::-1])
    for p, drawn in zip(params, words, strict=True):
        ket = evaluate(made, p)
        expected = np.diag(reduced(np.outer(ket, ket.conj()), on)).real
        assert within(np.bincount(drawn, minlength=2 ** len(on)) / shots, expected, shots)


def test_a_prepared_state_is_sampled_as_it_is() -> None:
    made = circuit((prepare(generic_ket(2)), (2, 0)), measure=[Measurement("sample", None, (2, 0))])
    words = run(made, shots=4000, seed=3).reshape(-1, 2) @ [2, 1]
    assert within(np.bincount(words, minlength=4) / 4000, np.abs(generic_ket(2)) ** 2, 4000)


def test_states_side_by_side_are_sampled_at_once() -> None:
    kets = [(prepare(generic_ket(2)), (2, 0)), (prepare(generic_ket(1)), (1,))]
    made = circuit(*kets, measure=[Measurement("sample", None, (1,))])
    assert make("qiskit.aer").compile(made).circuit.count_ops()["initialize"] == 1
    bits = run(made, shots=4000, seed=3)
    assert within(bits.mean(keepdims=True), np.abs(generic_ket(1)[1:]) ** 2, 4000)


def test_samples_of_one_circuit_come_from_the_same_shots() -> None:
    kinds = [Measurement("sample", None, (2, 0)), Measurement("sample", None, (0,))]
    made = circuit((ROWS["H"], (0,)), (ROWS["CNOT"], (0, 2)), measure=kinds)
    got = run(made, np.empty((2, 0)), shots=50, seed=4)
    assert got.shape == (2, 150)
    pairs, single = got[:, :100].reshape(2, 50, 2), got[:, 100:]
    np.testing.assert_array_equal(pairs[..., 0], pairs[..., 1])
    np.testing.assert_array_equal(pairs[..., 1], single)
    assert 0 < single.mean() < 1


@pytest.mark.parametrize("num_wires", [1, LARGE])
def test_rows_draw_their_own_shots_in_random_order(num_wires: int) -> None:
    shots = 4000
    bits = run(coins(num_wires), np.zeros((3, 1)), shots=shots, seed=5).reshape(3, shots, num_wires)[..., 0]
    bound = 6 / np.sqrt(shots)  # 6 standard errors of a correlation: false alarm below 1e-8
    correlations = np.corrcoef(bits) - np.eye(3)
    assert np.abs(correlations).max() < bound
    for row_bits in bits:  # neither sorted nor grouped: a shot says nothing about the next ones
        assert (
            max(abs(np.corrcoef(row_bits[:-lag], row_bits[lag:])[0, 1]) for lag in (1, 2, shots // 2))
            < 1.5 * bound
        )


def test_seeds_fix_the_samples() -> None:
    zeros = np.zeros((2, 1))
    draw = lambda aer, seed: run(coins(), zeros, aer, shots=200, seed=seed)
    aer = make("qiskit.aer", seed=1)
    first, again, other = draw(aer, 11), draw(aer, 11), draw(aer, 12)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(
        first, draw(make("qiskit.aer", seed=2), 11)
    )  # the task's seed alone decides
    sequences = [
        [draw(made, None) for _ in range(2)] for made in (make("qiskit.aer", seed=3) for _ in range(2))
    ]
    np.testing.assert_array_equal(*sequences)  # without one, the device's
    assert (sequences[0][0] != sequences[0][1]).any()


def test_jobs_whose_seeds_are_apart_by_aers_step_share_no_shots() -> None:
    aer = make("qiskit.aer")
    first, second = (run(coins(), np.zeros((2, 1)), aer, shots=100, seed=s) for s in (0, 2113))
    assert (first[1] != second[0]).any()


def test_tasks_of_one_seed_draw_their_own_shots() -> None:
    aer = make("qiskit.aer")
    task = Task(aer.compile(coins()), np.zeros((1, 1)), 100, 6)
    first, second = aer.run([task, task])
    assert (first != second).any()


def test_wide_words_are_read_whole() -> None:
    wires = 70  # more than fit into 64 bits
    ones = [(ROWS["X"], (w,)) for w in (0, 5, 64, 69)]
    made = circuit(*ones, num_wires=wires, measure=[Measurement("sample")])
    got = run(made, np.empty((2, 0)), make("qiskit.aer", method="stabilizer"), shots=3)
    expected = np.isin(np.arange(wires), (0, 5, 64, 69))
    np.testing.assert_array_equal(got.reshape(6, wires), [expected] * 6)


def test_extended_stabilizers_give_samples() -> None:
    aer = make("qiskit.aer", method="extended_stabilizer")
    assert not aer.capabilities.exact
    made = circuit(
        (ROWS["H"], (0,)),
        (ROWS["CNOT"], (0, 2)),
        (ROWS["X"], (1,)),
        num_wires=3,
        measure=[Measurement("sample")],
    )
    got = run(made, aer=aer, shots=200, seed=2).reshape(200, 3)
    assert (got[:, 0] == got[:, 2]).all() and got[:, 1].all() and 0 < got[:, 0].mean() < 1
