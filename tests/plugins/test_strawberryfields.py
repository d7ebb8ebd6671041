"""The Strawberry Fields devices do what the rows say, in phase space and in Fock space."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from sf_circuits import (
    FOCK_GATES,
    NUM_MODES,
    ROOM,
    aligned,
    assert_moments,
    circuit,
    complete,
    correlated,
    density,
    evolved,
    few_photons,
    fock,
    gaussian,
    numbers,
    placed,
    prepared,
    run,
)

import hybridge as hb
from hybridge.circuit import Measurement
from hybridge_strawberryfields import FOCK, GAUSSIAN


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
