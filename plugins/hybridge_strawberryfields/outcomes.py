"""States given what a detector of some modes has read, which it leaves in the vacuum.

SF selects outcomes too (`select=`), of homodyne detection by a squeezed state in place of an eigenstate of
the quadrature; here the rows' own definitions are used, exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.plugin import CircuitError, Operation

LEAST = 1e-15  # weight of an outcome below which what is found is rounding


def given_gaussians(
    means: np.ndarray, cov: np.ndarray, detected: Sequence[np.ndarray], at: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussians of one covariance, means (K, 2n), where P r + noise of covariance N was found to be y.

    detected is (P, N, y), of the quadratures `at`; also their weights (K,), up to a common factor.
    """
    P, N, y = detected
    rows = np.zeros((len(P), len(cov)))
    rows[:, at] = P
    S = rows @ cov @ rows.T + N
    gain = np.linalg.solve(S, rows @ cov).T
    miss = y - means @ rows.T
    exponents = -(miss * np.linalg.solve(S, miss.T).T).sum(axis=1) / 2
    weights = np.exp(exponents - exponents.real.max())
    means, cov = means + miss @ gain.T, cov - gain @ rows @ cov
    means[:, at] = 0
    cov[at], cov[:, at] = 0, 0
    cov[at, at] = 1
    return means, (cov + cov.T) / 2, weights


def given_fock(
    state: np.ndarray, tensor: np.ndarray, modes: Sequence[int], n: int
) -> tuple[np.ndarray, float]:
    """The state (C,)*n or (C,)*2n, ket axes first, projected on a ket (C,)*k, or by an operator (C,)*2k.

    Normalised; also the outcome's weight.
    """
    C, k, pure = state.shape[0], len(modes), state.ndim == n
    if pure and tensor.ndim > k:
        state, pure = np.multiply.outer(state, state.conj()), False
    axes = [*modes] if pure else [*modes, *(n + mode for mode in modes)]
    front = np.moveaxis(state, axes, range(len(axes)))
    if pure:
        rest = np.tensordot(tensor.conj(), front, k)
        weight = float(np.vdot(rest, rest).real)
    else:
        E = np.multiply.outer(tensor, tensor.conj()) if tensor.ndim == k else tensor
        turned = E.transpose([*range(k, 2 * k), *range(k)])  # tr(E rho) over these modes
        rest = np.tensordot(turned, front, 2 * k)
        weight = float(np.trace(rest.reshape((C ** (n - k),) * 2)).real)
    found = np.zeros_like(front)
    if weight > LEAST:
        found[(0,) * len(axes)] = rest / (np.sqrt(weight) if pure else weight)
    return np.moveaxis(found, range(len(axes)), axes), weight


def check_weight(row: Operation, numbers: Sequence[float], weight: float) -> None:
    """Raise CircuitError for an outcome that does not come."""
    if weight > LEAST:
        return
    said = ", ".join(f"{name}={v:.6g}" for name, v in zip(row.params, numbers, strict=True))
    constants = ", ".join(map(str, row.constants))
    raise CircuitError(
        f"{row.name}({said or constants}) selects an outcome of probability {weight:.2g} in this state: "
        "select one that comes, or raise cutoff_dim if the state is cut short"
    )
