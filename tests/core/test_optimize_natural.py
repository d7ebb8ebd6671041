"""Natural gradients follow the geometry, and shots are bought where they help."""

from __future__ import annotations

import pickle

import numpy
import pytest
from scipy.linalg import sqrtm
from scipy.stats import chi2

import hybridge as hb
from hybridge import numpy as np
from hybridge.fidelity import fidelities
from hybridge.optimize.problem import Problem
from hybridge.optimize.qnspsa import sampled_metric
from hybridge.optimize.shot_adaptive import sampled_gradient
from hybridge.optimize.spsa import signs
from hybridge.plans import plans_of
from hybridge.slots import slots_of

DEVICE = hb.device("default.qubit", wires=3)
X = numpy.array([0.3, -0.7, 1.1, 0.5, 0.9, -0.4])


@hb.qnode(DEVICE)
def layered(x):
    for k in range(3):
        hb.RY(x[k], wires=k)
    hb.CNOT([0, 1])
    hb.CZ([1, 2])
    for k in range(3):
        hb.RY(x[3 + k], wires=k)
    return hb.expval(hb.Z(0) @ hb.Z(2))


@hb.qnode(DEVICE)
def two(x):
    hb.RX(x["a"], wires=0)
    hb.CRY(x["b"][0], wires=[0, 1])
    hb.RY(x["b"][1], wires=1)
    return hb.expval(0.5 * hb.Z(0) @ hb.Z(1) + 0.3 * hb.I(0) + 0.2 * hb.X(1))


START = {"a": 0.3, "b": numpy.array([0.8, 0.5])}
KINDS = {
    "qng": hb.QNG(0.1, approx=None, lam=1e-2),
    "momentum-qng": hb.MomentumQNG(0.03, 0.7, lam=1e-2),
    "qnspsa": hb.QNSPSA(0.05, seed=2),
    "shot-adaptive": hb.ShotAdaptive(10, stepsize=0.4),
}


# X after three steps on `layered` by the optimizers of PennyLane 0.45.1 with the same settings
THREE_STEPS = [
    (
        hb.QNG(0.1, lam=1e-3),
        [
            [0.292238704472324, -0.7408606214075957, 2.021355874780387],
            [0.6154242050813814, 1.5941240133610461, 0.6290625958391936],
        ],
    ),
    (
        hb.MomentumQNG(0.1, 0.8, lam=1e-3),
        [
            [0.2994415265532173, -0.8247350015151201, 2.591863467248206],
            [0.75970908153671, 1.9259390338599613, 1.1419124780961143],
        ],
    ),
]


@pytest.mark.parametrize("optimizer, expected", THREE_STEPS, ids=lambda p: type(p).__name__)
def test_steps_are_those_of_the_optimizers_people_know(optimizer, expected):
    x = X
    for _ in range(3):
        x = optimizer.step(layered, x)
    numpy.testing.assert_allclose(x, numpy.ravel(expected), rtol=1e-9)


def test_a_natural_step_is_the_same_in_any_variables():
    """To first order in the step: x = 2 y moves by the same angle."""
    plain = hb.QNG(1e-5, approx=None, lam=0.0)
    half = hb.QNode(lambda y: layered.function(2 * y), DEVICE)
    moved = plain.step(layered, X) - X
    numpy.testing.assert_allclose(2 * (plain.step(half, X / 2) - X / 2), moved, rtol=1e-6, atol=1e-14)
    assert abs(2 * (hb.GradientDescent(1e-5).step(half, X / 2) - X / 2) - moved).max() > 1e-6


def test_a_metric_may_be_given_for_any_cost():
    cost = lambda x, scale: scale * layered(x) ** 2
    metric = hb.metric_tensor(layered, None)
    given = hb.QNG(0.1, lam=0.1, metric=lambda x, scale: metric(x)).step(cost, X, 3.0)
    g = hb.grad(cost)(X, 3.0)
    numpy.testing.assert_allclose(
        given, X - 0.1 * numpy.linalg.solve(metric(X) + 0.1 * numpy.eye(6), g), rtol=1e-10
    )


def test_numbers_that_change_no_state_stay_where_they_are():
    node = hb.QNode(lambda x: (hb.RX(x[0], wires=0), hb.RZ(x[1], wires=1), hb.expval(hb.Z(0)))[2], DEVICE)
    x = hb.QNG(0.1).step(node, X[:2])
    assert x[1] == X[1] and x[0] != X[0]


@pytest.mark.parametrize("name", KINDS)
def test_they_go_down_and_give_back_what_they_got(name):
    optimizer, x = KINDS[name], START
    before = pickle.dumps(START)
    ground = hb.minimize(two, START).fun
    sampled = two.on("default.qubit", shots=1000, seed=4) if name == "shot-adaptive" else two
    for _ in range(80):
        x, value = optimizer.step_and_cost(sampled, x)
    assert pickle.dumps(START) == before and list(x) == ["a", "b"] and x["b"].shape == (2,)
    assert two(x) == pytest.approx(ground, abs=0.03)
    assert isinstance(value, float)
    again = pickle.loads(pickle.dumps(optimizer))
    again.reset()
    assert again.state is None and again.step(sampled, START).keys() == START.keys()


@pytest.mark.parametrize("name", KINDS)
def test_they_are_methods_of_minimize(name):
    options = {"qng": {"approx": None, "lam": 0.1}, "qnspsa": {"seed": 1}, "shot-adaptive": {"min_shots": 5}}
    found = hb.minimize(two, START, name, steps=3, options=options.get(name))
    assert found.method == name and found.steps == 3


def test_fidelities_are_overlaps_of_states_exact_or_sampled():
    problem = Problem(two, (START,))
    recorded = two.record(START)
    row = numpy.array(recorded.numbers)
    others = row + numpy.array([[0.0, 0.0, 0.0], [0.1, 0.2, -0.3], [2.0, 1.0, 0.5]])
    exact = fidelities(two, recorded, row, others)
    ket = hb.QNode(lambda x: (two.function(x), hb.state())[1], DEVICE)
    expected = [abs(numpy.vdot(ket(START), ket({"a": o[0], "b": o[1:]}))) ** 2 for o in others]
    numpy.testing.assert_allclose(exact, expected, atol=1e-12)
    sampled = fidelities(two.on("default.qubit", shots=20000, seed=1), recorded, row, others)
    assert sampled[0] == 1.0
    assert (abs(sampled - exact) <= 6 * numpy.sqrt(exact * (1 - exact) / 20000) + 1e-12).all()
    assert problem.calls == 0


def test_fidelities_are_sampled_after_prepared_states_too():
    @hb.qnode(DEVICE)
    def prepared(x):
        hb.BasisState([1, 0], wires=[0, 1])
        hb.StatePrep([0.6, 0.8j], wires=[2])
        hb.Barrier(wires=[0, 1])
        hb.CRot(x[0], x[1], x[2], wires=[0, 2])
        hb.CNOT([2, 1])
        return hb.expval(hb.Z(2))

    recorded, rows = prepared.record(X), numpy.array([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]])
    exact = fidelities(prepared, recorded, rows[0], rows)
    sampled = fidelities(prepared.on("default.qubit", shots=20000, seed=2), recorded, rows[0], rows)
    assert exact[0] == pytest.approx(1.0) and sampled[0] == 1.0 and 0.1 < exact[1] < 0.9
    assert abs(sampled[1] - exact[1]) < 6 * 0.5 / 20000**0.5


def test_the_sampled_metric_is_right_on_average():
    problem, rng, e = Problem(two, (START,)), numpy.random.default_rng(5), 0.01
    found = numpy.array(
        [
            sampled_metric(problem, problem.start, *(e * rng.choice([-1.0, 1.0], size=(2, 3))))
            for _ in range(400)
        ]
    )
    expected, error = hb.metric_tensor(two)(START), found.std(axis=0) / 20
    # nine entries, six standard errors: a false alarm in one of 10^8 runs, and e^2 for the differences
    assert (abs(found.mean(axis=0) - expected) <= 6 * error + e**2).all()


def test_steps_of_qnspsa_are_what_its_paper_writes():
    """Gacon et al., eqs. 7 and 11 to 13, with fidelities of states and scipy's matrix root."""
    ket = hb.QNode(lambda x: (layered.function(x), hb.state())[1], DEVICE)
    optimizer = hb.QNSPSA(0.01, 0.05, 0.1, resamplings=1, blocking=False, seed=8)
    x, metric, e, negative = X, numpy.eye(6), 0.1, False
    for k in range(1, 6):
        (d, a, b), psi = signs(8, k - 1, (1, 3, 6))[0], ket(x)
        slope = (layered(x + e * d) - layered(x - e * d)) / (2 * e) * d
        one, two, three, four = (abs(numpy.vdot(psi, ket(x + e * s))) ** 2 for s in (a + b, a, b - a, -a))
        sample = -(one - two - three + four) / (8 * e**2) * (numpy.outer(a, b) + numpy.outer(b, a))
        metric = k / (k + 1) * metric + 1 / (k + 1) * sample
        negative |= numpy.linalg.eigvalsh(metric).min() < -0.01
        used = (sqrtm(metric @ metric).real + 0.05 * numpy.eye(6)) / 1.05
        expected = x - 0.01 * numpy.linalg.solve(used, slope)
        x = optimizer.step(layered, x)
        numpy.testing.assert_allclose(x, expected, rtol=1e-9)
    assert negative  # else the root would do nothing


def test_blocking_refuses_steps_that_go_up():
    low = hb.minimize(two, START, steps=4).x
    refused = []
    for seed in range(10):
        free = hb.QNSPSA(stepsize=5.0, seed=seed, blocking=False).step(two, low)
        held = hb.QNSPSA(stepsize=5.0, seed=seed).step(two, low)
        refused.append(two(free) > two(low))
        assert two(held) == (two(low) if refused[-1] else two(free))
    assert {*refused} == {True, False}


def test_sampled_derivatives_are_as_good_as_they_say():
    """Chi-square of 200 draws of three derivatives; outside the bounds in one of 10^5 runs, about."""
    shots = numpy.array([50, 200, 1000])
    node = two.on("default.qubit", shots=10, seed=7)
    slots = slots_of(node, (START,))
    plan = plans_of(node.device).get(slots.recorded.instructions, slots.recorded.measurements, True)
    drawn = [sampled_gradient(plan, slots, shots) for _ in range(200)]
    gradients = numpy.array([d[0] for d in drawn])
    variances = numpy.array([d[1] for d in drawn]).mean(axis=0)
    exact = numpy.concatenate([numpy.ravel(v) for v in hb.grad(two)(START).values()])
    total = (((gradients - exact) ** 2) * shots / variances).sum()
    low, high = chi2.ppf([5e-6, 1 - 5e-6], 600)
    assert low < total < high


def test_the_shots_of_the_next_step_are_those_of_the_paper():
    """Kübler et al., eqs. 17 to 20, from the derivative and the variance that the first step measured."""
    optimizer = hb.ShotAdaptive(4, mu=0.9, b=1e-3, stepsize=0.5)
    node = two.on("default.qubit", shots=10, seed=3)
    x = optimizer.step(node, START)
    state, rate, bound = optimizer.state, 0.5, 0.7
    g, xi = state.slope / 0.1, state.variance / 0.1
    assert x["a"] == pytest.approx(START["a"] - rate * g[0])
    s = numpy.ceil(2 * bound * rate / (2 - bound * rate) * xi / (g**2 + 1e-3 * 0.9))
    gain = ((rate - bound * rate**2 / 2) * g**2 - bound * rate**2 / 2 * xi / s) / s
    assert state.shots.tolist() == numpy.clip(s, 4, max(4, s[gain.argmax()])).tolist()
    assert state.spent == 2 * 4 * (2 + 4 + 2) and state.steps == 1  # in two settings, for ZZ and X
    with hb.Tracker(node.device) as tracker:
        optimizer.step(node, x)
    assert optimizer.state.spent == state.spent + tracker.totals["shots"]
    assert tracker.totals["shots"] == 2 * int(state.shots @ [2, 4, 2])
    assert tracker.totals["jobs"] == 1


def test_more_shots_are_bought_as_the_slope_vanishes():
    """On average over seeds: a run that happens on equal shots believes in its slope for long."""
    first, last = [], []
    for seed in range(20):
        node = two.on("default.qubit", shots=10, seed=seed)
        optimizer, x, shots = hb.ShotAdaptive(5, mu=0.8, stepsize=0.4), START, []
        for _ in range(40):
            x = optimizer.step(node, x)
            shots.append(int(optimizer.state.shots.sum()))
        first.append(shots[:5])
        last.append(shots[-10:])
    assert numpy.mean(last) > 3 * numpy.mean(first)


@pytest.mark.parametrize(
    "optimizer, cost, told",
    [
        (hb.QNG(), lambda x: np.sum(x), "must be a QNode to have a metric"),
        (hb.QNG(metric=lambda x: numpy.eye(2)), layered, r"must be \(6, 6\); it has shape \(2, 2\)"),
        (hb.QNSPSA(), lambda x: float(x[0]), "QNSPSA needs a QNode"),
        (hb.ShotAdaptive(), lambda x: float(x[0]), "ShotAdaptive needs a QNode"),
        (hb.ShotAdaptive(stepsize=2.0), layered, "below 2 / lipschitz = 2; it is 2"),
        (
            hb.ShotAdaptive(),
            hb.QNode(lambda x: (hb.RX(x[0], wires=0), hb.var(hb.Z(0)))[1], DEVICE),
            "returns one expval",
        ),
        (
            hb.ShotAdaptive(),
            hb.QNode(lambda x: (hb.RX(x[0], wires=0), hb.expval(hb.Projector([1], wires=0)))[1], DEVICE),
            "give lipschitz=",
        ),
    ],
)
def test_what_they_cannot_do_is_told(optimizer, cost, told):
    with pytest.raises(hb.OptimizationError, match=told):
        optimizer.step(cost, X)


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: hb.QNG(lam=-1.0), "lam >= 0"),
        (lambda: hb.QNSPSA(resamplings=0), "resamplings a whole number"),
        (lambda: hb.ShotAdaptive(min_shots=2.5), "min_shots a whole number"),
        (lambda: hb.ShotAdaptive(mu=1.0), "mu >= 0 and < 1"),
    ],
)
def test_wrong_settings_are_told(make, told):
    with pytest.raises(hb.OptimizationError, match=told):
        make()
