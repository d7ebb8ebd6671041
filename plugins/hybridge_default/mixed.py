"""default.mixed: batches of density matrices by compiled kernels, with expectation values and derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Device, DeviceError, Task
from hybridge_default import MIXED
from hybridge_default.mixed_program import PRECISIONS, Program, compiled
from hybridge_default.mixed_transfer import matrices
from hybridge_default.qubit_threads import checked_threads, default_threads, share

PIECES = 4  # of a batch for each thread: some may be late
ROOM = 2**22  # bytes of the states that derivatives keep on the way, where more than LEAST fit: in the cache
LEAST = 16  # from 8 wires on: more take longer to write and read than to make again


@cache  # an import statement takes half a microsecond each time
def _kernels() -> Any:
    from hybridge_default import mixed_kernels  # numba takes longer to import than hybridge itself

    return mixed_kernels


class Drawn(NamedTuple):
    """A program whose columns are probabilities of so many wires, and what to draw from them."""

    program: Program
    kind: str
    wires: int


class DefaultMixed(Device):
    """Exact density matrices, kept as their 4^n real Pauli coefficients; samples are drawn with the seed.

    threads  how many share the rows of a batch, by default one. Results are the same bit by bit for any
             number. DeviceError where it is no whole number >= 1.
    dtype    "complex128", or "complex64": states take half the memory; numbers, still doubles, hold to about
             1e-6. DeviceError for another.
    """

    capabilities = MIXED

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        threads: int | None = None,
        dtype: str = "complex128",
    ):
        super().__init__(wires, shots, seed)
        self.threads = checked_threads(threads) or 1
        if dtype not in PRECISIONS:
            raise DeviceError(f"default.mixed has states of dtype {' or '.join(PRECISIONS)}; got {dtype!r}")
        self.dtype = dtype
        self.precision = float(np.finfo(PRECISIONS[dtype]).eps)
        default_threads()  # where the environment asks for nonsense, now is the time to say so

    def compile(self, circuit: Circuit) -> Program | Drawn:
        kinds = [m.kind for m in circuit.measurements]
        program = compiled(circuit, self.dtype)
        if "sample" in kinds or "counts" in kinds:
            (m,) = circuit.measurements  # shots answer one question about a circuit
            return Drawn(program, m.kind, len(circuit.wires if m.wires is None else m.wires))
        return program

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [
            self._draw(task) if isinstance(task.program, Drawn) else self._run(task.program, task.params)
            for task in tasks
        ]

    def _draw(self, task: Task) -> np.ndarray:
        from hybridge_default import qubit_sampling  # of numba too

        program, kind, wires = task.program
        draw = {"sample": qubit_sampling.sample, "counts": qubit_sampling.count}[kind]
        assert task.shots is not None  # such a program is of a circuit with shots
        return draw(self._run(program, task.params), wires, task.shots, task.seed)

    def _run(self, program: Program, params: np.ndarray) -> np.ndarray:
        out = np.empty((len(params), program.width))
        given = program.ints, program.floats, program.like
        self._share(lambda *rows: _kernels().forward(*given, *rows), program.features(params), out)
        return _with_matrices(program, out)

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        return self.value_and_vjp(task, cotangent)[1]

    def value_and_vjp(self, task: Task, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        program, params = task.program, task.params
        features = program.features(params)
        values, pulled = np.empty((len(params), program.width)), np.zeros(features.shape)
        own = np.array(cotangent, dtype=float)  # which the kernel changes
        given, room = (program.ints, program.floats, program.like), self._kept(program)
        self._share(
            lambda f, c, p, v: _kernels().backward(*given, f, c, room, p, v), features, own, pulled, values
        )
        return values, program.pulled(params, pulled)

    def _share(self, kernel: Callable[..., None], *arrays: np.ndarray) -> None:
        """The kernel on the rows of these arrays, which threads share."""
        count = len(arrays[0])
        if self.threads == 1 or count == 1:
            kernel(*arrays)
            return
        pieces = max(1, min(count, PIECES * self.threads))
        ends = [count * i // pieces for i in range(pieces + 1)]
        share(lambda i: kernel(*(a[ends[i] : ends[i + 1]] for a in arrays)), pieces, self.threads)

    def _kept(self, program: Program) -> int:
        return _room(program.like.itemsize * 4 ** int(program.ints[0]))

    def differentiates(self, program: Program) -> bool:
        return not program.externals  # fractional powers of gates that are no exponentials

    def memory(self, num_wires: int) -> int:
        return np.dtype(PRECISIONS[self.dtype]).itemsize * 4**num_wires

    def vjp_memory(self, num_wires: int) -> int:
        own = self.memory(num_wires)
        return (2 + _room(own)) * own  # the state, what pulls on it, and those kept on the way


def _room(size: int) -> int:
    """How many states of so many bytes derivatives may keep."""
    return max(LEAST, ROOM // size)


def _with_matrices(program: Program, out: np.ndarray) -> np.ndarray:
    """The columns of density matrices from their Pauli coefficients; the others as they are."""
    if not program.matrices:
        return out
    found = out.astype(complex)
    for start, stop in program.matrices:
        found[:, start:stop] = matrices(out[:, start:stop]).reshape(len(out), -1)
    return found
