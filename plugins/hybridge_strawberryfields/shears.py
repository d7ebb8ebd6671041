"""The Gaussian gates that SF's simulators lack, made of those they have, with the slopes of their numbers.

SF decomposes them in symbols when it compiles a program, 30 ms for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Part(NamedTuple):
    """`simulator.method(*numbers, *modes)`, the modes at these places; slopes: d numbers / ds."""

    method: str
    numbers: tuple[float, ...]
    slopes: tuple[float, ...]
    places: tuple[int, ...]


def _quadratic_phase(s: float) -> tuple[Part, ...]:
    """exp(i s x^2 / 4), up to a phase R(theta) S(r, -pi/2 - theta).

    SF has acosh(sqrt(1 + s^2/4)) for |r|, which has no right digit left where s is 2e-8.
    """
    theta, secant = math.atan(s / 2), math.hypot(1, s / 2)
    by_r, by_theta = 0.5 / secant, 0.5 / secant**2
    return (
        Part("squeeze", (math.asinh(s / 2), -math.pi / 2 - theta), (by_r, -by_theta), (0,)),
        Part("rotation", (theta,), (by_theta,), (0,)),
    )


def _controlled_addition(s: float) -> tuple[Part, ...]:
    """exp(-i s x1 p2 / 2), decomposed as SF's CXgate."""
    r, cosh = math.asinh(s / 2), math.hypot(1, s / 2)
    theta = math.atan2(-1 / cosh, math.tanh(r)) / 2
    by_r, by_theta = 0.5 / cosh, 0.25 / cosh**2
    return (
        Part("beamsplitter", (theta, 0.0), (by_theta, 0.0), (0, 1)),
        Part("squeeze", (-r, 0.0), (-by_r, 0.0), (0,)),
        Part("squeeze", (r, 0.0), (by_r, 0.0), (1,)),
        Part("beamsplitter", (theta + math.pi / 2, 0.0), (by_theta, 0.0), (0, 1)),
    )


def _controlled_phase(s: float) -> tuple[Part, ...]:
    """exp(i s x1 x2 / 2), decomposed as SF's CZgate."""
    return (
        Part("rotation", (-math.pi / 2,), (0.0,), (1,)),
        *_controlled_addition(s),
        Part("rotation", (math.pi / 2,), (0.0,), (1,)),
    )


SHEARS: dict[str, Callable[[float], tuple[Part, ...]]] = {
    "quadratic_phase": _quadratic_phase,
    "controlled_addition": _controlled_addition,
    "controlled_phase": _controlled_phase,
}


class Shears:
    """The gates of SHEARS, for a simulator to inherit."""

    def quadratic_phase(self, s: float, mode: int) -> None:
        self._shear(_quadratic_phase(s), mode)

    def controlled_addition(self, s: float, mode1: int, mode2: int) -> None:
        self._shear(_controlled_addition(s), mode1, mode2)

    def controlled_phase(self, s: float, mode1: int, mode2: int) -> None:
        self._shear(_controlled_phase(s), mode1, mode2)

    def _shear(self, parts: tuple[Part, ...], *modes: Any) -> None:
        for method, numbers, _, places in parts:
            getattr(self, method)(*numbers, *(modes[place] for place in places))
