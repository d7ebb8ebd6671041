"""The numbers of a call as rows: a list of scalars and (batch,) arrays becomes one (batch, P) array."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from hybridge.errors import CircuitError

# where the types of numbers that hb.grad differentiates are
TRACED = frozenset({"autograd.numpy.numpy_boxes", "hybridge.interfaces.entries"})
PLAIN = frozenset({float, int, np.float64, np.int64, np.float32, np.int32})


def plain_rows(numbers: Sequence[Any], instructions: Sequence[tuple[Any, Any]] = ()) -> np.ndarray | None:
    """One row (1, P) where every number is plain, else None. Raises CircuitError for NaN and infinity."""
    if not PLAIN.issuperset(map(type, numbers)):
        return None
    try:
        rows = np.array((numbers,), dtype=np.float64)
    except OverflowError:  # an int that no float holds
        return None
    if not isfinite(sum(numbers)):
        check_finite(rows, instructions)
    return rows


def as_rows(numbers: Sequence[Any], instructions: Sequence[tuple[Any, Any]] = ()) -> tuple[np.ndarray, bool]:
    """Rows (batch, P) float64, and whether any number was an array (the results then keep the batch axis).

    Raises CircuitError for numbers that are complex, not numbers, NaN or infinite, and for arrays of
    different length. The instructions, if given, tell which parameter is not finite.
    """
    plain = plain_rows(numbers, instructions)
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
    check_finite(rows, instructions)
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
    if array.dtype.kind == "O" and array.size:
        if type(array.flat[0]).__module__ in TRACED:
            raise CircuitError(
                "a parameter must be a real number; got one that is differentiated, in an array that numpy "
                "made (those of hybridge.numpy may hold it), or in a QNode with interface=None"
            )
    if array.dtype.kind not in "fiub":
        what = "complex" if array.dtype.kind == "c" else type(x).__name__
        raise CircuitError(f"a parameter must be a real number; got {what} {x!r}")
    return array


def check_finite(rows: np.ndarray, instructions: Sequence[tuple[Any, Any]] = ()) -> None:
    """Raise CircuitError if a number is NaN or infinite; its name is told of the circuit's instructions."""
    if not np.isfinite(rows).all():
        batch, slot = np.argwhere(~np.isfinite(rows))[0]
        of = [f"{p} of {op.name} on wires {list(wires)}" for op, wires in instructions for p in op.params]
        where = [*([of[slot]] if of else []), *([f"row {batch} of the batch"] if len(rows) > 1 else [])]
        raise CircuitError(
            f"parameter {slot} of the circuit is {rows[batch, slot]}; parameters must be finite numbers"
            + (f" (it is {', '.join(where)})" if where else "")
        )
