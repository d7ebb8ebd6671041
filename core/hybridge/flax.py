"""A circuit as a module of Flax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from hybridge.jax import Init, angles, initializers, layer
from hybridge.layer import weight_shape
from hybridge.qnode import QNode


class FlaxLayer(nn.Module):
    """A QNode as a module of flax.linen: its argument `inputs` is a row of features, the others are weights.

    Arguments and shapes as in hybridge.jax.layer: inputs (*batch, features) give (*batch, outputs), all rows
    in one job of the device. For flax.nnx it is `flax.nnx.bridge.ToNNX(FlaxLayer(...), rngs=...)`.

    >>> import flax.linen as nn
    >>> import jax
    >>> import hybridge as hb
    >>> from hybridge.flax import FlaxLayer
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(inputs, weights):
    ...     for wire in range(2):
    ...         hb.RX(inputs[wire], wires=wire)
    ...         hb.RY(weights[wire], wires=wire)
    ...     hb.CNOT(wires=[0, 1])
    ...     return [hb.expval(hb.Z(wire)) for wire in range(2)]
    >>> model = nn.Sequential([nn.Dense(2), FlaxLayer(circuit, {"weights": 2}), nn.Dense(1)])
    >>> inputs = jax.numpy.zeros((5, 3))
    >>> params = model.init(jax.random.key(0), inputs)
    >>> model.apply(params, inputs).shape
    (5, 1)
    """

    qnode: QNode
    weight_shapes: Mapping[str, int | Sequence[int]]
    init_method: Init | Mapping[str, Init] = angles

    @nn.compact
    def __call__(self, inputs: Any) -> Any:
        """The values of each row."""
        made = layer(self.qnode, self.weight_shapes, self.init_method)
        shapes = {name: weight_shape(name, shape) for name, shape in self.weight_shapes.items()}
        inits = initializers(shapes, self.init_method)
        dtype = jnp.result_type(float, inputs)
        params = {name: self.param(name, inits[name], shape, dtype) for name, shape in shapes.items()}
        return made.apply(params, inputs)
