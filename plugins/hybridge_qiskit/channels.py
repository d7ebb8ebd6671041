"""Channels on Aer: a mark in the circuit, replaced by what the channel is at the numbers of each row.

That is Kraus operators, or, for simulators of stabilizers, Pauli words that act by chance. Aer binds angles
inside the simulator and nothing inside either, so rows are grouped by the numbers of their channels: one
circuit for each group, all in the same job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from qiskit.circuit import CircuitInstruction, Instruction, QuantumCircuit
from qiskit.circuit.library import Barrier
from qiskit.quantum_info import Kraus, SparsePauliOp
from qiskit_aer.noise import pauli_error

from hybridge.plugin import Operation
from hybridge_qiskit.translate import Gate

MARK = "channel "
# The channels whose every Kraus operator is a Pauli word, whatever their numbers; and one of which it may be.
WORDS = frozenset({"BitFlip", "PhaseFlip", "DepolarizingChannel", "PauliError", "QubitChannel"})


class Channel(NamedTuple):
    """A row of kind channel, the slots of its numbers, and whether it is to be one of Pauli words."""

    operation: Operation
    slots: tuple[int, ...]
    words: bool

    def instruction(self, numbers: np.ndarray) -> Instruction:
        """The channel with these numbers, first wire most significant."""
        if not self.words:
            return Kraus(_acting(self.operation, numbers)).to_instruction()
        words = [SparsePauliOp.from_operator(k) for k in _acting(self.operation, numbers)]
        return pauli_error([(w.paulis[0].to_label(), abs(w.coeffs[0]) ** 2) for w in words]).to_instruction()


def is_of_words(operation: Operation) -> bool:
    """Whether each Kraus operator of a channel is a Pauli word up to a factor."""
    if operation.params:
        return operation.name in WORDS
    return all(len(SparsePauliOp.from_operator(k)) == 1 for k in _acting(operation, np.empty(0)))


def _acting(operation: Operation, numbers: np.ndarray) -> list[np.ndarray]:
    """Its Kraus operators; those that never act would cost as much as those that do."""
    operators = np.asarray(operation.definition(*numbers))  # type: ignore[misc]
    # copies, because of read-only views Aer reads other numbers (seen in Aer 0.18.2)
    return [k.copy() for k in operators if np.abs(k).max() > 0]


def channels_of(gates: Sequence[Gate], words: bool) -> tuple[Channel, ...]:
    """The channels among the gates, in their order."""
    return tuple(
        Channel(g.channel, tuple(a.slot for a in g.angles if a.slot is not None), words)
        for g in gates
        if g.channel is not None
    )


def mark(index: int, gate: Gate) -> Barrier:
    """What stands for a channel: a barrier, which Qiskit leaves alone and moves nothing across."""
    assert gate.channel is not None  # of a gate named channel
    return Barrier(len(gate.wires), label=f"{MARK}{index} {gate.channel.name}")


def with_channels(
    circuit: QuantumCircuit, channels: Sequence[Channel], params: np.ndarray
) -> Iterator[tuple[QuantumCircuit, np.ndarray]]:
    """The circuit for each combination of the channels' numbers among the rows (batch, P), and which rows."""
    slots = [s for c in channels for s in c.slots]
    if not slots:
        yield _replaced(circuit, channels, np.empty(0)), np.arange(len(params))
        return
    distinct, group = np.unique(params[:, slots], axis=0, return_inverse=True)
    for i, numbers in enumerate(distinct):
        yield _replaced(circuit, channels, numbers), np.flatnonzero(group.reshape(-1) == i)


def _replaced(circuit: QuantumCircuit, channels: Sequence[Channel], numbers: np.ndarray) -> QuantumCircuit:
    """The circuit with the channels of these numbers at their marks."""
    made, start = circuit.copy(), 0
    inserted = []
    for channel in channels:
        inserted.append(channel.instruction(numbers[start : start + len(channel.slots)]))
        start += len(channel.slots)
    for at, step in enumerate(made.data):
        label = step.operation.label
        if step.name == "barrier" and label is not None and label.startswith(MARK):
            index = int(label[len(MARK) :].split()[0])
            # Qiskit's arrays have the first qubit least significant
            made.data[at] = CircuitInstruction(inserted[index], step.qubits[::-1])
    return made
