"""What the numbers of a circuit may be: bounds of single ones, checks of all that an operation takes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import CircuitError


class Allowed:
    """The bounds and checks of a circuit's operations; `looks` tells whether there are any: mostly not."""

    def __init__(self, circuit: Circuit):
        rows = [(slot, circuit.instructions[i].operation, p) for slot, (i, p) in enumerate(circuit.slots)]
        # slot, operation, parameter, least and greatest value
        self._bounds = [(slot, row.name, p, *row.bounds[p]) for slot, row, p in rows if p in row.bounds]
        self._checks = _checks(circuit)
        self.looks = bool(self._bounds or self._checks)

    def check(self, rows: np.ndarray) -> None:
        """Raise CircuitError for numbers (batch, P) that an operation does not allow."""
        for slots, check_row in self._checks:
            check_row(rows[:, slots])
        for slot, name, parameter, low, high in self._bounds:
            for value in rows[:, slot]:
                if not low <= value <= high:
                    allowed = (
                        f"{parameter} >= {low:g}"
                        if high == math.inf
                        else f"{low:g} <= {parameter} <= {high:g}"
                    )
                    given = repr(float(value)).removesuffix(".0")  # 1 + 1e-9 is no 1
                    raise CircuitError(f"{name} needs {allowed}; got {parameter} = {given}")


def _checks(circuit: Circuit) -> list[tuple[slice, Callable[[np.ndarray], None]]]:
    """The slots of an operation, and what checks the numbers there."""
    found, start = [], 0
    for operation, _ in circuit.instructions:
        stop = start + len(operation.params)
        if operation.check is not None:
            found.append((slice(start, stop), operation.check))
        start = stop
    return found
