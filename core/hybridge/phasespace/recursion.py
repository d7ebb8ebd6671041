"""The recursion that turns a Gaussian function of complex variables into photon-number amplitudes.

A Gaussian state, gate or channel has a generating function c exp(z^T A z / 2 + b^T z) = sum_n G[n] z^n /
sqrt(n!), n one index per variable. Hence
sqrt(n_i) G[n] = b_i G[n - e_i] + sum_j A_ij sqrt(n_j - delta_ij) G[n - e_i - e_j]
(Miatto and Quesada, Quantum 4, 366 (2020)).
"""

from __future__ import annotations

from typing import Any

import numpy as np


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
            if (factor := shift[i]) is not None:
                np.multiply(factor, below, out=here)
            if (factor := couple[i][i]) is not None and top > 1:
                here += factor * root[top - 1] * G[(*before, top - 2, *after)]
            for axis, j in enumerate([*range(i), *range(i + 1, K)], start=1):  # axis: where n_j is in here
                if (factor := couple[i][j]) is not None and sizes[axis - 1] > 1:
                    ladder = root[1 : sizes[axis - 1]].reshape(-1, *(1,) * (K - 1 - axis))
                    all_before: tuple[Any, ...] = (slice(None),) * axis
                    here[(*all_before, slice(1, None))] += factor * ladder * below[(*all_before, slice(-1))]
            here /= root[top]
    return G
