"""Circuits in torch: derivatives of any order, one job for a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap
from torch_nodes import (
    NODES,
    QUBITS,
    X,
    Y,
    joined,
    leaves,
    reference,
    same,
    tensors,
)

import hybridge as hb

each_node = pytest.mark.parametrize("node", NODES.values(), ids=NODES)


@each_node
def test_values_are_those_of_plain_numbers(node):
    for args in (tensors(), tensors(requires_grad=False), [tensors()[0], Y], [X, tensors()[1]]):
        for found, wanted in zip(leaves(node(*args)), leaves(node(X, Y)), strict=True):
            assert type(found) is torch.Tensor and found.dtype is torch.float64
            assert found.shape == np.shape(wanted)
            same(found, wanted)


@each_node
def test_first_derivatives_are_those_of_hb_jacobian(node):
    for found, wanted in zip(
        torch.autograd.functional.jacobian(joined(node), tuple(tensors())), reference(node), strict=True
    ):
        same(found, wanted)


@each_node
def test_gradcheck_in_reverse_and_forward(node):
    assert gradcheck(joined(node), tensors(), check_forward_ad=True)


@each_node
def test_gradgradcheck_in_reverse_and_forward_over_reverse(node):
    assert gradgradcheck(joined(node), tensors(), check_fwd_over_rev=True)


@each_node
def test_transforms_of_torch_func_agree(node):
    f, (x, y) = joined(node), tensors(requires_grad=False)
    for transform in (jacrev, jacfwd):
        for found, wanted in zip(transform(f, argnums=(0, 1))(x, y), reference(node), strict=True):
            same(found, wanted)
    total = lambda x, y: (f(x, y) ** 2).sum()
    second = torch.autograd.functional.hessian(total, (x, y))
    for transform in (
        hessian,
        lambda f: jacrev(jacrev(f)),
        lambda f: jacrev(jacfwd(f)),
        lambda f: jacfwd(jacfwd(f)),
    ):
        same(transform(total)(x, y), second[0][0])
    value, back = vjp(f, x, y)
    moved, along = jvp(f, (x, y), (torch.ones_like(x), torch.zeros_like(y)))
    same(value, moved)
    same(along @ value, back(value)[0].sum())
    same(grad(total)(x, y), jacrev(total)(x, y))


@each_node
def test_a_third_derivative(node):
    weights = torch.linspace(0.1, 1, 8, dtype=torch.float64)
    f = lambda x: (lambda v: weights[: len(v)] @ v)(joined(node)(x, torch.tensor(Y)))
    x, step = tensors(requires_grad=False)[0], 1e-5
    third = jacfwd(jacrev(grad(f)))(x)
    for k in range(3):
        h = step * torch.eye(3, dtype=torch.float64)[k]
        same(third[..., k], (hessian(f)(x + h) - hessian(f)(x - h)) / (2 * step), 1e-7)


@each_node
def test_vmap_over_rows_is_one_job(node):
    f, (x, y) = joined(node), tensors(requires_grad=False)
    rows = x + torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    with hb.Tracker(node.device) as tracker:
        found = vmap(f, (0, None))(rows, y)
    assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == 5
    same(found, [f(row, y).numpy() for row in rows])
    with hb.Tracker(node.device) as tracker:
        found = vmap(jacrev(f), (0, None))(rows, y)
    assert tracker.totals["jobs"] == 2
    same(found, [jacrev(f)(row, y).numpy() for row in rows])
    same(vmap(f, (1, None), 1)(rows.T, y), vmap(f, (0, None))(rows, y).T)
    same(vmap(vmap(f, (None, 0)), (0, None))(rows, y * rows[:2, 0])[3, 1], f(rows[3], y * rows[1, 0]))


@each_node
def test_value_and_gradient_are_two_jobs_at_most(node):
    x, y = tensors()
    with hb.Tracker(node.device) as tracker:
        joined(node)(x, y).sum().backward()
    assert tracker.totals["jobs"] == 2
    same(x.grad, sum(reference(node)[0]))
    same(y.grad, sum(reference(node)[1]))


def test_a_batch_is_one_job_and_differentiates():
    def rows(x, y):
        hb.RX(x[:, 0], wires=0)
        hb.RY(x[:, 1] * y, wires=1)
        hb.CNOT([0, 1])
        return hb.expval(hb.Z(1)), hb.probs(wires=[0, 1])

    node = hb.QNode(rows, QUBITS)
    x = torch.tensor(np.random.default_rng(3).normal(size=(7, 2)), requires_grad=True)
    y = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    with hb.Tracker(QUBITS) as tracker:
        value, probs = node(x, y)
    assert tracker.totals["jobs"] == 1
    assert value.shape == (7,) and probs.shape == (7, 4)
    assert gradcheck(node, (x, y), check_forward_ad=True)
    assert gradgradcheck(node, (x, y), check_fwd_over_rev=True)
    slopes = jacrev(lambda y: node(x.detach(), y)[0])
    same(vmap(slopes)(torch.stack([y, 2 * y]).detach())[1], slopes(2 * y.detach()))


def curved(x, y):
    for wire in range(2):
        hb.RX(x[wire], wires=wire)
    hb.CNOT([0, 1])
    hb.CRY(x[2] * y, wires=[0, 1])
    return hb.expval(hb.Z(0) @ hb.Z(1)), hb.probs(wires=[1])


METHODS = {
    "adjoint": {"diff_method": "adjoint"},
    "hadamard": {"diff_method": "hadamard"},
    "finite differences": {"diff_method": "finite-diff"},
    "a fallback that is not needed": {"fallback": "finite-diff"},
}


@pytest.mark.parametrize("options", METHODS.values(), ids=METHODS)
def test_every_method_differentiates_twice(options):
    node = hb.QNode(curved, QUBITS, **options)
    exact = reference(hb.QNode(curved, QUBITS))
    for found, wanted in zip(jacrev(joined(node), argnums=(0, 1))(*tensors()), exact, strict=True):
        same(found, wanted, 1e-8)
    assert gradcheck(joined(node), tensors(), check_forward_ad=True)
    assert gradgradcheck(joined(node), tensors(), check_fwd_over_rev=True)
    x, y = tensors(requires_grad=False)
    by_rule = joined(hb.QNode(curved, QUBITS))
    same(jacfwd(jacfwd(joined(node)))(x, y), jacrev(jacrev(by_rule))(x, y), 1e-4)


@each_node
def test_pulls_and_pushes_are_linear(node):
    f, (x, y) = joined(node), tensors(requires_grad=False)
    value, back = vjp(f, x, y)
    for found, wanted in zip(jvp(back, (2 * value,), (value,))[1], back(value), strict=True):
        same(found, wanted)
    forward = lambda moved: jvp(f, (x, y), (moved, y))[1] - jvp(f, (x, y), (0 * moved, y))[1]
    same(jvp(forward, (2 * x,), (x,))[1], forward(x))
    same(grad(lambda moved: value @ forward(moved))(2 * x), back(value)[0])


def test_a_measurement_without_a_rule_hurts_only_where_it_is_asked_for():
    def modes(a):
        for mode in range(2):
            hb.Displacement(a[mode], 0.0, wires=mode)
        hb.Kerr(0.3, wires=1)
        return hb.expval(hb.QuadX(0) ** 3), hb.expval(hb.QuadX(1))

    device = hb.device("default.fock", wires=2, cutoff_dim=14)
    node = hb.QNode(modes, device, diff_method="parameter-shift")
    a = torch.tensor([0.3, 0.2], dtype=torch.float64, requires_grad=True)
    cubic, kerr = node(a)  # (2 a)^3 + 3 (2 a), as the variance of x is 1
    (slope,) = torch.autograd.grad(cubic, a, create_graph=True)
    same(slope, [24 * 0.3**2 + 6, 0], 1e-6)
    same(torch.autograd.grad(slope[0], a)[0], [48 * 0.3, 0], 1e-5)
    with pytest.raises(hb.GradientError, match="Kerr"):
        kerr.backward()


def test_rows_of_a_map_differentiate():
    def touched(x, y):
        hb.RX(torch.sin(x[0]), wires=0)
        if x[1] > 0:  # rows of two structures
            hb.RY(x[1] * y, wires=0)
        return hb.expval(hb.Z(0)), {"p": hb.probs(wires=[0])}

    rows = torch.tensor(np.random.default_rng(5).normal(size=(6, 2)), requires_grad=True)
    y = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    node = hb.QNode(touched, QUBITS)
    assert 0 < (rows[:, 1] > 0).sum() < 6
    each = [node(row, y) for row in rows]
    value, probs = node.map(rows, y, in_axes=(0, None))
    same(value, torch.stack([v for v, _ in each]).detach())
    same(probs["p"], torch.stack([p["p"] for _, p in each]).detach())
    mapped = lambda rows, y: torch.cat([v.reshape(-1) for v in leaves(node.map(rows, y, in_axes=(0, None)))])
    assert gradcheck(mapped, (rows, y))


def test_a_look_at_a_circuit_takes_tensors_that_require_a_derivative():
    node = NODES["one number"]
    for look in (hb.draw, hb.specs):
        assert str(look(node)(*tensors())) == str(look(node)(X, Y))
    sampled = node.on("default.qubit", shots=50, seed=1)
    assert "+-" in str(hb.with_error(sampled)(*tensors()))
