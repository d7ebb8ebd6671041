"""The rows of continuous-variable operations: gates, states and one channel on modes of light.

hbar = 2, so the vacuum has covariance 1; a = (x + i p) / 2; angles in radians; order (x1..xk, p1..pk) of the
row's own wires. Gaussian gates: r -> S r + d. Names, argument order and signs are PennyLane's (and those of
Strawberry Fields). Rows of kind "state" forget what was on their wires; their decompositions are gates on the
vacuum, so they hold for the first operation on a wire only.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from itertools import product
from math import inf
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations.spectrum import Hyperbolic, Power, Trig
from hybridge.operations.table import Constant, Family, Operation, Step, derive, row, step
from hybridge.phasespace.cubic import cubic_phase
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position

TOLERANCE = 1e-8  # how far from unitary, normalised, symmetric ... a constant may be

X1, P1, N1 = position(0), momentum(0), photon_number(0)
X2, P2, N2 = position(1), momentum(1), photon_number(1)

Pair = tuple[np.ndarray, np.ndarray]


def _array(*entries: Any) -> np.ndarray:
    """A vector (..., n), or a matrix (..., n, m) from rows given as lists; the entries broadcast."""
    size = (len(entries), len(entries[0])) if isinstance(entries[0], list) else (len(entries),)
    flat = [entry for line in entries for entry in line] if len(size) == 2 else entries
    lead = np.broadcast_shapes(*(entry.shape for entry in flat if isinstance(entry, np.ndarray)))
    full = np.empty((*lead, len(flat)))
    for i, entry in enumerate(flat):
        full[..., i] = entry
    return full.reshape(*lead, *size)


def _unmoved(S: np.ndarray) -> Pair:
    """S and no shift."""
    return S, np.zeros(S.shape[:-1])


# ---- Gaussian gates ----------------------------------------------


def _rotation(phi: Any) -> Pair:
    c, s = np.cos(phi), np.sin(phi)
    return _unmoved(_array([c, -s], [s, c]))


def _squeezing(r: Any, phi: Any) -> Pair:
    ch, c, s = np.cosh(r), np.sinh(r) * np.cos(phi), np.sinh(r) * np.sin(phi)
    return _unmoved(_array([ch - c, -s], [-s, ch + c]))


def _displacement(a: Any, phi: Any) -> Pair:
    d = _array(2 * a * np.cos(phi), 2 * a * np.sin(phi))
    return np.broadcast_to(np.eye(2), (*d.shape, 2)).copy(), d


def _quadratic_phase(s: Any) -> Pair:
    return _unmoved(_array([1, 0], [s, 1]))


def _beamsplitter(theta: Any, phi: Any) -> Pair:
    t, c, s = np.cos(theta), np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)
    return _unmoved(_array([t, -c, 0, -s], [c, t, -s, 0], [0, s, t, -c], [s, 0, c, t]))


def _two_mode_squeezing(r: Any, phi: Any) -> Pair:
    ch, c, s = np.cosh(r), np.sinh(r) * np.cos(phi), np.sinh(r) * np.sin(phi)
    return _unmoved(_array([ch, c, 0, s], [c, ch, s, 0], [0, s, ch, -c], [s, 0, -c, ch]))


def _controlled_addition(s: Any) -> Pair:
    return _unmoved(_array([1, 0, 0, 0], [s, 1, 0, 0], [0, 0, 1, -s], [0, 0, 0, 1]))


def _controlled_phase(s: Any) -> Pair:
    return _unmoved(_array([1, 0, 0, 0], [0, 1, 0, 0], [0, s, 1, 0], [s, 0, 0, 1]))


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
    definition=_displacement,
    hamiltonian=lambda a, phi: a * (np.sin(phi) * X1 - np.cos(phi) * P1),
    spectrum=(Power(), Trig(1)),
    exponent=("a",),
    formula="exp(alpha a^dagger - alpha* a), alpha = a e^{i phi}: a -> a + alpha",
    label="D",
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


def _freeze_interferometer(num_wires: int, U: Any) -> tuple[Constant]:
    matrix = _plain("InterferometerUnitary", "U", U, complex, (num_wires,) * 2)
    off = np.abs(matrix @ matrix.conj().T - np.eye(num_wires)).max()
    if off > TOLERANCE:
        raise CircuitError(f"InterferometerUnitary needs a unitary U; U U^dagger differs from 1 by {off:.2g}")
    return (Constant(matrix),)


def _interferometer(num_wires: int, U: Constant) -> Operation:
    u = U.array
    return Operation(
        "InterferometerUnitary",
        "cv",
        num_wires,
        definition=lambda: _unmoved(np.block([[u.real, -u.imag], [u.imag, u.real]])),
        hamiltonian=lambda: _passive_hamiltonian(u),
        decomposition=partial(_mesh, u),
        inverse=lambda *wires: [step(derive(_interferometer, num_wires, Constant(u.conj().T)), wires)],
        constants=(U,),
        formula=InterferometerUnitary.formula,
        label="U",
    )


def _passive_hamiltonian(u: np.ndarray) -> Polynomial:
    """sum_ij K_ij a_i^dagger a_j with u = exp(i K)."""
    from scipy.linalg import schur  # importing scipy would take longer than importing hybridge

    triangle, vectors = schur(
        u, output="complex"
    )  # diagonal, as u is normal; its vectors are orthonormal, unlike eig's
    K = vectors * np.angle(np.diag(triangle)) @ vectors.conj().T
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
    _freeze_interferometer,
    formula="a -> U a, U unitary (k, k), one row and column per wire",
    examples=(
        (1, (np.array([[1j]]),)),
        (2, (np.array([[1, 1j], [1j, 1]]) / np.sqrt(2),)),
        (3, (np.exp(2j * np.pi * np.outer(range(3), range(3)) / 3) / np.sqrt(3),)),
    ),
)


# ---- gates that are not Gaussian ---------------------------------


def _diagonal(phases: np.ndarray, num_wires: int) -> np.ndarray:
    """exp(i phases) as an operator, phases (...) + (cutoff,)*k -> (...) + (cutoff,)*2k."""
    photons = phases.shape[phases.ndim - num_wires :]
    lead, size = phases.shape[: phases.ndim - num_wires], int(np.prod(photons))
    operator = np.zeros((*lead, size, size), dtype=complex)
    operator[..., range(size), range(size)] = np.exp(1j * phases).reshape(*lead, size)
    return operator.reshape(*lead, *photons, *photons)


def _kerr(cutoff: int, kappa: Any) -> np.ndarray:
    return _diagonal(np.multiply.outer(kappa, np.arange(cutoff) ** 2), 1)


def _cross_kerr(cutoff: int, kappa: Any) -> np.ndarray:
    return _diagonal(np.multiply.outer(kappa, np.multiply.outer(np.arange(cutoff), np.arange(cutoff))), 2)


Kerr = row(
    "Kerr",
    "cv",
    1,
    ("kappa",),
    fock=_kerr,
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
    fock=_cross_kerr,
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
    hamiltonian=lambda gamma: gamma / 6 * X1**3,
    exponent=("gamma",),
    formula="exp(i gamma x^3 / 6): p -> p + gamma x^2",
    label="V",
)


# ---- Gaussian states ---------------------------------------------


def _coherent(a: Any, phi: Any) -> Pair:
    S, d = _displacement(a, phi)
    return d, S  # S is 1, the covariance of the vacuum


def _squeezed(r: Any, phi: Any) -> Pair:
    return _displaced_squeezed(0.0, 0.0, r, phi)


def _displaced_squeezed(a: Any, phi_a: Any, r: Any, phi_r: Any) -> Pair:
    ch, c, s = np.cosh(2 * r), np.sinh(2 * r) * np.cos(phi_r), np.sinh(2 * r) * np.sin(phi_r)
    mean, cov = _displacement(a, phi_a)[1], _array([ch - c, -s], [-s, ch + c])
    lead = np.broadcast_shapes(mean.shape[:-1], cov.shape[:-2])
    return np.broadcast_to(mean, (*lead, 2)).copy(), np.broadcast_to(cov, (*lead, 2, 2)).copy()


def _thermal(nbar: Any) -> Pair:
    cov = _array([2 * nbar + 1, 0], [0, 2 * nbar + 1])
    return np.zeros(cov.shape[:-1]), cov


CoherentState = row(
    "CoherentState",
    "cv",
    1,
    ("a", "phi"),
    "state",
    definition=_coherent,
    spectrum=(Power(), Trig(1)),
    decomposition=lambda *wires: [step(Displacement, wires, "a", "phi")],
    formula="D(a, phi) |0>",
)

SqueezedState = row(
    "SqueezedState",
    "cv",
    1,
    ("r", "phi"),
    "state",
    definition=_squeezed,
    spectrum=(Hyperbolic(1), Trig(1)),
    decomposition=lambda *wires: [step(Squeezing, wires, "r", "phi")],
    formula="S(r, phi) |0>",
)

DisplacedSqueezedState = row(
    "DisplacedSqueezedState",
    "cv",
    1,
    ("a", "phi_a", "r", "phi_r"),
    "state",
    definition=_displaced_squeezed,
    spectrum=(Power(), Trig(1), Hyperbolic(1), Trig(1)),
    decomposition=lambda *wires: [
        step(Squeezing, wires, "r", "phi_r"),
        step(Displacement, wires, "a", "phi_a"),
    ],
    formula="D(a, phi_a) S(r, phi_r) |0>",
)

ThermalState = row(
    "ThermalState",
    "cv",
    1,
    ("nbar",),
    "state",
    definition=_thermal,
    spectrum=(Power(forward=True),),  # a negative nbar is no state
    bounds={"nbar": (0.0, inf)},
    mixed=True,
    formula="sum_n nbar^n / (1 + nbar)^{n + 1} |n><n|: covariance 2 nbar + 1",
)


def _freeze_gaussian_state(num_wires: int, V: Any, r: Any) -> tuple[Constant, Constant]:
    size = 2 * num_wires
    cov = _plain("GaussianState", "V", V, float, (size, size))
    mean = _plain("GaussianState", "r", r, float, (size,))
    scale = max(1.0, np.abs(cov).max())
    off = np.abs(cov - cov.T).max()
    if off > TOLERANCE * scale:
        raise CircuitError(f"GaussianState needs a symmetric V; V differs from its transpose by {off:.2g}")
    cov = (cov + cov.T) / 2
    lowest = np.linalg.eigvalsh(cov + 1j * _omega(num_wires))[0]
    if lowest < -TOLERANCE * scale:
        raise CircuitError(
            f"GaussianState needs a V that obeys the uncertainty relation, V + i Omega >= 0; its lowest "
            f"eigenvalue is {lowest:.2g} (hbar = 2: the vacuum is V = 1; order x1..xk, p1..pk)"
        )
    return Constant(cov), Constant(mean)


def _omega(num_wires: int) -> np.ndarray:
    """The symplectic form: [r_i, r_j] = 2i Omega_ij."""
    return np.kron([[0, 1], [-1, 0]], np.eye(num_wires))


def _gaussian_state(num_wires: int, V: Constant, r: Constant) -> Operation:
    return Operation(
        "GaussianState",
        "cv",
        num_wires,
        (),
        "state",
        definition=lambda: (r.array, V.array),
        mixed=bool(np.linalg.slogdet(V.array)[1] > TOLERANCE),
        constants=(V, r),
        formula=GaussianState.formula,
    )


GaussianState = Family(
    "GaussianState",
    "cv",
    ("V", "r"),
    (),
    _gaussian_state,
    _freeze_gaussian_state,
    formula="covariance V (2k, 2k) and mean r (2k,), order (x1..xk, p1..pk), vacuum V = 1",
    examples=(
        (1, (np.diag([0.5, 2.0]), np.array([0.3, -0.2]))),
        (1, (np.diag([1.5, 2.0]), np.zeros(2))),
        (2, (np.diag([1.0, 0.25, 1.0, 4.0]) + 0.5 * np.eye(4), np.arange(4) / 4)),
    ),
)


# ---- states that are not Gaussian --------------------------------


def _freeze_fock_state(num_wires: int, n: Any) -> tuple[tuple[int, ...]]:
    photons = np.atleast_1d(np.asarray(n))
    if photons.dtype.kind not in "iu" or photons.shape != (num_wires,) or (photons < 0).any():
        raise CircuitError(
            f"FockState on {num_wires} wires needs as many whole photon numbers >= 0; got {n!r}"
        )
    return (tuple(photons.tolist()),)


def _fock_state(num_wires: int, photons: tuple[int, ...]) -> Operation:
    def fock(cutoff: int) -> np.ndarray:
        ket = np.zeros([n + 1 for n in photons], dtype=complex)
        ket[photons] = 1
        return _fitted("FockState", ket, cutoff)

    return Operation(
        "FockState", "cv", num_wires, (), "state", fock=fock, constants=(photons,), formula=FockState.formula
    )


FockState = Family(
    "FockState",
    "cv",
    ("n",),
    (),
    _fock_state,
    _freeze_fock_state,
    formula="|n>, photon number n; one number per wire",
    examples=((1, (2,)), (1, (0,)), (2, ((1, 3),))),
)


def _freeze_ket(num_wires: int, ket: Any) -> tuple[Constant]:
    amplitudes = _plain("FockStateVector", "ket", ket, complex)
    if amplitudes.ndim != num_wires or not amplitudes.size:
        raise CircuitError(
            f"FockStateVector on {num_wires} wires needs a ket of as many axes; got shape {amplitudes.shape}"
        )
    norm = np.linalg.norm(amplitudes)
    if abs(norm - 1) > TOLERANCE:
        raise CircuitError(
            f"FockStateVector needs a ket of norm 1; got norm {norm:.10g}; ket / np.linalg.norm(ket) is one"
        )
    return (Constant(amplitudes),)


def _fock_state_vector(num_wires: int, ket: Constant) -> Operation:
    return Operation(
        "FockStateVector",
        "cv",
        num_wires,
        (),
        "state",
        fock=lambda cutoff: _fitted("FockStateVector", ket.array, cutoff),
        constants=(ket,),
        formula=FockStateVector.formula,
    )


FockStateVector = Family(
    "FockStateVector",
    "cv",
    ("ket",),
    (),
    _fock_state_vector,
    _freeze_ket,
    formula="sum_n ket[n] |n>; one axis of ket per wire",
    examples=((1, (np.array([0.6, 0.0, 0.8j]),)), (2, (np.diag([0.6, 0.8]),))),
)


def _freeze_density(num_wires: int, rho: Any) -> tuple[Constant]:
    matrix = _plain("FockDensityMatrix", "rho", rho, complex)
    levels = round(len(matrix) ** (1 / num_wires)) if matrix.ndim else 0
    if matrix.shape != (levels**num_wires,) * 2 or not levels:
        raise CircuitError(
            f"FockDensityMatrix on {num_wires} wires needs a square matrix of D^{num_wires} rows, "
            f"wires[0] most significant; got shape {matrix.shape}"
            + ("; transpose axes (ket1, bra1, ket2, ...) to all kets first and reshape" * (matrix.ndim > 2))
        )
    off = np.abs(matrix - matrix.conj().T).max()
    trace = matrix.trace().real
    if off > TOLERANCE or abs(trace - 1) > TOLERANCE:
        raise CircuitError(
            f"FockDensityMatrix needs a Hermitian rho of trace 1; got trace {trace:.10g}, "
            f"and rho differs from its adjoint by {off:.2g}"
        )
    lowest = np.linalg.eigvalsh(matrix)[0]
    if lowest < -TOLERANCE:
        raise CircuitError(
            f"FockDensityMatrix needs a rho without negative eigenvalues; its lowest is {lowest:.2g}"
        )
    return (Constant(matrix),)


def _fock_density_matrix(num_wires: int, rho: Constant) -> Operation:
    levels = round(len(rho.array) ** (1 / num_wires))
    return Operation(
        "FockDensityMatrix",
        "cv",
        num_wires,
        (),
        "state",
        fock=lambda cutoff: _fitted(
            "FockDensityMatrix", rho.array.reshape((levels,) * (2 * num_wires)), cutoff
        ),
        mixed=bool(np.sum(np.abs(rho.array) ** 2) < 1 - TOLERANCE),
        constants=(rho,),
        formula=FockDensityMatrix.formula,
    )


FockDensityMatrix = Family(
    "FockDensityMatrix",
    "cv",
    ("rho",),
    (),
    _fock_density_matrix,
    _freeze_density,
    formula="sum_mn rho[m, n] |m><n|, rho (D^k, D^k), wires[0] most significant",
    examples=(
        (1, (np.diag([0.25, 0.75]),)),
        (1, (np.array([[0.36, 0.48j], [-0.48j, 0.64]]),)),
        (2, (np.diag([0.1, 0.2, 0.3, 0.4]),)),
    ),
)


def _cat(cutoff: int, a: Any, phi: Any, p: Any) -> np.ndarray:
    """The ket of CatState: alpha^n with n even times 1 + e^{i pi p} = 2 e^{i pi p/2} cos(pi p/2), with n odd
    times 1 - e^{i pi p} = -2i e^{i pi p/2} sin(pi p/2).

    The cosine is written as a sine so that an even or odd cat is exactly that, also as a -> 0.
    """
    a, phi, p = (np.asarray(v, float)[..., None] for v in np.broadcast_arrays(a, phi, p))
    n = np.arange(cutoff)
    turn = np.mod(p, 2)
    even, odd = np.sin(np.pi * (1 - turn) / 2), np.sin(np.pi * turn / 2)
    norm = np.sqrt((even**2 * (1 + np.exp(-2 * a**2)) - odd**2 * np.expm1(-2 * a**2)) / 2)
    if (norm == 0).any():
        raise CircuitError(
            "CatState(a, phi, p) with a = 0 and p = 1 is the zero vector; FockState(1) is its limit a -> 0"
        )
    steps = a * np.exp(1j * phi) / np.sqrt(np.maximum(n, 1))
    steps[..., 0] = np.exp(-(a[..., 0] ** 2) / 2)
    coherent = np.cumprod(steps, axis=-1)
    return coherent * np.exp(1j * np.pi * p / 2) * np.where(n % 2, -1j * odd, even) / norm


CatState = row(
    "CatState",
    "cv",
    1,
    ("a", "phi", "p"),
    "state",
    fock=_cat,
    formula="(|alpha> + e^{i pi p} |-alpha>) / norm, alpha = a e^{i phi}",
)


# ---- channels ----------------------------------------------------


def _loss(T: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    T = np.asarray(T, float)
    if (T < 0).any():
        raise CircuitError(f"LossChannel(T) needs a transmission 0 <= T <= 1; got {T.min():.6g}")
    t = np.sqrt(T)
    X, Y = _array([t, 0], [0, t]), _array([1 - T, 0], [0, 1 - T])
    return X, np.zeros(X.shape[:-1]), Y


LossChannel = row(
    "LossChannel",
    "cv",
    1,
    ("T",),
    "channel",
    definition=_loss,
    bounds={"T": (0.0, 1.0)},
    mixed=True,
    formula="a -> sqrt(T) a + sqrt(1 - T) vacuum: the fraction T of the light is kept",
    label="Loss",
)


# ---- what constants are checked with -----------------------------


def _plain(
    row_name: str, argument: str, value: Any, dtype: type, shape: Sequence[int] | None = None
) -> np.ndarray:
    """`value` as a plain finite array of this type and shape, or a CircuitError that says what it is."""
    try:
        array = np.asarray(value)
        fits = array.dtype.kind in "biuf" or (array.dtype.kind == "c" and dtype is complex)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        what = "numbers" if dtype is complex else "real numbers"
        raise CircuitError(
            f"{row_name} needs an array {argument} of {what}; it is part of the circuit's structure, not a "
            f"parameter that is differentiated; got {type(value).__name__} {value!r}"
        )
    if not np.isfinite(array).all():
        raise CircuitError(f"{row_name} needs a finite {argument}; it has entries that are nan or infinite")
    if shape is not None and array.shape != tuple(shape):
        raise CircuitError(
            f"{row_name} on these wires needs {argument} of shape {tuple(shape)}; got {array.shape}"
        )
    return array.astype(dtype)


def _fitted(row_name: str, tensor: np.ndarray, cutoff: int) -> np.ndarray:
    """Every axis padded with zeros, or cut where only zeros are lost, to length `cutoff`."""
    filled = max((int(axis.max()) for axis in np.nonzero(tensor)), default=0)
    if filled >= cutoff:
        raise CircuitError(
            f"{row_name} has up to {filled} photons in a mode; it needs cutoff_dim >= {filled + 1}; "
            f"got {cutoff}"
        )
    fitted = np.zeros((cutoff,) * tensor.ndim, dtype=complex)
    part = tuple(slice(min(n, cutoff)) for n in tensor.shape)
    fitted[part] = tensor[part]
    return fitted
