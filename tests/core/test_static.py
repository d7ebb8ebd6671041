"""Static circuits: recorded once, and the same in everything else as the circuit recorded at each call."""

import pickle
import threading
from dataclasses import dataclass
from typing import NamedTuple

import autograd
import numpy as np
import pytest

import hybridge as hb
from hybridge import numpy as hnp


class Weights(NamedTuple):
    angle: float
    layers: list


@dataclass(frozen=True)
class Model:
    bias: float
    name: str


X = np.array([0.3, -0.7, 1.1, 0.5, 0.9, -0.4])
TREE = {"w": Weights(0.3, [np.array([0.5, 0.6]), 0.7]), "m": Model(0.2, "X")}


def entangle():
    hb.CNOT([0, 1])
    hb.CRY(0.4, wires=[1, 2])


def floats(a, b, c):
    hb.RX(a, wires=0)
    hb.RY(c, wires=1)
    hb.RZ(b, wires=1)
    entangle()
    return hb.expval(hb.X(1))


def array(x):
    for i, angle in enumerate(x):
        hb.RY(angle, wires=i % 3)
    entangle()
    hb.CRot(x[1], x[-1], x[0], wires=[0, 1])
    return hb.expval(hb.Z(1)), hb.probs(wires=[2, 0])


def layered(w, layers):
    for layer in range(layers):
        for i, angles in enumerate(w[layer % len(w)]):
            hb.Rot(*angles, wires=i)
    hb.RX(w.reshape(-1)[3], wires=2)
    hb.RY(w.T[0, 1, 0], wires=2)
    hb.RZ(np.transpose(w)[2, 0, 0], wires=1)
    entangle()
    return {"z": hb.expval(hb.Z(1)), "v": hb.var(hb.X(0) + 0.5 * hb.Z(2))}


def affine(x, y):
    hb.RX(2 * x[0] - 0.3, wires=0)
    hb.RY((1 - x[1]) / 4 + x[2], wires=1)
    hb.RX(np.pi - (x - y)[3], wires=1)
    hb.RY(np.multiply(x, 0.5)[4] + x[4] * np.float64(0.25) - x[4], wires=2)
    hb.RZ(0.7, wires=1)
    hb.PhaseShift(np.array([0.1, 0.2]) @ np.array([1.0, 2.0]) + y, wires=1)
    hb.RX((np.array([1.0, 2.0, 3.0]) * x[:3] + np.ones(3))[1], wires=1)
    entangle()
    return hb.expval(hb.Z(1) @ hb.X(2))


def containers(tree, scale=1.0, *, wire=0):
    hb.RX(tree["w"].angle, wires=wire)
    hb.RY(tree["w"].layers[0][1], wires=1)
    hb.RX(scale * 1.5 + tree["w"].layers[1], wires=1)
    getattr(hb, f"R{tree['m'].name}")(tree["m"].bias, wires=2)
    entangle()
    return hb.expval(hb.Z(1))


def batched(x, y):
    hb.RX(x, wires=0)
    hb.RY(2 * y + x, wires=1)
    hb.CRX(x / 3, wires=[0, 2])
    hb.RX(0.2, wires=2)
    entangle()
    return hb.expval(hb.Z(1)), hb.probs(wires=[0, 1])


def no_numbers():
    hb.RX(0.3, wires=0)
    entangle()
    return hb.expval(hb.Z(0))


def decomposed(t, x):
    hb.evolve(hb.X(0) @ hb.X(1) + 0.3 * hb.Z(1), t)
    hb.adjoint(hb.Rot)(x[0], x[1], x[2], wires=1)
    hb.ctrl(hb.RX, control=2)(x[0], wires=0)
    hb.adjoint(lambda a: (hb.H(0), hb.RY(a, wires=0)))(x[1])
    hb.PauliRot(x[2], "XY", wires=[0, 2])
    return hb.expval(hb.Y(1)), hb.expval(hb.Z(0))


CASES = {
    "floats": (floats, (0.1, 0.2, 0.3), {}),
    "an array": (array, (X,), {}),
    "a list": (array, ([0.1, 0.2, np.float64(0.3)],), {}),
    "float32": (array, (X.astype(np.float32),), {}),
    "layers": (layered, (np.arange(12.0).reshape(2, 2, 3) / 7, 3), {}),
    "affine": (affine, (X, 0.15), {}),
    "containers": (containers, (TREE,), {"wire": 1}),
    "by name": (containers, (), {"scale": 0.4, "tree": TREE}),
    "a batch": (batched, (X[:3], 0.2), {}),
    "a batch of one": (batched, (X[:1], X[1:2]), {}),
    "no numbers": (no_numbers, (), {}),
    "whole numbers": (floats, (1, 0.2, 3), {}),
    "derived rows": (decomposed, (0.4, X), {}),
}
METHODS = ("best", "parameter-shift", "finite-diff")


def pair(function, method="best", **options):
    device = hb.device("default.qubit", wires=3, **options)
    again = hb.device("default.qubit", wires=3, **options)
    return hb.QNode(function, device, method, static=True), hb.QNode(function, again, method)


def leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return [leaf for part in tree for leaf in leaves(part)]
    if isinstance(tree, Model):
        return [tree.bias]
    return [tree]


def same(a, b, atol=1e-13):
    assert type(a) is type(b)
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert np.shape(x) == np.shape(y) and np.asarray(x).dtype == np.asarray(y).dtype
        assert np.allclose(x, y, rtol=0, atol=atol)


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_the_recorded_circuit(name):
    function, args, kwargs = CASES[name]
    static, recorded = pair(function)
    for _ in range(2):
        same(static(*args, **kwargs), recorded(*args, **kwargs))


@pytest.mark.parametrize("name", CASES)
def test_shots_draw_the_same_sequence(name):
    function, args, kwargs = CASES[name]
    static, recorded = pair(function, shots=40, seed=5)
    for _ in range(2):
        same(static(*args, **kwargs), recorded(*args, **kwargs), atol=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [n for n, (_, args, _) in CASES.items() if args and "float32" not in n])
def test_derivatives_are_those_of_the_recorded_circuit(name, method):
    function, args, kwargs = CASES[name]
    static, recorded = pair(function, method)
    argnums = [i for i, x in enumerate(args) if not (name, i) == ("layers", 1)]
    if name == "containers":
        args = ({"w": TREE["w"], "m": TREE["m"]},)
        argnums = []
    atol = 1e-13 if method != "finite-diff" else 1e-8
    if argnums:
        same(
            hb.jacobian(static, argnums=argnums)(*args, **kwargs),
            hb.jacobian(recorded, argnums=argnums)(*args, **kwargs),
            atol,
        )
    cost = lambda circuit: lambda *args: sum(hnp.sum(v**2) for v in leaves(circuit(*args, **kwargs)))
    if argnums:
        for f, g in ((hb.grad, hb.grad), (hb.grad, autograd.grad)):
            if g is autograd.grad and "list" in name:
                continue  # autograd boxes no lists handed to a function of its own
            same(f(cost(static), argnums[0])(*args), hb.grad(cost(recorded), argnums[0])(*args), atol)


def test_value_and_gradient_of_containers():
    def one(weights, extra):
        hb.RX(weights["w"].angle, wires=0)
        hb.RY(weights["w"].layers[0][1], wires=1)
        hb.RX(extra * 2 + weights["w"].layers[1], wires=1)
        entangle()
        return hb.expval(hb.Z(1))

    static, recorded = pair(one)
    weights = {"w": TREE["w"]}
    same(
        hb.value_and_grad(static, argnums=(0, 1))(weights, 0.1),
        hb.value_and_grad(recorded, argnums=(0, 1))(weights, 0.1),
    )
    assert isinstance(hb.grad(static)(weights, 0.1)["w"], Weights)


def test_products_and_second_derivatives():
    static, recorded = pair(affine)
    same(hb.hessian(static)(X, 0.1), hb.hessian(recorded)(X, 0.1))
    both = [hb.jvp(f, (X, 0.1), (np.ones(6), 2.0)) for f in (static, recorded)]
    same(*both)
    both = [hb.vjp(f, (X, 0.1), 0.7) for f in (static, recorded)]
    same(*both)


def test_the_function_runs_once_for_each_structure():
    calls = []

    def counting(x, layers):
        calls.append(None)
        for _ in range(layers):
            array(x)
        return hb.expval(hb.Z(0))

    circuit = hb.QNode(counting, hb.device("default.qubit", wires=3), static=True)
    for k in range(5):
        circuit(X + k, 2)
        hb.grad(circuit)(X + k, 2)
        hb.grad(lambda x: 2 * circuit(x, 2))(X)
    assert len(calls) == 1
    circuit(X, 3)  # a whole number is part of the structure
    circuit(X[:4], 2)
    circuit(list(X), 2)
    circuit(list(X + 1), 2)
    assert len(calls) == 4


def test_whole_numbers_and_their_likes_are_told_apart():
    def f(x, which):
        (hb.RX if which is True else hb.RY)(x, wires=0)
        hb.PhaseShift(0.7, wires=0)
        return hb.expval(hb.Y(0))

    static, recorded = pair(f)
    for which in (True, 1, "1", None, 1 + 0j, np.int64(1)):
        assert static(0.3, which) == recorded(0.3, which)


def test_arrays_that_are_not_floats_are_part_of_the_structure_by_content():
    def f(x, wires, unitary):
        hb.RX(x, wires=0)
        hb.QubitUnitary(unitary, wires=wires)
        return hb.probs()

    static, recorded = pair(f)
    for wires in (np.array([0, 1]), np.array([2, 0])):
        for unitary in (np.eye(4, dtype=complex)[[1, 0, 3, 2]], np.eye(4, dtype=complex)[[2, 3, 0, 1]]):
            same(static(0.3, wires, unitary), recorded(0.3, wires, unitary))


REFUSED = {
    "a function": (lambda x: hb.RX(np.sin(x[0]), wires=0), "np.sin"),
    "autograd's": (lambda x: hb.RX(hnp.sin(x[0]), wires=0), "np.sin"),
    "a sum": (lambda x: hb.RX(np.sum(x), wires=0), "np.sum"),
    "a method": (lambda x: hb.RX(x.sum(), wires=0), r"\.sum\(\)"),
    "a product": (lambda x: hb.RX(x[0] * x[1], wires=0), "product of two"),
    "a power": (lambda x: hb.RX(x[0] ** 2, wires=0), "a power"),
    "a quotient": (lambda x: hb.RX(1 / x[0], wires=0), "divides"),
    "of two": (lambda x: hb.RX(x[0] / x[1], wires=0), "divides"),
    "a float": (lambda x: hb.RX(float(x[0]), wires=0), "as a float"),
    "an int": (lambda x: hb.RX(int(x[0]), wires=0), "as an int"),
    "a comparison": (lambda x: hb.RX(0.1 if x[0] > 0 else 0.2, wires=0), "compares"),
    "an equality": (lambda x: hb.RX(0.1 if x[0] == 0 else 0.2, wires=0), "compares"),
    "a truth": (lambda x: hb.RX(0.1 if x[0] else 0.2, wires=0), "decides"),
    "an index": (lambda x: hb.RX([0.1, 0.2][x[0]], wires=0), "indexes"),
    "a wire": (lambda x: hb.RX(0.1, wires=x[0]), "for wires"),
    "a range": (lambda x: [hb.RX(0.1, wires=0) for _ in range(x[0])], "counts"),
    "a matrix product": (lambda x: hb.RX(x @ np.ones(6), wires=0), "matrix product"),
    "an array": (lambda x: hb.RX(hnp.array([x[0], x[1]])[0], wires=0), "into an array"),
    "a state": (lambda x: hb.StatePrep(x[:2], wires=0), "array"),
    "another circuit": (lambda x: hb.RX(pair(no_numbers_but)[1](x[0]), wires=0), "into an array"),
    "another static one": (lambda x: hb.RX(pair(no_numbers_but)[0](x[0]), wires=0), "wire or a key"),
    "a gradient": (lambda x: hb.RX(hb.grad(np.sin)(x[0]), wires=0), "into an array"),
}


def no_numbers_but(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_the_values_is_refused(name):
    act, message = REFUSED[name]

    def f(x):
        act(x)
        return hb.expval(hb.Z(0))

    static, _ = pair(f)
    for call in (static, hb.grad(static), hb.grad(lambda x: static(x) ** 2)):
        with pytest.raises(hb.CircuitError, match=message) as refusal:
            call(X)
        assert "static=False" in str(refusal.value)
        assert "test_static.py" in str(refusal.value) or name == "a state"


def test_a_coefficient_that_is_a_number_of_the_circuit_is_refused():
    static, _ = pair(lambda x: (hb.RX(x[0], wires=0), hb.expval(x[1] * hb.Z(0)))[1])
    with pytest.raises(hb.CircuitError, match="coefficient of an observable"):
        static(X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c(np.array([0.1, np.nan, 0.2])), "parameter 1 of the circuit is nan"),
        (
            lambda c: hb.grad(lambda x: c(x)[0])(np.array([0.1, np.inf, 0.2])),
            "parameter 1 of the circuit is inf",
        ),
        (lambda c: c(np.zeros((3, 2, 2))), "numbers or arrays"),
        (lambda c: c({1, 2}), "has no hash"),
    ],
)
def test_arguments_are_checked_at_each_call(call, message):
    circuit, _ = pair(array)
    circuit(X[:3])
    with pytest.raises(hb.CircuitError, match=message):
        call(circuit)


def test_without_an_interface_it_takes_plain_numbers_only():
    for static in (True, False):
        circuit = hb.QNode(array, hb.device("default.qubit", wires=3), interface=None, static=static)
        same(circuit(X), pair(array)[1](X))
        for derivative in (hb.jacobian(circuit), autograd.jacobian(lambda x, c=circuit: c(x)[1])):
            with pytest.raises(hb.CircuitError, match="must be a real number"):
                derivative(X)


def test_bounds_and_light():
    def lossy(r, T):
        hb.Squeezing(r, 0.0, wires=0)
        hb.LossChannel(T, wires=0)
        return hb.expval(hb.NumberOperator(0))

    device = hb.device("default.gaussian", wires=1)
    static, recorded = hb.QNode(lossy, device, static=True), hb.QNode(lossy, device)
    same(
        hb.value_and_grad(static, argnums=(0, 1))(0.4, 0.5),
        hb.value_and_grad(recorded, argnums=(0, 1))(0.4, 0.5),
    )
    with pytest.raises(hb.CircuitError, match="LossChannel needs"):
        static(0.4, 1.5)


def test_it_moves_pickles_compares_and_is_looked_at():
    static, recorded = pair(floats)
    moved = static.on("default.qubit", shots=20, seed=1)
    assert moved.static and moved.shots == 20 and not recorded.on("default.qubit").static
    again = pickle.loads(pickle.dumps(static))
    assert again.static and again(0.1, 0.2, 0.3) == static(0.1, 0.2, 0.3)
    assert hb.draw(static)(0.1, 0.2, 0.3) == hb.draw(recorded)(0.1, 0.2, 0.3)
    assert repr(hb.specs(static)(0.1, 0.2, 0.3)) == repr(hb.specs(recorded)(0.1, 0.2, 0.3))
    assert hb.compare(static, ["default.qubit"], args=(0.1, 0.2, 0.3)).agree
    assert static.plan(0.1, 0.2, 0.3) is static.plan(0.4, 0.5, 0.6)
    with hb.Tracker(static.device) as tracker:
        static(0.1, 0.2, 0.3)
    assert tracker.totals == {"jobs": 1, "executions": 1, "shots": 0}


def test_arguments_are_neither_changed_nor_kept():
    seen = []

    class Greedy(hb.Device):
        from hybridge.plugin import Capabilities as _C

        capabilities = _C("qubit", None, frozenset({"expval"}), frozenset({"pauli"}))

        def run(self, tasks):
            seen.append(tasks[0].params)
            tasks[0].params[:] = 7.0
            return [np.zeros((len(t.params), 1)) for t in tasks]

    circuit = hb.QNode(lambda x: (hb.RX(x[0], wires=0), hb.expval(hb.Z(0)))[1], Greedy(wires=1), static=True)
    x = np.array([0.3])
    circuit(x)
    circuit(x)
    assert x[0] == 0.3 and seen[0] is not seen[1]


def test_threads_share_a_static_circuit():
    static, recorded = pair(array)
    found: dict[int, list[float]] = {}

    def work(k):
        found[k] = [static(X + 0.1 * k + i)[0] for i in range(20)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(4):
        assert np.allclose(found[k], [recorded(X + 0.1 * k + i)[0] for i in range(20)], atol=1e-13)


def test_what_changes_outside_its_arguments_it_does_not_see():
    outside = [0.3]

    def f(x):
        hb.RX(x + outside[0], wires=0)
        return hb.expval(hb.Z(0))

    static, recorded = pair(f)
    before = static(0.1)
    outside[0] = 0.9
    assert static(0.1) == before != recorded(0.1)


def two(x, y):
    hb.RX(x, wires=0)
    hb.RY(2 * y[0] + y[2], wires=1)
    hb.CNOT(wires=[0, 1])
    return hb.expval(hb.Z(1))


def turned(a, b):
    hb.RX(a, wires=0)
    hb.RZ(b, wires=0)
    return hb.expval(hb.Y(0))


def of_the_second(x, y):
    hb.RX(y[1], wires=0)
    return hb.expval(hb.Y(0))


def with_a_wire(w, x):
    hb.RX(x, wires=w)
    return hb.var(hb.Y(w))


Y = np.array([0.2, -0.7, 0.4])
AT_ONCE = {
    "a float": (two, (0.3, Y), 0),
    "an array": (two, (0.3, Y), 1),
    "counted from the end": (two, (0.3, Y), -1),
    "numpy's float": (two, (np.float64(0.3), Y), 0),
    "an array of float32": (two, (0.3, Y.astype(np.float32)), 1),
    "an array without axes": (two, (np.array(0.3), Y), 0),
    "a whole number": (two, (1, Y), 0),
    "a list": (two, (0.3, list(Y)), 1),
    "both": (two, (0.3, Y), (0, 1)),
    "one the circuit does not take": (of_the_second, (0.3, Y), 0),
    "behind a constant": (with_a_wire, (1, 0.3), 1),
}


@pytest.mark.parametrize("method", ("best", "parameter-shift"))
@pytest.mark.parametrize("case", AT_ONCE)
def test_gradients_without_a_trace_are_those_with_one(case, method):
    function, args, argnums = AT_ONCE[case]
    device = hb.device("default.qubit", wires=2)
    static = hb.QNode(function, device, diff_method=method, static=True)
    expected = hb.value_and_grad(hb.QNode(function, device, diff_method=method), argnums)(*args)
    found = hb.value_and_grad(static, argnums)(*args)
    for a, b in zip(*(hb.pytree.flatten(x)[0] for x in (found, expected)), strict=True):
        assert np.shape(a) == np.shape(b) and np.asarray(a).dtype == float
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("bad", (np.nan, np.inf, -np.inf))
def test_floats_that_are_not_finite_are_refused_by_name(bad):
    floats = hb.QNode(turned, hb.device("default.qubit", wires=1), static=True)
    assert np.isfinite(floats(0.3, 0.4))
    for args in ((0.1, bad), (bad, 0.1)):
        for call in (floats, hb.grad(floats)):
            with pytest.raises(hb.CircuitError, match=r"of the circuit is -?(nan|inf)"):
                call(*args)


def test_finite_floats_whose_sum_is_not_are_taken():
    circuit = hb.QNode(turned, hb.device("default.qubit", wires=1), static=True)
    assert np.isfinite(circuit(1.7e308, 1.7e308))
