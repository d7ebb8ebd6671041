"""Post-selection in default.fock: modes projected on an outcome, the state normalised, the modes left empty.

What had left the cutoff may have had a part in the outcome: that is told relative to the outcome's weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.plugin import CircuitError, Operation

LEAST = 1e-15  # weight of an outcome below which what is found is rounding


def selected(
    state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int
) -> tuple[np.ndarray, np.ndarray]:
    """The state given the outcome, normalised, and its weight (B,).

    tensor (B, D): a ket; (B, D, D), of density matrices: an operator E.
    """
    C, pure = state.shape[1], state.ndim == n + 1
    rest = _rest(state, tensor, wires, n)
    if pure:
        weight = (np.abs(rest) ** 2).sum(axis=1)
    else:
        weight = np.trace(_square(rest), axis1=1, axis2=2).real
    scale = np.sqrt(weight) if pure else weight
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = rest / scale[:, None]
    return _with_vacuum(rest, wires, n, C, pure), weight


def check_weight(operation: Operation, weight: np.ndarray, values: np.ndarray) -> None:
    """Raise CircuitError for an outcome that does not come; values (B, P) are the operation's numbers."""
    least = int(np.argmin(weight))
    if weight[least] > LEAST:
        return
    row = values[least] if len(values) > 1 else values[0]
    said = ", ".join(f"{name}={v:.6g}" for name, v in zip(operation.params, row, strict=True))
    constants = ", ".join(map(str, operation.constants))
    raise CircuitError(
        f"{operation.name}({said or constants}) selects an outcome of probability {weight[least]:.2g} in "
        "this state: select one that comes, or raise cutoff_dim if the state is cut short"
    )


def selected_back(
    back: np.ndarray, state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int
) -> tuple[np.ndarray, np.ndarray]:
    """The reverse of `selected`: the cotangent of the state before it, and that of a ket `tensor`."""
    C, pure = state.shape[1], state.ndim == n + 1
    others = [m for m in range(n) if m not in wires]
    rest = _rest(state, tensor, wires, n)
    lam = back[tuple(0 if axis - 1 in _axes(wires, n, pure) else slice(None) for axis in range(back.ndim))]
    lam = lam.reshape(len(lam), -1)
    if pure:
        root = np.sqrt((np.abs(rest) ** 2).sum(axis=1))[:, None]
        found = rest / root
        lam = (lam - found * (found.conj() * lam).sum(axis=1, keepdims=True).real) / root
        earlier = tensor[:, :, None] * lam[:, None, :]
        by_ket = 2 * (_rows(state, wires) @ lam.conj()[:, :, None])[..., 0]
        return _placed(earlier, wires, others, C), by_ket
    rho, m = _square(rest), _square(lam)
    weight = np.trace(rho, axis1=1, axis2=2).real[:, None, None]
    mean = np.einsum("bij,bji->b", m, rho).real[:, None, None] / weight
    m = (m - mean * np.eye(m.shape[1])) / weight
    E = tensor if tensor.ndim == 3 else tensor[:, :, None] * tensor[:, None, :].conj()
    earlier = E.reshape(len(E), -1, 1) * m.reshape(len(m), 1, -1)
    axes = _axes(wires, n, pure)
    whole = _placed(earlier, axes, [*others, *(n + o for o in others)], C)
    if tensor.ndim == 3:
        return whole, back[:0]
    X = (_rows(state, axes) @ np.swapaxes(m, 1, 2).reshape(len(m), -1, 1)).reshape(-1, *E.shape[1:])
    return whole, 2 * (X @ tensor[:, :, None])[..., 0]


def _rest(state: np.ndarray, tensor: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    """The other modes given the outcome, not normalised: a ket (B, R), or a density matrix (B, R^2)."""
    if state.ndim == n + 1:
        return (tensor.conj()[:, None, :] @ _rows(state, wires))[:, 0]
    E = tensor if tensor.ndim == 3 else tensor[:, :, None] * tensor[:, None, :].conj()
    flat = np.swapaxes(E, 1, 2).reshape(len(E), 1, -1)  # tr(E rho) over these modes
    return (flat @ _rows(state, _axes(wires, n, False)))[:, 0]


def _axes(wires: Sequence[int], n: int, pure: bool) -> list[int]:
    """The axes of these modes, counted without the batch."""
    return [*wires] if pure else [*wires, *(n + w for w in wires)]


def _square(flat: np.ndarray) -> np.ndarray:
    size = round(flat.shape[1] ** 0.5)
    return flat.reshape(len(flat), size, size)


def _rows(state: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """These axes as the rows of a matrix (B, D, rest)."""
    front = np.moveaxis(state, [1 + a for a in axes], range(1, len(axes) + 1))
    return front.reshape(len(state), state.shape[1] ** len(axes), -1)


def _placed(rows: np.ndarray, axes: Sequence[int], others: Sequence[int], C: int) -> np.ndarray:
    """The reverse of `_rows`."""
    state = rows.reshape(-1, *(C,) * (len(axes) + len(others)))
    return np.moveaxis(state, range(1, state.ndim), [1 + a for a in (*axes, *others)])


def _with_vacuum(rest: np.ndarray, wires: Sequence[int], n: int, C: int, pure: bool) -> np.ndarray:
    axes = _axes(wires, n, pure)
    whole = np.zeros((len(rest), C ** len(axes), rest.shape[1]), dtype=complex)
    whole[:, 0] = rest
    others = [m for m in range(n) if m not in wires]
    return _placed(whole, axes, others if pure else [*others, *(n + o for o in others)], C)
