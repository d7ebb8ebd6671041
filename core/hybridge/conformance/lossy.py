"""The kit's items for noise models of light: as if their losses were written into the circuit."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from hybridge.circuit import expval, var
from hybridge.conformance.items import over
from hybridge.conformance.light import Strength, prepare, scramble
from hybridge.conformance.noisy import Noise, UnderNoise, each, ends, then
from hybridge.conformance.rows import Example
from hybridge.noise.model import NoiseModel
from hybridge.observables.cv import NumberOperator, QuadX
from hybridge.operations.cv_channels import LossChannel
from hybridge.operations.cv_gates import Beamsplitter

LOSSES = (
    Noise(
        "after a gate",
        lambda w: NoiseModel().after("Beamsplitter", LossChannel, 0.8),
        each(["Beamsplitter"], LossChannel, 0.8, only=[0, 1]),
    ),
    Noise(
        "on one mode",
        lambda w: NoiseModel().after("all", LossChannel, 0.7, wires=[w[1]]),
        each(["Beamsplitter", "Rotation", "Squeezing", "Displacement"], LossChannel, 0.7, only=[1]),
    ),
    Noise(
        "before measurement",
        lambda w: NoiseModel().before_measurement(LossChannel, 0.6).before_measurement(LossChannel, 0.9),
        end=ends((LossChannel, 0.6), (LossChannel, 0.9)),
    ),
)


class NoisyModes(UnderNoise):
    """What a CV device does under a model of losses."""

    strength: ClassVar[Strength]

    @over(noise=LOSSES)
    def test_losses(self, noise: Noise) -> None:
        """Every result, and every derivative, is that of the circuit with the losses written into it."""
        w = (1, 0)

        def gates(x: Any) -> None:
            prepare(w, self.strength)
            scramble(w)
            Beamsplitter(x[0], x[1], wires=w)

        def measured() -> Any:
            return expval(NumberOperator(w[0])), var(QuadX(w[1])), expval(QuadX(w[0]) + 0.5 * QuadX(w[1]))

        plain, meant = then(gates, measured), then(noise.written(gates, w), measured)
        kit = self.under(noise.model(w))
        if not self.can(Example("LossChannel", LossChannel, (0.5,))):
            kit.refused(plain, np.array([0.4, -0.7]), wires=2)
            return
        kit.agree(plain, np.array([0.4, -0.7]), wires=2, meant=meant)
        if self.capabilities.exact and not self.capabilities.truncated:
            kit.slopes_agree(plain, meant, 2)
