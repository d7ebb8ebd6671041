"""Nested containers: take them apart into leaves and put them together again."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any


def flatten(tree: Any, leaf_types: tuple[type, ...] = ()) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """The leaves of `tree` in order, and the function that rebuilds it from as many new leaves.

    Containers are list, tuple, named tuple, dict (in its order) and dataclass instances; everything else, and
    every instance of `leaf_types`, is a leaf.
    """
    leaves: list[Any] = []
    build = _flatten(tree, leaf_types, leaves)
    return leaves, lambda new: build(iter(new))


def parts(tree: Any) -> dict[Any, Any] | None:
    """What a container holds, by key, place or name, in the order of `flatten`; None for a leaf."""
    if isinstance(tree, dict):
        return dict(tree)
    if isinstance(tree, (list, tuple)):
        return dict(enumerate(tree))
    if dataclasses.is_dataclass(type(tree)):
        return {f.name: getattr(tree, f.name) for f in dataclasses.fields(tree)}
    return None


def paths(tree: Any, root: str) -> list[str]:
    """Where the leaves of `tree` are, in order, written as Python would: `root['a'].b[0]`.

    >>> paths({"a": [1, 2], "b": 3}, "x")
    ["x['a'][0]", "x['a'][1]", "x['b']"]
    """
    kind = type(tree)
    if isinstance(tree, dict):
        inside = [(f"{root}[{key!r}]", v) for key, v in tree.items()]
    elif isinstance(tree, tuple) and hasattr(kind, "_fields"):
        inside = [(f"{root}.{name}", v) for name, v in zip(kind._fields, tree, strict=True)]
    elif isinstance(tree, (list, tuple)):
        inside = [(f"{root}[{i}]", v) for i, v in enumerate(tree)]
    elif dataclasses.is_dataclass(kind):
        inside = [(f"{root}.{f.name}", getattr(tree, f.name)) for f in dataclasses.fields(kind)]
    else:
        return [root]
    return [path for name, v in inside for path in paths(v, name)]


def _like(tree: dict[Any, Any], items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A dict of the kind of `tree`; a copy knows what else its kind is made of, as a defaultdict does."""
    if type(tree) is dict:
        return dict(items)
    found = copy.copy(tree)
    found.update(items)
    return found


def _flatten(tree: Any, leaf_types: tuple[type, ...], leaves: list[Any]) -> Callable[[Any], Any]:
    kind = type(tree)
    if not isinstance(tree, leaf_types):
        if isinstance(tree, dict):
            parts = [_flatten(v, leaf_types, leaves) for v in tree.values()]
            return lambda new: _like(tree, zip(tree, [p(new) for p in parts], strict=True))
        if isinstance(tree, tuple) and hasattr(kind, "_fields"):  # a named tuple says so only by its fields
            parts = [_flatten(v, leaf_types, leaves) for v in tree]
            return lambda new: kind(*[p(new) for p in parts])
        if isinstance(tree, (list, tuple)):
            parts = [_flatten(v, leaf_types, leaves) for v in tree]
            return lambda new: kind([p(new) for p in parts])
        if dataclasses.is_dataclass(kind):
            names = [f.name for f in dataclasses.fields(kind)]
            parts = [_flatten(getattr(tree, n), leaf_types, leaves) for n in names]
            return lambda new: dataclasses.replace(
                tree, **dict(zip(names, [p(new) for p in parts], strict=True))
            )
    leaves.append(tree)
    return next
