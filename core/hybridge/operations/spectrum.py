"""How an expectation value depends on one parameter; the exact shift rules follow from it.

The spectrum of a parameter is the function space in which the expectation value of an observable of
degree 1 lies (a qubit observable; a CV observable linear in x and p). An observable of degree K in (x, p), or
a variance, lies in the space spanned by products of K such functions; `powers` gives that space.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

SAME = 1e-9  # frequencies and energies nearer to each other than that are one


def distinct(values: Iterable[float]) -> list[float]:
    """The values in order, those that differ by rounding once, to twelve decimals: rules need nearly all."""
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > SAME:
            found.append(round(float(value), 12))
    return found


class Trig(tuple[float, ...]):
    """cos(w t) and sin(w t) for these angular frequencies w (1/radian): `Trig(1)`, `Trig(.5, 1)`."""

    __slots__ = ()

    def __new__(cls, *frequencies: float) -> Trig:
        return super().__new__(cls, sorted(frequencies))

    # Trig(1) is not Power(1), though both hold a 1: rules are cached by spectrum
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trig) and tuple.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((Trig, tuple(self)))

    def __repr__(self) -> str:
        return f"Trig({', '.join(f'{w:g}' for w in self)})"

    def __getnewargs__(self) -> tuple[float, ...]:
        return tuple(self)

    def power(self, degree: int) -> Trig:
        """The frequencies of products of `degree` such functions: all sums and differences."""
        reach = [0.0]
        for _ in range(degree):
            reach = distinct([*reach, *(a + s * w for a, w, s in product(reach, self, (-1, 1)))])
        return Trig(*(w for w in reach if w > SAME))


@dataclass(frozen=True)
class Hyperbolic:
    """cosh(k r) and sinh(k r) for k = 1..degree."""

    degree: int = 1

    def power(self, degree: int) -> Hyperbolic:
        return Hyperbolic(self.degree * degree)


@dataclass(frozen=True)
class Power:
    """A polynomial of this degree in the parameter; `forward` where the parameter may grow but not shrink.

    `per` is the degree in x and p that it takes: 2 for a number in which the covariance is linear.
    """

    degree: int = 1
    forward: bool = False
    per: int = 1

    def power(self, degree: int) -> Power:
        """The degree of an observable of degree K in x and p: K / per, rounded down, times as much."""
        return Power(self.degree * (degree // self.per), self.forward)


@dataclass(frozen=True)
class Chance:
    """A polynomial of this degree in a probability, which stays between 0 and 1 wherever it is evaluated.

    `among`: parameters of the operation, this one with them, whose sum is 1 at most; the polynomial is one in
    all of them together.
    """

    degree: int = 1
    among: tuple[str, ...] = ()

    def power(self, degree: int) -> Chance:
        return Chance(self.degree * degree, self.among)


Spectrum = Trig | Hyperbolic | Power | Chance
