"""Which basis a qubit observable is read in, what its bit strings mean, and which share their shots."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Instruction
from hybridge.observables.qubit import Hermitian
from hybridge.operations.modifiers import adjoint
from hybridge.operations.pauli import Sentence, Word
from hybridge.operations.qubit_gates import H, S
from hybridge.operations.qubit_unitaries import QubitUnitary
from hybridge.operations.table import Constant

Basis = tuple[
    tuple[int, ...], Hashable
]  # wires and a letter for one of them, or the Constant that rotates them

# |0>, |1> after the rotation are the +1, -1 eigenstates of the letter
_LETTERS = {"X": (H,), "Y": (adjoint(S), H), "Z": ()}


class Reading(NamedTuple):
    """Read `wires` in these bases; `value` maps bits (..., k) to values (...); None: the bits themselves."""

    bases: tuple[Basis, ...]
    wires: tuple[int, ...]
    value: Callable[[np.ndarray], np.ndarray] | None


def read_wires(wires: Sequence[int]) -> Reading:
    """The wires in the computational basis."""
    return Reading(tuple(((w,), "Z") for w in wires), tuple(wires), None)


def read_word(w: Word) -> Reading:
    """One Pauli word: the parity of the rotated bits."""
    wires: tuple[Any, ...] = tuple(wire for wire, _ in w)
    return Reading(tuple(((wire,), s) for wire, s in w), wires, _parity)  # type: ignore[misc]


def _parity(bits: np.ndarray) -> np.ndarray:
    return 1.0 - 2.0 * (bits.sum(axis=-1) % 2)


def read_basis(observable: Any, wires: Sequence[int]) -> Reading | None:
    """The bits of these wires, the observable's own, in its eigenbasis; None where read_observable is."""
    reading = read_observable(observable, by_value=True)
    if reading is None:
        return None
    idle: tuple[Basis, ...] = tuple(((w,), "Z") for w in wires if w not in reading.wires)
    return Reading((*reading.bases, *idle), tuple(wires), None)


MAX_ROTATED_WIRES = (
    6  # a sum of words that clash is read in its own eigenbasis up to here: a 64 by 64 unitary
)


def read_observable(observable: Any, by_value: bool = False) -> Reading | None:
    """The whole observable from one setting; None for clashing words on more than MAX_ROTATED_WIRES wires.

    `by_value`: bits are to number the eigenvalues of a matrix in ascending order, be it diagonal or not.
    """
    if not isinstance(observable, Sentence):
        return _read_matrix(observable, by_value)
    reading = _read_sentence(observable)
    if reading is None and len(observable.wires) <= MAX_ROTATED_WIRES:
        return _read_matrix(Hermitian(observable.matrix(), observable.wires), by_value)
    return reading


def _read_sentence(sentence: Sentence) -> Reading | None:
    letters: dict[Any, str] = {}
    for w in sentence.terms:
        for wire, s in w:
            if letters.setdefault(wire, s) != s:
                return None
    wires = tuple(letters) or tuple(sentence.wires)
    place = {wire: k for k, wire in enumerate(wires)}
    terms = [([place[wire] for wire, _ in w], c) for w, c in sentence.terms.items()]

    def value(bits: np.ndarray) -> np.ndarray:
        return sum((c * _parity(bits[..., at]) for at, c in terms), np.zeros(bits.shape[:-1]))

    return Reading(tuple(((w,), letters.get(w, "Z")) for w in wires), wires, value)


def _read_matrix(observable: Any, by_value: bool) -> Reading:
    wires = tuple(observable.wires)
    k = len(wires)
    if observable.bits is not None:
        sought = np.array(observable.bits)
        plainly = tuple(((w,), "Z") for w in wires)
        return Reading(plainly, wires, lambda bits: (bits == sought).all(axis=-1).astype(float))
    weights = 1 << np.arange(k)[::-1]
    if observable.diagonal is not None:
        eigenvalues = observable.diagonal
        return Reading(tuple(((w,), "Z") for w in wires), wires, lambda bits: eigenvalues[bits @ weights])
    values, vectors = observable.eigen
    places = np.abs(vectors).argmax(axis=0)
    plain = np.array_equal(np.abs(vectors), np.eye(2**k)[:, places])
    plain &= not by_value or np.array_equal(places, np.arange(2**k))
    if plain:  # of a diagonal matrix: nothing is turned, so bits are misread where they are
        values = values[np.argsort(places)]
    bases: tuple[Basis, ...] = (
        tuple(((w,), "Z") for w in wires) if plain else ((wires, Constant(vectors.conj().T, complex)),)
    )
    return Reading(bases, wires, lambda bits: values[bits @ weights])


def gap(observable: Any) -> float:
    """How far another outcome of one shot may be: that of the heaviest word the other way, or of all."""
    if isinstance(observable, Sentence):
        return 2 * max((abs(c) for w, c in observable.terms.items() if w), default=0.0)
    if observable.diagonal is not None:
        return float(np.ptp(observable.diagonal))
    return 1.0 if observable.bits is not None else float(np.ptp(observable.eigen[0]))


def expected_variance(observable: Any) -> float:
    """Of one shot, in the maximally mixed state: the sum of the words' squared coefficients."""
    if isinstance(observable, Sentence):
        return float(sum(abs(c) ** 2 for w, c in observable.terms.items() if w))
    if observable.bits is not None:
        p = 0.5 ** len(observable.bits)
        return p * (1 - p)
    return float(np.var(observable.eigen[0] if observable.diagonal is None else observable.diagonal))


class Groups:
    """Settings, each a basis per wire, that readings share where they agree (qubit-wise commuting)."""

    def __init__(self) -> None:
        self.settings: list[dict[int, Basis]] = []
        self.wires: list[dict[int, None]] = []
        self.variances: list[float] = []  # expected of one shot

    def add(self, reading: Reading, variance: float = 1.0) -> int:
        """The index of the setting in which this reading is taken: the first it fits in."""
        wanted = {w: basis for basis in reading.bases for w in basis[0]}
        fits = lambda setting: all(setting.get(w, basis) == basis for w, basis in wanted.items())
        i = next((i for i, setting in enumerate(self.settings) if fits(setting)), len(self.settings))
        if i == len(self.settings):
            self.settings.append({})
            self.wires.append({})
            self.variances.append(0.0)
        self.settings[i].update(wanted)
        self.wires[i].update(dict.fromkeys((*reading.wires, *wanted)))
        self.variances[i] += variance
        return i

    def rotations(self, i: int) -> list[Instruction]:
        """What turns setting i into the computational basis."""
        found: list[Instruction] = []
        for wires, key in dict.fromkeys(self.settings[i].values()):
            if isinstance(key, Constant):
                found.append(Instruction(QubitUnitary.of(len(wires), key.array), wires))
            else:
                found += [Instruction(row, wires) for row in _LETTERS[str(key)]]
        return found
