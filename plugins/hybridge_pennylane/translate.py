"""The table from hybridge's rows to PennyLane's operations and measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pennylane as qml

from hybridge.plugin import QUBIT_CHANNELS, Instruction, Measurement, Operation, Sentence
from hybridge_pennylane import SAME

Make = Callable[
    [Operation, Sequence[float], list[int]], Any
]  # row, its numbers, wires -> PennyLane's operation


def _same(name: str) -> Make:
    made = getattr(qml, name)
    return lambda operation, numbers, wires: made(*numbers, wires=wires)


def _adjoint(name: str) -> Make:
    made = getattr(qml, name)
    return lambda operation, numbers, wires: qml.adjoint(made(wires))


def _matrix(operation: Operation, numbers: Sequence[float], wires: list[int]) -> Any:
    return qml.QubitUnitary(operation.matrix(), wires=wires)


def _controlled_x(operation: Operation, numbers: Sequence[float], wires: list[int]) -> Any:
    if len(wires) == 1:
        return qml.X(wires)
    return qml.MultiControlledX(wires=wires, control_values=list(operation.constants[0]))


# PennyLane adds 1e-14 under the roots of its dampings, which is 1e-7 of the result where gamma is 1
NAMED = frozenset({"BitFlip", "PhaseFlip", "DepolarizingChannel"})


def _kraus(operation: Operation, numbers: Sequence[float], wires: list[int]) -> Any:
    assert operation.definition is not None  # of every channel
    return qml.QubitChannel(list(operation.definition(*numbers)), wires=wires)


TABLE: dict[str, Make] = {
    **{name: _same(name) for name in SAME | NAMED},
    **{name: _kraus for name in QUBIT_CHANNELS - NAMED},
    **{f"Adjoint({name})": _adjoint(name) for name in ("S", "T", "SX")},
    "I": lambda operation, numbers, wires: qml.Identity(wires),
    "GlobalPhase": lambda operation, numbers, wires: qml.GlobalPhase(*numbers),
    "PauliRot": lambda operation, numbers, wires: qml.PauliRot(*numbers, operation.constants[0], wires=wires),
    "PCPhase": lambda operation, numbers, wires: qml.PCPhase(*numbers, operation.constants[0], wires=wires),
    "MultiControlledX": _controlled_x,
    "QubitUnitary": _matrix,
    "ControlledQubitUnitary": _matrix,
    "DiagonalQubitUnitary": lambda operation, numbers, wires: qml.DiagonalQubitUnitary(
        operation.constants[0].array, wires=wires
    ),
}


class Step:
    """One operation of PennyLane for each row of numbers."""

    __slots__ = ("_columns", "_make", "_operation", "_wires")

    def __init__(self, operation: Operation, wires: Sequence[Any], slot: int):
        self._operation, self._wires, self._make = operation, [int(w) for w in wires], TABLE[operation.name]
        self._columns = slice(slot, slot + operation.arity)

    def at(self, numbers: Sequence[float]) -> Any:
        """At the numbers (P,) of a whole row."""
        return self._make(self._operation, numbers[self._columns], self._wires)


def steps(instructions: Sequence[Instruction]) -> tuple[list[Any], list[Step]]:
    """The preparation of all states at once, if any, and the steps after it."""
    prepared: list[tuple[np.ndarray, list[int]]] = []
    found: list[Step] = []
    slot = 0
    for operation, wires in instructions:
        if operation.kind == "state":
            prepared.append((np.asarray(operation.definition()), [int(w) for w in wires]))  # type: ignore[misc]
        else:
            found.append(Step(operation, wires, slot))
        slot += operation.arity
    return ([_prepared(prepared)] if prepared else []), found


def _prepared(states: Sequence[tuple[np.ndarray, list[int]]]) -> Any:
    """PennyLane's devices take one preparation, before everything else."""
    arrays, wires = [a for a, _ in states], [w for _, on in states for w in on]
    if all(a.ndim == 1 for a in arrays):
        ket = reduce(np.kron, arrays)
        return qml.StatePrep(ket / np.linalg.norm(ket), wires=wires)
    return qml.QubitDensityMatrix(
        reduce(np.kron, [np.outer(a, a.conj()) if a.ndim == 1 else a for a in arrays]), wires=wires
    )


def observable(sentence: Sentence, wires: Sequence[int]) -> Any:
    """The Pauli words as PennyLane's Hamiltonian.

    Not as what PauliSentence.operation gives: of such sums default.qubit gets a tenth of the expectation
    values wrong (seen in 0.45.1, where it depends on the sums that were asked for before).
    """
    order = list(wires)
    terms = sentence.terms.items() or [((), 0.0 + 0.0j)]
    words = [qml.pauli.PauliWord(dict(word)).operation(wire_order=order) for word, _ in terms]
    return qml.Hamiltonian([c.real for _, c in terms], words)


MEASURE: dict[str, Callable[[Measurement, list[int]], Any]] = {
    "expval": lambda m, every: qml.expval(observable(m.observable, every)),
    "probs": lambda m, every: qml.probs(wires=list(m.wires or every)),
    "sample": lambda m, every: qml.sample(wires=list(m.wires or every)),
    "state": lambda m, every: qml.state(),
    "density_matrix": lambda m, every: qml.density_matrix(wires=list(m.wires or every)),
}
