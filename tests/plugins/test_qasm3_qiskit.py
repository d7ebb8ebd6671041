"""OpenQASM 3 in and out agrees with Qiskit's exporter and loader."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm3, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.classical import expr
from qiskit.circuit.library import efficient_su2, standard_gates
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Statevector
from qiskit.transpiler import CouplingMap
from qiskit_aer import AerSimulator
from test_qasm_qiskit import PROGRAMS, equal_up_to_phase, unitary

import hybridge as hb


def read_again(circuit):
    """The circuit as Qiskit writes it and hybridge reads it."""
    return hb.from_qasm3(qasm3.dumps(circuit))


GATES = {
    name: gate for name, gate in standard_gates.get_standard_gate_name_mapping().items() if gate.num_qubits
}
GATES = {k: g for k, g in GATES.items() if k not in ("measure", "reset", "delay")}


@pytest.mark.parametrize("name", GATES)
def test_every_gate_that_qiskit_writes_is_read_alike(name):
    gate = GATES[name].to_mutable()
    rng = np.random.default_rng(5)
    gate.params = rng.uniform(-3, 3, len(gate.params)).tolist()
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits)[::-1])
    assert equal_up_to_phase(unitary(read_again(circuit)), Operator(circuit.reverse_bits()).data)


@pytest.mark.parametrize("seed", range(12))
def test_a_random_circuit_that_qiskit_writes_is_read_alike(seed):
    circuit = random_circuit(4, 6, max_operands=4, seed=seed)
    assert equal_up_to_phase(unitary(read_again(circuit)), Operator(circuit.reverse_bits()).data)


def test_parameters_are_inputs():
    circuit = efficient_su2(3, reps=1)
    program = read_again(circuit)
    values = dict(zip(circuit.parameters, np.random.default_rng(2).uniform(-3, 3, 12), strict=True))
    named = {name: values[p] for name, p in zip(sorted_names(program), circuit.parameters, strict=True)}

    @hb.qnode(hb.device("default.qubit", wires=3))
    def node():
        program(**named)
        return hb.state()

    expected = Statevector(circuit.assign_parameters(values).reverse_bits()).data
    assert abs(abs(np.vdot(node(), expected)) - 1) < 1e-12


def sorted_names(program):
    """The exporter writes the element 10 of a vector x as _x_10_: in the order of the numbers."""
    return sorted(program.parameters, key=lambda name: int(name.strip("_").split("_")[-1]))


def test_formulas_of_parameters_are_read():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.rx(2 * a + b / 3 - 1, 0)
    circuit.rz(a * b, 0)
    program = read_again(circuit)

    @hb.qnode(hb.device("default.qubit", wires=1))
    def node(a, b):
        program(a=a, b=b)
        return hb.expval(hb.Z(0))

    assert np.isclose(node(0.3, 0.4), np.cos(0.6 + 0.4 / 3 - 1), atol=1e-12)
    assert np.isclose(hb.grad(node)(0.3, 0.4), -2 * np.sin(0.6 + 0.4 / 3 - 1), atol=1e-12)


# what may stand in a circuit, of the wires w and the numbers x
DRAWN = (
    lambda w, x: hb.ctrl(hb.RX, control=w[0], control_values=0)(x[0], wires=w[1]),
    lambda w, x: hb.adjoint(hb.SX)(w[0]),
    lambda w, x: hb.Toffoli(w),
    lambda w, x: hb.ISWAP(w[:2]),
    lambda w, x: hb.PauliRot(x[1], "XYZ", wires=w),
    lambda w, x: hb.GlobalPhase(x[2]),
    lambda w, x: hb.ctrl(hb.S, control=w[:2], control_values=[1, 0])(w[2]),
    lambda w, x: hb.CRot(*x, wires=w[1:]),
    lambda w, x: hb.U3(*x, wires=w[0]),
)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_qiskit_reads_alike(seed):
    rng = np.random.default_rng(seed)
    steps = [(DRAWN[rng.integers(len(DRAWN))], rng.permutation(3), rng.uniform(-3, 3, 3)) for _ in range(20)]

    @hb.qnode(hb.device("default.qubit", wires=3))
    def node():
        for step, wires, numbers in steps:
            step(wires.tolist(), numbers.tolist())
        return hb.state()

    found = Statevector(qasm3.loads(hb.to_qasm3(node)()).reverse_bits()).data
    assert np.allclose(found, node(), atol=1e-12)


def test_parameters_of_a_vector_are_written_by_qiskit_in_a_way_that_is_read():
    x = ParameterVector("x", 11)
    circuit = QuantumCircuit(1)
    for element in x:
        circuit.rx(element, 0)
    assert len(read_again(circuit).parameters) == 11


def blocks():
    """A circuit with all the blocks that Qiskit writes and hybridge reads, and its bits measured."""
    circuit, i = QuantumCircuit(3, 3), Parameter("i")
    circuit.ry(1.1, 0)
    circuit.rx(0.7, 1)
    with circuit.for_loop(range(0, 3), i):
        circuit.rx(0.3 * i + 0.1, 2)
        with circuit.for_loop([2, 0]):
            circuit.rz(0.4, 2)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test(expr.less(circuit.cregs[0], 2)) as otherwise:
        circuit.rx(0.3, 2)
    with otherwise:
        circuit.h(2)
    with circuit.if_test(expr.bit_xor(circuit.clbits[0], circuit.clbits[1])):
        circuit.ry(0.5, 2)
    with circuit.switch(circuit.cregs[0]) as case:
        with case(0, 3):
            circuit.ry(0.2, 2)
        with case(case.DEFAULT):
            circuit.ry(0.9, 2)
    circuit.delay(3, 2)
    circuit.measure(2, 2)
    return circuit


def test_blocks_that_qiskit_writes_are_read_alike():
    program = read_again(blocks())
    node = hb.QNode(lambda: hb.probs(program()), hb.device("default.qubit", wires=3))
    counts = AerSimulator().run(blocks(), shots=200_000, seed_simulator=3).result().get_counts()
    found, expected = np.array([counts.get(f"{k:03b}"[::-1], 0) for k in range(8)]) / 200_000, node()
    # 6 standard deviations in each of 8: a false alarm in 10^8
    assert (np.abs(found - expected) < 6 * np.sqrt(expected * (1 - expected) / 200_000)).all()


def test_a_circuit_on_physical_qubits_is_read_alike():
    layout = [4, 2, 0]
    circuit = QuantumCircuit(3)
    circuit.u(0.3, 0.4, 0.5, 0)
    circuit.cx(0, 2)
    circuit.ry(0.7, 1)
    physical = transpile(
        circuit, coupling_map=CouplingMap.from_full(5), initial_layout=layout, optimization_level=0
    )
    program = read_again(physical)
    node = hb.QNode(lambda: [program(), hb.probs(wires=layout)][1], hb.device("default.qubit", wires=5))
    assert np.allclose(node(), Statevector(circuit.reverse_bits()).probabilities(), atol=1e-12)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_of_version_2_becomes_one_of_version_3(path):
    program = hb.from_qasm(path)
    node = hb.QNode(lambda: [program(), hb.probs()][1], hb.device("default.qubit", wires=program.num_wires))
    again = hb.from_qasm3(hb.to_qasm3(node)())
    assert again.num_wires == program.num_wires and again.measures_inside == program.measures_inside
    if not program.measures_inside:
        other = node.update(function=lambda: [again(), hb.probs()][1])
        assert np.abs(node() - other()).max() < 1e-12
