"""How alike the states of one QNode are at different numbers: |<psi(x)|psi(y)>|^2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hybridge.circuit import Measurement
from hybridge.operations.derived import adjoint_row
from hybridge.operations.table import Operation, Wires
from hybridge.plans import plans_of
from hybridge.qnode import QNode
from hybridge.recorded import Recorded


def fidelities(node: QNode, recorded: Recorded, row: np.ndarray, others: np.ndarray) -> np.ndarray:
    """|<psi(row)|psi(other)>|^2 of this recorded circuit: row (P,), others (B, P) -> (B,), in one job.

    Exact from the device's states; with shots how often U(other)^dagger U(row)|0> is found in |0>, which
    takes twice the depth. Raises CircuitError where an operation has no inverse, UnsupportedCircuit where the
    device does not measure this.
    """
    plans = plans_of(node.device)
    if node.shots is None:
        plan = plans.get(recorded.instructions, (Measurement("state"),), False)
        states = plan.run(np.concatenate([row[None], others]), None)[0]
        return np.abs(states[1:] @ states[0].conj()) ** 2
    back = tuple(_inverse(recorded.instructions))
    ends = np.cumsum([0, *(len(operation.params) for operation, _ in recorded.instructions)])
    slots = [s for a, b in zip(ends[-2::-1], ends[:0:-1], strict=True) for s in range(a, b)]
    rows = np.concatenate([np.repeat(row[None], len(others), axis=0), others[:, slots]], axis=1)
    plan = plans.get((*recorded.instructions, *back), (Measurement("probs"),), True)
    return plan.run(rows, node.shots)[0][:, 0]


def _inverse(instructions: Sequence[tuple[Operation, Wires]]) -> Iterator[tuple[Operation, Wires]]:
    """The instructions undone, back to front; states by the gates that make them from |0>."""
    for operation, wires in instructions[::-1]:
        if operation.kind == "marker":
            continue
        if operation.kind == "state" and operation.decomposition is not None and not operation.params:
            for inner, on, _ in operation.decomposition(*wires)[::-1]:
                yield adjoint_row(inner), on
        else:
            yield adjoint_row(operation), wires
