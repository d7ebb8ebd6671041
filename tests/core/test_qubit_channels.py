"""The rows of channels on qubits: definitions, what their numbers may be, what is refused."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pytest

import hybridge as hb
from hybridge.conformance.rows import CHANCES, examples
from hybridge.errors import CircuitError
from hybridge.operations.table import FAMILIES, ROWS

CHANNELS = [e for e in examples("qubit", CHANCES) if e.operation.kind == "channel"]
ONE = np.eye(2)
PAULI = {"I": ONE, "X": np.array([[0, 1], [1, 0]]), "Z": np.diag([1, -1])}
PAULI["Y"] = 1j * PAULI["X"] @ PAULI["Z"]


def applied(row, numbers, rho):
    """The channel on a density matrix of its own wires."""
    return sum(k @ rho @ k.conj().T for k in np.asarray(row.definition(*numbers)))


def generic(wires, seed=3):
    """A density matrix without symmetry."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2**wires, 2**wires)) + 1j * rng.normal(size=(2**wires, 2**wires))
    rho = root @ root.conj().T
    return rho / rho.trace()


@pytest.mark.parametrize("example", CHANNELS, ids=str)
def test_channels_keep_traces_and_are_batched(example):
    row, numbers = example.operation, example.numbers
    kraus = np.asarray(row.definition(*numbers))
    np.testing.assert_allclose(
        np.einsum("mji,mjk->ik", kraus.conj(), kraus), np.eye(kraus.shape[-1]), atol=1e-12
    )
    if numbers:
        columns = [np.array([v, 0.9 * v]) for v in numbers]
        both = row.definition(*columns)
        for b in range(2):
            np.testing.assert_allclose(both[b], row.definition(*(c[b] for c in columns)), atol=1e-15)


# what textbooks say of a density matrix (Nielsen and Chuang, 8.3, whose p of the damping is ours from 1)
SAID = {
    "BitFlip": lambda r, p: (1 - p) * r + p * PAULI["X"] @ r @ PAULI["X"],
    "PhaseFlip": lambda r, p: (1 - p) * r + p * PAULI["Z"] @ r @ PAULI["Z"],
    "DepolarizingChannel": lambda r, p: (1 - 4 * p / 3) * r + 4 * p / 3 * ONE / 2,
    "AmplitudeDamping": lambda r, g: np.array(
        [[r[0, 0] + g * r[1, 1], np.sqrt(1 - g) * r[0, 1]], [np.sqrt(1 - g) * r[1, 0], (1 - g) * r[1, 1]]]
    ),
    "PhaseDamping": lambda r, g: r * np.where(np.eye(2) == 1, 1, np.sqrt(1 - g)),
    "GeneralizedAmplitudeDamping": lambda r, g, p: np.array(
        [
            [(1 - g) * r[0, 0] + g * (1 - p), np.sqrt(1 - g) * r[0, 1]],
            [np.sqrt(1 - g) * r[1, 0], (1 - g) * r[1, 1] + g * p],
        ]
    ),
    "ResetError": lambda r, p, q: (1 - p - q) * r + np.diag([p, q]),
    "ThermalRelaxationError": lambda r, pe, t1, t2, tg: np.array(
        [
            [1 - pe + (r[0, 0] - 1 + pe) * np.exp(-tg / t1), r[0, 1] * np.exp(-tg / t2)],
            [r[1, 0] * np.exp(-tg / t2), pe + (r[1, 1] - pe) * np.exp(-tg / t1)],
        ]
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_channels_are_what_textbooks_say(name):
    [example] = [e for e in CHANNELS if e.operation.name == name]
    rho = generic(1)
    said = SAID[name](rho, *example.numbers)
    np.testing.assert_allclose(applied(example.operation, example.numbers, rho), said, atol=1e-12)


def test_every_channel_on_one_wire_is_in_the_textbook():
    assert set(SAID) == {row.name for row in ROWS.values() if row.kind == "channel" and row.domain == "qubit"}


@pytest.mark.parametrize("t2", (0.3, 1.0, 1.6, 2.0))
def test_relaxation_is_the_same_function_of_t2_on_both_sides_of_t1(t2):
    rho = generic(1)
    found = applied(hb.ThermalRelaxationError, (0.2, 1.0, t2, 0.4), rho)
    np.testing.assert_allclose(found, SAID["ThermalRelaxationError"](rho, 0.2, 1.0, t2, 0.4), atol=1e-12)


@pytest.mark.parametrize("word", ("X", "ZY", "YIX"))
def test_words_are_read_in_the_order_of_the_wires(word):
    matrix = np.eye(1)
    for letter in word:
        matrix = np.kron(matrix, PAULI[letter])
    rho = generic(len(word))
    found = applied(hb.PauliError.of(len(word), word), (0.3,), rho)
    np.testing.assert_allclose(found, 0.7 * rho + 0.3 * matrix @ rho @ matrix.conj().T, atol=1e-12)


def test_the_same_constants_are_the_same_row_and_rows_are_pickled():
    for row in (hb.PauliError.of(2, "XY"), hb.QubitChannel.of(1, [ONE]), hb.BitFlip):
        assert pickle.loads(pickle.dumps(row)) is row
    assert hb.QubitChannel.of(1, [ONE]) is hb.QubitChannel.of(1, np.array([ONE]))
    assert hb.QubitChannel.of(1, [ONE]) is not hb.QubitChannel.of(1, [PAULI["X"]])


def run(make, wires=3):
    return hb.QNode(lambda: (make(), hb.expval(hb.Z(0)))[1], hb.device("default.mixed", wires=wires))()


WRONG = {
    "p above 1": (lambda: hb.BitFlip(1.2, wires=0), "BitFlip needs 0 <= p <= 1; got p = 1.2"),
    "p just above 1": (lambda: hb.BitFlip(1 + 1e-9, wires=0), "got p = 1.000000001"),
    "p below 0": (lambda: hb.PauliError("XX", -0.1, wires=[0, 1]), "PauliError needs 0 <= p <= 1"),
    "gamma above 1": (lambda: hb.PhaseDamping(1.1, wires=0), "0 <= gamma <= 1"),
    "p of a damping": (lambda: hb.GeneralizedAmplitudeDamping(0.1, 1.4, wires=0), "0 <= p <= 1"),
    "p0 below 0": (lambda: hb.ResetError(-0.2, 0.1, wires=0), "0 <= p0 <= 1"),
    "p0 + p1": (lambda: hb.ResetError(0.6, 0.6, wires=0), r"p0 \+ p1 <= 1; got p0 \+ p1 = 1.2"),
    "t2 above 2 t1": (
        lambda: hb.ThermalRelaxationError(0.1, 1.0, 2.1, 0.1, wires=0),
        "t2 <= 2 t1; got t1 = 1 and t2 = 2.1",
    ),
    "no time": (lambda: hb.ThermalRelaxationError(0.1, 0.0, 0.0, 0.1, wires=0), "t1"),
    "time backwards": (lambda: hb.ThermalRelaxationError(0.1, 1.0, 1.0, -0.1, wires=0), "tg >= 0"),
    "NaN": (lambda: hb.DepolarizingChannel(np.nan, wires=0), "p of DepolarizingChannel on wires"),
    "letters": (lambda: hb.PauliError("XA", 0.1, wires=[0, 1]), "letters I, X, Y, Z"),
    "length": (lambda: hb.PauliError("X", 0.1, wires=[0, 1]), "acts on 1 wire; got 2"),
    "incomplete": (lambda: hb.QubitChannel([0.9 * ONE], wires=0), "sum K"),
    "size": (lambda: hb.QubitChannel([np.eye(4)], wires=0), r"of shape \(2, 2\); got \(4, 4\)"),
    "none": (lambda: hb.QubitChannel([], wires=0), "at least one Kraus operator"),
    "one matrix": (lambda: hb.QubitChannel(ONE, wires=0), r"a list of matrices .* got an array \(2, 2\)"),
    "a number": (lambda: hb.QubitChannel(3, wires=0), "a list of matrices"),
    "infinite": (lambda: hb.QubitChannel([np.full((2, 2), np.inf)], wires=0), "finite"),
    "adjoint": (lambda: hb.adjoint(hb.BitFlip)(0.1, wires=0), "is a channel, not a gate: it has no adjoint"),
    "power": (lambda: hb.pow(hb.BitFlip, 2)(0.1, wires=0), "is a channel, not a gate: it has no power"),
    "control": (lambda: hb.ctrl(hb.BitFlip, 1)(0.1, wires=0), "is a channel, not a gate"),
    "matrix": (lambda: hb.BitFlip.matrix(0.1), "is not a qubit gate"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_wrong(name):
    make, said = WRONG[name]
    with pytest.raises(CircuitError, match=said):
        run(make)


def test_numbers_at_their_bounds_are_allowed():
    for p, make in product((0.0, 1.0), (hb.BitFlip, hb.AmplitudeDamping, hb.DepolarizingChannel)):
        assert -1 <= run(lambda m=make, v=p: m(v, wires=0)) <= 1
    assert run(lambda: hb.ResetError(0.7, 0.3, wires=0)) == pytest.approx(0.4)
    assert run(lambda: hb.ThermalRelaxationError(0.1, 0.3, 0.6, 0.1, wires=0)) <= 1


def test_channels_are_drawn_with_their_numbers():
    @hb.qnode(hb.device("default.mixed", wires=2))
    def node(p):
        hb.DepolarizingChannel(p, wires=0)
        hb.PauliError("XY", 0.2, wires=[0, 1])
        return hb.expval(hb.Z(0))

    assert hb.draw(node)(0.1).splitlines()[0] == "0: ──DP(0.10)─╭PE XY(0.20)─┤  <Z>"


def test_families_of_channels_have_examples():
    for name in ("PauliError", "QubitChannel"):
        assert len(FAMILIES[name].examples) >= 2
