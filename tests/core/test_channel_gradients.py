"""Exact derivatives in the numbers of channels: by rules that stay between their bounds, in every library."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import hybridge as hb
from hybridge import numpy as hnp
from hybridge.conformance import reference
from hybridge.errors import CircuitError, GradientError
from hybridge.gradients.shift import shift_rule
from hybridge.operations.spectrum import Chance
from hybridge_default.mixed_numpy import PlainMixed

pytestmark = pytest.mark.usefixtures("x64")
POINT = np.array([0.4, 0.2, 0.7])


def circuit(x, measure=lambda: hb.expval(hb.X(0) @ hb.Z(1) + hb.Z(1))):
    hb.RY(x[0], wires=0)
    hb.DepolarizingChannel(x[1], wires=0)
    hb.CNOT([0, 1])
    hb.RX(0.4, wires=1)
    hb.BitFlip(0.5 * x[1] + 0.1, wires=1)
    hb.PauliError("XY", x[2], wires=[1, 0])
    hb.ThermalRelaxationError(x[2], 1.0, 1.2, 0.3, wires=0)
    return measure()


def variance(x):
    return circuit(x, lambda: hb.var(hb.Z(0) + 0.3 * hb.X(1)))


class Strict(PlainMixed):
    """A device that refuses what no channel has: every run it is asked for must be between the bounds."""

    name = "strict.mixed"

    def compile(self, given):
        return given, super().compile(given)

    def run(self, tasks):
        for task in tasks:
            start = 0
            for row, _ in task.program[0].instructions:
                for p in row.params:
                    low, high = row.bounds.get(p, (-np.inf, np.inf))
                    assert (low <= task.params[:, start]).all() and (task.params[:, start] <= high).all()
                    start += 1
        return super().run([task._replace(program=task.program[1]) for task in tasks])


def exact(function, x):
    node = hb.QNode(function, PlainMixed(wires=2))
    return reference.jacobian(lambda p: np.ravel(node(p)), x)[0]


@pytest.mark.parametrize("function", (circuit, variance))
@pytest.mark.parametrize("point", (POINT, [0.3, 0.0, 0.0], [0.3, 1.0, 1.0], [1.1, 0.5, 1.0]))
def test_rules_never_leave_the_bounds(function, point):
    x = np.array(point)
    node = hb.QNode(function, Strict(wires=2))
    own = hb.QNode(function, hb.device("default.mixed", wires=2))
    np.testing.assert_allclose(hb.grad(node)(x), hb.grad(own)(x), atol=1e-12)
    np.testing.assert_allclose(hb.hessian(node)(x), hb.hessian(own)(x), atol=1e-9)


@pytest.mark.parametrize("function", (circuit, variance))
@pytest.mark.parametrize("method", ("best", "parameter-shift"))
def test_every_library_takes_the_rule(function, method):
    node = hb.QNode(function, Strict(wires=2), diff_method=method)
    wanted = exact(function, POINT)
    np.testing.assert_allclose(hb.grad(node)(POINT), wanted, atol=1e-8)
    np.testing.assert_allclose(jax.grad(node)(jnp.array(POINT)), wanted, atol=1e-8)
    x = torch.tensor(POINT, requires_grad=True)
    (found,) = torch.autograd.grad(node(x), x)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-8)


@pytest.mark.parametrize("function", (circuit, variance))
def test_second_derivatives_in_every_library(function):
    node = hb.QNode(function, Strict(wires=2))
    plain = hb.QNode(function, PlainMixed(wires=2))
    wanted = reference.hessian(lambda p: np.ravel(plain(p)), POINT)[0]
    np.testing.assert_allclose(hb.hessian(node)(POINT), wanted, atol=1e-6)
    np.testing.assert_allclose(jax.hessian(node)(jnp.array(POINT)), wanted, atol=1e-6)
    np.testing.assert_allclose(jax.jacfwd(jax.jacrev(node))(jnp.array(POINT)), wanted, atol=1e-6)
    found = torch.autograd.functional.hessian(node, torch.tensor(POINT))
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("point", ([0.3, 0.5], [0.0, 1.0], [0.4, 0.6], [0.0, 0.0]))
@pytest.mark.parametrize("measure", (lambda: hb.expval(hb.Z(0) + hb.X(0)), lambda: hb.var(hb.Z(0) + hb.X(0))))
def test_probabilities_that_bound_one_another_move_together(point, measure):
    class Simplex(PlainMixed):
        def run(self, tasks):
            for task in tasks:
                assert (task.params[:, 1:].sum(axis=1) <= 1 + 1e-12).all() and (task.params >= 0).all()
            return super().run(tasks)

    def function(x):
        hb.RY(0.7, wires=0)
        hb.ResetError(x[0], x[1], wires=0)
        return measure()

    x = np.array(point)
    node, own = hb.QNode(function, Simplex(wires=1)), hb.QNode(function, hb.device("default.mixed", wires=1))
    np.testing.assert_allclose(hb.grad(node)(x), hb.grad(own)(x), atol=1e-12)
    wanted = hb.jacobian(hb.grad(own))(x)
    np.testing.assert_allclose(hb.hessian(node)(x), wanted, atol=1e-9)
    np.testing.assert_allclose(jax.hessian(node)(jnp.array(x)), wanted, atol=1e-9)
    np.testing.assert_allclose(wanted, wanted.T, atol=1e-12)
    if measure().kind == "expval":
        np.testing.assert_allclose(wanted, 0, atol=1e-12)


def test_numbers_that_are_calculated_are_scaled_with_what_they_are_made_of():
    """Where a number is affine in an argument, in a batch, the points of its rule are the number's own."""

    @hb.qnode(Strict(wires=1))
    def node(a, b):
        hb.RX(0.8, wires=0)
        hb.BitFlip(0.1 + 0.3 * a + 0.2 * b, wires=0)
        return hb.expval(hb.Z(0))

    a, b = np.array([0.0, 0.5, 1.0]), 0.4
    slope = -2 * np.cos(0.8)
    found = hb.jacobian(node, (0, 1))(a, b)
    np.testing.assert_allclose(np.diagonal(np.asarray(found[0])), np.full(3, 0.3 * slope), atol=1e-12)
    np.testing.assert_allclose(found[1], np.full(3, 0.2 * slope), atol=1e-12)
    tensors = torch.tensor(a, requires_grad=True), torch.tensor(b, dtype=torch.float64, requires_grad=True)
    pulled = torch.autograd.grad(node(*tensors).sum(), tensors)
    np.testing.assert_allclose(pulled[0].numpy(), np.full(3, 0.3 * slope), atol=1e-12)
    np.testing.assert_allclose(pulled[1].numpy(), 0.6 * slope, atol=1e-12)


def test_with_shots_the_rule_is_unbiased():
    """40 derivatives of 4000 shots: their mean is within 5.5 standard errors, a false alarm in 10^7."""

    @hb.qnode(hb.device("default.mixed", wires=1, shots=4000, seed=5))
    def node(p):
        hb.RY(0.7, wires=0)
        hb.DepolarizingChannel(p, wires=0)
        return hb.expval(hb.Z(0))

    found = [hb.grad(node)(0.05) for _ in range(40)]
    one = np.sqrt(2.0 / 4000)  # at most, of f(1) - f(0)
    assert abs(np.mean(found) + 4 / 3 * np.cos(0.7)) < 5.5 * one / np.sqrt(40)
    value = hb.with_error(hb.grad(node))(0.05)
    assert abs(value.value + 4 / 3 * np.cos(0.7)) < 6 * value.error and value.error < 1.5 * one


@pytest.mark.parametrize("degree", (1, 2))
def test_rules_are_exact_for_polynomials(degree):
    rule = shift_rule(Chance(), degree)
    f = lambda t: 0.3 - 1.1 * t + (0.7 * t**2 if degree == 2 else 0)
    for t in (0.0, 0.2, 1.0):
        points = rule.scale * t + rule.shifts
        assert points.min() >= 0 and points.max() <= 1
        slope = -1.1 + (1.4 * t if degree == 2 else 0)
        assert abs(rule.weights @ f(points) - slope) < 1e-12


@pytest.mark.parametrize(
    ("channel", "numbers"),
    ((hb.AmplitudeDamping, 1), (hb.PhaseDamping, 1), (hb.GeneralizedAmplitudeDamping, 2)),
)
def test_what_is_no_polynomial_has_no_rule_and_is_never_differenced(channel, numbers):
    def function(x):
        hb.RY(0.7, wires=0)
        channel(*(x[i] for i in range(numbers)), wires=0)
        return hb.expval(hb.X(0) + hb.Z(0))

    x = np.full(numbers, 0.3)
    with pytest.raises(GradientError, match=f"{channel.name} has no shift rule in it"):
        hb.grad(hb.QNode(function, PlainMixed(wires=1)))(x)
    own = hb.grad(hb.QNode(function, hb.device("default.mixed", wires=1)))(x)
    asked = hb.grad(hb.QNode(function, PlainMixed(wires=1), diff_method="finite-diff"))(x)
    np.testing.assert_allclose(own, asked, atol=1e-6)


def exchanged(gamma, p):
    hb.BitFlip(p, wires=1)
    hb.SingleExcitation(2 * hnp.arcsin(hnp.sqrt(gamma)), wires=[0, 1])


def dephased(gamma):
    hb.PhaseFlip((1 - hnp.sqrt(1 - gamma)) / 2, wires=0)


def relaxed(pe, t1, t2, tg):
    exchanged(1 - hnp.exp(-tg / t1), pe)
    hb.PhaseFlip((1 - hnp.exp(tg / (2 * t1) - tg / t2)) / 2, wires=0)


INSTEAD = {
    hb.AmplitudeDamping: (lambda gamma: exchanged(gamma, 0.0), (0.3,)),
    hb.GeneralizedAmplitudeDamping: (exchanged, (0.3, 0.2)),
    hb.PhaseDamping: (dephased, (0.3,)),
    hb.ThermalRelaxationError: (relaxed, (0.2, 1.4, 1.1, 0.6)),
}


@pytest.mark.parametrize("channel", INSTEAD, ids=str)
def test_what_has_no_rule_has_an_equal_that_has_one(channel):
    """It is what the error names."""
    same, numbers = INSTEAD[channel]

    def function(apply):
        def measured(*numbers):
            hb.RY(0.7, wires=0)
            apply(*numbers)
            return hb.expval(hb.X(0) + hb.Z(0)), hb.var(hb.X(0))

        return measured

    own = hb.QNode(function(lambda *x: channel(*x, wires=0)), hb.device("default.mixed", wires=1))
    ruled = hb.QNode(function(same), PlainMixed(wires=2))
    argnums = tuple(range(len(numbers)))
    np.testing.assert_allclose(ruled(*numbers), own(*numbers), atol=1e-12)
    np.testing.assert_allclose(
        hb.jacobian(ruled, argnums)(*numbers), hb.jacobian(own, argnums)(*numbers), atol=1e-10
    )
    without = channel.params[[s is None for s in channel.spectrum].index(True)]
    with pytest.raises(GradientError) as caught:
        hb.jacobian(own.update(diff_method="parameter-shift"), channel.params.index(without))(*numbers)
    assert channel.instead in str(caught.value)


def test_hadamard_tests_are_of_gates_among_channels_and_not_of_channels():
    def function(x):
        hb.RY(x, wires=0)
        hb.BitFlip(0.2, wires=0)
        hb.CRX(x, wires=[0, 1])
        hb.AmplitudeDamping(0.3, wires=1)
        return hb.expval(hb.Z(1) + hb.X(0))

    for options in ({"aux_wire": 2}, {"mode": "direct"}):
        node = hb.QNode(function, PlainMixed(wires=3), diff_method="hadamard", gradient_kwargs=options)
        own = hb.QNode(function, hb.device("default.mixed", wires=3))
        np.testing.assert_allclose(hb.grad(node)(0.4), hb.grad(own)(0.4), atol=1e-12)
    node = hb.QNode(circuit, PlainMixed(wires=3), diff_method="hadamard")
    with pytest.raises(GradientError, match="DepolarizingChannel"):
        hb.grad(node)(POINT)


def test_numbers_beyond_the_bounds_are_refused_under_a_derivative_too():
    node = hb.QNode(circuit, PlainMixed(wires=2))
    with pytest.raises(CircuitError, match="0 <= p <= 1"):
        hb.grad(node)(np.array([0.4, 1.3, 0.2]))


def test_derivatives_of_derivatives_ask_only_for_what_is_traced():
    """A constant without a rule is in nobody's way, and no argument is left out of a mixed derivative."""

    @hb.qnode(Strict(wires=1))
    def node(x, p):
        hb.RX(2 * x, wires=0)
        hb.AmplitudeDamping(0.3, wires=0)
        hb.BitFlip(p * p, wires=0)
        return hb.expval(hb.Z(0))

    mean = lambda x, p: (0.3 + 0.7 * np.cos(2 * x)) * (1 - 2 * p**2)
    assert abs(node(0.4, 0.5) - mean(0.4, 0.5)) < 1e-12
    mixed = hb.grad(hb.grad(node, argnums=0), argnums=1)(0.4, 0.5)
    assert abs(mixed - 0.7 * 2 * np.sin(0.8) * 4 * 0.5) < 1e-12
    assert abs(hb.grad(hb.grad(node, argnums=1), argnums=1)(0.4, 0.5) + 4 * (0.3 + 0.7 * np.cos(0.8))) < 1e-12
