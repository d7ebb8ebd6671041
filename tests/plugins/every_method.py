"""Every gradient method on one model, side by side: what each gives, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, count
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import hadamard as signs

import hybridge as hb


class Way(NamedTuple):
    """A method with its options."""

    method: str
    options: Mapping[str, Any] = {}


class Along:
    """A sampler of SPSA: one after another of 2^k orthogonal directions of +1 and -1, over all of which the
    mean is not an estimate but the gradient."""

    def __init__(self, size: int):
        self.size, self.drawn = 1 << (size - 1).bit_length(), count()

    def __call__(self, indices: Sequence[int], num_params: int, rng: np.random.Generator) -> np.ndarray:
        direction = np.zeros(num_params)
        direction[list(indices)] = signs(self.size)[next(self.drawn) % self.size][: len(indices)]
        return direction


def spsa(size: int) -> Way:
    """Random directions that are not random, of so many parameters; exact up to the error of differences."""
    sampler = Along(size)
    return Way("spsa", {**FINE, "num_directions": sampler.size, "sampler": sampler})


# Good to 1e-11 for every frequency up to 4: to h^8 w^9 / 630, and to 1e-16 / h of rounding.
FINE = {"approx_order": 8, "h": 0.004}
WAYS = {
    "adjoint": lambda size: Way("adjoint"),
    "best": lambda size: Way("best"),
    "parameter-shift": lambda size: Way("parameter-shift"),
    "hadamard": lambda size: Way("hadamard"),
    "hadamard direct": lambda size: Way("hadamard", {"mode": "direct"}),
    "finite-diff": lambda size: Way("finite-diff", FINE),
    "finite-diff backward": lambda size: Way("finite-diff", {**FINE, "strategy": "backward"}),
    "spsa": spsa,
}


class Found(NamedTuple):
    """By the name of a way its Jacobian (columns, numbers), or the error by which it refused."""

    jacobians: dict[str, np.ndarray]
    refused: dict[str, hb.GradientError]


def every_method(
    function: Callable[..., Any], device: hb.Device, x: np.ndarray, ways: Iterable[str] = WAYS
) -> Found:
    """The Jacobians of a circuit function of one array that returns a list of measurements."""
    found = Found({}, {})
    for name in ways:
        way = WAYS[name](_num_slots(function, device, x))
        circuit = hb.QNode(function, device, way.method, gradient_kwargs=way.options)
        try:
            parts = hb.jacobian(circuit)(x)
        except hb.GradientError as error:
            found.refused[name] = error
        else:
            found.jacobians[name] = np.concatenate([np.reshape(part, (-1, x.size)) for part in parts])
    return found


def _num_slots(function: Callable[..., Any], device: hb.Device, x: np.ndarray) -> int:
    return hb.QNode(function, device).plan(x).num_slots


def assert_agree(found: Found, atol: float, named: Sequence[str] | None = None) -> None:
    """Every pair agrees, relative to the largest entry or absolutely; numbers are called by these names."""
    for a, b in combinations(found.jacobians, 2):
        scale = max(1.0, float(np.abs(found.jacobians[a]).max(initial=0.0)))
        off = np.abs(found.jacobians[a] - found.jacobians[b]) / scale
        if off.max(initial=0.0) > atol:
            row, k = np.unravel_index(off.argmax(), off.shape)
            what = f"number {k}" if named is None else named[k]
            raise AssertionError(
                f"{a} and {b} differ by {off.max():.2g} in {what}, column {row}: "
                f"{found.jacobians[a][row, k]!r} and {found.jacobians[b][row, k]!r}"
            )


def assert_alive(found: Found, expected: Sequence[bool], named: Sequence[str], atol: float) -> None:
    """By every method a number has a derivative that is not 0 exactly where one is expected."""
    for way, jacobian in found.jacobians.items():
        for alive, column, name in zip(expected, jacobian.T, named, strict=True):
            largest = np.abs(column).max()
            assert largest > 1e-4 if alive else largest < atol, f"{way}: {name} {largest}"
