"""Slow, obvious values of circuits, straight from the rows' definitions and independent of every engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.conformance.reference.branches import branched
from hybridge.conformance.reference.differences import hessian, jacobian
from hybridge.conformance.reference.fock import FockState
from hybridge.conformance.reference.gaussian import GaussianState
from hybridge.conformance.reference.ordered import Ordered, number, ordered, p, x
from hybridge.conformance.reference.qubit import QubitState, embedded, qubit_state

__all__ = [
    "FockState",
    "GaussianState",
    "Ordered",
    "QubitState",
    "embedded",
    "evaluate",
    "final_state",
    "hessian",
    "jacobian",
    "number",
    "ordered",
    "p",
    "x",
]

State = QubitState | GaussianState | FockState

_READ: dict[str, Callable[[Any, Measurement, Circuit], Any]] = {
    "expval": lambda state, m, circuit: state.expval(m.observable),
    "var": lambda state, m, circuit: state.var(m.observable),
    "probs": lambda state, m, circuit: state.probs(m.wires or circuit.wires, m.observable),
    "state": lambda state, m, circuit: state.state(),
    "density_matrix": lambda state, m, circuit: state.density_matrix(m.wires or circuit.wires),
}


def final_state(
    circuit: Circuit, numbers: Sequence[float], cutoff: int | None = None, size: int | None = None
) -> State:
    """The circuit's final state: its rows decide how, but a `size` asks for photon numbers below that many.

    `numbers` are the circuit's parameters in order; `cutoff` is where photon-number results are cut.
    """
    domains = {o.domain for o, _ in circuit.instructions if o.kind != "marker"}
    domains |= {m.observable.domain for m in circuit.measurements if m.observable is not None}
    if "cv" not in domains and cutoff is None:
        measures = any(operation.kind == "measure" for operation, _ in circuit.instructions)
        return branched(circuit, numbers) if measures else qubit_state(circuit, numbers)
    if size is not None:
        return FockState(circuit, numbers, cutoff or size, size)
    return GaussianState(circuit, numbers, cutoff)


def evaluate(
    circuit: Circuit, numbers: Sequence[Any], cutoff: int | None = None, size: int | None = None
) -> list[Any]:
    """Each measurement's exact value; with arrays (B,) among the numbers, a leading axis B on each.

    >>> from hybridge.circuit import Circuit, Instruction, expval
    >>> from hybridge.operations.qubit_gates import RX, Z
    >>> evaluate(Circuit((Instruction(RX, (0,)),), (expval(Z(0)),), (0,)), [0.0])
    [1.0]
    """
    lengths = {len(v) for v in numbers if np.ndim(v)}
    if not lengths:
        state = final_state(circuit, numbers, cutoff, size)
        return [_READ[m.kind](state, m, circuit) for m in circuit.measurements]
    rows = [[v[b] if np.ndim(v) else v for v in numbers] for b in range(max(lengths))]
    found = [evaluate(circuit, row, cutoff, size) for row in rows]
    return [np.array(values) for values in zip(*found, strict=True)]
