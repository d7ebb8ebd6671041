"""The kit's items for rows of light: each alone, changed by modifiers, and at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.circuit import var
from hybridge.conformance.items import over
from hybridge.conformance.light import scramble, second_moments
from hybridge.conformance.light_under_test import LightUnderTest
from hybridge.conformance.rows import PLACEMENTS, Example, Placement, numbers
from hybridge.observables.cv import NumberOperator, QuadP, QuadX
from hybridge.operations.derived import power
from hybridge.operations.modifiers import adjoint


class LightRows(LightUnderTest):
    """Every row on modes out of order, against the reference."""

    @over(example="ROWS", placement=PLACEMENTS)
    def test_row(self, example: Example, placement: Placement) -> None:
        """Every row, on modes out of order; states are prepared on modes that have met others."""
        row = example.operation
        n = max(self.modes_for(row, True), row.num_wires)
        on = placement(row.num_wires, n)

        def circuit() -> Any:
            self.prepared(range(n))
            row(*example.numbers, wires=on)
            scramble(range(n))
            return [*second_moments(range(n)), *self.photons(on)]

        if not self.can(example) or (row.kind == "state" and not self.prepares(row)):
            return self.refused(circuit, wires=n)
        self.agree(circuit, wires=n, tolerance=self.within(example))

    @over(example="STATES", placement=PLACEMENTS)
    def test_state_of_fresh_modes(self, example: Example, placement: Placement) -> None:
        """Every state as the first operation of its modes, beside others."""
        row = example.operation
        n = max(self.modes_for(row, False), row.num_wires)
        on = placement(row.num_wires, n)

        def circuit() -> Any:
            row(*example.numbers, wires=on)
            self.prepared([w for w in range(n) if w not in on])
            scramble(range(n))
            return [*second_moments(range(n)), *self.photons(on), var(NumberOperator(n - 1))]

        if not self.can(example):
            return self.refused(circuit, wires=n)
        self.agree(circuit, wires=n, tolerance=self.within(example))

    @over(example="GATES")
    def test_adjoint(self, example: Example) -> None:
        """A gate and then its adjoint are nothing, and the adjoint alone is the inverse."""
        self._modified(example, adjoint(example.operation), -1)

    @over(example="GATES", z=(2, -2))
    def test_power(self, example: Example, z: int) -> None:
        """Whole powers repeat the gate, or its inverse."""
        self._modified(example, power(example.operation, z), z)

    def _modified(self, example: Example, row: Any, z: int) -> None:
        """row is example's to the power z: what follows it undoes it, and the state before is read."""
        k = example.operation.num_wires
        n = max(2, k)
        on = PLACEMENTS[0](k, n)

        def circuit(*gates: tuple[Any, int]) -> Any:
            self.prepared(range(n))
            for gate, times in gates:
                for _ in range(times):
                    gate(*example.numbers, wires=on)
            scramble(range(n))
            return [*second_moments(range(n)), *self.photons(on)]

        if not self.can(Example(row.name, row, example.numbers)):
            return self.refused(lambda: circuit((row, 1)), wires=n)
        if z > 0:
            self.agree(
                lambda: circuit((row, 1)),
                wires=n,
                meant=lambda: circuit((example.operation, z)),
                tolerance=self.within(example),
            )
        else:
            undone = lambda: circuit((row, 1), (example.operation, -z))
            self.agree(undone, wires=n, meant=lambda: circuit(), tolerance=self.within(example))
            between = lambda: circuit((example.operation, -z), (row, 1))
            self.agree(between, wires=n, meant=lambda: circuit(), tolerance=self.within(example))

    @over(seed=range(50))
    def test_random_circuit(self, seed: int) -> None:
        """Whatever the device reaches, in any order on any modes."""
        rng = np.random.default_rng(seed)
        claims = [
            e
            for e in self.RANDOM
            if self.can(e) and (e.operation.kind != "state" or self.prepares(e.operation))
        ]
        plan: list[tuple[Example, tuple[float, ...], list[int]]] = []
        for _ in range(6):
            example = claims[rng.integers(len(claims))]
            values = numbers(example.operation, self.RANGES, int(rng.integers(2**31)))
            plan.append((example, values, rng.permutation(2)[: example.operation.num_wires].tolist()))

        def circuit() -> Any:
            for example, values, wires in plan:
                example.operation(*values, wires=tuple(wires))
            return [*second_moments(range(2)), *self.photons([1, 0]), var(QuadX(1) @ QuadP(0))]

        self.agree(circuit, wires=2, tolerance=max(self.within(e) for e, _, _ in plan))
