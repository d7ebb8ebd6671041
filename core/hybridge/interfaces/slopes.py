"""First derivatives of a call at plain rows: by the device itself, or by the parts of its rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.errors import GradientError
from hybridge.gradients.part import Part
from hybridge.interfaces.called import Call
from hybridge.jobs import run_together


def columns_of(call: Call) -> int:
    """How many numbers all measurements give together, at one row."""
    return sum(math.prod(shape) for shape in call.plan.shapes(call.shots))


def parts_for(
    call: Call, slots: tuple[int, ...], cotangent: np.ndarray | None = None
) -> tuple[tuple[Part, ...], bool]:
    """The rule of these slots, and whether it holds for all measurements.

    Where one has none, it holds for those that the cotangent (B, columns) asks for. Raises GradientError
    where one of them has none.
    """
    try:
        return call.plan.rule(slots, call.method, call.shots), True
    except GradientError:
        measured = None if cotangent is None else _asked(call, cotangent)
        if measured is None:
            raise
        return call.plan.rule(slots, call.method, call.shots, measured), False


def _asked(call: Call, cotangent: np.ndarray) -> tuple[int, ...] | None:
    """The measurements whose cotangent is not zero; None where that is all of them."""
    found, start = [], 0
    for i, shape in enumerate(call.plan.shapes(call.shots)):
        stop = start + math.prod(shape)
        if cotangent[:, start:stop].any():
            found.append(i)
        start = stop
    return None if len(found) == len(call.plan.shapes(call.shots)) else tuple(found)


def summed(
    rows: Any,
    call: Call,
    slots: Sequence[int],
    parts: Sequence[Part],
    run: Callable[[Any, Call], Any],
    xp: Any,
) -> Any:
    """d value / d slots, (B, S, columns): all shifted rows of a part are one batch of `run`, whose arrays
    the functions of xp take."""
    runs = _runs(rows, call, parts, xp)
    return _sum(rows, call, slots, parts, [run(shifted, own) for shifted, own in runs], xp)


def _runs(rows: Any, call: Call, parts: Sequence[Part], xp: Any) -> list[tuple[Any, Call]]:
    """The shifted rows of each part, and the call of its plan; plans of a part's own are differentiated by
    the best method that they have."""
    return [
        (
            xp.reshape(part.points(rows), (len(rows) * len(part.shifts), rows.shape[1])),
            call.of_part(part),
        )
        for part in parts
        if len(part.shifts)
    ]


def _sum(
    rows: Any, call: Call, slots: Sequence[int], parts: Sequence[Part], values: Sequence[Any], xp: Any
) -> Any:
    """The parts' values (B R, columns) put together, (B, S, columns)."""
    total: Any = None
    for part, own in zip([part for part in parts if len(part.shifts)], values, strict=True):
        found = part.combined(xp.reshape(own, (len(rows), len(part.shifts), -1)), xp)
        total = found if total is None else total + found
    if total is None:  # nothing measured depends on these numbers, as on global phases
        return np.zeros((len(rows), len(slots), columns_of(call)))
    return total


def jacobian(
    rows: np.ndarray, call: Call, slots: tuple[int, ...], cotangent: np.ndarray | None = None
) -> np.ndarray:
    """d value / d slots by the rule, (B, S, columns), in one job; right where the cotangent, if given, is not
    zero."""
    return together(rows, call, slots, parts_for(call, slots, cotangent)[0])


def together(rows: np.ndarray, call: Call, slots: Sequence[int], parts: Sequence[Part]) -> np.ndarray:
    """What these parts sum up to at plain rows, (B, S, columns): all runs are one job."""
    runs = [(own.plan, shifted) for shifted, own in _runs(rows, call, parts, np)]
    return _sum(rows, call, slots, parts, run_together(runs, call.shots), np)


def value_and_jacobian(
    rows: np.ndarray, call: Call, slots: tuple[int, ...], cotangent: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The values (B, columns), and `jacobian` by the rule, (B, S, columns): all in one job."""
    parts, _ = parts_for(call, slots, cotangent)
    runs = [(own.plan, shifted) for shifted, own in _runs(rows, call, parts, np)]
    flat, *values = run_together([(call.plan, rows), *runs], call.shots, apart=1)
    return flat, _sum(rows, call, slots, parts, values, np)


def full_jacobian(rows: np.ndarray, call: Call, slots: tuple[int, ...]) -> np.ndarray:
    """d value / d slots, (B, columns, S): one pull or one rule for all columns."""
    if not call.direct:
        return np.swapaxes(jacobian(rows, call, slots), 1, 2)
    columns = columns_of(call)
    tiled, one_each = np.tile(rows, (columns, 1)), np.repeat(np.eye(columns), len(rows), axis=0)
    found = call.plan.vjp(tiled, one_each, slots)[:, list(slots)]
    return np.swapaxes(found.reshape(columns, len(rows), len(slots)), 0, 1)


def pull(rows: np.ndarray, call: Call, slots: tuple[int, ...], cotangent: np.ndarray) -> np.ndarray:
    """The cotangent (B, columns) times the Jacobian, (B, S)."""
    if call.direct:
        asked = cotangent.any(axis=1)
        if asked.all():
            return _of(call.plan.vjp(rows, cotangent, slots), slots)
        # a Jacobian of a batch is made of pulls that ask for one row each
        found = np.zeros((len(rows), len(slots)))
        if asked.any():
            found[asked] = _of(call.plan.vjp(rows[asked], cotangent[asked], slots), slots)
        return found
    return np.matmul(jacobian(rows, call, slots, cotangent), cotangent[:, :, None])[:, :, 0]


def value_and_vjp(
    rows: np.ndarray, call: Call, slots: tuple[int, ...], cotangent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The values (B, columns), and the cotangent (B, columns) times the Jacobian, (B, S), in one job."""
    if call.direct:
        flat, found = call.plan.value_and_vjp(rows, cotangent)
        return flat, pull(rows, call, slots, cotangent) if found is None else _of(found, slots)
    flat, each = value_and_jacobian(rows, call, slots, cotangent)
    return flat, np.matmul(each, cotangent[:, :, None])[:, :, 0]


def _of(found: np.ndarray, slots: tuple[int, ...]) -> np.ndarray:
    """The columns (B, P) of these slots."""
    return found if len(slots) == found.shape[1] else found[:, list(slots)]
