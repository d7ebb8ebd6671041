"""One model of qubits, light and a network, in every array library: the same derivatives, and it trains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import hybridge as hb
from hybridge import numpy as hnp

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(3)
FEATURES, TARGETS = RNG.uniform(-1, 1, (6, 2)), RNG.uniform(-0.5, 0.5, 6)
START = {"net": RNG.normal(size=(2, 2)), "angles": [0.3, RNG.normal(size=2)], "light": {"r": 0.2, "c": 0.7}}


@hb.qnode(hb.device("default.qubit", wires=2))
def qubits(x, angles):
    for wire in range(2):
        hb.RX(x[wire], wires=wire)
    hb.CNOT([0, 1])
    hb.RY(angles[0], wires=0)
    hb.CRX(angles[1][0], wires=[0, 1])
    hb.RZ(angles[1][1], wires=1)
    return {"z": hb.expval(hb.Z(0) @ hb.X(1)), "p": [hb.probs(wires=[1])]}


@hb.qnode(hb.device("default.gaussian", wires=1))
def light(x, r, c):
    hb.Displacement(x, 0.2, wires=0)
    hb.Squeezing(r, 0.4, wires=0)
    return hb.expval(c * hb.QuadX(0) + 0.1 * hb.NumberOperator(0))


def cost(tanh, total):
    """The mean square error of the model, by these functions of a library."""

    def of(params):
        net, angles, beam = params["net"], params["angles"], params["light"]
        errors = []
        for features, target in zip(FEATURES, TARGETS, strict=True):
            hidden = [tanh(net[i, 0] * features[0] + net[i, 1] * features[1]) for i in range(2)]
            found = qubits(hidden, angles)
            errors.append((light(found["z"] + found["p"][0][1], beam["r"], beam["c"]) - target) ** 2)
        return total(errors) / len(TARGETS)

    return of


def by_autograd(params):
    return hb.value_and_grad(cost(hnp.tanh, sum))(params)


def by_torch(params):
    leaves, build = hb.pytree.flatten(params)
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in leaves]
    value = cost(torch.tanh, sum)(build(tensors))
    return value.item(), build([g.numpy() for g in torch.autograd.grad(value, tensors)])


def by_jax(params):
    leaves, build = hb.pytree.flatten(params)  # jax puts the keys of a dict into an order of its own
    value, slopes = jax.jit(jax.value_and_grad(lambda x: cost(jnp.tanh, sum)(build(x))))(leaves)
    return float(value), build([np.asarray(g) for g in slopes])


def by_tensorflow(params):
    leaves, build = hb.pytree.flatten(params)
    variables = [tf.Variable(x, dtype=tf.float64) for x in leaves]
    with tf.GradientTape() as tape:
        value = cost(tf.tanh, tf.add_n)(build(variables))
    return float(value), build(
        [g.numpy() for g in map(tf.convert_to_tensor, tape.gradient(value, variables))]
    )


LIBRARIES = {"autograd": by_autograd, "torch": by_torch, "jax": by_jax, "tensorflow": by_tensorflow}


def flat(tree):
    return np.concatenate([np.ravel(x) for x in hb.pytree.flatten(tree)[0]])


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_model_of_qubits_light_and_a_network_has_its_derivatives_and_trains(name):
    leaves, build = hb.pytree.flatten(START)
    sizes = np.cumsum([np.size(x) for x in leaves])[:-1]

    def at(vector):
        parts = np.split(vector, sizes)
        return build(
            [p.reshape(np.shape(x)) if np.ndim(x) else p[0] for p, x in zip(parts, leaves, strict=True)]
        )

    x = flat(START)
    value, slopes = LIBRARIES[name](at(x))
    assert value == pytest.approx(cost(np.tanh, sum)(START), abs=1e-12)
    for k in range(len(x)):
        step = 1e-5 * np.eye(len(x))[k]
        difference = (cost(np.tanh, sum)(at(x + step)) - cost(np.tanh, sum)(at(x - step))) / 2e-5
        assert flat(slopes)[k] == pytest.approx(difference, abs=1e-8)
    for _ in range(12):
        x = x - 0.4 * flat(LIBRARIES[name](at(x))[1])
    assert LIBRARIES[name](at(x))[0] < 0.3 * value


MIXED = {
    ("torch", "jax"): lambda: (torch.tensor([0.1, 0.2]), [jnp.array(0.3), np.zeros(2)]),
    ("jax", "tensorflow"): lambda: (jnp.array([0.1, 0.2]), [tf.constant(0.3), np.zeros(2)]),
    ("tensorflow", "torch"): lambda: (tf.Variable([0.1, 0.2]), [torch.tensor(0.3), np.zeros(2)]),
}


@pytest.mark.parametrize("names", MIXED)
def test_arrays_of_two_libraries_in_one_call_are_refused_and_both_are_named(names):
    with pytest.raises(hb.CircuitError, match=" and ".join(sorted(names))):
        qubits(*MIXED[names]())


@pytest.mark.parametrize(
    "array", [torch.tensor, jnp.array, lambda x: tf.Variable(x, dtype=tf.float64)], ids=["torch", "jax", "tf"]
)
def test_rows_of_several_structures_are_put_together_in_every_library(array):
    @hb.qnode(hb.device("default.qubit", wires=1))
    def decides(x, more):
        hb.RX(x, wires=0)
        if more:
            hb.RY(2 * x, wires=0)
        return hb.expval(hb.Z(0))

    angles, more = [0.1, 0.2, 0.3], np.array([True, False, True])
    found = decides.map(array(np.array(angles)), more)
    expected = [decides(a, m) for a, m in zip(angles, more, strict=True)]
    assert np.allclose(np.asarray(found), expected, atol=1e-12)
