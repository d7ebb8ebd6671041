"""Programs in OpenQASM give Qiskit's numbers on every device, and what is written is read alike by both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qasm_branches import distribution
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Statevector

import hybridge as hb
from hybridge.io.qasm_reader import standard_gate

PROGRAMS = sorted((Path(__file__).parents[1] / "data" / "qasm").glob("*.qasm"))
HEADER = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
DEVICES = ("default.qubit", "qiskit.aer", "forest.numpy")


def in_qiskit(text):
    """The circuit as Qiskit reads it, with all the gates that it knows."""
    return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def probabilities(circuit: QuantumCircuit):
    """Of all basis states, qubit 0 most significant, measurements at the end left out."""
    return Statevector(circuit.remove_final_measurements(inplace=False).reverse_bits()).probabilities()


ENDING = [p for p in PROGRAMS if not hb.from_qasm(p).measures_inside]


def test_there_are_programs_enough():
    assert len(PROGRAMS) >= 16 and len(ENDING) >= 13


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("path", ENDING, ids=lambda p: p.stem)
def test_a_program_has_the_probabilities_that_it_has_elsewhere(path, device):
    program = hb.from_qasm(path)

    @hb.qnode(hb.device(device, wires=program.num_wires))
    def node():
        program()
        return hb.probs()

    assert np.abs(node() - probabilities(in_qiskit(path.read_text()))).max() < 1e-9


@pytest.mark.parametrize("path", ENDING, ids=lambda p: p.stem)
def test_what_is_measured_is_measured_elsewhere(path):
    program, circuit = hb.from_qasm(path), in_qiskit(path.read_text())
    measured = {}
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            bit = circuit.find_bit(instruction.clbits[0]).index
            measured[bit] = circuit.find_bit(instruction.qubits[0]).index
    assert program.measured == tuple(measured[bit] for bit in sorted(measured))


EXTENDED = [gate.name for gate in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if gate.name != "delay"]


@pytest.mark.parametrize("name", EXTENDED)
def test_every_gate_of_the_standard_file_is_read_alike(name):
    gate = standard_gate(name)
    numbers = np.random.default_rng(3).uniform(-3, 3, len(gate.params)).tolist()
    if name == "u0":
        numbers = [1]
    given = f"({', '.join(map(repr, numbers))})" if numbers else ""
    wires = ", ".join(f"q[{k}]" for k in range(gate.num_wires))
    text = f"{HEADER}qreg q[{gate.num_wires}];\n{name}{given} {wires};\n"
    found, expected = unitary(hb.from_qasm(text)), Operator(in_qiskit(text).reverse_bits()).data
    assert equal_up_to_phase(found, expected)


def test_a_program_may_define_anew_what_came_later_to_the_standard_file():
    text = (
        HEADER
        + "qreg q[2]; gate cuf c,t { u1 (-3*pi/8) t; cx c,t; u1 (3*pi/8) t; cx c,t; } gate cu c,t {cuf c,t;}"
    )
    text += "gate swap a,b { h a; cx a,b; } gate sx() a { t a; } h q; cu q[0],q[1]; swap q[1],q[0]; sx q[0];"
    assert equal_up_to_phase(unitary(hb.from_qasm(text)), Operator(qasm2.loads(text).reverse_bits()).data)


def unitary(program, num_wires=None):
    """The matrix of what a program applies, column by column."""
    n = program.num_wires if num_wires is None else num_wires

    @hb.qnode(hb.device("default.qubit", wires=n))
    def column(index):
        hb.BasisState([index >> (n - 1 - k) & 1 for k in range(n)], wires=range(n))
        program()
        return hb.state()

    return np.array([column(index) for index in range(2**n)]).T


def equal_up_to_phase(a, b, tolerance=1e-9):
    overlap = np.vdot(a, b)
    return np.abs(a * (overlap / abs(overlap)) - b).max() < tolerance


@pytest.mark.parametrize("path", ENDING, ids=lambda p: p.stem)
def test_a_program_is_written_as_it_was_read(path):
    program = hb.from_qasm(path)

    @hb.qnode(hb.device("default.qubit", wires=program.num_wires))
    def node():
        wires = program()
        return hb.probs(wires=wires or None)

    text = hb.to_qasm(node)()
    again = hb.from_qasm(text)
    expected = probabilities(in_qiskit(path.read_text()))
    # without the wider set of gates: what is written every reader knows
    assert np.abs(probabilities(qasm2.loads(text)) - expected).max() < 1e-9
    assert again.measured == (program.measured or tuple(range(program.num_wires)))
    assert np.abs(node.update(function=lambda: [again(), hb.probs()][1])() - expected).max() < 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_a_random_circuit_that_qiskit_writes_is_read_alike(seed):
    circuit = random_circuit(4, 8, max_operands=4, seed=seed)
    found = unitary(hb.from_qasm(qasm2.dumps(circuit)))
    assert equal_up_to_phase(found, Operator(circuit.reverse_bits()).data)


INSIDE = [p for p in PROGRAMS if p not in ENDING]


@pytest.mark.parametrize("written", [lambda p: p, lambda p: hb.from_qasm(hb.to_qasm(read_out(p))())])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("path", INSIDE, ids=lambda p: p.stem)
def test_measurements_and_conditions_have_the_outcomes_that_they_have_elsewhere(path, device, written):
    first = hb.from_qasm(path)
    program = written(first)
    found = read_out(program, device)()
    expected = np.zeros(len(found))
    size = len(found).bit_length() - 1
    for bits, chance in distribution(in_qiskit(path.read_text())).items():
        expected[int("".join(map(str, bits[:size])), 2)] += chance
    assert len(first.bits) == size and np.abs(found - expected).max() < 1e-9


SENT_TWICE = """// Bits written again, registers of one bit in their own order, no line of the version.
include "qelib1.inc";

qreg q[4];
creg m2[1];
creg m0[1];
creg m3[2];

rx (pi*0.25) q[0];
ry(pi*-0.3) q[2] ;
cx q[0],q[1];   // spaces where they please
measure q[2]->m2[0];
h q[2]; u3(pi*0.5,0,pi*0.75) q[0];
measure q[0] -> m0[0];
measure q[2] -> m2[0];
barrier q[0],q[1],q;
ry(1.5E-1) q[3]; cx q[2], q[3];
measure q[1] -> m3[1];
measure q[3] -> m3[0];
"""


@pytest.mark.parametrize("device", DEVICES)
def test_a_bit_that_is_written_again_has_its_last_outcome(device):
    found, expected = read_out(hb.from_qasm(SENT_TWICE), device)(), np.zeros(16)
    for bits, chance in distribution(in_qiskit(SENT_TWICE)).items():
        expected[int("".join(map(str, bits)), 2)] += chance
    assert np.abs(found - expected).max() < 1e-9


def read_out(program, device="default.qubit"):
    """A node with the probabilities of the program's classical bits, bit 0 first."""

    @hb.qnode(hb.device(device, wires=program.num_wires))
    def node():
        return hb.probs(program())

    return node
