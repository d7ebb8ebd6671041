"""What an optimizer sees: the cost and its derivatives as functions of one vector of numbers."""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hybridge.errors import OptimizationError
from hybridge.interfaces.derivatives import Argnums, hessian, value_and_grad
from hybridge.interfaces.entries import Entry
from hybridge.points import results_at
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.slots import Slots, slots_of

# what stands for a traced number, in the errors of functions that take only plain ones
TRACED = re.compile(rf"\b(ArrayBox|{Entry.__name__})\b")
MAX_KNOWN = 4096  # values remembered by their point


class Problem:
    """cost(*args, **kwargs) as a function of a vector x (N,) float64, the numbers of the arguments `argnums`.

    `start` is that vector as given; `like` turns a vector back into what the arguments were: containers,
    shapes and float types. `calls` counts how often the cost was called, with its gradient or without. Raises
    OptimizationError where an argument holds anything but finite real floats, and where a value, or a
    gradient, is not finite or has the wrong shape.
    """

    def __init__(
        self,
        cost: Callable[..., Any],
        args: Sequence[Any],
        argnums: Argnums = 0,
        kwargs: Mapping[str, Any] | None = None,
        grad_fn: Callable[..., Any] | None = None,
    ):
        for what, function in (("the cost", cost), ("grad_fn", grad_fn)):
            if not callable(function) and (function is not None or what == "the cost"):
                raise OptimizationError(f"{what} must be a function; got {function!r}")
        self.cost: Any = cost
        self.args, self.kwargs, self.grad_fn = tuple(args), dict(kwargs or {}), grad_fn
        self.argnums = argnums
        self._positions, self._single = _positions(argnums, len(self.args))
        self._leaves: list[Any] = []
        self._builds: list[tuple[int, Callable[..., Any]]] = []
        for i in self._positions:
            leaves, build = flatten(self.args[i])
            self._leaves += [_real(leaf, i) for leaf in leaves]
            self._builds.append((len(leaves), build))
        ends = np.cumsum([0, *(np.size(leaf) for leaf in self._leaves)])
        self._parts = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        if not ends[-1]:
            raise OptimizationError("there is nothing to optimize: the arguments hold no numbers")
        self.start = np.concatenate([np.ravel(leaf).astype(float) for leaf in self._leaves])
        self.calls = 0
        self._known: dict[bytes, float] = {}

    def like(self, x: np.ndarray) -> Any:
        """The vector as the arguments in `argnums`: one for a single number, else a tuple of them."""
        trees = self._trees(self._plain(x))
        return trees[0] if self._single else tuple(trees)

    def call_args(self, x: Any) -> list[Any]:
        """All arguments of the cost at x; x may be traced."""
        if isinstance(x, np.ndarray):
            leaves = self._plain(x)
        else:
            shaped = zip(self._parts, map(np.shape, self._leaves), strict=True)
            leaves = [x[a:b].reshape(shape) if shape else x[a] for (a, b), shape in shaped]
        args = list(self.args)
        for i, tree in zip(self._positions, self._trees(leaves), strict=True):
            args[i] = tree
        return args

    def _plain(self, x: np.ndarray) -> list[Any]:
        return [_alike(x[a:b], leaf) for (a, b), leaf in zip(self._parts, self._leaves, strict=True)]

    def _trees(self, leaves: Sequence[Any]) -> list[Any]:
        trees, start = [], 0
        for count, build in self._builds:
            trees.append(build(leaves[start : start + count]))
            start += count
        return trees

    def value(self, x: np.ndarray) -> float:
        """The cost at x, called now."""
        self.calls += 1
        return self._keep(x, self.cost(*self.call_args(x), **self.kwargs))

    def values(self, points: np.ndarray) -> np.ndarray:
        """The cost at each of the points (B, N), called now: (B,). Of a QNode they are one job."""
        if not isinstance(self.cost, QNode):
            return np.array([self.value(x) for x in points])
        self.calls += len(points)
        found = results_at(self.cost, [self.call_args(x) for x in points], self.kwargs)
        return np.array([self._keep(x, value) for x, value in zip(points, found, strict=True)])

    def value_at(self, x: np.ndarray) -> float:
        """The cost at x, not called again where its value is known."""
        found = self._known.get(x.tobytes())
        return self.value(x) if found is None else found

    def _keep(self, x: np.ndarray, value: Any) -> float:
        found = _number(value)
        if not math.isfinite(found):
            at = self.like(x)
            raise OptimizationError(
                f"the cost is {found} at {at!r}; it must be finite wherever it is asked for"
            )
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[x.tobytes()] = found
        return found

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """The gradient (N,) at x, by `grad_fn` or by hb.value_and_grad, which gives the value too."""
        args = self.call_args(x)
        if self.grad_fn is not None:
            slope = self.grad_fn(*args, **self.kwargs)
        else:
            self.calls += 1
            value, slope = _traced(value_and_grad(self.cost, self.argnums), args, self.kwargs)
            self._keep(x, value)
        parts = [np.ravel(np.asarray(leaf)) for leaf in flatten(slope)[0]]
        found = np.concatenate(parts) if parts else np.zeros(0)
        if found.shape != x.shape or found.dtype.kind not in "fiu":
            raise OptimizationError(
                f"the gradient has {found.size} numbers of type {found.dtype} for {x.size} parameters; "
                f"grad_fn must return what hb.grad(cost, argnums={self.argnums!r}) would"
            )
        if not np.isfinite(found).all():
            raise OptimizationError(f"the gradient at {self.like(x)!r} is not finite: {found}")
        return found.astype(float)

    def slots(self, x: np.ndarray) -> Slots:
        """How the numbers of the circuit depend on x, of a cost that is a QNode."""
        return _traced(slots_of, [self.cost, self.call_args(x), self.argnums, self.kwargs], {})

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """The second derivatives (N, N) at x, exact; of a cost that is a QNode in one job."""
        self.calls += 1
        if isinstance(self.cost, QNode):
            blocks = flatten(_traced(hessian(self.cost, self.argnums), self.call_args(x), self.kwargs))[0]
            sizes = [stop - start for start, stop in self._parts]
            shaped = zip(blocks, itertools.product(sizes, sizes), strict=True)
            found = [np.reshape(block, shape) for block, shape in shaped]
            return np.block([found[i : i + len(sizes)] for i in range(0, len(found), len(sizes))])
        flat = lambda v: self.cost(*self.call_args(v), **self.kwargs)
        return np.asarray(_traced(hessian(flat), [x], {})).reshape(x.size, x.size)


def _positions(argnums: Any, count: int) -> tuple[list[int], bool]:
    """argnums as a list, and whether it was a single number."""
    single = isinstance(argnums, (int, np.integer))
    try:
        listed = [operator.index(i) for i in ([argnums] if single else argnums)]
    except TypeError:
        raise OptimizationError(f"argnums must be whole numbers; got {argnums!r}; use 0 or (0, 1)") from None
    for i in listed:
        if not -count <= i < count:
            raise OptimizationError(f"there is no argument {i}: the cost is called with {count} arguments")
    if len({i % count for i in listed}) < len(listed):
        raise OptimizationError(f"argnums={argnums!r} names an argument twice")
    return listed, single


def _real(leaf: Any, argnum: int) -> Any:
    """The leaf, if it is a finite real float or an array of them."""
    kind = leaf.dtype.kind if isinstance(leaf, (np.ndarray, np.generic)) else ""
    if not (isinstance(leaf, float) or kind == "f"):
        what = (
            f"an array of {leaf.dtype}" if isinstance(leaf, np.ndarray) else f"{type(leaf).__name__} {leaf!r}"
        )
        remedy = "only real floats can be optimized; use another argnums"
        if isinstance(leaf, int) or kind in ("i", "u"):
            remedy = "optimization moves in small steps, so use floats: 1.0, or x.astype(float)"
        raise OptimizationError(f"argument {argnum} holds {what}; {remedy}")
    if not np.isfinite(leaf).all():
        raise OptimizationError(f"argument {argnum} holds a number that is not finite: {leaf!r}")
    return leaf


def _alike(numbers: np.ndarray, leaf: Any) -> Any:
    """The numbers (k,) with the shape and the float type of the leaf; always a copy."""
    if isinstance(leaf, np.ndarray):
        return numbers.astype(leaf.dtype).reshape(leaf.shape)
    return type(leaf)(numbers[0])


def _number(value: Any) -> float:
    if np.size(value) != 1:
        raise OptimizationError(f"the cost must be one number; it has shape {np.shape(value)}")
    array = np.asarray(value)
    array = array.real if array.dtype.kind == "c" and not array.imag.any() else array
    if array.dtype.kind not in "fiub":
        raise OptimizationError(f"the cost must be a real number; got {type(value).__name__} {value!r}")
    return float(array.reshape(()))


def _traced(derivative: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    try:
        return derivative(*args, **kwargs)
    except (TypeError, ValueError, AttributeError) as error:
        if not TRACED.search(f"{error} {error.__cause__} {error.__context__}"):
            raise
        raise OptimizationError(
            f"the cost cannot be differentiated: {error.__cause__ or error}; "
            "write it with `from hybridge import numpy as np`, give grad_fn=, or choose a method that takes "
            "no gradient, such as 'spsa' or 'COBYLA'"
        ) from error
