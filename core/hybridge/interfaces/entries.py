"""The boxes `hb.grad` hands to a function: autograd's own, which know which entry of an argument they are.

A circuit takes most of its numbers as they stand in the arguments. Picking them out one by one by autograd
costs 10 us each, forward and back; an Entry only notes the place. As soon as anything else is done with it,
it is an ordinary box: its node in the graph is made when autograd first asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from autograd.core import VJPNode
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Box


class Source:
    """An argument that is differentiated: a float or an array of floats, on a trace."""

    __slots__ = ("_index", "_node", "shape", "trace", "value")

    def __init__(self, value: Any, trace: float):
        self.value, self.trace = value, trace
        self.shape: tuple[int, ...] = value.shape if type(value) is np.ndarray else ()
        self._node: Any = None
        self._index: np.ndarray | None = None

    @property
    def box(self) -> Entry:
        """All of it; not kept, as it holds its source: 10 us less to collect for each gradient."""
        return Entry(self, None)

    @property
    def node(self) -> Any:
        """Its root in the graph, made when there is one."""
        if self._node is None:
            self._node = VJPNode.new_root()
        return self._node

    @property
    def index(self) -> np.ndarray:
        """The place in the flattened value of each of its entries."""
        if self._index is None:
            self._index = np.arange(np.size(self.value)).reshape(self.shape)
        return self._index


class Entry(ArrayBox):
    """An entry, some entries, or (places None) all of a Source."""

    __slots__ = ("_ordinary", "places", "source")

    def __init__(self, source: Source, places: Any):
        self.source, self.places, self._ordinary = source, places, None

    def __getitem__(self, at: Any) -> Any:
        source, places = self.source, self.places
        if places is None:
            shape = source.shape
            if len(shape) == 1 and type(at) is int and 0 <= at < shape[0]:
                return Entry(source, at)
            places = source.index if shape else None
        if type(places) is not np.ndarray:
            return self.ordinary[at]  # autograd's error: a number has no entries
        return Entry(source, places[at])

    def reshape(self, *shape: Any) -> Any:
        places = self._places
        return self.ordinary.reshape(*shape) if places is None else Entry(self.source, places.reshape(*shape))

    def ravel(self) -> Any:
        return self.reshape(-1)

    flatten = ravel

    @property
    def T(self) -> Any:
        places = self._places
        return self.ordinary.T if places is None else Entry(self.source, places.T)

    @property
    def _places(self) -> np.ndarray | None:
        """Its places as an array; None where it is a number."""
        places = self.source.index if self.places is None else self.places
        return places if np.ndim(places) else None

    @property
    def ordinary(self) -> Any:
        """The same as autograd would have it."""
        if self._ordinary is None:
            source = self.source
            whole = ArrayBox(source.value, source.trace, source.node)
            self._ordinary = whole if self.places is None else whole.reshape(-1)[self.places]
        return self._ordinary

    @property
    def shape(self) -> tuple[int, ...]:
        return self.source.shape if self.places is None else np.shape(self.places)

    @property
    def _value(self) -> Any:
        return self.source.value if self.places is None else self.source.value.reshape(-1)[self.places]

    @property
    def _trace(self) -> float:
        return self.source.trace

    @property
    def _node(self) -> Any:
        return self.source.node if self.places is None else self.ordinary._node


def _as_ordinary(name: str) -> Callable[..., Any]:
    def operator(self: Entry, *others: Any) -> Any:
        return getattr(self.ordinary, name)(*others)

    operator.__name__ = name
    return operator


_BINARY = ("add", "sub", "mul", "truediv", "mod", "pow", "matmul")
_COMPARED = ("eq", "ne", "gt", "ge", "lt", "le")
for word in (*_BINARY, *(f"r{b}" for b in _BINARY), *_COMPARED, "neg", "abs"):
    setattr(Entry, f"__{word}__", _as_ordinary(f"__{word}__"))

Box.types.add(Entry)
Box.type_mappings[Entry] = ArrayBox  # what a trace inside this one makes of it
