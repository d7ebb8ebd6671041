"""Circuits of TensorFlow's tensors: where their numbers come from, and their values as tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hybridge.errors import CircuitError
from hybridge.interfaces.called import Called
from hybridge.interfaces.gather import Gather
from hybridge.interfaces.rows import as_rows, real
from hybridge.interfaces.tensorflow_entries import Entry
from hybridge.interfaces.tensorflow_entries import marked as marked
from hybridge.interfaces.tensorflow_node import Node, rows_alone, shape_of, widest


def gathered(numbers: Sequence[Any]) -> tuple[list[Any], Gather]:
    """The leaves that the numbers of a call come from, and how they come from them.

    Entries have one leaf, their argument; so have all other single tensors, and all plain numbers; an array
    is its own. Raises CircuitError for tensors that are not floating, and the errors of as_rows.
    """
    leaves, places = _arguments(numbers)
    if places is not None:  # the usual case
        return leaves, Gather(np.array((places,)), (tuple(leaves[0].shape),), False)
    given = [x if tf.is_tensor(x) or type(x) is Entry else real(x) for x in numbers]
    dtype = widest([*leaves, *[x for x in given if tf.is_tensor(x)]])
    if any(None in shape_of(x) for x in given):
        return [_rows_of_any_batch(given, dtype)], rows_alone(1, len(given))
    lengths = {shape_of(x) for x in given} - {()}
    batched = bool(lengths)
    if batched:
        as_rows([np.zeros(shape_of(x)) for x in given])  # says what is wrong with them
    keys = [id(x.source.whole if type(x) is Entry else x) for x in given]
    single = {k: x for k, x in zip(keys, given, strict=True) if tf.is_tensor(x) and not shape_of(x)}
    plain = {k: x for k, x in zip(keys, given, strict=True) if type(x) is np.ndarray and not x.ndim}
    arrays = {k: x for k, x in zip(keys, given, strict=True) if type(x) is not Entry and shape_of(x)}
    starts: dict[int, int] = {}  # of a leaf, or of what is in one, in flat
    end = 0
    for k, x in [(id(x), x) for x in leaves] + list(arrays.items()):
        starts[k], end = end, end + math.prod(shape_of(x))
    for k in (*single, *plain):
        starts[k], end = end, end + 1
    leaves += arrays.values()
    if single:
        leaves.append(tf.stack([tf.cast(x, dtype) for x in single.values()]))
    if plain:
        leaves.append(np.array(list(plain.values()), dtype=float))
    index = np.empty((lengths.pop()[0] if lengths else 1, len(given)), dtype=np.intp)
    for k, (key, x) in enumerate(zip(keys, given, strict=True)):
        index[:, k] = starts[key] + (
            x.at if type(x) is Entry else np.arange(shape_of(x)[0]) if shape_of(x) else 0
        )
    return leaves, Gather(index, [shape_of(x) for x in leaves], batched)


def _arguments(numbers: Sequence[Any]) -> tuple[list[Any], list[int] | None]:
    """The arguments that entries are of; where all are numbers of one, their places there."""
    entries = [x for x in numbers if type(x) is Entry]
    found = {id(x.source.whole): x.source.whole for x in entries}
    widest(list(found.values()))
    at = [x.places for x in entries]
    every = len(entries) == len(numbers) and len(found) == 1 and set(map(type, at)) == {int}
    return list(found.values()), at if every else None


def _rows_of_any_batch(numbers: Sequence[Any], dtype: tf.DType) -> tf.Tensor:
    """Rows (None, P) of tensors and arrays, of which some have a length known only when the graph runs."""
    if any(len(shape_of(x)) > 1 for x in numbers):
        listed = ", ".join(sorted({str(shape_of(x)) for x in numbers if len(shape_of(x))}))
        raise CircuitError(
            f"parameters must be numbers or arrays (batch,) of one length; got shapes {listed}"
        )
    batch = tf.shape(next(x for x in numbers if None in shape_of(x)))
    return tf.stack([tf.broadcast_to(tf.cast(x, dtype), batch) for x in numbers], axis=1)


def plain(x: Any) -> Any:
    """The numbers of an eager tensor or of an entry of one."""
    return np.asarray(x)


def joined(parts: Sequence[Any]) -> Any:
    """Results one after another along their first axis; numbers as an array of them."""
    return tf.concat(parts, axis=0) if np.ndim(parts[0]) else tf.stack(parts)


def when_run(
    function: Callable[..., tf.Tensor], inputs: Sequence[tf.Tensor], shape: Sequence[int | None]
) -> tf.Tensor:
    """A function of eager tensors at tensors of a graph, called when that runs; differentiable.

    For what the shapes of the tensors must be known to.
    """
    tensors = [tf.convert_to_tensor(x) for x in inputs]
    found = tf.py_function(function, tensors, widest(tensors))
    found.set_shape(shape)
    return found


def evaluate(called: Called) -> list[Any]:
    """The measurements' values as tensors, differentiable in the leaves that are tensors.

    A derivative of sample, counts, state or density_matrix raises GradientError when a tape asks for it.
    Counts are numpy's; CircuitError where tensors have no values yet to count.
    """
    leaves = [tf.convert_to_tensor(x) if tf.is_tensor(x) or type(x) is Entry else x for x in called.leaves]
    node = Node(called.call, leaves)
    return node.values(node.tensors)
