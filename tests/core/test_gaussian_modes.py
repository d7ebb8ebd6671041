"""Gaussian states: their moments, photon numbers and samples, against closed forms and truncated operators.

Sampled claims fail by chance less than once in 10^6: five standard errors, or chi-square at 1e-7.
"""

from itertools import combinations_with_replacement
from math import factorial

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.sparse import csr_array, diags_array, eye_array, kron
from scipy.sparse.linalg import expm_multiply
from scipy.stats import chi2

from hybridge.errors import CircuitError, DeviceError
from hybridge.phasespace import gaussian, photons
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.photons import draw_photons, pure_part
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position

D = 40  # dimension per mode of the space in which the oracle works; its two modes hold far fewer photons


def lowering(mode):
    a = diags_array(np.sqrt(np.arange(1.0, D)), offsets=1).astype(complex)
    return csr_array(kron(a, eye_array(D)) if mode == 0 else kron(eye_array(D), a))


A = [lowering(0), lowering(1)]
X = [a + a.conj().T for a in A]
P = [-1j * (a - a.conj().T) for a in A]


def entangled_ket():
    """A generic pure Gaussian state of two modes, by exponentials of quadratic generators."""
    ket = np.zeros(D * D, dtype=complex)
    ket[0] = 1
    for H in (
        0.15 * (A[0] @ A[0] - (A[0] @ A[0]).conj().T),
        0.3 * (A[1].conj().T - A[1]) + 0.2j * (A[1].conj().T + A[1]),
        (0.2 + 0.1j) * (A[0] @ A[1]).conj().T - (0.2 - 0.1j) * A[0] @ A[1],
        (0.5 + 0.2j) * A[0] @ A[1].conj().T - (0.5 - 0.2j) * A[0].conj().T @ A[1],
        0.1j * X[0] @ P[1],
        0.2 * (A[0].conj().T - A[0]),
    ):
        ket = expm_multiply(csr_array(H), ket)
    return ket


KET = entangled_ket()


def mean_of(operator):
    return np.vdot(KET, operator @ KET)


R = [*X, *P]
MEAN = np.array([mean_of(r).real for r in R])
COV = np.array([[mean_of(r @ s).real for s in R] for r in R]) - np.outer(MEAN, MEAN)
STATE = GaussianModes(MEAN[None], COV[None], cutoff=6)

x, p, n = position, momentum, photon_number
NUMBER = [a.conj().T @ a for a in A]
OBSERVABLES = {
    "x0": (x(0), X[0]),
    "x0 p1": (x(0) @ p(1), X[0] @ P[1]),
    "x0 p0 + p0 x0": (x(0) @ p(0) + p(0) @ x(0), X[0] @ P[0] + P[0] @ X[0]),
    "n1": (n(1), NUMBER[1]),
    "n0 n1": (n(0) @ n(1), NUMBER[0] @ NUMBER[1]),
    "x0^3 p1 - n1": (x(0) ** 3 @ p(1) - n(1), X[0] @ X[0] @ X[0] @ P[1] - NUMBER[1]),
    "2": (Polynomial({(): 2.0}), 2 * eye_array(D * D)),
}


@pytest.mark.parametrize("name", OBSERVABLES)
def test_means_and_variances_are_those_of_the_operators(name):
    polynomial, operator = OBSERVABLES[name]
    mean = mean_of(operator).real
    assert STATE.expval(polynomial)[0] == pytest.approx(mean, abs=1e-9)
    assert STATE.var(polynomial)[0] == pytest.approx(mean_of(operator @ operator).real - mean**2, abs=1e-7)


def test_a_product_that_is_not_hermitian_has_its_complex_mean():
    assert STATE.expval(x(0) @ p(0))[0] == pytest.approx(mean_of(X[0] @ P[0]), abs=1e-9)


def test_photon_numbers_and_density_matrices_are_those_of_the_ket():
    ket = KET.reshape(D, D)
    rho = np.einsum("ij,kl->ijkl", ket, ket.conj())
    some = slice(6)
    for modes in ((0, 1), (1, 0)):
        want = (np.abs(ket) ** 2).transpose(modes)[some, some].ravel()
        assert np.abs(STATE.probs(modes)[0] - want).max() < 1e-10
        want = rho.transpose(*modes, *(2 + m for m in modes))[some, some, some, some].reshape(36, 36)
        assert np.abs(STATE.density_matrix(modes)[0] - want).max() < 1e-10
    for mode, traced in ((0, "ijkj->ik"), (1, "jijk->ik")):
        want = np.einsum(traced, rho)[some, some]
        assert np.abs(STATE.density_matrix([mode])[0] - want).max() < 1e-10
        assert np.abs(STATE.probs([mode])[0] - want.diagonal().real).max() < 1e-10


def two_mode_squeezed(r):
    z = np.diag([1.0, -1.0])
    cov = np.block(
        [[np.cosh(2 * r) * np.eye(2), np.sinh(2 * r) * z], [np.sinh(2 * r) * z, np.cosh(2 * r) * np.eye(2)]]
    )
    order = [0, 2, 1, 3]  # from (x1, p1, x2, p2)
    return GaussianModes(np.zeros((1, 4)), cov[np.ix_(order, order)][None], cutoff=8)


def test_the_halves_of_a_two_mode_squeezed_vacuum_are_thermal():
    r = 0.7
    state = two_mode_squeezed(r)
    levels = np.tanh(r) ** (2 * np.arange(8)) / np.cosh(r) ** 2
    assert np.abs(state.probs((0, 1))[0] - np.diag(levels).ravel()).max() < 1e-14
    for mode in (0, 1):
        reduced = state.density_matrix([mode])[0]
        assert np.abs(reduced - np.diag(levels)).max() < 1e-14
    assert np.trace(reduced @ reduced).real < 0.8  # mixed, though the whole is pure
    nbar = np.sinh(r) ** 2
    assert state.expval(n(0) @ n(1))[0] == pytest.approx(nbar * np.cosh(2 * r))
    assert state.var(n(0))[0] == pytest.approx(nbar * (nbar + 1))


def test_coherent_thermal_and_squeezed_states_have_their_textbook_photon_numbers():
    C, alpha, nbar, r = 12, 0.8 * np.exp(0.4j), 0.6, 0.5
    counts = np.arange(C)
    mean = np.zeros((3, 2))
    mean[0] = 2 * alpha.real, 2 * alpha.imag
    cov = np.array([np.eye(2), (2 * nbar + 1) * np.eye(2), np.diag([np.exp(-2 * r), np.exp(2 * r)])])
    state = GaussianModes(mean, cov, C)
    fact = np.array([factorial(k) for k in range(C)], dtype=float)
    poisson = np.exp(-(abs(alpha) ** 2)) * abs(alpha) ** (2 * counts) / fact
    thermal = nbar**counts / (1 + nbar) ** (counts + 1)
    squeezed = np.zeros(C)
    for k in range(C // 2):
        squeezed[2 * k] = fact[2 * k] / (2**k * fact[k]) ** 2 * np.tanh(r) ** (2 * k) / np.cosh(r)
    assert np.abs(state.probs([0]) - [poisson, thermal, squeezed]).max() < 1e-14
    ket = np.exp(-(abs(alpha) ** 2) / 2) * alpha**counts / np.sqrt(fact)
    assert np.abs(state.density_matrix([0])[0] - np.outer(ket, ket.conj())).max() < 1e-14
    assert np.array_equal(state.leak(), np.zeros(3))


def test_the_photon_number_of_any_state_has_its_closed_variance():
    rng = np.random.default_rng(7)
    for _ in range(5):
        M, mu = rng.normal(size=(2, 2)), rng.normal(size=2)
        V = np.eye(2) + M @ M.T
        want = (np.trace(V @ V) + 2 * mu @ V @ mu) / 8 - 0.25
        assert GaussianModes(mu[None], V[None]).var(n(0))[0] == pytest.approx(want)


def random_states(batch, modes, seed):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(batch, 2 * modes, 2 * modes)) * 0.3
    return GaussianModes(
        rng.normal(size=(batch, 2 * modes)) * 0.5, np.eye(2 * modes) + M @ np.swapaxes(M, 1, 2), 4
    )


def test_rows_are_independent():
    states = random_states(3, 2, 1)
    for i in range(3):
        one = GaussianModes(states.mean[i : i + 1], states.cov[i : i + 1], 4)
        for of in (
            lambda s: s.expval(n(0) @ x(1)),
            lambda s: s.var(n(1)),
            lambda s: s.probs((1, 0)),
            lambda s: s.density_matrix([1]),
        ):
            assert np.allclose(of(states)[i], of(one)[0], atol=1e-15)


def test_quadratures_are_sampled_jointly():
    states, shots = random_states(2, 3, 2), 40_000
    angles = {2: 0.4, 0: -1.1, 1: np.pi / 2}
    samples = states.sample_quadratures(angles, shots, np.random.default_rng(3))
    assert samples.shape == (2, shots, 3)
    for i in range(2):
        rows = np.zeros((3, 6))
        for k, (mode, angle) in enumerate(angles.items()):
            rows[k, mode], rows[k, 3 + mode] = np.cos(angle), np.sin(angle)
        cov = rows @ states.cov[i] @ rows.T
        z = (samples[i].mean(axis=0) - rows @ states.mean[i]) / np.sqrt(cov.diagonal() / shots)
        assert np.abs(z).max() < 5
        spread = np.sqrt((np.outer(cov.diagonal(), cov.diagonal()) + cov**2) / shots)
        assert (np.abs(np.cov(samples[i].T) - cov) / spread).max() < 5


@pytest.mark.parametrize("modes", [(0,), (2, 0), (0, 1, 2)])
def test_photon_samples_follow_the_probabilities(modes):
    """Two of three modes of a pure state are drawn from the whole ket, the others from their own table."""
    rng = np.random.default_rng(5)
    r = np.array([0.5, 0.3, 0.4])
    U = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0]
    S = np.block([[U.real, -U.imag], [U.imag, U.real]])
    cov = S @ np.diag(np.exp(np.concatenate([-2 * r, 2 * r]))) @ S.T
    state = GaussianModes(np.array([[0.5, 0, 0, 0, 0.7, 0]]), cov[None], cutoff=5)
    shots = 20_000
    samples = state.sample_photons(modes, shots, rng)[0]
    assert samples.shape == (shots, len(modes))
    assert samples.max() >= 5  # the cutoff does not limit them
    seen = samples[(samples < 5).all(axis=1)]
    counts = np.bincount(np.ravel_multi_index(seen.T, (5,) * len(modes)), minlength=5 ** len(modes))
    expected = state.probs(modes)[0] * shots
    frequent = expected > 10
    observed = np.append(counts[frequent], shots - counts[frequent].sum())
    wanted = np.append(expected[frequent], shots - expected[frequent].sum())
    assert ((observed - wanted) ** 2 / wanted).sum() < chi2.isf(1e-7, len(wanted) - 1)


def test_twins_have_equal_photon_numbers_however_many():
    shots = 10_000
    samples = two_mode_squeezed(1.5).sample_photons((0, 1), shots, np.random.default_rng(6))[0]
    assert np.array_equal(samples[:, 0], samples[:, 1])
    for many in (8, 20, 25):
        tail = np.tanh(1.5) ** (2 * many)
        z = ((samples[:, 0] >= many).mean() - tail) / np.sqrt(tail * (1 - tail) / shots)
        assert abs(z) < 5, many


def test_seeds_fix_samples():
    draws = [random_states(2, 2, 1).sample_photons((0, 1), 50, np.random.default_rng(9)) for _ in range(2)]
    assert np.array_equal(*draws)


def test_a_table_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(gaussian, "available", lambda: 10**8)
    hot = GaussianModes(np.zeros((1, 6)), 5 * np.eye(6)[None], cutoff=40)
    with pytest.raises(DeviceError, match=r"photon numbers below 40 of modes \[0, 1, 2\] need .* are free"):
        hot.probs((0, 1, 2))


def random_modes(rng, k, pure):
    """A generic state of k modes, about half a photon in each."""
    H = rng.normal(size=(2 * k, 2 * k)) * 0.4 / np.sqrt(k)
    S = expm(np.kron([[0, 1], [-1, 0]], np.eye(k)) @ (H + H.T) / 2)
    hot = np.ones(k) if pure else 1 + 0.4 * rng.random(k)
    return rng.normal(size=2 * k) * 0.6, S @ np.diag(np.tile(hot, 2)) @ S.T


@pytest.mark.parametrize("pure", [True, False])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_photons_drawn_mode_by_mode_follow_the_probabilities(k, pure):
    rng = np.random.default_rng(10 * k + pure)
    mean, cov = random_modes(rng, k, pure)
    shots, cutoff = 20_000, {1: 10, 2: 7, 3: 4}[k]
    samples = draw_photons(mean, cov, shots, rng)
    seen = samples[(samples < cutoff).all(axis=1)]
    counts = np.bincount(np.ravel_multi_index(seen.T, (cutoff,) * k), minlength=cutoff**k)
    expected = GaussianModes(mean[None], cov[None], cutoff).probs(range(k))[0] * shots
    frequent = expected > 10
    observed = np.append(counts[frequent], shots - counts[frequent].sum())
    wanted = np.append(expected[frequent], shots - expected[frequent].sum())
    assert ((observed - wanted) ** 2 / wanted).sum() < chi2.isf(1e-7, len(wanted) - 1)


def test_many_mixed_modes_are_sampled_jointly():
    """It needed cutoff^12 numbers for six modes, and was refused."""
    rng, k, shots = np.random.default_rng(8), 6, 2000
    mean, cov = random_modes(rng, k, False)
    state = GaussianModes(mean[None], cov[None])
    samples = state.sample_photons(range(k), shots, rng)[0]
    for i, j in combinations_with_replacement(range(k), 2):
        ni, nj = n(i), n(j)
        average, square = (state.expval(f)[0] for f in (ni @ nj, ni @ nj @ ni @ nj))
        z = ((samples[:, i] * samples[:, j]).mean() - average) / np.sqrt((square - average**2) / shots)
        assert abs(z) < 6, (i, j)  # products of photon numbers have long tails
    hot = GaussianModes(np.zeros((2, 6)), np.stack([5 * np.eye(6), np.eye(6)]))
    thermal, vacuum = hot.sample_photons((0, 1, 2), 4000, rng)
    assert not vacuum.any()
    assert (np.abs(thermal.mean(axis=0) - 2) < 5 * np.sqrt(6 / 4000)).all()


@pytest.mark.parametrize("pure", [True, False])
def test_every_state_is_a_pure_one_moved_at_random(pure):
    for k in (1, 2, 5):
        _, cov = random_modes(np.random.default_rng(k), k, pure)
        T = pure_part(cov)
        assert np.linalg.slogdet(T)[1] == pytest.approx(0, abs=1e-10)
        omega = np.kron([[0, 1], [-1, 0]], np.eye(k))
        assert np.abs(T @ omega @ T - omega).max() < 1e-10  # symplectic: nothing below it is a state
        assert np.linalg.eigvalsh(cov - T)[0] > -1e-10
        assert not pure or np.abs(T - cov).max() < 1e-10


def test_a_shot_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(photons, "available", lambda: 2000)
    monkeypatch.setattr(photons, "BLOCK", 1000)
    bright = np.array([8.0, 8.0, 8.0, 0.0, 0.0, 0.0])
    with pytest.raises(DeviceError, match=r"one shot with \[\d+\] photons .* measure fewer modes at once"):
        draw_photons(bright, np.eye(6), 10, np.random.default_rng(0))


def test_photon_numbers_need_a_cutoff():
    with pytest.raises(CircuitError, match="cutoff_dim"):
        GaussianModes(np.zeros((1, 2)), np.eye(2)[None]).probs([0])
