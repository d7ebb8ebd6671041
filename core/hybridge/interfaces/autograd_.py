"""A plan as one autograd primitive: forward, reverse and forward-mode derivatives to any order.

The derivative calls the same primitive at shifted rows, so its own derivative is the shift rule again:
Hessians need no further code. All shifted rows of a derivative are one batch, hence one job of the device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd.core import defjvp_argnums, defvjp_argnums
from autograd.extend import primitive
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import isbox

from hybridge.execution import Plan
from hybridge.interfaces.rows import as_rows


def _leave_observables(name: str) -> None:
    """Let `theta * Z(0)` reach `Z(0).__rmul__(theta)`; autograd before 1.9 multiplies itself, and fails."""
    own = getattr(ArrayBox, name)

    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if hasattr(other, "as_observable") else own(self, other)

    setattr(ArrayBox, name, functools.wraps(own)(operator))


if not hasattr(ArrayBox, "__array_ufunc__"):
    for name in ("__mul__", "__add__", "__sub__"):
        _leave_observables(name)


class Call(NamedTuple):
    """What a call needs besides its numbers."""

    plan: Plan
    shots: int | None
    method: str | None


def run_flat(plan: Plan, rows: np.ndarray, shots: int | None) -> np.ndarray:
    """(B, P) -> (B, columns): all measurements side by side."""
    values = plan.run(rows, shots)
    return np.concatenate([v.reshape(len(rows), -1) for v in values], axis=1)


@primitive
def run(rows: Any, call: Call) -> Any:
    """(B, P) -> (B, columns)."""
    return run_flat(call.plan, rows, call.shots)


@primitive
def pack(*numbers: Any) -> Any:
    """The numbers of one call as rows (B, P)."""
    return as_rows(numbers)[0]


def _unpack(
    g: Any, numbers: Sequence[Any], argnums: Sequence[int], columns: Sequence[int]
) -> tuple[Any, ...]:
    """(B, len(columns)) back to the numbers: a scalar broadcast over the batch collects the sum."""
    return tuple(
        g[:, k] if anp.ndim(numbers[i]) else anp.sum(g[:, k]) for i, k in zip(argnums, columns, strict=True)
    )


def _spread(tangents: Sequence[Any], numbers: Sequence[Any]) -> Any:
    """The tangents of some numbers as (B, len(tangents))."""
    batch = max([len(x) for x in numbers if anp.ndim(x)], default=1)
    return anp.stack([t if anp.ndim(t) else t * np.ones(batch) for t in tangents], axis=1)


defvjp_argnums(pack, lambda argnums, ans, args, kwargs: lambda g: _unpack(g, args, argnums, argnums))
defjvp_argnums(pack, lambda argnums, gs, ans, args, kwargs: _scatter(_spread(gs, args), argnums, len(args)))


def _scatter(columns: Any, argnums: Sequence[int], width: int) -> Any:
    selector = np.zeros((len(argnums), width))
    selector[np.arange(len(argnums)), list(argnums)] = 1
    return anp.dot(columns, selector)


def _jacobian(rows: Any, call: Call, slots: tuple[int, ...]) -> Any:
    """d value / d slots, (B, len(slots), columns): one batch of shifted rows, differentiable in its turn."""
    rule = call.plan.rule(slots, call.method, call.shots)
    batch, width = rows.shape
    if not len(rule.shifts):  # nothing measured depends on these numbers, as on global phases
        return np.zeros(
            (batch, len(slots), sum(int(np.prod(shape)) for shape in call.plan.shapes(call.shots)))
        )
    shifted = anp.reshape(rows[:, None, :] + rule.shifts, (batch * len(rule.shifts), width))
    values = run(shifted, call)
    return anp.matmul(rule.weights.T, anp.reshape(values, (batch, len(rule.shifts), -1)))


def _derivative(
    rows: Any, call: Call, slots: tuple[int, ...]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The vjp (B, columns) -> (B, len(slots)) and the jvp in the other direction, sharing one Jacobian."""
    made: list[Any] = []

    def jacobian() -> Any:
        if not made:
            made.append(_jacobian(rows, call, slots))
        return made[0]

    direct = call.method in ("best", "device") and call.plan.direct_vjp and not isbox(rows)

    def vjp(g: Any) -> Any:
        if direct and not isbox(g):
            return call.plan.vjp(rows, g)[:, list(slots)]
        return anp.matmul(jacobian(), g[:, :, None])[:, :, 0]

    return vjp, lambda t: anp.matmul(t[:, None, :], jacobian())[:, 0, :]


def _run_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    rows, call = args
    vjp, _ = _derivative(
        rows, call, tuple(range(call.plan.num_slots))
    )  # once: every pull shares its Jacobian
    return lambda g: (vjp(g),)


def _run_jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    rows, call = args
    return _derivative(rows, call, tuple(range(call.plan.num_slots)))[1](gs[0])


defvjp_argnums(run, _run_vjp)
defjvp_argnums(run, _run_jvp)


@primitive
def call_plan(call: Call, *numbers: Any) -> Any:
    """run(pack(*numbers)) as one primitive, of which each costs about 9 us: (columns,) or (B, columns)."""
    rows, batched = as_rows(numbers)
    call.plan.check(rows)
    flat = run_flat(call.plan, rows, call.shots)
    return flat if batched else flat[0]


def _traced_slots(argnums: Sequence[int], args: Sequence[Any]) -> tuple[Any, Call, tuple[int, ...], bool]:
    call, numbers = args[0], args[1:]
    slots = tuple(i - 1 for i in argnums)
    return pack(*numbers), call, slots, any(anp.ndim(x) for x in numbers)


def _call_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    rows, call, slots, batched = _traced_slots(argnums, args)
    vjp, _ = _derivative(rows, call, slots)
    return lambda g: _unpack(vjp(g if batched else g[None, :]), args[1:], slots, range(len(slots)))


def _call_jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    rows, call, slots, batched = _traced_slots(argnums, args)
    _, jvp = _derivative(rows, call, slots)
    tangent = jvp(_spread(gs, args[1:]))
    return tangent if batched else tangent[0]


defvjp_argnums(call_plan, _call_vjp)
defjvp_argnums(call_plan, _call_jvp)


def call(plan: Plan, numbers: Sequence[Any], shots: int | None, method: str | None) -> tuple[list[Any], bool]:
    """The measurements' values, differentiable in the traced numbers, and whether they carry a batch axis."""
    flat = call_plan(Call(plan, shots, method), *numbers)
    batched = anp.ndim(flat) == 2
    values, start = [], 0
    for shape in plan.shapes(shots):
        size = int(np.prod(shape))
        part = flat[..., start] if shape == () else flat[..., start : start + size]
        values.append(part)
        start += size
    return values, batched
