"""A circuit as a PUB: transpiled once, its free angles bound by name for every row, its bits read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from qiskit import qasm3
from qiskit.circuit import ClassicalRegister, ParameterVector, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import StatePreparation
from qiskit.primitives.containers.bindings_array import BindingsArray

from hybridge.plugin import Measurement
from hybridge_qiskit.program import PREPARATIONS, body, free_angles
from hybridge_qiskit.translate import Gate

REGISTER = "measured"  # the classical register of the bits, by which a result has them


@dataclass(frozen=True)
class Program:
    """The circuit a primitive runs; the parameter names[j] is scales[j] * params[:, slots[j]].

    `names` are those of the transpiled circuit's: it has its parameters in an order of its own, and some of
    the angles may have had no effect.
    """

    circuit: QuantumCircuit
    names: tuple[str, ...]
    slots: np.ndarray
    scales: np.ndarray
    bits: tuple[list[int], ...]  # for each sample measurement the classical bits of its wires

    def pubs(self, params: np.ndarray, shots: int) -> list[Any]:
        """ONE PUB for all rows (batch, P); one for each where no number has an effect."""
        if not self.names:
            return [(self.circuit, None, shots)] * len(params)
        return [(self.circuit, BindingsArray({self.names: params[:, self.slots] * self.scales}), shots)]

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


def make_program(
    gates: Sequence[Gate],
    measurements: Sequence[Measurement],
    wires: int,
    transpiled: Callable[[QuantumCircuit], QuantumCircuit],
) -> Program:
    """The program of these gates and of samples; `transpiled` puts a circuit in the gates of the machine."""
    angles = free_angles(gates)
    vector = ParameterVector("angle", len(angles))
    on = [list(range(wires)) if m.wires is None else list(m.wires) for m in measurements]
    measured = list(dict.fromkeys(w for those in on for w in those))

    circuit = QuantumCircuit(QuantumRegister(wires, "wire"), ClassicalRegister(len(measured), REGISTER))
    _prepare(circuit, [g for g in gates if g.name in PREPARATIONS])
    circuit.compose(body(gates, wires, tuple(vector)), inplace=True)
    circuit.measure(measured, range(len(measured)))

    by_name = {parameter.name: angle for parameter, angle in zip(vector, angles, strict=True)}
    circuit = transpiled(circuit)
    names = tuple(parameter.name for parameter in circuit.parameters)
    return Program(
        circuit,
        names,
        slots=np.array([by_name[name].slot for name in names], dtype=np.intp),
        scales=np.array([by_name[name].scale for name in names]),
        bits=tuple([measured.index(w) for w in those] for those in on),
    )


def _prepare(circuit: QuantumCircuit, kets: Sequence[Gate]) -> None:
    """The kets, first of all, by gates alone: the wires are 0, and a reset takes time on a machine."""
    if kets:
        ket = reduce(np.kron, [g.array for g in kets])
        wires = [w for g in kets for w in g.wires]
        circuit.append(StatePreparation(ket / np.linalg.norm(ket)), wires[::-1])
