"""grad, jacobian, hessian, value_and_grad, vjp and jvp of functions of numbers, arrays and containers."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import JVPNode, VJPNode, add_outgrads, vspace
from autograd.tracer import isbox, new_box, trace_stack
from autograd.util import toposort

from hybridge.errors import GradientError
from hybridge.interfaces import autograd_
from hybridge.interfaces.arguments import Arguments, all_arguments, as_float, listed
from hybridge.interfaces.called import Called, Model
from hybridge.interfaces.derivative import Argnums, Derivative
from hybridge.interfaces.direct import Direct
from hybridge.interfaces.entries import Entry, Source
from hybridge.interfaces.slopes import value_and_vjp
from hybridge.interfaces.untraced import Untraced
from hybridge.pytree import flatten


class _Depth(threading.local):
    depth = 0


_ours = _Depth()


class _Trace:
    """The number of a new trace: above every trace around it, below autograd's next.

    autograd counts traces in one global, so two threads tracing at once confuse it; the depth here is per
    thread.
    """

    def __enter__(self) -> float:
        _ours.depth += 1
        return trace_stack.top + 1 - 0.5**_ours.depth

    def __exit__(self, *exception: object) -> None:
        _ours.depth -= 1


class _Reverse:
    """A function traced once at its leaves; the reverse pass runs as often as there are cotangents."""

    def __init__(self, leaves: Sequence[Any], roots: Sequence[Any], number: float, result: Any):
        self.leaves, self.roots = leaves, roots
        outputs, self.build = flatten(result)
        ours = [isbox(x) and x._trace == number for x in outputs]
        self.values = [x._value if own else x for x, own in zip(outputs, ours, strict=True)]
        self.nodes = [x._node if own else None for x, own in zip(outputs, ours, strict=True)]
        self.shapes = [anp.shape(v) for v in self.values]
        self.container = None if outputs and outputs[0] is result else type(result).__name__

    def gradient(self) -> tuple[Any, list[Any]]:
        """The one value, and its derivative in each leaf."""
        _check_real(self.values[0], "grad", "one real number")
        one = vspace(self.values[0]).ones() if self.nodes[0] is not None else 1.0
        return self.values[0], self._pull(0, one)

    def vjp(self, cotangents: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The values in their containers, and the cotangents, one per output leaf, pulled to each leaf."""
        for value in self.values:
            _check_real(value, "vjp", "real numbers")
        total: list[Any] = [vspace(x).zeros() for x in self.leaves]
        for k, g in enumerate(cotangents):
            total = [a + b for a, b in zip(total, self._pull(k, g), strict=True)]
        return self.build(self.values), total

    def jacobian(self, like: Callable[[Sequence[Any]], Any]) -> Any:
        """In the values' containers, what `like` makes of arrays (*value, *leaf), one for each leaf."""
        for value in self.values:
            _check_real(value, "jacobian", "real numbers")
        return self.build([like(self._leaf_jacobian(k, shape)) for k, shape in enumerate(self.shapes)])

    def _leaf_jacobian(self, k: int, shape: tuple[int, ...]) -> list[Any]:
        pulled = [self._pull(k, row.reshape(shape) if shape else row[0]) for row in np.eye(math.prod(shape))]
        return [
            anp.reshape(anp.stack([p[i] for p in pulled]), (*shape, *anp.shape(x)))
            for i, x in enumerate(self.leaves)
        ]

    def _pull(self, k: int, g: Any) -> list[Any]:
        """The gradient of output leaf k against cotangent g, a leaf per root."""
        found: dict[Any, Any] = {}
        if self.nodes[k] is not None:
            pending = {self.nodes[k]: (g, False)}
            roots = set(self.roots)
            for node in toposort(self.nodes[k]):
                arrived = pending.pop(node)
                if node in roots:
                    found[node] = arrived[0]
                    continue
                for parent, ingrad in zip(node.parents, node.vjp(arrived[0]), strict=True):
                    pending[parent] = add_outgrads(pending.get(parent), ingrad)
        return [
            found.get(r, None) if r in found else vspace(x).zeros()
            for r, x in zip(self.roots, self.leaves, strict=True)
        ]


def _traced(arguments: Arguments, direct: bool = True) -> _Reverse | Direct:
    """The function called at its arguments: without a graph where it is a circuit and nothing else."""
    f = arguments.f
    with _Trace() as number, Untraced():
        boxes = [
            new_box(x, number, VJPNode.new_root()) if isbox(x) else Source(x, number).box
            for x in arguments.leaves
        ]
        args, kwargs = arguments.placed(boxes), arguments.kwargs
        if isinstance(f, Model) and (called := f.called(*args, **kwargs)) is not None:
            traced = _sources(called, number) if direct else None
            if traced is not None:
                return Direct(boxes, called, traced)
            result = f.finish(called._replace(pulled=True))
        else:
            result = f(*args, **kwargs)
    return _Reverse(arguments.leaves, [box._node for box in boxes], number, result)


def _sources(called: Called, number: float) -> list[int] | None:
    """Which leaves of a call are sources; None where other leaves, or its results, are traced too."""
    if called.library is not autograd_ or called.recorded.combined or called.call.plan.selection:
        return None
    found = []
    for i, x in enumerate(called.leaves):
        if type(x) is Entry and x.places is None and x.source.trace == number:
            found.append(i)
        elif isbox(x):
            return None
    return found


def _check_no_container(name: str | None) -> None:
    if name is not None:
        raise GradientError(
            "the output",
            f"grad needs a function with one number as value; this one returned it in a {name}",
            "return the number alone, or use hb.jacobian",
        )


def check_one_number(shapes: Sequence[tuple[int, ...]]) -> None:
    if len(shapes) != 1 or (shapes[0] and math.prod(shapes[0]) != 1):
        raise GradientError(
            "the output",
            f"grad needs a function with one number as value; this one has shapes {list(shapes)}",
            "use hb.jacobian",
        )


def _check_real(value: Any, kind: str, expected: str) -> None:
    while isbox(value):
        value = value._value
    array = np.asarray(value)
    if array.dtype.kind not in "fiuc" or np.any(array.imag):
        what = "nothing" if value is None else f"{type(value).__name__} {value!r}"
        raise GradientError(
            "the output",
            f"{kind} needs a function with {expected} as value; this one returned {what}",
            "take its real and its imaginary part, one at a time" if array.dtype.kind == "c" else "",
        )


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Derivative:
    """The function that returns (f(...), gradient); the gradient has the shape of the arguments in `argnums`.

    Arguments may be numbers, arrays and containers of them. Raises GradientError where f is not one real
    number.

    >>> import hybridge as hb
    >>> hb.value_and_grad(lambda p: p["a"] ** 2)({"a": 3.0}) == (9.0, {"a": 6.0})
    True
    """
    return Derivative("value_and_grad", f, argnums, _value_and_grad)


def _value_and_grad(
    f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    if type(argnums) is int and isinstance(f, Model):
        found = _at_once(f, argnums, args, kwargs)
        if found is not None:
            return found
    arguments = Arguments(f, argnums, args, kwargs)
    traced = _traced(arguments)
    check_one_number(traced.shapes)
    _check_no_container(traced.container)
    value, pulled = traced.gradient()
    return value, arguments.like(pulled)


def _at_once(f: Model, argnum: int, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, Any] | None:
    """The value and the gradient in an argument, without a trace: 15 us sooner. None where it takes one."""
    if not 0 <= argnum < len(args):
        return None
    for x in args[: argnum + 1]:  # each one leaf of the call
        if type(x) is not float and not (type(x) is np.ndarray and x.dtype.kind == "f"):
            return None
    known = f.at_once(args, kwargs)
    if known is None:
        return None
    call, leaves = known
    slots, gather = call.gather.part((argnum,))
    flat, pulled = value_and_vjp(call.checked_rows(leaves), call, slots, np.array(((1.0,),)))
    return flat[0, 0], gather.leaf(argnum, gather.pull(pulled))


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Derivative:
    """The gradient of a function with one real number as value, in the shape of the arguments in `argnums`.

    >>> import hybridge as hb
    >>> hb.grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0) == (3.0, 2.0)
    True
    """
    return Derivative("grad", f, argnums, _grad)


def _grad(f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    return _value_and_grad(f, argnums, args, kwargs)[1]


def vjp(f: Callable[..., Any], params: Sequence[Any], cotangents: Any) -> tuple[Any, tuple[Any, ...]]:
    """(f(*params), the cotangents times the Jacobian: one entry per parameter)."""
    arguments = all_arguments(f, params, "vjp")
    weights = [as_float(g, "cotangent", k) for k, g in enumerate(flatten(cotangents)[0])]
    traced = _traced(arguments, direct=not any(map(isbox, weights)))
    if len(weights) != len(traced.shapes):
        raise GradientError(
            "the output", f"the function has {len(traced.shapes)} values, not {len(weights)} cotangents"
        )
    for k, (g, shape) in enumerate(zip(weights, traced.shapes, strict=True)):
        if anp.size(g) != math.prod(shape):
            raise GradientError("the output", f"cotangent {k} has shape {anp.shape(g)}, value {k} {shape}")
    shaped = [anp.reshape(g, shape) for g, shape in zip(weights, traced.shapes, strict=True)]
    value, pulled = traced.vjp(shaped)
    return value, arguments.like(pulled)


def jvp(f: Callable[..., Any], params: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(f(*params), its derivative along `tangents`); the tangents are shaped like the parameters."""
    arguments = all_arguments(f, params, "jvp")
    directions = [
        as_float(t, "tangent", k)
        for k, tree in enumerate(listed(tangents, "tangents"))
        for t in flatten(tree)[0]
    ]
    given, needed = [anp.shape(t) for t in directions], [anp.shape(x) for x in arguments.leaves]
    if given != needed:
        raise GradientError(
            "the tangents", f"they must have the shapes of the parameters, {needed}; got {given}"
        )
    with _Trace() as number, Untraced():
        roots = [JVPNode.new_root(t) for t in directions]
        boxes = [new_box(x, number, r) for x, r in zip(arguments.leaves, roots, strict=True)]
        outputs, build = flatten(f(*arguments.placed(boxes)))
        ours = [isbox(x) and x._trace == number for x in outputs]
    values = [x._value if own else x for x, own in zip(outputs, ours, strict=True)]
    moved = [x._node.g if own else np.zeros(anp.shape(x)) for x, own in zip(outputs, ours, strict=True)]
    return build(values), build(moved)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Derivative:
    """The Jacobian: the value's containers of the arguments' containers of arrays (*value, *argument).

    >>> import hybridge as hb
    >>> hb.jacobian(lambda x: {"square": x ** 2, "same": x})(3.0)
    {'square': array(6.), 'same': array(1.)}
    """
    return Derivative("jacobian", f, argnums, _jacobian)


def _jacobian(f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    arguments = Arguments(f, argnums, args, kwargs)
    return _traced(arguments).jacobian(arguments.like)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Derivative:
    """The Jacobian of the Jacobian: of a number in x of shape (n,) an array (n, n).

    Of a QNode itself it is one job: rules of second order where they are cheaper than the device's own
    derivatives at shifted numbers, each pair of numbers once.

    >>> import hybridge as hb
    >>> hb.hessian(lambda x: x ** 3)(2.0)
    array(12.)
    """
    return Derivative("hessian", f, argnums, _hessian)


def _hessian(f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(f, Model):
        arguments = Arguments(f, argnums, args, kwargs)
        traced = _traced(arguments)
        found = traced.hessian(arguments.like) if isinstance(traced, Direct) else None
        if found is not None:
            return found
    return jacobian(jacobian(f, argnums), argnums)(*args, **kwargs)
