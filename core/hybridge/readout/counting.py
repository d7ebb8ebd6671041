"""Observables as functions of photon numbers: their values in single shots, and how far these spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.phasespace.polynomial import Polynomial


def counts_photons(observable: Any) -> bool:
    """Whether counting photons gives its values."""
    return not isinstance(observable, Polynomial) or observable.number is not None


def photon_value(observable: Any, photons: np.ndarray) -> np.ndarray:
    """At photon numbers (..., k) of its wires: (...)."""
    if isinstance(observable, Polynomial):
        return observable.photon_polynomial({w: photons[..., k] for k, w in enumerate(observable.wires)})
    return observable.value(photons)


def photon_gap(observable: Any, photons: np.ndarray) -> np.ndarray | float:
    """How far the value (B,) at photons (B, k) is from those with one more in one mode, or in all."""
    if not isinstance(observable, Polynomial):
        return 1.0
    k = photons.shape[1]
    more = photons + np.concatenate([np.eye(k, dtype=int), np.ones((1, k), int)])[:, None]
    return np.abs(photon_value(observable, more) - photon_value(observable, photons)).max(axis=0)


def number_variance(observable: Any) -> float:
    """What stands for the variance of one shot of photon numbers: their powers' squared coefficients."""
    if not isinstance(observable, Polynomial):
        return 1.0
    return float(sum(abs(c) ** 2 for powers, c in (observable.number or {}).items() if powers))
