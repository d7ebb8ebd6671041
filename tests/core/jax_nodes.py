"""Circuits for the tests of JAX."""

import jax
import numpy as np

import hybridge as hb

QUBIT = hb.device("default.qubit", wires=2)
GAUSSIAN = hb.device("default.gaussian", wires=2)
X = np.array([0.3, -0.7, 0.4])
T = np.array([0.2, 1.0, -0.5])
ROWS = np.random.default_rng(5).uniform(-1, 1, (4, 3))


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


def same(found, expected, tolerance=1e-9):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert isinstance(a, jax.Array)
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, atol=tolerance)


def stacked(results):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *results)
