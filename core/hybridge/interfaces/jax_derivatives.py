"""The derivatives of a run by JAX, forward and reverse, to any order.

The derivative of `run` is `push`, whose transpose is `pull`. The derivatives of these are sums over the parts
of the plan's rule, of `push` at shifted rows, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad

from hybridge.interfaces.jax_primitives import (
    Run,
    Shape,
    ahead_p,
    is_whole,
    leading_axes,
    pull_p,
    push_p,
    run_p,
    side_by_side,
    split,
    spread,
    taken,
)
from hybridge.interfaces.leading import affine


def values_of(run: Run, leaves: Sequence[Any]) -> list[Any]:
    """The values of the measurements at traced leaves, differentiable in them."""
    return run_p.bind(*leaves, run=run, lead=0)


def _moving(tangents: Sequence[Any]) -> Shape:
    """Which tangents are not zero by their structure; whole numbers have none."""
    return tuple(i for i, t in enumerate(tangents) if type(t) is not ad.Zero and t.dtype != jax.dtypes.float0)


def _run_jvp(leaves: Sequence[Any], tangents: Sequence[Any], *, run: Run, lead: int) -> Any:
    active = _moving(tangents)
    # of whole numbers JAX would take the derivatives for 0
    run.check_differentiable([i for i in run.every if is_whole(run.measurements[i])])
    moved = [tangents[i] for i in active]
    if run.ahead:
        value, *slopes = ahead_p.bind(*leaves, run=run, lead=lead, active=active)
        return [value], [_dot(run, lead, slopes, moved)]
    found = run_p.bind(*leaves, run=run, lead=lead)
    return found, push_p.bind(*leaves, *moved, run=run, lead=lead, active=active, measured=run.every)


def _dot(run: Run, lead: int, slopes: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The sum of slopes times tangents over all but the leading axes."""
    terms = [jnp.sum(s * t, axis=tuple(range(lead, s.ndim))) for s, t in zip(slopes, tangents, strict=True)]
    return sum(terms[1:], terms[0]).astype(run.dtype)


def _ahead_jvp(leaves: Sequence[Any], tangents: Sequence[Any], *, run: Run, lead: int, active: Shape) -> Any:
    value, *slopes = ahead_p.bind(*leaves, run=run, lead=lead, active=active)
    moving = _moving(tangents)
    moved = [tangents[i] for i in moving]
    if set(moving) <= set(active):
        turned = _dot(run, lead, [slopes[active.index(i)] for i in moving], moved)
    else:
        (turned,) = push_p.bind(*leaves, *moved, run=run, lead=lead, active=moving, measured=(0,))
    bend = _bend(run, lead, leaves, active, moving, moved, (0,))
    return [value, *slopes], [turned, *_to_leaves(run, leaves, lead, active, bend[..., 0])]


def _push_jvp(
    operands: Sequence[Any], tangents: Sequence[Any], *, run: Run, lead: int, active: Shape, measured: Shape
) -> Any:
    count = len(operands) - len(active)
    leaves, first = operands[:count], operands[count:]
    found = push_p.bind(*operands, run=run, lead=lead, active=active, measured=measured)
    parts = []
    again = _moving(tangents[count:])
    if again:
        moved = [tangents[count + k] for k in again]
        some = tuple(active[k] for k in again)
        parts.append(push_p.bind(*leaves, *moved, run=run, lead=lead, active=some, measured=measured))
    moving = _moving(tangents[:count])
    if moving:
        bend = _bend(run, lead, leaves, active, moving, [tangents[i] for i in moving], measured)
        _, gather = run.call.gather.part(active)
        rows = affine(gather, spread(jnp, lead, leaves, first, active), None)
        turned = jnp.einsum("...bsc,...bs->...bc", bend, rows).astype(run.dtype)
        parts.append(taken(run, turned, measured))
    return found, [sum(same[1:], same[0]) for same in zip(*parts, strict=True)]


def _pull_jvp(
    operands: Sequence[Any], tangents: Sequence[Any], *, run: Run, lead: int, active: Shape, measured: Shape
) -> Any:
    count = len(operands) - len(measured)
    leaves, weights = operands[:count], operands[count:]
    found = pull_p.bind(*operands, run=run, lead=lead, active=active, measured=measured)
    parts = []
    again = _moving(tangents[count:])
    if again:
        moved = [tangents[count + k] for k in again]
        some = tuple(measured[k] for k in again)
        parts.append(pull_p.bind(*leaves, *moved, run=run, lead=lead, active=active, measured=some))
    moving = _moving(tangents[:count])
    if moving:
        bend = _bend(run, lead, leaves, active, moving, [tangents[i] for i in moving], measured)
        cotangent = side_by_side(jnp, run, lead, weights, measured)
        parts.append(
            _to_leaves(run, leaves, lead, active, jnp.einsum("...bsc,...bc->...bs", bend, cotangent))
        )
    return found, [sum(same[1:], same[0]) for same in zip(*parts, strict=True)]


def _bend(
    run: Run,
    lead: int,
    leaves: Sequence[Any],
    active: Shape,
    moving: Shape,
    tangents: Sequence[Any],
    measured: Shape,
) -> Any:
    """How the Jacobian in the active leaves changes along tangents, (*lead, B, S, columns).

    By the parts of its rule, right for `measured`: every shifted row is one of a batch. The shifts are the
    gather's, so the leaves remain what they are, and constants of the circuit are never differentiated.
    """
    call = run.call
    slots, _ = call.gather.part(active)
    total: Any = jnp.zeros((1, len(slots), 1), run.dtype)
    for part in run.rule(active, measured):
        if not len(part.shifts):
            continue
        shifted = Run(call.of_part(part)._replace(gather=call.gather.at_points(part)), run.dtype)
        wanted = measured if part.plan is None else shifted.every
        found = push_p.bind(*leaves, *tangents, run=shifted, lead=lead, active=moving, measured=wanted)
        columns = side_by_side(jnp, shifted, lead, found, wanted)
        total = total + part.combined(columns.reshape(-1, len(part.shifts), columns.shape[-1]), jnp)
    common = leading_axes(lead, *leaves, *tangents)
    total = jnp.broadcast_to(total, (math.prod(common) * run.rows, len(slots), run.columns))
    return total.reshape((*common, run.rows, len(slots), run.columns))


def _to_leaves(run: Run, leaves: Sequence[Any], lead: int, active: Shape, found: Any) -> list[Any]:
    """(*lead, B, S) of the slots of the active leaves -> for each of these what is its."""
    _, gather = run.call.gather.part(active)
    weights = found if gather.index.ndim == 2 else found[..., None]
    if gather.scale is not None:
        weights = weights * gather.scale
    flat = jnp.zeros((*found.shape[:-2], gather.starts[-1]), found.dtype)
    flat = flat.at[..., gather.index].add(jnp.broadcast_to(weights, found.shape[:-2] + gather.index.shape))
    parts = split(flat, [x.shape[lead:] for x in leaves])
    return [parts[i].astype(leaves[i].dtype) for i in active]


def _push_transpose(
    cotangents: Sequence[Any], *operands: Any, run: Run, lead: int, active: Shape, measured: Shape
) -> list[Any]:
    count = len(operands) - len(active)
    given = [k for k, g in enumerate(cotangents) if type(g) is not ad.Zero]
    found = pull_p.bind(
        *operands[:count],
        *[cotangents[k] for k in given],
        run=run,
        lead=lead,
        active=active,
        measured=tuple(measured[k] for k in given),
    )
    return [*[None] * count, *_gathered(found, operands[count:])]


def _pull_transpose(
    cotangents: Sequence[Any], *operands: Any, run: Run, lead: int, active: Shape, measured: Shape
) -> list[Any]:
    count = len(operands) - len(measured)
    given = [k for k, g in enumerate(cotangents) if type(g) is not ad.Zero]
    found = push_p.bind(
        *operands[:count],
        *[cotangents[k] for k in given],
        run=run,
        lead=lead,
        active=tuple(active[k] for k in given),
        measured=measured,
    )
    return [*[None] * count, *_gathered(found, operands[count:])]


def _gathered(arrays: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
    """Arrays summed up over the axes along which the operand that they belong to was broadcast."""
    found = []
    for x, operand in zip(arrays, operands, strict=True):
        shape = operand.aval.shape
        axes = tuple(k for k, n in enumerate(shape) if n != x.shape[k])
        found.append(jnp.sum(x, axis=axes, keepdims=True) if axes else x)
    return found


ad.primitive_jvps[run_p] = _run_jvp
ad.primitive_jvps[ahead_p] = _ahead_jvp
ad.primitive_jvps[push_p] = _push_jvp
ad.primitive_jvps[pull_p] = _pull_jvp
ad.primitive_transposes[push_p] = _push_transpose
ad.primitive_transposes[pull_p] = _pull_transpose
