"""A circuit function called, not yet run: its plan, and how its numbers follow from leaves."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from hybridge.execution import Plan
from hybridge.gradients.method import BEST, Method
from hybridge.gradients.part import Part
from hybridge.interfaces.gather import Gather
from hybridge.interfaces.rows import check_finite
from hybridge.numbers import all_finite
from hybridge.recorded import Recorded


class Call(NamedTuple):
    """What a run of the plan needs besides its leaves."""

    plan: Plan
    shots: int | None
    method: Method
    gather: Gather
    ahead: Any = None  # for the derivatives that come with the values, as a library keeps them

    @property
    def direct(self) -> bool:
        """Whether the device's own derivatives are used."""
        return self.method.own and self.plan.direct_vjp

    def of_part(self, part: Part) -> Call:
        """The call of a part's runs; a plan of its own is differentiated by the best method that it has."""
        method = self.method if part.plan is None else BEST._replace(fallback=self.method.fallback)
        return self._replace(plan=self.plan.of_part(part), method=method)

    def checked_rows(self, leaves: Sequence[Any]) -> np.ndarray:
        """The rows of plain leaves. Raises CircuitError for what is not finite or out of a row's bounds."""
        rows = self.gather(leaves)
        # a sum is finite only if every term is; of some floats it takes a quarter of the time
        return self.checked(rows, self.gather.scalars and math.isfinite(sum(leaves)))

    def checked(self, rows: np.ndarray, finite: bool = False) -> np.ndarray:
        """The rows (B, P). Raises CircuitError for what is not finite, if not known, or out of bounds."""
        if not (finite or all_finite(rows)):
            check_finite(rows, self.plan.named.instructions)
        if self.plan.checks:
            self.plan.check(rows)
        return rows


class Called(NamedTuple):
    """A call not yet run: `leaves` are numbers and arrays, plain or traced, as its gather takes them."""

    recorded: Recorded
    call: Call
    leaves: list[Any]
    library: (
        ModuleType | None
    )  # of this package, for the library that traces a leaf; None where all are plain
    pulled: bool = False  # whether derivatives of the values in traced leaves are asked for, for certain


class Model(ABC):
    """A function that is a circuit and no more: it can be called without being run."""

    autograph_info__ = None  # by which tf.function knows what it is not to rewrite

    @abstractmethod
    def called(self, *args: Any, **kwargs: Any) -> Called | None:
        """The call at these arguments, not yet run; None where it takes several calls."""

    def at_once(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Call, list[Any]] | None:
        """The call and its leaves where the structure of plain arguments says all of it, and its value is one
        number; None where the function must be called to know."""
        return None

    @abstractmethod
    def finish(self, called: Called) -> Any:
        """What the call returns, differentiable in its traced leaves."""
