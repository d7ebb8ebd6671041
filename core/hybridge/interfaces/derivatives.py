"""grad, jacobian, hessian, value_and_grad, vjp and jvp of functions of numbers, arrays and containers."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import JVPNode, VJPNode, add_outgrads, vspace
from autograd.tracer import isbox, new_box, trace_stack
from autograd.util import toposort

from hybridge.errors import GradientError
from hybridge.pytree import flatten

Argnums = int | Sequence[int]


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


class _Arguments:
    """The arguments to differentiate, taken apart into float leaves, and the call with other leaves."""

    def __init__(self, f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]):
        self.f, self.args, self.kwargs = f, list(args), kwargs
        self.argnums, self.single = _argnums(argnums)
        self.leaves: list[Any] = []
        self.builds: list[tuple[int, Callable[..., Any]]] = []
        for i in self.argnums:
            if not -len(args) <= i < len(args):
                raise GradientError(
                    f"argument {i}",
                    f"the function was called with {len(args)} arguments",
                    "choose other argnums",
                )
            if [j % len(args) for j in self.argnums].count(i % len(args)) > 1:
                raise GradientError(f"argument {i}", "argnums names it twice", "name it once")
            leaves, build = flatten(args[i])
            self.leaves += [_float(x, i) for x in leaves]
            self.builds.append((len(leaves), build))

    def call(self, leaves: Sequence[Any]) -> Any:
        args = list(self.args)
        for i, tree in zip(self.argnums, self._trees(leaves), strict=True):
            args[i] = tree
        return self.f(*args, **self.kwargs)

    def _trees(self, leaves: Sequence[Any]) -> list[Any]:
        trees, start = [], 0
        for count, build in self.builds:
            trees.append(build(leaves[start : start + count]))
            start += count
        return trees

    def like(self, leaves: Sequence[Any]) -> Any:
        """Leaves in the shape of the arguments: one tree for a single argnum, else a tuple of them."""
        trees = self._trees(leaves)
        return trees[0] if self.single else tuple(trees)


def _argnums(argnums: Any) -> tuple[list[int], bool]:
    """argnums as a list, and whether it was a single number."""
    try:
        return [operator.index(argnums)], True
    except TypeError:
        pass
    try:
        return [operator.index(i) for i in argnums], False
    except TypeError:
        raise GradientError(
            "the arguments", f"argnums must be whole numbers; got {argnums!r}", "use argnums=0 or (0, 1)"
        ) from None


def _float(x: Any, argnum: int) -> Any:
    if isbox(x):
        return x
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise GradientError(
            f"argument {argnum}",
            f"{type(x).__name__} {x!r} is not a real number or array",
            "choose other argnums",
        )
    return float(array) if array.ndim == 0 else array.astype(float)


class _Reverse:
    """f traced once at its leaves; `pull` runs the reverse pass as often as there are cotangents."""

    def __init__(self, arguments: _Arguments):
        self.arguments = arguments
        with _Trace() as number:
            self.roots = [VJPNode.new_root() for _ in arguments.leaves]
            boxes = [new_box(x, number, r) for x, r in zip(arguments.leaves, self.roots, strict=True)]
            outputs, self.build = flatten(arguments.call(boxes))
            ours = [isbox(x) and x._trace == number for x in outputs]
        self.values = [x._value if own else x for x, own in zip(outputs, ours, strict=True)]
        self.nodes = [x._node if own else None for x, own in zip(outputs, ours, strict=True)]

    def pull(self, k: int, g: Any) -> list[Any]:
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
        leaves = self.arguments.leaves
        return [
            found.get(r, None) if r in found else vspace(x).zeros()
            for r, x in zip(self.roots, leaves, strict=True)
        ]


def _scalar(reverse: _Reverse) -> Any:
    if len(reverse.values) != 1 or anp.size(reverse.values[0]) != 1:
        shapes = [anp.shape(v) for v in reverse.values]
        raise GradientError(
            "the output",
            f"grad needs a function with one number as value; this one has shapes {shapes}",
            "use hb.jacobian",
        )
    value = reverse.values[0]
    while isbox(value):
        value = value._value
    array = np.asarray(value)
    if array.dtype.kind not in "fiubc" or np.any(array.imag):
        what = "nothing" if value is None else f"{type(value).__name__} {value!r}"
        raise GradientError(
            "the output", f"grad needs a function with one real number as value; this one returned {what}"
        )
    return reverse.values[0]


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """The function that returns (f(...), gradient); the gradient has the shape of the arguments in `argnums`.

    Arguments may be numbers, arrays and containers of them. Raises GradientError where f is not one real
    number.

    >>> import hybridge as hb
    >>> hb.value_and_grad(lambda p: p["a"] ** 2)({"a": 3.0}) == (9.0, {"a": 6.0})
    True
    """

    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        reverse = _Reverse(_Arguments(f, argnums, args, kwargs))
        value = _scalar(reverse)
        return value, reverse.arguments.like(reverse.pull(0, vspace(value).ones()))

    return differentiated


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a function with one real number as value, in the shape of the arguments in `argnums`.

    >>> import hybridge as hb
    >>> hb.grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0) == (3.0, 2.0)
    True
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def vjp(f: Callable[..., Any], params: Sequence[Any], cotangents: Any) -> tuple[Any, tuple[Any, ...]]:
    """(f(*params), the cotangents times the Jacobian: one entry per parameter)."""
    reverse = _Reverse(_Arguments(f, tuple(range(len(params))), tuple(params), {}))
    weights, _ = flatten(cotangents)
    if len(weights) != len(reverse.values):
        raise GradientError(
            "the output", f"the function has {len(reverse.values)} values, not {len(weights)} cotangents"
        )
    total: list[Any] = [vspace(x).zeros() for x in reverse.arguments.leaves]
    for k, g in enumerate(weights):
        g = anp.reshape(_float(g, k), anp.shape(reverse.values[k]))
        total = [a + b for a, b in zip(total, reverse.pull(k, g), strict=True)]
    return reverse.build(reverse.values), reverse.arguments.like(total)


def jvp(f: Callable[..., Any], params: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(f(*params), its derivative along `tangents`); the tangents are shaped like the parameters."""
    arguments = _Arguments(f, tuple(range(len(params))), tuple(params), {})
    directions = _Arguments(f, tuple(range(len(tangents))), tuple(tangents), {}).leaves
    if [anp.shape(t) for t in directions] != [anp.shape(x) for x in arguments.leaves]:
        raise GradientError("the tangents", "they must have the shapes of the parameters")
    with _Trace() as number:
        roots = [JVPNode.new_root(t) for t in directions]
        boxes = [new_box(x, number, r) for x, r in zip(arguments.leaves, roots, strict=True)]
        outputs, build = flatten(arguments.call(boxes))
        ours = [isbox(x) and x._trace == number for x in outputs]
    values = [x._value if own else x for x, own in zip(outputs, ours, strict=True)]
    moved = [x._node.g if own else np.zeros(anp.shape(x)) for x, own in zip(outputs, ours, strict=True)]
    return build(values), build(moved)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The Jacobian: the value's containers of the arguments' containers of arrays (*value, *argument).

    >>> import hybridge as hb
    >>> hb.jacobian(lambda x: {"square": x ** 2, "same": x})(3.0)
    {'square': array(6.), 'same': array(1.)}
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        reverse = _Reverse(_Arguments(f, argnums, args, kwargs))
        return reverse.build([_leaf_jacobian(reverse, k) for k in range(len(reverse.values))])

    return differentiated


def _leaf_jacobian(reverse: _Reverse, k: int) -> Any:
    shape = anp.shape(reverse.values[k])
    size = int(np.prod(shape))
    pulled = [reverse.pull(k, row.reshape(shape) if shape else row[0]) for row in np.eye(size)]
    leaves = reverse.arguments.leaves
    return reverse.arguments.like(
        [
            anp.reshape(anp.stack([p[i] for p in pulled]), (*shape, *anp.shape(x)))
            for i, x in enumerate(leaves)
        ]
    )


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The Jacobian of the Jacobian: of a number in x of shape (n,) an array (n, n)."""
    return jacobian(jacobian(f, argnums), argnums)
