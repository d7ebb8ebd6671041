"""The kit's items for measurements of light: observables, photon numbers, modes in any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.circuit import density_matrix, expval, probs, var
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.light import scramble, second_moments
from hybridge.conformance.light_observables import OBSERVABLES, Measured
from hybridge.conformance.light_under_test import LightUnderTest
from hybridge.conformance.under_test import close
from hybridge.observables.cv import (
    NumberOperator,
    QuadOperator,
    QuadP,
    QuadX,
    TensorN,
)
from hybridge.operations.cv_gates import (
    Beamsplitter,
    ControlledAddition,
    Displacement,
    InterferometerUnitary,
    Squeezing,
    TwoModeSqueezing,
)
from hybridge.operations.cv_states import CoherentState, ThermalState
from hybridge.qnode import QNode


class LightMeasurements(LightUnderTest):
    """What is measured of a state without symmetry."""

    @over(measured=OBSERVABLES, order=((0, 1), (1, 0)))
    def test_observable(self, measured: Measured, order: tuple[int, ...]) -> None:
        """Its mean and its variance, against ordered products of x and p."""

        def circuit() -> Any:
            self.prepared(range(2))
            scramble(range(2))
            observable = measured.observable(order)
            return expval(observable), var(observable)

        self.agree(circuit, wires=2)
        if measured.meant is None or not self.capabilities.exact:
            return
        node = self.node(circuit, 2)
        state: Any = reference.final_state(node.circuit(), node.record().numbers, **self.space(node.device))
        meant = measured.meant(order)
        close(np.array(node()), [state.expval(meant), state.var(meant)], self.tolerance, measured.name)

    @over(measured=OBSERVABLES)
    def test_observables_in_one_call(self, measured: Measured) -> None:
        """Beside every other kind, which must not get in its way."""

        def circuit() -> Any:
            self.prepared(range(2))
            observable = measured.observable((1, 0))
            return (
                var(observable),
                probs(wires=[1]),
                expval(QuadX(0)),
                expval(observable),
                var(NumberOperator(0)),
            )

        self.agree(circuit, wires=2)

    @over(order=((0,), (1,), (0, 1), (1, 0)))
    def test_photon_numbers(self, order: tuple[int, ...]) -> None:
        """Probabilities and density matrices, wires[0] most significant."""

        def circuit() -> Any:
            self.prepared(range(2))
            scramble(range(2))
            return probs(wires=order), density_matrix(order)

        self.agree(circuit, wires=2)

    @over(order=((2, 0), (1, 2), (2,), (0, 2, 1)))
    def test_photon_numbers_of_some_of_three_modes(self, order: tuple[int, ...]) -> None:
        """The others are traced out."""

        def circuit() -> Any:
            self.prepared(range(3))
            return probs(wires=order)

        self.agree(circuit, wires=3)

    def test_modes_no_gate_touches_are_empty(self) -> None:
        """They can be measured, alone and beside others."""

        def circuit() -> Any:
            Displacement(self.strength.a, 0.3, wires=2)
            one = [expval(NumberOperator(0)), var(QuadX(1)), probs(wires=[1]), expval(QuadP(0))]
            return [*one, expval(NumberOperator(2)), expval(QuadX(2) @ QuadX(0))]

        self.agree(circuit, wires=3)

    def test_a_circuit_without_gates(self) -> None:
        """Only measurements: the vacuum."""
        self.agree(lambda: (expval(NumberOperator(1)), var(QuadX(0)), probs(wires=[1])), wires=2)

    @over(
        gate=("Beamsplitter", "TwoModeSqueezing", "ControlledAddition"), on=((0, 1), (1, 0), (2, 0), (2, 1))
    )
    def test_cross_moments(self, gate: str, on: tuple[int, int]) -> None:
        """<x_a x_b> of two modes that met, and their photon numbers together; the second mode may be 0."""
        r = self.strength.r

        def circuit() -> Any:
            Squeezing(r, 0.3, wires=on[0])
            Displacement(self.strength.a, -0.4, wires=on[1])
            if gate == "Beamsplitter":
                Beamsplitter(0.6, 0.9, wires=on)
            elif gate == "TwoModeSqueezing":
                TwoModeSqueezing(r, 0.9, wires=on)
            else:
                ControlledAddition(2 * r, wires=on)
            a, b = on
            found = [expval(first(a) @ second(b)) for first in (QuadX, QuadP) for second in (QuadX, QuadP)]
            return [*found, expval(TensorN([a, b])), probs(wires=[b, a])]

        self.agree(circuit, wires=3)

    @over(wires=((0,), (1,)))
    def test_preparing_a_mode_again(self, wires: tuple[int, ...]) -> None:
        """Its old state is gone with its correlations; the other mode keeps its own, which is mixed."""

        def circuit() -> Any:
            self.prepared(range(2))
            TwoModeSqueezing(self.strength.r, 0.4, wires=[1, 0])
            CoherentState(self.strength.a, 0.5, wires=wires)
            return [*second_moments(range(2)), probs(wires=[1, 0]), density_matrix(1 - wires[0])]

        (self.agree if self.prepares(CoherentState) else self.refused)(circuit, wires=2)

    @over(change=("a unitary", "an observable", "modes"))
    def test_constants_are_part_of_the_structure(self, change: str) -> None:
        """One device runs circuits alike but for a constant: each has its own result."""
        device = self.make(2)
        for angle in (0.3, 1.1, 0.3):

            def circuit(angle: float = angle) -> Any:
                self.prepared(range(2))
                c, s = np.cos(angle), np.sin(angle)
                if change == "a unitary":
                    InterferometerUnitary(np.array([[c, -s], [s, c]]), wires=[1, 0])
                if change == "modes":
                    Beamsplitter(0.7, 0.2, wires=[1, 0] if angle > 1 else [0, 1])
                observable = QuadOperator(angle, 1) if change == "an observable" else NumberOperator(1)
                return expval(observable), var(observable)

            node = QNode(circuit, device)
            for value, wanted in zip(node(), self.expected(node), strict=True):
                close(value, wanted, self.loosest(value), change)

    def test_thermal_noise_is_added_in_quadrature(self) -> None:
        """A thermal mode met by a coherent one: a mixed state of both."""

        def circuit() -> Any:
            ThermalState(self.RANGES["nbar"][1], wires=1)
            Displacement(self.strength.a, 0.2, wires=0)
            Beamsplitter(0.7, 0.3, wires=[1, 0])
            return [
                *second_moments(range(2)),
                probs(wires=[1, 0]),
                var(NumberOperator(0)),
                density_matrix([1]),
            ]

        (self.agree if self.prepares(ThermalState) else self.refused)(circuit, wires=2)
