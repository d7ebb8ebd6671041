"""The run of a plan and its first derivatives as primitives of JAX, which `jit` and `vmap` understand.

`run` gives the values of the measurements; `push` is tangents times the Jacobian, `pull` cotangents times it,
and where a device gives one number and its slopes at once, they are `ahead`. Operands have `lead` leading
axes, those that vmap has put there, of length 1 where an operand is not batched. Each primitive is one call
of a function of `leading` on the host, hence one job of the device for all points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

from hybridge.circuit import Measurement
from hybridge.errors import CircuitError, GradientError
from hybridge.gradients.choose import DIFFERENTIABLE
from hybridge.gradients.part import Part
from hybridge.interfaces import leading
from hybridge.interfaces.called import Call
from hybridge.interfaces.slopes import columns_of

Shape = tuple[int, ...]
Types = tuple[tuple[Shape, np.dtype], ...]  # of some arrays
WHOLE = ("counts", "sample")  # kinds that give whole numbers, a sample of an observable excepted
COMPLEX = ("state", "density_matrix")


class Run(NamedTuple):
    """A call whose leaves JAX traces, and the dtype of its real values."""

    call: Call
    dtype: np.dtype

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        return self.call.plan.circuit.measurements

    @property
    def rows(self) -> int:
        """How many there are at one point."""
        return len(self.call.gather.index)

    @property
    def columns(self) -> int:
        """How many numbers all measurements give together, at one row."""
        return columns_of(self.call)

    @property
    def every(self) -> Shape:
        """The places of all measurements."""
        return tuple(range(len(self.measurements)))

    @property
    def ahead(self) -> bool:
        """Whether the device gives the value and its slopes at once, and both are small."""
        return self.call.plan.scalar and self.call.direct and not self.call.gather.batched

    @property
    def drawn(self) -> bool:
        """Whether two runs are not the same: the compiler must not make one of them."""
        return self.call.shots is not None or self.call.method.random

    @property
    def shapes(self) -> list[Shape]:
        """Of the values of the measurements, at one point."""
        batch = (self.rows,) if self.call.gather.batched else ()
        return [batch + shape for shape in self.call.plan.shapes(self.call.shots)]

    def types(self, lead: Shape, measured: Sequence[int]) -> Types:
        """Of the values of these measurements."""
        return tuple((lead + self.shapes[i], self._dtype(self.measurements[i])) for i in measured)

    def _dtype(self, m: Measurement) -> np.dtype:
        if is_whole(m):
            return np.dtype(jnp.result_type(int))
        return np.result_type(self.dtype, np.complex64) if m.kind in COMPLEX else self.dtype

    def check_arrays(self) -> None:
        """Raise CircuitError for a measurement whose value is no array."""
        for m in self.measurements:
            if m.kind == "counts":
                raise CircuitError(f"{m!r} is a dict, which JAX cannot trace; return hb.sample or hb.probs")

    def check_differentiable(self, measured: Sequence[int]) -> None:
        """Raise GradientError for a measurement that has no derivative."""
        for m in [self.measurements[i] for i in measured]:
            if m.kind not in DIFFERENTIABLE:
                reason = f"{m!r} is not differentiable"
                raise GradientError("any parameter", reason, "return expval, var or probs")

    def check_rule(self, active: Shape, measured: Shape) -> None:
        """Raise GradientError where there is no derivative: now, and not in a compiled program."""
        self.check_differentiable(measured)
        if not self.call.direct:
            self.rule(active, measured)

    def rule(self, active: Shape, measured: Shape) -> tuple[Part, ...]:
        """The parts of the derivative in these leaves, right for these measurements."""
        call = self.call
        slots, _ = call.gather.part(active)
        return call.plan.rule(slots, call.method, call.shots, None if measured == self.every else measured)


def is_whole(m: Measurement) -> bool:
    """Whether a measurement gives whole numbers."""
    return m.kind in WHOLE and (m.observable is None or m.kind == "counts")


# (function, types, *arrays) -> the arrays that the function makes of them, of these types
Ask = Callable[..., list[Any]]


def at_once(function: Callable[..., list[np.ndarray]], types: Types, *arrays: np.ndarray) -> list[np.ndarray]:
    """An Ask in numpy."""
    found = function(*arrays)
    return [np.asarray(x, dtype=d).reshape(s) for x, (s, d) in zip(found, types, strict=True)]


host = Primitive("hybridge_host")
host.multiple_results = True
host.def_abstract_eval(lambda *arrays, types, **params: [ShapedArray(s, d) for s, d in types])


def _lowered(ctx: Any, *operands: Any, function: Any, types: Types, drawn: bool) -> Any:
    """Not by jax.pure_callback: it makes JAX's arrays of what arrives, which takes 50 us and may hang."""
    found, _, _ = mlir.emit_python_callback(
        ctx,
        partial(at_once, function, types),
        None,
        list(operands),
        ctx.avals_in,
        ctx.avals_out,
        has_side_effect=drawn,
    )
    return found


mlir.register_lowering(host, _lowered)


def leading_axes(lead: int, *arrays: Any) -> Shape:
    """The leading axes of what is made of these arrays."""
    return np.broadcast_shapes(*[x.shape[:lead] for x in arrays])


def _flat(xp: Any, lead: int, arrays: Sequence[Any]) -> Any:
    """Arrays (*lead, *shape) one after another, (*lead, size)."""
    common = leading_axes(lead, *arrays)
    wide = [xp.broadcast_to(x, (*common, *x.shape[lead:])) for x in arrays]
    flat = [xp.reshape(x, (*common, math.prod(x.shape[lead:]))) for x in wide]
    return flat[0] if len(flat) == 1 else xp.concatenate(flat, axis=-1)


def split(flat: Any, shapes: Sequence[Shape]) -> list[Any]:
    """(*lead, size) -> arrays (*lead, *shape)."""
    found, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        found.append(flat[..., start:stop].reshape((*flat.shape[:-1], *shape)))
        start = stop
    return found


def spread(xp: Any, lead: int, leaves: Sequence[Any], tangents: Sequence[Any], active: Shape) -> Any:
    """The tangents of the active leaves in the places of all, (*lead, size), those of the others 0."""
    given = dict(zip(active, tangents, strict=True))
    shapes = [(1,) * lead + x.shape[lead:] for x in leaves]
    dtype = tangents[0].dtype
    return _flat(xp, lead, [given[i] if i in given else xp.zeros(s, dtype) for i, s in enumerate(shapes)])


def side_by_side(xp: Any, run: Run, lead: int, arrays: Sequence[Any], measured: Shape) -> Any:
    """Values of these measurements side by side, (*lead, B, columns), those of the others 0."""
    given = dict(zip(measured, arrays, strict=True))
    common = leading_axes(lead, *arrays)
    parts = []
    for i, shape in enumerate(run.shapes):
        array = given[i] if i in given else xp.zeros((1,) * lead + shape, run.dtype)
        wide = xp.broadcast_to(array, common + shape)
        parts.append(xp.reshape(wide, (*common, run.rows, math.prod(shape) // run.rows)))
    return parts[0] if len(parts) == 1 else xp.concatenate(parts, axis=-1)


def taken(run: Run, columns: Any, measured: Shape) -> list[Any]:
    """(*lead, B, columns) -> the values of these measurements."""
    found, start = [], 0
    for shape in run.shapes:
        stop = start + math.prod(shape) // run.rows
        found.append(columns[..., start:stop].reshape(columns.shape[:-2] + shape))
        start = stop
    return [found[i] for i in measured]


def _run(xp: Any, ask: Ask, *leaves: Any, run: Run, lead: int) -> list[Any]:
    run.check_arrays()
    types = _run_types(*leaves, run=run, lead=lead)
    return ask(partial(leading.values, run.call), types, _flat(xp, lead, leaves))


def _run_types(*leaves: Any, run: Run, lead: int) -> Types:
    return run.types(leading_axes(lead, *leaves), run.every)


def _ahead(xp: Any, ask: Ask, *leaves: Any, run: Run, lead: int, active: Shape) -> list[Any]:
    common = leading_axes(lead, *leaves)
    shapes = [leaves[i].shape[lead:] for i in active]
    types = ((common, run.dtype), ((*common, sum(map(math.prod, shapes))), run.dtype))
    value, slopes = ask(partial(leading.value_and_slopes, run.call, active), types, _flat(xp, lead, leaves))
    return [value, *split(slopes, shapes)]


def _ahead_types(*leaves: Any, run: Run, lead: int, active: Shape) -> Types:
    common = leading_axes(lead, *leaves)
    return ((common, run.dtype), *((common + leaves[i].shape[lead:], run.dtype) for i in active))


def _push(
    xp: Any, ask: Ask, *operands: Any, run: Run, lead: int, active: Shape, measured: Shape
) -> list[Any]:
    run.check_rule(active, measured)
    leaves, tangents = operands[: -len(active)], operands[-len(active) :]
    types = (((*leading_axes(lead, *operands), run.rows, run.columns), run.dtype),)
    function = partial(leading.push, run.call, active, measured)
    (found,) = ask(function, types, _flat(xp, lead, leaves), spread(xp, lead, leaves, tangents, active))
    return taken(run, found, measured)


def _push_types(*operands: Any, run: Run, lead: int, active: Shape, measured: Shape) -> Types:
    return run.types(leading_axes(lead, *operands), measured)


def _pull(
    xp: Any, ask: Ask, *operands: Any, run: Run, lead: int, active: Shape, measured: Shape
) -> list[Any]:
    run.check_rule(active, measured)
    leaves, weights = operands[: -len(measured)], operands[-len(measured) :]
    shapes = [leaves[i].shape[lead:] for i in active]
    types = (((*leading_axes(lead, *operands), sum(map(math.prod, shapes))), run.dtype),)
    cotangent = side_by_side(xp, run, lead, weights, measured)
    (found,) = ask(partial(leading.pull, run.call, active), types, _flat(xp, lead, leaves), cotangent)
    return [x.astype(leaves[i].dtype) for i, x in zip(active, split(found, shapes), strict=True)]


def _pull_types(*operands: Any, run: Run, lead: int, active: Shape, measured: Shape) -> Types:
    common = leading_axes(lead, *operands)
    return tuple((common + operands[i].shape[lead:], operands[i].dtype) for i in active)


def _primitive(name: str, body: Callable[..., list[Any]], types: Callable[..., Types]) -> Primitive:
    """At arrays its body at once, by numpy; in a compiled program, calls of the host."""
    made = Primitive(name)
    made.multiple_results = True

    def at_arrays(*operands: Any, **params: Any) -> list[jax.Array]:
        return [jnp.asarray(x) for x in body(np, at_once, *map(np.asarray, operands), **params)]

    def compiled(*operands: Any, run: Run, **params: Any) -> list[Any]:
        def ask(function: Any, types: Types, *arrays: Any) -> list[Any]:
            return host.bind(*arrays, function=function, types=types, drawn=run.drawn)

        return body(jnp, ask, *operands, run=run, **params)

    def batched(operands: Sequence[Any], axes: Sequence[int | None], *, lead: int, **params: Any) -> Any:
        moved = [
            jnp.expand_dims(x, 0) if axis is None else jnp.moveaxis(x, axis, 0)
            for x, axis in zip(operands, axes, strict=True)
        ]
        found = made.bind(*moved, lead=lead + 1, **params)
        return found, [0] * len(found)

    made.def_impl(at_arrays)
    made.def_abstract_eval(lambda *avals, **params: [ShapedArray(s, d) for s, d in types(*avals, **params)])
    mlir.register_lowering(made, mlir.lower_fun(compiled))
    batching.primitive_batchers[made] = batched
    return made


run_p = _primitive("hybridge_run", _run, _run_types)
ahead_p = _primitive("hybridge_ahead", _ahead, _ahead_types)
push_p = _primitive("hybridge_push", _push, _push_types)
pull_p = _primitive("hybridge_pull", _pull, _pull_types)
