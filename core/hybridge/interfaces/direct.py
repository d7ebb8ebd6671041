"""A circuit whose numbers stand in its arguments as they are: its derivatives need no graph."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.interfaces.autograd_ import split_flat
from hybridge.interfaces.called import Called
from hybridge.interfaces.entries import Source
from hybridge.interfaces.second import hessian
from hybridge.interfaces.slopes import full_jacobian, value_and_jacobian, value_and_vjp


class Direct:
    """One call of such a circuit; the gather takes its numbers from the sources."""

    def __init__(self, boxes: Sequence[Any], called: Called, traced: Sequence[int]):
        self.recorded, self.call = called.recorded, called.call
        self.recorded.check_differentiable()
        self.sources = [box.source for box in boxes]
        values, leaf_of = list(called.leaves), {}
        for i in traced:  # the leaves that are sources
            source = values[i].source
            values[i], leaf_of[id(source)] = source.value, i
        self.rows = self.call.checked_rows(values)
        self.slots, self.gather = self.call.gather.part(traced)
        # None: the circuit does not take it
        self.leaf_of = [leaf_of.get(id(source)) for source in self.sources]

    @property
    def container(self) -> str | None:
        """The name of what the circuit returns its measurements in."""
        recorded = self.recorded
        return None if recorded.build is None else type(recorded.containers).__name__

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the values."""
        batch = (len(self.rows),) if self.gather.batched else ()
        return [(*batch, *shape) for shape in self.call.plan.shapes(self.call.shots)]

    def gradient(self) -> tuple[Any, list[Any]]:
        """The one value, and its derivative in each source."""
        flat, found = value_and_vjp(self.rows, self.call, self.slots, np.array(((1.0,),)))
        if self.call.plan.one and self.recorded.build is None:
            return flat[0] if self.gather.batched else flat[0, 0], self._pulled(found)
        return self._results(flat), self._pulled(found)

    def vjp(self, cotangents: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The values in their containers, and the cotangents, one per measurement, pulled to each source."""
        batch = len(self.rows)
        cotangent = np.concatenate([np.reshape(g, (batch, -1)) for g in cotangents], axis=1)
        flat, found = value_and_vjp(self.rows, self.call, self.slots, cotangent)
        return self._results(flat), self._pulled(found)

    def _results(self, flat: np.ndarray) -> Any:
        batched = self.gather.batched
        values = split_flat(self.call.plan, self.call.shots, flat if batched else flat[0])
        return self.recorded.results(self.call.plan, values, batched)

    def _pulled(self, found: np.ndarray) -> list[Any]:
        flat = self.gather.pull(found)
        return [
            np.zeros(source.shape) if i is None else self.gather.leaf(i, flat)
            for i, source in zip(self.leaf_of, self.sources, strict=True)
        ]

    def jacobian(self, like: Callable[[Sequence[Any]], Any]) -> Any:
        """In the values' containers, what `like` makes of arrays (*value, *source), one for each source."""
        if self.call.direct:
            self.call.plan.run_flat(self.rows, self.call.shots)  # for what it has to say of the values
            found = full_jacobian(self.rows, self.call, self.slots)
        else:
            found = np.swapaxes(value_and_jacobian(self.rows, self.call, self.slots)[1], 1, 2)
        each = self.gather.pull_each(found)
        leaves = list(zip(self.leaf_of, self.sources, strict=True))

        def of_value(columns: slice, shape: tuple[int, ...]) -> Any:
            return like([self._placed(each[:, columns], shape, [leaf]) for leaf in leaves])

        return self._of_values(of_value)

    def hessian(self, like: Callable[[Sequence[Any]], Any]) -> Any:
        """In the values' containers, `like` of `like` of arrays (*value, *source, *source), from one job.

        None where the method has no second derivatives of its own: a graph has them.
        """
        found = hessian(self.rows, self.call, self.slots)  # (B, columns, S, S)
        if found is None:
            return None
        for _ in range(2):  # one axis of slots after the other becomes one of the sources' numbers
            batch, columns, other, count = found.shape
            pulled = self.gather.pull_each(found.reshape(batch, columns * other, count))
            found = np.swapaxes(pulled.reshape(batch, columns, other, self.gather.starts[-1]), 2, 3)
        each, leaves = found, list(zip(self.leaf_of, self.sources, strict=True))

        def of_value(columns: slice, shape: tuple[int, ...]) -> Any:
            own = each[:, columns]
            return like([like([self._placed(own, shape, [a, b]) for b in leaves]) for a in leaves])

        return self._of_values(of_value)

    def _of_values(self, make: Callable[[slice, tuple[int, ...]], Any]) -> Any:
        """What `make` makes of each measurement's columns and shape, in the values' containers."""
        found, start = [], 0
        for shape in self.shapes:
            stop = start + math.prod(shape) // len(self.rows)
            found.append(make(slice(start, stop), shape))
            start = stop
        return found[0] if self.recorded.build is None else self.recorded.build(found)

    def _placed(
        self, each: np.ndarray, shape: tuple[int, ...], leaves: Sequence[tuple[int | None, Source]]
    ) -> np.ndarray:
        """Of derivatives in the sources' numbers, an axis each, those in these leaves: (*shape, *sources)."""
        whole = (*shape, *itertools.chain.from_iterable(source.shape for _, source in leaves))
        starts = self.gather.starts
        if any(i is None for i, _ in leaves):
            return np.zeros(whole)
        places = (slice(starts[i], starts[i + 1]) for i, _ in leaves if i is not None)
        return np.reshape(each[(slice(None), slice(None), *places)], whole)
