"""forest.qvm on a lattice: quilc compiles each circuit once; one that does not answer is an error in time."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import networkx as nx
import numpy as np
import pytest
from pyquil.quantum_processor import NxQuantumProcessor
from quilc_server import QuilcServer, compiling
from qvm_server import QVMServer, serving
from test_forest_servers import closed, error_of, mute

import hybridge as hb
from hybridge_forest.quilc import instruction_set
from hybridge_forest.servers import PROBE_SECONDS

LINE = [(0, 1), (1, 2)]


@pytest.fixture
def qvm() -> Iterator[QVMServer]:
    with serving() as served:
        yield served


@pytest.fixture
def quilc() -> Iterator[QuilcServer]:
    with compiling() as served:
        yield served


def circuit(x: Any) -> Any:
    hb.RX(x, wires=0)
    hb.CNOT(wires=[0, 2])
    return hb.expval(hb.Z(2)), hb.expval(hb.Z(0) @ hb.Z(2))


def node(function: Any, **options: Any) -> hb.QNode:
    return hb.QNode(function, hb.device("forest.qvm", wires=3, shots=10_000, seed=3, **options))


def test_a_circuit_is_compiled_once_for_many_numbers(qvm: QVMServer, quilc: QuilcServer) -> None:
    asking = node(circuit, url=qvm.url, lattice=LINE, quilc_url=quilc.url)
    for x in (0.3, np.array([0.1, 1.2])):
        value, pair = asking(x)
        assert np.abs(value - np.cos(x)).max() < 0.06 and np.abs(pair - 1).max() == 0
    assert [request["method"] for request in quilc.asked] == ["get_version_info", "quil_to_native_quil"]
    isa = quilc.asked[1]["params"]["*args"][0]["target_device"]["isa"]
    assert set(isa["2Q"]) == {"0-1", "1-2"} and set(isa["1Q"]) == {"0", "1", "2"}
    sent = [query["compiled-quil"] for query in qvm.requests if query["type"] == "multishot"]
    assert len(sent) == 3 and all(text.endswith("HALT\n") and "MOVE theta[0]" in text for text in sent)
    assert asking.plan(0.3).programs[0].native().endswith("HALT\n")


def test_the_gates_of_a_lattice_are_those_that_pyquil_asks_for() -> None:
    for pairs in ([(0, 1), (1, 2)], [(1, 3), (3, 4)]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyQuil's own way to write it is deprecated, not what is written
            known = NxQuantumProcessor(nx.Graph(pairs)).to_compiler_isa().dict(by_alias=True)
        assert instruction_set(tuple(pairs)) == known


def test_a_lattice_gives_the_same_numbers(qvm: QVMServer, quilc: QuilcServer) -> None:
    """On a real QVM and a real quilc where the environment names them."""
    urls = (("HYBRIDGE_QVM_URL", qvm.url), ("HYBRIDGE_QUILC_URL", quilc.url))
    url, quilc_url = (os.environ.get(variable, standing_in) for variable, standing_in in urls)
    value, _ = node(circuit, url=url, lattice="9q-square", quilc_url=quilc_url)(0.3)
    assert abs(value - np.cos(0.3)) < 0.06


@contextmanager
def of_tcp(place: Any) -> Iterator[str]:
    with place() as url:
        yield url.replace("http", "tcp")


@pytest.mark.parametrize(("place", "reason"), [(closed, "connection refused"), (mute, "gave no answer")])
def test_no_quilc_is_an_error_in_time(place: Any, reason: str, qvm: QVMServer) -> None:
    with of_tcp(place) as url:
        message = error_of(
            lambda: node(circuit, url=qvm.url, lattice=LINE, quilc_url=url)(0.3), PROBE_SECONDS
        )
    assert f"no quilc answers at {url} (" in message and reason in message
    assert "from the option quilc_url" in message and "quilc --server-mode-rpc --host 127.0.0.1" in message
    assert "leave the option lattice out" in message


@pytest.mark.parametrize("method", ["get_version_info", "quil_to_native_quil"])
@pytest.mark.parametrize("reply", ["hello", [1], {"id": 1}, {"result": None}, {"result": 5}])
def test_a_reply_that_is_none_is_an_error(
    method: str, reply: Any, qvm: QVMServer, quilc: QuilcServer
) -> None:
    quilc.instead[method] = reply
    with pytest.raises(hb.DeviceError, match=r"no quilc answers at .* \(something else does: it says"):
        node(circuit, url=qvm.url, lattice=LINE, quilc_url=quilc.url)(0.3)


def test_a_compiled_program_is_a_text(qvm: QVMServer, quilc: QuilcServer) -> None:
    quilc.instead["quil_to_native_quil"] = {"result": {"quil": 5}}
    with pytest.raises(hb.DeviceError, match="something else does"):
        node(circuit, url=qvm.url, lattice=LINE, quilc_url=quilc.url)(0.3)
    with pytest.raises(hb.DeviceError, match=r"no quilc answers at tcp://\*:5555"):
        node(circuit, url=qvm.url, lattice=LINE, quilc_url="tcp://*:5555")(0.3)


def test_what_quilc_refuses_is_told_in_its_words(qvm: QVMServer, quilc: QuilcServer) -> None:
    quilc.error = "don't know how to rewire"
    with pytest.raises(hb.DeviceError, match="quilc does not compile the program: don't know how to rewire"):
        node(circuit, url=qvm.url, lattice=LINE, quilc_url=quilc.url)(0.3)


def test_what_quilc_cannot_compile_does_not_come_to_it(qvm: QVMServer, quilc: QuilcServer) -> None:
    def phases(x: Any) -> Any:
        hb.H(0)
        hb.H(1)
        hb.CPhaseShift00(x, wires=[0, 1])
        hb.SingleExcitationPlus(x, wires=[0, 1])
        return hb.probs(wires=[0, 1])

    options = {"url": qvm.url, "lattice": LINE, "quilc_url": quilc.url}
    exact = hb.QNode(phases, hb.device("default.qubit", wires=3))(0.7)
    assert np.abs(node(phases, **options)(0.7) - exact).max() < 0.05
    assert "CPHASE0" not in quilc.asked[1]["params"]["*args"][0]["quil"]

    def lossy() -> Any:
        hb.BitFlip(0.1, wires=0)
        return hb.probs()

    with pytest.raises(hb.UnsupportedCircuit, match="BitFlip"):
        node(lossy, **options)()


@pytest.mark.parametrize(
    "lattice", ["8q-round", 5, [], [(0, 0)], [(0, 1, 2)], [(0, -1)], ["01"], [(0, 10**9)]]
)
def test_a_lattice_is_a_name_or_pairs(lattice: Any) -> None:
    with pytest.raises(hb.DeviceError, match="lattice is one of"):
        node(circuit, lattice=lattice)


def test_a_lattice_has_its_wires() -> None:
    assert hb.device("forest.qvm", shots=1, lattice="9q-square").capabilities.max_wires == 9
    with pytest.raises(hb.DeviceError, match="at most 2 wires"):
        node(circuit, lattice=[(0, 1)])
    with pytest.raises(hb.DeviceError, match="quilc_url is of use with a lattice only"):
        node(circuit, quilc_url="tcp://127.0.0.1:5555")
