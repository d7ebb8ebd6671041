"""default.qubit: batches of state vectors by compiled kernels, with expectation values and derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Device, Task
from hybridge_default import QUBIT
from hybridge_default.qubit_program import Program, compiled


@cache  # an import statement takes half a microsecond each time
def _kernels() -> Any:
    from hybridge_default import qubit_kernels  # numba takes longer to import than hybridge itself

    return qubit_kernels


class Drawn(NamedTuple):
    """A program whose columns are probabilities of so many wires, and what to draw from them."""

    program: Program
    kind: str
    wires: int


class DefaultQubit(Device):
    """Exact state vectors in complex128; samples are drawn from them with the device's seed."""

    capabilities = QUBIT

    def compile(self, circuit: Circuit) -> Program | Drawn:
        kinds = [m.kind for m in circuit.measurements]
        if "sample" in kinds or "counts" in kinds:
            (m,) = circuit.measurements  # shots answer one question about a circuit
            return Drawn(compiled(circuit), m.kind, len(circuit.wires if m.wires is None else m.wires))
        return compiled(circuit)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        kernels = _kernels()
        return [
            self._draw(kernels, task)
            if isinstance(task.program, Drawn)
            else self._run(kernels, task.program, task.params)
            for task in tasks
        ]

    def _draw(self, kernels: Any, task: Task) -> np.ndarray:
        from hybridge_default import qubit_sampling  # of numba too

        program, kind, wires = task.program
        draw = {"sample": qubit_sampling.sample, "counts": qubit_sampling.count}[kind]
        assert task.shots is not None  # such a program is of a circuit with shots
        return draw(self._run(kernels, program, task.params), wires, task.shots, task.seed)

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
