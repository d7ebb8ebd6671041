"""A gradient plan tells before anything is run what a gradient does and costs."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest

import hybridge as hb


class Weights(NamedTuple):
    angle: float
    layers: list


def layered(w, y, *rest):
    hb.RX(w["w"].angle, wires=0)
    hb.CRY(w["w"].layers[0][1], wires=[0, 1])
    hb.RX(2 * w["w"].angle + y, wires=1)  # the angle again
    hb.RZ(rest[0], wires=1)  # diagonal, as what is measured
    hb.RY(0.3, wires=0)
    return hb.expval(hb.Z(1)), hb.expval(hb.Z(1) @ hb.Z(0))


ARGS = ({"w": Weights(0.3, [np.array([0.5, 0.6])])}, 0.7, 0.2)


def node(function=layered, **changes):
    return hb.QNode(function, hb.device("default.qubit", wires=2), "parameter-shift").update(**changes)


def test_each_place_is_a_row_named_by_where_its_number_comes_from():
    found = hb.gradient_plan(node(), argnums=(0, 1, 2))(*ARGS)
    assert [(r.parameter, r.operation, r.wires, r.name) for r in found.rows] == [
        ("w['w'].angle", "RX", (0,), "phi"),
        ("w['w'].layers[0][1]", "CRY", (0, 1), "phi"),
        ("w['w'].angle, y", "RX", (1,), "phi"),
        ("rest[0]", "RZ", (1,), "phi"),
    ]
    assert [(r.method, r.evaluations) for r in found.rows] == [
        ("parameter-shift", 2),
        ("parameter-shift", 4),
        ("parameter-shift", 2),
        ("zero", 0),
    ]
    assert "Trig(0.5, 1)" in found.rows[1].reason and "commutes" in found.rows[3].reason


def test_only_the_arguments_asked_for_have_rows():
    assert [r.parameter for r in hb.gradient_plan(node(), argnums=-1)(*ARGS).rows] == ["rest[0]"]
    assert [r.parameter for r in hb.gradient_plan(node(), argnums=[1])(*ARGS).rows] == ["y"]


def test_a_number_that_does_not_move_here_has_its_slot_for_a_name():
    def f(x):
        hb.RX(x**2, wires=0)
        return hb.expval(hb.Z(0))

    [row] = hb.gradient_plan(node(f))(0.0).rows
    assert (row.parameter, row.evaluations) == ("#0", 2)


DEVICES = {
    "exact": {},
    "sampled": {"shots": 30, "seed": 5},
}
METHODS = ["best", "parameter-shift", "finite-diff", "spsa", "hadamard"]


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("method", METHODS)
def test_the_totals_are_what_a_tracker_counts(method, device, batch):
    def f(x, y):
        hb.RX(x, wires=0)
        hb.CRY(y, wires=[0, 1])
        hb.RX(y, wires=1)
        hb.RZ(x, wires=0)
        return hb.expval(hb.Z(1)), hb.expval(hb.X(0))

    circuit = hb.QNode(f, hb.device("default.qubit", wires=3, **DEVICES[device]), method)
    x = 0.3 if batch is None else np.linspace(0.1, 0.7, batch)
    found = hb.gradient_plan(circuit, argnums=(0, 1))(x, 0.4)
    with hb.Tracker(circuit.device) as tracker:
        hb.vjp(circuit, (x, 0.4), [np.ones(np.shape(x))] * 2)
    assert found.circuits == tracker.totals["executions"]
    assert found.jobs == tracker.totals["jobs"]
    assert (found.total_shots or 0) == tracker.totals.get("shots", 0)
    assert method == "hadamard" or found.circuits == found.points * found.settings
    assert found.error is None and found.diff_method == method
    if method not in ("spsa", "hadamard") and found.methods != ("device",):
        assert found.points == (batch or 1) * (1 + sum(row.evaluations for row in found.rows))


def bright(a, kappa):
    hb.Displacement(a, 0.2, wires=0)
    hb.Kerr(0.1, wires=0)
    hb.Kerr(kappa, wires=1)
    hb.CubicPhase(kappa, wires=1)
    return hb.expval(hb.NumberOperator(0)), hb.expval(hb.QuadP(1))


def light(**changes):
    return hb.QNode(bright, hb.device("default.fock", wires=2, cutoff_dim=12), "parameter-shift").update(
        **changes
    )


def test_what_would_raise_is_a_row_with_the_reason():
    found = hb.gradient_plan(light(), argnums=(0, 1))(0.2, 0.1)
    assert [row.method for row in found.rows] == ["parameter-shift", "parameter-shift", "none"]
    assert "CubicPhase has no shift rule" in found.rows[2].reason
    with pytest.raises(hb.GradientError) as raised:
        hb.jacobian(light(), argnums=(0, 1))(0.2, 0.1)
    assert found.error == str(raised.value)
    assert (found.points, found.circuits, found.jobs, found.total_shots) == (None,) * 4


def test_a_fallback_shows_in_the_rows_that_need_it():
    found = hb.gradient_plan(light(fallback="finite-diff"), argnums=(0, 1))(0.2, 0.1)
    assert [row.method for row in found.rows] == ["parameter-shift", "parameter-shift", "finite-diff"]
    assert found.methods == ("parameter-shift", "finite-diff") and found.error is None
    assert "CubicPhase has no shift rule" in found.rows[2].reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diff_method": None}, "diff_method=None"),
        ({"diff_method": "adjoint", "shots": 10}, "no derivatives of its own"),
        ({"function": lambda w, *rest: (hb.RX(w["w"].angle, 0), hb.state())[1]}, "not differentiable"),
    ],
)
def test_no_derivatives_at_all_are_told_row_by_row(changes, words):
    found = hb.gradient_plan(node(**changes))(*ARGS)
    assert {row.method for row in found.rows} == {"none"}
    assert words in found.error and all(words in row.reason for row in found.rows)


def test_the_device_differentiates_all_in_one_sweep():
    found = hb.gradient_plan(node(diff_method="best"))(*ARGS)
    assert {row.method for row in found.rows} == {"device"}
    assert (found.points, found.jobs) == (2, 2)


def test_looking_at_a_random_method_draws_nothing_from_it():
    slopes = []
    for looks in (0, 3):
        circuit = node(diff_method="spsa", gradient_kwargs={"seed": 4})
        for _ in range(looks):
            hb.gradient_plan(circuit)(*ARGS)
        slopes.append(hb.grad(lambda *args, c=circuit: c(*args)[0])(*ARGS)["w"].angle)
    assert slopes[0] == slopes[1]


def test_specs_count_the_same():
    found, counted = hb.gradient_plan(node(), argnums=(0, 1, 2))(*ARGS), hb.specs(node())(*ARGS)
    assert (counted.gradient_circuits, counted.gradient_jobs) == (found.circuits + 2, 1)  # and RY(0.3)
    mixed = hb.specs(light(fallback="finite-diff"))(0.2, 0.1)
    assert mixed.gradient_method == "shift rule and finite differences"


def test_a_plan_prints_as_a_table_and_is_a_value():
    found = hb.gradient_plan(node(shots=7), argnums=(0, 1, 2))(*ARGS)
    lines = str(found).splitlines()
    assert lines[0].split() == [
        "parameter",
        "operation",
        "wires",
        "of",
        "it",
        "method",
        "evaluations",
        "reason",
    ]
    assert lines[2].startswith("w['w'].layers[0][1]  CRY        [0, 1]")
    assert "points: 9, circuits: 9, jobs: 1, shots: 63" in lines[-1]
    assert pickle.loads(pickle.dumps(found)) == found and hash(found) == hash(found)
    refused = str(hb.gradient_plan(light())(0.2, 0.1)) + str(hb.gradient_plan(node(diff_method=None))(*ARGS))
    assert "error" in refused


def test_a_circuit_without_parameters_has_no_rows():
    found = hb.gradient_plan(node(lambda x: hb.probs(wires=[0])))(0.3)
    assert (found.rows, found.points, found.jobs) == ((), 1, 1)


def test_only_a_node_has_a_plan():
    with pytest.raises(hb.CircuitError, match="takes a QNode"):
        hb.gradient_plan(lambda x: x)


def of_torch(x):
    import torch

    return torch.tensor(x, requires_grad=True)


def of_jax(x):
    import jax.numpy as jnp

    return jnp.array(x)


def of_tensorflow(x):
    import tensorflow as tf

    return tf.Variable(x)


@pytest.mark.parametrize("made", [of_torch, of_jax, of_tensorflow])
def test_arrays_of_every_library_have_plans(made):
    def f(x, y):
        hb.RX(x[0], wires=0)
        hb.RY(2 * x[1] + y, wires=0)
        return hb.expval(hb.Z(0))

    found = hb.gradient_plan(node(f), argnums=(0, 1))(made([0.3, 0.4]), 0.5)
    assert found.rows == hb.gradient_plan(node(f), argnums=(0, 1))(np.array([0.3, 0.4]), 0.5).rows


def test_what_another_library_calculates_is_known_by_its_slots():
    import torch

    def f(x):
        hb.RX(torch.sin(x[0]), wires=0)
        hb.RY(0.3, wires=0)
        hb.RY(x[1], wires=0)
        return hb.expval(hb.Z(0))

    found = hb.gradient_plan(node(f))(torch.tensor([0.3, 0.4]))
    assert [row.parameter for row in found.rows] == ["#0", "#2"]
