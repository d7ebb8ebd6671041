"""CV models through the whole path: values, exact derivatives, validity, samples, warnings."""

import numpy as np
import pytest

import hybridge as hb

DEVICES = {"default.gaussian": {}, "default.fock": {"cutoff_dim": 20}}


def node(function, device="default.gaussian", wires=2, **options):
    return hb.QNode(function, hb.device(device, wires=wires, **DEVICES[device], **options))


def ansatz(x):
    """Every kind of Gaussian spectrum, on descending wires too, small enough for a cutoff."""
    hb.SqueezedState(x[0], 0.4, wires=1)
    hb.Displacement(x[1], x[2], wires=0)
    hb.Beamsplitter(x[3], x[4], wires=[1, 0])
    hb.TwoModeSqueezing(x[5], 0.3, wires=[1, 0])
    hb.Rotation(x[2], wires=1)  # x[2] again
    hb.QuadraticPhase(x[6], wires=0)
    hb.ControlledPhase(x[7], wires=[1, 0])


X = np.array([0.15, 0.2, 0.5, 0.7, 0.3, 0.1, 0.12, -0.1])
MEASURES = {
    "x": lambda: hb.expval(hb.QuadX(0)),
    "quadrature": lambda: hb.expval(hb.QuadOperator(0.4, 1)),
    "photons": lambda: hb.expval(hb.NumberOperator(1)),
    "var x": lambda: hb.var(hb.QuadX(1)),
    "var n": lambda: hb.var(hb.NumberOperator(0)),
    "coincidence": lambda: hb.expval(hb.TensorN([0, 1])),
    "sum": lambda: hb.expval(hb.QuadX(0) @ hb.QuadX(1) + 0.5 * hb.NumberOperator(0) - 2 * hb.QuadP(1)),
    "polynomial": lambda: hb.expval(hb.PolyXP(np.array([[1, 0.2, 0], [0.2, 0.5, 1], [0, 1, -1]]), wires=1)),
}


def slopes(f, x, h=1e-3):
    e = np.eye(len(x)) * h
    return np.array([(8 * (f(x + d) - f(x - d)) - (f(x + 2 * d) - f(x - 2 * d))) / (12 * h) for d in e])


@pytest.mark.parametrize("name", MEASURES)
def test_the_original_observable_is_differentiated_exactly(name):
    def f(x):
        ansatz(x)
        return MEASURES[name]()

    circuit = node(f)
    assert np.allclose(hb.grad(circuit)(X), slopes(circuit, X), atol=1e-9)


@pytest.mark.parametrize("name", ["photons", "var n", "coincidence", "sum"])
def test_the_fock_device_agrees_in_value_and_gradient(name):
    def f(x):
        ansatz(x)
        return MEASURES[name]()

    gaussian, fock = node(f), node(f, "default.fock")
    assert fock(X) == pytest.approx(gaussian(X), abs=1e-8)
    assert np.allclose(hb.grad(fock)(X), hb.grad(gaussian)(X), atol=1e-5)


def test_a_gradient_is_one_job_and_hessians_are_exact():
    def f(x):
        ansatz(x)
        return hb.expval(hb.NumberOperator(0))

    circuit = node(f)
    circuit(X)
    with hb.Tracker(circuit.device) as tracker:
        hb.grad(circuit)(X)
    assert tracker.totals["jobs"] == 2
    h = hb.hessian(circuit)(X)
    assert np.allclose(h, h.T, atol=1e-9)
    assert np.allclose(h, slopes(lambda x: hb.grad(circuit)(x), X), atol=1e-7)


def test_thermal_light_is_differentiated_without_negative_photons():
    def f(n, r):
        hb.ThermalState(n, wires=0)
        hb.Squeezing(r, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    circuit = node(f, wires=1)
    by_n, by_r = hb.grad(circuit, argnums=(0, 1))(0.1, 0.3)
    assert by_n == pytest.approx(np.cosh(0.6)) and by_r == pytest.approx(1.2 * np.sinh(0.6))
    assert hb.grad(circuit)(0.0, 0.3) == pytest.approx(np.cosh(0.6))
    fock = node(f, "default.fock", wires=1)
    assert fock(0.1, 0.1) == pytest.approx(circuit(0.1, 0.1), abs=1e-6)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (lambda x: hb.ThermalState(x, wires=0), "ThermalState needs nbar >= 0; got nbar = -0.1"),
        (lambda x: hb.LossChannel(x, wires=0), "LossChannel needs 0 <= T <= 1; got T = -0.1"),
    ],
)
def test_numbers_out_of_bounds_are_refused(operation, message):
    def f(x):
        operation(x)
        return hb.expval(hb.NumberOperator(0))

    circuit = node(f)
    for call in (circuit, lambda x: circuit(np.array([0.2, x])), hb.grad(circuit)):
        with pytest.raises(hb.CircuitError, match=message):
            call(-0.1)


def kerr_between(x):
    hb.Displacement(x, 0.0, wires=0)
    hb.Kerr(0.1, wires=0)


@pytest.mark.parametrize(
    ("body", "measure", "valid"),
    [
        (kerr_between, lambda: hb.expval(hb.QuadX(0)), False),
        (
            lambda x: (hb.Kerr(0.1, wires=0), hb.Displacement(x, 0.0, wires=0)),
            lambda: hb.expval(hb.QuadX(0)),
            True,
        ),
        (kerr_between, lambda: hb.expval(hb.QuadX(1)), True),  # the Kerr gate never meets mode 1
        (
            lambda x: (kerr_between(x), hb.Beamsplitter(0.3, 0.1, wires=[0, 1])),
            lambda: hb.expval(hb.QuadX(1)),
            False,
        ),
        (
            lambda x: (kerr_between(x), hb.CoherentState(0.1, 0.2, wires=0)),
            lambda: hb.expval(hb.QuadX(0)),
            True,  # the mode is prepared anew
        ),
        (
            lambda x: (hb.Displacement(0.3, 0.1, wires=0), hb.Kerr(x, wires=0)),
            lambda: hb.expval(hb.QuadX(0)),
            True,
        ),
        (lambda x: hb.CubicPhase(x, wires=0), lambda: hb.expval(hb.QuadP(0)), False),
        (lambda x: hb.CubicPhase(x, wires=1), lambda: hb.expval(hb.QuadX(0)), True),  # it cannot matter
        (lambda x: hb.Displacement(x, 0.0, wires=0), lambda: hb.probs(wires=0), False),
        (
            lambda x: hb.Displacement(x, 0.0, wires=0),
            lambda: hb.expval(hb.FockStateProjector([1], wires=0)),
            False,
        ),
    ],
)
def test_the_rule_raises_where_it_does_not_hold_and_best_asks_the_device(body, measure, valid):
    def f(x):
        body(x)
        return measure()

    circuit = node(f, "default.fock")
    finite = hb.QNode(f, circuit.device, diff_method="finite-diff")
    by_rule = hb.QNode(f, circuit.device, diff_method="parameter-shift")
    expected = hb.jacobian(finite)(0.2)  # asked for by name it always works
    assert np.allclose(hb.jacobian(circuit)(0.2), expected, atol=1e-8)
    if valid:
        assert np.allclose(hb.jacobian(by_rule)(0.2), expected, atol=1e-6)
    else:
        with pytest.raises(hb.GradientError, match=r"parameter '.*finite-diff"):
            hb.jacobian(by_rule)(0.2)
        with pytest.raises(hb.GradientError, match=r"parameter '.*finite-diff"):
            hb.jacobian(hb.jacobian(circuit))(0.2)  # second derivatives need the rule


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", MEASURES)
def test_sampled_values_agree_with_exact_ones(device, name):
    """Within five standard errors of the run itself; false alarm below 1e-6 each, the seed is fixed."""

    def f(x):
        ansatz(x)
        return MEASURES[name]()

    exact, sampled = node(f, device), node(f, device, shots=4000, seed=5)
    comparison = hb.compare(exact, [exact.device, sampled.device], args=(X,), gradient=False)
    assert comparison.agree, str(comparison)
    assert comparison.rows[1].error[0] > 0


@pytest.mark.parametrize("device", DEVICES)
def test_shots_of_one_call_are_joint(device):
    def f():
        hb.TwoModeSqueezing(0.5, 0.0, wires=[0, 1])
        return (
            hb.sample(hb.NumberOperator(0)),
            hb.sample(hb.NumberOperator(1)),
            hb.sample(wires=[1, 0]),
            hb.counts(hb.NumberOperator(0)),
            hb.counts(wires=[0, 1]),
            hb.sample(hb.QuadX(0)),
            hb.sample(hb.QuadX(1)),
        )

    n0, n1, both, counts, pairs, x0, x1 = node(f, device, shots=500, seed=2)()
    assert (n0 == n1).all() and (both[:, 0] == n1).all() and both.dtype.kind == "i"
    assert counts == {k: int((n0 == k).sum()) for k in sorted(set(n0.tolist()))}
    assert sum(pairs.values()) == 500 and set(pairs) == {f"{int(k)},{int(k)}" for k in set(n0.tolist())}
    assert np.corrcoef(x0, x1)[0, 1] == pytest.approx(np.tanh(1.0), abs=0.1)


def test_a_cutoff_too_low_is_said_with_the_number():
    def f():
        hb.Displacement(1.2, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    device = hb.device("default.fock", wires=1, cutoff_dim=4)
    said = r"0\.0\d+ of the norm lies beyond cutoff_dim=4.*raise cutoff_dim"
    with pytest.warns(hb.TruncationWarning, match=said):
        hb.QNode(f, device)()
    with pytest.raises(hb.DeviceError, match="needs the option 'cutoff_dim'"):
        hb.device("default.fock", wires=1)


def test_photon_probabilities_of_both_devices_are_equal():
    def f(x):
        ansatz(x)
        return hb.probs(wires=[1, 0]), hb.expval(hb.FockStateProjector([1, 0], wires=[1, 0]))

    found = [hb.QNode(f, hb.device(name, wires=2, cutoff_dim=12))(X) for name in DEVICES]
    (a, pa), (b, pb) = found
    assert (
        np.allclose(a, b, atol=1e-7)
        and pa == pytest.approx(a.reshape(12, 12)[1, 0])
        and pb == pytest.approx(pa)
    )


def test_the_reduced_state_of_an_entangled_one_is_mixed():
    def f():
        hb.TwoModeSqueezing(0.5, 0.0, wires=[0, 1])
        return hb.density_matrix(wires=1)

    for name, cutoff in {"default.gaussian": 10, "default.fock": 20}.items():
        matrix = hb.QNode(f, hb.device(name, wires=2, cutoff_dim=cutoff))()[:6, :6]
        expected = np.tanh(0.5) ** (2 * np.arange(6)) / np.cosh(0.5) ** 2
        assert np.allclose(matrix, np.diag(expected), atol=1e-7)


def test_a_barrier_touches_no_mode():
    def f():
        hb.Barrier(0)
        hb.FockState(1, wires=0)
        return hb.state()

    assert abs(node(f, "default.fock", wires=1)()[1]) == 1


def test_modified_rows_undo_and_repeat():
    """adjoint and pow of CV rows run, on descending wires, where the device has to lower them too."""
    u = np.linalg.qr(np.array([[1, 2j], [0.5, 1 - 1j]]))[0]

    def there_and_back(x):
        ansatz(x)
        hb.ControlledAddition(0.3, wires=[1, 0])
        hb.InterferometerUnitary(u, wires=[1, 0])
        hb.adjoint(hb.InterferometerUnitary)(u, wires=[1, 0])
        hb.adjoint(hb.ControlledAddition)(0.3, wires=[1, 0])
        hb.adjoint(hb.Beamsplitter)(0.7, 0.3, wires=[0, 1])
        hb.pow(hb.Beamsplitter(0.35, 0.3, wires=[0, 1]), 2)
        return tuple(m() for m in MEASURES.values())

    def plain(x):
        ansatz(x)
        return tuple(m() for m in MEASURES.values())

    assert np.allclose(node(there_and_back)(X), node(plain)(X), atol=1e-12)
