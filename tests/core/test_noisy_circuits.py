"""A noise model acts as if its channels were written into the circuit by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import hybridge as hb
from hybridge.plans import plans_of
from hybridge.pytree import flatten

ATOL = 1e-12


class Case(NamedTuple):
    """A model, a circuit function of an angle, and the same with the channels in it."""

    name: str
    model: hb.NoiseModel
    plain: Callable[[Any], Any]
    written: Callable[[Any], Any]


def results() -> Any:
    return hb.expval(hb.X(0) @ hb.Y(1) + 0.5 * hb.Z(2)), hb.var(hb.Z(1)), hb.probs(wires=[2, 0])


def start(x: Any, after: Callable[[str, tuple[int, ...]], None] = lambda name, wires: None) -> None:
    """A generic circuit on three wires; `after` is called with each gate's name and wires."""
    for name, wires, numbers in (
        ("RX", (0,), (x,)),
        ("RY", (1,), (0.4,)),
        ("H", (2,), ()),
        ("CNOT", (0, 1), ()),
        ("RX", (1,), (2 * x,)),
        ("CNOT", (2, 1), ()),
        ("CNOT", (1, 0), ()),
        ("Toffoli", (0, 1, 2), ()),
        ("RX", (2,), (0.7,)),
    ):
        getattr(hb, name)(*numbers, wires=wires)
        after(name, wires)


def plain(x: Any) -> Any:
    start(x)
    return results()


def written(after: Callable[[str, tuple[int, ...]], None]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        start(x, after)
        return results()

    return function


def each(names: tuple[str, ...], channel: Any, *args: Any, on: tuple[int, ...] = (0, 1, 2)) -> Any:
    """What calls the channel on each wire of these gates."""

    def after(name: str, wires: tuple[int, ...]) -> None:
        for w in wires if name in names else ():
            if w in on:
                channel(*args, wires=w)

    return after


def at(name: str, places: tuple[tuple[int, ...], ...], channel: Any, *args: Any) -> Any:
    """What calls the channel on the wires of these gates together."""

    def after(gate: str, wires: tuple[int, ...]) -> None:
        if gate == name and wires in places:
            channel(*args, wires=wires)

    return after


EVERY = ("RX", "RY", "H", "CNOT", "Toffoli")
M = hb.NoiseModel()
TWO = np.array([np.sqrt(0.8) * np.eye(4), np.sqrt(0.2) * np.kron([[0, 1], [1, 0]], [[1, 0], [0, -1]])])


def idle(x: Any) -> Any:
    """Layers: RX0 RX1 RX2 | CNOT01 | CNOT12; wire 2 waits once, wire 0 once."""
    for w in range(3):
        hb.RX(x, wires=w)
    hb.CNOT([0, 1])
    hb.CNOT([1, 2])
    return results()


def idle_written(x: Any) -> Any:
    for w in range(3):
        hb.RX(x, wires=w)
    hb.CNOT([0, 1])
    hb.AmplitudeDamping(0.2, wires=2)
    hb.CNOT([1, 2])
    hb.AmplitudeDamping(0.2, wires=0)
    return results()


def barred(x: Any) -> Any:
    """A barrier between layers that could have been one: wires 1 and 2 wait before it, wire 0 after it."""
    hb.RX(x, wires=0)
    hb.Barrier([0, 1, 2])
    hb.RY(x, wires=1)
    hb.CNOT([1, 2])
    return results()


def barred_written(x: Any) -> Any:
    hb.RX(x, wires=0)
    for w in (1, 2):
        hb.BitFlip(0.2, wires=w)
    hb.RY(x, wires=1)
    hb.BitFlip(0.2, wires=2)
    hb.CNOT([1, 2])
    for _ in range(2):
        hb.BitFlip(0.2, wires=0)
    return results()


def derived(x: Any) -> Any:
    hb.RY(x, wires=0)
    hb.adjoint(hb.S)(0)
    hb.S(1)
    hb.ctrl(hb.RX, control=1)(x, wires=2)
    hb.GlobalPhase(0.3, wires=[0])
    return results()


def derived_written(x: Any) -> Any:
    hb.RY(x, wires=0)
    hb.adjoint(hb.S)(0)
    hb.AmplitudeDamping(0.3, wires=0)
    hb.S(1)
    hb.ctrl(hb.RX, control=1)(x, wires=2)
    hb.QubitChannel(list(TWO), wires=[1, 2])
    return results()


def ending(x: Any) -> Any:
    start(x)
    for w in range(3):
        hb.AmplitudeDamping(0.1, wires=w)
        hb.BitFlip(0.2, wires=w)
    return results()


CASES = (
    Case(
        "one gate",
        M.after("CNOT", hb.DepolarizingChannel, 0.1),
        plain,
        written(each(("CNOT",), hb.DepolarizingChannel, 0.1)),
    ),
    Case(
        "several gates, one wire",
        M.after(["RX", hb.RY], hb.AmplitudeDamping, 0.3, wires=[1]),
        plain,
        written(each(("RX", "RY"), hb.AmplitudeDamping, 0.3, on=(1,))),
    ),
    Case(
        "one wire of wider gates",
        M.after("CNOT", hb.AmplitudeDamping, 0.3, wires=1),
        plain,
        written(each(("CNOT",), hb.AmplitudeDamping, 0.3, on=(1,))),
    ),
    Case(
        "wires in order",
        M.after("CNOT", hb.AmplitudeDamping, 0.3, wires=(1, 0)),
        plain,
        written(
            lambda name, wires: wires == (1, 0) and each(("CNOT",), hb.AmplitudeDamping, 0.3)(name, wires)
        ),
    ),
    Case(
        "both wires at once",
        M.after("CNOT", hb.QubitChannel, list(TWO)),
        plain,
        written(at("CNOT", ((0, 1), (2, 1), (1, 0)), hb.QubitChannel, list(TWO))),
    ),
    Case(
        "both wires at once, placed",
        M.after("all", hb.PauliError, "XZ", 0.3, wires=[(2, 1), (1, 0)]),
        plain,
        written(at("CNOT", ((2, 1), (1, 0)), hb.PauliError, "XZ", 0.3)),
    ),
    Case("every gate", M.after("all", hb.PhaseFlip, 0.1), plain, written(each(EVERY, hb.PhaseFlip, 0.1))),
    Case(
        "gates of one wire but one",
        M.after("all", hb.BitFlip, 0.1, num_wires=1, but=[hb.H]),
        plain,
        written(each(("RX", "RY"), hb.BitFlip, 0.1)),
    ),
    Case(
        "gates of two wires",
        M.after("all", hb.BitFlip, 0.1, num_wires=2),
        plain,
        written(each(("CNOT",), hb.BitFlip, 0.1)),
    ),
    Case(
        "two rules in order",
        M.after("RX", hb.AmplitudeDamping, 0.3).after("RX", hb.BitFlip, 0.2),
        plain,
        written(
            lambda name, wires: [
                each(("RX",), channel, p)(name, wires)
                for channel, p in ((hb.AmplitudeDamping, 0.3), (hb.BitFlip, 0.2))
            ]
        ),
    ),
    Case("a gate by mistake", M.after("RX", hb.RZ, 0.3), plain, written(each(("RX",), hb.RZ, 0.3))),
    Case("idle", M.idle(hb.AmplitudeDamping, 0.2), idle, idle_written),
    Case("idle at a barrier", M.idle(hb.BitFlip, 0.2), barred, barred_written),
    Case(
        "derived gates",
        M.after(hb.adjoint(hb.S), hb.AmplitudeDamping, 0.3)
        .after("CRX", hb.QubitChannel, list(TWO))
        .after("all", hb.PhaseFlip, 0.0),
        derived,
        derived_written,
    ),
    Case(
        "before measurement",
        M.before_measurement(hb.AmplitudeDamping, 0.1).before_measurement(hb.BitFlip, 0.2),
        plain,
        ending,
    ),
)


def node(function: Callable[..., Any], model: hb.NoiseModel | None = None, **options: Any) -> hb.QNode:
    device = hb.device("default.mixed", wires=3, noise_model=model, **options)
    return hb.qnode(device)(function)


def close(found: Any, expected: Any, atol: float = ATOL) -> None:
    for a, b in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_a_model_is_its_channels_written_into_the_circuit(case):
    found, expected = node(case.plain, case.model), node(case.written)
    close(found(0.3), expected(0.3))
    batch = np.array([0.3, -1.2, 2.0])
    close(found(batch), expected(batch))
    assert np.abs(np.subtract(flatten(found(0.3))[0][2], flatten(node(case.plain)(0.3))[0][2])).max() > 1e-4
    for diff_method in ("best", "parameter-shift"):
        close(hb.jacobian(found.update(diff_method=diff_method))(0.3), hb.jacobian(expected)(0.3), 1e-10)


@pytest.mark.parametrize("diff_method", ["parameter-shift", "hadamard"])
def test_rules_are_exact_under_noise(diff_method):
    model = (
        M.after("all", hb.AmplitudeDamping, 0.05)
        .idle(hb.BitFlip, 0.02)
        .after("CNOT", hb.PauliError, "XY", 0.1)
    )

    def function(x: Any) -> Any:
        start(x)
        return hb.expval(hb.X(0) @ hb.Y(1) + 0.5 * hb.Z(2))

    device = hb.device("default.mixed", wires=4, noise_model=model)
    found = hb.jacobian(hb.qnode(device, diff_method=diff_method)(function))(0.3)
    step = 1e-5
    values = node(function, model)(np.array([0.3 + step, 0.3 - step]))
    np.testing.assert_allclose(found, (values[0] - values[1]) / (2 * step), atol=1e-8)


def test_numbers_stay_numbers_and_a_circuit_is_compiled_once():
    model = M.after("RX", hb.BitFlip, 0.1)
    found = node(plain, model)
    for x in (0.1, 0.2, 0.3):
        found(x)
    assert len(plans_of(found.device)) == 1
    static = found.update(static=True)
    close(static(0.4), found(0.4))
    assert len(plans_of(found.device)) == 1


def test_the_model_belongs_to_its_device_alone():
    model = M.after("RX", hb.BitFlip, 0.1)
    clean = node(plain)
    noisy = clean.on("default.mixed", noise_model=model)
    close(clean(0.3), noisy.on("default.mixed")(0.3))
    close(noisy(0.3), node(plain, model)(0.3))
    assert np.abs(noisy(0.3)[0] - clean(0.3)[0]) > 1e-3
    same, other = ("default.mixed", {"noise_model": model}), "default.mixed"
    assert hb.compare(clean, [same, same], args=(0.3,)).agree
    assert not hb.compare(clean, [other, same], args=(0.3,)).agree


def test_a_model_without_effect_keeps_states_pure():
    model = M.after("RX", hb.BitFlip, 0.0).after("H", hb.RZ, 0.1).after("CZ", hb.BitFlip, 0.5)
    for name in ("default.qubit", "default.mixed"):
        clean = hb.qnode(hb.device(name, wires=3))(written(each(("H",), hb.RZ, 0.1)))
        close(hb.qnode(hb.device(name, wires=3, noise_model=model))(plain)(0.3), clean(0.3))


def test_a_device_of_pure_states_names_those_that_run_channels():
    model = M.after("RX", hb.BitFlip, 0.1)
    match = r"default\.qubit.*the channels of its noise model.*default\.mixed.*can"
    with pytest.raises(hb.UnsupportedCircuit, match=match):
        hb.qnode(hb.device("default.qubit", wires=3, noise_model=model))(plain)(0.3)


def test_what_is_not_used_costs_nothing():
    model = M.idle(hb.BitFlip, 0.1).before_measurement(hb.BitFlip, 0.1)
    wide = hb.device("default.mixed", wires=6, noise_model=model)

    def narrow(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.RX(x, wires=1)
        hb.CNOT([0, 1])
        return hb.expval(hb.Z(1))

    (lowered,) = hb.qnode(wide)(narrow).plan(0.3).lowered
    assert [(row.name, wires) for row, wires in lowered.instructions if row.kind == "channel"] == [
        ("QubitChannel", (0,)),
        ("QubitChannel", (1,)),
    ]


def test_a_model_may_be_of_some_gates_only():
    model = (
        M.only(["RX", "RY", "H"])
        .only("all", wires=[(0, 1), (2, 1)], num_wires=2)
        .after("RX", hb.BitFlip, 0.1)
    )
    match = r"nothing of CNOT on wires \[1, 0\]; it is of RX, RY, H; every gate of 2 wires on wires"
    with pytest.raises(hb.CircuitError, match=match):
        node(plain, model)(0.3)
    everywhere = model.only("all", wires=[0, 1, 2])
    close(node(plain, everywhere)(0.3), node(plain, M.after("RX", hb.BitFlip, 0.1))(0.3))


# ---- modes --------------------------------------------------------------------------------------------


def light(x: Any, after: Callable[[str, tuple[int, ...]], None] = lambda name, wires: None) -> Any:
    for name, wires, numbers in (
        ("Squeezing", (0,), (0.1, 0.2)),
        ("Displacement", (1,), (0.1, 0.1)),
        ("Beamsplitter", (0, 1), (x, 0.3)),
        ("Rotation", (0,), (x,)),
        ("Beamsplitter", (1, 2), (0.7, 0.2)),
    ):
        getattr(hb, name)(*numbers, wires=wires)
        after(name, wires)
    return hb.expval(hb.NumberOperator(0)), hb.var(hb.QuadX(1)), hb.expval(hb.QuadP(2))


def lossy(x: Any) -> Any:
    found = light(x, each(("Beamsplitter",), hb.LossChannel, 0.8))
    for w in range(3):
        hb.LossChannel(0.9, wires=w)
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [("default.gaussian", {}), ("default.fock", {"cutoff_dim": 8}), ("strawberryfields.gaussian", {})],
)
def test_losses_of_a_model_are_those_written_into_the_circuit(name, options):
    model = M.after("Beamsplitter", hb.LossChannel, 0.8).before_measurement(hb.LossChannel, 0.9)
    found = hb.qnode(hb.device(name, wires=3, noise_model=model, **options))(light)
    expected = hb.qnode(hb.device(name, wires=3, **options))(lossy)
    close(found(0.3), expected(0.3))
    for diff_method in ("best", "parameter-shift"):
        slopes = hb.jacobian(found.update(diff_method=diff_method))(0.3)
        close(slopes, hb.jacobian(expected.update(diff_method=diff_method))(0.3), 1e-9)
