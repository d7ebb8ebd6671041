"""The recursion that turns a Gaussian function of complex variables into photon-number amplitudes.

A Gaussian state, gate or channel has a generating function c exp(z^T A z / 2 + b^T z) = sum_n G[n] z^n /
sqrt(n!), n one index per variable. Hence
sqrt(n_i) G[n] = b_i G[n - e_i] + sum_j A_ij sqrt(n_j - delta_ij) G[n - e_i - e_j]
(Miatto and Quesada, Quantum 4, 366 (2020)).
"""

from __future__ import annotations

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
    coupled = np.any(A, axis=0)  # gates leave most of A empty: a beamsplitter 8 of 16 entries
    shifted = np.any(b, axis=0)
    for top in range(1, cutoff):
        for i in range(
            K
        ):  # the part of the shell where n_i = top, up to the parts of earlier axes, which are full
            bounds = [slice(None)] + [slice(top + 1) if j < i else slice(top) for j in range(K)]
            here = G[_at(bounds, i, top)]
            below = G[_at(bounds, i, top - 1)]
            if shifted[i]:
                np.multiply(_laid(b[:, i], 0, K), below, out=here)
            if coupled[i, i] and top > 1:
                here += _laid(A[:, i, i], 0, K) * root[top - 1] * G[_at(bounds, i, top - 2)]
            for j in range(K):
                size = bounds[j + 1].stop
                if j != i and coupled[i, j] and size > 1:
                    axis = j + 1 if j < i else j  # where axis j of G is once axis i has been indexed away
                    factor = _laid(A[:, i, j], 0, K) * _laid(root[1:size], axis, K)
                    here[_cut(axis, slice(1, None))] += factor * below[_cut(axis, slice(-1))]
            here /= root[top]
    return G


def _at(bounds: list[slice], axis: int, n: int) -> tuple[slice | int, ...]:
    return tuple(n if k == axis + 1 else bound for k, bound in enumerate(bounds))


def _cut(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def _laid(values: np.ndarray, axis: int, ndim: int) -> np.ndarray:
    """values along one axis of an array of ndim axes."""
    return values.reshape([-1 if k == axis else 1 for k in range(ndim)])
