"""The Fock device of Strawberry Fields differentiates by itself: exactly, whatever it runs, in one sweep."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Task
from hybridge.errors import DeviceError
from hybridge.observables.cv import FockStateProjector, NumberOperator, QuadP, QuadX
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.phasespace.fock import FockModes
from hybridge.registry import device as make
from hybridge_strawberryfields import FOCK, backends, fock_sweep

sf = backends.sf
MEASURED = (
    Measurement("expval", NumberOperator(0) + QuadX(1) @ QuadP(0)),
    Measurement("var", QuadP(1)),
    Measurement("expval", FockStateProjector([1, 0], [1, 0])),
    Measurement("probs", None, (1,)),
)
COLUMNS = 3  # besides those of probs
PLACES = {1: ((0,), (1,)), 2: ((0, 1), (1, 0))}


def slopes_by_differences(value: Callable[[np.ndarray], np.ndarray], point: np.ndarray) -> np.ndarray:
    """(columns, P) by five points: the error is of order 1e-11 for functions of order 1."""
    h, found = 2e-3, []
    for step in np.eye(len(point)) * h:
        near, far = (value(point + k * step) - value(point - k * step) for k in (1, 2))
        found.append((8 * near - far) / (12 * h))
    return np.array(found).T


def slopes_of(device: Any, program: Any, point: np.ndarray, width: int) -> np.ndarray:
    """(columns, P): a batch with a column's cotangent in each row."""
    return device.vjp(Task(program, np.tile(point, (width, 1))), np.eye(width))


def placed(name: str) -> list[tuple[Operation, tuple[int, ...]]]:
    """The row, or the family's members whose entries are numbers, on wires in both orders."""
    if name in ROWS:
        found = [ROWS[name]]
    else:
        found = [row for row in numbered(name) if row.num_wires <= 2]
    return [(row, wires) for row in found for wires in PLACES[row.num_wires]]


def numbered(name: str) -> list[Operation]:
    of_numbers = [FAMILIES[name].of(n, *constants) for n, constants in FAMILIES[name].examples]
    return [row for row in of_numbers if row.params]


DIFFERENTIABLE = [
    (row, wires) for name in sorted(FOCK.operations) for row, wires in placed(name) if row.params
]
BEFORE = (
    (hb.Squeezing, (0,), (0.2, 0.3)),
    (hb.Displacement, (1,), (0.3, -0.4)),
    (hb.Beamsplitter, (1, 0), (0.4, 0.9)),
    (hb.Kerr, (0,), (0.3,)),
)
AFTER = (
    (hb.Beamsplitter, (0, 1), (0.7, 0.2)),
    (hb.Displacement, (0,), (0.2, 0.5)),
    (hb.CrossKerr, (1, 0), (0.4,)),
)
MIXED = (*BEFORE, (hb.LossChannel, (0,), (0.7,)), (hb.LossChannel, (1,), (0.8,)))


def between(before: Any, row: Operation, wires: tuple[int, ...]) -> tuple[Circuit, np.ndarray]:
    own = 0.2 + 0.1 * np.arange(row.arity)
    steps = [*before, (row, wires, own), *AFTER]
    made = Circuit(tuple(Instruction(r, w) for r, w, _ in steps), MEASURED, (0, 1))
    return made, np.concatenate([numbers for _, _, numbers in steps])


@pytest.mark.parametrize("before", [BEFORE, MIXED], ids=["pure", "mixed"])
@pytest.mark.parametrize(("row", "wires"), DIFFERENTIABLE)
def test_every_row_is_differentiated_as_it_is_simulated(row, wires, before):
    device = make("strawberryfields.fock", wires=2, cutoff_dim=6)
    made, point = between(before, row, wires)
    program = device.compile(made)
    run = lambda v: device.run([Task(program, v[None])])[0][0]
    with pytest.warns(hb.TruncationWarning):
        found = slopes_of(device, program, point, COLUMNS + 6)
        expected = slopes_by_differences(run, point)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("entries", [(0.2, -0.1, 0.9, 0.05, 1.3), (0.2, -0.1, 1.0, 0.2, 1.04)])
def test_entries_of_a_gaussian_state_are_differentiated(entries):
    """The second is pure, V = [[a, b], [b, (1 + b^2) / a]], and moved along pure states."""
    pure = entries[-1] == 1.04

    def model(x, p, a, b, c):
        hb.Beamsplitter(0.4, 0.3, wires=[0, 1])
        hb.GaussianState([[a, b], [b, (1 + b * b) / a if pure else c]], [x, p], wires=1)
        hb.Beamsplitter(0.6, 0.3, wires=[1, 0])
        hb.Kerr(0.3, wires=0)
        return hb.expval(hb.NumberOperator(0)), hb.expval(hb.QuadX(1) @ hb.QuadP(0))

    node = hb.qnode(hb.device("strawberryfields.fock", wires=2, cutoff_dim=14))(model)
    same = node.on("default.fock", wires=2, cutoff_dim=14)
    which = tuple(range(4 if pure else 5))
    found, expected = (np.array(hb.jacobian(n, argnums=which)(*entries)) for n in (node, same))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


MODEL = (
    (hb.CoherentState, (2,), (0.2, 0.3)),
    (hb.CatState, (1,), (0.3, 0.2, 0.4)),
    (hb.Squeezing, (0,), (0.1, 0.5)),
    (hb.Beamsplitter, (0, 2), (0.6, 0.4)),
    (hb.TwoModeSqueezing, (0, 1), (0.1, 0.7)),
    (hb.Displacement, (1,), (0.1, -0.3)),
    (hb.Kerr, (1,), (0.4,)),
    (hb.CrossKerr, (0, 2), (0.3,)),
    (hb.CubicPhase, (1,), (0.02,)),
    (hb.Rotation, (2,), (0.8,)),
    (hb.Beamsplitter, (1, 2), (0.3, 0.4)),
)


def test_gradients_are_those_of_the_vendors_engine():
    cutoff, measured = (
        9,
        (Measurement("expval", NumberOperator(0) + QuadX(1) @ QuadX(2)), Measurement("var", QuadP(1))),
    )
    made = Circuit(tuple(Instruction(row, wires) for row, wires, _ in MODEL), measured, (0, 1, 2))
    point = np.concatenate([numbers for _, _, numbers in MODEL])
    device = make("strawberryfields.fock", wires=3, cutoff_dim=cutoff)
    program = device.compile(made)
    # SF evaluates a cat with sympy: its ket stands in for it, and its numbers are not moved
    moved = [k for k in range(len(point)) if k not in (2, 3, 4)]

    def engine(values: np.ndarray) -> np.ndarray:
        prog = sf.Program(3)
        numbers = point.copy()
        numbers[moved] = values
        used = 0
        for row, wires, own in MODEL:
            mine = [float(v) for v in numbers[used : used + len(own)]]
            used += len(own)
            ket = hb.CatState.fock(cutoff, *mine) if row is hb.CatState else None
            op = sf.ops.Ket(ket) if ket is not None else ENGINE[row.name](*mine)
            prog.append(op, wires)
        state = sf.Engine("fock", backend_options={"cutoff_dim": cutoff}).run(prog).state
        rho = state.dm().transpose([0, 2, 4, 1, 3, 5])
        modes = FockModes(density=rho[None])
        return np.array([modes.expval(measured[0].observable)[0], modes.var(measured[1].observable)[0]])

    found = slopes_of(device, program, point, 2)
    expected = slopes_by_differences(engine, point[moved])
    np.testing.assert_allclose(found[:, moved], expected, rtol=0, atol=1e-8)


ENGINE = {
    "CoherentState": sf.ops.Coherent,
    "Squeezing": sf.ops.Sgate,
    "Beamsplitter": sf.ops.BSgate,
    "TwoModeSqueezing": sf.ops.S2gate,
    "Displacement": sf.ops.Dgate,
    "Kerr": sf.ops.Kgate,
    "CrossKerr": sf.ops.CKgate,
    "CubicPhase": sf.ops.Vgate,
    "Rotation": sf.ops.Rgate,
}


def light(v):
    hb.Squeezing(v[0], 0.3, wires=0)
    hb.LossChannel(v[1], wires=0)
    hb.Displacement(v[2], 0.1, wires=1)
    hb.Beamsplitter(v[3], 0.3, wires=[1, 0])
    hb.Kerr(v[4], wires=0)
    return hb.expval(hb.NumberOperator(0)), hb.probs(wires=[1])


def test_where_the_cutoff_is_far_they_are_those_of_the_built_in_device():
    point = np.array([0.1, 0.8, 0.2, 0.6, 0.3])
    nodes = [
        hb.qnode(hb.device(name, wires=2, cutoff_dim=12))(light)
        for name in ("strawberryfields.fock", "default.fock")
    ]
    for found, expected in zip(*(hb.jacobian(node)(point) for node in nodes), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def detected(select: Callable[[Any], None], lossy: bool) -> Callable[..., Any]:
    def model(v):
        hb.TwoModeSqueezing(v[0], 0.4, wires=[2, 0])
        hb.Displacement(v[1], 0.2, wires=1)
        hb.Beamsplitter(v[2], 0.3, wires=[1, 0])
        if lossy:
            hb.LossChannel(v[3], wires=0)
        select(v)
        hb.Beamsplitter(v[2], 0.1, wires=[2, 1])
        return hb.expval(hb.NumberOperator(2)), hb.var(hb.QuadX(1)), hb.probs(op=hb.Click([2, 1]))

    return model


@pytest.mark.parametrize(("lossy", "cutoff"), [(True, 6), (False, 7)])
@pytest.mark.parametrize(
    "select",
    [
        lambda v: hb.PostselectPhotons([1, 0], wires=[0, 1]),
        lambda v: hb.PostselectClick([1, 0], wires=[1, 0]),
        lambda v: hb.PostselectClick(1, wires=0),
        lambda v: hb.PostselectHomodyne(v[4], v[5], wires=0),
        lambda v: hb.PostselectHeterodyne(v[4], v[5], wires=1),
    ],
)
def test_selected_outcomes_are_differentiated_in_mixed_states(select, lossy, cutoff):
    """As the built-in device does; by a sweep of other formulas in other shapes."""
    point = np.array([0.1, 0.15, 0.6, 0.7, 0.2, 0.5])
    model, found = detected(select, lossy), []
    for name in ("strawberryfields.fock", "default.fock"):
        node = hb.qnode(hb.device(name, wires=3, cutoff_dim=cutoff), diff_method="device")(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hb.TruncationWarning)
            found.append(np.concatenate([np.reshape(part, (-1, 6)) for part in hb.jacobian(node)(point)]))
    np.testing.assert_allclose(*found, rtol=0, atol=1e-9)
    assert np.abs(found[0]).max() > 0.1


def test_a_gradient_runs_the_simulator_once(monkeypatch):
    rows = []
    real = backends.FockBackend.begin_circuit
    monkeypatch.setattr(
        backends.FockBackend, "begin_circuit", lambda self, n, **k: rows.append(n) or real(self, n, **k)
    )
    node = hb.qnode(hb.device("strawberryfields.fock", wires=2, cutoff_dim=10))(light)
    hb.grad(lambda v: node(v)[0])(np.array([0.1, 0.8, 0.2, 0.6, 0.3]))
    assert rows in ([2], [2, 2])  # the value, and the sweep


@pytest.mark.parametrize("transmission", [0.0, 0.2, 1.0])
def test_loss_is_differentiated_at_its_ends(transmission):
    """Of two photons: <n> = 2 T, p(1) = 2 T (1 - T)."""

    def lossy(T):
        hb.FockState([2], wires=0)
        hb.LossChannel(T, wires=0)
        return hb.expval(hb.NumberOperator(0)), hb.expval(hb.FockStateProjector([1], [0]))

    node = hb.qnode(hb.device("strawberryfields.fock", wires=1, cutoff_dim=6))(lossy)
    assert np.allclose(hb.jacobian(node)(transmission), [2.0, 2 - 4 * transmission], atol=1e-12)


def test_what_has_no_derivative_is_told():
    """<x> = 2 sqrt(T) a has none at T = 0."""

    def dimmed(T):
        hb.Displacement(0.4, 0.0, wires=0)
        hb.LossChannel(T, wires=0)
        return hb.expval(hb.QuadX(0))

    node = hb.qnode(hb.device("strawberryfields.fock", wires=1, cutoff_dim=10))(dimmed)
    with pytest.raises(DeviceError, match=r"LossChannel\(T=0\) has no derivative: .* sqrt\(T\)"):
        hb.jacobian(node)(0.0)


def test_a_sweep_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(fock_sweep, "ALWAYS_ROOM", 0)
    monkeypatch.setattr(fock_sweep, "available", lambda: 10_000)
    node = hb.qnode(hb.device("strawberryfields.fock", wires=2, cutoff_dim=12))(light)
    with pytest.raises(DeviceError, match=r"derivative of 5 operations on 2 modes needs .* lower cutoff_dim"):
        hb.jacobian(node)(np.array([0.1, 0.8, 0.2, 0.6, 0.3]))


def test_a_state_is_not_differentiated_but_told():
    def model(v):
        hb.Squeezing(v, 0.1, wires=0)
        return hb.state()

    node = hb.qnode(hb.device("strawberryfields.fock", wires=1, cutoff_dim=12))(model)
    with pytest.raises(hb.GradientError):
        hb.jacobian(node)(0.2)
