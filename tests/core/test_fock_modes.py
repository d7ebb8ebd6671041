"""States below a photon-number cutoff: moments against padded operators, samples against exact distributions.

Sampled claims fail by chance less than once in 10^6: five standard errors, or the bound of Dvoretzky et al.
"""

from itertools import permutations

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson

from hybridge.errors import CircuitError
from hybridge.phasespace.fock import FockModes, weyl_matrix
from hybridge.phasespace.inversion import inverted
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position
from hybridge.phasespace.positions import distribution, reach
from hybridge.phasespace.wavefunctions import wavefunctions

C, PAD = 4, 14  # PAD: dimension of the oracle's operators, beyond the reach of the observables below
x, p, n = position, momentum, photon_number


def big(size):
    a = np.diag(np.sqrt(np.arange(1.0, size)), 1)
    return a + a.T, -1j * (a - a.T)


BIG_X, BIG_P = big(PAD)
ONE = np.eye(PAD)
X = [np.kron(BIG_X, ONE), np.kron(ONE, BIG_X)]
P = [np.kron(BIG_P, ONE), np.kron(ONE, BIG_P)]
N = [(X[m] @ X[m] + P[m] @ P[m]) / 4 - np.eye(PAD**2) / 2 for m in (0, 1)]
OBSERVABLES = {
    "p1": (p(1), P[1]),
    "x0 p1": (x(0) @ p(1), X[0] @ P[1]),
    "x0 p0 + p0 x0 + x1": (x(0) @ p(0) + p(0) @ x(0) + x(1), X[0] @ P[0] + P[0] @ X[0] + X[1]),
    "n0": (n(0), N[0]),
    "n1 - 2 n0 n1": (n(1) - 2 * n(0) @ n(1), N[1] - 2 * N[0] @ N[1]),
    "x1^3 p0": (x(1) ** 3 @ p(0), X[1] @ X[1] @ X[1] @ P[0]),
    "2": (Polynomial({(): 2.0}), 2 * np.eye(PAD**2)),
}


def random_kets(batch, modes, seed, cutoff=C):
    rng = np.random.default_rng(seed)
    ket = rng.normal(size=(batch, *(cutoff,) * modes)) + 1j * rng.normal(size=(batch, *(cutoff,) * modes))
    return ket / np.linalg.norm(ket.reshape(batch, -1), axis=1).reshape(-1, *(1,) * modes)


def random_densities(batch, modes, seed, cutoff=C):
    """Mixtures of three kets."""
    parts = [random_kets(batch, modes, seed + k, cutoff).reshape(batch, -1) for k in range(3)]
    rho = sum(w * np.einsum("bi,bj->bij", k, k.conj()) for w, k in zip((0.5, 0.3, 0.2), parts, strict=True))
    return rho.reshape(batch, *(cutoff,) * (2 * modes))


def padded(density):
    """Two-mode density matrices (B, C, C, C, C) as (B, PAD^2, PAD^2)."""
    full = np.zeros((len(density), *(PAD,) * 4), dtype=complex)
    full[:, :C, :C, :C, :C] = density
    return full.reshape(-1, PAD**2, PAD**2)


KETS = random_kets(3, 2, 0)
PURE = FockModes(kets=KETS)
MIXED = FockModes(density=random_densities(3, 2, 10))


@pytest.mark.parametrize("name", OBSERVABLES)
def test_means_and_variances_use_the_untruncated_operators(name):
    polynomial, operator = OBSERVABLES[name]
    for state in (PURE, MIXED):
        rho = padded(state.density_matrix((0, 1)).reshape(-1, C, C, C, C))
        mean = np.einsum("bij,ji->b", rho, operator).real
        square = np.einsum("bij,ji->b", rho, operator @ operator).real
        assert np.abs(state.expval(polynomial) - mean).max() < 1e-12
        assert np.abs(state.var(polynomial) - (square - mean**2)).max() < 1e-10


def test_a_product_that_is_not_hermitian_has_its_complex_mean():
    rho = padded(MIXED.density)
    assert np.abs(MIXED.expval(x(0) @ p(0)) - np.einsum("bij,ji->b", rho, X[0] @ P[0])).max() < 1e-12


@pytest.mark.parametrize(("a", "b"), [(1, 0), (0, 1), (1, 1), (2, 1), (2, 2), (1, 3), (4, 0), (0, 4)])
def test_weyl_matrices_average_all_orders(a, b):
    orders = set(permutations("x" * a + "p" * b))
    total = np.zeros((PAD, PAD), dtype=complex)
    for order in orders:
        product = ONE
        for letter in order:
            product = product @ {"x": BIG_X, "p": BIG_P}[letter]
        total += product
    assert np.abs(weyl_matrix(a, b, 6) - total[:6, :6] / len(orders)).max() < 1e-12


def test_kets_and_their_density_matrices_agree():
    density = FockModes(density=np.einsum("bij,bkl->bijkl", KETS, KETS.conj()))
    for modes in ((0,), (1,), (0, 1), (1, 0)):
        assert np.abs(PURE.probs(modes) - density.probs(modes)).max() < 1e-14
        assert np.abs(PURE.density_matrix(modes) - density.density_matrix(modes)).max() < 1e-14
    assert np.abs(PURE.expval(x(0) @ p(1)) - density.expval(x(0) @ p(1))).max() < 1e-12


def test_reduced_states_of_three_modes_come_in_the_order_asked():
    ket = random_kets(2, 3, 5)
    state = FockModes(kets=ket)
    mixed = FockModes(density=np.einsum("bijk,blmn->bijklmn", ket, ket.conj()))
    for modes, subscripts in (
        ((2, 0), "bijk,bljm->bkiml"),
        ((1,), "bijk,bilk->bjl"),
        ((0, 2), "bijk,bljm->biklm"),
    ):
        want = np.einsum(subscripts, ket, ket.conj()).reshape(2, C ** len(modes), -1)
        for one in (state, mixed):
            assert np.abs(one.density_matrix(modes) - want).max() < 1e-14
            assert np.abs(one.probs(modes) - np.einsum("bii->bi", want).real).max() < 1e-14


def test_lost_norm_is_reported_and_not_made_up():
    for state in (FockModes(kets=0.9 * KETS), FockModes(density=0.81 * MIXED.density)):
        assert np.abs(state.leak() - 0.19).max() < 1e-14
        assert np.abs(state.probs((0, 1)).sum(axis=1) - 0.81).max() < 1e-14
        for m in (0, 1):  # nor is it where the moment is read off the probabilities
            whole = PURE if state.density is None else MIXED
            assert np.abs(state.expval(n(m)) - 0.81 * whole.expval(n(m))).max() < 1e-13
            assert np.abs(state.expval(x(m)) - 0.81 * whole.expval(x(m))).max() < 1e-13
        assert state.sample_photons((0,), 100, np.random.default_rng(0)).shape == (3, 100, 1)


def test_a_state_is_either_kets_or_a_density_matrix():
    for wrong in ({}, {"kets": KETS, "density": MIXED.density}):
        with pytest.raises(CircuitError, match="one of them"):
            FockModes(**wrong)


def test_wave_functions_are_orthonormal():
    q, dq = np.linspace(-25, 25, 4001, retstep=True)
    psi = wavefunctions(q, 30)
    assert np.abs(psi @ psi.T * dq - np.eye(30)).max() < 1e-12
    assert np.abs((psi * q) @ psi.T * dq - big(30)[0]).max() < 1e-11  # x = a + a^dagger


def test_the_distribution_of_a_position_is_the_integral_of_its_density():
    rho = random_densities(2, 1, 3, cutoff=9).real  # (2, 9, 9): two states, each asked at the same positions
    q = np.linspace(-reach(9), reach(9), 6001)
    below, density = distribution(rho[:, None])(np.tile(q, (2, 1)))
    psi = wavefunctions(q, 9)
    want = np.einsum("bij,iq,jq->bq", rho, psi, psi)
    assert np.abs(density - want).max() < 1e-13
    assert np.abs(below - cumulative_simpson(want, x=q, initial=0)).max() < 1e-8
    assert np.abs(below[:, 0]).max() < 1e-12 and np.abs(below[:, -1] - 1).max() < 1e-12
    each = np.stack(
        [distribution(rho[:1, None].repeat(3, axis=1))(q[None, :3])[0][0]]
    )  # a state per position
    assert np.abs(each - below[:1, :3]).max() < 1e-14


def test_the_distribution_is_inverted_to_rounding():
    """Also where the density vanishes: at the node of the first excited state."""
    rho = np.stack([np.diag([0.0, 1.0, 0.0]), random_densities(1, 1, 4, cutoff=3)[0].real])[:, None]
    level = np.tile([1e-6, 0.1, 0.4999, 0.5, 0.5001, 0.77, 1 - 1e-6], (2, 1))
    positions = inverted(distribution(rho), level, reach(3))
    assert np.abs(distribution(rho)(positions)[0] - level).max() < 1e-12


def largest_gap(samples, distribution_function):
    """The Kolmogorov-Smirnov distance, in units that exceed 1 with probability below 1e-7."""
    ordered = np.sort(samples)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    exact = distribution_function(ordered)
    distance = max(np.abs(exact - steps[1:]).max(), np.abs(exact - steps[:-1]).max())
    return distance / np.sqrt(np.log(2 / 1e-7) / (2 * len(ordered)))


def quadrature_distribution(rho, angle):
    """F(q) of x cos(angle) + p sin(angle) by integration on a grid; rho (C, C)."""
    q = np.linspace(-14, 14, 8001)
    turned = rho * np.exp(-1j * angle * np.subtract.outer(np.arange(len(rho)), np.arange(len(rho))))
    psi = wavefunctions(q, len(rho))
    cumulative = cumulative_simpson(np.einsum("ij,iq,jq->q", turned, psi, psi).real, x=q, initial=0)
    return lambda at: np.interp(at, q, cumulative / cumulative[-1])


@pytest.mark.parametrize("state", [PURE, MIXED], ids=["ket", "density"])
def test_each_quadrature_has_its_own_distribution(state):
    angles = {1: 0.7, 0: -0.4}
    samples = state.sample_quadratures(angles, 20_000, np.random.default_rng(8))
    assert samples.shape == (3, 20_000, 2)
    for i in range(3):
        for k, (mode, angle) in enumerate(angles.items()):
            F = quadrature_distribution(state.density_matrix([mode])[i], angle)
            assert largest_gap(samples[i, :, k], F) < 1


@pytest.mark.parametrize("state", [PURE, MIXED], ids=["ket", "density"])
def test_quadratures_are_sampled_jointly(state):
    samples = state.sample_quadratures({0: 0.0, 1: np.pi / 2}, 20_000, np.random.default_rng(9))
    joint = {"x0 p1": x(0) @ p(1), "x0^2 p1^2": x(0) ** 2 @ p(1) ** 2, "x0^2 p1": x(0) ** 2 @ p(1)}
    values = {
        "x0 p1": samples[..., 0] * samples[..., 1],
        "x0^2 p1^2": (samples[..., 0] * samples[..., 1]) ** 2,
        "x0^2 p1": samples[..., 0] ** 2 * samples[..., 1],
    }
    for name, polynomial in joint.items():
        z = (values[name].mean(axis=1) - state.expval(polynomial)) / np.sqrt(state.var(polynomial) / 20_000)
        assert np.abs(z).max() < 5, name


def test_one_of_many_modes_is_sampled_from_its_reduced_state():
    ket = random_kets(1, 4, 11)
    samples = FockModes(kets=ket).sample_quadratures({2: 1.0}, 20_000, np.random.default_rng(2))
    F = quadrature_distribution(FockModes(kets=ket).density_matrix([2])[0], 1.0)
    assert largest_gap(samples[0, :, 0], F) < 1


def test_shots_do_not_depend_on_how_they_are_split_into_blocks(monkeypatch):
    """They differ, as the generator is asked in another order, but follow the same distribution."""
    monkeypatch.setattr("hybridge.phasespace.fock.BLOCK", 16 * 3 * C**2 * 1000)
    samples = PURE.sample_quadratures({0: 0.3}, 20_500, np.random.default_rng(1))
    assert samples.shape == (3, 20_500, 1)
    F = quadrature_distribution(PURE.density_matrix([0])[1], 0.3)
    assert largest_gap(samples[1, :, 0], F) < 1


@pytest.mark.parametrize("state", [PURE, MIXED, FockModes(kets=0.5 * KETS)], ids=["ket", "density", "leaked"])
def test_photon_samples_follow_the_renormalised_probabilities(state):
    shots = 40_000
    samples = state.sample_photons((1, 0), shots, np.random.default_rng(3))
    assert samples.shape == (3, shots, 2) and samples.dtype == np.int64
    for i in range(3):
        counts = np.bincount(np.ravel_multi_index(samples[i].T, (C, C)), minlength=C * C)
        probs = state.probs((1, 0))[i] / (1 - state.leak()[i])
        z = (counts - shots * probs) / np.sqrt(shots * probs * (1 - probs))
        assert np.abs(z).max() < 5


def test_rows_are_independent():
    for whole, part in (
        (PURE, lambda i: FockModes(kets=PURE.kets[i : i + 1])),
        (MIXED, lambda i: FockModes(density=MIXED.density[i : i + 1])),
    ):
        for i in range(3):
            for of in (
                lambda s: s.expval(x(0) @ x(1)),
                lambda s: s.var(n(1)),
                lambda s: s.probs((1, 0)),
                lambda s: s.density_matrix([1]),
                lambda s: s.leak(),
            ):
                assert np.allclose(of(whole)[i], of(part(i))[0], atol=1e-13)
