"""The kit's items for measurements of qubits: every kind, on wires in any order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pytest

from hybridge.circuit import expval, probs, state, var
from hybridge.conformance.items import over
from hybridge.conformance.qubit_circuits import hermitian, ket, prepare
from hybridge.conformance.qubit_measures import (
    KINDS,
    OBSERVABLES,
    ORDERS,
    WITH_PROBS,
    Kind,
    Measured,
)
from hybridge.conformance.qubit_under_test import QubitUnderTest
from hybridge.conformance.under_test import close
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.observables.qubit import Hermitian
from hybridge.operations.modifiers import ctrl
from hybridge.operations.pauli import Sentence
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, X, Y, Z
from hybridge.operations.qubit_states import StatePrep
from hybridge.operations.qubit_unitaries import QubitUnitary
from hybridge.qnode import QNode

Wires = Sequence[Hashable]


class QubitMeasurements(QubitUnderTest):
    """What is measured of a state without symmetry."""

    @over(kind=KINDS, order=ORDERS)
    def test_measurement(self, kind: Kind, order: tuple[int, ...]) -> None:
        """Every kind of measurement, of wires in any order."""

        def circuit() -> Any:
            prepare(range(4))
            return kind.measure(order)

        if not kind.exact_only:
            self.agree(circuit, wires=4)
        elif self.gives("density_matrix"):
            self.agree(circuit, wires=4)
        else:
            with pytest.raises((UnsupportedCircuit, CircuitError)):
                self.node(circuit, 4)()

    @over(wires=(1, 2, 3, 4))
    def test_the_state_has_its_phase(self, wires: int) -> None:
        """state() is the ket of all wires, wire 0 most significant, with its phase; or it is refused."""

        def circuit() -> Any:
            prepare(range(wires))
            return state()

        if self.gives("state"):
            self.agree(circuit, wires=wires)
        else:
            with pytest.raises((UnsupportedCircuit, CircuitError)):
                self.node(circuit, wires)()

    @over(measured=OBSERVABLES, order=ORDERS)
    def test_observable(self, measured: Measured, order: tuple[int, ...]) -> None:
        """Its mean and its variance, together and on wires in any order."""

        def circuit() -> Any:
            prepare(range(4))
            observable = measured.observable(order)
            return expval(observable), var(observable)

        self.agree(circuit, wires=4)

    @over(measured=OBSERVABLES)
    def test_observables_in_one_call(self, measured: Measured) -> None:
        """Beside every other kind, which must not get in its way."""

        def circuit() -> Any:
            prepare(range(3))
            observable = measured.observable((2, 0, 1))
            return var(observable), probs(wires=[1]), expval(X(0)), expval(observable), expval(Z(0))

        self.agree(circuit, wires=3)

    @over(measured=WITH_PROBS, order=ORDERS)
    def test_probabilities_of_outcomes(self, measured: Measured, order: tuple[int, ...]) -> None:
        """probs(op): +1 before -1, or the eigenvalues ascending."""

        def circuit() -> Any:
            prepare(range(4))
            return probs(op=measured.observable(order))

        self.agree(circuit, wires=4)

    def test_wires_no_gate_touches_are_zero(self) -> None:
        """They can be measured, alone and beside others."""

        def circuit() -> Any:
            RX(0.4, wires=2)
            return expval(Z(0)), probs(wires=[3, 2, 1]), expval(X(1)), var(Z(3)), expval(Z(3) @ Z(2))

        self.agree(circuit, wires=4)

    def test_a_circuit_without_gates(self) -> None:
        """Only measurements: all wires read 0."""
        self.agree(lambda: (expval(Z(1)), probs(wires=[1, 0]), expval(X(0))), wires=2)

    @over(bits=((0, 1, 1, 0), (1, 0, 0, 0), (0, 0, 1, 1)))
    def test_basis_states(self, bits: tuple[int, ...]) -> None:
        """X where a bit is 1: one probability is 1, at the place the bits write."""

        def circuit() -> Any:
            for w, bit in enumerate(bits):
                if bit:
                    X(w)
            return probs(), probs(wires=[3, 1]), [expval(Z(w)) for w in range(4)]

        node = self.node(circuit, 4)
        every, two, means = node()
        slack = 1e-9 if node.device.capabilities.exact else 1e-3
        close(every, np.eye(16)[int("".join(map(str, bits)), 2)], slack, "probs")
        close(two, np.eye(4)[2 * bits[3] + bits[1]], slack, "probs of wires 3, 1")
        close(means, 1 - 2 * np.array(bits), slack, "<Z>")

    @over(change=("a matrix", "a ket", "a word", "an observable", "control values", "wires"))
    def test_constants_are_part_of_the_structure(self, change: str) -> None:
        """One device runs circuits alike but for a constant: each has its own result."""
        device = self.make(3)
        for seed in (1, 2, 1):
            node = QNode(_with_constant(change, seed), device)
            for value, wanted in zip(node(), self.expected(node), strict=True):
                close(value, wanted, self.loosest(value), change)

    @over(what=("U", "ket", "Hermitian"))
    def test_the_users_matrices_stay_theirs(self, what: str) -> None:
        """A matrix changed after the call, or between calls, changes what is new and nothing else."""
        matrix = np.linalg.qr(hermitian(4, 3))[0] if what == "U" else hermitian(4, 3)
        given = ket(4, 3) if what == "ket" else matrix
        before = given.copy()

        def circuit() -> Any:
            if what == "ket":
                StatePrep(given, wires=[1, 0])
            prepare([2])
            if what == "U":
                prepare([0, 1])
                QubitUnitary(given, wires=[2, 0])
            observable = Hermitian(given, [1, 2]) if what == "Hermitian" else Z(0) @ Y(1)
            return expval(observable), probs(wires=[1, 0])

        self.agree(circuit, wires=3)
        assert np.array_equal(given, before)
        given[...] = given[..., ::-1].copy() if what != "Hermitian" else 2 * given
        self.agree(circuit, wires=3)


def _with_constant(change: str, seed: int) -> Callable[[], Any]:
    """A circuit whose constant of this sort depends on the seed."""
    turned = seed == 2

    def circuit() -> Any:
        if change == "a ket":
            StatePrep(ket(4, seed), wires=[0, 1])
        else:
            prepare([0, 1])
        prepare([2])
        if change == "a matrix":
            QubitUnitary(np.linalg.qr(hermitian(4, seed))[0], wires=[2, 0])
        if change == "control values":
            ctrl(RX, 0, [turned])(0.8, wires=2)
        if change == "wires":
            CNOT([0, 2] if turned else [2, 0])
        observable: Sentence | Any = Z(0) @ X(2)
        if change == "a word":
            observable = Y(2) if turned else X(2)
        if change == "an observable":
            observable = Hermitian(hermitian(4, seed), [0, 2])
        return expval(observable), var(observable), probs(wires=[2, 0] if turned else [0, 2])

    return circuit
