"""`circuit.map`: each row as the circuit alone, all rows in one job, differentiable in every argument."""

import pickle
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import hybridge as hb
from hybridge import numpy as hnp

DEVICE = hb.device("default.qubit", wires=3)
GAUSSIAN = hb.device("default.gaussian", wires=2)
RNG = np.random.default_rng(11)
B = 4
X = RNG.normal(size=(B, 3))
W = RNG.normal(size=(2, B, 3))  # its rows along axis 1
Y = RNG.normal(size=B)
ONE = RNG.normal(size=3)


class Pair(NamedTuple):
    first: object
    second: object


@dataclass(frozen=True)
class Weights:
    angles: object
    bias: object


def entangle():
    hb.CNOT([0, 1])
    hb.CRY(0.4, wires=[1, 2])


def plain(x):
    for wire in range(3):
        hb.RY(x[wire], wires=wire)
    entangle()
    return hb.expval(hb.Z(2))


def affine(x, y):
    hb.RX(2 * x[0] - 0.3, wires=0)
    hb.RY(x[1] + y / 2, wires=1)
    hb.RZ(y, wires=1)
    entangle()
    return hb.expval(hb.X(1)), hb.probs(wires=[2, 0])


def layers(w, x):
    for layer in w:
        for wire, angle in enumerate(layer):
            hb.RX(angle, wires=wire)
            hb.RZ(x[wire], wires=wire)
        entangle()
    return {"z": hb.expval(hb.Z(1)), "v": hb.var(hb.X(0) + 0.5 * hb.Z(2))}


def calculated(x):
    hb.RX(hnp.sin(x[0]) * x[1], wires=0)
    hb.RY(hnp.sum(x**2), wires=1)
    entangle()
    return [hb.expval(hb.Z(0)), hb.var(hb.Z(1))]


def tree(t, x):
    hb.RX(t["w"].angles[0], wires=0)
    hb.RY(t["w"].bias, wires=1)
    hb.RZ(t["p"].second, wires=1)
    hb.RX(x[2], wires=1)
    entangle()
    return Pair(hb.expval(hb.Y(1)), [hb.probs(wires=0)])


def whole(x, y):
    hb.RX(x[0] * y, wires=0)
    hb.RX(y**2, wires=1)
    return hb.expval(hb.Z(0)), hb.probs(wires=[0, 1])


def unused(x):
    hb.RX(0.3, wires=0)
    return hb.expval(hb.Z(0))


def decides(x):
    hb.RX(x[0], wires=0)
    if x[1] > 0:
        hb.RY(x[1] * x[2], wires=1)
    else:
        hb.RZ(x[0], wires=0)
        hb.RX(x[2], wires=1)
    hb.CNOT([0, 1])
    return hb.expval(hb.Z(1)), hb.probs(wires=0)


def light(x):
    hb.Squeezing(x[0], 0.1, wires=0)
    hb.Displacement(x[1] / 4, x[2], wires=1)
    hb.Beamsplitter(x[1], 0.2, wires=[0, 1])
    return hb.expval(hb.NumberOperator(0)), hb.var(hb.QuadX(1))


TREE = {"w": Weights(RNG.normal(size=(B, 2)), Y), "p": Pair(0.2, 0.7)}
TREE_AXES = ({"p": None, "w": 0}, None)
# name -> circuit, device, arguments, in_axes, the arguments of row b
CASES = {
    "a row of each": (plain, DEVICE, (X,), 0, lambda b: (X[b],)),
    "the last axis": (plain, DEVICE, (X.T,), -1, lambda b: (X[b],)),
    "two arguments": (affine, DEVICE, (X, Y), 0, lambda b: (X[b], Y[b])),
    "one for all": (affine, DEVICE, (X, 0.4), (0, None), lambda b: (X[b], 0.4)),
    "only the second": (affine, DEVICE, (ONE, Y), (None, 0), lambda b: (ONE, Y[b])),
    "an axis for each": (layers, DEVICE, (W, X), (1, 0), lambda b: (W[:, b], X[b])),
    "calculated": (calculated, DEVICE, (X,), 0, lambda b: (X[b],)),
    "whole numbers": (
        whole,
        DEVICE,
        (np.arange(12).reshape(4, 3), Y),
        0,
        lambda b: (np.arange(12.0).reshape(4, 3)[b], Y[b]),
    ),
    "light": (light, GAUSSIAN, (X,), (0,), lambda b: (X[b],)),
    "a row's argument is not used": (unused, DEVICE, (X,), 0, lambda b: (X[b],)),
    "containers": (
        tree,
        DEVICE,
        (TREE, ONE),
        TREE_AXES,
        lambda b: ({**TREE, "w": Weights(TREE["w"].angles[b], Y[b])}, ONE),
    ),
    "structures that differ": (decides, DEVICE, (X,), 0, lambda b: (X[b],)),
}
STATIC = set(CASES) - {"calculated", "whole numbers", "structures that differ"}
KINDS = [*((name, False) for name in CASES), *((name, True) for name in sorted(STATIC))]


def leaves(tree):
    """The arrays of nested containers."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, Weights):
        tree = (tree.angles, tree.bias)
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, (list, tuple)) else [tree]


def total(results):
    """One number that depends on all results."""
    return sum(hnp.sum(hnp.cos(leaf) * (1 + k)) for k, leaf in enumerate(leaves(results)))


@pytest.mark.parametrize(("name", "static"), KINDS)
def test_rows_are_what_the_circuit_gives_alone(name, static):
    function, device, args, in_axes, row = CASES[name]
    circuit = hb.QNode(function, device, static=static)
    found, each = circuit.map(*args, in_axes=in_axes), [circuit(*row(b)) for b in range(B)]
    assert type(found) is type(each[0]) or not isinstance(each[0], (tuple, list, dict))
    for k, leaf in enumerate(leaves(found)):
        assert np.allclose(leaf, np.stack([leaves(one)[k] for one in each]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "static"), KINDS)
def test_all_rows_are_one_job(name, static):
    function, device, args, in_axes, _ = CASES[name]
    circuit = hb.QNode(function, device, static=static)
    with hb.Tracker(device) as tracker:
        circuit.map(*args, in_axes=in_axes)
    assert (tracker.totals["jobs"], tracker.totals["executions"]) == (1, B)


@pytest.mark.parametrize("method", ["best", "parameter-shift"])
@pytest.mark.parametrize(("name", "static"), KINDS)
def test_gradients_are_those_of_the_rows(name, static, method):
    function, device, args, in_axes, _ = CASES[name]
    circuit = hb.QNode(function, device, method, static=static)
    argnums = tuple(range(len(args)))
    found = hb.grad(lambda *a: total(circuit.map(*a, in_axes=in_axes)), argnums)(*args)
    axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)

    def loop(*arguments):
        rows = [[pick(x, a, b) for x, a in zip(arguments, axes, strict=True)] for b in range(B)]
        return sum(total(circuit(*row)) for row in rows)

    expected = hb.grad(loop, argnums)(*args)
    for mine, theirs in zip(leaves(found), leaves(expected), strict=True):
        assert np.allclose(mine, theirs, rtol=0, atol=1e-9)
    if function is not unused:
        assert any(np.any(leaf) for leaf in leaves(found))


def pick(x, axis, b):
    """What row b takes of an argument."""
    if axis is None:
        return x
    if isinstance(x, dict):
        return {k: pick(v, axis[k], b) for k, v in x.items()}
    if isinstance(x, Weights):
        return Weights(x.angles[b], x.bias[b])
    return x[(*(slice(None),) * (axis % x.ndim), b)]


@pytest.mark.parametrize("static", [False, True])
def test_a_jacobian_of_the_map_is_that_of_each_row_and_one_job_more(static):
    circuit = hb.QNode(affine, DEVICE, static=static)
    with hb.Tracker(DEVICE) as tracker:
        found = hb.jacobian(circuit.map, argnums=(0, 1))(X, Y)
    assert tracker.totals["jobs"] == 2
    for b in range(B):
        alone = hb.jacobian(circuit, argnums=(0, 1))(X[b], Y[b])
        for whole, own in zip(found, alone, strict=True):
            for argument in range(2):
                assert np.allclose(whole[argument][b].take(b, axis=-2 + argument), own[argument], atol=1e-10)
                others = np.delete(np.moveaxis(whole[argument][b], -2 + argument, 0), b, axis=0)
                assert not others.any()


def test_second_derivatives_go_through_a_map():
    circuit = hb.QNode(affine, DEVICE)
    found = hb.hessian(lambda y: total(circuit.map(X, y)))(Y)
    single = [hb.hessian(lambda y, b=b: total(circuit(X[b], y)))(Y[b]) for b in range(B)]
    assert np.allclose(found, np.diag(single), atol=1e-9)


def test_the_jacobian_of_a_cost_around_a_map():
    circuit = hb.QNode(plain, DEVICE)
    with hb.Tracker(DEVICE) as tracker:
        found = hb.jacobian(lambda x: circuit.map(hnp.sin(x)) ** 2)(X)
    assert tracker.totals["executions"] == B + B  # no row is pulled where it does not matter
    for b in range(B):
        own = hb.grad(lambda x: circuit(hnp.sin(x)) ** 2)(X[b])
        assert np.allclose(found[b, b], own, atol=1e-10)


def test_forward_derivatives_go_through_a_map():
    circuit = hb.QNode(plain, DEVICE)
    value, moved = hb.jvp(circuit.map, (X,), (np.cos(X),))
    assert np.allclose(value, circuit.map(X))
    assert np.allclose(moved, [hb.grad(circuit)(x) @ np.cos(x) for x in X], atol=1e-10)


def test_one_row_keeps_its_axis():
    assert hb.QNode(plain, DEVICE).map(X[:1]).shape == (1,)
    assert hb.QNode(calculated, DEVICE).map(X[:1])[0].shape == (1,)
    assert hb.QNode(lambda: hb.probs(), DEVICE).map  # a property of every node
    assert hb.grad(lambda x: hnp.sum(hb.QNode(plain, DEVICE).map(x)))(X[:1]).shape == (1, 3)


def test_arguments_by_name_are_given_to_every_row_whole():
    def turned(x, *, weights, wire=0):
        hb.RX(x * 2, wires=wire)
        hb.RY(weights[1], wires=wire)
        return hb.expval(hb.Z(wire))

    for static in (False, True):
        circuit = hb.QNode(turned, DEVICE, static=static)
        expected = np.cos(2 * Y) * np.cos(ONE[1])
        assert np.allclose(circuit.map(Y, weights=ONE, wire=1), expected)
        slope = hb.grad(lambda w, c=circuit: hnp.sum(c.map(Y, weights=w)))(ONE)
        assert np.allclose(slope, [0, -np.sum(np.cos(2 * Y)) * np.sin(ONE[1]), 0])


def test_whole_numbers_are_rows_too_and_may_be_the_structure():
    bits = np.array([[0, 1], [1, 1], [0, 0], [0, 1]])

    def prepared(b, x):
        hb.BasisState(list(b), wires=[0, 1])
        hb.RX(x, wires=b[0])
        return hb.probs(wires=[0, 1])

    for static in (False, True):
        circuit = hb.QNode(prepared, DEVICE, static=static)
        with hb.Tracker(DEVICE) as tracker:
            found = circuit.map(bits, Y)
        assert np.allclose(found, [circuit(b, float(y)) for b, y in zip(bits, Y, strict=True)])
        assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == 4
        slope = hb.grad(lambda y, c=circuit: total(c.map(bits, y)))(Y)
        alone = [hb.grad(lambda y, b=b, c=circuit: total(c(b, y)))(y) for b, y in zip(bits, Y, strict=True)]
        assert np.allclose(slope, alone, atol=1e-10)

    angles = np.array([[0, 1, 2], [3, 1, 0]])
    assert np.allclose(hb.QNode(plain, DEVICE).map(angles), hb.QNode(plain, DEVICE).map(angles + 0.0))


def test_words_are_rows_of_several_structures():
    def turned(word, x):
        hb.H(0)
        hb.PauliRot(x, word, wires=[0, 1])
        return hb.expval(hb.X(0))

    circuit = hb.QNode(turned, DEVICE)
    found = circuit.map(np.array(["XX", "ZI", "YZ", "ZI"]), Y)
    assert np.allclose(found, np.where([True, False, False, False], 1.0, np.cos(Y)))


@pytest.mark.parametrize("static", [False, True])
def test_shots_are_drawn_for_each_row_in_one_job(static):
    device = hb.device("default.qubit", wires=3, shots=300, seed=5)

    def sampled(x):
        hb.RY(x[0], wires=0)
        hb.CNOT([0, 1])
        return hb.sample(wires=[0, 1]), hb.counts(wires=[0]), hb.expval(hb.Z(0)), hb.sample(hb.Z(1))

    x = np.array([[0.0], [np.pi], [np.pi / 2]])
    with hb.Tracker(device) as tracker:
        bits, counts, mean, values = hb.QNode(sampled, device, static=static).map(x)
    assert tracker.totals["jobs"] == 1 and tracker.totals["shots"] % (3 * 300) == 0
    assert bits.shape == (3, 300, 2) and values.shape == (3, 300)
    assert counts[:2] == [{"0": 300}, {"1": 300}] and sum(counts[2].values()) == 300
    assert mean[:2].tolist() == [1.0, -1.0] and abs(mean[2]) < 6 / np.sqrt(300)
    assert not np.array_equal(values[2], hb.QNode(sampled, device, static=static).map(x)[3][2])


def test_counts_of_several_structures_come_in_the_order_of_the_rows():
    device = hb.device("default.qubit", wires=2, shots=20, seed=5)

    def flipped(bit):
        if bit:
            hb.X(0)
        return hb.counts(wires=[0]), hb.probs(wires=[0])

    counts, probabilities = hb.QNode(flipped, device).map(np.array([1, 0, 1]))
    assert counts == [{"1": 20}, {"0": 20}, {"1": 20}]
    assert probabilities.tolist() == [[0, 1], [1, 0], [0, 1]]


def test_sampled_gradients_are_two_jobs_whatever_the_rows():
    device = hb.device("default.qubit", wires=3, shots=4000, seed=3)
    circuit = hb.QNode(plain, device)
    with hb.Tracker(device) as tracker:
        found = hb.grad(lambda x: hnp.sum(circuit.map(x)))(X)
    assert tracker.totals["jobs"] == 2 and tracker.totals["executions"] == B * 7
    exact = hb.grad(lambda x: hnp.sum(hb.QNode(plain, DEVICE).map(x)))(X)
    # each is half the difference of two means of 4000 values within 1: 6 standard errors
    assert np.abs(found - exact).max() < 6 * np.sqrt(0.5 / 4000)


def test_a_map_prints_pickles_and_has_standard_errors():
    circuit = hb.QNode(plain, hb.device("default.qubit", wires=3, shots=400, seed=2))
    assert repr(circuit.map) == f"<map of {circuit!r}>"
    again = pickle.loads(pickle.dumps(hb.QNode(plain, DEVICE).map))
    assert np.allclose(again(X), hb.QNode(plain, DEVICE).map(X))
    value, error = hb.with_error(circuit.map)(X)
    assert value.shape == error.shape == (B,)
    assert np.allclose(error, np.sqrt((1 - value**2) / 400), rtol=0.1)


def test_rows_that_do_not_fit_into_memory_are_run_in_pieces(monkeypatch):
    from hybridge import execution, memory

    circuit = hb.QNode(plain, DEVICE)
    expected, slope = circuit.map(X), hb.jacobian(circuit.map)(X)
    monkeypatch.setattr(execution, "SMALL", 1)
    monkeypatch.setattr(memory, "available", lambda: 20000)
    with hb.Tracker(DEVICE) as tracker:
        assert np.allclose(circuit.map(np.tile(X, (40, 1))), np.tile(expected, 40))
    assert tracker.totals["jobs"] == 1
    assert np.allclose(hb.jacobian(circuit.map)(X), slope)


A = RNG.normal(size=(2, 3))
# what is calculated from a row x (3,), y () and a shared w (2, 3) -> the angle, and how often the function is
# called to record it: once for all rows, after a try with symbols, or for each row too
ANGLES = {
    "functions": (lambda x, y, w: hnp.sin(x[0]) + np.exp(-y) * hnp.arctan2(x[1], y), 2),
    "powers": (lambda x, y, w: x[0] ** 2 + 2 ** x[1] - (x**3)[2] / 3, 2),
    "products of rows": (lambda x, y, w: x[0] * x[1] * y - x[2] / (2 + abs(y)), 2),
    "shared on the left": (lambda x, y, w: hnp.sum(w[0] * x), 2),
    "shared on the right": (lambda x, y, w: (x * w[1] * y).sum(), 2),
    "shared alone": (lambda x, y, w: hnp.cos(w[1, 2]) * w[0, 0], 2),
    "more axes": (lambda x, y, w: hnp.sum(w * x * y, axis=0)[1] + (w + y)[1, 1], 2),
    "the last axis": (lambda x, y, w: (w * x).sum(-1)[0] + hnp.sum(x * w, axis=1)[1], 2),
    "plain arrays": (lambda x, y, w: (A * x)[1, 0] + (np.float64(0.3) * x / A)[0, 2] - hnp.sum(A[0] - x), 2),
    "python's sum": (lambda x, y, w: sum(a * b for a, b in zip(x, w[0], strict=True)), 2),
    "places": (lambda x, y, w: x[[2, 0]][1] * x[1:].sum() + x[None, ::-1][0, 0] * y, 2),
    "shapes": (lambda x, y, w: (x * y).reshape(3, 1)[2, 0] * w.ravel()[4] * len(x) * np.ndim(w) * x.size, 2),
    "a matrix": (lambda x, y, w: hnp.dot(w, x)[1] * y, 2 + B),
    "the largest": (lambda x, y, w: hnp.max(x) * w[0, 1], 2 + B),
    "a choice": (lambda x, y, w: max(x[0], x[1]) * w[0, 1], 2 + B),
    "a test": (lambda x, y, w: y**2 if y == Y[0] else y * w[0, 0], 2 + B),
    "an array of numbers": (lambda x, y, w: hnp.array([x[0], y]).sum() * w[0, 0], 2 + B),
    "a sorted row": (lambda x, y, w: hnp.sort(x * w[0])[1], 2 + B),
}


@pytest.mark.parametrize("name", ANGLES)
def test_what_a_row_calculates_is_what_it_would_alone(name):
    angle, count = ANGLES[name]
    calls = []

    def circuit(x, y, w):
        calls.append(1)
        hb.RX(angle(x, y, w), wires=0)
        hb.RY(x[1], wires=0)
        hb.RZ(w[1, 1], wires=0)
        return hb.expval(hb.X(0)), hb.probs(wires=0)

    node, shared = hb.QNode(circuit, DEVICE), np.abs(A)
    found = total(node.map(X, Y, shared, in_axes=(0, 0, None)))
    assert len(calls) == count
    assert found == pytest.approx(sum(total(node(x, float(y), shared)) for x, y in zip(X, Y, strict=True)))

    def mapped(x, y, w):
        return total(node.map(x, y, w, in_axes=(1, 0, None)))

    def loop(x, y, w):
        return sum(total(node(x[:, b], y[b], w)) for b in range(B))

    for own, alone in zip(*[hb.grad(f, (0, 1, 2))(X.T, Y, shared) for f in (mapped, loop)], strict=True):
        assert np.allclose(own, alone, rtol=0, atol=1e-9)


UNARY = (hnp.sin, np.exp, np.negative, abs, np.tanh, lambda v: v**2, lambda v: v / 3 - 1)
BINARY = (
    np.add,
    hnp.multiply,
    np.arctan2,
    lambda a, b: a - b,
    lambda a, b: a / (2 + b * b),
    lambda a, b: b - 2 * a,
)


def test_random_calculations_are_those_of_each_row():
    rng = np.random.default_rng(8)
    for _ in range(25):
        steps = [
            (rng.integers(len(UNARY)), rng.integers(len(BINARY)), *rng.integers(0, 9, 2)) for _ in range(4)
        ]
        shapes = [(), (3,), (2, 3), (2, 1), (1,)]
        picked = [shapes[i] for i in rng.integers(0, len(shapes), 3)]
        rows, plain = [rng.normal(size=(B, *shape)) for shape in picked], rng.normal(size=(2, 3))
        mapped = [0 if k else rng.choice([0, None]) for k in rng.permutation(3)]
        calls = []

        def circuit(*args, steps=steps, plain=plain, calls=calls):
            calls.append(1)
            pool = [*args, plain]
            for unary, binary, i, j in steps:
                pool.append(BINARY[binary](UNARY[unary](pool[i % len(pool)]), pool[j % len(pool)]))
            for k, value in enumerate(pool[4:]):
                for entry in np.reshape(value, (-1,))[::2] if np.ndim(value) else [value]:
                    hb.RX(entry / 5, wires=k % 3)
                    hb.RY(0.3, wires=k % 3)
            entangle()
            return hb.probs()

        node = hb.QNode(circuit, DEVICE)
        args = [x if axis == 0 else x[0] for x, axis in zip(rows, mapped, strict=True)]
        found = node.map(*args, in_axes=tuple(mapped))
        assert len(calls) == 2
        for b in range(B):
            row = [x[b] if axis == 0 else x for x, axis in zip(args, mapped, strict=True)]
            assert np.allclose(found[b], node(*row), rtol=0, atol=1e-12)


def test_random_rows_and_lengths_match_a_loop():
    rng = np.random.default_rng(3)
    for _ in range(20):
        size, wires = rng.integers(1, 6), rng.integers(1, 4)
        axis = int(rng.integers(0, 3))
        scale, shift = rng.normal(size=2)

        def circuit(w, wires=wires, scale=scale, shift=shift):
            for k in range(len(w)):
                for wire in range(wires):
                    hb.RY(scale * w[k, wire] + shift * w[0, 0], wires=wire)
                hb.PauliRot(w[k][0] - w[-1][-1], "XYZ"[:wires], wires=range(wires))
            return hb.probs(wires=range(wires))

        node = hb.QNode(circuit, DEVICE)
        rows = rng.normal(size=(size, 2, wires))
        moved = np.moveaxis(rows, 0, axis)
        assert np.allclose(node.map(moved, in_axes=axis), [node(w) for w in rows], atol=1e-12)
        slope = hb.grad(lambda w, n=node, a=axis: total(n.map(w, in_axes=a)))(moved)
        by_rows = np.stack([hb.grad(lambda w, n=node: total(n(w)))(w) for w in rows])
        assert np.allclose(np.moveaxis(slope, axis, 0), by_rows, atol=1e-10)


def with_array(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


def ragged(x):
    hb.RX(x[0], wires=0)
    return hb.expval(hb.Z(0)) if x[0] > 0 else [hb.expval(hb.Z(0))]


def shapes(x):
    hb.RX(x[0], wires=0)
    return hb.probs(wires=[0]) if x[0] > 0 else hb.probs(wires=[0, 1])


def raises(x):
    raise KeyError("mine")


MISTAKES = {
    "different lengths": (affine, (X, Y[:2]), {}, "argument 0 has 4, argument 1 has 2"),
    "an empty batch": (plain, (X[:0],), {}, "at least one row; argument 0 has none"),
    "a number": (affine, (X, 0.3), {}, "argument 1 holds float 0.3, which has no axis.*None in in_axes"),
    "a list of numbers": (with_array, ([0.1, 0.2],), {}, r"argument 0 holds float 0.1.*np.array\(...\)"),
    "text": (plain, ("abc",), {}, "argument 0 holds str 'abc', which has no axis"),
    "no axis of that number": (with_array, (Y,), {"in_axes": 1}, r"shape \(4,\), and no axis 1"),
    "no axis before the first": (with_array, (Y,), {"in_axes": -2}, r"shape \(4,\), and no axis -2"),
    "nothing mapped": (plain, (X,), {"in_axes": None}, "in_axes=None maps none of the arguments"),
    "nothing mapped of two": (affine, (X, Y), {"in_axes": (None, None)}, "maps none"),
    "no argument": (plain, (), {"x": X}, "map needs a positional argument"),
    "too few axes": (affine, (X, Y), {"in_axes": (0,)}, "1 entries for 2 arguments"),
    "an axis that is not whole": (plain, (X,), {"in_axes": 0.5}, "whole numbers, None, or .*; got 0.5"),
    "an axis that is a truth": (plain, (X,), {"in_axes": True}, "whole numbers, None, or .*; got True"),
    "axes of other parts": (
        tree,
        (TREE, ONE),
        {"in_axes": ({"w": 0}, None)},
        "for argument 0, a dict of other",
    ),
    "axes of an array's parts": (plain, (X,), {"in_axes": ((0, 1),)}, "for argument 0, a ndarray of other"),
    "an array in each row": (with_array, (X,), {}, "an array in each row of a map"),
    "an array calculated in each row": (lambda x: with_array(np.sin(x)), (X,), {}, "an array in each row"),
    "other containers": (ragged, (np.array([[0.1], [-0.1]]),), {}, "the same containers; row 0 returned 1"),
    "other shapes": (
        shapes,
        (np.array([[0.1], [-0.1]]),),
        {},
        r"results of one shape; got \[\(2,\), \(4,\)\]",
    ),
    "NaN in a row": (plain, (np.where(X == X[2, 1], np.nan, X),), {}, "nan; parameters must be finite"),
    "complex": (plain, (X + 0j,), {}, "real number; got complex"),
    "text in rows": (plain, (np.array([["a", "b", "c"]]),), {}, "real number; got str"),
    "None in rows": (plain, (np.array([[None] * 3]),), {}, "real number; got NoneType"),
    "an unknown wire": (lambda x: hb.expval(hb.Z(7)), (X,), {}, "wire 7 is not on device"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told(name):
    function, args, options, message = MISTAKES[name]
    with pytest.raises(hb.CircuitError, match=message):
        hb.QNode(function, DEVICE).map(*args, **options)


def test_the_functions_own_errors_pass():
    with pytest.raises(KeyError, match="mine"):
        hb.QNode(raises, DEVICE).map(X)


def test_a_static_circuit_that_calculates_says_so_as_ever():
    with pytest.raises(hb.CircuitError, match="recorded once, without the values of its numbers"):
        hb.QNode(calculated, DEVICE, static=True).map(X)


def test_coefficients_are_traced_shared_or_one_for_each_row():
    def weighted(x, c):
        hb.RX(x, wires=0)
        return hb.expval(c[0] * hb.Z(0) + c[1] * hb.X(1))

    circuit, c = hb.QNode(weighted, DEVICE), np.array([0.5, 2.0])
    found = hb.grad(lambda c: hnp.sum(circuit.map(Y, c, in_axes=(0, None))))(c)
    assert np.allclose(found, [np.cos(Y).sum(), 0])
    assert np.allclose(circuit.map(Y, np.outer(Y, c)), 0.5 * Y * np.cos(Y))  # plain: structure
    found = hb.grad(lambda y, c: hnp.sum(circuit.map(y, c)), argnums=(0, 1))(Y, np.outer(Y, c))
    assert np.allclose(found[0], -0.5 * Y * np.sin(Y)) and np.allclose(found[1][:, 0], np.cos(Y))
    assert hb.grad(lambda a: hnp.sum(circuit.map(Y, [a, 2 * a], in_axes=(0, None))))(0.3).shape == ()


def test_samples_have_no_derivative_here_either():
    circuit = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.sample(wires=0))[1], DEVICE, shots=10)
    with pytest.raises(hb.GradientError, match="not differentiable; return expval"):
        hb.grad(lambda y: hnp.sum(circuit.map(y)))(Y)


def test_a_static_map_is_recorded_once_for_all_calls_and_numbers_of_rows():
    calls = []

    def counted(x):
        calls.append(1)
        return plain(x)

    circuit = hb.QNode(counted, DEVICE, static=True)
    for size in (4, 4, 2, 1, 4):
        circuit.map(X[:size])
    circuit(X[0])
    assert len(calls) == 1
    for size in range(1, 40):
        assert np.allclose(circuit.map(np.tile(X[0], (size, 1))), circuit(X[0]))
