"""Rows of light that constants or formulas of their own define: GKP states, graphs, symplectic matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import expm

import hybridge as hb
from hybridge.errors import CircuitError
from hybridge.operations.table import Operation
from hybridge.operations.takagi import passive, takagi
from hybridge.phasespace.numberbasis import ket


def omega(k: int) -> np.ndarray:
    return np.kron([[0, 1], [-1, 0]], np.eye(k))


# ---- GKP states


def test_gkp_states_are_combs_of_squeezed_states():
    """exp(-epsilon n) |x> is a squeezed state at x / cosh(epsilon), tanh(epsilon) its variance in vacua."""
    theta, phi, epsilon, cutoff = 0.9, 0.4, 0.2, 40
    r, total = -math.log(math.tanh(epsilon)) / 2, np.zeros(cutoff, dtype=complex)
    _, squeezed = hb.SqueezedState.definition(r, 0.0)
    for tooth in range(-12, 13):
        qubit = math.cos(theta / 2) if tooth % 2 == 0 else np.exp(-1j * phi) * math.sin(theta / 2)
        place = tooth * math.sqrt(2 * math.pi)
        mean = np.array([[place / math.cosh(epsilon), 0.0]])
        weight = math.exp(-(place**2) * math.tanh(epsilon) / 4)
        total += qubit * weight * ket(mean, squeezed[None], cutoff)[0]
    found = hb.GKPState.fock(cutoff, theta, phi, epsilon)
    scale = found[0] / total[0]
    np.testing.assert_allclose(found, scale * total, atol=1e-10)
    assert scale.real > 0 and abs(scale.imag) < 1e-12


@pytest.mark.parametrize(("epsilon", "cutoff"), [(0.1, 260), (0.5, 60), (3.0, 12)])
def test_gkp_states_have_the_norm_of_the_untruncated_state(epsilon, cutoff):
    assert np.linalg.norm(hb.GKPState.fock(cutoff, 1.1, -0.3, epsilon)) == pytest.approx(1.0, abs=1e-10)


def test_gkp_states_have_the_slopes_of_their_kets():
    point, h = np.array([0.9, 0.4, 0.2]), 1e-6
    for k, (slope,) in enumerate(hb.GKPState.slope(30, *point)):
        up, down = (hb.GKPState.fock(30, *(point + s * h * np.eye(3)[k])) for s in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * h), slope, atol=1e-7)


def test_gkp_states_too_wide_for_the_cutoff_are_told():
    circuit = hb.qnode(hb.device("default.fock", wires=1, cutoff_dim=10))(
        lambda epsilon: (hb.GKPState(0.3, 0.1, epsilon, wires=0), hb.expval(hb.NumberOperator(0)))[1]
    )
    with pytest.warns(hb.TruncationWarning, match="raise cutoff_dim"):
        circuit(0.3)
    with pytest.raises(CircuitError, match=r"epsilon >= 0\.001"):
        circuit(-0.3)


# ---- graphs


def vacuum_through(row: Operation) -> np.ndarray:
    S, _ = row.definition()
    return ket(np.zeros((1, len(S))), (S @ S.T)[None], 3)[0]


@pytest.mark.parametrize("family", [hb.GraphEmbed, hb.BipartiteGraphEmbed])
def test_graphs_give_amplitudes_to_their_matchings(family):
    """<1111|psi> is the sum over perfect matchings of the products of their edges, up to a scale per pair."""
    square = np.zeros((4, 4))
    square[:2, 2:] = [[1.5, 1], [1, 1]]
    square += square.T
    row = family.of(4, square, 0.1)
    amplitudes = vacuum_through(row) / vacuum_through(row)[0, 0, 0, 0]
    scale = amplitudes[0, 1, 0, 1]
    assert amplitudes[1, 1, 1, 1] == pytest.approx((1.5 * 1 + 1 * 1) * scale**2)
    assert amplitudes[1, 0, 1, 0] == pytest.approx(1.5 * scale)
    assert abs(amplitudes[1, 1, 0, 0]) < 1e-12
    S, _ = row.definition()
    assert (np.trace(S @ S.T) / 4 - 2) / 4 == pytest.approx(0.1), "photons in each mode, on the average"


# ---- symplectic matrices


@pytest.mark.parametrize("k", range(1, 5))
@pytest.mark.parametrize("degenerate", [False, True])
def test_symplectic_matrices_are_squeezers_between_interferometers(k, degenerate):
    rng = np.random.default_rng(k)
    generator = rng.normal(size=(2 * k, 2 * k))
    S = expm(omega(k) @ (generator + generator.T) / 4)
    if degenerate:
        u = np.linalg.qr(rng.normal(size=(k, k)) + 1j * rng.normal(size=(k, k)))[0]
        S = passive(u) @ np.diag([0.5] * k + [2.0] * k) @ passive(u.conj().T)
    total = np.eye(2 * k)
    for part, wires, values in hb.GaussianTransform.of(k, S).decomposition(*range(k)):
        at = [*wires, *(k + w for w in wires)]
        wide = np.eye(2 * k)
        wide[np.ix_(at, at)] = part.definition(*values)[0]
        total = wide @ total
    np.testing.assert_allclose(total, S, atol=1e-10)


@pytest.mark.parametrize("rank", [0, 1, 3])
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_takagi_serves_every_rank(rank, scale):
    rng = np.random.default_rng(rank)
    half = rng.normal(size=(4, rank)) + 1j * rng.normal(size=(4, rank))
    A = scale * half @ half.T
    s, U = takagi(A)
    assert (s >= 0).all() and (np.diff(s) <= 0).all()
    np.testing.assert_allclose((U * s) @ U.T, A, atol=1e-13 * max(1.0, np.abs(A).max()))
    np.testing.assert_allclose(U.conj().T @ U, np.eye(4), atol=1e-12)


def test_mach_zehnders_are_the_matrices_of_the_book():
    """U(pi, pi) = 1 and U(0, 0) = i X (Strawberry Fields, MZgate)."""
    for phases, u in (((np.pi, np.pi), np.eye(2)), ((0.0, 0.0), 1j * np.array([[0, 1], [1, 0]]))):
        np.testing.assert_allclose(hb.MachZehnder.definition(*phases)[0], passive(u), atol=1e-15)


def test_squeezing_by_measurement_becomes_squeezing():
    """With an ancilla squeezed beyond measure and a perfect detector."""
    X, _, Y = hb.MeasurementBasedSqueezing.definition(0.4, 0.7, 20.0, 1.0)
    np.testing.assert_allclose(X, hb.Squeezing.definition(0.4, 0.7)[0], atol=1e-14)
    np.testing.assert_allclose(Y, 0, atol=1e-15)


MISTAKES = [
    (hb.GaussianTransform, 1, [np.eye(2) * 2], "symplectic S"),
    (hb.PassiveChannel, 1, [[[1.1]]], "singular values <= 1"),
    (hb.GraphEmbed, 2, [[[0, 1], [2, 0]]], "symmetric A"),
    (hb.GraphEmbed, 2, [np.zeros((2, 2))], "A is zero"),
    (hb.GraphEmbed, 1, [[[1]], 0.0], "mean_photon_per_mode > 0"),
    (hb.BipartiteGraphEmbed, 2, [np.eye(2)], "one half of the wires"),
]


@pytest.mark.parametrize(("family", "k", "constants", "message"), MISTAKES)
def test_constants_that_make_no_sense_are_named(family, k, constants, message):
    with pytest.raises(CircuitError, match=message):
        family.of(k, *constants)
