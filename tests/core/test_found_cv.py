"""Faults once found in the continuous-variable side by attacking it, each as the claim that was broken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hybridge as hb
from hybridge.gradients.shift import shift_rule
from hybridge.operations.spectrum import Hyperbolic
from hybridge.phasespace.cubic import cubic_phase
from hybridge.phasespace.fock import FockModes
from hybridge.phasespace.polynomial import position

NOTHING_LEFT = 1e3  # a displacement after which no amplitude below the cutoff is left


def node(name: str, body: Callable[..., Any], wires: Any = 2, **options: Any) -> hb.QNode:
    return hb.qnode(hb.device(name, wires=wires, **options))(body)


@pytest.mark.parametrize("gamma", [1e6, -1e6, 1e12, 1e308])
def test_a_cubic_phase_too_strong_is_refused_at_once(gamma):
    """Its grid once took 60 GiB, and the process was killed."""
    with pytest.raises(hb.CircuitError, match=r"CubicPhase at cutoff_dim=6 needs \|gamma\| <= "):
        cubic_phase(np.array(gamma), 6)


def test_a_strong_cubic_phase_is_integrated_piece_by_piece():
    """Its columns have the norm that is left below the cutoff, its rows agree with the inverse's."""
    strong = cubic_phase(np.array([300.0, -300.0]), 8)
    assert np.allclose(strong[0], strong[1].conj(), atol=1e-13)
    assert np.allclose(strong[0], strong[0].T, atol=1e-13)
    assert np.linalg.norm(strong[0], 2) < 1


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(
    "measure",
    [
        lambda: hb.sample(wires=0),
        lambda: hb.counts(wires=[1, 0]),
        lambda: hb.probs(wires=0),
        lambda: hb.expval(hb.NumberOperator(0)),
        lambda: hb.sample(hb.QuadX(0)),
        lambda: hb.sample(hb.QuadX(0) @ hb.QuadX(1)),
    ],
)
def test_a_state_of_which_nothing_is_left_is_not_sampled(measure, mixed):
    """It gave an IndexError, or positions at the edge of the space."""

    def emptied():
        hb.Displacement(NOTHING_LEFT, 0.0, wires=0)
        if mixed:
            hb.LossChannel(0.5, wires=1)
        return measure()

    with (
        pytest.warns(hb.TruncationWarning),
        pytest.raises(hb.DeviceError, match=r"nothing of the state is left .* raise cutoff_dim"),
    ):
        node("default.fock", emptied, cutoff_dim=5, shots=4, seed=1)()


def test_the_faint_part_of_a_mixture_is_not_sampled():
    """Homodyne shots of 3 mixed modes held kets for 1000 eigenvalues, of which 900 are rounding."""
    weights = np.array([0.7, 0.3, 3e-17, 0.0])
    root = FockModes(density=np.diag(weights)[None].astype(complex))._root([0])
    assert root.shape == (1, 4, 2)
    assert np.allclose(root @ np.swapaxes(root, 1, 2).conj(), np.diag(weights), atol=1e-16)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_homodyne_of_a_mixture_of_any_rank_has_its_moments(rank):
    shots, weights = 4000, np.ones(rank) / rank
    mixture = FockModes(density=np.diag(np.pad(weights, (0, 5 - rank)))[None].astype(complex))
    found = mixture.sample_quadratures({0: 0.4}, shots, np.random.default_rng(rank))
    square, fourth = (mixture.expval(position(0) ** k)[0] for k in (2, 4))  # the same at every angle
    assert abs(found.mean()) < 5 * np.sqrt(square / shots)  # 5 sigma: false alarm 6e-7
    assert abs((found**2).mean() - square) < 5 * np.sqrt((fourth - square**2) / shots)


def test_a_ket_that_leaks_is_warned_of():
    def displaced():
        hb.Displacement(1.5, 0.0, wires=0)
        return hb.state()

    with pytest.warns(hb.TruncationWarning, match=r"^0\.0023 of the norm lies beyond cutoff_dim=8"):
        node("default.fock", displaced, wires=1, cutoff_dim=8)()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        node("default.fock", displaced, wires=1, cutoff_dim=25)()


@pytest.mark.parametrize("name", ["default.gaussian", "default.fock"])
def test_all_outcomes_of_a_fock_projector_are_0_and_1(name):
    def vacuum(photons):
        return hb.counts(hb.FockStateProjector(photons, wires=[1, 0]), all_outcomes=True)

    circuit = node(name, vacuum, cutoff_dim=4, shots=7, seed=1)
    assert circuit([0, 0]) == {0.0: 0, 1.0: 7}
    assert circuit([0, 2]) == {0.0: 7, 1.0: 0}


PROJECTOR = hb.FockStateProjector(1, wires="a")
COMBINED = {
    "+": lambda: PROJECTOR + PROJECTOR,
    "number +": lambda: 1.0 + PROJECTOR,
    "-": lambda: PROJECTOR - hb.NumberOperator(0),
    "- polynomial": lambda: hb.NumberOperator(0) - PROJECTOR,
    "unary -": lambda: -PROJECTOR,
    "number *": lambda: 2 * PROJECTOR,
    "numpy number *": lambda: np.float64(2) * PROJECTOR,
    "@": lambda: PROJECTOR @ PROJECTOR,
    "polynomial @": lambda: hb.NumberOperator(0) @ PROJECTOR,
    "**": lambda: PROJECTOR**2,
    "/": lambda: PROJECTOR / 2,
    "sum": lambda: sum([PROJECTOR, PROJECTOR]),
}


@pytest.mark.parametrize("how", COMBINED)
def test_a_fock_projector_says_that_it_does_not_combine(how):
    with pytest.raises(hb.CircuitError, match=r"FockStateProjector\(\[1\], wires=\['a'\]\) is no polynomial"):
        COMBINED[how]()


@pytest.mark.parametrize("degree", range(1, 13))
def test_a_hyperbolic_rule_stays_near_and_exact_at_any_degree(degree):
    """Shifts grew as 0.6 K: that of K = 12, the variance of TensorN of 3 modes, was wrong 100 times over."""
    shifts, weights, _ = shift_rule(Hyperbolic(1), degree)
    assert np.abs(shifts).max() <= 1.2 + 1e-12
    r = 0.5
    slope = degree * np.sinh(r) ** (degree - 1) * np.cosh(r)
    assert np.isclose(weights @ np.sinh(r + shifts) ** degree, slope, rtol=1e-6)


@pytest.mark.parametrize("r", [0.05, 0.5])
def test_the_variance_of_a_product_of_photon_numbers_has_its_gradient(r):
    """Of twin beams of N photons each: n1 n2 = n^2, n geometric."""

    def twins(r):
        hb.TwoModeSqueezing(r, 0.4, wires=[1, 0])
        hb.Squeezing(0.2, 0.0, wires=2)
        return hb.var(hb.TensorN([0, 1, 2]))

    N, slope, m = np.sinh(r) ** 2, np.sinh(2 * r), np.sinh(0.2) ** 2
    second, fourth = N + 2 * N**2, N + 14 * N**2 + 36 * N**3 + 24 * N**4
    d_second, d_fourth = 1 + 4 * N, 1 + 28 * N + 108 * N**2 + 96 * N**3
    square = 3 * m**2 + 2 * m  # <n^2> of the squeezed mode
    exact = slope * (d_fourth * square - 2 * second * d_second * m**2)
    circuit = node("default.gaussian", twins, wires=3)
    assert np.isclose(circuit(r), fourth * square - second**2 * m**2, rtol=1e-9)
    assert np.isclose(hb.grad(circuit)(r), exact, rtol=1e-6)


def test_the_gradient_of_a_product_of_photon_numbers_needs_no_more_shots_than_it_must():
    """The rule's noise was 35 sqrt(1/shots) here, 5 times what it is with shifts that stay near."""

    def twins(r):
        hb.TwoModeSqueezing(r, 0.0, wires=[0, 1])
        return hb.expval(hb.TensorN([0, 1]))

    shots, r = 4000, 0.3
    N = np.sinh(r) ** 2
    found = [
        hb.grad(node("default.gaussian", twins, shots=shots, seed=seed))(r) - (1 + 4 * N) * np.sinh(2 * r)
        for seed in range(12)
    ]
    assert np.sqrt(np.mean(np.square(found))) < 2 * 8.3 / np.sqrt(shots)  # chi^2 > 48 of 12: 3e-6


def test_a_gradient_error_names_the_wires_of_the_user():
    """It named the places of the wires on the device."""

    def turned(a):
        hb.Displacement(a, 0.0, wires="light")
        hb.Kerr(0.3, wires="light")
        return hb.expval(hb.QuadX("light"))

    with pytest.raises(hb.GradientError, match=r"Displacement on wires \['light'\].*expval\(x\('light'\)\)"):
        device = hb.device("default.fock", wires=["dark", "light"], cutoff_dim=8)
        hb.grad(hb.QNode(turned, device, diff_method="parameter-shift"))(0.2)


def test_a_device_may_be_compared_with_shots_and_a_seed_of_its_own():
    def squeezed(r):
        hb.Squeezing(r, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    sampled = ("default.gaussian", {"shots": 500, "seed": 3})
    found = hb.compare(
        node("default.gaussian", squeezed, wires=1), ["default.gaussian", sampled], args=(0.3,)
    )
    exact, drawn = found.rows
    assert found.agree and exact.error == 0 and drawn.error > 0


@pytest.mark.parametrize("name", ["default.gaussian", "default.fock"])
@pytest.mark.parametrize(
    ("transmission", "said"),
    [(None, r"it keeps no ket; .*, or use default\.fock$"), (0.5, r"leaves a mixed state; [^,]*$")],
)
def test_no_device_is_named_for_the_ket_of_a_mixed_state(name, transmission, said):
    """default.fock, which said so, was to be used in its place."""

    def dimmed():
        hb.Displacement(0.1, 0.0, wires=0)
        if transmission:
            hb.LossChannel(transmission, wires=0)
        return hb.state()

    circuit = node(name, dimmed, wires=1, cutoff_dim=6)
    if name == "default.fock" and not transmission:
        assert circuit().shape == (6,)
        return
    with pytest.raises(hb.UnsupportedCircuit, match=said):
        circuit()
