"""Qiskit's circuits and operators, read and written: wire w is qubit w."""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, SparsePauliOp

from hybridge.plugin import Circuit, Format, FormatError, ImportedCircuit, Sentence, hermitian, word
from hybridge_qiskit.reading import Reader
from hybridge_qiskit.writing import written

MAX_QUBITS = {True: 2**16, False: 13}  # of a sum of Pauli words, and of a matrix (1 GiB)


class Qiskit(Format):
    """hb.from_qiskit and hb.to_qiskit: a QuantumCircuit as a circuit, a SparsePauliOp as an observable."""

    def read(self, source: Any) -> ImportedCircuit | Any:
        """The circuit of a QuantumCircuit, its parameters in Qiskit's order; or an operator's observable.

        A SparsePauliOp is a sum of Pauli words, an Operator a Hermitian matrix, both on wires 0..n-1; wire w
        is qubit w. Measurements at the end are the wires the circuit's call returns.
        """
        if isinstance(source, QuantumCircuit):
            return Reader(self.name, source).read()
        if isinstance(source, SparsePauliOp):
            return _sentence(self.name, source)
        if isinstance(source, Operator):
            if source.num_qubits is None or source.dim[0] != source.dim[1]:
                raise FormatError(self.name, f"an Operator on qubits is read; got dimensions {source.dim}")
            wires = tuple(reversed(range(source.num_qubits)))  # Qiskit's last qubit is most significant
            return hermitian(source.data, wires)
        kind = type(source).__name__
        raise FormatError(self.name, f"a QuantumCircuit, SparsePauliOp or Operator is read; got {kind}")

    def write(self, circuit: Circuit, numbers: np.ndarray) -> QuantumCircuit:
        """The QuantumCircuit; wires are its qubits, in their order.

        Wires that probs, sample or counts name are measured at the end, into a register c; what is measured
        inside goes into a register m.
        """
        return written(self.name, circuit, numbers)

    def write_observable(self, observable: Any) -> SparsePauliOp | Operator:
        """A sum of Pauli words as a SparsePauliOp, a matrix as an Operator; its wires are whole numbers."""
        wires = observable.wires
        if any(not isinstance(w, (int, np.integer)) or w < 0 for w in wires):
            raise FormatError(self.name, f"wires of an operator are numbers of qubits; got {list(wires)!r}")
        size, most = int(max(wires, default=0)) + 1, MAX_QUBITS[isinstance(observable, Sentence)]
        if size > most:
            raise FormatError(
                self.name, f"an operator like this has at most {most} qubits; got wire {size - 1}"
            )
        if isinstance(observable, Sentence):
            terms = [
                ("".join(s for _, s in w), [int(wire) for wire, _ in w], c)
                for w, c in observable.terms.items()
            ]
            return SparsePauliOp.from_sparse_list(terms or [("", [], 0.0)], num_qubits=size)
        return Operator(observable.matrix(tuple(reversed(range(size)))))


def _sentence(format: str, operator: SparsePauliOp) -> Sentence:
    if operator.coeffs.dtype == object:
        raise FormatError(format, "an operator with parameters in its coefficients: assign_parameters first")
    terms: dict[Any, Any] = {}
    for letters, qubits, coefficient in operator.to_sparse_list():
        key = word(list(zip(qubits, letters, strict=True)))
        terms[key] = terms.get(key, 0.0) + complex(coefficient)
    plain = {key: c.real if c.imag == 0 else c for key, c in terms.items()}
    return Sentence(plain, range(operator.num_qubits))
