"""Bad input in each array library gets hybridge's errors, not the library's: one table for all of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import hybridge as hb

DEVICE = hb.device("default.qubit", wires=2)
pytestmark = pytest.mark.usefixtures("x64")


def by_torch(f, x):
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(f(leaf), leaf)[0]


def by_tape(f, x):
    leaf = tf.Variable(x, dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = f(leaf)
    return tape.gradient(value, leaf)


# library -> an array of it, the derivative of a function at a number
LIBRARIES = {
    "torch": (torch.tensor, by_torch),
    "jax": (jnp.array, lambda f, x: jax.grad(f)(jnp.array(x))),
    "tensorflow": (tf.constant, by_tape),
}


def turn(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


def two(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0)), hb.probs(wires=[0, 1])


NODES = {
    "recorded": hb.QNode(turn, DEVICE),
    "static": hb.QNode(turn, DEVICE, static=True),
    "by the rule": hb.QNode(turn, DEVICE, "parameter-shift"),
}
CALLS = {
    "complex": (lambda array, gradient, node: node(array(0.3j)), hb.CircuitError, "real.*complex"),
    "a matrix": (
        lambda array, gradient, node: node(array([[0.3]])),
        hb.CircuitError,
        "one length; got shapes",
    ),
    "nothing": (lambda array, gradient, node: node(array(np.ones(0))), hb.CircuitError, "at least one entry"),
    "NaN": (
        lambda array, gradient, node: gradient(node, float("nan")),
        hb.CircuitError,
        "parameter 0 of the circuit is nan; .*phi of RX on wires .0.",
    ),
    "infinite": (
        lambda array, gradient, node: gradient(lambda x: node(x) ** 2, float("inf")),
        hb.CircuitError,
        "parameter 0 of the circuit is inf; .*phi of RX on wires .0.",
    ),
    "hb.grad of its array": (
        lambda array, gradient, node: hb.grad(node)(array(0.3)),
        hb.GradientError,
        "is an array of (torch|jax|tensorflow), and hb.grad differentiates floats and numpy arrays",
    ),
    "no method": (
        lambda array, gradient, node: gradient(node.update(diff_method=None), 0.3),
        hb.GradientError,
        "made with diff_method=None",
    ),
}


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", CALLS)
def test_an_error_says_what_whatever_the_library(name, library, node):
    call, kind, message = CALLS[name]
    with pytest.raises(kind, match=message):
        call(*LIBRARIES[library], NODES[node])
    assert float(LIBRARIES[library][1](NODES[node], 0.3)) == pytest.approx(-np.sin(0.3), abs=1e-9)


@pytest.mark.parametrize("library", ["torch", "tensorflow"])
def test_tensors_of_whole_numbers_are_refused(library):
    array, _ = LIBRARIES[library]
    for x in (array(1), array(True)):
        with pytest.raises(hb.CircuitError, match=r"must be .*real.*float"):
            NODES["recorded"](x)


def test_what_is_cut_off_the_graph_has_its_value_and_no_derivative():
    node = NODES["recorded"]
    x = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    value = node(x.detach())
    assert float(value) == pytest.approx(np.cos(0.3)) and not value.requires_grad
    slope = torch.autograd.grad(node(x.detach()) * node(x), x)[0]
    assert float(slope) == pytest.approx(-np.cos(0.3) * np.sin(0.3))
    stopped = jax.grad(lambda x: node(jax.lax.stop_gradient(x)) * node(x))(0.3)
    assert float(stopped) == pytest.approx(-np.cos(0.3) * np.sin(0.3))
    found = by_tape(lambda x: node(tf.stop_gradient(x)) * node(x), 0.3)
    assert float(found) == pytest.approx(-np.cos(0.3) * np.sin(0.3))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_device_that_gives_nonsense_is_named_inside_a_gradient(library, monkeypatch):
    _, gradient = LIBRARIES[library]
    wrong = {
        "vjp": lambda self, task, cotangent: np.full(task.params.shape, np.nan),
        "value_and_vjp": lambda self, task, cotangent: (
            np.ones((len(task.params), 1)),
            np.full(task.params.shape, np.nan),
        ),
    }
    for method, answer in wrong.items():
        monkeypatch.setattr(type(DEVICE), method, answer)
    both = hb.QNode(two, DEVICE)
    for f in (NODES["recorded"], NODES["static"], lambda x: both(x)[0] ** 2):
        with pytest.raises(hb.PluginError, match=r"default.qubit.*vjp returned NaN or infinite.*expval\(Z"):
            gradient(f, 0.3)
