"""TensorFlow: tensors in, tensors out, and every way a tape differentiates gives hybridge's derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb

QUBITS = hb.device("default.qubit", wires=2)
LIGHT = hb.device("default.gaussian", wires=2)
X = np.array([0.1, 0.7, 0.3])


def qubits(x):
    hb.RX(x[0], wires=0)
    hb.RY(x[1], wires=1)
    hb.CNOT([0, 1])
    hb.RZ(x[2], wires=1)
    hb.CRX(x[0], [1, 0])
    return {"z": hb.expval(hb.Z(0) @ hb.X(1)), "p": hb.probs(1)}


def light(x):
    hb.Displacement(x[0], 0.4, wires=0)
    hb.Squeezing(x[1], 0.2, wires=1)
    hb.Beamsplitter(0.5, x[2], wires=[0, 1])
    return {"z": hb.expval(hb.QuadX(0)), "p": (hb.expval(hb.NumberOperator(1)), hb.var(hb.QuadP(0)))}


NODES = {
    f"{f.__name__} {method} {'static' if static else 'recorded'}": hb.QNode(f, dev, method, static=static)
    for f, dev in ((qubits, QUBITS), (light, LIGHT))
    for method in ("best", "parameter-shift")
    for static in (False, True)
}
TOLERANCE = {tf.float64: 1e-8, tf.float32: 2e-5, tf.float16: 2e-2}


def one(node):
    return lambda x: node(x)["z"]


def several(node):
    """The other values, as one array in every library."""

    def values(x):
        found = node(x)["p"]
        return tf.stack(found) if isinstance(found, tuple) and tf.is_tensor(found[0]) else found

    return values


def several_jacobian(node, x):
    """What hb.jacobian gives of `several`."""
    return np.stack(list(hb.jacobian(lambda y: node(y)["p"])(x)))


def by_tape(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = f(x)
    return tape.gradient(value, x)


def by_jacobian(pfor):
    def jacobian(f, x):
        with tf.GradientTape(persistent=not pfor) as tape:
            tape.watch(x)
            value = f(x)
        return tape.jacobian(value, x, experimental_use_pfor=pfor)

    return jacobian


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
    assert -1 <= float(tape.gradient(values[2], x)) <= 0
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
