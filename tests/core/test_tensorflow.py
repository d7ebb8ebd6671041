"""TensorFlow: tensors in, tensors out, and every way a tape differentiates gives hybridge's derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_nodes import NODES, QUBITS, X, by_jacobian, by_tape, one, qubits, several

import hybridge as hb
from hybridge import numpy as hnp
from hybridge_default.mixed_numpy import PlainMixed

TOLERANCE = {tf.float64: 1e-8, tf.float32: 2e-5, tf.float16: 2e-2}


def several_jacobian(node, x):
    """What hb.jacobian gives of `several`."""
    return np.stack(list(hb.jacobian(lambda y: node(y)["p"])(x)))


def in_function(derivative):
    return lambda f, x: tf.function(lambda y: derivative(f, y))(x)


def forward(f, x):
    columns = []
    for direction in np.eye(len(X)):
        with tf.autodiff.ForwardAccumulator(x, tf.constant(direction, x.dtype)) as accumulator:
            value = f(x)
        columns.append(accumulator.jvp(value))
    return tf.stack(columns, axis=-1)


def twice(outer, inner):
    return lambda f, x: outer(lambda y: inner(f, y), x)


def of_one_tape(f, x):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        value = f(x)
        slope = tape.gradient(value, x)
    return tape.jacobian(slope, x)


FIRST = {
    "tape": by_tape,
    "function": in_function(by_tape),
    "function outside": lambda f, x: by_tape(tf.function(f), x),
}
EACH = {
    "jacobian": by_jacobian(pfor=True),
    "jacobian, a loop": by_jacobian(pfor=False),
    "jacobian in a function": in_function(by_jacobian(pfor=True)),
    "forward": forward,
}
SECOND = {
    "nested": twice(by_jacobian(pfor=True), by_tape),
    "nested, a loop": twice(by_jacobian(pfor=False), by_tape),
    "nested in a function": in_function(twice(by_jacobian(pfor=True), by_tape)),
    "nested jacobians": twice(by_jacobian(pfor=True), by_jacobian(pfor=True)),
    "persistent": of_one_tape,
    "forward over reverse": twice(forward, by_tape),
}


@pytest.mark.parametrize("name", NODES)
def test_values_are_tensors_of_the_parameters_dtype(name):
    node = NODES[name]
    expected = node(X)
    for dtype, tolerance in TOLERANCE.items():
        for x in (tf.constant(X, dtype), tf.Variable(X, dtype=dtype)):
            found = node(x)
            assert found.keys() == expected.keys()
            for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
                assert tf.is_tensor(a) and a.dtype == dtype
                assert np.allclose(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("way", FIRST)
def test_a_tape_gives_the_gradient(way, name):
    node = NODES[name]
    expected = hb.grad(one(node))(X)
    for dtype in (tf.float64, tf.float32):
        found = FIRST[way](one(node), tf.constant(X, dtype))
        assert found.dtype == dtype
        assert np.allclose(found, expected, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("way", EACH)
def test_a_tape_gives_the_jacobian(way, name):
    node = NODES[name]
    found = EACH[way](several(node), tf.constant(X))
    assert np.allclose(found, several_jacobian(node, X), rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", [n for n in NODES if "recorded" not in n])
@pytest.mark.parametrize("way", SECOND)
def test_tapes_nest(way, name):
    node = NODES[name]
    found = SECOND[way](one(node), tf.constant(X))
    assert np.allclose(found, hb.hessian(one(node))(X), rtol=0, atol=1e-7)


@pytest.mark.parametrize("method", ["hadamard", "finite-diff"])
def test_other_methods_nest_too(method):
    node = hb.QNode(qubits, hb.device("default.qubit", wires=3), method)
    inside = twice(by_jacobian(pfor=True), by_tape)
    for derivative in (inside, in_function(inside)):
        found = derivative(one(node), tf.constant(X))
        assert np.allclose(
            found, hb.hessian(one(node))(X), rtol=0, atol=1e-7 if method == "hadamard" else 1e-3
        )


def test_derivatives_of_derivatives_ask_no_constant_for_a_rule():
    """The channel has no rule, and the device no derivatives of its own."""

    def function(x):
        hb.RY(x[0], wires=0)
        hb.AmplitudeDamping(0.3, wires=0)
        hb.BitFlip(x[1], wires=0)
        hb.RX(2 * x[2] + x[0], wires=0)
        return hb.expval(hb.Z(0))

    node, own = hb.QNode(function, PlainMixed(wires=1)), hb.QNode(function, hb.device("default.mixed"))
    expected = hb.hessian(own)(X)
    for derivative in SECOND.values():
        assert np.allclose(derivative(node, tf.constant(X)), expected, rtol=0, atol=1e-9)
    cube = lambda x: by_tape(lambda y: tf.reduce_sum(by_tape(lambda z: by_tape(node, z)[0], y)), x)
    third = lambda x: hb.grad(lambda y: hnp.sum(hb.grad(lambda z: hb.grad(own)(z)[0])(y)))(x)
    assert np.allclose(cube(tf.constant(X)), third(X), rtol=0, atol=1e-9)


def test_the_third_derivative_is_right():
    @hb.qnode(QUBITS)
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    third = twice(by_tape, twice(by_tape, by_tape))(lambda x: circuit(x) ** 2, tf.constant(0.4, tf.float64))
    assert float(third) == pytest.approx(4 * np.sin(0.8), abs=1e-9)  # of (1 + cos 2x) / 2


def test_a_variable_is_watched_and_several_are_told_apart():
    @hb.qnode(QUBITS)
    def circuit(a, b, c):
        hb.RX(a, wires=0)
        hb.RY(b["deep"][0], wires=0)
        hb.RX(c, wires=0)
        hb.RX(a, wires=0)
        return hb.expval(hb.Z(0))

    a, b = tf.Variable(0.3, dtype=tf.float64), tf.Variable([0.2], dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = circuit(a, {"deep": b}, 0.1)
    found = tape.gradient(value, [a, b])
    expected = hb.grad(circuit, argnums=(0, 1))(0.3, {"deep": np.array([0.2])}, 0.1)
    assert float(found[0]) == pytest.approx(expected[0], abs=1e-10)
    assert np.allclose(tf.convert_to_tensor(found[1]), expected[1]["deep"])


def test_the_jobs_of_a_derivative_do_not_grow_with_what_is_derived():
    node = NODES["qubits parameter-shift static"]
    jobs = {}
    for way, count in (("jacobian", 2), ("jacobian in a function", 1)):
        with hb.Tracker(QUBITS) as tracker:
            EACH[way](several(node), tf.constant(X))
        jobs[way] = (tracker.totals["jobs"], count)
    with hb.Tracker(QUBITS) as tracker:
        SECOND["nested"](one(node), tf.constant(X))
    jobs["nested"] = (tracker.totals["jobs"], 4)  # value, slope, and shifted values and slopes
    assert all(found <= most for found, most in jobs.values()), jobs


GATES = st.lists(
    st.tuples(st.sampled_from(["RX", "RY", "RZ", "CRY", "IsingXX"]), st.integers(0, 2), st.integers(0, 1)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None)
@given(gates=GATES, seed=st.integers(0, 1000), static=st.booleans(), batch=st.sampled_from([None, 1, 3]))
def test_any_circuit_has_hybridges_gradient(gates, seed, static, batch):
    def circuit(x):
        hb.H(0)
        for name, k, wire in gates:
            row = getattr(hb, name)
            row(x[k], wires=wire if row.num_wires == 1 else [wire, 1 - wire])
        return hb.expval(hb.X(0)), hb.probs([1, 0])

    node = hb.QNode(circuit, QUBITS, static=static)
    x = np.random.default_rng(seed).normal(size=(3,) if batch is None else (3, batch))
    weights = np.arange(1.0, 5.0)

    def cost(x, total):
        z, p = node(x)
        return total(z**2) + total(p * weights)

    found = by_tape(lambda x: cost(x, tf.reduce_sum), tf.constant(x))
    expected = hb.grad(lambda x: cost(x, hb.numpy.sum))(x)
    assert np.allclose(tf.convert_to_tensor(found), expected, rtol=0, atol=1e-9)
