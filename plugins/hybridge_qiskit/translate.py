"""The table from hybridge's rows to gates that Aer runs natively; needs no SDK.

Each line is exact, global phase included. An angle stays a number of the circuit, scaled: Aer binds plain
parameters fast and evaluates expressions of them row by row. No controlled gate has a free angle: Aer leaves
it at 0 without a word (qiskit-aer issues 2323 and 2403), that of cu too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from math import pi
from typing import NamedTuple

import numpy as np

from hybridge.plugin import QUBIT_CHANNELS, Instruction, Operation, condition, measured


class Angle(NamedTuple):
    """scale * (the number in this slot of the row), or `scale` itself where slot is None; radians."""

    scale: float
    slot: int | None = None


class When(NamedTuple):
    """Where classical bits read one of the patterns, each a value for each bit."""

    bits: tuple[int, ...]
    allowed: tuple[tuple[int, ...], ...]


class Gate(NamedTuple):
    """One instruction of Qiskit's, or one of four that are none of its gates: phase, exp(i angle) on
    everything; ket; density; channel, whose Kraus operators its row gives for the numbers of the angles.

    Arrays, first wire most significant: a unitary (2^k, 2^k), a diagonal (2^k,), a ket (2^k,) or a density
    matrix (2^k, 2^k), the last two prepared on wires that nothing has touched yet. "measure" writes `bit`.
    """

    name: str
    wires: tuple[int, ...]
    angles: tuple[Angle, ...] = ()
    array: np.ndarray | None = None
    channel: Operation | None = None
    bit: int = -1
    when: When | None = None  # it acts only there


# Wires a b c in the row's order, time from left to right; an angle is +-(a parameter or pi), or a part of it.
AER = {
    "X": "x a",
    "Y": "y a",
    "Z": "z a",
    "H": "h a",
    "S": "s a",
    "T": "t a",
    "SX": "sx a",
    "Adjoint(S)": "sdg a",
    "Adjoint(T)": "tdg a",
    "Adjoint(SX)": "sxdg a",
    "CNOT": "cx a b",
    "CZ": "cz a b",
    "CY": "cy a b",
    "CH": "ry(-pi/4) b; cz a b; ry(pi/4) b",  # Aer has no ch
    "SWAP": "swap a b",
    "ISWAP": "rxx(-pi/2) a b; ryy(-pi/2) a b",  # exp(i pi/4 (XX + YY)); Aer has no iswap
    "SISWAP": "rxx(-pi/4) a b; ryy(-pi/4) a b",
    "ECR": "ecr a b",  # Qiskit's matrix looks different only because its qubit 0 is least significant
    "Toffoli": "ccx a b c",
    "CCZ": "ccz a b c",
    "CSWAP": "cswap a b c",
    "RX": "rx(phi) a",
    "RY": "ry(phi) a",
    "RZ": "rz(phi) a",
    # u(theta, phi, lam) = exp(i (phi + lam) / 2) rz(phi) ry(theta) rz(lam), the last one acting first
    "Rot": "u(theta, omega, phi) a; phase(-phi/2); phase(-omega/2)",
    "PhaseShift": "p(phi) a",
    "U1": "p(phi) a",
    "U2": "u(pi/2, phi, delta) a",
    "U3": "u(theta, phi, delta) a",
    # rzz(x) is exp(-i x/2) where a = b, exp(i x/2) elsewhere; with p on each wire it makes any phase of a, b
    "ControlledPhaseShift": "rzz(-phi/2) a b; p(phi/2) a; p(phi/2) b; phase(-phi/4)",
    "CPhaseShift00": "rzz(-phi/2) a b; p(-phi/2) a; p(-phi/2) b; phase(phi); phase(-phi/4)",
    "CPhaseShift01": "rzz(phi/2) a b; p(-phi/2) a; p(phi/2) b; phase(phi/4)",
    "CPhaseShift10": "rzz(phi/2) a b; p(phi/2) a; p(-phi/2) b; phase(phi/4)",
    # exp(-i phi/4 P) on b, undone where a = 0 and doubled where a = 1
    "CRX": "rx(phi/2) b; rzx(-phi/2) a b",
    "CRY": "ry(phi/2) b; cx a b; ry(-phi/2) b; cx a b",
    "CRZ": "rz(phi/2) b; rzz(-phi/2) a b",
    "CRot": "rz(phi/2) b; rzz(-phi/2) a b; ry(theta/2) b; cx a b; ry(-theta/2) b; cx a b; "
    "rz(omega/2) b; rzz(-omega/2) a b",
    "IsingXX": "rxx(phi) a b",
    "IsingYY": "ryy(phi) a b",
    "IsingZZ": "rzz(phi) a b",
    "IsingXY": "rxx(-phi/2) a b; ryy(-phi/2) a b",  # exp(+i phi/4 (XX + YY)): Qiskit's has -
    "PSWAP": "rzz(phi) a b; swap a b; phase(phi/2)",
    "SingleExcitation": "s a; rxx(-phi/2) a b; ryy(-phi/2) a b; sdg a",
    "SingleExcitationPlus": "s a; rxx(-phi/2) a b; ryy(-phi/2) a b; sdg a; rzz(-phi/2) a b; phase(phi/4)",
    "SingleExcitationMinus": "s a; rxx(-phi/2) a b; ryy(-phi/2) a b; sdg a; rzz(phi/2) a b; phase(-phi/4)",
    "FermionicSWAP": "rxx(phi/2) a b; ryy(phi/2) a b; p(phi/2) a; p(phi/2) b",
}
_GATE = re.compile(r"(?P<name>[a-z]+)(?:\((?P<angles>.*?)\))?(?P<wires>[abc ]*)")
_ANGLE = re.compile(r"(?P<sign>-?)(?P<what>[a-z]+)(?:/(?P<part>\d))?")


def _table_gates(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    """The gates of a row of AER, its numbers being those from `slot` on."""

    def angle(text: str) -> Angle:
        sign, what, part = _ANGLE.fullmatch(text).groups()  # type: ignore[union-attr]
        scale = (-1.0 if sign else 1.0) / int(part or 1)
        return Angle(scale * pi) if what == "pi" else Angle(scale, slot + operation.params.index(what))

    gates = []
    for text in AER[operation.name].split("; "):
        name, angles, letters = _GATE.fullmatch(text).groups()  # type: ignore[union-attr]
        on = tuple(wires["abc".index(letter)] for letter in letters.split())
        gates.append(Gate(name, on, tuple(angle(a) for a in angles.split(", ")) if angles else ()))
    return gates


def _identity(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("id", (w,)) for w in wires]


def _global_phase(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("phase", (), (Angle(-1.0, slot),))]  # the row is exp(-i phi)


def _controlled_x(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    values = operation.constants[0]
    flips = [Gate("x", (w,)) for w, value in zip(wires, values, strict=False) if not value]
    return [*flips, Gate("mcx" if len(wires) > 1 else "x", tuple(wires)), *flips]


def _unitary(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("unitary", tuple(wires), array=operation.matrix())]


def _diagonal(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("diagonal", tuple(wires), array=operation.constants[0].array)]


def _basis_state(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    return [Gate("x", (w,)) for w, bit in zip(wires, operation.constants[0], strict=True) if bit]


def _state(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    array = np.asarray(operation.definition())  # type: ignore[misc]
    return [Gate("ket" if array.ndim == 1 else "density", tuple(wires), array=array)]


def _channel(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    numbers = tuple(Angle(1.0, slot + i) for i in range(len(operation.params)))
    return [Gate("channel", tuple(wires), numbers, channel=operation)]


def _measure(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    """What is selected is the core's to read."""
    bit, reset, _ = measured(operation)
    return [Gate("measure", tuple(wires), bit=bit), *([Gate("reset", tuple(wires))] if reset else [])]


def _conditional(operation: Operation, wires: Sequence[int], slot: int) -> list[Gate]:
    base, bits, allowed = condition(operation)
    when = When(bits, allowed)
    return [gate._replace(when=when) for gate in TABLE[base.name](base, wires, slot)]


Translation = Callable[[Operation, Sequence[int], int], list[Gate]]
TABLE: dict[str, Translation] = {
    **dict.fromkeys(AER, _table_gates),
    "I": _identity,
    "GlobalPhase": _global_phase,
    "MultiControlledX": _controlled_x,
    "QubitUnitary": _unitary,
    "ControlledQubitUnitary": _unitary,
    "DiagonalQubitUnitary": _diagonal,
    "BasisState": _basis_state,
    "StatePrep": _state,
    "QubitDensityMatrix": _state,
    **dict.fromkeys(QUBIT_CHANNELS, _channel),
}
INSIDE: dict[str, Translation] = {"measure": _measure, "conditional": _conditional}  # by the kind of the row
CLAIMED = frozenset(TABLE)


def translate(instructions: Iterable[Instruction], phased: bool) -> list[Gate]:
    """The Aer instructions of lowered instructions, in time order; with the global phase only if `phased`."""
    gates: list[Gate] = []
    slot = 0
    for operation, wires in instructions:
        translated = INSIDE.get(operation.kind) or TABLE[operation.name]
        for gate in translated(operation, wires, slot):
            if phased:
                gates += _with_phase(gate)
            elif gate.name != "phase":
                gates.append(gate)
        slot += len(operation.params)
    return gates


_QUARTER = {"s": Angle(pi / 2), "sdg": Angle(-pi / 2)}


def _with_phase(gate: Gate) -> list[Gate]:
    """The gate such that Aer keeps its global phase.

    Aer cannot bind a circuit's own phase inside the simulator, gates it can. And it applies a one-qubit
    matrix that is exactly diag(i, 1) or diag(-i, 1), be it fused from X S X, as diag(1, -i) or diag(1, i);
    not so one that differs by a rounding.
    """
    if gate.name == "phase":
        (scale, slot) = gate.angles[0]
        return [Gate("p", (0,), (Angle(2 * scale, slot),)), Gate("rz", (0,), (Angle(-2 * scale, slot),))]
    if gate.name in _QUARTER:
        return [Gate("p", gate.wires, (_QUARTER[gate.name],))]  # exp(i pi/2) is not i in floating point
    if gate.name in ("unitary", "diagonal") and len(gate.wires) == 1:
        matrix = np.diag(gate.array) if gate.name == "diagonal" else gate.array
        return [Gate("unitary", gate.wires, array=matrix * (1 + np.finfo(float).eps))]  # type: ignore[operator]
    return [gate]
