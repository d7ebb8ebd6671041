"""The derivative of SF's Fock simulation, exact, by a sweep back through the states before each call.

What goes back is what `fock_cotangent` gives of the final state: of a ket lam with dL = 2 Re <lam, d ket>, of
a density matrix the Hermitian M with dL = tr(M d rho). Both are arrays (C,)*n or (C,)*2n, ket axes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import DeviceError, available, definition_slope, human
from hybridge_strawberryfields.backends import FockBackend
from hybridge_strawberryfields.fock_channels import CHANNELS
from hybridge_strawberryfields.fock_gates import GATES, Passage, slopes
from hybridge_strawberryfields.fock_states import STATES
from hybridge_strawberryfields.shears import SHEARS
from hybridge_strawberryfields.translate import Recipe

ALWAYS_ROOM = 2**24  # bytes that are asked for without looking how much memory there is
WORK = 6  # states held while one is swept back


class Step(NamedTuple):
    """A call of the simulator that is not a shear; its numbers' columns in the recipe's table, and slopes in
    these; the states around it."""

    method: str
    arrays: tuple[Any, ...]
    numbers: tuple[float, ...]
    modes: tuple[int, ...]
    columns: tuple[int, ...]
    scales: tuple[float, ...]
    before: np.ndarray
    after: np.ndarray


def taped(recipe: Recipe, numbers: Sequence[float], simulator: FockBackend) -> list[Step]:
    """`recipe.apply`, keeping the states on the way; the simulator never writes into one.

    Raises DeviceError where they do not fit into memory.
    """
    steps: list[Step] = []
    before = simulator.array()
    _check_room(before.nbytes, len(recipe.calls), before.ndim)
    for method, arrays, columns, modes in recipe.calls:
        own, first = numbers[columns], columns.start
        if method in SHEARS:
            parts = [
                (
                    p.method,
                    (),
                    p.numbers,
                    tuple(modes[i] for i in p.places),
                    (first,) * len(p.numbers),
                    p.slopes,
                )
                for p in SHEARS[method](*own)
            ]
        else:
            places = tuple(range(first, columns.stop))
            parts = [(method, arrays, tuple(own), modes, places, (1.0,) * len(own))]
        for name, given, values, at, places, scales in parts:
            getattr(simulator, name)(*given, *values, *at)
            after = simulator.array()
            if after.shape != before.shape:
                _check_room(after.nbytes, len(recipe.calls), len(recipe.circuit.wires))
            flat = tuple(at[0]) if at and isinstance(at[0], list) else at
            steps.append(Step(name, given, values, flat, places, scales, before, after))
            before = after
    return steps


def _check_room(state: int, calls: int, n: int) -> None:
    needed = state * (calls + WORK)
    if needed > ALWAYS_ROOM and needed > (room := available()):
        raise DeviceError(
            f"the derivative of {calls} operations on {n} modes needs {human(needed)}, {human(room)} are "
            "free: lower cutoff_dim, or use diff_method='parameter-shift'"
        )


def swept(steps: Sequence[Step], back: np.ndarray, n: int, width: int) -> np.ndarray:
    """The cotangent of the final state -> that of the table's numbers, (width,)."""
    out = np.zeros(width)
    for step in reversed(steps):
        if step.before.ndim == n and step.after.ndim > n:  # rho = |ket><ket|: M |ket> is the ket's cotangent
            ket = step.before
            pair = np.multiply.outer(ket, ket.conj())
            back, found = _back(step._replace(before=pair), back, n)
            back = (back.reshape(ket.size, ket.size) @ ket.ravel()).reshape(ket.shape)
        else:
            back, found = _back(step, back, n)
        for column, scale, slope in zip(step.columns, step.scales, found, strict=True):
            out[column] += scale * slope
    return out


def _back(step: Step, back: np.ndarray, n: int) -> tuple[np.ndarray, Sequence[float]]:
    if step.method in GATES:
        return _gate_back(step, back, n)
    if step.method in CHANNELS:
        axes = [*step.modes, *(n + mode for mode in step.modes)]
        found, by = CHANNELS[step.method](step.numbers, front(step.before, axes), front(back, axes))
        return placed(found, axes, back.shape), by
    if step.method == "select_row":
        return _outcome_back(step, back, n)
    return _state_back(step, back, n)


def _gate_back(step: Step, back: np.ndarray, n: int) -> tuple[np.ndarray, Sequence[float]]:
    gate, modes, C = GATES[step.method], step.modes, back.shape[0]
    T = gate.array(*step.numbers, C)
    adjoint = gate.kind.adjoint(T)
    before, bras = step.before, [n + mode for mode in modes]
    mixed = back.ndim > n
    if mixed and step.columns:  # T rho T^dagger is T on the kets of this
        before = placed(gate.kind.times(T.conj(), front(before, bras)), bras, before.shape)
    of_kets = front(back, modes)
    earlier = gate.kind.times(adjoint, of_kets)
    found = slopes(
        gate, T, step.numbers, Passage(front(before, modes), front(step.after, modes), earlier, of_kets)
    )
    back = placed(earlier, modes, back.shape)
    if mixed:
        back = placed(gate.kind.times(adjoint.conj(), front(back, bras)), bras, back.shape)
    return back, found


def _state_back(step: Step, back: np.ndarray, n: int) -> tuple[np.ndarray, Sequence[float]]:
    modes, C, k = step.modes, back.shape[0], len(step.modes)
    state = STATES[step.method](step.arrays, step.numbers, C)
    if back.ndim == n:  # the modes were in the vacuum: |state> <0|
        rest = front(step.before, modes)[(0,) * k]
        found = front(back, modes)
        earlier = np.zeros_like(found)
        earlier[(0,) * k] = np.tensordot(state.tensor.conj(), found, k)
        return placed(earlier, modes, back.shape), state.slopes(found @ rest.conj())
    # rho -> sigma x trace of rho over the modes
    axes = [*modes, *(n + mode for mode in modes)]
    size = C**k
    found = front(back, axes).reshape(size, size, -1)
    rest = np.trace(front(step.before, axes).reshape(size, size, -1))
    sigma = state.density().reshape(size, size)
    M = np.tensordot(sigma.conj(), found, 2)
    earlier = np.eye(size)[:, :, None] * M
    by = (found @ rest.conj()).reshape((C,) * (2 * k))
    return placed(earlier, axes, back.shape), state.slopes_of_density(by)


def _outcome_back(step: Step, back: np.ndarray, n: int) -> tuple[np.ndarray, Sequence[float]]:
    (row,), modes, C, k = step.arrays, step.modes, back.shape[0], len(step.modes)
    tensor = row.fock(C, *step.numbers)
    if back.ndim == n:
        earlier, by_ket = _ket_back(tensor, step.before, back, modes)
    elif tensor.ndim > k:  # an operator has no numbers
        return _density_back(tensor, step.before, back, modes)[0], []
    else:
        E = np.multiply.outer(tensor, tensor.conj())
        earlier, by_E = _density_back(E, step.before, back, modes)
        by_ket = 2 * (by_E @ tensor.ravel()).reshape(tensor.shape)
    values = np.array([step.numbers])
    slopes_of = (definition_slope(row, i, values, C)[0][0] for i in range(len(row.params)))
    return earlier, [np.vdot(by_ket, slope).real for slope in slopes_of]


def _ket_back(
    ket: np.ndarray, before: np.ndarray, back: np.ndarray, modes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Of <ket| before, normalised, beside the vacuum: the cotangents of `before` and of the ket."""
    before, k = front(before, modes), len(modes)
    rest = np.tensordot(ket.conj(), before, k)
    root = np.linalg.norm(rest)
    lam = front(back, modes)[(0,) * k]
    lam = (lam - rest * (np.vdot(rest, lam).real / root**2)) / root
    return placed(np.multiply.outer(ket, lam), modes, back.shape), 2 * (before @ lam.conj())


def _density_back(
    E: np.ndarray, before: np.ndarray, back: np.ndarray, modes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Of tr(E before) over the modes, normalised, beside the vacuum: the cotangents of `before` and of E."""
    C, n, k = back.shape[0], back.ndim // 2, len(modes)
    size, others, axes = C**k, C ** (n - k), [*modes, *(n + mode for mode in modes)]
    E, rho = E.reshape(size, size), front(before, axes).reshape(size, size, others, others)
    rest = np.tensordot(E, rho, ((1, 0), (0, 1)))
    weight = np.trace(rest).real
    M = front(back, axes)[(0,) * (2 * k)].reshape(others, others)
    M = (M - np.eye(others) * (np.vdot(M, rest).real / weight)) / weight
    return placed(np.multiply.outer(E, M), axes, back.shape), np.tensordot(rho, M, ((2, 3), (1, 0)))


def front(state: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """These axes first, each its own, and the others as one behind them."""
    k = len(axes)
    moved = np.moveaxis(state, axes, range(k))
    return moved.reshape(*moved.shape[:k], -1)


def placed(found: np.ndarray, axes: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
    """The reverse of `front`, for a state of this shape."""
    k, C = len(axes), shape[0]
    return np.moveaxis(found.reshape(-1, *(C,) * (len(shape) - 1)), range(k), axes)
