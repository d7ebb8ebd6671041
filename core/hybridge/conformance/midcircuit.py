"""The kit's items for measurement inside a circuit: what follows an outcome, and what is read of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import counts, density_matrix, expval, probs, sample, state, var
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.kit import Conformance
from hybridge.conformance.models import Model
from hybridge.conformance.statistics import probs_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.errors import CircuitError
from hybridge.interfaces.derivatives import jacobian
from hybridge.observables.measured import cond, measure
from hybridge.observables.qubit import Hermitian
from hybridge.operations.qubit_entangling import CNOT, SWAP
from hybridge.operations.qubit_gates import RX, RY, RZ, H, S, X, Y, Z
from hybridge.pytree import flatten
from hybridge.qnode import QNode

Wires = Sequence[Hashable]


def _entangled(x: Any, w: Wires) -> None:
    """A state of these wires without symmetry."""
    for k, wire in enumerate(w):
        RY(x[k % 2] + 0.4 * k, wires=wire)
        RX(0.3 - x[(k + 1) % 2], wires=wire)
    for a, b in pairwise(w):
        CNOT([a, b])
        RY(0.5, wires=b)


def _teleportation(x: Any, w: Wires) -> Any:
    RY(x[0], wires=w[0])
    RZ(x[1], wires=w[0])
    H(w[1])
    CNOT([w[1], w[2]])
    CNOT([w[0], w[1]])
    H(w[0])
    first, second = measure(w[0]), measure(w[1])
    cond(second, X)(w[2])
    cond(first, Z)(w[2])
    return expval(X(w[2])), expval(Y(w[2])), expval(Z(w[2])), probs(wires=w[2])


def _feed_forward(x: Any, w: Wires) -> Any:
    _entangled(x, w)
    outcome = measure(w[1])
    cond(outcome, RX, false_fn=RZ)(x[0], wires=w[0])
    H(w[1])  # the wire goes on, the outcome stays
    cond(~outcome, RY)(x[1], wires=w[1])
    return expval(X(w[0]) @ Z(w[1])), var(Y(w[1])), probs(wires=[w[2], w[0]]), expval(outcome)


def _measured_and_read(x: Any, w: Wires) -> Any:
    """A wire that is measured and left alone: its coherence is gone, its bit is not."""
    _entangled(x, w)
    outcome = measure(w[0])
    return expval(X(w[0])), expval(Z(w[0])), expval(outcome), expval(X(w[1])), probs(wires=[w[0], w[2]])


def _only_bits(x: Any, w: Wires) -> Any:
    _entangled(x, w)
    outcomes = [measure(wire) for wire in w]
    total = outcomes[0] + 2 * outcomes[1] - outcomes[2]
    return expval(total), var(total), probs(outcomes[::-1]), probs(outcomes[0] ^ outcomes[2]), probs()


def _reset(x: Any, w: Wires) -> Any:
    _entangled(x, w)
    before = measure(w[0], reset=True)
    RX(x[1], wires=w[0])
    cond(before, RY)(0.8, wires=w[0])
    return expval(Z(w[0])), expval(Y(w[0]) @ X(w[1])), expval(before), probs()


def _reuse(x: Any, w: Wires) -> Any:
    """One wire measured and used again, and again."""
    bits = []
    for k in range(3):
        RY(x[0] + 0.3 * k, wires=w[0])
        CNOT([w[0], w[1]])
        RX(x[1], wires=w[1])
        bits.append(measure(w[0], reset=k < 2))
    return probs(bits), expval(Y(w[1])), expval((bits[0] + bits[1] + bits[2]) >= 2), probs(wires=w[:2])


def _repeated(x: Any, w: Wires) -> Any:
    """A measurement repeated at once gives what it gave; after a gate it may not."""
    _entangled(x, w)
    first, again = measure(w[1]), measure(w[1])
    RY(x[0], wires=w[1])
    third = measure(w[1])
    return probs([first, again, third]), expval(first == again), expval(Z(w[1])), expval(X(w[0]))


def _branches(x: Any, w: Wires) -> Any:
    _entangled(x, w)
    a, b = measure(w[0]), measure(w[1])
    level = 2 * a + b

    def many(angle: Any) -> None:
        RX(angle, wires=w[2])
        cond(b, S)(w[2])
        RY(angle * 0.5, wires=w[0])

    cond(
        level == 0,
        lambda angle: RX(angle, wires=w[2]),
        lambda angle: RZ(angle, wires=w[2]),
        elifs=[(level == 1, lambda angle: RY(angle, wires=w[2])), (a ^ b, many)],
    )(x[0])
    cond(a | b, SWAP)([w[2], w[0]])
    return expval(X(w[2])), expval(Y(w[2]) @ Z(w[0])), probs(wires=w[0]), var(level)


def _coins(x: Any, w: Wires) -> Any:
    """Outcomes decide alone, together, and by how many of them are 1."""
    for k, wire in enumerate(w):
        RY(x[0] + 0.5 * k, wires=wire)
    a, b, c = (measure(wire, reset=True) for wire in w)
    cond(a + b + c == 1, RX)(x[1], wires=w[0])
    cond((a & b) | c, RY)(x[0], wires=w[1])
    cond(1 - a, lambda: Hadamards(w))()
    return expval(Y(w[0])), expval(X(w[1])), expval(Hermitian([[1, 0.5j], [-0.5j, 0]], w[2])), probs([a, c])


def Hadamards(w: Wires) -> None:
    """One on each wire."""
    for wire in w:
        H(wire)


def _order(x: Any, w: Wires) -> Any:
    """Outcomes that are told apart: the first is nearly always 1, the second nearly always 0."""
    RY(2 + x[0], wires=w[0])
    RY(0.5 + 0.2 * x[1], wires=w[1])
    a, b = measure(w[0]), measure(w[1])
    cond(a > b, RX)(x[1] + 2, wires=w[2])
    return expval(Z(w[2])), expval(Y(w[2])), probs([a, b])


def _selected(x: Any, w: Wires) -> Any:
    _entangled(x, w)
    measure(w[1], postselect=1)
    RX(x[0], wires=w[1])
    return expval(X(w[0]) + 2 * Z(w[2]) @ Y(w[1]) - 0.3), var(Z(w[0]) @ Y(w[1])), probs(wires=[w[2], w[1]])


def _selected_and_decided(x: Any, w: Wires) -> Any:
    """Two outcomes selected, a third decides; one wire is reset."""
    _entangled(x, w)
    a = measure(w[0], reset=True, postselect=0)
    b = measure(w[1])
    cond(b, RY)(x[1], wires=w[0])
    c = measure(w[2], postselect=1)
    cond(c, RX)(x[0], wires=w[1])
    return expval(X(w[0])), expval(a + 2 * b + 3 * c), probs(b), var(Hermitian([[1, 1j], [-1j, 2]], w[1]))


def _selected_at_the_end(x: Any, w: Wires) -> Any:
    _entangled(x, w)
    measure(w[2], postselect=0)
    return probs(), probs(op=X(w[0]) @ Y(w[1])), expval(Z(w[2])), var(X(w[1]))


POINT = (0.62, -0.87)
MEASURED = tuple(
    Model(name, function, POINT, 3)
    for name, function in {
        "teleportation": _teleportation,
        "feed-forward": _feed_forward,
        "measured and read": _measured_and_read,
        "only bits": _only_bits,
        "reset": _reset,
        "reuse": _reuse,
        "repeated": _repeated,
        "branches": _branches,
        "coins": _coins,
        "order": _order,
        "selected": _selected,
        "selected and decided": _selected_and_decided,
        "selected at the end": _selected_at_the_end,
    }.items()
)


class Single(NamedTuple):
    """Single shots of outcomes a, b, c, and what each pattern of these gives."""

    name: str
    measure: Callable[[Any, Any, Any], Any]
    outcomes: Callable[[np.ndarray], np.ndarray]  # (8, 3) bits -> the rows' outcomes

    def __str__(self) -> str:
        return self.name


SINGLE = (
    Single("one outcome", lambda a, b, c: sample(b), lambda s: s[:, 1]),
    Single("a function", lambda a, b, c: sample(a + 2 * b - c), lambda s: s[:, 0] + 2 * s[:, 1] - s[:, 2]),
    Single("a list", lambda a, b, c: sample([c, a]), lambda s: 2 * s[:, 2] + s[:, 0]),
)


class MidCircuitConformance(Conformance):
    """What a qubit device must do with measurements inside a circuit, by itself or by the core's deferral."""

    @over(model=MEASURED)
    def test_measured_inside(self, model: Model) -> None:
        """Every result is that of the branches, each followed to its end."""
        self.agree(model.on(range(3)), np.array(model.point), wires=3)

    @over(model=MEASURED)
    def test_measured_inside_with_shots(self, model: Model) -> None:
        """Shots are drawn from the same branches."""
        self.agree_sampled(model.on(range(3)), np.array(model.point), wires=3)

    @over(model=MEASURED)
    def test_measured_inside_on_any_wires(self, model: Model) -> None:
        """Wires have names and stand in any order; idle ones stay."""
        wires: tuple[Hashable, ...] = ("b", 7, "a", -2)
        self.agree(model.on(wires[2::-1]), np.array(model.point), wires=wires)
        self.agree(model.on(("q", "p", 3)), np.array(model.point), wires=None)

    @over(model=MEASURED)
    def test_measured_inside_of_a_batch(self, model: Model) -> None:
        """Each row of a batch has branches of its own."""
        points = np.array(model.point)[:, None] + np.array([0.0, 0.4, -0.7])
        self.agree(model.on(range(3)), points, wires=3)
        self.agree_sampled(model.on(range(3)), points, wires=3)

    @over(model=MEASURED)
    def test_measured_inside_gradients(self, model: Model) -> None:
        """Derivatives in numbers before, between and after outcomes, and in those that depend on them."""
        self.derivatives_agree(model.on(range(3)), model.point, wires=3)
        if self.capabilities.exact:
            node = self.node(model.on(range(3)), 3).update(diff_method="parameter-shift")
            close(
                np.concatenate([np.ravel(v) for v in _slopes(node, model.point)]),
                np.ravel(reference.jacobian(lambda x: _flat(self.expected(node, x)), np.array(model.point))),
                self.gradient_tolerance,
                "the shift rule",
            )

    @over(case=SINGLE)
    def test_samples_of_outcomes(self, case: Single) -> None:
        """Samples and counts of outcomes, of functions of them, and of lists."""

        def drawn(kind: Callable[[Any, Any, Any], Any]) -> Any:
            def circuit() -> Any:
                _entangled(POINT, (0, 1, 2))
                return kind(*(measure(w) for w in (0, 1, 2)))

            return circuit

        exact = self.expected(self.node(drawn(lambda *m: probs(list(m))), 3))[0]
        table = (np.arange(8)[:, None] >> np.arange(3)[::-1]) & 1
        of_row = case.outcomes(table)
        with strict():
            found = self.node(drawn(case.measure), 3, SHOTS, 5)()
        assert len(found) == SHOTS
        values = found if found.ndim == 1 else found @ [2, 1]
        assert set(values.tolist()) <= set(of_row.tolist())
        for outcome in sorted(set(of_row.tolist())):
            p = np.array(exact[of_row == outcome].sum())
            close(np.mean(values == outcome), p, probs_allowance(p, SHOTS), f"how often {outcome} came")

    def test_counts_of_outcomes(self) -> None:
        """Counts of outcomes are of bit strings, of their functions by value; they add up to the shots."""

        def circuit() -> Any:
            X(0)
            a, b = measure(0), measure(1)
            cond(a, X)(1)
            return counts([a, b]), counts(a + b), counts(2 * b, all_outcomes=True), counts(wires=[1, 0])

        with strict():
            found = self.node(circuit, 2, 100, 1)()
        assert found == ({"10": 100}, {1.0: 100}, {0.0: 100, 2.0: 0}, {"11": 100})

    def test_single_shots_that_are_selected(self) -> None:
        """Shots with other outcomes are dropped, and those that are left have all that it brings."""

        def circuit() -> Any:
            H(0)
            CNOT([0, 1])
            outcome = measure(0, postselect=1)
            cond(outcome, H)(0)
            H(0)
            shots = sample(wires=[1, 0]), sample(Z(1)), sample(outcome + 1)
            return *shots, counts(wires=[1]), counts(Z(1), all_outcomes=True), counts([outcome])

        with strict():
            bits, signs, values, of_wire, of_sign, of_outcome = self.node(circuit, 2, 1000, 1)()
        for found in (bits, signs, values):  # half of the shots, and 5.4 standard deviations
            assert abs(len(found) - 500) < 86
        assert (bits == 1).all() and (signs == -1).all() and (values == 2).all()
        assert list(of_wire) == ["1"] and list(of_outcome) == ["1"] and of_sign[1.0] == 0
        assert abs(of_wire["1"] - 500) < 86 and abs(of_sign[-1.0] - 500) < 86

    def test_selecting_what_never_comes_is_an_error(self) -> None:
        """Nothing is left to give a number of."""

        def circuit(measured: Callable[[], Any]) -> Callable[[], Any]:
            def function() -> Any:
                X(0)
                measure(0, postselect=0)
                return measured()

            return function

        shots = None if self.capabilities.exact else SHOTS
        for kind in (lambda: expval(Z(1)), lambda: probs(), lambda: var(X(0))):
            with pytest.raises(CircuitError, match="leaves nothing"):
                self.node(circuit(kind), 2, shots)()
        for kind in (lambda: sample(wires=1), lambda: counts(Z(1)), lambda: counts(), lambda: expval(X(1))):
            with pytest.raises(CircuitError, match="leaves nothing"):
                self.node(circuit(kind), 2, 100, 1)()

    def test_the_rest_of_the_state_is_a_mixture(self) -> None:
        """A density matrix is of the user's wires, whatever else is kept; there is no state() of it."""
        if not self.capabilities.exact:
            return

        def circuit(measured: Callable[[], Any]) -> Callable[[], Any]:
            def function() -> Any:
                _entangled(POINT, (0, 1))
                outcome = measure(0)
                RX(0.4, wires=0)
                cond(outcome, RY)(0.7, wires=1)
                return measured()

            return function

        if {"state", "density_matrix"} & self.capabilities.measurements:
            self.agree(circuit(lambda: (density_matrix([1, 0]), density_matrix(0))), wires=2)
        with pytest.raises(CircuitError, match="density_matrix"):
            self.node(circuit(state), 2)()


def _slopes(node: QNode, point: Any) -> list[np.ndarray]:
    return flatten(jacobian(node)(np.array(point)))[0]


def _flat(values: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(v) for v in values])
