"""Sums of Gaussians: one Gaussian is GaussianModes, a cat is its ket, shots follow the distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import hybridge as hb
from hybridge.border import fault
from hybridge.errors import CircuitError, DeviceError
from hybridge.phasespace import mixture
from hybridge.phasespace.fock import FockModes
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.mixture import MixtureModes
from hybridge.phasespace.mixture_drawing import draw_positions
from hybridge.phasespace.wavefunctions import wavefunctions

SHOTS = 20_000
ALPHA = 1e-7  # probability of a false alarm, each
CUTOFF = 24


def cat(a: float, p: float, cutoff: int | None = CUTOFF) -> MixtureModes:
    """(|a> + e^{i pi p} |-a>) / norm: |a><a|, |-a><-a|, and |a><-a| with its conjugate, whose means are
    imaginary."""
    turn = np.exp(-1j * np.pi * p - 2 * a * a)
    weights = np.array([[1, 1, turn, turn.conjugate()]]) / (2 + 2 * turn.real)
    means = np.array([[[2 * a, 0], [-2 * a, 0], [0, -2j * a], [0, 2j * a]]])
    return MixtureModes(weights, means, np.eye(2)[None], cutoff)


def in_fock_space(a: float, p: float, cutoff: int = 40) -> FockModes:
    return FockModes(kets=hb.CatState.fock(cutoff, a, 0.0, p)[None])


OBSERVABLES = (
    hb.NumberOperator(0),
    hb.QuadX(0),
    hb.QuadP(0) @ hb.QuadP(0),
    hb.QuadX(0) @ hb.QuadX(0) @ hb.QuadP(0) @ hb.QuadP(0)
    + hb.QuadP(0) @ hb.QuadP(0) @ hb.QuadX(0) @ hb.QuadX(0),
)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("a", [0.4, 1.5])
def test_a_cat_is_its_ket(a, p):
    mine, ket = cat(a, p), in_fock_space(a, p)
    for observable in OBSERVABLES:
        np.testing.assert_allclose(mine.expval(observable), ket.expval(observable), rtol=0, atol=1e-10)
        np.testing.assert_allclose(mine.var(observable), ket.var(observable), rtol=0, atol=1e-9)
    np.testing.assert_allclose(mine.probs([0]), ket.probs([0])[:, :CUTOFF], rtol=0, atol=1e-12)
    rho = ket.density_matrix([0])[:, :CUTOFF, :CUTOFF]
    np.testing.assert_allclose(mine.density_matrix([0]), rho, rtol=0, atol=1e-12)
    assert mine.leak().tolist() == [0.0]


def test_one_gaussian_is_a_gaussian_state():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(2, 4, 4)) / 3
    mean, cov = rng.normal(size=(2, 4)), np.eye(4) * 1.1 + A @ np.swapaxes(A, 1, 2)
    one, same = MixtureModes(np.ones((2, 1)), mean[:, None], cov, 6), GaussianModes(mean, cov, 6)
    for observable in (hb.NumberOperator(1) @ hb.QuadX(0), hb.QuadP(1) @ hb.QuadX(0)):
        np.testing.assert_allclose(one.expval(observable), same.expval(observable), atol=1e-12)
        np.testing.assert_allclose(one.var(observable), same.var(observable), atol=1e-11)
    np.testing.assert_allclose(one.probs([1, 0]), same.probs([1, 0]), atol=1e-12)
    np.testing.assert_allclose(one.density_matrix([1]), same.density_matrix([1]), atol=1e-12)
    photons = [m.sample_photons([1, 0], 50, np.random.default_rng(5)) for m in (one, same)]
    np.testing.assert_array_equal(*photons)


def test_gaussians_to_spare_add_nothing():
    short, long = cat(0.4, 0.3), cat(0.4, 0.3)
    long = MixtureModes(
        np.pad(long.weights, [(0, 0), (0, 3)]), np.pad(long.mean, [(0, 0), (0, 3), (0, 0)]), long.cov, CUTOFF
    )
    np.testing.assert_allclose(long.probs([0]), short.probs([0]), atol=1e-15)
    drawn = [m.sample_quadratures({0: 0.3}, 30, np.random.default_rng(1)) for m in (short, long)]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize(("angle", "p"), [(0.0, 0.0), (np.pi / 2, 0.0), (np.pi / 2, 1.0), (0.8, 0.3)])
def test_quadratures_follow_the_wave_function(angle, p):
    """The fringes of a cat in its momentum, and what lies between them and its two peaks."""
    a = 1.3
    found = cat(a, p).sample_quadratures({0: angle}, SHOTS, np.random.default_rng(7))[0, :, 0]
    grid = np.linspace(-9, 9, 4001)
    turned = hb.CatState.fock(50, a, -angle, p)  # x cos + p sin, turned into position
    density = np.abs(turned @ wavefunctions(grid, 50)) ** 2
    cdf = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    assert cdf[-1] == pytest.approx(1, abs=1e-9)
    assert stats.kstest(found, lambda x: np.interp(x, grid, cdf)).pvalue > ALPHA


def test_two_modes_are_drawn_jointly():
    """Both halves of a cat on a balanced beamsplitter: x1 - x2 is vacuum, x1 + x2 has the two peaks."""
    a, half = 1.3, np.sqrt(0.5)
    one = cat(a, 0.0)
    mean = np.concatenate([one.mean[..., :1] * half] * 2 + [one.mean[..., 1:] * half] * 2, axis=-1)
    both = MixtureModes(one.weights, mean, np.eye(4)[None])
    x = both.sample_quadratures({1: np.pi / 2, 0: 0.0}, SHOTS, np.random.default_rng(2))
    assert x.shape == (1, SHOTS, 2)
    x = both.sample_quadratures({0: 0.0, 1: 0.0}, SHOTS, np.random.default_rng(2))[0]
    assert stats.kstest((x[:, 0] - x[:, 1]) * half, "norm").pvalue > ALPHA
    alone = one.sample_quadratures({0: 0.0}, SHOTS, np.random.default_rng(3))[0, :, 0]
    assert stats.ks_2samp((x[:, 0] + x[:, 1]) * half, alone).pvalue > ALPHA


def test_an_even_cat_has_even_photons():
    mine = cat(1.3, 0.0, cutoff=None)
    photons = mine.sample_photons([0], SHOTS, np.random.default_rng(4))[0, :, 0]
    assert not (photons % 2).any()
    expected = in_fock_space(1.3, 0.0).probs([0])[0][:10:2] * SHOTS
    counts = np.bincount(photons // 2, minlength=5)
    found = [*counts[:4], counts[4:].sum()]
    assert stats.chisquare(found, [*expected[:4], SHOTS - expected[:4].sum()]).pvalue > ALPHA


def test_what_cancels_too_far_is_not_sampled():
    with pytest.raises(DeviceError, match="cancel to one part in"):
        draw_positions(
            np.array([1e6 + 1, -1e6]), np.array([[0.0], [1.0]]), np.eye(1), 3, np.random.default_rng(0)
        )


def test_photon_numbers_need_a_cutoff_and_room(monkeypatch):
    with pytest.raises(CircuitError, match="need a cutoff; give the device cutoff_dim"):
        cat(0.4, 0.0, cutoff=None).probs([0])
    monkeypatch.setattr(mixture, "ALWAYS_ROOM", 0)
    monkeypatch.setattr(mixture, "available", lambda: 1000)
    with pytest.raises(DeviceError, match=r"photon numbers below 24 of modes \[0\] need"):
        cat(0.4, 0.0).probs([0])


def test_the_border_takes_as_many_gaussians_as_come_and_no_part_of_one():
    n = 2
    of = lambda columns: np.zeros((3, columns), dtype=complex)
    one, more = 4 * n * n + 1 + 2 * n, 1 + 2 * n
    assert fault(of(one), 3, one, more) == fault(of(one + 4 * more), 3, one, more) == ""
    assert fault(of(one + 1), 3, one, more) == f"shape {(3, one + 1)} instead of {(3, one)}"
    assert fault(of(one - more), 3, one, more) and fault(of(one + more), 3, one)


def test_heterodyne_outcomes_follow_the_husimi_function():
    """As those of a state in Fock space, drawn otherwise; and two modes at once, one by homodyne."""
    found = cat(1.3, 0.3).sample_quadratures({0: None}, SHOTS, np.random.default_rng(8))[0, :, 0]
    same = in_fock_space(1.3, 0.3, 24).sample_quadratures({0: None}, SHOTS, np.random.default_rng(9))[0, :, 0]
    for part in ("real", "imag"):
        assert stats.ks_2samp(getattr(found, part), getattr(same, part)).pvalue > ALPHA
    one = cat(1.3, 0.0)
    mean = np.concatenate(
        [one.mean[..., :1], 0 * one.mean[..., :1], one.mean[..., 1:], 0 * one.mean[..., 1:]], axis=-1
    )
    beside = MixtureModes(one.weights, mean, np.eye(4)[None])
    both = beside.sample_quadratures({1: None, 0: np.pi / 2}, SHOTS, np.random.default_rng(2))[0]
    assert both.shape == (SHOTS, 2) and not both[:, 1].imag.any()
    assert stats.kstest(both[:, 0].real * np.sqrt(2), "norm").pvalue > ALPHA


def test_clicks_of_cats():
    """Of a cat beside the vacuum: a detector is dark with the probability of no photon."""
    one = cat(0.9, 0.3)
    mean = np.concatenate(
        [one.mean[..., :1], 0 * one.mean[..., :1], one.mean[..., 1:], 0 * one.mean[..., 1:]], axis=-1
    )
    beside = MixtureModes(one.weights, mean, np.eye(4)[None], CUTOFF)
    dark = one.probs([0])[0, 0]
    np.testing.assert_allclose(beside.click_probs([1, 0]), [[dark, 1 - dark, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(one.click_probs([0]), [[dark, 1 - dark]], atol=1e-12)
