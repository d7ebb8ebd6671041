"""Gaussian states, gates and channels written out in the photon-number basis, by the recursion.

All elements are those of the untruncated object: what a cutoff leaves out is missing, nothing is folded back.
hbar = 2, a = (x + i p) / 2, order (x1..xk, p1..pk). Every argument and result has a leading batch axis, of
length 1 where shared.
"""

from __future__ import annotations

import numpy as np

from hybridge.phasespace.recursion import amplitudes

# tanh of the squeezing that probes a channel: covariance 2 and sqrt(3), in closed form
PROBE = 1 / np.sqrt(3)


def ket(mean: np.ndarray, cov: np.ndarray, cutoff: int) -> np.ndarray:
    """The ket of a pure state: mean (B, 2k), cov (B, 2k, 2k) -> (B,) + (cutoff,)*k, with <0|psi> > 0.

    >>> ket(np.array([[2.0, 0.0]]), np.eye(2)[None], 3).real.round(4).tolist()  # alpha = 1
    [[0.6065, 0.6065, 0.4289]]
    """
    A, b, c = _husimi(mean, cov)
    k = mean.shape[-1] // 2
    return amplitudes(A[:, :k, :k], b[:, :k], np.sqrt(c), cutoff)


def ket_function(means: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A (k, k) and b (S, k) of the generating functions of kets: pure states of one covariance, moved."""
    k = means.shape[-1] // 2
    A, b, _ = _husimi(means, cov[None])
    return A[0, :k, :k], b[:, :k]


def density(mean: np.ndarray, cov: np.ndarray, cutoff: int) -> np.ndarray:
    """The density matrix of any state: (B,) + (cutoff,)*2k, ket axes first."""
    return amplitudes(*_husimi(mean, cov), cutoff)


def gate(S: np.ndarray, d: np.ndarray, cutoff: int) -> np.ndarray:
    """The operator U with U^dagger r U = S r + d: (B,) + (cutoff,)*2k, outputs first, with <0|U|0> > 0.

    With U^dagger a U = E a + F a^dagger + e, pulling a and a^dagger through U gives two linear differential
    equations for its kernel between coherent states; the Gaussian that solves them is expanded.
    """
    E, F, e = complex_form(S, d)
    across = np.linalg.inv(E.conj())
    A = np.block([[F @ across, _transposed(across)], [across, -across @ F.conj()]])
    pulled = (across @ e.conj()[..., None])[..., 0]
    b = np.concatenate([e - (F @ pulled[..., None])[..., 0], -pulled], axis=1)
    c = np.sqrt(_husimi(d, S @ _transposed(S))[2])
    return amplitudes(A, b, c, cutoff)


def sectors(S: np.ndarray, cutoff: int) -> np.ndarray:
    """`gate` for two modes that keep their photons: (B, 2 cutoff - 1, cutoff, cutoff), a twentieth at 20.

    [N, m, n] is <m, N - m| U |n, N - n>; where a number is beyond the cutoff there is a 0. The recursion is
    that of `amplitudes`, the largest output lowered: from N - 1 photons to N, as U is exp(a^dagger X a) in
    normal order but for the vacuum.

    >>> swap = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])[None]
    >>> sectors(swap, 2)[0, 1].real.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    E = complex_form(S, np.zeros(S.shape[:-1]))[0]
    X = np.linalg.inv(E.conj()).swapaxes(1, 2)[..., None, None]
    U = np.zeros((len(S), 2 * cutoff - 1, cutoff, cutoff), dtype=complex)
    U[:, 0, 0, 0] = 1
    root = np.sqrt(np.arange(2.0 * cutoff))
    for N in range(1, 2 * cutoff - 1):
        low, high, half = max(0, N - cutoff + 1), min(N, cutoff - 1), (N + 1) // 2
        there, below = slice(low, high + 1), U[:, N - 1]
        left = max(low, 1)  # one photon fewer on the left needs one
        first, second = root[low : high + 1], root[N - high : N - low + 1][::-1]
        for mode, rows in ((0, slice(half, high + 1)), (1, slice(low, half))):
            before = below[:, rows.start - (mode == 0) : rows.stop - (mode == 0)]
            new = X[:, mode, 1] * second * before[:, :, there]
            new[:, :, left - low :] += X[:, mode, 0] * first[left - low :] * before[:, :, left - 1 : high]
            m = np.arange(rows.start, rows.stop) if mode == 0 else N - np.arange(rows.start, rows.stop)
            U[:, N, rows, there] = new / root[m][:, None]
    return U


def channel(X: np.ndarray, d: np.ndarray, Y: np.ndarray, cutoff: int) -> np.ndarray:
    """<m| Phi(|j><l|) |n> of the channel mean -> X mean + d, V -> X V X^T + Y: (B,) + (cutoff,)*4k.

    The axes are m, n, j, l, k of each. Read off the state that Phi leaves when its input is one half of k
    two-mode squeezed vacua, whose amplitudes are PROBE^n; that factor is divided out before the expansion.
    """
    k = d.shape[-1] // 2
    mirror = np.diag([1.0] * k + [-1.0] * k)  # x of the halves correlated, p anticorrelated
    cross = np.sqrt(3) * X @ mirror
    V = np.block(
        [
            [2 * X @ _transposed(X) + Y, cross],
            [_transposed(cross), np.broadcast_to(2 * np.eye(2 * k), X.shape)],
        ]
    )
    order = np.arange(4 * k).reshape(2, 2, k).swapaxes(0, 1).ravel()  # to x of both halves, then p of both
    V = V[:, order][:, :, order]
    mean = np.concatenate([d, np.zeros_like(d)], axis=1)[:, order]
    A, b, c = _husimi(mean, V)
    scale = np.tile(np.repeat([1, 1 / PROBE], k), 2)
    G = amplitudes(A * np.outer(scale, scale), b * scale, c / (1 - PROBE**2) ** k, cutoff)
    return G.transpose(channel_axes(k))


def channel_axes(k: int) -> tuple[int, ...]:
    """From the order m, j, n, l in which a channel's amplitudes are made to m, n, j, l; its own inverse."""
    m, j, n, i = (tuple(range(1 + block * k, 1 + (block + 1) * k)) for block in range(4))
    return (0, *m, *n, *j, *i)


def complex_form(S: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E, F, e of a -> E a + F a^dagger + e, linear in S and d."""
    k = d.shape[-1] // 2
    xx, xp, px, pp = S[:, :k, :k], S[:, :k, k:], S[:, k:, :k], S[:, k:, k:]
    E, F = (xx + pp + 1j * (px - xp)) / 2, (xx - pp + 1j * (px + xp)) / 2
    return E, F, (d[:, :k] + 1j * d[:, k:]) / 2


def _transposed(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, 1, 2)


def _husimi(mean: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, b, c of exp(|z|^2) <z|rho|z> in the variables (conj(z), z): it generates the elements of rho."""
    k = mean.shape[-1] // 2
    one = np.eye(k)
    r_of_z = np.block([[one, one], [1j * one, -1j * one]])
    exchange = np.block([[0 * one, one], [one, 0 * one]])
    width = cov + np.eye(2 * k)
    W = np.linalg.inv(width)
    pull = (W @ mean[..., None])[..., 0]
    A = exchange - r_of_z.T @ W @ r_of_z
    c = np.exp(k * np.log(2) - (np.linalg.slogdet(width)[1] + (mean * pull).sum(axis=-1)) / 2)
    return A, pull @ r_of_z, c
