"""Circuits for the tests of qiskit.aer, and what the rows' definitions make of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from qiskit_aer.noise import NoiseModel

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.operations.modifiers import adjoint
from hybridge.operations.pauli import MATRICES, Sentence
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.registry import device as make
from hybridge_qiskit import translate

NUM_WIRES = 4
STATE = (Measurement("state"),)


def rows(name: str) -> list[Operation]:
    """The row of this name, or rows of the family, or the adjoint row."""
    if name in FAMILIES:
        return [FAMILIES[name].of(num_wires, *constants) for num_wires, constants in FAMILIES[name].examples]
    if name.startswith("Adjoint("):
        return [adjoint(ROWS[name[len("Adjoint(") : -1]])]
    return [ROWS[name]]


def row(name: str) -> Operation:
    return rows(name)[0]


def places(operation: Operation) -> list[tuple[int, ...]]:
    """Places for the row's wires among max(4, k) wires, drawn at random: hardly ever in order."""
    k = operation.num_wires
    n = max(NUM_WIRES, k)
    orders = np.random.default_rng(k), np.random.default_rng(k + 100)
    return sorted({tuple(rng.permutation(n)[:k].tolist()) for rng in orders})


CLAIMED_ROWS = [operation for name in sorted(translate.CLAIMED) for operation in rows(name)]
PLACED = [(operation, wires) for operation in CLAIMED_ROWS for wires in places(operation)]
GATES = [p for p in PLACED if p[0].kind == "gate"]
KETS = [p for p in PLACED if p[0].kind == "state" and not p[0].mixed]


def label(value: Any) -> str:
    return re.sub(r"\W+", "_", str(value))


def circuit(
    *instructions: tuple[Operation, tuple[int, ...]],
    measure: Sequence[Measurement] = STATE,
    num_wires: int = NUM_WIRES,
) -> Circuit:
    return Circuit(tuple(Instruction(*i) for i in instructions), tuple(measure), tuple(range(num_wires)))


def generic_ket(num_wires: int, seed: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ket = rng.normal(size=2**num_wires) + 1j * rng.normal(size=2**num_wires)
    return ket / np.linalg.norm(ket)


def generic_density(num_wires: int, seed: int = 8) -> np.ndarray:
    kets = [generic_ket(num_wires, seed + i) for i in range(3)]
    return sum(p * np.outer(ket, ket.conj()) for p, ket in zip((0.5, 0.3, 0.2), kets, strict=True))


def prepare(array: np.ndarray) -> Operation:
    """StatePrep of a ket, QubitDensityMatrix of a matrix."""
    family = "StatePrep" if array.ndim == 1 else "QubitDensityMatrix"
    return FAMILIES[family].of(len(array).bit_length() - 1, array)


def embed(matrix: np.ndarray, wires: Sequence[int], num_wires: int) -> np.ndarray:
    """The matrix on these wires, the identity on the others: a kron with its basis states reordered."""
    order = [*wires, *(w for w in range(num_wires) if w not in wires)]
    full = np.kron(matrix, np.eye(2 ** (num_wires - len(wires))))
    bits = (np.arange(2**num_wires)[:, None] >> (num_wires - 1 - np.array(order, dtype=int))) & 1
    place = bits @ (1 << np.arange(num_wires)[::-1])
    return full[np.ix_(place, place)]


def evaluate(made: Circuit, params: Sequence[float]) -> np.ndarray:
    """The state (2^n,) straight from the definitions of the rows."""
    num_wires, numbers = len(made.wires), iter(params)
    state = np.eye(2**num_wires, dtype=complex)[0]
    for operation, wires in made.instructions:
        matrix = operation.definition(*[next(numbers) for _ in operation.params])
        if operation.kind == "state":  # |ket><0|: right where the wires are still |0>
            matrix = np.outer(matrix, np.eye(len(matrix))[0])
        state = embed(matrix, wires, num_wires) @ state
    return state


def reduced(rho: np.ndarray, wires: Sequence[int]) -> np.ndarray:
    """The density matrix of these wires, the first most significant, from that of all (2^n, 2^n)."""
    n, k = len(rho).bit_length() - 1, len(wires)
    order = [*wires, *(w for w in range(n) if w not in wires)]
    tensor = rho.reshape((2,) * 2 * n).transpose([*order, *(n + w for w in order)])
    return np.einsum("arbr->ab", tensor.reshape(2**k, 2 ** (n - k), 2**k, 2 ** (n - k)))


def random_circuit(
    num_gates: int, num_wires: int, seed: int, measure: Sequence[Measurement] = STATE
) -> Circuit:
    rng = np.random.default_rng(seed)
    names = ["RX", "CNOT", "Rot", "IsingXY", "H", "CRY", "T", "PSWAP", "CPhaseShift01"]
    picked = [row(names[i]) for i in rng.integers(len(names), size=num_gates)]
    where = [tuple(rng.permutation(num_wires)[: operation.num_wires].tolist()) for operation in picked]
    return circuit(*zip(picked, where, strict=True), measure=measure, num_wires=num_wires)


def angles(made: Circuit, batch: int = 3, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-7, 7, size=(batch, made.num_slots))


def run(made: Circuit, params: Any = ((),), aer: Device | None = None, **task: Any) -> np.ndarray:
    aer = aer or make("qiskit.aer")
    return aer.run([Task(aer.compile(made), np.asarray(params, dtype=float), **task)])[0]


SENTENCES = [
    Sentence({((0, "Z"),): 1.0}),
    Sentence({((3, "Y"),): -0.7}),
    Sentence({((0, "X"), (2, "Y")): 1.0}),
    Sentence(
        {((0, "X"), (1, "Y"), (2, "Z"), (3, "X")): 0.3, ((2, "Y"),): 1.1, (): -0.4, ((1, "Z"), (3, "Y")): 2.0}
    ),
    Sentence({((1, "Z"),): 0.5}, wires=(3, 1)),
    Sentence({(): 2.5}),
    Sentence({}),
]
SUBSETS = [(0,), (3,), (2, 0), (1, 3, 0), (3, 1, 2, 0), (0, 1, 2, 3)]


def mean(rho: np.ndarray, sentence: Sentence) -> float:
    """Tr(rho O), word by word."""
    n, total = len(rho).bit_length() - 1, 0.0
    for word, c in sentence.terms.items():
        letters = dict(word)
        total += c * np.trace(rho @ reduce(np.kron, [MATRICES[letters.get(w, "I")] for w in range(n)])).real
    return total


def expected_of(rho: np.ndarray, m: Measurement) -> np.ndarray:
    """What an exact measurement of this state gives, from its definition."""
    wires = range(NUM_WIRES) if m.wires is None else m.wires
    match m.kind:
        case "expval":
            return np.array([mean(rho, m.observable)])
        case "var":
            return np.array([mean(rho, m.observable @ m.observable) - mean(rho, m.observable) ** 2])
        case "probs":
            return np.diag(reduced(rho, wires)).real
        case _:
            return reduced(rho, wires).reshape(-1)


EXACT = [Measurement(kind, sentence) for kind in ("expval", "var") for sentence in SENTENCES]
EXACT += [Measurement("probs", None, wires) for wires in [None, *SUBSETS]]
MATRICES_OF = [Measurement("density_matrix", None, wires) for wires in SUBSETS]


def within(observed: np.ndarray, expected: np.ndarray, shots: int) -> bool:
    """Whether frequencies agree with probabilities within 6 standard errors: false alarm below 1e-8 each."""
    return bool(np.all(np.abs(observed - expected) <= 6 * np.sqrt(expected * (1 - expected) / shots) + 1e-12))


def coins(wires: int = 1) -> Circuit:
    """A fair coin on each wire; its number changes nothing, so all its rows are alike."""
    flips = [(ROWS["H"], (w,)) for w in range(wires)]
    return circuit(*flips, (ROWS["RZ"], (0,)), num_wires=wires, measure=[Measurement("sample")])


def noise(**errors: Any) -> NoiseModel:
    model = NoiseModel()
    for gate, error in errors.items():
        model.add_all_qubit_quantum_error(error, [gate])
    return model
