"""The matrices that SF's Fock simulator multiplies by, and their derivatives in the truncated basis.

Elements of D, S, S2, BS and MZ are those of the untruncated gates, by thewalrus, which also has their
derivatives; Miatto and Quesada, Quantum 4, 366 (2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from thewalrus import fock_gradients

from hybridge_strawberryfields.backends import fock

Gradients = Callable[..., tuple[np.ndarray, ...]]
kernels = fock.circuit.Circuit


@dataclass(frozen=True)
class Kind:
    """How a gate's array multiplies states (C, R) or (C, C, R) whose first axes are its modes."""

    times: Callable[[np.ndarray, np.ndarray], np.ndarray]
    adjoint: Callable[[np.ndarray], np.ndarray]


DIAGONAL = Kind(lambda T, state: T[..., None] * state, np.conj)
MATRIX = Kind(lambda T, state: T @ state, lambda T: T.conj().T)
# SF puts a mode's output and input side by side
PASSIVE = Kind(
    lambda T, state: kernels._apply_two_mode_passive(T, state, len(T)),
    lambda T: T.conj().transpose(1, 0, 3, 2),
)
PAIRS = Kind(lambda T, state: kernels._apply_S2(T, state, len(T)), PASSIVE.adjoint)


@dataclass(frozen=True)
class Turn:
    """A phase phi that T's elements have as exp(i phi factor (outputs - inputs of the first mode))."""

    factor: float

    def slope(self, kind: Kind, passage: Passage) -> float:
        before, after, earlier, back = passage
        n = np.arange(float(len(before))).reshape(-1, *(1,) * (before.ndim - 1))
        return -2 * self.factor * (np.vdot(back, n * after) - np.vdot(earlier, n * before)).imag


@dataclass(frozen=True)
class Generator:
    """H of a gate exp(i number H), the truncated matrix or its diagonal: cutoff -> H."""

    H: Callable[[int], np.ndarray]

    def slope(self, kind: Kind, passage: Passage) -> float:
        moved = kind.times(self.H(len(passage.after)), passage.after)
        return -2 * np.vdot(passage.back, moved).imag


@dataclass(frozen=True)
class Gate:
    """A gate's array at numbers and a cutoff; what each number is: a Turn, a Generator, or None.

    None is one whose derivative is that entry of `gradients(T, *numbers)`.
    """

    kind: Kind
    array: Callable[..., np.ndarray]
    numbers: tuple[Turn | Generator | None, ...]
    gradients: Gradients = lambda T, *numbers: ()


def _numbers(C: int) -> np.ndarray:
    return np.arange(float(C))


def _squares(C: int) -> np.ndarray:
    return np.arange(float(C)) ** 2


def _products(C: int) -> np.ndarray:
    return np.multiply.outer(np.arange(float(C)), np.arange(float(C)))


@lru_cache(maxsize=16)
def _cube(C: int) -> np.ndarray:
    """x^3 / 6 of the truncated x, as SF has it."""
    lower = np.diag(np.sqrt(np.arange(1.0, C)), 1)
    return np.linalg.matrix_power(lower + lower.T, 3) / 6


def _phases(H: Callable[[int], np.ndarray]) -> Gate:
    return Gate(DIAGONAL, lambda phi, C: np.exp(1j * phi * H(C)), (Generator(H),))


def _side_by_side(gradients: Any) -> Gradients:
    """thewalrus has both outputs first."""

    def found(T: np.ndarray, *numbers: float) -> tuple[np.ndarray, ...]:
        both = gradients(np.ascontiguousarray(T.transpose(0, 2, 1, 3)), *numbers)
        return tuple(slope.transpose(0, 2, 1, 3) for slope in both)

    return found


# the simulator's method -> its gate
GATES: dict[str, Gate] = {
    "rotation": _phases(_numbers),
    "kerr_interaction": _phases(_squares),
    "cross_kerr_interaction": _phases(_products),
    "cubic_phase": Gate(MATRIX, lambda g, C: fock.ops.cubicPhase(g, 2, C), (Generator(_cube),)),
    "displacement": Gate(MATRIX, fock.ops.displacement, (None, Turn(1.0)), fock_gradients.grad_displacement),
    "squeeze": Gate(MATRIX, fock.ops.squeezing, (None, Turn(0.5)), fock_gradients.grad_squeezing),
    "beamsplitter": Gate(
        PASSIVE,
        fock.ops.beamsplitter,
        (None, Turn(-1.0)),
        _side_by_side(fock_gradients.grad_beamsplitter),
    ),
    "mzgate": Gate(PASSIVE, fock.ops.mzgate, (None, None), _side_by_side(fock_gradients.grad_mzgate)),
    "two_mode_squeeze": Gate(
        PAIRS,
        fock.ops.two_mode_squeeze,
        (None, Turn(1.0)),
        _side_by_side(fock_gradients.grad_two_mode_squeezing),
    ),
}


class Passage(NamedTuple):
    """States on both sides of a gate T, and their cotangents: after = T before, earlier = T^dagger back.

    Their first axes are the gate's modes; dL = 2 Re <back, d after>.
    """

    before: np.ndarray
    after: np.ndarray
    earlier: np.ndarray
    back: np.ndarray


def slopes(gate: Gate, T: np.ndarray, numbers: Sequence[float], passage: Passage) -> list[float]:
    """dL / d number, of each of a gate's numbers."""
    of_arrays = gate.gradients(T, *numbers) if None in gate.numbers else (T,) * len(numbers)
    return [
        2 * np.vdot(passage.back, gate.kind.times(dT, passage.before)).real
        if number is None
        else number.slope(gate.kind, passage)
        for number, dT in zip(gate.numbers, of_arrays, strict=True)
    ]
