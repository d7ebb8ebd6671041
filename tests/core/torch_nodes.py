"""Circuits for the tests of torch, and their derivatives by hybridge alone."""

from __future__ import annotations

import numpy as np
import torch

import hybridge as hb
from hybridge import numpy as hnp

QUBITS = hb.device("default.qubit", wires=3)
LIGHT = hb.device("default.gaussian", wires=2)


def qubits(x, y):
    hb.RX(x[0], wires=0)
    hb.RY(x[1] * y, wires=1)
    hb.CNOT([0, 1])
    hb.RZ(0.3, wires=1)
    hb.CRX(x[2], wires=[1, 2])
    hb.RY(x[0], wires=2)
    return hb.expval(hb.Z(0) @ hb.Z(1)), {"p": hb.probs(wires=[2]), "v": hb.var(hb.X(0))}


def light(x, y):
    hb.Squeezing(0.3 * x[0], 0.1, wires=0)
    hb.Displacement(x[1], y, wires=1)
    hb.Beamsplitter(x[2], 0.4, wires=[0, 1])
    return hb.expval(hb.NumberOperator(0)), {"q": hb.expval(hb.QuadX(1)), "v": hb.var(hb.QuadP(0))}


def one(x, y):
    """One number, whose derivative comes with it."""
    for k in range(3):
        hb.RX(x[k], wires=k)
    hb.CNOT([0, 1])
    hb.CRY(y, wires=[1, 2])
    return hb.expval(hb.Z(2) + 0.5 * hb.X(1))


def straight(x, y):
    """What a static circuit may do."""
    hb.RX(x[0] / 2, wires=0)
    hb.RY(x[1] + y, wires=1)
    hb.CNOT([0, 1])
    hb.RY(x[2] - 2 * x[0], wires=0)
    return hb.expval(hb.Z(0) @ hb.X(1)), {"p": hb.probs(wires=[1])}


NODES = {
    "qubits": hb.QNode(qubits, QUBITS),
    "qubits by rule": hb.QNode(qubits, QUBITS, diff_method="parameter-shift"),
    "light": hb.QNode(light, LIGHT),
    "light by rule": hb.QNode(light, LIGHT, diff_method="parameter-shift"),
    "one number": hb.QNode(one, QUBITS),
    "static": hb.QNode(straight, QUBITS, static=True),
    "one number, static": hb.QNode(one, QUBITS, static=True),
}
X, Y = np.array([0.4, 0.7, -0.5]), 0.6


def leaves(results):
    """All numbers that a circuit returns, whatever they are in."""
    if isinstance(results, dict):
        return [x for value in results.values() for x in leaves(value)]
    return [x for value in results for x in leaves(value)] if isinstance(results, tuple) else [results]


def joined(node):
    return lambda *args: torch.cat([v.reshape(-1) for v in leaves(node(*args))])


def tensors(dtype=torch.float64, requires_grad=True):
    return [torch.tensor(v, dtype=dtype, requires_grad=requires_grad) for v in (X, Y)]


def reference(node):
    """The Jacobian by hb.jacobian, in both arguments."""
    flat = lambda x, y: hnp.concatenate([hnp.reshape(v, -1) for v in leaves(node(x, y))])
    return hb.jacobian(flat, argnums=(0, 1))(X, Y)


def same(found, wanted, tolerance=1e-10):
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=0, atol=tolerance)
