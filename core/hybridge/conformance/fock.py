"""The kit for devices with photon numbers below a cutoff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from hybridge.circuit import Measurement, density_matrix, expval, probs, state, var
from hybridge.conformance.items import over
from hybridge.conformance.light import Strength, scramble, second_moments
from hybridge.conformance.light_models import models
from hybridge.conformance.models import Model
from hybridge.conformance.modes import ModesConformance
from hybridge.conformance.rows import Example, Ranges, examples
from hybridge.conformance.under_test import close
from hybridge.device import Device
from hybridge.errors import CircuitError, TruncationWarning, UnsupportedCircuit
from hybridge.observables.cv import NumberOperator, QuadX
from hybridge.operations.cv_gates import (
    Beamsplitter,
    Displacement,
    Kerr,
    Rotation,
    Squeezing,
    TwoModeSqueezing,
)
from hybridge.operations.cv_states import FockState, FockStateVector
from hybridge.operations.table import FAMILIES
from hybridge.qnode import QNode

ROOM = 4  # photon numbers the reference has beyond the device's
STRENGTH = Strength(0.06, 0.35)
# so near the vacuum that less than 1e-9 of the norm lies beyond 12 photons
RANGES: Mapping[str, tuple[float, float]] = {
    "r": (0.04, 0.07),
    "a": (0.2, 0.35),
    "s": (0.05, 0.1),
    "nbar": (0.05, 0.08),
    "T": (0.4, 0.85),
    "kappa": (0.2, 0.8),
    "gamma": (0.004, 0.008),
    "p": (0.2, 0.7),
    "x": (0.2, 0.7),
    "r_anc": (0.5, 1.5),
    "eta_anc": (0.8, 0.95),
    "epsilon": (1.1, 1.4),
}
_SQUEEZED = np.array([[0.92, 0.03], [0.03, (1 + 0.03**2) / 0.92]])
_TWO_MODE = TwoModeSqueezing.definition
assert _TWO_MODE is not None  # a Gaussian row has one
_PAIR = _TWO_MODE(0.06, 0.4)[0]
WEAK: Mapping[str, Sequence[Any]] = {
    "GaussianState": (
        (1, (_SQUEEZED, np.array([0.4, -0.3]))),
        (1, (_SQUEEZED + 0.04 * np.eye(2), np.array([0.2, 0.5]))),
        (2, (_PAIR @ _PAIR.T, np.array([0.3, 0.1, -0.2, 0.4]))),
        (2, (_PAIR @ _PAIR.T + 0.03 * np.eye(4), np.array([0.3, 0.0, 0.2, 0.0]))),
    ),
    # a device may run them in parts: what it passes through is in its cutoff too, also of their powers
    **{
        name: tuple((n, (A, 0.001)) for n, (A, _) in FAMILIES[name].examples)
        for name in ("GraphEmbed", "BipartiteGraphEmbed")
    },
}
ROWS = examples("cv", RANGES, WEAK)


class FockConformance(ModesConformance):
    """The kit's items for a Fock device: `class TestMine(FockConformance): device = "mine.fock"`.

    cutoff_dim is the kit's: 12, and 24 where a rule shifts the squeezing. Others go into `options` and
    `roomy`.
    """

    options: ClassVar[Mapping[str, Any]] = {"cutoff_dim": 12}
    reason = "the norm beyond the cutoff, 1e-12 or less of it, is missing"
    tolerance: ClassVar[float] = 1e-6
    gradient_tolerance: ClassVar[float] = 1e-5
    hessian_tolerance: ClassVar[float] = 1e-5
    roomy: ClassVar[Mapping[str, Any]] = {"cutoff_dim": 24}
    strength = STRENGTH
    RANGES: ClassVar[Ranges] = RANGES
    modes = 3
    idle = (3, (2, 0))
    MODELS: ClassVar[Sequence[Model]] = models(STRENGTH)
    SMOOTH: ClassVar[Sequence[Model]] = models(STRENGTH)[:2]
    ROWS: ClassVar[Sequence[Example]] = ROWS
    STATES: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.kind == "state"]
    GATES: ClassVar[Sequence[Example]] = [e for e in ROWS if e.operation.kind == "gate"]
    VARIED: ClassVar[Sequence[Example]] = [e for e in ROWS if e.numbers]
    # no outcome: one that hardly ever comes magnifies what is missing beyond the cutoff
    RANDOM: ClassVar[Sequence[Example]] = [
        e for e in ROWS if e.operation.num_wires <= 2 and e.operation.kind != "outcome"
    ]

    def space(self, device: Device) -> dict[str, int]:
        assert device.cutoff_dim is not None  # every Fock device has one
        return {"cutoff": device.cutoff_dim, "size": device.cutoff_dim + ROOM}

    def modes_for(self, row: Any, midway: bool) -> int:
        """A mixed state of three modes would be a matrix of cutoff^6 numbers."""
        return 2 if row.mixed or (midway and row.kind == "state") else 3

    def same(self, m: Measurement, found: Any, exact: Any, tolerance: float) -> None:
        """A ket is compared up to its global phase: a Hamiltonian and its gate may differ by one."""
        if m.kind == "state":
            overlap = np.sum(np.conj(found) * exact, axis=-1, keepdims=True)
            exact = exact * np.conj(overlap) / np.abs(overlap)
        super().same(m, found, exact, tolerance)

    # ---- items: what a cutoff brings -------------------------------------------------------------

    @over(modes=(1, 2, 3))
    def test_a_pure_state_has_a_ket(self, modes: int) -> None:
        """state() is (cutoff^n,), mode 0 most significant; or it is refused."""

        def circuit() -> Any:
            self.prepared(range(modes))
            return state()

        if "state" in self.capabilities.measurements:
            self.agree(circuit, wires=modes)
        else:
            with pytest.raises((UnsupportedCircuit, CircuitError)):
                self.node(circuit, modes)()

    @over(wires=((0,), (1,), (1, 0), (2, 0)))
    def test_density_matrices_of_pure_and_mixed_states(self, wires: tuple[int, ...]) -> None:
        """Of all modes the state is pure, of some it is mixed."""

        def circuit() -> Any:
            self.prepared(range(3))
            return density_matrix(wires)

        self.agree(circuit, wires=3)

    def test_a_mixed_state_has_no_ket(self) -> None:
        """A mode prepared again leaves the other mixed: state() is refused, density_matrix is right."""

        def circuit(last: Any) -> Any:
            self.prepared(range(2))
            FockState([1], wires=0)
            scramble(range(2))
            return last()

        self.refused(lambda: circuit(state), wires=2)
        settle = self.agree if self.prepares(FockState.of(1, [1])) else self.refused
        settle(lambda: circuit(lambda: density_matrix([1, 0])), wires=2)

    def test_states_that_turn_mixed_and_go_on(self) -> None:
        """Gates after a channel act on both sides of the density matrix, on every mode order."""

        def circuit(v: Any) -> Any:
            self.prepared(range(2))
            FockState([1], wires=1)
            Displacement(v[0], 0.4, wires=0)
            Beamsplitter(v[1], 0.8, wires=[1, 0])
            Kerr(0.3, wires=1)
            Squeezing(self.strength.r, 0.3, wires=0)
            Rotation(0.7, wires=1)
            Beamsplitter(-0.4, 0.2, wires=[0, 1])
            return [
                *second_moments(range(2)),
                probs(wires=[1, 0]),
                density_matrix([1]),
                var(NumberOperator(1)),
            ]

        settle = self.agree if self.prepares(FockState.of(1, [1]), Kerr) else self.refused
        settle(circuit, np.array([0.2, 0.7]), wires=2)
        settle(circuit, np.array([[0.2, 0.1, 0.3], [0.7, 0.9, 0.2]]), wires=2)

    def test_interference_of_two_photons(self) -> None:
        """One photon in each of two modes leaves a balanced beamsplitter in pairs (Hong, Ou and Mandel)."""

        def circuit() -> Any:
            FockState([1, 1], wires=[1, 0])
            Beamsplitter(np.pi / 4, 0.3, wires=[1, 0])
            return (
                probs(wires=[0, 1]),
                expval(NumberOperator(0)),
                expval(NumberOperator(0) @ NumberOperator(1)),
            )

        self.agree(circuit, wires=2)

    @over(ket=("ket", "entangled"), wires=((0, 1), (1, 0), (2, 0)))
    def test_state_vectors(self, ket: str, wires: tuple[int, int]) -> None:
        """The first axis of a ket is the first wire given."""
        rng = np.random.default_rng(4)
        amplitudes = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
        if ket == "ket":
            amplitudes = np.outer(amplitudes[:, 0], amplitudes[0])
        amplitudes = amplitudes / np.linalg.norm(amplitudes)

        def circuit() -> Any:
            FockStateVector(amplitudes, wires=wires)
            found = [probs(wires=wires), density_matrix([0]), expval(QuadX(wires[0]) @ QuadX(wires[1]))]
            return [*found, state()] if "state" in self.capabilities.measurements else found

        self.agree(circuit, wires=3)

    @over(kind=("expval", "probs", "gradient"))
    def test_too_low_a_cutoff_is_told(self, kind: str) -> None:
        """Norm beyond the cutoff is a TruncationWarning, not a silent number; enough room is none."""

        def circuit(v: Any) -> Any:
            Displacement(v, 0.3, wires=0)
            return probs(wires=0) if kind == "probs" else expval(NumberOperator(0))

        low, high = self.make(1, cutoff_dim=4), self.make(1, cutoff_dim=16)
        with pytest.warns(TruncationWarning):
            QNode(circuit, low)(1.2)
        self.agree(circuit, 0.3, wires=1)
        exact = 0.36
        if kind == "expval":
            close(QNode(circuit, high)(0.6), exact, 1e-9, "<n>")

    @over(photons=(3, 4, 11))
    def test_states_beyond_the_cutoff_are_refused(self, photons: int) -> None:
        """A Fock state that does not fit is an error that says so."""
        device = self.make(2, cutoff_dim=photons)

        def circuit() -> Any:
            FockState([photons], wires=1)
            return expval(NumberOperator(1))

        with pytest.raises((CircuitError, UnsupportedCircuit)):
            QNode(circuit, device)()

    @over(cutoffs=((5, 8), (9, 6)))
    def test_two_cutoffs_do_not_mix(self, cutoffs: tuple[int, int]) -> None:
        """Two devices of different cutoffs, in turn."""

        def circuit() -> Any:
            FockState([2], wires=1)
            Beamsplitter(0.4, 0.1, wires=[1, 0])
            return probs(wires=[1])

        nodes = [QNode(circuit, self.make(2, cutoff_dim=c)) for c in cutoffs]
        for node, cutoff in [*zip(nodes, cutoffs, strict=True)] * 2:
            close(node(), self.expected(node)[0], self.tolerance, f"cutoff_dim={cutoff}")
