"""JAX's arrays in a call: jobs, dtypes, shots, and what bad ones get."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax_nodes import (
    NODES,
    QUBIT,
    ROWS,
    T,
    X,
    affine,
    number,
    same,
    several,
    stacked,
    turn,
)

import hybridge as hb

pytestmark = pytest.mark.usefixtures("x64")
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
