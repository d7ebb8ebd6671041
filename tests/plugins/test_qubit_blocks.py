"""default.qubit gives the same numbers however a state is cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

import hybridge as hb
from hybridge.operations.derived import adjoint_row, controlled, power
from hybridge.plugin import FAMILIES, ROWS, Circuit, Instruction, Measurement, Task
from hybridge_default.qubit import DefaultQubit
from hybridge_default.qubit_blocks import ALWAYS, CODES, RUN_BITS, Cut, Gate, sweeps
from hybridge_default.qubit_layout import BLOCK, DIAGONAL, MOVE2, NUM_SWEEPS, PAULI, REAL2
from hybridge_default.qubit_numpy import PlainQubit
from hybridge_default.qubit_program import compiled

FAST, PLAIN = DefaultQubit(), PlainQubit()


def table():
    """Every row of a qubit gate with a definition: the table's, the families' examples, and rows of those."""
    rows = [r for r in ROWS.values() if r.domain == "qubit"]
    rows += [f.of(n, *c) for f in FAMILIES.values() if f.domain == "qubit" for n, c in f.examples]
    rows = [r for r in rows if r.kind == "gate" and r.definition is not None]
    derived = [f(r) for r in rows for f in (adjoint_row, lambda r: power(r, 0.37))]
    under = [controlled(r, values) for r in rows if r.num_wires <= 2 for values in ((1,), (0, 1))]
    return [r for r in (*rows, *derived, *under) if r.definition is not None]


TABLE = table()
SMOOTH = [
    r
    for r in TABLE
    if all(s is not None or p in r.exponent for p, s in zip(r.params, r.spectrum, strict=True))
]


def drawn(rows, n, depth, rng):
    """A layer that leaves no amplitude zero, and random rows on random wires."""
    fit = [r for r in rows if r.num_wires <= n]
    turn = [Instruction(ROWS[name], (w,)) for w in range(n) for name in ("RY", "RZ")]
    chosen = [fit[rng.integers(len(fit))] for _ in range(depth)]
    return [
        *turn,
        *(Instruction(r, tuple(int(w) for w in rng.permutation(n)[: r.num_wires])) for r in chosen),
    ]


def circuit(instructions, n, *measurements):
    return Circuit(tuple(instructions), measurements or (hb.state(),), tuple(range(n)))


def states(program, params):
    return FAST.run([Task(program, params)])[0]


def plain(c, params):
    return PLAIN.run([Task(PLAIN.compile(c), params)])[0]


@pytest.mark.parametrize(("n", "bits"), [(5, 3), (6, 4), (7, 5), (8, 6), (8, 7), (9, 7), (10, 8), (11, 7)])
def test_random_circuits_in_blocks_agree_with_numpy(n, bits):
    rng = np.random.default_rng(100 * n + bits)
    for _ in range(8):
        c = circuit(drawn(TABLE, n, 25, rng), n)
        params = rng.normal(size=(2, c.num_slots)) * 2
        program = compiled(c, cut=Cut(bits, 3, light=0))
        assert program.ints[NUM_SWEEPS] > 1
        assert np.abs(states(program, params) - plain(c, params)).max() < 1e-12


@pytest.mark.parametrize("n", (13, 14, 15, 16, 17))
def test_the_blocks_in_use_agree_with_numpy(n):
    rng = np.random.default_rng(n)
    c = circuit(drawn([r for r in TABLE if r.num_wires <= 4], n, 40, rng), n)
    params = rng.normal(size=(1, c.num_slots))
    expected = plain(c, params)
    for bits in (7, 9, 11, 12):
        program = compiled(c, cut=Cut(bits, 3, light=0))
        assert program.ints[BLOCK] == 2**bits
        assert np.abs(states(program, params) - expected).max() < 1e-12
    assert np.abs(states(compiled(c), params) - expected).max() < 1e-12


@pytest.mark.parametrize("bits", (5, 6, 8))
def test_single_precision_in_blocks(bits):
    n, rng = 9, np.random.default_rng(bits)
    c = circuit(drawn(TABLE, n, 25, rng), n)
    params = rng.normal(size=(2, c.num_slots))
    for shared in (n, n + 1):
        program = compiled(c, "complex64", Cut(bits, 3, shared, light=0))
        assert np.abs(states(program, params) - plain(c, params)).max() < 1e-5


def test_every_row_across_every_boundary_of_a_block_agrees_with_numpy():
    n, rng = 8, np.random.default_rng(1)
    turn = [Instruction(ROWS[name], (w,)) for w in range(n) for name in ("RY", "RZ")]
    for row in TABLE:
        if row.num_wires > 4:
            continue
        for shift in range(n):
            wires = tuple((shift + 3 * i) % n for i in range(row.num_wires))
            c = circuit([*turn, Instruction(row, wires)], n)
            params = rng.normal(size=(1, c.num_slots))
            found = states(compiled(c, cut=Cut(5, 3, light=0)), params)
            assert np.abs(found - plain(c, params)).max() < 1e-13, (row, wires)


@pytest.mark.parametrize(
    "letters", ["ZZZZZZZZ", "XYZIXYZX", "YIIIIIIY", "IIXIIIII", "ZIIXIIIZ", "XXXXXXXX", "ZZIIIIII"]
)
def test_pauli_rotations_of_any_weight_in_blocks(letters):
    rng = np.random.default_rng(2)
    turn = [Instruction(ROWS[name], (w,)) for w in range(8) for name in ("RX", "RZ")]
    after = [Instruction(ROWS["CRY"], (0, 7)), Instruction(ROWS["CRY"], (7, 1))]
    c = circuit([*turn, Instruction(FAMILIES["PauliRot"].of(8, letters), tuple(range(8))), *after], 8)
    params = rng.normal(size=(2, c.num_slots))
    for bits in (3, 5, 6, 7):
        assert np.abs(states(compiled(c, cut=Cut(bits, 3, light=0)), params) - plain(c, params)).max() < 1e-13


def test_prepared_states_in_blocks():
    rng = np.random.default_rng(3)
    ket = rng.normal(size=4) + 1j * rng.normal(size=4)
    prepared = FAMILIES["StatePrep"].of(2, ket / np.linalg.norm(ket))
    for basis, wires in (((3, 5), (2, 0)), ((0, 1), (6, 7)), ((6, 7), (0, 1))):
        turn = [Instruction(ROWS["RX"], (w,)) for w in range(3, 8)]
        entangle = [Instruction(ROWS["CNOT"], (w, (w + 3) % 8)) for w in range(8)]
        first = [
            Instruction(FAMILIES["BasisState"].of(2, (1, 0)), basis),
            Instruction(prepared, wires),
        ]
        c = circuit([*first, *entangle, *turn, *entangle], 8)
        params = rng.normal(size=(1, c.num_slots))
        for bits in (4, 5, 7):
            assert (
                np.abs(states(compiled(c, cut=Cut(bits, 3, light=0)), params) - plain(c, params)).max()
                < 1e-14
            )


OBSERVABLES = [
    hb.Z(0) + 0.5 * hb.X(3),
    (hb.Y(2) @ hb.Z(1)).as_observable(),
    0.3 * hb.Z(0) @ hb.Z(2) - 2 * hb.Z(1),
]


@pytest.mark.parametrize(
    ("n", "bits"), [(5, 3), (6, 4), (7, 5), (8, 6), (8, 7), (9, 7), (10, 8), (13, 9), (15, 12)]
)
def test_derivatives_in_blocks_agree_with_those_of_one_block(n, bits):
    rng = np.random.default_rng(10 * n + bits)
    rows = [r for r in SMOOTH if r.num_wires <= 4]
    measurements = [Measurement("expval", o) for o in OBSERVABLES] + [Measurement("probs", None, (1, 0))]
    for _ in range(5 if n < 12 else 1):
        instructions = drawn(rows, n, 30, rng)
        fixed = [i for i in instructions if not i.operation.params]
        for c in (
            circuit(instructions, n, *measurements),
            circuit([*fixed, *instructions], n, *measurements),
        ):
            params, cotangent = rng.normal(size=(2, c.num_slots)), rng.normal(size=(2, 7))
            whole, blocks = compiled(c, cut=Cut(whole=n)), compiled(c, cut=Cut(bits, 3, light=0))
            expected = FAST.vjp(Task(whole, params), cotangent)
            assert np.abs(FAST.vjp(Task(blocks, params), cotangent) - expected).max() < 1e-12


def test_derivatives_in_blocks_agree_with_differences_of_the_numpy_engine():
    n, rng, step = 8, np.random.default_rng(5), 1e-5
    c = circuit(drawn([r for r in SMOOTH if r.num_wires <= 3], n, 12, rng), n)
    z = 1.0 - 2 * (np.arange(2**n) >> (n - 1) & 1)
    params = rng.normal(size=(1, c.num_slots))
    steps = np.concatenate([np.eye(c.num_slots), -np.eye(c.num_slots)]) * step
    energies = np.abs(plain(c, params + steps)) ** 2 @ z
    expected = (energies[: c.num_slots] - energies[c.num_slots :]) / (2 * step)
    measured = c._replace(measurements=(hb.expval(hb.Z(0)),))
    found = FAST.vjp(Task(compiled(measured, cut=Cut(5, 3, light=0)), params), np.ones((1, 1)))[0]
    assert np.abs(found - expected).max() < 1e-8


# ---- the scheduler --------------------------------------------------------------------------------------


def move(target, control):
    bits = sorted((target, control))
    return Gate([MOVE2, 0, 0, 1, 2, 1, *bits, 1 << control, 1 << control | 1 << target], False)


def turned(bit):
    return Gate([REAL2, 1, 0, 1, 1, 1, bit, 0, 1 << bit, 2, 3, 3, 2], True)


def split(gates, n, bits):
    return sweeps(gates, n, 0, lambda value: value + 100, Cut(bits, bits, light=0))


def test_a_circuit_that_fits_is_one_sweep_of_its_own_records():
    gates = [turned(3), move(4, 3)]
    (sweep,) = sweeps(gates, 5, 0, lambda value: value)
    assert sweep.gates == gates and sweep.bits == (0, 1, 2, 3, 4)


def test_a_control_outside_a_block_chooses_the_blocks():
    found = split([turned(12), move(4, 12)], 13, 8)
    last = found[-1]
    (gate,) = [g for g in last.gates if g.record[0] == MOVE2]
    if 12 in last.bits:  # both in one sweep
        assert gate.when == ALWAYS
    else:
        assert gate.when.mask == gate.when.wanted == 1 << 12 and gate.record[4] == 1


def test_a_diagonal_outside_a_block_is_one_number_for_each_kind_of_block():
    rzz = Gate([DIAGONAL, 1, 0, 1, 2, 4, 9, 10, 0, 0, 2, 512, 512, 3, 1024, 1024, 3, 1536, 1536, 2], True)
    (sweep,) = split([*map(turned, range(3, 8)), rzz], 12, 8)
    parts = [g for g in sweep.gates if g.record[0] == DIAGONAL]
    assert {g.when.wanted for g in parts} == {0, 512, 1024, 1536}
    assert all(g.record[4] == 0 and g.when.mask == 1536 for g in parts)


def test_signs_of_a_rotation_outside_a_block_are_two_values():
    rotation = Gate([PAULI, 1, 8, 0, 1 << 11 | 1 << 10, 0, 2, 3, 0], True)
    (sweep,) = split([rotation], 12, 8)
    assert [(g.when.signs, g.when.odd, g.record[7]) for g in sweep.gates] == [(3072, 0, 3), (3072, 1, 103)]


def test_a_gate_that_no_block_holds_passes_over_the_whole_state():
    wide = Gate([PAULI, 1, (1 << 12) - 8, 7, 0, 0, 2, 3, 0], True)
    found = split([turned(3), wide, turned(3)], 12, 8)
    assert [len(s.bits) for s in found] == [8, 12, 8]
    assert found[1].gates == [wide]


def test_gates_that_change_few_amplitudes_pass_over_the_whole_state():
    controls = 7 << 8
    few = [
        Gate([REAL2, 1, 0, 1, 4, 1, b, 8, 9, 10, controls, controls | 1 << b, 2, 3, 3, 2], True)
        for b in (3, 4, 5)
    ]
    many = [turned(b) for b in range(3, 8)]
    (alone,) = sweeps(few, 12, 0, lambda value: value, Cut(8, 8))
    assert len(alone.bits) == 12 and alone.gates == few
    (together,) = sweeps([*few, *many], 12, 0, lambda value: value, Cut(8, 8))
    assert len(together.bits) == 8 and [g.when.mask for g in together.gates] == [controls] * 3 + [0] * 5


def test_gates_wait_only_for_those_they_do_not_commute_with():
    layer = [turned(b) for b in range(3, 13)]
    ladder = [move(b, b + 1) for b in range(3, 12)]
    found = split([*layer, *ladder], 13, 11)
    order = [tuple(g.record) for s in found for g in s.gates]
    assert len(order) == len(layer) + len(ladder) and len(found) <= 3
    for sweep in found:
        assert len(sweep.bits) == 11 and set(range(RUN_BITS)) <= set(sweep.bits)


def test_every_gate_is_in_some_sweep_and_follows_those_it_depends_on():
    rng, n = np.random.default_rng(7), 14
    gates = []
    for i in range(600):
        target, control = (int(b) for b in rng.permutation(np.arange(3, n))[:2])
        gates.append([turned(target), move(target, control)][i % 2])
        gates[-1].record[1] = i  # told apart by what is of no account here
    for cut in (Cut(6, 6), Cut(8, 8, light=0), Cut(11, 11)):
        order = [g.record[1] for s in sweeps(gates, n, 0, lambda value: value, cut) for g in s.gates]
        assert sorted(set(order)) == list(range(600))
        place = {i: at for at, i in enumerate(order)}
        bits = [CODES[g.record[0]].bits(g.record) for g in gates]
        for i in range(600):
            for j in range(i + 1, min(i + 40, 600)):
                a, b = bits[i], bits[j]
                if a.flips & (b.flips | b.reads) or a.reads & b.flips:
                    assert place[i] < place[j]


def test_blocks_that_are_still_zero_are_passed_over():
    first, *_, last = split([turned(b) for b in range(3, 16)], 16, 8)
    assert first.idle == (1 << 16) - (1 << 8)
    assert last.idle == 0
    prepared = sweeps([turned(3)], 12, 1 << 11, lambda value: value, Cut(8, 8, light=0))
    assert prepared[0].idle == 0b111 << 8


def test_the_ansatz_of_twenty_qubits_goes_over_its_state_eleven_times_at_most():
    n, layers = 20, 4
    instructions = []
    for _ in range(layers):
        instructions += [Instruction(ROWS[r], (w,)) for w in range(n) for r in ("RY", "RZ")]
        instructions += [Instruction(ROWS["CNOT"], (w, (w + 1) % n)) for w in range(n)]
    program = compiled(circuit(instructions, n, hb.expval(hb.Z(0))))
    assert program.ints[NUM_SWEEPS] <= 11
