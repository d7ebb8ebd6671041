"""The kit's items for shots of qubits: bits, eigenvalues, counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybridge.circuit import counts, density_matrix, expval, probs, sample, state
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.qubit_measures import IN_ONE_SETTING, Measured
from hybridge.conformance.qubit_under_test import QubitUnderTest
from hybridge.conformance.statistics import allowance, probs_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, H, X, Z
from hybridge.qnode import QNode


class QubitShots(QubitUnderTest):
    """Single shots, with the statistics of the state; false alarms once in a million runs."""

    @over(wires=((2,), (1, 3), (3, 0, 2), None))
    def test_samples_of_wires_are_bits(self, wires: tuple[int, ...] | None) -> None:
        """(shots, k) whole numbers, a column per wire in the order asked for."""
        if self.refuses_shots():
            return
        bits = np.array([0, 1, 1, 0])

        def circuit() -> Any:
            X(1)
            X(2)
            return sample(wires=wires), counts(wires=wires), probs(wires=wires)

        with strict():
            drawn, counted, frequencies = self.node(circuit, 4, 7, 1)()
        right = bits if wires is None else bits[list(wires)]
        assert type(drawn) is np.ndarray and drawn.dtype == np.int64
        close(drawn, np.tile(right, (7, 1)), 0, "samples")
        label = "".join(map(str, right))
        assert counted == {label: 7} and type(counted) is dict
        assert all(type(key) is str and type(times) is int for key, times in counted.items())
        close(frequencies, np.eye(2 ** len(right))[int(label, 2)], 0, "frequencies")

    @over(measured=IN_ONE_SETTING)
    def test_samples_of_an_observable_are_eigenvalues(self, measured: Measured) -> None:
        """(shots,) values, as often as the state says."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: sample(measured.observable(w))), 3, SHOTS, 21)
        with strict():
            drawn = node()
        assert drawn.shape == (SHOTS,) and drawn.dtype == np.float64
        self._distributed(node, drawn, measured)

    def _distributed(self, node: QNode, drawn: np.ndarray, measured: Measured) -> None:
        circuit = node.circuit()
        final: Any = reference.final_state(circuit, node.record().numbers)
        values, chances = final.distribution(measured.observable((0, 1, 2)).as_observable())
        assert np.abs(drawn[:, None] - values).min(axis=1).max() < 1e-9, "a sample is no eigenvalue"
        for value in values:
            same = np.abs(values - value) < 1e-9
            share = np.mean(np.abs(drawn - value) < 1e-9)
            close(
                share,
                chances[same].sum(),
                probs_allowance(chances[same].sum(), SHOTS),
                f"how often {value:.4g} came",
            )

    @over(measured=IN_ONE_SETTING)
    def test_counts_of_an_observable(self, measured: Measured) -> None:
        """A plain dict of plain eigenvalues, adding up to the shots."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: counts(measured.observable(w))), 3, SHOTS, 22)
        with strict():
            counted = node()
        assert type(counted) is dict and sum(counted.values()) == SHOTS
        assert all(type(key) is float and type(times) is int for key, times in counted.items())
        self._distributed(node, np.repeat(list(counted), list(counted.values())), measured)

    @over(wires=((0, 1, 2), (2, 0), (1,)))
    def test_counts_of_wires(self, wires: tuple[int, ...]) -> None:
        """Bit strings, the first wire asked for first, as often as the state says."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: counts(wires=wires)), 3, SHOTS, 23)
        counted = node()
        final: Any = reference.final_state(node.circuit(), node.record().numbers)
        exact = final.probs(wires)
        shares = [counted.get(format(b, f"0{len(wires)}b"), 0) / SHOTS for b in range(2 ** len(wires))]
        assert sum(counted.values()) == SHOTS
        close(shares, exact, probs_allowance(exact, SHOTS), "shares")

    def test_all_outcomes_are_listed_where_asked(self) -> None:
        """The outcomes that never came, with 0."""
        if self.refuses_shots():
            return

        def circuit() -> Any:
            X(0)
            return counts(wires=[1, 0], all_outcomes=True), counts(Z(0), all_outcomes=True)

        assert self.node(circuit, 2, 9, 1)() == ({"00": 0, "01": 9, "10": 0, "11": 0}, {-1.0: 9, 1.0: 0})

    def test_shots_are_read_jointly(self) -> None:
        """The wires of a Bell pair always agree, in the computational basis and in X."""
        if self.refuses_shots():
            return

        def circuit() -> Any:
            H(2)
            CNOT([2, 0])
            return sample(wires=[0, 2]), sample(X(0) @ X(2)), expval(Z(0) @ Z(2))

        bits, parity, mean = self.node(circuit, 3, 200, 4)()
        assert np.array_equal(bits[:, 0], bits[:, 1]) and len(np.unique(bits)) == 2
        assert np.all(parity == 1) and mean == 1

    @over(size=(1, 2, 3))
    def test_samples_of_a_batch(self, size: int) -> None:
        """(B, shots, k); rows of other numbers have other statistics, those of the same are drawn apart."""
        if self.refuses_shots():
            return

        def circuit(x: Any) -> Any:
            RX(x, wires=1)
            H(0)
            return sample(wires=[1, 0]), counts(wires=[1]), expval(Z(1)), sample(Z(0))

        angles = np.linspace(0.3, 2.5, size)
        bits, counted, means, values = self.node(circuit, 2, SHOTS, 9)(angles)
        assert bits.shape == (size, SHOTS, 2) and values.shape == (size, SHOTS)
        assert isinstance(counted, list) and [sum(c.values()) for c in counted] == [SHOTS] * size
        limit = allowance(np.abs(np.sin(angles)), 2.0, SHOTS)
        close(means, np.cos(angles), limit, "means")
        close(1 - 2 * bits[..., 0].mean(axis=1), np.cos(angles), limit, "means of bits")
        same = self.node(circuit, 2, 300, 9)(np.full(2, 0.7))[0]
        assert not np.array_equal(same[0], same[1]), "two rows share their random numbers"

    @over(kind=("state", "density matrix"))
    def test_a_state_takes_no_shots(self, kind: str) -> None:
        """An exact kind on a device with shots is an error, not an estimate."""
        if self.refuses_shots():
            return
        make = state if kind == "state" else lambda: density_matrix(0)
        with pytest.raises((CircuitError, UnsupportedCircuit)):
            self.node(lambda: (RX(0.2, wires=0), make())[1], 2, 100)()

    @over(kind=("sample", "counts"))
    def test_samples_need_shots(self, kind: str) -> None:
        """There are no hidden default shots."""
        if not self.capabilities.exact:
            assert self.make(2).shots == SHOTS
            return
        measure = {"sample": sample, "counts": counts}[kind]
        with pytest.raises(CircuitError):
            self.node(lambda: (RX(0.2, wires=0), measure(wires=0))[1], 2)()
