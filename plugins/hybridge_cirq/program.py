"""A compiled circuit: the steps of which Cirq's circuit is made for each row of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import cirq
import numpy as np
import sympy

from hybridge.plugin import Circuit, Measurement, Operation
from hybridge_cirq.translate import Make, maker


class Gate(NamedTuple):
    """A gate or channel on these wires."""

    operation: Operation
    wires: tuple[int, ...]
    make: Make
    columns: slice  # of its numbers in a row

    def at(self, numbers: Sequence[Any]) -> Any:
        """Cirq's operation at these numbers of the whole row."""
        return self.make(*numbers[self.columns])(*map(cirq.LineQubit, self.wires))

    def shown(self, symbols: Sequence[Any]) -> Any:
        """The same with symbols; a channel takes none, and is shown by its name."""
        if self.operation.kind != "channel":
            return self.at(symbols)
        text = f"{self.operation.name}({', '.join(map(str, symbols[self.columns]))})"
        return Named(text, len(self.wires))(*map(cirq.LineQubit, self.wires))


class Prepared(NamedTuple):
    """A state of wires that nothing has touched yet: a ket (2^k,) or a density matrix (2^k, 2^k)."""

    array: np.ndarray
    wires: tuple[int, ...]


class Program(NamedTuple):
    """A circuit for every row: its preparations, its gates, and what is measured."""

    num_wires: int
    num_slots: int
    prepared: tuple[Prepared, ...]
    gates: tuple[Gate, ...]
    measurements: tuple[Measurement, ...]

    @property
    def qubits(self) -> list[Any]:
        return cirq.LineQubit.range(self.num_wires)

    def circuit(self, numbers: Sequence[float]) -> Any:
        """Cirq's circuit at a row (P,), without its preparations."""
        return cirq.Circuit([gate.at(numbers) for gate in self.gates])

    def start(self, mixed: bool) -> np.ndarray:
        """The initial state: a ket (2^n,), or a density matrix (2^n, 2^n)."""
        order = [w for p in self.prepared for w in p.wires]
        idle = [w for w in range(self.num_wires) if w not in order]
        arrays = [*(p.array for p in self.prepared), np.eye(2 ** len(idle))[0]]
        if mixed:
            arrays = [np.outer(a, a.conj()) if a.ndim == 1 else a for a in arrays]
        copies = 2 if mixed else 1
        place = [[*order, *idle].index(w) for w in range(self.num_wires)]
        axes = [p + k * self.num_wires for k in range(copies) for p in place]
        tensor = reduce(np.kron, arrays).reshape((2,) * (copies * self.num_wires)).transpose(axes)
        return tensor.reshape((2**self.num_wires,) * copies).astype(complex)

    def native(self) -> str:
        """The gates as Cirq draws them; `theta0`, `theta1`, ... are the numbers of a row."""
        symbols = sympy.symbols([f"theta{i}" for i in range(self.num_slots)])
        return str(cirq.Circuit([gate.shown(symbols) for gate in self.gates]))


def make_program(circuit: Circuit) -> Program:
    """The program of a lowered circuit."""
    prepared: list[Prepared] = []
    gates: list[Gate] = []
    slot = 0
    for operation, labels in circuit.instructions:
        wires = tuple(int(w) for w in labels)  # type: ignore[call-overload]
        columns = slice(slot, slot + operation.arity)
        slot = columns.stop
        if operation.kind == "state":
            prepared.append(Prepared(np.asarray(operation.definition()), wires))  # type: ignore[misc]
        else:
            gates.append(Gate(operation, wires, maker(operation), columns))
    return Program(len(circuit.wires), slot, tuple(prepared), tuple(gates), circuit.measurements)


class Named(cirq.Gate):
    """A gate that is only drawn."""

    def __init__(self, text: str, num_qubits: int):
        self.text, self._count = text, num_qubits

    def _num_qubits_(self) -> int:
        return self._count

    def _circuit_diagram_info_(self, args: Any) -> list[str]:
        return [self.text, *["#"] * (self._count - 1)]
