"""Measurement inside a circuit: values of bits, conditions, how it is put off, and what is refused."""

import pickle
from itertools import product
from textwrap import dedent

import numpy as np
import pytest

import hybridge as hb
from hybridge.circuit import Circuit
from hybridge.deferral import cubes, deferred
from hybridge.operations.measuring import Bit
from hybridge.recording import recording

DEVICE = hb.device("default.qubit", wires=3)


def node(function, device=DEVICE, **options):
    return hb.QNode(function, device, **options)


def later(function, wires=3):
    """The circuit of the function with its measurements put off."""
    return deferred(node(function, hb.device("default.qubit", wires=wires)).circuit())


# ---- values -----------------------------------------------------------------------------------------------

FUNCTIONS = {
    "sum": lambda a, b: a + 2 * b,
    "difference": lambda a, b: 3 - a - b,
    "product": lambda a, b: a * b * 1.5,
    "quotient": lambda a, b: a / (b + 1),
    "whole quotient and rest": lambda a, b: 5 // (a + 2) + (3 * b) % 2,
    "power": lambda a, b: 2 ** (a + b),
    "equality": lambda a, b: a == b,
    "inequality": lambda a, b: (a != 1) + (b != a),
    "order": lambda a, b: (a < b) + 2 * (a <= b) + 4 * (a > b) + 8 * (a >= b),
    "sign": lambda a, b: -a + b,
    "numpy's numbers": lambda a, b: np.float64(0.5) * a + np.int64(2) - b,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arithmetic_of_outcomes_is_that_of_each_pattern(name):
    with recording():
        value = FUNCTIONS[name](hb.measure(0), hb.measure(1))
    assert value.bits == (0, 1)
    assert list(value.values) == [FUNCTIONS[name](a, b) for a, b in product((0, 1), repeat=2)]


def test_logic_of_outcomes():
    with recording():
        a, b, c = (hb.measure(w) for w in range(3))
        value = (a & ~b) | (b ^ c)
    found = dict(zip(product((0, 1), repeat=3), value.values, strict=True))
    assert all(found[p, q, r] == ((p and not q) or q != r) for p, q, r in found)
    assert set(value.allowed) == {pattern for pattern in found if found[pattern]}


# ---- conditions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_cubes_hold_each_allowed_pattern_once_and_no_other(count):
    every = list(product((0, 1), repeat=count))
    rng = np.random.default_rng(count)
    for _ in range(30):
        allowed = frozenset(p for p in every if rng.random() < 0.5)
        held = [p for p in every for cube in cubes(count, allowed) if all(p[at] == v for at, v in cube)]
        assert sorted(held) == sorted(allowed)


def test_cubes_leave_out_bits_that_do_not_matter():
    assert cubes(3, frozenset(p for p in product((0, 1), repeat=3) if p[1])) == (((1, 1),),)
    assert cubes(2, frozenset(product((0, 1), repeat=2))) == ((),) and cubes(2, frozenset()) == ()


def test_cond_is_a_decorator_too_and_takes_one_elif_or_several():
    def circuit(x):
        hb.H(0)
        a, b = hb.measure(0), hb.measure(1)

        @hb.cond(a, false_fn=hb.RX)
        def turned(angle, wires):
            hb.RY(angle, wires=wires)

        turned(x, wires=2)
        hb.cond(a & b, hb.X, elifs=(a == 0, hb.Y))(1)
        return hb.expval(hb.X(2)), hb.expval(hb.Y(2)), hb.expval(hb.Z(1))

    assert np.allclose(node(circuit)(0.7), [np.sin(0.7) / 2, -np.sin(0.7) / 2, 0])


def test_an_outcome_is_pickled_with_its_circuit():
    circuit = node(lambda: (hb.cond(hb.measure(0), hb.S)(1), hb.expval(hb.Z(1)))[1]).circuit()
    assert pickle.loads(pickle.dumps(circuit)) == circuit
    assert hash(pickle.loads(pickle.dumps(circuit))) == hash(circuit)


# ---- how it is put off ------------------------------------------------------------------------------------


def _left_alone():
    hb.H(0)
    hb.cond(hb.measure(0), hb.X)(1)
    return hb.expval(hb.Z(1)), hb.expval(hb.Z(0))


def _touched():
    hb.H(0)
    hb.cond(hb.measure(0), hb.X)(1)
    hb.H(0)
    return hb.expval(hb.Z(1))


def _read_in_x():
    hb.measure(0)
    return hb.expval(hb.X(0))


def _reset():
    hb.measure(0, reset=True)
    hb.measure(0, reset=True)
    return hb.expval(hb.Z(0))


def _repeated():
    return hb.probs([hb.measure(0), hb.measure(0)])


WIRES_ADDED = {_left_alone: 0, _touched: 1, _read_in_x: 1, _reset: 2, _repeated: 1}


@pytest.mark.parametrize("function", WIRES_ADDED)
def test_a_wire_is_added_only_where_a_bit_needs_one(function):
    found = later(function)
    assert found.circuit.wires[:3] == (0, 1, 2) and len(found.circuit.wires) == 3 + WIRES_ADDED[function]
    assert isinstance(found.circuit, Circuit)


@pytest.mark.parametrize(
    "device",
    [
        info.name
        for info in hb.devices()
        if info.installed and info.name in {"default.qubit", "default.mixed", "forest.numpy", "qiskit.aer"}
    ],
)
def test_a_wire_measured_twice_has_two_outcomes_that_are_one(device):
    def circuit():
        hb.RY(0.7, wires=0)
        first, second = hb.measure(0), hb.measure(0)
        hb.cond(first & second, hb.X)(1)
        return hb.probs([second, first]), hb.expval(hb.Z(1)), hb.probs(wires=[0, 1])

    p = np.sin(0.35) ** 2
    joint, mean, wires = node(circuit, hb.device(device, wires=2))()
    assert np.allclose(joint, [1 - p, 0, 0, p], atol=1e-12) and np.isclose(mean, 1 - 2 * p, atol=1e-12)
    assert np.allclose(wires, [1 - p, 0, 0, p], atol=1e-12)


def test_numbers_keep_their_slots_even_where_nothing_acts():
    def circuit(x):
        m = hb.measure(0)
        hb.cond(m & ~m, hb.RX)(x, wires=1)
        hb.RY(2 * x, wires=1)
        return hb.expval(hb.Z(1))

    assert deferred(node(circuit).circuit(0.3)).circuit.num_slots == 2
    assert np.isclose(hb.grad(node(circuit, diff_method="parameter-shift"))(0.3), -2 * np.sin(0.6))


def test_a_conditional_number_has_the_shift_rule_of_its_gate():
    """What was measured has no coherence: two runs, not the four of a controlled rotation."""

    def circuit(x):
        hb.RY(0.8, wires=0)
        hb.cond(hb.measure(0), hb.RX)(x, wires=1)
        hb.H(0)
        return hb.expval(hb.Z(1))

    shifted = node(circuit, diff_method="parameter-shift")
    assert hb.gradient_plan(shifted)(0.3).points == 3
    assert np.isclose(hb.grad(shifted)(0.3), -(np.sin(0.4) ** 2) * np.sin(0.3))


@pytest.mark.parametrize("method", ["best", "parameter-shift", "hadamard"])
@pytest.mark.parametrize("static", [False, True])
def test_every_method_differentiates_conditions(method, static):
    def circuit(x):
        hb.RY(x[0], wires=0)
        a = hb.measure(0)
        hb.H(0)
        b = hb.measure(0, reset=True)
        hb.cond(a ^ b, hb.RX, hb.RZ)(x[1], wires=1)
        return hb.expval(hb.Y(1) + 2 * hb.Z(1)), hb.expval(a)

    exact = node(circuit)
    x, h = np.array([0.4, -1.1]), 1e-6
    differences = [(np.array(exact(x + h * e)) - np.array(exact(x - h * e))) / (2 * h) for e in np.eye(2)]
    wide = hb.device("default.qubit", wires=4)
    found = hb.jacobian(node(circuit, wide, diff_method=method, static=static))(x)
    assert np.allclose(np.transpose(found), differences, atol=1e-8)


def test_snapshots_look_into_the_mixture():
    def circuit():
        hb.H(0)
        outcome = hb.measure(0)
        hb.Snapshot("after")
        hb.cond(outcome, hb.X)(1)
        hb.Snapshot("then", hb.expval(hb.Z(1)))
        return hb.expval(hb.X(0))

    found = hb.snapshots(node(circuit, hb.device("default.qubit", wires=2)))()
    assert np.allclose(found["after"], np.diag([0.5, 0, 0.5, 0])) and np.isclose(found["then"], 0)


def test_there_is_no_metric_of_a_mixture():
    circuit = node(lambda x: (hb.RX(x, wires=0), hb.measure(0), hb.expval(hb.Z(0)))[2])
    for approx in (None, "block-diag"):
        with pytest.raises(hb.GradientError, match="measures on its way leaves a mixture"):
            hb.metric_tensor(circuit, approx=approx)(0.3)


# ---- drawing ----------------------------------------------------------------------------------------------


def test_bits_are_drawn_below_the_wires():
    def circuit(x):
        hb.H(0)
        a = hb.measure(0, reset=True)
        b = hb.measure(1)
        hb.cond(a, hb.RX)(x, wires=1)
        hb.cond(~a & b, hb.CNOT)([2, 0])
        hb.cond(a ^ b, hb.Z)(2)
        hb.measure(2)
        return hb.expval(hb.Z(0)), hb.expval(b), hb.var(a + b), hb.probs([a, b])

    assert hb.draw(node(circuit))(0.3) == dedent("""\
            0: ──H─╭┤↗├|0⟩────────────────╭X─────────┤  <Z>
            1: ────│───────╭┤↗├─╭RX(0.30)─│──────────┤
            2: ────│───────│────│─────────├●─╭Z──┤↗├─┤
        bit 0: ════╰╩══════│════╰●════════├○═├◐══════╡      ╭Var[f(m)] ╭Probs
        bit 1: ════════════╰╩═════════════╰●═╰◐══════╡  <m> ╰Var[f(m)] ╰Probs""")


def test_the_wires_that_keep_bits_are_drawn_at_the_level_of_the_device():
    assert hb.draw(node(_touched), level="device")() == dedent("""\
            0: ──H─╭●──H─┤
            1: ────│──╭X─┤  <Z>
        bit 0: ────╰X─╰●─┤""")


# ---- what is refused --------------------------------------------------------------------------------------


def _elsewhere():
    kept = []
    node(lambda: (kept.append(hb.measure(0)), hb.expval(hb.Z(0)))[1])()
    return kept[0]


def _with(*operations, result=lambda: hb.expval(hb.Z(0))):
    def circuit():
        for operation in operations:
            operation()
        return result()

    return circuit


REFUSED = {
    "two wires": (_with(lambda: hb.measure([0, 1])), "measure takes one wire"),
    "an outcome that there is not": (
        _with(lambda: hb.measure(0, postselect=2)),
        "postselect is 0, 1 or None",
    ),
    "a reset that is no choice": (
        _with(lambda: hb.measure(0, reset="no")),
        "reset is True or False; got 'no'",
    ),
    "a value of another circuit": (_with(lambda: hb.cond(_elsewhere(), hb.X)(0)), "another circuit"),
    "a value of another call": (_with(result=lambda: hb.expval(_elsewhere())), "another circuit"),
    "values of two circuits": (_with(lambda: hb.measure(0) + _elsewhere()), "do not go together"),
    "a Python if": (_with(lambda: hb.X(0) if hb.measure(0) else None), "hb.cond"),
    "a Python and": (_with(lambda: hb.cond(hb.measure(0) and hb.measure(1), hb.X)(0)), "hb.cond"),
    "a plain condition": (_with(lambda: hb.cond(True, hb.X)(0)), "Python's `if`"),
    "no function": (_with(lambda: hb.cond(hb.measure(0), "X")(0)), "cond takes functions"),
    "a measurement in a branch": (
        _with(lambda: hb.cond(hb.measure(0), lambda: hb.expval(hb.Z(0)))()),
        "returns nothing; got expval",
    ),
    "measuring in a branch": (
        _with(lambda: hb.cond(hb.measure(0), lambda: [hb.measure(1)])()),
        "is a measure: only gates",
    ),
    "a state in a branch": (_with(lambda: hb.cond(hb.measure(0), hb.BasisState)([1], wires=[1])), "a state"),
    "light in a branch": (_with(lambda: hb.cond(hb.measure(0), hb.Rotation)(0.1, wires=1)), "of light"),
    "an adjoint": (_with(lambda: hb.adjoint(lambda: hb.measure(0))()), "is a measure, not a gate"),
    "an adjoint of a condition": (
        _with(lambda: hb.adjoint(hb.cond(hb.measure(0), hb.S))(1)),
        "with hb.cond around hb.adjoint",
    ),
    "a control": (_with(lambda: hb.ctrl(lambda: hb.measure(0), 1)()), "is a measure, not a gate"),
    "a division by an outcome": (_with(lambda: 1 / hb.measure(0)), "where the bits are .0.: division"),
    "other things among values": (
        _with(result=lambda: hb.counts([hb.measure(0), hb.Z(1)])),
        "list of measured",
    ),
    "a function in a list": (_with(result=lambda: hb.probs([~hb.measure(0)])), "by itself"),
    "a value beside an observable": (
        _with(result=lambda: hb.expval(hb.Z(1) @ hb.measure(0))),
        "return the expval of each",
    ),
    "too many bits": (
        _with(lambda: sum(hb.measure(w % 3) for w in range(20))),
        "a measured value of 17 bits",
    ),
    "a state": (_with(lambda: hb.measure(0), result=hb.state), "density_matrix"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused(name):
    function, message = REFUSED[name]
    with pytest.raises(hb.HybridgeError, match=message):
        node(function)()


def test_outside_a_circuit_nothing_is_measured():
    with pytest.raises(hb.HybridgeError, match="outside a circuit"):
        hb.measure(0)


def test_light_is_not_measured_inside_a_circuit():
    with pytest.raises(hb.UnsupportedCircuit, match="MidMeasure"):
        hb.QNode(lambda: (hb.measure(0), hb.expval(hb.QuadX(0)))[1], hb.device("default.gaussian", wires=1))()


def test_a_bit_says_which():
    assert repr(Bit(3)) == "Bit(index=3)"
