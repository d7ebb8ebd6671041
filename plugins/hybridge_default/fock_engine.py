"""The steps of default.fock: operations as arrays in the number basis, applied to kets and densities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import (
    FockModes,
    FockReading,
    Operation,
    Pullback,
    fock_channel,
    fock_channel_pullback,
    fock_channel_slope,
    fock_density,
    fock_density_slope,
    fock_gate,
    fock_gate_slope,
    fock_ket,
    fock_ket_slope,
    fock_pullback,
    fock_sectors,
)
from hybridge_default.fock_outcomes import check_weight, selected


class Step(NamedTuple):
    """One operation: its wires, the columns of its parameters, its tensor where it has none.

    mixes tells whether it may turn a ket into a mixed state.
    """

    operation: Operation
    wires: tuple[int, ...]
    columns: slice
    tensor: np.ndarray | None
    mixes: bool


class Program(NamedTuple):
    """A compiled circuit; pure tells whether the state stays a ket."""

    steps: tuple[Step, ...]
    readings: tuple[FockReading, ...]
    num_wires: int
    pure: bool

    @property
    def selects(self) -> bool:
        """Whether a state is normalised on the way, so that its norm does not tell what it lost."""
        return any(s.operation.kind == "outcome" for s in self.steps)

    def columns_of(self) -> Iterator[tuple[Operation, np.ndarray]]:
        """The operations and the columns of their parameters."""
        return ((s.operation, np.arange(s.columns.start, s.columns.stop)) for s in self.steps)

    @property
    def gives_state(self) -> bool:
        return any(r.gives_state for r in self.readings)


class Kept(NamedTuple):
    """For the derivative of a step: the state it acted on, as a ket too where it was one, and its tensor."""

    state: np.ndarray
    ket: np.ndarray | None
    tensor: np.ndarray


def simulate(program: Program, C: int, params: np.ndarray, kept: list[Kept] | None = None) -> FockModes:
    """The final states, a batch of 1 where rows do not differ; what each step needs goes into `kept`."""
    n = program.num_wires
    state = np.zeros((1, *(C,) * n), dtype=complex)  # one row until rows differ
    state[(0,) * (n + 1)] = 1
    ready = _gates_at_once(program, C, params)
    hidden: np.ndarray | float = 0.0  # beyond the cutoff where a state was normalised
    for i, step in enumerate(program.steps):
        ket = None
        if step.mixes and state.ndim == n + 1:
            ket = state
            state = FockModes(kets=ket).density_matrix(range(n)).reshape(-1, *(C,) * (2 * n))
        tensor = ready.get(i, step.tensor)
        if tensor is None:
            values, at = _different(params[:, step.columns])
            tensor = _by_row(tensor_of(step.operation, C, values), at)
        if kept is not None:
            kept.append(Kept(state, ket, tensor))
        if step.operation.kind == "outcome":
            leak = _modes(state, n, hidden).leak()
            state, weight = selected(state, tensor, step.wires, n)
            check_weight(step.operation, weight, params[:, step.columns])
            hidden = leak / weight
        else:
            state = APPLY[step.operation.kind](state, tensor, step.wires, n)
    return _modes(state, n, hidden)


def _modes(state: np.ndarray, n: int, hidden: np.ndarray | float) -> FockModes:
    return FockModes(state, None, hidden) if state.ndim == n + 1 else FockModes(None, state, hidden)


# ---- operations as matrices and vectors in the number basis ------------------------------------------


def _different(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows of values (B, P), and for each row which of them it is.

    Each is expanded once: the rows of a shift rule share most of their numbers.
    """
    if len(values) == 1:
        return values, np.zeros(1, dtype=np.intp)
    different, at = np.unique(values, axis=0, return_inverse=True)
    return different, at.ravel()


def _by_row(tensor: np.ndarray, at: np.ndarray) -> np.ndarray:
    return tensor if len(tensor) == 1 else tensor[at]


def _gates_at_once(program: Program, C: int, params: np.ndarray) -> dict[int, np.ndarray]:
    """The tensors of Gaussian gates on one mode, or that keep their photons, by their place in the program.

    All of a kind go through one recursion: it is bound by the number of its steps, not by their size.
    """
    groups: dict[Expand, list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]] = {}
    for i, step in enumerate(program.steps):
        row = step.operation
        if step.tensor is None and row.kind == "gate" and row.num_wires < 3 and row.definition is not None:
            values, at = _different(params[:, step.columns])
            S, d = definition_of(row, values)
            if row.num_wires == 1 or keeps_photons(row):
                expand = _sectors if row.num_wires == 2 else fock_gate
                groups.setdefault(expand, []).append((i, at, *np.broadcast_arrays(S, d[..., None])))
    ready = {}
    for expand, uses in groups.items():
        places, rows, symplectics, shifts = zip(*uses, strict=True)
        tensors = expand(np.concatenate(symplectics), np.concatenate(shifts)[..., 0], C)
        ends = np.cumsum([len(S) for S in symplectics])[:-1]
        for i, t, at in zip(places, np.split(tensors, ends), rows, strict=True):
            ready[i] = _by_row(t, at)
    return ready


Expand = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@lru_cache(maxsize=512)
def keeps_photons(operation: Operation) -> bool:
    """Whether a Gaussian gate neither makes nor loses photons, whatever its parameters: a -> E a."""
    points = np.random.default_rng(0).uniform(0.1, 0.9, (3, len(operation.params)))
    S, d = definition_of(operation, points)
    k = operation.num_wires
    xx, xp, px, pp = S[:, :k, :k], S[:, :k, k:], S[:, k:, :k], S[:, k:, k:]
    return bool(max(np.abs(v).max() for v in (xx - pp, xp + px, d)) < 1e-12)


def _sectors(S: np.ndarray, d: np.ndarray, C: int) -> np.ndarray:
    return fock_sectors(S, C)


WIDEST = {"gate": 2, "channel": 1}


def parts(operation: Operation, wires: Any) -> list[tuple[Operation, Any, np.ndarray | None]]:
    """What to apply for it: (operation, wires, one row of values if they are known already).

    A constant gate on three or more wires goes in parts, a channel on two: its own matrix has cutoff^6
    elements or more.
    """
    if operation.params:
        return [(operation, wires, None)]
    wide = operation.num_wires > WIDEST.get(operation.kind, operation.num_wires)
    if wide and operation.decomposition is not None:
        steps = operation.decomposition(*wires)
        return [
            (inner, on, np.array([values], dtype=float) if known is None else known)
            for part, at, values in steps
            for inner, on, known in (parts(part, at) if not values else [(part, at, None)])
        ]
    return [(operation, wires, np.empty((1, 0)))]


def tensor_of(operation: Operation, C: int, values: np.ndarray) -> np.ndarray:
    """The operation for each row of values (B, P), or once for all; D = C^num_wires.

    A gate (B, D, D), outputs first, or the (B, 2C - 1, C, C) of `fock_sectors`; a state, pure (B, D) or mixed
    (B, D, D); a channel (B, D^2, D^2), ket index before bra index; an outcome (B, D) or (B, D, D).
    """
    D = C**operation.num_wires
    if operation.kind == "outcome":
        assert operation.fock is not None
        return operation.fock(C, *values.T).reshape(-1, *(D,) * (1 + operation.mixed))
    form = FORMS[operation.kind, mixed(operation)]
    shape = (-1, *(D**power for power in form.powers))
    if operation.definition is not None:
        definition = definition_of(operation, values)
        if operation.kind == "gate" and operation.num_wires == 2 and keeps_photons(operation):
            return _sectors(*definition, C)
        return form.expand(*definition, C).reshape(shape)
    assert operation.fock is not None
    found = operation.fock(C, *values.T)
    if form is PURE_STATE and found.ndim - bool(operation.params) > operation.num_wires:
        rho = found.reshape(D, D)  # of rank 1: any column is the ket
        n = int(np.argmax(rho.diagonal().real))
        found = rho[:, n] / np.sqrt(rho[n, n].real)
    return found.reshape(shape)


def definition_of(operation: Operation, values: np.ndarray) -> list[np.ndarray]:
    """The definition of a Gaussian row for each row of values (B, P), or once for all, with a batch axis."""
    assert operation.definition is not None
    ranks = FORMS[operation.kind, mixed(operation)].ranks
    given = zip(operation.definition(*values.T), ranks, strict=True)
    return [v if np.ndim(v) == rank else np.asarray(v)[None] for v, rank in given]


class Form(NamedTuple):
    """How a Gaussian row is expanded: by what, from arrays of which ranks, to axes of which powers of D.

    `slope` is the derivative of `expand`, from what `pullback` finds.
    """

    expand: Callable[..., np.ndarray]
    pullback: Callable[[np.ndarray, np.ndarray], Pullback]
    slope: Callable[..., Callable[..., np.ndarray]]
    ranks: tuple[int, ...]
    powers: tuple[int, ...]


PURE_STATE = Form(fock_ket, fock_pullback, fock_ket_slope, (2, 3), (1,))
FORMS = {
    ("gate", False): Form(fock_gate, fock_pullback, fock_gate_slope, (3, 2), (1, 1)),
    ("state", False): PURE_STATE,
    ("state", True): Form(fock_density, fock_pullback, fock_density_slope, (2, 3), (1, 1)),
    ("channel", True): Form(fock_channel, fock_channel_pullback, fock_channel_slope, (3, 2, 3), (2, 2)),
}


def mixed(operation: Operation) -> bool:
    return operation.mixed or operation.kind == "channel"


# ---- applying them: state (B,) + (C,)*n or (B,) + (C,)*2n; batches of length 1 broadcast -----------


def multiplied(tensor: np.ndarray, state: np.ndarray, modes: Sequence[int]) -> np.ndarray:
    """A tensor (B, M, M), or of sectors, on these axes of the state, counted without the batch."""
    order, back = _orders(state.ndim, tuple(modes))
    moved = state.transpose(order)
    if tensor.ndim == 4:
        product = _by_sector(tensor, moved.reshape(len(moved), moved.shape[1] ** 2, -1))
    else:
        product = tensor @ moved.reshape(len(moved), tensor.shape[2], -1)
    return product.reshape(-1, *moved.shape[1:]).transpose(back)


@lru_cache(maxsize=1024)
def _orders(axes: int, modes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The order of axes that brings those of these modes to the front, behind the batch; and its reverse."""
    order = [0, *(1 + m for m in modes), *(i for i in range(1, axes) if i - 1 not in modes)]
    return tuple(order), tuple(np.argsort(order).tolist())


def _by_sector(tensor: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(B, 2C - 1, C, C) on (B, C^2, R): a fifth of the time of the whole matrix at C = 20."""
    C = tensor.shape[2]
    pairs, places = _sector_places(C)
    product = tensor @ state[:, pairs].reshape(len(state), 2 * C - 1, C, -1)
    return product.reshape(len(product), (2 * C - 1) * C, -1)[:, places]


@lru_cache(maxsize=64)
def _sector_places(C: int) -> tuple[np.ndarray, np.ndarray]:
    """Which pair m * C + (N - m) is at N * C + m, a clipped one where there is none; and the reverse."""
    total, m = np.indices((2 * C - 1, C))
    pairs = m * C + np.clip(total - m, 0, C - 1)
    left, right = np.indices((C, C))
    return pairs.ravel(), ((left + right) * C + left).ravel()


def _gate(state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    state = multiplied(tensor, state, wires)
    return state if state.ndim == n + 1 else multiplied(tensor.conj(), state, [n + w for w in wires])


def _channel(state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    return multiplied(tensor, state, [*wires, *(n + w for w in wires)])


def _state(state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    C = state.shape[1]
    if state.ndim == n + 1:  # then these modes are in the vacuum still: see Step.mixes
        axes = [1 + w for w in wires]
        rest = state[tuple(0 if axis in axes else slice(None) for axis in range(n + 1))]
    else:
        axes = [1 + w for w in wires] + [1 + n + w for w in wires]
        rest = FockModes(density=state).density_matrix([m for m in range(n) if m not in wires])
        if tensor.ndim == 2:
            tensor = tensor[:, :, None] * tensor[:, None, :].conj()
    product = tensor.reshape(len(tensor), -1, 1) * rest.reshape(len(rest), 1, -1)
    return np.moveaxis(product.reshape(-1, *(C,) * (state.ndim - 1)), range(1, len(axes) + 1), axes)


APPLY = {"gate": _gate, "channel": _channel, "state": _state}
