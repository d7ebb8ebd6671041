"""qiskit.aer, row by row: each exact with its phase, on wires in any order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from aer_circuits import (
    GATES,
    KETS,
    NUM_WIRES,
    angles,
    circuit,
    embed,
    evaluate,
    generic_density,
    generic_ket,
    label,
    prepare,
    row,
    run,
)

from hybridge.circuit import Circuit, Measurement
from hybridge.operations.modifiers import adjoint
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.registry import device as make
from hybridge_qiskit import translate
from hybridge_qiskit.device import LARGE


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
