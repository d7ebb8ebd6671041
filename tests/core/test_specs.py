"""Specs count what is there; their gradient is what a tracker sees."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

import hybridge as hb
from hybridge.plugin import Capabilities, Device
from hybridge.specs import specs


class Native(Device):
    """A device that samples, and has few gates: only its programs are looked at."""

    capabilities = Capabilities(
        domain="qubit",
        operations=frozenset({"RX", "RY", "RZ", "CNOT"}),
        measurements=frozenset({"state", "sample"}),
    )

    def run(self, tasks):
        raise AssertionError("counting runs nothing")


def layered(x, y):
    hb.RX(x, wires=0)
    hb.CRY(y, wires=[0, 1])
    hb.Barrier([0, 1])
    hb.Snapshot("here")
    hb.RX(x, wires=2)
    hb.GlobalPhase(0.1)
    hb.CNOT([0, 1])
    return hb.expval(hb.Z(1)), hb.probs(wires=[0])


def test_the_user_s_level_counts_the_circuit_as_written():
    found = specs(hb.QNode(layered, Native(wires=["a", 0, 1, 2])))(0.1, 0.2)
    assert found.level == "user"
    assert found.num_wires == 4
    assert found.num_operations == 5
    assert found.by_name == {"CNOT": 1, "CRY": 1, "GlobalPhase": 1, "RX": 2}
    assert found.by_num_wires == {0: 1, 1: 2, 2: 2}
    assert found.depth == 3
    assert found.num_parameters == 4
    assert found.measurements == ("expval(Z(1))", "probs(wires=[0])")
    assert (found.device, found.shots, found.diff_method) == ("Native", None, "best")


def test_the_device_s_level_counts_what_the_device_is_given():
    found = specs(hb.QNode(layered, Native()), level="device")(0.1, 0.2)
    assert found.by_name == {"CNOT": 3, "RX": 2, "RY": 2}
    assert found.depth == 5
    assert found.num_parameters == 4
    assert found.measurements == ("state()",)


def test_the_device_s_level_counts_all_programs():
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.expval(hb.X(0))

    found = specs(hb.QNode(circuit, Native(shots=10)), level="device")(0.1)
    assert found.programs == 2
    assert found.by_name == {"RX": 3, "RY": 1}  # the second program turns X into Z
    assert found.depth == 3
    assert found.shots == 10


def test_depth_is_the_longest_chain():
    def circuit():
        for w in (0, 1, 2):
            hb.CNOT([w, w + 1])
        hb.H(0)
        return hb.probs()

    assert specs(hb.QNode(circuit, "default.qubit"))().depth == 3
    assert specs(hb.QNode(hb.state, hb.device("default.qubit", wires=1)))().depth == 0


GRADIENTS = {
    "exact": ({}, (0.1, 0.2), "device"),
    "shots": ({"shots": 20}, (0.1, 0.2), "shift rule"),
    "a batch": ({}, (np.array([0.1, 0.2, 0.3]), 0.2), "device"),
    "by the rule": ({"diff_method": "parameter-shift"}, (0.1, 0.2), "shift rule"),
    "finite differences": ({"diff_method": "finite-diff"}, (0.1, 0.2), "finite differences"),
}


@pytest.mark.parametrize("case", GRADIENTS)
def test_a_gradient_runs_as_many_circuits_and_jobs_as_specs_says(case):
    options, args, method = GRADIENTS[case]
    device = hb.device("default.qubit", wires=2, seed=1)

    @hb.qnode(device, **options)
    def circuit(x, y):
        hb.RX(x, wires=0)
        hb.CRY(y, wires=[0, 1])
        hb.RZ(x, wires=1)
        return hb.expval(hb.X(1)), hb.expval(hb.Z(1))

    found = specs(circuit)(*args)
    with hb.Tracker(device) as tracker:
        hb.vjp(circuit, args, [np.ones(np.shape(args[0]))] * 2)
    assert found.gradient_circuits == tracker.totals["executions"]
    assert found.gradient_jobs == tracker.totals["jobs"] == (2 if method == "device" else 1)
    assert found.gradient_method == method


def kerr(x):
    hb.Displacement(x, 0.0, wires=0)
    hb.Kerr(0.1, wires=0)
    return hb.expval(hb.QuadX(0))


NO_RULE = {
    "none asked for": (lambda: hb.QNode(layered, "default.qubit", None), (0.1, 0.2), "diff_method=None"),
    "no rule in it": (
        lambda: hb.QNode(kerr, hb.device("default.fock", cutoff_dim=5), "parameter-shift"),
        (0.1,),
        "Kerr on wires [0] follows",
    ),
    "a state": (
        lambda: hb.QNode(lambda x: (hb.RX(x, 0), hb.state())[1], "default.qubit"),
        (0.1,),
        "state() is not differentiable",
    ),
    "no parameters": (lambda: hb.QNode(lambda: hb.probs(wires=0), "default.qubit"), (), "no parameters"),
}


@pytest.mark.parametrize("case", NO_RULE)
def test_where_there_is_no_gradient_specs_says_why(case):
    make, args, reason = NO_RULE[case]
    found = specs(make())(*args)
    assert found.gradient_circuits is None and found.gradient_jobs is None
    assert reason in found.gradient_method


def test_a_device_with_derivatives_needs_no_shifted_circuits():
    class Own(Native):
        capabilities = dataclasses.replace(
            Native.capabilities,
            measurements=frozenset({"expval"}),
            observables=frozenset({"pauli"}),
            vjp=True,
        )

    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    found = specs(hb.QNode(circuit, Own()))(0.1)
    assert (found.gradient_circuits, found.gradient_jobs, found.gradient_method) == (2, 2, "device")
    found = specs(hb.QNode(circuit, Own(), "parameter-shift"))(0.1)
    assert (found.gradient_circuits, found.gradient_jobs) == (3, 1)


def test_continuous_variable_circuits():
    @hb.qnode(hb.device("default.gaussian"))
    def circuit(r):
        hb.Squeezing(r, 0.0, wires=0)
        hb.Beamsplitter(0.3, 0.0, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0))

    found = specs(circuit)(0.4)
    assert found.by_name == {"Beamsplitter": 1, "Squeezing": 1}
    assert (found.gradient_circuits, found.gradient_method) == (2, "device")
    shifted = specs(hb.QNode(circuit.function, circuit.device, diff_method="parameter-shift"))(0.4)
    assert shifted.gradient_circuits == 1 + 4 * 4  # degree 2: four shifts for each of four parameters


def test_specs_print_as_a_table():
    printed = repr(specs(hb.QNode(layered, Native()), level="device")(0.1, 0.2))
    lines = printed.splitlines()
    assert lines[0].split() == ["device", "Native"]
    for words in (["shots", "exact"], ["CNOT", "3"], ["on", "1", "wire", "4"], ["depth", "5"]):
        assert words in [line.split() for line in lines]
    assert lines[-1].split(maxsplit=1) == ["gradient", "circuits: 7, jobs: 1, by shift rule"]


def test_specs_are_values():
    circuit = hb.QNode(layered, Native())
    one, other = specs(circuit)(0.1, 0.2), specs(circuit)(0.3, 0.4)
    assert one == other and hash(one) == hash(other)
    assert one != specs(circuit, level="device")(0.1, 0.2)
    assert pickle.loads(pickle.dumps(one)) == one


def test_mistakes_are_told_at_once():
    with pytest.raises(hb.CircuitError, match="specs has no level 'gradient'; choose from 'user', 'device'"):
        specs(hb.QNode(layered, Native()), level="gradient")
    with pytest.raises(hb.CircuitError, match="specs takes a QNode"):
        specs(layered)
