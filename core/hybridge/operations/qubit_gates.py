"""The gates on one qubit: fixed ones and rotations.

This holds for all qubit rows: names, argument orders and signs are PennyLane's. Decompositions end in RX, RY,
RZ, CNOT and GlobalPhase; they are exact including the global phase, and affine in the parameters. A device
that runs these five runs every qubit row but QubitDensityMatrix, which is mixed.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from hybridge.operations import synthesis
from hybridge.operations.matrices import phases, rotation
from hybridge.operations.pauli import MATRICES
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import Affine, Operation, fixed_gate, rotation_gate, row, step

X: Operation = fixed_gate(
    "X",
    MATRICES["X"],
    inverse="self",
    pauli={"X": 1.0},
    formula="[[0, 1], [1, 0]]",
    decomposition=lambda w: [step(RX, w, pi), synthesis.phase(pi / 2)],
)
Y: Operation = fixed_gate(
    "Y",
    MATRICES["Y"],
    inverse="self",
    pauli={"Y": 1.0},
    formula="[[0, -i], [i, 0]]",
    decomposition=lambda w: [step(RY, w, pi), synthesis.phase(pi / 2)],
)
Z: Operation = fixed_gate(
    "Z",
    MATRICES["Z"],
    inverse="self",
    pauli={"Z": 1.0},
    formula="diag(1, -1)",
    decomposition=lambda w: [step(PhaseShift, w, pi)],
)
H: Operation = fixed_gate(
    "H",
    np.array([[1, 1], [1, -1]]) / sqrt(2),
    inverse="self",
    pauli={"X": sqrt(0.5), "Z": sqrt(0.5)},
    formula="[[1, 1], [1, -1]] / sqrt(2)",
    decomposition=lambda w: [step(RY, w, pi / 2), step(X, w)],
)
S: Operation = fixed_gate(
    "S",
    np.diag([1, 1j]),
    inverse=lambda w: [step(PhaseShift, w, -pi / 2)],
    formula="diag(1, i)",
    decomposition=lambda w: [step(PhaseShift, w, pi / 2)],
)
T: Operation = fixed_gate(
    "T",
    np.diag([1, np.exp(0.25j * pi)]),
    inverse=lambda w: [step(PhaseShift, w, -pi / 4)],
    formula="diag(1, exp(i pi/4))",
    decomposition=lambda w: [step(PhaseShift, w, pi / 4)],
)
SX: Operation = fixed_gate(
    "SX",
    np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    inverse=lambda w: [step(H, w), step(PhaseShift, w, -pi / 2), step(H, w)],
    formula="[[1+i, 1-i], [1-i, 1+i]] / 2, the square root of X",
    label="√X",
    decomposition=lambda w: [step(H, w), step(PhaseShift, w, pi / 2), step(H, w)],
)
RX: Operation = rotation_gate(
    "RX",
    1,
    lambda phi: rotation(phi, MATRICES["X"]),
    1,
    formula="exp(-i phi X/2)",
    decomposition=lambda w: [step(RZ, w, -pi / 2), step(RY, w, ("phi", -1)), step(RZ, w, pi / 2)],
)
RY: Operation = rotation_gate("RY", 1, lambda phi: rotation(phi, MATRICES["Y"]), 1, formula="exp(-i phi Y/2)")
RZ: Operation = rotation_gate("RZ", 1, lambda phi: phases(phi, [-0.5, 0.5]), 1, formula="exp(-i phi Z/2)")
PhaseShift: Operation = rotation_gate(
    "PhaseShift",
    1,
    lambda phi: phases(phi, [0, 1]),
    1,
    formula="diag(1, exp(i phi))",
    label="P",
    decomposition=lambda w: [step(RZ, w, "phi"), synthesis.phase(Affine("phi", 0.5))],
)
U1: Operation = rotation_gate(
    "U1",
    1,
    lambda phi: phases(phi, [0, 1]),
    1,
    formula="diag(1, exp(i phi))",
    decomposition=lambda w: [step(PhaseShift, w, "phi")],
)


def _rot(phi: Any, theta: Any, omega: Any) -> np.ndarray:
    return RZ.matrix(omega) @ RY.matrix(theta) @ RZ.matrix(phi)


def _u3(theta: Any, phi: Any, delta: Any) -> np.ndarray:
    return PhaseShift.matrix(phi) @ RY.matrix(theta) @ PhaseShift.matrix(delta)


Rot: Operation = row(
    "Rot",
    "qubit",
    1,
    ("phi", "theta", "omega"),
    definition=_rot,
    spectrum=(Trig(1), Trig(1), Trig(1)),
    inverse=lambda w: [step(Rot, w, ("omega", -1), ("theta", -1), ("phi", -1))],
    formula="RZ(omega) RY(theta) RZ(phi)",
    decomposition=lambda w: [step(RZ, w, "phi"), step(RY, w, "theta"), step(RZ, w, "omega")],
)
U2: Operation = row(
    "U2",
    "qubit",
    1,
    ("phi", "delta"),
    definition=lambda phi, delta: _u3(pi / 2, phi, delta),
    spectrum=(Trig(1), Trig(1)),
    inverse=lambda w: [step(U2, w, ("delta", -1, pi), ("phi", -1, pi))],
    formula="[[1, -exp(i delta)], [exp(i phi), exp(i (phi + delta))]] / sqrt(2)",
    decomposition=lambda w: [step(PhaseShift, w, "delta"), step(RY, w, pi / 2), step(PhaseShift, w, "phi")],
)
U3: Operation = row(
    "U3",
    "qubit",
    1,
    ("theta", "phi", "delta"),
    definition=_u3,
    spectrum=(Trig(1), Trig(1), Trig(1)),
    inverse=lambda w: [step(U3, w, ("theta", -1), ("delta", -1), ("phi", -1))],
    formula="[[c, -exp(i delta) s], [exp(i phi) s, exp(i (phi + delta)) c]]; c, s = cos, sin(theta/2)",
    decomposition=lambda w: [step(PhaseShift, w, "delta"), step(RY, w, "theta"), step(PhaseShift, w, "phi")],
)

PauliX, PauliY, PauliZ, Hadamard = X, Y, Z, H
