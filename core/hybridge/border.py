"""The border to a device: its errors and what it returns, checked against what it promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.device import Device, Task
from hybridge.errors import HybridgeError, JobFailed, PluginError
from hybridge.numbers import all_finite

EXACT = (np.dtype(np.float64), np.dtype(np.complex128))
NOT_FINITE = "NaN or infinite values"


def asked(device: Device, question: Callable[..., Any], *arguments: Any) -> Any:
    """What a method of the device returns, unchecked. Raises JobFailed for its errors."""
    try:
        return question(*arguments)
    except HybridgeError:
        raise
    except Exception as error:
        raise JobFailed(device.name, f"{type(error).__name__}: {error}") from error


def check_count(device: Device, tasks: Sequence[Task], arrays: Any) -> None:
    """Raise PluginError unless there is one array for each task."""
    if not isinstance(arrays, (list, tuple)) or len(arrays) != len(tasks):
        reason = f"run must return one array per task, {len(tasks)}; got {type(arrays).__name__}"
        raise PluginError(device.name, reason)


def fault(array: Any, batch: int, width: int, more: int = 0) -> str:
    """What is wrong with an array a plugin returned; empty where nothing is.

    `more` columns may come any number of times again.
    """
    if not isinstance(array, np.ndarray):
        return type(array).__name__
    if more and array.ndim == 2 and array.shape[1] > width and not (array.shape[1] - width) % more:
        width = array.shape[1]
    if array.shape != (batch, width):
        return f"shape {array.shape} instead of {(batch, width)}"
    if array.dtype.kind in "ui":
        return ""
    if array.dtype not in EXACT:  # what reads a state relies on the width of its numbers
        return f"dtype {array.dtype} instead of float64, complex128 or whole numbers"
    return "" if all_finite(array) else NOT_FINITE
