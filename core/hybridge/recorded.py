"""What a circuit function leaves behind: structure, numbers, and how results go into containers."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Any

from hybridge.circuit import Combination, Measurement
from hybridge.errors import CircuitError, GradientError
from hybridge.execution import Plan
from hybridge.gradients.choose import DIFFERENTIABLE
from hybridge.operations.table import Applied
from hybridge.pytree import flatten

LEAVES = (Measurement, Combination)


class Recorded:
    """One call of a circuit function; `build` is None where it returned one measurement and nothing else."""

    __slots__ = ("build", "instructions", "leaves", "measurements", "numbers")

    def __init__(self, tape: Sequence[Applied], returned: Any, name: str):
        self.instructions = tuple([(a.operation, a.wires) for a in tape])
        self.numbers = list(chain.from_iterable([a.params for a in tape]))
        if type(returned) is Measurement:  # the usual case, 3 us sooner
            self.leaves: list[Any] = [returned]
            self.build: Any = None
            self.measurements: tuple[Measurement, ...] = (returned,)
            return
        self.leaves, self.build = flatten(returned, LEAVES)
        _check_returned(self.leaves, returned, name)
        flat: list[Measurement] = []
        for leaf in self.leaves:
            flat.extend((leaf,) if isinstance(leaf, Measurement) else leaf.measurements)
        self.measurements = tuple(flat)

    @property
    def combined(self) -> bool:
        """Whether traced coefficients of an observable are still to be multiplied in."""
        return len(self.leaves) != len(self.measurements) or Combination in map(type, self.leaves)

    def check_differentiable(self) -> None:
        """Raise GradientError for a measurement that has no derivative."""
        for m in self.measurements:
            if m.kind not in DIFFERENTIABLE:
                raise GradientError(
                    "any parameter", f"{m!r} is not differentiable", "return expval, var or probs"
                )

    def results(self, plan: Plan, values: Sequence[Any], batched: bool) -> Any:
        """What the function's call returns: the values in the containers it returned its measurements in."""
        if plan.selection is not None:
            values = plan.selection.results(values, batched)
        if self.build is None:
            m = self.measurements[0]
            return values[0] if m.kind in DIFFERENTIABLE else _finished(plan, 0, m, values[0], batched)
        return self.build(self.finished(plan, values, batched))

    def finished(self, plan: Plan, values: Sequence[Any], batched: bool) -> list[Any]:
        """The result of each leaf that the function returned."""
        results, i = [], 0
        for leaf in self.leaves:
            if isinstance(leaf, Measurement):
                results.append(_finished(plan, i, leaf, values[i], batched))
                i += 1
            else:
                parts = values[i : i + len(leaf.measurements)]
                i += len(parts)
                terms = [c * v for c, v in zip(leaf.coefficients, parts, strict=True)]
                results.append(sum(terms[1:], terms[0]))
        return results

    @property
    def containers(self) -> Any:
        """What the function returned, the place of each leaf in place of the leaf."""
        return 0 if self.build is None else self.build(range(len(self.leaves)))

    def with_numbers(self, numbers: list[Any]) -> Recorded:
        """The same with other numbers."""
        found = copy.copy(self)
        found.numbers = numbers
        return found


def alike(recorded: Sequence[Recorded]) -> list[list[int]]:
    """Which of them have the same structure, so that they are one batch: their places, in order."""
    groups: dict[Hashable, list[int]] = {}
    for place, one in enumerate(recorded):
        groups.setdefault((one.instructions, one.measurements), []).append(place)
    return list(groups.values())


def _check_returned(leaves: Sequence[Any], returned: Any, name: str) -> None:
    what = "; return measurements such as hb.expval(hb.Z(0)), alone or in a tuple, list or dict"
    if not leaves or returned is None:
        raise CircuitError(f"{name} returned {returned!r}{what}")
    for leaf in leaves:
        if not isinstance(leaf, LEAVES):
            shown = f"{leaf!r}" if len(repr(leaf)) < 60 else type(leaf).__name__
            hint = f"; did you mean hb.expval({shown})?" if getattr(leaf, "as_observable", None) else ""
            raise CircuitError(f"{name} returned {shown}, which is not a measurement{hint}{what}")


def _finished(plan: Plan, i: int, m: Measurement, value: Any, batched: bool) -> Any:
    if m.kind != "counts":
        return value
    return [plan.counted(i, row) for row in value] if batched else plan.counted(i, value)
