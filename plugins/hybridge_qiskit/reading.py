"""A QuantumCircuit as hybridge's operations, definitions followed down to gates that the table has."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    CASE_DEFAULT,
    AnnotatedOperation,
    ClassicalRegister,
    Clbit,
    ControlledGate,
    ControlModifier,
    ForLoopOp,
    Gate,
    IfElseOp,
    InverseModifier,
    Parameter,
    ParameterExpression,
    PowerModifier,
    SwitchCaseOp,
)
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError

from hybridge.plugin import (
    FAMILIES,
    STANDARD_GATES,
    Entry,
    FormatError,
    ImportedCircuit,
    Measured,
    adjoint_row,
    conditions,
    controlled,
    expression,
    formula,
    powered,
    standard_gate,
)

Wires = tuple[int, ...]
COMPARED: dict[str, Callable[[int, int], bool]] = {
    "EQUAL": operator.eq,
    "NOT_EQUAL": operator.ne,
    "LESS": operator.lt,
    "LESS_EQUAL": operator.le,
    "GREATER": operator.gt,
    "GREATER_EQUAL": operator.ge,
}
STANDARD = get_standard_gate_name_mapping()
MAX_TIMES = 10**5  # operations that a power of a circuit, or a loop, comes to
MAX_MATRIX = 10  # qubits of a gate that is read by its matrix alone


class Reader:
    """Reads one circuit; Entry by Entry, classical bits numbered as the circuit numbers them."""

    def __init__(self, format: str, circuit: QuantumCircuit):
        self.format, self.circuit = format, circuit
        self.entries: list[Entry | Measured] = []
        self.touched: set[int] = set()
        self.room = MAX_TIMES + len(circuit.data)
        self.names = {p: Parameter(f"p{k}") for k, p in enumerate(circuit.parameters)}
        self.values = {f"p{k}": expression.parameter(p.name) for k, p in enumerate(circuit.parameters)}

    def read(self) -> ImportedCircuit:
        """The circuit."""
        circuit = self.circuit
        bits = tuple(range(circuit.num_clbits))
        self._circuit(circuit, tuple(range(circuit.num_qubits)), bits, conditions.ALWAYS)
        return ImportedCircuit(
            tuple(self.entries),
            tuple(range(circuit.num_qubits)),
            tuple(p.name for p in circuit.parameters),
            tuple(_bit_name(circuit, bit) for bit in circuit.clbits),
        )

    def _circuit(
        self, circuit: QuantumCircuit, wires: Wires, bits: Wires, condition: conditions.Condition
    ) -> None:
        """What a circuit, or a block of one, does on these wires and bits where the condition holds."""
        self._add(self._phase(circuit), condition)
        for instruction in circuit.data:
            operation = instruction.operation
            on = tuple(wires[circuit.find_bit(q).index] for q in instruction.qubits)
            into = tuple(bits[circuit.find_bit(c).index] for c in instruction.clbits)
            if isinstance(operation, IfElseOp):
                self._branches(operation, circuit, on, bits, into, condition)
            elif isinstance(operation, SwitchCaseOp):
                self._cases(operation, circuit, on, bits, into, condition)
            elif isinstance(operation, ForLoopOp):
                self._loop(operation, on, into, condition)
            elif operation.name == "box":
                self._circuit(operation.blocks[0], on, into, condition)
            elif operation.name in ("measure", "reset"):
                if condition.bits:
                    raise self._error(f"a {operation.name} under a condition")
                self._measured(operation.name, on, into)
            elif operation.name in ("initialize", "state_preparation"):
                self._prepared(operation, on, condition)
            else:
                self._add(self._entries(operation, on), condition)
            self.touched.update(on if operation.name != "barrier" else ())

    def _loop(self, operation: ForLoopOp, wires: Wires, bits: Wires, condition: conditions.Condition) -> None:
        """A loop over known numbers, written out."""
        values, parameter, block = operation.params
        for value in values:
            done = block if parameter is None else block.assign_parameters({parameter: value})
            self._circuit(done, wires, bits, condition)
            if len(self.entries) > self.room:
                raise self._error(f"a loop that makes it more than {self.room} operations")

    def _error(self, what: str) -> FormatError:
        return FormatError(self.format, f"{what} is not read")

    def _add(self, found: Sequence[Entry], condition: conditions.Condition) -> None:
        self.entries += [e._replace(bits=condition.bits, allowed=condition.allowed) for e in found]

    def _measured(self, name: str, wires: Wires, bits: Wires) -> None:
        if name == "measure":
            self.entries += [Measured(w, b) for w, b in zip(wires, bits, strict=True)]
        else:
            self.entries += [Measured(w, reset=True) for w in wires]

    def _prepared(self, operation: Any, wires: Wires, condition: conditions.Condition) -> None:
        """A state: as one where nothing has been done to its wires, else by its definition."""
        vector = np.asarray(operation.params)
        is_ket = vector.shape == (2 ** len(wires),) and vector.dtype.kind in "fc"
        if is_ket and not condition.bits and self.touched.isdisjoint(wires):
            row = FAMILIES["StatePrep"].of(len(wires), vector.astype(complex))
            self.entries.append(Entry(row, wires[::-1]))
        elif operation.name == "initialize":
            self._circuit(operation.definition, wires, (), condition)
        else:
            self._add(self._entries(operation, wires), condition)

    # --- gates ---

    def _entries(self, operation: Any, wires: Wires) -> list[Entry]:
        """The rows that a gate comes to."""
        name = operation.name
        if name == "barrier":
            return [Entry(FAMILIES["Barrier"].of(len(wires)), wires)]
        if name == "delay":
            return []
        if name == "global_phase":
            return [self._phase_of(operation.params[0])]
        if name == "unitary":
            return [Entry(FAMILIES["QubitUnitary"].of(len(wires), operation.params[0]), wires[::-1])]
        if name == "diagonal":
            return [Entry(FAMILIES["DiagonalQubitUnitary"].of(len(wires), operation.params), wires[::-1])]
        if isinstance(operation, AnnotatedOperation):
            return self._annotated(operation, wires)
        if _is_standard(operation):
            numbers = [self._number(p) for p in operation.params]
            return list(standard_gate(name).entries(numbers, wires))
        if isinstance(operation, ControlledGate) and operation.num_qubits == _num_acting(operation):
            inner = self._entries(operation.base_gate, wires[operation.num_ctrl_qubits :])
            return _under(inner, wires, operation.num_ctrl_qubits, operation.ctrl_state)
        definition = operation.definition
        if definition is None:
            return [self._by_matrix(operation, wires)]
        if definition.num_clbits:
            raise self._error(f"the operation {name!r}, which has no definition by gates,")
        found = self._phase(definition)
        for instruction in definition.data:
            on = tuple(wires[definition.find_bit(q).index] for q in instruction.qubits)
            if instruction.operation.name == "reset" or isinstance(instruction.operation, IfElseOp):
                raise self._error(f"{instruction.operation.name} inside of {name!r}")
            found += self._entries(instruction.operation, on)
        return found

    def _by_matrix(self, operation: Any, wires: Wires) -> Entry:
        """The matrix of a gate that has no definition."""
        if not isinstance(operation, Gate) or len(wires) > MAX_MATRIX or operation.is_parameterized():
            raise self._error(f"the operation {operation.name!r}, which has no definition by gates,")
        try:
            matrix = operation.to_matrix()
        except QiskitError as error:
            raise self._error(
                f"the gate {operation.name!r}, which has no definition and no matrix,"
            ) from error
        return Entry(FAMILIES["QubitUnitary"].of(len(wires), matrix), wires[::-1])

    def _annotated(self, operation: AnnotatedOperation, wires: Wires) -> list[Entry]:
        controls = [m for m in operation.modifiers if isinstance(m, ControlModifier)]
        found = self._entries(operation.base_op, wires[sum(m.num_ctrl_qubits for m in controls) :])
        for modifier in operation.modifiers:
            if isinstance(modifier, ControlModifier):
                start = len(wires) - operation.base_op.num_qubits  # later controls stand before earlier ones
                done = sum(m.num_ctrl_qubits for m in controls[: controls.index(modifier)])
                own = wires[start - done - modifier.num_ctrl_qubits : start - done]
                found = _under(found, own, modifier.num_ctrl_qubits, modifier.ctrl_state)
            elif isinstance(modifier, InverseModifier):
                found = _inverse(found)
            elif isinstance(modifier, PowerModifier):
                found = self._power(found, wires, modifier.power)
        return found

    def _power(self, found: list[Entry], wires: Wires, exponent: float) -> list[Entry]:
        if len(found) * abs(exponent) > MAX_TIMES and len(found) > 1:
            raise self._error(f"the power {exponent} of a gate that is several")
        return list(powered(found, wires, exponent))

    # --- numbers ---

    def _phase(self, circuit: QuantumCircuit) -> list[Entry]:
        phase = circuit.global_phase
        if isinstance(phase, (int, float)) and phase == 0:
            return []
        return [self._phase_of(phase)]

    def _phase_of(self, phase: Any) -> Entry:
        """Qiskit's is exp(+i phase), the row's exp(-i phi)."""
        return Entry(FAMILIES["GlobalPhase"].of(0), (), (expression.call("negative", self._number(phase)),))

    def _number(self, value: Any) -> expression.Number:
        """A number of a gate: plain, or a formula of the circuit's parameters."""
        if isinstance(value, ParameterExpression):
            if value.parameters:
                shown = str(value.subs({p: self.names[p] for p in value.parameters}))
                return formula(self.format, shown, self.values)
            value = value.numeric()
        return expression.constant(value)

    # --- conditions ---

    def _branches(
        self,
        operation: IfElseOp,
        circuit: QuantumCircuit,
        wires: Wires,
        bits: Wires,
        into: Wires,
        outer: conditions.Condition,
    ) -> None:
        inside = self._condition(operation.condition, circuit, bits)
        parts = [inside, conditions.opposite(inside)] if len(operation.blocks) > 1 else [inside]
        for block, part in zip(operation.blocks, parts, strict=True):
            self._circuit(block, wires, into, conditions.both(outer, part))

    def _cases(
        self,
        operation: SwitchCaseOp,
        circuit: QuantumCircuit,
        wires: Wires,
        bits: Wires,
        into: Wires,
        outer: conditions.Condition,
    ) -> None:
        """Each case acts where its numbers stand in the bits, the default where no other's do."""
        target = operation.target.var if isinstance(operation.target, expr.Var) else operation.target
        if not isinstance(target, (Clbit, ClassicalRegister)):
            raise self._error(f"a switch on {operation.target}")
        places = self._places(target, circuit, bits)
        others = conditions.ALWAYS
        for labels, block in operation.cases_specifier():
            found = others
            if CASE_DEFAULT not in labels:
                chosen = [conditions.equals(places, int(label)) for label in labels]
                found = reduce(conditions.either, chosen)
                others = conditions.both(others, conditions.opposite(found))
            self._circuit(block, wires, into, conditions.both(outer, found))

    def _places(self, thing: Any, circuit: QuantumCircuit, bits: Wires) -> list[int]:
        """The classical bits of a bit or register of the circuit, the least significant first."""
        own = [thing] if isinstance(thing, Clbit) else list(thing)
        return [bits[circuit.find_bit(bit).index] for bit in own]

    def _condition(self, condition: Any, circuit: QuantumCircuit, bits: Wires) -> conditions.Condition:
        """The patterns of bits at which a condition of Qiskit holds."""

        def places(thing: Any) -> list[int]:
            return self._places(thing, circuit, bits)

        def holds(node: Any) -> conditions.Condition:
            if isinstance(node, expr.Var) and isinstance(node.var, Clbit):
                return conditions.equals(places(node.var), 1)
            if isinstance(node, expr.Cast):
                return holds(node.operand)
            if isinstance(node, expr.Unary) and node.op.name in ("LOGIC_NOT", "BIT_NOT"):
                return conditions.opposite(holds(node.operand))
            if isinstance(node, expr.Binary):
                name = node.op.name
                if name in ("LOGIC_AND", "BIT_AND"):
                    return conditions.both(holds(node.left), holds(node.right))
                if name in ("LOGIC_OR", "BIT_OR"):
                    return conditions.either(holds(node.left), holds(node.right))
                if name in ("BIT_XOR", "NOT_EQUAL", "EQUAL") and node.right.type == types.Bool():
                    unlike = conditions.differ(holds(node.left), holds(node.right))
                    return conditions.opposite(unlike) if name == "EQUAL" else unlike
                if name in COMPARED and isinstance(node.right, expr.Value):
                    register = node.left.operand if isinstance(node.left, expr.Cast) else node.left
                    if isinstance(register, expr.Var) and isinstance(register.var, ClassicalRegister):
                        number = int(node.right.value)
                        if name == "EQUAL":  # of any number of bits
                            return conditions.equals(places(register.var), number)
                        return conditions.where(places(register.var), lambda v: COMPARED[name](v, number))
            raise self._error(f"the condition {node}")

        if isinstance(condition, tuple):
            return conditions.equals(places(condition[0]), int(condition[1]))
        return holds(condition)


def _num_acting(operation: ControlledGate) -> int:
    """Its controls and what they control; some gates have ancillas beside them."""
    return operation.num_ctrl_qubits + operation.base_gate.num_qubits


def _is_standard(operation: Any) -> bool:
    """Whether it is the gate of Qiskit's library that its name says, and none controlled on zeros."""
    known = STANDARD.get(operation.name)
    if known is None or operation.name not in STANDARD_GATES or known.base_class is not operation.base_class:
        return False
    return (
        not isinstance(operation, ControlledGate) or operation.ctrl_state == 2**operation.num_ctrl_qubits - 1
    )


def _under(found: Sequence[Entry], wires: Wires, count: int, state: int) -> list[Entry]:
    """The rows where the first `count` wires read the state, its bit k that of control k."""
    values, on = tuple([state >> k & 1 for k in range(count)]), wires[:count]
    return [Entry(controlled(e.operation, values), (*on, *e.wires), e.numbers) for e in found]


def _inverse(found: Sequence[Entry]) -> list[Entry]:
    return [e._replace(operation=adjoint_row(e.operation)) for e in reversed(found)]


def _bit_name(circuit: QuantumCircuit, bit: Clbit) -> str:
    registers = circuit.find_bit(bit).registers
    return f"{registers[0][0].name}[{registers[0][1]}]" if registers else f"bit {circuit.find_bit(bit).index}"
