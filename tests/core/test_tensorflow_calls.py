"""TensorFlow's tensors in a call: dtypes, entries, batches, graphs, and what bad ones get."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_nodes import NODES, QUBITS, X, by_tape, one

import hybridge as hb


def test_dtypes_of_several_parameters_give_the_widest():
    @hb.qnode(QUBITS)
    def circuit(a, b):
        hb.RX(a, wires=0)
        hb.RX(b, wires=0)
        return hb.expval(hb.Z(0))

    a, b = tf.constant(0.1, tf.float32), tf.constant(0.2, tf.float64)
    for static in (False, True):
        node = circuit.update(static=static)
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            value = node(a, b)
        assert value.dtype == tf.float64
        assert [g.dtype for g in tape.gradient(value, [a, b])] == [tf.float32, tf.float64]
        assert node(a, 0.2).dtype == tf.float32  # plain numbers have no say
    assert circuit.update(interface="tensorflow")(0.1, 0.2).dtype == tf.float64


def test_entries_of_an_argument_are_tensors_wherever_they_go():
    seen = []

    @hb.qnode(QUBITS)
    def circuit(x, w, n):
        assert len(x) == 3 and x.shape == (3,) and x.dtype == tf.float64 and w.shape == (2, 2)
        hb.RX(x[0], wires=0)
        hb.RY(tf.sin(x[1]), wires=0)
        hb.RZ(2 * x[-1] - x[0] / 3 + abs(w[0, 1]), wires=0)
        for angle in w[1]:
            hb.RX(angle, wires=1)
        if x[0] > 0 and float(n) == 1.5:
            hb.RY(n, wires=1)
        hb.CNOT([0, 1])
        hb.RX(tf.reduce_sum(w * x[1:]), wires=0)
        hb.RX(tf.linalg.trace(w) + x[tf.constant(0)], wires=1)
        seen.extend([x[0], x[:2], w[:, 0]])
        return hb.expval(x[0] * hb.Z(0) + hb.X(1) * w[1, 0])

    def numbers(x, w, n):
        hb.RX(x[0], wires=0)
        hb.RY(hb.numpy.sin(x[1]), wires=0)
        hb.RZ(2 * x[-1] - x[0] / 3 + abs(w[0, 1]), wires=0)
        hb.RX(w[1, 0], wires=1)
        hb.RX(w[1, 1], wires=1)
        hb.RY(n, wires=1)
        hb.CNOT([0, 1])
        hb.RX(hb.numpy.sum(w * x[1:]), wires=0)
        hb.RX(hb.numpy.trace(w) + x[0], wires=1)
        return hb.expval(x[0] * hb.Z(0) + hb.X(1) * w[1, 0])

    values = (X, np.array([[0.2, -0.5], [0.4, 0.9]]), 1.5)
    x, w, n = tf.constant(values[0]), tf.Variable(values[1]), tf.constant(values[2], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([x, n])
        value = circuit(x, w, n)
    found = tape.gradient(value, [x, w, n])
    expected = hb.grad(hb.QNode(numbers, QUBITS), argnums=(0, 1, 2))(*values)
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(tf.convert_to_tensor(a), b, rtol=0, atol=1e-10)
    for entry, place in zip(seen, (X[0], X[:2], values[1][:, 0]), strict=True):
        assert np.allclose(entry.numpy(), place) and repr(entry).startswith("<tf.Tensor")
    with pytest.raises(IndexError):
        seen[1][5]


def test_columns_of_an_argument_are_a_batch():
    @hb.qnode(QUBITS)
    def circuit(x):
        hb.RX(x[:, 0], wires=0)
        hb.RY(x[..., 1], wires=0)
        hb.RX(x[0, 2], wires=0)
        return hb.expval(hb.Z(0))

    rows = np.stack([X, 2 * X, 3 * X, 4 * X])
    found = by_tape(lambda x: tf.reduce_sum(circuit(x) ** 2), tf.constant(rows))
    expected = hb.grad(lambda x: hb.numpy.sum(circuit(x) ** 2))(rows)
    assert np.allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("static", [False, True])
def test_a_batch_is_one_job(static):
    @hb.qnode(QUBITS, static=static)
    def circuit(x, y):
        hb.RX(x, wires=0)
        hb.RY(y, wires=1)
        hb.CNOT([0, 1])
        return hb.probs([0, 1]), hb.expval(hb.Z(1))

    rows, y = np.linspace(0, 1, 7), 0.3
    expected = circuit(rows, y)
    for call in (circuit, tf.function(circuit)):
        with hb.Tracker(QUBITS) as tracker:
            with tf.GradientTape() as tape:
                x = tf.constant(rows)
                tape.watch(x)
                found = call(x, y)
                total = tf.reduce_sum(found[1])
            slopes = tape.gradient(total, x)
        assert tracker.totals["jobs"] == 2  # values, derivatives
        for a, b in zip(found, expected, strict=True):
            assert np.allclose(a, b, rtol=0, atol=1e-12)
        assert np.allclose(slopes, np.diag(hb.jacobian(lambda x: circuit(x, y)[1])(rows)))


def test_a_batch_whose_length_a_function_learns_when_it_runs():
    @hb.qnode(QUBITS)
    def circuit(x, y):
        hb.RX(x, wires=0)
        hb.RY(y, wires=1)
        hb.CNOT([0, 1])
        hb.RX(0.2, wires=1)
        return hb.expval(hb.Z(0) @ hb.X(1)), hb.probs(1)

    signature = [tf.TensorSpec([None], tf.float64), tf.TensorSpec([], tf.float64)]

    @tf.function(input_signature=signature)
    def all_of(x, y):
        with tf.GradientTape() as outer:
            outer.watch(y)
            with tf.GradientTape() as inner:
                inner.watch([x, y])
                values = circuit(x, y)
                total = tf.reduce_sum(values[0] ** 2)
            slopes = inner.gradient(total, [x, y])
        return values, slopes, outer.gradient(slopes[1], y)

    def cost(x, y):
        return hb.numpy.sum(circuit(x, y)[0] ** 2)

    for rows in (np.linspace(0, 1, 5), np.array([0.4])):
        values, slopes, second = all_of(rows, 0.3)
        assert np.allclose(values[1], circuit(rows, 0.3)[1])
        for a, b in zip(slopes, hb.grad(cost, argnums=(0, 1))(rows, 0.3), strict=True):
            assert np.allclose(a, b, rtol=0, atol=1e-9)
        assert float(second) == pytest.approx(float(hb.hessian(cost, argnums=1)(rows, 0.3)), abs=1e-8)


def test_a_static_circuit_says_that_it_needs_the_shape():
    node = NODES["qubits best static"]
    function = tf.function(one(node), input_signature=[tf.TensorSpec([None], tf.float64)])
    with pytest.raises(Exception, match=r"one is not known yet: \(None,\); tell it \(tf.function's"):
        function(X)


def test_rows_of_a_map_are_one_job():
    node = NODES["qubits best recorded"]
    rows = np.stack([X, 2 * X, 3 * X])
    expected = np.stack([node(x)["z"] for x in rows])
    with hb.Tracker(QUBITS) as tracker:
        with tf.GradientTape() as tape:
            x = tf.constant(rows)
            tape.watch(x)
            found = node.map(x)["z"]
        slopes = tape.gradient(found, x)
    assert tracker.totals["jobs"] == 2
    assert np.allclose(found, expected)
    assert np.allclose(slopes, np.stack([hb.grad(one(node))(x) for x in rows]))


def test_vectorized_map_is_right():
    node = NODES["qubits best static"]
    rows = np.stack([X, 2 * X])
    found = tf.vectorized_map(one(node), tf.constant(rows))
    assert np.allclose(found, [node(x)["z"] for x in rows])


@pytest.mark.parametrize("kind", [tf.float64, tf.float32])
def test_coefficients_of_an_observable_differentiate(kind):
    @hb.qnode(QUBITS)
    def circuit(x, c):
        hb.RX(x, wires=0)
        hb.RY(x, wires=1)
        return hb.expval(c[0] * hb.Z(0) + hb.X(1) @ hb.Z(0) * c[1])

    weights = np.array([0.5, -0.7])
    c, x = tf.Variable(weights, dtype=kind), tf.Variable(0.3, dtype=kind)
    with tf.GradientTape() as tape:
        value = circuit(x, c)
    found = tape.gradient(value, [x, c])
    expected = hb.grad(circuit, argnums=(0, 1))(0.3, weights)
    assert float(found[0]) == pytest.approx(float(expected[0]), abs=1e-5)
    assert np.allclose(tf.convert_to_tensor(found[1]), expected[1], rtol=0, atol=1e-6)


def test_two_devices_in_one_model():
    first, second = NODES["qubits best recorded"], NODES["light best static"]
    model = lambda x: second(tf.stack([first(x)["z"], x[1], x[2]]))["z"]
    plain = lambda x: second(hb.numpy.stack([first(x)["z"], x[1], x[2]]))["z"]
    found = by_tape(model, tf.constant(X))
    assert np.allclose(found, hb.grad(plain)(X), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "x, message",
    [
        (tf.constant(1), "floating tensor; got one of int32: use tf.cast"),
        (tf.constant(1j), "floating tensor; got one of complex128"),
        (tf.zeros((2, 2)), r"one length; got shapes \(2, 2\)"),
        (tf.constant([]), "at least one entry"),
        (tf.constant(np.nan), "parameter 0 of the circuit is nan"),
    ],
    ids=["whole", "complex", "matrix", "empty", "nan"],
)
@pytest.mark.parametrize("static", [False, True])
def test_bad_parameters_are_named(static, x, message):
    @hb.qnode(QUBITS, static=static)
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    with pytest.raises(hb.CircuitError, match=message):
        circuit(x)


def test_errors_inside_a_function_keep_their_words():
    node = NODES["qubits best static"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="parameter 1 of the circuit is nan"):
        tf.function(one(node))(tf.constant([0.1, np.nan, 0.2]))


def test_what_cannot_be_differentiated_says_so_when_a_tape_asks():
    @hb.qnode(QUBITS, shots=10)
    def drawn(x):
        hb.RX(x, wires=0)
        return hb.sample(hb.Z(0)), hb.counts(wires=0), hb.expval(hb.Z(0)), hb.sample(wires=[0, 1])

    @hb.qnode(QUBITS)
    def state(x):
        hb.RX(x, wires=0)
        return hb.state(), hb.expval(hb.Z(0))

    x = tf.constant(0.3)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        values, (amplitudes, z) = drawn(x), state(x)
    assert values[0].shape == (10,) and sum(values[1].values()) == 10 and values[3].dtype == tf.int64
    assert amplitudes.dtype == tf.complex128
    assert float(tape.gradient(z, x)) == pytest.approx(-np.sin(0.3), abs=1e-6)
    assert abs(tape.gradient(values[2], x)) <= 1
    for output, kind in ((values[0], "sample"), (amplitudes, "state")):
        with pytest.raises(hb.GradientError, match=f"{kind}.* is not differentiable"):
            tape.gradient(output, x)
    with pytest.raises(Exception, match=r"counts\(\) gives a dict, which tf.function cannot hold"):
        tf.function(drawn)(x)


def test_shots_are_drawn_anew_in_a_function():
    @hb.qnode(hb.device("default.qubit", wires=1, shots=200, seed=3))
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    draws = tf.function(lambda x: tf.stack([circuit(x) for _ in range(5)]))(tf.constant(1.5))
    assert len(set(draws.numpy().tolist())) > 1
    assert np.all(np.abs(draws) < 0.5)
