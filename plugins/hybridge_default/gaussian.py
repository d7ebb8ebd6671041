"""default.gaussian: Gaussian circuits of any size, by the quadratures that are measured, in compiled kernels.

The quadratures r_i that the measurements need are taken back through the circuit, where each gate is r -> S r
+ d: O(gates) for an observable of few modes, and gates that do not reach it are left out. The derivative of
every parameter follows in one sweep forward again. Where the state itself is read, its covariance is taken
forward, a few rows and columns for each gate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.plugin import (
    Circuit,
    Device,
    DeviceError,
    Task,
    available,
    check_cutoff,
    definition_slope,
    human,
)
from hybridge_default import gaussian_numpy
from hybridge_default.cv_capabilities import GAUSSIAN
from hybridge_default.cv_overflow import finite
from hybridge_default.gaussian_conditioned import (
    ConditionedProgram,
    conditioned,
    selects,
)
from hybridge_default.gaussian_layout import NUM_PARTS, NUM_ROWS
from hybridge_default.gaussian_numpy import (
    LayeredProgram,
    check_gaussian,
    layered,
    state_bytes,
)
from hybridge_default.gaussian_program import Program, Use, compiled

AnyProgram = Program | LayeredProgram | ConditionedProgram
ALWAYS_ROOM = 2**26  # bytes that are asked for without looking how much memory there is


def _kernels() -> Any:
    from hybridge_default import gaussian_kernels  # numba takes longer to import than hybridge itself

    return gaussian_kernels


class DefaultGaussian(Device):
    """Means (B, 2n) and covariances (B, 2n, 2n), hbar = 2, order (x1..xn, p1..pn); exact.

    cutoff_dim  photon numbers below it appear in probabilities; nothing else depends on it
    """

    capabilities = GAUSSIAN
    name = "default.gaussian"

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int = 10
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> AnyProgram:
        check_gaussian(circuit, self.name)
        if selects(circuit):
            return conditioned(circuit, self.cutoff_dim)
        # the latter runs any row, by its definition
        return compiled(circuit, self.cutoff_dim) or layered(circuit, self.cutoff_dim)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [self._run(program, params) for program, params, *_ in tasks]

    def _run(self, program: AnyProgram, params: np.ndarray) -> np.ndarray:
        run, _ = ENGINES[type(program)]
        return finite(run(program, params), self.name, program.columns_of(), params)

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        program, params, *_ = task
        _, vjp = ENGINES[type(program)]
        return finite(vjp(program, params, cotangent), self.name, program.columns_of(), params)

    def memory(self, num_wires: int) -> int:
        return state_bytes(num_wires)


def _run(program: Program, params: np.ndarray) -> np.ndarray:
    params = np.ascontiguousarray(params)
    for use in program.roots:
        _check_root(use, params)
    if program.whole:
        return _of_states(program, params)
    found = np.empty((len(params), program.raw))
    _kernels().forward(program.ints, program.floats, params, found)
    if program.columns is None:
        return found[:, : program.num_columns]
    return _with_others(program, found)


@np.errstate(over="ignore", invalid="ignore")  # `finite` says what made it so
def _with_others(program: Program, found: np.ndarray) -> np.ndarray:
    """All columns: those of the kernels, and what is read off the means and covariances beside them."""
    out = np.empty((len(found), program.width))
    out[:, program.columns] = found[:, : program.num_columns]
    for (reading, _), columns, mean, cov in program.others:
        out[:, columns] = reading.columns(found[:, mean], found[:, cov])
    return out


@np.errstate(over="ignore", invalid="ignore")
def _of_states(program: Program, params: np.ndarray) -> np.ndarray:
    """Everything read off the state itself."""
    size = 2 * program.num_wires
    found = np.empty((len(params), size + size**2))
    _kernels().states(program.ints, program.floats, params, found)
    if len(program.others) == 1:  # it is the state that was asked for
        return found
    mean, cov = found[:, :size], found[:, size:].reshape(-1, size, size)
    read = [r.reading.columns(mean[:, r.at], cov[:, r.at[:, None], r.at]) for r, *_ in program.others]
    return np.concatenate(read, axis=1)


def _vjp(program: Program, params: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """cotangent (B, width) -> (B, P); DeviceError where what each gate acted on does not fit into memory."""
    _check_room(program)
    params = np.ascontiguousarray(params)
    for use in program.roots:
        _check_root_slope(use, params)
    own, pulled = np.zeros((len(params), program.raw)), np.zeros(params.shape)
    if program.columns is None:
        own[:, : program.num_columns] = cotangent
    else:
        _pull_others(program, params, cotangent, own)
    _kernels().backward(program.ints, program.floats, params, own, pulled)
    return pulled


@np.errstate(over="ignore", invalid="ignore")
def _pull_others(program: Program, params: np.ndarray, cotangent: np.ndarray, own: np.ndarray) -> None:
    """The reverse of _with_others, into `own`: the cotangent of what the kernels give."""
    found = np.empty(own.shape)
    _kernels().forward(program.ints, program.floats, params, found)
    own[:, : program.num_columns] = cotangent[:, program.columns]
    for (reading, _), columns, mean, cov in program.others:
        by_mean, by_cov = reading.pullback(found[:, mean], found[:, cov], cotangent[:, columns])
        np.add.at(own.T, mean, by_mean.T)
        np.add.at(own.T, cov, np.moveaxis(by_cov, 0, -1))  # of a pair of two both entries count


def _check_root(use: Use, params: np.ndarray) -> None:
    """The row's own error where a parameter has no square root."""
    columns = params[:, use.columns]
    if (columns < 0).any():
        assert use.operation.definition is not None
        use.operation.definition(*columns.T)


def _check_root_slope(use: Use, params: np.ndarray) -> None:
    """The row's own error where that square root has no derivative."""
    columns = params[:, use.columns]
    if (columns <= 0).any():
        definition_slope(use.operation, 0, columns)


def _check_room(program: Program) -> None:
    needed = 8 * int(program.ints[NUM_PARTS])
    if needed > ALWAYS_ROOM and needed > (room := available()):
        raise DeviceError(
            f"the derivative of {len(program.uses)} operations read in {program.ints[NUM_ROWS]} quadratures "
            f"needs {human(needed)}, {human(room)} are free: measure fewer modes at once"
        )


# what runs a program of each kind, and what differentiates it
ENGINES: dict[type, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]] = {
    **gaussian_numpy.ENGINES,
    Program: (_run, _vjp),
}
