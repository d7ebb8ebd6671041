"""Shifts for sampled values lose less to noise than those for exact ones, and are as exact."""

import itertools

import numpy as np
import pytest

import hybridge as hb
from hybridge.gradients.quiet import BRIGHT, FAR, quiet_steps
from hybridge.gradients.shift import STEP, shift_rule
from hybridge.operations.spectrum import Hyperbolic, Power, Trig

SPECTRA = [Power(), Hyperbolic(), Power(forward=True, per=2)]


def functions(space):
    """A basis as (f, f') pairs."""
    one = [(lambda t: np.ones_like(t), lambda t: 0.0)]
    degrees = range(1, space.degree + 1)
    if isinstance(space, Power):
        return one + [(lambda t, k=k: t**k, lambda t, k=k: k * t ** (k - 1)) for k in degrees]
    return [
        *one,
        *((lambda t, k=k: np.sinh(k * t), lambda t, k=k: k * np.cosh(k * t)) for k in degrees),
        *((lambda t, k=k: np.cosh(k * t), lambda t, k=k: k * np.sinh(k * t)) for k in degrees),
    ]


@pytest.mark.parametrize(
    ("spectrum", "degree", "truncated"), list(itertools.product(SPECTRA, [1, 2, 3, 4, 6], [False, True]))
)
def test_rules_for_shots_are_exact(spectrum, degree, truncated):
    rule, space = shift_rule(spectrum, degree, truncated, shots=True), spectrum.power(degree)
    assert len(rule.shifts) == len(shift_rule(spectrum, degree).shifts)
    reach = STEP if truncated else FAR if space.degree == 1 else BRIGHT
    assert np.abs(rule.shifts).max(initial=0) <= reach
    for f, slope in functions(space):
        scale = 1 + np.abs(rule.weights) @ np.abs(f(0.4 + rule.shifts))
        assert abs(rule.weights @ f(0.4 + rule.shifts) - slope(0.4)) < 1e-9 * scale


def test_periodic_rules_have_no_quieter_shifts():
    assert np.array_equal(shift_rule(Trig(1), 2, shots=True).shifts, shift_rule(Trig(1), 2).shifts)


def test_the_search_finds_the_least_of_a_grid():
    """Two pairs of shifts of a hyperbolic rule of degree 2, the model's variance written out."""
    rates = np.array([1.0, 2.0])
    solve = lambda s: np.linalg.solve(2 * np.sinh(np.outer(rates, s)), rates)
    variance = lambda s: solve(s) ** 2 @ np.cosh(4 * s)
    found = quiet_steps(Hyperbolic(2), solve, np.array([0.6, 1.2]), None)
    grid = np.linspace(0.02, BRIGHT, 75)
    least = min(variance(np.array(pair)) for pair in itertools.combinations(grid, 2))
    assert variance(found) <= least * 1.001


N0, X0, P0, BOTH = hb.NumberOperator(0), hb.QuadX(0), hb.QuadP(0), hb.TensorN([0, 1])
DIM = lambda: hb.CoherentState(0.5, 0.3, wires=0)
# what is shifted, what is measured, where, and the part of the variance that must be saved
CASES = {
    "displacement, x": (lambda t: hb.Displacement(t, 0.2, wires=0), X0, 0.4, 0.8),
    "displacement, n": (lambda t: hb.Displacement(t, 0.2, wires=0), N0, 0.4, 0.1),
    "squeezing, n": (lambda t: hb.Squeezing(t, 0.2, wires=0), N0, 0.3, 0.2),
    "squeezing, x": (lambda t: (DIM(), hb.Squeezing(t, 0.2, wires=0)), X0, 0.3, 0.0),
    "two modes squeezed, n": (lambda t: hb.TwoModeSqueezing(t, 0.2, wires=[0, 1]), N0, 0.3, 0.0),
    "two modes squeezed, coincidence": (lambda t: hb.TwoModeSqueezing(t, 0.2, wires=[0, 1]), BOTH, 0.5, 0.0),
    "displacement, n squared": (lambda t: hb.Displacement(t, 0.2, wires=0), N0**2, 0.6, 0.0),
    "quadratic phase, p": (lambda t: (DIM(), hb.QuadraticPhase(t, wires=0)), P0, 0.4, 0.0),
    "quadratic phase, n": (lambda t: (DIM(), hb.QuadraticPhase(t, wires=0)), N0, 0.4, 0.0),
    "controlled phase, coincidence": (
        lambda t: (DIM(), hb.ControlledPhase(t, wires=[0, 1])),
        BOTH,
        0.4,
        0.0,
    ),
    "thermal, n": (lambda t: hb.ThermalState(t, wires=0), N0, 0.4, 0.0),
}
SHOTS = 4000


def both_rules(name):
    """The rules for exact values and for shots, of the row that the case shifts."""
    body, observable, t, _ = CASES[name]
    circuit = hb.QNode(lambda t: (body(t), hb.expval(observable))[1], hb.device("default.gaussian", wires=2))
    *_, (row, _) = circuit.record(t).instructions
    return [shift_rule(row.spectrum[0], observable.degree, shots=shots) for shots in (False, True)]


@pytest.mark.parametrize("name", CASES)
def test_no_gradient_of_single_shots_varies_more(name):
    """The variance is exact: that of the observable at each shift, by the squares of the weights."""
    body, observable, t, saved = CASES[name]
    variance = hb.QNode(lambda t: (body(t), hb.var(observable))[1], hb.device("default.gaussian", wires=2))
    exact, shots = (rule.weights**2 @ variance(t + rule.shifts) for rule in both_rules(name))
    assert shots < (1 - saved) * exact


@pytest.mark.parametrize("name", [name for name, (*_, saved) in CASES.items() if saved])
def test_gradients_of_shots_that_are_drawn_spread_less(name):
    """The ratio of two variances from 4000 gradients each is known to some 5 percent."""
    body, observable, t, saved = CASES[name]
    drawn = hb.device("default.gaussian", wires=2, shots=SHOTS, seed=11)
    sample = hb.QNode(lambda t: (body(t), hb.sample(observable))[1], drawn)
    mean = hb.QNode(lambda t: (body(t), hb.expval(observable))[1], hb.device("default.gaussian", wires=2))
    slope, spreads = float(hb.grad(mean)(t)), []
    for rule in both_rules(name):
        found = rule.weights @ sample(t + rule.shifts)  # a gradient for each shot
        assert abs(found.mean() - slope) < 5 * found.std() / np.sqrt(SHOTS)
        spreads.append(found.var())
    assert spreads[1] < (1 - saved / 2) * spreads[0]


def test_shots_take_the_quieter_rule_and_exact_values_the_other():
    def displaced(a):
        hb.Displacement(a, 0.0, wires=0)
        return hb.expval(hb.QuadX(0))

    for shots, reach in ((None, STEP), (50, FAR)):
        node = hb.QNode(displaced, hb.device("default.gaussian", wires=1, shots=shots))
        (part,) = node.plan(0.3).rule((0,), node.method, shots)
        assert np.abs(part.shifts).max() == pytest.approx(reach)
