"""Quil is written and read back as what it was, and what is no circuit is refused where it stands."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from fuzz_quil import PROGRAMS, mutated, outcome
from pyquil import Program
from pyquil.gates import X
from pyquil.quilatom import MemoryReference, QubitPlaceholder
from qvm_server_machine import Machine, Noise
from qvm_server_program import checked
from test_forest_qvm import channel_rows

import hybridge as hb
from hybridge.conformance.rows import examples
from hybridge.errors import FormatError

GATES = [e for e in examples("qubit", {}) if e.operation.kind == "gate" and 0 < e.operation.num_wires <= 4]


def start(n: int) -> None:
    for w in range(n):
        hb.RY(0.5 + 0.4 * w, wires=w)
        hb.RZ(0.3 - 0.2 * w, wires=w)


def read_state(text: Any, n: int, *values: Any) -> np.ndarray:
    """The state of a program that is read, after `start`."""
    imported = hb.from_quil(text)

    def circuit() -> Any:
        start(n)
        imported(*values, wires=range(n)[: imported.num_wires])
        return hb.state()

    return hb.QNode(circuit, hb.device("default.qubit", wires=n))()


@pytest.mark.parametrize("example", GATES, ids=str)
def test_every_gate_comes_back_with_its_phase(example: Any) -> None:
    """Read again, and run by the interpreter of the tests."""
    row, n = example.operation, example.operation.num_wires
    on = tuple(range(n))[::-1]

    def circuit() -> Any:
        start(n)
        row(*example.numbers, wires=on)
        return hb.state()

    exact = hb.QNode(circuit, hb.device("default.qubit", wires=n))()
    text = hb.to_quil(hb.QNode(circuit, hb.device("default.qubit", wires=n)))()
    again = hb.QNode(
        lambda: (hb.from_quil(text)(wires=range(n)), hb.state())[1], hb.device("default.qubit", wires=n)
    )
    np.testing.assert_allclose(again(), exact, atol=1e-12)
    ran = Machine(checked(text), {q: q for q in range(n)}, 1, Noise(), 1).run().state[0]
    np.testing.assert_allclose(ran.transpose(range(n)[::-1]).reshape(-1), exact, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "row", "numbers"), channel_rows(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_channel_comes_back(name: str, row: Any, numbers: tuple[float, ...]) -> None:
    def circuit() -> Any:
        start(3)
        hb.CNOT(wires=[0, 2])
        row(*numbers, wires=(2, 0, 1)[: row.num_wires])
        return hb.density_matrix(range(3))

    device = hb.device("default.mixed", wires=3)
    imported = hb.from_quil(hb.to_quil(hb.QNode(circuit, device))())
    again = hb.QNode(lambda: (imported(), hb.density_matrix(range(3)))[1], device)
    np.testing.assert_allclose(again(), hb.QNode(circuit, device)(), atol=1e-12)


def test_measurements_resets_and_conditions_come_back() -> None:
    def circuit(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.H(1)
        a, b = hb.measure(0, reset=True), hb.measure(1)
        hb.cond(a ^ b, hb.RY)(0.7, wires=0)
        hb.cond((a & b) == 0, hb.X, false_fn=hb.H)(2)
        return hb.probs(wires=[0, 2])

    node = hb.QNode(circuit, hb.device("default.qubit", wires=3))
    imported = hb.from_quil(hb.to_quil(node)(0.6))
    again = hb.QNode(lambda: (imported(), hb.probs(wires=[0, 2]))[1], hb.device("default.qubit", wires=3))
    np.testing.assert_allclose(again(), node(0.6), atol=1e-12)


# (program, the same in plain gates)
EQUAL = [
    ("DAGGER S 0", "PHASE(-pi/2) 0"),
    ("CONTROLLED RX(0.3) 1 0", "H 0\nCPHASE(0.3) 1 0\nPHASE(-0.15) 1\nH 0"),
    ("CONTROLLED CONTROLLED X 2 1 0", "CCNOT 2 1 0"),
    ("CONTROLLED DAGGER T 1 0", "CPHASE(-pi/4) 1 0"),
    ("DAGGER CONTROLLED S 1 0", "CPHASE(-pi/2) 1 0"),
    ("FORKED RX(0.3, 0.8) 1 0", "RX(0.3) 0\nCONTROLLED RX(0.5) 1 0"),
    ("DEFGATE P AS PERMUTATION:\n    0, 1, 3, 2\n\nP 1 0", "CNOT 1 0"),
    ("DEFGATE Q(%t) a b AS PAULI-SUM:\n    ZZ(%t/2) a b\n\nQ(0.4) 1 0", "CNOT 1 0\nRZ(0.4) 0\nCNOT 1 0"),
    ("DEFGATE F(%t):\n    1, 0\n    0, exp(i*%t)\n\nF(0.4) 0", "PHASE(0.4) 0"),
    ("DEFGATE F(%t):\n    1, 0\n    0, exp(i*%t)\n\nDAGGER F(0.4) 0", "PHASE(-0.4) 0"),
    ("DECLARE a REAL[2]\nMOVE a[1] 0.3\nRX(2*a[1] + cos(0)) 0", "RX(1.6) 0"),
    ("JUMP @b\nX 0\nLABEL @b\nY 1", "Y 1\nI 0"),
    ("Y 1\nHALT\nX 0", "Y 1"),
    ("DECLARE gone BIT\nY 1\nHALT\nMEASURE 0 gone\nRESET 0", "Y 1"),
    (
        "DEFCIRCUIT C(%t, %t2) a b:\n    RX(%t/2) a\n    CPHASE(%t2^2) b a\n\nC(0.6, 0.5) 1 0",
        "RX(0.3) 1\nCPHASE(0.25) 0 1",
    ),
    (
        "DEFCIRCUIT C a:\n    D(-0.3) a 0\n\nDEFCIRCUIT D(%t) b c:\n    CONTROLLED RX(%t) c b\n\nC 1",
        "H 1\nCPHASE(-0.3) 0 1\nPHASE(0.15) 0\nH 1",
    ),
    ("DECLARE a REAL[4]\nDECLARE b REAL[2] SHARING a OFFSET 2 REAL\nMOVE a[3] 0.3\nRX(b[1]) 0", "RX(0.3) 0"),
    ("RX((-2)^2 - 8/4/2 + 2*SIN(pi/2)) 0", "RX(5) 0"),
    ("DECLARE x REAL\nMOVE x -2.0\nRX((-x)^2 * -x^2) 0", "RX(16) 0"),
    ('PRAGMA INITIAL_REWIRING "PARTIAL"\nPRAGMA PRESERVE_BLOCK\nX 0\nPRAGMA END_PRESERVE_BLOCK', "X 0"),
]


@pytest.mark.parametrize(("program", "plain"), EQUAL)
def test_modifiers_definitions_and_memory_are_read(program: str, plain: str) -> None:
    pad = "I 0\nI 1\nI 2\n"
    head = program[: program.rindex("\n\n") + 2] if "\n\n" in program else ""
    found = read_state(f"{head}{pad}{program[len(head) :]}\n", 3)
    np.testing.assert_allclose(found, read_state(f"{pad}{plain}\n", 3), atol=1e-13)


def test_real_memory_is_parameters() -> None:
    imported = hb.from_quil(
        "DECLARE theta REAL[2]\nDECLARE ro BIT\nRX(theta[0]/2) 0\nRY(-theta[1]) 0\nMEASURE 0 ro\n"
    )
    assert imported.parameters == ("theta[0]", "theta[1]") and imported.bits == ("ro[0]",)

    def circuit(x: Any) -> Any:
        return hb.probs(wires=imported(x, wires=["a"]))

    node = hb.QNode(circuit, hb.device("default.qubit", wires=["a"]))

    def plain(x: Any) -> Any:
        hb.RX(x[0] / 2, wires="a")
        hb.RY(-x[1], wires="a")
        return hb.probs()

    x = hb.numpy.array([0.4, 0.9])
    np.testing.assert_allclose(node(x), hb.QNode(plain, node.device)(x))
    np.testing.assert_allclose(hb.jacobian(node)(x), hb.jacobian(hb.QNode(plain, node.device))(x))


def test_programs_of_pyquil_are_read_and_written() -> None:
    program = Program("RX(0.3) 0\nCNOT 0 1\n")
    np.testing.assert_allclose(read_state(program, 2), read_state(program.out(), 2))
    imported = hb.from_pyquil(program)

    @hb.qnode(hb.device("default.qubit", wires=2))
    def node() -> Any:
        imported()
        return hb.probs()

    assert hb.to_pyquil(node)() == Program(hb.to_quil(node)())


BOMB = "DEFCIRCUIT C0 a:\n    X a\n\n" + "".join(
    f"DEFCIRCUIT C{k + 1} a:\n    C{k} a\n    C{k} a\n\n" for k in range(40)
)
BITS = "".join(f"JUMP-WHEN @a ro[{k}]\n" for k in range(10))
DEEP = "".join(f"DEFCIRCUIT D{k} a:\n    D{k + 1} a\n\n" for k in range(70))
# (text, line, column, what is said)
REFUSED = [
    ("X 0\nRX( 0\n", 2, 3, "expected a command or a gate"),
    ("\n  \n  BIT", 3, 3, "expected a command or a gate"),
    ('PRAGMA A "é"; RX( 0', 1, 17, "expected a command or a gate"),
    (f"X 0\nRX({'(' * 5000}0", 2, 1, "at most 1000"),
    (f"RX({'-' * 5000}1) 0", 1, 1, "at most 1000"),
    ("X 0\n" * 300_000, 1, 1, "at most 1048576"),
    ("DECLARE x REAL\nMOVE x + 1", 1, 1, "parser gives up"),
    ("X 0 # a gate; no more\n  U(1) 0", 2, 3, "the gate U"),
    ('PRAGMA BLOCK "a;b#"; CNOT 0 0', 1, 22, "a qubit twice"),
    ("RX 0", 1, 1, "RX with 0 numbers"),
    ("X q", 1, 1, "X q"),
    ("RX(theta) 0", 1, 1, "theta[0], which is no REAL memory"),
    ("DECLARE x REAL[2]\nRX(x[2]) 0", 2, 1, "x[2], which is no REAL memory"),
    (f"{'FORKED ' * 60}X {' '.join(map(str, range(61)))}", 1, 1, "FORKED X with 0 numbers"),
    ("DEFGATE A:\n    1, 0\n    0, 2\n\nA 0", 5, 1, "unitary"),
    ("DEFGATE A(%t):\n    1, 0\n    0, exp(i*%t)\n\nDECLARE x REAL\nA(x) 0", 6, 1, "depends on a parameter"),
    ("DEFGATE A:\n    1, 0\n    0, 1\n\nA(1) 0", 5, 1, "A with 1 numbers is not read; it takes 0"),
    (
        f"DEFGATE A AS PERMUTATION:\n    {', '.join(map(str, range(128)))}\n\nA 0 1 2 3 4 5 6",
        4,
        1,
        "128 rows",
    ),
    ("X 0\nX", 1, 1, "must operate on 1 or more qubits"),
    ("MEASURE q ro[0]", 1, 1, "on no number of a qubit"),
    ("DEFGATE A AS PERMUTATION:\n    0, 2\n\nA 0", 4, 1, "out of bounds"),
    ("DEFGATE A a AS PAULI-SUM:\n    X(1e999) a\n\nA 0", 4, 1, "A: "),
    ("LABEL @a\nJUMP @a", 2, 1, "a jump back"),
    ("LABEL @a\nLABEL @a", 2, 1, "a label twice"),
    ("JUMP @a", 1, 1, "does not come later"),
    ("DECLARE ro BIT\nMEASURE 0 ro\nJUMP-WHEN @a ro\nMEASURE 1 ro\nLABEL @a", 4, 1, "under a condition"),
    (
        f"DECLARE ro BIT[10]\n{BITS}LABEL @a\n" + f"{BITS.replace('@a', '@b')}" * 200,
        531,
        1,
        "patterns of bits",
    ),
    ("MEASURE 0", 1, 1, "goes nowhere"),
    ("DECLARE x REAL\nADD x 1.0", 2, 1, "ADD"),
    ("DECLARE x REAL[65537]\nX 0", 1, 1, "more than 65536 places"),
    ("DECLARE x REAL\nDECLARE x BIT\nX 0", 1, 1, "x is declared twice"),
    ("DECLARE x BIT[64]\nDECLARE y REAL SHARING x\nX 0", 1, 1, "y shares x, which is not read"),
    (
        "DECLARE x REAL\nDECLARE y REAL SHARING x OFFSET 1 REAL\nX 0",
        1,
        1,
        "a part of other memory, of the same kind",
    ),
    ("DECLARE x REAL SHARING y\nDECLARE y REAL SHARING x\nRX(x) 0", 1, 1, "that shares none itself"),
    ('PRAGMA ADD-KRAUS X 0 "(1.0 0.0)"\nX 0', 1, 1, "4 numbers are wanted"),
    ('PRAGMA ADD-KRAUS RX 0 "(1.0 0 0 1.0)"\nRX(1) 0', 2, 1, "ADD-KRAUS in the place of a gate with"),
    ("X 0\nPRAGMA READOUT-POVM 0", 2, 1, "READOUT-POVM"),
    ('INCLUDE "/etc/passwd"', 1, 1, "Include"),
    ("X 0\nDEFCAL X 0:\n    FENCE 0\n", 1, 1, "a definition of pulses"),
    ("DEFWAVEFORM w:\n    1, 2\n\nX 0", 1, 1, "a definition of pulses"),
    (f"{BOMB}C40 0", 164, 1, "circuits expand to more than 65536"),
    (f"{DEEP}D0 0", 211, 1, "more than 64 deep"),
    ("DEFCIRCUIT A a:\n    A a\n\nA 0", 4, 1, "more than 64 deep"),
    ("DEFCIRCUIT A a:\n    X a\n\nDEFCIRCUIT A a:\n    Y a\n\nA 0", 4, 1, "defined twice"),
    ("DEFCIRCUIT A a:\n    X a\n\nDAGGER A 0", 4, 1, "a circuit under DAGGER"),
    ("DEFCIRCUIT A(%t) a:\n    RX(%u) a\n\nA(1) 0", 4, 1, "%u is not given"),
    ("DEFCIRCUIT A(%t) a:\n    RX(%t) a\n\nA 0", 4, 1, "A with 0 numbers on 1 qubits"),
    ("DEFCIRCUIT A a:\n    CNOT a b\n\nA 0", 4, 1, "CNOT a b, on no number"),
    ("DEFCIRCUIT A a b:\n    CNOT a b\n\nA 0 0", 4, 1, "a qubit twice"),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"), REFUSED, ids=[f"{t[:20]!r}" for t, *_ in REFUSED]
)
def test_what_is_no_circuit_is_refused(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        hb.from_quil(text)
    assert reason in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_branches_of_pyquil_are_read_and_placeholders_are_not() -> None:
    program = Program("DECLARE ro BIT\nH 0\nMEASURE 0 ro[0]\n")
    program.if_then(MemoryReference("ro", 0), Program("X 1\n"), Program("H 1\n"))
    imported = hb.from_pyquil(program)
    node = hb.QNode(lambda: (imported(), hb.probs(wires=[0, 1]))[1], hb.device("default.qubit", wires=2))
    np.testing.assert_allclose(node(), [0.25, 0.25, 0, 0.5], atol=1e-12)
    with pytest.raises(ValueError, match="resolved"):
        program.out()  # the program itself is as it was
    with pytest.raises(FormatError, match="qubits have no numbers"):
        hb.from_pyquil(Program(X(QubitPlaceholder())))


def test_random_mutations_are_read_or_refused() -> None:
    rng = random.Random(20)
    assert {outcome(text) for text in PROGRAMS} == {"read"}
    assert {outcome(mutated(rng.choice(PROGRAMS), rng)) for _ in range(2000)} == {"read", "refused"}


def test_parameters_and_bits_are_in_the_order_of_the_text() -> None:
    """pyQuil's own order of declarations differs from program to program."""
    names = [f"m{k * 7 % 20}" for k in range(20)]
    text = "".join(f"DECLARE {n} REAL\nDECLARE b{n} BIT\n" for n in names)
    text += "".join(f"RX({n}) 0\n" for n in sorted(names))
    imported = hb.from_quil(text)
    assert imported.parameters == tuple(f"{n}[0]" for n in names)
    assert imported.bits == tuple(f"b{n}[0]" for n in names)
    assert hb.from_pyquil(Program(text)).parameters == tuple(f"{n}[0]" for n in sorted(names))


def test_a_label_in_a_circuit_is_each_calls_own() -> None:
    text = (
        "DEFCIRCUIT FLIP a b:\n    JUMP-UNLESS @no ro[0]\n    X a\n    LABEL @no\n    X b\n\n"
        "DECLARE ro BIT\nX 0\nMEASURE 0 ro[0]\nFLIP 1 2\nFLIP 2 3\n"
    )
    node = hb.QNode(lambda: (hb.from_quil(text)(), hb.probs(wires=range(4)))[1], hb.device("default.qubit"))
    assert np.flatnonzero(node() > 0.5).tolist() == [0b1101]


@pytest.mark.parametrize("number", ["cis(1)", "1e999", "nan", "inf", "1/0", "0/0", "sqrt(-1)", "2i"])
def test_numbers_are_finite_and_real(number: str) -> None:
    with pytest.raises(hb.CircuitError):
        hb.from_quil(f"RX({number}) 0")


def test_post_selection_is_not_written() -> None:
    def circuit() -> Any:
        hb.measure(0, postselect=1)
        return hb.probs()

    with pytest.raises(FormatError, match="post-selection"):
        hb.to_quil(hb.QNode(circuit, hb.device("default.qubit", wires=1)))()
