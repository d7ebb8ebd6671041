"""TorchLayer: a circuit as a module of PyTorch, with weights of its own."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from hybridge.errors import CircuitError
from hybridge.layer import INPUTS, taken
from hybridge.pytree import flatten
from hybridge.qnode import QNode


class TorchLayer(torch.nn.Module):
    """A QNode as a layer: its argument named `inputs` takes the batch, its other arguments are weights.

    `weight_shapes` names each weight with its shape: a tuple, a whole number n for (n,), or 1 for a number;
    arguments with a default may be left out. `init_method` fills them: a function that fills a tensor, such
    as those of torch.nn.init, or a dict of such functions and of tensors, by name; None: uniform in
    [0, 2 pi).

    Called with inputs (*batch, features), any number of leading axes, the circuit sees one row (features,) at
    a time, and all rows are one job of the device. It gives (*batch, outputs), the values of all measurements
    side by side; where the circuit returns one expval or var and no container, (*batch,). Raises CircuitError
    where the names do not fit the circuit's arguments.

    >>> import torch
    >>> import hybridge as hb
    >>> from hybridge.torch import TorchLayer
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(inputs, weights):
    ...     for wire in range(2):
    ...         hb.RX(inputs[wire], wires=wire)
    ...         hb.RY(weights[wire], wires=wire)
    ...     hb.CNOT(wires=[0, 1])
    ...     return [hb.expval(hb.Z(wire)) for wire in range(2)]
    >>> layer = TorchLayer(circuit, {"weights": 2})
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), layer, torch.nn.Linear(2, 1))
    >>> model(torch.rand(5, 3)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        qnode: QNode,
        weight_shapes: Mapping[str, int | Sequence[int]],
        init_method: Callable[[torch.Tensor], Any] | Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self._taken = taken("TorchLayer", qnode, weight_shapes)
        self.qnode = qnode
        for name, shape in self._taken.shapes.items():
            self.register_parameter(name, _weight(name, shape, init_method))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """inputs (*batch, features) -> (*batch, outputs), or (*batch,) of one bare number."""
        batch = inputs.shape[:-1]
        rows = inputs.reshape(-1, inputs.shape[-1]) if batch else inputs
        args = self._taken.arguments({**dict(self.named_parameters(recurse=False)), INPUTS: rows})
        if not batch:
            return _joined(self.qnode(*args), batch)
        axes = tuple([0 if name == INPUTS else None for name in self._taken.names])
        return _joined(self.qnode.map(*args, in_axes=axes), batch)

    def extra_repr(self) -> str:
        shapes = [f"{name}={tuple(x.shape)}" for name, x in self.named_parameters(recurse=False)]
        return ", ".join([repr(self.qnode), *shapes])

    def __deepcopy__(self, memo: dict[int, Any]) -> TorchLayer:
        """Weights of its own; the circuit and its device are shared."""
        memo[id(self.qnode)] = self.qnode
        found = memo[id(self)] = type(self).__new__(type(self))
        found.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return found


def _joined(results: Any, batch: Sequence[int]) -> torch.Tensor:
    """What the circuit returned for rows one after another: its values side by side."""
    leaves, _ = flatten(results)
    values = [torch.as_tensor(x) for x in leaves]
    if values[0] is results:  # one measurement, in no container
        return results.unflatten(0, batch) if batch else results
    return torch.cat([v.reshape(*batch, -1) for v in values], dim=-1)


def _weight(name: str, shape: tuple[int, ...], init_method: Any) -> torch.nn.Parameter:
    """A new weight. Raises CircuitError where what is to fill it is missing or has another shape."""
    fill = init_method
    if isinstance(init_method, Mapping):
        if name not in init_method:
            raise CircuitError(f"init_method lacks the weight {name!r}; it has {sorted(init_method)}")
        fill = init_method[name]
    if isinstance(fill, torch.Tensor):
        if tuple(fill.shape) != shape:
            raise CircuitError(f"the weight {name!r} is {shape}; init_method gives {tuple(fill.shape)}")
        return torch.nn.Parameter(fill.detach().clone())
    weight = torch.nn.Parameter(torch.empty(shape))
    with torch.no_grad():
        weight.uniform_(0, 2 * math.pi) if fill is None else fill(weight)
    return weight
