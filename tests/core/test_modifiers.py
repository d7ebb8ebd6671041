"""Adjoints, powers and controlled forms: of rows, of applied operations, and of circuit functions."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from contract import (
    GATE_CHECKS,
    angles,
    assert_close,
    check_controlled,
    check_decomposition,
    check_identity,
    check_spectrum,
    embedded,
    expanded,
    matrix,
    matrix_of,
    name,
    rows,
)

import hybridge as hb
from hybridge.errors import CircuitError
from hybridge.operations.derived import adjoint_row, controlled, power, uncontrolled
from hybridge.operations.evolution import evolve, exp
from hybridge.operations.modifiers import adjoint, apply, ctrl, pow
from hybridge.operations.pauli import Sentence
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import ROWS, Operation, Step, step
from hybridge.recording import record, recording

GATES = [r for r in rows("qubit") if r.kind == "gate"]
CV_GATES = [r for r in rows("cv") if r.kind == "gate"]


@pytest.mark.parametrize("values", [(1,), (0,), (1, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("row", [g for g in GATES if g.num_wires <= 4], ids=name)
def test_controlled_rows_are_exact(row, values):
    check_controlled(row, values)


@pytest.mark.parametrize("row", [g for g in GATES if g.num_wires <= 3], ids=name)
def test_derived_rows_keep_the_contract(row):
    for derived in (adjoint_row(row), power(row, 2), power(row, -3), controlled(row, (0, 1))):
        check_identity(derived)
        for check in GATE_CHECKS:
            check(derived)


@pytest.mark.parametrize("row", [g for g in GATES if g.definition is not None and g.num_wires <= 3], ids=name)
def test_fractional_powers(row):
    root = power(row, 0.5)
    check_identity(root)
    if row.exponent or not row.params:
        check_decomposition(root)
        check_spectrum(root)
    else:
        assert root.decomposition is None
    batch = angles(row, 0, (4,))
    stacked = matrix(root, batch)
    for i in range(4 if row.params else 0):
        assert_close(stacked[i], matrix(root, [p[i] for p in batch]))


def test_modifiers_nest_in_rows():
    for row in (hb.S, hb.Rot, hb.RX, hb.ISWAP):
        derived = controlled(adjoint_row(power(controlled(row, (0,)), 2)), (1,))
        check_identity(derived)
        check_decomposition(derived)
        check_spectrum(derived)
        params, k = angles(row), 2**row.num_wires
        block = np.linalg.matrix_power(matrix(row, params).conj().T, 2)
        assert_close(matrix(derived, params)[2 * k : 3 * k, 2 * k : 3 * k], block)


# --- which row it is ---

SAME_ROWS = [
    (lambda: controlled(hb.X, (1,)), hb.CNOT),
    (lambda: controlled(hb.CNOT, (1,)), hb.Toffoli),
    (lambda: controlled(hb.X, (1, 1)), hb.Toffoli),
    (lambda: controlled(hb.Toffoli, (1,)), hb.MultiControlledX.of(4)),
    (lambda: controlled(hb.CNOT, (0,)), hb.MultiControlledX.of(3, (0, 1))),
    (lambda: controlled(hb.MultiControlledX.of(3, (0, 1)), (1,)), hb.MultiControlledX.of(4, (1, 0, 1))),
    (lambda: controlled(hb.Y, (1,)), hb.CY),
    (lambda: controlled(hb.Z, (1,)), hb.CZ),
    (lambda: controlled(hb.CZ, (1,)), hb.CCZ),
    (lambda: controlled(hb.H, (1,)), hb.CH),
    (lambda: controlled(hb.SWAP, (1,)), hb.CSWAP),
    (lambda: controlled(hb.RX, (1,)), hb.CRX),
    (lambda: controlled(hb.RY, (1,)), hb.CRY),
    (lambda: controlled(hb.RZ, (1,)), hb.CRZ),
    (lambda: controlled(hb.Rot, (1,)), hb.CRot),
    (lambda: controlled(hb.PhaseShift, (1,)), hb.ControlledPhaseShift),
    (lambda: controlled(hb.CRX, (0,)), controlled(hb.RX, (0, 1))),
    (lambda: controlled(controlled(hb.T, (1,)), (0, 1)), controlled(hb.T, (0, 1, 1))),
    (lambda: controlled(hb.S, ()), hb.S),
    (lambda: adjoint_row(hb.X), hb.X),
    (lambda: adjoint_row(hb.CNOT), hb.CNOT),
    (lambda: adjoint_row(adjoint_row(hb.S)), hb.S),
    (lambda: adjoint_row(controlled(hb.Y, (0, 1))), controlled(hb.Y, (0, 1))),
    (lambda: adjoint_row(hb.Barrier.of(2)), hb.Barrier.of(2)),
    (lambda: adjoint_row(power(hb.T, 3)), power(hb.T, -3)),
    (lambda: power(hb.X, 2), hb.I.of(1)),
    (lambda: power(hb.X, 3), hb.X),
    (lambda: power(hb.T, 0), hb.I.of(1)),
    (lambda: power(hb.T, -1), adjoint_row(hb.T)),
    (lambda: power(power(hb.T, 2), 3), power(hb.T, 6)),
    (lambda: power(power(hb.RX, 0.5), 2), hb.RX),
    (lambda: power(adjoint_row(hb.T), 2), power(hb.T, -2)),
]


@pytest.mark.parametrize(
    ("made", "row"), SAME_ROWS, ids=[f"{i}-{r.name}" for i, (_, r) in enumerate(SAME_ROWS)]
)
def test_known_forms_are_known_rows(made, row):
    assert made() is row


def test_names():
    assert adjoint_row(hb.S).name == "Adjoint(S)"
    assert controlled(hb.S, (1,)).name == "C(S)"
    assert controlled(hb.RX, (1, 1)).name == "CC(RX)"
    assert controlled(hb.RX, (0, 1)).name == "C[01](RX)"
    assert power(hb.RX, 0.5).name == "RX**0.5" and power(hb.T, -2).name == "T**(-2)"


def test_controls_can_be_taken_apart():
    assert uncontrolled(hb.Toffoli) == (hb.X, (1, 1))
    assert uncontrolled(hb.RX) == (hb.RX, ())
    assert uncontrolled(hb.MultiControlledX.of(3, (0, 1))) == (hb.X, (0, 1))
    assert uncontrolled(controlled(hb.S, (1, 0))) == (hb.S, (1, 0))
    u = hb.T.matrix()
    assert uncontrolled(hb.ControlledQubitUnitary.of(2, u, [0])) == (hb.QubitUnitary.of(1, u), (0,))


def test_a_controlled_global_phase_is_a_phase_shift():
    row = controlled(hb.GlobalPhase.of(0), (1,))
    assert row.num_wires == 1
    assert_close(row.matrix(0.3), hb.PhaseShift.matrix(-0.3))
    assert list(expanded(row.decomposition(0), {"phi": 0.3}, frozenset({"PhaseShift"}))) == [
        Step(hb.PhaseShift, (0,), (-0.3,))
    ]


def test_spectra_of_derived_rows():
    assert controlled(hb.RX, (1, 1)).spectrum == (Trig(0.5, 1),)
    assert controlled(hb.GlobalPhase.of(1), (1,)).spectrum == (Trig(1),)
    assert controlled(hb.MultiRZ.of(8), (1,)).spectrum == (Trig(0.5, 1),)
    assert controlled(hb.U3, (1, 0)).spectrum == (Trig(0.5, 1), Trig(1), Trig(1))
    assert power(hb.CRX, 0.5).spectrum == (Trig(0.25, 0.5),)
    assert power(hb.Rot, 2).spectrum == (Trig(1, 2),) * 3
    assert adjoint_row(hb.CRX).spectrum == (Trig(0.5, 1),)


def test_only_what_carries_the_parameter_is_controlled():
    """A controlled Pauli rotation leaves its changes of basis uncontrolled; so does a controlled swap."""
    steps = controlled(hb.PauliRot.of(3, "XYZ"), (1,)).decomposition("c", 0, 1, 2)
    assert [s.operation.name for s in steps] == ["H", "RX", "C(MultiRZ)", "H", "RX"]
    steps = controlled(hb.CSWAP, (1,)).decomposition("c", 0, 1, 2)
    assert [s.operation.name for s in steps] == ["CNOT", "MultiControlledX", "CNOT"]
    steps = controlled(hb.CH, (1,)).decomposition("c", 0, 1)
    assert [s.operation.name for s in steps] == ["RY", "CCZ", "RY"]


def test_steps_with_an_offset_are_all_controlled():
    """Where a step with the parameter is no identity at 0, the fixed steps alone do not cancel."""
    detour = Operation(
        "Detour",
        "qubit",
        1,
        ("phi",),
        definition=hb.RX.definition,
        exponent=("phi",),
        decomposition=lambda w: [step(hb.RX, w, -0.4), step(hb.RX, w, ("phi", 1, 0.4))],
    )
    check_decomposition(controlled(detour, (1,)))


def test_rounding_does_not_choose_the_root_of_minus_one():
    for off in (1e-12, -1e-12):
        u = np.diag(np.exp(1j * np.array([np.pi - off, off - np.pi])))
        assert_close(power(hb.QubitUnitary.of(1, u), 0.5).matrix(), 1j * np.eye(2))


def test_derived_rows_pickle_into_another_process():
    """Hashes of strings differ from process to process; identity must not depend on them."""
    derived = [
        power(controlled(adjoint_row(hb.S), (1, 0)), 2),
        record(evolve, Sentence({((0, "X"),): 1.0, ((0, "Z"),): 0.5}), 0.1)[0][0].operation,
        hb.QubitUnitary.of(1, np.eye(2)),
    ]
    assert (
        len({hash(row.constants) for row in derived}) == 3
    )  # computed, and so cached, before they are pickled
    program = "import sys, pickle; r = pickle.load(sys.stdin.buffer); "
    program += "print(*(x.name for x in r), end=''); "
    program += "assert all(pickle.loads(pickle.dumps(x)) is x for x in r)"
    out = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(derived), capture_output=True)
    assert out.stdout.decode() == " ".join(row.name for row in derived), out.stderr.decode()


# --- in circuits ---


def tape_of(function, *args):
    return [(a.operation.name, a.params, a.wires) for a in record(function, *args)[0]]


def f(x, wires=(0, 1)):
    hb.RX(x, wires=wires[0])
    hb.S(wires[1])
    hb.CNOT(wires)


def matrix_of_tape(function, order, *args):
    return matrix_of([Step(a.operation, a.wires, a.params) for a in record(function, *args)[0]], order)


def test_adjoint_reverses_a_circuit_function():
    reversed_f = [("CNOT", (), (0, 1)), ("Adjoint(S)", (), (1,)), ("Adjoint(RX)", (0.3,), (0,))]
    assert tape_of(adjoint(f), 0.3) == reversed_f
    assert tape_of(adjoint(adjoint(f)), 0.3) == tape_of(f, 0.3)
    u = matrix_of_tape(f, (0, 1), 0.3)
    assert_close(matrix_of_tape(adjoint(f), (0, 1), 0.3), u.conj().T)


def test_ctrl_controls_every_operation():
    assert tape_of(ctrl(f, control=2), 0.3) == [
        ("CRX", (0.3,), (2, 0)),
        ("C(S)", (), (2, 1)),
        ("Toffoli", (), (2, 0, 1)),
    ]
    u = matrix_of_tape(f, (0, 1), 0.3)
    full = np.eye(16, dtype=complex)
    full[4:8, 4:8] = u
    assert_close(
        matrix_of_tape(ctrl(f, control=["a", "b"], control_values=[0, 1]), ("a", "b", 0, 1), 0.3), full
    )


def test_modifiers_of_functions_nest():
    u = matrix_of_tape(f, (0, 1), 0.3)
    full = np.eye(8, dtype=complex)
    full[:4, :4] = np.linalg.matrix_power(u.conj().T, 2)
    for nested in (
        ctrl(adjoint(pow(f, 2)), 2, 0),
        adjoint(ctrl(pow(f, 2), control=2, control_values=[0])),
        pow(ctrl(f, 2, [False]), -2),
    ):
        assert_close(matrix_of_tape(nested, (2, 0, 1), 0.3), full)


def test_rows_families_and_applied_operations_are_modified_alike():
    def by_row():
        adjoint(hb.S)(0)
        ctrl(hb.RX, 1)(0.3, wires=0)
        pow(hb.T, 2)(wires=0)

    def by_applied():
        adjoint(hb.S(0))
        ctrl(hb.RX(0.3, wires=0), control=1)
        pow(hb.T(0), 2)

    assert tape_of(by_row) == tape_of(by_applied)
    assert tape_of(by_row) == [("Adjoint(S)", (), (0,)), ("CRX", (0.3,), (1, 0)), ("T**2", (), (0,))]

    def families():
        adjoint(hb.MultiRZ)(0.3, [0, 1])
        ctrl(hb.GlobalPhase, control=0)(0.3)
        ctrl(adjoint(hb.QubitUnitary(np.diag([1, 1j]), wires=0)), control=2)
        pow(hb.PauliRot, 0.5)(0.3, "XY", [0, 1])

    assert tape_of(families) == [
        ("Adjoint(MultiRZ)", (0.3,), (0, 1)),
        ("C(GlobalPhase)", (0.3,), (0,)),
        ("C(Adjoint(QubitUnitary))", (), (2, 0)),
        ("PauliRot**0.5", (0.3,), (0, 1)),
    ]


def test_modifiers_return_what_they_applied():
    with recording() as tape:
        one, many = adjoint(hb.S(0)), adjoint(f)(0.3)
        from_family = adjoint(hb.MultiRZ)(0.3, [0, 1])
    assert [one, *many, from_family] == tape


def test_markers_pass_through():
    def marked():
        hb.X(0)
        hb.Barrier([0, 1])
        hb.Snapshot("here")

    names = [n for n, _, _ in tape_of(adjoint(marked))]
    assert names == ["Snapshot", "Barrier", "X"]
    assert [n for n, _, _ in tape_of(ctrl(marked, control=2))] == ["CNOT", "Barrier", "Snapshot"]


def test_numbers_are_passed_on_untouched():
    """A traced number reaches the tape as the very object the user gave."""
    traced = object()
    for modified in (adjoint(hb.RX), ctrl(hb.RX, 1), pow(hb.RX, 0.5)):
        (applied,), _ = record(modified, traced, 0)
        assert applied.params[0] is traced


def test_apply_records_once():
    elsewhere = hb.X(0)  # a Pauli may be made outside a circuit

    def circuit():
        apply(elsewhere)
        apply(elsewhere)
        apply(hb.S(1))

    assert tape_of(circuit) == [("X", (), (0,)), ("S", (), (1,))]


def test_observables_may_be_modified_outside_a_circuit():
    assert adjoint(hb.X(0)).as_observable() == hb.X(0)


MISTAKES = [
    (lambda: controlled(ROWS["Rotation"], (1,)), "Rotation is a CV operation"),
    (lambda: ctrl(hb.X, control=0)(0), r"acts on one of|control"),
    (lambda: ctrl(hb.X, control=[1, 1])(0), "differ"),
    (lambda: ctrl(hb.X(0), [[0]]), r"a wire label must be hashable; got \[\[0\]\]"),
    (lambda: ctrl(hb.X, control=[1, 2], control_values=[1])(0), "needs 2 control_values.*got 1"),
    (lambda: ctrl(hb.X, control=1, control_values=2)(0), "zeros and ones"),
    (lambda: adjoint(3), "adjoint takes an operation or a circuit function; got 3"),
    (lambda: adjoint(hb.StatePrep)([1, 0], 0), "StatePrep is a state"),
    (lambda: ctrl(hb.BasisState, 1)([1], 0), "BasisState is a state"),
    (lambda: adjoint_row(ROWS["LossChannel"]), "LossChannel is a channel"),
    (lambda: pow(hb.X, "2"), "plain finite number; got '2'"),
    (lambda: pow(hb.X, float("nan")), "finite"),
    (lambda: pow(hb.X, True), "finite"),
    (lambda: pow(f, 0.5), "whole number of times; got 0.5"),
    (lambda: power(hb.MottonenStatePreparation.of(1, [0, 1]), 0.5), "whole powers only"),
    (lambda: apply(3), "apply takes an operation"),
    (lambda: apply(hb.X(0)), "outside a circuit"),
    (lambda: adjoint(hb.S)(0), "outside a circuit"),
    (lambda: evolve(3, 0.1), "Hermitian sum of Pauli words.*got 3"),
    (lambda: evolve(1j * hb.X(0), 0.1), "Hermitian sum"),
    (lambda: evolve(hb.X(0) @ hb.X(1), 0.1, wires=[0]), r"leaves out.*\[1\]"),
    (lambda: exp(hb.X(0), 0.5), "imaginary coeff; got 0.5"),
    (lambda: exp(hb.X(0), "a"), "plain"),
    (lambda: evolve(sum(hb.X(i) @ hb.Z(i + 1) for i in range(12)), 0.1), "Trotter"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m for _, m in MISTAKES])
def test_mistakes_are_named(mistake, message):
    with pytest.raises(CircuitError, match=message):
        mistake()


# --- time evolution ---

HAMILTONIANS = {
    "word": {((0, "X"), (1, "Y")): 0.7},
    "identity": {(): 0.4},
    "commuting": {((0, "Z"), (1, "Z")): 0.7, ((0, "X"), (1, "X")): -0.3, (): 0.2},
    "general": {((0, "X"),): 0.7, ((0, "Z"), (1, "Z")): -0.3, ((1, "Y"),): 0.2, (): 1.1},
    "Hadamard": {((0, "X"),): np.sqrt(0.5), ((0, "Z"),): np.sqrt(0.5)},
}


@pytest.mark.parametrize("which", HAMILTONIANS)
def test_evolve_is_the_exponential(which):
    h, order = Sentence(HAMILTONIANS[which]), (1, 0, 2)
    for t in (0.3, -1.7):
        (applied,), returned = record(evolve, h, t)
        assert returned is applied
        energies, basis = np.linalg.eigh(h.matrix(order))
        expected = basis * np.exp(-1j * t * energies) @ basis.conj().T
        by_definition = embedded(applied.operation.matrix(*applied.params), applied.wires, order)
        assert_close(by_definition, expected)
        assert_close(matrix_of([Step(applied.operation, applied.wires, applied.params)], order), expected)
        assert_close(matrix_of_tape(exp, order, h, -1j * t), expected)
    for check in GATE_CHECKS:
        check(applied.operation)
    check_controlled(applied.operation, (0, 1))
    check_identity(applied.operation)


def test_one_word_evolves_by_a_pauli_rotation():
    assert tape_of(lambda: evolve(0.5 * hb.X("a") @ hb.Z(3), 0.3)) == [("PauliRot", (0.3,), (3, "a"))]


def test_commuting_words_evolve_on_many_wires():
    h = sum(hb.Z(i) @ hb.Z(i + 1) for i in range(29))
    (applied,), _ = record(evolve, h, 0.3)
    steps = applied.operation.decomposition(*applied.wires)
    assert len(steps) == 29 and all(s.operation.name == "PauliRot" for s in steps)


def test_evolution_takes_its_hamiltonian_off_the_recording():
    assert [n for n, _, _ in tape_of(lambda: evolve(hb.X(0) + hb.Z(0), 0.3))] == ["Evolution"]


# --- continuous variables ---


@pytest.mark.parametrize("row", [g for g in CV_GATES if g.definition is not None], ids=name)
def test_gaussian_gates_are_undone_and_repeated(row):
    for shape in ((), (3,)):
        params = [p / 4 for p in angles(row, 0, shape)]
        S, d = row.definition(*params)
        undone, back = adjoint_row(row).definition(*params)
        assert_close(undone @ S, np.broadcast_to(np.eye(S.shape[-1]), S.shape))
        assert_close(np.einsum("...ij,...j->...i", undone, d) + back, np.zeros_like(d))
        twice, shift = power(row, 2).definition(*params)
        assert_close(twice, S @ S)
        assert_close(shift, np.einsum("...ij,...j->...i", S, d) + d)
    assert adjoint_row(adjoint_row(row)) is row
    check_identity(adjoint_row(row))


@pytest.mark.parametrize("row", [g for g in CV_GATES if g.fock is not None], ids=name)
def test_gates_in_fock_space_are_undone(row):
    params, cutoff = [p / 4 for p in angles(row)], 4
    forward, back = row.fock(cutoff, *params), adjoint_row(row).fock(cutoff, *params)
    size = cutoff**row.num_wires
    assert_close(back.reshape(size, size), forward.reshape(size, size).conj().T)
    if row.exponent:
        negated = [-p if n in row.exponent else p for n, p in zip(row.params, params, strict=True)]
        assert_close(back, row.fock(cutoff, *negated))
        assert_close(power(row, 0.5).fock(cutoff, *params), row.fock(cutoff, *(p / 2 for p in params)))
