"""The reference is right by itself: against closed forms, and its CV routes against one another."""

from __future__ import annotations

import doctest
from math import cosh, exp, factorial, sinh, tanh

import numpy as np
import pytest

import hybridge as hb
from hybridge.conformance import reference
from hybridge.conformance.items import items
from hybridge.conformance.reference import differences, evaluate, ordered
from hybridge.conformance.reference.gaussian import number_density, number_distribution
from hybridge.conformance.reference.ordered import number, p, x
from hybridge.conformance.reference.qubit import embedded
from hybridge.qnode import QNode


def values(function, *args, wires, device="default.qubit", **space):
    """The reference's results; the device only lends its wires."""
    options = {"cutoff_dim": space["cutoff"]} if "cutoff" in space else {}
    node = QNode(function, hb.device(device, wires=wires, **options))
    return evaluate(node.circuit(*args), node.record(*args).numbers, **space)


def test_a_matrix_is_embedded_bit_by_bit():
    cnot = hb.CNOT.matrix()
    assert np.array_equal(embedded(cnot, [0, 1], [0, 1]), cnot)
    assert np.array_equal(embedded(cnot, [1, 0], [0, 1]), np.eye(4)[[0, 3, 2, 1]])
    assert np.array_equal(embedded(hb.X.matrix(), [1], [0, 1]), np.kron(np.eye(2), hb.X.matrix()))
    flipped = embedded(cnot, [2, 0], [0, 1, 2]) @ np.eye(8)[0b001]
    assert np.array_equal(flipped, np.eye(8)[0b101])


def test_a_bell_pair():
    def circuit():
        hb.H(2)
        hb.CNOT([2, 0])
        return (
            hb.expval(hb.Z(0) @ hb.Z(2)),
            hb.var(hb.Z(0)),
            hb.probs([0, 2]),
            hb.density_matrix(0),
            hb.state(),
        )

    zz, variance, chances, reduced, ket = values(circuit, wires=3)
    assert zz == pytest.approx(1) and variance == pytest.approx(1)
    assert np.allclose(chances, [0.5, 0, 0, 0.5]) and np.allclose(reduced, np.eye(2) / 2)
    assert np.allclose(ket, (np.eye(8)[0] + np.eye(8)[5]) / np.sqrt(2))


def test_a_rotation_and_its_phase():
    def circuit(t):
        hb.RX(t, wires=0)
        hb.GlobalPhase(0.3)
        return hb.expval(hb.Y(0)), hb.state()

    y, ket = values(circuit, 0.7, wires=1)
    assert y == pytest.approx(-np.sin(0.7))
    assert np.allclose(ket, np.exp(-0.3j) * np.array([np.cos(0.35), -1j * np.sin(0.35)]))


def test_a_mixed_preparation():
    rho = np.array([[0.7, 0.2j], [-0.2j, 0.3]])

    def circuit():
        hb.QubitDensityMatrix(rho, wires=1)
        hb.X(0)
        return hb.density_matrix([0, 1]), hb.expval(hb.Z(1)), hb.var(hb.Y(1))

    found, z, y = values(circuit, wires=2)
    assert np.allclose(found, np.kron(np.diag([0, 1]), rho)) and z == pytest.approx(0.4)
    assert y == pytest.approx(1 - np.trace(rho @ hb.Y.matrix()).real ** 2)


def test_a_batch_has_a_leading_axis():
    def circuit(t):
        hb.RX(t, wires=0)
        return hb.expval(hb.Z(0))

    assert np.allclose(values(circuit, np.array([0.1, 0.2]), wires=1)[0], np.cos([0.1, 0.2]))


GAUSSIAN = [{"cutoff": 6}, {"cutoff": 6, "size": 24}]  # by mean and covariance; in a truncated space


@pytest.mark.parametrize("space", GAUSSIAN)
def test_a_coherent_state_is_poissonian(space):
    def circuit():
        hb.Displacement(0.6, 0.4, wires=0)
        return hb.probs(0), hb.expval(hb.QuadX(0)), hb.expval(hb.QuadP(0)), hb.var(hb.NumberOperator(0))

    chances, position, momentum, variance = values(circuit, wires=1, device="default.gaussian", **space)
    assert np.allclose(chances, [exp(-0.36) * 0.36**n / factorial(n) for n in range(6)], atol=1e-10)
    assert position == pytest.approx(1.2 * np.cos(0.4)) and momentum == pytest.approx(1.2 * np.sin(0.4))
    assert variance == pytest.approx(0.36)


@pytest.mark.parametrize("space", GAUSSIAN)
def test_squeezers(space):
    def circuit():
        hb.Squeezing(0.3, 0.0, wires=0)
        hb.TwoModeSqueezing(0.25, 0.0, wires=[2, 1])
        return (
            hb.var(hb.QuadX(0)),
            hb.expval(hb.NumberOperator(1)),
            hb.probs([1, 2]),
            hb.expval(hb.QuadX(1) @ hb.QuadX(2)),
        )

    squeezed, photons, pairs, correlation = values(circuit, wires=3, device="default.gaussian", **space)
    assert squeezed == pytest.approx(exp(-0.6)) and photons == pytest.approx(sinh(0.25) ** 2)
    table = pairs.reshape(6, 6)
    assert np.allclose(table, np.diag([tanh(0.25) ** (2 * n) / cosh(0.25) ** 2 for n in range(6)]), atol=1e-9)
    assert correlation == pytest.approx(sinh(0.5))


def test_the_two_cv_routes_agree():
    def circuit(t):
        hb.Squeezing(0.12, 0.3, wires=0)
        hb.Displacement(0.3, 0.4, wires=0)
        hb.ThermalState(0.05, wires=1)
        hb.Beamsplitter(t, 0.7, wires=[1, 0])
        hb.TwoModeSqueezing(0.08, 0.2, wires=[1, 0])
        hb.LossChannel(0.8, wires=0)
        hb.QuadraticPhase(0.1, wires=0)
        hb.ControlledAddition(0.1, wires=[1, 0])
        hb.ControlledPhase(0.1, wires=[0, 1])
        hb.GaussianState([[1.1, 0.1], [0.1, 1.05]], [0.2, -0.1], wires=1)
        hb.InterferometerUnitary([[0.6, -0.8j], [0.8, 0.6j]], wires=[1, 0])
        n = hb.NumberOperator
        moments = [n(0), n(1) @ n(0), hb.QuadX(0) @ hb.QuadP(1), hb.QuadX(1) ** 2 @ hb.QuadP(1) ** 2 + 1j * 0]
        found = [hb.expval(o) for o in moments[:3]] + [hb.var(n(1)), hb.probs([1, 0]), hb.density_matrix([1])]
        return [*found, hb.density_matrix([0, 1])]

    one, other = (
        values(circuit, 0.4, wires=2, device="default.gaussian", cutoff=5, **s) for s in ({}, {"size": 20})
    )
    for a, b in zip(one, other, strict=True):
        assert np.allclose(a, b, atol=1e-8)


def test_number_states_are_counted_two_ways():
    rng = np.random.default_rng(3)
    root = np.eye(4) + 0.2 * rng.normal(size=(4, 4))
    cov, mean = root @ root.T + 0.6 * np.eye(4), 0.4 * rng.normal(size=4)
    chances, rho = number_distribution(mean, cov, 5), number_density(mean, cov, 5)
    assert np.allclose(rho.diagonal(), chances.ravel(), atol=1e-9)
    assert np.allclose(rho, rho.conj().T, atol=1e-9) and chances.sum() < 1


def test_ordered_products_keep_their_order():
    n = number("m")
    commutator = x("m") @ p("m") - p("m") @ x("m")
    state = reference.GaussianState(QNode(lambda: hb.expval(hb.QuadX("m")), "default.gaussian").circuit(), [])
    assert state._moment((0, 1)) - state._moment((1, 0)) == pytest.approx(2j)
    assert state.moment(-0.5j * commutator) == pytest.approx(1) and state.moment(n) == pytest.approx(0)
    assert state.moment(ordered(hb.NumberOperator("m") ** 2) - n @ n) == pytest.approx(0)


def test_differences():
    def function(v):
        return np.array([np.sin(3 * v[0]) * v[1], v[0] ** 2])

    at = np.array([0.4, -1.2])
    exact = [[3 * np.cos(1.2) * -1.2, np.sin(1.2)], [0.8, 0]]
    assert np.allclose(differences.jacobian(function, at), exact, atol=1e-11)
    cross = 3 * np.cos(1.2)
    second = [[[-9 * np.sin(1.2) * -1.2, cross], [cross, 0]], [[2, 0], [0, 0]]]
    assert np.allclose(differences.hessian(function, at), second, atol=1e-8)


@pytest.mark.parametrize("module", [reference, differences])
def test_examples(module):
    tried = doctest.testmod(module)
    assert tried.attempted and not tried.failed


def test_items_are_made_of_tables():
    from hybridge.conformance.items import over

    class Some:
        LETTERS = ("a", "b")

        def __init__(self):
            self.seen = []

        @over(letter="LETTERS", times=(1, 2))
        def test_product(self, letter, times):
            assert letter * times in ("a", "aa", "b", "bb")

        def test_alone(self):
            raise AssertionError("found")

    made = list(items(Some))
    names = [item.name for item in made]
    assert names == [*(f"test_product[{w}-{k}]" for w in "ab" for k in (1, 2)), "test_alone"]
    for item in made[:-1]:
        item.run()
    with pytest.raises(AssertionError, match="found"):
        made[-1].run()
