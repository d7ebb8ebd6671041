"""Post-selection on detectors of light: the two built-in engines agree, derivatives, leaks, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import hybridge as hb
from hybridge.errors import CircuitError, GradientError, TruncationWarning, UnsupportedCircuit
from hybridge_default.gaussian_numpy import PlainGaussian

POINT = np.array([0.15, 0.3, 0.2, 0.6, 0.4, 0.7])
OUTCOMES = {
    "homodyne": lambda v: hb.PostselectHomodyne(v[4], v[5], wires=1),
    "heterodyne": lambda v: hb.PostselectHeterodyne(v[4], v[5], wires=1),
    "no click": lambda v: hb.PostselectClick([0], wires=1),
    "no photons": lambda v: hb.PostselectPhotons([0, 0], wires=[1, 2]),
    "two": lambda v: (
        hb.PostselectHomodyne(v[4], v[5], wires=1),
        hb.PostselectHeterodyne(v[4], 0.2, wires=0),
    ),
}
COUNTED = {
    "a photon": lambda v: hb.PostselectPhotons([1], wires=1),
    "a click": lambda v: hb.PostselectClick([1], wires=1),
    "a click and none": lambda v: hb.PostselectClick([1, 0], wires=[2, 1]),
}


def light(device, select, noisy=False):
    @hb.qnode(device)
    def circuit(v):
        hb.Squeezing(v[0], 0.3, wires=0)
        hb.Displacement(v[1], 0.4, wires=1)
        hb.Beamsplitter(v[3], 0.4, wires=[0, 1])
        hb.Beamsplitter(0.5, 1.4, wires=[1, 2])
        if noisy:
            hb.ThermalLossChannel(0.9, 0.01, wires=1)
        select(v)
        hb.Squeezing(v[2] / 4, 0.2, wires=1)
        hb.Beamsplitter(v[3], 0.4, wires=[0, 1])
        return hb.expval(hb.QuadX(0)), hb.expval(hb.NumberOperator(2)), hb.expval(hb.Click([0, 2]))

    return circuit


def differences(circuit, point):
    h = 1e-5
    at = lambda shift: np.array(circuit(point + shift))
    return np.array([(at(s) - at(-s)) / (2 * h) for s in np.eye(len(point)) * h]).T


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("name", OUTCOMES)
def test_gaussian_and_fock_leave_the_same_light(name, noisy):
    gaussian = light(hb.device("default.gaussian", wires=3), OUTCOMES[name], noisy)
    fock = light(hb.device("default.fock", wires=3, cutoff_dim=9 if noisy else 14), OUTCOMES[name], noisy)
    if noisy:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TruncationWarning)
            np.testing.assert_allclose(gaussian(POINT), fock(POINT), atol=1e-5)
    else:
        np.testing.assert_allclose(gaussian(POINT), fock(POINT), atol=1e-8)
        np.testing.assert_allclose(hb.jacobian(gaussian)(POINT), hb.jacobian(fock)(POINT), atol=1e-6)


@pytest.mark.parametrize("name", OUTCOMES)
def test_gaussian_derivatives_are_exact(name):
    for device in (hb.device("default.gaussian", wires=3), PlainGaussian(wires=3)):
        circuit = light(device, OUTCOMES[name], noisy=True)
        np.testing.assert_allclose(hb.jacobian(circuit)(POINT), differences(circuit, POINT), atol=1e-8)


@pytest.mark.parametrize("name", [*COUNTED, "homodyne", "heterodyne"])
@pytest.mark.parametrize("noisy", [False, True])
def test_fock_derivatives_are_those_of_the_truncated_light(name, noisy):
    device = hb.device("default.fock", wires=3, cutoff_dim=5 if noisy else 8)
    circuit = light(device, {**OUTCOMES, **COUNTED}[name], noisy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        np.testing.assert_allclose(hb.jacobian(circuit)(POINT), differences(circuit, POINT), atol=1e-8)


@pytest.mark.parametrize("name", COUNTED)
def test_gaussian_devices_name_the_one_that_counts(name):
    with pytest.raises(UnsupportedCircuit, match=r"default\.fock\b.* can$"):
        light(hb.device("default.gaussian", wires=3), COUNTED[name])(POINT)


def test_rules_refuse_what_is_before_an_outcome_and_serve_what_is_behind():
    @hb.qnode(hb.device("default.gaussian", wires=2), diff_method="parameter-shift")
    def circuit(v):
        hb.Squeezing(0.3, 0.3, wires=0)
        hb.Beamsplitter(v[0], 0.4, wires=[0, 1])
        hb.PostselectHomodyne(0.4, 0.2, wires=1)
        hb.Squeezing(v[1], 0.2, wires=0)
        return hb.expval(hb.NumberOperator(0))

    with pytest.raises(GradientError, match=r"PostselectHomodyne on wires \[1\] selects"):
        hb.grad(circuit)(np.array([0.3, 0.2]))
    behind, h = hb.grad(lambda s: circuit([0.3, s])), 1e-5
    slope = (circuit([0.3, 0.2 + h]) - circuit([0.3, 0.2 - h])) / (2 * h)
    assert behind(0.2) == pytest.approx(slope, abs=1e-7)


def test_a_detector_on_light_that_was_never_met_changes_nothing_but_is_no_rule_either():
    """The light cone takes in what an outcome may have met; the device's own derivative is exact."""

    @hb.qnode(hb.device("default.gaussian", wires=2))
    def circuit(v):
        hb.Squeezing(v, 0.3, wires=1)
        hb.PostselectHomodyne(0.4, 0.2, wires=1)
        hb.CoherentState(0.5, 0.0, wires=0)
        return hb.expval(hb.QuadX(0))

    assert circuit(0.3) == pytest.approx(1.0) and hb.grad(circuit)(0.3) == pytest.approx(0.0)


def test_what_an_outcome_hides_is_still_told():
    """Normalised light has norm 1: the leak is told relative to how likely the outcome was."""

    @hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=6))
    def circuit(a, n):
        hb.Displacement(a, 0.0, wires=0)
        hb.Beamsplitter(0.2, 0.0, wires=[0, 1])
        hb.PostselectPhotons([n], wires=1)
        return hb.expval(hb.NumberOperator(0)), hb.probs(wires=0)

    circuit(0.25, 0)
    with pytest.warns(TruncationWarning, match="raise cutoff_dim"):
        circuit(0.25, 4)
    with pytest.warns(TruncationWarning, match="raise cutoff_dim"):
        circuit(1.5, 0)


@pytest.mark.parametrize("device", ["ket", "density"])
def test_outcomes_of_no_weight_are_errors(device):
    @hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=6))
    def circuit():
        hb.FockState([2], wires=0)
        if device == "density":
            hb.ThermalLossChannel(1.0, 0.0, wires=0)
        hb.PostselectPhotons([3], wires=0)
        return hb.expval(hb.NumberOperator(1))

    with pytest.raises(CircuitError, match=r"PostselectPhotons\(\(3,\)\) selects an outcome of probability"):
        circuit()


@pytest.mark.parametrize("x", [60.0, 1e200])
@pytest.mark.parametrize("device", [hb.device("default.gaussian", wires=1), PlainGaussian(wires=1)])
def test_outcomes_of_no_density_are_errors(x, device):
    @hb.qnode(device)
    def circuit(x):
        hb.PostselectHomodyne(x, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    assert circuit(30.0) == 0.0  # of density exp(-450)
    with pytest.raises(CircuitError, match=r"selects an outcome of probability exp"):
        circuit(x)


def test_photons_beyond_the_cutoff_are_errors():
    @hb.qnode(hb.device("default.fock", wires=1, cutoff_dim=4))
    def circuit():
        hb.PostselectPhotons([4], wires=0)
        return hb.expval(hb.NumberOperator(0))

    with pytest.raises(CircuitError, match="cutoff_dim >= 5"):
        circuit()


@pytest.mark.parametrize(
    ("family", "constants", "message"),
    [
        (hb.PostselectPhotons, [[-1]], "whole photon numbers"),
        (hb.PostselectPhotons, [[1, 2]], "on 1 wires"),
        (hb.PostselectClick, [[2]], "zeros and ones"),
        (hb.PostselectClick, [[1, 0]], "one for each wire"),
    ],
)
def test_outcomes_that_no_detector_has_are_named(family, constants, message):
    with pytest.raises(CircuitError, match=message):
        family.of(1, *constants)


@pytest.mark.parametrize("modify", [hb.adjoint, lambda row: hb.pow(row, 2)])
def test_outcomes_have_no_inverse_and_no_power(modify):
    with pytest.raises(CircuitError, match="is an outcome, not a gate"):
        modify(hb.PostselectHomodyne)


def test_homodyne_of_one_twin_squeezes_the_other():
    """Given x of one of two-mode squeezed light, the other has x tanh(2r) and variance 1 / cosh(2r)."""
    r, x = 0.6, 0.8

    @hb.qnode(hb.device("default.gaussian", wires=2))
    def circuit():
        hb.TwoModeSqueezing(r, 0.0, wires=[0, 1])
        hb.PostselectHomodyne(x, 0.0, wires=1)
        return hb.expval(hb.QuadX(0)), hb.var(hb.QuadX(0)), hb.var(hb.QuadP(0))

    assert circuit() == pytest.approx((x * np.tanh(2 * r), 1 / np.cosh(2 * r), np.cosh(2 * r)))
