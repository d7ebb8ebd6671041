"""The preparations of states of light, Gaussian or in the number basis.

They forget what was on their wires; their decompositions are gates on the vacuum, so they hold for the first
operation on a wire only. Conventions are those of cv_gates.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants
from hybridge.operations.cv_gates import Displacement, Pair, Squeezing, displacement
from hybridge.operations.matrices import dense
from hybridge.operations.spectrum import Hyperbolic, Power, Trig
from hybridge.operations.table import Constant, Family, Operation, row, step


def _displaced_squeezed(a: Any, phi_a: Any, r: Any, phi_r: Any) -> Pair:
    ch, c, s = np.cosh(2 * r), np.sinh(2 * r) * np.cos(phi_r), np.sinh(2 * r) * np.sin(phi_r)
    mean, cov = displacement(a, phi_a)[1], dense([ch - c, -s], [-s, ch + c])
    lead = np.broadcast_shapes(mean.shape[:-1], cov.shape[:-2])
    return np.broadcast_to(mean, (*lead, 2)).copy(), np.broadcast_to(cov, (*lead, 2, 2)).copy()


def _thermal(nbar: Any) -> Pair:
    cov = dense([2 * nbar + 1, 0], [0, 2 * nbar + 1])
    return np.zeros(cov.shape[:-1]), cov


VacuumState = row(
    "VacuumState",
    "cv",
    1,
    (),
    "state",
    definition=lambda: (np.zeros(2), np.eye(2)),
    decomposition=lambda *wires: [step(Displacement, wires, 0.0, 0.0)],
    formula="|0>",
)

CoherentState = row(
    "CoherentState",
    "cv",
    1,
    ("a", "phi"),
    "state",
    definition=lambda a, phi: _displaced_squeezed(a, phi, 0.0, 0.0),
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
    definition=lambda r, phi: _displaced_squeezed(0.0, 0.0, r, phi),
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
    spectrum=(Power(forward=True, per=2),),  # a negative nbar is no state
    bounds={"nbar": (0.0, inf)},
    mixed=True,
    formula="sum_n nbar^n / (1 + nbar)^{n + 1} |n><n|: covariance 2 nbar + 1",
)


def _fitted(row_name: str, tensor: np.ndarray, cutoff: int) -> np.ndarray:
    """Every axis padded with zeros, or cut where only zeros are lost, to length `cutoff`."""
    check_fits(row_name, max((int(axis.max()) for axis in np.nonzero(tensor)), default=0), cutoff)
    fitted = np.zeros((cutoff,) * tensor.ndim, dtype=complex)
    part = tuple(slice(min(n, cutoff)) for n in tensor.shape)
    fitted[part] = tensor[part]
    return fitted


def check_fits(row_name: str, filled: int, cutoff: int) -> None:
    """Raise CircuitError where so many photons are beyond the cutoff."""
    if filled >= cutoff:
        raise CircuitError(
            f"{row_name} has up to {filled} photons in a mode; it needs cutoff_dim >= {filled + 1}; "
            f"got {cutoff}"
        )


def check_photons(row_name: str, num_wires: int, n: Any) -> tuple[tuple[int, ...]]:
    """A whole photon number for each wire."""
    photons = np.atleast_1d(np.asarray(n))
    if photons.dtype.kind not in "iu" or photons.shape != (num_wires,) or (photons < 0).any():
        raise CircuitError(
            f"{row_name} on {num_wires} wires needs as many whole photon numbers >= 0; got {n!r}"
        )
    return (tuple(photons.tolist()),)


def _fock_state(num_wires: int, photons: tuple[int, ...]) -> Operation:
    def fock(cutoff: int) -> np.ndarray:
        check_fits("FockState", max(photons), cutoff)
        ket = np.zeros((cutoff,) * num_wires, dtype=complex)
        ket[photons] = 1
        return ket

    return Operation(
        "FockState", "cv", num_wires, (), "state", fock=fock, constants=(photons,), formula=FockState.formula
    )


FockState = Family(
    "FockState",
    "cv",
    ("n",),
    (),
    _fock_state,
    lambda num_wires, n: check_photons("FockState", num_wires, n),
    formula="|n>, photon number n; one number per wire",
    examples=((1, (2,)), (1, (0,)), (2, ((1, 3),))),
)


def _check_ket(num_wires: int, ket: Any) -> tuple[Constant]:
    subject = f"FockStateVector on {num_wires} wires"
    amplitudes = constants.array(subject, "ket", ket)
    if amplitudes.ndim != num_wires or not amplitudes.size:
        raise CircuitError(f"{subject} needs a ket of as many axes; got shape {amplitudes.shape}")
    return (constants.normalised(subject, "ket", amplitudes, "ket / np.linalg.norm(ket) is one"),)


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
    _check_ket,
    formula="sum_n ket[n] |n>; one axis of ket per wire",
    examples=((1, (np.array([0.6, 0.0, 0.8j]),)), (2, (np.diag([0.6, 0.8]),))),
)


def _check_density(num_wires: int, rho: Any) -> tuple[Constant]:
    subject = f"FockDensityMatrix on {num_wires} wires"
    matrix = constants.array(subject, "rho", rho)
    levels = round(len(matrix) ** (1 / num_wires)) if matrix.ndim else 0
    if matrix.shape != (levels**num_wires,) * 2 or not levels:
        raise CircuitError(
            f"{subject} needs a square matrix of D^{num_wires} rows, wires[0] most significant; got shape "
            f"{matrix.shape}"
            + ("; transpose axes (ket1, bra1, ket2, ...) to all kets first and reshape" * (matrix.ndim > 2))
        )
    return (constants.density(subject, "rho", matrix),)


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
        mixed=bool(np.sum(np.abs(rho.array) ** 2) < 1 - constants.TOLERANCE),
        constants=(rho,),
        formula=FockDensityMatrix.formula,
    )


FockDensityMatrix = Family(
    "FockDensityMatrix",
    "cv",
    ("rho",),
    (),
    _fock_density_matrix,
    _check_density,
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
    even, odd, squared = _cat_weights(a, p)
    if (squared == 0).any():
        raise CircuitError(
            "CatState(a, phi, p) with a = 0 and p = 1 is the zero vector; FockState(1) is its limit a -> 0"
        )
    parity = np.where(np.arange(cutoff) % 2, -1j * odd, even)
    return coherent(cutoff, a, phi) * np.exp(1j * np.pi * p / 2) * parity / np.sqrt(squared)


def _cat_weights(a: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """cos(pi p / 2) and sin(pi p / 2), up to one sign, and the norm squared."""
    turn = np.mod(p, 2)
    even, odd = np.sin(np.pi * (1 - turn) / 2), np.sin(np.pi * turn / 2)
    return even, odd, (even**2 * (1 + np.exp(-2 * a**2)) - odd**2 * np.expm1(-2 * a**2)) / 2


def coherent(cutoff: int, a: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """The coherent state a e^{i phi}: (..., 1) -> (..., cutoff)."""
    steps = a * np.exp(1j * phi) / np.sqrt(np.maximum(np.arange(cutoff), 1))
    steps[..., 0] = np.exp(-(a[..., 0] ** 2) / 2)
    return np.cumprod(steps, axis=-1)


def _cat_slope(cutoff: int, a: Any, phi: Any, p: Any) -> tuple[tuple[np.ndarray], ...]:
    """The derivatives of `_cat`: d even / dp = -pi/2 odd, d odd / dp = pi/2 even, and with E = exp(-2 a^2)
    those of the norm squared are 2 a E (odd^2 - even^2) in a and -pi even odd E in p.
    """
    ket = _cat(cutoff, a, phi, p)
    a, phi, p = (np.asarray(v, float)[..., None] for v in np.broadcast_arrays(a, phi, p))
    n, E, ket_of_alpha = np.arange(cutoff), np.exp(-2 * a**2), coherent(cutoff, a, phi)
    even, odd, squared = _cat_weights(a, p)
    before = np.sqrt(n) * np.exp(1j * phi) * np.roll(ket_of_alpha, 1, axis=-1)
    shared = np.exp(1j * np.pi * p / 2) / np.sqrt(squared)
    parity = shared * np.where(n % 2, -1j * odd, even)
    turned = shared * np.pi / 2 * np.where(n % 2, -1j * even, -odd)
    by_a = (before - a * ket_of_alpha) * parity - ket * a * E * (odd**2 - even**2) / squared
    by_p = ket_of_alpha * turned + ket * (1j * np.pi / 2 + np.pi * even * odd * E / (2 * squared))
    return (by_a,), (1j * n * ket,), (by_p,)


CatState = row(
    "CatState",
    "cv",
    1,
    ("a", "phi", "p"),
    "state",
    fock=_cat,
    slope=_cat_slope,
    spectrum=(None, Trig(1), None),
    formula="(|alpha> + e^{i pi p} |-alpha>) / norm, alpha = a e^{i phi}",
)
