"""The numbers of a call as rows: a list of scalars and (batch,) arrays becomes one (batch, P) array."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from hybridge.errors import CircuitError

PLAIN = frozenset({float, int, np.float64, np.int64, np.float32, np.int32})


def plain_rows(numbers: Sequence[Any]) -> np.ndarray | None:
    """One row (1, P) where every number is plain, else None. Raises CircuitError for NaN and infinity."""
    if not PLAIN.issuperset(map(type, numbers)):
        return None
    try:
        rows = np.array((numbers,), dtype=np.float64)
    except OverflowError:  # an int that no float holds
        return None
    if not isfinite(sum(numbers)):
        check_finite(rows)
    return rows


def as_rows(numbers: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """Rows (batch, P) float64, and whether any number was an array (the results then keep the batch axis).

    Raises CircuitError for numbers that are complex, not numbers, NaN or infinite, and for arrays of
    different length.
    """
    plain = plain_rows(numbers)
    if plain is not None:
        return plain, False
    arrays = [real(x) for x in numbers]
    lengths = {len(a) for a in arrays if a.ndim}
    if any(a.ndim > 1 for a in arrays) or len(lengths) > 1:
        shapes = sorted({a.shape for a in arrays if a.ndim})
        listed = ", ".join(map(str, shapes))
        raise CircuitError(
            f"parameters must be numbers or arrays (batch,) of one length; got shapes {listed}"
        )
    if lengths == {0}:
        raise CircuitError("a batch of parameters must have at least one entry; got an empty array")
    rows = np.empty((lengths.pop() if lengths else 1, len(arrays)))
    for k, a in enumerate(arrays):
        rows[:, k] = a
    check_finite(rows)
    return rows, any(a.ndim for a in arrays)


def real(x: Any) -> np.ndarray:
    """x as an array of real numbers. Raises CircuitError where it is not."""
    try:
        array = np.asarray(x)
    except CircuitError:
        raise  # of a number that has no value to give
    except ValueError:
        raise CircuitError(f"a parameter must be a real number or an array; got the ragged {x!r}") from None
    except (TypeError, RuntimeError) as error:  # as of a tensor that is traced
        raise CircuitError(
            f"a parameter must be a real number; {type(x).__name__} gives no values: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        what = "complex" if array.dtype.kind == "c" else type(x).__name__
        raise CircuitError(f"a parameter must be a real number; got {what} {x!r}")
    return array


def check_finite(rows: np.ndarray) -> None:
    """Raise CircuitError if a number is NaN or infinite."""
    if not np.isfinite(rows).all():
        batch, slot = np.argwhere(~np.isfinite(rows))[0]
        raise CircuitError(
            f"parameter {slot} of the circuit is {rows[batch, slot]}; parameters must be finite numbers"
        )
