"""Time evolution under a sum of Pauli words: exp(-i t H)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations.matrices import DENSE_WIRES
from hybridge.operations.pauli import Sentence, multiply_words, word
from hybridge.operations.qubit_families import GlobalPhase, PauliRot
from hybridge.operations.qubit_unitaries import QubitUnitary
from hybridge.operations.spectrum import Trig, distinct
from hybridge.operations.table import Applied, Operation, Step, Wires, as_wires, derive, step

_MAX_LEVELS = 12  # a shift rule of more than 66 differences of energies would serve nobody


def evolve(op: Any, t: Any, wires: Any = None) -> Applied:
    """exp(-i t H) for a sum H of Pauli words with plain coefficients; `t` is a number of the circuit.

    Exact for every H: a Pauli rotation for one word, a product of them where the words commute, and otherwise
    2^n rotations in the eigenbasis of H, n <= 10 wires. Raises CircuitError for any other H.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(t):
    ...     hb.evolve(hb.X(0), t)
    ...     return hb.expval(hb.Z(0))
    >>> round(float(circuit(0.25)), 6)  # cos(2 t)
    0.877583
    """
    sentence = op.as_observable() if isinstance(op, (Applied, Sentence)) else None
    if sentence is None or sentence.traced or not sentence.hermitian:
        raise CircuitError(f"evolve needs a Hermitian sum of Pauli words with plain coefficients; got {op!r}")
    order = sentence.wires if wires is None else as_wires(wires)
    missing = set(sentence.wires) - set(order)
    if missing:
        raise CircuitError(
            f"evolve on wires {list(order)!r} leaves out wires of {sentence!r}: {sorted(missing, key=repr)!r}"
        )
    words = list(sentence.terms.items())
    if len(words) == 1 and words[0][0]:
        letters, coefficient = words[0]
        spelled = "".join(s for _, s in letters)
        return PauliRot(2 * coefficient * t, spelled, wires=tuple(wire for wire, _ in letters))
    relabelled = sentence.map_wires({wire: i for i, wire in enumerate(order)})
    row = derive(_evolution, len(order), Sentence(relabelled.terms, range(len(order))))
    return row(t, wires=order)


def exp(op: Any, coeff: complex) -> Applied:
    """exp(coeff * op) for an imaginary coeff: the same as evolve(op, t) with coeff = -i t.

    Raises CircuitError where exp(coeff * op) is not unitary; traced angles belong in `evolve`.
    """
    try:
        number = complex(coeff)
    except (TypeError, ValueError) as reason:
        raise CircuitError(
            f"exp needs a plain imaginary coeff; got {coeff!r}; evolve(op, t) takes traced t"
        ) from reason
    if number.real:
        raise CircuitError(f"exp(coeff * op) is a gate only for imaginary coeff; got {coeff!r}")
    return evolve(op, -number.imag)


def _evolution(num_wires: int, sentence: Sentence) -> Operation:
    """exp(-i t H), H on wires 0..n-1; the row of `evolve` where H has several words."""
    words = list(sentence.terms.items())
    commute = all(multiply_words(a, b) == multiply_words(b, a) for (a, _), (b, _) in combinations(words, 2))
    dense = num_wires <= DENSE_WIRES
    if not dense and not commute:
        raise CircuitError(
            f"evolve of words that do not commute takes a (2^n, 2^n) matrix, n <= {DENSE_WIRES}; "
            f"got n = {num_wires}; evolve each word for a short time in turn (Trotter)"
        )
    energies, basis = (
        np.linalg.eigh(sentence.matrix(range(num_wires))) if dense else (np.zeros(0), np.zeros((0, 0)))
    )
    levels = distinct(energies)
    gaps = distinct(b - a for a, b in combinations(levels, 2)) if 0 < len(levels) <= _MAX_LEVELS else None

    def definition(t: Any) -> np.ndarray:
        phases = np.exp(-1j * np.asarray(t, dtype=float)[..., None] * energies)
        return (basis * phases[..., None, :]) @ basis.conj().T

    def rotations(terms: Sequence[tuple[Any, float]], wires: Wires) -> list[Step]:
        steps = []
        for letters, c in terms:
            spelled = "".join(s for _, s in letters)
            turn = PauliRot.of(len(letters), spelled) if letters else GlobalPhase.of(0)
            scale = 2 * c if letters else c
            steps.append(step(turn, tuple(wires[i] for i, _ in letters), ("t", scale)))
        return steps

    def decomposition(*wires: Hashable) -> list[Step]:
        if commute:
            return rotations(words, wires)
        into = QubitUnitary.of(num_wires, basis.conj().T)
        return [
            step(into, wires),
            *rotations(_z_words(energies), wires),
            step(QubitUnitary.of(num_wires, basis), wires),
        ]

    return Operation(
        "Evolution",
        "qubit",
        num_wires,
        ("t",),
        definition=definition if dense else None,
        spectrum=(None if gaps is None else Trig(*gaps),),
        decomposition=decomposition,
        exponent=("t",),
        constants=(sentence,),
        formula="exp(-i t H)",
        label="exp(-itH)",
    )


def _z_words(energies: np.ndarray) -> list[tuple[Any, float]]:
    """diag(energies) as a sum of words of Z: [(word, coefficient)]."""
    n = len(energies).bit_length() - 1
    coefficients = energies
    for _ in range(n):  # the Walsh transform, one wire at a time
        pairs = coefficients.reshape(-1, 2)
        coefficients = np.concatenate([pairs.sum(axis=1), pairs @ [1, -1]]) / 2
    letters = [word([(i, "Z") for i in range(n) if k >> (n - 1 - i) & 1]) for k in range(2**n)]
    return [(w, float(c)) for w, c in zip(letters, coefficients, strict=True) if abs(c) > 1e-14]
