"""Shift rules are exact on the space they claim, and only there."""

import itertools

import numpy as np
import pytest

import hybridge as hb
from hybridge.gradients.shift import shift_rule
from hybridge.operations.spectrum import Hyperbolic, Power, Trig
from hybridge.recording import record

SPECTRA = [
    Trig(1),
    Trig(0.5, 1),
    Trig(0.5, 1, 1.5, 2),
    Trig(2),
    Trig(0.3, 1.0, 1.7),
    Trig(1, np.sqrt(2), np.pi),
    Hyperbolic(1),
    Power(1),
    Power(1, forward=True),
]


def functions(spectrum, degree):
    """A basis of the space as (f, f') pairs."""
    space = spectrum.power(degree)
    if isinstance(space, Trig):
        for w in space:
            yield (lambda t, w=w: np.sin(w * t)), (lambda t, w=w: w * np.cos(w * t))
            yield (lambda t, w=w: np.cos(w * t)), (lambda t, w=w: -w * np.sin(w * t))
    elif isinstance(space, Hyperbolic):
        for k in range(1, space.degree + 1):
            yield (lambda t, k=k: np.sinh(k * t)), (lambda t, k=k: k * np.cosh(k * t))
            yield (lambda t, k=k: np.cosh(k * t)), (lambda t, k=k: k * np.sinh(k * t))
    else:
        for k in range(1, space.degree + 1):
            yield (lambda t, k=k: t**k), (lambda t, k=k: k * t ** (k - 1))
    yield (lambda t: np.ones_like(t)), (lambda t: 0.0)


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize(("spectrum", "degree"), list(itertools.product(SPECTRA, [1, 2, 4])))
def test_a_rule_is_exact_on_its_space(spectrum, degree, truncated):
    if isinstance(spectrum, Trig) and len(spectrum.power(degree)) > 12:
        degree = 2  # generic frequencies of degree 4 are more than any circuit here has
    rule = shift_rule(spectrum, degree, truncated)
    tolerance = 1e-7 if truncated or len(rule.shifts) > 8 else 1e-11
    for t in (0.0, 0.37, -1.2):
        for f, slope in functions(spectrum, degree):
            scale = 1 + np.abs(rule.weights) @ np.abs(f(t + rule.shifts))
            assert abs(rule.weights @ f(t + rule.shifts) - slope(t)) < tolerance * scale


def test_textbook_rules():
    two = shift_rule(Trig(1))
    assert np.allclose(two.shifts, [np.pi / 2, -np.pi / 2]) and np.allclose(two.weights, [0.5, -0.5])
    four = shift_rule(Trig(0.5, 1))  # Anselmetti et al. 2021: (sqrt 2 +- 1) / (4 sqrt 2)
    assert np.allclose(np.sort(np.abs(four.weights[:2])), np.array([2**0.5 - 1, 2**0.5 + 1]) / (4 * 2**0.5))
    second_order = shift_rule(Trig(1), 2)  # CV.md 3.1
    assert np.allclose(second_order.weights[:2], [0.853553, -0.146447], atol=1e-6)
    assert np.allclose(shift_rule(Hyperbolic(1), 2).weights[:2], [1.018336, -0.098265], atol=1e-6)


def test_the_number_of_evaluations_is_the_least():
    evaluations = {
        (Trig(1), 1): 2,
        (Trig(1), 4): 8,
        (Hyperbolic(1), 2): 4,
        (Power(1), 2): 2,
        (Power(1), 4): 4,
    }
    for (spectrum, degree), count in evaluations.items():
        assert len(shift_rule(spectrum, degree).shifts) == count
    assert len(shift_rule(Trig()).shifts) == 0  # nothing to learn from a global phase


def test_spectra_of_different_kind_never_share_a_cached_rule():
    """All three hold a single 1; as equal keys of one cache, the first asked for answered for the others."""
    assert len({Trig(1), Hyperbolic(1), Power(1)}) == 3
    weights = [shift_rule(s, 4).weights for s in (Hyperbolic(1), Trig(1), Power(1))]
    assert not np.allclose(weights[0], weights[1])


def test_powers_of_a_trigonometric_spectrum_are_its_sums_and_differences():
    assert Trig(1).power(2) == Trig(1, 2)
    assert Trig(0.5, 1).power(2) == Trig(0.5, 1, 1.5, 2)


def test_frequencies_that_differ_by_rounding_are_one_and_keep_their_digits():
    """Gaps of energies are sums of gaps, to rounding: with both, a rule would have lost its digits."""
    row = evolution()
    energies = np.linalg.eigvalsh(row.constants[0].matrix(range(row.num_wires)))
    gaps = (energies[:, None] - energies).ravel()
    sums = (gaps[:, None] + gaps).ravel()
    for degree, exact in ((1, gaps), (2, sums)):
        assert np.diff([0.0, *row.spectrum[0].power(degree)]).min() > 1e-6
        rule = shift_rule(row.spectrum[0], degree)
        found = np.sin(exact[:, None] * rule.shifts) @ rule.weights
        assert np.abs(found - exact).max() < 1e-11


def evolution():
    tape, _ = record(lambda: hb.evolve(hb.X(0) @ hb.Y(1) + 0.3 * hb.Z(1) - 0.8 * hb.Z(2), 0.1))
    return tape[0].operation


def test_a_forward_rule_never_looks_back():
    assert (shift_rule(Power(forward=True), 4).shifts >= 0).all()
