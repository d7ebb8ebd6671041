"""forest.numpy: pyQuil's own numpy simulator, in this process, without a server."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from pyquil.simulation import targeted_tensordot
from pyquil.simulation.matrices import QUANTUM_GATES

from hybridge.plugin import Circuit, Device, Task
from hybridge_forest import NUMPY
from hybridge_forest.program import QuilProgram
from hybridge_forest.translate import Gate, translate

# NumpyWavefunctionSimulator.do_gate puts a matrix from QUANTUM_GATES through this function. We call the two
# ourselves: pyQuil 4.22 announces the function's removal at every call, which is an error under -W error,
# doubles the time, and cannot be silenced for one thread, as warning filters belong to the process. pyQuil
# 4.17 does not wrap it: unwrap then returns it unchanged.
apply_gate: Callable[[np.ndarray, np.ndarray, Sequence[int]], np.ndarray] = inspect.unwrap(targeted_tensordot)


class Step(NamedTuple):
    """One gate ready to run: a fixed tensor, a ket to prepare, or a function of scale * params[:, slot]."""

    wires: tuple[int, ...]
    tensor: np.ndarray | None = None  # (2,) * 2k
    ket: np.ndarray | None = None  # (2,) * k
    matrix: Callable[[float], np.ndarray] | None = None
    slot: int = 0
    scale: float = 1.0


class NumpyProgram(NamedTuple):
    """A Quil program and its gates prebuilt for the numpy simulator."""

    program: QuilProgram
    steps: tuple[Step, ...]

    @property
    def quil(self) -> str:
        """The Quil text; its declared memory `theta` is a row of numbers."""
        return self.program.quil

    def native(self) -> str:
        """The program as Quil text."""
        return self.quil


class ForestNumpy(Device):
    """Exact states from pyQuil's numpy simulator.

    The rows of a task are a trailing axis of one wave function: (2,) * n + (batch,), axis q being wire q. A
    gate is applied once for all rows that agree on its angle, so the rows of a shift rule, which differ in
    one angle each, share nearly all the work.
    """

    capabilities = NUMPY

    def compile(self, circuit: Circuit) -> NumpyProgram:
        """The circuit's Quil program; its text is `.quil`."""
        gates = tuple(translate(circuit.instructions))
        program = QuilProgram(len(circuit.wires), circuit.num_slots, len(circuit.measurements), gates)
        return NumpyProgram(program, tuple(_step(gate) for gate in gates if gate.name != "I"))

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task its states, (batch, 2^n) complex, wire 0 most significant; once per measurement."""
        return [np.hstack([_states(*task[:2])] * task.program.program.num_states) for task in tasks]

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak: the state, a gate's result, and tensordot's two copies."""
        return 4 * 16 * 2**num_wires


def _step(gate: Gate) -> Step:
    shape, angle = (2,) * len(gate.wires), gate.angle
    if gate.ket is not None:
        return Step(gate.wires, ket=gate.ket.reshape(shape))
    known: Any = QUANTUM_GATES[gate.name] if gate.matrix is None else gate.matrix
    if angle is not None and angle.slot is not None:
        return Step(gate.wires, matrix=known, slot=angle.slot, scale=angle.scale)
    matrix = known if angle is None else known(angle.scale)
    return Step(gate.wires, tensor=np.reshape(matrix, shape * 2).astype(complex))


def _states(program: NumpyProgram, params: np.ndarray) -> np.ndarray:
    """params (batch, P) -> (batch, 2^n)."""
    num_wires, batch = program.program.num_wires, len(params)
    wf = np.zeros((2,) * num_wires + (batch,), dtype=complex)
    wf[(0,) * num_wires] = 1
    for step in program.steps:
        if step.tensor is not None:
            wf = apply_gate(step.tensor, wf, step.wires)
        elif step.ket is not None:
            wf = _prepare(step.ket, wf, step.wires)
        else:
            wf = _apply_rows(step, wf, step.scale * params[:, step.slot])
    return np.ascontiguousarray(wf.reshape(2**num_wires, batch).T)


def _prepare(ket: np.ndarray, wf: np.ndarray, wires: tuple[int, ...]) -> np.ndarray:
    """The ket on wires that are still |0>, which the core has checked; the others stay as they are."""
    others = wf[tuple(0 if q in wires else slice(None) for q in range(wf.ndim))]
    return np.moveaxis(np.multiply.outer(ket, others), range(len(wires)), wires)


def _apply_rows(step: Step, wf: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The gate with each row's own angle, angles (batch,): applied once for every angle there is."""

    def tensor(angle: float) -> np.ndarray:
        return np.reshape(step.matrix(angle), (2,) * (2 * len(step.wires)))  # type: ignore[misc]

    if len(set(angles.tolist())) == 1:  # a single row: 0.2 us, where unique takes 13
        return apply_gate(tensor(float(angles[0])), wf, step.wires)
    values, group, sizes = np.unique(angles, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes))[:-1]
    out = np.empty_like(wf)
    for angle, rows in zip(values.tolist(), members, strict=True):
        out[..., rows] = apply_gate(tensor(angle), wf[..., rows], step.wires)
    return out
