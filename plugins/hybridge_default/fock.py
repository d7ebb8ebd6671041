"""default.fock: any continuous-variable circuit, with photon numbers below a cutoff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from hybridge.plugin import (
    Circuit,
    Device,
    DeviceError,
    Task,
    UnsupportedCircuit,
    available,
    check_cutoff,
    fock_reading,
    human,
    warn_of_leak,
)
from hybridge_default.cv_capabilities import FOCK
from hybridge_default.cv_overflow import finite
from hybridge_default.fock_derivatives import fock_vjp
from hybridge_default.fock_engine import Program, Step, mixed, parts, simulate, tensor_of

BLOCK = 2**28  # bytes of states simulated at once; a larger batch goes block by block


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
            mixes = mixed(operation) or (operation.kind == "state" and bool(touched & set(wires)))
            for part, at, values in parts(operation, wires):
                tensor = None if values is None else tensor_of(part, C, values)
                steps.append(Step(part, cast(tuple[int, ...], at), columns, tensor, mixes))
            if operation.kind == "outcome":  # its modes are in the vacuum again
                touched -= set(wires)
            else:
                touched |= set(wires)
        pure = not any(step.mixes for step in steps)
        if not pure and any(m.kind == "state" for m in circuit.measurements):
            raise UnsupportedCircuit(self.name, "a mixed state as a ket", "measure density_matrix")
        needed = _row_bytes(C, n, pure)
        if needed > BLOCK and needed > (room := available()):
            what = f"{'a ket' if pure else 'a density matrix'} of {n} modes with cutoff_dim={C}"
            remedy = f"it needs {human(needed)}, {human(room)} are free: lower cutoff_dim or use fewer modes"
            raise UnsupportedCircuit(self.name, what, remedy)
        readings = tuple(
            fock_reading(m.kind, m.observable, range(n) if m.wires is None else m.wires)
            for m in circuit.measurements
        )
        return Program(tuple(steps), readings, n, pure)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        results = []
        for program, params, *_ in tasks:
            rows = max(1, BLOCK // _row_bytes(self.cutoff_dim, program.num_wires, program.pure))
            blocks = [params[i : i + rows] for i in range(0, len(params), rows)]
            with np.errstate(over="ignore", invalid="ignore"):  # `finite` says what made it so
                found = np.concatenate([self._block(program, block) for block in blocks])
            results.append(finite(found, self.name, program.columns_of(), params))
        return results

    def _block(self, program: Program, params: np.ndarray) -> np.ndarray:
        modes = simulate(program, self.cutoff_dim, params)
        if not program.gives_state or program.selects:  # of a state the core judges the norm
            warn_of_leak(modes, self.name)
        columns = [r.columns(modes) for r in program.readings]
        return np.concatenate([np.broadcast_to(c, (len(params), c.shape[1])) for c in columns], axis=1)

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        """By a sweep back through the states before each step; DeviceError if they do not fit into memory."""
        program, params = task.program, task.params
        row = (len(program.steps) + 3) * _row_bytes(self.cutoff_dim, program.num_wires, program.pure)
        if row > BLOCK and row > (room := available()):
            raise DeviceError(
                f"the derivative of {len(program.steps)} operations on {program.num_wires} modes with "
                f"cutoff_dim={self.cutoff_dim} needs {human(row)}, {human(room)} are free: lower cutoff_dim, "
                "or use diff_method='parameter-shift'"
            )
        rows = max(1, BLOCK // row)
        blocks = [slice(i, i + rows) for i in range(0, len(params), rows)]
        with np.errstate(over="ignore", invalid="ignore"):
            found = [fock_vjp(program, self.cutoff_dim, params[b], cotangent[b]) for b in blocks]
        return finite(np.concatenate(found), self.name, program.columns_of(), params)

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak, while its state is a ket."""
        return _row_bytes(self.cutoff_dim, num_wires, pure=True)


def _row_bytes(C: int, n: int, pure: bool) -> int:
    """The state, its copies on both sides of a matrix product, and a two-mode gate with its temporaries."""
    return 16 * (3 * C ** (n if pure else 2 * n) + 2 * C ** (2 * min(n, 2)))
