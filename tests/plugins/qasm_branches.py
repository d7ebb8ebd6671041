"""The exact distribution of a QuantumCircuit's classical bits: every branch of its measurements followed."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Clbit, IfElseOp
from qiskit.quantum_info import Statevector

NEGLIGIBLE = 1e-14
Branch = tuple[float, Statevector, tuple[int, ...]]


def distribution(circuit: QuantumCircuit) -> dict[tuple[int, ...], float]:
    """Probability of each value of the classical bits, bit 0 first."""
    start = Statevector(np.eye(1, 2**circuit.num_qubits)[0])
    branches = _run(circuit, list(circuit.qubits), circuit, [(1.0, start, (0,) * circuit.num_clbits)])
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for weight, _, bits in branches:
        found[bits] += weight
    return dict(found)


def _run(block: QuantumCircuit, qubits: list, whole: QuantumCircuit, branches: list[Branch]) -> list[Branch]:
    for instruction in block.data:
        operation = instruction.operation
        places = [whole.find_bit(qubits[block.find_bit(q).index]).index for q in instruction.qubits]
        if operation.name in ("measure", "reset"):
            bit = whole.find_bit(instruction.clbits[0]).index if instruction.clbits else None
            branches = [b for branch in branches for b in _measured(*branch, places[0], bit)]
        elif isinstance(operation, IfElseOp):
            inner = [qubits[block.find_bit(q).index] for q in instruction.qubits]
            branches = [
                after
                for branch in branches
                for after in (
                    _run(operation.blocks[0], inner, whole, [branch])
                    if _holds(operation.condition, whole, branch[2])
                    else [branch]
                )
            ]
        elif operation.name != "barrier":
            branches = [(p, ket.evolve(operation, places), bits) for p, ket, bits in branches]
    return branches


def _holds(condition, circuit: QuantumCircuit, bits: tuple[int, ...]) -> bool:
    target, value = condition
    own = [target] if isinstance(target, Clbit) else list(target)
    return sum(bits[circuit.find_bit(b).index] << k for k, b in enumerate(own)) == int(value)


def _measured(weight: float, ket: Statevector, bits: tuple[int, ...], place: int, bit: int | None):
    """The branches of one measurement; of a reset where no bit is given."""
    for outcome in (0, 1):
        kept = ket.evolve(np.diag([1.0 - outcome, float(outcome)]), [place])
        chance = float(np.vdot(kept.data, kept.data).real)
        if chance < NEGLIGIBLE:
            continue
        after = Statevector(kept.data / np.sqrt(chance))
        if bit is None:
            flipped = after.evolve(np.array([[0, 1], [1, 0]]), [place]) if outcome else after
            yield weight * chance, flipped, bits
        else:
            yield weight * chance, after, (*bits[:bit], outcome, *bits[bit + 1 :])
