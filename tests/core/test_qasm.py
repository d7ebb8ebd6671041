"""OpenQASM by itself: every row survives being written and read, and a program means what it says."""

from __future__ import annotations

import numpy as np
import pytest

import hybridge as hb
from hybridge.circuit import Circuit, Instruction
from hybridge.conformance.rows import examples
from hybridge.operations.derived import controlled

WRITTEN = ("gate", "state", "marker")


def rows():
    """Every row on qubits that is written, with numbers, and some derived from them."""
    found = [e for e in examples("qubit", {}) if e.operation.kind in WRITTEN and not e.operation.mixed]
    derived = [
        hb.adjoint(hb.SISWAP),
        hb.adjoint(hb.U2),
        hb.pow(hb.T, 3),
        hb.pow(hb.RX, 0.5),
        hb.pow(hb.X, 0.3),
        *(controlled(row, (1, 0)) for row in (hb.CRX, hb.ISWAP, hb.GlobalPhase.of(1), hb.U3, hb.Rot, hb.SX)),
    ]
    return [*((e.operation, e.numbers) for e in found), *((row, None) for row in derived)]


def node_of(row, order):
    """A circuit in which this row acts on the wires in this order, none of them in a basis state."""

    @hb.qnode(hb.device("default.qubit", wires=max(1, len(order))))
    def node(*numbers):
        if row.kind != "state":
            for k in range(max(1, len(order))):
                hb.U3(0.4 + k, 0.3 * k, 0.7, wires=k)
            for k in range(len(order) - 1):
                hb.CNOT([k, k + 1])
        row(*numbers, wires=order)
        return hb.state()

    return node


def same_ray(a, b):
    return abs(abs(np.vdot(a, b)) - 1) < 1e-12


FORMATS = {"qasm": (hb.from_qasm, hb.to_qasm), "qasm3": (hb.from_qasm3, hb.to_qasm3)}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("row, numbers", rows(), ids=str)
def test_a_row_survives_being_written_and_read(row, numbers, format):
    read, write = FORMATS[format]
    rng = np.random.default_rng(11)
    order = rng.permutation(row.num_wires).tolist()
    node = node_of(row, order)
    numbers = rng.uniform(-3, 3, row.arity) if numbers is None else numbers
    again = read(write(node)(*numbers))
    assert same_ray(node.update(function=lambda: [again(), hb.state()][1])(), node(*numbers))


@pytest.mark.parametrize("format", FORMATS)
def test_every_other_row_is_refused_by_its_name(format):
    others = [e for kind in ("qubit", "cv") for e in examples(kind, {})]
    others = [
        e
        for e in others
        if e.operation.domain == "cv" or e.operation.mixed or e.operation.kind not in WRITTEN
    ]
    others = [e for e in others if e.operation.kind != "marker"]
    assert len(others) > 60
    for e in others:
        wires = tuple(range(e.operation.num_wires))
        circuit = Circuit((Instruction(e.operation, wires),), (), wires)
        with pytest.raises(hb.FormatError, match=f"{e.operation.name} cannot be written"):
            FORMATS[format][1](circuit)(*e.numbers)


def test_version_3_keeps_the_global_phase():
    node = node_of(hb.GlobalPhase.of(1), [0])
    again = hb.from_qasm3(hb.to_qasm3(node)(0.7))
    assert np.allclose(node.update(function=lambda: [again(), hb.state()][1])(), node(0.7), atol=1e-14)


# what version 3 says in one way, and in another
ALIKE = {
    "x q[0]; ctrl @ x q[0], q[1];": "x q[0]; cx q[0], q[1];",
    "negctrl @ ctrl @ y q[2], q[0], q[1];": "x q[2]; ctrl(2) @ y q[2], q[0], q[1]; x q[2];",
    "ctrl(2) @ h q[0], q[1], q[2];": "ctrl @ ch q[0], q[1], q[2];",
    "inv @ t q[0];": "tdg q[0];",
    "inv @ u3(0.1, 0.2, 0.3) q[0];": "u3(-0.1, -0.3, -0.2) q[0];",
    "pow(3) @ s q[0];": "sdg q[0];",
    "pow(-2) @ t q[0];": "sdg q[0];",
    "pow(0.5) @ z q[1];": "s q[1];",
    "pow(1/4.0) @ rx(0.8) q[1];": "rx(0.2) q[1];",
    "gate g a { h a; t a; } inv @ g q[0];": "tdg q[0]; h q[0];",
    "gate g a { h a; t a; } pow(2) @ g q[0];": "h q[0]; t q[0]; h q[0]; t q[0];",
    "gate g a { z a; } pow(0.5) @ g q[0];": "s q[0];",
    "gate g a { h a; z a; h a; } pow(0.5) @ g q[0];": "sx q[0];",
    "gate g a, b { h a; cx a, b; } ctrl @ g q[2], q[0], q[1];": "ch q[2], q[0]; ccx q[2], q[0], q[1];",
    "gate g(a) b { gphase(a); } ctrl @ g(0.4) q[1], q[0];": "p(0.4) q[1];",
    "ctrl @ gphase(0.4) q[1];": "p(0.4) q[1];",
    "h q[0:1];": "h q[0]; h q[1];",
    "h q[{2, 0}];": "h q[2]; h q[0];",
    "h q[-1];": "h q[2];",
    "h q[2:-2:0];": "h q[2]; h q[0];",
    "cx q[0:1], q[1:2];": "cx q[0], q[1]; cx q[1], q[2];",
    "const int k = 3 - 1; h q[k];": "h q[2];",
    "const float a = pi / 4; gate g b { rx(2 * a) b; } g q[0];": "rx(pi/2) q[0];",
    "rx(π/τ + log(euler) + pow(2, 3) + 2**-1 + arcsin(1)) q[0];": "rx(10 + pi/2) q[0];",
    "rx(6/3) q[0];": "rx(2) q[0];",
    "rx(7 % 4 + 2**3) q[0];": "rx(11) q[0];",
    "for int i in [0:2] { h q[i]; }": "h q[0]; h q[1]; h q[2];",
    "for uint i in [2:-1:1] cx q[i], q[i - 1];": "cx q[2], q[1]; cx q[1], q[0];",
    "for int i in {2, 0} { rx(0.1 * i + 0.2) q[i]; }": "rx(0.4) q[2]; rx(0.2) q[0];",
    "for float a in {0.1, 0.2} ry(a) q[0];": "ry(0.3) q[0];",
    "for int i in [0:1] for int j in [i + 1:2] cp(pi / 2**(j - i)) q[i], q[j];": "cp(pi/2) q[0], q[1]; "
    "cp(pi/4) q[0], q[2]; cp(pi/2) q[1], q[2];",
    "for int i in [1:0] { for int j in {7} { h q[j]; } } x q[0];": "x q[0];",
    "for int i in [0:2] { const float a = 0.1 * i; rx(a) q[i]; }": "rx(0.1) q[1]; rx(0.2) q[2];",
    "for int i in [0:2] { cx q[i], q[(i + 1) % 3]; }": "cx q[0], q[1]; cx q[1], q[2]; cx q[2], q[0];",
    "for int i in {0} { for int i in {1} { h q[i]; } t q[i]; }": "h q[1]; t q[0];",
    "for int i in {1, 2} ctrl @ pow(2**i) @ p(0.1) q[0], q[i];": "cp(0.2) q[0], q[1]; cp(0.4) q[0], q[2];",
    "array[float[64], 2] a = {0.3, pi}; for int i in [0:1] rx(a[i]) q[i]; ry(a[-1]) q[2];": "rx(0.3) q[0]; "
    "rx(pi) q[1]; ry(pi) q[2];",
    "const array[int, 2] k = {2, 0}; for int i in k h q[i];": "h q[2]; h q[0];",
    "float[64] a = pi / 2; uint k = 2; rx(a) q[0]; pow(k) @ s q[1];": "rx(pi/2) q[0]; z q[1];",
    "let a = q[1:2]; h a;": "h q[1]; h q[2];",
    "let a = q[2] ++ q[0]; cx a[0], a[1];": "cx q[2], q[0];",
    "let a = {q[2], q[0]}; cx a[0], a[1];": "cx q[2], q[0];",
    "box { h q[0]; cx q[0], q[1]; }": "h q[0]; cx q[0], q[1];",
    "delay[100ns] q; delay[0.5us] q[0]; delay[3dt]; h q[0];": "h q[0];",
}


@pytest.mark.parametrize("text", ALIKE)
def test_a_program_means_what_it_says(text):
    def state(body):
        program = hb.from_qasm3(f'OPENQASM 3;\ninclude "stdgates.inc";\nqubit[3] q;\n{body}')

        @hb.qnode(hb.device("default.qubit", wires=3))
        def node():
            for k in range(3):
                hb.U3(0.4 + k, 0.3 * k, 0.7, wires=k)
            program()
            return hb.state()

        return node()

    assert np.allclose(state(text), state(ALIKE[text]), atol=1e-12)


# condition -> the values (c1 c0) at which it holds
CONDITIONS = {
    "c == 2": "10",
    "c != 2": "00 01 11",
    "c[0]": "01 11",
    "!c[0]": "00 10",
    "c[1] == 1": "10 11",
    "c[1] == false": "00 01",
    'c == "01"': "01",
    "c[0] && c[1]": "11",
    "c[0] || c[1]": "01 10 11",
    "c[0] && !c[1] || c == 2": "01 10",
    "!(c[0] || c == 2)": "00",
    "c == 7": "",
    "c == 1 + 1": "10",
    "c < 2": "00 01",
    "c <= 2": "00 01 10",
    "c > 2": "11",
    "c >= 1": "01 10 11",
    "c[0] < 1": "00 10",
    "c[0] ^ c[1]": "01 10",
    "c[0] & ~c[1]": "01",
    "c[0] | c[1] & c[0]": "01 11",
    "c[0] == c[1]": "00 11",
    "c[0] != c[1]": "01 10",
    "c[0] == 2": "",
    "c[0] != 2": "00 01 10 11",
    "bool(c[1])": "10 11",
    "bool(c)": "01 10 11",
    "int(c) == 2": "10",
    "uint[2](c) == 3": "11",
    "(c[0] || c[1]) == false": "00",
    "!(c[0] != 2)": "",
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_holds_where_it_says(condition):
    head = "OPENQASM 3;\nqubit[2] q; qubit r; bit[2] c; c = measure q;\n"
    one, other = hb.from_qasm3(f"{head}if ({condition}) U(0, 0, 0) r; else {{ U(pi, 0, pi) r; }}").entries[2:]
    values = [f"{k:02b}" for k in range(4)]

    def holds(entry):
        bits = [dict(zip(entry.bits, pattern, strict=True)) for pattern in entry.allowed]
        return {v for v in values for b in bits if all(int(v[1 - k]) == x for k, x in b.items())}

    assert holds(one) == set(CONDITIONS[condition].split())
    assert holds(other) == set(values) - holds(one)


def test_a_switch_acts_in_the_case_that_its_bits_read():
    cases = "case 1 { rx(0.1) r; } case 0, 3 { rx(0.2) r; } default { rx(0.4) r; }"
    head = "OPENQASM 3; include 'stdgates.inc'; qubit[2] q; qubit r; bit[2] c; int n; c = measure q; n = c;"
    entries = hb.from_qasm3(f"{head} switch (n) {{ {cases} }}").entries[2:]
    found = {e.numbers[0]: set(e.allowed) for e in entries}  # the pattern of c[0], c[1]
    assert found == {0.1: {(1, 0)}, 0.2: {(0, 0), (1, 1)}, 0.4: {(0, 1)}}


def test_the_default_of_a_switch_may_have_many_patterns():
    head = "OPENQASM 3; qubit[10] q; bit[10] c; int n; c = measure q; n = c;"
    cases = "case 5 { U(1, 0, 0) q[0]; } case 6, 7 { } default { U(2, 0, 0) q[0]; }"
    one, other = hb.from_qasm3(f"{head} switch (n) {{ {cases} }} ").entries[10:]
    assert len(one.allowed) == 1 and len(other.allowed) == 1024 - 3


def test_blocks_in_blocks_act_where_all_their_conditions_hold():
    text = "OPENQASM 3; qubit[2] q; qubit r; bit[2] c; c = measure q; if (c[0]) { for int i in [0:1] { "
    text += "if (c[1]) U(0.1, 0, 0) r; else { box { U(0.2, 0, 0) r; } } } }"
    entries = hb.from_qasm3(text).entries[2:]
    assert [e.numbers[0] for e in entries] == [0.1, 0.2] * 2
    assert [e.allowed for e in entries] == [((1, 1),), ((1, 0),)] * 2 and {e.bits for e in entries} == {
        (0, 1)
    }


def test_physical_qubits_are_wires_of_their_numbers():
    program = hb.from_qasm3("include 'stdgates.inc'; bit[2] c; h $3; cx $3, $1; c[0] = measure $3;")
    assert program.num_wires == 4 and [e.wires for e in program.entries[:2]] == [(3,), (3, 1)]
    assert program.measured == (3,)


def test_an_array_that_is_given_is_a_vector_of_parameters():
    text = (
        "input array[float[64], 3] theta; input angle b; qubit q; for int i in [0:2] U(b * theta[i], 0, 0) q;"
    )
    program = hb.from_qasm3(text)
    assert program.parameters == ("theta[0]", "theta[1]", "theta[2]", "b")
    node = hb.QNode(
        lambda x, b: [program(theta=x, b=b), hb.expval(hb.Z(0))][1], hb.device("default.qubit", wires=1)
    )
    assert np.isclose(node(np.array([0.1, 0.2, 0.4]), 0.5), np.cos(0.35), atol=1e-12)
    assert np.allclose(hb.grad(node)(np.array([0.1, 0.2, 0.4]), 0.5), -0.5 * np.sin(0.35), atol=1e-12)
