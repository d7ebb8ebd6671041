"""The kit's items for post-selection: what is left of light, given what a detector has read on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import expval, probs, sample, var
from hybridge.compilation import runs
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.kit import Conformance
from hybridge.conformance.light import Strength, prepare, scramble
from hybridge.conformance.statistics import mean_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.errors import CircuitError
from hybridge.observables.cv import NumberOperator, QuadP, QuadX
from hybridge.operations.cv_gates import Beamsplitter, Displacement, Rotation, TwoModeSqueezing
from hybridge.operations.cv_outcomes import (
    PostselectClick,
    PostselectHeterodyne,
    PostselectHomodyne,
    PostselectPhotons,
)
from hybridge.operations.cv_states import CoherentState
from hybridge.operations.table import Operation


class Outcome(NamedTuple):
    """A row that post-selects, and its numbers."""

    name: str
    operation: Operation
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        return self.name


OUTCOMES = (
    Outcome("x", PostselectHomodyne, (0.3, 0.0)),
    Outcome("p", PostselectHomodyne, (-0.4, np.pi / 2)),
    Outcome("a quadrature", PostselectHomodyne, (0.5, 0.9)),
    Outcome("alpha", PostselectHeterodyne, (0.3, 0.7)),
    Outcome("no photon", PostselectPhotons.of(1, [0])),
    Outcome("one photon", PostselectPhotons.of(1, [1])),
    Outcome("dark", PostselectClick.of(1, [0])),
    Outcome("a click", PostselectClick.of(1, [1])),
    Outcome("a click and none", PostselectClick.of(2, [1, 0])),
    Outcome("photons of two", PostselectPhotons.of(2, [0, 1])),
)


class LightConditioning(Conformance):
    """Post-selection on any CV device that claims it; the others refuse."""

    OUTCOMES: ClassVar[Sequence[Outcome]] = OUTCOMES
    strength: ClassVar[Strength]
    right_or_no_rule: Callable[..., None]

    def settle(self, rows: Sequence[Operation], circuit: Callable[..., Any], *args: Any, wires: int) -> None:
        """Right where the device runs these rows, else refused."""
        able = all(runs(self.capabilities, row) for row in rows)
        (self.agree if able else self.refused)(circuit, *args, wires=wires)

    def read(self, modes: Sequence[int]) -> list[Any]:
        found = [expval(r(w)) for w in modes for r in (QuadX, QuadP, NumberOperator)]
        return [*found, var(QuadX(modes[0])), expval(QuadX(modes[0]) @ QuadP(modes[-1]))]

    @over(outcome="OUTCOMES", on=((0, 1), (1, 0), (2, 1)))
    def test_state_given_an_outcome(self, outcome: Outcome, on: tuple[int, int]) -> None:
        """Normalised, the detected modes empty, the others as the outcome leaves them; and light goes on."""
        wires = on[: outcome.operation.num_wires]

        def circuit(numbers: Any) -> Any:
            prepare(range(3), self.strength)
            outcome.operation(*numbers, wires=wires)
            Displacement(self.strength.a, 0.2, wires=wires[0])
            scramble(range(3))
            return self.read(range(3))

        self.settle([outcome.operation], circuit, np.array(outcome.numbers), wires=3)

    @over(outcome="OUTCOMES")
    def test_detected_modes_are_empty(self, outcome: Outcome) -> None:
        """Nothing is left of the light there, not even correlations."""
        k = outcome.operation.num_wires

        def circuit() -> Any:
            prepare(range(3), self.strength)
            outcome.operation(*outcome.numbers, wires=range(k))
            return [expval(NumberOperator(w)) for w in range(k)] + [
                var(QuadX(0)),
                expval(QuadX(0) @ QuadX(2)),
            ]

        self.settle([outcome.operation], circuit, wires=3)

    @over(first="OUTCOMES", second=OUTCOMES[:6])
    def test_two_outcomes(self, first: Outcome, second: Outcome) -> None:
        """One after the other, on modes that met again in between."""
        k = first.operation.num_wires

        def circuit() -> Any:
            prepare(range(3), self.strength)
            first.operation(*first.numbers, wires=range(k))
            Beamsplitter(0.7, 0.2, wires=[2, 1])
            second.operation(*second.numbers, wires=1)
            return self.read([0, 2])

        self.settle([first.operation, second.operation], circuit, wires=3)

    @over(outcome=OUTCOMES[:4])
    def test_rows_have_outcomes_of_their_own(self, outcome: Outcome) -> None:
        """A batch of numbers: each row is normalised by itself."""

        def circuit(v: Any) -> Any:
            prepare(range(2), self.strength)
            Beamsplitter(v[2], 0.3, wires=[1, 0])
            outcome.operation(v[0], v[1], wires=1)
            return expval(QuadX(0)), expval(NumberOperator(0)), probs(wires=0)

        batch = np.array([[0.1, 0.5, -0.3], [0.2, 0.9, 0.4], [0.3, 0.8, 1.2]])
        self.settle([outcome.operation], circuit, batch, wires=2)

    @over(outcome="OUTCOMES")
    def test_gradients_through_an_outcome(self, outcome: Outcome) -> None:
        """Of numbers before, in and after it: exact, or a GradientError."""
        if not runs(self.capabilities, outcome.operation):
            return
        k, own = outcome.operation.num_wires, outcome.numbers

        def circuit(v: Any) -> Any:
            prepare(range(k + 1), self.strength)
            Beamsplitter(v[0], v[1], wires=[k, 0])
            outcome.operation(*(v[3 + i] for i in range(len(own))), wires=range(k))
            Rotation(v[2], wires=k)
            Displacement(self.strength.a, 0.3, wires=0)
            Beamsplitter(0.4, 0.3, wires=[0, k])
            return expval(QuadX(k)), expval(NumberOperator(0)), var(QuadP(k))

        self.right_or_no_rule(circuit, (0.6, 0.3, -0.8, *own), wires=k + 1)

    @over(n=(0, 1, 2))
    def test_counting_one_twin_heralds_the_other(self, n: int) -> None:
        """Two-mode squeezed light has as many photons in one mode as in the other."""
        row = PostselectPhotons.of(1, [n])

        def circuit() -> Any:
            TwoModeSqueezing(self.strength.r, 0.4, wires=[1, 0])
            row(wires=1)
            return expval(NumberOperator(0)), var(NumberOperator(0)), probs(wires=0)

        if not runs(self.capabilities, row):
            return self.refused(circuit, wires=2)
        with strict():
            mean, spread, found = self.node(circuit, 2)()
        close(mean, n, 1e-9, "photons of the twin")
        close(spread, 0.0, 1e-9, "their variance")
        close(found, np.eye(len(found))[n], 1e-9, "their probabilities")

    def test_a_mode_may_be_prepared_after_it_was_detected(self) -> None:
        """It is empty: the other stays as the outcome left it."""

        def circuit() -> Any:
            prepare(range(2), self.strength)
            PostselectHomodyne(0.3, 0.4, wires=0)
            CoherentState(self.strength.a, 0.5, wires=0)
            Beamsplitter(0.4, 0.3, wires=[0, 1])
            return self.read([0, 1])

        self.settle([PostselectHomodyne], circuit, wires=2)

    @over(outcome="OUTCOMES")
    def test_samples_are_of_the_state_given_the_outcome(self, outcome: Outcome) -> None:
        """With shots: false alarms once in a million."""
        if self.refuses_shots() or not runs(self.capabilities, outcome.operation):
            return

        def circuit() -> Any:
            prepare(range(3), self.strength)
            outcome.operation(*outcome.numbers, wires=range(outcome.operation.num_wires))
            return sample(QuadX(2)), expval(NumberOperator(2)), expval(QuadP(2))

        node = self.node(circuit, 3, SHOTS, 51)
        drawn, photons, momentum = node()
        state: Any = reference.final_state(node.circuit(), node.record().numbers, **self.space(node.device))
        values = ((QuadX(2), drawn.mean()), (NumberOperator(2), photons), (QuadP(2), momentum))
        for observable, found in values:
            close(found, state.expval(observable), mean_allowance(state, observable, SHOTS), repr(observable))

    @over(outcome=("one photon", "a click"))
    def test_outcomes_that_do_not_come_are_errors(self, outcome: str) -> None:
        """No photon is in the vacuum: there is no state to go on with."""
        row = next(o.operation for o in OUTCOMES if o.name == outcome)

        def circuit() -> Any:
            Displacement(self.strength.a, 0.3, wires=0)
            row(wires=1)
            return expval(NumberOperator(0))

        if not runs(self.capabilities, row):
            return self.refused(circuit, wires=2)
        with pytest.raises(CircuitError, match="probability"):
            self.node(circuit, 2)()
