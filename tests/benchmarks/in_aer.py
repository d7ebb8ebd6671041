"""The circuits on Qiskit Aer, driven by hand: built anew for a value, one bound job for a gradient."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import amplitude_damping_error, depolarizing_error

from benchmarks.circuits import SHOTS, Gate, Problem

VERSION = f"qiskit-aer {version('qiskit-aer')}"
NAMES = {"CNOT": "cx", "ControlledPhaseShift": "cp", "IsingXX": "rxx", "IsingZZ": "rzz"}
PAULI = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}
WIDEST = 12  # from there on lightning and qulacs are ahead by far


# ours to Aer's: its depolarizing number is that of the wholly mixed state
NOISE = {
    "DepolarizingChannel": lambda p: depolarizing_error(4 * p / 3, 1),
    "AmplitudeDamping": amplitude_damping_error,
}


def _simulator(method: str = "statevector") -> Any:
    return AerSimulator(method=method, max_parallel_threads=1)


def _matrix(gate: Gate, phi: float) -> np.ndarray:
    """Of the gates Qiskit has no name for: the first wire is the most significant."""
    size = 2 ** len(gate.wires)
    matrix = np.eye(size, dtype=complex)
    if gate.name == "PauliRot":
        word = np.eye(1)
        for letter in gate.word:
            word = np.kron(word, PAULI[letter])
        return np.cos(phi / 2) * matrix - 1j * np.sin(phi / 2) * word
    low, high = (1, 2) if size == 4 else (3, 12)
    matrix[[low, low, high, high], [low, high, low, high]] = (
        *(np.cos(phi / 2), -np.sin(phi / 2)),
        *(np.sin(phi / 2), np.cos(phi / 2)),
    )
    return matrix


def _built(problem: Problem, x: Any) -> QuantumCircuit:
    circuit = QuantumCircuit(problem.wires)
    for gate in problem.gates:
        phi = gate.theta(x)
        if gate.name in NOISE:
            circuit.append(NOISE[gate.name](phi), gate.wires)
        elif gate.word or gate.name.endswith("Excitation"):
            circuit.unitary(_matrix(gate, phi), gate.wires[::-1])
        else:
            apply = getattr(circuit, NAMES.get(gate.name, gate.name.lower()))
            apply(*(() if phi is None else (phi,)), *gate.wires)
    sparse = [(term.word, list(term.wires), term.coefficient) for term in problem.terms]
    observable = SparsePauliOp.from_sparse_list(sparse, problem.wires)
    circuit.save_expectation_value(observable, range(problem.wires))
    return circuit


def _value(problem: Problem) -> Callable[[], Any] | str:
    if problem.wires > WIDEST:
        return f"far behind beyond {WIDEST} qubits"
    simulator = _simulator()

    def run() -> float:
        result = simulator.run(_built(problem, problem.params), shots=1).result()
        return result.data(0)["expectation_value"]

    return run


def _noisy_value(problem: Problem) -> Callable[[], Any]:
    """Transpiled once, bound for the value: as quick as Aer takes it."""
    p = ParameterVector("p", len(problem.params))
    template, simulator = _built(problem, p), _simulator("density_matrix")

    def run() -> float:
        binds = {p[i]: [x] for i, x in enumerate(problem.params.tolist())}
        result = simulator.run(template, parameter_binds=[binds], shots=1).result()
        return result.data(0)["expectation_value"]

    return run


def _noisy_values(problem: Problem) -> Callable[[], Any]:
    """One job of all rows, by parameter_binds."""
    p = ParameterVector("p", problem.params.shape[1])
    template, simulator = _built(problem, p), _simulator("density_matrix")

    def run() -> np.ndarray:
        binds = {p[i]: column for i, column in enumerate(problem.params.T.tolist())}
        result = simulator.run(template, parameter_binds=[binds], shots=1).result()
        return np.array([r.data.expectation_value for r in result.results])

    return run


def _shifted(x: Any) -> np.ndarray:
    """The rows of the exact shift rule of rotations: each parameter in turn pi / 2 up, then down."""
    shifted, at = np.repeat(x[None], 2 * len(x), 0), np.arange(len(x))
    shifted[2 * at, at] += np.pi / 2
    shifted[2 * at + 1, at] -= np.pi / 2
    return shifted


def _shift_rule(problem: Problem) -> Callable[[], Any]:
    """The shift rule, all shifted circuits in one job by parameter_binds."""
    x = problem.params
    p = ParameterVector("p", len(x))
    template, simulator, shifted = _built(problem, p), _simulator(), _shifted(x)

    def run() -> np.ndarray:
        binds = {p[i]: shifted[:, i].tolist() for i in range(len(x))}
        result = simulator.run(template, parameter_binds=[binds], shots=1).result()
        values = np.array([r.data.expectation_value for r in result.results])
        return (values[0::2] - values[1::2]) / 2

    return run


def _sampled_shift_rule(problem: Problem) -> Callable[[], Any]:
    """The same of <Z> on wire 0 from the counts of SHOTS shots of each row."""
    x = problem.params
    p = ParameterVector("p", len(x))
    template = QuantumCircuit(problem.wires, 1)
    built = _built(problem, p)
    for step in built.data[:-1]:  # the last one saves the exact value
        template.append(step.operation, [built.find_bit(q).index for q in step.qubits])
    template.measure(0, 0)
    simulator, shifted = _simulator(), _shifted(x)

    def run() -> np.ndarray:
        binds = {p[i]: shifted[:, i].tolist() for i in range(len(x))}
        result = simulator.run(template, parameter_binds=[binds], shots=SHOTS).result()
        values = np.array([1 - 2 * r.data.counts.get("0x1", 0) / SHOTS for r in result.results])
        return (values[0::2] - values[1::2]) / 2

    return run


def _bound(problem: Problem) -> Callable[[], Any]:
    """A value: the parameters assigned to a template made once, and sim.run."""
    p = ParameterVector("p", len(problem.params))
    template, simulator = _built(problem, p), _simulator()

    def run() -> float:
        result = simulator.run(template.assign_parameters(problem.params), shots=1).result()
        return result.data(0)["expectation_value"]

    return run


def _bound_before(problem: Problem) -> Callable[[], Any]:
    """The least that a value can cost: sim.run of a circuit whose numbers never change."""
    circuit, simulator = _built(problem, problem.params), _simulator()

    def run() -> float:
        return simulator.run(circuit, shots=1).result().data(0)["expectation_value"]

    return run


RUNS = {
    "value": {"Aer": _value},
    "gradient on Aer": {"Aer by hand": _shift_rule},
    "sampled gradient on Aer": {"Aer by hand": _sampled_shift_rule},
    "value on Aer": {"Aer by hand": _bound, "Aer, bound before": _bound_before},
    "noisy value": {"Aer": _noisy_value},
    "noisy values": {"Aer": _noisy_values},
}
