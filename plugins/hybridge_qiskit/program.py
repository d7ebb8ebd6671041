"""A compiled circuit: Qiskit's, with the parameters of its angles and how its results are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce
from itertools import count, groupby
from typing import Any, NamedTuple

import numpy as np
from qiskit.circuit import Gate as Named
from qiskit.circuit import Instruction, Parameter, ParameterVector, QuantumCircuit, Reset
from qiskit.circuit.library import DiagonalGate, Initialize, MCXGate, RZGate, UnitaryGate
from qiskit.circuit.library import get_standard_gate_name_mapping as standard_gates
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.library import SetDensityMatrix

from hybridge.plugin import Measurement, Sentence
from hybridge_qiskit.channels import Channel, channels_of, mark, with_channels
from hybridge_qiskit.inside import condition, num_bits, places_of
from hybridge_qiskit.translate import Angle, Gate

SAMPLED = frozenset({"sample", "counts"})
PREPARATIONS = frozenset({"ket", "density"})


class Saved(NamedTuple):
    """How a measurement is read from what Aer saved for a row: under which label, into how many columns."""

    label: str
    columns: int
    read: Callable[[Any], Any]


class Piece(NamedTuple):
    """Rows of a task as Aer takes them: a circuit, the values of its parameters, and which rows they are."""

    circuit: QuantumCircuit
    binds: dict[Parameter, list[float]]
    rows: np.ndarray


@dataclass(frozen=True)
class Program:
    """A circuit with parameters[j] = scales[j] * params[:, slots[j]]; what it saves or, sampled, measures."""

    circuit: QuantumCircuit  # with a mark in the place of each channel, and gates by name, see _by_name
    drawn: QuantumCircuit  # the same in Qiskit's gates
    parameters: tuple[Parameter, ...]
    slots: np.ndarray
    scales: np.ndarray
    saved: tuple[Saved, ...]
    bits: tuple[list[int], ...]  # for each sampled measurement the classical bits of its wires
    counted: (
        bool  # it asks how often each outcome came: 32 rows of 1000 shots are read in a tenth of the time
    )
    dtype: type
    density: bool  # simulated as a density matrix
    mixed: bool  # and for that in need of the simulator that does nothing else
    channels: tuple[Channel, ...]
    dynamic: bool  # what is measured inside decides what happens next

    @property
    def sampled(self) -> bool:
        return bool(self.bits)

    @property
    def size(self) -> int:
        """The state is 2^size numbers."""
        return self.circuit.num_qubits * (2 if self.density else 1)

    def binds(self, params: np.ndarray) -> dict[Parameter, list[float]]:
        """The rows (batch, P) as Aer takes them: for each parameter its values."""
        if not len(self.slots):  # the idle angle
            return {self.parameters[0]: [0.0] * len(params)}
        values = params[:, self.slots] * self.scales
        return dict(zip(self.parameters, values.T.tolist(), strict=True))

    def pieces(self, params: np.ndarray) -> list[Piece]:
        """The rows (batch, P), by the numbers of their channels: Aer binds none inside of those."""
        if not self.channels:
            return [Piece(self.circuit, self.binds(params), np.arange(len(params)))]
        return [
            Piece(circuit, self.binds(params[rows]), rows)
            for circuit, rows in with_channels(self.circuit, self.channels, params)
        ]

    def native(self) -> str:
        """The circuit, drawn; its channels are named at their marks."""
        return str(self.drawn.draw("text", fold=-1))

    def read(self, rows: Sequence[Any], shots: int | None) -> np.ndarray:
        """(batch, columns) from Aer's data of each row: measurements side by side, samples shot by shot."""
        if self.counted:
            return np.array([_counted(row.counts, self.bits[0], shots or 1) for row in rows])
        if shots is not None:
            every = _unpacked([row.memory for row in rows], shots, self.circuit.num_clbits)
            samples = [every[..., b].reshape(len(rows), shots * len(b)) for b in self.bits]
            return np.concatenate(samples, axis=1)
        out = np.empty((len(rows), sum(s.columns for s in self.saved)), self.dtype)
        start = 0
        for label, columns, read in self.saved:
            for i, row in enumerate(rows):
                out[i, start : start + columns] = read(getattr(row, label))
            start += columns
        return out


def make_program(
    gates: Sequence[Gate],
    measurements: Sequence[Measurement],
    wires: int,
    density: bool,
    mixed: bool,
    words: bool,
    rewrite: Callable[[QuantumCircuit], QuantumCircuit],
) -> Program:
    """The program of these gates, its channels of Pauli words if `words`; `rewrite` puts a circuit in the
    simulator's own gates."""
    angles = free_angles(gates)
    parameters = tuple(ParameterVector("angle", len(angles)))
    on = [list(range(wires)) if m.wires is None else list(m.wires) for m in measurements]
    kinds = [m.kind for m in measurements]
    sampled = [those for those, kind in zip(on, kinds, strict=True) if kind in SAMPLED]
    places = places_of(gates, sampled)
    inside = num_bits(gates)

    circuit = QuantumCircuit(wires, inside + len(places.wires))
    # preparations may as well come first: nothing has touched their wires
    _prepare(circuit, [g for g in gates if g.name in PREPARATIONS], density)
    circuit.compose(rewrite(body(gates, wires, parameters)), clbits=range(inside), inplace=True)
    if "state" not in kinds:
        # rewriting may have left angles there, which Aer cannot bind inside the simulator
        circuit.global_phase = 0
    if not circuit.parameters:
        # Aer counts rows by a parameter's values, so there must be one; by its label the gate has no errors
        parameters, angles = (Parameter("idle"),), []
        circuit.append(RZGate(parameters[0], label="idle"), [0])
    circuit.measure(places.wires, range(inside, inside + len(places.wires)))

    saved = [
        SAVE[m.kind](circuit, m.observable, those, f"measurement{i}")
        for i, (m, those) in enumerate(zip(measurements, on, strict=True))
        if m.kind not in SAMPLED
    ]
    return Program(
        _by_name(circuit),
        circuit,
        parameters,
        slots=np.array([a.slot for a in angles], dtype=np.intp),
        scales=np.array([a.scale for a in angles]),
        saved=tuple(saved),
        bits=places.bits,
        counted="counts" in kinds,
        dtype=complex if {"state", "density_matrix"} & set(kinds) else float,
        density=density,
        mixed=mixed,
        channels=channels_of(gates, words),
        dynamic=inside > 0,
    )


# ---- gates ----------------------------------------------------------------------------------------------

STANDARD = {name: type(gate) for name, gate in standard_gates().items()}
# What is not made of angles alone. Qiskit's arrays have the first qubit least significant, so wires
# get reversed.
MAKE: dict[str, Callable[[Gate], tuple[Instruction, Sequence[int]]]] = {
    "unitary": lambda g: (UnitaryGate(g.array), g.wires[::-1]),
    "diagonal": lambda g: (DiagonalGate(g.array.tolist()), g.wires[::-1]),  # type: ignore[union-attr]
    "reset": lambda g: (Reset(), g.wires),
    "mcx": lambda g: (MCXGate(len(g.wires) - 1), g.wires),
}


def free_angles(gates: Sequence[Gate]) -> list[Angle]:
    """The angles that are parameters of the circuit, in its order."""
    return [a for g in gates if g.name != "channel" for a in g.angles if a.slot is not None]


def body(gates: Sequence[Gate], wires: int, parameters: Sequence[Parameter]) -> QuantumCircuit:
    """The gates without the preparations, their free angles being the parameters in this order.

    Gates under one condition are one block; a channel is a mark.
    """
    circuit, free, marks = QuantumCircuit(wires, num_bits(gates)), iter(parameters), count()
    for when, together in groupby(gates, key=lambda g: g.when):
        with nullcontext() if when is None else circuit.if_test(condition(when, circuit.clbits)):
            for g in together:
                if g.name == "channel":
                    circuit.append(mark(next(marks), g), g.wires)
                elif g.name == "measure":
                    circuit.measure(g.wires[0], g.bit)
                elif g.name in MAKE:
                    circuit.append(*MAKE[g.name](g))
                elif g.name not in PREPARATIONS:
                    angles = [a.scale if a.slot is None else next(free) for a in g.angles]
                    circuit.append(STANDARD[g.name](*angles), g.wires)
    return circuit


def _by_name(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with a name alone for each standard gate that has angles.

    Aer goes by names, and asks for each gate five times a job. Qiskit makes a standard gate with angles anew
    each time: a value of 16 angles took Aer 0.79 ms, not 0.61.
    """
    named = circuit.copy_empty_like()
    for step in circuit.data:
        gate = step.operation
        if type(gate) is STANDARD.get(gate.name) and gate.params:
            step = step.replace(operation=Named(gate.name, gate.num_qubits, gate.params, gate.label))
        named.append(step)
    return named


def _prepare(circuit: QuantumCircuit, preparations: Sequence[Gate], density: bool) -> None:
    if density and preparations:
        circuit.append(SetDensityMatrix(_joint(preparations, circuit.num_qubits)), circuit.qubits)
    elif preparations:
        # one Initialize: after a second one Aer would run every shot by itself, 100x slower; normalised,
        # because Qiskit checks a ket more strictly than the row does
        ket = reduce(np.kron, [g.array for g in preparations])
        wires = [w for g in preparations for w in g.wires]
        circuit.append(Initialize(ket / np.linalg.norm(ket)), wires[::-1])


def _joint(preparations: Sequence[Gate], wires: int) -> np.ndarray:
    """The density matrix (2^n, 2^n) of these states and |0> on all other wires, qubit 0 least significant."""
    prepared = [w for g in preparations for w in g.wires]
    order = [*prepared, *(w for w in range(wires) if w not in prepared)]
    factors = [g.array if g.name == "density" else np.outer(g.array, g.array.conj()) for g in preparations]
    zeros = np.zeros((2 ** (wires - len(prepared)),) * 2)
    zeros[0, 0] = 1
    place = [order.index(w) for w in reversed(range(wires))]
    joint = reduce(np.kron, [*factors, zeros]).reshape((2,) * 2 * wires)
    return joint.transpose([*place, *(wires + p for p in place)]).reshape((2**wires,) * 2)


# ---- results --------------------------------------------------------------------------------------------


def _save_expval(circuit: QuantumCircuit, observable: Sentence, wires: list[int], label: str) -> Saved:
    circuit.save_expectation_value(operator(observable, circuit), circuit.qubits, label)
    return Saved(label, 1, float)


def _save_var(circuit: QuantumCircuit, observable: Sentence, wires: list[int], label: str) -> Saved:
    circuit.save_expectation_value_variance(operator(observable, circuit), circuit.qubits, label)
    return Saved(label, 1, _second)


def _save_probs(circuit: QuantumCircuit, observable: None, wires: list[int], label: str) -> Saved:
    circuit.save_probabilities(wires[::-1], label)
    return Saved(label, 2 ** len(wires), np.asarray)


def _save_state(circuit: QuantumCircuit, observable: None, wires: list[int], label: str) -> Saved:
    circuit.save_statevector(label)
    return Saved(label, 2**circuit.num_qubits, _reversed)


def _save_density_matrix(circuit: QuantumCircuit, observable: None, wires: list[int], label: str) -> Saved:
    circuit.save_density_matrix(wires[::-1], label)
    return Saved(label, 4 ** len(wires), _flat)


SAVE: dict[str, Callable[[QuantumCircuit, Any, list[int], str], Saved]] = {
    "expval": _save_expval,
    "var": _save_var,
    "probs": _save_probs,
    "state": _save_state,
    "density_matrix": _save_density_matrix,
}


def operator(observable: Sentence, circuit: QuantumCircuit) -> SparsePauliOp:
    """The sentence as Qiskit's operator on all qubits.

    On fewer, Aer drops the qubits that no measurement depends on, and where qubits are not entangled and two
    measurements are on different ones, it then reads the words on the wrong ones (seen in Aer 0.18.2).
    """
    terms = observable.terms or {(): 0.0}
    words = [("".join(s for _, s in w), [wire for wire, _ in w], c) for w, c in terms.items()]
    return SparsePauliOp.from_sparse_list(words, circuit.num_qubits)


def _second(mean_and_variance: Sequence[float]) -> float:
    return mean_and_variance[1]


def _flat(matrix: Any) -> np.ndarray:
    return np.asarray(matrix).reshape(-1)


def _reversed(state: Any) -> np.ndarray:
    """The amplitudes with qubit 0, wire 0, most significant."""
    amplitudes = np.asarray(state)
    return amplitudes.reshape((2,) * (len(amplitudes).bit_length() - 1)).T.reshape(-1)


def _counted(counts: Mapping[str, int], bits: Sequence[int], shots: int) -> list[int]:
    """m = min(shots, 2^k) outcomes of these classical bits, the first most significant; then how often."""
    numbers: dict[int, int] = {}
    for word, times in counts.items():
        read = int(word, 16)
        number = 0
        for b in bits:
            number = 2 * number + (read >> b & 1)
        numbers[number] = numbers.get(number, 0) + times
    spare = [0] * (min(shots, 2 ** len(bits)) - len(numbers))
    return [*numbers, *spare, *numbers.values(), *spare]


def _unpacked(rows: Sequence[Sequence[str]], shots: int, width: int) -> np.ndarray:
    """(batch, shots, width) bits, classical bit 0 first, from hexadecimal words: one a shot, bit 0 lowest."""
    size = (width + 7) // 8
    distinct = {word for row in rows for word in row}
    # few words differ, as a rule, and looking one up takes a fifth of the time it takes to read it
    parsed = {word: int(word, 16).to_bytes(size, "little") for word in distinct}
    raw = b"".join([parsed[word] for row in rows for word in row])
    packed = np.frombuffer(raw, np.uint8).reshape(len(rows), shots, size)
    return np.unpackbits(packed, axis=2, count=width, bitorder="little")
