"""Rotosolve goes to the exact minimum along each number, whatever the frequencies."""

from __future__ import annotations

import numpy
import pytest
from scipy.optimize import minimize_scalar

import hybridge as hb
from hybridge import numpy as np
from hybridge.operations.spectrum import Trig
from hybridge.optimize.frequencies import qnode_frequencies
from hybridge.optimize.problem import Problem
from hybridge.optimize.rotosolve import lowest, sampling

SETS = [
    (1,),
    (2,),
    (0.5, 1),
    (1, 2, 3),
    (1, 3),
    (2, 3),
    (1, 4, 5),
    (0.25, 3),
    tuple(range(1, 9)),
    (1, 2**0.5),
]


def polynomial(spectrum, coefficients, t):
    w = numpy.array(spectrum)
    a, b = coefficients[1 : 1 + len(w)], coefficients[1 + len(w) :]
    return coefficients[0] + numpy.cos(numpy.outer(t, w)) @ a + numpy.sin(numpy.outer(t, w)) @ b


@pytest.mark.parametrize("frequencies", SETS, ids=str)
def test_the_minimum_is_the_lowest_of_a_fine_search(frequencies):
    rng = numpy.random.default_rng(7)
    for _ in range(20):
        coefficients = rng.normal(size=2 * len(frequencies) + 1)
        t, value = lowest(coefficients, Trig(*frequencies))
        assert value == pytest.approx(polynomial(frequencies, coefficients, t)[0], abs=1e-12)
        grid = numpy.linspace(-8 * numpy.pi, 8 * numpy.pi, 20001)
        values = polynomial(frequencies, coefficients, grid)
        k = int(values.argmin())
        fine = minimize_scalar(
            lambda u, c=coefficients: polynomial(frequencies, c, u)[0],
            bounds=(grid[k] - 0.01, grid[k] + 0.01),
            method="bounded",
            options={"xatol": 1e-12},
        )
        assert value <= fine.fun + 1e-10


@pytest.mark.parametrize("frequencies", SETS, ids=str)
def test_the_points_determine_the_polynomial(frequencies):
    spectrum = Trig(*frequencies)
    coefficients = numpy.random.default_rng(3).normal(size=2 * len(frequencies) + 1)
    points = sampling(spectrum)
    assert len(points.at) == 2 * len(frequencies) + 1 and points.at[len(frequencies)] == 0
    found = points.inverse @ polynomial(frequencies, coefficients, points.at)
    numpy.testing.assert_allclose(found, coefficients, atol=1e-9)


def test_one_sinusoid_is_the_closed_formula():
    """Ostaszewski et al., Quantum 5, 391 (2021), eq. 1."""
    f = lambda t: 0.3 + 0.7 * numpy.cos(t) - 0.4 * numpy.sin(t)
    minus, plus, here = f(-numpy.pi / 2), f(numpy.pi / 2), f(0.0)
    expected = -numpy.pi / 2 - numpy.arctan2(2 * here - plus - minus, plus - minus)
    t, _ = lowest(numpy.array([0.3, 0.7, -0.4]), Trig(1))
    assert numpy.exp(1j * t) == pytest.approx(numpy.exp(1j * expected), abs=1e-9)


def test_a_flat_cost_stays_where_it_is():
    assert lowest(numpy.array([0.7, 0.0, 0.0]), Trig(1)) == (0.0, 0.7)
    assert hb.Rotosolve(frequencies=2).step(lambda x: 1.5, 0.3) == 0.3


@hb.qnode(hb.device("default.qubit", wires=2))
def circuit(x, y):
    hb.RX(x[0], wires=0)
    hb.CRY(x[1], wires=[0, 1])
    hb.RX(0.5 * x[0], wires=1)
    hb.RY(3 * y["a"] + 0.2, wires=0)
    hb.GlobalPhase(y["b"])
    return hb.expval(hb.X(0) @ hb.Z(1))


X, Y = numpy.array([0.3, 0.8]), {"a": 0.4, "b": 0.1}


def test_the_frequencies_of_a_node_are_read_from_its_circuit():
    problem = Problem(circuit, (X, Y), argnums=(0, 1))
    found = qnode_frequencies(problem, problem.start)
    assert found == [Trig(0.5, 1, 1.5), Trig(0.5, 1), Trig(3), Trig()]


def test_a_variance_has_twice_the_frequencies():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def spread(x):
        hb.RX(x, wires=0)
        return hb.var(hb.Z(0))

    assert qnode_frequencies(Problem(spread, (0.3,)), numpy.array([0.3])) == [Trig(1, 2)]
    assert spread(hb.Rotosolve().step(spread, 1.4)) == pytest.approx(0.0, abs=1e-12)


def test_light_turns_with_the_degree_of_its_observable():
    @hb.qnode(hb.device("default.gaussian", wires=2))
    def light(theta):
        hb.Squeezing(0.5, 0.0, wires=0)
        hb.Displacement(0.4, 0.3, wires=1)
        hb.Beamsplitter(theta, 0.2, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0))

    assert qnode_frequencies(Problem(light, (0.3,)), numpy.array([0.3])) == [Trig(1, 2)]
    found = light(hb.Rotosolve().step(light, 0.3))
    assert found <= min(light(t) for t in numpy.linspace(0, 2 * numpy.pi, 400)) + 1e-9


def test_a_step_never_makes_the_cost_larger_and_its_calls_are_counted():
    problem = Problem(circuit, (X, Y), argnums=(0, 1))
    optimizer, x = hb.Rotosolve(), problem.start
    for _ in range(4):
        calls, before = problem.calls, problem.value_at(x)
        x = optimizer.moved(problem, x)
        assert problem.value(x) <= before + 1e-12
    assert problem.calls - calls == 2 * (3 + 2 + 1 + 0) + 1  # and the one that this test asks for
    assert problem.value(x) == pytest.approx(-1.0, abs=1e-9)


def test_given_frequencies_are_one_number_a_list_or_a_list_for_each():
    f = lambda x: np.cos(x[0]) + np.sin(2 * x[0]) + 0.5 * np.cos(3 * x[1])
    ends = [hb.Rotosolve(frequencies=w).step(f, X) for w in (3, [1, 2, 3], [[1, 2], [3]])]
    for end in ends:
        assert f(end) == pytest.approx(f(ends[2]), abs=1e-10)


@pytest.mark.parametrize(
    "frequencies, cost, told",
    [
        (None, lambda x: np.cos(x), "must be a QNode"),
        (0, np.cos, "whole number R > 0"),
        ("many", np.cos, "frequencies must be"),
        ([-1.0], np.cos, "numbers > 0"),
        (True, np.cos, "frequencies must be"),
        ([[1], [2]], np.cos, "2 lists for 1 numbers"),
    ],
)
def test_what_has_no_frequencies_is_told(frequencies, cost, told):
    with pytest.raises(hb.OptimizationError, match=told):
        hb.Rotosolve(frequencies=frequencies).step(cost, 0.5)


def test_what_is_not_periodic_is_told():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def squared(x):
        hb.RX(x**2, wires=0)
        return hb.expval(hb.Z(0))

    @hb.qnode(hb.device("default.gaussian", wires=1))
    def squeezed(r):
        hb.Squeezing(r, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    @hb.qnode(hb.device("default.qubit", wires=1))
    def weighted(c):
        hb.RX(0.3, wires=0)
        return hb.expval(c * hb.Z(0))

    @hb.qnode(hb.device("default.qubit", wires=1))
    def branching(x):
        (hb.RX if x < 0.6 else hb.RY)(x, wires=0)
        return hb.expval(hb.Z(0))

    @hb.qnode(hb.device("default.qubit", wires=1))
    def opaque(x):
        hb.RX(float(x), wires=0)
        return hb.expval(hb.Z(0))

    with pytest.raises(hb.OptimizationError, match="cannot be differentiated: float"):
        hb.Rotosolve().step(opaque, 0.5)
    assert opaque(hb.Rotosolve(frequencies=1).step(opaque, 0.5)) == pytest.approx(-1.0)
    with pytest.raises(hb.OptimizationError, match="what it measures, depends on the numbers"):
        hb.Rotosolve().step(weighted, 0.5)
    with pytest.raises(hb.OptimizationError, match="the circuit, or what"):
        hb.Rotosolve().step(branching, 0.5)
    with pytest.raises(hb.OptimizationError, match="nonlinearly; give frequencies="):
        hb.Rotosolve().step(squared, 0.5)
    with pytest.raises(hb.OptimizationError, match="'r' of Squeezing the cost is not periodic"):
        hb.Rotosolve().step(squeezed, 0.5)
