"""How the numbers of a QNode's circuit depend on the QNode's arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.errors import CircuitError
from hybridge.interfaces.derivatives import Argnums, jacobian
from hybridge.interfaces.rows import as_rows
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.recorded import Recorded


class Slots(NamedTuple):
    """One call of a QNode: what it recorded, its numbers (1, P), and their slopes (P, N).

    N counts the numbers of the arguments in `argnums`, in the order of their leaves.
    """

    recorded: Recorded
    rows: np.ndarray
    slopes: np.ndarray


def slots_of(
    node: QNode, args: Sequence[Any], argnums: Argnums = 0, kwargs: Mapping[str, Any] | None = None
) -> Slots:
    """The Slots of node(*args, **kwargs). CircuitError for a batch: it is one point that is asked for."""
    named = dict(kwargs or {})
    recorded = node.record(*args, **named)
    if not recorded.numbers:
        raise CircuitError(f"{node!r} has no parameters: none of its operations takes a number")
    rows, batched = as_rows(recorded.numbers)
    if batched:
        raise CircuitError("a parameter of the circuit is an array; give one number for each, not a batch")

    def numbers(*arguments: Any) -> list[Any]:
        return node.record(*arguments, **named).numbers

    found = jacobian(numbers, argnums)(*args)
    slopes = [np.concatenate([np.ravel(leaf) for leaf in flatten(row)[0]]) for row in found]
    return Slots(recorded, rows, np.array(slopes).reshape(rows.shape[1], -1))
