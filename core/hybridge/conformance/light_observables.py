"""Observables of light that the kit measures, exactly and with shots."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import expval, probs, var
from hybridge.conformance.models import Sampled
from hybridge.conformance.reference import Ordered, number, p, x
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

Wires = Sequence[Hashable]


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
