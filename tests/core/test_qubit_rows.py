"""Every qubit row keeps the contract, and its matrix is the one the field knows."""

from __future__ import annotations

import numpy as np
import pytest
from contract import (
    GATE_CHECKS,
    LABELS,
    UNIVERSAL,
    assert_close,
    check_identity,
    check_recording,
    expanded,
    matrix,
    matrix_of,
    name,
    rows,
)

import hybridge as hb
from hybridge.errors import CircuitError
from hybridge.operations.pauli import MATRICES, Sentence
from hybridge.operations.table import FAMILIES, ROWS, Constant, step
from hybridge.recording import recording

ROWS_AND_EXAMPLES = rows("qubit")
GATES = [r for r in ROWS_AND_EXAMPLES if r.kind == "gate"]
STATES = [r for r in ROWS_AND_EXAMPLES if r.kind == "state"]


@pytest.mark.parametrize("row", ROWS_AND_EXAMPLES, ids=name)
def test_rows_are_one_object_and_record(row):
    check_identity(row)
    check_recording(row)


@pytest.mark.parametrize("check", GATE_CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("row", GATES, ids=name)
def test_gates_keep_the_contract(row, check):
    check(row)


# --- matrices and generators as the field writes them, typed in here and not computed from the rows ---

S2 = np.sqrt(0.5)
MATRICES_OF_THE_FIELD = {
    "H": [[S2, S2], [S2, -S2]],
    "S": [[1, 0], [0, 1j]],
    "T": [[1, 0], [0, S2 + 1j * S2]],
    "SX": [[0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j]],
    "CNOT": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]],
    "CY": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1j], [0, 0, 1j, 0]],
    "CZ": np.diag([1, 1, 1, -1]),
    "CH": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, S2, S2], [0, 0, S2, -S2]],
    "SWAP": [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]],
    "ISWAP": [[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]],
    "SISWAP": [[1, 0, 0, 0], [0, S2, 1j * S2, 0], [0, 1j * S2, S2, 0], [0, 0, 0, 1]],
    "ECR": S2 * np.array([[0, 0, 1, 1j], [0, 0, 1j, 1], [1, -1j, 0, 0], [-1j, 1, 0, 0]]),
    "Toffoli": np.eye(8)[[0, 1, 2, 3, 4, 5, 7, 6]],
    "CCZ": np.diag([1, 1, 1, 1, 1, 1, 1, -1]),
    "CSWAP": np.eye(8)[[0, 1, 2, 3, 4, 6, 5, 7]],
}

# G of exp(-i phi G), {Pauli word: coefficient}; excitations after Arrazola et al., arXiv:2106.13839
GENERATORS = {
    "RX": {"X": 0.5},
    "RY": {"Y": 0.5},
    "RZ": {"Z": 0.5},
    "PhaseShift": {"I": -0.5, "Z": 0.5},
    "U1": {"I": -0.5, "Z": 0.5},
    "ControlledPhaseShift": {"II": -0.25, "IZ": 0.25, "ZI": 0.25, "ZZ": -0.25},
    "CPhaseShift00": {"II": -0.25, "IZ": -0.25, "ZI": -0.25, "ZZ": -0.25},
    "CPhaseShift01": {"II": -0.25, "IZ": 0.25, "ZI": -0.25, "ZZ": 0.25},
    "CPhaseShift10": {"II": -0.25, "IZ": -0.25, "ZI": 0.25, "ZZ": 0.25},
    "CRX": {"IX": 0.25, "ZX": -0.25},
    "CRY": {"IY": 0.25, "ZY": -0.25},
    "CRZ": {"IZ": 0.25, "ZZ": -0.25},
    "IsingXX": {"XX": 0.5},
    "IsingYY": {"YY": 0.5},
    "IsingZZ": {"ZZ": 0.5},
    "IsingXY": {"XX": -0.25, "YY": -0.25},
    "SingleExcitation": {"XY": -0.25, "YX": 0.25},
    "SingleExcitationPlus": {"II": -0.25, "XY": -0.25, "YX": 0.25, "ZZ": -0.25},
    "SingleExcitationMinus": {"II": 0.25, "XY": -0.25, "YX": 0.25, "ZZ": 0.25},
    "DoubleExcitation": {
        **dict.fromkeys(["XXXY", "XXYX", "XYYY", "YXYY"], -0.0625),
        **dict.fromkeys(["XYXX", "YXXX", "YYXY", "YYYX"], 0.0625),
    },
    "FermionicSWAP": {"II": -0.5, "IZ": 0.25, "ZI": 0.25, "XX": 0.25, "YY": 0.25},
    "OrbitalRotation": {"XZYI": -0.25, "YZXI": 0.25, "IXZY": -0.25, "IYZX": 0.25},
}


def pauli_sum(terms):
    total = 0
    for word, coefficient in terms.items():
        factor = np.eye(1)
        for letter in word:
            factor = np.kron(factor, MATRICES[letter])
        total = total + coefficient * factor
    return total


@pytest.mark.parametrize("known", MATRICES_OF_THE_FIELD)
def test_fixed_gates_have_their_matrices(known):
    assert_close(ROWS[known].matrix(), np.array(MATRICES_OF_THE_FIELD[known]), 1e-15)


@pytest.mark.parametrize("known", GENERATORS)
def test_rotations_are_exponentials_of_their_generators(known):
    generator = pauli_sum(GENERATORS[known])
    for phi in (0.7, -2.9, 11.0):
        energies, basis = np.linalg.eigh(generator)
        expected = basis * np.exp(-1j * phi * energies) @ basis.conj().T
        assert_close(ROWS[known].matrix(phi), expected, 1e-12)


@pytest.mark.parametrize(("sign", "known"), [(1, "DoubleExcitationPlus"), (-1, "DoubleExcitationMinus")])
def test_double_excitations_turn_every_other_state(sign, known):
    inside = [0b0011, 0b1100]
    expected = np.exp(sign * 0.35j) * np.eye(16)
    expected[np.ix_(inside, inside)] = [[np.cos(0.35), -np.sin(0.35)], [np.sin(0.35), np.cos(0.35)]]
    assert_close(ROWS[known].matrix(0.7), expected, 1e-15)


def test_three_angle_gates_apply_their_angles_in_order():
    rx, ry, rz = hb.RX.matrix, hb.RY.matrix, hb.RZ.matrix
    assert_close(hb.Rot.matrix(0.1, 0.2, 0.3), rz(0.3) @ ry(0.2) @ rz(0.1))
    c, s = np.cos(0.1), np.sin(0.1)
    u3 = [[c, -np.exp(0.4j) * s], [np.exp(0.3j) * s, np.exp(0.7j) * c]]
    assert_close(hb.U3.matrix(0.2, 0.3, 0.4), np.array(u3))
    u2 = S2 * np.array([[1, -np.exp(0.4j)], [np.exp(0.3j), np.exp(0.7j)]])
    assert_close(hb.U2.matrix(0.3, 0.4), u2)
    assert_close(hb.CRot.matrix(0.1, 0.2, 0.3)[2:, 2:], hb.Rot.matrix(0.1, 0.2, 0.3))
    assert_close(rx(0.2), hb.Rot.matrix(np.pi / 2, 0.2, -np.pi / 2))


def test_signs_of_phases():
    assert_close(hb.GlobalPhase.of(0).matrix(0.3), np.array([[np.exp(-0.3j)]]))
    assert_close(hb.GlobalPhase.of(2).matrix(0.3), np.exp(-0.3j) * np.eye(4))
    assert_close(hb.PCPhase.of(2, 3).matrix(0.3), np.diag(np.exp(0.3j * np.array([1, 1, 1, -1]))))
    assert_close(hb.PSWAP.matrix(0.3), np.diag([1, np.exp(0.3j), np.exp(0.3j), 1]) @ hb.SWAP.matrix())
    assert_close(hb.MultiRZ.of(3).matrix(0.3), hb.PauliRot.of(3, "ZZZ").matrix(0.3))
    assert_close(hb.PauliRot.of(2, "YX").matrix(0.3)[0, 3], -1j * np.sin(0.15) * -1j)


def test_control_values_choose_the_block():
    """The first wire is the most significant bit of the block's number."""
    x = np.eye(16, dtype=complex)
    x[[0b1010, 0b1011]] = x[[0b1011, 0b1010]]
    assert_close(hb.MultiControlledX.of(4, [1, 0, 1]).matrix(), x)
    u = hb.U3.matrix(0.1, 0.2, 0.3)
    full = np.eye(8, dtype=complex)
    full[2:4, 2:4] = u
    assert_close(hb.ControlledQubitUnitary.of(3, u, [0, 1]).matrix(), full)


@pytest.mark.parametrize("row", [r for r in ROWS_AND_EXAMPLES if r.pauli], ids=name)
def test_paulis_are_observables_of_the_same_matrix(row):
    letters = row.pauli
    words = {tuple((w, s) for w in range(row.num_wires) if s != "I"): c for s, c in letters.items()}
    assert_close(Sentence(words, range(row.num_wires)).matrix(range(row.num_wires)), row.matrix(), 1e-15)


def test_long_names_are_the_same_objects():
    for long, short in [
        ("PauliX", "X"),
        ("PauliY", "Y"),
        ("PauliZ", "Z"),
        ("Hadamard", "H"),
        ("Identity", "I"),
    ]:
        assert getattr(hb, long) is getattr(hb, short)


def test_every_row_ends_in_the_universal_set():
    for row in ROWS_AND_EXAMPLES:
        if row.mixed:
            assert row.decomposition is None
            continue
        wires = LABELS[: row.num_wires]
        values = dict.fromkeys(row.params, 0.4)
        for s in expanded([step(row, wires, *row.params)], values, UNIVERSAL):
            assert s.operation.name in UNIVERSAL


# --- states ---


@pytest.mark.parametrize("row", STATES, ids=name)
def test_states_are_normalised_and_their_circuits_make_them(row):
    state = row.definition()
    if row.mixed:
        assert abs(np.trace(state) - 1) < 1e-12
        return
    assert abs(np.linalg.norm(state) - 1) < 1e-12
    order = LABELS[: row.num_wires]
    assert_close(matrix_of(row.decomposition(*order), order)[:, 0], state)


@pytest.mark.parametrize(("num_wires", "constants"), hb.MottonenStatePreparation.examples)
def test_mottonen_is_a_gate_that_makes_the_ket(num_wires, constants):
    row = hb.MottonenStatePreparation.of(num_wires, *constants)
    assert row.kind == "gate"
    assert_close(matrix(row, [])[:, 0], np.array(constants[0], dtype=complex))


def test_preparations_read_their_arguments():
    basis = hb.BasisState
    assert basis.of(3, 6) is basis.of(3, [1, 1, 0]) is basis.of(3, np.array([True, True, False]))
    assert basis.of(1, 1) is basis.of(1, [1])
    assert_close(basis.of(3, [1, 1, 0]).definition(), np.eye(8)[6])
    padded = hb.StatePrep.of(2, [3, 4j], 0, True).definition()
    assert_close(padded, np.array([0.6, 0.8j, 0, 0]))
    ones = hb.StatePrep.of(2, [1, 1], 1, True).definition()
    assert_close(ones, np.full(4, 0.5))


# --- families: calls, constants, errors ---


def test_families_bind_arguments_as_pennylane_does():
    u = np.eye(2)
    with recording() as tape:
        calls = [
            (hb.GlobalPhase(0.3), (), (0.3,)),
            (hb.GlobalPhase(0.3, 1), (1,), (0.3,)),
            (hb.GlobalPhase(phi=0.3, wires=[1, 2]), (1, 2), (0.3,)),
            (hb.I(0), (0,), ()),
            (hb.I(), (), ()),
            (hb.I([0, 1]), (0, 1), ()),
            (hb.MultiRZ(0.3, wires=["a", "b"]), ("a", "b"), (0.3,)),
            (hb.PauliRot(0.3, "XY", [0, 1]), (0, 1), (0.3,)),
            (hb.PauliRot(0.3, pauli_word="XY", wires=[0, 1]), (0, 1), (0.3,)),
            (hb.MultiControlledX([0, 1, 2], [1, 0]), (0, 1, 2), ()),
            (hb.MultiControlledX(wires=[0, 1, 2]), (0, 1, 2), ()),
            (hb.ControlledQubitUnitary(u, [0, 1], [0]), (0, 1), ()),
            (hb.StatePrep([0, 1], 0), (0,), ()),
            (hb.StatePrep([2], [0], pad_with=0, normalize=True), (0,), ()),
            (hb.Barrier(), (), ()),
            (hb.Snapshot("tag"), (), ()),
        ]
    assert tape == [applied for applied, _, _ in calls]
    for applied, wires, params in calls:
        assert applied.wires == wires and applied.params == params


def test_equal_constants_make_the_identical_row():
    u = np.array([[0, 1], [1, 0]])
    assert hb.QubitUnitary.of(1, u) is hb.QubitUnitary.of(1, u.tolist())
    assert hb.QubitUnitary.of(1, u) is not hb.QubitUnitary.of(1, np.eye(2))
    assert hb.PauliRot.of(2, "XY") is not hb.PauliRot.of(2, "YX")
    assert hb.MultiControlledX.of(3) is hb.MultiControlledX.of(3, [True, 1])


def test_users_arrays_are_copied():
    u = np.eye(2, dtype=complex)
    row = hb.QubitUnitary.of(1, u)
    u[0, 0] = 5
    assert_close(row.matrix(), np.eye(2))
    assert isinstance(row.constants[0], Constant)
    with pytest.raises(ValueError, match="read-only"):
        row.constants[0].array[0, 0] = 5


NAN = float("nan")
MISTAKES = [
    (lambda: hb.QubitUnitary.of(1, [[1, 0], [0, 2]]), "unitary.*differs from the identity by 3"),
    (lambda: hb.QubitUnitary.of(1, [[NAN, 0], [0, 1]]), "a finite U.*NaN"),
    (lambda: hb.QubitUnitary.of(2, np.eye(2)), r"2 wires.*shape \(4, 4\); got \(2, 2\)"),
    (lambda: hb.QubitUnitary.of(1, [[1, "x"], [0, 1]]), "array U of numbers"),
    (lambda: hb.QubitUnitary.of(1, np.eye(2) * (1 + 1e-7)), "unitary"),
    (lambda: hb.DiagonalQubitUnitary.of(1, [1, 0.5]), "magnitude 1"),
    (lambda: hb.DiagonalQubitUnitary.of(2, [1, 1]), r"shape \(4,\)"),
    (lambda: hb.ControlledQubitUnitary.of(2, np.eye(3)), r"\(2\^k, 2\^k\).*got \(3, 3\)"),
    (lambda: hb.ControlledQubitUnitary.of(1, np.eye(4)), "k <= 1"),
    (lambda: hb.ControlledQubitUnitary.of(2, np.ones((2, 2))), "unitary"),
    (lambda: hb.ControlledQubitUnitary.of(3, np.eye(2), [1]), "needs 2 control_values.*got 1"),
    (lambda: hb.MultiControlledX.of(3, [1, 2]), "zeros and ones"),
    (lambda: hb.MultiControlledX.of(0), "target wire"),
    (lambda: hb.MultiRZ.of(0), "at least 1 wire"),
    (lambda: hb.PauliRot.of(2, "XA"), "letters I, X, Y, Z; got 'XA'"),
    (lambda: hb.PauliRot.of(3, "XY"), "one letter for each wire; got 'XY' for 3 wires"),
    (lambda: hb.PauliRot.of(1, 3), "letters I, X, Y, Z"),
    (lambda: hb.PCPhase.of(2, 5), r"dim of 0\.\.4; got 5"),
    (lambda: hb.PCPhase.of(2, 1.5), "dim of"),
    (lambda: hb.BasisState.of(2, [0, 2]), "zeros and ones"),
    (lambda: hb.BasisState.of(2, [0, 1, 1]), "needs 2 bits.*got 3"),
    (lambda: hb.BasisState.of(2, 4), r"0\.\.3; got 4"),
    (lambda: hb.StatePrep.of(1, [1, 1]), "norm 1; got norm 1.414.*normalize=True"),
    (lambda: hb.StatePrep.of(1, [0, 0], None, True), "norm 1; got norm 0"),
    (lambda: hb.StatePrep.of(1, [NAN, 1]), "finite"),
    (lambda: hb.StatePrep.of(2, [1, 0]), r"shape \(4,\); got \(2,\); pad_with=0"),
    (lambda: hb.StatePrep.of(1, [1, 0, 0]), r"shape \(2,\); got \(3,\)"),
    (lambda: hb.StatePrep.of(1, [[1, 0], [0, 1]]), r"got \(2, 2\)"),
    (lambda: hb.MottonenStatePreparation.of(1, [1, 1]), "norm 1; got norm 1.414213562$"),
    (lambda: hb.QubitDensityMatrix.of(1, [[0.5, 1], [0, 0.5]]), "Hermitian"),
    (lambda: hb.QubitDensityMatrix.of(1, [[1, 0], [0, 1]]), "trace 1; got trace 2"),
    (lambda: hb.QubitDensityMatrix.of(1, [[1.5, 0], [0, -0.5]]), "negative eigenvalues; the lowest is -0.5"),
    (lambda: hb.Snapshot.of(0, [1]), "constants"),
    (lambda: hb.PauliRot(0.3, [0, 1]), r"PauliRot\(theta, pauli_word, wires\) got arguments"),
    (lambda: hb.MultiRZ(0.3), r"MultiRZ\(theta, wires\) got arguments"),
    (lambda: hb.MultiRZ(0.3, 0, wires=0), "got arguments"),
    (lambda: hb.GlobalPhase(0.3, angle=1), "angle"),
    (lambda: hb.MultiRZ(0.3, wires=[0, 1]), "outside a circuit"),
    (lambda: hb.StatePrep.of(1, [1, 0]).matrix(), "not a qubit gate"),
    (lambda: hb.MottonenStatePreparation.of(1, [1, 0]).matrix(), "defined by its decomposition"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m for _, m in MISTAKES])
def test_mistakes_are_named(mistake, message):
    with pytest.raises(CircuitError, match=message):
        mistake()


def test_every_family_has_examples():
    for family in FAMILIES.values():
        assert family.examples, family
