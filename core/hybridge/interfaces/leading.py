"""A call at many points, in plain numpy: any number of leading axes on its leaves, one job for all of them.

`flat` (*lead, size) is the leaves one after another, as the call's gather takes them. Tangents and cotangents
may have leading axes of their own; axes broadcast as numpy's do, and a Jacobian is only calculated for
different points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.interfaces import slopes
from hybridge.interfaces.called import Call
from hybridge.interfaces.gather import Gather


def affine(gather: Gather, flat: Any, offset: np.ndarray | None) -> Any:
    """flat (*lead, size) -> the rows (*lead, B, P), of numpy's arrays or another library's; with no offset
    given, their linear part."""
    picked = flat[..., gather.index]
    if gather.scale is not None:
        picked = picked * gather.scale
    if gather.index.ndim == 3:
        picked = picked.sum(axis=-1)
    return picked if offset is None else picked + offset


def rows_at(call: Call, flat: np.ndarray) -> np.ndarray:
    """The rows (points * B, P), checked. Raises CircuitError for what is not finite or out of bounds."""
    rows = affine(call.gather, np.asarray(flat, dtype=float), call.gather.offset)
    return call.checked(rows.reshape(-1, rows.shape[-1]))


def values(call: Call, flat: np.ndarray) -> list[np.ndarray]:
    """The value of each measurement, (*lead, B, *shape)."""
    points = _points(call, flat.shape[:-1])
    return [v.reshape(*points, *v.shape[1:]) for v in call.plan.run(rows_at(call, flat), call.shots)]


def value_and_slopes(call: Call, active: tuple[int, ...], flat: np.ndarray) -> list[np.ndarray]:
    """Of one number at one row: its value, (*lead,), and its slopes in the active leaves, (*lead, numbers of
    these), from the device at once."""
    slots, gather = call.gather.part(active)
    rows, lead = rows_at(call, flat), flat.shape[:-1]
    value, found = slopes.value_and_vjp(rows, call, slots, np.ones((len(rows), 1)))
    return [value.reshape(lead), _of_leaves(gather, active, gather.pull(found.reshape(*lead, 1, len(slots))))]


def push(
    call: Call, active: tuple[int, ...], measured: tuple[int, ...], flat: np.ndarray, tangents: np.ndarray
) -> list[np.ndarray]:
    """Tangents (*lead, size), as flat, times the Jacobian: one array (*lead, B, columns).

    Right in the columns of these measurements, for tangents of the active leaves.
    """
    slots, gather = call.gather.part(active)
    moved = affine(gather, np.asarray(tangents, dtype=float), None)
    sizes = [math.prod(shape) for shape in call.plan.shapes(call.shots)]
    asked = np.repeat([i in measured for i in range(len(sizes))], sizes)[None, :]
    return [np.einsum("...bsc,...bs->...bc", _jacobian(call, slots, flat, asked), moved)]


def pull(call: Call, active: tuple[int, ...], flat: np.ndarray, cotangent: np.ndarray) -> list[np.ndarray]:
    """A cotangent (*lead, B, columns) times the Jacobian: one array (*lead, numbers of the active leaves)."""
    slots, gather = call.gather.part(active)
    lead = flat.shape[:-1]
    every = np.broadcast_shapes(lead, cotangent.shape[:-2])
    points, columns = _points(call, every), slopes.columns_of(call)
    cotangent = np.asarray(cotangent, dtype=float)
    if every == lead or (call.direct and np.prod(every) <= columns * np.prod(lead)):
        rows = rows_at(call, flat).reshape(*_points(call, lead), -1)
        tiled = np.broadcast_to(rows, (*points, rows.shape[-1])).reshape(-1, rows.shape[-1])
        weights = np.broadcast_to(cotangent, (*points, columns)).reshape(-1, columns)
        # complex where a state is among the columns, which nothing is asked of
        found = np.real(slopes.pull(tiled, call, slots, weights)).reshape(*points, len(slots))
    else:
        found = np.einsum("...bsc,...bc->...bs", _jacobian(call, slots, flat, cotangent), cotangent)
    return [_of_leaves(gather, active, gather.pull(found))]


def _points(call: Call, lead: tuple[int, ...]) -> tuple[int, ...]:
    return (*lead, len(call.gather.index))


def _jacobian(call: Call, slots: tuple[int, ...], flat: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """d value / d slots, (*lead, B, S, columns); right in the columns where `asked` is not zero."""
    rows = rows_at(call, flat)
    if call.direct:
        found = np.swapaxes(slopes.full_jacobian(rows, call, slots), 1, 2)
    else:
        found = np.real(slopes.jacobian(rows, call, slots, asked.reshape(-1, asked.shape[-1])))
    return found.reshape(*_points(call, flat.shape[:-1]), *found.shape[1:])


def _of_leaves(gather: Gather, active: Sequence[int], flat: np.ndarray) -> np.ndarray:
    """The entries of these leaves in flat (*lead, size), one after another."""
    if len(active) == len(gather.shapes):
        return flat
    return np.concatenate([flat[..., gather.starts[i] : gather.starts[i + 1]] for i in active], axis=-1)
