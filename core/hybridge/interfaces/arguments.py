"""The arguments that a derivative is taken in: checked, taken apart into float leaves, put together again."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from autograd.tracer import isbox

from hybridge.errors import GradientError, HybridgeError
from hybridge.interfaces.choose import owner
from hybridge.interfaces.derivative import Argnums
from hybridge.pytree import flatten

ATOMS = frozenset({float, np.ndarray})  # of which it is certain that they are no containers
# what else an array or a number may be, by the kind of its dtype -> what would work
REMEDIES = {
    "c": "pass its real and its imaginary part, as two real arguments",
    "b": "pass numbers such as 1.0, or leave it out of argnums",
}
OBJECTS = "make it an array of floats, np.array(x, dtype=float)"
OTHER = "leave it out of argnums, or pass it by name"


class Arguments:
    """The arguments to differentiate, taken apart into float leaves, and the call with other leaves.

    Raises GradientError for argnums that do not fit the call, and for leaves that are not real numbers; whole
    numbers are taken as floats.
    """

    def __init__(self, f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]):
        self.f, self.args, self.kwargs = f, list(args), kwargs
        self.argnums, self.single = _argnums(argnums)
        self.leaves: list[Any] = []
        self.builds: list[tuple[int, Callable[..., Any]]] = []
        for i in self.argnums:
            if not -len(args) <= i < len(args):
                raise _out_of_range(i, len(args))
            if not self.single and [j % len(args) for j in self.argnums].count(i % len(args)) > 1:
                raise GradientError(f"argument {i}", "argnums names it twice", "name it once")
            leaves, build = ([args[i]], _only) if type(args[i]) in ATOMS else flatten(args[i])
            self.leaves += [as_float(x, "argument", i) for x in leaves]
            self.builds.append((len(leaves), build))

    def placed(self, leaves: Sequence[Any]) -> list[Any]:
        """The positional arguments with these leaves."""
        args = list(self.args)
        for i, tree in zip(self.argnums, self._trees(leaves), strict=True):
            args[i] = tree
        return args

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


def all_arguments(f: Callable[..., Any], params: Any, kind: str) -> Arguments:
    """The Arguments of f(*params), differentiated in all of them. GradientError where these are not given."""
    if not callable(f):
        raise GradientError("the function", f"hb.{kind} needs a function; got {type(f).__name__} {f!r}")
    params = listed(params, "params")
    return Arguments(f, tuple(range(len(params))), params, {})


def listed(params: Any, name: str) -> tuple[Any, ...]:
    """One entry for each argument, as a tuple. GradientError for anything but a list or a tuple."""
    if not isinstance(params, (list, tuple)):
        raise GradientError(
            f"the {name}",
            f"one entry for each argument is needed; got {type(params).__name__} {reprlib.repr(params)}",
            "put them into a tuple",
        )
    return tuple(params)


def as_float(x: Any, what: str, number: int) -> Any:
    """x as a float or an array of floats, traced if it was; `what` and `number` are its name in errors."""
    if isbox(x) or type(x) is float:
        return x
    kind: type = type(x)
    library = owner(kind)
    if library is not None:
        raise GradientError(
            f"{what} {number}",
            f"{kind.__name__} is an array of {library}, and hb.grad differentiates floats and numpy arrays",
            f"differentiate with {library}, or pass a numpy array",
        )
    try:
        array = np.asarray(x)
    except HybridgeError:
        raise  # of a number that has no value to give
    except (TypeError, ValueError, RuntimeError) as error:
        raise GradientError(f"{what} {number}", f"{type(x).__name__} gives no numbers: {error}") from error
    if array.dtype.kind not in "fiu":
        raise GradientError(
            f"{what} {number}",
            f"{type(x).__name__} {reprlib.repr(x)} is not a real number or array of them",
            OBJECTS if array.dtype.kind == "O" and array.ndim else REMEDIES.get(array.dtype.kind, OTHER),
        )
    return float(array) if array.ndim == 0 else array.astype(float)


def _only(leaves: Sequence[Any]) -> Any:
    return leaves[0]


def _out_of_range(i: int, count: int) -> GradientError:
    if not count:
        return GradientError(
            f"argument {i}", "the function was called without positional arguments", "pass it by position"
        )
    called = "1 argument" if count == 1 else f"{count} arguments"
    return GradientError(
        f"argument {i}",
        f"the function was called with {called} by position",
        f"choose from argnums={', '.join(map(str, range(count)))}",
    )


def _argnums(argnums: Any) -> tuple[list[int], bool]:
    """argnums as a list, and whether it was a single number."""
    if type(argnums) is int:  # nearly always
        return [argnums], True
    listed = list(argnums) if isinstance(argnums, (list, tuple, range, np.ndarray)) else [argnums]
    if not listed or any(isinstance(i, (bool, np.bool_)) for i in listed):
        raise _not_whole(argnums)
    try:
        return [operator.index(i) for i in listed], np.ndim(argnums) == 0
    except TypeError:
        raise _not_whole(argnums) from None


def _not_whole(argnums: Any) -> GradientError:
    return GradientError(
        "the arguments",
        f"argnums must be whole numbers, which count the positional arguments; got {argnums!r}",
        "use argnums=0 or (0, 1)",
    )
