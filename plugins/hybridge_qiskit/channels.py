"""Channels on Aer: a mark in the circuit, replaced by Kraus operators for the numbers of each row.

Aer binds angles inside the simulator and nothing inside Kraus operators, so rows are grouped by the numbers
of their channels: one circuit for each group, all in the same job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from qiskit.circuit import CircuitInstruction, QuantumCircuit
from qiskit.circuit.library import Barrier
from qiskit.quantum_info import Kraus

from hybridge.plugin import Operation
from hybridge_qiskit.translate import Gate

MARK = "channel "


class Channel(NamedTuple):
    """A row of kind channel, and the slots of its numbers."""

    operation: Operation
    slots: tuple[int, ...]


def channels_of(gates: Sequence[Gate]) -> tuple[Channel, ...]:
    """The channels among the gates, in their order."""
    return tuple(
        Channel(g.channel, tuple(a.slot for a in g.angles if a.slot is not None))
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
    kraus = []
    for operation, slots in channels:
        kraus.append(_instruction(operation, numbers[start : start + len(slots)]))
        start += len(slots)
    for at, step in enumerate(made.data):
        label = step.operation.label
        if step.name == "barrier" and label is not None and label.startswith(MARK):
            index = int(label[len(MARK) :].split()[0])
            # Qiskit's arrays have the first qubit least significant
            made.data[at] = CircuitInstruction(kraus[index], step.qubits[::-1])
    return made


def _instruction(operation: Operation, numbers: np.ndarray) -> object:
    operators = np.asarray(operation.definition(*numbers))  # type: ignore[misc]
    # operators that never act cost as much as those that do; copies, because of read-only views Aer reads
    # other numbers (seen in Aer 0.18.2)
    acting = [k.copy() for k in operators if np.abs(k).max() > 0]
    return Kraus(acting).to_instruction()
