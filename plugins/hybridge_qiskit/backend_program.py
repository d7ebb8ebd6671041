"""A circuit as a PUB: transpiled once, its free angles bound by name for every row, its bits read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from qiskit import qasm3
from qiskit.circuit import ClassicalRegister, ParameterVector, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import StatePreparation
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.quantum_info import SparsePauliOp

from hybridge.plugin import Measurement
from hybridge_qiskit.program import PREPARATIONS, body, free_angles, operator
from hybridge_qiskit.translate import Gate

REGISTER = "measured"  # the classical register of the bits, by which a result has them


class Numbers(NamedTuple):
    """The parameter names[j] of a transpiled circuit is scales[j] * params[:, slots[j]].

    The transpiled circuit has its parameters in an order of its own, and some angles may have had no effect.
    """

    names: tuple[str, ...]
    slots: np.ndarray
    scales: np.ndarray

    def bound(self, params: np.ndarray) -> list[BindingsArray | None]:
        """The rows (batch, P), for ONE PUB; for one each where no number has an effect."""
        if not self.names:
            return [None] * len(params)
        return [BindingsArray({self.names: params[:, self.slots] * self.scales})]


@dataclass(frozen=True)
class Program:
    """The circuit a sampler runs, and for each sample measurement the classical bits of its wires."""

    circuit: QuantumCircuit
    numbers: Numbers
    bits: tuple[list[int], ...]

    def pubs(self, params: np.ndarray, shots: int) -> list[Any]:
        """The PUBs of rows (batch, P)."""
        return [(self.circuit, values, shots) for values in self.numbers.bound(params)]

    def read(self, results: Sequence[Any], shots: int) -> np.ndarray:
        """(batch, columns): the shots of the PUBs' results, measurements side by side, shot by shot."""
        found = [result.data[REGISTER] for result in results]
        # the last bit of the last byte is classical bit 0
        packed = np.concatenate([bits.array.reshape(-1, shots, bits.array.shape[-1]) for bits in found])
        every = np.unpackbits(packed[..., ::-1], axis=-1, bitorder="little")
        return np.concatenate([every[..., b].reshape(len(every), shots * len(b)) for b in self.bits], axis=1)

    def native(self) -> str:
        """The circuit as it is run, as OpenQASM 3."""
        return qasm3.dumps(self.circuit)


@dataclass(frozen=True)
class Estimates:
    """The circuit an estimator runs, and the observables on the backend's qubits."""

    circuit: QuantumCircuit
    numbers: Numbers
    observables: tuple[SparsePauliOp, ...]

    def pubs(self, params: np.ndarray, precision: float | None) -> list[Any]:
        """The PUBs of rows (batch, P); each has every observable."""
        column = [[o] for o in self.observables]  # beside the axis of the rows
        return [(self.circuit, column, values, precision) for values in self.numbers.bound(params)]

    def read(self, results: Sequence[Any], precision: float | None) -> np.ndarray:
        """(batch, observables)."""
        return np.concatenate(
            [np.asarray(r.data.evs, float).reshape(len(self.observables), -1).T for r in results]
        )

    def native(self) -> str:
        """The circuit as it is run, as OpenQASM 3."""
        return qasm3.dumps(self.circuit)


Transpiled = Callable[[QuantumCircuit], QuantumCircuit]  # puts a circuit in the gates of the machine


def make_program(
    gates: Sequence[Gate], measurements: Sequence[Measurement], wires: int, transpiled: Transpiled
) -> Program:
    """The program of these gates and of samples."""
    on = [list(range(wires)) if m.wires is None else list(m.wires) for m in measurements]
    measured = list(dict.fromkeys(w for those in on for w in those))
    circuit = _circuit(gates, wires)
    circuit.add_register(ClassicalRegister(len(measured), REGISTER))
    circuit.measure(measured, range(len(measured)))
    circuit = transpiled(circuit)
    return Program(
        circuit, _numbers(circuit, gates), tuple([measured.index(w) for w in those] for those in on)
    )


def make_estimates(
    gates: Sequence[Gate], measurements: Sequence[Measurement], wires: int, transpiled: Transpiled
) -> Estimates:
    """The program of these gates and of expectation values, whose words follow the layout."""
    plain = _circuit(gates, wires)
    circuit = transpiled(plain)
    words = [operator(m.observable, plain) for m in measurements]
    placed = [word if circuit.layout is None else word.apply_layout(circuit.layout) for word in words]
    return Estimates(circuit, _numbers(circuit, gates), tuple(placed))


def _circuit(gates: Sequence[Gate], wires: int) -> QuantumCircuit:
    circuit = QuantumCircuit(QuantumRegister(wires, "wire"))
    _prepare(circuit, [g for g in gates if g.name in PREPARATIONS])
    parameters = tuple(ParameterVector("angle", len(free_angles(gates))))
    circuit.compose(body(gates, wires, parameters), inplace=True)
    return circuit


def _numbers(circuit: QuantumCircuit, gates: Sequence[Gate]) -> Numbers:
    """Of the parameters that are left in the circuit."""
    angles = free_angles(gates)
    by_name = {p.name: a for p, a in zip(ParameterVector("angle", len(angles)), angles, strict=True)}
    names = tuple(parameter.name for parameter in circuit.parameters)
    slots = np.array([by_name[name].slot for name in names], dtype=np.intp)
    return Numbers(names, slots, np.array([by_name[name].scale for name in names]))


def _prepare(circuit: QuantumCircuit, kets: Sequence[Gate]) -> None:
    """The kets, first of all, by gates alone: the wires are 0, and a reset takes time on a machine."""
    if kets:
        ket = reduce(np.kron, [g.array for g in kets])
        wires = [w for g in kets for w in g.wires]
        circuit.append(StatePreparation(ket / np.linalg.norm(ket)), wires[::-1])
