"""shot_dist: the same shots by weight instead of as many each, in one job, with smaller errors.

Chi-squares have the false-alarm rate of test_shot_noise.py: 1e-7 each with fresh seeds.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

import hybridge as hb
from hybridge.gradients.shift import shift_rule
from hybridge.operations.spectrum import Trig
from hybridge.readout.allotment import LEAST, of_settings, parted

ALARM = 1e-7
X = np.array([0.9, 0.8, 0.5])


def tasks_of(device):
    """The tasks of each job of the device from now on, and what it is asked stays the same."""
    jobs, run = [], device.run
    device.run = lambda tasks: jobs.append(list(tasks)) or run(tasks)
    return jobs


def energy(x):
    hb.RX(x[0], wires=0)
    hb.CRX(x[1], wires=[0, 1])
    hb.RY(x[2], wires=1)
    return hb.expval(4 * hb.Z(0) @ hb.Z(1) + 3 * hb.Z(0) + 0.5 * hb.X(0) + 0.1 * hb.Y(1) + 7)


def node_of(function, dist="weighted", name="default.qubit", wires=2, shots=1000, seed=1, **options):
    options = {"diff_method": "parameter-shift", **options}
    return hb.QNode(function, hb.device(name, wires=wires, shots=shots, seed=seed), shot_dist=dist, **options)


@given(
    st.integers(1, 10**6),
    st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=20),
)
def test_shots_are_parted_whole_and_by_weight(total, weights):
    w = np.array(weights)
    found = parted(total, w)
    assert found.sum() == total and found.min() >= min(LEAST, total // len(w))
    heavy = found > LEAST
    if heavy.any() and w[heavy].min() > 0:
        share = (total - found[~heavy].sum()) * w[heavy] / w[heavy].sum()
        assert np.abs(found[heavy] - share).max() <= LEAST + 1  # a share just above the least may be at it
    order = np.argsort(w, kind="stable")
    assert (np.diff(found[order]) >= -1).all()


def test_settings_that_hand_out_shots_take_those_asked_for():
    assert of_settings(3000, 1000, (1.0, None, 3.0)) == (500, 1000, 1500)
    assert of_settings(1000, 1000, (None,)) == (1000,)
    assert of_settings(0, 1000, ()) == ()


def test_the_settings_of_a_sum_take_shots_by_its_coefficients():
    """ZZ and Z are read together, sqrt(4^2 + 3^2) = 5 in all, and so are X and Y, of 0.5 and 0.1."""
    node = node_of(energy, shots=1100)
    jobs = tasks_of(node.device)
    node(X)
    [tasks] = jobs
    together = np.hypot(0.5, 0.1)
    weights = np.array([5, together])
    assert [t.shots for t in tasks] == np.round(2200 * weights / weights.sum()).tolist()
    assert sum(t.shots for t in tasks) == 2 * 1100


def test_the_runs_of_a_derivative_take_shots_by_their_weights():
    node = node_of(lambda x: (hb.CRX(x, wires=[0, 1]), hb.expval(hb.Z(1)))[1], shots=1000)
    jobs = tasks_of(node.device)
    hb.grad(node)(0.8)
    [[value, *rows]] = jobs  # one; the value's shots are its own
    assert value.shots == 1000
    rule = shift_rule(Trig(0.5, 1))
    sizes = np.unique(np.abs(rule.weights))
    assert {t.shots: len(t.params) for t in rows} == {
        round(4000 * w / np.abs(rule.weights).sum()): 2 for w in sizes
    }
    assert sum(t.shots * len(t.params) for t in rows) == 4000


@pytest.mark.parametrize(
    "function, wires, name, options",
    [
        (energy, 2, "default.qubit", {}),
        (energy, 2, "default.qubit", {"diff_method": "finite-diff", "gradient_kwargs": {"h": 0.3}}),
        (energy, 3, "default.qubit", {"diff_method": "hadamard"}),
        (lambda x: (energy(x), hb.probs(wires=[1]), hb.var(hb.Z(0)))[1:], 2, "default.qubit", {}),
        (
            lambda x: (
                hb.Squeezing(0.3 * x[0], x[1], wires=0),
                hb.Beamsplitter(x[2], 0.2, wires=[0, 1]),
                hb.expval(3 * hb.QuadX(0) @ hb.QuadX(1) + 0.5 * hb.QuadP(0) @ hb.QuadP(0) + hb.QuadX(0)),
            )[-1],
            2,
            "default.gaussian",
            {},
        ),
    ],
)
def test_as_many_shots_in_all_and_as_many_jobs_and_errors_that_are_right(function, wires, name, options):
    totals = []
    for dist in ("uniform", "weighted"):
        node = node_of(function, dist, name, wires, seed=4, **options)
        with hb.Tracker(node.device) as tracker:
            hb.with_error(hb.jacobian(node))(X)
        totals.append(tracker.totals)
    if name == "default.qubit":  # the modes of light are drawn by the core, setting by setting
        assert totals[0] == totals[1]
    flat = lambda tree: np.concatenate([np.ravel(v) for v in (tree if isinstance(tree, tuple) else (tree,))])
    exact = node.update(shots=None)
    for f, truth in ((node, exact(X)), (hb.jacobian(node), hb.jacobian(exact)(X))):
        found = [hb.with_error(f)(X) for _ in range(200)]
        moving = flat(found[0][1]) > 0  # the others depend on nothing
        scores = np.array(
            [(flat(value) - flat(truth))[moving] / flat(error)[moving] for value, error in found]
        )
        sums, alarm = (scores**2).sum(axis=0), ALARM / scores.shape[1]
        assert (chi2.sf(sums, 200) > alarm / 2).all() and (chi2.cdf(sums, 200) > alarm / 2).all()


def test_the_variance_falls_as_the_weights_say():
    """Measured over repeats: of the value by what Neyman's allocation says, of the CRX derivative too."""
    function = lambda x: (energy(x), hb.expval(5 * hb.Z(0) + 0.3 * hb.X(0)))[1]
    values = {
        dist: np.array([node_of(function, dist, seed=k, shots=300)(X) for k in range(400)])
        for dist in ("uniform", "weighted")
    }
    variances = np.array([1 - np.cos(0.9) ** 2, 1.0])  # of Z(0) and X(0), about
    c = np.array([5, 0.3])
    parts = c**2 * variances / 300
    expected = parts.sum(), (parts / (2 * c / c.sum())).sum()
    for dist, predicted in zip(("uniform", "weighted"), expected, strict=True):
        ratio = values[dist].var() / predicted
        assert chi2.sf(400 * ratio, 399) > ALARM and chi2.cdf(400 * ratio, 399) > ALARM
    assert values["weighted"].var() < 0.7 * values["uniform"].var()
    errors = {
        dist: hb.with_error(hb.grad(node_of(energy, dist, seed=3, shots=10**5)))(X).error
        for dist in ("uniform", "weighted")
    }
    assert (errors["weighted"] < 0.85 * errors["uniform"]).all()


def test_samples_and_counts_are_as_many_as_asked_for():
    def node(x):
        hb.RX(x, wires=0)
        return hb.counts(hb.X(1)), hb.expval(3 * hb.Z(0) + hb.Y(0)), hb.sample(wires=[2])

    for dist in ("uniform", "weighted"):
        counts, _, samples = node_of(node, dist, wires=3, shots=100)(0.3)
        assert sum(counts.values()) == 100 and samples.shape == (100, 1)

    def light():
        hb.Squeezing(0.3, 0.1, wires=0)
        return hb.sample(hb.QuadX(0)), hb.counts(wires=[0]), hb.expval(3 * hb.QuadP(0))

    x, n, _ = node_of(light, name="default.gaussian", wires=1, shots=100)()
    assert x.shape == (100,) and sum(n.values()) == 100


def test_second_derivatives_share_the_shots_of_their_runs_too():
    node = node_of(
        lambda x: (hb.CRX(x, wires=[0, 1]), hb.RX(0.4, wires=1), hb.expval(hb.Z(1)))[2], shots=20000
    )
    exact = hb.hessian(node.update(shots=None))(0.8)
    for second in (hb.hessian(node), hb.grad(hb.grad(node))):
        jobs = tasks_of(node.device)
        assert second(0.8) == pytest.approx(exact, abs=0.1)
        assert len({t.shots for t in jobs[-1]}) > 1


def by_torch(node):
    import torch

    x = torch.tensor(X, requires_grad=True)
    node(x).backward()
    return x.grad.numpy()


def by_jax(node):
    import jax

    with jax.enable_x64(True):
        return np.asarray(jax.grad(node)(jax.numpy.array(X)))


def by_tensorflow(node):
    import tensorflow as tf

    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        y = node(x)
    return tape.gradient(y, x).numpy()


@pytest.mark.parametrize("gradient", [lambda node: hb.grad(node)(X), by_torch, by_jax, by_tensorflow])
def test_it_is_the_same_through_every_library(gradient):
    uniform, weighted = (node_of(energy, dist) for dist in ("uniform", "weighted"))
    exact = hb.grad(uniform.update(shots=None))(X)
    jobs = [tasks_of(node.device) for node in (uniform, weighted)]
    for node in (uniform, weighted):
        assert gradient(node) == pytest.approx(exact, abs=0.6)
    drawn = [[sum(t.shots * len(t.params) for t in job) for job in own] for own in jobs]
    assert drawn[0] == drawn[1]
    assert len({t.shots for t in jobs[0][-1]}) == 1 < len({t.shots for t in jobs[1][-1]})


def test_static_circuits_and_maps_take_shots_by_weight():
    for node in (node_of(energy, static=True), node_of(energy).map, node_of(energy)):
        x = X if isinstance(node, hb.QNode) else np.tile(X, (3, 1))
        device = node.device if isinstance(node, hb.QNode) else node._node.device
        jobs = tasks_of(device)
        node(x)
        assert len({t.shots for t in jobs[0]}) == 2 and len(jobs) == 1


def test_a_node_keeps_its_distribution_and_a_wrong_one_is_refused():
    node = node_of(energy)
    assert node.shot_dist == "weighted" == node.update(shots=50).shot_dist
    assert node.on("default.qubit", shots=10).shot_dist == "weighted"
    assert node.update(shot_dist="uniform").shot_dist == "uniform"
    assert hb.qnode(node.device, shot_dist="weighted")(energy).shot_dist == "weighted"
    with pytest.raises(hb.CircuitError, match="'even' is not known; choose from 'uniform', 'weighted'"):
        node.update(shot_dist="even")
    assert node.update(shots=None)(X) == pytest.approx(node.update(shots=None, shot_dist="uniform")(X))
