"""Drawings as text: exact, in the order of the device's wires, and unambiguous."""

from __future__ import annotations

import itertools
from textwrap import dedent

import numpy as np
import pytest

import hybridge as hb
from hybridge.drawing.labels import SYMMETRIC
from hybridge.drawing.text import draw
from hybridge.operations.derived import uncontrolled
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.plugin import Capabilities, Device

QUBITS = "default.qubit"


class Native(Device):
    """A device that samples, and has few gates: only its programs are looked at."""

    capabilities = Capabilities(
        domain="qubit",
        operations=frozenset({"RX", "RY", "RZ", "CNOT"}),
        measurements=frozenset({"state", "sample"}),
    )

    def run(self, tasks):
        raise AssertionError("drawing runs nothing")


def node(device, *measurements, wires=None):
    """A decorator: the circuit function's gates, then these measurements (made by calling them)."""

    def decorate(gates):
        def circuit(*args):
            gates(*args)
            made = [m() for m in measurements]
            return made[0] if len(made) == 1 else tuple(made)

        return hb.QNode(circuit, hb.device(device, wires=wires) if isinstance(device, str) else device)

    return decorate


def same(found: str, expected: str) -> None:
    assert found == dedent(expected).strip("\n"), f"\n{found}"


def test_a_bell_state():
    @node(QUBITS, lambda: hb.expval(hb.Z(0) @ hb.Z(1)))
    def bell(x):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])

    same(
        draw(bell)(0.3),
        """
        0: ──RX(0.30)─╭●─┤ ╭<Z@Z>
        1: ───────────╰X─┤ ╰<Z@Z>
        """,
    )


def test_controls_show_their_value_and_pass_wires_in_between():
    @node(QUBITS, lambda: hb.probs(wires=[1, 3]))
    def circuit(x):
        hb.Toffoli([0, 1, 2])
        hb.MultiControlledX([0, 1, 2, 3], control_values=[0, 1, 0])
        hb.CNOT([3, 0])
        hb.CSWAP([1, 0, 3])
        hb.ctrl(hb.RY, control=[3, 0], control_values=[0, 1])(x, wires=1)

    same(
        draw(circuit)(1),
        """
        0: ─╭●─╭○─╭X─╭SWAP─╭●────────┤
        1: ─├●─├●─│──├●────├RY(1.00)─┤ ╭Probs
        2: ─╰X─├○─│──│─────│─────────┤ │
        3: ────╰X─╰●─╰SWAP─╰○────────┤ ╰Probs
        """,
    )


def test_adjoints_and_powers_of_controlled_gates_keep_their_controls():
    @node(QUBITS, lambda: hb.var(hb.X(1)))
    def circuit(x):
        hb.adjoint(hb.CRX)(x, wires=[1, 0])
        hb.pow(hb.CNOT, 0.5)([0, 1])
        hb.ctrl(hb.adjoint(hb.S), control=0)(1)
        hb.adjoint(hb.ctrl(hb.T, control=0, control_values=0))(1)

    same(
        draw(circuit)(0.25),
        """
        0: ─╭RX†(0.25)─╭●─────╭●──╭○──┤
        1: ─╰●─────────╰X^0.5─╰S†─╰T†─┤  Var[X]
        """,
    )


def test_wires_stand_in_the_device_s_order_and_unused_ones_are_left_out():
    @node(QUBITS, lambda: hb.expval(hb.Z("aux")), wires=["aux", 7, "unused", "b"])
    def circuit():
        hb.CNOT(["b", "aux"])
        hb.SWAP([7, "b"])
        hb.H("aux")

    same(
        draw(circuit)(),
        """
        aux: ─╭X──H────┤  <Z>
          7: ─│──╭SWAP─┤
          b: ─╰●─╰SWAP─┤
        """,
    )


def test_all_wires_are_drawn_where_all_are_measured():
    @node(QUBITS, hb.state, wires=3)
    def circuit():
        hb.H(1)

    same(
        draw(circuit)(),
        """
        0: ────┤  State
        1: ──H─┤  State
        2: ────┤  State
        """,
    )


def test_a_box_on_wires_in_another_order_says_which_is_which():
    U, V = np.diag([1, 1j, -1, 1]), np.eye(4)

    @node(QUBITS, lambda: hb.density_matrix([0]))
    def circuit():
        hb.QubitUnitary(U, [0, 1])
        hb.QubitUnitary(U, [1, 0])
        hb.adjoint(hb.QubitUnitary)(V, [0, 1])
        hb.IsingXX(0.5, [1, 0])

    same(
        draw(circuit)(),
        """
        0: ─╭U(M0)─╭U(M0)[1]─╭U†(M1)─╭IsingXX(0.50)─┤  DensityMatrix
        1: ─╰U(M0)─╰U(M0)[0]─╰U†(M1)─╰IsingXX(0.50)─┤
        """,
    )


def test_operations_without_wires_are_drawn_on_all():
    @node(QUBITS, lambda: hb.expval(hb.Z(0)), lambda: hb.expval(hb.Z(1)))
    def circuit():
        hb.H(0)
        hb.Barrier()
        hb.GlobalPhase(0.5)
        hb.Snapshot("here")
        hb.Barrier(1)

    same(
        draw(circuit)(),
        """
        0: ──H─╭||─╭GlobalPhase(0.50)─╭|Snap|─────┤  <Z>
        1: ────╰||─╰GlobalPhase(0.50)─╰|Snap|──||─┤  <Z>
        """,
    )


def test_batched_numbers_show_the_first():
    @node(QUBITS, lambda: hb.expval(hb.Z(0)))
    def circuit(x, y, z):
        hb.Rot(x, y, z, wires=0)

    found = draw(circuit)(np.array([0.1, 0.2]), 3, np.array([-0.001]).repeat(2))
    same(found, "0: ──Rot([0.10,…],3.00,[0.00,…])─┤  <Z>")
    same(draw(circuit)(np.array([0.1]), 3, 4), "0: ──Rot([0.10],3.00,4.00)─┤  <Z>")


@pytest.mark.parametrize(
    "decimals, expected",
    [
        (0, "0: ──RX(1)──RY(1)─┤  <2*X>"),
        (3, "0: ──RX(1.235)──RY(1.235)─┤  <1.500*X>"),
        (None, "0: ──RX──RY─┤  <X>"),
    ],
)
def test_numbers_have_as_many_decimals_as_asked_for(decimals, expected):
    @node(QUBITS, lambda: hb.expval(1.5 * hb.X(0)))
    def circuit(x):
        hb.RX(x, wires=0)
        hb.PauliRot(x, "Y", wires=0)

    same(draw(circuit, decimals=decimals)(1.23456), expected)


MEASURED = {
    "<𝓗>": lambda: hb.expval(hb.Z(0) + hb.Z(1)),
    "<0.50*X-1.00*Z+2.00*I>": lambda: hb.expval(0.5 * hb.X(0) - 1 * hb.Z(0) + 2),
    "<I>": lambda: hb.expval(hb.I(0)),
    "<𝓗(M0)>": lambda: hb.expval(hb.Hermitian(np.eye(2), 0)),
    "Var[Projector]": lambda: hb.var(hb.Projector([1], 0)),
    "Probs[Z]": lambda: hb.probs(op=hb.Z(0)),
    "Sample": lambda: hb.sample(wires=0),
    "Sample[Z]": lambda: hb.sample(hb.Z(0)),
    "Counts[Z@X]": lambda: hb.counts(hb.Z(0) @ hb.X(1)),
    "Counts": hb.counts,
}


@pytest.mark.parametrize("label", MEASURED)
def test_every_measurement_has_its_label(label):
    @node(QUBITS, MEASURED[label])
    def circuit():
        hb.H(0)

    assert draw(circuit)().splitlines()[0].split("┤")[1].strip(" ╭") == label


def test_measurements_stand_side_by_side():
    @node(QUBITS, lambda: hb.expval(hb.Z(0) @ hb.Z(2)), lambda: hb.var(hb.Y(1)), lambda: hb.probs([0, 1]))
    def circuit():
        hb.H(2)

    same(
        draw(circuit)(),
        """
        0: ────┤ ╭<Z@Z>         ╭Probs
        1: ────┤ │       Var[Y] ╰Probs
        2: ──H─┤ ╰<Z@Z>
        """,
    )


def test_continuous_variable_circuits():
    @node(
        "default.gaussian",
        lambda: hb.expval(hb.NumberOperator(0)),
        lambda: hb.expval(hb.TensorN([1, 2])),
        lambda: hb.var(hb.QuadX(0)),
        lambda: hb.expval(hb.FockStateProjector([1, 0], [0, 1])),
        lambda: hb.expval(hb.NumberOperator(0) + hb.NumberOperator(1)),
        lambda: hb.expval(hb.QuadX(2) ** 2 - 0.5),
    )
    def circuit(r):
        hb.Squeezing(r, 0.0, wires=0)
        hb.GaussianState(np.eye(2), np.zeros(2), wires=1)
        hb.Beamsplitter(0.3, 0.1, wires=[2, 0])
        hb.ControlledAddition(0.4, wires=[0, 1])
        hb.adjoint(hb.Rotation)(r, wires=2)

    same(
        draw(circuit, max_length=120)(0.5),
        """
        0: ──S(0.50,0.00)──────────╭BS(0.30,0.10)[1]─╭CX(0.40)─┤  <n>    Var[x]     ╭<|1,0⟩⟨1,0|> ╭<PolyXP>
        1: ──GaussianState(0.00,…)─│─────────────────╰CX(0.40)─┤ ╭<n@n>             ╰<|1,0⟩⟨1,0|> ╰<PolyXP>
        2: ────────────────────────╰BS(0.30,0.10)[0]──R†(0.50)─┤ ╰<n@n>  <x^2-0.50>
        """,
    )


def test_constants_are_shown_where_no_label_tells_of_them():
    @node("default.gaussian", lambda: hb.probs(wires=0))
    def circuit():
        hb.FockState([2, 1], wires=[0, 1])

    assert draw(circuit)().splitlines()[0] == "0: ─╭FockState(2,1)─┤  Probs"


def test_long_lines_are_continued_below():
    @node(QUBITS, lambda: hb.expval(hb.Z(0)), lambda: hb.expval(hb.X(0)), lambda: hb.expval(hb.Z("b")))
    def circuit(x):
        for _ in range(3):
            hb.CRX(x, wires=[0, "b"])

    same(
        draw(circuit, max_length=33)(0.1),
        """
        0: ─╭●────────╭●───────···
        b: ─╰RX(0.10)─╰RX(0.10)···

        0: ···─╭●────────┤  <Z>  <X>
        b: ···─╰RX(0.10)─┤  <Z>
        """,
    )
    for length in range(24, 60):
        lines = draw(circuit, max_length=length)(0.1).splitlines()
        assert max(map(len, lines)) <= length
        assert "".join(lines).count("RX(0.10)") == 3


def test_a_piece_longer_than_the_line_is_not_cut():
    @node(QUBITS, lambda: hb.expval(hb.Z(0)))
    def circuit(x):
        hb.RX(x, wires=0)

    same(
        draw(circuit, max_length=1)(0.1),
        """
        0: ──RX(0.10)···

        0: ···─┤  <Z>
        """,
    )


def test_the_device_s_level_shows_what_the_device_is_given():
    @node(Native(wires=["a", "b"]), lambda: hb.expval(hb.Z("b")))
    def circuit(x):
        hb.Barrier()
        hb.CRZ(x, wires=["b", "a"])

    same(
        draw(circuit, level="device")(0.3),
        """
        a: ──RZ(0.15)─╭X──RZ(-0.15)─╭X─┤  State
        b: ───────────╰●────────────╰●─┤  State
        """,
    )
    assert "[0.15,…]" in draw(circuit, level="device")(np.array([0.3, 0.4]))


def test_the_device_s_level_shows_every_program():
    @node(Native(wires=2, shots=10), lambda: hb.expval(hb.Z(0)), lambda: hb.expval(hb.X(0)))
    def circuit(x):
        hb.RX(x, wires=0)
        hb.S(1)

    same(
        draw(circuit, level="device")(0.3),
        """
        program 1 of 2:
        0: ──RX(0.30)─┤  Sample
        1: ──RZ(1.57)─┤

        program 2 of 2:
        0: ──RX(0.30)──RY(1.57)──RX(3.14)─┤  Sample
        1: ──RZ(1.57)─────────────────────┤
        """,
    )


def test_a_batch_is_seen_through_the_decomposition_only_where_it_comes_from_an_array():
    @node(Native(wires=1), lambda: hb.expval(hb.Z(0)))
    def circuit(x, y):
        hb.PhaseShift(x, wires=0)
        hb.S(0)
        hb.RX(y, wires=0)

    found = draw(circuit, level="device")(0.3, np.array([0.5, 0.6]))
    same(found, "0: ──RZ(0.30)──RZ(1.57)──RX([0.50,…])─┤  State")


def test_drawing_is_deterministic_and_runs_no_job():
    @node(Native(wires=2), lambda: hb.expval(hb.Z(0)))
    def circuit(x):
        hb.QubitUnitary(np.eye(4), [0, 1])
        hb.CRX(x, wires=[0, 1])

    for level in ("user", "device"):
        assert len({draw(circuit, level=level)(0.1) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    "mistake, words",
    [
        ({"level": "gradient"}, "draw has no level 'gradient'; choose from 'user', 'device', 'native'"),
        ({"decimals": -1}, "decimals must be a whole number >= 0"),
        ({"decimals": 1.5}, "decimals must be a whole number >= 0"),
    ],
)
def test_mistakes_are_told_at_once(mistake, words):
    circuit = hb.QNode(lambda: hb.probs(wires=0), hb.device(QUBITS))
    with pytest.raises(hb.CircuitError, match=words):
        draw(circuit, **mistake)


def test_only_qnodes_are_drawn():
    with pytest.raises(hb.CircuitError, match="draw takes a QNode"):
        draw(lambda: hb.probs(wires=0))


# --- the table of symmetric rows ---


def _exchangeable(row: Operation) -> bool:
    """Whether the row is the same in every order of its wires."""
    n = row.num_wires
    orders = [[*order, *(n + k for k in order)] for order in itertools.permutations(range(n))]
    numbers = np.random.default_rng(3).uniform(0.2, 1.2, row.arity)
    if row.kind == "marker":
        return True
    if row.gaussian:
        S, d = row.definition(*numbers)
        return not d.any() and all(np.allclose(S[np.ix_(order, order)], S) for order in orders)
    tensor = row.fock(4, *numbers) if row.fock else row.matrix(*numbers).reshape((2,) * 2 * n)
    return all(np.allclose(tensor.transpose(order), tensor) for order in orders)


def _boxes() -> list[Operation]:
    """Gates and markers that are a box on two wires or more, without matrices of the user's."""
    examples = [f.of(n, *constants) for f in FAMILIES.values() for n, constants in f.examples]
    markers = [hb.Barrier.of(2), hb.Snapshot.of(2)]
    gates = [row for row in (*ROWS.values(), *examples) if row.kind == "gate" and not row.constants]
    boxes = [row for row in (*gates, *markers) if row.num_wires > 1 and uncontrolled(row)[0] is row]
    return [row for row in boxes if row.kind == "marker" or row.definition or row.fock]


def test_rows_called_symmetric_are_and_no_others():
    assert {row.name for row in _boxes() if _exchangeable(row)} == SYMMETRIC


class Spoken:
    """A program with a text of its own."""

    def __init__(self, circuit):
        self.circuit = circuit

    def native(self):
        return " ".join(operation.name.lower() for operation, _ in self.circuit.instructions)


class Speaking(Device):
    """A device whose programs have a text."""

    capabilities = Capabilities("qubit", frozenset({"H", "RX", "CNOT"}), frozenset({"sample"}), exact=False)

    def compile(self, circuit):
        return Spoken(circuit)

    def run(self, tasks):
        return []


def test_the_native_level_shows_the_vendor_s_text_of_every_program():
    @hb.qnode(Speaking(wires=2, shots=10))
    def circuit(x):
        hb.CZ([0, 1])
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.expval(hb.X(0))

    found = draw(circuit, level="native")(0.1)
    assert found == "program 1 of 2:\nh cnot h rx\n\nprogram 2 of 2:\nh cnot h rx h"


def test_a_device_without_a_text_of_its_own_says_so():
    circuit = hb.QNode(lambda: [hb.H(0), hb.probs()][1], hb.device("default.qubit", wires=1))
    with pytest.raises(hb.UnsupportedCircuit, match='no text of their own; use level="device"'):
        draw(circuit, level="native")()
