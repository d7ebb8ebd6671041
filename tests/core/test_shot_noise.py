"""with_error: every sampled value and derivative comes with the standard error that it has.

The scores (value - expectation) / error of independent repeats, squared and summed, follow a chi-square
distribution. The seeds are fixed; with fresh ones each check would fail by chance once in 10^7, which makes
about one run of this file in 10^5. So many repeats are taken that an error off by a factor of 1.3, up or
down, is seen, as the planted faults at the end are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

import hybridge as hb
from hybridge.pytree import flatten
from hybridge.readout.noise import Share
from hybridge.readout.qubit import QubitReadout

ALARM = 1e-7
REPEATS = 300
SHOTS = 1000


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(x) for x in flatten(tree)[0]])


def scores(f: Callable[..., Any], expected: Any, *args: Any, repeats: int = REPEATS) -> np.ndarray:
    """(repeats, numbers): how many of its own errors each number is off."""
    sure, found = hb.with_error(f), []
    for _ in range(repeats):
        value, error = map(flat, sure(*args))
        off = value - flat(expected)
        assert np.abs(off[error == 0]).max(initial=0) < 1e-12  # exact
        found.append(off[error > 0] / error[error > 0])
    return np.array(found)


def calibrated(found: np.ndarray, together: bool = True) -> bool:
    """Whether scores are those of normal numbers, `together` where those of a repeat are independent."""
    sums = np.sum(found**2, axis=None if together else 0)
    freedom = found.size if together else len(found)
    alarm = ALARM / np.size(sums)
    return bool(np.all((chi2.sf(sums, freedom) > alarm / 2) & (chi2.cdf(sums, freedom) > alarm / 2)))


def device(seed: int, wires: int = 2) -> hb.Device:
    return hb.device("default.qubit", wires=wires, shots=SHOTS, seed=seed)


def exactly(node: hb.QNode) -> hb.QNode:
    return node.update(shots=None)


def prepared(x):
    hb.RX(x[0], wires=0)
    hb.RY(x[1], wires=1)
    hb.CRX(x[2], wires=[0, 1])
    hb.RY(2 * x[0] + 0.3, wires=0)


X = np.array([0.7, 0.4, 1.1])
MIXED = np.array([[1.0, 0.5j, 0, 0.2], [-0.5j, -1, 0.3, 0], [0, 0.3, 2, 1j], [0.2, 0, -1j, 0.5]])
MEASURED = {
    "a word": lambda: hb.expval(hb.Z(1) @ hb.X(0)),
    "words of one setting": lambda: hb.expval(hb.Z(0) + 0.8 * hb.Z(1) - 0.5 * hb.Z(0) @ hb.Z(1)),
    "words of three settings": lambda: hb.expval(hb.Z(0) + 0.8 * hb.X(1) - 0.5 * hb.Y(0) @ hb.Y(1) + 3),
    "a matrix": lambda: hb.expval(hb.Hermitian(MIXED, wires=[0, 1])),
    "a projector": lambda: hb.expval(hb.Projector([1, 0], wires=[0, 1])),
    "a variance": lambda: hb.var(hb.Z(0) + 0.3 * hb.Z(1)),
    "a variance of a matrix": lambda: hb.var(hb.Hermitian(MIXED, wires=[0, 1])),
    "probabilities": lambda: hb.probs(wires=[1, 0]),
    "several": lambda: {"z": hb.expval(hb.Z(0)), "p": [hb.probs(wires=[1]), hb.var(hb.X(0))]},
}


@pytest.mark.parametrize("name", MEASURED)
def test_values_are_off_by_their_errors(name):
    @hb.qnode(device(len(name)))
    def node(x):
        prepared(x)
        return MEASURED[name]()

    assert calibrated(scores(node, exactly(node)(X), X, repeats=3 * REPEATS), together=False)


@pytest.mark.parametrize("name", ["a word", "words of one setting", "words of three settings", "several"])
def test_shift_rule_derivatives_are_off_by_their_errors(name):
    """x[0] is in two gates, in one of them doubled; the four shifts of the CRX have two different weights."""

    @hb.qnode(device(40 + len(name)), diff_method="parameter-shift")
    def node(x):
        prepared(x)
        return MEASURED[name]()

    found = scores(hb.jacobian(node), hb.jacobian(exactly(node))(X), X)
    assert calibrated(found, together=name != "several")


@pytest.mark.parametrize("options", [{"h": 0.3}, {"h": 0.4, "strategy": "forward", "approx_order": 2}])
def test_differences_are_off_by_their_errors_and_no_more_than_their_bias(options):
    """The bias is a third derivative times h^2 / 6 to both sides, times h^2 / 3 of 3 points to one side."""

    @hb.qnode(device(60), diff_method="finite-diff", gradient_kwargs=options)
    def node(x):
        prepared(x)
        return hb.expval(hb.Z(1))

    expected = hb.jacobian(exactly(node))(X)
    assert calibrated(scores(hb.grad(node), expected, X), together=options["h"] == 0.3)
    true = hb.grad(exactly(node).update(diff_method="best"))(X)
    largest = 1  # of a third derivative: the observable is +-1 and no frequency is above 1
    bound = options["h"] ** 2 * largest / (6 if len(options) == 1 else 3)
    assert 0 < np.abs(expected - true).max() < bound


def test_simultaneous_perturbations_are_off_by_their_errors_along_the_directions_drawn():
    """All numbers are moved at once, in directions that a seed tells the exact run and the sampled one."""

    def node(shots):
        @hb.qnode(
            hb.device("default.qubit", wires=2, shots=shots, seed=5),
            diff_method="spsa",
            gradient_kwargs={"h": 0.4, "num_directions": 3, "seed": 8},
        )
        def circuit(x):
            prepared(x)
            return hb.expval(hb.Z(1) @ hb.X(0))

        return circuit

    sampled, exact, found = hb.with_error(hb.grad(node(SHOTS))), hb.grad(node(None)), []
    for _ in range(REPEATS):
        value, error = sampled(X)
        found.append((value - exact(X)) / error)
    assert calibrated(np.array(found), together=False)


@pytest.mark.parametrize("mode", ["standard", "direct"])
def test_hadamard_tests_are_off_by_their_errors(mode):
    @hb.qnode(device(70, wires=3), diff_method="hadamard", gradient_kwargs={"mode": mode})
    def node(x):
        prepared(x)
        return hb.expval(hb.Z(1) + 0.5 * hb.X(0) @ hb.Z(1)), hb.probs(wires=[0, 1])

    expected = hb.jacobian(exactly(node))(X)
    assert calibrated(scores(hb.jacobian(node), expected, X), together=False)


LIGHT = {
    "x of a displacement": (lambda t: hb.Displacement(t[0], t[1], wires=0), lambda: hb.expval(hb.QuadX(0))),
    "n of a displacement": (
        lambda t: hb.Displacement(t[0], t[1], wires=0),
        lambda: hb.expval(hb.NumberOperator(0)),
    ),
    "x of a squeezing": (
        lambda t: (hb.Displacement(0.5, 0.1, wires=0), hb.Squeezing(t[0], t[1], wires=0)),
        lambda: hb.expval(hb.QuadX(0)),
    ),
    "n of a squeezing": (
        lambda t: hb.Squeezing(t[0], t[1], wires=0),
        lambda: hb.expval(hb.NumberOperator(0)),
    ),
    "quadratures of two settings": (
        lambda t: (hb.Squeezing(t[0], t[1], wires=0), hb.Beamsplitter(t[1], 0.2, wires=[0, 1])),
        lambda: hb.expval(hb.QuadX(0) @ hb.QuadX(0) + hb.QuadP(0) @ hb.QuadX(1)),
    ),
    "a variance": (lambda t: hb.Squeezing(t[0], t[1], wires=0), lambda: hb.var(hb.QuadX(0))),
}


@pytest.mark.parametrize("name", LIGHT)
def test_light_is_off_by_its_errors(name):
    prepare, measure = LIGHT[name]

    @hb.qnode(
        hb.device("default.gaussian", wires=2, shots=SHOTS, seed=len(name)), diff_method="parameter-shift"
    )
    def node(t):
        prepare(t)
        return measure()

    t = np.array([0.4, 0.3])
    assert calibrated(scores(node, exactly(node)(t), t, repeats=2 * REPEATS))
    assert calibrated(scores(hb.grad(node), hb.grad(exactly(node))(t), t))


# ---- what stands beside the statistics --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["value", "grad", "value_and_grad", "jacobian"])
@pytest.mark.parametrize("static", [False, True])
def test_the_value_is_the_one_without_errors_from_as_many_jobs(kind, static):
    """The same seed draws the same shots; containers and shapes are the same, of the errors too."""
    ways = {
        "value": lambda node: node,
        "grad": lambda node: hb.grad(node, argnums=(1, 0)),
        "value_and_grad": hb.value_and_grad,
        "jacobian": lambda node: hb.jacobian(node, argnums=(0, 1)),
    }

    def made():
        @hb.qnode(device(3), static=static)
        def node(x, y):
            hb.RX(x["a"][0], wires=0)
            hb.CRX(y * 2 + 1, wires=[0, 1])
            hb.RY(x["a"][1], wires=1)
            measured = hb.expval(hb.Z(1) + 0.5 * hb.X(0))
            return [measured, hb.probs(wires=[0, 1])] if kind == "jacobian" else measured

        return node

    args = ({"a": np.array([0.3, 0.5])}, 0.7)
    plain, sure = made(), made()
    with hb.Tracker(plain.device) as first:
        expected = ways[kind](plain)(*args)
    with hb.Tracker(sure.device) as second:
        value, error = hb.with_error(ways[kind](sure))(*args)
    assert first.totals == second.totals
    for tree in (value, error):
        found, wanted = flatten(tree), flatten(expected)
        assert repr(found[1](range(9))) == repr(wanted[1](range(9)))
        assert [np.shape(x) for x in found[0]] == [np.shape(x) for x in wanted[0]]
    assert flat(value) == pytest.approx(flat(expected), abs=1e-12)
    assert (flat(error) > 0).all() and (flat(error) < 0.2).all()


def test_rows_of_a_batch_have_the_errors_they_would_have_alone():
    @hb.qnode(device(11), diff_method="parameter-shift")
    def node(x, y):
        hb.RX(x, wires=0)
        hb.CRX(y, wires=[0, 1])
        return hb.expval(hb.Z(0) @ hb.Z(1)), hb.probs(wires=1)

    x, y = np.linspace(0.3, 2.0, 40), 0.8
    (value, probs), (error, spread) = hb.with_error(node)(x, y)
    assert value.shape == error.shape == (40,) and probs.shape == spread.shape == (40, 2)
    assert error == pytest.approx(np.sqrt((1 - value**2) / (SHOTS - 1)))
    assert spread == pytest.approx(np.sqrt(probs * (1 - probs) / (SHOTS - 1)))
    exact = hb.jacobian(exactly(node), argnums=(0, 1))(x, y)
    slope, error = hb.with_error(hb.jacobian(node, argnums=(0, 1)))(x, y)
    (by_x, by_y), (error_x, error_y) = slope[0], error[0]
    assert not error_x[~np.eye(40, dtype=bool)].any() and error_y.shape == (40,)
    assert calibrated((by_y - exact[0][1]) / error_y)
    assert calibrated(np.diag(by_x - exact[0][0]) / np.diag(error_x))
    mapped, sure = hb.with_error(node.map)(x, y, in_axes=(0, None))
    assert mapped[0].shape == sure[0].shape == (40,) and (sure[0] > 0).all()


def test_coefficients_that_are_differentiated_have_errors_too():
    """Words of one setting share their shots, in the derivatives of coefficients too."""

    @hb.qnode(device(13), diff_method="parameter-shift")
    def node(x, c):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])
        return hb.expval(c * hb.Z(0) + hb.Z(1) - c * hb.X(0) @ hb.X(1)), hb.expval(hb.Z(0))

    args = (0.7, 0.9)
    for f in (
        hb.jacobian(node, argnums=(0, 1)),
        hb.grad(lone := node.update(function=_weighted), argnums=(0, 1)),
    ):
        exact = hb.jacobian(exactly(f.f), argnums=(0, 1))(*args)
        found = scores(f, exact, *args)
        # a result and its coefficients' derivatives come from the same shots
        assert calibrated(found, together=False)
    value, error = hb.with_error(hb.value_and_grad(lone))(*args)
    assert value[0] == pytest.approx(exactly(lone)(*args), abs=5 * error[0]) and 0 < error[0] < 0.1


def test_coefficients_of_each_row_of_a_map_have_their_errors():
    @hb.qnode(device(17), diff_method="parameter-shift")
    def node(x, c):
        hb.RX(x, wires=0)
        hb.RY(0.4, wires=1)
        return hb.expval(c * hb.Z(0) + 0.3 * hb.Z(1) - c * hb.X(1))

    args = np.linspace(0.3, 1.5, 60), np.linspace(0.5, 2.0, 60)
    exact = hb.jacobian(exactly(node).map, argnums=(0, 1))(*args)
    slopes, errors = hb.with_error(hb.jacobian(node.map, argnums=(0, 1)))(*args)
    for slope, error, wanted in zip(slopes, errors, exact, strict=True):
        assert not error[~np.eye(60, dtype=bool)].any()
        assert calibrated(np.diag(slope - wanted) / np.diag(error))


def _weighted(x, c):
    hb.RX(x, wires=0)
    hb.CNOT([0, 1])
    return hb.expval(c * hb.Z(0) + c * hb.Z(1))


def test_what_is_exact_has_no_error():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def node(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.state()

    assert hb.with_error(node)(0.3).error[0] == 0 and not hb.with_error(node)(0.3).error[1].any()
    for method in ("best", "parameter-shift", "finite-diff"):
        one = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], node.device, method)
        value, error = hb.with_error(hb.value_and_grad(one))(0.3)
        assert value == pytest.approx((np.cos(0.3), -np.sin(0.3))) and error == (0, 0)

    @hb.qnode(device(1))
    def constant(x):
        hb.RX(x, wires=0)
        hb.GlobalPhase(x, wires=0)
        return hb.expval(3 * hb.I(0))

    assert hb.with_error(constant)(0.3) == (3, 0)


def test_a_number_nothing_depends_on_has_a_derivative_without_error():
    @hb.qnode(device(1))
    def node(x, y):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    value, error = hb.with_error(hb.grad(node, argnums=(0, 1)))(0.3, 0.4)
    assert value[1] == error[1] == 0 and error[0] > 0


def test_an_outcome_that_never_came_is_no_certainty():
    """All shots alike have the error that is seen where the other outcome comes once."""

    @hb.qnode(device(1))
    def node():
        return hb.expval(hb.Z(0)), hb.probs(wires=0), hb.expval(hb.Z(0) + 3 * hb.Z(1)), hb.var(hb.Z(0))

    (z, p, both, var), error = hb.with_error(node)()
    assert (z, p.tolist(), both, var) == (1, [1, 0], 4, 0)
    assert flat(error) == pytest.approx([2 / SHOTS, 1 / SHOTS, 1 / SHOTS, 6 / SHOTS, 4 / SHOTS], rel=1e-5)
    once = Share(0, SHOTS, np.array([[1.0, -1.0]]), np.array([[SHOTS - 1, 1]]))
    assert np.sqrt(once.variance) == pytest.approx(2 / SHOTS)

    @hb.qnode(hb.device("default.gaussian", wires=2, shots=SHOTS, seed=1))
    def dark():
        return hb.expval(2 * hb.NumberOperator(0)), hb.expval(hb.TensorN([0, 1])), hb.probs(wires=0)

    _, (n, pairs, frequencies) = hb.with_error(dark)()
    assert (n, pairs) == (2 / SHOTS, 1 / SHOTS) and frequencies == pytest.approx(1 / SHOTS)


def test_single_shots_and_counts_estimate_nothing():
    @hb.qnode(device(1))
    def node(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.counts(wires=[0, 1]), {"s": hb.sample(hb.Z(1))}

    value, error = hb.with_error(node)(0.3)
    assert sum(value[1].values()) == SHOTS and error[1] is None and error[2] == {"s": None}
    assert "None" in str(hb.with_error(node)(0.3))


def test_what_has_no_error_is_refused():
    sampling = hb.QNode(lambda: hb.counts(), device(1))
    one = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], device(1))
    several = hb.QNode(lambda x: (hb.RX(x, wires=0), [hb.expval(hb.Z(0)), hb.expval(hb.X(0))])[1], device(1))
    for call, error, message in (
        (lambda: hb.with_error(sampling)(), hb.CircuitError, "counts estimate nothing; return expval"),
        (lambda: hb.with_error(lambda x: one(x) ** 2), hb.CircuitError, "takes a QNode, or hb.grad"),
        (lambda: hb.with_error(hb.grad(lambda x: one(x) ** 2)), hb.CircuitError, "takes a QNode, or hb.grad"),
        (lambda: hb.grad(lambda x: hb.with_error(one)(x).value)(0.3), hb.GradientError, "not differentiated"),
        (
            lambda: hb.grad(lambda x: hb.with_error(hb.grad(one))(x).value)(0.3),
            hb.GradientError,
            "not differentiated",
        ),
        (lambda: hb.with_error(hb.hessian(one)), hb.CircuitError, "takes a QNode, or hb.grad"),
        (lambda: hb.with_error(hb.grad(hb.grad(one))), hb.CircuitError, "takes a QNode, or hb.grad"),
        (lambda: hb.with_error(one.update(shots=1))(0.3), hb.CircuitError, "shots=2 or more"),
        (lambda: hb.with_error(hb.grad(several))(0.3), hb.GradientError, "use hb.jacobian"),
        (
            lambda: hb.with_error(hb.grad(one.update(diff_method=None)))(0.3),
            hb.GradientError,
            "diff_method=None",
        ),
        (lambda: hb.with_error(hb.grad(one, argnums=2))(0.3), hb.GradientError, "argument 2"),
        (
            lambda: hb.with_error(hb.jacobian(sampling.update(function=_counted)))(0.3),
            hb.GradientError,
            "counts",
        ),
    ):
        with pytest.raises(error, match=message):
            call()


def _counted(x):
    hb.RX(x, wires=0)
    return hb.counts()


def test_it_prints_two_digits_of_the_error():
    for value, error, shown in (
        (0.31234, 0.0041, "0.3123 +- 0.0041"),
        (-12.3, 2.345, "-12.3 +- 2.3"),
        (123.4, 45.6, "123 +- 46"),
        (1.5, 0.0, "1.5 +- 0"),
        (np.array([0.5, 0.25]), np.array([0.01, 0.02]), "[0.500 +- 0.010, 0.250 +- 0.020]"),
        ({"a": 0.5}, {"a": 0.01}, "{'a': 0.500 +- 0.010}"),
    ):
        found = hb.WithError(value, error)
        assert str(found) == found.__rich__() == shown
        assert found == (value, error)


# ---- the checks above fail where they should --------------------------------------------------------------


def test_errors_that_are_a_third_too_large_or_too_small_are_seen():
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((REPEATS, 3))
    assert calibrated(drawn) and calibrated(drawn, together=False)
    for fault in (drawn * 1.3, drawn / 1.3, drawn + 0.7):
        assert not calibrated(fault)


def test_a_dropped_covariance_is_seen(monkeypatch):
    @hb.qnode(device(5))
    def node(x):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])
        return hb.expval(hb.Z(0) + hb.Z(1))

    assert calibrated(scores(node, exactly(node)(1.1), 1.1))
    apart = lambda self, parts, answers: [
        self._share(p.group, [p], answers)._replace(setting=k) for k, p in enumerate(parts)
    ]
    monkeypatch.setattr(QubitReadout, "_shares", apart)
    assert not calibrated(scores(node, exactly(node)(1.1), 1.1))
