"""default.fock: any continuous-variable circuit, with photon numbers below a cutoff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from hybridge.plugin import (
    Circuit,
    Device,
    FockModes,
    Measurement,
    Operation,
    Task,
    UnsupportedCircuit,
    available,
    fock_channel,
    fock_density,
    fock_gate,
    fock_ket,
    human,
)
from hybridge_default.cutoff import check_cutoff
from hybridge_default.cv_capabilities import FOCK

BLOCK = 2**28  # bytes of states simulated at once; a larger batch goes block by block


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
    measurements: tuple[Measurement, ...]
    num_wires: int
    pure: bool


class DefaultFock(Device):
    """Kets (B,) + (C,)*n, or density matrices (B,) + (C,)*2n from the first operation that mixes the state.

    cutoff_dim  C: photon numbers 0..C-1 are kept. Gaussian gates have the matrix elements of the untruncated
                gate, so the norm a state loses says what has left the cutoff. hbar = 2.
    """

    capabilities = FOCK
    name = "default.fock"
    cutoff_dim: int

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Program:
        """Raises UnsupportedCircuit where a ket is asked of a mixed state, or the state does not fit."""
        C, n = self.cutoff_dim, len(circuit.wires)
        steps: list[Step] = []
        used = 0
        touched: set[Any] = set()
        for operation, wires in circuit.instructions:
            columns = slice(used, used + len(operation.params))
            used = columns.stop
            # a state prepared on modes that met others leaves the others mixed
            mixes = _mixed(operation) or (operation.kind == "state" and bool(touched & set(wires)))
            for part, at, values in _parts(operation, wires):
                tensor = None if values is None else tensor_of(part, C, values)
                steps.append(Step(part, cast(tuple[int, ...], at), columns, tensor, mixes))
            touched |= set(wires)
        pure = not any(step.mixes for step in steps)
        if not pure and any(m.kind == "state" for m in circuit.measurements):
            raise UnsupportedCircuit(self.name, "a mixed state as a ket", "measure density_matrix")
        needed = _row_bytes(C, n, pure)
        if needed > BLOCK and needed > (room := available()):
            what = f"{'a ket' if pure else 'a density matrix'} of {n} modes with cutoff_dim={C}"
            remedy = f"it needs {human(needed)}, {human(room)} are free: lower cutoff_dim or use fewer modes"
            raise UnsupportedCircuit(self.name, what, remedy)
        return Program(tuple(steps), circuit.measurements, n, pure)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        results = []
        for program, params, *_ in tasks:
            rows = max(1, BLOCK // _row_bytes(self.cutoff_dim, program.num_wires, program.pure))
            blocks = [params[i : i + rows] for i in range(0, len(params), rows)]
            results.append(np.concatenate([_run(program, self.cutoff_dim, block) for block in blocks]))
        return results

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak, while its state is a ket."""
        return _row_bytes(self.cutoff_dim, num_wires, pure=True)


def _row_bytes(C: int, n: int, pure: bool) -> int:
    """The state, its copies on both sides of a matrix product, and a two-mode gate with its temporaries."""
    return 16 * (3 * C ** (n if pure else 2 * n) + 2 * C ** (2 * min(n, 2)))


def _run(program: Program, C: int, params: np.ndarray) -> np.ndarray:
    n, B = program.num_wires, len(params)
    state = np.zeros((1, *(C,) * n), dtype=complex)  # one row until rows differ
    state[(0,) * (n + 1)] = 1
    ready = _one_mode_gates(program, C, params)
    for i, step in enumerate(program.steps):
        if step.mixes and state.ndim == n + 1:
            state = FockModes(kets=state).density_matrix(range(n)).reshape(-1, *(C,) * (2 * n))
        tensor = ready.get(i, step.tensor)
        if tensor is None:
            values, at = _different(params[:, step.columns])
            tensor = _by_row(tensor_of(step.operation, C, values), at)
        state = APPLY[step.operation.kind](state, tensor, step.wires, n)
    modes = FockModes(kets=state) if state.ndim == n + 1 else FockModes(density=state)
    columns = [_column(modes, m, n) for m in program.measurements]
    return np.concatenate([np.broadcast_to(c, (B, c.shape[1])) for c in columns], axis=1)


def _column(modes: FockModes, measurement: Measurement, n: int) -> np.ndarray:
    if measurement.kind == "state":
        assert modes.kets is not None
        return modes.kets.reshape(len(modes.kets), -1)
    wires = range(n) if measurement.wires is None else cast(tuple[int, ...], measurement.wires)
    matrix = modes.density_matrix(wires)
    return matrix.reshape(len(matrix), -1)


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


def _parts(operation: Operation, wires: Any) -> list[tuple[Operation, Any, np.ndarray | None]]:
    """What to apply for it: (operation, wires, one row of values if they are known already).

    A constant gate on three or more wires goes in parts: its own matrix has cutoff^6 elements or more.
    """
    if operation.params:
        return [(operation, wires, None)]
    if operation.kind == "gate" and operation.num_wires > 2 and operation.decomposition is not None:
        parts = operation.decomposition(*wires)
        return [(part, at, np.array([values], dtype=float)) for part, at, values in parts]
    return [(operation, wires, np.empty((1, 0)))]


def tensor_of(operation: Operation, C: int, values: np.ndarray) -> np.ndarray:
    """The operation for each row of values (B, P), or once for all; D = C^num_wires.

    A gate (B, D, D), outputs first; a state, pure (B, D) or mixed (B, D, D); a channel (B, D^2, D^2), ket
    index before bra index.
    """
    form = FORMS[operation.kind, _mixed(operation)]
    D = C**operation.num_wires
    shape = (-1, *(D**power for power in form.powers))
    if operation.definition is not None:
        given = zip(operation.definition(*values.T), form.ranks, strict=True)
        batches = (v if np.ndim(v) == rank else np.asarray(v)[None] for v, rank in given)
        return form.expand(*batches, C).reshape(shape)
    assert operation.fock is not None
    found = operation.fock(C, *values.T)
    if form is PURE_STATE and found.ndim - bool(operation.params) > operation.num_wires:
        rho = found.reshape(D, D)  # of rank 1: any column is the ket
        n = int(np.argmax(rho.diagonal().real))
        found = rho[:, n] / np.sqrt(rho[n, n].real)
    return found.reshape(shape)


class Form(NamedTuple):
    """How a Gaussian row is expanded: by what, from arrays of which ranks, to axes of which powers of D."""

    expand: Callable[..., np.ndarray]
    ranks: tuple[int, ...]
    powers: tuple[int, ...]


PURE_STATE = Form(fock_ket, (2, 3), (1,))
FORMS = {
    ("gate", False): Form(fock_gate, (3, 2), (1, 1)),
    ("state", False): PURE_STATE,
    ("state", True): Form(fock_density, (2, 3), (1, 1)),
    ("channel", True): Form(fock_channel, (3, 2, 3), (2, 2)),
}


def _mixed(operation: Operation) -> bool:
    return operation.mixed or operation.kind == "channel"


# ---- applying them: state (B,) + (C,)*n or (B,) + (C,)*2n; batches of length 1 broadcast -----------


def _multiplied(tensor: np.ndarray, state: np.ndarray, modes: Sequence[int]) -> np.ndarray:
    """tensor (B, M, M) on these axes of the state, counted without the batch."""
    front, axes = range(1, len(modes) + 1), [1 + m for m in modes]
    moved = np.moveaxis(state, axes, front)
    product = tensor @ moved.reshape(len(moved), tensor.shape[2], -1)
    return np.moveaxis(product.reshape(-1, *moved.shape[1:]), front, axes)


def _gate(state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    state = _multiplied(tensor, state, wires)
    return state if state.ndim == n + 1 else _multiplied(tensor.conj(), state, [n + w for w in wires])


def _channel(state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    return _multiplied(tensor, state, [*wires, *(n + w for w in wires)])


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
