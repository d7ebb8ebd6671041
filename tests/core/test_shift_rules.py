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


def derivative_of(w, order, t):
    """The order-th derivatives of sin(w t) and cos(w t)."""
    turned = w * t + order * np.pi / 2
    return w**order * np.sin(turned), w**order * np.cos(turned)


FREQUENCIES = [(1,), (2.5,), (1, 2, 3), (0.5, 1), (0.3, 1.0, 1.7), tuple(range(1, 9)), (1, 4, 9)]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("frequencies", FREQUENCIES, ids=str)
def test_a_generated_rule_is_exact_in_any_order_at_any_shifts(frequencies, chosen, order):
    shifts = (np.arange(len(frequencies)) + 0.6) * np.pi / (max(frequencies) + 0.3) if chosen else None
    rule = hb.generate_shift_rule(frequencies, shifts, order)
    assert rule.shape[1] == 2 and np.all(np.diff(np.abs(rule[:, 1])) > -1e-12)
    for t in (0.0, 0.6, -2.0):
        for w in frequencies:
            for f, expected in zip((np.sin, np.cos), derivative_of(w, order, t), strict=True):
                tolerance = 1e-8 if chosen else 1e-10
                scale = 1 + np.abs(rule[:, 0]).sum()
                assert abs(rule[:, 0] @ f(w * (t + rule[:, 1])) - expected) < tolerance * scale
        assert abs(rule[:, 0].sum()) < 1e-9 * scale


def test_generated_rules_are_the_textbook_ones():
    half, pi = np.pi / 2, np.pi
    assert np.allclose(hb.generate_shift_rule([1]), [[0.5, half], [-0.5, -half]])
    assert np.allclose(hb.generate_shift_rule([1], order=2), [[-0.5, 0], [0.5, pi]])
    assert np.allclose(  # f(s) - f(-s) over 2 sin(s)
        hb.generate_shift_rule([1], shifts=[0.3]), [[0.5 / np.sin(0.3), 0.3], [-0.5 / np.sin(0.3), -0.3]]
    )
    for r in range(1, 7):  # Wierichs et al.: 2R points in the first and in the second order
        assert [len(hb.generate_shift_rule(range(1, r + 1), order=n)) for n in (1, 2)] == [2 * r, 2 * r]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"frequencies": [1, 2], "shifts": [0.3]}, "as many shifts as frequencies, 2; got 1"),
        ({"frequencies": [1, 2], "shifts": [0.3, 0.3]}, "condition number"),
        ({"frequencies": [1], "shifts": [np.pi]}, "condition number"),
        ({"frequencies": [1, 1]}, "that differ"),
        ({"frequencies": [0, 1]}, "numbers > 0"),
        ({"frequencies": []}, "numbers > 0"),
        ({"frequencies": ["a"]}, "finite numbers"),
        ({"frequencies": [1], "shifts": [np.nan]}, "finite numbers"),
        ({"frequencies": [1], "order": 0}, "order must be"),
        ({"frequencies": [1], "order": 1.5}, "order must be"),
    ],
)
def test_rules_that_there_are_not(arguments, words):
    with pytest.raises(hb.GradientError, match=words):
        hb.generate_shift_rule(**arguments)
