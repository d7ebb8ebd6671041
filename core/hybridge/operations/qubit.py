"""The qubit rows: their matrices, spectra, inverses and decompositions.

Decompositions end in RX, RY, RZ, CNOT and GlobalPhase, the UNIVERSAL set; they are exact including the global
phase, and affine in the parameters. A device that runs the UNIVERSAL set runs every row here but
QubitDensityMatrix, which is mixed. Names, argument orders and signs are PennyLane's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from math import pi, sqrt
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import synthesis
from hybridge.operations.pauli import MATRICES
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import Affine, Constant, Family, Operation, Step, row, step

UNIVERSAL = frozenset({"RX", "RY", "RZ", "CNOT", "GlobalPhase"})

_ATOL = 1e-8  # how far a user's matrix may be from unitary, a ket from normalised


# --- how matrices are written ---


def _matrix(dimension: int, entries: Mapping[tuple[int, int], Any]) -> np.ndarray:
    """(..., d, d) with these entries, each (...), and zero elsewhere."""
    out = np.zeros(
        (*np.broadcast_shapes(*(np.shape(v) for v in entries.values())), dimension, dimension), complex
    )
    for (i, j), value in entries.items():
        out[..., i, j] = value
    return out


def _diagonal(entries: np.ndarray) -> np.ndarray:
    """(..., d) -> (..., d, d)."""
    out = np.zeros((*entries.shape, entries.shape[-1]), complex)
    places = np.arange(entries.shape[-1])
    out[..., places, places] = entries
    return out


def _phases(phi: Any, signs: Any) -> np.ndarray:
    """diag(exp(i phi signs)): (...) -> (..., d, d)."""
    return _diagonal(np.exp(1j * np.multiply.outer(np.asarray(phi, dtype=float), signs)))


def _controlled(matrix: np.ndarray) -> np.ndarray:
    """(..., d, d) -> (..., 2d, 2d), applied where the first wire is 1."""
    d = matrix.shape[-1]
    out = np.zeros((*matrix.shape[:-2], 2 * d, 2 * d), complex)
    out[..., range(d), range(d)] = 1
    out[..., d:, d:] = matrix
    return out


def _exp(phi: Any, involution: np.ndarray) -> np.ndarray:
    """exp(-i phi/2 P) for P^2 = 1: (...) -> (..., d, d)."""
    half = np.asarray(phi, dtype=float)[..., None, None] / 2
    return np.cos(half) * np.eye(len(involution)) - 1j * np.sin(half) * involution


def _fixed(name: str, matrix: Any, **columns: Any) -> Operation:
    """A row without parameters."""
    constant = np.array(matrix, dtype=complex)
    constant.flags.writeable = False
    return row(name, "qubit", len(constant).bit_length() - 1, definition=lambda: constant, **columns)


def _turn(
    name: str, num_wires: int, definition: Callable[..., np.ndarray], *frequencies: float, **columns: Any
) -> Operation:
    """A row exp(-i phi G) with one angle."""
    columns = {"params": ("phi",), "exponent": ("phi",), "spectrum": (Trig(*frequencies),), **columns}
    return row(name, "qubit", num_wires, definition=definition, **columns)


# --- one wire ---

X: Operation = _fixed(
    "X",
    MATRICES["X"],
    inverse="self",
    pauli={"X": 1.0},
    formula="[[0, 1], [1, 0]]",
    decomposition=lambda w: [step(RX, w, pi), step(GlobalPhase.of(0), (), -pi / 2)],
)
Y: Operation = _fixed(
    "Y",
    MATRICES["Y"],
    inverse="self",
    pauli={"Y": 1.0},
    formula="[[0, -i], [i, 0]]",
    decomposition=lambda w: [step(RY, w, pi), step(GlobalPhase.of(0), (), -pi / 2)],
)
Z: Operation = _fixed(
    "Z",
    MATRICES["Z"],
    inverse="self",
    pauli={"Z": 1.0},
    formula="diag(1, -1)",
    decomposition=lambda w: [step(PhaseShift, w, pi)],
)
H: Operation = _fixed(
    "H",
    np.array([[1, 1], [1, -1]]) / sqrt(2),
    inverse="self",
    pauli={"X": sqrt(0.5), "Z": sqrt(0.5)},
    formula="[[1, 1], [1, -1]] / sqrt(2)",
    decomposition=lambda w: [step(RY, w, pi / 2), step(X, w)],
)
S: Operation = _fixed(
    "S",
    np.diag([1, 1j]),
    inverse=lambda w: [step(PhaseShift, w, -pi / 2)],
    formula="diag(1, i)",
    decomposition=lambda w: [step(PhaseShift, w, pi / 2)],
)
T: Operation = _fixed(
    "T",
    np.diag([1, np.exp(0.25j * pi)]),
    inverse=lambda w: [step(PhaseShift, w, -pi / 4)],
    formula="diag(1, exp(i pi/4))",
    decomposition=lambda w: [step(PhaseShift, w, pi / 4)],
)
SX: Operation = _fixed(
    "SX",
    np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    inverse=lambda w: [step(H, w), step(PhaseShift, w, -pi / 2), step(H, w)],
    formula="[[1+i, 1-i], [1-i, 1+i]] / 2, the square root of X",
    label="√X",
    decomposition=lambda w: [step(H, w), step(PhaseShift, w, pi / 2), step(H, w)],
)
RX: Operation = _turn(
    "RX",
    1,
    lambda phi: _exp(phi, MATRICES["X"]),
    1,
    formula="exp(-i phi X/2)",
    decomposition=lambda w: [step(RZ, w, -pi / 2), step(RY, w, ("phi", -1)), step(RZ, w, pi / 2)],
)
RY: Operation = _turn("RY", 1, lambda phi: _exp(phi, MATRICES["Y"]), 1, formula="exp(-i phi Y/2)")
RZ: Operation = _turn("RZ", 1, lambda phi: _phases(phi, [-0.5, 0.5]), 1, formula="exp(-i phi Z/2)")
PhaseShift: Operation = _turn(
    "PhaseShift",
    1,
    lambda phi: _phases(phi, [0, 1]),
    1,
    formula="diag(1, exp(i phi))",
    label="P",
    decomposition=lambda w: [step(RZ, w, "phi"), step(GlobalPhase.of(0), (), ("phi", -0.5))],
)
U1: Operation = _turn(
    "U1",
    1,
    lambda phi: _phases(phi, [0, 1]),
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

# --- two and three wires, fixed ---

CNOT: Operation = _fixed(
    "CNOT", _controlled(MATRICES["X"]), inverse="self", formula="X on b where a is 1", label="X"
)
CY: Operation = _fixed(
    "CY",
    _controlled(MATRICES["Y"]),
    inverse="self",
    formula="Y on b where a is 1",
    label="Y",
    decomposition=lambda a, b: [
        step(PhaseShift, b, -pi / 2),
        step(CNOT, (a, b)),
        step(PhaseShift, b, pi / 2),
    ],
)
CZ: Operation = _fixed(
    "CZ",
    _controlled(MATRICES["Z"]),
    inverse="self",
    formula="Z on b where a is 1",
    label="Z",
    decomposition=lambda a, b: [step(H, b), step(CNOT, (a, b)), step(H, b)],
)
CH: Operation = _fixed(
    "CH",
    _controlled(H.matrix()),
    inverse="self",
    formula="H on b where a is 1",
    label="H",
    decomposition=lambda a, b: [step(RY, b, -pi / 4), step(CZ, (a, b)), step(RY, b, pi / 4)],
)
SWAP: Operation = _fixed(
    "SWAP",
    _matrix(4, {(0, 0): 1, (1, 2): 1, (2, 1): 1, (3, 3): 1}),
    inverse="self",
    formula="|ab> -> |ba>",
    decomposition=lambda a, b: [step(CNOT, (a, b)), step(CNOT, (b, a)), step(CNOT, (a, b))],
)
ISWAP: Operation = _fixed(
    "ISWAP",
    _matrix(4, {(0, 0): 1, (1, 2): 1j, (2, 1): 1j, (3, 3): 1}),
    inverse=lambda a, b: [step(IsingXY, (a, b), -pi)],
    formula="SWAP with i on the swapped amplitudes = exp(i pi/4 (XX + YY))",
    decomposition=lambda a, b: [step(IsingXY, (a, b), pi)],
)
SISWAP: Operation = _fixed(
    "SISWAP",
    _matrix(
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
ECR: Operation = _fixed(
    "ECR",
    np.array([[0, 0, 1, 1j], [0, 0, 1j, 1], [1, -1j, 0, 0], [-1j, 1, 0, 0]]) / sqrt(2),
    inverse="self",
    formula="(XI - YX) / sqrt(2)",
    decomposition=lambda a, b: [
        *(step(Z, a), step(CNOT, (a, b)), step(SX, b)),
        *(step(RX, a, pi / 2), step(RY, a, pi / 2), step(RX, a, pi / 2)),
    ],
)
Toffoli: Operation = _fixed(
    "Toffoli",
    _controlled(CNOT.matrix()),
    inverse="self",
    formula="X on c where a and b are 1",
    label="X",
    decomposition=lambda a, b, c: [
        *(step(H, c), step(CNOT, (b, c)), step(PhaseShift, c, -pi / 4), step(CNOT, (a, c)), step(T, c)),
        *(step(CNOT, (b, c)), step(PhaseShift, c, -pi / 4), step(CNOT, (a, c)), step(T, b), step(T, c)),
        *(step(H, c), step(CNOT, (a, b)), step(T, a), step(PhaseShift, b, -pi / 4), step(CNOT, (a, b))),
    ],
)
CCZ: Operation = _fixed(
    "CCZ",
    _controlled(CZ.matrix()),
    inverse="self",
    formula="-1 where a, b and c are 1",
    label="Z",
    decomposition=lambda a, b, c: [step(H, c), step(Toffoli, (a, b, c)), step(H, c)],
)
CSWAP: Operation = _fixed(
    "CSWAP",
    _controlled(SWAP.matrix()),
    inverse="self",
    formula="SWAP of b and c where a is 1",
    label="SWAP",
    decomposition=lambda a, b, c: [step(CNOT, (c, b)), step(Toffoli, (a, b, c)), step(CNOT, (c, b))],
)

# --- controlled rotations and phases ---

CRX: Operation = _turn(
    "CRX",
    2,
    lambda phi: _controlled(RX.matrix(phi)),
    *(0.5, 1),
    formula="RX(phi) on b where a is 1",
    label="RX",
    decomposition=lambda a, b: [step(H, b), step(CRZ, (a, b), "phi"), step(H, b)],
)
CRY: Operation = _turn(
    "CRY",
    2,
    lambda phi: _controlled(RY.matrix(phi)),
    *(0.5, 1),
    formula="RY(phi) on b where a is 1",
    label="RY",
    decomposition=lambda a, b: [
        *(step(RY, b, ("phi", 0.5)), step(CNOT, (a, b)), step(RY, b, ("phi", -0.5)), step(CNOT, (a, b))),
    ],
)
CRZ: Operation = _turn(
    "CRZ",
    2,
    lambda phi: _phases(phi, [0, 0, -0.5, 0.5]),
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
    definition=lambda phi, theta, omega: _controlled(_rot(phi, theta, omega)),
    spectrum=(Trig(0.5, 1), Trig(0.5, 1), Trig(0.5, 1)),
    inverse=lambda a, b: [step(CRot, (a, b), ("omega", -1), ("theta", -1), ("phi", -1))],
    formula="Rot(phi, theta, omega) on b where a is 1",
    label="Rot",
    decomposition=lambda a, b: [
        *(step(CRZ, (a, b), "phi"), step(CRY, (a, b), "theta"), step(CRZ, (a, b), "omega")),
    ],
)
ControlledPhaseShift: Operation = _turn(
    "ControlledPhaseShift",
    2,
    lambda phi: _phases(phi, [0, 0, 0, 1]),
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
    return _turn(
        f"CPhaseShift{bits[0]}{bits[1]}",
        2,
        lambda phi: _phases(phi, signs),
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
    return _matrix(4, {(0, 0): 1, (1, 1): c, (1, 2): s, (2, 1): s, (2, 2): c, (3, 3): 1})


IsingXX: Operation = _turn(
    "IsingXX",
    2,
    lambda phi: _exp(phi, _ising("X")),
    1,
    formula="exp(-i phi/2 XX)",
    decomposition=lambda a, b: [step(CNOT, (a, b)), step(RX, a, "phi"), step(CNOT, (a, b))],
)
IsingYY: Operation = _turn(
    "IsingYY",
    2,
    lambda phi: _exp(phi, _ising("Y")),
    1,
    formula="exp(-i phi/2 YY)",
    decomposition=lambda a, b: [step(CY, (a, b)), step(RY, a, "phi"), step(CY, (a, b))],
)
IsingZZ: Operation = _turn(
    "IsingZZ",
    2,
    lambda phi: _phases(phi, [-0.5, 0.5, 0.5, -0.5]),
    1,
    formula="exp(-i phi/2 ZZ)",
    decomposition=lambda a, b: [step(CNOT, (a, b)), step(RZ, b, "phi"), step(CNOT, (a, b))],
)
IsingXY: Operation = _turn(
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
    definition=lambda phi: _matrix(
        4, {(0, 0): 1, (1, 2): np.exp(1j * np.asarray(phi)), (2, 1): np.exp(1j * np.asarray(phi)), (3, 3): 1}
    ),
    spectrum=(Trig(1),),
    inverse=lambda a, b: [step(PSWAP, (a, b), ("phi", -1))],
    formula="SWAP with exp(i phi) on the swapped amplitudes",
    decomposition=lambda a, b: [
        *(step(SWAP, (a, b)), step(CNOT, (a, b)), step(PhaseShift, b, "phi"), step(CNOT, (a, b))),
    ],
)

# --- rotations that conserve the number of ones ---


def _givens(dimension: int, low: int, high: int, outside: float) -> Callable[[Any], np.ndarray]:
    """Rotation by phi/2 between two basis states, exp(i outside phi/2) on all others."""

    def definition(phi: Any) -> np.ndarray:
        half = np.asarray(phi, dtype=float) / 2
        c, s = np.cos(half), np.sin(half)
        rest = {(i, i): np.exp(1j * outside * half) for i in range(dimension) if i not in (low, high)}
        return _matrix(dimension, {**rest, (low, low): c, (low, high): -s, (high, low): s, (high, high): c})

    return definition


def _single(outside: float) -> Callable[..., list[Step]]:
    def decomposition(a: Hashable, b: Hashable) -> list[Step]:
        return [
            *(step(PhaseShift, a, pi / 2), step(IsingXY, (a, b), "phi"), step(PhaseShift, a, -pi / 2)),
            step(IsingZZ, (a, b), ("phi", -outside / 2)),
            step(GlobalPhase.of(0), (), ("phi", -outside / 4)),
        ]

    def bare(a: Hashable, b: Hashable) -> list[Step]:
        return decomposition(a, b)[:3]

    return decomposition if outside else bare


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


SingleExcitation: Operation = _turn(
    "SingleExcitation",
    2,
    _givens(4, 1, 2, 0),
    *(0.5, 1),
    formula="|01> -> c|01> + s|10>, |10> -> c|10> - s|01>; c = cos(phi/2), s = sin(phi/2)",
    label="G",
    decomposition=_single(0),
)
SingleExcitationPlus: Operation = _turn(
    "SingleExcitationPlus",
    2,
    _givens(4, 1, 2, 1),
    1,
    formula="SingleExcitation(phi), and exp(i phi/2) on |00> and |11>",
    label="G₊",
    decomposition=_single(1),
)
SingleExcitationMinus: Operation = _turn(
    "SingleExcitationMinus",
    2,
    _givens(4, 1, 2, -1),
    1,
    formula="SingleExcitation(phi), and exp(-i phi/2) on |00> and |11>",
    label="G₋",
    decomposition=_single(-1),
)
DoubleExcitation: Operation = _turn(
    "DoubleExcitation",
    4,
    _givens(16, 3, 12, 0),
    *(0.5, 1),
    formula="|0011> -> c|0011> + s|1100>, |1100> -> c|1100> - s|0011>; c = cos(phi/2), s = sin(phi/2)",
    label="G²",
    decomposition=_double(0),
)
DoubleExcitationPlus: Operation = _turn(
    "DoubleExcitationPlus",
    4,
    _givens(16, 3, 12, 1),
    1,
    formula="DoubleExcitation(phi), and exp(i phi/2) on all other basis states",
    label="G²₊",
    decomposition=_double(1),
)
DoubleExcitationMinus: Operation = _turn(
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
    return _matrix(4, {(0, 0): 1, (1, 1): stay, (1, 2): swap, (2, 1): swap, (2, 2): stay, (3, 3): full})


FermionicSWAP: Operation = _turn(
    "FermionicSWAP",
    2,
    _fermionic_swap,
    1,
    formula="exp(i phi/2 (n_a + n_b) - i phi/4 (XX + YY)), n = (1 - Z)/2; at pi, SWAP with -1 on |11>",
    label="FSWAP",
    decomposition=lambda a, b: [
        *(
            step(PhaseShift, a, ("phi", 0.5)),
            step(PhaseShift, b, ("phi", 0.5)),
            step(IsingXY, (a, b), ("phi", -1)),
        ),
    ],
)


def _orbital_rotation(phi: Any) -> np.ndarray:
    """One Givens rotation of spin up (a, c) and spin down (b, d), with Jordan-Wigner signs."""
    exchange = np.kron(np.kron(np.eye(2), FermionicSWAP.matrix(pi)), np.eye(2))
    single = SingleExcitation.matrix(phi)
    both = np.einsum("...ij,...kl->...ikjl", single, single).reshape(*single.shape[:-2], 16, 16)
    return exchange @ both @ exchange


OrbitalRotation: Operation = _turn(
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

# --- families: how the user's constants are checked ---


def _array(family: str, noun: str, value: Any) -> np.ndarray:
    """The user's array, copied as complex128; finite."""
    try:
        array = np.array(value, dtype=complex)
    except (TypeError, ValueError, RuntimeError) as reason:
        raise CircuitError(
            f"{family} needs a plain array as its {noun}, a constant of the circuit; "
            f"got {type(value).__name__} ({reason})"
        ) from reason
    if not np.isfinite(array).all():
        raise CircuitError(f"{family} needs finite numbers in its {noun}; got NaN or infinity")
    return array


def _square(family: str, noun: str, value: Any, num_wires: int) -> np.ndarray:
    array = _array(family, noun, value)
    if array.shape != (2**num_wires,) * 2:
        raise CircuitError(
            f"{family} on {num_wires} wires needs a {noun} of shape {(2**num_wires,) * 2}; got {array.shape}"
        )
    return array


def _unitary(family: str, value: Any, num_wires: int) -> Constant:
    array = _square(family, "matrix", value, num_wires)
    error = float(np.abs(array.conj().T @ array - np.eye(len(array))).max())
    if error > _ATOL:
        raise CircuitError(
            f"{family} needs a unitary matrix; U^dagger U differs from the identity by {error:.2g} "
            f"(scipy.linalg.polar gives the nearest unitary)"
        )
    return Constant(array)


def _bits(family: str, noun: str, value: Any, length: int) -> tuple[int, ...]:
    """Zeros and ones, one per wire."""
    entries = [value] if isinstance(value, (bool, int, np.integer, np.bool_)) else list(value)
    if any(not isinstance(b, (bool, int, float, np.number, np.bool_)) or b not in (0, 1) for b in entries):
        raise CircuitError(f"{family} needs {noun} of zeros and ones; got {value!r}")
    if len(entries) != length:
        raise CircuitError(
            f"{family} needs {length} {noun}, one for each wire; got {len(entries)}: {value!r}"
        )
    return tuple(int(b) for b in entries)


# --- families without constants ---


def _identity(num_wires: int) -> Operation:
    return Operation(
        "I",
        "qubit",
        num_wires,
        definition=lambda: np.eye(2**num_wires, dtype=complex),
        inverse="self",
        pauli={"I": 1.0},
        decomposition=lambda *wires: [],
        formula=I.formula,
    )


I: Family = Family(  # noqa: E741 - the name the field uses
    "I",
    "qubit",
    (),
    (),
    _identity,
    defaults={"wires": ()},
    formula="the identity",
    examples=[(1, ()), (2, ())],
)


def _global_phase(num_wires: int) -> Operation:
    return Operation(
        "GlobalPhase",
        "qubit",
        num_wires,
        ("phi",),
        definition=lambda phi: _phases(phi, np.full(2**num_wires, -1.0)),
        spectrum=(Trig(),),
        exponent=("phi",),
        formula=GlobalPhase.formula,
    )


GlobalPhase: Family = Family(
    "GlobalPhase",
    "qubit",
    ("phi",),
    ("phi",),
    _global_phase,
    defaults={"wires": ()},
    formula="exp(-i phi), on any number of wires or none",
    examples=[(0, ()), (1, ()), (2, ())],
)


def _multi_rz(num_wires: int) -> Operation:
    if num_wires < 1:
        raise CircuitError("MultiRZ(theta, wires) acts on at least 1 wire; got none")
    parity = reduce(np.kron, [np.array([-0.5, 0.5])] + [np.array([1.0, -1.0])] * (num_wires - 1))

    def decomposition(*wires: Hashable) -> list[Step]:
        ladder = [step(CNOT, pair) for pair in pairwise(wires)]
        return [*ladder, step(RZ, wires[-1], "theta"), *reversed(ladder)]

    return Operation(
        "MultiRZ",
        "qubit",
        num_wires,
        ("theta",),
        definition=lambda theta: _phases(theta, parity),
        spectrum=(Trig(1),),
        exponent=("theta",),
        decomposition=decomposition,
        formula=MultiRZ.formula,
    )


MultiRZ: Family = Family(
    "MultiRZ",
    "qubit",
    ("theta",),
    ("theta",),
    _multi_rz,
    formula="exp(-i theta/2 Z...Z)",
    examples=[(1, ()), (2, ()), (3, ())],
)

# --- families with constants ---


def _check_word(num_wires: int, pauli_word: Any) -> tuple[str]:
    if not isinstance(pauli_word, str) or set(pauli_word) - set("IXYZ"):
        raise CircuitError(f"PauliRot needs a word of the letters I, X, Y, Z; got {pauli_word!r}")
    if len(pauli_word) != num_wires:
        raise CircuitError(
            f"PauliRot needs one letter for each wire; got {pauli_word!r} for {num_wires} wires"
        )
    return (pauli_word,)


def _pauli_rot(num_wires: int, pauli_word: str) -> Operation:
    into = {"X": lambda w: step(H, w), "Y": lambda w: step(RX, w, pi / 2)}
    back = {"X": lambda w: step(H, w), "Y": lambda w: step(RX, w, -pi / 2)}

    def decomposition(*wires: Hashable) -> list[Step]:
        active = [(w, s) for w, s in zip(wires, pauli_word, strict=True) if s != "I"]
        if not active:
            return [step(GlobalPhase.of(0), (), ("theta", 0.5))]
        return [
            *(into[s](w) for w, s in active if s != "Z"),
            step(MultiRZ.of(len(active)), tuple(w for w, _ in active), "theta"),
            *(back[s](w) for w, s in active if s != "Z"),
        ]

    def definition(theta: Any) -> np.ndarray:
        return _exp(theta, reduce(np.kron, (MATRICES[s] for s in pauli_word), np.eye(1)))

    return Operation(
        "PauliRot",
        "qubit",
        num_wires,
        ("theta",),
        definition=definition,
        spectrum=(Trig(1) if set(pauli_word) - {"I"} else Trig(),),
        exponent=("theta",),
        decomposition=decomposition,
        constants=(pauli_word,),
        formula=PauliRot.formula,
        label=f"R{pauli_word}",
    )


PauliRot: Family = Family(
    "PauliRot",
    "qubit",
    ("theta", "pauli_word"),
    ("theta",),
    _pauli_rot,
    _check_word,
    formula="exp(-i theta/2 P) for the Pauli word P, one letter of I, X, Y, Z for each wire",
    examples=[(1, ("Y",)), (3, ("XYZ",)), (3, ("ZIX",)), (2, ("II",))],
)


def _check_controls(num_wires: int, control_values: Any) -> tuple[tuple[int, ...]]:
    if num_wires < 1:
        raise CircuitError("MultiControlledX(wires) needs at least its target wire, the last one; got none")
    values = [1] * (num_wires - 1) if control_values is None else control_values
    return (_bits("MultiControlledX", "control_values", values, num_wires - 1),)


def _multi_controlled_x(num_wires: int, values: tuple[int, ...]) -> Operation:
    place = 2 * int("".join(map(str, values)) or "0", 2)

    def definition() -> np.ndarray:
        out = np.eye(2**num_wires, dtype=complex)
        out[[place, place + 1]] = out[[place + 1, place]]
        return out

    def decomposition(*wires: Hashable) -> list[Step]:
        controls = wires[:-1]
        return synthesis.where(values, controls, synthesis.controlled_x(controls, wires[-1]))

    return Operation(
        "MultiControlledX",
        "qubit",
        num_wires,
        definition=definition,
        inverse="self",
        decomposition=decomposition,
        constants=(values,),
        formula=MultiControlledX.formula,
        label="X",
    )


MultiControlledX: Family = Family(
    "MultiControlledX",
    "qubit",
    ("wires", "control_values"),
    (),
    _multi_controlled_x,
    _check_controls,
    defaults={"control_values": None},
    formula="X on the last wire where the others read control_values (default: all ones)",
    examples=[(1, ()), (2, ((0,),)), (3, ()), (4, ((1, 0, 1),)), (5, ()), (6, ((1, 1, 0, 1, 0),))],
)


def _check_unitary(num_wires: int, U: Any) -> tuple[Constant]:
    return (_unitary("QubitUnitary", U, num_wires),)


def _qubit_unitary(num_wires: int, constant: Constant) -> Operation:
    matrix = constant.array
    return Operation(
        "QubitUnitary",
        "qubit",
        num_wires,
        definition=lambda: matrix,
        inverse=lambda *wires: [step(QubitUnitary.of(num_wires, matrix.conj().T), wires)],
        decomposition=lambda *wires: synthesis.unitary(matrix, wires),
        constants=(constant,),
        formula=QubitUnitary.formula,
        label="U",
    )


def _example_unitary(dimension: int) -> np.ndarray:
    """A fixed unitary without symmetry: rows orthogonalised from cosines."""
    grid = np.arange(dimension**2).reshape(dimension, dimension)
    return np.linalg.qr(np.cos(1.7 * grid**2) + 1j * np.cos(0.3 + grid**3 % 7))[0]


QubitUnitary: Family = Family(
    "QubitUnitary",
    "qubit",
    ("U",),
    (),
    _qubit_unitary,
    _check_unitary,
    formula="the unitary matrix U (2^k, 2^k)",
    examples=[(1, (_example_unitary(2),)), (2, (_example_unitary(4),)), (3, (_example_unitary(8),))],
)


def _check_diagonal(num_wires: int, D: Any) -> tuple[Constant]:
    array = _array("DiagonalQubitUnitary", "diagonal", D)
    if array.shape != (2**num_wires,):
        raise CircuitError(
            f"DiagonalQubitUnitary on {num_wires} wires needs a diagonal of shape {(2**num_wires,)}; "
            f"got {array.shape}"
        )
    error = float(np.abs(np.abs(array) - 1).max())
    if error > _ATOL:
        raise CircuitError(
            f"DiagonalQubitUnitary needs entries of magnitude 1; one is off by {error:.2g} "
            f"(D / abs(D) would be unitary)"
        )
    return (Constant(array),)


def _diagonal_unitary(num_wires: int, constant: Constant) -> Operation:
    entries = constant.array
    return Operation(
        "DiagonalQubitUnitary",
        "qubit",
        num_wires,
        definition=lambda: _diagonal(entries),
        inverse=lambda *wires: [step(DiagonalQubitUnitary.of(num_wires, entries.conj()), wires)],
        decomposition=lambda *wires: synthesis.diagonal(np.angle(entries), wires),
        constants=(constant,),
        formula=DiagonalQubitUnitary.formula,
        label="D",
    )


DiagonalQubitUnitary: Family = Family(
    "DiagonalQubitUnitary",
    "qubit",
    ("D",),
    (),
    _diagonal_unitary,
    _check_diagonal,
    formula="diag(D), D of shape (2^k,) and magnitude 1",
    examples=[(1, (np.exp([0.3j, -1.1j]),)), (3, (np.exp(1j * np.cos(np.arange(8.0) ** 2)),))],
)


def _check_controlled_unitary(
    num_wires: int, U: Any, control_values: Any
) -> tuple[Constant, tuple[int, ...]]:
    side = np.shape(U)[0] if np.ndim(U) == 2 else 0
    targets = side.bit_length() - 1
    if side != 2 ** max(targets, 0) or not 0 <= targets <= num_wires:
        raise CircuitError(
            f"ControlledQubitUnitary on {num_wires} wires, controls first, needs a matrix of shape "
            f"(2^k, 2^k) for its last k wires, k <= {num_wires}; got {np.shape(U)}"
        )
    controls = num_wires - targets
    values = [1] * controls if control_values is None else control_values
    checked = _bits("ControlledQubitUnitary", "control_values", values, controls)
    return _unitary("ControlledQubitUnitary", U, targets), checked


def _controlled_unitary(num_wires: int, constant: Constant, values: tuple[int, ...]) -> Operation:
    matrix, n = constant.array, len(values)
    start = int("".join(map(str, values)) or "0", 2) * len(matrix)

    def definition() -> np.ndarray:
        out = np.eye(2**num_wires, dtype=complex)
        out[start : start + len(matrix), start : start + len(matrix)] = matrix
        return out

    def decomposition(*wires: Hashable) -> list[Step]:
        controls, targets = wires[:n], wires[n:]
        return synthesis.where(values, controls, synthesis.controlled_unitary(matrix, controls, targets))

    return Operation(
        "ControlledQubitUnitary",
        "qubit",
        num_wires,
        definition=definition,
        inverse=lambda *wires: [step(ControlledQubitUnitary.of(num_wires, matrix.conj().T, values), wires)],
        decomposition=decomposition,
        constants=(constant, values),
        formula=ControlledQubitUnitary.formula,
        label="U",
    )


ControlledQubitUnitary: Family = Family(
    "ControlledQubitUnitary",
    "qubit",
    ("U", "wires", "control_values"),
    (),
    _controlled_unitary,
    _check_controlled_unitary,
    defaults={"control_values": None},
    formula="U on the last wires where the first read control_values (default: all ones)",
    examples=[
        (2, (_example_unitary(2),)),
        (3, (_example_unitary(4), [0])),
        (4, (_example_unitary(2), [1, 0, 1])),
        (7, (_example_unitary(2),)),
    ],
)


def _check_dim(num_wires: int, dim: Any) -> tuple[int]:
    if (
        isinstance(dim, (bool, np.bool_))
        or not isinstance(dim, (int, np.integer))
        or not 0 <= dim <= 2**num_wires
    ):
        raise CircuitError(f"PCPhase on {num_wires} wires needs a dim of 0..{2**num_wires}; got {dim!r}")
    return (int(dim),)


def _pcphase(num_wires: int, dim: int) -> Operation:
    signs = np.where(np.arange(2**num_wires) < dim, 1.0, -1.0)

    def decomposition(*wires: Hashable) -> list[Step]:
        steps = [step(GlobalPhase.of(0), (), "phi")]
        if dim == 2**num_wires:
            return [step(GlobalPhase.of(0), (), ("phi", -1))]
        # the numbers below dim, one block for each of its ones: the bits before it, 0 there, any bits after
        for length in range(1, num_wires + 1):
            prefix = dim >> (num_wires - length)
            if prefix & 1:
                bits = tuple(int(b) for b in f"{prefix ^ 1:0{length}b}")
                controls = wires[:length]
                steps += synthesis.where(
                    bits, controls, synthesis.controlled_phase(controls, Affine("phi", 2.0))
                )
        return steps

    return Operation(
        "PCPhase",
        "qubit",
        num_wires,
        ("phi",),
        definition=lambda phi: _phases(phi, signs),
        spectrum=(Trig(2) if 0 < dim < 2**num_wires else Trig(),),
        exponent=("phi",),
        decomposition=decomposition,
        constants=(dim,),
        formula=PCPhase.formula,
    )


PCPhase: Family = Family(
    "PCPhase",
    "qubit",
    ("phi", "dim"),
    ("phi",),
    _pcphase,
    _check_dim,
    formula="exp(i phi) on the first dim basis states, exp(-i phi) on the others",
    examples=[(1, (1,)), (2, (3,)), (3, (5,)), (2, (0,)), (2, (4,))],
)

# --- states ---


def _check_basis(num_wires: int, state: Any) -> tuple[tuple[int, ...]]:
    if isinstance(state, (int, np.integer)) and not isinstance(state, (bool, np.bool_)) and num_wires != 1:
        if not 0 <= state < 2**num_wires:
            raise CircuitError(
                f"BasisState on {num_wires} wires takes a number of 0..{2**num_wires - 1}; got {state!r}"
            )
        state = [int(b) for b in f"{int(state):0{num_wires}b}"[:num_wires]]
    return (_bits("BasisState", "bits", state, num_wires),)


def _basis_state(num_wires: int, bits: tuple[int, ...]) -> Operation:
    def definition() -> np.ndarray:
        out = np.zeros(2**num_wires, dtype=complex)
        out[int("".join(map(str, bits)) or "0", 2)] = 1
        return out

    return Operation(
        "BasisState",
        "qubit",
        num_wires,
        kind="state",
        definition=definition,
        decomposition=lambda *wires: [step(X, w) for w, bit in zip(wires, bits, strict=True) if bit],
        constants=(bits,),
        formula=BasisState.formula,
        label="|" + "".join(map(str, bits)) + "⟩",
    )


BasisState: Family = Family(
    "BasisState",
    "qubit",
    ("state",),
    (),
    _basis_state,
    _check_basis,
    formula="the basis state of these bits, one for each wire (or the number they write)",
    examples=[(1, ([1],)), (3, ([0, 1, 1],)), (3, (5,))],
)


def _ket(
    family: str, num_wires: int, state: Any, pad_with: Any = None, normalize: bool = False, hints: bool = True
) -> Constant:
    ket = _array(family, "state", state)
    size = 2**num_wires
    if ket.ndim != 1 or len(ket) > size or (len(ket) < size and pad_with is None):
        raise CircuitError(
            f"{family} on {num_wires} wires needs a state of shape {(size,)}; got {ket.shape}"
            + ("; pad_with=0 fills up a shorter one" if hints and ket.ndim == 1 and len(ket) < size else "")
        )
    if len(ket) < size:
        ket = np.concatenate([ket, np.full(size - len(ket), _array(family, "pad_with", pad_with))])
    norm = float(np.linalg.norm(ket))
    if normalize and norm > 0:
        ket = ket / norm
    elif abs(norm - 1) > _ATOL:
        raise CircuitError(
            f"{family} needs a state of norm 1; got norm {norm:.10g}"
            + ("; normalize=True divides by it" if hints and norm else "")
        )
    return Constant(ket)


def _check_ket(num_wires: int, state: Any, pad_with: Any, normalize: Any) -> tuple[Constant]:
    return (_ket("StatePrep", num_wires, state, pad_with, bool(normalize)),)


def _check_mottonen(num_wires: int, state_vector: Any) -> tuple[Constant]:
    return (_ket("MottonenStatePreparation", num_wires, state_vector, hints=False),)


def _state_prep(num_wires: int, constant: Constant) -> Operation:
    ket = constant.array
    return Operation(
        "StatePrep",
        "qubit",
        num_wires,
        kind="state",
        definition=lambda: ket,
        decomposition=lambda *wires: [step(MottonenStatePreparation.of(num_wires, ket), wires)],
        constants=(constant,),
        formula=StatePrep.formula,
        label="|ψ⟩",
    )


_EXAMPLE_KETS: Sequence[tuple[int, tuple[Any, ...]]] = [
    (1, ([0.6, -0.8j],)),
    (2, ([0, 0, 0, 1j],)),
    (3, (_example_unitary(8)[1],)),
]

StatePrep: Family = Family(
    "StatePrep",
    "qubit",
    ("state", "wires", "pad_with", "normalize"),
    (),
    _state_prep,
    _check_ket,
    defaults={"pad_with": None, "normalize": False},
    formula="the ket state (2^k,) of norm 1; pad_with fills up a shorter one, normalize divides by its norm",
    examples=[*_EXAMPLE_KETS, (2, ([3, 4j], 0, True))],
)


def _mottonen(num_wires: int, constant: Constant) -> Operation:
    # no matrix: its columns but the first are whatever the circuit makes of them, and 4^n numbers
    return Operation(
        "MottonenStatePreparation",
        "qubit",
        num_wires,
        decomposition=lambda *wires: synthesis.ket(constant.array, wires),
        constants=(constant,),
        formula=MottonenStatePreparation.formula,
        label="|ψ⟩",
    )


MottonenStatePreparation: Family = Family(
    "MottonenStatePreparation",
    "qubit",
    ("state_vector",),
    (),
    _mottonen,
    _check_mottonen,
    formula="a gate that takes |0...0> to the ket state_vector (2^k,), its phase included",
    examples=_EXAMPLE_KETS,
)


def _check_density(num_wires: int, rho: Any) -> tuple[Constant]:
    array = _square("QubitDensityMatrix", "matrix", rho, num_wires)
    trace = complex(np.trace(array))
    if np.abs(array - array.conj().T).max() > _ATOL:
        raise CircuitError(
            "QubitDensityMatrix needs a Hermitian matrix; got one that differs from its adjoint"
        )
    if abs(trace - 1) > _ATOL:
        raise CircuitError(f"QubitDensityMatrix needs a matrix of trace 1; got {trace.real:.10g}")
    lowest = float(np.linalg.eigvalsh(array)[0])
    if lowest < -_ATOL:
        raise CircuitError(f"QubitDensityMatrix needs eigenvalues >= 0; the lowest is {lowest:.2g}")
    return (Constant(array),)


def _density(num_wires: int, constant: Constant) -> Operation:
    return Operation(
        "QubitDensityMatrix",
        "qubit",
        num_wires,
        kind="state",
        definition=lambda: constant.array,
        mixed=True,
        constants=(constant,),
        formula=QubitDensityMatrix.formula,
        label="ρ",
    )


QubitDensityMatrix: Family = Family(
    "QubitDensityMatrix",
    "qubit",
    ("rho",),
    (),
    _density,
    _check_density,
    formula="the density matrix rho (2^k, 2^k): Hermitian, positive, of trace 1",
    examples=[(1, ([[0.7, 0.2j], [-0.2j, 0.3]],)), (2, (np.diag([0.5, 0.25, 0.25, 0.0]),))],
)

# --- markers ---


def _barrier(num_wires: int) -> Operation:
    return Operation(
        "Barrier",
        "qubit",
        num_wires,
        kind="marker",
        decomposition=lambda *wires: [],
        formula=Barrier.formula,
        label="||",
    )


Barrier: Family = Family(
    "Barrier",
    "qubit",
    ("wires",),
    (),
    _barrier,
    defaults={"wires": ()},
    formula="nothing; a line in the drawing",
    examples=[(0, ()), (2, ())],
)


def _check_snapshot(num_wires: int, tag: Any, measurement: Any) -> tuple[Hashable, Hashable]:
    try:
        hash((tag, measurement))
    except TypeError as reason:
        raise CircuitError(
            f"Snapshot needs a tag and a measurement that are constants; got {tag!r}, {measurement!r}"
        ) from reason
    return tag, measurement


def _snapshot(num_wires: int, tag: Hashable, measurement: Hashable) -> Operation:
    return Operation(
        "Snapshot",
        "qubit",
        num_wires,
        kind="marker",
        decomposition=lambda *wires: [],
        constants=(tag, measurement),
        formula=Snapshot.formula,
        label="|Snap|",
    )


Snapshot: Family = Family(
    "Snapshot",
    "qubit",
    ("tag", "measurement", "wires"),
    (),
    _snapshot,
    _check_snapshot,
    defaults={"tag": None, "measurement": None, "wires": ()},
    formula="nothing; where hb.snapshots takes the state, or the measurement, under this tag",
    examples=[(0, ()), (0, ("here",))],
)

PauliX, PauliY, PauliZ, Hadamard, Identity = X, Y, Z, H, I
CPhase, CPhaseShift, SQISW = ControlledPhaseShift, ControlledPhaseShift, SISWAP
