"""A circuit with its numbers as a QuantumCircuit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import (
    DiagonalGate,
    StatePreparation,
    UnitaryGate,
    get_standard_gate_name_mapping,
)

from hybridge.plugin import (
    Circuit,
    FormatError,
    Operation,
    bits_read,
    measured_places,
    plain_steps,
    standard_names,
    uncontrolled,
)

STANDARD = get_standard_gate_name_mapping()
NAMES = {row: name for row, name in standard_names().items() if name in STANDARD}
# rows made of an array whose first wire is most significant: Qiskit's last qubit is
ARRAYS: dict[str, Callable[[Operation], Any]] = {
    "QubitUnitary": lambda row: UnitaryGate(row.matrix()),
    "DiagonalQubitUnitary": lambda row: DiagonalGate(row.constants[0].array.tolist()),
    "StatePrep": lambda row: StatePreparation(np.asarray(row.definition())),
}


def _claims(row: Operation) -> bool:
    core, values = uncontrolled(row)
    return row in NAMES or row.name == "GlobalPhase" or row.name in ARRAYS or (bool(values) and core in NAMES)


def _gate(row: Operation, numbers: tuple[float, ...]) -> Any:
    if row in NAMES:
        return STANDARD[NAMES[row]].base_class(*numbers)
    core, values = uncontrolled(row)
    state = sum(bit << k for k, bit in enumerate(values))
    return STANDARD[NAMES[core]].base_class(*numbers).control(len(values), ctrl_state=state, annotated=False)


def written(format: str, circuit: Circuit, numbers: np.ndarray) -> QuantumCircuit:
    """The circuit; FormatError for post-selection and for what has no decomposition."""
    steps = list(plain_steps(format, circuit, numbers, _claims))
    inside = [s.operation.constants[0] for s in steps if s.operation.kind == "measure"]
    ends, read = measured_places(circuit), bits_read(circuit)
    registers = [ClassicalRegister(len(inside), "m")] * bool(inside)
    registers += [ClassicalRegister(len(ends), "c")] * bool(ends)
    found = QuantumCircuit(QuantumRegister(len(circuit.wires), "q"), *registers)
    for step in steps:
        operation, wires = step.operation, list(step.wires)
        if operation.kind == "measure":
            bit, reset, postselect = operation.constants
            if postselect is not None:
                raise FormatError(format, "post-selection cannot be written")
            if bit in read or not reset:
                found.measure(wires[0], inside.index(bit))
            if reset:
                found.reset(wires[0])
        elif operation.name == "Barrier":
            found.barrier(*wires)
        elif operation.name == "GlobalPhase":
            found.global_phase -= 0.0 if step.bits else step.numbers[0]  # of one branch nobody sees it
        elif operation.name in ARRAYS:
            _append(found, ARRAYS[operation.name](operation), wires[::-1], step, inside)
        else:
            _append(found, _gate(operation, step.numbers), wires, step, inside)
    for k, place in enumerate(ends):
        found.measure(place, len(inside) + k)
    return found


def _append(circuit: QuantumCircuit, gate: Any, wires: list[int], step: Any, inside: list[Any]) -> None:
    """The gate, once for each pattern of bits at which it acts."""
    if not step.bits:
        circuit.append(gate, wires)
        return
    for pattern in step.allowed:
        body = QuantumCircuit(circuit.qubits, circuit.clbits)
        body.append(gate, wires)
        for bit, value in zip(step.bits, pattern, strict=True):
            clbit = circuit.clbits[inside.index(bit)]
            outer = QuantumCircuit(circuit.qubits, circuit.clbits)
            outer.if_test((clbit, value), body, range(circuit.num_qubits), range(circuit.num_clbits))
            body = outer
        circuit.compose(body, circuit.qubits, circuit.clbits, inplace=True)
