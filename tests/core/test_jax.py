"""JAX: jit, vmap and derivatives of any order are those of the circuit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax_nodes import (
    NODES,
    QUBIT,
    ROWS,
    T,
    X,
    number,
    same,
    stacked,
    turn,
)

import hybridge as hb

pytestmark = pytest.mark.usefixtures("x64")
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
