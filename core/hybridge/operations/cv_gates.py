"""The gates on modes of light.

This holds for all CV rows: hbar = 2, so the vacuum has covariance 1; a = (x + i p) / 2; angles in radians;
order (x1..xk, p1..pk) of the row's own wires. Gaussian gates: r -> S r + d. Names, argument order and signs
are PennyLane's (and those of Strawberry Fields).
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from hybridge.operations import constants, synthesis
from hybridge.operations.matrices import dense, phases
from hybridge.operations.spectrum import Hyperbolic, Power, Trig
from hybridge.operations.table import Constant, Family, Operation, Step, derive, row, step
from hybridge.phasespace.cubic import cubic_phase
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position

X1, P1, N1 = position(0), momentum(0), photon_number(0)
X2, P2, N2 = position(1), momentum(1), photon_number(1)

Pair = tuple[np.ndarray, np.ndarray]


def _unmoved(S: np.ndarray) -> Pair:
    """S and no shift."""
    return S, np.zeros(S.shape[:-1])


def _rotation(phi: Any) -> Pair:
    c, s = np.cos(phi), np.sin(phi)
    return _unmoved(dense([c, -s], [s, c]))


def _squeezing(r: Any, phi: Any) -> Pair:
    ch, c, s = np.cosh(r), np.sinh(r) * np.cos(phi), np.sinh(r) * np.sin(phi)
    return _unmoved(dense([ch - c, -s], [-s, ch + c]))


def displacement(a: Any, phi: Any) -> Pair:
    d = dense(2 * a * np.cos(phi), 2 * a * np.sin(phi))
    return np.broadcast_to(np.eye(2), (*d.shape, 2)).copy(), d


def _quadratic_phase(s: Any) -> Pair:
    return _unmoved(dense([1, 0], [s, 1]))


def _beamsplitter(theta: Any, phi: Any) -> Pair:
    t, c, s = np.cos(theta), np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)
    return _unmoved(dense([t, -c, 0, -s], [c, t, -s, 0], [0, s, t, -c], [s, 0, c, t]))


def _two_mode_squeezing(r: Any, phi: Any) -> Pair:
    ch, c, s = np.cosh(r), np.sinh(r) * np.cos(phi), np.sinh(r) * np.sin(phi)
    return _unmoved(dense([ch, c, 0, s], [c, ch, s, 0], [0, s, ch, -c], [s, 0, -c, ch]))


def _controlled_addition(s: Any) -> Pair:
    return _unmoved(dense([1, 0, 0, 0], [s, 1, 0, 0], [0, 0, 1, -s], [0, 0, 0, 1]))


def _controlled_phase(s: Any) -> Pair:
    return _unmoved(dense([1, 0, 0, 0], [0, 1, 0, 0], [0, s, 1, 0], [s, 0, 0, 1]))


Rotation = row(
    "Rotation",
    "cv",
    1,
    ("phi",),
    definition=_rotation,
    hamiltonian=lambda phi: phi * N1,
    spectrum=(Trig(1),),
    exponent=("phi",),
    formula="exp(i phi n): a -> e^{i phi} a",
    label="R",
)

Squeezing = row(
    "Squeezing",
    "cv",
    1,
    ("r", "phi"),
    definition=_squeezing,
    hamiltonian=lambda r, phi: (
        r / 4 * (np.cos(phi) * (X1 @ P1 + P1 @ X1) - np.sin(phi) * (X1 @ X1 - P1 @ P1))
    ),
    spectrum=(Hyperbolic(1), Trig(1)),
    exponent=("r",),
    formula="exp((z* a^2 - z a^dagger^2) / 2), z = r e^{i phi}: x -> e^{-r} x at phi = 0",
    label="S",
)

Displacement = row(
    "Displacement",
    "cv",
    1,
    ("a", "phi"),
    definition=displacement,
    hamiltonian=lambda a, phi: a * (np.sin(phi) * X1 - np.cos(phi) * P1),
    spectrum=(Power(), Trig(1)),
    exponent=("a",),
    formula="exp(alpha a^dagger - alpha* a), alpha = a e^{i phi}: a -> a + alpha",
    label="D",
)

PositionDisplacement = row(
    "PositionDisplacement",
    "cv",
    1,
    ("x",),
    definition=lambda x: displacement(x / 2, 0.0),
    hamiltonian=lambda x: -x / 2 * P1,
    spectrum=(Power(),),
    exponent=("x",),
    decomposition=lambda *wires: [step(Displacement, wires, ("x", 0.5), 0.0)],
    formula="exp(-i x p / 2), p the momentum: x -> x + the parameter",
    label="DX",
)

MomentumDisplacement = row(
    "MomentumDisplacement",
    "cv",
    1,
    ("p",),
    definition=lambda p: displacement(p / 2, np.pi / 2),
    hamiltonian=lambda p: p / 2 * X1,
    spectrum=(Power(),),
    exponent=("p",),
    decomposition=lambda *wires: [step(Displacement, wires, ("p", 0.5), np.pi / 2)],
    formula="exp(i p x / 2), x the position: p -> p + the parameter",
    label="DP",
)

Fourier = row(
    "Fourier",
    "cv",
    1,
    definition=lambda: _rotation(np.pi / 2),
    hamiltonian=lambda: np.pi / 2 * N1,
    decomposition=lambda *wires: [step(Rotation, wires, np.pi / 2)],
    inverse=lambda *wires: [step(Rotation, wires, -np.pi / 2)],
    formula="Rotation(pi / 2): x -> -p, p -> x",
    label="F",
)

QuadraticPhase = row(
    "QuadraticPhase",
    "cv",
    1,
    ("s",),
    definition=_quadratic_phase,
    hamiltonian=lambda s: s / 4 * X1**2,
    spectrum=(Power(),),
    exponent=("s",),
    formula="exp(i s x^2 / 4): p -> p + s x",
    label="P",
)

Beamsplitter = row(
    "Beamsplitter",
    "cv",
    2,
    ("theta", "phi"),
    definition=_beamsplitter,
    hamiltonian=lambda theta, phi: (
        theta / 2 * (np.sin(phi) * (X1 @ X2 + P1 @ P2) + np.cos(phi) * (P1 @ X2 - X1 @ P2))
    ),
    spectrum=(Trig(1), Trig(1)),
    exponent=("theta",),
    formula="exp(theta (e^{i phi} a1 a2^dagger - e^{-i phi} a1^dagger a2)): "
    "a1 -> cos(theta) a1 - e^{-i phi} sin(theta) a2, a2 -> cos(theta) a2 + e^{i phi} sin(theta) a1",
    label="BS",
)

TwoModeSqueezing = row(
    "TwoModeSqueezing",
    "cv",
    2,
    ("r", "phi"),
    definition=_two_mode_squeezing,
    hamiltonian=lambda r, phi: (
        r / 2 * (np.sin(phi) * (X1 @ X2 - P1 @ P2) - np.cos(phi) * (X1 @ P2 + P1 @ X2))
    ),
    spectrum=(Hyperbolic(1), Trig(1)),
    exponent=("r",),
    # the sum and the difference of the modes are squeezed one by one
    decomposition=lambda *wires: [
        step(Beamsplitter, wires, -np.pi / 4, 0.0),
        step(Squeezing, wires[:1], ("r", -1.0), "phi"),
        step(Squeezing, wires[1:], "r", "phi"),
        step(Beamsplitter, wires, np.pi / 4, 0.0),
    ],
    formula="exp(z a1^dagger a2^dagger - z* a1 a2), z = r e^{i phi}: "
    "a1 -> cosh(r) a1 + e^{i phi} sinh(r) a2^dagger, a2 -> cosh(r) a2 + e^{i phi} sinh(r) a1^dagger",
    label="S2",
)

ControlledPhase = row(
    "ControlledPhase",
    "cv",
    2,
    ("s",),
    definition=_controlled_phase,
    hamiltonian=lambda s: s / 2 * X1 @ X2,
    spectrum=(Power(),),
    exponent=("s",),
    # 2 x1 x2 = x+^2 - x-^2 with x+- = (x1 +- x2) / sqrt(2); affine in s, squeezers would need asinh(s / 2)
    decomposition=lambda *wires: [
        step(Beamsplitter, wires, -np.pi / 4, 0.0),
        step(QuadraticPhase, wires[:1], "s"),
        step(QuadraticPhase, wires[1:], ("s", -1.0)),
        step(Beamsplitter, wires, np.pi / 4, 0.0),
    ],
    formula="exp(i s x1 x2 / 2): p1 -> p1 + s x2, p2 -> p2 + s x1",
    label="CZ",
)

ControlledAddition = row(
    "ControlledAddition",
    "cv",
    2,
    ("s",),
    definition=_controlled_addition,
    hamiltonian=lambda s: -s / 2 * X1 @ P2,
    spectrum=(Power(),),
    exponent=("s",),
    decomposition=lambda *wires: [
        step(Rotation, wires[1:], np.pi / 2),  # turns x2 into -p2
        step(ControlledPhase, wires, "s"),
        step(Rotation, wires[1:], -np.pi / 2),
    ],
    formula="exp(-i s x1 p2 / 2): x2 -> x2 + s x1, p1 -> p1 - s p2",
    label="CX",
)


def _check_interferometer(num_wires: int, U: Any) -> tuple[Constant]:
    return (constants.unitary(f"InterferometerUnitary on {num_wires} wires", "U", U, num_wires),)


def _interferometer(num_wires: int, U: Constant) -> Operation:
    u = U.array
    return Operation(
        "InterferometerUnitary",
        "cv",
        num_wires,
        definition=lambda: _unmoved(np.block([[u.real, -u.imag], [u.imag, u.real]])),
        hamiltonian=lambda: passive_hamiltonian(u),
        decomposition=partial(_mesh, u),
        inverse=lambda *wires: [step(derive(_interferometer, num_wires, Constant(u.conj().T)), wires)],
        constants=(U,),
        formula=InterferometerUnitary.formula,
        label="U",
    )


def passive_hamiltonian(u: np.ndarray) -> Polynomial:
    """sum_ij K_ij a_i^dagger a_j with u = exp(i K)."""
    angles, vectors = synthesis.eigenphases(u)
    K = vectors * angles @ vectors.conj().T
    a = [(position(i) + 1j * momentum(i)) / 2 for i in range(len(u))]
    dagger = [(position(i) - 1j * momentum(i)) / 2 for i in range(len(u))]
    K = (K + K.conj().T) / 2
    return sum(
        (complex(K[i, j]) * dagger[i] @ a[j] for i, j in product(range(len(u)), repeat=2)),
        Polynomial({}, range(len(u))),
    )


def _mesh(u: np.ndarray, *wires: Hashable) -> list[Step]:
    """Beamsplitters of neighbours, then rotations (Reck et al., PRL 73, 58 (1994)).

    Each beamsplitter, divided out on the right, clears one element below the diagonal, from the last row up.
    """
    rest, steps = np.array(u), []
    for i in range(len(u) - 1, 0, -1):
        for j in range(i):
            theta = np.arctan2(abs(rest[i, j]), abs(rest[i, j + 1]))
            if theta < 1e-15:
                continue
            phi = np.angle(rest[i, j]) - np.angle(rest[i, j + 1])
            c, s = np.cos(theta), np.exp(1j * phi) * np.sin(theta)
            rest[:, j : j + 2] = rest[:, j : j + 2] @ np.array([[c, s.conjugate()], [-s, c]])
            steps.append(step(Beamsplitter, wires[j : j + 2], theta, phi))
    return steps + [
        step(Rotation, (wire,), phi) for wire, phi in zip(wires, np.angle(np.diag(rest)), strict=True)
    ]


InterferometerUnitary = Family(
    "InterferometerUnitary",
    "cv",
    ("U",),
    (),
    _interferometer,
    _check_interferometer,
    formula="a -> U a, U unitary (k, k), one row and column per wire",
    examples=(
        (1, (np.array([[1j]]),)),
        (2, (np.array([[1, 1j], [1j, 1]]) / np.sqrt(2),)),
        (3, (np.exp(2j * np.pi * np.outer(range(3), range(3)) / 3) / np.sqrt(3),)),
    ),
)


def _number_phases(kappa: Any, numbers: np.ndarray) -> np.ndarray:
    """exp(i kappa numbers) as an operator: numbers (cutoff,)*k -> (...) + (cutoff,)*2k."""
    operator = phases(kappa, numbers.ravel())
    return operator.reshape(*operator.shape[:-2], *numbers.shape, *numbers.shape)


def _number_slope(kappa: Any, numbers: np.ndarray) -> tuple[tuple[np.ndarray]]:
    outputs = numbers.reshape(*numbers.shape, *(1,) * numbers.ndim)
    return ((1j * outputs * _number_phases(kappa, numbers),),)


def _squares(cutoff: int) -> np.ndarray:
    return np.arange(cutoff) ** 2


def _products(cutoff: int) -> np.ndarray:
    return np.multiply.outer(np.arange(cutoff), np.arange(cutoff))


Kerr = row(
    "Kerr",
    "cv",
    1,
    ("kappa",),
    fock=lambda cutoff, kappa: _number_phases(kappa, _squares(cutoff)),
    slope=lambda cutoff, kappa: _number_slope(kappa, _squares(cutoff)),
    hamiltonian=lambda kappa: kappa * N1**2,
    exponent=("kappa",),
    formula="exp(i kappa n^2)",
    label="K",
)

CrossKerr = row(
    "CrossKerr",
    "cv",
    2,
    ("kappa",),
    fock=lambda cutoff, kappa: _number_phases(kappa, _products(cutoff)),
    slope=lambda cutoff, kappa: _number_slope(kappa, _products(cutoff)),
    hamiltonian=lambda kappa: kappa * N1 @ N2,
    exponent=("kappa",),
    formula="exp(i kappa n1 n2)",
    label="CK",
)

CubicPhase = row(
    "CubicPhase",
    "cv",
    1,
    ("gamma",),
    fock=lambda cutoff, gamma: cubic_phase(gamma, cutoff),
    slope=lambda cutoff, gamma: ((cubic_phase(gamma, cutoff, order=1),),),
    hamiltonian=lambda gamma: gamma / 6 * X1**3,
    exponent=("gamma",),
    formula="exp(i gamma x^3 / 6): p -> p + gamma x^2",
    label="V",
)
