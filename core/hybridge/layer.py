"""What a layer of a network takes of a circuit: a row of features, and weights by their names and shapes."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hybridge.errors import CircuitError
from hybridge.qnode import QNode

INPUTS = "inputs"  # the argument of the circuit that gets the features of a row
Shape = tuple[int, ...]


class Taken(NamedTuple):
    """`shapes` of the weights; `names` of the circuit's arguments up to the last that the layer gives, in
    order, and the `defaults` of those among them that it does not give."""

    shapes: dict[str, Shape]
    names: list[str]
    defaults: dict[str, Any]

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """What the circuit is called with, where the inputs and the weights are these."""
        both = {**self.defaults, **given}
        return [both[name] for name in self.names]


def taken(layer: str, qnode: Any, weight_shapes: Mapping[str, int | Sequence[int]]) -> Taken:
    """What the layer of this name gives to the circuit. Raises CircuitError where the two do not fit."""
    if not isinstance(qnode, QNode):
        raise CircuitError(f"{layer} needs a QNode, such as @hb.qnode makes; got {qnode!r}")
    shapes = {name: weight_shape(name, shape) for name, shape in weight_shapes.items()}
    parameters = inspect.signature(qnode.function).parameters
    listed = f"its arguments are {', '.join(parameters) or 'none'}"
    if INPUTS not in parameters:
        raise CircuitError(f"{layer} gives a row of features as the circuit's argument 'inputs'; {listed}")
    if INPUTS in shapes:
        raise CircuitError("weight_shapes names 'inputs', a row of features and no weight; leave it out")
    unknown = [name for name in shapes if name not in parameters]
    if unknown:
        raise CircuitError(f"weight_shapes names {unknown[0]!r}, which the circuit does not take; {listed}")
    given, defaults = {INPUTS, *shapes}, {}
    for name, parameter in parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise CircuitError(f"{layer} gives arguments by their place; the circuit takes {parameter}")
        if name not in given:
            if parameter.default is parameter.empty:
                raise CircuitError(f"weight_shapes lacks the circuit's argument {name!r}; {listed}")
            defaults[name] = parameter.default
    names = list(parameters)
    while names[-1] not in given:
        names.pop()
    return Taken(shapes, names, {name: x for name, x in defaults.items() if name in names})


def weight_shape(name: str, shape: Any) -> Shape:
    """A shape as PennyLane has it: a whole number n for (n,), 1 for a number."""
    try:
        found = tuple(map(operator.index, shape if isinstance(shape, Sequence) else (shape,)))
    except TypeError:
        found = (-1,)
    if any(size < 0 for size in found):
        raise CircuitError(f"the weight {name!r} needs a shape such as (3, 2), or 3; got {shape!r}")
    return () if shape == 1 else found
