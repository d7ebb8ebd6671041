"""A plan as a TensorFlow op: eager tensors by their memory, traced ones by a call back to Python; any order.

The op, its pullback and its Jacobian are computed in numpy, each the derivative of the one before; from the
second derivative on a derivative is the sum over shifted runs of the same op, written in TensorFlow, so
that every order follows. Shifted rows are one batch, hence one job of the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from hybridge.circuit import Measurement
from hybridge.errors import CircuitError
from hybridge.gradients.choose import DIFFERENTIABLE
from hybridge.gradients.part import Part
from hybridge.interfaces import slopes
from hybridge.interfaces.called import Call
from hybridge.interfaces.gather import Gather

EXACT = tf.float64  # what the device computes in
# what tf.vectorized_map, and a tape's jacobian without experimental_use_pfor=False, call their body
LOOP = "loop_body"


def widest(tensors: Sequence[Any]) -> tf.DType:
    """The dtype that results of these tensors have. Raises CircuitError for one that is not floating."""
    dtypes = [tf.as_dtype(x.dtype) for x in tensors]  # Keras' variables have names of them
    for dtype in dtypes:
        if not dtype.is_floating:
            raise CircuitError(
                f"a parameter must be a real floating tensor; got one of {dtype.name}: "
                "use tf.cast(x, tf.float64)"
            )
    if not dtypes:
        return EXACT
    return tf.as_dtype(np.result_type(*[dtype.as_numpy_dtype for dtype in dtypes]))


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a tensor or an array; None for a length that is known only when the graph runs."""
    if tf.is_tensor(x) and x.shape.rank is None:
        raise CircuitError("a parameter is a tensor of unknown rank; give tf.function an input_signature")
    return tuple(x.shape)


def rows_alone(batch: int, width: int) -> Gather:
    """The gather of one leaf, the rows (batch, width) themselves."""
    return Gather(np.arange(batch * width).reshape(batch, width), ((batch, width),), True, in_order=True)


class Node:
    """A call as a function of those of its leaves that are tensors.

    Of one leaf, the rows, `columns` are those that may be differentiated: constants may have no rule.
    """

    def __init__(self, call: Call, leaves: Sequence[Any], columns: tuple[int, ...] | None = None):
        self.call, self.leaves, self.columns = call, leaves, columns
        self.at = [i for i, x in enumerate(leaves) if tf.is_tensor(x)]
        self.tensors = [leaves[i] for i in self.at]
        self.measurements = call.plan.circuit.measurements
        self.shapes = call.plan.shapes(call.shots)
        dtype = widest(self.tensors)
        self.dtypes = [_dtype_of(m, dtype) for m in self.measurements]
        # None: rows whose number is known only when the graph runs
        self.batch = None if any(None in shape_of(x) for x in self.tensors) else len(call.gather.index)

    @cached_property
    def slots(self) -> tuple[int, ...]:
        """The columns of the rows that depend on the tensors."""
        return self.columns if self.columns is not None else self.call.gather.part(self.at)[0]

    def parts(self, cotangents: Sequence[tf.Tensor] | None = None) -> tuple[Part, ...]:
        """The rule of the slots, without parts that are zero; for the measurements the cotangents ask for."""
        asked = None
        if cotangents is not None:
            known = [tf.get_static_value(g) for g in cotangents]
            sizes = [math.prod(shape) for shape in self.shapes]
            asked = np.repeat([[g is None or bool(np.any(g)) for g in known]], sizes, axis=1)
        return tuple(p for p in slopes.parts_for(self.call, self.slots, asked)[0] if len(p.shifts))

    @cached_property
    def _spread(self) -> np.ndarray:
        """(S, P): 1 where a slot is a column of the rows."""
        return np.eye(self.call.plan.num_slots)[list(self.slots)]

    # in numpy: the value, and first derivatives

    def _placed(self, arrays: Sequence[np.ndarray]) -> tuple[Call, np.ndarray]:
        """The call, and its rows where the tensors have these values."""
        call, leaves = self.call, list(self.leaves)
        for i, a in zip(self.at, arrays, strict=True):
            leaves[i] = a
        if self.batch is None:
            call = call._replace(gather=rows_alone(*arrays[0].shape))
        return call, call.checked_rows(leaves)

    def _run(self, *arrays: np.ndarray) -> list[np.ndarray]:
        call, rows = self._placed(arrays)
        values = call.plan.run(rows, call.shots)
        return values if call.gather.batched else [v[0] for v in values]

    def _pull(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """The cotangents, the last of the arrays, times the Jacobian: one array for each tensor."""
        call, rows = self._placed(arrays[: len(self.at)])
        cotangents = arrays[len(self.at) :]
        flat = np.concatenate([np.reshape(g.real, (len(rows), -1)) for g in cotangents], axis=1)
        slots, gather = call.gather.part(self.at)
        # a state that nobody asks for is complex, times 0
        wanted = slots if self.columns is None else self.columns
        found = slopes.pull(rows, call, wanted, flat.astype(float)).real
        pulled = gather.pull(found if self.columns is None else found @ self._spread)
        return [gather.leaf(i, pulled) for i in self.at]

    def _full_jacobian(self, *arrays: np.ndarray) -> list[np.ndarray]:
        call, rows = self._placed(arrays)
        return [slopes.full_jacobian(rows, call, self.slots)]

    # in TensorFlow: each of these as an op, and its derivative

    def values(self, tensors: Sequence[tf.Tensor]) -> list[Any]:
        """The value of each measurement, (*shape) or (batch, *shape)."""
        batch = (self.batch,) if self.call.gather.batched else ()
        shapes = [(*batch, *shape) for shape in self.shapes]

        counted: dict[int, Any] = {}  # what is no tensor passes by the op

        def measured(*tensors: tf.Tensor) -> Any:
            found = self._computed(self._run, tensors, self.dtypes, shapes)
            counted.update({i: v for i, v in enumerate(found) if self.dtypes[i] is None})
            return [v for i, v in enumerate(found) if i not in counted], pull

        def pull(*cotangents: tf.Tensor) -> list[tf.Tensor]:
            given = iter(cotangents)
            every = [tf.zeros(shapes[i]) if i in counted else next(given) for i in range(len(shapes))]
            return self.pulled(tensors, every)

        found = iter(tf.custom_gradient(measured)(*tensors) if tensors else measured()[0])
        return [counted[i] if i in counted else next(found) for i in range(len(shapes))]

    def pulled(self, tensors: Sequence[tf.Tensor], cotangents: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The cotangents, one for each measurement, times the Jacobian: one tensor for each tensor."""
        if LOOP in tf.get_current_name_scope():
            # the body is stacked over its cotangents, a call back is not; no Jacobian depends on them
            return self._unpacked(tf.einsum("bc,bcs->bs", self._flat(cotangents), self.jacobian(tensors)))
        count = len(tensors)

        def pull(*inputs: tf.Tensor) -> Any:
            found = self._computed(self._pull, inputs, [x.dtype for x in tensors], [x.shape for x in tensors])
            return found, lambda *seconds: self._pulled_twice(inputs[:count], inputs[count:], seconds)

        return list(tf.custom_gradient(pull)(*tensors, *cotangents))

    def jacobian(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """d value / d slots, (B, columns, S)."""
        shape = (self.batch, slopes.columns_of(self.call), len(self.slots))

        def jacobian(*tensors: tf.Tensor) -> Any:
            (found,) = self._computed(self._full_jacobian, tensors, [EXACT], [shape])
            return found, lambda weights: self._bent(tensors, tf.transpose(weights, (0, 2, 1)), self.parts())

        return tf.custom_gradient(jacobian)(*tensors)

    def _pulled_twice(
        self, tensors: Sequence[tf.Tensor], cotangents: Sequence[tf.Tensor], seconds: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """The derivative of `pulled` in the tensors and in the cotangents, against cotangents of its own."""
        moved, flat = self._moved(seconds)[:, :, None], self._flat(cotangents)[:, None, :]
        parts = self.parts(cotangents)
        tangent = tf.reduce_sum(moved * self._summed(tensors, parts), axis=1)
        return [*self._bent(tensors, moved * flat, parts), *self._split(tangent)]

    def _shifted(self, tensors: Sequence[tf.Tensor], part: Part) -> Node:
        """The node of a part: its one tensor is the shifted rows of all rows, one after another, of which
        those columns move that do here."""
        rows = tf.reshape(part.points(self._packed(tensors)), (-1, part.shifts.shape[1]))
        call = self.call.of_part(part)
        gather = rows_alone(rows.shape[0] or 1, rows.shape[1])
        return Node(call._replace(gather=gather), [rows], self.slots)

    def _summed(self, tensors: Sequence[tf.Tensor], parts: Sequence[Part]) -> tf.Tensor:
        """d value / d slots, (B, S, columns), as the sum over shifted runs, differentiable in its turn."""
        total = tf.zeros((1, len(self.slots), slopes.columns_of(self.call)), EXACT)
        for part in parts:
            node = self._shifted(tensors, part)
            flat = node._flat(node.values(node.tensors))
            total += part.combined(tf.reshape(flat, (-1, len(part.shifts), flat.shape[1])), tf)
        return total

    def _bent(
        self, tensors: Sequence[tf.Tensor], weights: tf.Tensor, parts: Sequence[Part]
    ) -> list[tf.Tensor]:
        """The derivative in the tensors of the sum of weights (B, S, columns) * d value / d slots."""
        if not parts:
            return [tf.zeros_like(x) for x in tensors]
        total = tf.zeros((1, self.call.plan.num_slots), EXACT)
        for part in parts:
            node = self._shifted(tensors, part)
            cotangent = tf.reshape(_spread(part, weights), (-1, slopes.columns_of(node.call)))
            (found,) = node.pulled(node.tensors, node._split(cotangent))
            moved = tf.reshape(found, (-1, *part.shifts.shape))
            total += tf.reduce_sum(moved if part.scale is None else moved * part.scale, axis=1)
        return self._unpacked(tf.gather(total, self.slots, axis=1))

    def _packed(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """The rows (B, P) float64 of these tensors."""
        leaves = list(self.leaves)
        for i, x in zip(self.at, tensors, strict=True):
            leaves[i] = x
        return self._rows(leaves, self.call.gather.offset)

    def _moved(self, tangents: Sequence[tf.Tensor]) -> tf.Tensor:
        """Tangents of the tensors as tangents of the slots, (B, S)."""
        leaves = [x if tf.is_tensor(x) else np.zeros(np.shape(x)) for x in self.leaves]
        for i, x in zip(self.at, tangents, strict=True):
            leaves[i] = x
        return tf.gather(self._rows(leaves, None), self.slots, axis=1)

    def _rows(self, leaves: Sequence[Any], offset: np.ndarray | None) -> tf.Tensor:
        gather = self.call.gather
        if self.batch is None:
            return tf.cast(leaves[0], EXACT)
        flat = tf.concat([tf.reshape(tf.cast(x, EXACT), [-1]) for x in leaves], axis=0)
        rows = tf.reshape(flat, gather.index.shape) if gather.in_order else tf.gather(flat, gather.index)
        if gather.scale is not None:
            rows *= gather.scale
        if gather.index.ndim == 3:
            rows = tf.reduce_sum(rows, axis=-1)
        return rows if offset is None else rows + offset

    def _unpacked(self, found: tf.Tensor) -> list[tf.Tensor]:
        """(B, S) pulled back to the tensors: the transpose of `_moved`."""
        if self.columns is not None:
            found = tf.matmul(found, self._spread)
        if self.batch is None:
            return [tf.cast(found, self.tensors[0].dtype)]
        gather = self.call.gather.part(self.at)[1]
        if gather.index.ndim == 3:
            found = found[:, :, None]
        if gather.scale is not None:
            found *= gather.scale
        found = tf.reshape(tf.broadcast_to(found, gather.index.shape), [-1])
        flat = tf.math.unsorted_segment_sum(found, gather.index.ravel(), gather.starts[-1])
        return [
            tf.cast(tf.reshape(flat[gather.starts[i] : gather.starts[i + 1]], gather.shapes[i]), x.dtype)
            for i, x in zip(self.at, self.tensors, strict=True)
        ]

    def _flat(self, values: Sequence[tf.Tensor]) -> tf.Tensor:
        """Values of the measurements side by side, (B, columns) float64."""
        sizes = [math.prod(shape) for shape in self.shapes]
        parts = [tf.reshape(tf.cast(v, EXACT), (-1, n)) for v, n in zip(values, sizes, strict=True)]
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=1)

    def _split(self, flat: tf.Tensor) -> list[tf.Tensor]:
        """(B, columns) as values of the measurements, in their dtypes."""
        batch = (-1,) if self.call.gather.batched else ()
        parts = tf.split(flat, [math.prod(shape) for shape in self.shapes], axis=1)
        return [
            tf.cast(tf.reshape(part, (*batch, *shape)), dtype)
            for part, shape, dtype in zip(parts, self.shapes, self.dtypes, strict=True)
        ]

    def _computed(
        self,
        function: Callable[..., list[np.ndarray]],
        inputs: Sequence[tf.Tensor],
        dtypes: Sequence[Any],
        shapes: Sequence[Any],
    ) -> list[Any]:
        """What the function of arrays gives, as tensors of these dtypes; None: as it is."""
        if tf.executing_eagerly():
            return [
                a if dtype is None else tf.constant(np.asarray(a, dtype.as_numpy_dtype))
                for a, dtype in zip(function(*map(_array, inputs)), dtypes, strict=True)
            ]
        if None in dtypes:
            raise CircuitError(
                "counts() gives a dict, which tf.function cannot hold; return sample() or probs()"
            )
        kinds = [dtype.as_numpy_dtype for dtype in dtypes]

        def call_back(*arrays: np.ndarray) -> list[np.ndarray]:
            return [np.asarray(a, kind) for a, kind in zip(function(*arrays), kinds, strict=True)]

        # without a state, equal runs become one, and a run that a loop repeats becomes one before it
        found = tf.numpy_function(call_back, inputs, list(dtypes), stateful=self.call.shots is not None)
        for x, shape in zip(found, shapes, strict=True):
            x.set_shape(shape)
        return found


def _spread(part: Part, weights: tf.Tensor) -> tf.Tensor:
    """Weights (B, S, columns) of what a part sums up as weights (B, R, columns of the part's plan)."""
    if part.weights.ndim == 2:
        spread = tf.matmul(part.weights, weights)
    else:
        spread = tf.einsum("rsc,bsc->brc", part.weights, weights)
    return spread if part.fold is None else tf.matmul(spread, part.fold.T)


def _array(x: tf.Tensor) -> np.ndarray:
    """An eager tensor as an array; on the CPU it is the tensor's memory."""
    return np.asarray(x)


def _dtype_of(m: Measurement, dtype: tf.DType) -> tf.DType | None:
    """The dtype of a measurement's value; None: it is no tensor."""
    if m.kind in DIFFERENTIABLE or (m.kind == "sample" and m.observable is not None):
        return dtype
    return {"sample": tf.int64, "counts": None}.get(m.kind, tf.complex128)
