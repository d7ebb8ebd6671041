"""default.qubit: batches of state vectors by compiled kernels, with expectation values and derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Device, DeviceError, Task
from hybridge_default import QUBIT
from hybridge_default.qubit_branches import Branching
from hybridge_default.qubit_program import PRECISIONS, Program, compiled
from hybridge_default.qubit_threads import checked_threads, default_threads, share

NOTHING = np.empty((1, 0))  # of one row, the values of matrices without a form: nearly always there are none
DEFERRED = 16  # wires, up to which one pass over the deferred state is sooner done than many over branches
METHODS = ("branches", "deferred")
PIECES = 4  # of a batch for each thread: some may be late


@cache  # an import statement takes half a microsecond each time
def _kernels() -> Any:
    from hybridge_default import qubit_kernels  # numba takes longer to import than hybridge itself

    return qubit_kernels


@cache
def _steps() -> Any:
    from hybridge_default import qubit_steps

    return qubit_steps


def _nothing(batch: int) -> np.ndarray:
    return NOTHING if batch == 1 else np.empty((batch, 0))


class Drawn(NamedTuple):
    """A program whose columns are probabilities of so many wires, and what to draw from them."""

    program: Program
    kind: str
    wires: int


class DefaultQubit(Device):
    """Exact state vectors; samples are drawn from them with the device's seed.

    threads  how many share the rows of a batch and, from 18 wires on, each state. By default one below 18
             wires; from there on HYBRIDGE_NUM_THREADS, or every core this process may use. Results are the
             same bit by bit for any number. DeviceError where it is no whole number >= 1.
    dtype    "complex128", or "complex64": states take half the memory, and about half the time from 10 wires
             on; numbers, still doubles, hold to about 1e-6. DeviceError for another.
    mid_circuit  how measurements inside a circuit are sampled: "branches", outcome by outcome, in the memory
             of a few states; "deferred", on a wire more for each bit that needs one; None, whichever is
             sooner done: deferred up to 16 wires. DeviceError for another. The distribution is the same.
    """

    capabilities = QUBIT

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        threads: int | None = None,
        dtype: str = "complex128",
        mid_circuit: str | None = None,
    ):
        super().__init__(wires, shots, seed)
        self.threads = checked_threads(threads)
        if dtype not in PRECISIONS:
            raise DeviceError(f"default.qubit has states of dtype {' or '.join(PRECISIONS)}; got {dtype!r}")
        if mid_circuit not in (None, *METHODS):
            listed = ", ".join(map(repr, METHODS))
            raise DeviceError(f"default.qubit has mid_circuit {listed} or None; got {mid_circuit!r}")
        self.mid_circuit = mid_circuit
        self.dtype = dtype
        self.precision = float(np.finfo(PRECISIONS[dtype]).eps)
        self._threads = self.threads or 1  # of programs whose states no threads share
        default_threads()  # where the environment asks for nonsense, now is the time to say so

    def compile(self, circuit: Circuit) -> Program | Drawn | Branching:
        if any(operation.kind == "measure" for operation, _ in circuit.instructions):
            return Branching(circuit, self.dtype)
        kinds = [m.kind for m in circuit.measurements]
        if "sample" in kinds or "counts" in kinds:
            (m,) = circuit.measurements  # shots answer one question about a circuit
            return Drawn(
                compiled(circuit, self.dtype), m.kind, len(circuit.wires if m.wires is None else m.wires)
            )
        return compiled(circuit, self.dtype)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [
            self._run(task.program, task.params) if isinstance(task.program, Program) else self._draw(task)
            for task in tasks
        ]

    def _draw(self, task: Task) -> np.ndarray:
        if isinstance(task.program, Branching):
            return task.program.drawn(task.params, task.shots or 0, task.seed, self._run)
        from hybridge_default import qubit_sampling  # of numba too

        program, kind, wires = task.program
        draw = {"sample": qubit_sampling.sample, "counts": qubit_sampling.count}[kind]
        assert task.shots is not None  # such a program is of a circuit with shots
        return draw(self._run(program, task.params), wires, task.shots, task.seed)

    def _run(self, program: Program, params: np.ndarray) -> np.ndarray:
        params = np.ascontiguousarray(params)
        out = np.zeros((len(params), program.width), complex if program.complex else float)
        external = program.external(params) if program.externals else _nothing(len(params))
        plain = out.view(np.float64) if program.complex else out
        if program.shared or self._threads > 1:
            self._share("forward", program, params, external, plain)
        else:
            _kernels().forward(program.ints, program.floats, program.like, params, external, plain)
        return out

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        return self.value_and_vjp(task, cotangent)[1]

    def value_and_vjp(self, task: Task, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        program = task.program
        params, cotangent = np.ascontiguousarray(task.params), np.ascontiguousarray(cotangent)
        pulled, values = np.zeros(params.shape), np.zeros((len(params), program.width))
        arrays = params, _nothing(len(params)), cotangent, pulled, values
        if program.shared or self._threads > 1:
            self._share("backward", program, *arrays)
        else:
            _kernels().backward(program.ints, program.floats, program.like, *arrays)
        return values, pulled

    def _share(self, name: str, program: Program, *arrays: np.ndarray) -> None:
        """A kernel on the rows of these arrays; threads share the rows, or each row where these are few."""
        threads, count = self.threads or default_threads(), len(arrays[0])
        if not program.shared:
            kernel, pieces = getattr(_kernels(), name), max(1, min(count, PIECES * threads))
            ends = [count * i // pieces for i in range(pieces + 1)]
            rows = [slice(*ends[i : i + 2]) for i in range(pieces)]
            given = program.ints, program.floats, program.like
            share(lambda i: kernel(*given, *(a[rows[i]] for a in arrays)), pieces, threads)
            return
        steps = getattr(_steps(), name)
        if count >= threads:
            share(lambda i: steps(program, *(a[i] for a in arrays), 1), count, threads)
        else:
            for i in range(count):
                steps(program, *(a[i] for a in arrays), threads)

    def differentiates(self, program: Program) -> bool:
        return not program.externals  # fractional powers of gates that are no exponentials

    def measures_inside(self, num_wires: int, deferred: int) -> bool:
        method = self.mid_circuit or METHODS[deferred <= max(num_wires, DEFERRED)]
        return method == "branches"

    def memory(self, num_wires: int) -> int:
        return np.dtype(self.dtype).itemsize * 2**num_wires  # the state; a variance takes another

    def vjp_memory(self, num_wires: int) -> int:
        return 3 * self.memory(num_wires)  # the state, what pulls on it, and for a variance another
