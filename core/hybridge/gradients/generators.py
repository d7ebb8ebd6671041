"""The generators of a gate's parameters, as sums of Pauli words."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from hybridge.errors import GradientError
from hybridge.gradients.shift import shift_rule
from hybridge.operations.pauli import Sentence, word
from hybridge.operations.table import Operation, Wires

MAX_WIRES = 4  # U^dagger A U is a matrix (4^k, 4^k)
SMALL = 1e-12  # coefficients below are rounding


def generator(operation: Operation, index: int, values: tuple[float, ...], wires: Wires) -> Sentence:
    """G = i U^dagger dU/dp for p = params[index] at these values, on `wires`, without its trace.

    A state U|s> changes with p by -i U G|s>. It is exact: U^dagger A U lies in the spectrum of p for every A,
    and its derivative, i [G, U^dagger A U], is a shift rule. Raises GradientError where either
    is missing.
    """
    if operation.exponent == operation.params and len(values) == 1:
        values = (0.0,)  # exp(-i p G): the same everywhere, and kept but once
    return _generator(operation, index, values).map_wires(dict(enumerate(wires)))


@lru_cache(maxsize=4096)
def _generator(operation: Operation, index: int, values: tuple[float, ...]) -> Sentence:
    spectrum = operation.spectrum[index]
    wide = operation.num_wires > MAX_WIRES
    if operation.kind != "gate" or operation.definition is None or spectrum is None or wide:
        raise GradientError(
            f"parameter {operation.params[index]!r} of {operation.name}",
            f"its generator is found only of gates with a spectrum and a matrix on at most {MAX_WIRES} wires",
            "use approx=None",
        )
    rule, k = shift_rule(spectrum), operation.num_wires
    points = np.repeat(np.array([values]), len(rule.shifts) + 1, axis=0)
    points[:-1, index] += rule.shifts
    unitaries = np.array([operation.definition(*p) for p in points])
    conjugations = np.array([np.kron(u.conj().T, u.T) for u in unitaries])  # A -> U^dagger A U, row by row
    commutator = np.tensordot(rule.weights, conjugations[:-1], 1) @ conjugations[-1].conj().T
    size = 2**k
    # i (G x 1 - 1 x G^T), G without trace: its partial trace is i size G
    found = np.einsum("abcb->ac", commutator.reshape((size,) * 4)) / (1j * size)
    terms = {}
    for letters in product("IXYZ", repeat=k):
        pauli = Sentence({word(enumerate(letters)): 1.0}, range(k))
        coefficient = float(np.trace(pauli.matrix(range(k)) @ found).real) / size
        if abs(coefficient) > SMALL and set(letters) != {"I"}:
            terms[word(enumerate(letters))] = coefficient
    return Sentence(terms, range(k))
