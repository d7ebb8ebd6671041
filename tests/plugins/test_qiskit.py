"""qiskit.aer does what the rows say, exactly and sampled, in one job."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

import numpy as np
import pytest
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
)

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.errors import DeviceError, JobFailed, UnsupportedCircuit
from hybridge.operations.modifiers import adjoint
from hybridge.operations.pauli import MATRICES, Sentence
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.registry import device as make
from hybridge.registry import devices
from hybridge_qiskit import AER, translate
from hybridge_qiskit.device import LARGE, METHODS

NUM_WIRES = 4
STATE = (Measurement("state"),)


# ---- circuits, and what the rows' definitions make of them -----------------------------------------------


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


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many circuits each Aer job was given, as it happens."""
    seen: list[int] = []
    submit = AerSimulator.run

    def counting(self: AerSimulator, circuits: Any, *args: Any, **options: Any) -> Any:
        seen.append(len(circuits))
        return submit(self, circuits, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", counting)
    return seen


# ---- rows ------------------------------------------------------------------------------------------------


def test_the_table_names_only_rows_there_are() -> None:
    for name, text in translate.AER.items():
        operation = row(name)
        assert set(re.findall(r"[a-z]{3,}(?=[/,)])", text)) - {"pi"} == set(operation.params), name
        assert set(re.findall(r" ([abc])(?=[ ;]|$)", text)) == set("abc"[: operation.num_wires]), name


@pytest.mark.parametrize(("operation", "wires"), GATES, ids=label)
def test_every_gate_is_exact_with_its_phase(operation: Operation, wires: tuple[int, ...]) -> None:
    n = max(NUM_WIRES, len(wires))
    made = circuit((prepare(generic_ket(n)), tuple(range(n))), (operation, wires), num_wires=n)
    params = angles(made)
    np.testing.assert_allclose(run(made, params), [evaluate(made, p) for p in params], atol=1e-13)


@pytest.mark.parametrize(("operation", "wires"), GATES, ids=label)
def test_no_gate_is_rewritten(
    operation: Operation, wires: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybridge_qiskit.device.transpile", None)
    make("qiskit.aer").compile(circuit((operation, wires), num_wires=max(NUM_WIRES, len(wires))))


@pytest.mark.parametrize(("operation", "wires"), KETS, ids=label)
def test_a_state_goes_on_the_wires_nothing_has_touched(operation: Operation, wires: tuple[int, ...]) -> None:
    free = [w for w in range(NUM_WIRES) if w not in wires]
    before = [(ROWS["RX"], (w,)) for w in free] + [(ROWS["CNOT"], (free[-1], free[0]))] * (len(free) > 1)
    after = [(ROWS["RY"], (1,)), (ROWS["CNOT"], (0, 3))]
    made = circuit(*before, (operation, wires), *after)
    params = angles(made)
    np.testing.assert_allclose(run(made, params), [evaluate(made, p) for p in params], atol=1e-13)


def test_two_states_go_side_by_side() -> None:
    made = circuit((prepare(generic_ket(2)), (3, 0)), (prepare(generic_ket(1)), (2,)), (ROWS["RX"], (0,)))
    params = angles(made)
    np.testing.assert_allclose(run(made, params), [evaluate(made, p) for p in params], atol=1e-13)


def fourth_roots() -> list[list[tuple[Operation, tuple[int, ...]]]]:
    """Gates on wire 1 that make diag(i, 1) or diag(-i, 1) exactly."""
    x, y, z, s = (ROWS[name] for name in "XYZS")
    products = [[x, s, x], [x, adjoint(s), x], [y, x, s, z], [s, x, z, s, y, s]]
    for i in (1j, -1j):
        products.append([FAMILIES["QubitUnitary"].of(1, np.diag([i, 1]))])
        products.append([FAMILIES["DiagonalQubitUnitary"].of(1, np.array([i, 1]))])
    return [[(operation, (1,)) for operation in product] for product in products]


@pytest.mark.parametrize("num_wires", [2, LARGE + 1])
@pytest.mark.parametrize("product", fourth_roots(), ids=label)
def test_the_phase_of_diag_i_1_stays(product: list[Any], num_wires: int) -> None:
    zero = circuit(*product, num_wires=2)
    plus = circuit((ROWS["H"], (1,)), *product, num_wires=2)
    for made in (zero, plus):
        got = run(made._replace(wires=tuple(range(num_wires))))[0]
        places = np.arange(4) << (num_wires - 2)
        np.testing.assert_allclose(got[places], evaluate(made, ()), atol=1e-13)


def test_what_a_row_takes_for_normalised_qiskit_gets_normalised() -> None:
    ket = generic_ket(2) * (1 + 4e-9)
    diagonal = FAMILIES["DiagonalQubitUnitary"].of(2, np.array([1j, 1 + 9e-9, 1, -1]))
    unitary = FAMILIES["QubitUnitary"].of(1, np.array([[0, 1], [1 + 4e-9, 0]]))
    made = circuit((prepare(ket), (0, 1)), (diagonal, (1, 0)), (unitary, (0,)), num_wires=2)
    np.testing.assert_allclose(run(made)[0], evaluate(made, ()), rtol=0, atol=3e-8)


@pytest.mark.parametrize("wires", [(2, 0), (3, 1)])
def test_a_mixed_state_goes_where_it_belongs(wires: tuple[int, int]) -> None:
    rho, ket = generic_density(2), generic_ket(1)
    (other, last) = (w for w in range(NUM_WIRES) if w not in wires)
    instructions = [(ROWS["CRX"], (wires[1], last)), (ROWS["CCZ"], (0, 1, 2)), (ROWS["Rot"], (other,))]
    everything = Measurement("density_matrix", None, tuple(range(NUM_WIRES)))
    made = circuit((prepare(rho), wires), (prepare(ket), (other,)), *instructions, measure=[everything])
    params = angles(made)
    start = np.kron(np.kron(rho, np.outer(ket, ket.conj())), np.diag([1, 0]))
    start = embed(start, [*wires, other, last], NUM_WIRES)
    expected = []
    for p in params:
        bare = circuit(*instructions)
        unitary = np.stack([evaluate_from(bare, p, column) for column in np.eye(16)], axis=1)
        expected.append((unitary @ start @ unitary.conj().T).reshape(-1))
    np.testing.assert_allclose(run(made, params), expected, atol=1e-13)


def evaluate_from(made: Circuit, params: Sequence[float], state: np.ndarray) -> np.ndarray:
    """The gates of a circuit, by their definitions, applied to this state."""
    numbers = iter(params)
    for operation, wires in made.instructions:
        matrix = operation.definition(*[next(numbers) for _ in operation.params])
        state = embed(matrix, wires, len(made.wires)) @ state
    return state


# ---- numbers ---------------------------------------------------------------------------------------------


def test_more_than_ten_numbers_keep_their_order() -> None:
    turns = [(ROWS[name], (w,)) for w in range(4) for name in ("RX", "RY", "RZ")]
    made = circuit(*turns, (ROWS["CRot"], (3, 0)))
    params = np.arange(15)[None] / 7
    assert made.num_slots == 15
    np.testing.assert_allclose(run(made, params)[0], evaluate(made, params[0]), atol=1e-13)


@pytest.mark.parametrize("num_wires", [4, LARGE])
def test_rows_are_independent(num_wires: int) -> None:
    z, every = Sentence({((0, "Z"),): 1.0}), tuple(range(4))
    kinds = [
        Measurement("expval", z),
        Measurement("probs", None, every),
        Measurement("density_matrix", None, (2, 0)),
    ]
    made = random_circuit(40, 4, seed=1)._replace(wires=tuple(range(num_wires)), measurements=tuple(kinds))
    params = angles(made, 6)
    params[3] = params[0]
    together = run(made, params)
    np.testing.assert_array_equal(together[3], together[0])
    np.testing.assert_allclose(together, [run(made, p[None])[0] for p in params], atol=1e-13)
    small = made._replace(wires=every)
    ket = evaluate(small, params[5])
    np.testing.assert_allclose(together[5, 1:17].real, np.abs(ket) ** 2, atol=1e-13)


@pytest.mark.parametrize("shots", [None, 5])
def test_rows_of_a_circuit_without_numbers(shots: int | None) -> None:
    kind = Measurement("state") if shots is None else Measurement("sample")
    made = circuit((ROWS["X"], (1,)), (ROWS["S"], (1,)), num_wires=2, measure=[kind])
    got = run(made, np.empty((3, 0)), shots=shots)
    np.testing.assert_allclose(got, [[0, 1j, 0, 0]] * 3 if shots is None else [[0, 1] * 5] * 3, atol=1e-15)


@pytest.mark.parametrize("shots", [None, 5])
def test_numbers_that_change_nothing(shots: int | None) -> None:
    kind = Measurement("probs" if shots is None else "sample", None, (0,))
    made = circuit((FAMILIES["GlobalPhase"].of(0), ()), num_wires=1, measure=[kind])
    got = run(made, [[0.1], [0.2]], shots=shots)
    np.testing.assert_array_equal(got, [[1, 0]] * 2 if shots is None else [[0] * 5] * 2)


def test_no_rows_give_no_results(jobs: list[int]) -> None:
    made = random_circuit(10, 3, seed=1)
    assert run(made, np.empty((0, made.num_slots))).shape == (0, 8)
    assert jobs == []


def test_no_gates_at_all_is_the_zero_state() -> None:
    np.testing.assert_array_equal(run(circuit(num_wires=2)), [[1, 0, 0, 0]])


def test_idle_wires_stay_zero_in_their_place() -> None:
    expval = Measurement("expval", Sentence({((2, "Z"), (4, "Z")): 1.0}))
    kinds = [Measurement("state"), expval, Measurement("probs", None, (4, 2))]
    got = run(circuit((ROWS["RX"], (2,)), num_wires=5, measure=kinds), [[0.3]])[0]
    state = np.zeros(32, dtype=complex)
    state[0], state[0b00100] = np.cos(0.15), -1j * np.sin(0.15)
    c, s = np.cos(0.15) ** 2, np.sin(0.15) ** 2
    np.testing.assert_allclose(got, [*state, c - s, c, s, 0, 0], atol=1e-15)


# ---- exact measurements ----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "matrix_product_state"])
def test_measurements_side_by_side_mean_what_they_say(method: str) -> None:
    aer = make("qiskit.aer", method=method)
    made = random_circuit(30, NUM_WIRES, seed=4, measure=EXACT)
    params = angles(made, 2)
    kets = [evaluate(made, p) for p in params]
    for kinds, dtype in ((EXACT, np.float64), (EXACT + MATRICES_OF, np.complex128)):
        got = run(made._replace(measurements=tuple(kinds)), params, aer)
        expected = [np.concatenate([expected_of(np.outer(k, k.conj()), m) for m in kinds]) for k in kets]
        np.testing.assert_allclose(got, expected, atol=2e-13)
        assert got.dtype == dtype
    if "state" in aer.capabilities.measurements:
        np.testing.assert_allclose(
            run(made._replace(measurements=STATE * 2), params, aer), np.hstack([kets] * 2), atol=1e-13
        )


def test_a_clifford_circuit_is_exact_too() -> None:  # Aer may then leave amplitudes for stabilizers
    gates = [("H", (3,)), ("CNOT", (3, 1)), ("S", (1,)), ("CNOT", (1, 0)), ("H", (0,)), ("X", (2,))]
    for method in ("automatic", "stabilizer"):
        made = circuit(*[(ROWS[name], wires) for name, wires in gates], measure=EXACT)
        ket = evaluate(made, ())
        expected = np.concatenate([expected_of(np.outer(ket, ket.conj()), m) for m in EXACT])
        np.testing.assert_allclose(run(made, aer=make("qiskit.aer", method=method))[0], expected, atol=1e-13)


def test_single_precision_is_single() -> None:
    made = random_circuit(30, NUM_WIRES, seed=4)
    params = angles(made, 1)
    error = np.abs(
        run(made, params, make("qiskit.aer", precision="single")) - evaluate(made, params[0])
    ).max()
    assert 1e-9 < error < 1e-5


# ---- samples ---------------------------------------------------------------------------------------------


def within(observed: np.ndarray, expected: np.ndarray, shots: int) -> bool:
    """Whether frequencies agree with probabilities within 6 standard errors: false alarm below 1e-8 each."""
    return bool(np.all(np.abs(observed - expected) <= 6 * np.sqrt(expected * (1 - expected) / shots) + 1e-12))


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "matrix_product_state"])
@pytest.mark.parametrize("wires", [None, (2,), (3, 0), (1, 3, 0)])
def test_samples_are_distributed_as_the_state_says(method: str, wires: tuple[int, ...] | None) -> None:
    shots, on = 4000, wires or tuple(range(NUM_WIRES))
    made = random_circuit(30, NUM_WIRES, seed=5, measure=[Measurement("sample", None, wires)])
    params = angles(made, 2)
    got = run(made, params, make("qiskit.aer", method=method, seed=1), shots=shots)
    assert got.dtype == np.uint8 and got.shape == (2, shots * len(on))
    words = got.reshape(2, shots, len(on)) @ (1 << np.arange(len(on))[::-1])
    for p, drawn in zip(params, words, strict=True):
        ket = evaluate(made, p)
        expected = np.diag(reduced(np.outer(ket, ket.conj()), on)).real
        assert within(np.bincount(drawn, minlength=2 ** len(on)) / shots, expected, shots)


def test_a_prepared_state_is_sampled_as_it_is() -> None:
    made = circuit((prepare(generic_ket(2)), (2, 0)), measure=[Measurement("sample", None, (2, 0))])
    words = run(made, shots=4000, seed=3).reshape(-1, 2) @ [2, 1]
    assert within(np.bincount(words, minlength=4) / 4000, np.abs(generic_ket(2)) ** 2, 4000)


def test_states_side_by_side_are_sampled_at_once() -> None:
    kets = [(prepare(generic_ket(2)), (2, 0)), (prepare(generic_ket(1)), (1,))]
    made = circuit(*kets, measure=[Measurement("sample", None, (1,))])
    assert make("qiskit.aer").compile(made).circuit.count_ops()["initialize"] == 1
    bits = run(made, shots=4000, seed=3)
    assert within(bits.mean(keepdims=True), np.abs(generic_ket(1)[1:]) ** 2, 4000)


def test_samples_of_one_circuit_come_from_the_same_shots() -> None:
    kinds = [Measurement("sample", None, (2, 0)), Measurement("sample", None, (0,))]
    made = circuit((ROWS["H"], (0,)), (ROWS["CNOT"], (0, 2)), measure=kinds)
    got = run(made, np.empty((2, 0)), shots=50, seed=4)
    assert got.shape == (2, 150)
    pairs, single = got[:, :100].reshape(2, 50, 2), got[:, 100:]
    np.testing.assert_array_equal(pairs[..., 0], pairs[..., 1])
    np.testing.assert_array_equal(pairs[..., 1], single)
    assert 0 < single.mean() < 1


def coins(wires: int = 1) -> Circuit:
    """A fair coin on each wire; its number changes nothing, so all its rows are alike."""
    flips = [(ROWS["H"], (w,)) for w in range(wires)]
    return circuit(*flips, (ROWS["RZ"], (0,)), num_wires=wires, measure=[Measurement("sample")])


@pytest.mark.parametrize("num_wires", [1, LARGE])
def test_rows_draw_their_own_shots_in_random_order(num_wires: int) -> None:
    shots = 4000
    bits = run(coins(num_wires), np.zeros((3, 1)), shots=shots, seed=5).reshape(3, shots, num_wires)[..., 0]
    bound = 6 / np.sqrt(shots)  # 6 standard errors of a correlation: false alarm below 1e-8
    correlations = np.corrcoef(bits) - np.eye(3)
    assert np.abs(correlations).max() < bound
    for row_bits in bits:  # neither sorted nor grouped: a shot says nothing about the next ones
        assert (
            max(abs(np.corrcoef(row_bits[:-lag], row_bits[lag:])[0, 1]) for lag in (1, 2, shots // 2))
            < 1.5 * bound
        )


def test_seeds_fix_the_samples() -> None:
    zeros = np.zeros((2, 1))
    draw = lambda aer, seed: run(coins(), zeros, aer, shots=200, seed=seed)
    aer = make("qiskit.aer", seed=1)
    first, again, other = draw(aer, 11), draw(aer, 11), draw(aer, 12)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(
        first, draw(make("qiskit.aer", seed=2), 11)
    )  # the task's seed alone decides
    sequences = [
        [draw(made, None) for _ in range(2)] for made in (make("qiskit.aer", seed=3) for _ in range(2))
    ]
    np.testing.assert_array_equal(*sequences)  # without one, the device's
    assert (sequences[0][0] != sequences[0][1]).any()


def test_jobs_whose_seeds_are_apart_by_aers_step_share_no_shots() -> None:
    aer = make("qiskit.aer")
    first, second = (run(coins(), np.zeros((2, 1)), aer, shots=100, seed=s) for s in (0, 2113))
    assert (first[1] != second[0]).any()


def test_tasks_of_one_seed_draw_their_own_shots() -> None:
    aer = make("qiskit.aer")
    task = Task(aer.compile(coins()), np.zeros((1, 1)), 100, 6)
    first, second = aer.run([task, task])
    assert (first != second).any()


def test_wide_words_are_read_whole() -> None:
    wires = 70  # more than fit into 64 bits
    ones = [(ROWS["X"], (w,)) for w in (0, 5, 64, 69)]
    made = circuit(*ones, num_wires=wires, measure=[Measurement("sample")])
    got = run(made, np.empty((2, 0)), make("qiskit.aer", method="stabilizer"), shots=3)
    expected = np.isin(np.arange(wires), (0, 5, 64, 69))
    np.testing.assert_array_equal(got.reshape(6, wires), [expected] * 6)


def test_extended_stabilizers_give_samples() -> None:
    aer = make("qiskit.aer", method="extended_stabilizer")
    assert not aer.capabilities.exact
    made = circuit(
        (ROWS["H"], (0,)),
        (ROWS["CNOT"], (0, 2)),
        (ROWS["X"], (1,)),
        num_wires=3,
        measure=[Measurement("sample")],
    )
    got = run(made, aer=aer, shots=200, seed=2).reshape(200, 3)
    assert (got[:, 0] == got[:, 2]).all() and got[:, 1].all() and 0 < got[:, 0].mean() < 1


# ---- jobs ------------------------------------------------------------------------------------------------


def test_a_batch_of_tasks_is_one_job(jobs: list[int]) -> None:
    aer = make("qiskit.aer")
    z = Sentence({((1, "Z"),): 1.0})
    first = random_circuit(20, 3, seed=1, measure=[Measurement("expval", z)])
    second = circuit((prepare(generic_ket(2)), (2, 0)), num_wires=3)
    third = random_circuit(20, 4, seed=2)
    made = [first, second, third, first]
    params = [angles(c, batch, seed) for seed, (c, batch) in enumerate(zip(made, (32, 2, 3, 1), strict=True))]
    got = aer.run([Task(aer.compile(c), p) for c, p in zip(made, params, strict=True)])
    assert jobs == [4]
    for c, p, array in zip(made, params, got, strict=True):
        kets = [evaluate(c, numbers) for numbers in p]
        expected = [[mean(np.outer(k, k.conj()), z)] for k in kets] if c is first else kets
        np.testing.assert_allclose(array, expected, atol=1e-13)


def test_a_sampled_batch_is_one_job(jobs: list[int]) -> None:
    aer = make("qiskit.aer")
    tasks = [
        Task(aer.compile(coins(wires)), np.zeros((8, 1)), 10, seed) for seed, wires in enumerate((1, 2, 1))
    ]
    assert [a.shape for a in aer.run(tasks)] == [(8, 10), (8, 20), (8, 10)]
    assert jobs == [3]


def test_a_job_for_each_number_of_shots(jobs: list[int]) -> None:
    aer = make("qiskit.aer")
    exact = Task(aer.compile(circuit((ROWS["RX"], (0,)), num_wires=1)), np.zeros((2, 1)))
    few, many = (Task(aer.compile(coins()), np.zeros((2, 1)), shots, 1) for shots in (3, 7))
    got = aer.run([few, exact, many, few])
    assert [a.shape for a in got] == [(2, 3), (2, 2), (2, 7), (2, 3)]
    assert sorted(jobs) == [1, 1, 2]


def test_a_circuit_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    aer = make("qiskit.aer")
    program = aer.compile(random_circuit(20, 3, seed=1))
    monkeypatch.setattr("qiskit.circuit.QuantumCircuit.append", None)
    monkeypatch.setattr("qiskit.circuit.QuantumCircuit.assign_parameters", None)
    assert aer.run([Task(program, np.ones((3, len(program.slots.tolist()) + 20)))])[0].shape == (3, 8)


def test_what_goes_wrong_in_aer_is_a_failed_job() -> None:
    aer = make("qiskit.aer", method="stabilizer")
    made = circuit((ROWS["T"], (0,)), num_wires=1, measure=[Measurement("probs")])
    with pytest.raises((JobFailed, UnsupportedCircuit), match=r"qiskit\.aer"):
        run(made, aer=aer)
    with pytest.raises(JobFailed, match=r"(?i)memory"):
        run(
            circuit((ROWS["RX"], (24,)), num_wires=25),
            [[0.1]],
            make("qiskit.aer", method="statevector", max_memory_mb=1),
        )


# ---- noise -----------------------------------------------------------------------------------------------


def noise(**errors: Any) -> NoiseModel:
    model = NoiseModel()
    for gate, error in errors.items():
        model.add_all_qubit_quantum_error(error, [gate])
    return model


def apply_kraus(rho: np.ndarray, kraus: Sequence[np.ndarray], wires: Sequence[int]) -> np.ndarray:
    n = len(rho).bit_length() - 1
    full = [embed(k, wires, n) for k in kraus]
    return sum(k @ rho @ k.conj().T for k in full)


def test_exact_results_are_those_of_the_noisy_state() -> None:
    gamma, p = 0.3, 0.2
    aer = make(
        "qiskit.aer", noise_model=noise(rx=amplitude_damping_error(gamma), cx=depolarizing_error(p, 2))
    )
    assert "state" not in aer.capabilities.measurements and aer.capabilities.exact
    made = circuit(
        (ROWS["RX"], (2,)), (ROWS["CNOT"], (2, 0)), (ROWS["RX"], (0,)), measure=EXACT + MATRICES_OF
    )
    params = angles(made, 3)
    damp = [np.diag([1, np.sqrt(1 - gamma)]), np.array([[0, np.sqrt(gamma)], [0, 0]])]
    words = [np.kron(MATRICES[a], MATRICES[b]) for a in "IXYZ" for b in "IXYZ"]
    depolarise = [np.sqrt(1 - p * 15 / 16) * words[0], *(np.sqrt(p / 16) * w for w in words[1:])]
    for got, (first, second) in zip(run(made, params, aer), params, strict=True):
        rho = np.zeros((16, 16), dtype=complex)
        rho[0, 0] = 1
        rho = apply_kraus(rho, [ROWS["RX"].matrix(first)], (2,))
        rho = apply_kraus(rho, damp, (2,))
        rho = apply_kraus(rho, [ROWS["CNOT"].matrix()], (2, 0))
        rho = apply_kraus(rho, depolarise, (2, 0))
        rho = apply_kraus(rho, [ROWS["RX"].matrix(second)], (0,))
        rho = apply_kraus(rho, damp, (0,))
        expected = np.concatenate([expected_of(rho, m) for m in made.measurements])
        np.testing.assert_allclose(got, expected, atol=1e-13)


def test_gates_without_errors_are_rewritten_in_those_with_them() -> None:
    flip = noise(
        cx=pauli_error([("IX", 1.0)])
    )  # Qiskit's words are read from the right: the control, its first qubit
    z = [Measurement("expval", Sentence({((w, "Z"),): 1.0})) for w in (0, 1)]
    made = circuit((ROWS["IsingZZ"], (0, 1)), num_wires=2, measure=z)
    # two CNOTs and an RZ between them: the control is flipped twice, the target once by the first flip
    ideal, noisy = run(made, [[0.4]]), run(made, [[0.4]], make("qiskit.aer", noise_model=flip))
    np.testing.assert_allclose(ideal, [[1, 1]])
    assert np.abs(noisy - ideal).max() > 1.9


def test_every_claimed_row_runs_with_noise() -> None:
    nothing = noise(cx=pauli_error([("II", 0.5), ("ZZ", 0.5)]), sx=pauli_error([("I", 1.0)]))
    without = noise(x=pauli_error([("I", 1 - 1e-16), ("X", 1e-16)]))
    assert not nothing.is_ideal()
    aer = make("qiskit.aer", noise_model=without)
    everything = [Measurement("density_matrix", None, tuple(range(NUM_WIRES)))]
    for operation, wires in GATES:
        if len(wires) <= 3:
            made = circuit(
                (prepare(generic_ket(NUM_WIRES)), (0, 1, 2, 3)), (operation, wires), measure=everything
            )
            params = angles(made, 2)
            kets = [evaluate(made, p) for p in params]
            expected = [np.outer(k, k.conj()).reshape(-1) for k in kets]
            np.testing.assert_allclose(run(made, params, aer), expected, atol=1e-8, err_msg=operation.name)


def test_errors_are_sampled() -> None:
    shots, flip = 4000, 0.2
    aer = make("qiskit.aer", noise_model=noise(x=pauli_error([("X", flip), ("I", 1 - flip)])))
    made = circuit((ROWS["X"], (1,)), num_wires=2, measure=[Measurement("sample")])
    bits = run(made, np.empty((2, 0)), aer, shots=shots, seed=1).reshape(2, shots, 2)
    assert not bits[..., 0].any()
    assert within(bits[..., 1].mean(axis=1), np.array([1 - flip] * 2), shots)
    assert abs(np.corrcoef(bits[..., 1])[0, 1]) < 6 / np.sqrt(shots)


def test_an_idle_angle_carries_no_error() -> None:
    aer = make("qiskit.aer", noise_model=noise(rz=pauli_error([("X", 1.0)])))
    probs = run(circuit(num_wires=2, measure=[Measurement("probs")]), np.empty((2, 0)), aer)
    np.testing.assert_array_equal(probs, [[1, 0, 0, 0]] * 2)


def test_errors_of_the_readout_are_for_shots_only() -> None:
    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.4, 0.6]]), [1])  # of qubit 1, which is wire 1
    aer = make("qiskit.aer", noise_model=model)
    assert aer.capabilities.measurements == {"sample", "counts"} and not aer.capabilities.exact
    made = circuit((ROWS["X"], (1,)), num_wires=2, measure=[Measurement("sample")])
    bits = run(made, aer=aer, shots=4000, seed=1).reshape(4000, 2)
    assert not bits[:, 0].any()
    assert within(bits[:, 1].mean(keepdims=True), np.array([0.6]), 4000)


def test_angles_that_rewriting_leaves_in_the_phase_do_no_harm() -> None:
    aer = make("qiskit.aer", noise_model=noise(cx=depolarizing_error(0.1, 2)))
    made = circuit(
        (ROWS["H"], (0,)),
        (ROWS["PhaseShift"], (0,)),
        (ROWS["H"], (0,)),
        measure=[Measurement("probs", None, (0,))],
    )
    assert set(aer.compile(made).circuit.count_ops()) <= {
        "rz",
        "sx",
        "save_probabilities",
    }  # p is rz and a phase
    params = angles(made, 4)
    np.testing.assert_allclose(run(made, params, aer)[:, 0], np.cos(params[:, 0] / 2) ** 2, atol=1e-13)


def test_a_mixed_state_meets_noise() -> None:
    aer = make("qiskit.aer", noise_model=noise(x=pauli_error([("X", 0.25), ("I", 0.75)])))
    rho = np.array([[0.7, 0.2j], [-0.2j, 0.3]])
    instructions = [(prepare(rho), (1,)), (ROWS["X"], (1,))]
    exact = run(circuit(*instructions, num_wires=2, measure=[Measurement("probs", None, (1,))]), aer=aer)[0]
    flipped = 0.75 * np.array([0.3, 0.7]) + 0.25 * np.array([0.7, 0.3])
    np.testing.assert_allclose(exact, flipped, atol=1e-14)
    sampled = run(
        circuit(*instructions, num_wires=2, measure=[Measurement("sample", None, (1,))]),
        aer=aer,
        shots=4000,
        seed=1,
    )
    assert within(sampled.mean(keepdims=True), flipped[1:], 4000)


# ---- the device ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "tensor"}, "has no method 'tensor'; its methods: automatic, statevector"),
        ({"precision": "half"}, "has precision 'double' and 'single'; got 'half'"),
        ({"max_bond_dimension": 0}, "a whole number >= 1 as max_bond_dimension; got 0"),
        ({"max_memory_mb": -4}, "a whole number >= 1 as max_memory_mb; got -4"),
        ({"max_parallel_threads": 1.5}, "a whole number >= 0 as max_parallel_threads; got 1.5"),
        ({"truncation_threshold": np.nan}, "a number from 0 to 1 as truncation_threshold; got nan"),
        ({"approximation_error": "q"}, "a number between 0 and 1 as approximation_error; got 'q'"),
        ({"noise_model": "depolarizing"}, r"needs a qiskit_aer\.noise\.NoiseModel"),
        ({"shot": 5}, "has no option 'shot'; its options: method='automatic', noise_model=None"),
    ],
)
def test_an_option_aer_does_not_know_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        make("qiskit.aer", **options)


def test_samples_need_shots() -> None:
    with pytest.raises(UnsupportedCircuit, match="sample without shots; use shots=1000"):
        run(coins(), np.zeros((1, 1)))


def test_a_bond_dimension_is_obeyed() -> None:
    bell = circuit((ROWS["H"], (0,)), (ROWS["CNOT"], (0, 1)), num_wires=2, measure=[Measurement("probs")])
    cut = make("qiskit.aer", method="matrix_product_state", max_bond_dimension=1)
    assert np.abs(run(bell, aer=cut) - run(bell)).max() > 0.1


# an option that is not there, and what the error names
WRONG = {
    "device": ("GPUS", "runs on .*CPU.*'GPUS'"),
    "sampling_method": ("mean", "norm_estimation; got 'mean'"),
}


@pytest.mark.parametrize(("option", "wrong"), WRONG.items(), ids=WRONG)
def test_options_are_checked_by_their_values(option: str, wrong: tuple[str, str]) -> None:
    with pytest.raises(DeviceError, match=wrong[1]):
        make("qiskit.aer", **{option: wrong[0]})


def test_extended_stabilizers_take_their_options() -> None:
    options = {"approximation_error": 0.01, "sampling_method": "norm_estimation"}
    aer = make("qiskit.aer", method="extended_stabilizer", **options)
    made = circuit((ROWS["X"], (1,)), (ROWS["T"], (1,)), num_wires=2, measure=[Measurement("sample")])
    np.testing.assert_array_equal(run(made, aer=aer, shots=5, seed=1), [[0, 1] * 5])


@pytest.mark.parametrize("method", METHODS)
def test_a_method_claims_what_it_gives(method: str) -> None:
    aer = make("qiskit.aer", method=method)
    assert aer.capabilities.measurements <= AER.measurements and aer.capabilities.operations <= AER.operations
    for kind in aer.capabilities.measurements:
        observable = Sentence({((1, "Z"),): 1.0}) if kind in ("expval", "var") else None
        wires = (1,) if kind in ("probs", "density_matrix", "sample", "counts") else None
        made = circuit(
            (ROWS["H"], (0,)),
            (ROWS["CNOT"], (0, 1)),
            num_wires=2,
            measure=[Measurement(kind, observable, wires)],
        )
        assert np.isfinite(run(made, aer=aer, shots=10 if kind in ("sample", "counts") else None)).all()


def test_small_circuits_use_one_thread_and_bind_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, bool]] = []
    submit = AerSimulator.run

    def watching(self: AerSimulator, *args: Any, **options: Any) -> Any:
        seen.append((options["max_parallel_threads"], options["runtime_parameter_bind_enable"]))
        return submit(self, *args, **options)

    monkeypatch.setattr(AerSimulator, "run", watching)
    for wires, threads in ((LARGE - 1, None), (LARGE, None), (2, 2)):
        made = circuit((ROWS["RX"], (0,)), num_wires=wires, measure=[Measurement("probs", None, (0,))])
        run(made, [[0.1]], make("qiskit.aer", max_parallel_threads=threads))
    assert seen == [(1, True), (0, False), (2, True)]


def test_threads_do_not_disturb_each_other() -> None:
    aer = make("qiskit.aer")
    circuits = [random_circuit(40, 4, seed) for seed in range(8)]
    params = [angles(c, 5, seed) for seed, c in enumerate(circuits)]
    with ThreadPoolExecutor(4) as pool:
        for made, numbers, states in zip(
            circuits, params, pool.map(run, circuits, params, [aer] * 8), strict=True
        ):
            np.testing.assert_allclose(states, [evaluate(made, p) for p in numbers], atol=1e-13)


def test_programs_and_devices_pickle() -> None:
    aer = make("qiskit.aer", wires=4, noise_model=noise(cx=depolarizing_error(0.1, 2)))
    made = random_circuit(30, 4, seed=8, measure=EXACT + MATRICES_OF)
    params, program = angles(made), aer.compile(made)
    expected = aer.run([Task(program, params)])
    aer, copy = pickle.loads(pickle.dumps((aer, program)))
    np.testing.assert_array_equal(aer.run([Task(copy, params)]), expected)


def test_listing_the_plugin_does_not_import_qiskit() -> None:
    code = (
        "import sys, hybridge_qiskit; from hybridge.registry import registry; registry.load('qiskit');"
        "assert 'qiskit.aer' in registry.devices, registry.failures;"
        "assert not {'qiskit', 'qiskit_aer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_it_is_listed_as_it_is() -> None:
    line = next(d for d in devices() if d.name == "qiskit.aer")
    assert (line.domain, line.status) == ("qubit", "installed")


def test_memory_is_that_of_the_state() -> None:
    noisy = noise(cx=depolarizing_error(0.1, 2))
    assert 16 * 2**10 <= make("qiskit.aer").memory(10) <= 64 * 2**10
    assert 16 * 4**10 <= make("qiskit.aer", noise_model=noisy).memory(10) <= 64 * 4**10
    assert make("qiskit.aer", method="matrix_product_state").memory(60) == 0
