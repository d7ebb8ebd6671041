"""An imported circuit is called inside a circuit function: with values, by name, on other wires, measured."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import hybridge as hb
from hybridge.plugin import Entry, ImportedCircuit, Measured, expression

A, B = expression.parameter("a"), expression.parameter("b")
TWICE = expression.call("*", 2.0, A)
RX, RZ, X, CNOT = hb.RX, hb.RZ, hb.X, hb.CNOT


def run(circuit, *values, wires=None, labels=None, **named):
    """The probabilities that a circuit leaves behind."""

    @hb.qnode(hb.device("default.qubit", wires=labels or wires or circuit.num_wires))
    def node():
        circuit(*values, wires=wires, **named)
        return hb.probs()

    return node()


ROTATED = ImportedCircuit(
    (Entry(RX, (0,), (TWICE,)), Entry(RX, (1,), (expression.call("sin", B),)), Entry(CNOT, (1, 0))),
    (0, 1),
    ("a", "b"),
)


@pytest.mark.parametrize(
    "values, named", [((0.3, 0.4), {}), ((0.3,), {"b": 0.4}), ((), {"b": 0.4, "a": 0.3})]
)
def test_values_are_given_in_order_or_by_name(values, named):
    @hb.qnode(hb.device("default.qubit", wires=2))
    def direct():
        hb.RX(0.6, wires=0)
        hb.RX(np.sin(0.4), wires=1)
        hb.CNOT([1, 0])
        return hb.probs()

    assert np.allclose(run(ROTATED, *values, **named), direct(), atol=1e-15)


def test_wires_may_be_renamed():
    assert np.allclose(run(ROTATED, 0.3, 0.4, wires=["p", "q"]), run(ROTATED, 0.3, 0.4), atol=1e-15)
    swapped = run(ROTATED, 0.3, 0.4, wires=["q", "p"], labels=["p", "q"])
    assert np.allclose(swapped, run(ROTATED, 0.3, 0.4)[[0, 2, 1, 3]], atol=1e-15)


def test_its_parameters_can_be_differentiated():
    @hb.qnode(hb.device("default.qubit", wires=2))
    def node(a, b):
        ROTATED(a, b)
        return hb.expval(hb.Z(0))

    a, b = 0.3, 0.4  # <Z0> = cos(2a) cos(sin b)
    expected = [-2 * np.sin(2 * a) * np.cos(np.sin(b)), -np.cos(2 * a) * np.sin(np.sin(b)) * np.cos(b)]
    assert np.allclose(hb.grad(node, argnums=(0, 1))(a, b), expected, atol=1e-12)


def test_arrays_are_a_batch():
    rows = run(ROTATED, np.array([0.3, 0.5]), 0.4)
    assert np.allclose(rows, [run(ROTATED, 0.3, 0.4), run(ROTATED, 0.5, 0.4)], atol=1e-15)


VECTOR = ImportedCircuit(
    (
        *(Entry(RX, (k,), (expression.parameter(f"x[{k}]"),)) for k in range(3)),
        Entry(RZ, (0,), (expression.parameter("y"),)),
    ),
    (0, 1, 2),
    ("x[0]", "x[1]", "x[2]", "y"),
)


def test_a_vector_may_be_given_as_one_array():
    x, expected = [0.1, 0.2, 0.3], run(VECTOR, 0.1, 0.2, 0.3, 0.4)
    for values, named in [((x, 0.4), {}), ((), {"x": x, "y": 0.4}), ((np.array(x),), {"y": 0.4})]:
        assert np.allclose(run(VECTOR, *values, **named), expected, atol=1e-15)


BAD_CALLS = {
    "takes 2 parameters: a, b; got 3 values": ((1, 2, 3), {}),
    "'b' has no value": ((0.1,), {}),
    "no parameter 'c'": ((0.1, 0.2), {"c": 0.3}),
    "'a' twice": ((0.1,), {"a": 0.3}),
    "acts on 2 wires; got": ((0.1, 0.2), {"wires": [0, 1, 2]}),
}


@pytest.mark.parametrize("message", BAD_CALLS)
def test_a_call_that_does_not_fit_is_refused(message):
    values, named = BAD_CALLS[message]
    with pytest.raises(hb.CircuitError, match=message):
        ROTATED(*values, **named)


def test_measurements_at_the_end_are_wires():
    found = ImportedCircuit(
        (Entry(X, (1,)), Measured(1, 0), Measured(0, 1)), ("p", "q"), bits=("c[0]", "c[1]")
    )

    @hb.qnode(hb.device("default.qubit", wires=["p", "q", "r", "s"]))
    def node():
        return hb.probs(wires=found()), hb.probs(wires=found(wires=["r", "s"]))

    assert found.measured == ("q", "p") and not found.measures_inside
    assert [list(p) for p in node()] == [[0, 0, 1, 0]] * 2


INSIDE = {
    "a gate follows": (Measured(0, 0), Entry(X, (0,))),
    "a reset": (Entry(X, (0,)), Measured(0, reset=True)),
    "measured again": (Measured(0, 0), Measured(0, 1)),
    "a condition": (Measured(0, 0), Entry(X, (1,), (), (0,), ((1,),))),
}


@pytest.mark.parametrize("why", INSIDE)
def test_measurements_before_the_end_are_recorded(why):
    found = ImportedCircuit(INSIDE[why], (0, 1), bits=("c[0]", "c[1]"))

    @hb.qnode(hb.device("default.qubit", wires=2))
    def node():
        assert all(isinstance(value, hb.MeasuredValue) for value in found())
        return hb.probs()

    rows = [operation.kind for operation, _ in node.record().instructions]
    assert rows.count("measure") == sum(isinstance(e, Measured) for e in INSIDE[why])


def test_a_reset_at_the_start_is_recorded_where_the_wire_is_in_use():
    entries = (Measured(0, reset=True), Measured(1, reset=True), Entry(hb.RX, (0,), (0.3,)), Measured(0, 0))
    found = ImportedCircuit(entries, (0, 1), bits=("c",))

    @hb.qnode(hb.device("default.qubit", wires=2))
    def node(first):
        for wire in first:
            hb.X(wire)
        return hb.probs(wires=found())

    kinds = [
        [o.kind for o, _ in node.record(first).instructions].count("measure") for first in ((), (1,), (1, 0))
    ]
    assert kinds == [0, 1, 2] and not found.measures_inside
    assert np.allclose([node(()), node((1, 0))], [[np.cos(0.15) ** 2, np.sin(0.15) ** 2]] * 2, atol=1e-12)


def test_a_bit_that_was_never_measured_reads_zero():
    entries = (
        Measured(0, 1),
        Entry(X, (1,), (), (0, 1), ((0, 1),)),  # bit 0 was never written
        Entry(X, (1,), (), (0, 1), ((1, 1),)),
        Entry(X, (1,), (), (0,), ((0,),)),
    )
    found = ImportedCircuit(entries, (0, 1), bits=("c[0]", "c[1]"))
    recorded = hb.qnode(hb.device("default.qubit", wires=2))(lambda: found() and hb.probs()).record()
    assert [o.name for o, _ in recorded.instructions] == ["MidMeasure", "Conditional(X)", "X"]
    assert recorded.instructions[1][0].constants[1:] == ((0,), ((1,),))


def test_an_imported_circuit_pickles():
    again = pickle.loads(pickle.dumps(ROTATED))
    assert np.array_equal(run(again, 0.3, 0.4), run(ROTATED, 0.3, 0.4))


@pytest.mark.parametrize(
    "name, arguments", [("/", (1.0, 0.0)), ("ln", (-1.0,)), ("exp", (1e6,)), ("^", (-1.0, 0.5))]
)
def test_a_number_that_does_not_exist_is_refused(name, arguments):
    with pytest.raises(hb.CircuitError, match="is not a finite number"):
        expression.call(name, *arguments)


def test_an_expression_does_not_grow_without_bound():
    grown = A
    with pytest.raises(hb.CircuitError, match="more than 10000"):
        for _ in range(40):
            grown = expression.call("+", grown, grown)
