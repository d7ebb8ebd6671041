"""The kit's items for shots of light: photon numbers and observables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybridge.circuit import counts, expval, sample
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.light_observables import ONE_SETTING, Measured
from hybridge.conformance.light_under_test import LightUnderTest
from hybridge.conformance.statistics import mean_allowance, probs_allowance, var_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.errors import CircuitError
from hybridge.observables.cv import NumberOperator, QuadX
from hybridge.operations.cv_gates import (
    Displacement,
    Rotation,
    TwoModeSqueezing,
)


class LightShots(LightUnderTest):
    """Single shots, with the statistics of the state; false alarms once in a million runs."""

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
