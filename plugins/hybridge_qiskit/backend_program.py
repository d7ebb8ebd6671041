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
from qiskit.primitives.containers.bit_array import BitArray
from qiskit.quantum_info import SparsePauliOp

from hybridge.plugin import Measurement
from hybridge_qiskit.inside import num_bits, places_of
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
        """(batch, columns): the shots of the PUBs' results, measurements side by side, shot by shot.

        Raises ValueError where a result has no bits, or too few.
        """
        packed = np.concatenate([_shots(result.data[REGISTER], shots) for result in results])
        # the last bit of the last byte is classical bit 0
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
    places, inside = places_of(gates, on), num_bits(gates)
    circuit = _circuit(gates, wires, inside + len(places.wires))
    circuit.measure(places.wires, range(inside, circuit.num_clbits))
    circuit = transpiled(circuit)
    return Program(circuit, _numbers(circuit, gates), places.bits)


def make_estimates(
    gates: Sequence[Gate], measurements: Sequence[Measurement], wires: int, transpiled: Transpiled
) -> Estimates:
    """The program of these gates and of expectation values, whose words follow the layout."""
    plain = _circuit(gates, wires, 0)
    circuit = transpiled(plain)
    words = [operator(m.observable, plain) for m in measurements]
    placed = [word if circuit.layout is None else word.apply_layout(circuit.layout) for word in words]
    return Estimates(circuit, _numbers(circuit, gates), tuple(placed))


def _circuit(gates: Sequence[Gate], wires: int, bits: int) -> QuantumCircuit:
    """With the measurements inside, whose bits are the first ones."""
    registers = [ClassicalRegister(bits, REGISTER)] if bits else []
    circuit = QuantumCircuit(QuantumRegister(wires, "wire"), *registers)
    _prepare(circuit, [g for g in gates if g.name in PREPARATIONS])
    parameters = tuple(ParameterVector("angle", len(free_angles(gates))))
    circuit.compose(body(gates, wires, parameters), clbits=range(num_bits(gates)), inplace=True)
    return circuit


def _shots(found: Any, shots: int) -> np.ndarray:
    """(rows, shots, bytes): the first ones, because a sampler that twirls takes a multiple of its own."""
    if not isinstance(found, BitArray):
        raise ValueError("the sampler was asked for something else than bits, by meas_type or meas_level")
    if found.num_shots < shots:
        raise ValueError(f"the sampler gave {found.num_shots} shots of {shots}")
    return found.array.reshape(-1, *found.array.shape[-2:])[:, :shots]


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
