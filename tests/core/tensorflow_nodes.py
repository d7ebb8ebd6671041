"""Circuits for the tests of TensorFlow, and what a tape makes of them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

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


def one(node):
    return lambda x: node(x)["z"]


def several(node):
    """The other values, as one array in every library."""

    def values(x):
        found = node(x)["p"]
        return tf.stack(found) if isinstance(found, tuple) and tf.is_tensor(found[0]) else found

    return values


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
