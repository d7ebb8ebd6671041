"""qiskit.aer measures inside a circuit by itself: resets, conditions on several bits, angles under them."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

import hybridge as hb
from hybridge.conformance.statistics import probs_allowance

SHOTS = 4000
METHODS = ("automatic", "statevector", "density_matrix", "matrix_product_state")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No circuit is small enough to be deferred."""
    monkeypatch.setattr("hybridge_qiskit.device.DEFERRED_WIRES", 0)


def aer(shots: int | None = SHOTS, wires: int = 3, **options: Any) -> Any:
    return hb.device("qiskit.aer", wires=wires, shots=shots, **{"seed": 7, **options})


def agree(circuit: Any, *args: Any, **options: Any) -> None:
    """Frequencies within what chance allows once in a million of those of the deferred circuit, exactly."""
    found = hb.qnode(aer(**options))(circuit)(*args)
    exact = hb.qnode(hb.device("default.qubit", wires=3))(circuit)(*args)
    for drawn, right in zip(found, exact, strict=True):
        assert np.all(np.abs(drawn - right) <= probs_allowance(right, SHOTS)), (drawn, right)


def branches(x: Any) -> Any:
    """Two bits, one of a wire that is reset and used again, one of a wire that goes on."""
    hb.RX(x, wires=0)
    hb.RY(0.8, wires=1)
    a, b = hb.measure(0, reset=True), hb.measure(1)
    hb.H(1)
    hb.cond(a == b, hb.RX)(x, wires=2)
    hb.cond(a | b, hb.CRot)(x, 2 * x, 0.3, wires=[1, 0])
    hb.cond(a, hb.SWAP)(wires=[0, 2])
    return hb.probs(wires=[2, 0, 1]), hb.probs(wires=[1]), hb.probs([b, a])


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("method", METHODS)
def test_branches_are_followed(method: str) -> None:
    agree(branches, 0.9, method=method)


@pytest.mark.usefixtures("inside")
def test_rows_have_angles_of_their_own_inside_branches() -> None:
    """Bound outside of the simulator: with jumps, binding inside would end the process."""
    agree(branches, np.array([0.3, -1.1, 2.2]))


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_condition_is_its_truth_table(count: int) -> None:
    """Every set of patterns of one and two bits, some of three: on every pattern of the bits."""
    patterns = list(product((0, 1), repeat=count))
    sizes = range(len(patterns) + 1) if count < 3 else (1, 5)
    tables = [set(chosen) for size in sizes for chosen in combinations(patterns, size)][:40]
    made = aer(3, wires=count + 1)
    for table in tables:
        for pattern in patterns:

            def circuit(table: Any = table, pattern: Any = pattern) -> Any:
                for wire, bit in enumerate(pattern):
                    if bit:
                        hb.X(wire)
                bits = [hb.measure(wire) for wire in range(count)]
                number = sum(bit * 2 ** (count - 1 - i) for i, bit in enumerate(bits))
                for chosen in sorted(table):
                    value = int("".join(map(str, chosen)), 2)
                    hb.cond(number == value, hb.X)(count)
                return hb.sample(wires=[count])

            np.testing.assert_array_equal(hb.qnode(made)(circuit)(), [[pattern in table]] * 3)


@pytest.mark.usefixtures("inside")
def test_one_condition_on_several_patterns() -> None:
    """One block for the patterns of a condition: majority of three."""
    for pattern in product((0, 1), repeat=3):

        def circuit(pattern: Any = pattern) -> Any:
            for wire, bit in enumerate(pattern):
                if bit:
                    hb.X(wire)
            a, b, c = (hb.measure(wire) for wire in range(3))
            hb.cond(a + b + c >= 2, hb.X, false_fn=hb.H)(3)
            return hb.sample(wires=[3])

        bits = hb.qnode(aer(60, wires=4))(circuit)()
        if sum(pattern) >= 2:
            assert bits.all()
        else:  # 60 shots alike by chance: 2^-59
            assert 0 < bits.mean() < 1


@pytest.mark.usefixtures("inside")
def test_shots_of_bits_and_wires_are_read_together() -> None:
    def circuit() -> Any:
        hb.H(0)
        first = hb.measure(0, reset=True)
        hb.cond(first, hb.X)(1)
        return hb.sample([first]), hb.sample(wires=[0, 1])

    first, rest = hb.qnode(aer(50, wires=2))(circuit)()
    assert len(set(np.ravel(first).tolist())) == 2
    np.testing.assert_array_equal(rest, np.stack([np.zeros(50), np.ravel(first)], axis=1))


@pytest.mark.usefixtures("inside")
def test_outcomes_are_counted_whatever_else_was_measured() -> None:
    """The bit of the wire 2 is in Aer's words, not in what is asked."""

    def circuit() -> Any:
        hb.H(2)
        other = hb.measure(2)
        hb.cond(other, hb.Z)(0)
        hb.X(1)
        return hb.counts(wires=[1, 0, 3])

    assert hb.qnode(aer(40, wires=4))(circuit)() == {"100": 40}
    assert hb.qnode(aer(1, wires=4))(circuit)() == {"100": 1}


def test_stabilizers_measure_inside() -> None:
    """Teleportation of |->."""

    def circuit() -> Any:
        hb.X(0)
        hb.H(0)
        hb.H(1)
        hb.CNOT(wires=[1, 2])
        hb.CNOT(wires=[0, 1])
        hb.H(0)
        a, b = hb.measure(0), hb.measure(1)
        hb.cond(b, hb.X)(2)
        hb.cond(a, hb.Z)(2)
        return hb.expval(hb.X(2)), hb.probs([a, b])

    value, outcomes = hb.qnode(aer(SHOTS, method="stabilizer"))(circuit)()
    assert value == -1
    assert np.all(np.abs(outcomes - 0.25) <= probs_allowance(np.full(4, 0.25), SHOTS))


def test_many_measurements_need_no_wires() -> None:
    """Sixty outcomes of one wire: deferred they would take sixty wires."""

    def circuit(x: Any) -> Any:
        bits = []
        for _ in range(60):
            hb.RX(x, wires=0)
            bits.append(hb.measure(0, reset=True))
        return hb.sample(bits)

    bits = hb.qnode(aer(200, wires=1))(circuit)(1.0)
    share = np.sin(0.5) ** 2
    assert bits.shape == (200, 60)
    assert abs(bits.mean() - share) < 4.9 * np.sqrt(share * (1 - share) / bits.size)  # once in a million


def test_noise_of_readout_acts_on_what_is_measured_inside() -> None:
    model = NoiseModel()
    model.add_all_qubit_readout_error(ReadoutError([[0.8, 0.2], [0.1, 0.9]]))
    model.add_all_qubit_quantum_error(depolarizing_error(0.0001, 1), ["x"])

    def circuit() -> Any:
        hb.X(0)
        first = hb.measure(0)
        hb.cond(first, hb.X)(0)
        return hb.probs([first])

    found = hb.qnode(aer(noise_model=model, wires=1))(circuit)()
    assert abs(found[1] - 0.9) < 4.9 * np.sqrt(0.09 / SHOTS) + 1e-4


@pytest.mark.usefixtures("inside")
def test_channels_beside_measurements() -> None:
    def circuit(p: Any) -> Any:
        hb.RX(1.0, wires=0)
        hb.BitFlip(p, wires=0)
        first = hb.measure(0)
        hb.cond(first, hb.RX)(0.7, wires=1)
        return hb.probs(wires=[1, 0]), hb.probs([first])

    p = np.array([0.1, 0.3])
    found = hb.qnode(aer(wires=2))(circuit)(p)
    exact = hb.qnode(hb.device("default.mixed", wires=2))(circuit)(p)
    for drawn, right in zip(found, exact, strict=True):
        assert np.all(np.abs(drawn - right) <= probs_allowance(right, SHOTS))
