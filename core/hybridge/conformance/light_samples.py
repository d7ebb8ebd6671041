"""The kit's items for detectors of light: which click, and heterodyne detection shot by shot."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from hybridge.circuit import counts, expval, probs, sample, sample_heterodyne
from hybridge.compilation import runs
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.kit import Conformance
from hybridge.conformance.light import Strength, prepare, scramble
from hybridge.conformance.statistics import allowance, mean_allowance, probs_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.errors import CircuitError
from hybridge.observables.cv import Click, NumberOperator, QuadP, QuadX
from hybridge.operations.cv_gates import Beamsplitter, Displacement, TwoModeSqueezing
from hybridge.operations.cv_states import FockState
from hybridge.qnode import QNode

ORDERS = ((0,), (1,), (0, 1), (1, 0))


class LightSamples(Conformance):
    """Threshold and heterodyne detection on any CV device; false alarms once in a million runs."""

    strength: ClassVar[Strength]

    def lit(self, measure: Any) -> Any:
        """Two modes of Gaussian light that met, measured."""
        prepare((0, 1), self.strength)
        scramble((0, 1))
        return measure()

    def exactly(self, node: QNode) -> Any:
        return reference.final_state(node.circuit(), node.record().numbers, **self.space(node.device))

    # ---- items: threshold detectors --------------------------------------------------------------

    @over(order=ORDERS)
    def test_click_patterns(self, order: tuple[int, ...]) -> None:
        """probs(op=Click(wires)): (2^k,), a bit a wire in the order asked for; 1 where it clicks."""
        self.agree(lambda: self.lit(lambda: probs(op=Click(order))), wires=2)

    @over(order=ORDERS)
    def test_click_patterns_with_shots(self, order: tuple[int, ...]) -> None:
        """Relative frequencies of the same."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.lit(lambda: probs(op=Click(order))), 2, SHOTS, 41)
        with strict():
            found = node()
        exact = self.exactly(node).probs(order, Click(order))
        close(found, exact, probs_allowance(exact, SHOTS), f"patterns of {order}")

    def test_detectors_share_their_shots(self) -> None:
        """Clicks of modes, of all of them, and photon numbers are read in the same shots."""
        if self.refuses_shots():
            return
        measured = lambda: (sample(wires=[0, 1]), sample(Click(0)), sample(Click(1)), sample(Click([0, 1])))
        photons, first, second, both = self.node(lambda: self.lit(measured), 2, 500, 42)()
        close(first, (photons[:, 0] > 0).astype(float), 0.0, "clicks of mode 0")
        close(second, (photons[:, 1] > 0).astype(float), 0.0, "clicks of mode 1")
        close(both, first * second, 0.0, "clicks of both")

    def test_clicks_are_counted(self) -> None:
        """Plain dicts of 0 and 1."""
        if self.refuses_shots():
            return
        found = self.node(lambda: self.lit(lambda: counts(Click(0), all_outcomes=True)), 2, SHOTS, 43)()
        assert set(found) == {0.0, 1.0} and sum(found.values()) == SHOTS

    def test_one_photon_makes_one_detector_click(self) -> None:
        """A photon on a beamsplitter is in one arm or the other: never both click."""
        if not self.prepares_photons():
            return

        def circuit() -> Any:
            FockState([1], wires=0)
            Beamsplitter(0.6, 0.3, wires=[0, 1])
            return expval(Click([0, 1])), expval(Click(0)), expval(Click(1))

        self.agree(circuit, wires=2)

    def prepares_photons(self) -> bool:
        return runs(self.capabilities, FockState.of(1, [1])) and self.capabilities.exact

    # ---- items: heterodyne detection -------------------------------------------------------------

    @over(order=((0,), (1, 0), None))
    def test_heterodyne_samples(self, order: tuple[int, ...] | None) -> None:
        """Complex (shots, k), joint: means, variances and correlations are the state's and one vacuum's."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.lit(lambda: sample_heterodyne(wires=order)), 2, SHOTS, 44)
        with strict():
            alpha = node()
        modes = order or (0, 1)
        assert alpha.shape == (SHOTS, len(modes)) and alpha.dtype == np.complex128
        state = self.exactly(node)
        operators = [make(w) for w in modes for make in (QuadX, QuadP)]
        outcomes = 2 * np.stack([part for column in alpha.T for part in (column.real, column.imag)])
        means = np.array([state.expval(o) for o in operators])
        products = [[(a @ b + b @ a) / 2 for b in operators] for a in operators]
        second = np.array([[state.expval(o) for o in line] for line in products])
        cov = second - np.outer(means, means) + np.eye(len(means))
        sigma = np.sqrt(np.diag(cov))
        close(outcomes.mean(axis=1), means, allowance(sigma, 8 * sigma, SHOTS), "means of 2 alpha")
        spread = np.sqrt(np.outer(sigma, sigma) ** 2 + cov**2)  # of products of normal numbers
        centred = outcomes - means[:, None]
        close(
            centred @ centred.T / SHOTS, cov, allowance(spread, 32 * spread, SHOTS), "covariances of 2 alpha"
        )

    def test_heterodyne_beside_homodyne(self) -> None:
        """A mode's alpha and another's x are outcomes of the same shots, so their correlation is there."""
        if self.refuses_shots():
            return
        r = self.strength.r

        def circuit() -> Any:
            TwoModeSqueezing(r, 0.0, wires=[0, 1])
            return sample_heterodyne(wires=0), sample(QuadX(1)), expval(NumberOperator(0))

        alpha, x, _ = self.node(circuit, 2, SHOTS, 45)()
        assert x.dtype == np.float64
        exact, spread = np.sinh(2 * r) / 2, np.cosh(2 * r)
        found = np.mean(alpha[:, 0].real * x)
        close(found, exact, allowance(spread, 32 * spread, SHOTS), "<Re alpha x>")
        close(np.mean(alpha[:, 0].imag * x), 0.0, allowance(spread, 32 * spread, SHOTS), "<Im alpha x>")

    def test_heterodyne_of_photons(self) -> None:
        """|alpha|^2 of n photons is gamma distributed: mean n + 1, variance n + 1; the angle is any."""
        if self.refuses_shots() or not self.prepares_photons():
            return

        def circuit() -> Any:
            FockState([2], wires=1)
            return sample_heterodyne(wires=1)

        alpha = self.node(circuit, 2, SHOTS, 46)()[:, 0]
        squared, turned = np.abs(alpha) ** 2, alpha / np.abs(alpha)
        close(squared.mean(), 3.0, allowance(np.sqrt(3), 12.0, SHOTS), "<|alpha|^2>")
        close(squared.var(), 3.0, allowance(9.0, 90.0, SHOTS), "the variance of |alpha|^2")
        close(turned.mean().real, 0.0, allowance(np.sqrt(0.5), 1.0, SHOTS), "<cos>")
        close(np.mean(turned**2).imag, 0.0, allowance(np.sqrt(0.5), 1.0, SHOTS), "<sin 2 phi>")

    def test_heterodyne_of_a_batch(self) -> None:
        """(B, shots, k); rows are drawn apart."""
        if self.refuses_shots():
            return

        def circuit(a: Any) -> Any:
            Displacement(a, 0.4, wires=0)
            return sample_heterodyne(wires=0)

        sizes = np.array([0.5, 1.0, 1.0]) * self.strength.a
        found = self.node(circuit, 1, SHOTS, 47)(sizes)
        assert found.shape == (3, SHOTS, 1) and not np.array_equal(found[1], found[2])
        close(found.mean(axis=1)[:, 0].real, sizes * np.cos(0.4), allowance(0.7, 6.0, SHOTS), "<Re alpha>")
        close(found.mean(axis=1)[:, 0].imag, sizes * np.sin(0.4), allowance(0.7, 6.0, SHOTS), "<Im alpha>")

    def test_heterodyne_needs_shots(self) -> None:
        """There are no hidden default shots."""
        if not self.capabilities.exact:
            return
        with pytest.raises(CircuitError, match="needs shots"):
            self.node(lambda: (Displacement(0.2, 0.0, wires=0), sample_heterodyne(wires=0))[1], 1)()

    @over(measure=("clicks", "photons"))
    def test_sampled_means_are_near(self, measure: str) -> None:
        """expval of a click with shots, beside others of its shots."""
        if self.refuses_shots():
            return
        observable = Click([1, 0]) if measure == "clicks" else NumberOperator(1)
        node = self.node(lambda: self.lit(lambda: (expval(observable), expval(QuadX(0)))), 2, SHOTS, 48)
        found, state = node()[0], self.exactly(node)
        close(found, state.expval(observable), mean_allowance(state, observable, SHOTS), measure)
