"""The kit's items for derivatives of rows on qubits."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.circuit import expval, probs, var
from hybridge.conformance.items import over
from hybridge.conformance.qubit_circuits import prepare, scramble
from hybridge.conformance.qubit_under_test import QubitUnderTest
from hybridge.conformance.rows import CHANCES, PLACEMENTS, Example, examples
from hybridge.operations.modifiers import adjoint, ctrl
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, RY, RZ, X, Y, Z

VARIED = [e for e in examples("qubit", CHANCES) if e.numbers and e.operation.kind != "channel"]


class QubitDerivatives(QubitUnderTest):
    """Each parameter of each row, of controlled ones, and where amplitudes vanish."""

    @over(example=VARIED)
    def test_gradient_of_row(self, example: Example) -> None:
        """Each parameter of each row: of a sum, a variance and probabilities."""
        row = example.operation
        k, n = row.num_wires, max(3, row.num_wires)
        on = PLACEMENTS[1](k, n)

        def circuit(x: Any) -> Any:
            prepare(range(n))
            row(*(x[i] for i in range(row.arity)), wires=on)
            scramble(range(n))
            return expval(X(0) @ Z(1) - 0.7 * Y(2) + Z(0)), var(Y(1)), probs(wires=[2, 0])

        if not self.can(example):
            return self.refused(circuit, np.array(example.numbers), wires=n)
        self.derivatives_agree(circuit, example.numbers, wires=n)

    @over(values=((1,), (0,)))
    def test_gradient_of_a_controlled_row(self, values: tuple[int, ...]) -> None:
        """Control adds frequencies."""

        def circuit(x: Any) -> Any:
            prepare(range(3))
            ctrl(RX, 2, values)(x[0], wires=0)
            adjoint(RZ)(x[1], wires=1)
            ctrl(adjoint(RY), [0], values)(x[1] * 0.5, wires=2)
            scramble(range(3))
            return expval(Z(0) + X(1) @ Y(2)), probs(wires=[1])

        self.derivatives_agree(circuit, (0.4, -0.9), wires=3)

    @over(point=(0.0, np.pi / 2, np.pi, -np.pi))
    def test_gradient_at_special_points(self, point: float) -> None:
        """Where amplitudes or derivatives vanish nothing becomes NaN."""

        def circuit(x: Any) -> Any:
            RX(x[0], wires=0)
            CNOT([0, 1])
            RY(x[1], wires=1)
            return expval(Z(0) @ Z(1)), var(Z(1)), probs(wires=[1, 0])

        self.derivatives_agree(circuit, (point, -point), wires=2)
