"""The recursion that turns a Gaussian function of complex variables into photon-number amplitudes.

A Gaussian state, gate or channel has a generating function c exp(z^T A z / 2 + b^T z) = sum_n G[n] z^n /
sqrt(n!), n one index per variable. Hence
sqrt(n_i) G[n] = b_i G[n - e_i] + sum_j A_ij sqrt(n_j - delta_ij) G[n - e_i - e_j]
(Miatto and Quesada, Quantum 4, 366 (2020)).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

BLOCK = 2**20  # amplitudes that are differentiated at once


def amplitudes(A: np.ndarray, b: np.ndarray, c: np.ndarray, cutoff: int) -> np.ndarray:
    """G[n] for all n_i < cutoff: A (B, K, K) symmetric, b (B, K), c (B,) -> (B,) + (cutoff,)*K, complex128.

    The batches of A, b and c broadcast: length 1 where shared. The array is filled shell by shell, a shell
    being all n with the same largest index, and that index is the one lowered: dividing by the largest root
    keeps errors from growing. Filled axis by axis instead, it takes half the time, and a displacement by
    alpha = 2 is wrong by 1e-7 at cutoff 50 instead of 2e-13.

    >>> coherent = amplitudes(np.zeros((1, 1, 1)), np.array([[0.5]]), np.exp([-0.125]), 3)
    >>> coherent.real.round(4).tolist()
    [[0.8825, 0.4412, 0.156]]
    """
    K = b.shape[1]
    G = np.zeros((max(len(A), len(b), len(c)), *(cutoff,) * K), dtype=complex)
    G[(slice(None), *(0,) * K)] = c
    root = np.sqrt(np.arange(cutoff))
    wide = (-1, *(1,) * (K - 1))  # a batch of numbers, beside the axes of G that are left once one is indexed
    shift = [b[:, i].reshape(wide) if b[:, i].any() else None for i in range(K)]
    # gates leave most of A empty: a beamsplitter 8 of 16 entries
    couple = [[A[:, i, j].reshape(wide) if A[:, i, j].any() else None for j in range(K)] for i in range(K)]
    for top in range(1, cutoff):
        for i in range(K):
            # the part of the shell where n_i = top; the parts of earlier axes are full
            sizes = [top + 1] * i + [top] * (K - 1 - i)
            before: tuple[Any, ...] = tuple(map(slice, [None, *sizes[:i]]))
            after: tuple[Any, ...] = tuple(map(slice, sizes[i:]))
            here, below = G[(*before, top, *after)], G[(*before, top - 1, *after)]
            # the small factors are multiplied first: each saves a pass over the array
            if (factor := shift[i]) is not None:
                np.multiply(factor / root[top], below, out=here)
            if (factor := couple[i][i]) is not None and top > 1:
                here += factor * (root[top - 1] / root[top]) * G[(*before, top - 2, *after)]
            for axis, j in enumerate([*range(i), *range(i + 1, K)], start=1):  # axis: where n_j is in here
                if (factor := couple[i][j]) is not None and sizes[axis - 1] > 1:
                    ladder = root[1 : sizes[axis - 1]].reshape(-1, *(1,) * (K - 1 - axis)) / root[top]
                    all_before: tuple[Any, ...] = (slice(None),) * axis
                    upper = here[(*all_before, slice(1, None))]
                    upper += factor * ladder * below[(*all_before, slice(-1))]
    return G


class Pullback(NamedTuple):
    """What a cotangent of G says of A, b and log c: by_A (B, K, K) symmetric, by_b (B, K), by_log (B,).

    dL = Re(sum by_A dA / 2 + sum by_b db + by_log dlog c).
    """

    by_A: np.ndarray
    by_b: np.ndarray
    by_log: np.ndarray


def pullback(G: np.ndarray, cotangent: np.ndarray) -> Pullback:
    """The reverse of `amplitudes`, given its result: dL = Re(sum conj(cotangent) dG), batches broadcast.

    z_i times the generating function is sqrt(n_i) G[n - e_i] in the amplitudes, hence so is its derivative by
    b_i, and twice so that by A_ij: exact within the cutoff, without a recursion.
    """
    B, K, C = max(len(G), len(cotangent)), G.ndim - 1, G.shape[1]
    G, cotangent = np.broadcast_to(G, (B, *G.shape[1:])), np.broadcast_to(cotangent, (B, *G.shape[1:]))
    rows = max(1, BLOCK // G[0].size)
    if B > rows:
        parts = [pullback(G[i : i + rows], cotangent[i : i + rows]) for i in range(0, B, rows)]
        return Pullback(*map(np.concatenate, zip(*parts, strict=True)))
    t = cotangent.conj()
    lifted, dropped = np.empty((2, B, K, *G.shape[1:]), dtype=complex)
    for i in range(K):
        root = np.sqrt(np.arange(1.0, C)).reshape(-1, *(1,) * (K - 1 - i))
        before: tuple[Any, ...] = (slice(None),) * (i + 1)
        lower, upper = (*before, slice(-1)), (*before, slice(1, None))
        np.multiply(root, G[lower], out=lifted[:, i][upper])
        np.multiply(root, t[upper], out=dropped[:, i][lower])
        lifted[:, i][(*before, 0)] = dropped[:, i][(*before, C - 1)] = 0
    lifted, dropped, across = lifted.reshape(B, K, -1), dropped.reshape(B, K, -1), t.reshape(B, -1, 1)
    return Pullback(
        dropped @ np.swapaxes(lifted, 1, 2),
        (lifted @ across)[..., 0],
        (G.reshape(B, 1, -1) @ across)[:, 0, 0],
    )
