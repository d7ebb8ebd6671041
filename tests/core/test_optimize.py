"""Optimizers do what their papers say, to any arguments, and leave those alone."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import NamedTuple

import numpy
import pytest

import hybridge as hb
from hybridge import numpy as np
from hybridge.optimize.methods import OPTIMIZERS
from hybridge.optimize.spsa import signs
from hybridge.points import results_at

START = [0.3, -0.4, 1.1]
WEIGHTS = numpy.array([1.0, 2.0, 0.5])
DEVICE = hb.device("default.qubit", wires=2)


def cost(x):
    return np.sum(np.cos(x) * WEIGHTS) + x[0] * x[1]


@hb.qnode(DEVICE)
def circuit(x, y):
    hb.RX(x, wires=0)
    hb.CRX(y, wires=[0, 1])
    return hb.expval(hb.Z(0) @ hb.Z(1))


NODES_ONLY = (hb.QNG, hb.MomentumQNG, hb.QNSPSA, hb.ShotAdaptive)  # in test_optimize_natural.py
ANY_COST = {name: kind for name, kind in OPTIMIZERS.items() if kind not in NODES_ONLY}


@pytest.fixture(params=ANY_COST.values(), ids=ANY_COST)
def optimizer(request):
    """One of every kind that takes any cost, told what it cannot find out by itself."""
    needs = {hb.Rotosolve: {"frequencies": 1}, hb.SPSA: {"seed": 4}}
    return request.param(**needs.get(request.param, {}))


# START after four steps on `cost` by the optimizers of PennyLane 0.45.1 with the same settings
FOUR_STEPS = [
    (hb.GradientDescent(0.1), [0.6990209869681319, -1.0085179592728273, 1.2837390337545478]),
    (hb.Momentum(0.1, 0.8), [1.113623743375921, -1.629844855934269, 1.4759697112241765]),
    (hb.NesterovMomentum(0.1, 0.8), [1.2655096774110421, -1.8060776383622588, 1.4803888011433881]),
    (hb.Adagrad(0.1, 1e-6), [0.6069645371896225, -0.7053224574053973, 1.3836028726651741]),
    (hb.RMSProp(0.1, 0.7, 1e-6), [0.9255982860175891, -1.0220196495162879, 1.6717062332143389]),
    (hb.Adam(0.1, 0.8, 0.95, 1e-6), [0.7029322807459353, -0.8030076694778723, 1.5011722321159278]),
    (hb.Adam(), [0.34004787822358146, -0.4400453610445593, 1.1400098918161645]),
]


@pytest.mark.parametrize("optimizer, expected", FOUR_STEPS, ids=lambda p: type(p).__name__)
def test_steps_are_those_of_the_optimizers_people_know(optimizer, expected):
    x = numpy.array(START)
    for _ in range(4):
        x = optimizer.step(cost, x)
    numpy.testing.assert_allclose(x, expected, rtol=1e-13)


def test_adam_is_what_its_paper_writes():
    """Algorithm 1 of arXiv:1412.6980; eps is so small that its place is no matter."""
    x, m, v = 2.0, 0.0, 0.0
    optimizer, y = hb.Adam(0.1, 0.9, 0.999, 1e-15), 2.0
    for t in range(1, 6):
        g = 2 * x
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        x = x - 0.1 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-15)
        y = optimizer.step(lambda z: z**2, y)
        assert y == pytest.approx(x, rel=1e-12)


def test_spsa_is_what_its_paper_writes():
    optimizer, x = hb.SPSA(maxiter=20, seed=9), numpy.array(START)
    expected = x
    for k in range(1, 5):
        d, c, a = signs(9, k, (3,)), 0.2 / k**0.101, 0.05 * 3**0.602 / (2 + k) ** 0.602
        slope = (cost(expected + c * d) - cost(expected - c * d)) / (2 * c)
        expected = expected - a * slope / d
        x = optimizer.step(cost, x)
        numpy.testing.assert_allclose(x, expected, rtol=1e-13)
    assert {*signs(9, 1, (50,))} == {-1.0, 1.0}


def test_the_same_seed_gives_the_same_steps_and_no_seed_others():
    x = numpy.array(START * 20)
    first, same, other, one = (hb.SPSA(seed=s) for s in (1, 1, 2, None))
    ends = [o.step(lambda x: np.sum(x**2), x) for o in (first, same, other, one, hb.SPSA(seed=one.seed))]
    assert (ends[0] == ends[1]).all() and (ends[3] == ends[4]).all()
    assert (ends[0] != ends[2]).any() and (ends[0] != ends[3]).any()


class Pair(NamedTuple):
    left: float
    right: list


@dataclass(frozen=True)
class Point:
    at: numpy.ndarray


TREES = [
    0.5,
    numpy.float32(0.5),
    numpy.array(0.5),
    numpy.array([[0.5, 0.1]], dtype="float32"),
    {"a": 0.5, "b": [numpy.array([0.1, 0.2])]},
    Pair(0.5, [0.1]),
    Point(numpy.array([0.5, 0.1])),
]


def total(tree):
    """The sum of the squares of all numbers in a tree."""
    if isinstance(tree, Point):
        return total(tree.at)
    if isinstance(tree, (dict, list, tuple)):
        return sum(total(t) for t in (tree.values() if isinstance(tree, dict) else tree))
    return np.sum(np.square(tree))


def kinds(tree):
    """What a tree is made of."""
    leaves, _ = hb.pytree.flatten(tree)
    return [type(tree)] + [(type(x), numpy.shape(x), getattr(x, "dtype", None)) for x in leaves]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_what_comes_back_is_made_like_what_went_in(optimizer, tree):
    before = pickle.dumps(tree)
    after, value = optimizer.step_and_cost(total, tree)
    assert kinds(after) == kinds(tree)
    assert pickle.dumps(tree) == before
    assert value == pytest.approx(float(total(tree)), rel=1e-6)


def test_nothing_that_comes_back_shares_memory_with_what_went_in(optimizer):
    x = numpy.array(START)
    assert not numpy.shares_memory(optimizer.step(lambda x: 0.0 * x[0], x), x)
    assert x.tolist() == START


def test_argnums_choose_what_moves_and_what_comes_back(optimizer):
    both = lambda x, y: np.cos(x) * np.sin(y)
    x = type(optimizer)(**vars_of(optimizer)).step(both, 0.5, 0.4)
    assert isinstance(x, float)
    y = type(optimizer)(**vars_of(optimizer)).step(both, 0.5, 0.4, argnums=-1)
    pair = optimizer.step(both, 0.5, 0.4, argnums=(1, 0))
    assert isinstance(pair, tuple)
    if isinstance(optimizer, hb.Momentum | hb.NesterovMomentum | hb.GradientDescent):
        assert pair == (y, x)


def vars_of(optimizer):
    return {name: value for name, value in vars(optimizer).items() if name != "state"}


def test_other_arguments_reach_the_cost_as_they_are():
    seen = []

    def fit(x, data, *, labels):
        seen.append((data, labels))
        return (x - data["n"]) ** 2

    data, labels = {"n": 3}, ["a"]
    x = hb.GradientDescent(0.5).step(fit, 1.0, data, labels=labels)
    assert x == 3.0 and all(d is data and s is labels for d, s in seen)


def test_the_value_is_that_before_the_step_and_is_free_where_the_gradient_is_taken_there(optimizer):
    calls = []

    def counted(x):
        calls.append(x)
        return np.cos(x) + np.sin(x)

    optimizer.step(counted, 0.2)
    calls.clear()
    _, value = optimizer.step_and_cost(counted, 0.2)
    assert value == pytest.approx(numpy.cos(0.2) + numpy.sin(0.2))
    dearer = {hb.NesterovMomentum: 2, hb.Rotosolve: 3, hb.SPSA: 3}
    assert len(calls) == dearer.get(type(optimizer), 1)


@pytest.mark.parametrize(
    "optimizer, jobs",
    [
        (hb.GradientDescent(), 2),  # the value and the derivatives
        (hb.SPSA(seed=1), 1),
        (hb.Rotosolve(), 1 + 2),
        (hb.QNSPSA(seed=1, blocking=False), 1 + 1),
        (hb.QNSPSA(seed=1), 1 + 1 + 2),
    ],
    ids=repr,
)
def test_values_that_do_not_wait_for_each_other_are_one_job(optimizer, jobs):
    with hb.Tracker(DEVICE) as tracker:
        optimizer.step(circuit, 0.4, 0.3, argnums=(0, 1))
    assert tracker.totals["jobs"] == jobs


def test_points_of_other_structures_are_other_jobs_and_everything_comes_back_in_its_place():
    @hb.qnode(DEVICE)
    def branching(x, sign):
        (hb.RX if x > 0 else hb.RY)(x, wires=0)
        return {"z": hb.expval(sign * hb.Z(0)), "p": hb.probs(wires=0)}

    points = [(0.3,), (-0.4,), (0.5,), (-0.6,)]
    with hb.Tracker(DEVICE) as tracker:
        found = results_at(branching, points, {"sign": -1.0})
    assert tracker.totals["jobs"] == 2
    for args, result in zip(points, found, strict=True):
        expected = branching(*args, sign=-1.0)
        assert result["z"] == pytest.approx(expected["z"], abs=1e-15)
        numpy.testing.assert_allclose(result["p"], expected["p"], atol=1e-15)
    batch, one = results_at(circuit, [(numpy.array([0.1, 0.2]), 0.3), (0.1, 0.3)], {})
    assert batch.shape == (2,) and batch[0] == one


def test_a_gradient_of_the_user_s_is_used_as_it_is():
    opaque = lambda x: float(x[0]) ** 2  # nothing that can be traced
    x = hb.GradientDescent(0.25).step(opaque, numpy.array([1.0]), grad_fn=lambda x: [2 * x[0]])
    assert x.tolist() == [0.5]
    x, value = hb.Adam(0.25).step_and_cost(opaque, numpy.array([3.0]), grad_fn=lambda x: 2 * x)
    assert value == 9.0


def test_optimizers_pickle_with_their_state_and_reset_without(optimizer):
    x = numpy.array(START)
    fresh = pickle.loads(pickle.dumps(optimizer))
    first = optimizer.step(cost, x)
    copied = pickle.loads(pickle.dumps(optimizer))
    assert (copied.step(cost, first) == optimizer.step(cost, first)).all()
    assert (fresh.step(cost, x) == first).all()
    optimizer.reset()
    assert optimizer.state is None
    assert (optimizer.step(cost, x) == first).all()
    assert repr(optimizer).startswith(type(optimizer).__name__ + "(")


@pytest.mark.parametrize(
    "optimizer, steps",
    [
        (hb.GradientDescent(0.3), 150),
        (hb.Momentum(0.1, 0.7), 150),
        (hb.NesterovMomentum(0.1, 0.7), 150),
        (hb.Adagrad(0.5), 150),
        (hb.RMSProp(0.02), 250),
        (hb.Adam(0.1), 150),
        (hb.Rotosolve(), 3),
        (hb.SPSA(maxiter=150, seed=3, a=1.0), 150),
    ],
    ids=lambda p: type(p).__name__ if not isinstance(p, int) else None,
)
def test_every_optimizer_reaches_the_ground_state(optimizer, steps):
    x, y = 0.4, 0.3
    for _ in range(steps):
        x, y = optimizer.step(circuit, x, y, argnums=(0, 1))
    assert circuit(x, y) == pytest.approx(-1.0, abs=1e-3)


def test_qubits_and_light_are_optimized_in_one_cost():
    @hb.qnode(hb.device("default.gaussian", wires=1))
    def light(r):
        hb.Squeezing(r, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    model = lambda p: circuit(np.pi * light(p["r"]), p["y"])
    optimizer, p = hb.Adam(0.05), {"r": 0.5, "y": 0.4}
    for _ in range(150):
        p = optimizer.step(model, p)
    assert model(p) == pytest.approx(-1.0, abs=1e-4)


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: hb.Adam(stepsize=0.0), "Adam needs stepsize > 0; got 0.0"),
        (lambda: hb.Adam(stepsize=numpy.nan), "stepsize > 0"),
        (lambda: hb.Adam(stepsize="fast"), "stepsize > 0; got 'fast'"),
        (lambda: hb.Adam(beta1=1.0), "beta1 >= 0 and < 1"),
        (lambda: hb.Momentum(momentum=-0.1), "momentum >= 0 and < 1"),
        (lambda: hb.RMSProp(decay=2), "decay"),
        (lambda: hb.Adagrad(eps=0), "eps"),
        (lambda: hb.SPSA(maxiter=0), "maxiter a whole number"),
        (lambda: hb.SPSA(c=-1.0), "c > 0"),
    ],
)
def test_wrong_settings_are_told(make, told):
    with pytest.raises(hb.OptimizationError, match=told):
        make()


@pytest.mark.parametrize(
    "arguments, options, told",
    [
        ((1,), {}, "argument 0 holds int 1; .* use floats"),
        ((numpy.array([1, 2]),), {}, r"an array of int64; .*x\.astype"),
        ((1j,), {}, "complex 1j; only real floats"),
        (("a",), {}, "str 'a'"),
        ((True,), {}, "bool True"),
        ((numpy.nan,), {}, "not finite"),
        (([],), {}, "nothing to optimize"),
        ((0.5,), {"argnums": 1}, "no argument 1: the cost is called with 1 arguments"),
        ((0.5, 0.5), {"argnums": (0, -2)}, "names an argument twice"),
        ((0.5,), {"argnums": "x"}, "argnums must be whole numbers"),
        ((0.5,), {"grad_fn": lambda x: [1.0, 2.0]}, "the gradient has 2 numbers .* for 1 parameters"),
        ((0.5,), {"grad_fn": lambda x: numpy.inf}, "the gradient at 0.5 is not finite"),
        ((0.5,), {"grad_fn": 3}, "grad_fn must be a function; got 3"),
        ((0.5,), {"grad_fn": lambda x: 1e308}, "GradientDescent stepped to .*smaller stepsize"),
    ],
)
def test_wrong_arguments_are_told(arguments, options, told):
    with pytest.raises(hb.OptimizationError, match=told):
        hb.GradientDescent(10.0).step(lambda *x: np.cos(x[0]), *arguments, **options)


@pytest.mark.parametrize(
    "cost, told",
    [
        (lambda x: np.nan * x, "the cost is nan at 0.5"),
        (lambda x: x / 0.0 if isinstance(x, float) else np.inf * x, "the cost is inf at 0.5"),
        (lambda x: numpy.array([0.5, 0.5]), "one number"),
        (3, "the cost must be a function; got 3"),
    ],
)
def test_wrong_costs_are_told(cost, told):
    for optimizer in (hb.GradientDescent(), hb.SPSA(c=1e-9)):
        with pytest.raises((hb.OptimizationError, hb.GradientError, ZeroDivisionError)) as caught:
            optimizer.step(cost, 0.5)
        if isinstance(optimizer, hb.GradientDescent):
            assert caught.match(told)


def test_a_cost_that_cannot_be_traced_is_told_with_the_ways_out():
    import math

    for opaque in (math.sin, lambda x: float(x), lambda x: numpy.asarray([x, 1.0], dtype=float).sum()):
        with pytest.raises(hb.OptimizationError, match=r"cannot be differentiated.*grad_fn=.*'spsa'"):
            hb.Adam().step(opaque, 0.5)
        assert isinstance(hb.SPSA().step(opaque, 0.5), float)


def test_a_node_without_derivatives_says_so():
    node = hb.QNode(circuit.function, DEVICE, diff_method=None)
    with pytest.raises(hb.GradientError, match="diff_method=None"):
        hb.Adam().step(node, 0.1, 0.2)


def test_a_state_of_another_problem_is_told():
    optimizer = hb.Adam()
    optimizer.step(cost, numpy.array(START))
    with pytest.raises(hb.OptimizationError, match=r"state of 3 numbers, and x has 1; call reset\(\)"):
        optimizer.step(np.cos, 0.5)


def test_errors_of_the_user_s_cost_come_through():
    def broken(x):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        hb.Adam().step(broken, 0.5)
