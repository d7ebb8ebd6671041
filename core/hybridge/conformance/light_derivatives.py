"""The kit's items for derivatives of light: exact ones, or an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from hybridge.circuit import expval, probs, var
from hybridge.conformance.items import over
from hybridge.conformance.light import scramble
from hybridge.conformance.light_under_test import LightUnderTest
from hybridge.conformance.rows import PLACEMENTS, Example
from hybridge.errors import GradientError
from hybridge.observables.cv import Click, NumberOperator, QuadP, QuadX, TensorN
from hybridge.operations.cv_gates import (
    Beamsplitter,
    Displacement,
    Rotation,
    Squeezing,
)
from hybridge.qnode import QNode


class LightDerivatives(LightUnderTest):
    """Each parameter of each row."""

    @over(example="VARIED")
    def test_gradient_of_row(self, example: Example) -> None:
        """Each parameter of each row, of polynomials and variances; or an error: there is no exact rule."""
        row = example.operation
        n = max(2, row.num_wires)
        on = PLACEMENTS[0](row.num_wires, n)

        def circuit(v: Any) -> Any:
            if row.kind != "state":
                self.prepared(range(n))
            row(*(v[i] for i in range(row.arity)), wires=on)
            scramble(range(n))
            a, b = 0, 1
            linear = expval(QuadX(a) + 2 * QuadP(b))
            return (
                linear,
                expval(NumberOperator(a)),
                expval(TensorN([a, b])),
                var(NumberOperator(b)),
                var(QuadX(a)),
            )

        if not self.can(example):
            return self.refused(circuit, np.array(example.numbers), wires=n)
        if row.kind != "outcome" and row.gaussian and None not in row.spectrum:
            self.derivatives_agree(circuit, example.numbers, wires=n, **self.roomy)
        else:
            self.right_or_no_rule(circuit, example.numbers, wires=n)

    def right_or_no_rule(self, function: Callable[..., Any], point: Sequence[float], *, wires: int) -> None:
        """Exact, or a GradientError; differences only where they are asked for, and then near."""
        node = self.node(function, wires)
        exact = self.exact_slopes(node, np.array(point))
        with suppress(GradientError):
            self.slopes_near(node, np.array(point), exact)
        if self.capabilities.exact:
            node = QNode(function, node.device, diff_method="finite-diff")
            self.slopes_near(node, np.array(point), exact, max(1e-6, 10 * self.gradient_tolerance))

    def test_gradient_of_probabilities(self) -> None:
        """Photon numbers are no polynomial of x and p: exact by the device, or an error."""
        model = next(m for m in self.MODELS if m.name == "photons")
        self.right_or_no_rule(model.on(range(2)), model.point, wires=2)

    def test_gradient_of_clicks(self) -> None:
        """Nor are clicks, and their patterns, in another order than the device's."""

        def circuit(v: Any) -> Any:
            self.prepared(range(2))
            Rotation(v[0], wires=0)
            Beamsplitter(v[1], v[2], wires=[1, 0])
            return probs(op=Click([1, 0])), expval(Click(1)), var(Click([0, 1]))

        self.right_or_no_rule(circuit, (0.6, 0.3, -0.8), wires=2)

    @over(gate=("Rotation", "Squeezing", "Displacement", "Beamsplitter"))
    def test_gradient_at_zero(self, gate: str) -> None:
        """Where the gate is the identity nothing becomes NaN."""

        def circuit(v: Any) -> Any:
            self.prepared(range(2))
            if gate == "Rotation":
                Rotation(v[0], wires=1)
            elif gate == "Beamsplitter":
                Beamsplitter(v[0], v[1], wires=[1, 0])
            else:
                {"Squeezing": Squeezing, "Displacement": Displacement}[gate](v[0], v[1], wires=1)
            scramble(range(2))
            return expval(NumberOperator(0)), var(NumberOperator(1)), expval(QuadX(1) @ QuadX(0))

        self.derivatives_agree(circuit, (0.0, 0.0)[: 1 if gate == "Rotation" else 2], wires=2, **self.roomy)
