"""The rotations that conserve the number of ones: excitations of quantum chemistry."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import pi
from typing import Any

import numpy as np

from hybridge.operations import synthesis
from hybridge.operations.matrices import sparse
from hybridge.operations.qubit_entangling import CNOT, IsingXY, IsingZZ
from hybridge.operations.qubit_gates import PhaseShift
from hybridge.operations.table import Affine, Operation, Step, rotation_gate, step


def _givens(dimension: int, low: int, high: int, outside: float) -> Callable[[Any], np.ndarray]:
    """Rotation by phi/2 between two basis states, exp(i outside phi/2) on all others."""

    def definition(phi: Any) -> np.ndarray:
        half = np.asarray(phi, dtype=float) / 2
        c, s = np.cos(half), np.sin(half)
        rest = {(i, i): np.exp(1j * outside * half) for i in range(dimension) if i not in (low, high)}
        return sparse(dimension, {**rest, (low, low): c, (low, high): -s, (high, low): s, (high, high): c})

    return definition


def _single(outside: float) -> Callable[..., list[Step]]:
    def decomposition(a: Hashable, b: Hashable) -> list[Step]:
        turn = [step(PhaseShift, a, pi / 2), step(IsingXY, (a, b), "phi"), step(PhaseShift, a, -pi / 2)]
        phases = [
            step(IsingZZ, (a, b), ("phi", -outside / 2)),
            synthesis.phase(Affine("phi", outside / 4)),
        ]
        return [*turn, *(phases if outside else ())]

    return decomposition


def _double(outside: float) -> Callable[..., list[Step]]:
    def decomposition(*wires: Hashable) -> list[Step]:
        a, b, c, d = wires
        # |0011>, |1100> become |0 010>, |1 010>: a rotation of a, controlled on b, c, d reading 0, 1, 0
        gather = [step(CNOT, (a, b)), step(CNOT, (c, d)), step(CNOT, (a, c))]
        turn = synthesis.uniform_rotation("RY", (b, c, d), a, np.eye(8)[0b010], Affine("phi"))
        inside = synthesis.controlled_phase((b, c, d), Affine("phi", -outside / 2))
        phases = [*synthesis.where((0, 1, 0), (b, c, d), inside), synthesis.phase(Affine("phi", outside / 2))]
        return [*gather, *turn, *(phases if outside else ()), *reversed(gather)]

    return decomposition


SingleExcitation: Operation = rotation_gate(
    "SingleExcitation",
    2,
    _givens(4, 1, 2, 0),
    *(0.5, 1),
    formula="|01> -> c|01> + s|10>, |10> -> c|10> - s|01>; c = cos(phi/2), s = sin(phi/2)",
    label="G",
    decomposition=_single(0),
)
SingleExcitationPlus: Operation = rotation_gate(
    "SingleExcitationPlus",
    2,
    _givens(4, 1, 2, 1),
    1,
    formula="SingleExcitation(phi), and exp(i phi/2) on |00> and |11>",
    label="G₊",
    decomposition=_single(1),
)
SingleExcitationMinus: Operation = rotation_gate(
    "SingleExcitationMinus",
    2,
    _givens(4, 1, 2, -1),
    1,
    formula="SingleExcitation(phi), and exp(-i phi/2) on |00> and |11>",
    label="G₋",
    decomposition=_single(-1),
)
DoubleExcitation: Operation = rotation_gate(
    "DoubleExcitation",
    4,
    _givens(16, 3, 12, 0),
    *(0.5, 1),
    formula="|0011> -> c|0011> + s|1100>, |1100> -> c|1100> - s|0011>; c = cos(phi/2), s = sin(phi/2)",
    label="G²",
    decomposition=_double(0),
)
DoubleExcitationPlus: Operation = rotation_gate(
    "DoubleExcitationPlus",
    4,
    _givens(16, 3, 12, 1),
    1,
    formula="DoubleExcitation(phi), and exp(i phi/2) on all other basis states",
    label="G²₊",
    decomposition=_double(1),
)
DoubleExcitationMinus: Operation = rotation_gate(
    "DoubleExcitationMinus",
    4,
    _givens(16, 3, 12, -1),
    1,
    formula="DoubleExcitation(phi), and exp(-i phi/2) on all other basis states",
    label="G²₋",
    decomposition=_double(-1),
)


def _fermionic_swap(phi: Any) -> np.ndarray:
    full = np.exp(1j * np.asarray(phi, dtype=float))
    stay, swap = (1 + full) / 2, (1 - full) / 2
    return sparse(4, {(0, 0): 1, (1, 1): stay, (1, 2): swap, (2, 1): swap, (2, 2): stay, (3, 3): full})


FermionicSWAP: Operation = rotation_gate(
    "FermionicSWAP",
    2,
    _fermionic_swap,
    1,
    formula="exp(i phi/2 (n_a + n_b) - i phi/4 (XX + YY)), n = (1 - Z)/2; at pi, SWAP with -1 on |11>",
    label="FSWAP",
    decomposition=lambda a, b: [
        *(step(PhaseShift, wire, ("phi", 0.5)) for wire in (a, b)),
        step(IsingXY, (a, b), ("phi", -1)),
    ],
)


def _orbital_rotation(phi: Any) -> np.ndarray:
    """One Givens rotation of spin up (a, c) and spin down (b, d), with Jordan-Wigner signs."""
    exchange = np.kron(np.kron(np.eye(2), FermionicSWAP.matrix(pi)), np.eye(2))
    single = SingleExcitation.matrix(phi)
    both = np.einsum("...ij,...kl->...ikjl", single, single).reshape(*single.shape[:-2], 16, 16)
    return exchange @ both @ exchange


OrbitalRotation: Operation = rotation_gate(
    "OrbitalRotation",
    4,
    _orbital_rotation,
    *(0.5, 1, 1.5, 2),
    formula="exp(-i phi/4 (YZXI - XZYI + IYZX - IXZY)): orbitals (a, b) and (c, d), spins up and down",
    decomposition=lambda a, b, c, d: [
        step(FermionicSWAP, (b, c), pi),
        *(step(SingleExcitation, (a, b), "phi"), step(SingleExcitation, (c, d), "phi")),
        step(FermionicSWAP, (b, c), -pi),
    ],
)
