"""The mean and the covariance of a GaussianState are numbers of the circuit, and differentiate."""

import pickle

import jax
import numpy as np
import pytest
import tensorflow
import torch

import hybridge as hb
from hybridge.plans import plans_of
from hybridge_default.gaussian_numpy import PlainGaussian

WEIGHTS = {1: 45, 2: -9, 3: 1}  # of sixth-order central differences
MIXED = np.array([[1.4, 0.2], [0.2, 1.1]])
PURE = np.diag([0.5, 2.0])
MEAN = np.array([0.4, -0.3])


def along(f, x, direction, h=2e-3):
    return sum(w * (f(x + k * h * direction) - f(x - k * h * direction)) for k, w in WEIGHTS.items()) / (
        60 * h
    )


def circuit(device, wires=1, **options):
    @hb.qnode(device, **options)
    def measured(V, r):
        hb.GaussianState(V, r, wires=list(range(wires)))
        hb.Squeezing(0.2, 0.1, wires=0)
        hb.Beamsplitter(0.4, 0.3, wires=[0, wires])
        return (
            hb.expval(hb.NumberOperator(0)),
            hb.var(hb.NumberOperator(wires)),
            hb.expval(hb.QuadX(0)),
            hb.expval(hb.FockStateProjector([1, 0], wires=[0, wires])),
        )

    return lambda V, r: hb.numpy.stack(measured(V, r))


def random_state(wires):
    rng = np.random.default_rng(wires)
    A = rng.normal(size=(2 * wires, 2 * wires)) / 3
    return np.eye(2 * wires) * 1.2 + A @ A.T, rng.normal(size=2 * wires) / 2


def gaussian(wires):
    return hb.device("default.gaussian", wires=wires + 1)


def plain(wires):
    return PlainGaussian(wires=wires + 1)


def fock(wires):
    return hb.device("default.fock", wires=wires + 1, cutoff_dim=10 if wires == 1 else 5)


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize(
    ("make", "wires"), [(gaussian, 1), (gaussian, 2), (gaussian, 3), (plain, 2), (fock, 1), (fock, 2)]
)
def test_mean_and_covariance_have_the_derivatives_of_differences(make, wires):
    V, r = random_state(wires)
    f = circuit(make(wires), wires)
    by_V, by_r = hb.jacobian(f, argnums=(0, 1))(V, r)
    for i, e in enumerate(np.eye(2 * wires)):
        assert np.allclose(by_r[:, i], along(lambda r: f(V, r), r, e), atol=1e-9)
    rng = np.random.default_rng(9)
    for _ in range(3):  # in V only symmetric directions are states
        direction = rng.normal(size=V.shape)
        direction = direction + direction.T
        want = along(lambda V: f(V, r), V, direction)
        assert np.allclose((by_V * direction).sum(axis=(1, 2)), want, atol=1e-8)
    assert np.array_equal(by_V, np.swapaxes(by_V, 1, 2))  # V_ij and V_ji share what they do


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize("make", [gaussian, plain, fock])
@pytest.mark.parametrize("V", [PURE, MIXED], ids=["pure", "mixed"])
def test_the_mean_alone_leaves_a_pure_state_pure(make, V):
    device = make(1)
    f = circuit(device)
    by_r = hb.jacobian(f, argnums=1)(V, MEAN)
    want = np.stack([along(lambda r: f(V, r), MEAN, e) for e in np.eye(2)], axis=-1)
    assert np.allclose(by_r, want, atol=1e-9)
    if make is not fock:  # the rule is that of the untruncated circuit
        rule = circuit(device, diff_method="parameter-shift")
        assert np.allclose(hb.jacobian(lambda r: rule(V, r)[:3])(MEAN), want[:3], atol=1e-9)


def test_entries_are_numbers_whether_traced_or_not():
    """Only the purity is structure: of a plain V it is known, and a pure state on a Fock device is a ket."""

    def prepared(V, r):
        hb.GaussianState(V, r, wires=0)
        return hb.state()

    rows = [hb.QNode(prepared, fock(1)).record(V, MEAN).instructions[0][0] for V in (PURE, MIXED, 2 * MIXED)]
    assert [row.arity for row in rows] == [6, 6, 6]
    assert not rows[0].mixed and rows[1].mixed and rows[1] is rows[2]
    assert np.ndim(hb.QNode(prepared, hb.device("default.fock", wires=1, cutoff_dim=24))(PURE, MEAN)) == 1


def test_plans_of_gradients_name_the_entries():
    measured = lambda V, r: (hb.GaussianState(V, r, wires=0), hb.expval(hb.NumberOperator(0)))[1]
    by_device = hb.gradient_plan(hb.QNode(measured, gaussian(1)), argnums=(0, 1))(MIXED, MEAN)
    named = ["r[0]", "r[1]", "V[0, 0]", "V[0, 1]", "V[1, 0]", "V[1, 1]"]
    assert [row.parameter for row in by_device.rows] == named
    assert {row.method for row in by_device.rows} == {"device"}
    by_rule = hb.gradient_plan(hb.QNode(measured, gaussian(1), diff_method="parameter-shift"), argnums=1)
    assert [row.evaluations for row in by_rule(MIXED, MEAN).rows] == [2, 2]


def test_a_covariance_is_optimized():
    """The mean photon number of a state of two squeezed quadratures, over what is added to both."""
    node = hb.QNode(
        lambda r: (hb.GaussianState(MIXED, r, wires=0), hb.expval(hb.NumberOperator(0)))[1], gaussian(1)
    )
    r, value = MEAN, None
    optimizer = hb.GradientDescent(0.5)
    for _ in range(40):
        r, value = optimizer.step_and_cost(node, r)
    assert value == pytest.approx((np.trace(MIXED) - 2) / 4, abs=1e-9)


def test_a_pure_state_mixes_along_its_covariance():
    """d/dV at the boundary, where V alone is no pure state's any more: both simulators have it."""
    found = [hb.jacobian(circuit(make(1)))(PURE, MEAN) for make in (gaussian, plain)]
    assert np.allclose(found[0], found[1], atol=1e-12)
    cut = hb.device("default.fock", wires=2, cutoff_dim=24)
    probability = hb.jacobian(lambda V: circuit(cut)(V, MEAN)[3])(PURE)
    assert np.allclose(probability, found[0][3], atol=1e-8)
    weaker = hb.jacobian(circuit(gaussian(1)))(PURE + 1e-7 * np.eye(2), MEAN)
    assert np.allclose(found[0], weaker, atol=1e-6)


def test_traced_and_plain_arrays_give_the_same_values():
    f = circuit(gaussian(2), 2)
    V, r = random_state(2)
    static = circuit(gaussian(2), 2, static=True)
    nested = circuit(gaussian(2), 2)(V.tolist(), list(r))
    for found in (static(V, r), nested, hb.value_and_grad(lambda r: f(V, r)[0])(r)[0]):
        assert np.allclose(np.ravel(found), np.ravel(f(V, r))[: np.size(found)], rtol=1e-13)


def test_entries_may_be_calculated():
    @hb.qnode(hb.device("default.gaussian", wires=1))
    def squeezed(s, a):
        V = [[hb.numpy.exp(-2 * s), 0.0], [0.0, hb.numpy.exp(2 * s)]]
        hb.GaussianState(V, [2 * a, 0.0], wires=0)
        return hb.expval(hb.NumberOperator(0))  # sinh(s)^2 + a^2

    found = hb.grad(squeezed, argnums=(0, 1))(0.3, 0.4)
    assert found == pytest.approx((np.sinh(0.6), 0.8), rel=1e-12)


def test_one_structure_serves_all_numbers():
    device = gaussian(1)
    f = circuit(device)
    slope = hb.jacobian(f, argnums=(0, 1))
    for shift in range(5):
        slope(MIXED + shift * np.eye(2), MEAN + shift)
    assert len(plans_of(device)) == 1
    row = hb.GaussianState.of(1, MIXED, MEAN)
    assert pickle.loads(pickle.dumps(row)) is row


def test_what_is_no_state_is_told_at_the_numbers():
    f = circuit(gaussian(1))
    with pytest.raises(hb.CircuitError, match="uncertainty relation"):
        hb.jacobian(f)(MIXED / 3, MEAN)
    with pytest.raises(hb.CircuitError, match=r"symmetric V; V differs from its transpose by 0\.1"):
        f(MIXED + np.array([[0, 0.1], [0, 0]]), MEAN)
    with pytest.raises(hb.CircuitError, match=r"needs r of shape \(2,\); got \(3,\)"):
        hb.jacobian(f, argnums=1)(MIXED, np.zeros(3))
    with pytest.raises(hb.CircuitError, match=r"needs V of shape \(2, 2\); got \(4, 4\)"):
        hb.jacobian(f)(np.eye(4), MEAN)
    with pytest.raises(hb.CircuitError, match="uncertainty relation"):
        hb.jacobian(f, argnums=1)(MIXED / 3, MEAN)


def test_a_covariance_is_not_shifted():
    """It might be no state's: so a device without derivatives of its own refuses."""
    rule = circuit(gaussian(1), diff_method="parameter-shift")
    with pytest.raises(
        hb.GradientError, match=r"'V\[0, 0\]' of GaussianState .* may leave what GaussianState"
    ):
        hb.jacobian(rule)(MIXED, MEAN)
    told = circuit(gaussian(1), diff_method="finite-diff")
    assert np.allclose(
        hb.jacobian(told)(MIXED, MEAN), hb.jacobian(circuit(gaussian(1)))(MIXED, MEAN), atol=1e-8
    )


def test_second_derivatives_in_the_mean():
    @hb.qnode(hb.device("default.gaussian", wires=1))
    def photons(r):
        hb.GaussianState(MIXED, r, wires=0)
        return hb.expval(hb.NumberOperator(0))

    assert np.allclose(hb.hessian(photons)(MEAN), np.eye(2) / 2)


def test_differences_that_leave_the_states_are_refused_where_they_would_be_sampled():
    """Wide as noise needs them; outside there are no probabilities to draw from."""
    shots = hb.device("default.gaussian", wires=1, shots=100, seed=1)
    prepared = lambda V: (hb.GaussianState(V, MEAN, wires=0), hb.expval(hb.NumberOperator(0)))[1]
    thermal = lambda n: (hb.ThermalState(n, wires=0), hb.expval(hb.NumberOperator(0)))[1]
    with pytest.raises(hb.CircuitError, match="uncertainty relation"):
        hb.grad(hb.QNode(prepared, shots, diff_method="finite-diff"))(PURE)
    with pytest.raises(hb.CircuitError, match="ThermalState needs nbar >= 0; got nbar = -"):
        hb.grad(hb.QNode(thermal, shots, diff_method="finite-diff"))(0.02)
    assert np.isfinite(hb.grad(hb.QNode(thermal, shots))(0.02))  # its rule looks to one side only


def of_torch(node, V, r):
    leaves = [torch.tensor(x, requires_grad=True) for x in (V, r)]
    node(*leaves).backward()
    return [leaf.grad.numpy() for leaf in leaves]


def of_jax(node, V, r):
    with jax.enable_x64(True):
        return jax.jit(jax.grad(node, argnums=(0, 1)))(jax.numpy.array(V), jax.numpy.array(r))


def of_tensorflow(node, V, r):
    leaves = [tensorflow.Variable(x) for x in (V, r)]
    with tensorflow.GradientTape() as tape:
        value = node(*leaves)
    return tape.gradient(value, leaves)


@pytest.mark.parametrize("gradient", [of_torch, of_jax, of_tensorflow])
def test_every_library_traces_the_entries(gradient):
    V, r = random_state(2)

    @hb.qnode(gaussian(2))
    def measured(V, r):
        hb.GaussianState(V, r, wires=[0, 1])
        hb.Squeezing(0.2, 0.1, wires=0)
        return hb.var(hb.NumberOperator(0))

    want = hb.grad(measured, argnums=(0, 1))(V, r)
    for found, wanted in zip(gradient(measured, V, r), want, strict=True):
        assert np.allclose(np.asarray(found), wanted, atol=1e-12)
