"""The kernels, the numpy engine and the reference agree: values, derivatives, every bit, 1 to 22 qubits."""

from __future__ import annotations

from random import Random

import fuzz_engine
import numpy as np
import pytest
from engine_circuits import (
    FAST,
    PLAIN,
    SLOPED,
    SMOOTH,
    TABLE,
    Case,
    drawn,
    slopes_disagree,
    values,
    values_disagree,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb
from hybridge.circuit import Circuit, Instruction
from hybridge.operations.derived import controlled
from hybridge.plugin import FAMILIES, ROWS

VALUES = 1e-12
SLOPES = 1e-11  # the weights of a shift rule add up to more than 10
DIFFERENCES = 1e-9
EVERY = ("expval", "var", "probs", "state")
RANDOMS = st.randoms(use_true_random=False)
RUN = settings(deadline=None, max_examples=150, derandomize=True, database=None)


@RUN
@given(RANDOMS, st.integers(1, 5), st.integers(0, 12))
def test_three_engines_agree_on_circuits_over_the_whole_table(choose, n, depth):
    assert values_disagree(drawn(choose, n, depth, TABLE, EVERY)) < VALUES


@RUN
@given(RANDOMS, st.integers(1, 5), st.integers(1, 8))
def test_derivatives_are_those_of_shift_rules_and_differences(choose, n, depth):
    case = drawn(choose, n, depth, SMOOTH, SLOPED)
    ruled, other = slopes_disagree(case)
    assert ruled < SLOPES and other < DIFFERENCES


@pytest.mark.parametrize("seed", range(40))
def test_random_circuits_agree_in_values_and_derivatives(seed):
    choose = Random(seed)
    assert values_disagree(drawn(choose, choose.randint(1, 5), 15, TABLE, EVERY)) < VALUES
    ruled, other = slopes_disagree(drawn(choose, choose.randint(1, 7), 12, SMOOTH, SLOPED))
    assert ruled < SLOPES and other < DIFFERENCES


def test_a_short_fuzz_finds_nothing(capsys):
    assert fuzz_engine.main(["--seed", "0", "--cases", "20"]) == 0
    assert capsys.readouterr().out == "20 seeds from 0 on agree, 4 cases each\n"


def test_a_fuzz_says_which_seed_fails(monkeypatch, capsys):
    def fails(choose):
        assert choose.random() < 0.9, "found"

    monkeypatch.setattr(fuzz_engine, "CHECKS", (fails,))
    with pytest.raises(AssertionError, match="found"):
        fuzz_engine.main(["--seed", "0", "--cases", "200"])
    seed = capsys.readouterr().err.split()[-1]
    with pytest.raises(AssertionError, match="found"):
        fuzz_engine.main(["--seed", seed, "--cases", "1"])


@pytest.mark.parametrize("n", range(6, 15))
def test_two_engines_agree_on_wider_circuits(n):
    choose = Random(n)
    for _ in range(4 if n > 10 else 12):
        assert values_disagree(drawn(choose, n, 12, TABLE, EVERY)) < VALUES


@pytest.mark.parametrize("n", [16, 18, 19])
def test_two_engines_agree_where_states_are_cut_into_blocks_and_shared(n):
    choose = Random(n)
    assert values_disagree(drawn(choose, n, 14, TABLE, EVERY)) < VALUES
    case = drawn(choose, n, 5, SMOOTH, ("expval", "var"))
    ruled, other = slopes_disagree(case._replace(params=case.params[:1]))
    assert ruled < SLOPES and other < DIFFERENCES


def turns(n):
    """A state without symmetry, real and imaginary parts in every entry."""
    return [Instruction(ROWS[name], (w,)) for w in range(n) for name in ("RY", "RZ")]


MATRIX = np.linalg.qr(
    np.random.default_rng(0).normal(size=(8, 8)) + 1j * np.random.default_rng(1).normal(size=(8, 8))
)[0]
CLASSES = {
    **{name: ROWS[name] for name in (
        "RX", "RY", "RZ", "H", "X", "Y", "S", "SX", "PhaseShift", "U3", "CNOT", "CZ", "CRX", "CRot", "SWAP",
        "ISWAP", "ECR", "IsingXX", "IsingXY", "PSWAP", "Toffoli", "CSWAP", "SingleExcitation",
        "DoubleExcitation", "FermionicSWAP", "OrbitalRotation",
    )},
    "MultiRZ": FAMILIES["MultiRZ"].of(3),
    "PauliRot": FAMILIES["PauliRot"].of(3, "XYZ"),
    "PauliRot Z": FAMILIES["PauliRot"].of(2, "YX"),
    "matrix": FAMILIES["QubitUnitary"].of(3, MATRIX),
    "diagonal": FAMILIES["DiagonalQubitUnitary"].of(2, np.exp(1j * np.arange(4.0))),
    "controlled": controlled(ROWS["RY"], (0, 1)),
    "controlled pair": controlled(ROWS["IsingXY"], (1,)),
}  # fmt: skip


def on_every_bit(row, n):
    """The row with its first wire on each wire in turn, the others near and far from it."""
    for first in range(n):
        for step in {1, max(1, n // 2)}:
            wires = [(first + i * step) % n for i in range(row.num_wires)]
            if len(set(wires)) == row.num_wires:
                yield Instruction(row, tuple(wires))


@pytest.mark.parametrize("n", range(1, 15))
def test_every_class_of_gate_on_every_bit(n):
    rng = np.random.default_rng(n)
    for name, row in CLASSES.items():
        placed = list(on_every_bit(row, n)) if row.num_wires <= n else []
        circuit = Circuit((*turns(n), *placed), (hb.state(),), tuple(range(n)))
        case = Case(circuit, rng.normal(size=(1, circuit.num_slots)))
        assert np.abs(values(case, FAST) - values(case, PLAIN)).max() < VALUES, (name, n)


@pytest.mark.parametrize("n", range(1, 11))
def test_every_class_of_gate_has_its_derivative_on_every_bit(n):
    rng = np.random.default_rng(n)
    measured = (hb.expval(hb.X(0) + 0.3 * hb.Z(n - 1) - hb.Y(n // 2)),)
    for name, row in CLASSES.items():
        if not row.params or row.num_wires > n:
            continue
        placed = list(on_every_bit(row, n))
        placed = placed[:: max(1, len(placed) // 6)]
        circuit = Circuit((*turns(n)[::2], *placed), measured, tuple(range(n)))
        ruled, other = slopes_disagree(Case(circuit, rng.normal(size=(1, circuit.num_slots))))
        assert ruled < SLOPES and other < DIFFERENCES, (name, n)


ANGLES = np.linspace(0.2, 2.6, 22)


@pytest.mark.parametrize("chained", [False, True])
def test_22_qubits_have_the_values_and_derivatives_known_beforehand(chained):
    """RY(a) on each wire; CNOTs in a chain make the last wire's Z the product of all."""
    n = 22
    wires = (0, 9, 21, 18)

    def circuit(angles):
        for w in range(n):
            hb.RY(angles[w], wires=w)
        for w in range(n - 1 if chained else 0):
            hb.CNOT([w, w + 1])
        return hb.expval(hb.Z(21) + 0.5 * hb.Z(0)), hb.probs(wires=wires)

    node = hb.QNode(circuit, hb.device("default.qubit", wires=n))
    mean, probs = node(ANGLES)
    cos, sin = np.cos(ANGLES), np.sin(ANGLES)
    product = np.prod(cos) if chained else cos[21]
    assert mean == pytest.approx(product + 0.5 * cos[0], abs=1e-12)
    ones = [(1 - (np.prod(cos[: w + 1]) if chained else cos[w])) / 2 for w in wires]
    for k in range(4):
        axes = tuple(i for i in range(4) if i != k)
        assert probs.reshape(2, 2, 2, 2).sum(axis=axes)[1] == pytest.approx(ones[k], abs=1e-12)
    slope = hb.grad(lambda angles: node(angles)[0])(ANGLES)
    expected = -sin / cos * product if chained else np.where(np.arange(n) == 21, -sin, 0.0)
    expected[0] -= 0.5 * sin[0]
    assert np.abs(slope - expected).max() < 1e-12


def test_entries_of_a_22_qubit_state_are_products():
    n = 22
    phases = ANGLES[::-1]

    def circuit():
        for w in range(n):
            hb.RY(ANGLES[w], wires=w)
            hb.PhaseShift(phases[w], wires=w)
        hb.CZ([0, 21])
        hb.SWAP([3, 20])
        return hb.state()

    state = hb.QNode(circuit, hb.device("default.qubit", wires=n))()
    kets = [
        np.array([np.cos(a / 2), np.exp(1j * p) * np.sin(a / 2)]) for a, p in zip(ANGLES, phases, strict=True)
    ]
    kets[3], kets[20] = kets[20], kets[3]
    for index in np.random.default_rng(2).integers(0, 2**n, size=200).tolist():
        bits = [index >> (n - 1 - w) & 1 for w in range(n)]
        entry = np.prod([ket[b] for ket, b in zip(kets, bits, strict=True)]) * (-1) ** (bits[0] * bits[21])
        assert state[index] == pytest.approx(entry, abs=1e-15)
    assert np.vdot(state, state).real == pytest.approx(1, abs=1e-12)
