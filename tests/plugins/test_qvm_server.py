"""The stand-in for the QVM speaks its protocol to the byte, and refuses what the Lisp QVM refuses."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pyquil.simulation.matrices import QUANTUM_GATES
from qvm_server import QVMServer, serving
from qvm_server_gates import FIXED, TURNING


@pytest.fixture(scope="module")
def server() -> Iterator[QVMServer]:
    with serving() as served:
        yield served


def post(server: QVMServer, body: Any, method: str = "POST", path: str = "/") -> tuple[int, str, bytes]:
    """Status, content type and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, json.dumps(body) if not isinstance(body, str) else body)
    answer = connection.getresponse()
    found = answer.status, answer.getheader("content-type", ""), answer.read()
    connection.close()
    return found


def asked(server: QVMServer, kind: str, quil: str = "", **more: Any) -> Any:
    status, content, body = post(server, {"type": kind, "compiled-quil": quil, **more})
    assert status == 200, body
    return json.loads(body) if content == "application/json" else body


def amplitudes(server: QVMServer, quil: str, **more: Any) -> np.ndarray:
    return np.frombuffer(asked(server, "wavefunction", quil, **more), ">c16")


def test_version_ping_and_info(server: QVMServer) -> None:
    assert post(server, {"type": "version"}) == (200, "text/html; charset=utf-8", b"1.18.0 [1c4ca60]")
    assert re.fullmatch(rb"pong \d{10}", asked(server, "ping"))
    assert asked(server, "info")["simulation-method"] == "PURE-STATE"


def test_any_path_will_do_and_get_will_not(server: QVMServer) -> None:
    assert post(server, {"type": "version"}, path="/any")[0] == 200
    assert post(server, "", method="GET")[0] == 404


def test_amplitudes_are_big_endian_with_qubit_0_least_significant(server: QVMServer) -> None:
    body = asked(server, "wavefunction", "I 0\nX 1\n")
    assert body == np.array([0, 0, 1, 0], ">c16").tobytes() and body[32:34] == b"\x3f\xf0"
    assert asked(server, "probabilities", "I 0\nX 1\n") == np.array([0, 0, 1, 0], ">f8").tobytes()


def test_qubits_that_nothing_names_are_left_out(server: QVMServer) -> None:
    assert len(amplitudes(server, "X 3\n")) == 2 and len(amplitudes(server, "H 0\nCNOT 0 2\n")) == 4
    expectation = {"state-preparation": "X 3\n", "operators": ["Z 3\n", "Z 0\n", ""]}
    assert asked(server, "expectation", **expectation) == [-1.0, 1.0, 1.0]  # here they are not


@pytest.mark.parametrize("name", sorted(FIXED.keys() | TURNING.keys()))
def test_its_gates_are_those_of_quil(name: str) -> None:
    known: Any = QUANTUM_GATES[name]
    for angle in (0.7, -2.1):
        own, other = (TURNING[name](angle), known(angle)) if name in TURNING else (FIXED[name], known)
        np.testing.assert_allclose(own, other, atol=1e-15)


# modifiers and definitions: (program, the same in plain gates)
EQUAL = [
    ("DAGGER S 0", "PHASE(-pi/2) 0"),
    ("CONTROLLED RX(0.3) 1 0", "H 0\nCPHASE(0.3) 1 0\nPHASE(-0.15) 1\nH 0"),
    ("CONTROLLED CONTROLLED X 2 1 0", "CCNOT 2 1 0"),
    ("CONTROLLED DAGGER T 1 0", "CPHASE(-pi/4) 1 0"),
    ("FORKED RX(0.3, 0.8) 1 0", "RX(0.3) 0\nCONTROLLED RX(0.5) 1 0"),
    ("DEFGATE P AS PERMUTATION:\n    0, 1, 3, 2\n\nP 1 0", "CNOT 1 0"),
    ("DEFGATE Q(%t) a b AS PAULI-SUM:\n    ZZ(%t/2) a b\n\nQ(0.4) 1 0", "CNOT 1 0\nRZ(0.4) 0\nCNOT 1 0"),
    ("DEFGATE F(%t):\n    1, 0\n    0, exp(i*%t)\n\nF(0.4) 0", "PHASE(0.4) 0"),
    ("DECLARE a REAL[2]\nMOVE a[1] 0.2\nADD a[1] 0.1\nRX(2*a[1]) 0", "RX(0.6) 0"),
    ("JUMP @b\nLABEL @a\nX 0\nLABEL @b\nY 1\nHALT\nX 1", "Y 1"),
]


@pytest.mark.parametrize(("program", "plain"), EQUAL)
def test_modifiers_definitions_and_memory(program: str, plain: str, server: QVMServer) -> None:
    start = "RY(0.4) 0\nRY(0.9) 1\nRY(1.3) 2\nCNOT 0 1\nCNOT 1 2\n"
    head = program[: program.rindex("\n\n") + 2] if "\n\n" in program else ""
    found = amplitudes(server, f"{head}{start}{program[len(head) :]}\n")
    np.testing.assert_allclose(found, amplitudes(server, f"{start}{plain}\n"), atol=1e-14)


NOISY = 'DEFGATE N:\n    1, 0\n    0, 1\n\nPRAGMA ADD-KRAUS N 0 "(1.0 0.0 0.0 1.0)"\nN 0\n'
REFUSED = [
    *((f"{gate} 0 1\n", "is not known") for gate in ("RXX(0.1)", "FSIM(0.1,0.2)", "SQISW", "U(1,2,3)")),
    ("DECLARE pi REAL\nX 0\n", "pi is a constant"),
    ("DECLARE i BIT\nX 0\n", "i is a constant"),
    ("DECLARE x INTEGER\nMOVE x -3\nX 0\n", "type error"),
    ("DECLARE x REAL\nMEASURE 0 x\n", "type error"),
    ("MEASURE 0 ro[0]\n", "bad memory region"),
    ("DECLARE ro BIT[2]\nMEASURE 0 ro[2]\n", "cannot stand here"),
    ("RX(theta) 0\n", "bad memory region"),
    ("CNOT 0 0\n", "duplicate qubits"),
    ("RX 0\n", "expected 1 parameters"),
    ("RX(0.1) 0 1\n", "wrong number of qubits"),
    ("JUMP @nowhere\n", "nowhere is not there"),
    ("X\n", "must operate on 1 or more qubits"),
    ("LABEL @a\nJUMP @a\n", "does not come to an end"),
    (f"{NOISY}CONTROLLED X 0 1\n", "doesn't support gate modifiers"),
    (f"{NOISY}DAGGER S 0\n", "doesn't support gate modifiers"),
    ('PRAGMA ADD-KRAUS RX 0 "(1.0 0.0 0.0 1.0)"\nRX(0.1) 0\n', "takes parameters"),
    ('PRAGMA ADD-KRAUS X 0 "(0.5 0.0 0.0 0.5)"\nX 0\n', "do not sum to the identity"),
    ('PRAGMA ADD-KRAUS X 0 "(1.0 0.0)"\nX 0\n', "expected 4 entries"),
]


@pytest.mark.parametrize(("program", "reason"), REFUSED)
def test_what_the_lisp_qvm_refuses(program: str, reason: str, server: QVMServer) -> None:
    status, content, body = post(server, {"type": "wavefunction", "compiled-quil": program})
    found = json.loads(body)
    assert (status, content, found["error_type"]) == (500, "application/json", "qvm_error")
    assert reason in found["status"]


@pytest.mark.parametrize("body", ["{", '{"type": "dance"}', '{"type": "wavefunction"}', "[]", "{}"])
def test_what_is_no_request_is_an_error(body: str, server: QVMServer) -> None:
    status, _, answer = post(server, body)
    assert status == 500 and json.loads(answer)["error_type"] == "qvm_error"


SHOTS = "DECLARE ro BIT[3]\nDECLARE theta REAL\nMOVE theta 0.5\nX 1\nMEASURE 1 ro[0]\nMEASURE 0 ro[2]\n"


def test_multishot_gives_the_addresses_asked_for(server: QVMServer) -> None:
    server.forget()
    found = asked(server, "multishot", SHOTS, trials=2, addresses={"ro": [2, 0], "theta": True})
    assert found == {"ro": [[0, 1]] * 2, "theta": [[0.5]] * 2} and server.trials == 2
    assert asked(server, "multishot", SHOTS, trials=2, addresses={"ro": False}) == {}
    assert asked(server, "multishot-measure", "X 1\nI 0\n", trials=2, qubits=[1, 0, 5]) == [[1, 0, 0]] * 2


def test_trials_measure_for_themselves_and_the_seed_fixes_them(server: QVMServer) -> None:
    program = (
        "DECLARE ro BIT[2]\nH 0\nMEASURE 0 ro[0]\nJUMP-UNLESS @end ro[0]\nX 1\nLABEL @end\nMEASURE 1 ro[1]\n"
    )
    ask = {"trials": 4000, "addresses": {"ro": True}}
    one, same, other = (
        np.array(asked(server, "multishot", program, **ask, **{"rng-seed": s})["ro"]) for s in (5, 5, 6)
    )
    assert (one == same).all() and (one != other).any() and (one[:, 0] == one[:, 1]).all()
    assert abs(one[:, 0].mean() - 0.5) < 5.5 * 0.5 / np.sqrt(4000)  # a normal number is once in 26 million
    assert abs((one[1:, 0] == one[:-1, 0]).mean() - 0.5) < 0.05  # and the order of the trials says nothing


def test_noise_readout_errors_and_reset(server: QVMServer) -> None:
    """How often ro[0] is 1, of many trials: for each program and noise."""
    read = "MEASURE 0 ro[0]\n"
    cases: list[tuple[str, dict[str, Any], float]] = [
        ("X 0\n", {"gate-noise": [0.1, 0.05, 0.5]}, 0.85),
        ("X 0\n", {"measurement-noise": [0.1, 0.05, 0.5]}, 0.85),
        ("I 0\n", {"gate-noise": [0, 0, 1]}, 0.0),
        ('PRAGMA READOUT-POVM 0 "(0.9 0.2 0.1 0.8)"\nX 0\n', {}, 0.8),
        ('PRAGMA READOUT-POVM 0 "(0.9 0.2 0.1 0.8)"\nI 0\n', {}, 0.1),
        ('PRAGMA ADD-KRAUS X 0 "(0 0.6 0.6 0)"\nPRAGMA ADD-KRAUS X 0 "(0.8 0 0 0.8)"\nX 0\n', {}, 0.36),
        ("H 0\nRESET 0\n", {}, 0.0),
        ("X 0\nRESET\n", {}, 0.0),
        ("X 0\nMEASURE 0 ro[1]\nNOT ro[1]\nJUMP-WHEN @end ro[1]\nX 0\nLABEL @end\n", {}, 0.0),
    ]
    for program, noise, expected in cases:
        quil = f"DECLARE ro BIT[2]\n{program}{read}"
        found = asked(server, "multishot", quil, trials=4000, addresses={"ro": [0]}, **noise)["ro"]
        allowed = 5.5 * np.sqrt(expected * (1 - expected) / 4000)
        assert abs(np.mean(found) - expected) <= allowed, program
