"""Threshold and heterodyne detectors: exact probabilities, derivatives, joint samples, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb
from hybridge.errors import CircuitError, GradientError
from hybridge.phasespace.clicks import click_probs, click_pullback
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.heterodyne import draw_alpha

ANGLES = (0.3, -0.8, 0.5, 0.7, 0.4, 0.9)


def state(seed: int, k: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A mean and covariance without symmetry, noise 0: pure."""
    rng = np.random.default_rng(seed)
    S = np.eye(2 * k)
    for i in range(k):
        own, _ = hb.Squeezing.definition(rng.uniform(0, 0.5), rng.uniform(0, 6))
        S[np.ix_([i, k + i], [i, k + i])] = own
    u = np.linalg.qr(rng.normal(size=(k, k)) + 1j * rng.normal(size=(k, k)))[0]
    S = hb.InterferometerUnitary.of(k, u).definition()[0] @ S
    return rng.normal(size=(1, 2 * k)) / 2, (S @ S.T + noise * np.eye(2 * k))[None]


@given(st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([0.0, 0.3]))
@settings(max_examples=40, deadline=None)
def test_click_patterns_are_sums_of_photon_numbers(seed, k, noise):
    mean, cov = state(seed, k, noise)
    found = click_probs(mean, cov)[0]
    assert found.sum() == pytest.approx(1.0) and (found >= 0).all()
    cutoff = {1: 60, 2: 26, 3: 14}[k] if noise == 0 else {1: 60, 2: 16, 3: 8}[k]
    table = GaussianModes(mean, cov, cutoff).probs(range(k)).reshape((cutoff,) * k)
    for axis in range(k):
        dark, light = np.split(table, [1], axis=axis)
        table = np.concatenate([dark, light.sum(axis=axis, keepdims=True)], axis=axis)
    missing = 1 - table.sum()
    assert np.abs(found - table.ravel()).max() <= missing + 1e-12


def test_click_probabilities_have_their_slopes():
    mean, cov = state(5, 2, 0.2)
    weights, h = np.array([[0.3, -0.7, 1.1, 0.4]]), 1e-6
    by_mean, by_cov = click_pullback(mean, cov, weights)
    value = lambda mean, cov: (click_probs(mean, cov) * weights).sum(axis=1)
    for i in range(4):
        step = h * np.eye(4)[i]
        slope = (value(mean + step, cov) - value(mean - step, cov)) / (2 * h)
        assert slope[0] == pytest.approx(by_mean[0, i], abs=1e-8)
        for j in range(4):
            bump = np.zeros((4, 4))
            bump[i, j] = bump[j, i] = h
            slope = (value(mean, cov + bump) - value(mean, cov - bump)) / (2 * h)
            both = by_cov[0, i, j] + by_cov[0, j, i] if i != j else by_cov[0, i, i]
            assert slope[0] == pytest.approx(both, abs=1e-8)


def model(device: str, **options):
    @hb.qnode(hb.device(device, wires=2, **options))
    def circuit(v):
        hb.Squeezing(v[0], v[1], wires=0)
        hb.Displacement(v[2], v[3], wires=1)
        hb.Beamsplitter(v[4], v[5], wires=[0, 1])
        return hb.expval(hb.Click([1, 0])), hb.var(hb.Click(0))

    return circuit


@pytest.mark.parametrize(
    ("device", "options"), [("default.gaussian", {}), ("default.fock", {"cutoff_dim": 24})]
)
def test_devices_differentiate_clicks(device, options):
    circuit, point, h = model(device, **options), np.array(ANGLES), 1e-5
    for found, at in zip(hb.jacobian(circuit)(point), (0, 1), strict=True):
        for i in range(6):
            up, down = (circuit(point + s * h * np.eye(6)[i])[at] for s in (1, -1))
            assert found[i] == pytest.approx((up - down) / (2 * h), abs=1e-8)


def test_devices_agree_on_clicks():
    gaussian, fock = model("default.gaussian"), model("default.fock", cutoff_dim=30)
    assert gaussian(np.array(ANGLES)) == pytest.approx(fock(np.array(ANGLES)), abs=1e-8)


@pytest.mark.parametrize(
    ("device", "options"), [("default.gaussian", {}), ("default.fock", {"cutoff_dim": 12})]
)
def test_devices_differentiate_patterns(device, options):
    """Read in another order than the device's, not of all wires, beside what else it reads."""

    @hb.qnode(hb.device(device, wires=["a", 7, "c"], **options), diff_method="device")
    def circuit(v):
        hb.Squeezing(v[0], v[1], wires="c")
        hb.Displacement(v[2], v[3], wires="a")
        hb.Beamsplitter(v[4], v[5], wires=["a", "c"])
        return (
            hb.expval(hb.NumberOperator("a")),
            hb.probs(op=hb.Click(["c", "a"])),
            hb.probs(op=hb.Click("a")),
        )

    point, h = 0.3 * np.array(ANGLES), 1e-5
    whole = lambda v: np.concatenate([np.ravel(part) for part in circuit(v)])
    found = np.concatenate([np.reshape(part, (-1, 6)) for part in hb.jacobian(circuit)(point)])
    slopes = np.transpose([(whole(point + d) - whole(point - d)) / (2 * h) for d in h * np.eye(6)])
    np.testing.assert_allclose(found, slopes, rtol=0, atol=1e-8)
    assert np.abs(found[1:5]).max() > 0.05


def test_patterns_have_a_shift_rule_where_the_light_is_of_few_photons():
    """Of Gaussian light they are exponentials of a quotient: no rule, as is told."""

    @hb.qnode(hb.device("default.fock", wires=2, cutoff_dim=4), diff_method="parameter-shift")
    def pair(theta):
        hb.FockState([1, 1], wires=[0, 1])
        hb.Beamsplitter(theta, 0.3, wires=[0, 1])
        return hb.probs(op=hb.Click([0, 1]))

    # they leave together with probability cos^2(2 theta) (Hong, Ou and Mandel)
    together = -2 * np.sin(4 * 0.3)
    assert hb.jacobian(pair)(0.3) == pytest.approx([0, -together / 2, -together / 2, together], abs=1e-12)

    @hb.qnode(hb.device("default.gaussian", wires=2), diff_method="parameter-shift")
    def bright(a):
        hb.Displacement(a, 0.2, wires=0)
        return hb.probs(op=hb.Click([0, 1]))

    assert bright(0.5) == pytest.approx([np.exp(-0.25), 0, 1 - np.exp(-0.25), 0])
    with pytest.raises(GradientError, match=r"probs\(Click.* is not polynomial .* derivatives of its own"):
        hb.jacobian(bright)(0.5)


def test_standard_errors_of_clicks():
    @hb.qnode(hb.device("default.gaussian", wires=1, shots=1000, seed=2))
    def circuit(a):
        hb.Displacement(a, 0.2, wires=0)
        return hb.expval(hb.Click(0)), hb.probs(op=hb.Click(0))

    (mean, patterns), errors = (lambda found: (found.value, found.error))(hb.with_error(circuit)(0.8))
    p = 1 - np.exp(-0.64)
    for value, error in ((mean, errors[0]), (patterns[1], errors[1][1])):
        assert abs(value - p) < 6 * np.sqrt(p * (1 - p) / 1000)
        assert error == pytest.approx(np.sqrt(p * (1 - p) / 1000), rel=0.2)


@pytest.mark.parametrize("use", ["measure", "combine", "many"])
def test_what_clicks_are_not(use):
    if use == "combine":
        with pytest.raises(CircuitError, match="does not combine"):
            hb.Click(0) + hb.Click(1)
    elif use == "measure":
        with pytest.raises(CircuitError, match="each given once"):
            hb.Click([0, 0])
    else:
        with pytest.raises(CircuitError, match="take shots"):
            click_probs(np.zeros((1, 42)), np.eye(42)[None])


@pytest.mark.parametrize("shots", [None, 10])
def test_qubits_are_not_heterodyned(shots):
    @hb.qnode(hb.device("default.qubit", wires=1, shots=shots))
    def circuit():
        hb.RX(0.1, wires=0)
        return hb.sample_heterodyne(wires=0)

    with pytest.raises(hb.UnsupportedCircuit, match=r"heterodyne\(wires=\[0\]\), a CV measurement"):
        circuit()


def test_heterodyne_of_faint_states_is_as_sharp_as_of_strong_ones():
    """The angle is drawn from a normalised density: a ket of norm 1e-9 gives the same outcomes."""
    ket = np.zeros((1, 1, 4, 1), dtype=complex)
    ket[0, 0, :2, 0] = 0.6, 0.8j
    drawn = [draw_alpha(scale * ket, 2000, np.random.default_rng(3))[0] for scale in (1.0, 1e-9)]
    np.testing.assert_allclose(*drawn, atol=1e-9)
    # <alpha> = <a> = 0.48 i; the spread of one shot is under 1: false alarms under 1e-9
    assert abs(drawn[0].mean() - 0.48j) < 6.5 / np.sqrt(2000)


def test_photons_heterodyned_leave_what_they_should():
    """alpha of one mode of (|01> + |10>) / sqrt(2) leaves |1> + conj(alpha) |0> of the other."""
    ket = np.zeros((1, 1, 2, 2), dtype=complex)
    ket[0, 0, 0, 1] = ket[0, 0, 1, 0] = np.sqrt(0.5)
    alpha, left = draw_alpha(ket, 5, np.random.default_rng(0))
    np.testing.assert_allclose(left[..., 0] / left[..., 1], alpha.conj(), atol=1e-12)
