"""forest.numpy does what the rows say, exactly, and its Quil text says the same."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from pyquil import Program
from pyquil.quilbase import Gate
from pyquil.simulation import NumpyWavefunctionSimulator

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.operations.modifiers import adjoint
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.registry import device as make
from hybridge.registry import devices, registry
from hybridge_forest import NUMPY, device, program, translate

NUM_WIRES = 4
# places for a row of k wires, none of them in order or next to each other only
PLACES = {0: [()], 1: [(2,)], 2: [(3, 1), (0, 2)], 3: [(2, 0, 3), (1, 3, 0)], 4: [(2, 0, 3, 1)]}
PORTABLE = set("I X Y Z H S T RX RY RZ PHASE CZ CNOT CCNOT CPHASE CPHASE00 CPHASE01 CPHASE10".split()) | set(
    "SWAP CSWAP ISWAP PSWAP XY".split()
)


def rows(name: str) -> list[Operation]:
    """The row of this name, or rows of the family, or the adjoint row."""
    if name in FAMILIES:
        return [FAMILIES[name].of(num_wires, *constants) for num_wires, constants in FAMILIES[name].examples]
    if name.startswith("Adjoint("):
        return [adjoint(ROWS[name[len("Adjoint(") : -1]])]
    return [ROWS[name]]


def row(name: str) -> Operation:
    return rows(name)[0]


CLAIMED_ROWS = [operation for name in sorted(translate.CLAIMED) for operation in rows(name)]
PLACED = [(operation, wires) for operation in CLAIMED_ROWS for wires in PLACES[operation.num_wires]]
GATES = [p for p in PLACED if p[0].kind == "gate"]
STATES = [p for p in PLACED if p[0].kind == "state"]


def label(value: Any) -> str:
    return re.sub(r"\W+", "_", str(value))


def circuit(*instructions: tuple[Operation, tuple[int, ...]], num_wires: int = NUM_WIRES) -> Circuit:
    made = tuple(Instruction(*i) for i in instructions)
    return Circuit(made, (Measurement("state"),), tuple(range(num_wires)))


def run(made: Circuit, params: Any = ()) -> np.ndarray:
    """The states (batch, 2^n) of this circuit for params (batch, P) or one row (P,)."""
    forest = make("forest.numpy")
    return forest.run([Task(forest.compile(made), np.atleast_2d(np.asarray(params, dtype=float)))])[0]


def generic_ket(num_wires: int, seed: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ket = rng.normal(size=2**num_wires) + 1j * rng.normal(size=2**num_wires)
    return ket / np.linalg.norm(ket)


def state_prep(ket: np.ndarray) -> Operation:
    return FAMILIES["StatePrep"].of(int(np.log2(len(ket))), ket)


def embed(matrix: np.ndarray, wires: Sequence[int], num_wires: int) -> np.ndarray:
    """The matrix on these wires, the identity on the others: a kron with its basis states reordered."""
    order = [*wires, *(w for w in range(num_wires) if w not in wires)]
    full = np.kron(matrix, np.eye(2 ** (num_wires - len(wires))))
    bits = (np.arange(2**num_wires)[:, None] >> (num_wires - 1 - np.array(order))) & 1
    place = bits @ (1 << np.arange(num_wires)[::-1])
    return full[np.ix_(place, place)]


def evaluate(made: Circuit, params: Sequence[float]) -> np.ndarray:
    """The state (2^n,) straight from the definitions of the rows."""
    num_wires, numbers = len(made.wires), iter(params)
    state = np.eye(2**num_wires, dtype=complex)[0]
    for operation, wires in made.instructions:
        mine = [next(numbers) for _ in operation.params]
        matrix = operation.definition(*mine)
        if operation.kind == "state":  # |ket><0|: right where the wires are still |0>
            matrix = np.outer(matrix, np.eye(len(matrix))[0])
        state = embed(matrix, wires, num_wires) @ state
    return state


def bound_gates(quil: str, params: Sequence[float]) -> Iterator[tuple[Gate, np.ndarray | None]]:
    """The gates of a Quil text with the declared numbers written in, and the matrices of those it defines."""
    body = quil.replace("DECLARE theta", "DECLARE unused")
    parsed = Program(re.sub(r"theta\[(\d+)\]", lambda m: f"({params[int(m[1])]!r})", body))
    matrices = {d.name: np.asarray(d.matrix, dtype=complex) for d in parsed.defined_gates}
    return ((g, matrices.get(g.name)) for g in parsed.instructions if isinstance(g, Gate))


def simulate(quil: str, params: Sequence[float], num_wires: int) -> np.ndarray:
    """The state (2^n,) of a Quil text on pyQuil's simulator itself, deprecation notices and all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        simulator = NumpyWavefunctionSimulator(num_wires)
        for gate, matrix in bound_gates(quil, params):
            if matrix is None:
                simulator.do_gate(gate)
            else:
                simulator.do_gate_matrix(matrix, gate.get_qubit_indices())
    return simulator.wf.reshape(-1)


def random_circuit(num_gates: int, num_wires: int, seed: int) -> Circuit:
    rng = np.random.default_rng(seed)
    names = ["RX", "CNOT", "Rot", "IsingXY", "H", "CRY", "T", "SingleExcitation"]
    picked = [row(names[i]) for i in rng.integers(len(names), size=num_gates)]
    places = [tuple(rng.permutation(num_wires)[: operation.num_wires].tolist()) for operation in picked]
    return circuit(*zip(picked, places, strict=True), num_wires=num_wires)


@pytest.mark.parametrize(("operation", "wires"), GATES, ids=label)
def test_every_gate_is_exact_with_its_phase(operation: Operation, wires: tuple[int, ...]) -> None:
    made = circuit((state_prep(generic_ket(NUM_WIRES)), (0, 1, 2, 3)), (operation, wires))
    params = np.random.default_rng(3).uniform(-7, 7, size=(3, made.num_slots))
    expected = [evaluate(made, numbers) for numbers in params]
    np.testing.assert_allclose(run(made, params), expected, atol=1e-13)


@pytest.mark.parametrize(("operation", "wires"), GATES + STATES, ids=label)
def test_the_quil_text_means_the_same(operation: Operation, wires: tuple[int, ...]) -> None:
    made = circuit((operation, wires), (ROWS["H"], (1,)))
    params = np.random.default_rng(4).uniform(-7, 7, size=made.num_slots)
    quil = make("forest.numpy").compile(made).quil
    np.testing.assert_allclose(simulate(quil, params.tolist(), NUM_WIRES), evaluate(made, params), atol=1e-13)


@pytest.mark.parametrize("name", sorted(translate.CLAIMED))
def test_only_portable_gates_are_written(name: str) -> None:
    for operation in rows(name):
        quil = make("forest.numpy").compile(circuit((operation, PLACES[operation.num_wires][0]))).quil
        assert not re.search("DAGGER|CONTROLLED|FORKED", quil)
        written = {gate.name for gate, _ in bound_gates(quil, [0.5] * len(operation.params))}
        assert {n for n in written if not n.startswith("U_")} <= PORTABLE


def test_the_table_names_only_rows_there_are() -> None:
    for name, text in translate.QUIL.items():
        operation = row(name)
        assert set(re.findall(r"\(-?([a-z]+)", text)) - {"pi"} == set(operation.params), name
        assert set(re.findall(r" ([abc])(?=[ ;]|$)", text)) == set("abc"[: operation.num_wires]), name


@pytest.mark.parametrize(("operation", "wires"), STATES, ids=label)
def test_a_state_goes_on_the_wires_nothing_has_touched(operation: Operation, wires: tuple[int, ...]) -> None:
    free = [w for w in range(NUM_WIRES) if w not in wires]
    before = [(ROWS["RX"], (w,)) for w in free] + [(ROWS["CNOT"], (free[-1], free[0]))] * (len(free) > 1)
    after = [(ROWS["RY"], (1,)), (ROWS["CNOT"], (0, 3))]
    made = circuit(*before, (operation, wires), *after)
    params = np.random.default_rng(5).uniform(-7, 7, size=made.num_slots)
    np.testing.assert_allclose(run(made, params)[0], evaluate(made, params), atol=1e-13)


KETS = [[1, 0, 0, 0], [-1, 0, 0, 0], [0, 1j, 0, 0], [1, 1e-9, 0, 0], [0.6, 0, 0, -0.8j]]


@pytest.mark.parametrize("ket", KETS, ids=label)
def test_a_preparing_unitary_begins_with_the_ket(ket: list[complex]) -> None:
    unitary = program.preparing(np.array(ket, dtype=complex))
    np.testing.assert_allclose(unitary[:, 0], ket, atol=1e-15)
    np.testing.assert_allclose(unitary @ unitary.conj().T, np.eye(4), atol=1e-14)


def test_idle_wires_stay_zero_in_their_place() -> None:
    made = circuit((ROWS["RX"], (2,)), num_wires=5)
    state = run(made, [0.3])[0]
    assert state.shape == (32,)
    assert dict(zip(np.flatnonzero(state).tolist(), state[state != 0], strict=True)) == pytest.approx(
        {0b00000: np.cos(0.15), 0b00100: -1j * np.sin(0.15)}
    )
    quil = make("forest.numpy").compile(made).quil
    assert [f"I {q}" in quil.splitlines() for q in range(5)] == [True] * 5


def test_no_gates_at_all_is_the_zero_state() -> None:
    np.testing.assert_array_equal(run(circuit(num_wires=2)), [[1, 0, 0, 0]])


def test_rows_are_independent() -> None:
    made = random_circuit(40, 4, seed=1)
    rng = np.random.default_rng(2)
    params = rng.uniform(-7, 7, size=(9, made.num_slots))
    params[3:6] = params[0]  # rows that agree on some angles and rows that agree on all
    params[4, ::3] += 1
    np.testing.assert_allclose(run(made, params), [evaluate(made, p) for p in params], atol=1e-13)
    np.testing.assert_array_equal(run(made, params), [run(made, p)[0] for p in params])


def test_no_rows_give_no_states() -> None:
    made = random_circuit(10, 3, seed=1)
    assert run(made, np.empty((0, made.num_slots))).shape == (0, 8)


def test_nothing_leaks_from_one_call_or_task_to_the_next() -> None:
    forest = make("forest.numpy")
    first = random_circuit(20, 3, seed=3)
    second = circuit((state_prep(generic_ket(2)), (2, 0)), (ROWS["RX"], (1,)), num_wires=3)
    programs = [forest.compile(first), forest.compile(second)]
    params = [np.full((2, first.num_slots), 0.4), np.array([[0.1], [0.2]])]
    tasks = [Task(*pair) for pair in zip(programs, params, strict=True)]
    once = forest.run(tasks)
    expected = [result.copy() for result in once]
    for result in once:
        result[:] = np.nan  # what a caller does with its arrays is its own affair
    for a, b in zip(expected, forest.run(tasks[::-1])[::-1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_state_measured_is_a_block_of_columns() -> None:
    made = circuit((ROWS["H"], (0,)), num_wires=2)._replace(measurements=(Measurement("state"),) * 2)
    states = run(made)
    assert states.shape == (1, 8) and states.dtype == np.complex128
    np.testing.assert_array_equal(states[:, :4], states[:, 4:])


def test_more_than_ten_numbers_keep_their_order() -> None:
    turns = [(ROWS[name], (w,)) for w in range(4) for name in ("RX", "RY", "RZ")]
    made = circuit(*turns, (ROWS["CRot"], (3, 0)))
    params = np.arange(15) / 7
    assert made.num_slots == 15
    np.testing.assert_allclose(run(made, params)[0], evaluate(made, params), atol=1e-14)


def test_the_text_declares_the_numbers_once_and_parses_back() -> None:
    made = random_circuit(60, 4, seed=5)
    quil = make("forest.numpy").compile(made).quil
    assert re.findall("DECLARE.*", quil) == [f"DECLARE theta REAL[{made.num_slots}]"]
    assert Program(quil).out() == quil
    params = np.random.default_rng(6).uniform(-7, 7, size=made.num_slots)
    np.testing.assert_allclose(simulate(quil, params.tolist(), 4), run(made, params)[0], atol=1e-13)
    assert "DECLARE" not in make("forest.numpy").compile(circuit((ROWS["H"], (0,)))).quil


def test_a_matrix_used_twice_is_defined_once() -> None:
    unitary = FAMILIES["QubitUnitary"].of(2, np.linalg.qr(generic_ket(4).reshape(4, 4))[0])
    made = circuit((unitary, (0, 2)), (unitary, (3, 1)))
    assert make("forest.numpy").compile(made).quil.count("DEFGATE") == 1


def test_threads_do_not_disturb_each_other() -> None:
    circuits = [random_circuit(60, 4, seed) for seed in range(8)]
    params = [np.random.default_rng(9).uniform(-7, 7, size=(5, c.num_slots)) for c in circuits]
    expected = [run(c, p) for c, p in zip(circuits, params, strict=True)]

    def work(forest: Device, made: Circuit, numbers: np.ndarray) -> list[np.ndarray]:
        return forest.run([Task(forest.compile(made), numbers)] * 3)

    for forests in ([make("forest.numpy")] * 8, [make("forest.numpy") for _ in range(8)]):
        with ThreadPoolExecutor(4) as pool:
            for states, results in zip(expected, pool.map(work, forests, circuits, params), strict=True):
                np.testing.assert_array_equal(results, [states] * 3)


@pytest.fixture
def applications(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each application of a gate worked on, as it happens."""
    seen: list[int] = []
    apply_gate = device.apply_gate

    def counting(tensor: np.ndarray, wf: np.ndarray, wires: Sequence[int]) -> np.ndarray:
        seen.append(wf.shape[-1])
        return apply_gate(tensor, wf, wires)

    monkeypatch.setattr(device, "apply_gate", counting)
    return seen


def test_a_long_circuit_applies_each_gate_once(applications: list[int]) -> None:
    made = circuit(*[(ROWS["RX"], (k % 2,)) for k in range(800)], num_wires=2)
    run(made, np.linspace(0, 1, 800))
    assert applications == [1] * 800


def test_rows_that_agree_on_an_angle_share_the_gate(applications: list[int]) -> None:
    made = circuit(*[(ROWS["RX"], (k % 2,)) for k in range(10)], (ROWS["CNOT"], (0, 1)), num_wires=2)
    shifts = np.vstack([np.eye(10), -np.eye(10)])  # the rows of a shift rule: one number differs in each
    run(made, 0.3 + shifts * np.pi / 2)
    assert sorted(applications) == [1] * 20 + [18] * 10 + [20]


def test_it_is_silent_where_pyquil_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(circuit((ROWS["RX"], (0,)), (ROWS["CNOT"], (0, 1))), [0.1])


def test_programs_and_devices_pickle() -> None:
    forest, made = make("forest.numpy", wires=4), random_circuit(30, 4, seed=8)
    params = np.random.default_rng(1).uniform(-7, 7, size=(2, made.num_slots))
    compiled = forest.compile(made)
    expected = forest.run([Task(compiled, params)])
    forest, copy = pickle.loads(pickle.dumps((forest, compiled)))
    np.testing.assert_array_equal(forest.run([Task(copy, params)]), expected)
    assert copy.quil == compiled.quil


def test_listing_the_plugin_does_not_import_pyquil() -> None:
    code = (
        "import sys, hybridge_forest; from hybridge.registry import registry; registry.load('forest');"
        "assert 'forest.numpy' in registry.devices, registry.failures;"
        "assert not {'pyquil', 'quil', 'qcs_sdk'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_it_is_listed_as_it_is() -> None:
    line = next(d for d in devices() if d.name == "forest.numpy")
    assert (line.domain, line.status) == ("qubit", "installed")
    assert "Python < 3.13" in registry.find("forest.numpy").note
    assert NUMPY.measurements == {"state"} and not NUMPY.observables
    assert make("forest.numpy").memory(10) >= 16 * 2**10
