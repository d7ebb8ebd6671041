"""Polynomials of x and p as products of powers of rotated quadratures, which homodyne detectors measure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import comb

import numpy as np

from hybridge.phasespace.polynomial import Polynomial


def vacuum_variance(coefficient: float, powers: Sequence[int]) -> float:
    """Of one shot of a product of powers of quadratures in the vacuum, E q^k = (k - 1)!! for even k."""
    moment = lambda k: 0.0 if k % 2 else float(math.prod(range(1, k, 2)))
    squares = math.prod(moment(2 * k) for k in powers)
    return coefficient**2 * (squares - math.prod(map(moment, powers)) ** 2)


@lru_cache
def _rotated(a: int, b: int) -> tuple[tuple[float, float], ...]:
    """Sym(x^a p^b) as sum of c * (x cos t + p sin t)^(a+b): pairs (c, t).

    Symmetrised monomials of degree d are spanned by the d-th powers of d+1 rotated quadratures, since
    (x cos t + p sin t)^d = sum_k C(d, k) cos^(d-k) t sin^k t Sym(x^(d-k) p^k).
    """
    d = a + b
    if b == 0:
        return ((1.0, 0.0),)
    if a == 0:
        return ((1.0, np.pi / 2),)
    angles = np.arange(d + 1) * np.pi / (d + 1)
    k = np.arange(d + 1)[:, None]
    matrix = (
        np.array([comb(d, i) for i in range(d + 1)])[:, None]
        * np.cos(angles) ** (d - k)
        * np.sin(angles) ** k
    )
    c = np.linalg.solve(matrix, np.eye(d + 1)[b])
    return tuple((float(x), float(t)) for x, t in zip(c, angles, strict=True) if abs(x) > 1e-12)


def homodyne_parts(observable: Polynomial) -> Iterator[tuple[float, dict[int, float], tuple[int, ...]]]:
    """The polynomial as products of powers of rotated quadratures: (coefficient, {mode: angle}, powers)."""
    for monomial, coefficient in observable.terms.items():
        ordered = sorted(monomial)
        for choice in product(*(_rotated(a, b) for _, a, b in ordered)):
            c = coefficient * np.prod([x for x, _ in choice])
            angles = {mode: t for (mode, _, _), (_, t) in zip(ordered, choice, strict=True)}
            yield c, angles, tuple(a + b for _, a, b in ordered)
