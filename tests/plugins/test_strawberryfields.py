"""The Strawberry Fields devices do what the rows say, and step into none of SF's traps."""

from __future__ import annotations

import itertools
import math
import pickle
import subprocess
import sys
import tracemalloc
import types
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.sparse as sparse
from scipy.sparse.linalg import expm_multiply

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.errors import CircuitError, MissingDependency, UnsupportedCircuit
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.registry import device as make
from hybridge_strawberryfields import BOSONIC, FOCK, GAUSSIAN, backends, sdk, translate
from hybridge_strawberryfields import fock as fock_device

sf = backends.sf
NUM_MODES = 3
# places for a row of k wires: out of order, far apart, and ending in mode 0
PLACES = {1: [(2,), (0,)], 2: [(2, 0), (1, 0), (0, 2), (2, 1)], 3: [(2, 0, 1)]}
Items = Sequence[tuple[Operation, tuple[int, ...]]]


def rows(name: str) -> list[Operation]:
    """The row of this name, or the family's examples."""
    if name not in FAMILIES:
        return [ROWS[name]]
    return [FAMILIES[name].of(num_wires, *constants) for num_wires, constants in FAMILIES[name].examples]


def placed(names: frozenset[str], *kinds: str) -> list[tuple[Operation, tuple[int, ...]]]:
    found = [r for name in sorted(names) for r in rows(name) if r.kind in kinds]
    return [(r, wires) for r in found for wires in PLACES[r.num_wires]]


def circuit(items: Items, kind: str, n: int = NUM_MODES) -> Circuit:
    return Circuit(tuple(Instruction(*item) for item in items), (Measurement(kind),), tuple(range(n)))


def numbers(items: Items, batch: int = 1, scale: float = 0.3) -> np.ndarray:
    """(batch, P) positive and moderate: they suit angles, squeezing, photon numbers and transmissions."""
    slots = sum(operation.arity for operation, _ in items)
    return np.random.default_rng(slots).uniform(0.4 * scale, scale, size=(batch, slots))


def run(device: Device, made: Circuit, params: np.ndarray) -> np.ndarray:
    return device.run([Task(device.compile(made), params)])[0]


def gaussian() -> Device:
    return make("strawberryfields.gaussian", wires=NUM_MODES)


def fock(cutoff: int, wires: int = NUM_MODES) -> Device:
    return make("strawberryfields.fock", wires=wires, cutoff_dim=cutoff)


# ---- what the rows say: Gaussian -------------------------------------------------------------------------


def correlated(n: int = NUM_MODES) -> Operation:
    """A Gaussian state of n modes, nothing symmetric about it."""
    rng = np.random.default_rng(5)
    A = rng.normal(size=(2 * n, 2 * n)) / 3
    return hb.GaussianState.of(n, np.eye(2 * n) * 1.1 + A @ A.T, rng.normal(size=2 * n))


def moments(items: Items, params: np.ndarray, n: int = NUM_MODES) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of one row of numbers, by the rows' definitions."""
    mean, cov, used = np.zeros(2 * n), np.eye(2 * n), 0
    for operation, wires in items:
        own = params[used : used + operation.arity]
        used += operation.arity
        at = [*wires, *(n + w for w in wires)]
        found = operation.definition(*own)  # type: ignore[misc]
        if operation.kind == "state":
            cov[at, :] = cov[:, at] = 0
            mean[at], cov[np.ix_(at, at)] = found
            continue
        X, Y = np.eye(2 * n), np.zeros((2 * n, 2 * n))
        X[np.ix_(at, at)] = found[0]
        if operation.kind == "channel":
            Y[np.ix_(at, at)] = found[2]
        mean, cov = X @ mean, X @ cov @ X.T + Y
        mean[at] += found[1]
    return mean, cov


def assert_moments(found: np.ndarray, items: Items, params: np.ndarray, n: int = NUM_MODES) -> None:
    for row, own in zip(found, params, strict=True):
        mean, cov = moments(items, own, n)
        # entries are of order 10 and a few dozen products deep
        np.testing.assert_allclose(row[: 2 * n], mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(row[2 * n :].reshape(cov.shape), cov, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("operation", "wires"), placed(GAUSSIAN.operations, "gate", "state", "channel"))
def test_gaussian_rows_on_a_correlated_state(operation, wires):
    items = [(correlated(), (1, 2, 0)), (operation, wires)]
    params = numbers(items, batch=3)
    assert_moments(run(gaussian(), circuit(items, "gaussian"), params), items, params)


def test_all_gaussian_rows_in_one_circuit():
    items = [(correlated(), (2, 0, 1)), *placed(GAUSSIAN.operations, "gate", "channel")]
    params = numbers(items, batch=2)
    assert_moments(run(gaussian(), circuit(items, "gaussian"), params), items, params)


def test_negative_parameters_keep_their_meaning():
    gates = [item for item in placed(GAUSSIAN.operations, "gate") if item[0].arity]
    params = -numbers(gates, batch=1)
    assert_moments(run(gaussian(), circuit(gates, "gaussian"), params), gates, params)


def test_several_measurements_stand_side_by_side():
    made = circuit([(hb.Squeezing, (1,))], "gaussian")._replace(measurements=(Measurement("gaussian"),) * 2)
    found = run(gaussian(), made, np.array([[0.3, 0.2]]))
    assert found.shape == (1, 84)
    np.testing.assert_array_equal(found[:, :42], found[:, 42:])


# ---- what the rows say: Fock space -----------------------------------------------------------------------

ROOM = 34  # photon numbers of the evaluator; 40 changes nothing by 1e-11


def hamiltonian(operation: Operation, params: Sequence[float], size: int) -> Any:
    """The row's H on truncated modes; Weyl order: x^a p^b = sum_k C(a, k) x^k p^b x^(a-k) / 2^a."""
    lower = np.diag(np.sqrt(np.arange(1, size)), 1).astype(complex)
    x, p = lower + lower.T, -1j * (lower - lower.T)
    power = np.linalg.matrix_power

    def weyl(a: int, b: int) -> np.ndarray:
        return sum(math.comb(a, k) / 2**a * power(x, k) @ power(p, b) @ power(x, a - k) for k in range(a + 1))

    assert operation.hamiltonian is not None
    total: Any = 0
    for monomial, coefficient in operation.hamiltonian(*params).terms.items():
        exponents = {mode: (a, b) for mode, a, b in monomial}
        factors = [weyl(*exponents.get(mode, (0, 0))) for mode in range(operation.num_wires)]
        total = total + coefficient * reduce(sparse.kron, map(sparse.csr_array, factors))
    return sparse.csr_array(total)


def evolved(
    ket: np.ndarray, operation: Operation, params: Sequence[float], wires: Sequence[int]
) -> np.ndarray:
    """exp(i H) on some modes of a ket whose axes have room enough; by the row's Hamiltonian alone."""
    k, size = operation.num_wires, ket.shape[0]
    front = np.moveaxis(ket, wires, range(k)).reshape(size**k, -1)
    H = hamiltonian(operation, params, size)
    after = expm_multiply(1j * H, front, traceA=1j * H.trace())
    return np.moveaxis(after.reshape(ket.shape), range(k), wires)


def few_photons(cutoff: int, levels: int, seed: int = 3) -> np.ndarray:
    """An entangled ket of three modes with photon numbers below `levels`, nothing symmetric about it."""
    rng = np.random.default_rng(seed)
    some = rng.normal(size=(levels,) * NUM_MODES) + 1j * rng.normal(size=(levels,) * NUM_MODES)
    return np.pad(some / np.linalg.norm(some), [(0, cutoff - levels)] * NUM_MODES)


def prepared(ket: np.ndarray, levels: int) -> Operation:
    return hb.FockStateVector.of(NUM_MODES, ket[(slice(levels),) * NUM_MODES])


def complete(cutoff: int, n: int = NUM_MODES) -> np.ndarray:
    """Where the total photon number is below the cutoff: there a gate's amplitudes miss nothing beyond it."""
    return np.indices((cutoff,) * n).sum(axis=0) < cutoff


def aligned(ket: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return ket * np.exp(-1j * np.angle(np.vdot(reference, ket)))


FOCK_GATES = [(r, wires) for r, wires in placed(FOCK.operations, "gate") if r.name != "CubicPhase"]


@pytest.mark.parametrize(("operation", "wires"), FOCK_GATES)
def test_fock_gates_on_an_entangled_ket(operation, wires):
    cutoff, levels = 11, 3
    size = ROOM if operation.num_wires < 3 else cutoff  # a passive gate of three modes keeps the photons
    ket = few_photons(size, levels)
    items = [(prepared(ket[(slice(cutoff),) * NUM_MODES], levels), (0, 1, 2)), (operation, wires)]
    params = numbers(items)
    found = run(fock(cutoff), circuit(items, "state"), params)[0].reshape((cutoff,) * NUM_MODES)
    small = np.zeros((size,) * NUM_MODES, dtype=complex)
    small[:, :, :] = ket
    expected = evolved(small, operation, params[0], wires)[(slice(cutoff),) * NUM_MODES]
    inside = complete(cutoff)
    np.testing.assert_allclose(aligned(found[inside], expected[inside]), expected[inside], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("operation", "wires"), FOCK_GATES)
def test_fock_gates_on_a_mixed_state(operation, wires):
    cutoff, levels = 6, 2
    size = 16 if operation.num_wires < 3 else cutoff
    kets = [few_photons(size, levels, seed) for seed in (1, 2)]
    flat = [k[(slice(levels),) * NUM_MODES].ravel() for k in kets]
    rho = sum(w * np.outer(v, v.conj()) for w, v in zip((0.7, 0.3), flat, strict=True))
    items = [(hb.FockDensityMatrix.of(NUM_MODES, rho), (0, 1, 2)), (operation, wires)]
    params = numbers(items, scale=0.1)
    found = run(fock(cutoff), circuit(items, "density_matrix"), params)[0].reshape((cutoff**NUM_MODES,) * 2)
    after = [evolved(k, operation, params[0], wires)[(slice(cutoff),) * NUM_MODES].ravel() for k in kets]
    expected = sum(w * np.outer(v, v.conj()) for w, v in zip((0.7, 0.3), after, strict=True))
    inside = np.ix_(*[np.flatnonzero(complete(cutoff))] * 2)
    np.testing.assert_allclose(found[inside], expected[inside], rtol=0, atol=1e-9)


def test_cubic_phase_with_room_below_the_cutoff():
    cutoff, gamma = 28, 0.1
    ket = np.zeros((cutoff, cutoff), dtype=complex)
    ket[:2, :2] = np.array([[0.6, 0.4j], [-0.3, 0.6]]) / np.linalg.norm([[0.6, 0.4], [0.3, 0.6]])
    items = [(hb.FockStateVector.of(2, ket[:2, :2]), (0, 1)), (hb.CubicPhase, (0,))]
    found = run(fock(cutoff, 2), circuit(items, "state", 2), np.array([[gamma]]))[0].reshape(cutoff, cutoff)
    expected = hb.CubicPhase.fock(cutoff, gamma) @ ket
    # SF exponentiates the truncated x^3: an error that falls with the cutoff and rises with the photon number
    np.testing.assert_allclose(found[:8], expected[:8], rtol=0, atol=1e-8)


def density(operation: Operation, params: Sequence[float], cutoff: int) -> np.ndarray:
    """A state row's density matrix (C^k, C^k), by its definition."""
    k = operation.num_wires
    if operation.gaussian:
        mean, cov = operation.definition(*params)  # type: ignore[misc]
        return GaussianModes(np.array([mean]), np.array([cov]), cutoff).density_matrix(range(k))[0]
    tensor = operation.fock(cutoff, *params)  # type: ignore[misc]
    if tensor.ndim == 2 * k:
        return tensor.reshape((cutoff**k,) * 2)
    return np.outer(tensor, tensor.conj())


STATES = placed(FOCK.operations, "state")


@pytest.mark.parametrize(("operation", "wires"), STATES)
def test_fock_states_replace_what_was_there(operation, wires):
    cutoff, levels, k = 6, 2, operation.num_wires
    ket = few_photons(cutoff, levels)
    items = [(prepared(ket, levels), (0, 1, 2)), (operation, wires)]
    params = numbers(items)
    found = run(fock(cutoff), circuit(items, "density_matrix"), params)[0]
    others = np.moveaxis(ket, wires, range(k)).reshape(cutoff**k, -1)
    rest = others.T @ others.conj()
    product = np.kron(density(operation, params[0], cutoff), rest).reshape((cutoff,) * 2 * NUM_MODES)
    order = [*wires, *(w for w in range(NUM_MODES) if w not in wires)]
    at = [order.index(w) for w in range(NUM_MODES)]
    expected = product.transpose([*at, *(NUM_MODES + a for a in at)])
    # a displacement of a truncated squeezed ket misses what it would bring back from beyond the cutoff
    atol = 2e-2 if operation.name == "DisplacedSqueezedState" else 1e-10
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=0, atol=atol)


@pytest.mark.parametrize(("operation", "wires"), [item for item in STATES if not item[0].mixed])
def test_states_on_untouched_modes_keep_the_ket(operation, wires):
    cutoff, others = 12, [w for w in range(NUM_MODES) if w not in wires]
    items = [(hb.FockState.of(1, 1), (w,)) for w in others]
    items += [(hb.InterferometerUnitary.of(1, [[1j]]), (w,)) for w in others]
    items += [(operation, wires)]
    params = numbers(items)
    found = run(fock(cutoff), circuit(items, "state"), params)[0]
    photon = np.diag(np.eye(cutoff)[1])
    product = reduce(np.kron, [density(operation, params[0], cutoff), *[photon] * len(others)])
    at = [[*wires, *others].index(w) for w in range(NUM_MODES)]
    expected = product.reshape((cutoff,) * 2 * NUM_MODES).transpose([*at, *(NUM_MODES + a for a in at)])
    # a displacement of a truncated squeezed ket misses what it would bring back from beyond the cutoff
    atol = 1e-3 if operation.name == "DisplacedSqueezedState" else 1e-10
    np.testing.assert_allclose(
        np.outer(found, found.conj()), expected.reshape((len(found),) * 2), rtol=0, atol=atol
    )


@pytest.mark.parametrize("transmission", [0.0, 0.3, 1.0])
def test_loss_in_fock_space(transmission):
    cutoff = 8
    items = [
        (hb.CoherentState, (1,)),
        (hb.FockState.of(1, 1), (0,)),
        (hb.LossChannel, (1,)),
        (hb.LossChannel, (0,)),
    ]
    params = np.array([[0.4, 0.7, transmission, transmission]])
    found = run(fock(cutoff, 2), circuit(items, "density_matrix", 2), params)[0].reshape((cutoff**2,) * 2)
    dimmed = density(hb.CoherentState, (0.4 * math.sqrt(transmission), 0.7), cutoff)
    photon = np.diag([1 - transmission, transmission, *[0.0] * (cutoff - 2)])
    np.testing.assert_allclose(
        found, np.kron(photon, dimmed), rtol=0, atol=1e-6
    )  # of the amplitude beyond 8 photons


# ---- the traps ------------------------------------------------------------------------------------------

PURE = [
    (hb.CoherentState, (3,)),
    (hb.SqueezedState, (1,)),
    (hb.FockState.of(1, 1), (0,)),
    (hb.CatState, (2,)),
    (hb.Beamsplitter, (2, 0)),
    (hb.TwoModeSqueezing, (3, 0)),
    (hb.ControlledPhase, (1, 0)),
]
MIXTURE = [
    (hb.Squeezing, (1,)),
    (hb.Beamsplitter, (1, 0)),
    (hb.ThermalState, (0,)),
    (hb.QuadraticPhase, (1,)),
]


def test_preparations_do_not_make_a_density_matrix():
    made, params = circuit(PURE, "state", 4), numbers(PURE)
    device = fock(8, 4)
    run(device, made, params)  # numba compiles
    tracemalloc.start()
    found = run(device, made, params)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (1, 8**4)
    assert peak < 16 * 8**8 / 50  # SF's density matrix would take 268 MB
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-3)


def test_a_mode_prepared_anew_leaves_no_ket():
    with pytest.raises(
        UnsupportedCircuit, match="this circuit to a ket: it is mixed; ask for density_matrix"
    ):
        run(fock(5, 2), circuit(MIXTURE, "state", 2), numbers(MIXTURE))


def test_two_mode_gates_whose_second_mode_is_0():
    for operation in (hb.Beamsplitter, hb.TwoModeSqueezing, hb.ControlledAddition, hb.ControlledPhase):
        items = [(hb.Displacement, (1,)), (hb.Squeezing, (2,)), (operation, (1, 0)), (operation, (2, 0))]
        params = numbers(items, scale=0.2)
        kets = run(fock(12), circuit(items, "state"), params).reshape((12,) * NUM_MODES)
        mean, _ = moments(items, params[0])
        lower = np.diag(np.sqrt(np.arange(1, 12)), 1)
        for mode in range(NUM_MODES):
            lowered = np.moveaxis(np.tensordot(lower, kets, (1, mode)), 0, mode)
            amplitude = np.vdot(kets, lowered)
            expected = (mean[mode] + 1j * mean[NUM_MODES + mode]) / 2
            assert amplitude == pytest.approx(expected, abs=1e-6), (operation, mode)


def test_displaced_squeezed_states_of_little_squeezing():
    cutoff = 20
    for r in (0.0, 1e-7, 1e-3):
        params = np.array([[0.4, 0.3, r, 0.9]])
        found = run(fock(cutoff, 1), circuit([(hb.DisplacedSqueezedState, (0,))], "state", 1), params)[0]
        expected = density(hb.DisplacedSqueezedState, params[0], cutoff)
        np.testing.assert_allclose(np.outer(found, found.conj()), expected, rtol=0, atol=1e-12)


def test_small_quadratic_phases_keep_their_digits():
    for s in (1e-4, -2e-8, 1e-12):
        items = [(hb.Displacement, (0,)), (hb.QuadraticPhase, (0,))]
        params = np.array([[0.5, 0.2, s]])
        mean, cov = moments(items, params[0], 1)
        found = run(make("strawberryfields.gaussian", wires=1), circuit(items, "gaussian", 1), params)[0]
        np.testing.assert_allclose(found, [*mean, *cov.ravel()], rtol=0, atol=1e-15)


def test_small_odd_cats_keep_their_digits():
    for a in (1e-3, 1e-9, -0.7, 1.2):
        for p in (1.0, 0.0, 0.3):
            params = np.array([[a, 0.4, p]])
            found = run(fock(16, 1), circuit([(hb.CatState, (0,))], "state", 1), params)[0]
            np.testing.assert_allclose(found, hb.CatState.fock(16, a, 0.4, p), rtol=0, atol=1e-12)


def test_squeezing_of_a_gaussian_state_keeps_its_sign():
    state = hb.GaussianState.of(1, np.diag([2.0, 0.5]), np.array([0.3, -0.2]))
    found = run(fock(9, 2), circuit([(state, (1,))], "state", 2), np.empty((1, 0)))[0].reshape(9, 9)
    expected = density(state, (), 9)
    np.testing.assert_allclose(np.outer(found[0], found[0].conj()), expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(found[1:], 0)


def test_pure_density_matrices_are_kets():
    ket = np.array([0.6, 0.0, 0.8j])
    items = [(hb.FockDensityMatrix.of(1, np.outer(ket, ket.conj())), (1,)), (hb.Beamsplitter, (1, 0))]
    params = np.array([[0.4, 0.3]])
    same = [(hb.FockStateVector.of(1, ket), (1,)), (hb.Beamsplitter, (1, 0))]
    found, expected = (run(fock(5, 2), circuit(i, "state", 2), params)[0] for i in (items, same))
    np.testing.assert_allclose(aligned(found, expected), expected, rtol=0, atol=1e-12)


def test_constants_are_fitted_to_the_cutoff_or_refused():
    for family, constants in (
        (hb.FockState, (3,)),
        (hb.FockStateVector, (np.array([0.6, 0.0, 0.0, 0.8]),)),
        (hb.FockDensityMatrix, (np.diag([0.5, 0.0, 0.0, 0.5]),)),
    ):
        made = circuit([(family.of(1, *constants), (1,))], "density_matrix", 2)
        for cutoff in (4, 6):
            found = run(fock(cutoff, 2), made, np.empty((1, 0)))
            assert found.reshape((cutoff**2,) * 2).trace() == pytest.approx(1)
        with pytest.raises(CircuitError, match="needs cutoff_dim >= 4"):
            fock(3, 2).compile(made)


def test_numbers_that_make_no_sense_are_refused():
    for operation, values, text in (
        (
            hb.ThermalState,
            [[0.2], [-0.3]],
            r"ThermalState\(nbar\) needs a mean photon number nbar >= 0; got -0.3",
        ),
        (hb.LossChannel, [[0.2], [1.5]], r"LossChannel\(T\) needs a transmission 0 <= T <= 1; got 1.5"),
        (hb.LossChannel, [[-0.5]], r"got -0.5"),
    ):
        for device, kind in ((gaussian(), "gaussian"), (fock(4), "density_matrix")):
            with pytest.raises(CircuitError, match=text):
                run(device, circuit([(operation, (1,))], kind), np.array(values))
    with pytest.raises(CircuitError, match="is the zero vector"):
        run(fock(4), circuit([(hb.CatState, (1,))], "state"), np.array([[0.0, 0.2, 1.0]]))


def test_gate_matrices_are_not_kept_at_large_cutoffs():
    items = [(hb.Beamsplitter, (1, 0)), (hb.TwoModeSqueezing, (0, 1)), (hb.CrossKerr, (0, 1))]
    for cutoff in (15, 20):
        run(fock(cutoff, 2), circuit(items, "state", 2), numbers(items, batch=2))
        assert [f.cache_info().currsize for f in backends.REMEMBERING] == [0] * len(backends.REMEMBERING)
    run(fock(4, 2), circuit(items, "state", 2), numbers(items))
    assert sum(f.cache_info().currsize for f in backends.REMEMBERING) == 3  # where they are small they are


def test_they_are_not_kept_between_rows_where_they_are_larger_still(monkeypatch):
    calls = []
    monkeypatch.setattr(fock_device, "forget_matrices", lambda: calls.append(None))
    items = [(hb.Squeezing, (0,))]
    for cutoff, expected in ((14, 0), (15, 1), (19, 1), (20, 4)):
        calls.clear()
        run(fock(cutoff, 1), circuit(items, "state", 1), numbers(items, batch=3))
        assert len(calls) == expected


def test_rows_are_independent_and_runs_repeat():
    gaussian_items = [item for item in placed(GAUSSIAN.operations, "gate", "state", "channel")]
    for device, items, kind, n in (
        (gaussian(), gaussian_items, "gaussian", 3),
        (fock(5, 4), PURE, "state", 4),
        (fock(4, 2), MIXTURE, "density_matrix", 2),
    ):
        recipe, params = device.compile(circuit(items, kind, n)), numbers(items, batch=4)
        together, again = (device.run([Task(recipe, params)])[0] for _ in range(2))
        alone = device.run([Task(recipe, params[i : i + 1]) for i in (2, 0, 3, 1)])
        np.testing.assert_array_equal(together, again)
        np.testing.assert_array_equal(together[[2, 0, 3, 1]], np.concatenate(alone))
        assert device.run([Task(recipe, params[:0])])[0].shape == (0, together.shape[1])


def test_hbar_of_the_vendor_does_not_matter(monkeypatch):
    gaussian_items = [(correlated(), (2, 0, 1)), *placed(GAUSSIAN.operations, "gate")]
    fock_items = [(hb.CubicPhase, (0,)), (hb.GaussianState.of(1, np.diag([2.0, 0.5]), np.ones(2)), (1,))]
    cases = [(gaussian(), circuit(gaussian_items, "gaussian"), numbers(gaussian_items))]
    cases += [(fock(5, 2), circuit(fock_items, "state", 2), numbers(fock_items))]
    for device, made, params in cases:
        expected = run(device, made, params)
        monkeypatch.setattr(sf, "hbar", 0.7)
        np.testing.assert_allclose(run(device, made, params), expected, rtol=0, atol=1e-12)
        assert sf.hbar == 0.7
        monkeypatch.setattr(sf, "hbar", 2)


def test_the_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()
    run(fock(4, 2), circuit(MIXTURE, "density_matrix", 2), numbers(MIXTURE))
    run(gaussian(), circuit([(hb.Squeezing, (0,))], "gaussian"), numbers([(hb.Squeezing, (0,))]))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_gates_are_given_plain_floats():
    recipe = gaussian().compile(circuit([(hb.TwoModeSqueezing, (2, 0))], "gaussian"))
    assert {type(x) for x in itertools.chain(*recipe.numbers(np.array([[0.3, 0.1]])))} == {float}


def test_calls_give_what_the_engine_gives():
    items = [
        item for item in FOCK_GATES if item[0].arity and item[1][-1] != 0 and item[0].name != "QuadraticPhase"
    ]
    params = numbers(items, scale=0.1)
    program = fock(7).compile(circuit(items, "state"))
    engine = sf.Engine("fock", backend_options={"cutoff_dim": 7})
    result = engine.run(program.recipe.program, args={f"p{k}": float(x) for k, x in enumerate(params[0])})
    expected = result.state.ket().ravel()
    np.testing.assert_allclose(fock(7).run([Task(program, params)])[0][0], expected, rtol=0, atol=1e-12)

    items = placed(GAUSSIAN.operations, "gate")
    params = numbers(items, scale=0.1)
    recipe = gaussian().compile(circuit(items, "gaussian"))
    result = sf.Engine("gaussian").run(
        recipe.program, args={f"p{k}": float(x) for k, x in enumerate(params[0])}
    )
    expected = [*result.state.means(), *result.state.cov().ravel()]
    np.testing.assert_allclose(gaussian().run([Task(recipe, params)])[0][0], expected, rtol=0, atol=1e-12)


def test_threads_do_not_disturb_each_other():
    items = [(correlated(), (2, 0, 1)), *placed(GAUSSIAN.operations, "gate")]
    made, params = circuit(items, "gaussian"), numbers(items, batch=6)
    expected = run(gaussian(), made, params)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: run(gaussian(), made, row[None])[0], params))
    np.testing.assert_array_equal(found, expected)


def test_recipes_are_pickled():
    for device, items, kind in ((gaussian(), MIXTURE[:3], "gaussian"), (fock(4), MIXTURE, "density_matrix")):
        recipe, params = device.compile(circuit(items, kind)), numbers(items)
        copy = pickle.loads(pickle.dumps(recipe))
        np.testing.assert_array_equal(
            device.run([Task(copy, params)])[0], device.run([Task(recipe, params)])[0]
        )


def test_a_density_matrix_too_large_is_refused():
    device = fock(20, 9)
    with pytest.raises(
        UnsupportedCircuit, match=r"density matrix of 9 modes with cutoff_dim=20; it needs .* are free"
    ):
        device.compile(circuit(MIXTURE, "density_matrix", 9))
    assert device.memory(9) > 16 * 20**9


def test_options_are_checked():
    for wrong in (0, -1, 2.5, True, "7", None):
        for name in ("strawberryfields.fock", "strawberryfields.gaussian"):
            with pytest.raises(CircuitError, match="cutoff_dim must be a whole number >= 1"):
                make(name, wires=1, cutoff_dim=wrong)
    assert gaussian().cutoff_dim == 10


def test_every_claimed_row_has_a_translation():
    claimed = {"fock": FOCK, "gaussian": GAUSSIAN, "bosonic": BOSONIC}
    for target, capabilities in claimed.items():
        constants = {name for name in capabilities.operations if name in FAMILIES}
        constants -= {"PostselectPhotons", "PostselectClick"}  # rows of outcomes are taken as they are
        assert set(translate.TARGETS[target].constants) == constants
    every = frozenset.union(*(capabilities.operations for capabilities in claimed.values()))
    rows = {name for name in every if name in ROWS and ROWS[name].kind != "outcome"}
    assert set(translate.OPERATIONS) == rows
    assert all((ROWS | FAMILIES)[name].domain == "cv" for name in every)


# ---- the import -----------------------------------------------------------------------------------------


def fresh(code: str) -> str:
    """What a fresh interpreter prints; warnings are errors there."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_plugin_is_imported_without_its_sdk():
    code = "import sys, hybridge_strawberryfields; print(*{'strawberryfields', 'scipy'} & {*sys.modules})"
    assert fresh(code) == ""


def test_the_import_leaves_nothing_behind():
    code = """
import importlib.util, sys, warnings, scipy.integrate
real = importlib.util.find_spec("pkg_resources") is not None
before, written, filters = "simps" in vars(scipy.integrate), warnings.formatwarning, list(warnings.filters)
from hybridge_strawberryfields import import_strawberryfields
sf = import_strawberryfields()
assert import_strawberryfields() is sf and sf.Engine
assert ("simps" in vars(scipy.integrate)) == before
assert "tensorflow" not in sys.modules
assert real or "pkg_resources" not in sys.modules
assert warnings.formatwarning is written and warnings.filters == filters
print("clean")
"""
    assert fresh(code) == "clean"


def test_names_are_put_back_only_where_absent_and_only_meanwhile(monkeypatch):
    monkeypatch.setattr(sdk.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    monkeypatch.delattr(scipy.integrate, "simps", raising=False)
    with sdk._gone_names():
        assert scipy.integrate.simps is sdk.simps
        assert sys.modules["pkg_resources"].resource_filename
    assert "simps" not in vars(scipy.integrate) and "pkg_resources" not in sys.modules
    real = types.ModuleType("pkg_resources")
    monkeypatch.setitem(sys.modules, "pkg_resources", real)
    monkeypatch.setattr(scipy.integrate, "simps", len, raising=False)
    with sdk._gone_names():
        assert scipy.integrate.simps is len and sys.modules["pkg_resources"] is real
    assert scipy.integrate.simps is len and sys.modules["pkg_resources"] is real


def test_the_import_works_after_a_failed_one():
    code = """
import scipy.integrate
try:
    import strawberryfields
except (ImportError, DeprecationWarning):
    pass
from hybridge.registry import device
print(device("strawberryfields.gaussian", wires=1))
"""
    assert fresh(code) == "<strawberryfields.gaussian wires=1 shots=None>"


@pytest.fixture
def failing(monkeypatch) -> Iterator[Any]:
    def fail_with(error: Exception) -> None:
        def import_module(name: str) -> None:
            raise error

        monkeypatch.setattr(sdk.importlib, "import_module", import_module)

    yield fail_with
    monkeypatch.undo()


def test_failed_imports_say_what_to_install(failing):
    failing(Exception("Could not deserialize ATN with version 3 (expected 4)."))
    with pytest.raises(
        MissingDependency, match=r"pip install antlr4-python3-runtime==4.9.2; the one installed is newer"
    ):
        sdk.import_strawberryfields()
    failing(ModuleNotFoundError("No module named 'xcc'", name="xcc"))
    with pytest.raises(MissingDependency, match=r"needs 'xcc'; pip install 'hybridge\[strawberryfields\]'"):
        sdk.import_strawberryfields()
    failing(RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        sdk.import_strawberryfields()


def test_the_stand_ins_do_what_sf_asks_of_them():
    x = np.linspace(0, 1, 11)
    assert sdk.simps(x**2, x) == pytest.approx(1 / 3)
    path = sdk._pkg_resources().resource_filename("strawberryfields.apps", "data/sample.py")
    assert path.endswith("strawberryfields/apps/data/sample.py")
