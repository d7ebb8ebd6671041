"""The option cutoff_dim of the continuous-variable devices, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.errors import CircuitError


def check_cutoff(cutoff_dim: Any) -> int:
    """cutoff_dim as an int >= 1; CircuitError otherwise."""
    if (
        isinstance(cutoff_dim, (bool, np.bool_))
        or not isinstance(cutoff_dim, (int, np.integer))
        or cutoff_dim < 1
    ):
        raise CircuitError(
            f"cutoff_dim must be a whole number >= 1, the photon numbers kept; got {cutoff_dim!r}"
        )
    return int(cutoff_dim)
