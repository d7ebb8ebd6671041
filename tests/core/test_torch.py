"""Circuits in torch: the same numbers as everywhere, derivatives of any order, one job for a batch."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

import hybridge as hb
from hybridge import numpy as hnp
from hybridge.interfaces.torch_functions import plain, tensor

QUBITS = hb.device("default.qubit", wires=3)
LIGHT = hb.device("default.gaussian", wires=2)


def qubits(x, y):
    hb.RX(x[0], wires=0)
    hb.RY(x[1] * y, wires=1)
    hb.CNOT([0, 1])
    hb.RZ(0.3, wires=1)
    hb.CRX(x[2], wires=[1, 2])
    hb.RY(x[0], wires=2)
    return hb.expval(hb.Z(0) @ hb.Z(1)), {"p": hb.probs(wires=[2]), "v": hb.var(hb.X(0))}


def light(x, y):
    hb.Squeezing(0.3 * x[0], 0.1, wires=0)
    hb.Displacement(x[1], y, wires=1)
    hb.Beamsplitter(x[2], 0.4, wires=[0, 1])
    return hb.expval(hb.NumberOperator(0)), {"q": hb.expval(hb.QuadX(1)), "v": hb.var(hb.QuadP(0))}


def one(x, y):
    """One number, whose derivative comes with it."""
    for k in range(3):
        hb.RX(x[k], wires=k)
    hb.CNOT([0, 1])
    hb.CRY(y, wires=[1, 2])
    return hb.expval(hb.Z(2) + 0.5 * hb.X(1))


def straight(x, y):
    """What a static circuit may do."""
    hb.RX(x[0] / 2, wires=0)
    hb.RY(x[1] + y, wires=1)
    hb.CNOT([0, 1])
    hb.RY(x[2] - 2 * x[0], wires=0)
    return hb.expval(hb.Z(0) @ hb.X(1)), {"p": hb.probs(wires=[1])}


NODES = {
    "qubits": hb.QNode(qubits, QUBITS),
    "qubits by rule": hb.QNode(qubits, QUBITS, diff_method="parameter-shift"),
    "light": hb.QNode(light, LIGHT),
    "light by rule": hb.QNode(light, LIGHT, diff_method="parameter-shift"),
    "one number": hb.QNode(one, QUBITS),
    "static": hb.QNode(straight, QUBITS, static=True),
    "one number, static": hb.QNode(one, QUBITS, static=True),
}
X, Y = np.array([0.4, 0.7, -0.5]), 0.6


def leaves(results):
    """All numbers that a circuit returns, whatever they are in."""
    if isinstance(results, dict):
        return [x for value in results.values() for x in leaves(value)]
    return [x for value in results for x in leaves(value)] if isinstance(results, tuple) else [results]


def joined(node):
    return lambda *args: torch.cat([v.reshape(-1) for v in leaves(node(*args))])


def tensors(dtype=torch.float64, requires_grad=True):
    return [torch.tensor(v, dtype=dtype, requires_grad=requires_grad) for v in (X, Y)]


def reference(node):
    """The Jacobian by hb.jacobian, in both arguments."""
    flat = lambda x, y: hnp.concatenate([hnp.reshape(v, -1) for v in leaves(node(x, y))])
    return hb.jacobian(flat, argnums=(0, 1))(X, Y)


def same(found, wanted, tolerance=1e-10):
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=0, atol=tolerance)


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
    assert gradgradcheck(joined(node), tensors(), check_fwd_over_rev=True, atol=1e-4)


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
    assert gradgradcheck(joined(node), tensors(), check_fwd_over_rev=True, atol=1e-3)
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


def test_only_what_requires_a_derivative_gets_one():
    x, y = tensors()
    x.requires_grad_(False)
    joined(NODES["qubits"])(x, y).sum().backward()
    assert x.grad is None
    same(y.grad, sum(reference(NODES["qubits"])[1]))
    detached = joined(NODES["qubits"])(tensors()[0].detach(), Y)
    assert not detached.requires_grad
    with torch.no_grad():
        assert not joined(NODES["one number"])(*tensors()).requires_grad


def test_dtypes_are_the_callers():
    single, double = torch.float32, torch.float64
    node = NODES["qubits"]
    for kinds, wanted in (
        ((single, single), single),
        ((double, double), double),
        ((single, double), single),  # as torch has it: a number takes the dtype of an array
        ((double, single), double),
        ((torch.float16, torch.float16), torch.float16),
        ((torch.bfloat16, torch.bfloat16), torch.bfloat16),
    ):
        args = [
            torch.tensor(v, dtype=kind, requires_grad=True) for v, kind in zip((X, Y), kinds, strict=True)
        ]
        found = joined(node)(*args)
        assert found.dtype is wanted
        found.sum().backward()
        assert [a.grad.dtype for a in args] == list(kinds)
        same(args[0].grad.double(), sum(reference(node)[0]), 0.1 if wanted.itemsize == 2 else 1e-6)
    state = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.state())[1], QUBITS)
    assert state(torch.tensor(0.3)).dtype is torch.complex64
    assert state(torch.tensor(0.3, dtype=double)).dtype is torch.complex128


def test_memory_is_shared():
    x = torch.linspace(0, 1, 5, dtype=torch.float64, requires_grad=True)
    assert plain(x).__array_interface__["data"][0] == x.data_ptr()
    array = np.linspace(0, 1, 5)
    assert (
        tensor(array, torch.float64, torch.device("cpu")).data_ptr() == array.__array_interface__["data"][0]
    )
    kept = tensor(np.broadcast_to(array, (2, 5)), torch.float64, torch.device("cpu"))  # read-only: copied
    kept[0, 0] = 7
    assert array[0] == 0


def test_arrays_go_to_the_device_and_the_dtype_of_the_caller():
    elsewhere, array = torch.device("meta"), np.linspace(0, 1, 5)
    kinds = {
        "f": (array, torch.float32),
        "c": (1j * array, torch.complex64),
        "i": (array.astype(int), torch.int64),
    }
    for numbers, dtype in kinds.values():
        made = tensor(numbers, torch.float32, elsewhere)
        assert (made.device, made.dtype, made.shape) == (elsewhere, dtype, (5,))


def test_results_do_not_change_what_the_device_keeps():
    node = NODES["qubits"]
    first = node(*tensors(requires_grad=False))[1]["p"]
    wanted = first.clone()
    first[:] = 7
    same(node(*tensors(requires_grad=False))[1]["p"], wanted)


def test_coefficients_of_an_observable_differentiate():
    def weighted(theta, c):
        hb.RX(theta, wires=0)
        return hb.expval(c * hb.Z(0) + c**2 * hb.Y(0) + hb.X(1) * 0.5)

    node = hb.QNode(weighted, QUBITS)
    args = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.3, 0.8)]
    assert gradcheck(node, args) and gradgradcheck(node, args)
    same(node(*args), node(0.3, 0.8))
    node(0.3, args[1]).backward()
    same(args[1].grad, np.cos(0.3) - 2 * 0.8 * np.sin(0.3))


def test_entries_that_are_touched_are_ordinary_tensors():
    def circuit(x):
        a, b = x[0], x[-1]
        assert type(a) is torch.Tensor and isinstance(x, torch.Tensor)
        hb.RX(torch.sin(a) * b, wires=0)
        hb.RY(x[1:][0] + x[torch.tensor(2)], wires=1)
        hb.RZ((x * 2).sum(), wires=0)
        hb.CNOT([0, 1])
        for angle in x:
            hb.RX(angle, wires=0)
        for angle in x.reshape(2, 2)[1]:
            hb.RY(angle, wires=0)
        hb.RY(torch.stack([a, b]).mean(), wires=1)
        hb.RY(x[None, 1][0] + float(x[0].detach()), wires=0)
        return hb.expval(hb.Z(0) @ hb.Z(1))

    def in_numpy(x):
        hb.RX(hnp.sin(x[0]) * x[3], wires=0)
        hb.RY(x[1] + x[2], wires=1)
        hb.RZ(hnp.sum(x * 2), wires=0)
        hb.CNOT([0, 1])
        for angle in x:
            hb.RX(angle, wires=0)
        for angle in x[2:]:
            hb.RY(angle, wires=0)
        hb.RY((x[0] + x[3]) / 2, wires=1)
        hb.RY(x[1] + 0.1, wires=0)
        return hb.expval(hb.Z(0) @ hb.Z(1))

    x = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64, requires_grad=True)
    node = hb.QNode(circuit, QUBITS)
    value = node(x)
    value.backward()
    wanted, slope = hb.value_and_grad(hb.QNode(in_numpy, QUBITS))(x.detach().numpy())
    same(value, wanted)
    same(x.grad, slope)
    with pytest.raises(IndexError):
        hb.QNode(lambda x: (hb.RX(x[4], wires=0), hb.expval(hb.Z(0)))[1], QUBITS)(x)


@pytest.mark.parametrize("shape", [(5,), (5000,), (2, 3), (2, 3, 2)])
def test_entries_taken_as_they_stand_have_no_step_in_the_graph(shape):
    def circuit(w):
        assert w.shape == shape
        for angle in w[1] if len(shape) == 2 else w[:3] if len(shape) == 1 else w[1, :, 0]:
            hb.RX(angle, wires=0)
        hb.RY(w[(0,) * len(shape)], wires=0)
        return hb.expval(hb.Z(0))

    w = torch.tensor(np.random.default_rng(1).normal(size=shape), requires_grad=True)
    node = hb.QNode(circuit, QUBITS)
    for value in (node(w), node(w=w)):
        ((parent, _),) = [p for p in value.grad_fn.next_functions if p[0] is not None]
        assert parent.variable is w
    value.backward()
    same(w.grad, hb.grad(node)(w.detach().numpy()))


ANGLE = st.floats(-3, 3).map(lambda v: round(v, 3))
STEPS = st.lists(
    st.tuples(st.sampled_from(["RX", "RY", "RZ", "CRX", "CNOT"]), st.integers(0, 3), st.integers(0, 2)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(STEPS, st.lists(ANGLE, min_size=4, max_size=4))
def test_random_circuits_have_the_gradient_of_hb_grad(steps, angles):
    def circuit(x):
        for name, k, wire in steps:
            on = [wire, (wire + 1) % 3]
            if name == "CNOT":
                hb.CNOT(on)
            elif name == "CRX":
                hb.CRX(x[k] * x[k - 1], wires=on)
            else:
                getattr(hb, name)(x[k], wires=wire)
        return hb.expval(hb.Z(0) + hb.X(1) @ hb.Y(2))

    node = hb.QNode(circuit, QUBITS, interface="torch")  # which may take none of the numbers
    x = torch.tensor(angles, dtype=torch.float64, requires_grad=True)
    value = node(x)
    wanted, slope = hb.value_and_grad(node.update(interface="auto"))(np.array(angles))
    same(value, wanted, 1e-6 if value.dtype is torch.float32 else 1e-10)
    if value.requires_grad:
        value.backward()
    same(torch.zeros(4) if x.grad is None else x.grad, slope)


def test_samples_and_states_are_tensors_and_have_no_derivative():
    drawn = hb.device("default.qubit", wires=2, shots=20, seed=1)
    kinds = {
        "sample": (hb.sample, drawn, torch.int64, (20, 2)),
        "sample of an observable": (lambda: hb.sample(hb.Z(0)), drawn, torch.float64, (20,)),
        "state": (hb.state, QUBITS, torch.complex128, (8,)),
        "density matrix": (lambda: hb.density_matrix([0]), QUBITS, torch.complex128, (2, 2)),
    }
    for measured, device, dtype, shape in kinds.values():
        node = hb.QNode(lambda x, m=measured: (hb.RX(x, wires=0), m())[1], device)
        found = node(torch.tensor(0.3, dtype=torch.float64))
        assert (found.dtype, found.shape) == (dtype, shape)
        with torch.no_grad():
            node(torch.tensor(0.3, requires_grad=True))
        with pytest.raises(hb.GradientError, match="not differentiable; return expval, var or probs"):
            node(torch.tensor(0.3, requires_grad=True))
        with pytest.raises(hb.GradientError, match="not differentiable; return expval, var or probs"):
            jvp(node, (torch.tensor(0.3),), (torch.tensor(1.0),))
    node = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.sample())[1], drawn)
    with hb.Tracker(drawn) as tracker:
        assert vmap(node)(torch.zeros(3)).shape == (3, 20, 2)
    assert tracker.totals["jobs"] == 1
    counted = hb.QNode(lambda x: (hb.RX(x, wires=0), (hb.counts(), hb.expval(hb.Z(0))))[1], drawn)
    counts, value = counted(torch.tensor(0.0))
    assert counts == {"00": 20} and type(value) is torch.Tensor
    assert counted(torch.zeros(2))[0] == [{"00": 20}] * 2
    with pytest.raises(hb.GradientError, match="counts"):
        counted(torch.tensor(0.0, requires_grad=True))
    with pytest.raises(hb.CircuitError, match=r"counts are dicts, which torch\.func cannot transform"):
        vmap(counted)(torch.zeros(3))


BAD = {
    "whole numbers": (torch.tensor(1), r"tensor of torch.int64; give x.double\(\)"),
    "complex numbers": (torch.tensor(1j), "tensor of torch.complex64"),
    "no numbers": (torch.zeros(2, device="meta"), "device 'meta'"),
    "a sparse tensor": (torch.ones(2).to_sparse(), r"torch.sparse_coo; give x.to_dense\(\)"),
    "NaN": (torch.tensor([0.0, float("nan")]), "parameter 0 of the circuit is nan"),
    "a matrix": (torch.zeros(2, 2), r"arrays \(batch,\) of one length; got shapes \(2, 2\)"),
    "no rows": (torch.zeros(0), "at least one entry"),
}


@pytest.mark.parametrize("bad, message", BAD.values(), ids=BAD)
def test_bad_tensors_are_refused_by_name(bad, message):
    node = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], QUBITS)
    with pytest.raises(hb.CircuitError, match=message):
        node(bad)


def test_a_parameter_that_is_not_a_number_is_named_at_its_place():
    with pytest.raises(hb.CircuitError, match="parameter 3 of the circuit is inf"):
        NODES["one number"](torch.zeros(3), torch.tensor(float("inf")))


def test_a_named_interface_gives_tensors_always():
    for static in (False, True):
        node = hb.QNode(
            lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], QUBITS, interface="torch", static=static
        )
        assert type(node(0.3)) is torch.Tensor
        same(node(0.3), np.cos(0.3), 1e-6)
        same(node(np.array([0.3, 0.4])), np.cos([0.3, 0.4]), 1e-6)
        with pytest.raises(hb.CircuitError, match=r"arrays of autograd, and .* interface='torch'"):
            hb.grad(node)(0.3)
    with pytest.raises(hb.CircuitError, match="arrays of autograd and torch"):
        hb.grad(lambda y: NODES["one number"](torch.zeros(3), y))(0.3)


def test_without_an_interface_a_tensor_that_requires_a_derivative_is_refused():
    node = hb.QNode(one, QUBITS, interface=None)
    assert node(*tensors(requires_grad=False)) == pytest.approx(NODES["one number"](X, Y))
    with pytest.raises(hb.CircuitError, match="must be a real number"):
        node(*tensors())


def test_what_has_no_derivative_says_so():
    node = hb.QNode(one, QUBITS, diff_method=None)
    value = node(*tensors())
    with pytest.raises(hb.GradientError, match="diff_method=None"):
        value.backward()
    with pytest.raises(hb.GradientError, match=r"use torch\.func"):
        torch.autograd.functional.jacobian(joined(NODES["qubits"]), tuple(tensors()), vectorize=True)


def test_changing_a_parameter_between_value_and_derivative_is_an_error():
    x, y = tensors()
    value = joined(NODES["qubits"])(x, y).sum()
    with torch.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_threads_share_a_node():
    node, found = NODES["one number"], {}

    def work(k):
        x, y = tensors()
        node(x + k, y).backward()
        found[k] = x.grad

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, slope in found.items():
        same(slope, hb.grad(node)(X + k, Y))


def turned(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


def test_a_node_pickles():
    node = pickle.loads(pickle.dumps(hb.QNode(turned, QUBITS, interface="torch")))
    x = torch.tensor(0.3, requires_grad=True)
    node(x).backward()
    same(x.grad, -np.sin(0.3), 1e-6)


def test_functional_call_differentiates_a_module():
    class Turn(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.angle = torch.nn.Parameter(torch.tensor([0.2, 0.5, 0.1], dtype=torch.float64))

        def forward(self, y):
            return NODES["one number"](self.angle, y)

    module = Turn()
    weights = dict(module.named_parameters())
    y = torch.tensor(Y, dtype=torch.float64)
    slopes = grad(lambda w: functional_call(module, w, (y,)))(weights)
    module(y).backward()
    same(slopes["angle"], module.angle.grad)
    rows = {"angle": torch.stack([module.angle.detach(), 2 * module.angle.detach()])}
    with hb.Tracker(QUBITS) as tracker:
        vmap(lambda w: functional_call(module, w, (y,)))(rows)
    assert tracker.totals["jobs"] == 1


def test_shots_differentiate_by_the_rule():
    node = NODES["one number"].on("default.qubit", shots=20000, seed=2)
    x, y = tensors()
    node(x, y).backward()
    same(x.grad, hb.grad(NODES["one number"])(X, Y), 0.05)


def test_a_cost_of_qubits_light_and_a_network_learns():
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 3).double()
    last = torch.nn.Linear(2, 1).double()
    inputs, wanted = torch.randn(6, 2, dtype=torch.float64), torch.linspace(-1, 1, 6, dtype=torch.float64)
    y = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

    def cost():
        hidden = torch.tanh(network(inputs))
        found = torch.stack(
            [torch.stack([NODES["qubits"](h, y)[0], NODES["light"](h, y)[0]]) for h in hidden]
        )
        return ((last(found)[:, 0] - wanted) ** 2).mean()

    optimizer = torch.optim.Adam([*network.parameters(), *last.parameters(), y], lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = cost()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in [*network.parameters(), y])
