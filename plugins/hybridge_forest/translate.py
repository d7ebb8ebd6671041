"""The table from hybridge's rows to Quil gates; needs no SDK.

Only gates that every Quil simulator knows: no DAGGER, CONTROLLED or FORKED, no RXX, FSIM, U, CAN or SQISW,
and DEFGATE only for matrices and kets. Each line is exact, global phase included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import pi
from typing import NamedTuple

import numpy as np

from hybridge.plugin import Instruction, Operation


class Angle(NamedTuple):
    """scale * (the number in this slot of the row), or just `scale` where slot is None; radians."""

    scale: float
    slot: int | None = None


class Gate(NamedTuple):
    """One Quil gate, first wire most significant: a standard name and angle, or its own matrix or ket."""

    name: str
    wires: tuple[int, ...]
    angle: Angle | None = None
    matrix: np.ndarray | None = None  # (2^k, 2^k)
    ket: np.ndarray | None = None  # (2^k,), prepared on wires that nothing has touched yet


# Wires a b c in the row's order, time from left to right; an angle is +- a parameter or pi, or a part of it.
QUIL = {
    "X": "X a",
    "Y": "Y a",
    "Z": "Z a",
    "H": "H a",
    "S": "S a",
    "T": "T a",
    "SX": "H a; S a; H a",  # RX(pi/2) is off by a phase
    "Adjoint(S)": "PHASE(-pi/2) a",
    "Adjoint(T)": "PHASE(-pi/4) a",
    "Adjoint(SX)": "H a; PHASE(-pi/2) a; H a",
    "CNOT": "CNOT a b",
    "CZ": "CZ a b",
    "CY": "PHASE(-pi/2) b; CNOT a b; S b",
    "CH": "RY(-pi/4) b; CZ a b; RY(pi/4) b",
    "SWAP": "SWAP a b",
    "ISWAP": "ISWAP a b",
    "SISWAP": "XY(pi/2) a b",  # pyQuil has SQISW, its simulators do not
    "ECR": "Z a; CNOT a b; H b; S b; H b; RX(pi/2) a; RY(pi/2) a; RX(pi/2) a",
    "Toffoli": "CCNOT a b c",
    "CCZ": "H c; CCNOT a b c; H c",
    "CSWAP": "CSWAP a b c",
    "RX": "RX(phi) a",
    "RY": "RY(phi) a",
    "RZ": "RZ(phi) a",
    "Rot": "RZ(phi) a; RY(theta) a; RZ(omega) a",
    "PhaseShift": "PHASE(phi) a",
    "U1": "PHASE(phi) a",
    "U2": "PHASE(delta) a; RY(pi/2) a; PHASE(phi) a",
    "U3": "PHASE(delta) a; RY(theta) a; PHASE(phi) a",
    "ControlledPhaseShift": "CPHASE(phi) a b",
    "CPhaseShift00": "CPHASE00(phi) a b",
    "CPhaseShift01": "CPHASE01(phi) a b",
    "CPhaseShift10": "CPHASE10(phi) a b",
    "CRX": "H b; CPHASE(phi) a b; PHASE(-phi/2) a; H b",
    "CRY": "RY(phi/2) b; CNOT a b; RY(-phi/2) b; CNOT a b",
    "CRZ": "CPHASE(phi) a b; PHASE(-phi/2) a",
    "CRot": "CPHASE(phi) a b; PHASE(-phi/2) a; RY(theta/2) b; CNOT a b; RY(-theta/2) b; CNOT a b; "
    "CPHASE(omega) a b; PHASE(-omega/2) a",
    "IsingXX": "CNOT a b; RX(phi) a; CNOT a b",
    "IsingYY": "RX(pi/2) a; RX(pi/2) b; CNOT a b; RZ(phi) b; CNOT a b; RX(-pi/2) a; RX(-pi/2) b",
    "IsingZZ": "CNOT a b; RZ(phi) b; CNOT a b",
    "IsingXY": "XY(phi) a b",
    "PSWAP": "PSWAP(phi) a b",
    "SingleExcitation": "S a; XY(phi) a b; PHASE(-pi/2) a",
    "SingleExcitationPlus": "S a; XY(phi) a b; PHASE(-pi/2) a; CPHASE00(phi/2) a b; CPHASE(phi/2) a b",
    "SingleExcitationMinus": "S a; XY(phi) a b; PHASE(-pi/2) a; CPHASE00(-phi/2) a b; CPHASE(-phi/2) a b",
}
_GATE = re.compile(r"(?P<name>\w+)(?:\((?P<sign>-?)(?P<what>[a-z]+)(?:/(?P<part>\d))?\))? (?P<wires>[abc ]+)")


def _table_gates(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    """The gates of a row of QUIL, its numbers being those from `slot` on."""
    gates = []
    for text in QUIL[operation.name].split("; "):
        name, sign, what, part, letters = _GATE.fullmatch(text).groups()  # type: ignore[union-attr]
        scale = (-1.0 if sign else 1.0) / int(part or 1)
        angle = None
        if what:
            angle = Angle(scale * pi) if what == "pi" else Angle(scale, slot + operation.params.index(what))
        gates.append(Gate(name, tuple(wires["abc".index(letter)] for letter in letters.split()), angle))
    return gates


def _identity(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("I", (w,)) for w in wires]


def _phase(wire: int, angle: Angle) -> list[Gate]:
    """exp(i angle) on everything, written on one wire: Quil has no gate for it."""
    return [Gate("PHASE", (wire,), angle), Gate("X", (wire,))] * 2


def _global_phase(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return _phase(wires[0] if wires else 0, Angle(-1.0, slot))


def _word_rotation(word: str, wires: Sequence[int], slot: int) -> list[Gate]:
    """exp(-i theta word / 2): each wire turned to Z, the parity gathered on the last wire and undone."""
    acting = [(w, letter) for w, letter in zip(wires, word, strict=True) if letter != "I"]
    if not acting:
        return _phase(wires[0], Angle(-0.5, slot))
    before = [g for w, letter in acting for g in _TO_Z[letter](w, 1)]
    after = [g for w, letter in acting for g in _TO_Z[letter](w, -1)]
    ladder = [Gate("CNOT", (a, b)) for (a, _), (b, _) in pairwise(acting)]
    return [*before, *ladder, Gate("RZ", (acting[-1][0],), Angle(1.0, slot)), *reversed(ladder), *after]


_TO_Z: Mapping[str, Callable[[int, int], list[Gate]]] = {
    "X": lambda w, sign: [Gate("H", (w,))],
    "Y": lambda w, sign: [Gate("RX", (w,), Angle(sign * pi / 2))],
    "Z": lambda w, sign: [],
}


def _multi_rz(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return _word_rotation("Z" * len(wires), wires, slot)


def _pauli_rot(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return _word_rotation(str(operation.constants[0]), wires, slot)


def _matrix(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("", tuple(wires), matrix=operation.matrix())]


def _bits(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("X", (w,)) for w, bit in zip(wires, operation.constants[0], strict=True) if bit]  # type: ignore[call-overload]


def _ket(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("", tuple(wires), ket=operation.definition())]  # type: ignore[misc]


Translation = Callable[[Operation, Sequence[int], int], list[Gate]]
TABLE: dict[str, Translation] = {
    **dict.fromkeys(QUIL, _table_gates),
    "I": _identity,
    "GlobalPhase": _global_phase,
    "MultiRZ": _multi_rz,
    "PauliRot": _pauli_rot,
    "QubitUnitary": _matrix,
    "StatePrep": _ket,
    "BasisState": _bits,
}
CLAIMED = frozenset(TABLE)


def translated(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    """The Quil gates of one row, its numbers being those from `slot` on."""
    return TABLE[operation.name](operation, wires, slot)


def translate(instructions: Iterable[Instruction]) -> list[Gate]:
    """The Quil gates of lowered instructions, in time order."""
    gates: list[Gate] = []
    slot = 0
    for operation, labels in instructions:
        wires = tuple(int(wire) for wire in labels)  # type: ignore[call-overload]
        gates += translated(operation, wires, slot)
        slot += len(operation.params)
    return gates
