"""Polynomials in x and p: the canonical form of CV observables, `NumberOperator(0) + 2*QuadX(1)`.

A polynomial is stored as its Weyl symbol (see weyl.py) and is canonical: equal observables are equal
polynomials. The expectation value in a Gaussian state is the classical Gaussian average of the symbol.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property, reduce
from itertools import combinations_with_replacement, permutations, product
from numbers import Number
from typing import Any, ClassVar

import numpy as np

from hybridge.arithmetic import left_arithmetic
from hybridge.errors import CircuitError
from hybridge.phasespace.weyl import (
    Monomial,
    NumberMonomial,
    homodyne_form,
    monomial,
    multiply,
    number_form,
    quadrature_power,
    rotated_powers,
)

Points = Mapping[Any, tuple[Any, Any]]

DUST = 1e-14  # an imaginary part this small, relative to the largest coefficient, is rounding


class Polynomial:
    """A polynomial in x and p of some modes; immutable, hashable, with `+ - * @ **`.

    terms   {monomial: coefficient}, the Weyl symbol; all real exactly where the observable is Hermitian
    degree  highest total power of x and p
    traced  whether a coefficient is traced by a differentiable library; `split` separates such coefficients,
            and until then `number` and `settings` are None

    `@` and `*` between polynomials both multiply operators, in this order.

    >>> x, p = position(0), momentum(0)
    >>> x @ p - p @ x
    2j
    >>> (x @ x + p @ p) / 4 - 0.5 == photon_number(0)
    True
    """

    domain: ClassVar[str] = "cv"
    form: ClassVar[str] = "polynomial"  # what a device claims that returns its mean

    def __init__(self, terms: Mapping[Monomial, Any], wires: Iterable[Hashable] = ()):
        self.terms: dict[Monomial, Any] = _tidy(terms)
        named = dict.fromkeys(wires)
        named.update(dict.fromkeys(mode for m in self.terms for mode, _, _ in m))
        self.wires: tuple[Hashable, ...] = tuple(named)
        self.degree: int = max((sum(a + b for _, a, b in m) for m in self.terms), default=0)
        self.traced: bool = not all(type(c) is float or _is_plain(c) for c in self.terms.values())
        # a sum of coefficient * plain polynomial, as the user wrote it: what `split` gives back
        self._parts: dict[Polynomial, Any] | None = None
        if self.traced:
            self._parts = {Polynomial({m: 1.0}): c for m, c in self.terms.items()}

    @classmethod
    def _sum(cls, parts: Mapping[Polynomial, Any], wires: Iterable[Hashable]) -> Polynomial:
        terms: dict[Monomial, Any] = {}
        for part, c in parts.items():
            for m, weight in part.terms.items():
                terms[m] = terms[m] + c * weight if m in terms else c * weight
        total = cls(terms, wires)
        if total.traced:
            total._parts = dict(parts)
        return total

    def _linear(self) -> dict[Polynomial, Any]:
        return {self: 1.0} if self._parts is None else self._parts

    def as_observable(self) -> Polynomial:
        return self

    @cached_property
    def hermitian(self) -> bool:
        if self._parts is not None:
            return all(p.hermitian and not isinstance(c, complex) for p, c in self._parts.items())
        return all(not isinstance(c, complex) for c in self.terms.values())

    @cached_property
    def number(self) -> dict[NumberMonomial, float] | None:
        """As a polynomial in photon numbers, {((mode, power), ...): coefficient}; None if it is none."""
        return None if self.traced or not self.hermitian else number_form(self.terms)

    @cached_property
    def settings(self) -> dict[Hashable, float] | None:
        """The homodyne angle in [0, pi) per mode if it is a function of one quadrature per mode, else None.

        Outcomes q of x cos(angle) + p sin(angle) have the value
        `evaluate({mode: (q cos(angle), q sin(angle))})`.
        """
        return None if self.traced or not self.hermitian else homodyne_form(self.terms)

    def split(self) -> list[tuple[Any, Polynomial]]:
        """A sum of coefficient * polynomial, each of which has a `number` or a `settings` form.

        x^a p^b is a sum of powers of rotated quadratures, so this always succeeds.
        """
        if self._parts is not None:
            found = ((piece, c * w) for part, c in self._parts.items() for w, piece in part.split())
            return [(c, piece) for piece, c in _merged(found).items()]
        if self.number is not None or self.settings is not None:
            return [(1.0, self)]
        pieces: dict[Polynomial, Any] = {}
        for m, c in self.terms.items():
            for chosen in product(*([(mode, a + b, *r) for r in rotated_powers(a, b)] for mode, a, b in m)):
                factors = (quadrature_power(mode, angle, degree) for mode, degree, _, angle in chosen)
                piece = Polynomial(reduce(multiply, factors, {(): 1.0}))
                pieces[piece] = pieces.get(piece, 0.0) + c * math.prod(w for *_, w, _ in chosen)
        return [(c, piece) for piece, c in pieces.items()]

    def evaluate(self, points: Points) -> np.ndarray:
        """The symbol at classical phase-space points {mode: (x, p)}; the arrays broadcast."""
        at = {mode: (np.asarray(x, float), np.asarray(p, float)) for mode, (x, p) in points.items()}
        _check_modes(self, at, "phase-space points")
        total = np.zeros(np.broadcast_shapes(*(v.shape for pair in at.values() for v in pair)))
        for m, c in self.terms.items():
            value = c
            for mode, a, b in m:
                x, p = at[mode]
                value = value * x**a if a else value
                value = value * p**b if b else value
            total = total + value
        return total

    def photon_polynomial(self, numbers: Mapping[Any, Any]) -> np.ndarray:
        """The value at photon numbers {mode: n}; the arrays broadcast. CircuitError if `number` is None."""
        if self.number is None:
            raise CircuitError(f"{self!r} is not a function of photon numbers")
        at = {mode: np.asarray(n, float) for mode, n in numbers.items()}
        _check_modes(self, at, "photon numbers")
        total = np.zeros(np.broadcast_shapes(*(n.shape for n in at.values())))
        for m, c in self.number.items():
            total = total + c * math.prod((at[mode] ** k for mode, k in m), start=np.ones(()))
        return total

    def map_wires(self, mapping: Mapping[Any, Hashable]) -> Polynomial:
        """The same observable on other modes; modes not in `mapping` stay."""

        def go(plain: Polynomial) -> dict[Monomial, Any]:
            return {monomial((mapping.get(w, w), a, b) for w, a, b in m): c for m, c in plain.terms.items()}

        wires = [mapping.get(w, w) for w in self.wires]
        if len(set(wires)) < len(wires):
            raise CircuitError(f"{self!r} would have one mode twice on wires {wires!r}")
        if self._parts is None:
            return Polynomial(go(self), wires)
        return Polynomial._sum({Polynomial(go(part)): c for part, c in self._parts.items()}, wires)

    def __add__(self, other: Any) -> Polynomial:
        other = _as_polynomial(other)
        if other is None:
            return NotImplemented
        wires = self.wires + other.wires
        if self.traced or other.traced:
            return Polynomial._sum(_merged([*self._linear().items(), *other._linear().items()]), wires)
        return Polynomial(_merged([*self.terms.items(), *other.terms.items()]), wires)

    __radd__ = __add__

    def __matmul__(self, other: Any) -> Polynomial:
        if not isinstance(other, Polynomial):
            return NotImplemented
        wires = self.wires + other.wires
        if self.traced or other.traced:
            pairs = product(self._linear().items(), other._linear().items())
            return Polynomial._sum(_merged((p @ q, c * d) for (p, c), (q, d) in pairs), wires)
        return Polynomial(multiply(self.terms, other.terms), wires)

    def __mul__(self, other: Any) -> Polynomial:
        if isinstance(other, Polynomial):
            return self @ other
        if not _is_scalar(other):
            return NotImplemented
        if _is_plain(other) and not self.traced:
            return Polynomial({m: c * other for m, c in self.terms.items()}, self.wires)
        return Polynomial._sum({p: c * other for p, c in self._linear().items()}, self.wires)

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Polynomial:
        return self * (1 / number) if _is_scalar(number) else NotImplemented

    def __neg__(self) -> Polynomial:
        return self * -1

    def __sub__(self, other: Any) -> Polynomial:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Polynomial:
        return -self + other

    def __pow__(self, exponent: int) -> Polynomial:
        if not isinstance(exponent, int) or exponent < 0:
            raise CircuitError(f"an observable can be raised to a whole number >= 0, not to {exponent!r}")
        one = Polynomial({(): 1.0}, self.wires)
        if not self.traced:
            return reduce(Polynomial.__matmul__, [self] * exponent, one)
        # each product of coefficients with all orders of its polynomials, so that every part is Hermitian
        chosen = combinations_with_replacement(self._linear().items(), exponent)
        parts = (
            (_all_orders([p for p, _ in pairs], one), math.prod(c for _, c in pairs)) for pairs in chosen
        )
        return Polynomial._sum(_merged(parts), self.wires)

    __array_ufunc__ = left_arithmetic

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    @cached_property
    def _hash(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        named = self.terms if self.number is None else self.number
        ordered = sorted(named.items(), key=lambda term: not term[0])  # the constant comes last
        shown = [_show(c, "*".join(_show_factor(factor) for factor in m)) for m, c in ordered]
        return " + ".join(shown).replace("+ -", "- ") or "0"


def position(mode: Hashable) -> Polynomial:
    """x = a + a^dagger of one mode."""
    return Polynomial({((mode, 1, 0),): 1.0})


def momentum(mode: Hashable) -> Polynomial:
    """p = -i (a - a^dagger) of one mode."""
    return Polynomial({((mode, 0, 1),): 1.0})


def photon_number(mode: Hashable) -> Polynomial:
    """n = (x^2 + p^2) / 4 - 1/2 of one mode."""
    return Polynomial({((mode, 2, 0),): 0.25, ((mode, 0, 2),): 0.25, (): -0.5})


def _is_plain(coefficient: Any) -> bool:
    return isinstance(coefficient, (Number, np.number)) or (
        isinstance(coefficient, np.ndarray) and coefficient.ndim == 0 and coefficient.dtype != object
    )


def _is_scalar(thing: Any) -> bool:
    """Whether it is one number, plain or traced; CircuitError for an array of them."""
    if _is_plain(thing):
        return True
    shape = getattr(thing, "shape", None)
    if shape is None:
        return False
    if len(shape):
        raise CircuitError(
            f"an observable can be scaled by a number, not by an array of shape {tuple(shape)}"
        )
    return True


def _as_polynomial(thing: Any) -> Polynomial | None:
    if isinstance(thing, Polynomial):
        return thing
    return Polynomial({(): thing}) if _is_scalar(thing) else None


def _tidy(terms: Mapping[Monomial, Any]) -> dict[Monomial, Any]:
    """Plain coefficients as float (complex only where they are), traced ones as they are, zeros left out."""
    tidy: dict[Monomial, Any] = {}
    imaginary = False
    for m, c in terms.items():
        if type(c) is not float and _is_plain(c):
            z = complex(c)
            c = z.real if z.imag == 0 else z
            imaginary = imaginary or z.imag != 0
        if isinstance(c, (float, complex)):
            if not cmath.isfinite(c):
                raise CircuitError(f"the coefficients of an observable are finite numbers; got {c!r}")
            if c == 0:
                continue
        tidy[m] = c
    if not imaginary:
        return tidy
    dust = DUST * max(abs(c) for c in tidy.values() if isinstance(c, (float, complex)))
    real = {m: c.real if isinstance(c, complex) and abs(c.imag) <= dust else c for m, c in tidy.items()}
    return {m: c for m, c in real.items() if not (isinstance(c, float) and c == 0)}


def _merged(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    total: dict[Any, Any] = {}
    for key, c in items:
        total[key] = total[key] + c if key in total else c
    return total


def _all_orders(factors: list[Polynomial], one: Polynomial) -> Polynomial:
    """The sum of the products of `factors` in all different orders."""
    orders = set(permutations(factors))
    return reduce(Polynomial.__add__, (reduce(Polynomial.__matmul__, order, one) for order in orders))


def _check_modes(polynomial: Polynomial, given: Mapping[Hashable, Any], what: str) -> None:
    missing = [mode for m in polynomial.terms for mode, _, _ in m if mode not in given]
    if missing:
        raise CircuitError(f"{polynomial!r} needs {what} of mode {missing[0]!r}; got modes {list(given)!r}")


def _show_factor(factor: tuple[Any, ...]) -> str:
    mode, *powers = factor
    letters = zip("n" if len(powers) == 1 else "xp", powers, strict=True)
    return "*".join(f"{letter}({mode!r})" + (f"^{k}" if k > 1 else "") for letter, k in letters if k)


def _show(c: Any, name: str) -> str:
    if not _is_plain(c):
        return f"<traced>*{name}" if name else "<traced>"
    return name if c == 1 and name else f"{c!r}*{name}" if name else f"{c!r}"
