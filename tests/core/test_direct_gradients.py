"""A circuit differentiated by itself, inside a function, and by autograd alone: one and the same result."""

from typing import NamedTuple

import autograd
import numpy as np
import pytest

import hybridge as hb
from hybridge import numpy as hnp
from hybridge.interfaces.entries import Entry


class Weights(NamedTuple):
    angle: float
    layers: list


X = np.array([0.3, -0.7, 1.1, 0.5, 0.9, -0.4])
W = X.reshape(1, 2, 3)


def entangle():
    hb.CNOT([0, 1])
    hb.CRY(0.4, wires=[1, 2])


def entries(x):
    hb.RX(x[0], wires=0)
    hb.RY(x[-1], wires=1)
    hb.CRot(x[1], x[2], x[0], wires=[0, 1])  # x[0] again
    entangle()
    return hb.expval(hb.Z(1))


def unpacked(x):
    for i, angle in enumerate(x[1:5]):
        hb.RY(angle, wires=i % 3)
    entangle()
    return hb.var(hb.Z(1) + 0.5 * hb.X(2))


def layered(w):
    for layer in w:
        for i in range(2):
            hb.Rot(*layer[i], wires=i)
    hb.RX(w[0, 1, -1], wires=2)
    hb.RY(w[0][1][0], wires=0)
    entangle()
    return hb.expval(hb.Z(1) @ hb.X(2))


def shaped(w):
    for i, angle in enumerate(w.reshape(-1)[[0, 3, 4]]):
        hb.RX(angle, wires=i)
    hb.RY(w.T[2, 1, 0], wires=1)
    entangle()
    return hb.expval(hb.Z(1))


def calculated(x):
    hb.RX(2 * x[0] + 0.1, wires=0)
    hb.RY(hnp.sin(x[1]) * x[2], wires=1)
    hb.RZ(np.cos(x[3]), wires=1)  # numpy's own
    hb.RX(hnp.sum(x * x), wires=2)
    entangle()
    return hb.expval(hb.X(1))


def mixed(x):
    hb.RX(x[0], wires=0)
    hb.RY(x[0] * x[1], wires=1)
    hb.RX(0.3, wires=1)
    entangle()
    return hb.expval(hb.Z(1))


def branching(x):
    for angle in x:
        if angle > 0.4:
            hb.RX(angle, wires=0)
        elif angle:
            hb.RY(angle, wires=1)
    entangle()
    return hb.expval(hb.Z(1))


def containers(w, bias):
    hb.RX(w["w"].angle, wires=0)
    hb.RY(w["w"].layers[0][1], wires=1)
    hb.RZ(bias, wires=1)
    hb.RX(w["w"].layers[1], wires=1)
    entangle()
    return hb.expval(hb.Z(1))


def coefficients(x):
    hb.RX(x[0], wires=0)
    hb.RY(x[1], wires=1)
    return hb.expval(x[2] * hb.Z(0) @ hb.Z(1) + x[0] * hb.X(0))


def independent(x):
    hb.RX(0.3, wires=0)
    return hb.expval(hb.Z(0))


TREE = {"w": Weights(0.3, [np.array([0.5, 0.6]), 0.7])}
ONE_NUMBER = {
    "entries": (entries, (X,)),
    "unpacked": (unpacked, (X,)),
    "layered": (layered, (W,)),
    "shaped": (shaped, (W,)),
    "calculated": (calculated, (X,)),
    "mixed": (mixed, (X,)),
    "branching": (branching, (X,)),
    "containers": (containers, (TREE, 0.2)),
    "coefficients": (coefficients, (X,)),
    "independent": (independent, (X,)),
    "integers": (entries, (np.array([1, 2, 3]),)),
    "a list": (entries, ([0.1, np.float64(0.2), 3],)),
}


def several(x, y):
    hb.RX(x[0], wires=0)
    hb.RY(y, wires=1)
    hb.RX(x[1], wires=0)
    entangle()
    z = hb.expval(hb.Z(1))
    return {"z": (z, hb.probs(wires=[2, 0])), "again": [z, hb.var(hb.X(1))]}


def batched(x, y):
    hb.RX(x, wires=0)
    hb.RY(y, wires=1)
    hb.CRX(x, wires=[0, 2])
    entangle()
    return hb.expval(hb.Z(1)), hb.probs(wires=[0, 1])


def columns(x):
    hb.RX(x[:, 0], wires=0)
    hb.RY(x[:, 1], wires=1)
    hb.RZ(x[0, 0], wires=1)
    entangle()
    return hb.expval(hb.Z(1))


ANY_VALUE = {
    "several": (several, (X, 0.2)),
    "batched": (batched, (X[:3], 0.2)),
    "a batch of one": (batched, (X[:1], X[1:2])),
    "columns": (columns, (X.reshape(3, 2),)),
    **ONE_NUMBER,
}
METHODS = ("best", "parameter-shift")


def node(function, method="best"):
    return hb.QNode(function, hb.device("default.qubit", wires=3), diff_method=method)


def leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree]


def kinds(tree):
    if isinstance(tree, dict):
        return {k: kinds(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree).__name__, [kinds(part) for part in tree]
    return np.shape(tree), np.asarray(tree).dtype


def same(a, b):
    assert kinds(a) == kinds(b)
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert np.allclose(x, y, rtol=0, atol=1e-13)


def ordinary(tree):
    """The boxes of a tree as autograd makes them, without the places they stand at."""
    if type(tree) is Entry:
        return tree.ordinary
    if isinstance(tree, dict):
        return {k: ordinary(v) for k, v in tree.items()}
    if isinstance(tree, Weights):
        return Weights(*map(ordinary, tree))
    return [ordinary(x) for x in tree] if isinstance(tree, list) else tree


def ways(function, method):
    """The circuit itself, the circuit in a function, and the circuit at boxes that know no places."""
    circuit = node(function, method)
    return circuit, lambda *args: circuit(*args), lambda *args: circuit(*map(ordinary, args))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ONE_NUMBER)
def test_gradients_are_the_same_whoever_gathers_them(name, method):
    function, args = ONE_NUMBER[name]
    argnums = tuple(range(len(args)))
    found = [hb.value_and_grad(f, argnums=argnums)(*args) for f in ways(function, method)]
    same(found[0], found[1])
    same(found[0], found[2])
    assert found[0][0] == pytest.approx(node(function)(*args), abs=1e-14)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ANY_VALUE)
def test_jacobians_and_products_are_the_same_whoever_gathers_them(name, method):
    function, args = ANY_VALUE[name]
    rng = np.random.default_rng(3)
    values = leaves(node(function)(*args))
    weights = [rng.normal(size=np.shape(v)) for v in values]
    argnums = tuple(range(len(args)))
    slopes = [hb.jacobian(f, argnums=argnums)(*args) for f in ways(function, method)]
    products = [hb.vjp(f, args, weights) for f in ways(function, method)]
    for found in (slopes, products):
        same(found[0], found[1])
        same(found[0], found[2])


def test_the_entries_that_nothing_is_done_with_are_one_step_of_the_graph():
    device = hb.device("default.qubit", wires=3)
    circuit = hb.QNode(entries, device)
    seen = []

    def cost(x):
        value = circuit(x)
        nodes = [value._node]
        while nodes:
            seen.append(len(nodes))
            nodes = [parent for node in nodes for parent in node.parents]
        return value**2

    slope = hb.grad(cost)(X)
    assert seen == [1, 1, 1]  # the value, the circuit's one answer, the argument
    assert np.allclose(slope, 2 * circuit(X) * hb.grad(circuit)(X))


def test_a_circuit_function_runs_once_for_a_gradient():
    calls = []

    def counting(x):
        calls.append(None)
        return calculated(x)

    hb.grad(node(counting))(X)
    assert len(calls) == 1


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_nest_around_and_inside(method):
    circuit = node(entries, method)
    x = X[:3]
    columns = [hb.jacobian(lambda y, k=k: hb.grad(circuit)(y)[k])(x) for k in range(3)]
    h = 1e-5
    for k in range(3):
        step = h * np.eye(3)[k]
        difference = (hb.grad(circuit)(x + step) - hb.grad(circuit)(x - step)) / (2 * h)
        assert np.allclose(hb.hessian(circuit)(x)[k], difference, atol=1e-9)
        assert np.allclose(columns[k], difference, atol=1e-9)
    inner = lambda a: hb.grad(lambda b: circuit(hnp.array([a, b, 0.2])))(0.3)
    assert autograd.grad(inner)(0.1) == pytest.approx(hb.grad(inner)(0.1), abs=1e-12)
    held = lambda a: hb.grad(lambda b: batch_free(a, b))(0.3)
    batch_free = node(lambda a, b: (hb.RX(a[0], wires=0), hb.RX(b, wires=0), hb.expval(hb.Z(0)))[2], method)
    assert hb.grad(held)(np.array([0.1]))[0] == pytest.approx(-np.cos(0.4), abs=1e-12)


def test_cotangents_are_differentiated_too():
    circuit = node(several)

    def pulled(c):
        return hb.vjp(circuit, (X, 0.2), {"z": (c, np.zeros(4)), "again": [0.0, 0.0]})[1][1]

    by_y = hb.jacobian(circuit, argnums=1)(X, 0.2)["z"][0]
    assert hb.grad(pulled)(1.3) == pytest.approx(by_y, abs=1e-13)


def test_what_is_only_picked_out_or_put_in_order_needs_no_graph():
    circuits = {name: node(function) for name, (function, _) in ONE_NUMBER.items()}
    touched = []

    def ordinary_of(self):
        touched.append(self)
        return original(self)

    original = Entry.ordinary.fget
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Entry, "ordinary", property(ordinary_of))
        for name in ("entries", "unpacked", "layered", "shaped", "containers"):
            args = ONE_NUMBER[name][1]
            hb.grad(circuits[name], argnums=tuple(range(len(args))))(*args)
            assert not touched, name
        hb.grad(circuits["calculated"])(X)
        assert touched


def test_values_and_derivatives_come_from_the_device_at_once():
    class Both(hb.Device):
        """cos(x) of <Z>, and what it was asked."""

        from hybridge.plugin import Capabilities as _C

        capabilities = _C("qubit", frozenset({"RX"}), frozenset({"expval"}), frozenset({"pauli"}), vjp=True)
        asked = ()

        def run(self, tasks):
            type(self).asked += ("run",)
            return [np.cos(t.params) for t in tasks]

        def value_and_vjp(self, task, cotangent):
            type(self).asked += ("both",)
            return np.cos(task.params), -np.sin(task.params) * cotangent

    circuit = hb.QNode(no_more, Both(wires=1))
    assert hb.value_and_grad(circuit)(0.3) == (np.cos(0.3), -np.sin(0.3)) and Both.asked == ("both",)

    class Wrong(Both):
        def value_and_vjp(self, task, cotangent):
            return np.cos(task.params), np.full(task.params.shape, np.nan)

    with pytest.raises(hb.HybridgeError, match="vjp returned NaN"):
        hb.grad(hb.QNode(no_more, Wrong(wires=1)))(0.3)

    class Wronger(Both):
        def value_and_vjp(self, task, cotangent):
            return np.cos(task.params)[0], -np.sin(task.params)

    with pytest.raises(hb.HybridgeError, match="run returned shape"):
        hb.grad(hb.QNode(no_more, Wronger(wires=1)))(0.3)

    class Dead(Both):
        def value_and_vjp(self, task, cotangent):
            raise OSError("the line is dead")

    with pytest.raises(hb.JobFailed, match="the line is dead"):
        hb.grad(hb.QNode(no_more, Dead(wires=1)))(0.3)


def no_more(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


@pytest.mark.parametrize("wires", [3, 10])
def test_the_values_beside_the_derivatives_are_those_of_a_run(wires):
    def f(x):
        for w in range(wires):
            hb.RY(x[w % 6], wires=w)
            hb.CNOT([w, (w + 1) % wires])
        z = hb.expval(hb.Z(1))
        return hb.var(hb.X(0) + hb.Z(2)), z, hb.probs(wires=[2, 0]), z

    circuit = hb.QNode(f, hb.device("default.qubit", wires=wires))
    values, _ = hb.vjp(circuit, (X,), [1.0, 1.0, np.ones(4), 1.0])
    same(values, circuit(X))


def test_a_jacobian_is_one_pull_of_all_columns_and_a_gradient_one_of_one():
    device = hb.device("default.qubit", wires=3)
    circuit = hb.QNode(several, device)
    with hb.Tracker(device) as tracker:
        hb.jacobian(circuit)(X, 0.2)
    assert tracker.totals["jobs"] <= 2
    shots = circuit.on("default.qubit", shots=50, seed=1)
    with hb.Tracker(shots.device) as tracker:
        hb.jacobian(shots)(X, 0.2)
    assert tracker.totals["jobs"] == 1 and tracker.totals["shots"] == tracker.totals["executions"] * 50


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((np.array([0.1, np.nan, 0.2]),), "finite"),
        ((np.zeros((3, 2, 2)),), "numbers or arrays"),
        ((np.array([0.1]),), "index"),
    ],
)
def test_what_a_call_refuses_a_gradient_refuses(args, error):
    circuit = node(entries)
    messages = []
    for f in (circuit, hb.grad(circuit), hb.grad(lambda x: circuit(x))):
        with pytest.raises((hb.CircuitError, IndexError), match=error) as caught:
            f(*args)
        messages.append(str(caught.value))
    assert len(set(messages)) == 1


def test_bounds_are_checked_in_a_gradient():
    def lossy(T):
        hb.LossChannel(T, wires=0)
        return hb.expval(hb.NumberOperator(0))

    circuit = hb.QNode(lossy, hb.device("default.gaussian", wires=1))
    with pytest.raises(hb.CircuitError, match="LossChannel needs"):
        hb.grad(circuit)(1.5)
