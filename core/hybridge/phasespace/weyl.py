"""Weyl symbols, dicts {monomial: coefficient}: their star product, and the forms in which they are sampled.

A monomial is a tuple of (mode, a, b), modes in one fixed order, a + b > 0: the symmetrically ordered product
of x^a p^b over the modes; () is the constant. hbar = 2, so [x, p] = 2i and n = (x^2 + p^2) / 4 - 1/2.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

Monomial = tuple[tuple[Any, int, int], ...]  # the mode is any hashable label
NumberMonomial = tuple[tuple[Any, int], ...]  # (mode, power of its photon number)

ROUNDING = 1e-12  # two coefficients that differ by less, relative to the largest, are equal


def _place(item: tuple[Any, ...]) -> tuple[int, Any]:
    mode = item[0]
    return (0, mode) if isinstance(mode, int) else (1, repr(mode))


def monomial(items: Iterable[tuple[Hashable, int, int]]) -> Monomial:
    """The canonical monomial of these (mode, a, b), each mode at most once."""
    return tuple(sorted((item for item in items if item[1] or item[2]), key=_place))


@lru_cache(maxsize=1 << 14)
def star(a: int, b: int, c: int, d: int) -> tuple[tuple[int, int, complex], ...]:
    """x^a p^b times x^c p^d in one mode: the (e, f, weight) of x^e p^f.

    Moyal's f exp(i hbar/2 (d/dx d/dp' - d/dp d/dx')) g at hbar = 2; the m-th x-derivative of f meets the m-th
    p-derivative of g and the n-th p-derivative of f the n-th x-derivative of g.
    """
    found: dict[tuple[int, int], complex] = {}
    for m in range(min(a, d) + 1):
        for n in range(min(b, c) + 1):
            count = math.comb(a, m) * math.perm(d, m) * math.comb(b, n) * math.perm(c, n) * (-1) ** n
            weight = count * (1, 1j, -1, -1j)[(m + n) % 4]
            key = a + c - m - n, b + d - m - n
            found[key] = found.get(key, 0) + weight
    return tuple((e, f, w) for (e, f), w in found.items() if w)


def multiply(f: Mapping[Monomial, Any], g: Mapping[Monomial, Any]) -> dict[Monomial, Any]:
    """The star product of two symbols: the symbol of the product of the operators."""
    total: dict[Monomial, Any] = {}
    for left, cl in f.items():
        for right, cr in g.items():
            for m, weight in _multiply_monomials(left, right):
                total[m] = total.get(m, 0) + cl * cr * weight
    return total


def _multiply_monomials(left: Monomial, right: Monomial) -> Iterable[tuple[Monomial, complex]]:
    if not left or not right:
        return ((left or right, 1),)
    mine, theirs = ({mode: (a, b) for mode, a, b in m} for m in (left, right))
    shared = [mode for mode in mine if mode in theirs]
    alone = [item for item in left + right if not (item[0] in mine and item[0] in theirs)]
    choices = product(*(star(*mine[mode], *theirs[mode]) for mode in shared))
    return [
        (
            monomial([*alone, *((mode, e, f) for mode, (e, f, _) in zip(shared, chosen, strict=True))]),
            math.prod(w for _, _, w in chosen),
        )
        for chosen in choices
    ]


@lru_cache(maxsize=256)
def radial_power(j: int) -> tuple[int, ...]:
    """The operator with symbol (x^2 + p^2)^j as a polynomial in n, lowest power first: 4n + 2 for j = 1.

    From (x^2 + p^2) * f = (x^2 + p^2) f - Laplacian f for a radial f, * the star product.
    """
    before, now = np.zeros(1, dtype=object), np.ones(1, dtype=object)
    for i in range(j):
        following = np.zeros(i + 2, dtype=object)
        following[1:] += 4 * now
        following[:-1] += 2 * now
        following[: len(before)] += 4 * i * i * before
        before, now = now, following
    return tuple(int(c) for c in now)


def number_form(terms: Mapping[Monomial, float]) -> dict[NumberMonomial, float] | None:
    """The same observable as a polynomial in photon numbers, or None if it is none."""
    if any(a % 2 or b % 2 for m in terms for _, a, b in m):
        return None
    scale = max(map(abs, terms.values()), default=0.0)
    radial = {m: c for m, c in terms.items() if not any(b for _, _, b in m)}
    expected: dict[Monomial, float] = {}
    for m, c in radial.items():
        spread = (
            [(mode, a - 2 * i, 2 * i, math.comb(a // 2, i)) for i in range(a // 2 + 1)] for mode, a, _ in m
        )
        for chosen in product(*spread):
            key = tuple((mode, a, b) for mode, a, b, _ in chosen)
            expected[key] = expected.get(key, 0.0) + c * math.prod(k for *_, k in chosen)
    if any(abs(terms.get(m, 0.0) - expected.get(m, 0.0)) > ROUNDING * scale for m in {*terms, *expected}):
        return None
    total: dict[NumberMonomial, float] = {}
    for m, c in radial.items():
        powers_of_n = ([(mode, k, w) for k, w in enumerate(radial_power(a // 2))] for mode, a, _ in m)
        for picked in product(*powers_of_n):
            powers = tuple((mode, k) for mode, k, _ in picked if k)
            total[powers] = total.get(powers, 0.0) + c * math.prod(w for *_, w in picked)
    largest = max(map(abs, total.values()), default=0.0)
    return {m: c for m, c in total.items() if abs(c) > ROUNDING * largest}


def homodyne_form(terms: Mapping[Monomial, float]) -> dict[Hashable, float] | None:
    """The angle in [0, pi) per mode if it is a function of one x cos + p sin per mode, or None."""
    angles: dict[Hashable, float] = {}
    for mode in dict.fromkeys(mode for m in terms for mode, _, _ in m):
        gradient: dict[Any, list[float]] = {}  # what multiplies it: (d/dx, d/dp) of the symbol
        for m, c in terms.items():
            a, b = next(((a, b) for other, a, b in m if other == mode), (0, 0))
            rest = tuple(item for item in m if item[0] != mode)
            if a:
                gradient.setdefault((rest, a - 1, b), [0.0, 0.0])[0] += c * a
            if b:
                gradient.setdefault((rest, a, b - 1), [0.0, 0.0])[1] += c * b
        x, p = max(gradient.values(), key=lambda g: math.hypot(*g))
        length = math.hypot(x, p)
        if any(
            abs(x * other_p - p * other_x) > ROUNDING * length**2 for other_x, other_p in gradient.values()
        ):
            return None
        # rounded, so that the angles of x_phi and x_phi^2 are the same number; x and p themselves are exact
        angle = 0.0 if p == 0 else math.pi / 2 if x == 0 else round(math.atan2(p, x) % math.pi, 12)
        angles[mode] = angle if angle < 3.141592653589 else 0.0
    return angles


@lru_cache(maxsize=256)
def rotated_powers(a: int, b: int) -> tuple[tuple[float, float], ...]:
    """x^a p^b as a sum of weight * (x cos angle + p sin angle)^(a + b): the (weight, angle)."""
    degree = a + b
    if not a or not b:
        return ((1.0, 0.0 if a else math.pi / 2),)
    angles = np.pi * (np.arange(degree + 1) / (degree + 1) + 1 / (2 * degree + 2))
    powers = np.arange(degree + 1)[:, None]
    binomials = np.array([[math.comb(degree, k)] for k in range(degree + 1)])
    matrix = binomials * np.cos(angles) ** (degree - powers) * np.sin(angles) ** powers
    weights = np.linalg.solve(matrix, np.eye(degree + 1)[b])
    return tuple(
        (float(w), float(angle)) for w, angle in zip(weights, angles, strict=True) if abs(w) > ROUNDING
    )


def quadrature_power(mode: Hashable, angle: float, degree: int) -> dict[Monomial, float]:
    """The symbol of (x cos angle + p sin angle)^degree."""
    if angle in (0.0, math.pi / 2):
        return {((mode, degree, 0) if angle == 0.0 else (mode, 0, degree),): 1.0}
    z = cmath.rect(1.0, angle)
    return {
        ((mode, degree - k, k),): math.comb(degree, k) * z.real ** (degree - k) * z.imag**k
        for k in range(degree + 1)
    }
