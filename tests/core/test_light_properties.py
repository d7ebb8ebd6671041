"""Properties of light: channels compose, decompositions are their rows, outcomes come in any order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import hybridge as hb
from hybridge.operations.takagi import passive

COMMON = settings(max_examples=25, deadline=None)
part = st.floats(0.05, 1.0)
some = st.floats(-1.0, 1.0)
seeds = st.integers(0, 10**6)
DEVICE = hb.device("default.gaussian", wires=2)
MOMENTS = [
    hb.QuadX(0),
    hb.QuadP(1),
    hb.QuadX(0) @ hb.QuadX(1),
    hb.QuadX(0) @ hb.QuadP(1),
    hb.NumberOperator(0),
]


def moments(apply):
    """Of squeezed light that went through `apply`."""

    @hb.qnode(DEVICE)
    def circuit():
        hb.DisplacedSqueezedState(0.6, 0.3, 0.4, 0.2, wires=0)
        hb.DisplacedSqueezedState(-0.4, 1.3, 0.3, -0.7, wires=1)
        hb.Beamsplitter(0.6, 0.2, wires=[0, 1])
        apply()
        return [*map(hb.expval, MOMENTS), *map(hb.var, MOMENTS)]

    return np.array(circuit())


def same(left, right):
    np.testing.assert_allclose(moments(left), moments(right), atol=1e-9)


@COMMON
@given(part, part)
def test_losses_in_a_row_multiply(first, second):
    same(
        lambda: (hb.LossChannel(first, wires=0), hb.LossChannel(second, wires=0)),
        lambda: hb.LossChannel(first * second, wires=0),
    )


@COMMON
@given(part, part, st.floats(0.0, 2.0))
def test_thermal_losses_in_a_row_multiply(first, second, nbar):
    same(
        lambda: (hb.ThermalLossChannel(first, nbar, wires=1), hb.ThermalLossChannel(second, nbar, wires=1)),
        lambda: hb.ThermalLossChannel(first * second, nbar, wires=1),
    )


@COMMON
@given(st.floats(0.0, 2.0), part)
def test_nothing_is_lost_at_full_transmission_and_vacuum_is_no_heat(nbar, T):
    same(lambda: hb.ThermalLossChannel(1.0, nbar, wires=0), lambda: None)
    same(lambda: hb.ThermalLossChannel(T, 0.0, wires=0), lambda: hb.LossChannel(T, wires=0))


@COMMON
@given(seeds)
def test_lossy_interferometers_multiply_and_are_losses_between_interferometers(seed):
    rng = np.random.default_rng(seed)
    A, B = (
        m / max(1, np.linalg.norm(m, 2)) for m in rng.normal(size=(2, 2, 2)) + 1j * rng.normal(size=(2, 2, 2))
    )
    same(
        lambda: (hb.PassiveChannel(A, wires=[0, 1]), hb.PassiveChannel(B, wires=[0, 1])),
        lambda: hb.PassiveChannel(B @ A, wires=[0, 1]),
    )
    parts = hb.PassiveChannel.of(2, A).decomposition(0, 1)
    same(
        lambda: [p.operation(*p.params, wires=p.wires) for p in parts],
        lambda: hb.PassiveChannel(A, wires=[0, 1]),
    )


@COMMON
@given(seeds)
def test_a_symplectic_matrix_is_its_decomposition_and_its_inverse_undoes_it(seed):
    rng = np.random.default_rng(seed)
    generator = rng.normal(size=(4, 4)) / 3
    S = expm(np.kron([[0, 1], [-1, 0]], np.eye(2)) @ (generator + generator.T))
    row = hb.GaussianTransform.of(2, S)
    same(
        lambda: [p.operation(*p.params, wires=p.wires) for p in row.decomposition(1, 0)],
        lambda: row(wires=[1, 0]),
    )
    same(lambda: (row(wires=[0, 1]), hb.adjoint(row)(wires=[0, 1])), lambda: None)


@COMMON
@given(some, some)
def test_mach_zehnders_are_interferometers(inner, outer):
    for row in (hb.MachZehnder, hb.SymmetricMachZehnder):
        u = row.definition(inner, outer)[0]
        unitary = u[:2, :2] + 1j * u[2:, :2]
        np.testing.assert_allclose(unitary @ unitary.conj().T, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(passive(unitary), u, atol=1e-12)


@COMMON
@given(some, some, some, some)
def test_outcomes_of_different_modes_come_in_any_order(x, phi, a, angle):
    """What is left of a third mode does not ask which detector was read first."""

    def circuit(first, second):
        @hb.qnode(hb.device("default.gaussian", wires=3))
        def node():
            for w in range(3):
                hb.DisplacedSqueezedState(0.3 * w, 0.3, 0.4, 0.5 * w, wires=w)
            hb.Beamsplitter(0.6, 0.2, wires=[0, 1])
            hb.Beamsplitter(0.9, -0.4, wires=[1, 2])
            first()
            second()
            return hb.expval(hb.QuadX(2)), hb.var(hb.QuadX(2)), hb.var(hb.QuadP(2))

        return np.array(node())

    homodyne = lambda: hb.PostselectHomodyne(x, phi, wires=0)
    heterodyne = lambda: hb.PostselectHeterodyne(a, angle, wires=1)
    np.testing.assert_allclose(circuit(homodyne, heterodyne), circuit(heterodyne, homodyne), atol=1e-10)


@COMMON
@given(st.floats(-0.5, 0.5), st.floats(0.0, 0.6))
def test_probabilities_of_photons_are_the_average_over_what_one_twin_counts(phi, r):
    """The light of a mode is what the counts of another leave of it, by their weights."""

    def node(select):
        @hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=24))
        def circuit():
            hb.Displacement(0.3, phi, wires=1)
            hb.TwoModeSqueezing(r / 3, phi, wires=[0, 1])
            select()
            return hb.probs(wires=0)

        return circuit()

    dark = node(lambda: hb.PostselectClick([0], wires=1))

    @hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=24))
    def chance():
        hb.Displacement(0.3, phi, wires=1)
        hb.TwoModeSqueezing(r / 3, phi, wires=[0, 1])
        return hb.expval(hb.Click(1)), hb.probs(wires=0)

    p, every = chance()
    lit = node(lambda: hb.PostselectClick([1], wires=1))
    np.testing.assert_allclose((1 - p) * dark + p * lit, every, atol=1e-10)
