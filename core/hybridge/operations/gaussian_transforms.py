"""Gaussian gates that constants define: a symplectic matrix, or the adjacency matrix of a graph.

They decompose into an interferometer, squeezers and an interferometer. Conventions are those of cv_gates.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants
from hybridge.operations.cv_gates import InterferometerUnitary, Squeezing, TwoModeSqueezing
from hybridge.operations.table import Constant, Family, Operation, Step, derive, step
from hybridge.operations.takagi import euler, passive, takagi

HALVINGS = 200  # of the interval in which the scale of a graph lies


def _check_transform(num_wires: int, S: Any) -> tuple[Constant]:
    subject, size = f"GaussianTransform on {num_wires} wires", 2 * num_wires
    matrix = constants.array(subject, "S", S, (size, size), float)
    form = np.kron([[0, 1], [-1, 0]], np.eye(num_wires))
    off = float(np.abs(matrix @ form @ matrix.T - form).max())
    if off > constants.TOLERANCE * max(1.0, np.abs(matrix).max() ** 2):
        raise CircuitError(
            f"{subject} needs a symplectic S, S Omega S^T = Omega in the order x1..xk, p1..pk; they differ "
            f"by {off:.2g}"
        )
    return (Constant(matrix),)


def _transform(num_wires: int, S: Constant) -> Operation:
    return _of_constants(
        "GaussianTransform",
        num_wires,
        S.array,
        (S,),
        GaussianTransform.formula,
        partial(_parts, S.array),
    )


def _of_constants(
    name: str, num_wires: int, S: np.ndarray, frozen: tuple[Any, ...], formula: str, parts: Any
) -> Operation:
    """A gate r -> S r. It has no Hamiltonian: not every S is the exponential of one."""
    form = np.kron([[0, 1], [-1, 0]], np.eye(num_wires))
    inverse = Constant(form @ S.T @ form.T)
    return Operation(
        name,
        "cv",
        num_wires,
        definition=lambda: (S, np.zeros(2 * num_wires)),
        decomposition=parts,
        inverse=lambda *wires: [step(derive(_transform, num_wires, inverse), wires)],
        constants=frozen,
        formula=formula,
    )


def _parts(S: np.ndarray, *wires: Hashable) -> list[Step]:
    V, r, U = euler(S)
    return [_interferometer(V, wires), *_squeezers(r, wires), _interferometer(U, wires)]


def _interferometer(u: np.ndarray, wires: Sequence[Hashable]) -> Step:
    return step(InterferometerUnitary.of(len(u), u), tuple(wires))


def _squeezers(r: np.ndarray, wires: Sequence[Hashable]) -> list[Step]:
    return [step(Squeezing, (w,), float(own), 0.0) for w, own in zip(wires, r, strict=True)]


GaussianTransform = Family(
    "GaussianTransform",
    "cv",
    ("S",),
    (),
    _transform,
    _check_transform,
    formula="r -> S r, S symplectic (2k, 2k), order (x1..xk, p1..pk)",
    examples=(
        (1, (np.array([[0.95, 0.1], [-0.06, (1 - 0.006) / 0.95]]),)),
        (1, (np.diag([-1.05, -1 / 1.05]),)),  # of no Hamiltonian
        (2, (np.array([[1, 0, 0, 0], [0.08, 1, 0, 0], [0, 0.06, 1, -0.08], [0.06, 0, 0, 1]]),)),
    ),
)


# ---- graphs -------------------------------------------------------------------------------------------


def _check_mean(subject: str, mean: Any) -> float:
    found = float(constants.array(subject, "mean_photon_per_mode", mean, (), float))
    if found <= 0:
        raise CircuitError(f"{subject} needs mean_photon_per_mode > 0; got {found:g}")
    return found


def _check_symmetric(subject: str, A: Any, num_wires: int) -> np.ndarray:
    matrix = constants.array(subject, "A", A, (num_wires, num_wires))
    off = float(np.abs(matrix - matrix.T).max())
    if off > constants.TOLERANCE * max(1.0, np.abs(matrix).max()):
        raise CircuitError(f"{subject} needs a symmetric A; A differs from its transpose by {off:.2g}")
    if not matrix.any():
        raise CircuitError(f"{subject} needs a graph with edges; A is zero")
    return (matrix + matrix.T) / 2


def _check_graph(num_wires: int, A: Any, mean_photon_per_mode: Any) -> tuple[Constant, float]:
    subject = f"GraphEmbed on {num_wires} wires"
    return Constant(_check_symmetric(subject, A, num_wires)), _check_mean(subject, mean_photon_per_mode)


def _check_bipartite(num_wires: int, A: Any, mean_photon_per_mode: Any) -> tuple[Constant, float]:
    subject, half = f"BipartiteGraphEmbed on {num_wires} wires", num_wires // 2
    matrix = _check_symmetric(subject, A, num_wires)
    if num_wires % 2 or matrix[:half, :half].any() or matrix[half:, half:].any():
        raise CircuitError(
            f"{subject} needs A = [[0, B], [B^T, 0]], the edges B between one half of the wires and the other"
        )
    return Constant(matrix), _check_mean(subject, mean_photon_per_mode)


def scaled_squeezings(s: np.ndarray, mean: float) -> np.ndarray:
    """artanh(c s), with the c at which squeezers of these make `mean` photons each: sinh^2 on the average."""
    low, high = 0.0, 1.0 / s.max()
    for _ in range(HALVINGS):
        c = (low + high) / 2
        x = np.square(c * s)
        photons = np.mean(x / (1 - x)) if x.max() < 1 else np.inf
        low, high = (c, high) if photons < mean else (low, c)
        if high - low <= 1e-16 * high:
            break
    return np.arctanh(low * s)


def _graph(num_wires: int, A: Constant, mean: float) -> Operation:
    s, U = takagi(A.array)
    r = -scaled_squeezings(s, mean)
    S = passive(U) @ np.diag(np.exp(np.concatenate([-r, r])))
    return _of_constants(
        "GraphEmbed",
        num_wires,
        S,
        (A, mean),
        GraphEmbed.formula,
        lambda *wires: [*_squeezers(r, wires), _interferometer(U, wires)],
    )


def _bipartite(num_wires: int, A: Constant, mean: float) -> Operation:
    half = num_wires // 2
    U, s, W = np.linalg.svd(A.array[:half, half:])
    r, both = scaled_squeezings(s, mean), np.zeros((num_wires, num_wires), dtype=complex)
    both[:half, :half], both[half:, half:] = U, W.T
    # two-mode squeezers: x1 -> cosh x1 + sinh x2, p1 -> cosh p1 - sinh p2
    ch, sh = np.diag(np.cosh(r)), np.diag(np.sinh(r))
    zero = np.zeros((num_wires, num_wires))
    S = passive(both) @ np.block(
        [[np.block([[ch, sh], [sh, ch]]), zero], [zero, np.block([[ch, -sh], [-sh, ch]])]]
    )
    return _of_constants(
        "BipartiteGraphEmbed",
        num_wires,
        S,
        (A, mean),
        BipartiteGraphEmbed.formula,
        lambda *wires: [
            *(
                step(TwoModeSqueezing, (wires[i], wires[half + i]), float(own), 0.0)
                for i, own in enumerate(r)
            ),
            _interferometer(U, wires[:half]),
            _interferometer(W.T, wires[half:]),
        ],
    )


_EDGES = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])
_PAIR = np.array([[0, 0.4 + 0.3j], [0.4 + 0.3j, 0]])
GraphEmbed = Family(
    "GraphEmbed",
    "cv",
    ("A", "mean_photon_per_mode"),
    (),
    _graph,
    _check_graph,
    defaults={"mean_photon_per_mode": 1.0},
    formula="squeezers, then an interferometer: the vacuum becomes a state whose amplitudes count the "
    "perfect matchings of the graph A (k, k), symmetric",
    examples=((2, (np.array([[0.2, 0.5j], [0.5j, -0.3]]), 0.004)), (3, (_EDGES, 0.004))),
)

BipartiteGraphEmbed = Family(
    "BipartiteGraphEmbed",
    "cv",
    ("A", "mean_photon_per_mode"),
    (),
    _bipartite,
    _check_bipartite,
    defaults={"mean_photon_per_mode": 1.0},
    formula="GraphEmbed of A = [[0, B], [B^T, 0]] by two-mode squeezers between the halves of the wires",
    examples=((2, (_PAIR, 0.004)),),
)
