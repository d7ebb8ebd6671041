"""Qiskit's circuits and operators, both ways: wire w is qubit w, numbers and phases the same."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    InverseModifier,
    Parameter,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import (
    DiagonalGate,
    HGate,
    MCMTGate,
    PauliGate,
    PermutationGate,
    QFTGate,
    RXGate,
    RYGate,
    StatePreparation,
    efficient_su2,
    get_standard_gate_name_mapping,
    zz_feature_map,
)
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector, random_hermitian, random_unitary
from test_qasm3_qiskit import blocks
from test_qasm_qiskit import unitary

import hybridge as hb
from hybridge.conformance.rows import examples
from hybridge.plugin import controlled

UNITARY = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if name not in ("measure", "reset", "delay")
}


def matrix(circuit):
    """Of a QuantumCircuit, qubit 0 most significant, its global phase included."""
    return Operator(circuit.reverse_bits()).data


def same(circuit):
    """Whether it is read as the unitary that it is in Qiskit, the global phase too."""
    found = unitary(hb.from_qiskit(circuit), circuit.num_qubits)
    return np.abs(found - matrix(circuit)).max() < 1e-10


@pytest.mark.parametrize("name", UNITARY)
def test_every_gate_is_read_with_its_phase(name):
    gate = UNITARY[name].to_mutable()
    gate.params = np.random.default_rng(5).uniform(-3, 3, len(gate.params)).tolist()
    circuit = QuantumCircuit(gate.num_qubits + 1, global_phase=0.3)
    circuit.append(gate, range(gate.num_qubits)[::-1])
    assert same(circuit)


@pytest.mark.parametrize("seed", range(10))
def test_a_random_circuit_is_read_with_its_phase(seed):
    assert same(random_circuit(4, 8, max_operands=4, seed=seed))


def appended(gate, qubits, size=3):
    circuit = QuantumCircuit(size)
    circuit.append(gate, qubits)
    return circuit


def defined():
    inner = QuantumCircuit(2, global_phase=0.4, name="mine")
    inner.rx(0.3, 1)
    inner.append(random_unitary(4, seed=3).to_instruction(), [1, 0])
    return inner.to_gate()


SPECIAL = {
    "controlled on zeros": appended(HGate().control(2, ctrl_state="01", annotated=False), [2, 0, 1]),
    "a rotation under three controls": appended(
        RXGate(0.4).control(3, ctrl_state=5, annotated=False), [3, 0, 1, 2], 4
    ),
    "a unitary": appended(random_unitary(8, seed=1).to_instruction(), [2, 0, 1]),
    "a unitary under control": appended(
        random_unitary(4, seed=2).to_instruction().control(1, annotated=False), [1, 2, 0]
    ),
    "a diagonal": appended(DiagonalGate(np.exp(1j * np.arange(4)).tolist()), [2, 0]),
    "Pauli letters": appended(PauliGate("XYZ"), [1, 0, 2]),
    "a definition of one's own": appended(defined(), [2, 0]),
    "a definition under control": appended(defined().control(1, ctrl_state=0, annotated=False), [1, 2, 0]),
    "its inverse": appended(defined().inverse(), [2, 0]),
    "many controls": appended(HGate().control(1, annotated=False), [0, 1]).compose(
        appended(UNITARY["x"].control(2, annotated=False), [2, 1, 0])
    ),
    "an annotated inverse": appended(AnnotatedOperation(defined(), InverseModifier()), [0, 1]),
    "an annotated control": appended(AnnotatedOperation(HGate(), ControlModifier(2, 1)), [1, 2, 0]),
    "an annotated power": appended(AnnotatedOperation(defined(), PowerModifier(3)), [0, 1]),
    "a fraction of a definition": appended(AnnotatedOperation(QFTGate(2), PowerModifier(0.5)), [1, 0]),
    "controls of several gates": appended(MCMTGate(RYGate(0.3), 2, 2), [2, 0, 3, 1], 4),
    "a gate that is its matrix alone": appended(PermutationGate([2, 0, 1]), [2, 0, 1]),
}


@pytest.mark.parametrize("what", SPECIAL)
def test_gates_of_every_kind_are_read_with_their_phase(what):
    assert same(SPECIAL[what])


def state_of(program, *values, **named):
    @hb.qnode(hb.device("default.qubit", wires=program.num_wires))
    def node():
        program(*values, **named)
        return hb.state()

    return node()


@pytest.mark.parametrize("make", [lambda: efficient_su2(4, reps=2), lambda: zz_feature_map(3, reps=2)])
def test_parameters_are_in_the_order_of_the_circuit_and_have_its_names(make):
    circuit = make()
    values = np.random.default_rng(3).uniform(-2, 2, circuit.num_parameters)
    program = hb.from_qiskit(circuit)
    assert program.parameters == tuple(p.name for p in circuit.parameters)
    expected = Statevector(circuit.assign_parameters(values).reverse_bits()).data
    vector = circuit.parameters[0].name.partition("[")[0]
    for found in (
        state_of(program, *values),
        state_of(program, values),
        state_of(program, **{vector: values}),
        state_of(program, **dict(zip(program.parameters, values, strict=True))),
    ):
        assert np.allclose(found, expected, atol=1e-12)


def test_formulas_and_phases_depend_on_the_parameters():
    a, x = Parameter("α"), ParameterVector("x", 12)
    circuit = QuantumCircuit(1, global_phase=a / 2)
    circuit.rx(2 * a - x[10] * x[2] + 1.25e-7, 0)
    circuit.rz((x[2] ** 2).sin() / 3 - a.exp(), 0)
    program = hb.from_qiskit(circuit)
    values = np.random.default_rng(3).uniform(-1, 1, circuit.num_parameters)
    expected = Statevector(circuit.assign_parameters(values)).data
    assert np.allclose(state_of(program, *values), expected, atol=1e-14)


KET = np.random.default_rng(1).normal(size=(4, 2)) @ [1, 1j]
KET /= np.linalg.norm(KET)


@pytest.mark.parametrize("first", [True, False])
def test_a_state_is_prepared_in_qiskits_order(first):
    circuit = QuantumCircuit(3)
    if not first:
        circuit.x(1)
        circuit.cx(1, 0)
    circuit.append(StatePreparation(KET), [2, 0])
    expected = Statevector(circuit.reverse_bits()).data
    assert np.allclose(state_of(hb.from_qiskit(circuit)), expected, atol=1e-12)


def test_an_initialisation_resets_what_was_touched():
    circuit = QuantumCircuit(3)
    circuit.initialize(KET, [2, 0])
    fresh = Statevector.from_instruction(appended(StatePreparation(KET), [2, 0]).reverse_bits()).data
    assert np.allclose(state_of(hb.from_qiskit(circuit)), fresh, atol=1e-12)
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.initialize(KET, [2, 0])
    program = hb.from_qiskit(circuit)
    node = hb.QNode(lambda: [program(), hb.probs(wires=range(3))][1], hb.device("default.qubit", wires=3))
    assert np.allclose(node(), np.abs(fresh) ** 2, atol=1e-12)


def rows():
    """Every qubit gate and ket of the table, and some derived from them."""
    found = [e for e in examples("qubit", {}) if e.operation.kind in ("gate", "state")]
    return [e for e in found if e.operation.num_wires <= 6 and not e.operation.mixed]


@pytest.mark.parametrize("example", rows(), ids=str)
def test_a_row_is_written_and_read_again_with_its_phase(example):
    row, numbers = example.operation, example.numbers
    order = np.random.default_rng(4).permutation(max(1, row.num_wires)).tolist()

    @hb.qnode(hb.device("default.qubit", wires=max(1, row.num_wires)))
    def node():
        for k in order if row.kind == "gate" else ():
            hb.U3(0.4 + k, 0.3 * k, 0.7, wires=k)
        row(*numbers, wires=order[: row.num_wires])
        return hb.state()

    circuit = hb.to_qiskit(node)()
    assert np.allclose(Statevector(circuit.reverse_bits()).data, node(), atol=1e-10)
    assert np.allclose(state_of(hb.from_qiskit(circuit)), node(), atol=1e-10)


def test_controls_on_zeros_are_written_as_they_are():
    @hb.qnode(hb.device("default.qubit", wires=3))
    def node():
        hb.H(0)
        controlled(hb.SX, (0, 1))(wires=[0, 2, 1])
        return hb.state()

    assert np.allclose(Statevector(hb.to_qiskit(node)().reverse_bits()).data, node(), atol=1e-12)


def test_measurements_and_conditions_are_read_and_written():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.x(1)
    with otherwise:
        circuit.ry(0.5, 1)
    with circuit.if_test(expr.logic_not(circuit.clbits[0])):
        circuit.rx(0.3, 0)
    with circuit.if_test((circuit.cregs[0], 1)):
        circuit.rx(0.7, 0)
    circuit.measure(1, 1)

    @hb.qnode(hb.device("default.qubit", wires=2))
    def node():
        values = program()
        return hb.probs(wires=[0, 1]), hb.expval(values[0])

    # outcome 0: RX(0.3) and RY(0.5); outcome 1: X on wire 1 and RX(0.7)
    zero = np.kron([np.cos(0.15) ** 2, np.sin(0.15) ** 2], [np.cos(0.25) ** 2, np.sin(0.25) ** 2])
    one = np.kron([np.cos(0.35) ** 2, np.sin(0.35) ** 2], [0, 1])
    for program in (hb.from_qiskit(circuit), None):
        program = program or hb.from_qiskit(hb.to_qiskit(node_of(hb.from_qiskit(circuit)))())
        found, mean = node()
        assert np.allclose(found, (zero + one) / 2, atol=1e-12) and np.isclose(mean, 0.5, atol=1e-12)


def test_blocks_are_read_as_their_text_is():
    read = [hb.from_qiskit(blocks()), hb.from_qasm3(qasm3.dumps(blocks()))]
    nodes = [hb.QNode(partial(read_out, program), hb.device("default.qubit", wires=3)) for program in read]
    assert np.allclose(nodes[0](), nodes[1](), atol=1e-12) and len(np.unique(nodes[0]().round(6))) > 4


def read_out(program):
    return hb.probs(program())


def node_of(program):
    return hb.QNode(lambda: [program(), hb.expval(hb.Z(0))][1], hb.device("default.qubit", wires=2))


def test_operators_are_read_and_written_qubit_by_qubit():
    operator = SparsePauliOp.from_sparse_list([("XZ", [0, 2], 0.5), ("Y", [1], -1.5), ("", [], 2)], 3)
    observable = hb.from_qiskit(operator)
    dense = hb.from_qiskit(Operator(random_hermitian(8, seed=3)))
    ket = Statevector(random_circuit(3, 5, seed=2))
    program = hb.from_qiskit(random_circuit(3, 5, seed=2))

    @hb.qnode(hb.device("default.qubit", wires=3))
    def node():
        program()
        return hb.expval(observable), hb.expval(dense)

    expected = ket.expectation_value(operator), ket.expectation_value(random_hermitian(8, seed=3))
    assert np.allclose(node(), np.real(expected), atol=1e-12)
    assert hb.to_qiskit(observable).equiv(operator)
    assert np.allclose(hb.to_qiskit(dense).data, random_hermitian(8, seed=3).data, atol=1e-15)
    assert hb.to_qiskit(hb.Z(1) @ hb.X(0)) == SparsePauliOp(["ZX"])
    assert hb.to_qiskit(hb.Z(np.int64(1))) == SparsePauliOp(["ZI"])


REFUSED = {
    "is read; got str": lambda: hb.from_qiskit("h q;"),
    "measure under a condition": lambda: hb.from_qiskit(measured_under_a_condition()),
    "has no definition": lambda: hb.from_qiskit(looped()),
    "makes it more than": lambda: hb.from_qiskit(looped(10**9)),
    "numbers of qubits": lambda: hb.to_qiskit(hb.Z("a")),
    "at most 65536 qubits; got wire 1000000000": lambda: hb.to_qiskit(hb.Z(10**9)),
    "at most 13 qubits; got wire 40": lambda: hb.to_qiskit(hb.Hermitian(np.eye(2), 40)),
    "on qubits is read; got dimensions": lambda: hb.from_qiskit(Operator(np.eye(3))),
    "coefficients": lambda: hb.from_qiskit(SparsePauliOp(["X"], [Parameter("a")])),
}


def measured_under_a_condition():
    circuit = QuantumCircuit(1, 2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.measure(0, 1)
    return circuit


def looped(times=None):
    """A loop of so many times, or of as many as it takes."""
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(times)) if times else circuit.while_loop((circuit.clbits[0], 0)):
        circuit.x(0)
    return circuit


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_read_or_written_is_refused(message):
    with pytest.raises(hb.FormatError, match=message):
        REFUSED[message]()
