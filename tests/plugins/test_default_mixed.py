"""default.mixed: its engine against the plain one and the reference, on circuits with many channels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import hybridge as hb
from hybridge.conformance import QubitConformance, reference
from hybridge.conformance.rows import CHANCES, examples
from hybridge.errors import DeviceError, GradientError, UnsupportedCircuit
from hybridge.operations.table import ROWS
from hybridge_default import mixed
from hybridge_default.mixed import DefaultMixed
from hybridge_default.mixed_functions import CHANNELS
from hybridge_default.mixed_layout import NUM_RECORDS
from hybridge_default.mixed_numpy import PlainMixed
from hybridge_default.mixed_transfer import at, coefficients, form, matrices, shown, transfer, words

ROWS_MIXED = [
    e
    for e in examples("qubit", CHANCES)
    if e.operation.kind in ("gate", "channel") and 0 < e.operation.num_wires <= 3 and e.operation.definition
]
CHANNEL_ROWS = [e for e in ROWS_MIXED if e.operation.kind == "channel"]


class TestPlainMixed(QubitConformance):
    """The kit on the form without numba, which default.mixed is where numba is not installed."""

    device = PlainMixed


def random_circuit(seed, n, length, measure):
    """A function of one array of numbers, and numbers for it: channels are half of its operations."""
    rng = np.random.default_rng(seed)
    chosen, numbers = [], []
    for _ in range(length):
        rows = CHANNEL_ROWS if rng.random() < 0.5 else ROWS_MIXED
        example = rows[rng.integers(len(rows))]
        if example.operation.num_wires > n:
            continue
        wires = rng.permutation(n)[: example.operation.num_wires].tolist()
        chosen.append((example.operation, wires, len(numbers)))
        numbers += example.numbers

    def circuit(x):
        for w in range(n):
            hb.RY(0.4 + 0.3 * w, wires=w)
        for operation, wires, start in chosen:
            operation(*(x[start + i] for i in range(operation.arity)), wires=wires)
        return measure()

    return circuit, np.array(numbers)


def everything(n):
    wires = list(range(n))[::-1]
    return (
        hb.expval(hb.X(0) @ hb.Z(n - 1) - 0.3 * hb.Y(0) + 0.2 * hb.Z(n - 1)),
        hb.var(hb.Y(0) + 0.5 * hb.Z(n - 1)),
        hb.probs(wires=wires[: max(1, n - 1)]),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_engine_gives_what_definitions_give(seed):
    n = 2 + seed % 4
    measure = lambda: (*everything(n), hb.density_matrix(list(range(n))[::-1]), hb.density_matrix([n - 1]))
    circuit, x = random_circuit(seed, n, 30, measure)
    found = hb.QNode(circuit, hb.device("default.mixed", wires=n))(x)
    for one, other in zip(found, hb.QNode(circuit, PlainMixed(wires=n))(x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def flat(circuit, device):
    """The values of a circuit of one array, side by side."""
    node = hb.QNode(circuit, device)
    return lambda x: np.concatenate([np.ravel(v) for v in node(x)])


def slopes(node, x, cotangent):
    """The device's own derivatives, of everything at once."""
    plan = node.plan(x)
    rows = np.atleast_2d(np.asarray(node.record(x).numbers, float))
    return plan.value_and_vjp(rows, cotangent)


@pytest.mark.parametrize("seed", range(8))
def test_one_sweep_back_gives_the_derivatives_of_every_number(seed):
    n = 2 + seed % 3
    circuit, x = random_circuit(100 + seed, n, 20, lambda: everything(n))
    node = hb.QNode(circuit, hb.device("default.mixed", wires=n))
    exact = reference.jacobian(flat(circuit, PlainMixed(wires=n)), x)
    cotangent = np.random.default_rng(seed).normal(size=(1, len(exact)))
    values, found = slopes(node, x, cotangent)
    own = [k for k in range(found.shape[1]) if k >= n]  # the first n are those of the first gates
    np.testing.assert_allclose(values[0], flat(circuit, PlainMixed(wires=n))(x), atol=1e-12)
    np.testing.assert_allclose(found[0, own], cotangent[0] @ exact, atol=2e-7)


@pytest.mark.parametrize("room", (1, 2, 3, 5))
def test_derivatives_are_the_same_however_few_states_are_kept(room, monkeypatch):
    circuit, x = random_circuit(7, 3, 60, lambda: everything(3))
    node = hb.QNode(circuit, hb.device("default.mixed", wires=3))
    cotangent = np.random.default_rng(1).normal(size=(1, 6))
    exact = slopes(node, x, cotangent)[1]
    monkeypatch.setattr(mixed, "LEAST", room)
    monkeypatch.setattr(mixed, "ROOM", 0)
    np.testing.assert_allclose(slopes(node, x, cotangent)[1], exact, atol=1e-12)


@pytest.mark.parametrize("threads", (2, 3))
def test_threads_change_no_bit(threads):
    circuit, x = random_circuit(3, 4, 30, lambda: everything(4))
    batch = np.repeat(x[None], 7, axis=0) * np.linspace(0.6, 1, 7)[:, None]
    single, shared = (hb.QNode(circuit, DefaultMixed(wires=4, threads=t)) for t in (1, threads))
    for one, other in zip(single(batch.T), shared(batch.T), strict=True):
        assert np.array_equal(one, other)


def test_rows_of_a_batch_are_those_of_one():
    circuit, x = random_circuit(5, 3, 30, lambda: everything(3))
    batch = np.repeat(x[None], 4, axis=0) * np.linspace(0.7, 1, 4)[:, None]
    node = hb.QNode(circuit, hb.device("default.mixed", wires=3))
    together = node(batch.T)
    for b, row in enumerate(batch):
        for whole, one in zip(together, node(row), strict=True):
            assert np.array_equal(whole[b], one)


def test_without_numba_it_is_the_plain_form():
    script = (
        "import importlib.util as u, sys\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "import hybridge as hb\n"
        "dev = hb.device('default.mixed', wires=1)\n"
        "f = hb.QNode(lambda p: (hb.RX(0.3, wires=0), hb.BitFlip(p, wires=0), hb.expval(hb.Z(0)))[2], dev)\n"
        "assert abs(hb.grad(f)(0.2) + 2 * 0.9553364891256060) < 1e-12\n"
        "assert 'numba' not in sys.modules\n"
        "print(type(f.device).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "PlainMixed"


def test_single_precision_holds_to_a_millionth():
    circuit, x = random_circuit(9, 4, 40, lambda: everything(4))
    exact = hb.QNode(circuit, hb.device("default.mixed", wires=4))(x)
    for one, other in zip(
        hb.QNode(circuit, hb.device("default.mixed", wires=4, dtype="complex64"))(x), exact, strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-6)
        assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "said"), (({"dtype": "float16"}, "complex64"), ({"threads": 0}, "threads"))
)
def test_options_are_checked(options, said):
    with pytest.raises(DeviceError, match=said):
        hb.device("default.mixed", wires=1, **options)


def test_what_fits_nowhere_is_refused_before_it_is_tried():
    circuit = lambda: (hb.BitFlip(0.1, wires=39), hb.expval(hb.Z(0)))[1]
    for device in (hb.device("default.mixed", wires=40), PlainMixed(wires=40)):
        with pytest.raises(UnsupportedCircuit, match="of memory"):
            hb.QNode(circuit, device)()


def test_noise_on_a_wire_costs_no_pass_of_its_own():
    """It is in one matrix with the gates before and behind it; two constant matrices on two wires are one."""

    def circuit(x):
        for w in range(3):
            hb.RX(x, wires=w)
            hb.DepolarizingChannel(0.1, wires=w)
            hb.AmplitudeDamping(0.1, wires=w)
            hb.RZ(x, wires=w)
        hb.CNOT([0, 1])
        hb.PauliError("XX", 0.2, wires=[0, 1])
        return hb.expval(hb.Z(0))

    node = hb.QNode(circuit, hb.device("default.mixed", wires=3))
    plan = node.plan(0.3)
    assert plan.programs[0].ints[NUM_RECORDS] == 3 + 1 + 1  # the probability is a number, so no constant


@pytest.mark.parametrize("example", CHANNEL_ROWS, ids=str)
def test_channels_are_affine_in_their_functions(example):
    """At numbers that no form was made from, to rounding."""
    found = form(example.operation)
    assert found is not None
    rng = np.random.default_rng(17)
    for _ in range(20):
        numbers = [rng.uniform(*CHANCES[p]) for p in example.operation.params]
        np.testing.assert_allclose(shown(found, numbers), at(example.operation, *numbers), atol=1e-12)


def test_channels_with_functions_of_their_own_are_rows():
    for name, functions in CHANNELS.items():
        assert {p for _, *parameters in functions for p in parameters} <= set(ROWS[name].params)


@pytest.mark.parametrize("k", (1, 2, 3))
def test_transfer_matrices_follow_from_their_definition(k):
    rng = np.random.default_rng(k)
    kraus = rng.normal(size=(2, 2**k, 2**k)) + 1j * rng.normal(size=(2, 2**k, 2**k))
    rho = rng.normal(size=(2**k, 2**k)) + 1j * rng.normal(size=(2**k, 2**k))
    rho = rho @ rho.conj().T
    moved = sum(m @ rho @ m.conj().T for m in kraus)
    np.testing.assert_allclose(transfer(kraus) @ coefficients(rho), coefficients(moved), atol=1e-9)
    np.testing.assert_allclose(matrices(coefficients(rho)[None])[0], rho, atol=1e-12)
    exact = [np.trace(word @ rho).real for word in words(k)]
    np.testing.assert_allclose(coefficients(rho), exact, atol=1e-10)


DAMPINGS = {
    "AmplitudeDamping": lambda gamma: hb.AmplitudeDamping(gamma, wires=0),
    "GeneralizedAmplitudeDamping": lambda gamma: hb.GeneralizedAmplitudeDamping(gamma, 0.3, wires=0),
    "PhaseDamping": lambda gamma: hb.PhaseDamping(gamma, wires=0),
}


def damped(channel, observable):
    """An angle, and a damping of a coherence that matters to X, and to Z it does not."""

    @hb.qnode(hb.device("default.mixed", wires=1))
    def node(x, gamma):
        hb.RY(x, wires=0)
        channel(gamma)
        return hb.expval(observable)

    return node


@pytest.mark.parametrize("name", DAMPINGS)
def test_damping_to_the_end_has_no_slope_where_coherence_matters(name):
    node = damped(DAMPINGS[name], hb.X(0) + hb.Z(0))
    for gradient in (
        lambda: hb.grad(node, 1)(0.4, 1.0),
        lambda: hb.grad(lambda gamma: node(0.4, gamma) ** 2)(1.0),
        lambda: hb.jacobian(node, 1)(0.4, np.array([0.3, 1.0])),
        lambda: hb.jvp(node, (0.4, 1.0), (0.0, 1.0)),
        lambda: node(0.4, torch.tensor(1.0, dtype=torch.float64, requires_grad=True)).backward(),
    ):
        with pytest.raises(GradientError, match=f"'gamma' of {name} on wires .* infinite at gamma = "):
            gradient()
    assert np.isfinite(hb.grad(node, 1)(0.4, 0.999999))


@pytest.mark.parametrize("name", DAMPINGS)
def test_damping_to_the_end_is_differentiated_in_all_else(name):
    """In other numbers, with the damping a constant or not, and in gamma where no coherence matters."""
    node = damped(DAMPINGS[name], hb.X(0) + hb.Z(0))
    rule = node.update(diff_method="parameter-shift")
    x = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    node(x, 1.0).backward()
    slope = hb.grad(rule)(0.4, 1.0)
    found = [hb.grad(node)(0.4, 1.0), float(x.grad)]
    found += [hb.grad(lambda x: node(x, 1.0) ** 2)(0.4) / (2 * node(0.4, 1.0))]
    found += [hb.jacobian(node)(np.array([0.4, 0.4]), 1.0)[k, k] for k in (0, 1)]
    np.testing.assert_allclose(found, slope, rtol=1e-12, atol=1e-15)
    assert np.isclose(hb.hessian(node)(0.4, 1.0), hb.hessian(rule)(0.4, 1.0))
    plain = damped(DAMPINGS[name], hb.Z(0))
    step = [plain(0.4, 1.0 - h) for h in (0.0, 0.5)]  # a straight line
    assert np.isclose(hb.grad(plain, 1)(0.4, 1.0), (step[0] - step[1]) / 0.5)


def test_times_of_no_length_have_slopes():
    """Relaxation that is over at once: everything is 0 but what the population is."""

    @hb.qnode(hb.device("default.mixed", wires=1))
    def node(pe, t1, t2, tg):
        hb.RY(0.4, wires=0)
        hb.ThermalRelaxationError(pe, t1, t2, tg, wires=0)
        return hb.expval(hb.X(0) + hb.Z(0))

    np.testing.assert_allclose(hb.grad(node, (0, 1, 2, 3))(0.3, 1e-300, 1e-300, 1.0), [-2, 0, 0, 0])


def test_samples_are_drawn_by_the_device():
    device = hb.device("default.mixed", wires=2, shots=50, seed=3)
    node = hb.QNode(lambda: (hb.BitFlip(1.0, wires=1), hb.sample(wires=[1, 0]))[1], device)
    assert np.array_equal(node(), np.tile([1, 0], (50, 1)))
