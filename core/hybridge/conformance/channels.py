"""The kit's items for channels on qubits: what noise makes of states that are mixed already."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import combinations, pairwise, product
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import counts, density_matrix, expval, probs, sample, state, var
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.kit import Conformance
from hybridge.conformance.models import LABELS, Labels
from hybridge.conformance.rows import CHANCES, PLACEMENTS, Example, Placement, examples
from hybridge.conformance.statistics import probs_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.errors import CircuitError, GradientError, HybridgeError, UnsupportedCircuit
from hybridge.interfaces.derivatives import jacobian
from hybridge.operations.modifiers import adjoint, ctrl
from hybridge.operations.qubit_channels import (
    AmplitudeDamping,
    BitFlip,
    DepolarizingChannel,
    PauliError,
    PhaseDamping,
    QubitChannel,
    ResetError,
    ThermalRelaxationError,
)
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, RY, RZ, X, Y, Z
from hybridge.operations.table import Operation

Wires = Sequence[Hashable]
LETTERS = {"X": X, "Y": Y, "Z": Z}
CHANNELS = [e for e in examples("qubit", CHANCES) if e.operation.kind == "channel"]
VARIED = [e for e in CHANNELS if e.numbers]


def entangled(w: Wires) -> None:
    """A state of these wires without symmetry."""
    for k, wire in enumerate(w):
        RY(0.5 + 0.37 * k, wires=wire)
        RZ(0.4 - 0.53 * k, wires=wire)
    for a, b in pairwise(w):
        CNOT([a, b])
        RX(0.45, wires=b)


def read(w: Wires) -> list[Any]:
    """Every Pauli on one wire and on two, and the probabilities: all of a state of two wires."""
    found = [expval(LETTERS[s](a)) for a in w for s in "XYZ"]
    for a, b in combinations(w, 2):
        found += [expval(LETTERS[s](a) @ LETTERS[t](b)) for s, t in product("XYZ", repeat=2)]
    return [*found, probs(wires=w[::-1]), var(X(w[-1]) @ Z(w[0]))]


class Ends(NamedTuple):
    """A channel at numbers where it is something simpler: what it then is, on wire w."""

    name: str
    channel: Callable[[Hashable], Any]
    same: Callable[[Hashable], Any] | None = None  # None: nothing

    def __str__(self) -> str:
        return self.name


ENDS = (
    Ends("BitFlip(0)", lambda w: BitFlip(0.0, wires=w)),
    Ends("BitFlip(1)", lambda w: BitFlip(1.0, wires=w), lambda w: X(w)),
    Ends("PauliError(1)", lambda w: PauliError("Y", 1.0, wires=w), lambda w: Y(w)),
    Ends("DepolarizingChannel(0)", lambda w: DepolarizingChannel(0.0, wires=w)),
    Ends("AmplitudeDamping(0)", lambda w: AmplitudeDamping(0.0, wires=w)),
    Ends("AmplitudeDamping(1)", lambda w: AmplitudeDamping(1.0, wires=w), lambda w: ResetError(1.0, 0.0, w)),
    Ends("PhaseDamping(1)", lambda w: PhaseDamping(1.0, wires=w), lambda w: PauliError("Z", 0.5, w)),
    Ends("ThermalRelaxationError(0)", lambda w: ThermalRelaxationError(0.2, 1.0, 1.5, 0.0, wires=w)),
)


class Wrong(NamedTuple):
    """What no channel may be made with, a word of the error, and the row, where it is one of its numbers."""

    name: str
    apply: Callable[[], Any]
    said: str
    row: Operation | None = None

    def __str__(self) -> str:
        return self.name


WRONG = (
    Wrong("BitFlip(1.1)", lambda: BitFlip(1.1, wires=0), "p", BitFlip),
    Wrong("DepolarizingChannel(-0.1)", lambda: DepolarizingChannel(-0.1, wires=0), "p", DepolarizingChannel),
    Wrong("AmplitudeDamping(2)", lambda: AmplitudeDamping(2.0, wires=0), "gamma", AmplitudeDamping),
    Wrong("ResetError(.7, .6)", lambda: ResetError(0.7, 0.6, wires=0), "p0", ResetError),
    Wrong(
        "t2 > 2 t1", lambda: ThermalRelaxationError(0.1, 1.0, 2.5, 0.3, wires=0), "t2", ThermalRelaxationError
    ),
    Wrong(
        "t1 = 0", lambda: ThermalRelaxationError(0.1, 0.0, 0.0, 0.3, wires=0), "t1", ThermalRelaxationError
    ),
    Wrong("not complete", lambda: QubitChannel([0.9 * np.eye(2)], wires=0), "K"),
    Wrong("PauliError of a Q", lambda: PauliError("XQ", 0.1, wires=[0, 1]), "letters"),
    Wrong("adjoint", lambda: adjoint(BitFlip)(0.1, wires=0), "channel"),
    Wrong("control", lambda: ctrl(DepolarizingChannel, 1)(0.1, wires=0), "channel"),
)


class ChannelConformance(Conformance):
    """What a device that claims channels does with them; one that does not refuses them."""

    def runs_or_refuses(self, example: Example, function: Callable[..., Any], *args: Any, wires: Any) -> bool:
        """Whether the device claims the channel; one that does not refuses the circuit."""
        if self.can(example):
            return True
        self.refused(function, *args, wires=wires)
        return False

    @over(example=CHANNELS, placement=PLACEMENTS)
    def test_channel_on_a_mixed_state(self, example: Example, placement: Placement) -> None:
        """Twice, on wires out of order, gates between: the second time the state is mixed."""
        row, n = example.operation, max(3, example.operation.num_wires)
        on, every = placement(row.num_wires, n), tuple(range(n))

        def circuit() -> Any:
            entangled(every)
            row(*example.numbers, wires=on)
            entangled(every[::-1])
            row(*example.numbers, wires=on[::-1])
            RX(0.7, wires=on[0])
            found = read(every)
            if "density_matrix" in self.capabilities.measurements:
                found += [density_matrix([n - 1, 0]), density_matrix(every[::-1])]
            return found

        if self.runs_or_refuses(example, circuit, wires=n):
            self.agree(circuit, wires=n, tolerance=self.within(example))

    @over(labels=LABELS)
    def test_channels_on_any_labels(self, labels: Labels) -> None:
        """Several on one wire, beside idle ones."""
        a, b, c = labels.wires[2], labels.wires[0], labels.wires[3]

        def circuit() -> Any:
            entangled([a, b])
            for example in CHANNELS:
                if example.operation.num_wires == 1 and self.can(example):
                    example.operation(*example.numbers, wires=b)
                    RX(0.3, wires=b)
            CNOT([b, c])
            return read([c, b, a])

        self.agree(circuit, wires=labels.wires)

    @over(example=VARIED, size=(1, 3))
    def test_channels_of_a_batch(self, example: Example, size: int) -> None:
        """Arrays (B,) of a channel's numbers: each row is what it is alone."""
        row, n = example.operation, max(2, example.operation.num_wires)
        points = np.array(example.numbers)[:, None] * np.linspace(1, 0.8, size)

        def circuit(x: Any) -> Any:
            entangled(range(n))
            row(*x, wires=range(row.num_wires)[::-1])
            return expval(X(0) @ Z(1) + Y(0)), probs(wires=[1, 0])

        if not self.runs_or_refuses(example, circuit, points, wires=n):
            return
        self.agree(circuit, points, wires=n)
        if self.capabilities.exact:
            node = self.node(circuit, n)
            for k, leaf in enumerate(node(points)):
                alone = np.array([node(point)[k] for point in points.T])
                close(leaf, alone, self.tolerance, f"leaf {k} of a batch")

    @over(end=ENDS)
    def test_channels_at_their_ends(self, end: Ends) -> None:
        """Nothing at all, a gate, a reset."""

        def circuit(make: Callable[[Hashable], Any] | None) -> Any:
            entangled((0, 1))
            if make is not None:
                make(1)
            RX(0.4, wires=1)
            return read((0, 1))

        nodes = [self.node(lambda m=make: circuit(m), 2) for make in (end.channel, end.same)]
        rows = [operation for node in nodes for operation, _ in node.record().instructions]
        if all(self.can(Example(row.name, row, ())) for row in rows):
            self.agree(lambda: circuit(end.channel), meant=lambda: circuit(end.same), wires=2)

    @over(wrong=WRONG)
    def test_channels_that_are_none_are_refused(self, wrong: Wrong) -> None:
        """Before anything is run; the error names what is wrong."""
        with pytest.raises((CircuitError, UnsupportedCircuit)) as caught:
            self.node(lambda: (wrong.apply(), expval(Z(0)))[1], 2)()
        if wrong.row is None or self.can(Example(wrong.row.name, wrong.row, ())):
            assert caught.type is CircuitError and wrong.said in str(caught.value)

    @over(example=VARIED)
    def test_gradient_of_a_channel(self, example: Example) -> None:
        """Of its numbers and of the gates around it; where there is no exact rule it is an error."""
        row, n = example.operation, max(2, example.operation.num_wires)

        def circuit(x: Any) -> Any:
            entangled(range(n))
            RY(x[0], wires=0)
            row(*(x[1 + i] for i in range(row.arity)), wires=range(row.num_wires)[::-1])
            RX(x[0] * 0.7, wires=n - 1)
            CNOT([n - 1, 0])
            return expval(X(0) @ Z(1) + 0.5 * Y(0)), var(Z(1) + 0.3 * X(0)), probs(wires=[1, 0])

        point = np.array([0.4, *example.numbers])
        if not self.runs_or_refuses(example, circuit, point, wires=n):
            return
        if self.capabilities.vjp or all(s is not None for s in row.spectrum):
            self.derivatives_agree(circuit, point, wires=n)
        else:
            with pytest.raises(GradientError, match=row.name):
                jacobian(self.node(circuit, n))(point)

    @over(example=CHANNELS)
    def test_samples_behind_a_channel(self, example: Example) -> None:
        """As often as the exact state says, in the order asked for."""
        row, n = example.operation, max(2, example.operation.num_wires)

        def circuit(kind: Callable[..., Any]) -> Any:
            entangled(range(n))
            row(*example.numbers, wires=range(row.num_wires)[::-1])
            RY(0.6, wires=1)
            return kind(wires=[1, 0])

        if not self.can(example) or self.refuses_shots():
            return
        node = self.node(lambda: circuit(counts), n, SHOTS, 31)
        with strict():
            counted, drawn = node(), self.node(lambda: circuit(sample), n, SHOTS, 32)()
        final: Any = reference.final_state(node.circuit(), node.record().numbers)
        exact = final.probs((1, 0))
        shares = [counted.get(format(b, "02b"), 0) / SHOTS for b in range(4)]
        close(shares, exact, probs_allowance(exact, SHOTS), "counts")
        numbers = drawn @ np.array([2, 1])
        shares = [float(np.mean(numbers == b)) for b in range(4)]
        close(shares, exact, probs_allowance(exact, SHOTS), "samples")

    def test_a_mixed_state_is_no_ket(self) -> None:
        """state() behind a channel is refused, whatever the channel's numbers."""
        with pytest.raises(HybridgeError):
            self.node(lambda: (BitFlip(0.0, wires=0), state())[1], 1)()
