"""The gates that tie two or three qubits together: controlled, swapping and Ising gates."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from hybridge.operations import synthesis
from hybridge.operations.matrices import controlled, phases, rotation, sparse
from hybridge.operations.pauli import MATRICES
from hybridge.operations.qubit_gates import RX, RY, RZ, SX, H, PhaseShift, Rot, T, Z
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import Operation, fixed_gate, rotation_gate, row, step

# --- two and three wires, fixed ---

CNOT: Operation = fixed_gate(
    "CNOT", controlled(MATRICES["X"]), inverse="self", formula="X on b where a is 1", label="X"
)
CY: Operation = fixed_gate(
    "CY",
    controlled(MATRICES["Y"]),
    inverse="self",
    formula="Y on b where a is 1",
    label="Y",
    decomposition=lambda a, b: [
        step(PhaseShift, b, -pi / 2),
        step(CNOT, (a, b)),
        step(PhaseShift, b, pi / 2),
    ],
)
CZ: Operation = fixed_gate(
    "CZ",
    controlled(MATRICES["Z"]),
    inverse="self",
    formula="Z on b where a is 1",
    label="Z",
    decomposition=lambda a, b: [step(H, b), step(CNOT, (a, b)), step(H, b)],
)
CH: Operation = fixed_gate(
    "CH",
    controlled(H.matrix()),
    inverse="self",
    formula="H on b where a is 1",
    label="H",
    decomposition=lambda a, b: [step(RY, b, -pi / 4), step(CZ, (a, b)), step(RY, b, pi / 4)],
)
SWAP: Operation = fixed_gate(
    "SWAP",
    sparse(4, {(0, 0): 1, (1, 2): 1, (2, 1): 1, (3, 3): 1}),
    inverse="self",
    formula="|ab> -> |ba>",
    decomposition=lambda a, b: [step(CNOT, (a, b)), step(CNOT, (b, a)), step(CNOT, (a, b))],
)
ISWAP: Operation = fixed_gate(
    "ISWAP",
    sparse(4, {(0, 0): 1, (1, 2): 1j, (2, 1): 1j, (3, 3): 1}),
    inverse=lambda a, b: [step(IsingXY, (a, b), -pi)],
    formula="SWAP with i on the swapped amplitudes = exp(i pi/4 (XX + YY))",
    decomposition=lambda a, b: [step(IsingXY, (a, b), pi)],
)
SISWAP: Operation = fixed_gate(
    "SISWAP",
    sparse(
        4,
        {
            (0, 0): 1,
            (1, 1): sqrt(0.5),
            (1, 2): 1j * sqrt(0.5),
            (2, 1): 1j * sqrt(0.5),
            (2, 2): sqrt(0.5),
            (3, 3): 1,
        },
    ),
    inverse=lambda a, b: [step(IsingXY, (a, b), -pi / 2)],
    formula="exp(i pi/8 (XX + YY)), the square root of ISWAP",
    decomposition=lambda a, b: [step(IsingXY, (a, b), pi / 2)],
)
ECR: Operation = fixed_gate(
    "ECR",
    np.array([[0, 0, 1, 1j], [0, 0, 1j, 1], [1, -1j, 0, 0], [-1j, 1, 0, 0]]) / sqrt(2),
    inverse="self",
    formula="(XI - YX) / sqrt(2)",
    decomposition=lambda a, b: [
        *(step(Z, a), step(CNOT, (a, b)), step(SX, b)),
        *(step(RX, a, pi / 2), step(RY, a, pi / 2), step(RX, a, pi / 2)),
    ],
)
Toffoli: Operation = fixed_gate(
    "Toffoli",
    controlled(CNOT.matrix()),
    inverse="self",
    formula="X on c where a and b are 1",
    label="X",
    decomposition=lambda a, b, c: [
        *(step(H, c), step(CNOT, (b, c)), step(PhaseShift, c, -pi / 4), step(CNOT, (a, c)), step(T, c)),
        *(step(CNOT, (b, c)), step(PhaseShift, c, -pi / 4), step(CNOT, (a, c)), step(T, b), step(T, c)),
        *(step(H, c), step(CNOT, (a, b)), step(T, a), step(PhaseShift, b, -pi / 4), step(CNOT, (a, b))),
    ],
)
CCZ: Operation = fixed_gate(
    "CCZ",
    controlled(CZ.matrix()),
    inverse="self",
    formula="-1 where a, b and c are 1",
    label="Z",
    decomposition=lambda a, b, c: [step(H, c), step(Toffoli, (a, b, c)), step(H, c)],
)
CSWAP: Operation = fixed_gate(
    "CSWAP",
    controlled(SWAP.matrix()),
    inverse="self",
    formula="SWAP of b and c where a is 1",
    label="SWAP",
    decomposition=lambda a, b, c: [step(CNOT, (c, b)), step(Toffoli, (a, b, c)), step(CNOT, (c, b))],
)

# --- controlled rotations and phases ---

CRX: Operation = rotation_gate(
    "CRX",
    2,
    lambda phi: controlled(RX.matrix(phi)),
    *(0.5, 1),
    formula="RX(phi) on b where a is 1",
    label="RX",
    decomposition=lambda a, b: [step(H, b), step(CRZ, (a, b), "phi"), step(H, b)],
)
CRY: Operation = rotation_gate(
    "CRY",
    2,
    lambda phi: controlled(RY.matrix(phi)),
    *(0.5, 1),
    formula="RY(phi) on b where a is 1",
    label="RY",
    decomposition=lambda a, b: [
        *(step(RY, b, ("phi", 0.5)), step(CNOT, (a, b)), step(RY, b, ("phi", -0.5)), step(CNOT, (a, b))),
    ],
)
CRZ: Operation = rotation_gate(
    "CRZ",
    2,
    lambda phi: phases(phi, [0, 0, -0.5, 0.5]),
    *(0.5, 1),
    formula="RZ(phi) on b where a is 1",
    label="RZ",
    decomposition=lambda a, b: [
        *(step(RZ, b, ("phi", 0.5)), step(CNOT, (a, b)), step(RZ, b, ("phi", -0.5)), step(CNOT, (a, b))),
    ],
)
CRot: Operation = row(
    "CRot",
    "qubit",
    2,
    ("phi", "theta", "omega"),
    definition=lambda phi, theta, omega: controlled(Rot.matrix(phi, theta, omega)),
    spectrum=(Trig(0.5, 1), Trig(0.5, 1), Trig(0.5, 1)),
    inverse=lambda a, b: [step(CRot, (a, b), ("omega", -1), ("theta", -1), ("phi", -1))],
    formula="Rot(phi, theta, omega) on b where a is 1",
    label="Rot",
    decomposition=lambda a, b: [
        *(step(CRZ, (a, b), "phi"), step(CRY, (a, b), "theta"), step(CRZ, (a, b), "omega")),
    ],
)
ControlledPhaseShift: Operation = rotation_gate(
    "ControlledPhaseShift",
    2,
    lambda phi: phases(phi, [0, 0, 0, 1]),
    1,
    formula="diag(1, 1, 1, exp(i phi))",
    label="P",
    decomposition=lambda a, b: [
        *(step(PhaseShift, a, ("phi", 0.5)), step(PhaseShift, b, ("phi", 0.5))),
        *(step(CNOT, (a, b)), step(PhaseShift, b, ("phi", -0.5)), step(CNOT, (a, b))),
    ],
)


def _phase_where(*bits: int) -> Operation:
    """CPhaseShift00, 01 and 10: the phase where two wires read these bits."""
    signs = np.eye(4)[2 * bits[0] + bits[1]]
    return rotation_gate(
        f"CPhaseShift{bits[0]}{bits[1]}",
        2,
        lambda phi: phases(phi, signs),
        1,
        formula=f"exp(i phi) where a, b are {bits[0]}, {bits[1]}",
        decomposition=lambda a, b: synthesis.where(bits, (a, b), [step(ControlledPhaseShift, (a, b), "phi")]),
    )


CPhaseShift00, CPhaseShift01, CPhaseShift10 = _phase_where(0, 0), _phase_where(0, 1), _phase_where(1, 0)

# --- two-wire interactions ---


def _ising(letter: str) -> np.ndarray:
    return np.kron(MATRICES[letter], MATRICES[letter])


def _xy(phi: Any) -> np.ndarray:
    half = np.asarray(phi, dtype=float) / 2
    c, s = np.cos(half), 1j * np.sin(half)
    return sparse(4, {(0, 0): 1, (1, 1): c, (1, 2): s, (2, 1): s, (2, 2): c, (3, 3): 1})


IsingXX: Operation = rotation_gate(
    "IsingXX",
    2,
    lambda phi: rotation(phi, _ising("X")),
    1,
    formula="exp(-i phi/2 XX)",
    decomposition=lambda a, b: [step(CNOT, (a, b)), step(RX, a, "phi"), step(CNOT, (a, b))],
)
IsingYY: Operation = rotation_gate(
    "IsingYY",
    2,
    lambda phi: rotation(phi, _ising("Y")),
    1,
    formula="exp(-i phi/2 YY)",
    decomposition=lambda a, b: [step(CY, (a, b)), step(RY, a, "phi"), step(CY, (a, b))],
)
IsingZZ: Operation = rotation_gate(
    "IsingZZ",
    2,
    lambda phi: phases(phi, [-0.5, 0.5, 0.5, -0.5]),
    1,
    formula="exp(-i phi/2 ZZ)",
    decomposition=lambda a, b: [step(CNOT, (a, b)), step(RZ, b, "phi"), step(CNOT, (a, b))],
)
IsingXY: Operation = rotation_gate(
    "IsingXY",
    2,
    _xy,
    *(0.5, 1),
    formula="exp(i phi/4 (XX + YY))",
    # H and CY turn XX into X on b, YY into -Y on a
    decomposition=lambda a, b: [
        *(step(H, a), step(CY, (a, b)), step(RY, a, ("phi", 0.5)), step(RX, b, ("phi", -0.5))),
        *(step(CY, (a, b)), step(H, a)),
    ],
)
PSWAP: Operation = row(
    "PSWAP",
    "qubit",
    2,
    ("phi",),
    definition=lambda phi: sparse(
        4, {(0, 0): 1, (1, 2): np.exp(1j * np.asarray(phi)), (2, 1): np.exp(1j * np.asarray(phi)), (3, 3): 1}
    ),
    spectrum=(Trig(1),),
    inverse=lambda a, b: [step(PSWAP, (a, b), ("phi", -1))],
    formula="SWAP with exp(i phi) on the swapped amplitudes",
    decomposition=lambda a, b: [
        *(step(SWAP, (a, b)), step(CNOT, (a, b)), step(PhaseShift, b, "phi"), step(CNOT, (a, b))),
    ],
)

CPhase, SQISW = ControlledPhaseShift, SISWAP
