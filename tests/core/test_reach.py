"""A parameter that is said not to matter does not, and those that plainly do not are found."""

from random import Random

import numpy as np
import pytest
from contract import rows
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb
from hybridge.circuit import Instruction
from hybridge.gradients import letters, reach, variables
from hybridge.operations.derived import adjoint_row, controlled

TOLERANCE = 1e-12  # of values between -2 and 2
QUBITS = [r for r in rows("qubit") if r.kind == "gate" and r.num_wires <= 4]
QUBITS += [adjoint_row(r) for r in QUBITS] + [controlled(r, (0,)) for r in QUBITS if 0 < r.num_wires < 3]
CHANNELS = [r for r in rows("qubit") if r.kind == "channel"]
FLIPS = [hb.PhaseFlip, hb.BitFlip, hb.PhaseDamping, hb.DepolarizingChannel, hb.RZ, hb.CNOT, hb.CZ]
RANGES = {"t1": (0.9, 1.2), "t2": (0.9, 1.2)}  # of the numbers of channels, which are moved by 0.31
DIAGONAL = [hb.RZ, hb.CRZ, hb.CZ, hb.PhaseShift, hb.IsingZZ, hb.S, hb.CNOT, hb.SWAP, hb.CPhaseShift01]
GAUSSIAN = [r for r in rows("cv") if r.gaussian and r.kind != "state" and r.num_wires <= 3]
COMMUTING = [hb.Rotation, hb.QuadraticPhase, hb.LossChannel, hb.ControlledPhase]
STATES = [hb.CoherentState, hb.SqueezedState, hb.ThermalState]


def pauli(choose):
    return choose.choice([hb.X, hb.Y, hb.Z, hb.Z, hb.Z])


def qubit_measurement(choose):
    a, b = choose.sample(range(4), 2)
    kinds = [
        lambda: hb.expval(pauli(choose)(a)),
        lambda: hb.expval(pauli(choose)(a) @ pauli(choose)(b) + 0.5 * hb.Z(b)),
        lambda: hb.var(pauli(choose)(a) + 0.3 * hb.Z(b)),
        lambda: hb.expval(hb.Projector([0, 1], wires=[a, b])),
        lambda: hb.expval(hb.Hermitian(np.diag([1.0, 2.0, 0.5, -1.0]), wires=[b, a])),
        lambda: hb.probs(wires=[a, b]),
        lambda: hb.probs(op=hb.X(a) @ hb.Z(b)),
    ]
    return choose.choice(kinds)()


def light_measurement(choose):
    a, b = choose.sample(range(3), 2)
    kinds = [
        lambda: hb.expval(hb.NumberOperator(a)),
        lambda: hb.expval(hb.QuadX(a) @ hb.QuadX(b)),
        lambda: hb.expval(hb.QuadP(a)),
        lambda: hb.var(hb.QuadX(a) + 0.3 * hb.NumberOperator(b)),
        lambda: hb.expval(hb.TensorN([a, b])),
        lambda: hb.expval(hb.FockStateProjector([1], wires=[b])),
    ]
    return choose.choice(kinds)()


def drawn(choose, table, often, num_wires):
    """Instructions of which a half are among `often`, and numbers for them."""
    instructions, numbers = [], []
    for _ in range(choose.randint(1, 12)):
        row = choose.choice(often if choose.random() < 0.5 else table)
        instructions.append(Instruction(row, tuple(choose.sample(range(num_wires), row.num_wires))))
        usual = (0.05, 0.3) if row in CHANNELS else (0.2, 0.6)
        numbers += [choose.uniform(*RANGES.get(p, usual)) for p in row.params]
    return instructions, numbers


def qubit_case(choose):
    start = [Instruction(hb.Rot, (w,)) for w in range(4)]
    instructions, numbers = drawn(choose, QUBITS, DIAGONAL, 4)
    numbers = [choose.uniform(0, 3) for _ in range(12)] + numbers
    return (*start, *instructions), numbers, qubit_measurement(choose), hb.device("default.qubit", wires=4)


def noisy_case(choose):
    start = [Instruction(hb.Rot, (w,)) for w in range(4)]
    instructions, numbers = drawn(choose, QUBITS + 4 * CHANNELS, FLIPS, 4)
    numbers = [choose.uniform(0, 3) for _ in range(12)] + numbers
    return (*start, *instructions), numbers, qubit_measurement(choose), hb.device("default.mixed", wires=4)


def light_case(choose):
    start = [Instruction(hb.DisplacedSqueezedState, (w,)) for w in range(3)]
    instructions, numbers = drawn(choose, GAUSSIAN + STATES, COMMUTING, 3)
    numbers = [choose.uniform(0.1, 0.5) for _ in range(12)] + numbers
    device = hb.device("default.gaussian", wires=3)
    return (*start, *instructions), numbers, light_measurement(choose), device


def still_and_changes(instructions, numbers, measurement, device):
    """For each slot whether it is said to be still, and by how much the value changes with it at most."""

    def f(x):
        start = 0
        for operation, wires in instructions:
            operation(*x[start : start + operation.arity], wires=wires)
            start += operation.arity
        return measurement

    circuit = hb.QNode(f, device)
    x = np.array(numbers)
    said = [reason is not None for reason in reach.reach(circuit.circuit(x), measurement).still]
    moved = x + 0.31 * np.eye(len(x))[:, None, :] * np.array([1, 0.7])[:, None]
    values = np.array([[np.ravel(circuit(row)) for row in pair] for pair in moved])
    return np.array(said), np.abs(values - np.ravel(circuit(x))).max(axis=(1, 2), initial=0)


CASES = {"qubits": qubit_case, "channels": noisy_case, "light": light_case}


@pytest.mark.parametrize("kind", CASES)
def test_what_is_said_to_be_still_is(kind):
    counted = []

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 2**32 - 1))
    def check(seed):
        reach.reach.cache_clear()
        said, changes = still_and_changes(*CASES[kind](Random(seed)))
        assert np.all(changes[said] < TOLERANCE)
        counted.append((said.sum(), (changes < TOLERANCE).sum()))

    check()
    found, there = np.sum(counted, axis=0)
    assert found > there / 2  # the others are still by chance, or for what the state is


@pytest.mark.parametrize(
    ("kind", "module", "fault"),
    [
        ("qubits", letters, lambda operation, seen: (seen, (False,) * operation.arity)),
        ("qubits", letters, lambda operation, seen: (seen, (operation.num_wires == 1,) * operation.arity)),
        ("channels", letters, lambda operation, seen: (seen, (operation.mixed,) * operation.arity)),
        ("light", variables, lambda operation, seen: (seen, False)),
        ("light", variables, lambda operation, seen: (seen, operation.num_wires == 1)),
    ],
    ids=[
        "nothing spreads",
        "all on one wire commutes",
        "no channel matters",
        "no light spreads",
        "light on one mode commutes",
    ],
)
def test_a_planted_fault_is_found(kind, module, fault, monkeypatch):
    name = {letters: "pulled_letters", variables: "pulled_variables"}[module]
    monkeypatch.setattr(reach, name, fault)
    wrong = 0
    for seed in range(30):
        reach.reach.cache_clear()
        said, changes = still_and_changes(*CASES[kind](Random(seed)))
        wrong += int((changes[said] > TOLERANCE).sum())
    reach.reach.cache_clear()
    assert wrong > 0


def still(f, device, *args):
    """For each measurement the slots that are said to be still."""
    circuit = hb.QNode(f, device).circuit(*args)
    return [
        [slot for slot, reason in enumerate(reach.reach(circuit, m).still) if reason is not None]
        for m in circuit.measurements
    ]


def test_the_light_cone_follows_swaps_and_not_what_commutes():
    def f(x):
        for w in range(4):
            hb.RX(x[w], wires=w)
        hb.CZ(wires=[0, 1])  # of Z(0) it makes Z(0)
        hb.SWAP(wires=[0, 2])
        hb.CRX(x[4], wires=[2, 3])
        return hb.expval(hb.Z(2)), hb.expval(hb.Z(3)), hb.expval(hb.X(1))

    assert still(f, "default.qubit", np.ones(5)) == [[1, 2, 3, 4], [1, 2], [1, 2, 3, 4]]


def test_diagonal_gates_before_diagonal_measurements_are_still():
    def f(x):
        for w in range(3):
            hb.RX(x[w], wires=w)
        hb.CRZ(x[3], wires=[0, 1])
        hb.MultiRZ(x[4], wires=[0, 1, 2])
        hb.CNOT(wires=[0, 1])  # a permutation of what is measured
        hb.Rot(x[5], x[6], x[7], wires=2)
        hb.GlobalPhase(x[8])
        return hb.probs(), hb.expval(hb.Z(1) @ hb.Z(0)), hb.expval(hb.X(2))

    assert still(f, "default.qubit", np.ones(9)) == [[3, 7, 8], [2, 3, 4, 5, 6, 7, 8], [3, 8]]


def test_wide_gates_are_pulled_through_step_by_step():
    def f(x):
        for w in range(6):
            hb.RX(x[w], wires=w)
        hb.MultiRZ(x[6], wires=range(6))
        hb.ctrl(hb.PhaseShift, control=range(5))(x[7], wires=5)
        return hb.probs(wires=[0, 1])

    assert still(f, "default.qubit", np.ones(8)) == [[2, 3, 4, 5, 6, 7]]


def test_channels_that_only_damp_coherences_do_not_move_diagonal_measurements():
    def f(x):
        hb.PhaseFlip(x[0], wires=0)
        hb.PhaseDamping(x[1], wires=0)
        hb.BitFlip(x[2], wires=0)
        hb.AmplitudeDamping(x[3], wires=1)
        hb.DepolarizingChannel(x[4], wires=0)
        return hb.expval(hb.Z(0)), hb.expval(hb.X(0)), hb.expval(hb.Z(1))

    found = still(f, hb.device("default.mixed", wires=2), np.full(5, 0.1))
    assert found == [[0, 1, 3], [2, 3], [0, 1, 2, 4]]


def test_light_is_still_where_what_follows_keeps_what_is_measured():
    def f(x):
        hb.CoherentState(x[0], x[1], wires=0)
        hb.SqueezedState(x[2], 0.0, wires=1)
        hb.Rotation(x[3], wires=0)
        hb.Kerr(x[4], wires=0)
        hb.CrossKerr(x[5], wires=[0, 1])
        hb.LossChannel(x[6], wires=0)
        return hb.expval(hb.NumberOperator(0)), hb.expval(hb.QuadX(1)), hb.probs(wires=[0])

    device = hb.device("default.fock", wires=2, cutoff_dim=5)
    before = [2, 3, 4, 5, 6]  # slots: a, phi; r, phi; phi; kappa; kappa; T
    assert still(f, device, 0.1 * np.ones(7)) == [before, [7], before]


def test_a_large_matrix_is_not_taken_apart():
    rng = np.random.default_rng(2)
    u = np.linalg.qr(rng.normal(size=(128, 128)) + 1j * rng.normal(size=(128, 128)))[0]

    def f(x):
        hb.RZ(x[0], wires=7)
        hb.RX(x[1], wires=0)
        hb.QubitUnitary(u, wires=range(7))
        hb.evolve(hb.X(0) @ hb.X(1) + 0.3 * hb.Z(1), x[2])
        return hb.expval(hb.Z(0))

    assert still(f, hb.device("default.qubit", wires=8), np.ones(3)) == [[0]]
