"""qiskit.aer with noise models of Aer's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from aer_circuits import (
    EXACT,
    GATES,
    MATRICES_OF,
    NUM_WIRES,
    angles,
    circuit,
    embed,
    evaluate,
    expected_of,
    generic_ket,
    noise,
    prepare,
    run,
    within,
)
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
)

from hybridge.circuit import Measurement
from hybridge.operations.pauli import MATRICES, Sentence
from hybridge.operations.table import ROWS
from hybridge.registry import device as make


def apply_kraus(rho: np.ndarray, kraus: Sequence[np.ndarray], wires: Sequence[int]) -> np.ndarray:
    n = len(rho).bit_length() - 1
    full = [embed(k, wires, n) for k in kraus]
    return sum(k @ rho @ k.conj().T for k in full)


def test_exact_results_are_those_of_the_noisy_state() -> None:
    gamma, p = 0.3, 0.2
    aer = make(
        "qiskit.aer", noise_model=noise(rx=amplitude_damping_error(gamma), cx=depolarizing_error(p, 2))
    )
    assert "state" not in aer.capabilities.measurements and aer.capabilities.exact
    made = circuit(
        (ROWS["RX"], (2,)), (ROWS["CNOT"], (2, 0)), (ROWS["RX"], (0,)), measure=EXACT + MATRICES_OF
    )
    params = angles(made, 3)
    damp = [np.diag([1, np.sqrt(1 - gamma)]), np.array([[0, np.sqrt(gamma)], [0, 0]])]
    words = [np.kron(MATRICES[a], MATRICES[b]) for a in "IXYZ" for b in "IXYZ"]
    depolarise = [np.sqrt(1 - p * 15 / 16) * words[0], *(np.sqrt(p / 16) * w for w in words[1:])]
    for got, (first, second) in zip(run(made, params, aer), params, strict=True):
        rho = np.zeros((16, 16), dtype=complex)
        rho[0, 0] = 1
        rho = apply_kraus(rho, [ROWS["RX"].matrix(first)], (2,))
        rho = apply_kraus(rho, damp, (2,))
        rho = apply_kraus(rho, [ROWS["CNOT"].matrix()], (2, 0))
        rho = apply_kraus(rho, depolarise, (2, 0))
        rho = apply_kraus(rho, [ROWS["RX"].matrix(second)], (0,))
        rho = apply_kraus(rho, damp, (0,))
        expected = np.concatenate([expected_of(rho, m) for m in made.measurements])
        np.testing.assert_allclose(got, expected, atol=1e-13)


def test_gates_without_errors_are_rewritten_in_those_with_them() -> None:
    flip = noise(
        cx=pauli_error([("IX", 1.0)])
    )  # Qiskit's words are read from the right: the control, its first qubit
    z = [Measurement("expval", Sentence({((w, "Z"),): 1.0})) for w in (0, 1)]
    made = circuit((ROWS["IsingZZ"], (0, 1)), num_wires=2, measure=z)
    # two CNOTs and an RZ between them: the control is flipped twice, the target once by the first flip
    ideal, noisy = run(made, [[0.4]]), run(made, [[0.4]], make("qiskit.aer", noise_model=flip))
    np.testing.assert_allclose(ideal, [[1, 1]])
    assert np.abs(noisy - ideal).max() > 1.9


def test_every_claimed_row_runs_with_noise() -> None:
    nothing = noise(cx=pauli_error([("II", 0.5), ("ZZ", 0.5)]), sx=pauli_error([("I", 1.0)]))
    without = noise(x=pauli_error([("I", 1 - 1e-16), ("X", 1e-16)]))
    assert not nothing.is_ideal()
    aer = make("qiskit.aer", noise_model=without)
    everything = [Measurement("density_matrix", None, tuple(range(NUM_WIRES)))]
    for operation, wires in GATES:
        if len(wires) <= 3:
            made = circuit(
                (prepare(generic_ket(NUM_WIRES)), (0, 1, 2, 3)), (operation, wires), measure=everything
            )
            params = angles(made, 2)
            kets = [evaluate(made, p) for p in params]
            expected = [np.outer(k, k.conj()).reshape(-1) for k in kets]
            np.testing.assert_allclose(run(made, params, aer), expected, atol=1e-8, err_msg=operation.name)


def test_errors_are_sampled() -> None:
    shots, flip = 4000, 0.2
    aer = make("qiskit.aer", noise_model=noise(x=pauli_error([("X", flip), ("I", 1 - flip)])))
    made = circuit((ROWS["X"], (1,)), num_wires=2, measure=[Measurement("sample")])
    bits = run(made, np.empty((2, 0)), aer, shots=shots, seed=1).reshape(2, shots, 2)
    assert not bits[..., 0].any()
    assert within(bits[..., 1].mean(axis=1), np.array([1 - flip] * 2), shots)
    assert abs(np.corrcoef(bits[..., 1])[0, 1]) < 6 / np.sqrt(shots)


def test_an_idle_angle_carries_no_error() -> None:
    aer = make("qiskit.aer", noise_model=noise(rz=pauli_error([("X", 1.0)])))
    probs = run(circuit(num_wires=2, measure=[Measurement("probs")]), np.empty((2, 0)), aer)
    np.testing.assert_array_equal(probs, [[1, 0, 0, 0]] * 2)


def test_errors_of_the_readout_are_for_shots_only() -> None:
    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.4, 0.6]]), [1])  # of qubit 1, which is wire 1
    aer = make("qiskit.aer", noise_model=model)
    assert aer.capabilities.measurements == {"sample", "counts"} and not aer.capabilities.exact
    made = circuit((ROWS["X"], (1,)), num_wires=2, measure=[Measurement("sample")])
    bits = run(made, aer=aer, shots=4000, seed=1).reshape(4000, 2)
    assert not bits[:, 0].any()
    assert within(bits[:, 1].mean(keepdims=True), np.array([0.6]), 4000)


def test_angles_that_rewriting_leaves_in_the_phase_do_no_harm() -> None:
    aer = make("qiskit.aer", noise_model=noise(cx=depolarizing_error(0.1, 2)))
    made = circuit(
        (ROWS["H"], (0,)),
        (ROWS["PhaseShift"], (0,)),
        (ROWS["H"], (0,)),
        measure=[Measurement("probs", None, (0,))],
    )
    assert set(aer.compile(made).circuit.count_ops()) <= {
        "rz",
        "sx",
        "save_probabilities",
    }  # p is rz and a phase
    params = angles(made, 4)
    np.testing.assert_allclose(run(made, params, aer)[:, 0], np.cos(params[:, 0] / 2) ** 2, atol=1e-13)


def test_a_mixed_state_meets_noise() -> None:
    aer = make("qiskit.aer", noise_model=noise(x=pauli_error([("X", 0.25), ("I", 0.75)])))
    rho = np.array([[0.7, 0.2j], [-0.2j, 0.3]])
    instructions = [(prepare(rho), (1,)), (ROWS["X"], (1,))]
    exact = run(circuit(*instructions, num_wires=2, measure=[Measurement("probs", None, (1,))]), aer=aer)[0]
    flipped = 0.75 * np.array([0.3, 0.7]) + 0.25 * np.array([0.7, 0.3])
    np.testing.assert_allclose(exact, flipped, atol=1e-14)
    sampled = run(
        circuit(*instructions, num_wires=2, measure=[Measurement("sample", None, (1,))]),
        aer=aer,
        shots=4000,
        seed=1,
    )
    assert within(sampled.mean(keepdims=True), flipped[1:], 4000)
