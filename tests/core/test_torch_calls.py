"""Tensors in a call: dtypes, devices, entries, results, and what bad ones get."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call, grad, jvp, vmap
from torch_nodes import (
    NODES,
    QUBITS,
    X,
    Y,
    joined,
    one,
    reference,
    same,
    tensors,
)

import hybridge as hb
from hybridge import numpy as hnp
from hybridge.interfaces.torch_functions import plain, tensor


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
