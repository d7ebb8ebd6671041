"""Gaussian states, gates and channels in the number basis equal exponentials of their generators."""

from math import comb

import numpy as np
import pytest
from scipy.linalg import expm

from hybridge.phasespace import numberbasis
from hybridge.phasespace.recursion import amplitudes

BIG = 90  # dimension in which exponentials are taken; 24 for each of two modes


def lowering(size):
    return np.diag(np.sqrt(np.arange(1.0, size)), 1).astype(complex)


def symplectic(U, a):
    """S and d of U^dagger r U = S r + d, read off the low matrix elements of the operators themselves."""
    r = [m + m.conj().T for m in a] + [-1j * (m - m.conj().T) for m in a]
    keep = [0, *(int(np.argmax(np.abs(m[0]))) for m in a)]  # vacuum, and one photon in each mode
    rows = np.array([[x[keep[0], k] for k in keep] for x in r])  # <0|r_i|k>
    S, d = [], []
    for x in r:
        moved = U.conj().T @ x @ U
        d.append(moved[0, 0].real)
        coefficients = np.array([moved[0, k] for k in keep[1:]])
        both = np.concatenate([rows[:, 1:].real, rows[:, 1:].imag], axis=1).T
        S.append(np.linalg.solve(both, np.concatenate([coefficients.real, coefficients.imag])))
    return np.array(S), np.array(d)


A = lowering(BIG)
A1, A2 = np.kron(lowering(24), np.eye(24)), np.kron(np.eye(24), lowering(24))


def dagger(m):
    return m.conj().T


ONE_MODE = {
    "displacement": 0.6 * dagger(A) - 0.6 * A + 0.3j * (A + dagger(A)),
    "squeezing": (0.4 - 0.3j) / 2 * A @ A - (0.4 + 0.3j) / 2 * dagger(A @ A),
    "rotation": 0.7j * dagger(A) @ A,
    "shear": 0.2j * (A + dagger(A)) @ (A + dagger(A)),
    "all at once": 0.2j * (A + dagger(A)) @ (A + dagger(A)) + 0.5j * dagger(A) @ A + 0.3 * (dagger(A) - A),
}
TWO_MODES = {
    "beamsplitter": (0.5 + 0.4j) * A1 @ dagger(A2) - (0.5 - 0.4j) * dagger(A1) @ A2,
    "two-mode squeezing": (0.2 + 0.1j) * dagger(A1 @ A2) - (0.2 - 0.1j) * A1 @ A2,
    "controlled phase": 0.1j * (A1 + dagger(A1)) @ (A2 + dagger(A2)),
}


@pytest.mark.parametrize("name", ONE_MODE)
def test_a_gate_on_one_mode_is_the_exponential_of_its_generator(name):
    U = expm(ONE_MODE[name])
    S, d = symplectic(U, [A])
    T = numberbasis.gate(S[None], d[None], 10)[0]
    want = U[:10, :10] * abs(U[0, 0]) / U[0, 0]  # the phase convention: <0|U|0> > 0
    assert np.abs(T - want).max() < 1e-11


@pytest.mark.parametrize("name", TWO_MODES)
def test_a_gate_on_two_modes_is_the_exponential_of_its_generator(name):
    U = expm(TWO_MODES[name])
    S, d = symplectic(U, [A1, A2])
    T = numberbasis.gate(S[None], d[None], 5)[0]
    want = (U * abs(U[0, 0]) / U[0, 0]).reshape(24, 24, 24, 24)[:5, :5, :5, :5]
    assert np.abs(T - want).max() < 1e-8


@pytest.mark.parametrize(("alpha", "cutoff", "error"), [(0.5, 100, 1e-13), (2.0, 50, 1e-11), (4.0, 50, 1e-7)])
def test_large_displacements_stay_accurate(alpha, cutoff, error):
    a = lowering(300)
    want = expm(alpha * (dagger(a) - a))[:cutoff, :cutoff]
    T = numberbasis.gate(np.eye(2)[None], np.array([[2 * alpha, 0.0]]), cutoff)[0]
    assert np.abs(T - want).max() < error


def test_loss_is_its_kraus_sum():
    T, C = 0.6, 8
    channel = numberbasis.channel(
        np.sqrt(T) * np.eye(2)[None], np.zeros((1, 2)), (1 - T) * np.eye(2)[None], C
    )[0]
    for j in range(C):
        for i in range(C):
            want = np.zeros((C, C))
            for lost in range(min(i, j) + 1):
                kept = T ** ((i + j) / 2 - lost) * (1 - T) ** lost
                want[j - lost, i - lost] = np.sqrt(comb(j, lost) * comb(i, lost)) * kept
            assert np.abs(channel[:, :, j, i] - want).max() < 1e-12


def test_a_unitary_channel_is_the_gate_on_both_sides():
    U = expm(TWO_MODES["beamsplitter"])
    S, d = symplectic(U, [A1, A2])
    d = d + np.array([0.3, -0.2, 0.1, 0.4])
    gate = numberbasis.gate(S[None], d[None], 3)[0].reshape(9, 9)
    channel = numberbasis.channel(S[None], d[None], np.zeros((1, 4, 4)), 3)[0].reshape(9, 9, 9, 9)
    assert np.abs(channel - np.einsum("mj,nl->mnjl", gate, gate.conj())).max() < 1e-12


def test_a_pure_state_is_the_square_of_its_ket():
    U = expm(TWO_MODES["two-mode squeezing"])
    S, d = symplectic(U, [A1, A2])
    mean, cov = (d + np.array([0.3, -0.2, 0.1, 0.4]))[None], (S @ S.T)[None]
    ket, rho = numberbasis.ket(mean, cov, 6), numberbasis.density(mean, cov, 6)
    assert np.abs(np.einsum("bij,bkl->bijkl", ket, ket.conj()) - rho).max() < 1e-13


def test_batches_broadcast_and_rows_are_independent():
    rng = np.random.default_rng(4)
    M = rng.normal(size=(3, 2, 2)) * 0.3
    couplings, b, c = M + np.swapaxes(M, 1, 2), rng.normal(size=(3, 2)), rng.normal(size=3)
    together = amplitudes(couplings, b, c, 5)
    for i in range(3):
        alone = amplitudes(couplings[i : i + 1], b[i : i + 1], c[i : i + 1], 5)
        assert np.array_equal(together[i], alone[0])
    assert np.array_equal(amplitudes(couplings[:1], b, c, 5)[0], together[0])


def test_amplitudes_are_taylor_coefficients():
    a, b, c = 0.3, 0.5 - 0.2j, 1.1  # c exp(a z^2 / 2 + b z): order by order
    G = amplitudes(np.full((1, 1, 1), a), np.full((1, 1), b), np.full(1, c), 4)[0]
    want = [c, c * b, c * (a + b**2) / np.sqrt(2), c * (3 * a * b + b**3) / np.sqrt(6)]
    assert np.abs(G - want).max() < 1e-15


@pytest.mark.parametrize("cutoff", [1, 2, 3, 7])
def test_sectors_are_the_elements_of_a_gate_that_keeps_its_photons(cutoff):
    rng = np.random.default_rng(cutoff)
    U = np.linalg.qr(rng.normal(size=(3, 2, 2)) + 1j * rng.normal(size=(3, 2, 2)))[0]
    S = np.block([[U.real, -U.imag], [U.imag, U.real]])
    whole = numberbasis.gate(S, np.zeros((3, 4)), cutoff)
    found = numberbasis.sectors(S, cutoff)
    assert found.shape == (3, 2 * cutoff - 1, cutoff, cutoff)
    for total, left, right in np.ndindex(found.shape[1:]):
        m, n = total - left, total - right
        inside = 0 <= m < cutoff and 0 <= n < cutoff
        want = whole[:, left, m, right, n] if inside else 0
        assert np.abs(found[:, total, left, right] - want).max() < 1e-14


def test_sectors_of_many_photons_are_unitary():
    """No error grows on the way: 60 photons need 59 steps."""
    c, s = np.cos(0.8), np.sin(0.8)
    U = np.array([[c, -s * np.exp(-0.2j)], [s * np.exp(0.2j), c]])
    found = numberbasis.sectors(np.block([[U.real, -U.imag], [U.imag, U.real]])[None], 60)[0]
    for total in (1, 20, 59):
        block = found[total, : total + 1, : total + 1]
        assert np.abs(block @ block.conj().T - np.eye(total + 1)).max() < 1e-12
