"""The circuits in qulacs: a prepared parametric circuit run again, or the circuit built anew at each call.

Gates that qulacs has not are put together from those it runs fastest, as timed gate by gate: ZZ as CNOT RZ
CNOT, controlled rotations as matrices with a control, excitations as a controlled RY between CNOTs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import qulacs
from qulacs import gate as gates

from benchmarks.circuits import Gate, Problem
from benchmarks.rows_samples import Ready

VERSION = f"qulacs {qulacs.__version__}"
PAULI = {"X": 1, "Y": 2, "Z": 3}
ANGLES = {"RX", "RY", "RZ", "IsingXX", "IsingZZ", "PauliRot"}  # qulacs keeps their angles as parameters
TURNS = {"RX": gates.RX, "RY": gates.RY, "RZ": gates.RZ, "CRX": gates.RX, "CRY": gates.RY, "CRZ": gates.RZ}
FIXED = {"H": gates.H, "X": gates.X, "T": gates.T, "CNOT": gates.CNOT, "CZ": gates.CZ, "SWAP": gates.SWAP}
PARAMETRIC = {"RX": gates.ParametricRX, "RY": gates.ParametricRY, "RZ": gates.ParametricRZ}


def _controlled(gate: Any, controls: dict[int, int]) -> Any:
    matrix = gates.to_matrix_gate(gate)
    for wire, value in controls.items():
        matrix.add_control_qubit(wire, value)
    return matrix


def _single(phi: float, a: int, b: int) -> list[Any]:
    return [gates.CNOT(a, b), _controlled(gates.RY(a, -phi), {b: 1}), gates.CNOT(a, b)]


def _double(phi: float, a: int, b: int, c: int, d: int) -> list[Any]:
    gather = [gates.CNOT(a, b), gates.CNOT(c, d), gates.CNOT(a, c)]
    return [*gather, _controlled(gates.RY(a, -phi), {b: 0, c: 1, d: 0}), *reversed(gather)]


def _word(gate: Gate, phi: float, rotation: Callable[..., Any]) -> list[Any]:
    word = gate.word or gate.name.removeprefix("Ising")
    return [rotation(list(gate.wires), [PAULI[letter] for letter in word], -phi)]


def _made(gate: Gate, phi: float) -> list[Any]:
    """The gate at this angle; qulacs' rotations turn the other way."""
    if gate.name in FIXED:
        return [FIXED[gate.name](*gate.wires)]
    match gate.name:
        case "RX" | "RY" | "RZ":
            return [TURNS[gate.name](*gate.wires, -phi)]
        case "CRX" | "CRY" | "CRZ":
            return [_controlled(TURNS[gate.name](gate.wires[1], -phi), {gate.wires[0]: 1})]
        case "ControlledPhaseShift":
            return [_controlled(gates.U1(gate.wires[1], phi), {gate.wires[0]: 1})]
        case "IsingZZ":
            return [gates.CNOT(*gate.wires), gates.RZ(gate.wires[1], -phi), gates.CNOT(*gate.wires)]
        case "IsingXX" | "PauliRot":
            return _word(gate, phi, gates.PauliRotation)
        case "SingleExcitation":
            return _single(phi, *gate.wires)
        case "DoubleExcitation":
            return _double(phi, *gate.wires)
    raise KeyError(gate.name)


def _parametric(problem: Problem) -> tuple[Any, list[int]]:
    """The circuit with parameters, and the slot of each of them."""
    circuit, slots = qulacs.ParametricQuantumCircuit(problem.wires), []
    for gate in problem.gates:
        if gate.slot is None:
            for part in _made(gate, gate.angle or 0.0):
                circuit.add_gate(part)
            continue
        slots.append(gate.slot)
        if gate.name == "IsingZZ":
            circuit.add_CNOT_gate(*gate.wires)
            circuit.add_parametric_RZ_gate(gate.wires[1], 0.0)
            circuit.add_CNOT_gate(*gate.wires)
        elif gate.name in PARAMETRIC:
            circuit.add_parametric_gate(PARAMETRIC[gate.name](*gate.wires, 0.0))
        else:
            circuit.add_parametric_gate(_word(gate, 0.0, gates.ParametricPauliRotation)[0])
    return circuit, slots


def _observable(problem: Problem) -> Any:
    found = qulacs.Observable(problem.wires)
    for term in problem.terms:
        pairs = zip(term.word, term.wires, strict=True)
        found.add_operator(term.coefficient, " ".join(f"{letter} {wire}" for letter, wire in pairs))
    return found


def _prepared(problem: Problem) -> bool:
    return all(gate.name in ANGLES for gate in problem.gates if gate.slot is not None)


def _rerun(problem: Problem, x: np.ndarray | None = None) -> Callable[..., Any]:
    """The value at parameters (P,), of one circuit prepared beforehand."""
    circuit, slots = _parametric(problem)
    state, observable = qulacs.QuantumState(problem.wires), _observable(problem)

    def run(x: np.ndarray) -> float:
        for k, slot in enumerate(slots):
            circuit.set_parameter(k, -x[slot])
        state.set_zero_state()
        circuit.update_quantum_state(state)
        return observable.get_expectation_value(state)

    return run


def _backprop(problem: Problem) -> Callable[..., Any]:
    """The gradient at parameters (P,), of one circuit prepared beforehand."""
    circuit, slots = _parametric(problem)
    observable = _observable(problem)
    places = np.array(slots)

    def run(x: np.ndarray) -> np.ndarray:
        for k, slot in enumerate(slots):
            circuit.set_parameter(k, -x[slot])
        return np.bincount(places, -np.array(circuit.backprop(observable)), len(x))

    return run


def _value(problem: Problem) -> Callable[[], Any] | str:
    if not _prepared(problem):
        return "measured built anew, as it keeps no parameters of controlled gates"
    run = _rerun(problem)
    return lambda: run(problem.params)


def _value_anew(problem: Problem) -> Callable[[], Any] | str:
    if problem.wires > 12 and _prepared(problem):
        return "as fast as the prepared one beyond 12 qubits"
    observable, x = _observable(problem), problem.params

    def run() -> float:
        circuit = qulacs.QuantumCircuit(problem.wires)
        for gate in problem.gates:
            for part in _made(gate, gate.theta(x)):
                circuit.add_gate(part)
        state = qulacs.QuantumState(problem.wires)
        circuit.update_quantum_state(state)
        return observable.get_expectation_value(state)

    return run


def _gradient(problem: Problem) -> Callable[[], Any]:
    run = _backprop(problem)
    return lambda: run(problem.params)


def _both(problem: Problem) -> Callable[[], Any]:
    value, gradient = _rerun(problem), _backprop(problem)
    return lambda: (value(problem.params), gradient(problem.params))


def _values(problem: Problem) -> Callable[[], Any]:
    run = _rerun(problem)
    return lambda: np.array([run(x) for x in problem.params])


def _gradients(problem: Problem) -> Callable[[], Any]:
    run = _backprop(problem)
    return lambda: np.array([run(x) for x in problem.params])


def _samples(ready: Ready) -> Callable[[], Any]:
    state = qulacs.QuantumState(ready.wires)
    state.load(ready.state)
    return lambda: state.sampling(ready.shots)


def _counts(ready: Ready) -> Callable[[], Any]:
    samples = _samples(ready)
    return lambda: Counter(samples())


RUNS = {
    "value": {"qulacs": _value, "qulacs built anew": _value_anew},
    "gradient": {"qulacs": _gradient},
    "value and gradient": {"qulacs": _both},
    "values": {"qulacs": _values},
    "gradients": {"qulacs": _gradients},
    "samples": {"qulacs": _samples},
    "counts": {"qulacs": _counts},
}
