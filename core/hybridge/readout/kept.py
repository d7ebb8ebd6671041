"""Readings of the shots that are left when some bits must read what is wanted of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.circuit import Kept
from hybridge.readout.settings import Reading


def kept_value(reading: Reading, wires: Sequence[Any], kept: Kept, otherwise: float) -> Reading:
    """The reading's value where these wires read what is wanted, else another; or 1 in place of the value."""
    own, count = reading.value, len(reading.wires)
    places = [(*reading.wires, *wires).index(w) for w in wires]
    every = (*reading.wires, *(w for w in wires if w not in reading.wires))
    assert own is not None  # of an observable

    def value(bits: np.ndarray) -> np.ndarray:
        left = (bits[..., places] == kept.outcomes).all(axis=-1)
        found = 1.0 if kept.weight else own(bits[..., :count])
        return np.where(left, found, otherwise)

    beside = tuple(((w,), "Z") for w in every[count:])
    return Reading((*reading.bases, *beside), every, value)
