"""Sample circuits of light, as strong as a device can hold."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from hybridge.circuit import expval, probs, var
from hybridge.conformance.light import Strength, prepare
from hybridge.conformance.models import Model
from hybridge.observables.cv import NumberOperator, QuadP, QuadX, TensorN
from hybridge.operations.cv_gates import (
    Beamsplitter,
    Displacement,
    Rotation,
    TwoModeSqueezing,
)

Wires = Sequence[Hashable]


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
