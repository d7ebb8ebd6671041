"""The channels on modes of light: what photons lost on the way do to a state."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.errors import CircuitError, GradientError
from hybridge.operations.matrices import dense
from hybridge.operations.table import row


def _loss(T: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    T = np.asarray(T, float)
    if (T < 0).any():
        raise CircuitError(f"LossChannel(T) needs a transmission 0 <= T <= 1; got {T.min():.6g}")
    t = np.sqrt(T)
    X, Y = dense([t, 0], [0, t]), dense([1 - T, 0], [0, 1 - T])
    return X, np.zeros(X.shape[:-1]), Y


def _loss_slope(T: Any) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    T = np.asarray(T, float)
    if (T == 0).any():
        raise GradientError(
            "parameter 'T' of LossChannel",
            "sqrt(T), by which amplitudes shrink, has no derivative at T = 0",
            "keep T > 0",
        )
    t = 0.5 / np.sqrt(T)
    X, Y = dense([t, 0], [0, t]), dense([-1 + 0 * T, 0], [0, -1 + 0 * T])
    return ((X, np.zeros(X.shape[:-1]), Y),)


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
