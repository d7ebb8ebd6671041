"""Metric tensors are those of the fidelity, and Fisher information that of the probabilities."""

from __future__ import annotations

import numpy
import pytest

import hybridge as hb
from hybridge import numpy as np
from hybridge.gradients.generators import generator
from hybridge.operations.table import ROWS

DEVICE = hb.device("default.qubit", wires=3)
X = numpy.array([0.3, -0.7, 1.1, 0.5, 0.9, -0.4])


def node(function, **options):
    return hb.QNode(function, DEVICE, **options)


def rich(x):
    """Rows of many spectra, a number used twice, several in one gate, fixed gates between."""
    hb.H(0)
    hb.RX(x[0], wires=0)
    hb.CRot(x[1], x[2], 2 * x[0], wires=[0, 1])
    hb.IsingXY(x[3], wires=[1, 2])
    hb.CNOT([2, 0])
    hb.SingleExcitation(x[4], wires=[2, 0])
    hb.ctrl(hb.PhaseShift, control=2)(x[1], wires=1)
    hb.Barrier(wires=[0, 1])
    hb.U3(x[2], x[3], x[4], wires=0)
    hb.PauliRot(x[5], "XYZ", wires=[0, 1, 2])
    hb.GlobalPhase(x[5])
    hb.PCPhase(x[5], 3, wires=[1, 2])
    return hb.expval(hb.Z(0))


def layered(x):
    """Two layers of gates on wires of their own, with entangling gates between."""
    for k in range(3):
        hb.RY(x[k], wires=k)
    hb.CNOT([0, 1])
    hb.CZ([1, 2])
    for k in range(3):
        hb.RY(x[3 + k], wires=k)
    return hb.expval(hb.Z(0) @ hb.Z(2))


def from_fidelity(function, x, h=2e-3):
    """-1/2 of the second differences of |<psi(x)|psi(x + d)>|^2, to fourth order in h."""

    def measured(x):
        function(x)
        return hb.state()

    psi = node(measured)
    here = psi(x)
    away = lambda d: 1 - abs(numpy.vdot(here, psi(x + d))) ** 2
    n, unit = len(x), numpy.eye(len(x))
    along = lambda d: (16 * (away(d) + away(-d)) - away(2 * d) - away(-2 * d)) / (24 * h**2)
    diagonal = [along(h * e) for e in unit]
    found = numpy.diag(diagonal)
    for i in range(n):
        for j in range(i):
            both = along(h * (unit[i] + unit[j]))
            found[i, j] = found[j, i] = (both - diagonal[i] - diagonal[j]) / 2
    return found


@pytest.mark.parametrize("function", [rich, layered], ids=lambda f: f.__name__)
def test_the_whole_metric_is_that_of_the_fidelity(function):
    found = hb.metric_tensor(node(function))(X)
    numpy.testing.assert_allclose(found, from_fidelity(function, X), atol=2e-8)
    numpy.testing.assert_allclose(found, found.T, atol=1e-14)
    assert numpy.linalg.eigvalsh(found).min() > -1e-12
    numpy.testing.assert_allclose(hb.quantum_fisher(node(function))(X), 4 * found, rtol=1e-12)


GATES = sorted(
    name for name, row in ROWS.items() if row.domain == "qubit" and row.kind == "gate" and len(row.params)
)


@pytest.mark.parametrize("name", GATES)
def test_generators_and_states_agree_on_every_row(name):
    row = ROWS[name]
    wires = list(range(row.num_wires))
    dev = hb.device("default.qubit", wires=max(2, row.num_wires))

    @hb.qnode(dev)
    def one(x):
        for w in wires:
            hb.U3(0.4 + w, 0.3 - w, 0.2 * w, wires=w)
        for w in wires[1:]:
            hb.CNOT([w - 1, w])
        row(*[x[k] for k in range(len(row.params))], wires=wires)
        return hb.probs()

    x = numpy.array([0.7, -0.3, 1.9])[: len(row.params)]
    whole = hb.metric_tensor(one)(x)
    numpy.testing.assert_allclose(hb.metric_tensor(one, "block-diag")(x), whole, atol=1e-10)  # one layer
    numpy.testing.assert_allclose(hb.metric_tensor(one, "diag")(x), numpy.diag(numpy.diag(whole)), atol=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_states_and_generators_agree_on_random_circuits(seed):
    """Two ways that share nothing: overlaps of shifted states, variances of generators before the gate."""
    rng = numpy.random.default_rng(seed)
    chosen = []
    for name in rng.choice(GATES, size=6):
        if ROWS[name].num_wires <= 3:
            chosen.append((ROWS[name], rng.permutation(3)[: ROWS[name].num_wires].tolist()))

    def random(x):
        start = 0
        for k, (row, wires) in enumerate(chosen):
            hb.RY(0.3 + k, wires=wires[0])
            hb.CNOT([wires[0], (wires[0] + 1) % 3])
            row(*[x[start + i] for i in range(len(row.params))], wires=wires)
            start += len(row.params)
        return hb.probs()

    x = rng.normal(size=sum(len(row.params) for row, _ in chosen))
    whole, diagonal = hb.metric_tensor(node(random))(x), hb.metric_tensor(node(random), "diag")(x)
    numpy.testing.assert_allclose(numpy.diag(whole), numpy.diag(diagonal), atol=1e-10)
    numpy.testing.assert_allclose(whole, from_fidelity(random, x), atol=3e-8)
    blocks = hb.metric_tensor(node(random), "block-diag")(x)
    numpy.testing.assert_allclose(blocks, whole * (blocks != 0), atol=1e-10)


def test_known_metrics():
    def turned(x):
        hb.RX(x[0], wires=0)
        hb.RY(x[1], wires=0)
        return hb.expval(hb.Z(0))

    # |psi> on the Bloch sphere: polar angles of the axes x, y; g = (1/4)(dx^2 + cos(x)^2 dy^2)
    expected = numpy.diag([0.25, 0.25 * numpy.cos(0.3) ** 2])
    numpy.testing.assert_allclose(
        hb.metric_tensor(node(turned))(numpy.array([0.3, 0.8])), expected, atol=1e-14
    )

    def phases(x):
        hb.RZ(x[0], wires=0)
        hb.GlobalPhase(x[1])
        return hb.expval(hb.Z(0))

    for approx in (None, "block-diag", "diag"):
        found = hb.metric_tensor(node(phases), approx)(numpy.array([0.3, 0.8]))
        numpy.testing.assert_allclose(found, numpy.zeros((2, 2)), atol=1e-15)


def test_blocks_are_those_of_the_whole():
    whole = hb.metric_tensor(node(layered))(X)
    blocks = hb.metric_tensor(node(layered), "block-diag")(X)
    mask = numpy.kron(numpy.eye(2), numpy.ones((3, 3)))
    assert abs(whole * (1 - mask)).max() > 0.01
    numpy.testing.assert_allclose(blocks, whole * mask, atol=1e-14)


def test_commuting_gates_are_one_layer():
    """A layer of QAOA: what acts on wires in common is one block, as it commutes."""

    def qaoa(x):
        for k in range(3):
            hb.RY(0.3 + k, wires=k)
        for k, (a, b) in enumerate([(0, 1), (1, 2), (0, 2)]):
            hb.IsingZZ(x[k], wires=[a, b])
            hb.CZ([a, b])
        hb.RZ(x[3], wires=0)
        return hb.expval(hb.Z(0))

    x = X[:4]
    numpy.testing.assert_allclose(
        hb.metric_tensor(node(qaoa), "block-diag")(x), hb.metric_tensor(node(qaoa))(x), atol=1e-14
    )


# metric_tensor of `layered` at X by PennyLane 0.45.1; approx="block-diag" leaves out the first list
ACROSS = [(0, 3, -0.161054421809423), (1, 4, 0.108334231530926), (2, 5, 0.182670412483878)]
WITHIN = [(3, 4, -0.02563116566473), (4, 5, -0.143532886086996)]


def test_the_metric_is_the_one_people_know():
    for approx, entries in ((None, ACROSS + WITHIN), ("block-diag", WITHIN), ("diag", [])):
        expected = 0.25 * numpy.eye(6)
        for i, j, g in entries:
            expected[i, j] = expected[j, i] = g
        numpy.testing.assert_allclose(hb.metric_tensor(node(layered), approx)(X), expected, atol=1e-14)


def test_arguments_of_any_shape_are_one_matrix_in_their_order():
    def two(p, y):
        layered([p["a"], y, *p["b"], 0.1, 0.2, 0.3])
        return hb.expval(hb.Z(0))

    p, y = {"a": 0.3, "b": numpy.array([1.1])}, -0.7
    flat = hb.metric_tensor(node(lambda x: two({"a": x[0], "b": [x[2]]}, x[1])))(
        numpy.array([0.3, -0.7, 1.1])
    )
    both = hb.metric_tensor(node(two), argnums=(1, 0))(p, y)
    numpy.testing.assert_allclose(both, flat[numpy.ix_([1, 0, 2], [1, 0, 2])], atol=1e-14)
    assert hb.metric_tensor(node(two))(p, y).shape == (2, 2)
    assert hb.metric_tensor(node(two), argnums=1)(p, y).shape == (1, 1)


def test_a_change_of_variables_changes_the_metric_as_it_must():
    scaled = node(lambda x: layered(np.sin(x) * 2))
    slope = numpy.diag(2 * numpy.cos(X))
    plain = hb.metric_tensor(node(layered))(numpy.sin(X) * 2)
    numpy.testing.assert_allclose(hb.metric_tensor(scaled)(X), slope @ plain @ slope, atol=1e-13)


def test_the_whole_metric_is_one_job_and_the_blocks_one_each():
    with hb.Tracker(DEVICE) as tracker:
        hb.metric_tensor(node(layered))(X)
    assert (tracker.totals["jobs"], tracker.totals["executions"]) == (1, 12)
    with hb.Tracker(DEVICE) as tracker:
        hb.metric_tensor(node(layered), "block-diag")(X)
    assert (tracker.totals["jobs"], tracker.totals["executions"]) == (2, 2)


def test_blocks_are_measured_with_shots():
    sampled = node(layered).on("default.qubit", shots=20000, seed=3)
    found = hb.metric_tensor(sampled, "block-diag")(X)
    # a covariance of words times 1/4 has a standard error below 2 / (4 sqrt(20000)); six of them
    assert abs(found - hb.metric_tensor(node(layered), "block-diag")(X)).max() < 6 * 2 / (4 * 20000**0.5)


def test_generators_are_pauli_sentences():
    cases = {
        ("RX", 0): 0.5 * hb.X(0),
        ("IsingZZ", 0): 0.5 * hb.Z(0) @ hb.Z(1),
        ("PhaseShift", 0): 0.5 * hb.Z(0),
        ("CRX", 0): 0.25 * (hb.X(1) - hb.Z(0) @ hb.X(1)),
        ("SingleExcitation", 0): 0.25 * (hb.X(0) @ hb.Y(1) - hb.Y(0) @ hb.X(1)),
    }
    for (name, index), expected in cases.items():
        row = ROWS[name]
        found = generator(row, index, (0.7,), tuple(range(row.num_wires)))
        difference = found - expected
        if name == "PhaseShift":  # diag(1, e^i phi) = exp(-i phi G), G = -|1><1| = (Z - 1) / 2
            difference = found - 0.5 * hb.Z(0)
        if name == "SingleExcitation":  # the order of its wires is a matter of sign
            difference = min((found - expected, found + expected), key=lambda s: len(s.terms))
        assert all(abs(c) < 1e-12 for c in difference.terms.values()), name


def test_classical_fisher_of_one_qubit_is_the_quantum_one():
    one = node(lambda x: (hb.RX(x, wires=0), hb.probs(wires=0))[1])
    assert hb.classical_fisher(one)(0.3) == pytest.approx(numpy.array([[1.0]]))
    phase = node(lambda x: (hb.H(0), hb.RZ(x, wires=0), hb.probs(wires=0))[2])
    assert hb.classical_fisher(phase)(0.3) == pytest.approx(numpy.zeros((1, 1)), abs=1e-12)


def test_classical_fisher_is_below_the_quantum_one():
    gap = hb.quantum_fisher(node(rich))(X) - hb.classical_fisher(node(rich))(X)
    assert numpy.linalg.eigvalsh(gap).min() > -1e-12


def test_classical_fisher_is_that_of_its_definition():
    def measured(x):
        rich(x)
        return hb.probs()

    p, h = node(measured), 1e-4
    slopes = numpy.array([(p(X + h * e) - p(X - h * e)) / (2 * h) for e in numpy.eye(6)])
    expected = numpy.einsum("ik,jk,k->ij", slopes, slopes, 1 / p(X))
    found = hb.classical_fisher(node(rich))(X)
    numpy.testing.assert_allclose(found, expected, atol=1e-6)
    numpy.testing.assert_allclose(hb.classical_fisher(p)(X), found, atol=1e-13)


def test_classical_fisher_of_light():
    """A coherent state has Poissonian numbers of mean a^2: F = (dm/da)^2 / m = 4."""
    dev = hb.device("default.fock", wires=1, cutoff_dim=24)
    light = hb.QNode(lambda a: (hb.Displacement(a, 0.0, wires=0), hb.probs(wires=0))[1], dev)
    assert hb.classical_fisher(light)(0.8) == pytest.approx(numpy.array([[4.0]]), rel=1e-6)


@pytest.mark.parametrize(
    "call, error, told",
    [
        (lambda: hb.metric_tensor(rich), hb.CircuitError, "takes a QNode"),
        (lambda: hb.classical_fisher(np.sin), hb.CircuitError, "takes a QNode"),
        (
            lambda: hb.metric_tensor(node(rich), "block"),
            hb.CircuitError,
            "no approx='block'; choose from None",
        ),
        (
            lambda: hb.metric_tensor(node(layered, shots=10))(X),
            hb.GradientError,
            "exact states, and this QNode has shots; use approx='block-diag'",
        ),
        (
            lambda: hb.metric_tensor(node(lambda: hb.expval(hb.Z(0))), argnums=())(),
            hb.CircuitError,
            "has no parameters",
        ),
        (
            lambda: hb.metric_tensor(node(lambda x: (hb.RX(x, wires=0), hb.probs())[1]))(X),
            hb.CircuitError,
            "not a batch",
        ),
        (
            lambda: hb.metric_tensor(
                hb.QNode(
                    lambda r: (hb.Squeezing(r, 0.0, wires=0), hb.expval(hb.QuadX(0)))[1],
                    hb.device("default.gaussian", wires=1),
                )
            )(0.3),
            hb.GradientError,
            "metric tensor of light",
        ),
    ],
)
def test_what_has_no_metric_is_told(call, error, told):
    with pytest.raises(error, match=told):
        call()
