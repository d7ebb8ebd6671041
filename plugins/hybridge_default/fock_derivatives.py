"""The derivative of the truncated simulation, exact, by a sweep back through the states before each step.

The cotangent of the states, as `fock_cotangent` has it, goes back by the adjoint of each step, which need not
be unitary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import FockModes, Operation, Pullback, definition_slope, fock_cotangent
from hybridge_default.fock_engine import (
    FORMS,
    Kept,
    Program,
    Step,
    definition_of,
    mixed,
    multiplied,
    simulate,
)
from hybridge_default.fock_outcomes import selected_back


def fock_vjp(program: Program, C: int, params: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """cotangent (B, columns) -> (B, P)."""
    n, kept = program.num_wires, list[Kept]()
    modes = simulate(program, C, params, kept)
    back, after = (
        fock_cotangent(program.readings, modes, cotangent),
        modes.density if modes.kets is None else modes.kets,
    )
    uses: dict[tuple[Operation, bool], list[Found]] = {}
    for step, before in zip(reversed(program.steps), reversed(kept), strict=True):
        assert after is not None  # one of a FockModes' two is there
        said: np.ndarray | Pullback
        if step.operation.kind == "outcome":
            back, said = selected_back(back, before.state, before.tensor, step.wires, n)
        else:
            back, said = BACK[step.operation.kind](back, before, after, step, n)
        if step.operation.params:
            found = Found(step.columns, before.tensor, said)
            uses.setdefault((step.operation, isinstance(said, Pullback)), []).append(found)
        after = before.state
        if before.ket is not None:  # rho = |ket><ket|
            size, after = C**n, before.ket
            ket = before.ket.reshape(-1, size, 1)
            back = (back.reshape(-1, size, size) @ ket).reshape(-1, *(C,) * n)
    out = np.zeros(params.shape)
    for (operation, _), same in uses.items():
        _collect(out, operation, C, params, same)
    return out


class Found(NamedTuple):
    """A use of an operation: its columns, its tensor, the cotangent of that or what it says already."""

    columns: slice
    tensor: np.ndarray
    said: np.ndarray | Pullback


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
    back: np.ndarray, before: Kept, after: np.ndarray, step: Step, n: int
) -> tuple[np.ndarray, np.ndarray | Pullback]:
    tensor, wires = before.tensor, step.wires
    if back.ndim > n + 1:  # of T rho T^dagger: the side of the bra first
        back = multiplied(np.swapaxes(tensor, -2, -1), back, [n + w for w in wires])
    # T^dagger x is conj(T^T conj(x)): T itself, larger than x, need not be copied
    earlier = multiplied(np.swapaxes(tensor, -2, -1), back.conj(), wires).conj()
    if not step.operation.params:
        return earlier, back[:0]
    # the whole tensor of a gate on two of three modes, 20 levels each, has 20 times the entries of the ket
    whole = tensor.ndim == 3 and tensor[0].size <= before.state[0].size
    if step.operation.definition is None or whole:
        return earlier, 2 * _outer(back, before.state, wires)
    return earlier, _gate_pullback(back, after, earlier, before, wires)


def _gate_pullback(
    back: np.ndarray, after: np.ndarray, earlier: np.ndarray, before: Kept, wires: Sequence[int]
) -> Pullback:
    """`fock_pullback` for the cotangent 2 |back><before| of a gate, which is never written out.

    A variable z_i of the generating function raises an output of the gate, or lowers an input; so each entry
    is an element of ladder operators between back and after, or earlier and before, or across the gate. All
    but the last are of no use for a gate that keeps its photons, as no parameter changes what they meet.
    """
    lowered_back, lowered = (_ladders(_lower, v, wires) for v in (back, before.state))
    # one by one: twice as fast as side by side
    across = [multiplied(before.tensor, lowered[:, i], wires) for i in range(len(wires))]
    both = _braket(lowered_back, np.stack(across, axis=1))
    if before.tensor.ndim == 4:
        by_A = np.zeros((len(both), 4, 4), dtype=complex)
        by_A[:, :2, 2:], by_A[:, 2:, :2] = 2 * both, 2 * np.swapaxes(both, 1, 2)
        return Pullback(by_A, np.zeros((len(both), 4)), np.zeros(len(both)))
    raised, raised_earlier = (_ladders(_raise, v, wires) for v in (after, earlier))
    outputs, inputs = _braket(lowered_back, raised), _braket(raised_earlier, lowered)
    by_A = np.concatenate(
        [
            np.concatenate([outputs, both], axis=2),
            np.concatenate([np.swapaxes(both, 1, 2), inputs], axis=2),
        ],
        axis=1,
    )
    of_inputs = np.swapaxes(_braket(earlier[:, None], lowered), 1, 2)
    by_b = np.concatenate([_braket(lowered_back, after[:, None]), of_inputs], axis=1)
    return Pullback(2 * by_A, 2 * by_b[..., 0], 2 * _braket(back[:, None], after[:, None])[:, 0, 0])


def _braket(bras: np.ndarray, kets: np.ndarray) -> np.ndarray:
    """<bra|ket> for all pairs from the axes behind the batch: (B, bras, kets)."""
    left, right = (v.reshape(*v.shape[:2], -1) for v in (bras, kets))
    return left.conj() @ np.swapaxes(right, 1, 2)


def _ladders(operator: Callable[..., None], state: np.ndarray, modes: Sequence[int]) -> np.ndarray:
    """The ladder operator of each of these modes on the state, side by side behind the batch."""
    found = np.zeros((len(state), len(modes), *state.shape[1:]), dtype=complex)
    for i, mode in enumerate(modes):
        before: tuple[slice, ...] = (slice(None),) * (mode + 1)
        root = np.sqrt(np.arange(1.0, state.shape[mode + 1])).reshape(-1, *(1,) * (state.ndim - mode - 2))
        operator(root, state, found[:, i], (*before, slice(-1)), (*before, slice(1, None)))
    return found


def _lower(root: np.ndarray, state: np.ndarray, out: np.ndarray, below: Any, above: Any) -> None:
    np.multiply(root, state[above], out=out[below])


def _raise(root: np.ndarray, state: np.ndarray, out: np.ndarray, below: Any, above: Any) -> None:
    np.multiply(root, state[below], out=out[above])


def _channel_back(
    back: np.ndarray, before: Kept, after: np.ndarray, step: Step, n: int
) -> tuple[np.ndarray, np.ndarray]:
    both = [*step.wires, *(n + w for w in step.wires)]
    by_tensor = _outer(back, before.state, both) if step.operation.params else back[:0]
    return multiplied(_adjoint(before.tensor), back, both), by_tensor


def _state_back(
    back: np.ndarray, before: Kept, after: np.ndarray, step: Step, n: int
) -> tuple[np.ndarray, np.ndarray]:
    wires, tensor = step.wires, before.tensor
    C, k = back.shape[1], len(wires)
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


BACK: dict[str, Callable[..., tuple[np.ndarray, np.ndarray | Pullback]]] = {
    "gate": _gate_back,
    "channel": _channel_back,
    "state": _state_back,
}


# ---- from tensors to parameters -----------------------------------------------------------------------


def _collect(
    out: np.ndarray, operation: Operation, C: int, params: np.ndarray, uses: Sequence[Found]
) -> None:
    """Write dL of all parameters of one operation, at all its uses together, into `out` (B, P)."""
    B = len(params)
    values = np.concatenate([params[:, use.columns] for use in uses])
    slope: Callable[[int], np.ndarray]
    if operation.definition is None or operation.kind == "outcome":
        flat = _every([use.said for use in uses], B).reshape(len(values), -1).conj()
        slope = lambda k: (
            np.einsum(
                "bi,bi->b", flat, definition_slope(operation, k, values, C)[0].reshape(len(values), -1)
            ).real
        )
    else:
        form = FORMS[operation.kind, mixed(operation)]
        if isinstance(uses[0].said, Pullback):
            pulled = Pullback(*(_every(same, B) for same in zip(*(use.said for use in uses), strict=True)))
        else:
            axes = (-1, *(C,) * (sum(form.powers) * operation.num_wires))
            tensors, cotangents = ([use[i] for use in uses] for i in (1, 2))
            pulled = form.pullback(_every(tensors, B).reshape(axes), _every(cotangents, B).reshape(axes))
        of_definition = form.slope(pulled, *definition_of(operation, values))
        slope = lambda k: of_definition(*definition_slope(operation, k, values))
    for k in range(len(operation.params)):
        for use, found in zip(uses, slope(k).reshape(len(uses), B), strict=True):
            out[:, use.columns.start + k] = found


def _every(arrays: Iterable[Any], B: int) -> np.ndarray:
    """Arrays of 1 or B rows, all with B rows, one after the other."""
    return np.concatenate([np.broadcast_to(a, (B, *a.shape[1:])) for a in arrays])
