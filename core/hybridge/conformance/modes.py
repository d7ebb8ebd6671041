"""What every CV device must do, Gaussian or cut off; hbar = 2."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import counts, density_matrix, expval, probs, sample, var
from hybridge.compilation import runs
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.kit import SHOTS, Model, Sampled, close, strict
from hybridge.conformance.light import Strength, prepare, scramble
from hybridge.conformance.light_conditioning import LightConditioning
from hybridge.conformance.light_samples import LightSamples
from hybridge.conformance.reference import Ordered, number, p, x
from hybridge.conformance.rows import PLACEMENTS, Example, Placement, Ranges, examples, numbers
from hybridge.conformance.statistics import mean_allowance, probs_allowance, var_allowance
from hybridge.device import Device
from hybridge.errors import CircuitError, GradientError
from hybridge.interfaces.derivatives import jacobian
from hybridge.observables.cv import (
    Click,
    FockStateProjector,
    NumberOperator,
    PolyXP,
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
    Rotation,
    Squeezing,
    TwoModeSqueezing,
)
from hybridge.operations.cv_states import CoherentState, ThermalState
from hybridge.operations.derived import power
from hybridge.operations.modifiers import adjoint
from hybridge.operations.table import Operation
from hybridge.pytree import flatten
from hybridge.qnode import QNode

Wires = Sequence[Hashable]


def second_moments(wires: Wires) -> list[Any]:
    """Expectation values of x and p of every mode and of all their symmetrised products."""
    single = [r(w) for w in wires for r in (QuadX, QuadP)]
    pairs = [(a @ b + b @ a) / 2 for a, b in combinations(single, 2)]
    return [expval(o) for o in [*single, *pairs, *(a @ a for a in single)]]


class Measured(NamedTuple):
    """An observable of wires w, and what it is as an ordered polynomial (None: not a polynomial)."""

    name: str
    observable: Callable[[Wires], Any]
    meant: Callable[[Wires], Ordered] | None = None

    def __str__(self) -> str:
        return self.name


_Q = np.array(
    [
        [0.2, 0.3, -0.5, 0.1, 0.4],
        [0, 1, 0.6, 0, -0.3],
        [0, 0, 0.5, 0.7, 0],
        [0, 0, 0, 0.2, 0],
        [0, 0, 0, 0, -0.4],
    ]
)
_Q = (_Q + _Q.T) / 2


def _quadratic(w: Wires) -> Ordered:
    one = Ordered({(): 1.0})
    factors = [one, x(w[0]), p(w[0]), x(w[1]), p(w[1])]
    return sum((_Q[i, j] * factors[i] @ factors[j] for i in range(5) for j in range(5)), Ordered({}))


OBSERVABLES = (
    Measured("x", lambda w: QuadX(w[0]), lambda w: x(w[0])),
    Measured("p", lambda w: QuadP(w[1]), lambda w: p(w[1])),
    Measured(
        "quadrature",
        lambda w: QuadOperator(0.7, w[0]),
        lambda w: np.cos(0.7) * x(w[0]) + np.sin(0.7) * p(w[0]),
    ),
    Measured("n", lambda w: NumberOperator(w[1]), lambda w: number(w[1])),
    Measured("n squared", lambda w: NumberOperator(w[0]) ** 2, lambda w: number(w[0]) ** 2),
    Measured("n n", lambda w: TensorN([w[1], w[0]]), lambda w: number(w[0]) @ number(w[1])),
    Measured("TensorN of one", lambda w: TensorN([w[1]]), lambda w: number(w[1])),
    Measured(
        "n - n", lambda w: NumberOperator(w[0]) - NumberOperator(w[1]), lambda w: number(w[0]) - number(w[1])
    ),
    Measured("x x", lambda w: QuadX(w[0]) @ QuadX(w[1]), lambda w: x(w[0]) @ x(w[1])),
    Measured("x p", lambda w: QuadX(w[0]) @ QuadP(w[1]), lambda w: x(w[0]) @ p(w[1])),
    Measured("p p", lambda w: QuadP(w[0]) @ QuadP(w[1]), lambda w: p(w[0]) @ p(w[1])),
    Measured(
        "x p + p x",
        lambda w: QuadX(w[0]) @ QuadP(w[0]) + QuadP(w[0]) @ QuadX(w[0]),
        lambda w: x(w[0]) @ p(w[0]) + p(w[0]) @ x(w[0]),
    ),
    Measured("x squared", lambda w: QuadX(w[1]) ** 2, lambda w: x(w[1]) ** 2),
    Measured("x cubed", lambda w: QuadX(w[0]) ** 3, lambda w: x(w[0]) ** 3),
    Measured("p to the fourth", lambda w: QuadP(w[1]) ** 4, lambda w: p(w[1]) ** 4),
    Measured(
        "x p p x",
        lambda w: QuadX(w[0]) @ QuadP(w[0]) ** 2 @ QuadX(w[0]),
        lambda w: x(w[0]) @ p(w[0]) ** 2 @ x(w[0]),
    ),
    Measured("x x p p", lambda w: QuadX(w[0]) ** 2 @ QuadP(w[1]) ** 2, lambda w: x(w[0]) ** 2 @ p(w[1]) ** 2),
    Measured("x n", lambda w: QuadX(w[0]) @ NumberOperator(w[1]), lambda w: x(w[0]) @ number(w[1])),
    Measured(
        "(x + p) squared", lambda w: (QuadX(w[0]) + QuadP(w[1])) ** 2, lambda w: (x(w[0]) + p(w[1])) ** 2
    ),
    Measured(
        "(x - n) squared",
        lambda w: (QuadX(w[1]) - NumberOperator(w[0])) ** 2,
        lambda w: (x(w[1]) - number(w[0])) ** 2,
    ),
    Measured(
        "commutator",
        lambda w: -0.5j * (QuadX(w[0]) @ QuadP(w[0]) - QuadP(w[0]) @ QuadX(w[0])) + QuadX(w[1]),
        lambda w: x(w[1]) + 1.0,
    ),
    Measured("constant", lambda w: 2 * QuadX(w[0]) ** 0, lambda w: Ordered({(): 2.0})),
    Measured(
        "terms twice",
        lambda w: QuadX(w[0]) + NumberOperator(w[1]) + QuadX(w[0]),
        lambda w: 2 * x(w[0]) + number(w[1]),
    ),
    Measured("nothing", lambda w: QuadX(w[0]) - QuadX(w[0]), lambda w: Ordered({})),
    Measured(
        "PolyXP, linear",
        lambda w: PolyXP([0.5, 1.0, -2.0, 0.3, 0.7], [w[1], w[0]]),
        lambda w: x(w[1]) - 2 * p(w[1]) + 0.3 * x(w[0]) + 0.7 * p(w[0]) + 0.5,
    ),
    Measured("PolyXP, quadratic", lambda w: PolyXP(_Q, [w[0], w[1]]), _quadratic),
    Measured("FockStateProjector", lambda w: FockStateProjector([1], w[0])),
    Measured("FockStateProjector of two", lambda w: FockStateProjector([0, 1], [w[1], w[0]])),
    Measured("Click", lambda w: Click(w[1])),
    Measured("Click of two", lambda w: Click([w[1], w[0]])),
)
PHOTONIC = (
    *("n", "n n", "TensorN of one", "n - n", "FockStateProjector", "FockStateProjector of two"),
    *("Click", "Click of two"),
)
HOMODYNE = ("x", "p", "quadrature", "x x", "x p", "x squared", "PolyXP, linear", "(x + p) squared")
ONE_SETTING = tuple(m for m in OBSERVABLES if m.name in (*PHOTONIC, *HOMODYNE))


def models(s: Strength) -> tuple[Model, ...]:
    """Sample circuits of this strength, pure."""

    def gates(v: Any, w: Wires) -> None:
        prepare(w, s)
        Displacement(v[0], 0.3, wires=w[1])
        Beamsplitter(v[1], 0.4, wires=[w[1], w[0]])
        Rotation(v[2], wires=w[0])
        TwoModeSqueezing(s.r, v[1] * 0.5, wires=[w[1], w[0]])

    def values(v: Any, w: Wires) -> Any:
        gates(v, w)
        return expval(NumberOperator(w[0])), var(QuadX(w[1])), expval(TensorN([w[1], w[0]]))

    def correlations(v: Any, w: Wires) -> Any:
        gates(v, w)
        return [
            expval(QuadX(w[0]) @ QuadX(w[1]) - 0.5 * QuadP(w[1])),
            var(NumberOperator(w[1])),
            expval(QuadP(w[0])),
        ]

    def photons(v: Any, w: Wires) -> Any:
        gates(v, w)
        return probs(wires=[w[1], w[0]]), probs(wires=w[1])

    point = (s.a, 0.8, -0.6)
    return (
        Model("values", values, point, 2),
        Model("correlations", correlations, point, 2),
        Model("photons", photons, point, 2),
    )


def _of(kind: Callable[[Any], Any], make: Callable[[Wires], Any]) -> Callable[[Wires], Any]:
    return lambda w: kind(make(w))


SAMPLED = (
    *(Sampled(f"expval of {m.name}", _of(expval, m.observable)) for m in ONE_SETTING),
    *(Sampled(f"var of {m.name}", _of(var, m.observable)) for m in ONE_SETTING),
    Sampled("probs of all", lambda w: probs()),
    Sampled("probs turned round", lambda w: probs(wires=[w[1], w[0]])),
    Sampled("probs of one", lambda w: probs(wires=w[1])),
    Sampled(
        "several at once",
        lambda w: (expval(QuadX(w[0])), expval(QuadP(w[0])), probs(wires=w[1]), var(QuadP(w[1]))),
    ),
)


class ModesConformance(LightSamples, LightConditioning):
    """The kit's items for a CV device, whatever its representation."""

    domain = "cv"
    SAMPLED: ClassVar[Sequence[Sampled]] = SAMPLED
    FOREIGN: ClassVar[Sequence[Example]] = [
        e
        for e in examples("qubit", {})
        if e.operation.kind != "marker"  # a barrier stands in any circuit
    ]
    strength: ClassVar[Strength]
    roomy: ClassVar[Mapping[str, Any]] = {}  # options under which states of larger squeezing fit
    RANGES: ClassVar[Ranges]
    ROWS: ClassVar[Sequence[Example]]
    GATES: ClassVar[Sequence[Example]]
    VARIED: ClassVar[Sequence[Example]]
    modes: ClassVar[int]  # how many a row is tried among

    def anything(self, wire: Hashable) -> Any:
        return expval(NumberOperator(wire))

    def generic(self, measure: Callable[[Wires], Any]) -> Any:
        prepare((0, 1), self.strength)
        scramble((0, 1))
        return measure((0, 1))

    @property
    def sampled_wires(self) -> int:
        return 2

    def shots_of(self, shots: int | None, seed: int | None = None) -> QNode:
        return self.node(lambda: self.generic(lambda w: sample(QuadX(w[0]))), 2, shots, seed)

    def prepared(self, wires: Wires) -> None:
        prepare(wires, self.strength)

    # ---- items: rows -----------------------------------------------------------------------------

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

    def prepares(self, *rows: Operation) -> bool:
        """Whether the device prepares these states itself, so that it can on modes in use."""
        return all(runs(self.capabilities, row) for row in rows)

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

    STATES: ClassVar[Sequence[Example]]

    def modes_for(self, row: Any, midway: bool) -> int:
        """How many modes a circuit with this row may have."""
        return self.modes

    def photons(self, wires: Wires) -> list[Any]:
        """Measurements of photon numbers, where the device has a cutoff for them."""
        found = [expval(NumberOperator(wires[-1])), var(NumberOperator(wires[0]))]
        if self.make(1).cutoff_dim is not None:
            found += [probs(wires=wires[:2]), density_matrix(wires[0])]
        return found

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

    RANDOM: ClassVar[Sequence[Example]]

    # ---- items: measurements ---------------------------------------------------------------------

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

    # ---- items: gradients ------------------------------------------------------------------------

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
        try:
            jacobian(self.node(function, wires))(np.array(point))
        except GradientError:
            pass
        else:
            self.derivatives_agree(function, point, wires=wires)
        if not self.capabilities.exact:
            return
        node = QNode(function, self.make(wires), diff_method="finite-diff")
        found = flatten(jacobian(node)(np.array(point)))[0]
        flat = np.concatenate([np.reshape(v, (-1, len(point))) for v in found])
        exact = reference.jacobian(
            lambda v: np.concatenate([np.reshape(e, -1) for e in self.expected(node, v)]), np.array(point)
        )
        close(flat, exact, max(1e-6, 10 * self.gradient_tolerance), "finite differences")

    def test_gradient_of_probabilities(self) -> None:
        """Photon numbers are no polynomial of x and p: exact by the device, or an error."""
        model = next(m for m in self.MODELS if m.name == "photons")
        self.right_or_no_rule(model.on(range(2)), model.point, wires=2)

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

    # ---- items: samples --------------------------------------------------------------------------

    @over(wires=((0,), (1, 0), None))
    def test_samples_of_wires_are_photon_numbers(self, wires: tuple[int, ...] | None) -> None:
        """(shots, k) whole numbers, a column per mode in the order asked for; counts are keyed by them."""
        if self.refuses_shots():
            return
        measured = lambda: self.generic(lambda w: (sample(wires=wires), counts(wires=wires)))
        node = self.node(measured, 2, SHOTS, 31)
        with strict():
            drawn, counted = node()
        on = wires or (0, 1)
        assert type(drawn) is np.ndarray and drawn.shape == (SHOTS, len(on)) and drawn.dtype == np.int64
        assert type(counted) is dict and sum(counted.values()) == SHOTS
        assert all(type(key) is str and type(times) is int for key, times in counted.items())
        state: Any = reference.final_state(node.circuit(), node.record().numbers, **self.space(node.device))
        for k, mode in enumerate(on):
            n = NumberOperator(mode)
            close(
                drawn[:, k].mean(),
                state.expval(n),
                mean_allowance(state, n, SHOTS),
                f"the mean of mode {mode}",
            )
            close(
                drawn[:, k].var(),
                state.var(n),
                var_allowance(state, n, SHOTS),
                f"the variance of mode {mode}",
            )
        nobody = ",".join(["0"] * len(on))
        chance = state.probs(on)[0]
        close(counted[nobody] / SHOTS, chance, probs_allowance(chance, SHOTS), "how often no photon came")

    @over(measured=ONE_SETTING)
    def test_samples_of_an_observable(self, measured: Measured) -> None:
        """(shots,) values with the state's mean and variance."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: sample(measured.observable(w))), 2, SHOTS, 32)
        with strict():
            drawn = node()
        assert drawn.shape == (SHOTS,) and drawn.dtype == np.float64
        state: Any = reference.final_state(node.circuit(), node.record().numbers, **self.space(node.device))
        o = measured.observable((0, 1))
        close(drawn.mean(), state.expval(o), mean_allowance(state, o, SHOTS), "the mean")
        close(drawn.var(), state.var(o), var_allowance(state, o, SHOTS), "the variance")

    def test_quadratures_are_sampled_jointly(self) -> None:
        """The modes of a two-mode squeezed state are correlated shot by shot."""
        if self.refuses_shots():
            return

        def circuit(v: float) -> Any:
            TwoModeSqueezing(self.strength.r, 0.0, wires=[1, 0])
            Displacement(v, 0.0, wires=0)
            return sample(QuadX(0) @ QuadX(1)), sample(QuadX(0)), sample(QuadX(1))

        products, left, right = self.node(circuit, 2, 50, 3)(self.strength.a)
        close(products, left * right, 1e-9, "products of one run's shots")

    @over(size=(1, 2, 3))
    def test_samples_of_a_batch(self, size: int) -> None:
        """(B, shots, k); rows of other numbers have other statistics, those of the same are drawn apart."""
        if self.refuses_shots():
            return

        def circuit(v: Any) -> Any:
            Displacement(v, 0.0, wires=1)
            return sample(wires=[1, 0]), sample(QuadX(1)), expval(QuadX(1))

        sizes = np.linspace(0.5, 1, size) * self.strength.a
        photons, positions, means = self.node(circuit, 2, SHOTS, 9)(sizes)
        assert (
            photons.shape == (size, SHOTS, 2) and positions.shape == (size, SHOTS) and means.shape == (size,)
        )
        close(positions.mean(axis=1), 2 * sizes, 6 / np.sqrt(SHOTS), "means of x")
        close(means, 2 * sizes, 6 / np.sqrt(SHOTS), "<x>")
        same = self.node(circuit, 2, 300, 9)(np.full(2, 0.2))[1]
        assert not np.array_equal(same[0], same[1]), "two rows share their random numbers"

    @over(kind=("sample", "counts"))
    def test_samples_need_shots(self, kind: str) -> None:
        """There are no hidden default shots."""
        if not self.capabilities.exact:
            assert self.make(2).shots == SHOTS
            return
        measure = {"sample": sample, "counts": counts}[kind]
        with pytest.raises(CircuitError):
            self.node(lambda: (Rotation(0.2, wires=0), measure(wires=0))[1], 2)()

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

    def space(self, device: Device) -> dict[str, int]:
        return {} if device.cutoff_dim is None else {"cutoff": device.cutoff_dim}
