"""Tensors that know their entries' places: what a circuit function gets in place of an eager tensor.

A circuit takes most of its numbers as they stand in the arguments, `x[3]`, `w[0, 1]`, `x[:, 2]`. Each of
these is a step of TensorFlow's graph, which takes 60 us, and twice that to differentiate. An Entry only notes
the place. As soon as anything else is done with it, it is an ordinary tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

BASIC = frozenset({int, slice, type(...)})


class Source:
    """An argument, a tensor or a variable, and its entries once one is asked for."""

    __slots__ = ("_entries", "_index", "whole")

    def __init__(self, whole: Any):
        self.whole = whole
        self._entries: Any = None
        self._index: np.ndarray | None = None

    @property
    def index(self) -> np.ndarray:
        """The place in the flattened argument of each of its entries."""
        if self._index is None:
            shape = tuple(self.whole.shape)
            self._index = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        return self._index

    def entries(self, places: Any) -> tf.Tensor:
        """The entries at these places as a tensor."""
        if type(places) is np.ndarray:
            return tf.gather(tf.reshape(self.whole, [-1]), places)
        if self._entries is None:  # all at once: a tenth of the time of one after another
            self._entries = tf.unstack(tf.reshape(self.whole, [-1]))
        return self._entries[places]


class Entry:
    """All of a Source (places None), or its entries at `places` of it flattened, a number or an array."""

    __slots__ = ("_tensor", "places", "source")

    def __init__(self, source: Source, places: Any):
        self.source, self.places, self._tensor = source, places, None

    @property
    def tensor(self) -> tf.Tensor:
        """The same as TensorFlow has it."""
        if self._tensor is None:
            source = self.source
            self._tensor = (
                tf.convert_to_tensor(source.whole) if self.places is None else source.entries(self.places)
            )
        return self._tensor

    @property
    def at(self) -> Any:
        """Its place or places in the flattened argument."""
        return self.source.index if self.places is None else self.places

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return tf.convert_to_tensor(self.tensor, dtype=dtype, name=name)

    @property
    def dtype(self) -> Any:
        return self.source.whole.dtype

    @property
    def shape(self) -> tf.TensorShape:
        return self.source.whole.shape if self.places is None else tf.TensorShape(np.shape(self.places))

    def __getitem__(self, at: Any) -> Any:
        kind = type(at)
        if self.places is not None and type(self.places) is not np.ndarray:
            return self.tensor[at]  # TensorFlow's error: a number has no entries
        if kind is not int and not BASIC.issuperset(map(type, at) if kind is tuple else (kind,)):
            return self.tensor[at]
        places = self.at[at]
        return Entry(self.source, places if type(places) is np.ndarray else int(places))

    def __len__(self) -> int:
        return len(self.at)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.tensor, name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = np.asarray(self.tensor, dtype)  # a tensor's own __array__ makes a plain number of one
        return found.copy() if copy else found

    def __hash__(self) -> int:
        return hash(self.tensor)

    def __repr__(self) -> str:
        return repr(self.tensor)


def _as_tensor(name: str) -> Callable[..., Any]:
    def operator(self: Entry, *others: Any) -> Any:
        return getattr(self.tensor, name)(*others)

    operator.__name__ = name
    return operator


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_COMPARED = ("eq", "ne", "gt", "ge", "lt", "le")
_ALONE = ("neg", "abs", "bool", "float", "int", "index", "round")
for word in (*_BINARY, *(f"r{b}" for b in _BINARY), *_COMPARED, *_ALONE):
    setattr(Entry, f"__{word}__", _as_tensor(f"__{word}__"))


def marked(x: Any) -> Any:
    """The argument as a circuit function gets it. In a graph, which is traced once, it is as it was."""
    if not tf.executing_eagerly() or not x.shape.rank:
        return x
    return Entry(Source(x), None)
