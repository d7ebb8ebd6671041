"""The observables of modes are the polynomials and projectors their names say."""

from __future__ import annotations

import math

import autograd
import numpy as np
import pytest

from hybridge.circuit import Combination, expval
from hybridge.errors import CircuitError
from hybridge.observables.cv import (
    FockStateProjector,
    NumberOperator,
    PolyXP,
    QuadOperator,
    QuadP,
    QuadX,
    TensorN,
)
from hybridge.phasespace.counted import NumberProjector
from hybridge.phasespace.polynomial import Polynomial, photon_number

x, p, n = QuadX("a"), QuadP("a"), NumberOperator("a")

OBSERVABLES = [  # observable, degree, wires, number form, homodyne settings
    (NumberOperator("a"), 2, ("a",), {(("a", 1),): 1.0}, None),
    (TensorN([2, 0]), 4, (2, 0), {((0, 1), (2, 1)): 1.0}, None),
    (TensorN(0), 2, (0,), {((0, 1),): 1.0}, None),
    (QuadX(0), 1, (0,), None, {0: 0.0}),
    (QuadP(0), 1, (0,), None, {0: math.pi / 2}),
    (QuadOperator(0.3, 0), 1, (0,), None, {0: 0.3}),
    (PolyXP([1, 2, 0, 0, 3], [0, 1]), 1, (0, 1), None, {0: 0.0, 1: math.pi / 2}),
    (PolyXP(np.diag([1.0, 1.0, 1.0]), 0), 2, (0,), {((0, 1),): 4.0, (): 3.0}, None),
]


@pytest.mark.parametrize(("observable", "degree", "wires", "number", "settings"), OBSERVABLES)
def test_observables_know_what_they_are(observable, degree, wires, number, settings):
    assert isinstance(observable, Polynomial) and observable.hermitian and not observable.traced
    assert (observable.degree, observable.wires) == (degree, wires)
    assert (observable.number, observable.settings) == (number, settings)
    assert expval(observable).observable is observable


def test_quadratures_do_not_commute():
    assert x @ p - p @ x == Polynomial({(): 2j})
    with pytest.raises(CircuitError, match="Hermitian"):
        expval(x @ p)


def test_number_operator_is_the_quadratures_squared():
    assert (x**2 + p**2) / 4 - 0.5 == n


def test_quad_operator_turns_from_x_to_p():
    assert QuadOperator(0.0, "a") == x
    at = {"a": (0.7, -0.4)}
    assert QuadOperator(math.pi / 2, "a").evaluate(at) == pytest.approx(-0.4)
    assert QuadOperator(0.3, "a").evaluate(at) == pytest.approx(0.7 * math.cos(0.3) - 0.4 * math.sin(0.3))


class TestPolyXP:
    def test_vectors_run_over_one_x_p_of_each_wire(self):
        expected = 1 + 2 * QuadX("b") + 3 * QuadP("b") + 4 * QuadX(0) + 5 * QuadP(0)
        assert PolyXP([1, 2, 3, 4, 5], wires=["b", 0]) == expected

    def test_matrices_are_the_operators_in_their_order(self):
        r = [Polynomial({(): 1.0}), QuadX(0), QuadP(0), QuadX(1), QuadP(1)]
        q = np.random.default_rng(0).normal(size=(5, 5))
        symmetric = (q + q.T) / 2
        expected = sum((symmetric[i, j] * r[i] @ r[j] for i in range(5) for j in range(5)), Polynomial({}))
        for matrix in (q, symmetric, q.tolist()):  # the antisymmetric part is not Hermitian and is dropped
            difference = PolyXP(matrix, [0, 1]) - expected
            assert all(abs(c) < 1e-14 for c in difference.terms.values())
            assert PolyXP(matrix, [0, 1]).hermitian

    def test_a_matrix_over_many_modes_is_read_entry_by_entry(self, monkeypatch):
        """Not by multiplying operators: that took minutes for the 3,321 products of 40 modes."""
        monkeypatch.setattr(Polynomial, "__matmul__", None)
        q = np.random.default_rng(1).normal(size=(81, 81))
        dense = PolyXP(q, range(40))
        assert len(dense.terms) == 81 * 82 // 2
        assert dense.terms[((3, 1, 0), (7, 0, 1))] == q[7, 16] + q[16, 7]
        assert dense.terms[((3, 1, 1),)] == q[7, 8] + q[8, 7]
        photons = PolyXP(np.diag([-20, *[0.25] * 80]), range(40))
        assert photons == sum((photon_number(i) for i in range(1, 40)), photon_number(0))

    def test_wires_stay_even_where_they_do_not_count(self):
        assert PolyXP([0, 1, 0, 0, 0], [0, 1]).wires == (0, 1)

    def test_coefficients_may_be_traced(self):
        def value(q):
            observable = PolyXP(q, 0)
            assert observable.traced and isinstance(expval(observable), Combination)
            return sum(c * piece.evaluate({0: (0.3, 0.5)}) for c, piece in observable.split())

        np.testing.assert_allclose(autograd.grad(value)(np.array([1.0, 2.0, 3.0])), [1, 0.3, 0.5])
        r = np.array([1, 0.3, 0.5])
        np.testing.assert_allclose(autograd.grad(value)(np.eye(3)), np.outer(r, r), atol=1e-12)


def test_fock_state_projector_names_photons_per_wire():
    projector = FockStateProjector(np.array([2, 0]), wires=["a", 1])
    assert projector == NumberProjector((2, 0), ("a", 1)) and type(projector.photons[0]) is int
    assert FockStateProjector(1, 0) == NumberProjector((1,), (0,))
    assert expval(projector).observable is projector


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: NumberOperator([0, 1]), "NumberOperator acts on 1 wire; got wires .*TensorN"),
        (lambda: QuadX([]), "QuadX acts on 1 wire"),
        (lambda: TensorN([]), "one or more wires"),
        (lambda: TensorN([0, 0]), "each given once"),
        (lambda: QuadOperator(math.nan, 0), "plain angle"),
        (lambda: QuadOperator(np.ones(2), 0), "plain angle"),
        (lambda: PolyXP([1, 2], 0), r"shape \(3,\) or \(3, 3\)"),
        (lambda: PolyXP(np.eye(3), [0, 1]), r"shape \(5,\) or \(5, 5\)"),
        (lambda: PolyXP(1j * np.ones(3), 0), "real numbers"),
        (lambda: PolyXP([1, np.nan, 0], 0), "finite"),
        (lambda: FockStateProjector([1], [0, 1]), "for each of the wires"),
        (lambda: FockStateProjector(-1, 0), ">= 0"),
        (lambda: FockStateProjector(0.5, 0), "whole photon number"),
    ],
)
def test_mistakes_are_named(mistake, message):
    with pytest.raises(CircuitError, match=message):
        mistake()


def test_a_traced_angle_is_told_the_way_out():
    def value(phi):
        with pytest.raises(CircuitError, match=r"hb\.Rotation\(-phi, wires\) and measure hb\.QuadX"):
            QuadOperator(phi, 0)
        return phi

    autograd.grad(value)(0.3)
