"""default.qubit's kernels agree with the plain numpy engine, the rows' definitions and the shift rules."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array

import hybridge as hb
from hybridge.operations.derived import adjoint_row, controlled, power
from hybridge.plugin import FAMILIES, ROWS, Circuit, Instruction, Measurement, Task
from hybridge_default import QUBIT
from hybridge_default.qubit import DefaultQubit
from hybridge_default.qubit_forms import form
from hybridge_default.qubit_layout import (
    NUM_GATES,
    NUM_OUTER,
    NUM_RUNS,
    PER_GATE,
    PERMUTATION,
    PHASES,
    SWEEP,
    SWEEPS_AT,
)
from hybridge_default.qubit_numpy import PlainQubit
from hybridge_default.qubit_program import compiled

WIRES = (1, 2, 3, 4, 5, 6, 8, 10, 12)


def table():
    """Every row of a qubit gate with a definition: the table's, the families' examples, and rows of those."""
    rows = [r for r in ROWS.values() if r.domain == "qubit"]
    rows += [f.of(n, *c) for f in FAMILIES.values() if f.domain == "qubit" for n, c in f.examples]
    rows = [r for r in rows if r.kind == "gate" and r.definition is not None]
    derived = [f(r) for r in rows for f in (adjoint_row, lambda r: power(r, 0.37), lambda r: power(r, 2))]
    under = [controlled(r, values) for r in rows if r.num_wires <= 2 for values in ((1,), (0, 1))]
    return [r for r in (*rows, *derived, *under) if r.definition is not None]


TABLE = table()
SMOOTH = [
    r
    for r in TABLE
    if all(s is not None or p in r.exponent for p, s in zip(r.params, r.spectrum, strict=True))
]


def instruction(row, n, rng):
    return Instruction(row, tuple(int(w) for w in rng.permutation(n)[: row.num_wires]))


def circuit(instructions, n, *measurements):
    return Circuit(tuple(instructions), measurements or (hb.state(),), tuple(range(n)))


def drawn(rows, n, depth, rng):
    fit = [r for r in rows if r.num_wires <= n]
    return [instruction(fit[rng.integers(len(fit))], n, rng) for _ in range(depth)]


def run(device, c, params):
    return device.run([Task(device.compile(c), params)])[0]


def states(device, instructions, n, params):
    return run(device, circuit(instructions, n), params)


FAST, PLAIN = DefaultQubit(), PlainQubit()


@pytest.mark.parametrize("n", WIRES)
def test_random_circuits_over_the_whole_table_agree_with_numpy(n):
    rng = np.random.default_rng(n)
    for _ in range(25):
        instructions = drawn(TABLE, n, 14, rng)
        params = rng.normal(size=(3, circuit(instructions, n).num_slots)) * 2
        expected = states(PLAIN, instructions, n, params)
        assert np.abs(states(FAST, instructions, n, params) - expected).max() < 1e-12


def test_every_row_on_every_wire_agrees_with_numpy():
    n, rng = 5, np.random.default_rng(1)
    turn = [Instruction(ROWS[name], (w,)) for w in range(n) for name in ("RY", "RZ")]
    for row in TABLE:
        if row.num_wires > n:
            continue
        for shift in range(n):
            wires = tuple((shift + 2 * i) % n for i in range(row.num_wires))
            instructions = [*turn, Instruction(row, wires)]
            params = rng.normal(size=(2, circuit(instructions, n).num_slots))
            off = np.abs(states(FAST, instructions, n, params) - states(PLAIN, instructions, n, params)).max()
            assert off < 1e-13, (row, wires, off)


def test_every_row_of_one_parameter_has_its_definition_as_a_form():
    rows = [r for r in SMOOTH if len(r.params) == 1]
    assert len(rows) > 50
    for row in rows:
        found = form(row)
        assert found is not None, row
        for phi in (0.123, -2.2, 17.3):
            assert np.abs(found.at(phi) - row.definition(phi)).max() < 2e-14 * (1 + abs(phi)), row


@pytest.mark.parametrize("letters", ["ZZZZZZZZ", "XYZIXYZX", "YIIIIIIY", "IIXIIIII", "IIIIIIII"])
def test_pauli_rotations_of_any_weight(letters):
    rng = np.random.default_rng(2)
    turn = [Instruction(ROWS["RX"], (w,)) for w in range(8)]
    rotation = FAMILIES["PauliRot"].of(8, letters)
    params = rng.normal(size=(2, 9))
    turned = states(FAST, turn, 8, params[:, :8])
    expected = np.einsum("bij,bj->bi", rotation.definition(params[:, 8]), turned)
    found = states(FAST, [*turn, Instruction(rotation, tuple(range(8)))], 8, params)
    assert np.abs(found - expected).max() < 1e-14


def test_preparations_beside_gates():
    rng = np.random.default_rng(3)
    ket = rng.normal(size=4) + 1j * rng.normal(size=4)
    prepared = FAMILIES["StatePrep"].of(2, ket / np.linalg.norm(ket))
    instructions = [
        Instruction(ROWS["RX"], (4,)),
        Instruction(FAMILIES["BasisState"].of(2, (1, 0)), (3, 5)),
        Instruction(prepared, (2, 0)),
        Instruction(ROWS["CNOT"], (0, 4)),
    ]
    params = rng.normal(size=(1, 1))
    assert np.allclose(
        states(FAST, instructions, 6, params), states(PLAIN, instructions, 6, params), atol=1e-14
    )


SPARSE = csr_array(
    np.diag(np.arange(8.0)) + np.diag([1j, 2, 3j, 4, 5, 6j, 7], 1) + np.diag([-1j, 2, -3j, 4, 5, -6j, 7], -1)
)
SINGLE_COLUMNS = {
    "Z": lambda: hb.expval(hb.Z(3)),
    "X": lambda: hb.expval(hb.X(0)),
    "Y of a low bit": lambda: hb.expval(hb.Y(4)),
    "word": lambda: hb.expval(hb.X(0) @ hb.Y(1) @ hb.Z(3) @ hb.Y(4)),
    "identity": lambda: hb.expval(hb.I(0)),
    "diagonal sentence": lambda: hb.expval(0.3 * hb.Z(0) @ hb.Z(4) - 2 * hb.Z(1) + 0.7 * hb.I(0)),
    "sentence": lambda: hb.expval(0.3 * hb.Z(0) + hb.X(1) @ hb.Y(2) - 0.2 * hb.Z(1) @ hb.Z(2) + hb.Y(4)),
    "matrix": lambda: hb.expval(hb.Hermitian([[1, 0.5j], [-0.5j, -2]], wires=1)),
    "matrix of two": lambda: hb.expval(hb.Hermitian(np.diag([1.0, 2, 3, 4]) + np.eye(4)[::-1], wires=[4, 1])),
    "projector": lambda: hb.expval(hb.Projector([1, 0, 1], wires=[0, 3, 4])),
    "sparse": lambda: hb.expval(hb.SparseHamiltonian(SPARSE, wires=[3, 0, 2])),
    "var of a word": lambda: hb.var(hb.X(0) @ hb.Z(4)),
    "var of a sentence": lambda: hb.var(hb.Z(0) + 0.5 * hb.X(0) - hb.Y(3) @ hb.Z(4)),
    "var of a matrix": lambda: hb.var(hb.Hermitian([[1, 0.5j], [-0.5j, -2]], wires=4)),
    "probs": lambda: hb.probs(),
    "probs of some": lambda: hb.probs(wires=[4, 0]),
}


def ansatz(x):
    for w in range(5):
        hb.Rot(x[w], x[5 + w], 0.3 * w, wires=w)
    hb.CRY(x[0], wires=[4, 1])
    hb.SingleExcitation(x[1], wires=[0, 3])
    hb.PauliRot(x[2], "XZY", wires=[1, 4, 2])
    hb.CNOT([2, 3])
    hb.IsingXY(x[3], wires=[4, 3])
    hb.OrbitalRotation(x[4], wires=[0, 2, 4, 1])
    hb.ctrl(hb.U3, control=3)(x[6], x[7], x[8], wires=0)
    hb.PSWAP(x[9], wires=[1, 3])


X = np.random.default_rng(4).normal(size=(10,))
BATCH = np.random.default_rng(5).normal(size=(10, 3))


def nodes(measure):
    def f(x):
        ansatz(x)
        return measure()

    return hb.QNode(f, DefaultQubit(wires=5)), hb.QNode(f, PlainQubit(wires=5))


@pytest.mark.parametrize("name", SINGLE_COLUMNS)
def test_measurements_and_their_gradients_agree_with_the_states_and_shift_rules(name):
    fast, plain = nodes(SINGLE_COLUMNS[name])
    for x in (X, BATCH):
        assert np.abs(np.asarray(fast(x)) - np.asarray(plain(x))).max() < 1e-12
    weights = np.cos(np.arange(np.size(plain(X))))

    def cost(node):
        return lambda x: hb.numpy.sum(hb.numpy.ravel(node(x)) * weights)

    assert fast.plan(X).direct_vjp
    assert np.abs(hb.grad(cost(fast))(X) - hb.grad(cost(plain))(X)).max() < 1e-10
    summed = lambda node: lambda x: hb.numpy.sum(node(x) ** 2)
    assert np.abs(hb.grad(summed(fast))(BATCH) - hb.grad(summed(plain))(BATCH)).max() < 1e-10


def test_measurements_side_by_side_and_twice():
    measure = lambda: (
        hb.expval(hb.Z(0)), hb.probs(wires=[1, 0]), hb.expval(hb.Z(0)), hb.var(hb.X(2)), hb.probs(),
    )  # fmt: skip
    fast, plain = nodes(measure)
    assert fast.plan(X).direct_vjp
    for a, b in zip(hb.jacobian(fast)(X), hb.jacobian(plain)(X), strict=True):
        assert np.abs(a - b).max() < 1e-10


def check_derivatives(instructions, n, rng):
    """Of two expectation values by every parameter, for two sets of them, against the shift rules."""
    observables = [hb.Z(0) + 0.5 * hb.X(n - 1), hb.Y(n // 2).as_observable()]
    c = circuit(instructions, n, *(Measurement("expval", o) for o in observables))
    if not c.num_slots:
        return
    plan = hb.execution.Plan(c, c, FAST, False)
    params = rng.normal(size=(2, c.num_slots))
    cotangent = rng.normal(size=(2, 2))
    [rule] = plan.rule(tuple(range(c.num_slots)))
    shifted = (params[:, None, :] + rule.shifts).reshape(-1, c.num_slots)
    values = np.stack(plan.run(shifted, None), axis=1).reshape(2, len(rule.shifts), 2)
    expected = np.einsum("rp,brc,bc->bp", rule.weights, values, cotangent)
    assert np.abs(plan.vjp(params, cotangent) - expected).max() < 1e-10


@pytest.mark.parametrize("n", (1, 2, 3, 4, 6, 8))
def test_derivatives_of_random_circuits_agree_with_the_shift_rules(n):
    """Where every parameter has a rule: exponentials without one are in the next test."""
    rng = np.random.default_rng(10 + n)
    rows = [r for r in SMOOTH if all(s is not None for s in r.spectrum)]
    for _ in range(6):
        check_derivatives(drawn(rows, n, 8, rng), n, rng)


def wide(n):
    """Gates on all of n wires, and what each does to a state (batch, 2^n)."""
    values = tuple(i % 3 != 1 for i in range(n - 1))
    index = int("".join(str(int(v)) for v in values) + "0", 2)
    phases = np.exp(1j * np.cos(np.arange(2.0**n) ** 2))
    letters = "XYZ" * n
    paulis = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}

    def under_control(states, matrix):
        out = states.copy()
        out[:, index : index + 2] = np.einsum("...ij,bj->bi", matrix, states[:, index : index + 2])
        return out

    def word(states, phi):
        found = states.reshape(-1, *(2,) * n)
        for axis, s in enumerate(letters[:n]):
            found = np.moveaxis(np.tensordot(paulis[s], found, axes=(1, axis + 1)), 0, axis + 1)
        return np.cos(phi / 2) * states - 1j * np.sin(phi / 2) * found.reshape(states.shape)

    rx, shift = ROWS["RX"], ROWS["PhaseShift"]
    pc = FAMILIES["PCPhase"].of(n, 2**n * 2 // 3)
    signs = np.where(np.arange(2**n) < 2**n * 2 // 3, 1, -1)
    return [
        (FAMILIES["MultiControlledX"].of(n, values), lambda s, _: under_control(s, np.eye(2)[::-1])),
        (controlled(rx, values), lambda s, phi: under_control(s, rx.definition(phi[0]))),
        (controlled(shift, values), lambda s, phi: under_control(s, shift.definition(phi[0]))),
        (FAMILIES["DiagonalQubitUnitary"].of(n, phases), lambda s, _: s * phases),
        (pc, lambda s, phi: s * np.exp(1j * phi[0] * signs)),
        (FAMILIES["PauliRot"].of(n, letters[:n]), lambda s, phi: word(s, phi[0])),
    ]  # fmt: skip


@pytest.mark.parametrize("n", (1, 2, 3, 5, 8, 12, 18))
def test_gates_on_any_number_of_wires_are_one_pass(n):
    rng = np.random.default_rng(40 + n)
    turn = [Instruction(ROWS[axis], (w,)) for w in range(n) for axis in ("RX", "RY")]
    device = hb.device("default.qubit", wires=n)
    params = rng.normal(size=(1, 2 * n + 1))
    turned = states(FAST, turn, n, params[:, :-1])
    for row, acts in wide(n):
        own = params[:, : 2 * n + len(row.params)]
        c = circuit([*turn, Instruction(row, tuple(range(n)))], n)
        assert hb.compilation.runs(device.capabilities, row), row
        assert np.abs(run(device, c, own) - acts(turned, own[0, 2 * n :])).max() < 1e-13, row


def test_a_unitary_of_ten_wires_given_as_a_matrix():
    rng = np.random.default_rng(41)
    matrix = np.linalg.qr(rng.normal(size=(1024, 1024)) + 1j * rng.normal(size=(1024, 1024)))[0]
    turn = [Instruction(ROWS["RY"], (w,)) for w in range(11)]
    wires = tuple(int(w) for w in rng.permutation(11)[:10])
    instructions = [*turn, Instruction(FAMILIES["QubitUnitary"].of(10, matrix), wires)]
    params = rng.normal(size=(1, 11))
    off = states(FAST, instructions, 11, params) - states(PLAIN, instructions, 11, params)
    assert np.abs(off).max() < 1e-13


SINGLE = DefaultQubit(dtype="complex64")


@pytest.mark.parametrize("n", (1, 3, 4, 5, 8, 11, 15))
def test_single_precision_agrees_with_double(n):
    rng = np.random.default_rng(30 + n)
    rows = [r for r in SMOOTH if r.num_wires <= 5]
    for _ in range(4):
        instructions = drawn(rows, n, 30, rng)
        observables = [hb.Z(0) + 0.5 * hb.X(n - 1) + 0.3 * hb.Z(n - 1), hb.Y(n // 2).as_observable()]
        measurements = [*(Measurement("expval", o) for o in observables), Measurement("var", observables[0])]
        c = circuit(instructions, n, *measurements, hb.probs(wires=[0]))
        params = rng.normal(size=(2, c.num_slots))
        values, single = (run(device, c, params) for device in (FAST, SINGLE))
        assert np.abs(values - single).max() < 1e-5
        cotangent = rng.normal(size=values.shape)
        double, half = (device.vjp(Task(device.compile(c), params), cotangent) for device in (FAST, SINGLE))
        assert np.abs(double - half).max(initial=0) < 1e-5
        off = states(FAST, instructions, n, params) - states(SINGLE, instructions, n, params)
        assert np.abs(off).max() < 1e-5


def test_a_precision_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(hb.DeviceError, match=r"complex128 or complex64; got 'float16'"):
        hb.device("default.qubit", wires=1, dtype="float16")


RUNS = {  # rows that fuse, and the record they become
    "moves": (("CNOT", "X", "SWAP"), PERMUTATION),
    "moves and what is in their way": (("CNOT", "SWAP", "Toffoli", "RX", "CZ", "CSWAP"), None),
    "diagonals of one bit": (("RZ", "PhaseShift", "S", "T", "Z"), PHASES),
    "diagonals": (("RZ", "CZ", "ControlledPhaseShift", "IsingZZ", "PhaseShift", "CRZ", "T"), PHASES),
    "diagonals and what is in their way": (("RZ", "CZ", "IsingZZ", "RY", "CRX", "CCZ", "CRZ"), None),
    "all of them": (("RY", "RZ", "RX", "H", "CNOT", "IsingZZ", "SWAP", "CRY", "X", "IsingXX"), None),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("n", (2, 3, 4, 5, 7, 10))
def test_fused_runs_agree_with_numpy_and_the_shift_rules(name, n):
    names, code = RUNS[name]
    rng = np.random.default_rng(20 + n)
    turn = [Instruction(ROWS[axis], (w,)) for w in range(n) for axis in ("RX", "RY")]
    turn += [Instruction(ROWS["CNOT"], (w, (w + 1) % n)) for w in range(n)]  # what comes has its own records
    for depth in (3, 40):
        instructions = [*turn, *drawn([ROWS[r] for r in names], n, depth, rng)]
        params = rng.normal(size=(2, circuit(instructions, n).num_slots))
        off = np.abs(states(FAST, instructions, n, params) - states(PLAIN, instructions, n, params)).max()
        assert off < 1e-13, (name, n, depth)
        if n < 10:
            check_derivatives(instructions, n, rng)
    if code is not None:
        ints = compiled(circuit(instructions, n)).ints
        sweep = ints[ints[SWEEPS_AT]]
        at = sweep + len(SWEEP) + ints[sweep + NUM_OUTER] + ints[sweep + NUM_RUNS]
        assert code in [ints[ints[at + PER_GATE * g]] for g in range(ints[sweep + NUM_GATES])]


def test_an_evolution_without_a_shift_rule_has_derivatives():
    hamiltonian = sum(
        np.cos(3 * i + 1) * hb.Z(i) @ hb.Z((i + 1) % 4) + np.sin(i + 2) * hb.X(i) for i in range(4)
    )

    @hb.qnode(hb.device("default.qubit", wires=4))
    def energy(t):
        for w in range(4):
            hb.RY(0.3 + 0.2 * w, wires=w)
        hb.evolve(hamiltonian, t)
        return hb.expval(hb.Z(0) @ hb.Y(2))

    step = 1e-5
    assert hb.grad(energy)(0.7) == pytest.approx(
        (energy(0.7 + step) - energy(0.7 - step)) / (2 * step), abs=1e-8
    )


def test_a_power_without_a_derivative_leaves_the_others_to_the_rule():
    @hb.qnode(hb.device("default.qubit", wires=2))
    def f(x, y):
        hb.RX(x, wires=0)
        hb.pow(hb.Rot, 0.5)(y, 0.2, 0.3, wires=0)
        return hb.expval(hb.Z(0))

    assert not f.plan(0.3, 0.1).direct_vjp
    step = 1e-5
    expected = (f(0.3 + step, 0.1) - f(0.3 - step, 0.1)) / (2 * step)
    assert hb.grad(f)(0.3, 0.1) == pytest.approx(expected, abs=1e-8)
    with pytest.raises(hb.GradientError, match="Rot"):
        hb.grad(f, argnums=1)(0.3, 0.1)


def test_a_mixed_state_is_refused_whatever_is_measured():
    for measure in (lambda: hb.expval(hb.Z(0)), lambda: hb.probs(wires=0)):

        def f(measure=measure):
            hb.QubitDensityMatrix(np.eye(2) / 2, wires=0)
            return measure()

        with pytest.raises(hb.UnsupportedCircuit, match="mixed"):
            hb.QNode(f, hb.device("default.qubit", wires=1))()


def test_the_listing_says_which_engine_it_is():
    assert QUBIT.vjp and "numpy" in PlainQubit.capabilities.conventions


def test_without_numba_default_qubit_is_the_plain_engine():
    script = (
        "import importlib.util as u, sys\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "import hybridge as hb\n"
        "dev = hb.device('default.qubit', wires=1)\n"
        "f = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], dev)\n"
        "assert abs(hb.grad(f)(0.3) + 0.29552020666133955) < 1e-12\n"
        "assert 'numba' not in sys.modules\n"
        "print(type(f.device).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "PlainQubit"
