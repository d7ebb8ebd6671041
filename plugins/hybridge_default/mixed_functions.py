"""Of which functions of its numbers the matrix of a channel is an affine combination, and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FOREVER = 800.0  # of exp(-800) no double is left


class Function(NamedTuple):
    """Values of numbers, and their slopes: for each value one for each number. Arrays of one shape."""

    outputs: tuple[str, ...]
    values: Callable[..., tuple[Any, ...]]
    slopes: Callable[..., tuple[tuple[Any, ...], ...]]


def _root_slope(gamma: Any) -> tuple[tuple[Any, ...], ...]:
    root = np.sqrt(np.maximum(1 - np.asarray(gamma, float), 0))
    return ((np.divide(-0.5, root, out=np.full_like(root, -np.inf), where=root > 0),),)


def _decay_slope(tg: Any, t: Any) -> tuple[tuple[Any, ...], ...]:
    passed = np.minimum(tg / t, FOREVER)
    found = np.exp(-passed)
    return ((-found / t, found * passed / t),)


def _excited_slope(pe: Any, tg: Any, t: Any) -> tuple[tuple[Any, ...], ...]:
    passed = np.minimum(tg / t, FOREVER)
    left = np.exp(-passed)
    return ((1 - left, pe * left / t, -pe * left * passed / t),)


FUNCTIONS = {
    "turn": Function(
        ("cosine", "sine"),
        lambda t: (np.cos(t), np.sin(t)),
        lambda t: ((-np.sin(t),), (np.cos(t),)),
    ),
    "number": Function(("number",), lambda p: (p,), lambda p: ((np.ones_like(p),),)),
    "product": Function(("product",), lambda p, q: (p * q,), lambda p, q: ((q, p),)),
    "root": Function(("root",), lambda gamma: (np.sqrt(np.maximum(1 - np.asarray(gamma), 0)),), _root_slope),
    "decay": Function(("decay",), lambda tg, t: (np.exp(-tg / t),), _decay_slope),
    "excited": Function(("excited",), lambda pe, tg, t: (pe * (1 - np.exp(-tg / t)),), _excited_slope),
}

# channels that are not affine in each of their numbers: functions, and the numbers they are of
CHANNELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "AmplitudeDamping": (("number", "gamma"), ("root", "gamma")),
    "GeneralizedAmplitudeDamping": (("number", "gamma"), ("product", "gamma", "p"), ("root", "gamma")),
    "PhaseDamping": (("root", "gamma"),),
    "ThermalRelaxationError": (("decay", "tg", "t1"), ("decay", "tg", "t2"), ("excited", "pe", "tg", "t1")),
}
