"""A plan for JAX: its arrays in, its arrays out, at once or traced."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from hybridge.errors import CircuitError
from hybridge.interfaces.called import Called
from hybridge.interfaces.gather import Gather, as_leaf
from hybridge.interfaces.jax_derivatives import values_of
from hybridge.interfaces.jax_primitives import Run
from hybridge.interfaces.leading import affine
from hybridge.interfaces.rows import PLAIN, as_rows, real
from hybridge.pytree import flatten


def gathered(numbers: Sequence[Any]) -> tuple[list[Any], Gather]:
    """The leaves that the numbers of a call come from, and how they come from them.

    Each array is a leaf once, and all plain numbers are the last. Raises the errors of as_rows.
    """
    leaves: list[Any] = []
    starts: dict[int, int] = {}  # of an array in flat
    end = 0
    constants: list[float] = []
    found: list[Any] = []  # the place of each number, or its places; None: the next constant
    for x in numbers:
        if type(x) in PLAIN:
            constants.append(x)
            found.append(None)
            continue
        if id(x) not in starts:
            leaves.append(_checked(x) if isinstance(x, jax.Array) else real(x))
            starts[id(x)] = end
            end += math.prod(leaves[-1].shape)
        shape = np.shape(x)
        found.append(starts[id(x)] + np.arange(shape[0]) if len(shape) == 1 else starts[id(x)])
    shapes = [x.shape for x in leaves]
    lengths = {shape for shape in shapes if shape}
    if len(lengths) > 1 or any(len(shape) > 1 or shape == (0,) for shape in lengths):
        as_rows([np.zeros(np.shape(x)) for x in numbers])  # raises: it says what is wrong
    if not any(isinstance(x, jax.Array) for x in leaves):
        return as_leaf(numbers)
    if constants:
        leaves.append(as_rows(constants)[0][0])
        shapes.append((len(constants),))
    rest = iter(range(end, end + len(constants)))
    index = np.empty((lengths.pop()[0] if lengths else 1, len(found)), dtype=np.intp)
    batched = len(index) > 1 or any(shapes[: len(starts)])
    for k, place in enumerate(found):
        index[:, k] = next(rest) if place is None else place
    return leaves, Gather(index, shapes, batched)


def evaluate(called: Called) -> list[Any]:
    """The measurements' values as JAX's arrays, traced where a leaf is."""
    leaves = [_checked(x) if isinstance(x, jax.Array) else x for x in called.leaves]
    dtype = _real_dtype(leaves)
    traced = [i for i, x in enumerate(leaves) if isinstance(x, Tracer)]
    if not traced:
        return _concrete(called, leaves, dtype)
    call = called.call._replace(gather=_of(called.call.gather, leaves, traced))
    run = Run(call, dtype)
    values = values_of(run, [leaves[i] for i in traced])
    run.check_arrays()  # after the derivative, which says what is wrong with that
    return list(values)


def _concrete(called: Called, leaves: Sequence[Any], dtype: np.dtype) -> list[Any]:
    call = called.call
    values = call.plan.run(call.checked_rows([np.asarray(x) for x in leaves]), call.shots)
    if not call.gather.batched:
        values = [v[0] for v in values]
    types = Run(call, dtype).types((), range(len(values)))
    kinds = [m.kind for m in called.recorded.measurements]
    return [
        v if kind == "counts" else jnp.asarray(v.astype(d))
        for v, (_, d), kind in zip(values, types, kinds, strict=True)
    ]


def joined(parts: Sequence[Any]) -> Any:
    """Arrays, or numbers, one after another along their first axis."""
    return jnp.concatenate([jnp.atleast_1d(x) for x in parts])


class View(np.ndarray):
    """The numbers of an array of JAX in its own memory; read only, as it is."""

    @property
    def at(self) -> Any:
        """As jax.Array.at."""
        return jnp.asarray(self).at


def through_numpy(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any] | None:
    """(function(*args, **kwargs),) by numpy's arrays; None where JAX must see to it itself.

    That is where an array is traced, and where numpy does not know its dtype.
    """
    leaves, build = flatten((tuple(args), dict(kwargs)))
    arrays = [x for x in leaves if isinstance(x, jax.Array)]
    if any(isinstance(x, Tracer) or x.dtype.kind not in "fiub" for x in arrays):
        return None
    views = [np.asarray(x).view(View)[()] if isinstance(x, jax.Array) else x for x in leaves]
    positional, named = build(views)
    results, rebuild = flatten(function(*positional, **named))
    dtype = _real_dtype(arrays)
    kinds = {"f": dtype, "c": np.result_type(dtype, np.complex64)}
    for i, x in enumerate(results):
        if isinstance(x, (np.ndarray, np.generic, jax.Array)):
            results[i] = jnp.asarray(x, kinds.get(x.dtype.kind))
    return (rebuild(results),)


def _real_dtype(leaves: Sequence[Any]) -> np.dtype:
    """That of the arrays, if they are real, as JAX promotes them; else JAX's own for a float."""
    return np.dtype(jnp.result_type(float, *[x.dtype for x in leaves if isinstance(x, jax.Array)]))


def _checked(x: Any) -> Any:
    """The array. Raises CircuitError where its numbers are not real."""
    if not any(jnp.issubdtype(x.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_)):
        raise CircuitError(f"a parameter must be a real number; got a JAX array of {x.dtype}")
    return x


def _of(gather: Gather, leaves: Sequence[Any], traced: Sequence[int]) -> Gather:
    """The gather of the traced leaves alone: what comes of the others is part of its offset."""
    if len(traced) == len(leaves):
        return gather
    sizes = [math.prod(s) for s in gather.shapes]
    known = [
        np.zeros(n) if i in traced else np.asarray(leaves[i], dtype=float).reshape(-1)
        for i, n in enumerate(sizes)
    ]
    offset = affine(gather, np.concatenate(known), gather.offset)
    place = np.full(gather.starts[-1], -1)
    start = 0
    for i in traced:
        place[gather.starts[i] : gather.starts[i + 1]] = start + np.arange(sizes[i])
        start += sizes[i]
    index = place[gather.index]
    scale = np.where(index < 0, 0.0, 1.0 if gather.scale is None else gather.scale)
    return Gather(np.maximum(index, 0), [gather.shapes[i] for i in traced], gather.batched, scale, offset)
