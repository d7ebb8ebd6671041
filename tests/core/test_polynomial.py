"""Polynomials in x and p obey the algebra of the operators they stand for."""

from __future__ import annotations

import math
import pickle
from itertools import product

import autograd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.errors import CircuitError
from hybridge.operations.pauli import Sentence
from hybridge.phasespace.counted import NumberProjector
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position
from hybridge.phasespace.weyl import monomial, radial_power, star

x, p, n = position(0), momentum(0), photon_number(0)
y, q, m = position(1), momentum(1), photon_number(1)

SIZE = 24  # of the matrices, large enough that the corner looked at never feels their end
CORNER = 4

LOWER = np.diag(np.sqrt(np.arange(1, SIZE)), 1)
X, P = LOWER + LOWER.T, -1j * (LOWER - LOWER.T)


def symmetrised(a: int, b: int) -> np.ndarray:
    """The average of the products of a matrices X and b matrices P over all orders, by another route: the
    coefficient of s^a t^b in (s X + t P)^(a + b), found by adding one factor at a time."""
    table = {(0, 0): np.eye(SIZE, dtype=complex)}
    for i, j in product(range(a + 1), range(b + 1)):
        if i or j:
            table[i, j] = sum(
                ([X @ table[i - 1, j]] if i else []) + ([P @ table[i, j - 1]] if j else []),
                np.zeros((SIZE, SIZE)),
            )
    return table[a, b] / math.comb(a + b, a)


def matrix(polynomial: Polynomial) -> np.ndarray:
    """The operator on mode 0 in the number basis."""
    total = np.zeros((SIZE, SIZE), dtype=complex)
    for mono, c in polynomial.terms.items():
        ((_, a, b),) = mono or ((0, 0, 0),)
        total += c * symmetrised(a, b)
    return total


def corner(operator: np.ndarray) -> np.ndarray:
    return operator[:CORNER, :CORNER]


def agree(f: Polynomial, g: Polynomial, tolerance: float = 1e-12) -> bool:
    return all(abs(f.terms.get(k, 0) - g.terms.get(k, 0)) <= tolerance for k in {*f.terms, *g.terms})


COEFFICIENTS = st.integers(-5, 5).map(lambda k: k / 2)


def polynomials(modes: tuple[int, ...] = (0,), degree: int = 3) -> st.SearchStrategy[Polynomial]:
    powers = st.tuples(
        *(st.tuples(st.just(w), st.integers(0, degree), st.integers(0, degree)) for w in modes)
    )
    monomials = powers.map(monomial).filter(lambda mono: sum(a + b for _, a, b in mono) <= degree)
    return st.dictionaries(monomials, COEFFICIENTS, max_size=4).map(lambda terms: Polynomial(terms, modes))


class TestTheStarProduct:
    @settings(deadline=None, max_examples=60)
    @given(polynomials(), polynomials())
    def test_is_the_product_of_the_operators(self, f, g):
        expected = corner(matrix(f) @ matrix(g))
        np.testing.assert_allclose(corner(matrix(f @ g)), expected, atol=1e-9 * (1 + np.abs(expected).max()))

    @settings(deadline=None, max_examples=40)
    @given(polynomials((0, 1)), polynomials((0, 1)), polynomials((0, 1)))
    def test_is_associative_and_distributes(self, f, g, h):
        assert agree((f @ g) @ h, f @ (g @ h), 1e-6)
        assert agree(f @ (g + h), f @ g + f @ h, 1e-6)

    @settings(deadline=None, max_examples=40)
    @given(polynomials((0, 1)), polynomials((0, 1)))
    def test_of_hermitian_factors_has_the_reversed_product_as_adjoint(self, f, g):
        adjoint = Polynomial({k: complex(c).conjugate() for k, c in (f @ g).terms.items()})
        assert agree(adjoint, g @ f)
        assert (f @ g + g @ f).hermitian

    def test_gives_the_canonical_commutator(self):
        assert x @ p - p @ x == Polynomial({(): 2j})
        assert not (x @ p).hermitian and (x @ p + p @ x).hermitian

    def test_of_different_modes_commutes(self):
        assert x @ q == q @ x and (n @ m) == (m @ n)

    def test_is_made_once_per_pair_of_powers(self):
        star.cache_clear()
        _ = (x @ p + p @ x + n) ** 4
        misses = star.cache_info().misses
        _ = (x @ p + p @ x + n) ** 4
        assert star.cache_info().misses == misses


class TestPhotonNumbers:
    def test_number_operator_is_the_quadratures_squared(self):
        assert (x @ x + p @ p) / 4 - 0.5 == n

    @pytest.mark.parametrize("k", range(1, 5))
    def test_powers_of_n_are_diagonal_with_the_powers_of_integers(self, k):
        diagonal = np.diag(np.arange(CORNER, dtype=float) ** k)
        np.testing.assert_allclose(corner(matrix(n**k)), diagonal, atol=1e-8)

    def test_symbol_of_n_squared_has_the_groenewold_term(self):
        s = {((0, 4, 0),): 1 / 16, ((0, 2, 2),): 1 / 8, ((0, 0, 4),): 1 / 16}
        assert (n**2).terms == s | {((0, 2, 0),): -1 / 4, ((0, 0, 2),): -1 / 4}

    def test_number_form_survives_arithmetic(self):
        assert (n**2 - 3 * n @ m + 1).number == {((0, 2),): 1.0, ((0, 1), (1, 1)): -3.0, (): 1.0}
        assert (n + x - x).number == {((0, 1),): 1.0}
        assert ((n + x) @ (n - x) + x @ x - x @ n + n @ x).number == {((0, 2),): 1.0}

    def test_number_form_is_found_whatever_the_route(self):
        assert ((x**2 + p**2) ** 2).number == {((0, 2),): 16.0, ((0, 1),): 16.0, (): 4.0}

    @pytest.mark.parametrize("other", [x, p, x @ x, x @ x + p @ p + x, x**2 + q**2, x @ p + p @ x, 1j * n])
    def test_other_observables_have_no_number_form(self, other):
        assert other.number is None
        with pytest.raises(CircuitError, match="not a function of photon numbers"):
            other.photon_polynomial({0: 1, 1: 1})

    def test_photon_polynomial_broadcasts(self):
        values = (2 * n**2 @ m - n).photon_polynomial({0: np.arange(3)[:, None], 1: np.arange(4)})
        i, j = np.arange(3)[:, None], np.arange(4)
        np.testing.assert_allclose(values, 2 * i**2 * j - i, atol=1e-12)
        assert Polynomial({(): 2.0}).photon_polynomial({0: np.arange(3)}).tolist() == [2.0, 2.0, 2.0]

    def test_photon_polynomial_names_the_mode_it_lacks(self):
        with pytest.raises(CircuitError, match="needs photon numbers of mode 1"):
            (n @ m).photon_polynomial({0: 1})

    @pytest.mark.parametrize("j", range(6))
    def test_radial_powers_are_what_their_symbol_says(self, j):
        symbol = Polynomial({monomial([(0, 2 * (j - i), 2 * i)]): math.comb(j, i) for i in range(j + 1)})
        photons = np.arange(CORNER)
        expected = sum(c * photons**k for k, c in enumerate(radial_power(j)))
        np.testing.assert_allclose(np.diag(corner(matrix(symbol))), expected, rtol=1e-10)


class TestSettings:
    @pytest.mark.parametrize(
        ("polynomial", "angles"),
        [
            (x, {0: 0.0}),
            (p, {0: math.pi / 2}),
            (-p, {0: math.pi / 2}),
            (x + p, {0: 0.785398163397}),
            (x - p, {0: 2.356194490192}),
            (x**3 - x + 2, {0: 0.0}),
            (math.cos(0.3) * x + math.sin(0.3) * p, {0: 0.3}),
            ((math.cos(0.3) * x + math.sin(0.3) * p) ** 3 @ q + y * 0, {0: 0.3, 1: math.pi / 2}),
            (x @ y + x, {0: 0.0, 1: 0.0}),
            (x + p - p, {0: 0.0}),
            (Polynomial({(): 1.0}), {}),
        ],
    )
    def test_are_the_angle_of_the_one_quadrature(self, polynomial, angles):
        assert polynomial.settings == angles

    @pytest.mark.parametrize("polynomial", [n, x @ p + p @ x, x + p**2, x @ y + p, x @ y + p @ q, 1j * x])
    def test_are_none_where_two_quadratures_are_needed(self, polynomial):
        assert polynomial.settings is None

    def test_outcomes_have_the_value_the_symbol_says(self):
        angle, outcomes = 0.7, np.linspace(-3, 3, 7)
        quadrature = math.cos(angle) * x + math.sin(angle) * p
        at = {0: (outcomes * math.cos(angle), outcomes * math.sin(angle))}
        np.testing.assert_allclose(
            (quadrature**4 - 2 * quadrature + 1).evaluate(at), outcomes**4 - 2 * outcomes + 1, atol=1e-12
        )


class TestSplit:
    @settings(deadline=None, max_examples=60)
    @given(polynomials((0, 1), degree=4))
    def test_gives_measurable_pieces_that_sum_to_the_whole(self, f):
        pieces = f.split()
        assert all(piece.number is not None or piece.settings is not None for _, piece in pieces)
        assert agree(sum((c * piece for c, piece in pieces), Polynomial({})), f, 1e-9)

    def test_leaves_a_measurable_observable_whole(self):
        for whole in (n @ m + 2, x**2 + 3 * x):
            assert whole.split() == [(1.0, whole)]


class TestTracedCoefficients:
    def check(self, build, expected):
        """The gradient through the split pieces is that of `expected`, a plain function."""
        at = {0: (0.3, -1.2), 1: (0.8, 0.5)}

        def value(theta):
            polynomial = build(theta)
            assert polynomial.traced and polynomial.hermitian
            assert polynomial.number is None and polynomial.settings is None
            return sum(c * piece.evaluate(at) for c, piece in polynomial.split())

        assert float(build(0.7).evaluate(at)) == pytest.approx(expected(0.7))
        assert autograd.grad(value)(0.7) == pytest.approx(autograd.grad(expected)(0.7))

    def test_on_either_side_of_every_operator(self):
        X0, N0 = 0.3, (0.3**2 + 1.2**2) / 4 - 0.5
        self.check(lambda t: n * t + x, lambda t: N0 * t + X0)
        self.check(lambda t: t * n - t, lambda t: N0 * t - t)
        self.check(lambda t: t - x * 2, lambda t: t - 2 * X0)
        self.check(lambda t: t + x / t, lambda t: t + X0 / t)
        self.check(lambda t: (t * x) @ (y * t), lambda t: X0 * 0.8 * t**2)

    def test_powers_of_sums_stay_hermitian(self):
        self.check(lambda t: (t * x + t**2 * p) ** 3, lambda t: (0.3 * t - 1.2 * t**2) ** 3)

    def test_pieces_keep_their_number_form(self):
        def value(theta):
            ((c, piece),) = (theta * (n @ m)).split()
            assert piece == n @ m and piece.number == {((0, 1), (1, 1)): 1.0}
            return c

        assert autograd.grad(value)(0.3) == 1.0

    def test_wires_can_be_mapped(self):
        def value(theta):
            ((c, piece),) = (theta * n).map_wires({0: "a"}).split()
            assert piece == photon_number("a")
            return c

        assert autograd.grad(value)(0.3) == 1.0


class TestValues:
    def test_equality_hash_and_pickle_go_by_content(self):
        f, g = 2 * x @ p + 2 * p @ x, 4 * Polynomial({((0, 1, 1),): 1.0})
        assert f == g and hash(f) == hash(g) and pickle.loads(pickle.dumps(f)) == f
        assert f != x and f != 3

    def test_evaluate_broadcasts_over_points(self):
        points = {0: (np.arange(3.0)[:, None], np.arange(2.0)), 1: (1.0, 2.0)}
        values = (3 * Polynomial({((0, 2, 1), (1, 0, 1)): 1.0}) - 1).evaluate(points)
        np.testing.assert_allclose(values, 3 * np.arange(3.0)[:, None] ** 2 * np.arange(2.0) * 2 - 1)

    def test_evaluate_names_the_mode_it_lacks(self):
        with pytest.raises(CircuitError, match="needs phase-space points of mode 1"):
            (x @ y).evaluate({0: (1.0, 2.0)})

    def test_degree_and_wires(self):
        assert (x @ q**2 + 1).degree == 3 and Polynomial({}).degree == 0
        assert (y + x).wires == (1, 0) and (x - x).wires == (0,)

    def test_mapping_wires_keeps_the_canonical_form(self):
        assert (x @ q).map_wires({0: 1, 1: 0}) == position(1) @ momentum(0)
        assert (x @ q).map_wires({0: "b", 1: "a"}) == momentum("a") @ position("b")
        with pytest.raises(CircuitError, match="twice"):
            (x @ q).map_wires({0: 1})

    def test_numpy_numbers_count_as_numbers(self):
        assert np.float64(2) * x == x * np.float64(2) == 2 * x
        assert np.int64(1) - x == 1 - x and np.array(3.0) + x == 3 + x

    def test_rounding_does_not_cost_hermiticity(self):
        f, g, h = 0.1 * x, 0.3 * p + 0.7 * x, 0.9 * p
        assert (f @ g @ h + h @ g @ f).hermitian

    @pytest.mark.parametrize(
        ("mistake", "message"),
        [
            (lambda: x * np.ones(2), "array of shape"),
            (lambda: np.ones(2) * x, "array of shape"),
            (lambda: x**-1, "whole number"),
            (lambda: x**0.5, "whole number"),
            (lambda: x * math.nan, "finite"),
            (lambda: x + math.inf, "finite"),
        ],
    )
    def test_mistakes_are_named(self, mistake, message):
        with pytest.raises(CircuitError, match=message):
            mistake()

    @pytest.mark.parametrize(
        ("other", "error"),
        [
            (Sentence({((0, "Z"),): 1.0}), TypeError),
            ("a", TypeError),
            (None, TypeError),
            (NumberProjector((1,), (0,)), CircuitError),
        ],
    )
    def test_other_things_do_not_mix(self, other, error):
        for operation in (lambda: x + other, lambda: other * x, lambda: x - other, lambda: x @ other):
            with pytest.raises(error):
                operation()

    def test_shown_as_written(self):
        assert repr(n**2 @ m - 0.5) == "n(0)^2*n(1) - 0.5"
        assert repr(2 * x @ y - p**2) == "2.0*x(0)*x(1) - 1.0*p(0)^2"
        assert repr(Polynomial({})) == "0"


def test_number_projector_is_a_value():
    projector = NumberProjector((2, 0), ("a", 1))
    assert projector == pickle.loads(pickle.dumps(projector)) and len({projector, projector}) == 1
    assert projector.map_wires({"a": 0}) == NumberProjector((2, 0), (0, 1))
    assert projector.as_observable() is projector and projector.split() == [(1.0, projector)]
    assert projector.hermitian and not projector.traced and projector.degree is None
