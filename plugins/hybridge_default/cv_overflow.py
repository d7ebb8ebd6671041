"""What is said where light is too strong for the numbers of a machine: which operation made it so."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable

import numpy as np

from hybridge.plugin import CircuitError, Operation

Uses = Iterable[tuple[Operation, np.ndarray]]  # operations and the columns of their parameters


def finite(found: np.ndarray, device: str, uses: Uses, params: np.ndarray) -> np.ndarray:
    """`found` (B, columns) itself; CircuitError naming the strongest operation where it is not finite."""
    if np.isfinite(found).all():
        return found
    row = params[int(np.argmin(np.isfinite(found).all(axis=1)))]
    strength, operation, values = 0.0, None, row
    for used, columns in uses:
        if used.params and used.definition is not None:
            reached = _largest(used, row[columns])
            if reached > strength:
                strength, operation, values = reached, used, row[columns]
    if operation is None:
        return found  # no parameter's fault: the border says what is wrong
    numbers = ", ".join(f"{name}={v:.6g}" for name, v in zip(operation.params, values, strict=True))
    raise CircuitError(
        f"{operation.name}({numbers}) multiplies or moves x and p by up to {strength:.2g}; what is measured "
        f"on device {device!r} passes the largest float, {sys.float_info.max:.2g}; use smaller parameters"
    )


def _largest(operation: Operation, values: np.ndarray) -> float:
    assert operation.definition is not None
    with np.errstate(over="ignore", invalid="ignore"):
        found = [np.abs(np.asarray(v)).max() for v in operation.definition(*values)]
    return max(math.inf if math.isnan(v) else float(v) for v in found)
