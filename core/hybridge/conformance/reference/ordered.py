"""Polynomials in x and p as sums of ordered products, the first factor acting last.

Nothing here knows of Weyl symbols but `ordered`, which reads one by its definition: the average over all
orders.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import reduce
from itertools import permutations
from typing import Any

Factor = tuple[Hashable, str]  # a mode and "x" or "p"
Product = tuple[Factor, ...]


class Ordered:
    """A sum of coefficients times products of x and p in their order; `+ - @ **`, and `*` by a number."""

    def __init__(self, terms: Mapping[Product, complex]):
        self.terms = dict(terms)

    def __add__(self, other: Ordered | complex) -> Ordered:
        added: dict[Product, complex] = other.terms if isinstance(other, Ordered) else {(): other}
        return Ordered({k: self.terms.get(k, 0) + added.get(k, 0) for k in {**self.terms, **added}})

    def __mul__(self, number: complex) -> Ordered:
        return Ordered({k: number * c for k, c in self.terms.items()})

    __rmul__ = __mul__

    def __sub__(self, other: Ordered | complex) -> Ordered:
        return self + -1 * other

    def __matmul__(self, other: Ordered) -> Ordered:
        total: dict[Product, complex] = {}
        for a, ca in self.terms.items():
            for b, cb in other.terms.items():
                total[a + b] = total.get(a + b, 0) + ca * cb
        return Ordered(total)

    def __pow__(self, exponent: int) -> Ordered:
        return reduce(Ordered.__matmul__, [self] * exponent, Ordered({(): 1.0}))


def x(mode: Hashable) -> Ordered:
    """a + a^dagger."""
    return Ordered({((mode, "x"),): 1.0})


def p(mode: Hashable) -> Ordered:
    """-i (a - a^dagger)."""
    return Ordered({((mode, "p"),): 1.0})


def number(mode: Hashable) -> Ordered:
    """a^dagger a with a = (x + i p) / 2."""
    return 0.25 * (x(mode) - 1j * p(mode)) @ (x(mode) + 1j * p(mode))


def ordered(polynomial: Any) -> Ordered:
    """A Polynomial as ordered products: a Weyl-ordered monomial is the average over all its orders."""
    if isinstance(polynomial, Ordered):
        return polynomial
    total = Ordered({})
    for monomial, coefficient in polynomial.terms.items():
        term = Ordered({(): coefficient})
        for mode, a, b in monomial:
            orders = sorted(set(permutations("x" * a + "p" * b)))
            term = term @ Ordered({tuple((mode, s) for s in order): 1 / len(orders) for order in orders})
        total = total + term
    return total
