"""qiskit.aer runs channels: numbers in Kraus operators are rows' own, in one job."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

import hybridge as hb
from hybridge.conformance.statistics import probs_allowance

SHOTS = 4000


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


def noisy(x: Any, p: Any) -> Any:
    """Channels with numbers, with constants, on two wires in an order that is not theirs, behind gates."""
    hb.RX(x, wires=0)
    hb.AmplitudeDamping(p, wires=0)
    hb.CNOT(wires=[0, 2])
    hb.PauliError("XY", 0.5 * p, wires=[2, 1])
    hb.RY(2 * x, wires=1)
    hb.ThermalRelaxationError(p, 3.0, 4.0, 1.0, wires=1)
    operators = [np.sqrt(0.8) * np.eye(4), np.sqrt(0.2) * np.kron([[0, 1], [1, 0]], [[1, 0], [0, 1j]])]
    hb.QubitChannel(operators, wires=[2, 0])
    return hb.expval(hb.X(0) @ hb.Z(2)), hb.var(hb.Y(1)), hb.probs(wires=[2, 0, 1])


def on(name: str, **options: Any) -> Any:
    return hb.qnode(hb.device(name, wires=3, **options))(noisy)


X = np.array([0.3, 0.3, 1.1, -0.4, 0.8])
P = np.array([0.1, 0.2, 0.1, 0.0, 0.2])


@pytest.mark.parametrize("options", [{}, {"method": "density_matrix"}], ids=str)
def test_rows_have_channels_of_their_own(options: dict[str, Any], jobs: list[int]) -> None:
    """Five rows of three channel numbers: three circuits in one job, the results in the order of the rows."""
    found = on("qiskit.aer", **options)(X, P)
    assert jobs == [3]
    for value, right in zip(found, on("default.mixed")(X, P), strict=True):
        np.testing.assert_allclose(value, right, atol=1e-13)


@pytest.mark.parametrize("method", ["automatic", "density_matrix", "statevector", "matrix_product_state"])
def test_shots_have_the_statistics_of_the_mixed_state(method: str, jobs: list[int]) -> None:
    found = on("qiskit.aer", shots=SHOTS, seed=4, method=method)(X[:3], P[:3])[2]
    exact = on("default.mixed")(X[:3], P[:3])[2]
    assert jobs == [2 * 2]  # two settings, two different numbers of the channels
    for drawn, right in zip(found, exact, strict=True):
        assert np.all(np.abs(drawn - right) <= probs_allowance(right, SHOTS))


def test_methods_that_follow_single_trajectories_have_no_exact_channels() -> None:
    for method in ("statevector", "matrix_product_state"):
        with pytest.raises(hb.UnsupportedCircuit, match="density_matrix"):
            on("qiskit.aer", method=method)(0.3, 0.1)
    for method in ("stabilizer", "extended_stabilizer"):
        with pytest.raises(hb.UnsupportedCircuit, match="AmplitudeDamping"):
            on("qiskit.aer", method=method, shots=10)(0.3, 0.1)
    flip = hb.qnode(hb.device("qiskit.aer", wires=1, method="stabilizer"))(
        lambda: (hb.BitFlip(0.1, wires=0), hb.expval(hb.Z(0)))[1]
    )
    with pytest.raises(hb.UnsupportedCircuit, match="or shots"):
        flip()
    root = [np.sqrt(0.9) * np.eye(2), np.sqrt(0.1) * np.diag([1, 1j])]
    turn = hb.qnode(hb.device("qiskit.aer", wires=1, shots=10, method="stabilizer"))(
        lambda: (hb.QubitChannel(root, wires=0), hb.expval(hb.Z(0)))[1]
    )
    with pytest.raises(hb.UnsupportedCircuit, match="no Pauli words with method='stabilizer'"):
        turn()


@pytest.mark.parametrize("method", ["stabilizer", "extended_stabilizer"])
def test_stabilizers_are_hit_by_pauli_words(method: str) -> None:
    """On wires out of order, by numbers of each row, which may be 0."""

    def circuit(p: Any, q: Any) -> Any:
        hb.H(0)
        hb.BitFlip(p, wires=0)
        hb.CNOT(wires=[0, 2])
        hb.PhaseFlip(q, wires=2)
        hb.H(2)
        hb.DepolarizingChannel(p, wires=1)
        hb.S(2)
        hb.PauliError("XYZ", q, wires=[2, 0, 1])
        return hb.probs(wires=[1, 2, 0]), hb.probs(wires=[2])

    p, q = np.array([0.1, 0.0, 0.4]), np.array([0.3, 0.2, 0.0])
    made = hb.device("qiskit.aer", wires=3, shots=SHOTS, seed=3, method=method)
    exact = hb.qnode(hb.device("default.mixed", wires=3))(circuit)(p, q)
    for drawn, right in zip(hb.qnode(made)(circuit)(p, q), exact, strict=True):
        assert np.all(np.abs(drawn - right) <= probs_allowance(right, SHOTS))


def test_a_noise_model_of_pauli_words_is_for_stabilizers_too() -> None:
    """Forty qubits, of which a branch flips the last; a flip comes after every CNOT, on both of its wires."""
    noise = hb.NoiseModel().after("CNOT", hb.BitFlip, 0.2)

    def circuit() -> Any:
        hb.X(0)
        hb.CNOT(wires=[0, 38])
        bit = hb.measure(38)
        hb.cond(bit, hb.X)(39)
        return hb.probs([bit]), hb.probs(wires=[38, 39]), hb.probs(wires=[0])

    made = hb.device("qiskit.aer", wires=40, shots=SHOTS, seed=3, method="stabilizer", noise_model=noise)
    rights = [[0.2, 0.8], [0.2, 0, 0, 0.8], [0.2, 0.8]]
    for drawn, right in zip(hb.qnode(made)(circuit)(), map(np.array, rights), strict=True):
        assert np.all(np.abs(drawn - right) <= probs_allowance(right, SHOTS))


def test_a_channel_beside_a_noise_model_stays_where_it_is() -> None:
    """The model's gates are named, so the circuit is rewritten around the channel."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["x"])

    def circuit(p: Any) -> Any:
        hb.X(0)
        hb.AmplitudeDamping(p, wires=0)
        hb.X(0)
        return hb.probs(wires=[0])

    found = hb.qnode(hb.device("qiskit.aer", wires=1, noise_model=model))(circuit)(0.3)
    # (1 - 0.2) rho + 0.2 I/2 after each X; between them |1> decays
    first = 0.9 * 0.7
    assert np.isclose(found[0], 0.8 * first + 0.1, atol=1e-13)


@pytest.mark.parametrize("num_wires", [1, 2])
def test_operators_are_read_as_they_are(num_wires: int) -> None:
    """Complex ones without symmetry: Aer reads other numbers of an array that is a read-only view."""
    rng, size = np.random.default_rng(num_wires), 2**num_wires
    tall = rng.normal(size=(3 * size, size)) + 1j * rng.normal(size=(3 * size, size))
    operators = list(np.linalg.qr(tall)[0].reshape(3, size, size))

    def circuit(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.RY(2 * x, wires=1)
        hb.QubitChannel(operators, wires=[1, 0][:num_wires])
        return hb.density_matrix([0, 1])

    found, right = (
        hb.qnode(hb.device(name, wires=2))(circuit)(0.4) for name in ("qiskit.aer", "default.mixed")
    )
    np.testing.assert_allclose(found, right, atol=1e-14)


def test_a_sampled_gradient_is_one_job(jobs: list[int]) -> None:
    """Sixteen parameters: the value's row and the thirty-two of the rule, bound inside Aer."""

    def circuit(x: Any) -> Any:
        for i in range(16):
            (hb.RY, hb.RX)[i // 4 % 2](x[i], wires=i % 4)
            hb.CNOT(wires=[i % 4, (i + 1) % 4])
        return hb.expval(hb.Z(0))

    hb.grad(hb.qnode(hb.device("qiskit.aer", wires=4, shots=50))(circuit))(np.linspace(0, 1, 16))
    assert jobs == [2]
