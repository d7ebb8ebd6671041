"""A plan as one autograd primitive: forward, reverse and forward-mode derivatives to any order.

The derivative calls the same primitive at shifted rows, so its own derivative is the shift rule again:
Hessians need no further code. All shifted rows of a derivative are one batch, hence one job of the device.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd.core import VJPNode, defjvp_argnums, defvjp_argnums
from autograd.extend import defjvp, defvjp, primitive
from autograd.tracer import getval, isbox

from hybridge.errors import GradientError
from hybridge.execution import Plan
from hybridge.interfaces.autograd_boxes import complete
from hybridge.interfaces.called import Call, Called
from hybridge.interfaces.entries import Entry
from hybridge.interfaces.gather import Gather
from hybridge.interfaces.rows import PLAIN, as_rows, real
from hybridge.interfaces.slopes import (
    full_jacobian,
    parts_for,
    pull,
    summed,
    together,
    value_and_jacobian,
    value_and_vjp,
)

complete()


def split_flat(plan: Plan, shots: int | None, flat: Any) -> list[Any]:
    """(..., columns) -> the value of each measurement, (..., *shape)."""
    values, start = [], 0
    for shape in plan.shapes(shots):
        size = math.prod(shape)
        values.append(flat[..., start] if shape == () else flat[..., start : start + size])
        start += size
    return values


@primitive
def run(rows: Any, call: Call, slots: tuple[int, ...]) -> Any:
    """(B, P) -> (B, columns); the rows are traced in these slots: constants may have no rule."""
    return call.plan.run_flat(rows, call.shots)


@primitive
def pack(gather: Gather, *leaves: Any) -> Any:
    """The rows (B, P) of these leaves."""
    return gather(leaves)


@primitive
def _pull(gather: Gather, i: int, g: Any) -> Any:
    """(B, P) -> what of it is leaf i's: the transpose of _push."""
    return gather.leaf(i, gather.pull(g))


@primitive
def _push(gather: Gather, i: int, tangent: Any) -> Any:
    """A tangent of leaf i -> (B, P)."""
    return gather.push(i, tangent)


defvjp(_pull, lambda ans, gather, i, g: lambda t: _push(gather, i, t), argnums=(2,))
defvjp(_push, lambda ans, gather, i, t: lambda g: _pull(gather, i, g), argnums=(2,))
defjvp(_pull, lambda t, ans, gather, i, g: _pull(gather, i, t), argnums=(2,))
defjvp(_push, lambda t, ans, gather, i, u: _push(gather, i, t), argnums=(2,))


def _unpack(gather: Gather, g: Any, leaves: Sequence[int]) -> tuple[Any, ...]:
    """(B, P) back to some of the leaves."""
    if isbox(g):
        return tuple(_pull(gather, i, g) for i in leaves)
    flat = gather.pull(g)
    return tuple(gather.leaf(i, flat) for i in leaves)


def _spread(gather: Gather, tangents: Sequence[Any], leaves: Sequence[int]) -> Any:
    """The tangents of some leaves as (B, P)."""
    spread = [_push(gather, i, t) for i, t in zip(leaves, tangents, strict=True)]
    return functools.reduce(anp.add, spread)


defvjp_argnums(
    pack, lambda argnums, ans, args, kwargs: lambda g: _unpack(args[0], g, [i - 1 for i in argnums])
)
defjvp_argnums(pack, lambda argnums, gs, ans, args, kwargs: _spread(args[0], gs, [i - 1 for i in argnums]))


def derivative(
    rows: Any, call: Call, slots: tuple[int, ...], traced: tuple[int, ...]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The vjp (B, columns) -> (B, len(slots)) and the jvp in the other direction, sharing one Jacobian.

    `traced` are the slots in which what is returned may be differentiated again.
    """
    made: list[Any] = []
    plain = not isbox(rows)

    def jacobian(cotangent: Any = None) -> Any:
        """For all measurements, and kept; where one has no rule, for those that the cotangent asks for."""
        if not made and plain and call.direct:
            made.append(np.swapaxes(full_jacobian(rows, call, slots), 1, 2))
        if made:
            return made[0]
        parts, whole = parts_for(call, slots, None if isbox(cotangent) else cotangent)
        if plain:
            found = together(rows, call, slots, parts)
        else:
            found = summed(rows, call, slots, parts, lambda shifted, own: run(shifted, own, traced), anp)
        if whole:
            made.append(found)
        return found

    def vjp(g: Any) -> Any:
        if plain and call.direct and not isbox(g):
            return pull(rows, call, slots, g)
        return anp.matmul(jacobian(g), g[:, :, None])[:, :, 0]

    return vjp, lambda t: anp.matmul(t[:, None, :], jacobian())[:, 0, :]


def _run_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    rows, call, slots = args
    vjp, _ = derivative(rows, call, slots, slots)  # once: every pull shares its Jacobian
    return lambda g: (anp.matmul(vjp(g), _chosen(slots, call)),)


def _run_jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    rows, call, slots = args
    return derivative(rows, call, slots, slots)[1](anp.matmul(gs[0], _chosen(slots, call).T))


def _chosen(slots: tuple[int, ...], call: Call) -> np.ndarray:
    """(S, P): 1 where a slot is a column of the rows."""
    return np.eye(call.plan.num_slots)[list(slots)]


defvjp_argnums(run, _run_vjp)
defjvp_argnums(run, _run_jvp)


@primitive
def call_plan(call: Call, *leaves: Any) -> Any:
    """run(pack(*leaves)) as one primitive, of which each costs about 9 us: (columns,) or (B, columns)."""
    if call.ahead is None:
        flat = call.plan.run_flat(call.checked_rows(leaves), call.shots)
    else:
        flat = call.ahead.values
    return flat if call.gather.batched else flat[0]


def _traced(args: Sequence[Any]) -> tuple[int, ...]:
    """The slots that depend on a box, of this trace or another, among a call and its leaves."""
    return args[0].gather.part([i for i, leaf in enumerate(args[1:]) if isbox(leaf)])[0]


def _call_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    call, leaves = args[0], [i - 1 for i in argnums]
    slots, gather = call.gather.part(leaves)
    made: list[Any] = []

    def vjp(g: Any) -> Any:
        if call.ahead is not None and not isbox(g):
            return call.ahead.pulled(g)
        if not made:
            made.append(derivative(pack(call.gather, *args[1:]), call, slots, _traced(args))[0])
        return made[0](g)

    return lambda g: _unpack(gather, vjp(g if gather.batched else g[None, :]), leaves)


def _call_jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    call, leaves = args[0], [i - 1 for i in argnums]
    slots, gather = call.gather.part(leaves)
    _, jvp = derivative(pack(call.gather, *args[1:]), call, slots, _traced(args))
    tangent = jvp(_spread(gather, gs, leaves))
    return tangent if gather.batched else tangent[0]


defvjp_argnums(call_plan, _call_vjp)
defjvp_argnums(call_plan, _call_jvp)


def gathered(numbers: Sequence[Any]) -> tuple[list[Any], Gather]:
    """The leaves that the numbers of a call come from, boxes and arrays, and how they come from them.

    All entries of an argument have one leaf, the argument; all plain numbers have one, the last. Raises the
    errors of as_rows.
    """
    if set(map(type, numbers)) == {Entry}:
        source = numbers[0].source
        at = [x.places for x in numbers if x.source is source]
        if set(map(type, at)) == {int} and len(at) == len(numbers):  # the usual case, 20 us sooner
            return [source.box], Gather(np.array((at,)), (source.shape,), False)
    leaves: list[Any] = []
    shapes: list[tuple[int, ...]] = []
    starts: dict[int, tuple[int, tuple[int, ...]]] = {}  # of a leaf in flat, and its shape
    end = 0
    constants: list[Any] = []
    found: list[Any] = []  # for each number its place, or places; None: the next constant
    places: Any
    for x in numbers:
        whole, places, key = x, None, id(x)
        if type(x) is Entry:
            whole, key, places = x.source.box, id(x.source), x.places
        elif type(x) in PLAIN:
            constants.append(x)
            found.append(None)
            continue
        if key not in starts:
            leaves.append(whole)
            shapes.append(real(getval(whole)).shape)
            starts[key] = (end, shapes[-1])
            end += math.prod(shapes[-1])
        start, shape = starts[key]
        if places is None:
            places = np.arange(math.prod(shape)).reshape(shape)
        found.append(places + start if start else places)
    lengths = {np.shape(p) for p in found if p is not None} - {()}
    rest = iter(range(end, end + len(constants)))
    try:
        if constants:
            leaves.append(np.array(constants, dtype=float))
            shapes.append((len(constants),))
    except OverflowError:
        lengths.add((0,))
    if len(lengths) > 1 or any(len(shape) > 1 or shape == (0,) for shape in lengths):
        as_rows([getval(x) for x in numbers])  # raises: it says what is wrong
    index = np.empty((next(iter(lengths))[0] if lengths else 1, len(found)), dtype=np.intp)
    for k, place in enumerate(found):
        index[:, k] = next(rest) if place is None else place
    return leaves, Gather(index, shapes, bool(lengths))


class Ahead(NamedTuple):
    """The values (B, columns) of a call that is traced once, and their slopes (B, S, columns) in what is."""

    values: np.ndarray
    slopes: np.ndarray

    def pulled(self, g: np.ndarray) -> np.ndarray:
        """The cotangent (B, columns) times the Jacobian, (B, S)."""
        if g.shape[1] == 1:
            return g * self.slopes[:, :, 0]
        return np.matmul(self.slopes, g[:, :, None])[:, :, 0]


def evaluate(called: Called) -> list[Any]:
    """The measurements' values, differentiable in the leaves.

    Derivatives come with the values where these are traced once, in reverse: those of the device for one
    expectation value or variance, a quarter less than after it; those of a rule where the values are pulled
    back for certain, one job instead of two. Raises GradientError for a measurement that has no derivative.
    """
    called.recorded.check_differentiable()
    call, leaves = called.call, called.leaves
    if call.plan.scalar if call.direct else called.pulled:
        boxes = [x for x in leaves if isbox(x)]
        reverse = all(type(x._node) is VJPNode and not isbox(x._value) for x in boxes)
        if reverse and len({x._trace for x in boxes}) == 1:
            call = call._replace(ahead=_ahead(call, leaves))
    return split_flat(call.plan, call.shots, call_plan(call, *leaves))


def _ahead(call: Call, leaves: Sequence[Any]) -> Ahead | None:
    """None where something has no derivative: the cotangents say whether it is asked for."""
    rows = call.checked_rows([getval(x) for x in leaves])
    slots, _ = call.gather.part([i for i, x in enumerate(leaves) if isbox(x)])
    try:
        if call.direct:
            flat, found = value_and_vjp(rows, call, slots, np.ones((len(rows), 1)))
            return Ahead(flat, found[:, :, None])
        return Ahead(*value_and_jacobian(rows, call, slots))
    except GradientError:
        return None


def joined(parts: Sequence[Any]) -> Any:
    """Arrays, or numbers, one after another along their first axis."""
    return anp.concatenate([anp.atleast_1d(x) for x in parts])
