"""The rules of light on Strawberry Fields' simulators, whose values are all that is known of them."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.operations.table import ROWS

WEIGHTS = {1: 45, 2: -9, 3: 1}  # of sixth-order central differences
RULED = [
    row
    for row in ROWS.values()
    if row.domain == "cv" and row.definition is not None and row.params and None not in row.spectrum
    if row.kind != "outcome"  # what is selected is divided by its probability
]


def differences(f, x, h=2e-3):
    """The Jacobian of an array-valued f at x, to 1e-10."""
    parts = [
        sum(w * (f(x + k * d) - f(x - k * d)) for k, w in WEIGHTS.items()) / (60 * h)
        for d in np.eye(len(x)) * h
    ]
    return np.stack(parts, axis=-1)


def check(device, circuit, v, tolerance):
    """The derivatives by rule are those of the values."""
    node = hb.QNode(circuit, device, diff_method="parameter-shift")
    flat = lambda v: hb.numpy.hstack([hb.numpy.ravel(y) for y in node(v)])
    found = np.asarray(hb.jacobian(flat)(v))
    want = differences(lambda v: np.asarray(flat(v)), v)
    assert np.abs(found - want).max() < tolerance * max(1, np.abs(want).max())


@pytest.mark.parametrize("row", RULED, ids=repr)
def test_every_row_of_the_gaussian_simulator(row):
    observables = (hb.QuadOperator(0.4, 1), hb.NumberOperator(0), hb.TensorN([0, 1]), hb.QuadX(1) ** 2)

    def circuit(v):
        if row.kind != "state":
            hb.SqueezedState(0.2, 0.3, wires=0)
            hb.CoherentState(0.3, 0.5, wires=1)
        row(*v, wires=list(range(row.num_wires)))
        hb.Beamsplitter(0.4, 0.7, wires=[0, 1])
        hb.Displacement(0.2, 0.1, wires=0)
        return (*map(hb.expval, observables), *map(hb.var, observables))

    v = np.random.default_rng(1).uniform(0.2, 0.5, len(row.params))
    check(hb.device("strawberryfields.gaussian", wires=2), circuit, v, 1e-8)


@pytest.mark.parametrize("row", [row for row in RULED if row.kind == "state"], ids=repr)
def test_preparations_of_the_fock_simulator(row):
    """Weak light far below the cutoff has the derivatives of the whole space."""

    def circuit(v):
        row(*v, wires=1)
        hb.Beamsplitter(0.4, 0.7, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0)), hb.expval(hb.QuadOperator(0.4, 1)), hb.var(hb.QuadX(0))

    v = np.random.default_rng(1).uniform(0.1, 0.2, len(row.params))
    check(hb.device("strawberryfields.fock", wires=2, cutoff_dim=14), circuit, v, 1e-7)


MEASURED = (
    lambda: hb.probs(wires=[1, 0]),
    lambda: hb.var(hb.FockStateProjector([1], wires=1)),
    lambda: hb.expval(hb.QuadP(0)),  # not of x, which a CubicPhase leaves as it is
)


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize("state", ["numbers", "bright", "mixed"])
@pytest.mark.parametrize("measured", MEASURED)
def test_gates_that_keep_their_photons_on_the_fock_simulator(measured, state):
    """Its beamsplitter has the elements of the untruncated gate, so the cutoff bounds its frequencies."""

    def circuit(v):
        if state == "mixed":
            hb.FockDensityMatrix(np.diag([0.3, 0, 0.7]), wires=0)
        if state == "bright":
            hb.CoherentState(0.9, 0.3, wires=1)
        else:
            hb.FockState([1], wires=1)
        hb.Squeezing(0.2 if state == "bright" else 0.0, 0.3, wires=0)
        hb.Beamsplitter(v[0], v[1], wires=[0, 1])
        hb.Rotation(v[2], wires=0)
        hb.Kerr(v[3], wires=1)
        hb.CrossKerr(v[4], wires=[1, 0])
        if state == "mixed":
            hb.LossChannel(0.9, wires=0)
        hb.Beamsplitter(v[5], v[6], wires=[1, 0])
        hb.CubicPhase(0.1, wires=0)
        return (measured(),)

    v = np.random.default_rng(0).uniform(0.2, 0.9, 7)
    check(hb.device("strawberryfields.fock", wires=2, cutoff_dim=4), circuit, v, 1e-8)


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize("name", ["strawberryfields.gaussian", "strawberryfields.fock"])
@pytest.mark.parametrize(
    "V", [np.diag([0.5, 2.0]), np.array([[1.4, 0.2], [0.2, 1.1]])], ids=["pure", "mixed"]
)
def test_the_entries_of_a_gaussian_state_reach_the_simulators(name, V):
    options = {"cutoff_dim": 18} if name == "strawberryfields.fock" else {}  # beyond it 2e-8
    device, exact = hb.device(name, wires=2, **options), hb.device("default.gaussian", wires=2)

    def circuit(V, r):
        hb.GaussianState(V, r, wires=1)
        hb.Beamsplitter(0.4, 0.3, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0))

    r = np.array([0.3, -0.2])
    want = hb.grad(hb.QNode(circuit, exact), argnums=(0, 1))(V, r)
    node = hb.QNode(circuit, device)
    assert np.allclose(hb.grad(node, argnums=1)(V, r), want[1], atol=1e-7 if options else 1e-12)
    methods = ["finite-diff", "device"] if node.device.capabilities.vjp else ["finite-diff"]
    for method in methods:
        slopes = hb.grad(node.update(diff_method=method), argnums=(0, 1))(V, r)
        for found, wanted in zip(slopes, want, strict=True):
            assert np.allclose(found, wanted, atol=1e-7 if options else 1e-8)
    with pytest.raises(hb.GradientError, match="may leave what GaussianState can be"):
        hb.grad(node.update(diff_method="parameter-shift"))(V, r)
