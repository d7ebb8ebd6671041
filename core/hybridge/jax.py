"""A circuit as a layer in the way of JAX: a function that makes parameters and one that applies them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from hybridge.errors import CircuitError
from hybridge.layer import INPUTS, Shape, taken
from hybridge.pytree import flatten
from hybridge.qnode import QNode

Init = Callable[..., Any]  # (key, shape, dtype) -> an array, as those of jax.nn.initializers


class Layer(NamedTuple):
    """What `layer` makes of a circuit.

    `init(key, inputs)` gives new parameters, {weight: array} of the inputs' dtype. `apply(params, inputs)`
    gives the values of each row of inputs (*batch, features), all of them in one job of the device.
    """

    init: Callable[[Any, Any], dict[str, jax.Array]]
    apply: Callable[[Mapping[str, Any], Any], Any]


def angles(key: Any, shape: Shape, dtype: Any = float) -> jax.Array:
    """Uniform in [0, 2 pi), radians."""
    return jax.random.uniform(key, shape, dtype, maxval=2 * math.pi)


def layer(
    qnode: QNode,
    weight_shapes: Mapping[str, int | Sequence[int]],
    init_method: Init | Mapping[str, Init] = angles,
) -> Layer:
    """The circuit as a layer: its argument `inputs` is one row of features, its other arguments are weights.

    `weight_shapes` gives the shape of each weight, n for (n,) and 1 for a number; `init_method` what fills
    them, for all or by name, called as init(key, shape, dtype). Inputs are (*batch, features); values are put
    side by side, (*batch, outputs), and where the circuit returns one expval or var and no container they are
    (*batch,). The two functions can be compiled, mapped and differentiated, and the parameters are what optax
    takes. Raises CircuitError for names that do not fit the circuit's arguments.

    >>> import jax
    >>> import hybridge as hb
    >>> from hybridge.jax import layer
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(inputs, weights):
    ...     for wire in range(2):
    ...         hb.RX(inputs[wire], wires=wire)
    ...         hb.RY(weights[wire], wires=wire)
    ...     hb.CNOT(wires=[0, 1])
    ...     return [hb.expval(hb.Z(wire)) for wire in range(2)]
    >>> init, apply = layer(circuit, {"weights": 2})
    >>> inputs = jax.numpy.zeros((5, 2))
    >>> params = init(jax.random.key(0), inputs)
    >>> jax.jit(apply)(params, inputs).shape
    (5, 2)
    """
    fits = taken("a layer", qnode, weight_shapes)
    shapes = fits.shapes
    inits = initializers(shapes, init_method)

    def init(key: Any, inputs: Any) -> dict[str, jax.Array]:
        keys = jax.random.split(key, max(len(shapes), 1))
        dtype = jnp.result_type(float, inputs)
        return {
            name: inits[name](k, shape, dtype) for k, (name, shape) in zip(keys, shapes.items(), strict=False)
        }

    def apply(params: Mapping[str, Any], inputs: Any) -> Any:
        def row(features: Any) -> Any:
            return _joined(
                qnode(*fits.arguments({INPUTS: features, **{name: params[name] for name in shapes}}))
            )

        batch = jnp.shape(inputs)[:-1]
        if not batch:
            return row(inputs)
        found = jax.vmap(row)(jnp.reshape(inputs, (-1, jnp.shape(inputs)[-1])))
        return jnp.reshape(found, batch + found.shape[1:])

    return Layer(init, apply)


def _joined(results: Any) -> Any:
    """What the circuit returned for a row: its values side by side, unless it is one alone."""
    leaves, _ = flatten(results)
    return results if leaves[0] is results else jnp.concatenate([jnp.ravel(x) for x in leaves])


def initializers(shapes: Mapping[str, Shape], init_method: Init | Mapping[str, Init]) -> dict[str, Init]:
    """What fills each weight; angles where nothing is said."""
    if not isinstance(init_method, Mapping):
        return dict.fromkeys(shapes, init_method)
    unknown = sorted(init_method.keys() - shapes.keys())
    if unknown:
        raise CircuitError(f"init_method names {unknown[0]!r}; the weights are {', '.join(shapes) or 'none'}")
    return {name: init_method.get(name, angles) for name in shapes}
