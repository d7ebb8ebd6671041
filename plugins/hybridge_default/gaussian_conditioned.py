"""Gaussian circuits that post-select, in numpy: the mean and covariance forward, and their cotangents back.

Given that P r + noise of covariance N was found to be y, the state has the mean m + K (y - P m) and the
covariance V - K P V, K = V P^T (P V P^T + N)^-1 (Serafini, Quantum Continuous Variables, 5.4.5); that is not
linear in V, so the quadratures that are read cannot be taken back through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import numpy as np

from hybridge.plugin import Circuit, CircuitError, Operation, definition_slope
from hybridge_default.gaussian_readings import Placed, placed

Arrays = tuple[np.ndarray, ...]
State = tuple[np.ndarray, np.ndarray]  # mean (B, 2n), covariance (B, 2n, 2n), or the cotangents of both
FARTHEST = 700.0  # exp(-FARTHEST) is near the least float
RANKS = {"gate": (2, 1), "channel": (2, 1, 2), "state": (1, 2), "outcome": (2, 2, 1)}


class Use(NamedTuple):
    """A row, the columns of its parameters, and its quadratures (2k,), x then p."""

    operation: Operation
    columns: np.ndarray
    at: np.ndarray


class ConditionedProgram(NamedTuple):
    """The uses in order, the quadratures (R,) that are read, and what is read from them."""

    uses: tuple[Use, ...]
    num_wires: int
    quadratures: np.ndarray
    readings: tuple[Placed, ...]

    def columns_of(self) -> Iterator[tuple[Operation, np.ndarray]]:
        """The operations and the columns of their parameters."""
        return ((use.operation, use.columns) for use in self.uses)


def selects(circuit: Circuit) -> bool:
    """Whether the circuit needs a program of this kind."""
    return any(operation.kind == "outcome" for operation, _ in circuit.instructions)


def conditioned(circuit: Circuit, cutoff: int) -> ConditionedProgram:
    """The program of a lowered circuit."""
    n, start, uses = len(circuit.wires), 0, []
    for operation, wires in circuit.instructions:
        columns = np.arange(start, start + len(operation.params))
        start += len(columns)
        on = cast(tuple[int, ...], wires)
        uses.append(Use(operation, columns, np.array([*on, *(n + w for w in on)], np.intp)))
    return ConditionedProgram(tuple(uses), n, *placed(circuit.measurements, n, cutoff))


def _definition(use: Use, params: np.ndarray) -> Arrays:
    """With a batch axis."""
    assert use.operation.definition is not None
    found = use.operation.definition(*params[:, use.columns].T)
    ranks = RANKS[use.operation.kind]
    return tuple(v if v.ndim > rank else v[None] for v, rank in zip(found, ranks, strict=True))


# ---- forward: the state after a use -------------------------------------------------------------------


def _wide(block: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    """A matrix on these quadratures that leaves the others: (B, size, size)."""
    wide = np.broadcast_to(np.eye(size), (len(block), size, size)).copy()
    wide[:, at[:, None], at] = block
    return wide


def _moved(state: State, at: np.ndarray, X: np.ndarray, d: np.ndarray, *Y: np.ndarray) -> State:
    mean, cov = state
    A = _wide(X, at, cov.shape[1])
    mean, cov = (A @ mean[..., None])[..., 0], A @ cov @ np.swapaxes(A, 1, 2)
    mean[:, at] += d
    for noise in Y:
        cov[:, at[:, None], at] += noise
    return mean, cov


def _prepared(state: State, at: np.ndarray, new: np.ndarray, new_cov: np.ndarray) -> State:
    mean, cov = state[0].copy(), state[1].copy()
    cov[:, at, :] = 0
    cov[:, :, at] = 0
    mean[:, at], cov[:, at[:, None], at] = new, new_cov
    return mean, cov


class _Gain(NamedTuple):
    """G = V P^T, the inverse of P V P^T + N, and y - P m."""

    G: np.ndarray
    inverse: np.ndarray
    off: np.ndarray


def _gain(state: State, at: np.ndarray, P: np.ndarray, N: np.ndarray, y: np.ndarray) -> _Gain:
    mean, cov = state
    G = cov[:, :, at] @ np.swapaxes(P, 1, 2)
    return _Gain(G, np.linalg.inv(P @ G[:, at] + N), y - (P @ mean[:, at, None])[..., 0])


def _selected(state: State, at: np.ndarray, P: np.ndarray, N: np.ndarray, y: np.ndarray) -> State:
    G, inverse, off = _gain(state, at, P, N, y)
    K = G @ inverse
    given = state[0] + (K @ off[..., None])[..., 0], state[1] - K @ np.swapaxes(G, 1, 2)
    return _prepared(given, at, np.zeros(len(at)), np.eye(len(at)))


FORWARD: dict[str, Callable[..., State]] = {
    "gate": _moved,
    "channel": _moved,
    "state": _prepared,
    "outcome": _selected,
}


# ---- back: the cotangents of the state before a use, and of its definition ----------------------------


def _moved_back(
    back: State, before: State, at: np.ndarray, X: np.ndarray, d: np.ndarray, *Y: np.ndarray
) -> tuple[State, Arrays]:
    (by_mean, by_cov), (mean, cov) = back, before
    A = _wide(X, at, cov.shape[1])
    by_X = by_mean[:, at, None] * mean[:, None, at] + 2 * by_cov[:, at] @ (A @ cov)[:, :, at]
    At = np.swapaxes(A, 1, 2)
    earlier = (At @ by_mean[..., None])[..., 0], At @ by_cov @ A
    return earlier, (by_X, by_mean[:, at], *(by_cov[:, at[:, None], at] for _ in Y))


def _prepared_back(
    back: State, before: State, at: np.ndarray, new: np.ndarray, new_cov: np.ndarray
) -> tuple[State, Arrays]:
    by_mean, by_cov = back[0].copy(), back[1].copy()
    own = by_mean[:, at], by_cov[:, at[:, None], at]
    by_mean[:, at] = 0
    by_cov[:, at, :] = 0
    by_cov[:, :, at] = 0
    return (by_mean, by_cov), own


def _selected_back(
    back: State, before: State, at: np.ndarray, P: np.ndarray, N: np.ndarray, y: np.ndarray
) -> tuple[State, Arrays]:
    (by_mean, by_cov), _ = _prepared_back(back, before, at, y, N)
    mean, cov = before
    G, inverse, off = _gain(before, at, P, N, y)
    K, Pt = G @ inverse, np.swapaxes(P, 1, 2)
    by_off = (np.swapaxes(K, 1, 2) @ by_mean[..., None])[..., 0]
    by_K = by_mean[..., None] * off[:, None, :] - by_cov @ G
    by_G = by_K @ inverse - by_cov @ K
    by_Q = -np.swapaxes(K, 1, 2) @ by_K @ inverse
    both = by_Q + np.swapaxes(by_Q, 1, 2)
    own = cov[:, at[:, None], at]
    by_P = both @ P @ own + np.swapaxes(by_G, 1, 2) @ cov[:, :, at] - by_off[:, :, None] * mean[:, None, at]
    new_mean, new_cov = by_mean.copy(), by_cov.copy()
    new_mean[:, at] -= (Pt @ by_off[..., None])[..., 0]
    new_cov[:, :, at] += by_G @ P
    new_cov[:, at[:, None], at] += Pt @ by_Q @ P
    return (new_mean, (new_cov + np.swapaxes(new_cov, 1, 2)) / 2), (by_P, by_Q, by_off)


BACK: dict[str, Callable[..., tuple[State, Arrays]]] = {
    "gate": _moved_back,
    "channel": _moved_back,
    "state": _prepared_back,
    "outcome": _selected_back,
}


# ---- whole circuits -----------------------------------------------------------------------------------


def _states(program: ConditionedProgram, params: np.ndarray) -> Iterator[State]:
    """The state before each use, and the last."""
    size, B = 2 * program.num_wires, len(params)
    state = np.zeros((B, size)), np.broadcast_to(np.eye(size), (B, size, size)).copy()
    yield state
    for use in program.uses:
        arrays = _definition(use, params)
        if use.operation.kind == "outcome":
            _check_likely(use, params, _gain(state, use.at, *arrays))
        state = FORWARD[use.operation.kind](state, use.at, *arrays)
        yield state


def _check_likely(use: Use, params: np.ndarray, gain: _Gain) -> None:
    """Raise CircuitError for an outcome so far off that its density is 0 in floating point."""
    exponent = np.einsum("bi,bij,bj->b", gain.off, gain.inverse, gain.off) / 2
    if (exponent <= FARTHEST).all() or not np.isfinite(gain.inverse).all():  # `finite` says what made it so
        return
    row = params[int(np.argmax(exponent)), use.columns]
    said = ", ".join(f"{name}={v:.6g}" for name, v in zip(use.operation.params, row, strict=True))
    raise CircuitError(
        f"{use.operation.name}({said}) selects an outcome of probability exp(-{exponent.max():.3g}) in this "
        "state: select one that comes"
    )


def _read(program: ConditionedProgram, state: State) -> State:
    rows = program.quadratures
    return state[0][:, rows], state[1][:, rows[:, None], rows]


@np.errstate(over="ignore", invalid="ignore")  # `finite` says what made it so
def conditioned_run(program: ConditionedProgram, params: np.ndarray) -> np.ndarray:
    """params (B, P) -> (B, columns)."""
    *_, last = _states(program, params)
    mean, cov = _read(program, last)
    read = [r.reading.columns(mean[:, r.at], cov[:, r.at[:, None], r.at]) for r in program.readings]
    return np.concatenate(read, axis=1)


@np.errstate(over="ignore", invalid="ignore")
def conditioned_vjp(program: ConditionedProgram, params: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """cotangent (B, columns) -> (B, P)."""
    *before, last = _states(program, params)
    mean, cov = _read(program, last)
    by_mean, by_cov, start = np.zeros(last[0].shape), np.zeros(last[1].shape), 0
    for reading, at in program.readings:
        stop, rows = start + reading.width, program.quadratures[at]
        pulled = reading.pullback(mean[:, at], cov[:, at[:, None], at], cotangent[:, start:stop])
        by_mean[:, rows] += pulled[0]
        by_cov[:, rows[:, None], rows] += (pulled[1] + np.swapaxes(pulled[1], 1, 2)) / 2
        start = stop
    back, out = (by_mean, by_cov), np.zeros(params.shape)
    for use, state in zip(reversed(program.uses), reversed(before), strict=True):
        arrays = _definition(use, params)
        back, by_arrays = BACK[use.operation.kind](back, state, use.at, *arrays)
        for k, column in enumerate(use.columns):
            slopes = definition_slope(use.operation, k, params[:, use.columns])
            out[:, column] = sum(
                (bar * slope).reshape(len(bar), -1).sum(axis=1)
                for bar, slope in zip(by_arrays, slopes, strict=True)
            )
    return out
