"""strawberryfields.bosonic: sums of Gaussians through every Gaussian operation, exact."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.errors import CircuitError, DeviceError, UnsupportedCircuit
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.registry import device as make
from hybridge_strawberryfields import GAUSSIAN, backends, bosonic_backend

sf = backends.sf
PLACES = {1: [(2,), (0,)], 2: [(2, 0), (1, 0), (0, 2)], 3: [(2, 0, 1)]}


def rows(name: str) -> list[Operation]:
    if name not in FAMILIES:
        return [ROWS[name]]
    return [FAMILIES[name].of(n, *constants) for n, constants in FAMILIES[name].examples]


PLACED = [
    (row, at) for name in sorted(GAUSSIAN.operations) for row in rows(name) for at in PLACES[row.num_wires]
]
BEFORE = (
    (hb.Squeezing, (1,)),
    (hb.Displacement, (2,)),
    (hb.Beamsplitter, (1, 0)),
    (hb.TwoModeSqueezing, (2, 1)),
)


def circuit(items: Any, kind: str, n: int = 3) -> Circuit:
    return Circuit(tuple(Instruction(*item) for item in items), (Measurement(kind),), tuple(range(n)))


def points(items: Any, batch: int = 2) -> np.ndarray:
    slots = sum(row.arity for row, _ in items)
    return np.random.default_rng(slots).uniform(0.2, 0.7, (batch, slots))


def run(device: Device, made: Circuit, params: np.ndarray) -> np.ndarray:
    return device.run([Task(device.compile(made), params)])[0]


@pytest.mark.parametrize(("row", "wires"), PLACED)
def test_of_one_gaussian_it_is_the_gaussian_device(row, wires):
    items = [*BEFORE, (row, wires), *BEFORE[::-1]]
    params = points(items)
    found = run(make("strawberryfields.bosonic", wires=3), circuit(items, "mixture"), params)
    expected = run(make("strawberryfields.gaussian", wires=3), circuit(items, "gaussian"), params)
    assert found.shape == (2, 36 + 7) and not found.imag.any()
    np.testing.assert_allclose(found[:, :36].real, expected[:, 6:], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[:, 37:].real, expected[:, :6], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[:, 36], 1, rtol=0, atol=1e-15)


def two_cats(v):
    hb.CatState(v[0], v[1], v[2], wires=1)
    hb.CatState(v[3], 0.0, 1.0, wires=0)
    hb.Beamsplitter(v[4], v[5], wires=[1, 0])
    hb.Squeezing(0.1, 0.3, wires=0)
    hb.LossChannel(v[6], wires=1)
    hb.InterferometerUnitary(np.array([[1, 1j], [1j, 1]]) / np.sqrt(2), wires=[1, 0])
    return (
        hb.expval(hb.NumberOperator(0) @ hb.NumberOperator(1)),
        hb.var(hb.QuadP(1)),
        hb.expval(hb.QuadX(0) @ hb.QuadP(1)),
        hb.expval(hb.FockStateProjector([2, 1], [0, 1])),
        hb.probs(wires=[1, 0]),
    )


CATS = np.array([0.7, 0.3, 0.4, 0.5, 0.6, 0.9, 0.8])


def test_cats_that_interfere_are_those_of_fock_space():
    """The photon numbers of two modes, which SF has wrong, too."""
    mine = hb.qnode(hb.device("strawberryfields.bosonic", wires=2, cutoff_dim=5))(two_cats)(CATS)
    same = hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=20))(two_cats)(CATS)
    np.testing.assert_allclose(mine[:4], same[:4], rtol=0, atol=1e-7)
    table = same[4].reshape(20, 20)[:5, :5].ravel()
    np.testing.assert_allclose(mine[4], table, rtol=0, atol=1e-9)


def test_cats_are_those_of_the_vendors_engine():
    program = sf.Program(2)
    with program.context as q:
        sf.ops.Catstate(1.1, 0.4, 0.3) | q[0]
        sf.ops.Sgate(0.3, 0.5) | q[1]
        sf.ops.BSgate(0.6, 0.2) | (q[0], q[1])
        sf.ops.ThermalLossChannel(0.8, 0.3) | q[1]
    state = sf.Engine("bosonic").run(program).state

    def same():
        hb.CatState(1.1, 0.4, 0.3, wires=0)
        hb.Squeezing(0.3, 0.5, wires=1)
        hb.Beamsplitter(0.6, 0.2, wires=[0, 1])
        hb.ThermalLossChannel(0.8, 0.3, wires=1)
        found = [hb.expval(hb.QuadOperator(phi, m)) for m in (0, 1) for phi in (0.0, 0.7)]
        found += [hb.var(hb.QuadOperator(phi, m)) for m in (0, 1) for phi in (0.0, 0.7)]
        return [*found, *(hb.expval(hb.NumberOperator(m)) for m in (0, 1))]

    quadratures = [state.quad_expectation(m, phi) for m in (0, 1) for phi in (0.0, 0.7)]
    expected = [
        *(m for m, _ in quadratures),
        *(v for _, v in quadratures),
        *(state.mean_photon(m)[0] for m in (0, 1)),
    ]
    found = hb.qnode(hb.device("strawberryfields.bosonic", wires=2))(same)()
    np.testing.assert_allclose(found, np.real(expected), rtol=0, atol=1e-9)


@pytest.mark.parametrize("a", [1e-6, 0.01, 2.0])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_small_cats_keep_their_digits(a, p):
    """The norm of an odd one is 1 - exp(-2 a^2); its photon number goes to 1."""

    def small(a, p):
        hb.CatState(a, 0.4, p, wires=0)
        return hb.expval(hb.NumberOperator(0))

    found = hb.qnode(hb.device("strawberryfields.bosonic", wires=1))(small)(a, p)
    ket = hb.CatState.fock(40, a, 0.4, p)
    assert np.isclose(found, np.arange(40) @ np.abs(ket) ** 2, rtol=1e-4 if a == 1e-6 else 1e-10, atol=0)


def test_a_cat_without_a_norm_is_refused():
    def nothing():
        hb.CatState(0.0, 0.0, 1.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    with pytest.raises(CircuitError, match="is the zero vector"):
        hb.qnode(hb.device("strawberryfields.bosonic", wires=1))(nothing)()


def test_a_cat_prepared_on_the_way_ends_correlations():
    def renewed():
        hb.TwoModeSqueezing(0.5, 0.2, wires=[1, 0])
        hb.CatState(0.8, 0.3, 0.4, wires=1)
        hb.CatState(0.6, 0.3, 0.0, wires=1)
        return hb.expval(hb.NumberOperator(0)), hb.probs(wires=[1]), hb.expval(hb.QuadX(0) @ hb.QuadX(1))

    n, p, xx = hb.qnode(hb.device("strawberryfields.bosonic", wires=2, cutoff_dim=8))(renewed)()
    assert np.isclose(n, np.sinh(0.5) ** 2, atol=1e-12) and np.isclose(xx, 0.0, atol=1e-12)
    assert np.allclose(p, np.abs(hb.CatState.fock(8, 0.6, 0.3, 0.0)) ** 2, atol=1e-12)


def test_rows_are_independent_pickled_and_of_any_thread():
    device = make("strawberryfields.bosonic", wires=2)
    items = [(hb.CatState, (1,)), (hb.Beamsplitter, (1, 0)), (hb.LossChannel, (0,))]
    program, params = device.compile(circuit(items, "mixture", 2)), points(items, 5)
    together = device.run([Task(program, params)])[0]
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda row: device.run([Task(program, row[None])])[0][0], params))
    np.testing.assert_array_equal(together, alone)
    copy = pickle.loads(pickle.dumps(program))
    np.testing.assert_array_equal(device.run([Task(copy, params)])[0], together)
    assert device.run([Task(program, params[:0])])[0].shape[0] == 0


def test_the_vendors_hbar_and_random_numbers_do_not_matter(monkeypatch):
    node = hb.qnode(hb.device("strawberryfields.bosonic", wires=2, cutoff_dim=4))(two_cats)
    before, expected = np.random.get_state()[1].copy(), node(CATS)
    monkeypatch.setattr(sf, "hbar", 0.7)
    for found, same in zip(node(CATS), expected, strict=True):
        np.testing.assert_allclose(found, same, rtol=0, atol=1e-12)
    node.on("strawberryfields.bosonic", wires=2, shots=3, seed=1, cutoff_dim=6)(CATS)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_too_many_gaussians_are_refused(monkeypatch):
    monkeypatch.setattr(bosonic_backend, "ALWAYS_ROOM", 0)
    monkeypatch.setattr(bosonic_backend, "available", lambda: 3000)

    def many():
        for wire in range(3):
            hb.CatState(0.8, 0.3, 0.4, wires=wire)
        return hb.expval(hb.NumberOperator(0))

    with pytest.raises(DeviceError, match=r"a sum of 16 Gaussians needs .* use fewer cats and GKP states"):
        hb.qnode(hb.device("strawberryfields.bosonic", wires=3))(many)()


def test_what_is_no_sum_of_gaussians_is_refused():
    def kerr():
        hb.Kerr(0.1, wires=0)
        return hb.expval(hb.NumberOperator(0))

    def photon():
        hb.FockState([1], wires=0)
        return hb.expval(hb.NumberOperator(0))

    for function in (kerr, photon):
        with pytest.raises(UnsupportedCircuit):
            hb.qnode(hb.device("strawberryfields.bosonic", wires=1))(function)()


def test_gradients_of_cats_through_gaussian_gates():
    def model(v):
        hb.CatState(0.8, v[0], 0.4, wires=0)
        hb.Squeezing(v[1], 0.2, wires=1)
        hb.Beamsplitter(v[2], v[3], wires=[0, 1])
        return hb.expval(hb.NumberOperator(0) + hb.QuadX(0) @ hb.QuadP(1))

    point = np.array([0.3, 0.2, 0.6, 0.4])
    found = hb.grad(hb.qnode(hb.device("strawberryfields.bosonic", wires=2))(model))(point)
    expected = hb.grad(hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=24))(model))(point)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
