"""A Keras 3 layer that is a circuit, on every backend of Keras that can train."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from hybridge.errors import CircuitError
from hybridge.gradients.choose import DIFFERENTIABLE
from hybridge.interfaces.choose import module_of
from hybridge.layer import INPUTS, taken
from hybridge.pytree import flatten
from hybridge.qnode import QNode

BACKENDS = ("tensorflow", "torch", "jax")


@keras.saving.register_keras_serializable(package="hybridge")
class KerasLayer(keras.layers.Layer):
    """A QNode as a layer of Keras: (..., features) to (..., output_dim), all rows in one job of the device.

    The circuit's function has an argument `inputs`, the features of one row, shape (features,); its other
    arguments are the layer's weights. Its values are put side by side in the order in which it returns them.

    qnode         the circuit; it returns expval, var and probs, in any containers
    weight_shapes {argument: shape}; a number n is (n,), and 1 a single number
    output_dim    how many values a row has; None: the circuit is asked when the layer is built
    weight_specs  {argument: arguments of Layer.add_weight}; without initializer an angle in [0, 2 pi)

    On TensorFlow it works in graphs, and not where XLA compiles (jit_compile=True). A model with the layer is
    saved and loaded where the QNode has a name in a module, or is among custom_objects under its name; only
    its weights can be, otherwise. Raises CircuitError for arguments that do not fit the circuit.

    >>> import hybridge as hb
    >>> from hybridge.keras import KerasLayer
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(inputs, weights):
    ...     for i in range(2):
    ...         hb.RX(inputs[i], wires=i)
    ...         hb.RY(weights[i], wires=i)
    ...     hb.CNOT([0, 1])
    ...     return [hb.expval(hb.Z(i)) for i in range(2)]
    >>> layer = KerasLayer(circuit, {"weights": 2})
    >>> tuple(layer(np.zeros((5, 2))).shape)
    (5, 2)
    """

    def __init__(
        self,
        qnode: QNode,
        weight_shapes: Mapping[str, int | Sequence[int]],
        output_dim: int | None = None,
        weight_specs: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
    ):
        if keras.backend.backend() not in BACKENDS:
            raise CircuitError(
                f"the backend of Keras is {keras.backend.backend()!r}; a circuit trains on "
                f"{', '.join(BACKENDS)}: set KERAS_BACKEND before keras is imported"
            )
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        self._taken = taken("KerasLayer", qnode, weight_shapes)
        self.qnode = qnode
        self.weight_shapes = self._taken.shapes
        self.output_dim = output_dim
        self.weight_specs = {name: dict(spec) for name, spec in (weight_specs or {}).items()}
        unknown = sorted(self.weight_specs.keys() - self.weight_shapes.keys())
        if unknown:
            raise CircuitError(f"weight_specs names {unknown}, which weight_shapes does not")
        # XLA cannot call the device back
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights, and find out what a row gives."""
        self.output_dim = self._columns(input_shape)
        self.circuit_weights = [
            self.add_weight(
                name=name,
                shape=shape,
                **{"initializer": keras.initializers.RandomUniform(0.0, 2 * math.pi)}
                | self.weight_specs.get(name, {}),
            )
            for name, shape in self.weight_shapes.items()
        ]
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The values of each row; `inputs` (..., features), an array of the backend."""
        weights = [keras.ops.convert_to_tensor(w) for w in self.circuit_weights]
        features = inputs.shape[-1]
        rows = inputs if len(inputs.shape) == 2 else keras.ops.reshape(inputs, (-1, features))
        found = self._on_rows(rows, weights)
        if len(inputs.shape) == 2:
            return found
        return keras.ops.reshape(found, (*keras.ops.shape(inputs)[:-1], self.output_dim))

    def _on_rows(self, rows: Any, weights: Sequence[Any]) -> Any:
        """(B, features) -> (B, output_dim)."""
        if rows.shape[0] is None:  # TensorFlow's graph learns how many there are when it runs
            return module_of("tensorflow").when_run(self._mapped, [rows, *weights], (None, self.output_dim))
        return self._mapped(rows, *weights)

    def _mapped(self, rows: Any, *weights: Any) -> Any:
        given = {INPUTS: rows, **dict(zip(self.weight_shapes, weights, strict=True))}
        axes = tuple(0 if name == INPUTS else None for name in self._taken.names)
        found = self.qnode.map(*self._taken.arguments(given), in_axes=axes)
        columns = [keras.ops.reshape(x, (rows.shape[0], -1)) for x in flatten(found)[0]]
        return columns[0] if len(columns) == 1 else keras.ops.concatenate(columns, axis=1)

    def _columns(self, input_shape: Sequence[int | None]) -> int:
        """How many values the circuit gives for a row. Raises CircuitError for other ones than it said."""
        if input_shape[-1] is None:
            raise CircuitError("the number of features, the last axis of the inputs, must be known")
        # any numbers will do, but 0, of which an observable's terms would drop out
        given = {name: np.full(shape, 0.1) for name, shape in self.weight_shapes.items()}
        given[INPUTS] = np.full(input_shape[-1], 0.1)
        plan = self.qnode.plan(*self._taken.arguments(given))
        if plan.selection is not None:
            raise CircuitError("a layer's circuit selects no outcomes: leave postselect out of hb.measure")
        for m in plan.circuit.measurements:
            if m.kind not in DIFFERENTIABLE:
                raise CircuitError(f"a layer's circuit returns expval, var and probs; this one {m!r}")
        found = sum(map(math.prod, plan.shapes(self.qnode.shots)))
        if self.output_dim not in (None, found):
            raise CircuitError(f"output_dim is {self.output_dim}, and the circuit has {found} values")
        return found

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """(..., features) -> (..., output_dim)."""
        return (*input_shape[:-1], self._columns(input_shape))

    def get_config(self) -> dict[str, Any]:
        """What from_config needs. Raises CircuitError where the QNode has no name to find it by."""
        return {
            **super().get_config(),
            "qnode": _name(self.qnode),
            "weight_shapes": dict(self.weight_shapes),
            "output_dim": self.output_dim,
            "weight_specs": keras.saving.serialize_keras_object(dict(self.weight_specs)),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasLayer:
        """The layer of a config; its QNode from custom_objects, or from its module if that is imported."""
        specs = keras.saving.deserialize_keras_object(config["weight_specs"])
        return super().from_config(config | {"qnode": _found(config["qnode"]), "weight_specs": specs})


def _name(qnode: QNode) -> str:
    module, name = qnode.__module__, getattr(qnode, "__qualname__", "")
    if getattr(sys.modules.get(module), name, None) is not qnode and (
        keras.saving.get_registered_object(name) is not qnode
    ):
        raise CircuitError(
            f"the QNode {name!r} cannot be found by its name when the model is loaded; make it a global of a "
            "module, save within keras.saving.custom_object_scope({name: qnode}), or save the weights alone "
            "(model.save_weights)"
        )
    return f"{module}.{name}"


def _found(name: str) -> QNode:
    module, _, own = name.rpartition(".")
    found = keras.saving.get_registered_object(own) or getattr(sys.modules.get(module), own, None)
    if not isinstance(found, QNode):
        raise CircuitError(
            f"the QNode {own!r} of this layer is not in the module {module!r} of this process; import that "
            f"before loading, or load with custom_objects={{{own!r}: qnode}}"
        )
    return found
