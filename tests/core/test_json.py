"""A circuit survives JSON whole: rows, constants, numbers, labels, measurements; a document is checked."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import hybridge as hb
from hybridge.conformance.rows import examples
from hybridge.operations.derived import controlled

ROWS = [*examples("qubit", {}), *examples("cv", {})]
DERIVED = [
    hb.adjoint(hb.SISWAP),
    hb.adjoint(hb.U2),
    hb.pow(hb.T, 3),
    hb.pow(hb.X, 0.3),
    controlled(hb.U3, (1, 0)),
    controlled(hb.adjoint(hb.ISWAP), (0,)),
    hb.adjoint(controlled(hb.SX, (1, 1))),
]


def again(node, *args):
    """What a node records, and what it records of its JSON, read."""
    program = hb.from_json(hb.to_json(node)(*args))
    first = node.record(*args)
    second = node.update(function=lambda: [program(), program.measurements][1]).record()
    assert second.instructions == first.instructions
    assert all(a is b for (a, _), (b, _) in zip(second.instructions, first.instructions, strict=True))
    assert [float(x) for x in second.numbers] == [float(x) for x in first.numbers]
    assert second.measurements == first.measurements
    return program


@pytest.mark.parametrize("example", ROWS, ids=str)
def test_a_row_survives(example):
    device = hb.device(
        "default.qubit" if example.operation.domain == "qubit" else "default.gaussian", wires=9
    )
    wires = [*range(9)][: example.operation.num_wires][::-1]
    read = hb.probs() if device.name == "default.qubit" else hb.expval(hb.NumberOperator(0))

    def function():
        example.operation(*example.numbers, wires=wires)
        return read

    again(hb.QNode(function, device))


@pytest.mark.parametrize("row", DERIVED, ids=str)
def test_a_derived_row_survives(row):
    numbers = np.random.default_rng(2).uniform(-1, 1, row.arity)

    def function():
        row(*numbers, wires=range(row.num_wires))
        return hb.state()

    again(hb.QNode(function, hb.device("default.qubit", wires=4)))


def test_numbers_labels_measurements_and_conditions_survive():
    @hb.qnode(hb.device("default.qubit", wires=["a", 1, ("x", 2), 0.5]), shots=10)
    def node(x):
        hb.RX(x / 3, wires="a")
        m = hb.measure("a", postselect=1)
        hb.cond(m, hb.RY)(1e-300, wires=[("x", 2)])
        n = hb.measure(1, reset=True)
        hb.cond(m ^ n, hb.ctrl(hb.S, control=0.5))(1)
        hb.Snapshot("tag")
        return {
            "a": hb.expval(0.3 * hb.X("a") @ hb.Z(1) - 2.5 * hb.Y(0.5)),
            "b": hb.var(hb.Hermitian(np.array([[1, 2j], [-2j, 0.1]]), wires=1)),
            "c": [hb.probs(wires=[0.5, 1]), hb.counts(wires="a", all_outcomes=True), hb.sample(m)],
            "d": hb.expval(hb.Projector([1, 0], wires=[1, "a"])),
        }

    again(node, 0.1)


def test_observables_of_light_survive():
    @hb.qnode(hb.device("default.gaussian", wires=2))
    def node(x):
        hb.GaussianState(np.diag([2.0, 1.0, 0.5, 1.0]), [0.1, 0.2, 0.3, x], wires=[0, 1])
        return hb.expval(hb.QuadX(0) @ hb.QuadP(1)), hb.var(hb.NumberOperator(1)), hb.probs(wires=[1])

    program = again(node, 0.4)
    other = node.update(function=lambda: [program(), program.measurements][1])
    assert all(np.array_equal(a, b) for a, b in zip(other(), node(0.4), strict=True))


@hb.qnode(hb.device("default.qubit", wires=2))
def small(x):
    hb.RX(x, wires=0)
    hb.QubitUnitary(np.eye(2), wires=1)
    return hb.expval(hb.Z(0))


def changed(change):
    """The document of `small`, changed."""
    document = json.loads(hb.to_json(small)(0.3))
    change(document)
    return json.dumps(document)


HOSTILE = {
    "another version": changed(lambda d: d.update(version=2)),
    "a version that is true": changed(lambda d: d.update(version=True)),
    "a version with a point": changed(lambda d: d.update(version=1.0)),
    "wires in a text": changed(lambda d: d.update(wires="ab")),
    "numbers in an object": changed(lambda d: d.update(numbers={"0": 1})),
    "measurements in an object": changed(lambda d: d.update(measurements={})),
    "instructions that are null": changed(lambda d: d.update(instructions=None)),
    "another format": changed(lambda d: d.update(format="pickle")),
    "no version": changed(lambda d: d.pop("version")),
    "no wires": changed(lambda d: d.pop("wires")),
    "an unknown operation": changed(lambda d: d["instructions"][0].update(operation="os.system")),
    "an unknown family": changed(lambda d: d["instructions"][1]["operation"].update(family="eval")),
    "an unknown derivation": changed(lambda d: d["instructions"][0].update(operation={"exec": ["1"]})),
    "an operation that is a list": changed(lambda d: d["instructions"][0].update(operation=["RX"])),
    "an operation that is null": changed(lambda d: d["instructions"][0].update(operation=None)),
    "a wire too many": changed(lambda d: d["instructions"][0].update(wires=[0, 1])),
    "a wire that is not there": changed(lambda d: d["instructions"][0].update(wires=[7])),
    "a wire that is an object": changed(lambda d: d["instructions"][0].update(wires=[{}])),
    "a wire twice": changed(lambda d: d.update(wires=[0, 0])),
    "a number too few": changed(lambda d: d.update(numbers=[])),
    "a number too many": changed(lambda d: d.update(numbers=[1, 2])),
    "a number that is a text": changed(lambda d: d.update(numbers=["1"])),
    "a number that is true": changed(lambda d: d.update(numbers=[True])),
    "not a number": hb.to_json(small)(0.3).replace("0.3", "NaN"),
    "infinity": hb.to_json(small)(0.3).replace("0.3", "-Infinity"),
    "a number beyond floats": hb.to_json(small)(0.3).replace("0.3", "1e999"),
    "a number of 10000 digits": hb.to_json(small)(0.3).replace("0.3", "9" * 10000),
    "no unitary": hb.to_json(small)(0.3).replace("1.0", "2.0", 1),
    "a unitary on 10^9 wires": changed(lambda d: d["instructions"][1]["operation"].update(wires=10**9)),
    "a table of 2^60": changed(
        lambda d: d["instructions"][1].update(operation={"family": "MultiRZ", "wires": 60, "constants": []})
    ),
    "a power of 10^30": changed(
        lambda d: d["instructions"][0].update(operation={"power": ["X", {"float": 1e30}]})
    ),
    "control of a measurement": changed(
        lambda d: d["instructions"][0].update(
            operation={"controlled": [{"measure": [0, False, None]}, {"tuple": [1]}]}
        )
    ),
    "an unknown measurement": changed(lambda d: d["measurements"][0].update(kind="system")),
    "an observable of another letter": changed(
        lambda d: d["measurements"][0]["observable"]["pauli"]["terms"][0][0][0].__setitem__(1, "Q")
    ),
    "brackets without end": "[" * 10**6,
    "objects without end": '{"format":' * 10**5,
    "no JSON": "import os",
    "half of it": hb.to_json(small)(0.3)[:100],
    "a list": "[]",
    "nothing": "",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_document_that_does_not_fit_is_refused(what):
    with pytest.raises(hb.FormatError):
        hb.from_json(HOSTILE[what])


def replaced(value, rng):
    """The value with one part of it, somewhere, put in the place of another or replaced by a strange one."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return value | {key: replaced(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        k = rng.randrange(len(value))
        return [*value[:k], replaced(value[k], rng), *value[k + 1 :]]
    return rng.choice([None, True, -1, 3, 10**20, "RX", "", [], [1, 2], {}, {"float": 0.5}, {"tuple": [1]}])


def test_documents_changed_at_random_are_read_or_refused():
    def function():
        for row, numbers in chosen:
            row(*numbers, wires=range(row.num_wires))
        return hb.probs(wires=0), hb.expval(hb.X(0) + 2 * hb.Z(1)), hb.var(hb.Hermitian(np.eye(2), 1))

    rng, refused = random.Random(4), 0
    rows = [e for e in ROWS if e.operation.kind != "state" and e.operation.domain == "qubit"]
    for _ in range(600):
        chosen = [(e.operation, e.numbers) for e in rng.choices(rows, k=3)]
        chosen += [(row, [0.1] * row.arity) for row in rng.choices(DERIVED, k=1)]
        document = json.loads(hb.to_json(hb.QNode(function, hb.device("default.qubit", wires=9)))())
        try:
            hb.from_json(json.dumps(replaced(document, rng)))
        except hb.FormatError:
            refused += 1
    assert refused > 300


def test_the_place_of_a_fault_is_told():
    with pytest.raises(hb.FormatError) as caught:
        hb.from_json('{"format": "hybridge circuit",\n "version": }')
    assert (caught.value.line, caught.value.column) == (2, 13)
    with pytest.raises(hb.FormatError, match=r"instructions\[0\]"):
        hb.from_json(HOSTILE["an unknown operation"])
