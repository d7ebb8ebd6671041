"""The channels on modes of light: losses, the noise of what comes in for them, and squeezing by measurement.

Conventions are those of cv_gates: mean -> X mean + d, V -> X V X^T + Y.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

import numpy as np

from hybridge.errors import CircuitError, GradientError
from hybridge.operations import constants
from hybridge.operations.cv_gates import InterferometerUnitary
from hybridge.operations.matrices import dense
from hybridge.operations.spectrum import Power, Trig
from hybridge.operations.table import Constant, Family, Operation, Step, row, step
from hybridge.operations.takagi import passive

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _isotropic(x: Any, y: Any) -> Triple:
    """X and Y that are multiples of the identity on one mode."""
    X, Y = dense([x, 0], [0, x]), dense([y, 0], [0, y])
    lead = np.broadcast_shapes(X.shape, Y.shape)
    return np.broadcast_to(X, lead).copy(), np.zeros(lead[:-1]), np.broadcast_to(Y, lead).copy()


def _transmission(name: str, T: Any) -> np.ndarray:
    T = np.asarray(T, float)
    if (T < 0).any():
        raise CircuitError(f"{name} needs a transmission 0 <= T <= 1; got {T.min():.6g}")
    return T


def _slope_of_root(name: str, T: Any) -> np.ndarray:
    T = np.asarray(T, float)
    if (T == 0).any():
        raise GradientError(
            f"parameter 'T' of {name}",
            "sqrt(T), by which amplitudes shrink, has no derivative at T = 0",
            "keep T > 0",
        )
    return 0.5 / np.sqrt(T)


def _loss(T: Any) -> Triple:
    T = _transmission("LossChannel(T)", T)
    return _isotropic(np.sqrt(T), 1 - T)


def _loss_slope(T: Any) -> tuple[Triple]:
    root = _slope_of_root("LossChannel", T)
    return (_isotropic(root, -1 + 0 * root),)


def _thermal_loss(T: Any, nbar: Any) -> Triple:
    T = _transmission("ThermalLossChannel(T, nbar)", T)
    return _isotropic(np.sqrt(T), (1 - T) * (2 * np.asarray(nbar, float) + 1))


def _thermal_loss_slope(T: Any, nbar: Any) -> tuple[Triple, Triple]:
    root, T, nbar = _slope_of_root("ThermalLossChannel", T), np.asarray(T, float), np.asarray(nbar, float)
    return _isotropic(root, -(2 * nbar + 1)), _isotropic(0 * T, 2 * (1 - T))


LossChannel = row(
    "LossChannel",
    "cv",
    1,
    ("T",),
    "channel",
    definition=_loss,
    slope=_loss_slope,
    bounds={"T": (0.0, 1.0)},
    mixed=True,
    formula="a -> sqrt(T) a + sqrt(1 - T) vacuum: the fraction T of the light is kept",
    label="Loss",
)

ThermalLossChannel = row(
    "ThermalLossChannel",
    "cv",
    1,
    ("T", "nbar"),
    "channel",
    definition=_thermal_loss,
    slope=_thermal_loss_slope,
    spectrum=(None, Power(forward=True, per=2)),  # a negative nbar is no state
    bounds={"T": (0.0, 1.0), "nbar": (0.0, inf)},
    mixed=True,
    formula="a -> sqrt(T) a + sqrt(1 - T) thermal light of nbar photons",
    label="ThLoss",
)


# ---- squeezing by measurement -------------------------------------------------------------------------


def _turned(across: Any, along: Any, phi: Any) -> np.ndarray:
    """R(phi / 2) diag(across, along) R(-phi / 2)."""
    mean, half = (across + along) / 2, (across - along) / 2
    c, s = half * np.cos(phi), half * np.sin(phi)
    return dense([mean + c, s], [s, mean - c])


def _turned_slope(across: Any, along: Any, phi: Any) -> np.ndarray:
    half = (across - along) / 2
    c, s = half * np.cos(phi), half * np.sin(phi)
    return dense([-s, c], [c, s])


def _channel(X: np.ndarray, Y: np.ndarray) -> Triple:
    lead = np.broadcast_shapes(X.shape, Y.shape)
    return np.broadcast_to(X, lead).copy(), np.zeros(lead[:-1]), np.broadcast_to(Y, lead).copy()


def _measured_squeezing(r: Any, phi: Any, r_anc: Any, eta_anc: Any) -> Triple:
    r, phi, r_anc, eta = np.broadcast_arrays(*(np.asarray(v, float) for v in (r, phi, r_anc, eta_anc)))
    X = _turned(np.exp(-r), np.exp(r), phi)
    Y = _turned(-np.expm1(-2 * r) * np.exp(-2 * r_anc), np.expm1(2 * r) * (1 - eta) / eta, phi)
    return _channel(X, Y)


def _measured_squeezing_slope(r: Any, phi: Any, r_anc: Any, eta_anc: Any) -> tuple[Triple, ...]:
    r, phi, r_anc, eta = np.broadcast_arrays(*(np.asarray(v, float) for v in (r, phi, r_anc, eta_anc)))
    down, up, lost = np.exp(-2 * r), np.exp(2 * r), (1 - eta) / eta
    noise = np.exp(-2 * r_anc)
    still = np.zeros(r.shape)
    return (
        _channel(_turned(-np.exp(-r), np.exp(r), phi), _turned(2 * down * noise, 2 * up * lost, phi)),
        _channel(
            _turned_slope(np.exp(-r), np.exp(r), phi), _turned_slope((1 - down) * noise, (up - 1) * lost, phi)
        ),
        _channel(_turned(still, still, phi), _turned(-2 * (1 - down) * noise, still, phi)),
        _channel(_turned(still, still, phi), _turned(still, -(up - 1) / eta**2, phi)),
    )


MeasurementBasedSqueezing = row(
    "MeasurementBasedSqueezing",
    "cv",
    1,
    ("r", "phi", "r_anc", "eta_anc"),
    "channel",
    definition=_measured_squeezing,
    slope=_measured_squeezing_slope,
    spectrum=(None, Trig(1), None, None),
    bounds={"r": (0.0, inf), "eta_anc": (1e-12, 1.0)},
    mixed=True,
    formula="Squeezing(r, phi) by a squeezed ancilla (r_anc) that meets the mode, is measured by homodyne "
    "with efficiency eta_anc and fed forward, on the average: exact for r_anc -> inf, eta_anc = 1",
    label="MS",
)


# ---- passive channels ---------------------------------------------------------------------------------


def _check_passive(num_wires: int, T: Any) -> tuple[Constant]:
    subject = f"PassiveChannel on {num_wires} wires"
    matrix = constants.array(subject, "T", T, (num_wires, num_wires))
    largest = float(np.linalg.norm(matrix, 2))
    if largest > 1 + constants.TOLERANCE:
        raise CircuitError(
            f"{subject} needs a T of singular values <= 1, amplifying nothing; the largest is {largest:.6g}"
        )
    return (Constant(matrix),)


def _passive(num_wires: int, T: Constant) -> Operation:
    X = passive(T.array)
    return Operation(
        "PassiveChannel",
        "cv",
        num_wires,
        (),
        "channel",
        definition=lambda: (X, np.zeros(2 * num_wires), np.eye(2 * num_wires) - X @ X.T),
        decomposition=partial(_lossy, T.array),
        mixed=True,
        constants=(T,),
        formula=PassiveChannel.formula,
    )


def _lossy(T: np.ndarray, *wires: Any) -> list[Step]:
    """T = W diag(t) V: interferometers around losses."""
    W, t, V = np.linalg.svd(T)
    k = len(T)
    return [
        step(InterferometerUnitary.of(k, V), wires),
        *(step(LossChannel, (w,), min(float(own) ** 2, 1.0)) for w, own in zip(wires, t, strict=True)),
        step(InterferometerUnitary.of(k, W), wires),
    ]


PassiveChannel = Family(
    "PassiveChannel",
    "cv",
    ("T",),
    (),
    _passive,
    _check_passive,
    formula="a -> T a + vacuum, T (k, k) complex of singular values <= 1: a lossy interferometer",
    examples=(
        (1, (np.array([[0.6 - 0.3j]]),)),
        (2, (np.array([[0.6, 0.3j], [0.2, 0.5]]),)),
    ),
)
