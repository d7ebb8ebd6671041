"""default.qubit: batches of state vectors by compiled kernels, with expectation values and derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from hybridge.plugin import Circuit, Device, Task
from hybridge_default import QUBIT
from hybridge_default.qubit_program import Program, compiled


@cache  # an import statement takes half a microsecond each time
def _kernels() -> Any:
    from hybridge_default import qubit_kernels  # numba takes longer to import than hybridge itself

    return qubit_kernels


class DefaultQubit(Device):
    """Exact state vectors in complex128; samples are drawn from them with the device's seed."""

    capabilities = QUBIT

    def compile(self, circuit: Circuit) -> Program:
        return compiled(circuit)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        kernels = _kernels()
        return [self._run(kernels, task.program, task.params) for task in tasks]

    def _run(self, kernels: Any, program: Program, params: np.ndarray) -> np.ndarray:
        params = np.ascontiguousarray(params)
        out = np.zeros((len(params), program.width), complex if program.complex else float)
        external = program.external(params) if program.externals else np.empty((len(params), 0))
        kernels.forward(
            program.ints,
            program.floats,
            params,
            external,
            program.like,
            out.view(np.float64) if program.complex else out,
        )
        return out

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        program = task.program
        params = np.ascontiguousarray(task.params)
        pulled = np.zeros(params.shape)
        cotangent = np.ascontiguousarray(cotangent)
        external = np.empty((len(params), 0))
        _kernels().backward(program.ints, program.floats, params, external, program.like, cotangent, pulled)
        return pulled

    def differentiates(self, program: Program) -> bool:
        return not program.externals  # fractional powers of gates that are no exponentials

    def memory(self, num_wires: int) -> int:
        return 3 * 16 * 2**num_wires  # of a gradient: the state, what it is observed to be, and a spare one
