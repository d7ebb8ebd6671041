"""Synthesised circuits equal what they were asked for, global phase included."""

from __future__ import annotations

import numpy as np
import pytest
from contract import LABELS, UNIVERSAL, assert_close, expanded, matrix_of, run
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb
from hybridge.operations import synthesis
from hybridge.operations.table import Affine

SEEDS = st.integers(0, 2**32 - 1)
ANGLES = st.floats(-7, 7, allow_nan=False)


def random_unitary(dimension, seed):
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(dimension,) * 2) + 1j * rng.normal(size=(dimension,) * 2))
    return q * (np.diag(r) / np.abs(np.diag(r)))


def random_ket(dimension, seed, sparse):
    rng = np.random.default_rng(seed)
    ket = (rng.normal(size=dimension) + 1j * rng.normal(size=dimension)) * (
        rng.uniform(size=dimension) > sparse
    )
    ket[rng.integers(dimension)] += 1j
    return ket / np.linalg.norm(ket)


def controlled(u, controls):
    out = np.eye(2**controls * len(u), dtype=complex)
    out[-len(u) :, -len(u) :] = u
    return out


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 5), SEEDS, st.sampled_from([0.0, 0.6, 1.0]))
def test_kets(n, seed, sparse):
    ket = random_ket(2**n, seed, sparse)
    assert_close(matrix_of(synthesis.ket(ket, LABELS[:n]), LABELS[:n])[:, 0], ket)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 4), SEEDS)
def test_unitaries(n, seed):
    u = random_unitary(2**n, seed)
    assert_close(matrix_of(synthesis.unitary(u, LABELS[:n]), LABELS[:n]), u)


STRUCTURED = {
    "identity": np.eye(8),
    "minus identity": -np.eye(8),
    "diagonal": np.diag(np.exp(1j * np.arange(8))),
    "permutation": np.eye(8)[[3, 1, 4, 0, 5, 2, 7, 6]],
    "real": np.kron(hb.H.matrix(), np.kron(hb.H.matrix(), hb.H.matrix())),
    "product": np.kron(hb.SX.matrix(), np.kron(hb.Y.matrix(), hb.T.matrix())),
    "degenerate": np.kron(np.eye(2), hb.SWAP.matrix()),
    "Fourier": np.exp(2j * np.pi * np.outer(range(8), range(8)) / 8) / np.sqrt(8),
}


@pytest.mark.parametrize("which", STRUCTURED)
def test_structured_unitaries(which):
    order, u = LABELS[:3], STRUCTURED[which]
    assert_close(matrix_of(synthesis.unitary(u, order), order), u)
    assert_close(
        matrix_of(synthesis.controlled_unitary(u, LABELS[3:4], order), LABELS[3:4] + order), controlled(u, 1)
    )


@pytest.mark.parametrize("row", [hb.X, hb.Y, hb.Z, hb.H, hb.S, hb.SX, hb.T])
def test_one_qubit_gates(row):
    steps = synthesis.one_qubit(row.matrix(), 0)
    assert len(steps) <= 4
    assert_close(matrix_of(steps, (0,)), row.matrix())


def test_the_identity_needs_no_gates():
    for n in range(4):
        assert synthesis.unitary(np.eye(2**n, dtype=complex), LABELS[:n]) == []
        assert synthesis.ket(np.eye(2**n, dtype=complex)[0], LABELS[:n]) == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 5), SEEDS)
def test_diagonals(n, seed):
    phases = np.random.default_rng(seed).uniform(-4, 4, 2**n)
    assert_close(matrix_of(synthesis.diagonal(phases, LABELS[:n]), LABELS[:n]), np.diag(np.exp(1j * phases)))


@pytest.mark.parametrize("axis", ["RY", "RZ"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 4), SEEDS)
def test_uniformly_controlled_rotations(axis, n, seed):
    angles = np.random.default_rng(seed).uniform(-4, 4, 2**n)
    turn = {"RY": hb.RY, "RZ": hb.RZ}[axis]
    expected = np.zeros((2 ** (n + 1),) * 2, dtype=complex)
    for i, angle in enumerate(angles):
        expected[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = turn.matrix(angle)
    order = LABELS[: n + 1]
    assert_close(matrix_of(synthesis.uniform_rotation(axis, order[:-1], order[-1], angles), order), expected)


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("idle", [0, 1, 3])
def test_multi_controlled_x_gives_idle_wires_back(n, idle):
    order = tuple(range(n + 1 + idle))
    steps = synthesis.controlled_x(order[:n], n, order[n + 1 :])
    kets = np.random.default_rng(n).normal(size=(2 ** len(order), 3)).astype(complex)
    expected = kets.copy()
    expected[-(2 ** (idle + 1)) :] = np.roll(kets[-(2 ** (idle + 1)) :], 2**idle, axis=0)  # X on the target
    assert_close(run(steps, order, kets), expected)


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("axis", ["RX", "RY", "RZ"])
def test_multi_controlled_rotations_are_affine(axis, n):
    order = tuple(range(n + 1))
    steps = synthesis.controlled_rotation(axis, order[:-1], n, Affine("phi", 2.0, 0.1))
    for phi in (0.7, -1.9):
        expected = controlled(getattr(hb, axis).matrix(2 * phi + 0.1), n)
        assert_close(matrix_of(steps, order, {"phi": phi}), expected)


@pytest.mark.parametrize("n", range(8))
def test_multi_controlled_phases_are_affine(n):
    steps = synthesis.controlled_phase(tuple(range(n)), Affine("phi", -1.0, 0.2))
    for phi in (0.7, -1.9):
        expected = np.eye(2**n, dtype=complex)
        expected[-1, -1] = np.exp(1j * (0.2 - phi))
        assert_close(matrix_of(steps, range(n), {"phi": phi}), expected)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 3), st.integers(1, 2), SEEDS)
def test_controlled_unitaries(controls, targets, seed):
    u, order = random_unitary(2**targets, seed), LABELS[: controls + targets]
    steps = synthesis.controlled_unitary(u, order[:controls], order[controls:])
    assert_close(matrix_of(steps, order), controlled(u, controls))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 4), SEEDS)
def test_eigenphases_rebuild_the_unitary(n, seed):
    u = random_unitary(2**n, seed)
    angles, v = synthesis.eigenphases(u)
    assert_close(v * np.exp(1j * angles) @ v.conj().T, u)
    assert_close(v.conj().T @ v, np.eye(2**n))


def size(steps):
    return sum(s.operation.name == "CNOT" for s in expanded(steps, {"phi": 0.3}, UNIVERSAL))


def test_many_controls_cost_polynomially():
    """Doubling the controls doubles a linear circuit and quadruples a quadratic one, roughly."""
    circuits = {
        "X with one idle wire": (2.3, lambda n: synthesis.controlled_x(range(n), n, [n + 1])),
        "RZ": (2.3, lambda n: synthesis.controlled_rotation("RZ", range(n), n, Affine("phi"))),
        "X": (5.0, lambda n: synthesis.controlled_x(range(n), n)),
    }
    for what, (growth, circuit) in circuits.items():
        assert size(circuit(48)) < growth * size(circuit(24)), what


@settings(max_examples=30, deadline=None, derandomize=True)
@given(ANGLES, ANGLES, ANGLES)
def test_one_qubit_angles_come_back(phi, theta, omega):
    u = hb.Rot.matrix(phi, theta, omega)
    assert_close(matrix_of(synthesis.one_qubit(u, 0), (0,)), u)
