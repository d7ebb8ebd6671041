"""The channels of SF's Fock simulator, backwards: their adjoints, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from hybridge.plugin import ROWS, DeviceError, definition_slope, fock_channel_pullback, fock_channel_slope
from hybridge_strawberryfields.backends import channel_elements

Back = Callable[[Sequence[float], np.ndarray, np.ndarray], tuple[np.ndarray, list[float]]]


def _of_row(name: str) -> Back:
    """A Gaussian channel by its elements, on rho (C, C, R)."""
    row = ROWS[name]

    def back(
        numbers: Sequence[float], before: np.ndarray, after: np.ndarray
    ) -> tuple[np.ndarray, list[float]]:
        C, values = len(before), np.array([numbers])
        assert row.definition is not None  # it is Gaussian
        definition = [v[None] for v in row.definition(*numbers)]
        elements = channel_elements(name, numbers, C)
        earlier = np.tensordot(elements.conj(), after, ((0, 1), (0, 1)))
        by_elements = np.tensordot(after, before.conj(), (2, 2))
        slope = fock_channel_slope(fock_channel_pullback(elements[None], by_elements[None]), *definition)
        return earlier, [slope(*definition_slope(row, i, values)).item() for i in range(len(numbers))]

    return back


def _loss(numbers: Sequence[float], before: np.ndarray, back: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """rho (C, C, R) loses photons: |m><n| -> sum_k sqrt(C(m, k) C(n, k)) (1 - T)^k T^{(m + n) / 2 - k}
    |m - k><n - k|."""
    (T,) = numbers
    earlier, slope, C = np.zeros_like(back), 0.0, len(before)
    for k, weight, by_T in _losses(T, C):
        cotangent = back[: C - k, : C - k]
        earlier[k:, k:] += weight[..., None] * cotangent
        there = before[k:, k:].any(axis=2)  # at T = 0 the slope of a coherence is infinite
        slope += np.vdot(cotangent, np.where(there, by_T, 0.0)[..., None] * before[k:, k:]).real
    if not np.isfinite(slope):
        raise DeviceError(f"LossChannel(T={T:g}) has no derivative: amplitudes go with sqrt(T)")
    return earlier, [slope]


def _losses(T: float, C: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """k lost photons: the factors (C - k, C - k) of what keeps m - k, n - k, and their derivatives in T."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for k in range(C):
            count = np.arange(float(C - k))
            kept = (count[:, None] + count) / 2
            ways = np.multiply.outer(_ways(C)[k, k:], _ways(C)[k, k:])
            lost, there = (1 - T) ** k, np.float64(T) ** kept
            less = -k * (1 - T) ** (k - 1) if k else 0.0
            rise = np.where(kept == 0, 0.0, kept * np.float64(T) ** (kept - 1))
            yield k, ways * lost * there, ways * (less * there + lost * rise)


@lru_cache(maxsize=16)
def _ways(C: int) -> np.ndarray:
    """sqrt of the binomial coefficients [k, m], 0 where k > m."""
    table = np.zeros((C, C))
    table[0] = 1
    for m in range(1, C):
        table[1:, m] = table[1:, m - 1] + table[:-1, m - 1]
    return np.sqrt(table)


# the simulator's method -> (numbers, rho before, the cotangent behind) -> (that before, dL / d number)
CHANNELS: dict[str, Back] = {
    "loss": _loss,
    "thermal_loss": _of_row("ThermalLossChannel"),
    "squeeze_by_measurement": _of_row("MeasurementBasedSqueezing"),
}
