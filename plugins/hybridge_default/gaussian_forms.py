"""How a Gaussian row depends on its parameters: products of functions of each, found from its definition."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from hybridge.plugin import Hyperbolic, Operation, Power, Spectrum, Trig

TRIG, HYPERBOLIC, POWER, ROOT = range(4)

# the two functions beside 1, and three points at which they tell the three apart without rounding
_FUNCTIONS = {
    TRIG: (np.cos, np.sin),
    HYPERBOLIC: (np.cosh, np.sinh),
    POWER: (lambda x: x, np.square),
    ROOT: (np.sqrt, lambda x: x),
}
_POINTS = {
    TRIG: (0.0, np.pi / 2, np.pi),
    HYPERBOLIC: (-1.0, 0.0, 1.0),
    POWER: (0.0, 1.0, 2.0),
    ROOT: (0.0, 0.25, 1.0),
}
_ELSEWHERE = np.array([[0.3719, 0.7133, 0.1292, 0.5557], [0.8021, 0.2417, 0.6533, 0.9139]])  # to check a form
_CLEAN = 1e-13


class Function(NamedTuple):
    """What a parameter t is put into: cos and sin of scale * t, cosh and sinh, t and t^2, sqrt(t) and t."""

    kind: int
    scale: float


class Form(NamedTuple):
    """The entries of X, d and Y one after the other: constant + sum of coefficient * product of two factors.

    X, d, Y say mean -> X mean + d, cov -> X cov X^T + Y: a gate has no Y, a state no X. Factor 0 is 1; 1 +
    2k and 2 + 2k are the functions of parameter k.
    """

    functions: tuple[Function, ...]
    constant: np.ndarray  # (E,)
    entries: np.ndarray  # (T,)
    factors: np.ndarray  # (T, 2)
    coefficients: np.ndarray  # (T,)


@lru_cache(maxsize=512)
def form(operation: Operation) -> Form | None:
    """The form of a Gaussian row; None where its definition is not of these functions."""
    chosen = [_function(s, operation.kind) for s in operation.spectrum]
    functions = tuple(f for f in chosen if f is not None)
    if len(chosen) > _ELSEWHERE.shape[1]:
        return _affine(operation)
    if len(functions) < len(chosen):
        return None
    grid = np.array(list(product(*(_points(f) for f in functions))), dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):  # of no form, if it is not finite here
        found = _entries(operation, grid).reshape(*(3,) * len(functions), -1)
    if not np.isfinite(found).all():
        return None
    for axis, function in enumerate(functions):
        basis = np.stack(_values(function, _points(function)), axis=1)
        found = np.moveaxis(np.tensordot(np.linalg.inv(basis), found, (1, axis)), 0, axis)
    near = np.round(found * 8) / 8  # coefficients are 1, 1/2, 2 ...
    found = np.where(np.abs(found - near) < _CLEAN, near, found)
    *powers, entries = np.nonzero(found)
    factors = np.zeros((len(entries), 2), dtype=np.intp)
    used = np.zeros(len(entries), dtype=np.intp)
    for k, power in enumerate(powers):
        there = power > 0
        if (used[there] == 2).any():
            return None
        factors[there, used[there]] = 2 * k + power[there]
        used += there
    coefficients, constant = found[(*powers, entries)], used == 0
    start = np.zeros(found.shape[-1])
    start[entries[constant]] = coefficients[constant]
    rest = ~constant
    made = Form(functions, start, entries[rest], factors[rest], coefficients[rest])
    return made if _holds(made, operation) else None


def _affine(operation: Operation) -> Form | None:
    """The form of a row of many parameters, in which its definition is linear."""
    if operation.slope is None:
        return None
    count = len(operation.params)
    slopes, found = operation.slope(*np.zeros((count, 1))), []
    for k in range(count):
        flat = np.concatenate([np.ravel(v) for v in slopes[k]])
        entries = np.flatnonzero(flat)
        found.append((entries, np.full(len(entries), 1 + 2 * k), flat[entries]))
    entries, factors, coefficients = (np.concatenate(same) for same in zip(*found, strict=True))
    made = Form(
        (Function(POWER, 1.0),) * count,
        _entries(operation, np.zeros((1, count)))[0],
        entries,
        np.column_stack([factors, np.zeros_like(factors)]),
        coefficients,
    )
    return made if _holds(made, operation) else None


def _function(spectrum: Spectrum | None, kind: str) -> Function | None:
    match spectrum:
        case Trig():
            return Function(TRIG, spectrum[0]) if len(spectrum) == 1 else None
        case Hyperbolic():  # covariances are quadratic in what a gate does to x and p
            return Function(HYPERBOLIC, spectrum.degree * (2.0 if kind == "state" else 1.0))
        case Power():
            return Function(POWER, 1.0)
        case _:  # a channel: losses are of this kind
            return Function(ROOT, 1.0)


def _points(function: Function) -> np.ndarray:
    return np.array(_POINTS[function.kind]) / function.scale


def _values(function: Function, t: np.ndarray) -> list[np.ndarray]:
    return [np.ones_like(t), *(f(function.scale * t) for f in _FUNCTIONS[function.kind])]


def _entries(operation: Operation, values: np.ndarray) -> np.ndarray:
    """X, d and Y of each row of values (B, P), one after the other: (B, E)."""
    assert operation.definition is not None
    found = [np.asarray(v, float) for v in operation.definition(*values.T)]
    ranks = {"gate": (2, 1), "channel": (2, 1, 2), "state": (1, 2)}[operation.kind]
    flat = [
        np.broadcast_to(v, (len(values), *v.shape[v.ndim - rank :])).reshape(len(values), -1)
        for v, rank in zip(found, ranks, strict=True)
    ]
    return np.concatenate(flat, axis=1)


def _holds(found: Form, operation: Operation) -> bool:
    count = len(found.functions)
    points = np.tile(_ELSEWHERE, -(-count // _ELSEWHERE.shape[1]))[:, :count]
    values = [np.ones(len(points))]
    for function, t in zip(found.functions, points.T, strict=True):
        values += _values(function, t)[1:]
    made = np.tile(found.constant, (len(points), 1))
    for entry, (a, b), coefficient in zip(found.entries, found.factors, found.coefficients, strict=True):
        made[:, entry] += coefficient * values[a] * values[b]
    return bool(np.abs(made - _entries(operation, points)).max(initial=0.0) < 1e-12)
