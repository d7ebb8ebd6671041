"""`circuit.map` in every array library: values, gradients and errors are those of numpy's arrays."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import hybridge as hb
from hybridge import numpy as hnp

DEVICE = hb.device("default.qubit", wires=2)
SAMPLING = hb.device("default.qubit", wires=2, shots=20, seed=1)
RNG = np.random.default_rng(2)
X, Y, W = RNG.normal(size=(5, 2)), RNG.normal(size=5), RNG.normal(size=3)
pytestmark = pytest.mark.usefixtures("x64")


def by_autograd(cost, args):
    return hb.grad(cost, tuple(range(len(args))))(*args)


def by_torch(cost, args):
    leaves = [torch.tensor(x, requires_grad=True) for x in args]
    return [g.numpy() for g in torch.autograd.grad(cost(*leaves), leaves)]


def by_jax(cost, args):
    return jax.grad(cost, tuple(range(len(args))))(*map(jnp.array, args))


def by_jit(cost, args):
    return jax.jit(jax.grad(cost, tuple(range(len(args)))))(*map(jnp.array, args))


def by_tape(cost, args):
    leaves = [tf.Variable(x) for x in args]
    with tf.GradientTape() as tape:
        value = cost(*leaves)
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(value, leaves)]


# library -> its functions of numbers, arrays of it, gradients of a cost
LIBRARIES = {
    "autograd": (hnp, np.array, by_autograd),
    "torch": (torch, torch.tensor, by_torch),
    "jax": (jnp, jnp.array, by_jax),
    "jax.jit": (jnp, jnp.array, by_jit),
    "tensorflow": (tf, tf.constant, by_tape),
}


def turned(x, y, w):
    hb.RX(x[0], wires=0)
    hb.RY(2 * x[1] - y, wires=1)
    hb.CNOT([0, 1])
    hb.RZ(w[1], wires=1)
    hb.RX(w[0] / 2, wires=1)


def affine(xp):
    def circuit(x, y, w):
        turned(x, y, w)
        return {"z": hb.expval(hb.Z(1)), "p": hb.probs(wires=[0])}

    return circuit


def calculated(xp):
    def circuit(x, y, w):
        turned(x, y, w)
        hb.RX(xp.sin(x[0]) * w[2] + y * x[1], wires=0)
        return {"z": hb.expval(hb.X(1)), "p": hb.var(hb.Z(0))}

    return circuit


def one_number(xp):
    def circuit(x, y, w):
        turned(x, y, w)
        return hb.expval(hb.Z(0) @ hb.Z(1))

    return circuit


def weighted(xp):
    def circuit(x, y, w):
        hb.RX(x[0], wires=0)
        hb.RX(w[1], wires=0)
        return hb.expval(y * hb.Z(0) + w[2] * hb.Y(0))

    return circuit


def decides(xp):
    def circuit(x, y, w):
        turned(x, y, w)
        (hb.RX if y > 0 else hb.RY)(y * w[0], wires=0)
        return {"z": hb.expval(hb.Z(0)), "p": hb.probs(wires=[0, 1])}

    return circuit


CIRCUITS = {f.__name__: f for f in (affine, calculated, one_number, weighted, decides)}
ONCE = ("affine", "one_number")  # that may be static
CASES = [
    (library, name, static)
    for library in LIBRARIES
    for name in CIRCUITS
    for static in (False, True)
    if (name in ONCE or not static) and (library, name) != ("jax.jit", "decides")
]


def total(xp, found):
    """One number that depends on all results; each library has its own name for a sum."""
    sums = {"tensorflow": tf.reduce_sum}.get(xp.__name__.split(".")[0], getattr(xp, "sum", None))
    leaves = found.values() if isinstance(found, dict) else [found]
    return sum(sums(leaf * leaf * (k + 1)) for k, leaf in enumerate(leaves))


@pytest.mark.parametrize(("library", "name", "static"), CASES)
def test_values_and_gradients_are_those_of_the_rows(library, name, static):
    xp, array, gradients = LIBRARIES[library]
    node = hb.QNode(CIRCUITS[name](xp), DEVICE, static=static)
    plain = hb.QNode(CIRCUITS[name](hnp), DEVICE)

    def loop(x, y, w):
        return sum(total(hnp, plain(x[b], y[b], w)) for b in range(len(Y)))

    value = total(xp, node.map(array(X), array(Y), array(W), in_axes=(0, 0, None)))
    assert type(value) is type(total(xp, {"p": array(Y)}))
    assert np.isclose(float(value), loop(X, Y, W))
    found = gradients(lambda x, y, w: total(xp, node.map(x, y, w, in_axes=(0, 0, None))), (X, Y, W))
    for own, expected in zip(found, hb.grad(loop, (0, 1, 2))(X, Y, W), strict=True):
        assert np.allclose(own, expected, rtol=0, atol=1e-8)
    assert any(np.any(own) for own in found)


@pytest.mark.parametrize("library", LIBRARIES)
def test_all_rows_are_one_job(library):
    xp, array, gradients = LIBRARIES[library]
    for name in ("affine", "calculated"):
        node = hb.QNode(CIRCUITS[name](xp), DEVICE)
        with hb.Tracker(DEVICE) as tracker:
            node.map(array(X), array(Y), array(W), in_axes=(0, 0, None))
        assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == len(Y)
        with hb.Tracker(DEVICE) as tracker:
            gradients(lambda *a, n=node: total(xp, n.map(*a, in_axes=(0, 0, None))), (X, Y, W))
        assert tracker.totals["jobs"] == 2


@pytest.mark.parametrize("library", LIBRARIES)
def test_any_axis_counts_the_rows(library):
    xp, array, gradients = LIBRARIES[library]
    stacked = RNG.normal(size=(2, 3, 5))

    def circuit(x):
        hb.RX(x[1, 2], wires=0)
        hb.RY(x[0, 1] * x[1, 1], wires=0)
        return hb.expval(hb.X(0))

    node = hb.QNode(circuit, DEVICE)
    by_row = [node(stacked[:, :, b]) for b in range(5)]
    assert np.allclose(node.map(array(stacked), in_axes=2), by_row)
    slope = gradients(lambda x: total(xp, node.map(x, in_axes=-1)), (stacked,))[0]
    alone = hb.grad(lambda x: sum(node(x[:, :, b]) ** 2 for b in range(5)))(stacked)
    assert np.allclose(slope, alone, atol=1e-8)


def complex_rows(array, node):
    node.map(array(X + 1j), array(Y), array(W), in_axes=(0, 0, None))


def not_a_number(array, node):
    node.map(array(np.where(X == X[3, 1], np.nan, X)), array(Y), array(W), in_axes=(0, 0, None))


def two_lengths(array, node):
    node.map(array(X), array(Y[:2]), array(W), in_axes=(0, 0, None))


def no_rows(array, node):
    node.map(array(X[:0]), array(Y[:0]), array(W), in_axes=(0, 0, None))


def a_scalar(array, node):
    node.map(array(X), array(0.3), array(W), in_axes=(0, 0, None))


def batches_in_rows(array, node):
    node.map(array(np.stack([X, X, X])), array(Y[:3]), array(W), in_axes=(0, 0, None))


MISTAKES = {
    complex_rows: "real|complex",
    not_a_number: "nan; parameters must be finite numbers .it is phi of RY on wires .1., row 3 of the batch",
    two_lengths: "argument 0 has 5, argument 1 has 2",
    no_rows: "at least one row; argument 0 has none",
    a_scalar: "argument 1 holds .* which has no axis to map",
    batches_in_rows: "array in each row|of one length|one length",
}


@pytest.mark.parametrize("library", [name for name in LIBRARIES if name != "jax.jit"])
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda f: f.__name__)
def test_mistakes_are_told_alike(mistake, library):
    xp, array, _ = LIBRARIES[library]
    for static in (False, True):
        with pytest.raises(hb.CircuitError, match=MISTAKES[mistake]):
            mistake(array, hb.QNode(affine(xp), DEVICE, static=static))


def test_a_tensor_of_unknown_length_is_told():
    node = hb.QNode(affine(tf), DEVICE)
    inputs = [tf.TensorSpec(s, tf.float64) for s in ((None, 2), (None,), (3,))]
    mapped = tf.function(lambda x, y, w: node.map(x, y, w, in_axes=(0, 0, None))["z"], input_signature=inputs)
    with pytest.raises(Exception, match="a map needs lengths that are known"):  # told in a StagingError
        mapped(X, Y, W)
    known = tf.function(lambda x, y, w: node.map(x, y, w, in_axes=(0, 0, None))["z"])
    expected = hb.QNode(affine(hnp), DEVICE).map(X, Y, W, in_axes=(0, 0, None))["z"]
    assert np.allclose(known(tf.constant(X), tf.constant(Y), tf.constant(W)), expected)


# a tape of tensorflow leaves whole numbers out by itself
@pytest.mark.parametrize("library", [name for name in LIBRARIES if name != "tensorflow"])
@pytest.mark.parametrize("measure", [hb.counts, hb.sample], ids=lambda f: f.__name__)
def test_what_has_no_derivative_is_told_with_what_has_one(measure, library):
    xp, _, gradients = LIBRARIES[library]

    @hb.qnode(SAMPLING)
    def circuit(x):
        hb.RX(x, wires=0)
        return measure(wires=0)

    with pytest.raises(hb.GradientError, match="not differentiable; return expval, var or probs"):
        gradients(lambda y: total(xp, circuit.map(y)), (Y,))
