"""JAX: its arrays in, its arrays out; jit, vmap and derivatives of any order are those of the circuit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb

QUBIT = hb.device("default.qubit", wires=2)
GAUSSIAN = hb.device("default.gaussian", wires=2)
X = np.array([0.3, -0.7, 0.4])
T = np.array([0.2, 1.0, -0.5])
ROWS = np.random.default_rng(5).uniform(-1, 1, (4, 3))


@pytest.fixture(autouse=True)
def x64():
    """float64, as in the references; what jax had before comes back."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture
def x32(x64):
    jax.config.update("jax_enable_x64", False)


def turn(x):
    hb.RX(x[0], wires=0)
    hb.RY(2 * x[1], wires=1)
    hb.CNOT([0, 1])
    hb.CRX(x[2], wires=[1, 0])
    hb.RZ(0.3, wires=0)
    hb.RX(x[0] * x[2], wires=0)


def number(x):
    turn(x)
    return hb.expval(hb.Z(0) @ hb.X(1))


def probabilities(x):
    turn(x)
    return hb.probs(wires=[1, 0])


def several(x):
    turn(x)
    return hb.expval(hb.X(1)), {"var": hb.var(hb.Z(0)), "p": [hb.probs(wires=[1])]}


def weighted(x):
    turn(x)
    return hb.expval(x[1] * hb.Z(0) + 0.5 * hb.X(1) @ hb.Z(0))


def affine(x, y):
    hb.RX(x[0] - 0.2, wires=0)
    hb.RY(x[1] + 2 * y, wires=1)
    hb.CNOT([0, 1])
    hb.CRX(0.5 * x[2], wires=[0, 1])
    hb.RX(0.3, wires=1)
    return hb.expval(hb.Z(0) @ hb.X(1)), hb.probs(wires=[1])


def light(x):
    hb.Squeezing(x[0], 0.1, wires=0)
    hb.Displacement(0.5, x[1], wires=1)
    hb.Beamsplitter(x[2], 0.2, wires=[0, 1])


def photons(x):
    light(x)
    return hb.expval(hb.NumberOperator(0)), hb.var(hb.QuadX(1))


def patterns(x):
    light(x)
    return hb.probs(wires=[0])


NODES = {
    "a number, by the device": hb.QNode(number, QUBIT),
    "a number, by the rule": hb.QNode(number, QUBIT, diff_method="parameter-shift"),
    "probabilities, by the device": hb.QNode(probabilities, QUBIT),
    "probabilities, by the rule": hb.QNode(probabilities, QUBIT, diff_method="parameter-shift"),
    "containers, by the device": hb.QNode(several, QUBIT),
    "containers, by the rule": hb.QNode(several, QUBIT, diff_method="parameter-shift"),
    "coefficients": hb.QNode(weighted, QUBIT),
    "light, by the device": hb.QNode(photons, GAUSSIAN),
    "light, by the rule": hb.QNode(photons, GAUSSIAN, diff_method="parameter-shift"),
}
FIRST = {
    "value": (lambda f: f, lambda f: f),
    "reverse": (jax.jacrev, hb.jacobian),
    "forward": (jax.jacfwd, hb.jacobian),
    "along a tangent": (
        lambda f: lambda x: jax.jvp(f, (x,), (T,)),
        lambda f: lambda x: hb.jvp(f, (x,), (T,)),
    ),
    "recalculated": (lambda f: jax.jacrev(jax.checkpoint(f)), hb.jacobian),
    "linearized": (
        lambda f: lambda x: jax.linearize(f, x)[1](T),
        lambda f: lambda x: hb.jvp(f, (x,), (T,))[1],
    ),
}
SECOND = {
    "forward over reverse": jax.hessian,
    "reverse over reverse": lambda f: jax.jacrev(jax.jacrev(f)),
    "reverse over forward": lambda f: jax.jacrev(jax.jacfwd(f)),
    "forward over forward": lambda f: jax.jacfwd(jax.jacfwd(f)),
}


def same(found, expected, tolerance=1e-9):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert isinstance(a, jax.Array)
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, atol=tolerance)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("transform", FIRST)
def test_values_and_first_derivatives_are_those_of_the_circuit(node, transform):
    ours, reference = FIRST[transform]
    expected = reference(NODES[node])(X)
    same(ours(NODES[node])(jnp.array(X)), expected)
    same(jax.jit(ours(NODES[node]))(jnp.array(X)), expected)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("transform", SECOND)
def test_second_derivatives_are_those_of_the_circuit(node, transform):
    expected = hb.hessian(NODES[node])(X)
    same(jax.jit(SECOND[transform](NODES[node]))(jnp.array(X)), expected, 1e-8)


@pytest.mark.parametrize("node", ["a number, by the device", "a number, by the rule"])
def test_third_derivatives_and_second_ones_at_once(node):
    def twice(x):
        return jax.hessian(NODES[node])(x)[0, 2]

    step = 1e-4
    expected = [(twice(X + step * e) - twice(X - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(jax.jit(jax.grad(twice))(X), expected, atol=1e-6)
    np.testing.assert_allclose(jax.grad(twice)(jnp.array(X)), expected, atol=1e-6)


def stacked(results):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *results)


MAPPED = {
    "value": (lambda f: f, lambda f: f),
    "jacobian": (jax.jacrev, hb.jacobian),
    "forward": (jax.jacfwd, hb.jacobian),
    "compiled jacobian": (lambda f: jax.jit(jax.jacrev(f)), hb.jacobian),
    "hessian": (jax.hessian, hb.hessian),
}


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("transform", MAPPED)
def test_vmap_is_a_row_at_a_time(node, transform):
    ours, reference = MAPPED[transform]
    expected = stacked([reference(NODES[node])(row) for row in ROWS])
    same(jax.vmap(ours(NODES[node]))(jnp.array(ROWS)), expected, 1e-8)
    same(jax.jit(jax.vmap(ours(NODES[node]), in_axes=1))(jnp.array(ROWS.T)), expected, 1e-8)


@pytest.mark.parametrize("node", ["a number, by the device", "containers, by the rule"])
def test_derivatives_of_vmap_are_rows_of_derivatives(node):
    expected = stacked([hb.jacobian(NODES[node])(row) for row in ROWS])
    every = np.arange(len(ROWS))
    for jacobian in (jax.jacrev, jax.jacfwd):
        found = jax.jit(jacobian(jax.vmap(NODES[node])))(jnp.array(ROWS))
        same(jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -2, 1)[every, every], found), expected)


def test_arguments_that_are_not_mapped_have_derivatives_of_their_own():
    @hb.qnode(QUBIT)
    def circuit(weights, angle):
        hb.RY(angle, wires=1)
        turn(weights)
        return hb.expval(hb.Z(0) @ hb.X(1)), hb.probs(wires=[0])

    angles = np.array([0.1, -0.8])
    for axes in ((0, None), (None, 0)):
        rows = [(ROWS[0], a) for a in angles] if axes[0] is None else [(row, angles[0]) for row in ROWS]
        given_ = (ROWS[0], angles) if axes[0] is None else (ROWS, angles[0])
        expected = stacked([hb.jacobian(circuit, (0, 1))(*row) for row in rows])
        same(jax.vmap(jax.jacrev(circuit, (0, 1)), axes)(*map(jnp.array, given_)), expected)
        summed = jax.jacrev(
            lambda w, a, axes=axes: jax.tree.map(lambda x: x.sum(0), jax.vmap(circuit, axes)(w, a)), (0, 1)
        )
        found = summed(*map(jnp.array, given_))
        unmapped = axes.index(None)
        for ours, reference in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours[unmapped], reference[unmapped].sum(0), atol=1e-9)


def test_maps_nest():
    rows = ROWS.reshape(2, 2, 3)
    expected = np.array([[hb.QNode(number, QUBIT)(x) for x in row] for row in rows])
    same(jax.vmap(jax.vmap(NODES["a number, by the device"]))(jnp.array(rows)), expected)


def test_loops_take_circuits():
    node, expected = NODES["a number, by the rule"], [NODES["a number, by the rule"](x) for x in ROWS]
    rows = jnp.array(ROWS)
    found = jax.lax.scan(lambda total, x: (total + node(x), node(x)), 0.0, rows)
    same(found, (np.sum(expected), np.array(expected)))
    same(jax.jit(lambda r: jax.lax.fori_loop(0, 4, lambda i, t: t + node(r[i]), 0.0))(rows), np.sum(expected))
    slopes = jax.grad(lambda r: jax.lax.scan(lambda total, x: (total + node(x), None), 0.0, r)[0])(rows)
    same(slopes, np.array([hb.grad(node)(x) for x in ROWS]))
    same(jax.lax.cond(True, node, lambda x: 0.0, rows[0]), np.float64(expected[0]))


gates = st.lists(
    st.tuples(
        st.sampled_from(["RX", "RY", "RZ", "PhaseShift", "CRX", "CRY", "IsingXX", "IsingXY"]),
        st.permutations([0, 1]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(gates, st.sampled_from(["best", "parameter-shift"]), st.booleans())
def test_random_circuits_have_their_gradients_and_hessians(applied, method, static):
    @hb.qnode(QUBIT, diff_method=method, static=static)
    def circuit(x):
        hb.RY(0.4, wires=0)
        hb.CNOT([0, 1])
        for name, wires, k in applied:
            operation = getattr(hb, name)
            operation(x[k], wires=wires[: operation.num_wires])
        return hb.expval(hb.Z(0) @ hb.X(1) + hb.Y(1))

    x = jnp.array(X)
    same(circuit(x), np.asarray(circuit(X)))
    same(jax.jit(jax.value_and_grad(circuit))(x), tuple(map(np.asarray, hb.value_and_grad(circuit)(X))))
    same(jax.jit(jax.hessian(circuit))(x), hb.hessian(circuit)(X))
    same(jax.vmap(jax.grad(circuit))(jnp.array(ROWS)), np.array([hb.grad(circuit)(row) for row in ROWS]))


# transform -> jobs and executions by the device, then by the rule: 4 rows, 10 shifts of each
COSTS = {
    "value": (jax.vmap, (1, 4), (1, 4)),
    "gradient": (lambda f: jax.vmap(jax.value_and_grad(f)), (2, 8), (2, 44)),
    "compiled gradient": (lambda f: jax.jit(jax.vmap(jax.value_and_grad(f))), (2, 8), (2, 44)),
    "gradient alone": (lambda f: jax.jit(jax.vmap(jax.grad(f))), (2, 8), (1, 40)),
    "gradient of the sum": (lambda f: jax.grad(lambda x: jax.vmap(f)(x).sum()), (2, 8), (2, 44)),
    "forward": (lambda f: jax.jit(jax.vmap(jax.jacfwd(f))), (2, 8), (1, 40)),
    "hessian": (lambda f: jax.jit(jax.vmap(jax.hessian(f))), (3, 48), (2, 440)),
}


@pytest.mark.parametrize("transform", COSTS)
def test_a_batch_is_one_job_for_the_values_and_one_for_the_derivatives(transform):
    make, *costs = COSTS[transform]
    for method, cost in zip(("best", "parameter-shift"), costs, strict=True):
        mapped = make(hb.QNode(number, QUBIT, diff_method=method))
        jax.block_until_ready(mapped(jnp.array(ROWS)))  # compiled
        with hb.Tracker(QUBIT) as tracker:
            jax.block_until_ready(mapped(jnp.array(ROWS)))
        assert (tracker.totals["jobs"], tracker.totals["executions"]) == cost, method


def test_reverse_mode_pulls_once_however_many_values():
    node = NODES["probabilities, by the device"]
    weights = jnp.arange(4.0)
    cost = jax.jit(jax.grad(lambda x: node(x) @ weights))
    cost(X)
    with hb.Tracker(QUBIT) as tracker:
        jax.block_until_ready(cost(X))
    assert (tracker.totals["jobs"], tracker.totals["executions"]) == (1, 1)


def test_only_arguments_that_are_differentiated_cost_anything():
    @hb.qnode(QUBIT, diff_method="parameter-shift")
    def circuit(weight, data):
        for k in range(5):
            hb.RY(data[k], wires=k % 2)
        hb.CNOT([0, 1])
        hb.RX(weight, wires=1)
        return hb.expval(hb.Z(1))

    slopes = {
        "forward over reverse": jax.hessian(circuit),
        "through a compiled function": jax.hessian(jax.jit(circuit)),
        "a number": jax.grad(jax.jit(circuit)),
    }
    for name, rows in (("forward over reverse", 4), ("through a compiled function", 4), ("a number", 2)):
        slope = jax.jit(slopes[name])
        slope(0.3, jnp.arange(5.0))
        with hb.Tracker(QUBIT) as tracker:
            jax.block_until_ready(slope(0.3, jnp.arange(5.0)))
        assert tracker.totals["executions"] == rows, name


@pytest.mark.parametrize("static", [False, True])
def test_a_compiled_function_records_once(static):
    recorded = []

    @hb.qnode(QUBIT, static=static)
    def circuit(x):
        recorded.append(x)
        return affine(x, 0.4)[0]

    reference = hb.value_and_grad(hb.QNode(lambda x: affine(x, 0.4)[0], QUBIT))
    compiled = jax.jit(jax.value_and_grad(circuit))
    for row in ROWS:
        same(compiled(jnp.array(row)), tuple(map(np.asarray, reference(row))))
    assert len(recorded) == 1


@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
def test_static_circuits_take_arrays_of_jax_and_plain_ones(argnums):
    node = hb.QNode(affine, QUBIT, static=True)
    expected = hb.jacobian(hb.QNode(affine, QUBIT), argnums)(X, 0.4)
    x = jnp.array(X)
    same(node(x, 0.4), hb.QNode(affine, QUBIT)(X, 0.4))
    same(jax.jacrev(node, argnums)(x, 0.4), expected)
    same(jax.jit(jax.jacfwd(node, argnums))(x, 0.4), expected)
    same(jax.jacrev(lambda v: node(v, 0.4))(x), hb.jacobian(hb.QNode(affine, QUBIT))(X, 0.4))
    expected = hb.hessian(hb.QNode(affine, QUBIT), 1)(X, 0.4)
    same(jax.hessian(lambda y: node(X, y))(0.4), expected)
    rows = stacked([hb.jacobian(hb.QNode(affine, QUBIT))(row, 0.4) for row in ROWS])
    same(jax.vmap(jax.jacrev(node), (0, None))(jnp.array(ROWS), 0.4), rows)


def test_broadcast_arguments_are_one_batch():
    @hb.qnode(QUBIT)
    def circuit(x, y):
        hb.RX(x, wires=0)
        hb.RY(y, wires=0)
        return hb.expval(hb.Z(0)), hb.probs(wires=[0])

    angles = np.array([0.1, 0.5, 0.9])
    for transform, reference in (
        (lambda f: f, lambda f: f),
        (lambda f: jax.jacrev(f, (0, 1)), lambda f: hb.jacobian(f, (0, 1))),
    ):
        expected = reference(circuit)(angles, 0.3)
        with hb.Tracker(QUBIT) as tracker:
            same(transform(circuit)(jnp.array(angles), 0.3), expected)
        assert tracker.totals["jobs"] <= 2
        same(jax.jit(transform(circuit))(jnp.array(angles), 0.3), expected)
    same(
        jax.hessian(lambda x: circuit(x, 0.3)[0].sum())(jnp.array(angles)),
        np.diag([hb.hessian(lambda x: circuit(x, 0.3)[0])(a) for a in angles]),
    )
    same(circuit.map(jnp.array(angles), jnp.array(angles)), stacked([circuit(a, a) for a in angles]))


def test_results_have_the_dtype_of_the_arrays():
    node = hb.QNode(several, QUBIT)
    for dtype in (jnp.float32, jnp.float64, jnp.bfloat16):
        x = jnp.array(X, dtype)
        static = hb.QNode(lambda x: affine(x, 0.1), QUBIT, static=True)
        for call in (node, jax.jit(node), lambda x: jax.vmap(node)(x[None]), static):
            for leaf in jax.tree.leaves(call(x)):
                assert leaf.dtype == dtype
        for slope in (jax.jacrev(node), jax.jit(jax.jacfwd(node)), jax.jit(jax.hessian(node))):
            for leaf in jax.tree.leaves(slope(x)):
                assert leaf.dtype == dtype


def test_single_precision_is_calculated_in_double(x32):
    node = hb.QNode(number, QUBIT)
    x = jnp.array(X)
    assert x.dtype == jnp.float32
    exact = np.asarray(x, float)
    for found, expected in (
        (node(x), node(exact)),
        (jax.jit(node)(x), node(exact)),
        (jax.jit(jax.grad(node))(x), hb.grad(node)(exact)),
    ):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, expected, rtol=2e-7)
    np.testing.assert_allclose(jax.jit(jax.hessian(node))(x), hb.hessian(node)(exact), atol=1e-6)
    assert hb.QNode(number, QUBIT, interface="jax")(X.tolist()).dtype == jnp.float32


def test_numbers_of_several_kinds_go_together(x32):
    @hb.qnode(QUBIT)
    def circuit(a, b, c, d):
        for angle in (a, b, c, d):
            hb.RX(angle, wires=0)
        return hb.expval(hb.Z(0))

    expected = np.cos(1 + 2 + 0.25 + 0.5)
    plain = (1, 2.0, np.float64(0.25), np.array(0.5))
    for k in range(4):
        args = [jnp.array(x) if i == k else x for i, x in enumerate(plain)]
        for found in (circuit(*args), jax.jit(circuit)(*args)):
            assert found.dtype == jnp.float32
            assert found == pytest.approx(expected, abs=1e-6)
    same(jax.grad(circuit, 1)(1, 2.0, 0.25, 0.5), -np.sin(np.float32(3.75)), 1e-6)


def test_states_are_complex_arrays():
    def circuit(x):
        turn(x)
        return hb.state(), hb.density_matrix([1])

    node = hb.QNode(circuit, QUBIT)
    for dtype, double in ((jnp.float32, jnp.complex64), (jnp.float64, jnp.complex128)):
        for call in (node, jax.jit(node)):
            found = call(jnp.array(X, dtype))
            assert [leaf.dtype for leaf in found] == [double] * 2
            same(found, node(X), 1e-6)
    same(jax.vmap(node)(jnp.array(ROWS)), stacked([node(row) for row in ROWS]))


def test_a_named_interface_gives_arrays_of_jax():
    for static in (False, True):
        node = hb.QNode(affine, QUBIT, interface="jax", static=static)
        same(node(X, 0.4), hb.QNode(affine, QUBIT)(X, 0.4))
    fixed = hb.QNode(lambda: hb.expval(hb.Z(0)), QUBIT, interface="jax")
    same(fixed(), np.float64(1.0))


def test_circuits_may_calculate_with_their_arrays_as_jax_does():
    @hb.qnode(QUBIT)
    def circuit(x):
        turn(jnp.sin(x.at[1].set(x[0] ** 2)))
        return hb.expval(hb.Z(0))

    reference = hb.QNode(lambda x: (turn(x), hb.expval(hb.Z(0)))[1], QUBIT)
    expected = reference(np.sin([X[0], X[0] ** 2, X[2]]))
    same(circuit(jnp.array(X)), np.asarray(expected))
    same(jax.jit(circuit)(jnp.array(X)), np.asarray(expected))


def sampled(shots, seed=1, **options):
    device = hb.device("default.qubit", wires=2, shots=shots, seed=seed)

    @hb.qnode(device, **options)
    def circuit(x):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])
        return hb.expval(hb.Z(1)), hb.sample(wires=[0, 1]), hb.sample(hb.Z(0))

    return circuit


@pytest.mark.parametrize("static", [False, True])
def test_each_run_of_a_compiled_function_draws_anew(static):
    def twice(circuit, x):
        return circuit(x), circuit(x)

    found = {}
    for seed in (1, 1, 2):
        circuit = sampled(50, seed, static=static)
        compiled = jax.jit(lambda x, circuit=circuit: twice(circuit, x))
        first, again = compiled(1.2), compiled(1.2)
        drawn = [np.asarray(samples) for _, samples, _ in (*first, *again)]
        assert all(not np.array_equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])
        found.setdefault(seed, []).append(drawn)
    np.testing.assert_array_equal(*found[1])  # the seed says it all
    assert not np.array_equal(found[1][0], found[2][0])


def test_loops_and_maps_draw_anew():
    circuit = sampled(50)
    drawn = jax.jit(lambda x: jax.lax.scan(lambda c, _: (c, circuit(x)[1]), 0, length=3)[1])(1.2)
    drawn = [*drawn, *jax.vmap(lambda x: circuit(x)[1])(jnp.full(3, 1.2))]
    assert all(not np.array_equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_samples_are_arrays_of_the_shots():
    circuit = sampled(7)
    for call in (circuit, jax.jit(circuit)):
        mean, bits, values = call(1.2)
        assert (mean.shape, bits.shape, values.shape) == ((), (7, 2), (7,))
        assert (bits.dtype, values.dtype) == (jnp.int64, jnp.float64)
        assert set(np.ravel(bits)) <= {0, 1} and set(np.ravel(values)) <= {-1.0, 1.0}


def test_sampled_gradients_are_those_of_the_shift_rule():
    device = hb.device("default.qubit", wires=2, shots=4000, seed=3)
    node = hb.QNode(number, device)
    exact = hb.grad(hb.QNode(number, QUBIT))(X)
    with hb.Tracker(device) as tracker:
        found = jax.jit(jax.value_and_grad(node))(jnp.array(X))[1]
    assert tracker.totals["jobs"] == 2
    np.testing.assert_allclose(found, exact, atol=6 * 1.2 / np.sqrt(4000))


def test_counts_are_dicts_and_only_at_arrays():
    circuit = hb.QNode(
        lambda x: (hb.RX(x, wires=0), hb.counts())[1], hb.device("default.qubit", wires=1, shots=9)
    )
    assert circuit(jnp.array(0.0)) == {"0": 9}
    for transform in (jax.jit, lambda f: lambda x: jax.vmap(f)(x[None])):
        with pytest.raises(
            hb.CircuitError, match=r"dict, which JAX cannot trace; return hb\.sample or hb\.probs"
        ):
            transform(circuit)(jnp.array(0.3))


def first_of(node):
    return lambda x: jnp.sum(jax.tree.leaves(node(x))[0].real.astype(float))


def test_what_has_no_derivative_is_named_with_what_has():
    shots = hb.device("default.qubit", wires=1, shots=5)
    exact = hb.device("default.qubit", wires=1)
    for measure, device in (
        (lambda: hb.sample(wires=[0]), shots),
        (lambda: hb.sample(hb.Z(0)), shots),
        (hb.state, exact),
        (lambda: hb.density_matrix([0]), exact),
        (hb.counts, shots),
    ):
        node = hb.QNode(lambda x, measure=measure: (hb.RX(x, wires=0), measure())[1], device)
        for transform in (jax.grad, lambda f: jax.jit(jax.grad(f)), lambda f: jax.vmap(jax.grad(f))):
            with pytest.raises(hb.GradientError, match=r"is not differentiable; return expval, var or probs"):
                transform(first_of(node))(jnp.array([0.3]) if transform is not jax.grad else 0.3)


def test_what_has_no_derivative_hurts_only_where_it_is_asked_for():
    @hb.qnode(QUBIT)
    def circuit(x):
        turn(x)
        return hb.expval(hb.Z(0) @ hb.X(1)), hb.state()

    reference, first = NODES["a number, by the device"], lambda x: circuit(x)[0]
    same(jax.grad(first)(jnp.array(X)), hb.grad(reference)(X))
    same(jax.jit(jax.grad(first))(jnp.array(X)), hb.grad(reference)(X))
    same(jax.vmap(jax.grad(first))(jnp.array(ROWS)), stacked([hb.grad(reference)(row) for row in ROWS]))
    same(jax.jit(jax.hessian(first))(jnp.array(X)), hb.hessian(reference)(X))
    with pytest.raises(hb.GradientError, match=r"state\(\) is not differentiable"):
        jax.jvp(
            first, (jnp.array(X),), (T,)
        )  # forward, and not compiled: all values of the circuit are asked


def test_what_has_no_rule_is_said_when_it_is_compiled():
    unable = {
        "the QNode was made with diff_method=None": hb.QNode(number, QUBIT, diff_method=None),
        "has no derivatives of its own": hb.QNode(number, QUBIT, diff_method="device", shots=5),
    }
    for reason, node in unable.items():
        for transform in (jax.grad, jax.jacfwd, jax.hessian):
            for compiled in (lambda f: f, jax.jit):
                with pytest.raises(hb.GradientError, match=reason):
                    compiled(transform(node))(jnp.array(X))


def test_bad_numbers_are_named():
    node = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], QUBIT)
    with pytest.raises(hb.CircuitError, match="must be a real number; got a JAX array of complex128"):
        node(jnp.array(0.3 + 0j))
    with pytest.raises(hb.CircuitError, match="must be a real number; got a JAX array of complex128"):
        jax.jit(node)(0.3 + 0j)
    with pytest.raises(hb.CircuitError, match=r"arrays \(batch,\) of one length; got shapes \(2, 3\)"):
        jax.jit(node)(jnp.ones((2, 3)))
    with pytest.raises(hb.CircuitError, match="at least one entry"):
        jax.jit(node)(jnp.ones(0))
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(hb.QNode(lambda x: (hb.RX(x if x > 0 else -x, wires=0), hb.expval(hb.Z(0)))[1], QUBIT))(0.3)
    with pytest.raises(hb.CircuitError, match=r"arrays of jax, and .* interface='autograd'"):
        hb.QNode(number, QUBIT, interface="autograd")(jnp.array(X))


class Failing(hb.Device):
    """Fails at every run."""

    capabilities = QUBIT.capabilities

    def run(self, tasks):
        raise TimeoutError("the queue is closed")


def test_errors_of_a_compiled_program_carry_hybridges_message():
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    node, failing = (
        hb.QNode(circuit, QUBIT),
        hb.QNode(circuit, Failing(wires=1), diff_method="parameter-shift"),
    )
    for f in (node, jax.grad(node)):
        with pytest.raises(hb.CircuitError, match="parameter 0 of the circuit is nan"):
            f(jnp.array(np.nan))
        with pytest.raises(
            jax.errors.JaxRuntimeError, match="CircuitError: parameter 0 of the circuit is nan"
        ):
            jax.block_until_ready(jax.jit(f)(np.nan))
    for f in (failing, jax.grad(failing)):
        with pytest.raises(hb.JobFailed, match="the queue is closed"):
            f(jnp.array(0.3))
        with pytest.raises(
            jax.errors.JaxRuntimeError, match=r"JobFailed: .* failed: TimeoutError: the queue is closed"
        ):
            jax.block_until_ready(jax.jit(f)(0.3))
