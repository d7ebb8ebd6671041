"""Arguments whose entries along one axis are the rows of a batch, as `in_axes` names the axes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.pytree import flatten, parts

NUMPY = "np.array(...) makes one array of a list of numbers"


class Stacked:
    """An array, plain or traced, of which each row takes its entry along `axis`; `shape` is an entry's."""

    __slots__ = ("array", "axis", "shape", "size")

    def __init__(self, array: Any, axis: int):
        shape = tuple(np.shape(array))
        self.array, self.axis, self.size = array, axis, shape[axis]
        self.shape = (*shape[:axis], *shape[axis + 1 :])

    @property
    def first(self) -> Any:
        """The array with the axis of the rows first."""
        array = self.array
        for k in range(self.axis, 0, -1):  # every library has swapaxes
            array = array.swapaxes(k, k - 1)
        return array

    def row(self, b: int) -> Any:
        """The entry of row b."""
        return self.array[(*(slice(None),) * self.axis, b)]


def stacked(args: Sequence[Any], in_axes: Any) -> tuple[list[Any], int]:
    """The arguments with a Stacked in place of each mapped array, and how many rows they have.

    `in_axes` is an axis or None for all, or one entry for each argument: an axis, None, or a container of
    them that is the top of the argument's own. Raises CircuitError where these do not fit the arguments, for
    arrays of different lengths, and where there is nothing to map.
    """
    if not args:
        raise CircuitError(
            "map needs a positional argument, whose rows it takes; those by name are given to each row whole"
        )
    each = list(in_axes) if isinstance(in_axes, (tuple, list)) else [in_axes] * len(args)
    if len(each) != len(args):
        raise CircuitError(f"in_axes has {len(each)} entries for {len(args)} arguments: give one for each")
    places = [place for i, x in enumerate(args) for place in _axes(x, each[i], f"argument {i}")]
    leaves, build = flatten(list(args))
    found: list[Any] = []
    sizes: dict[int, str] = {}
    for x, (axis, where) in zip(leaves, places, strict=True):
        found.append(x if axis is None else _stacked(x, axis, where))
        if axis is not None:
            sizes.setdefault(found[-1].size, where)
    if not sizes:
        raise CircuitError(f"in_axes={in_axes!r} maps none of the arguments; call the circuit itself")
    if len(sizes) > 1:
        listed = ", ".join(f"{where} has {size}" for size, where in sizes.items())
        raise CircuitError(f"the mapped arguments must have as many rows each: {listed}")
    if 0 in sizes:
        raise CircuitError(f"a batch must have at least one row; {sizes[0]} has none along its mapped axis")
    return build(found), next(iter(sizes))


def _axes(tree: Any, prefix: Any, where: str) -> list[tuple[int | None, str]]:
    """The axis of each leaf of `tree`, and where in the arguments it stands."""
    if prefix is None or (isinstance(prefix, (int, np.integer)) and not isinstance(prefix, bool)):
        axis = None if prefix is None else operator.index(prefix)
        return [(axis, where)] * len(flatten(tree)[0])
    ours, theirs = parts(tree), parts(prefix)
    if theirs is None:
        raise CircuitError(f"in_axes must be whole numbers, None, or containers of them; got {prefix!r}")
    if ours is None or ours.keys() != theirs.keys():
        raise CircuitError(
            f"in_axes has {prefix!r} for {where}, a {type(tree).__name__} of other parts: "
            "give an axis or None for it, or for each of its parts"
        )
    return [place for key, part in ours.items() for place in _axes(part, theirs[key], f"{where}[{key!r}]")]


def _stacked(x: Any, axis: int, where: str) -> Stacked:
    shape = tuple(np.shape(x))
    if not shape:
        raise CircuitError(
            f"{where} holds {type(x).__name__} {x!r}, which has no axis to map: give an array of as many as "
            f"there are rows ({NUMPY}), or None in in_axes for it"
        )
    if not -len(shape) <= axis < len(shape):
        raise CircuitError(f"{where} has shape {shape}, and no axis {axis} to map")
    if None in shape:  # a graph's tensor of any length
        raise CircuitError(
            f"{where} has shape {shape}: a map needs lengths that are known, in tf.function too"
        )
    return Stacked(x, axis % len(shape))
