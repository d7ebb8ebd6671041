"""The steps of default.fock: operations as arrays in the number basis, applied to kets and densities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import (
    FockModes,
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
)
from hybridge_default.fock_readings import Reading, State


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
    readings: tuple[Reading, ...]
    num_wires: int
    pure: bool

    def columns_of(self) -> Iterator[tuple[Operation, np.ndarray]]:
        """The operations and the columns of their parameters."""
        return ((s.operation, np.arange(s.columns.start, s.columns.stop)) for s in self.steps)

    @property
    def gives_state(self) -> bool:
        return any(isinstance(r, State) for r in self.readings)


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
    ready = _one_mode_gates(program, C, params)
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
        state = APPLY[step.operation.kind](state, tensor, step.wires, n)
    return FockModes(kets=state) if state.ndim == n + 1 else FockModes(density=state)


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


def _one_mode_gates(program: Program, C: int, params: np.ndarray) -> dict[int, np.ndarray]:
    """The matrices of all Gaussian gates on one mode, by their place in the program.

    All go through one recursion: it is bound by the number of its steps, not by their size.
    """
    places, symplectics, shifts, rows = [], [], [], []
    for i, step in enumerate(program.steps):
        row = step.operation
        if step.tensor is None and row.kind == "gate" and row.num_wires == 1 and row.definition is not None:
            values, at = _different(params[:, step.columns])
            S, d = row.definition(*values.T)
            places.append(i)
            symplectics.append(np.broadcast_to(S, (len(values), 2, 2)))
            shifts.append(np.broadcast_to(d, (len(values), 2)))
            rows.append(at)
    if not places:
        return {}
    tensors = fock_gate(np.concatenate(symplectics), np.concatenate(shifts), C)
    ends = np.cumsum([len(S) for S in symplectics])[:-1]
    return {i: _by_row(t, at) for i, t, at in zip(places, np.split(tensors, ends), rows, strict=True)}


def parts(operation: Operation, wires: Any) -> list[tuple[Operation, Any, np.ndarray | None]]:
    """What to apply for it: (operation, wires, one row of values if they are known already).

    A constant gate on three or more wires goes in parts: its own matrix has cutoff^6 elements or more.
    """
    if operation.params:
        return [(operation, wires, None)]
    if operation.kind == "gate" and operation.num_wires > 2 and operation.decomposition is not None:
        steps = operation.decomposition(*wires)
        return [(part, at, np.array([values], dtype=float)) for part, at, values in steps]
    return [(operation, wires, np.empty((1, 0)))]


def tensor_of(operation: Operation, C: int, values: np.ndarray) -> np.ndarray:
    """The operation for each row of values (B, P), or once for all; D = C^num_wires.

    A gate (B, D, D), outputs first; a state, pure (B, D) or mixed (B, D, D); a channel (B, D^2, D^2), ket
    index before bra index.
    """
    form = FORMS[operation.kind, mixed(operation)]
    D = C**operation.num_wires
    shape = (-1, *(D**power for power in form.powers))
    if operation.definition is not None:
        return form.expand(*definition_of(operation, values), C).reshape(shape)
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
    """tensor (B, M, M) on these axes of the state, counted without the batch."""
    front, axes = range(1, len(modes) + 1), [1 + m for m in modes]
    moved = np.moveaxis(state, axes, front)
    product = tensor @ moved.reshape(len(moved), tensor.shape[2], -1)
    return np.moveaxis(product.reshape(-1, *moved.shape[1:]), front, axes)


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
