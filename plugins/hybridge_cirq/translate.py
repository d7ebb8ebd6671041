"""The table from hybridge's rows to Cirq's gates: each exact, global phase included."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import cirq

from hybridge.plugin import Operation

Make = Callable[..., Any]  # of a row's numbers (floats, or sympy's symbols): one gate on the row's wires

FIXED: dict[str, Any] = {
    "X": cirq.X,
    "Y": cirq.Y,
    "Z": cirq.Z,
    "H": cirq.H,
    "S": cirq.S,
    "T": cirq.T,
    "SX": cirq.XPowGate(exponent=0.5),
    "Adjoint(S)": cirq.S**-1,
    "Adjoint(T)": cirq.T**-1,
    "Adjoint(SX)": cirq.XPowGate(exponent=-0.5),
    "CNOT": cirq.CNOT,
    "CZ": cirq.CZ,
    "CY": cirq.ControlledGate(cirq.Y),
    "CH": cirq.ControlledGate(cirq.H),
    "SWAP": cirq.SWAP,
    "ISWAP": cirq.ISWAP,
    "SISWAP": cirq.ISWAP**0.5,
    "Toffoli": cirq.CCNOT,
    "CCZ": cirq.CCZ,
    "CSWAP": cirq.CSWAP,
}
ANGLES: dict[str, Make] = {
    "RX": cirq.rx,
    "RY": cirq.ry,
    "RZ": cirq.rz,
    "PhaseShift": lambda phi: cirq.ZPowGate(exponent=phi / pi),
    "U1": lambda phi: cirq.ZPowGate(exponent=phi / pi),
    "ControlledPhaseShift": lambda phi: cirq.CZPowGate(exponent=phi / pi),
    "CRX": lambda phi: cirq.ControlledGate(cirq.rx(phi)),
    "CRY": lambda phi: cirq.ControlledGate(cirq.ry(phi)),
    "CRZ": lambda phi: cirq.ControlledGate(cirq.rz(phi)),
    # without the shift a power of XX is exp(i pi t (1 - XX) / 2)
    "IsingXX": lambda phi: cirq.XXPowGate(exponent=phi / pi, global_shift=-0.5),
    "IsingYY": lambda phi: cirq.YYPowGate(exponent=phi / pi, global_shift=-0.5),
    "IsingZZ": lambda phi: cirq.ZZPowGate(exponent=phi / pi, global_shift=-0.5),
    "IsingXY": lambda phi: cirq.ISwapPowGate(exponent=phi / pi),  # exp(+i phi/4 (XX + YY)), as the row
}
CHANNELS: dict[str, Make] = {
    "BitFlip": cirq.bit_flip,
    "PhaseFlip": cirq.phase_flip,
    "DepolarizingChannel": cirq.depolarize,  # p shared by X, Y and Z, as the row's
    "AmplitudeDamping": cirq.amplitude_damp,
    "PhaseDamping": cirq.phase_damp,
    "GeneralizedAmplitudeDamping": lambda gamma, p: cirq.generalized_amplitude_damp(1 - p, gamma),
}


def _matrix(operation: Operation) -> Make:
    gate = cirq.MatrixGate(operation.matrix())
    return lambda: gate


def _controlled_x(operation: Operation) -> Make:
    values = operation.constants[0]
    gate = cirq.ControlledGate(cirq.X, control_values=values)
    return lambda: gate


def _identity(operation: Operation) -> Make:
    gate = cirq.IdentityGate(operation.num_wires)
    return lambda: gate


CONSTANTS: dict[str, Callable[[Operation], Make]] = {
    "I": _identity,
    "QubitUnitary": _matrix,
    "ControlledQubitUnitary": _matrix,
    "MultiControlledX": _controlled_x,
}


def maker(operation: Operation) -> Make:
    """What makes Cirq's gate of this row at its numbers."""
    name = operation.name
    if name in FIXED:
        return lambda: FIXED[name]
    if name in CONSTANTS:
        return CONSTANTS[name](operation)
    if operation.kind == "channel" and name not in CHANNELS:
        return lambda *numbers: cirq.KrausChannel(list(operation.definition(*numbers)))  # type: ignore[misc]
    return ANGLES[name] if name in ANGLES else CHANNELS[name]
