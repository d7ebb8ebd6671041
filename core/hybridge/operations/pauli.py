"""Sentences of Pauli words: the canonical form of qubit observables, `2*Z(0)@Z(1) + X(2)`.

A word is a tuple of (wire, letter), letters X, Y, Z, wires in one fixed order, identities left out; the empty
word is the identity. A sentence maps words to coefficients and is canonical: equal observables are equal
sentences.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property, reduce
from math import isfinite
from numbers import Number
from types import MappingProxyType
from typing import Any

import numpy as np

from hybridge import memory
from hybridge.arithmetic import left_arithmetic
from hybridge.errors import CircuitError

Word = tuple[tuple[Hashable, str], ...]

MATRICES = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]).astype(complex),
}
# letter times letter: the remaining letter and the power of i
_PRODUCT = {("X", "Y"): ("Z", 1), ("Y", "Z"): ("X", 1), ("Z", "X"): ("Y", 1)}
_PRODUCT |= {(b, a): (c, 3) for (a, b), (c, _) in _PRODUCT.items()}
_PHASES = (1, 1j, -1, -1j)


def _place(item: tuple[Hashable, str]) -> tuple[int, Any]:
    wire = item[0]
    return (0, wire) if isinstance(wire, int) else (1, repr(wire))


def word(items: Iterable[tuple[Hashable, str]]) -> Word:
    """The canonical word of these (wire, letter) pairs, each wire at most once."""
    return tuple(sorted(((w, s) for w, s in items if s != "I"), key=_place))


def multiply_words(a: Word, b: Word) -> tuple[Word, complex]:
    """The product of two words as (word, phase), phase in {1, i, -1, -i}."""
    letters, power = dict(a), 0
    for wire, letter in b:
        mine = letters.get(wire)
        if mine is None:
            letters[wire] = letter
        elif mine == letter:
            del letters[wire]
        else:
            letters[wire], turn = _PRODUCT[mine, letter]
            power += turn
    return word(letters.items()), _PHASES[power % 4]


def _is_plain(coefficient: Any) -> bool:
    return isinstance(coefficient, (Number, np.number)) or (
        isinstance(coefficient, np.ndarray) and coefficient.ndim == 0
    )


def _tidy(coefficient: Any) -> Any:
    """A plain number as float (complex only where it is), anything traced by a library as it is."""
    if not _is_plain(coefficient):
        return coefficient
    number = complex(coefficient)
    if not isfinite(abs(number)):
        raise CircuitError(f"a coefficient of an observable must be finite; got {coefficient!r}")
    return number.real if number.imag == 0 else number


def is_number(thing: Any) -> bool:
    """Whether it is one number, plain or traced by a differentiable library, that an observable goes with."""
    if _is_plain(thing):
        return True
    try:
        return np.ndim(thing) == 0 and not hasattr(thing, "as_observable") and 1.0 * thing is not None
    except (TypeError, ValueError):
        return False


MAX_DENSE_WIRES = 12  # a dense complex matrix over 12 wires is 256 MiB


class Sentence:
    """A linear combination of Pauli words; immutable, hashable, with `+ - * @ **`.

    `@` and `*` between sentences both multiply. Coefficients may be traced by a differentiable library; the
    sentence is then not hashable and `traced` is true.

    >>> import hybridge as hb
    >>> 2 * hb.Z(0) @ hb.Z(1) + hb.X(2)
    2.0*Z(0)@Z(1) + X(2)
    """

    domain = "qubit"
    degree = 1  # linear in the state: an expectation value has the spectra of the rows as they stand

    def __init__(self, terms: Mapping[Word, Any], wires: Iterable[Hashable] = ()):
        tidy = {w: _tidy(c) for w, c in terms.items()}
        # read-only: sentences are shared, Z(0) is the same one everywhere
        self.terms: Mapping[Word, Any] = MappingProxyType(
            {w: c for w, c in tidy.items() if not (_is_plain(c) and c == 0)}
        )
        named = dict.fromkeys(wires)
        named.update(dict.fromkeys(wire for w in self.terms for wire, _ in w))
        self.wires: tuple[Hashable, ...] = tuple(named)

    def as_observable(self) -> Sentence:
        return self

    @cached_property
    def traced(self) -> bool:
        """Whether a coefficient is traced by a differentiable library."""
        return not all(_is_plain(c) for c in self.terms.values())

    @cached_property
    def hermitian(self) -> bool:
        return all(not isinstance(c, complex) for c in self.terms.values())

    def split(self) -> list[tuple[Any, Sentence]]:
        """The coefficients and their words: [(c, word as a sentence)]."""
        return [(c, Sentence({w: 1.0}, [wire for wire, _ in w] or self.wires)) for w, c in self.terms.items()]

    def matrix(self, wire_order: Iterable[Hashable] | None = None) -> np.ndarray:
        """The (2^n, 2^n) matrix over `wire_order`, the first wire most significant."""
        order = self.wires if wire_order is None else tuple(wire_order)
        if len(order) > MAX_DENSE_WIRES:
            needed = memory.human(16 * 4 ** len(order))
            raise CircuitError(
                f"the dense matrix over {len(order)} wires would need {needed} of memory; "
                f"it may have at most {MAX_DENSE_WIRES} wires: ask for the expval, or for each term's"
            )
        total = np.zeros((2 ** len(order),) * 2, dtype=complex)
        for w, c in self.terms.items():
            letters = dict(w)
            factors = [MATRICES[letters.get(wire, "I")] for wire in order]
            total += c * reduce(lambda a, b: np.kron(a, b), factors, np.eye(1, dtype=complex))
        return total

    def map_wires(self, mapping: Mapping[Hashable, Hashable]) -> Sentence:
        """The same observable on other wires; wires not in `mapping` stay."""
        go = lambda wire: mapping.get(wire, wire)
        return Sentence(
            {word((go(wire), s) for wire, s in w): c for w, c in self.terms.items()}, map(go, self.wires)
        )

    def __add__(self, other: Any) -> Sentence:
        sentence = _as_sentence(other)
        if sentence is None:
            if not is_number(other):
                return NotImplemented
            sentence = Sentence({(): other})
        terms = dict(self.terms)
        for w, c in sentence.terms.items():
            terms[w] = terms[w] + c if w in terms else c
        return Sentence(terms, self.wires + sentence.wires)

    __radd__ = __add__

    def __matmul__(self, other: Any) -> Sentence:
        other = _as_sentence(other)
        if other is None:
            return NotImplemented
        terms: dict[Word, Any] = {}
        for a, ca in self.terms.items():
            for b, cb in other.terms.items():
                w, phase = multiply_words(a, b)
                c = ca * cb if phase == 1 else ca * cb * phase
                terms[w] = terms[w] + c if w in terms else c
        return Sentence(terms, self.wires + other.wires)

    def __mul__(self, other: Any) -> Sentence:
        if _as_sentence(other) is not None:
            return self @ other
        if hasattr(other, "domain"):  # another kind of observable
            return NotImplemented
        if not is_number(other):
            what = f"an array of shape {other.shape}" if isinstance(other, np.ndarray) else repr(other)
            raise CircuitError(f"an observable can be scaled by a number, not by {what}")
        return Sentence({w: c * other for w, c in self.terms.items()}, self.wires)

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Sentence:
        return self * (1 / number)

    def __neg__(self) -> Sentence:
        return self * -1

    def __sub__(self, other: Any) -> Sentence:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Sentence:
        return -self + other

    def __pow__(self, exponent: int) -> Sentence:
        if not isinstance(exponent, int) or exponent < 0:
            raise CircuitError(f"an observable can be raised to a whole number >= 0, not to {exponent!r}")
        return reduce(Sentence.__matmul__, [self] * exponent, Sentence({(): 1.0}, self.wires))

    __array_ufunc__ = left_arithmetic

    def __eq__(self, other: object) -> bool:
        sentence = _as_sentence(other)
        return sentence is not None and self.terms == sentence.terms

    @cached_property
    def _hash(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        # without the hash, which differs from process to process
        return Sentence, (dict(self.terms), self.wires)

    def __repr__(self) -> str:
        return " + ".join(_term(w, c) for w, c in self.terms.items()).replace("+ -", "- ") or "0*I()"


def _as_sentence(thing: Any) -> Any:
    if isinstance(thing, Sentence):
        return thing
    convert = getattr(thing, "as_observable", None)
    found = convert() if convert else None
    return found if isinstance(found, Sentence) else None


def _term(w: Word, c: Any) -> str:
    name = "@".join(f"{s}({wire!r})" for wire, s in w) or "I()"
    if not _is_plain(c):
        return f"<traced>*{name}"
    return name if c == 1 else f"{c!r}*{name}"
