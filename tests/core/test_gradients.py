"""Derivatives of QNodes and of functions around them, against differences and against each other."""

from dataclasses import replace
from typing import NamedTuple

import autograd
import numpy as np
import pytest

import hybridge as hb
from hybridge import numpy as hnp


def node(function, wires=3, **options):
    return hb.QNode(function, hb.device("default.qubit", wires=wires, **options))


def rich_ansatz(x):
    """Every kind of spectrum a qubit row has, a shared parameter, a fixed gate."""
    hb.H(0)
    hb.RX(x[0], wires=0)
    hb.CRot(x[1], x[2], x[0], wires=[0, 1])  # x[0] again
    hb.IsingXY(x[3], wires=[1, 2])
    hb.SingleExcitation(x[4], wires=[2, 0])
    hb.adjoint(hb.PhaseShift)(x[1], wires=1)
    hb.ctrl(hb.Rot, control=2, control_values=[0])(x[2], x[3], x[4], wires=0)
    hb.OrbitalRotation(x[5], wires=[0, 2, 1, 3])
    hb.PCPhase(x[5], 3, wires=[1, 3])
    hb.evolve(hb.X(0) @ hb.X(1) + 0.3 * hb.Z(1), x[4])


MEASURES = {
    "word": lambda: hb.expval(hb.Z(0) @ hb.X(1)),
    "sum": lambda: hb.expval(0.3 * hb.X(0) + hb.Z(2) @ hb.Y(0)),
    "matrix": lambda: hb.expval(hb.Hermitian([[1, 2j], [-2j, 0.5]], wires=1)),
    "projector": lambda: hb.expval(hb.Projector([0, 1], wires=[2, 0])),
    "var": lambda: hb.var(hb.Z(0) + 0.5 * hb.X(1)),
    "probs": lambda: hb.probs(wires=[2, 0]),
}
X = np.array([0.3, -0.7, 1.1, 0.5, 0.9, -0.4])


def differences(f, x, h=1e-3):
    """Fourth-order central differences of an array-valued f, (*value, *x)."""
    columns = []
    for k in range(x.size):
        e = np.zeros_like(x)
        e.flat[k] = h
        columns.append((8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * h))
    return np.stack(columns, axis=-1).reshape(*np.shape(columns[0]), *x.shape)


@pytest.mark.parametrize("name", MEASURES)
def test_jacobians_of_every_measurement_through_every_kind_of_row(name):
    def f(x):
        rich_ansatz(x)
        return MEASURES[name]()

    circuit = node(f, wires=4)
    expected = differences(lambda x: np.asarray(circuit(x)), X)
    assert np.allclose(hb.jacobian(circuit)(X), expected, atol=1e-9)


def test_all_measurements_at_once_take_one_job():
    device = hb.device("default.qubit", wires=4)

    @hb.qnode(device, diff_method="parameter-shift")
    def circuit(x):
        rich_ansatz(x)
        return {name: measure() for name, measure in MEASURES.items()}

    circuit(X)
    with hb.Tracker(device) as tracker:
        found = hb.jacobian(circuit)(X)
    assert tracker.totals["jobs"] == 1  # the value, and every shifted row of every parameter
    for name in MEASURES:
        expected = differences(lambda x, name=name: np.asarray(circuit(x)[name]), X)
        assert np.allclose(found[name], expected, atol=1e-9), name


def product(x, y):
    hb.RX(x, wires=0)
    hb.RY(y, wires=1)
    hb.CNOT([0, 1])
    return hb.expval(hb.Z(1))  # cos x cos y


def test_argnums_choose_and_shape_the_gradient():
    circuit, (x, y) = node(product), (0.3, 0.8)
    by_x, by_y = -np.sin(x) * np.cos(y), -np.cos(x) * np.sin(y)
    assert hb.grad(circuit)(x, y) == pytest.approx(by_x)
    assert hb.grad(circuit, argnums=1)(x, y) == pytest.approx(by_y)
    assert hb.grad(circuit, argnums=-1)(x, y) == pytest.approx(by_y)
    assert hb.grad(circuit, argnums=(1, 0))(x, y) == pytest.approx((by_y, by_x))
    value, slope = hb.value_and_grad(circuit, argnums=[0])(x, y)
    assert value == pytest.approx(np.cos(x) * np.cos(y)) and slope == pytest.approx((by_x,))


class Weights(NamedTuple):
    angle: float
    layers: list


def test_containers_go_in_and_come_out():
    def model(w, extra):
        return node(product)(w["w"].angle + extra, hnp.sum(w["w"].layers[0] * w["w"].layers[1]))

    weights = {"w": Weights(0.3, [np.array([0.5, 0.6]), np.array([1.0, -0.5])])}
    slope = hb.grad(model)(weights, 0.1)
    assert isinstance(slope["w"], Weights)
    by_x, by_y = -np.sin(0.4) * np.cos(0.2), -np.cos(0.4) * np.sin(0.2)
    assert slope["w"].angle == pytest.approx(by_x)
    assert np.allclose(slope["w"].layers[0], by_y * np.array([1.0, -0.5]))


def test_integers_are_differentiated_as_numbers():
    assert hb.grad(node(product))(1, 2) == pytest.approx(-np.sin(1) * np.cos(2))


def test_second_and_third_derivatives_are_exact():
    circuit, (x, y) = node(product), (0.3, 0.8)
    flat = lambda p: circuit(p[0], p[1])
    expected = [
        [-np.cos(x) * np.cos(y), np.sin(x) * np.sin(y)],
        [np.sin(x) * np.sin(y), -np.cos(x) * np.cos(y)],
    ]
    assert np.allclose(hb.hessian(flat)(np.array([x, y])), expected, atol=1e-13)
    assert hb.grad(hb.grad(hb.grad(circuit)))(x, y) == pytest.approx(np.sin(x) * np.cos(y))
    blocks = hb.hessian(circuit, argnums=(0, 1))(x, y)
    assert np.allclose([[blocks[0][0], blocks[0][1]], [blocks[1][0], blocks[1][1]]], expected)
    assert hb.hessian(circuit)(0.0, 0.0) == pytest.approx(-1)  # where the first derivative vanishes


def test_a_hessian_is_symmetric_and_few_jobs():
    device = hb.device("default.qubit", wires=4)

    @hb.qnode(device, diff_method="parameter-shift")
    def circuit(x):
        rich_ansatz(x)
        return hb.expval(hb.Z(0) @ hb.X(1))

    circuit(X)
    with hb.Tracker(device) as tracker:
        h = hb.hessian(circuit)(X)
    assert np.allclose(h, h.T, atol=1e-11)
    assert np.allclose(h, differences(lambda x: np.asarray(hb.grad(circuit)(x)), X), atol=1e-8)
    assert tracker.totals["jobs"] <= 4


def test_vjp_and_jvp_contract_the_jacobian():
    def f(x, y):
        hb.RX(x[0], wires=0)
        hb.CRY(x[1], wires=[0, 1])
        hb.RZ(y, wires=1)
        hb.RX(0.3, wires=1)
        return hb.probs(wires=[0, 1]), hb.expval(hb.Y(1))

    circuit, x, y = node(f), np.array([0.4, 1.2]), 0.7
    (px, py), (ex, ey) = hb.jacobian(circuit, argnums=(0, 1))(x, y)
    g, s = np.array([0.1, -0.4, 0.3, 0.9]), 0.6
    value, (wx, wy) = hb.vjp(circuit, (x, y), (g, s))
    assert np.allclose(value[0], circuit(x, y)[0])
    assert np.allclose(wx, g @ px + s * ex) and np.allclose(wy, g @ py + s * ey)
    tx, ty = np.array([0.5, -1.0]), 2.0
    value, (tp, te) = hb.jvp(circuit, (x, y), (tx, ty))
    assert np.allclose(tp, px @ tx + py * ty) and np.allclose(te, ex @ tx + ey * ty)
    assert np.allclose(
        hb.grad(lambda x: hb.jvp(circuit, (x, y), (tx, ty))[1][1])(x),
        differences(lambda x: np.asarray(hb.jvp(circuit, (x, y), (tx, ty))[1][1]), x),
        atol=1e-8,
    )


def test_batches_are_differentiated_row_by_row():
    circuit = node(product)
    xs, y = np.array([0.1, 0.2, 0.3]), 0.5
    cost = lambda xs, y: hnp.sum(circuit(xs, y) * np.array([1.0, 2.0, 3.0]))
    by_xs, by_y = hb.grad(cost, argnums=(0, 1))(xs, y)
    assert np.allclose(by_xs, [k * hb.grad(circuit)(x, y) for k, x in zip((1, 2, 3), xs, strict=True)])
    assert by_y == pytest.approx(
        sum(k * hb.grad(circuit, 1)(x, y) for k, x in zip((1, 2, 3), xs, strict=True))
    )


def test_a_graph_of_nodes_and_classical_functions_is_one_derivative():
    f, g = node(product), node(lambda a: (hb.RY(a, wires=0), hb.probs(wires=0))[1])

    def graph(x):
        p = g(hnp.tanh(x[0]) + x[1])
        return f(p[0], x[1] * p[1]) ** 2

    x = np.array([0.4, -0.9])
    assert np.allclose(hb.grad(graph)(x), differences(lambda x: np.asarray(graph(x)), x), atol=1e-10)


def test_it_works_inside_and_around_autograd():
    circuit = node(product)
    inner = lambda x: hb.grad(circuit)(x, 0.8) * x
    assert autograd.grad(inner)(0.3) == pytest.approx(hb.grad(inner)(0.3))
    assert hb.grad(lambda x: autograd.grad(circuit)(x, 0.8) * x)(0.3) == pytest.approx(hb.grad(inner)(0.3))


def test_shots_differentiate_with_the_same_rule():
    exact = node(product)
    sampled = exact.on("default.qubit", shots=100_000, seed=9)
    for argnum in (0, 1):
        difference = hb.grad(sampled, argnum)(0.3, 0.8) - hb.grad(exact, argnum)(0.3, 0.8)
        assert abs(difference) < 5 / np.sqrt(2 * 100_000)  # two terms of weight 1/2, variance at most 1


def test_finite_differences_only_by_name_and_for_shots_too():
    finite = hb.QNode(product, hb.device("default.qubit", wires=2), diff_method="finite-diff")
    assert hb.grad(finite)(0.3, 0.8) == pytest.approx(-np.sin(0.3) * np.cos(0.8), abs=1e-9)
    noisy = hb.QNode(
        product, hb.device("default.qubit", wires=2, shots=10_000, seed=1), diff_method="finite-diff"
    )
    assert hb.grad(noisy)(0.3, 0.8) == pytest.approx(-np.sin(0.3) * np.cos(0.8), abs=0.1)


class WithDerivatives(hb.Device):
    """default.qubit that gives <Z0> natively and knows the derivative of one RX."""

    from hybridge.plugin import Capabilities as _C

    capabilities = _C(
        "qubit",
        frozenset({"RX"}),
        frozenset({"expval", "state"}),
        frozenset({"pauli"}),
        shots=False,
        vjp=True,
    )
    asked = 0

    def run(self, tasks):
        return [np.cos(t.params.sum(axis=1))[:, None] for t in tasks]

    def vjp(self, task, cotangent):
        type(self).asked += 1
        return -np.sin(task.params.sum(axis=1))[:, None] * cotangent * np.ones_like(task.params)


def rotated(x, y):
    hb.RX(2 * x, wires=0)
    hb.adjoint(hb.RX)(y, wires=0)  # lowered to RX(-y): the chain rule goes through the affine map
    return hb.expval(hb.Z(0))


def test_best_uses_the_devices_own_derivatives_first_order_and_the_rule_beyond():
    circuit = hb.QNode(rotated, WithDerivatives(wires=1))
    assert hb.grad(circuit, argnums=(0, 1))(0.3, 0.1) == pytest.approx((-2 * np.sin(0.5), np.sin(0.5)))
    assert WithDerivatives.asked == 1
    assert hb.hessian(circuit)(0.3, 0.1) == pytest.approx(-4 * np.cos(0.5))
    shift = hb.QNode(rotated, WithDerivatives(wires=1), diff_method="parameter-shift")
    before = WithDerivatives.asked
    assert hb.grad(shift)(0.3, 0.1) == pytest.approx(-2 * np.sin(0.5)) and WithDerivatives.asked == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: hb.grad(hb.QNode(c.function, c.device, diff_method=None))(0.1, 0.2), "diff_method=None"),
        (lambda c: hb.grad(c, argnums=2)(0.1, 0.2), "2 arguments"),
        (lambda c: hb.grad(c)("a", 0.2), "not a real number"),
        (lambda c: hb.grad(c)(0.1 + 1j, 0.2), "not a real number"),
        (lambda c: hb.grad(lambda x, y: (c(x, y), c(x, y)))(0.1, 0.2), "jacobian"),
        (lambda c: hb.grad(c)(np.array([0.1, 0.2]), 0.2), "jacobian"),
        (lambda c: hb.jvp(c, (0.1, 0.2), (np.ones(2), 1.0)), "tangents"),
        (lambda c: hb.grad(lambda x: None)(0.1), "returned nothing"),
        (lambda c: hb.grad(lambda x: 1j * x)(0.1), "one real number .* complex"),
    ],
)
def test_a_derivative_that_makes_no_sense_says_so(call, message):
    with pytest.raises(hb.GradientError, match=message):
        call(node(product))


@pytest.mark.parametrize("measure", [hb.state, lambda: hb.density_matrix(0), hb.sample, hb.counts])
def test_what_is_not_differentiable_says_so(measure):
    def f(x):
        hb.RX(x, wires=0)
        return measure()

    sampled = measure in (hb.sample, hb.counts)
    with pytest.raises(hb.GradientError, match="not differentiable"):
        hb.jacobian(node(f, shots=10 if sampled else None))(0.3)


def test_a_fallback_differences_only_what_has_no_rule_and_only_when_named():
    def f(r, kappa):
        hb.Displacement(r, 0.3, wires=0)
        hb.Rotation(0.2, wires=0)
        hb.Kerr(kappa, wires=0)
        hb.Displacement(0.1, 0.2, wires=1)
        return hb.expval(hb.QuadX(0))

    device = hb.device("default.fock", wires=2, cutoff_dim=9)
    strict = hb.QNode(f, device, diff_method="parameter-shift")
    with pytest.raises(hb.GradientError, match="Kerr"):
        hb.grad(strict, argnums=(0, 1))(0.4, 0.3)
    found = hb.grad(strict.update(fallback="finite-diff"), argnums=(0, 1))(0.4, 0.3)
    own = hb.grad(hb.QNode(f, device, diff_method="adjoint"), argnums=(0, 1))(0.4, 0.3)
    assert np.allclose(found, own, atol=1e-8)


@pytest.mark.parametrize("method", ["adjoint", "device"])
def test_derivatives_of_the_device_say_why_there_are_none_and_what_would_do(method):
    read = {
        "expval": lambda: hb.expval(hb.Z(0)),
        "probs": lambda: hb.probs(op=hb.X(0)),
    }

    def refused(device, measure, shots=None):
        def circuit(x):
            hb.RX(x, wires=0)
            return read[measure]()

        with pytest.raises(hb.GradientError) as told:
            hb.jacobian(hb.QNode(circuit, device, method))(0.3)
        assert "use diff_method='best', which takes the exact rule" in str(told.value)
        return str(told.value)

    plain = hb.device("default.qubit", wires=1)
    sampled = refused(hb.device("default.qubit", wires=1, shots=10), "expval")
    assert "no derivatives of its own with shots" in sampled and sampled.endswith("or shots=None")
    assert "no derivatives of its own of probs(X(0)), which the core comp" in refused(plain, "probs")
    without = refused(Undifferentiated(wires=1), "expval")
    assert "'Undifferentiated' has no derivatives of its own; use" in without and "default.qubit" in without


class Undifferentiated(hb.Device):
    """The values of WithDerivatives."""

    capabilities = replace(WithDerivatives.capabilities, vjp=False)
    run = WithDerivatives.run


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fallback": "spsa"}, "fallback 'spsa' is not known; choose from None, 'finite-diff'"),
        ({"gradient_kwargs": {"step": 1}}, "diff_method 'best' has no option 'step' in gradient_kwargs"),
        ({"method": "best"}, "a QNode has no argument 'method'; choose from 'function', 'device'"),
    ],
)
def test_what_a_node_cannot_be_updated_with(changes, words):
    with pytest.raises(hb.CircuitError, match=words):
        node(product, wires=2).update(**changes)


def rows_of(circuit, f, *args):
    """How many parameter points f(circuit)(*args) runs beside those of the value."""
    with hb.Tracker(circuit.device) as tracker:
        f(circuit)(*args)
    return tracker.totals["executions"] - 1


def test_what_cannot_matter_costs_nothing_and_is_exactly_zero_with_shots_too():
    def f(x):
        hb.RX(x[0], wires=0)
        hb.RY(x[1], wires=1)  # outside the light cone
        hb.RZ(x[2], wires=0)  # diagonal, as what is measured
        hb.GlobalPhase(x[3])
        return hb.expval(hb.Z(0))

    x = np.array([0.3, 0.4, 0.5, 0.6])
    for shots in (None, 50):
        circuit = hb.QNode(f, hb.device("default.qubit", wires=3, shots=shots, seed=3), "parameter-shift")
        assert rows_of(circuit, hb.grad, x) == 2
        assert np.all(hb.grad(circuit)(x)[1:] == 0)
        for method, rows in {"finite-diff": 2, "spsa": 2, "hadamard": 1}.items():
            other = circuit.update(diff_method=method)
            assert rows_of(other, hb.grad, x) == rows
            assert np.all(hb.grad(other)(x)[1:] == 0)


def test_each_measurement_has_its_own_zeros_under_noise():
    def f(x):
        hb.RX(x[0], wires=0)
        hb.RX(x[1], wires=1)
        return hb.expval(hb.Z(0)), hb.probs(wires=[1]), hb.var(hb.Y(0))

    circuit = hb.QNode(f, hb.device("default.qubit", wires=2, shots=20, seed=3))
    z, p, v = hb.jacobian(circuit)(np.array([0.8, 0.9]))
    assert z[1] == v[1] == 0 and np.all(p[:, 0] == 0)
    assert z[0] != 0 and v[0] != 0 and np.all(p[:, 1] != 0)


def test_measurements_share_the_rows_of_the_larger_space():
    def f(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.var(hb.Z(0)), hb.probs(wires=[0])

    circuit = node(f, wires=1).update(diff_method="parameter-shift")
    assert rows_of(circuit, hb.jacobian, 0.3) == 4
    mean, spread, p = hb.jacobian(circuit)(0.3)
    assert (mean, spread) == pytest.approx((-np.sin(0.3), np.sin(0.6)))
    assert np.allclose(p, [-np.sin(0.3) / 2, np.sin(0.3) / 2])


def bright(x):
    hb.Displacement(x[0], 0.2, wires=0)
    hb.Squeezing(0.1, x[1], wires=1)
    hb.Beamsplitter(x[2], 0.0, wires=[0, 1])
    return hb.expval(hb.QuadX(0)), hb.probs(wires=[0])


def test_a_measurement_without_a_rule_hurts_only_where_it_is_asked_for():
    circuit = hb.QNode(bright, hb.device("default.gaussian", wires=2, cutoff_dim=5), "parameter-shift")
    x = np.array([0.4, 0.3, 0.7])
    exact = hb.grad(lambda x: circuit.update(diff_method="adjoint")(x)[0])(x)
    assert np.allclose(hb.grad(lambda x: circuit(x)[0])(x), exact, atol=1e-12)
    assert np.allclose(hb.vjp(circuit, (x,), (1.0, np.zeros(5)))[1][0], exact, atol=1e-12)
    with pytest.raises(
        hb.GradientError, match=r"parameter 'a' of Displacement.*probs.*fallback='finite-diff'"
    ):
        hb.jacobian(circuit)(x)
    with pytest.raises(hb.GradientError, match="probs"):
        hb.grad(lambda x: circuit(x)[1][0])(x)


def test_a_fallback_leaves_their_rules_to_the_other_measurements_and_parameters():
    circuit = hb.QNode(bright, hb.device("default.gaussian", wires=2, cutoff_dim=5), "parameter-shift")
    x = np.array([0.4, 0.3, 0.7])
    own = hb.jacobian(circuit.update(diff_method="adjoint"))(x)
    loose = circuit.update(fallback="finite-diff")
    mean, p = hb.jacobian(loose)(x)
    assert np.allclose(mean, own[0], atol=1e-12)  # by the rule
    assert np.allclose(p, own[1], atol=1e-8)
    assert np.abs(p - own[1]).max() > 1e-13  # by differences
    assert rows_of(loose, hb.jacobian, x) == 3 * 2 + 3 * 2


@pytest.mark.parametrize(
    "shifts", [[0.4], {"RX": [0.4], "CRY": (0.3, 1.9)}, {"CRY": np.array([0.5, 1.1])}, {"RZ": [1, 2, 3]}]
)
def test_shifts_can_be_chosen_for_all_or_by_operation(shifts):
    def f(x):
        hb.RX(x[0], wires=0)
        if isinstance(shifts, dict):
            hb.CRY(x[1], wires=[0, 1])
        hb.RY(x[2], wires=1)
        return hb.expval(hb.Z(1)), hb.expval(hb.Y(0))

    x = np.array([0.3, 0.4, 0.5])
    exact = hb.jacobian(node(f, wires=2))(x)
    chosen = node(f, wires=2).update(diff_method="parameter-shift", gradient_kwargs={"shifts": shifts})
    assert np.allclose(hb.jacobian(chosen)(x), exact, atol=1e-12)
    assert np.allclose(hb.hessian(chosen)(x), hb.hessian(node(f, wires=2))(x), atol=1e-11)
    again = chosen.update(static=True)
    assert np.allclose(hb.jacobian(again)(x), exact, atol=1e-12) and again.method == chosen.method
    rule = chosen.plan(x).rule((0,), chosen.method)[0].shifts[:, 0]
    by_name = shifts.get("RX", [np.pi / 2]) if isinstance(shifts, dict) else shifts
    assert np.allclose(np.sort(rule), [-by_name[0], by_name[0]])


def test_chosen_shifts_leave_hyperbolic_and_polynomial_rules_as_they_are():
    def f(r, phi, a):
        hb.Squeezing(r, 0.2, wires=0)
        hb.Displacement(a, 0.1, wires=0)
        hb.Rotation(phi, wires=0)
        return hb.expval(hb.QuadX(0))

    circuit = hb.QNode(f, hb.device("default.gaussian", wires=1))
    chosen = circuit.update(diff_method="parameter-shift", gradient_kwargs={"shifts": [0.7]})
    every = (0, 1, 2)
    assert np.allclose(
        hb.grad(chosen, every)(0.2, 0.3, 0.4), hb.grad(circuit, every)(0.2, 0.3, 0.4), atol=1e-12
    )


@pytest.mark.parametrize(
    ("shifts", "error", "words"),
    [
        ([np.pi], hb.GradientError, "'phi' of RX on wires .*condition number"),
        ([0.1, 0.2], hb.GradientError, "'phi' of RX on wires .*as many shifts as frequencies, 1; got 2"),
        ([], hb.CircuitError, "shifts of diff_method 'parameter-shift' must be finite numbers"),
        ([np.nan], hb.CircuitError, "must be finite numbers"),
        ("x", hb.CircuitError, "shifts of diff_method"),
        ({"RX": "x"}, hb.CircuitError, "shifts of diff_method"),
        (3, hb.CircuitError, "shifts of diff_method"),
    ],
)
def test_shifts_that_are_none_are_refused(shifts, error, words):
    with pytest.raises(error, match=words):
        hb.grad(node(product).update(diff_method="parameter-shift", gradient_kwargs={"shifts": shifts}))(
            0.3, 0.8
        )
