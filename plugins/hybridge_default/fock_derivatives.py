"""The derivative of the truncated simulation, exact, by a sweep back through the states before each step.

The cotangent of kets is lam with dL = 2 Re <lam, d ket>; that of density matrices the Hermitian M with dL =
tr(M d rho). Both go back by the adjoint of each step, which need not be unitary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hybridge.plugin import FockModes, Operation, definition_slope
from hybridge_default.fock_engine import FORMS, Kept, Program, definition_of, mixed, multiplied, simulate


def fock_vjp(program: Program, C: int, params: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """cotangent (B, columns) -> (B, P)."""
    n, kept = program.num_wires, list[Kept]()
    back = _seed(program, C, simulate(program, C, params, kept), cotangent)
    found: dict[Operation, list[tuple[slice, np.ndarray, np.ndarray]]] = {}
    for step, before in zip(reversed(program.steps), reversed(kept), strict=True):
        back, by_tensor = BACK[step.operation.kind](back, before, step.wires, n, bool(step.operation.params))
        if step.operation.params:
            found.setdefault(step.operation, []).append((step.columns, before.tensor, by_tensor))
        if before.ket is not None:  # rho = |ket><ket|
            size = C**n
            ket = before.ket.reshape(-1, size, 1)
            back = (back.reshape(-1, size, size) @ ket).reshape(-1, *(C,) * n)
    out = np.zeros(params.shape)
    for operation, uses in found.items():
        _collect(out, operation, C, params, uses)
    return out


def _seed(program: Program, C: int, modes: FockModes, cotangent: np.ndarray) -> np.ndarray:
    """The cotangent of the final states."""
    n, B, start = program.num_wires, len(cotangent), 0
    if modes.kets is not None:
        kets, repeats = modes.kets, 1
    else:  # the columns of M, from all basis states
        repeats = C**n
        kets = np.tile(np.eye(repeats), (B, 1)).reshape(-1, *(C,) * n)
    total = np.zeros((B * repeats, *(C,) * n), dtype=complex)
    for reading in program.readings:
        stop = start + reading.width(C, n)
        inner = reading.inner(modes, cotangent[:, start:stop])
        total += reading.applied(kets, np.repeat(inner, repeats, axis=0))
        start = stop
    if modes.kets is not None:
        return total
    return np.swapaxes(total.reshape(B, repeats, repeats), 1, 2).reshape(-1, *(C,) * (2 * n))


# ---- one step back: the cotangent before it, and that of its tensor, dL = Re(sum conj(t) dT) -----------


def _outer(left: np.ndarray, right: np.ndarray, modes: Sequence[int]) -> np.ndarray:
    """sum over the other axes of left * conj(right): (B, D, D), rows from `left`."""
    a, b = (_rows(v, modes) for v in (left, right))
    return a @ np.swapaxes(b, 1, 2).conj()


def _rows(state: np.ndarray, modes: Sequence[int]) -> np.ndarray:
    """The axes of these modes as the rows of a matrix (B, D, rest)."""
    front = np.moveaxis(state, [1 + m for m in modes], range(1, len(modes) + 1))
    return front.reshape(len(state), state.shape[1] ** len(modes), -1)


def _adjoint(tensor: np.ndarray) -> np.ndarray:
    return np.swapaxes(tensor, 1, 2).conj()


def _gate_back(
    back: np.ndarray, before: Kept, wires: Sequence[int], n: int, wanted: bool
) -> tuple[np.ndarray, np.ndarray]:
    if back.ndim > n + 1:  # of T rho T^dagger: the side of the bra first
        back = multiplied(np.swapaxes(before.tensor, 1, 2), back, [n + w for w in wires])
    by_tensor = 2 * _outer(back, before.state, wires) if wanted else back[:0]
    return multiplied(_adjoint(before.tensor), back, wires), by_tensor


def _channel_back(
    back: np.ndarray, before: Kept, wires: Sequence[int], n: int, wanted: bool
) -> tuple[np.ndarray, np.ndarray]:
    both = [*wires, *(n + w for w in wires)]
    by_tensor = _outer(back, before.state, both) if wanted else back[:0]
    return multiplied(_adjoint(before.tensor), back, both), by_tensor


def _state_back(
    back: np.ndarray, before: Kept, wires: Sequence[int], n: int, wanted: bool
) -> tuple[np.ndarray, np.ndarray]:
    C, k, tensor = back.shape[1], len(wires), before.tensor
    others = [m for m in range(n) if m not in wires]
    if back.ndim == n + 1:  # the modes were in the vacuum: |state> <0|
        rest = before.state[tuple(0 if axis - 1 in wires else slice(None) for axis in range(n + 1))]
        found = _rows(back, wires)
        lam = tensor[:, None, :].conj() @ found
        by_tensor = 2 * (found @ rest.reshape(len(rest), -1, 1).conj())[..., 0]
        earlier = np.zeros_like(found)
        earlier[:, 0] = lam[:, 0]
        return _placed(earlier, wires, others, C), by_tensor
    # rho -> sigma x trace over the modes of rho
    axes = [*wires, *(n + w for w in wires)]
    found = _rows(back, axes)
    size, pure = C**k, tensor.ndim == 2
    sigma = tensor[:, :, None] * tensor[:, None, :].conj() if pure else tensor
    M = sigma.reshape(len(sigma), 1, -1).conj() @ found
    rest = FockModes(density=before.state).density_matrix(others)
    by_sigma = (found @ rest.reshape(len(rest), -1, 1).conj())[..., 0].reshape(-1, size, size)
    by_tensor = 2 * (by_sigma @ tensor[:, :, None])[..., 0] if pure else by_sigma
    earlier = np.eye(size).reshape(1, -1, 1) * M
    return _placed(earlier, axes, [*others, *(n + m for m in others)], C), by_tensor


def _placed(rows: np.ndarray, modes: Sequence[int], others: Sequence[int], C: int) -> np.ndarray:
    """The reverse of `_rows`."""
    state = rows.reshape(-1, *(C,) * (len(modes) + len(others)))
    return np.moveaxis(state, range(1, state.ndim), [1 + m for m in (*modes, *others)])


BACK: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "gate": _gate_back,
    "channel": _channel_back,
    "state": _state_back,
}


# ---- from tensors to parameters -----------------------------------------------------------------------


def _collect(
    out: np.ndarray,
    operation: Operation,
    C: int,
    params: np.ndarray,
    uses: Sequence[tuple[slice, np.ndarray, np.ndarray]],
) -> None:
    """Write dL of all parameters of one operation, at all its uses together, into `out` (B, P)."""
    B, arity = len(params), len(operation.params)
    values = np.concatenate([params[:, columns] for columns, _, _ in uses])
    by_tensor = np.concatenate([np.broadcast_to(t, (B, *t.shape[1:])) for _, _, t in uses])
    slope: Callable[[int], np.ndarray]
    if operation.definition is None:
        flat = by_tensor.reshape(len(values), -1).conj()
        slope = lambda k: (
            np.einsum(
                "bi,bi->b", flat, definition_slope(operation, k, values, C)[0].reshape(len(values), -1)
            ).real
        )
    else:
        form = FORMS[operation.kind, mixed(operation)]
        axes = (C,) * (sum(form.powers) * operation.num_wires)
        tensors = np.concatenate([np.broadcast_to(t, (B, *t.shape[1:])) for _, t, _ in uses])
        of_definition = form.slope(
            tensors.reshape(-1, *axes), by_tensor.reshape(-1, *axes), *definition_of(operation, values)
        )
        slope = lambda k: of_definition(*definition_slope(operation, k, values))
    for k in range(arity):
        found = slope(k).reshape(len(uses), B)
        for (columns, _, _), at_use in zip(uses, found, strict=True):
            out[:, columns.start + k] = at_use
