"""Second derivatives from one job, against the derivative of the derivative."""

import numpy as np
import pytest
import test_cv_nodes as light
import test_gradients as qubits

import hybridge as hb
from hybridge.gradients.second import second_rule
from hybridge.gradients.shift import Space
from hybridge.operations.spectrum import Hyperbolic, Power, Trig
from hybridge.pytree import flatten


def nested(circuit, argnums=0):
    return hb.jacobian(hb.jacobian(circuit, argnums), argnums)


def agree(circuit, *args, argnums=0, tolerance=1e-9, jobs=(1,)):
    """One job gives what the nested derivative gives, in the same containers."""
    circuit(*args)
    with hb.Tracker(circuit.device) as tracker:
        found = hb.hessian(circuit, argnums)(*args)
    assert tracker.totals["jobs"] in jobs
    expected = nested(circuit, argnums)(*args)
    assert type(found) is type(expected)
    (leaves, _), (others, _) = flatten(found), flatten(expected)
    assert [np.shape(v) for v in leaves] == [np.shape(v) for v in others]
    for one, other in zip(leaves, others, strict=True):
        assert type(one) is type(other) and np.allclose(one, other, rtol=0, atol=tolerance)
    return tracker.totals["executions"]


METHODS = ["best", "parameter-shift"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", qubits.MEASURES)
def test_hessians_of_qubits(name, method):
    def f(x):
        qubits.rich_ansatz(x)
        return qubits.MEASURES[name]()

    agree(qubits.node(f, wires=4).update(diff_method=method), qubits.X)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", light.MEASURES)
def test_hessians_of_light(name, method):
    def f(x):
        light.ansatz(x)
        return light.MEASURES[name]()

    agree(light.node(f).update(diff_method=method), light.X)


def rotations(x):
    for w in range(3):
        hb.RY(x[w], wires=w)
    hb.CNOT([0, 1])
    hb.CNOT([1, 2])
    for w in range(3):
        hb.RX(x[3 + w], wires=w)
    return hb.expval(hb.Z(0) @ hb.Z(1) @ hb.Z(2))


def test_a_hessian_costs_each_pair_once_and_the_diagonal_two_points():
    x = np.linspace(0.2, 1.3, 6)
    by_rule = qubits.node(rotations).update(diff_method="parameter-shift")
    assert agree(by_rule, x) == 1 + 6 + 4 * 15  # f(x), each f(x + pi), four points for each pair
    own = qubits.node(rotations)
    assert agree(own, x) == 2 * 6  # a sweep at each shifted point is less


def test_pairs_that_no_value_depends_on_together_cost_nothing():
    def f(x):
        hb.RX(x[0], wires=0)
        hb.RX(x[1], wires=1)
        hb.RZ(x[2], wires=0)
        return hb.expval(hb.Z(0)), hb.expval(hb.Z(1))

    circuit = qubits.node(f, wires=2).update(diff_method="parameter-shift")
    assert agree(circuit, np.array([0.3, 0.4, 0.5])) == 1 + 2


@pytest.mark.parametrize("method", METHODS)
def test_what_nothing_depends_on_has_a_hessian_of_zeros(method):
    def f(x):
        hb.RZ(x[0], wires=0)
        hb.RZ(x[1], wires=1)
        return hb.expval(hb.Z(0)), hb.probs(wires=[1, 0])

    circuit = qubits.node(f, wires=2).update(diff_method=method)
    agree(circuit, np.array([0.3, 0.4]), jobs=(0, 1))


def test_measurements_that_depend_on_different_parameters_are_differentiated_by_sweeps():
    def f(x):
        for w in range(3):
            hb.RY(x[w], wires=w)
        hb.CRX(x[3], wires=[1, 2])
        hb.RX(x[4], wires=2)
        return hb.expval(hb.Z(0)), hb.expval(hb.Y(2))

    agree(qubits.node(f), np.array([0.3, 0.4, 0.5, 0.6, 0.7]))


def test_under_noise_what_is_still_is_exactly_zero_and_one_job_is_all():
    def f(x):
        hb.RX(x[0], wires=0)
        hb.RX(x[1], wires=1)
        hb.RY(x[2], wires=0)
        return hb.expval(hb.Z(0)), hb.probs(wires=[1])

    x = np.array([0.3, 0.4, 0.5])
    exact = hb.hessian(qubits.node(f, wires=2))(x)
    sampled = qubits.node(f, wires=2, shots=20_000, seed=8)
    with hb.Tracker(sampled.device) as tracker:
        found = hb.hessian(sampled)(x)
    assert tracker.totals["jobs"] == 1
    for one, other in zip(found, exact, strict=True):
        assert np.all(one[np.abs(other) < 1e-12] == 0) and np.allclose(one, other, atol=5 / np.sqrt(20_000))
    assert np.any(found[0] != exact[0])


def in_containers(w, y, unused):
    hb.Rot(w["a"][0], w["b"], y, wires=0)
    hb.CRX(w["a"][1], wires=[0, 1])
    hb.RX(w["b"], wires=1)  # w["b"] again
    return {"z": hb.expval(hb.Z(1)), "p": (hb.probs(wires=[0, 1]), hb.var(hb.X(0)))}


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("argnums", [0, 1, (0, 1), (1, 0), [2], (0, 1, 2)])
def test_hessians_keep_containers_and_arguments(argnums, method, static):
    circuit = qubits.node(in_containers, wires=2).update(diff_method=method, static=static)
    agree(
        circuit,
        {"a": np.array([0.3, 0.8]), "b": 0.5},
        0.4,
        np.ones(2),
        argnums=argnums,
        jobs=(0, 1, 2) if argnums == [2] else (1,),
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
def test_hessians_of_batches(argnums, method):
    circuit = qubits.node(qubits.product, wires=2).update(diff_method=method)
    agree(circuit, np.linspace(0.1, 0.9, 3), 0.6, argnums=argnums)


def test_a_static_circuit_scales_its_numbers():
    @hb.qnode(hb.device("default.qubit", wires=1), static=True)
    def circuit(x):
        hb.RX(x[0] / 2, wires=0)
        hb.RY(3 * x[1] + x[0], wires=0)
        return hb.expval(hb.Z(0))

    agree(circuit, np.array([0.3, 0.4]))


@pytest.mark.parametrize(
    "changes",
    [
        {"diff_method": "finite-diff"},
        {"diff_method": "hadamard"},
        {"diff_method": "spsa", "gradient_kwargs": {"seed": 1}},
        {"diff_method": "best", "fallback": "finite-diff"},
    ],
)
def test_other_methods_have_hessians_of_the_right_shape(changes):
    circuit = hb.QNode(qubits.product, hb.device("default.qubit", wires=4)).update(**changes)
    found = hb.hessian(circuit, argnums=(0, 1))(0.3, 0.8)
    assert np.shape(found) == (2, 2) and np.all(np.isfinite(found))


def test_without_a_rule_a_hessian_says_so_and_a_fallback_finds_it():
    def f(r, kappa):
        hb.Displacement(r, 0.3, wires=0)
        hb.CubicPhase(kappa, wires=0)
        return hb.expval(hb.QuadP(0))

    circuit = hb.QNode(f, hb.device("default.fock", wires=1, cutoff_dim=12))
    with pytest.raises(hb.GradientError, match="CubicPhase"):
        hb.hessian(circuit)(0.2, 0.05)
    loose = circuit.update(fallback="finite-diff")  # of the device's own derivatives
    slopes = lambda x: np.array(hb.grad(circuit, argnums=(0, 1))(*x))
    expected = qubits.differences(slopes, np.array([0.2, 0.05]))
    assert np.allclose(hb.hessian(loose, argnums=(0, 1))(0.2, 0.05), expected, atol=1e-7)
    by_rule = loose.update(diff_method="parameter-shift")
    assert hb.hessian(by_rule)(0.2, 0.05) == pytest.approx(expected[0, 0], abs=1e-4)
    with pytest.raises(hb.GradientError, match="diff_method=None"):
        hb.hessian(circuit.update(diff_method=None))(0.2, 0.05)


def test_hessians_inside_other_derivatives_take_the_general_route():
    circuit = qubits.node(qubits.product, wires=2)
    third = hb.grad(lambda x: hb.hessian(circuit)(x, 0.8))(0.3)
    assert third == pytest.approx(np.sin(0.3) * np.cos(0.8))
    around = hb.hessian(lambda x: circuit(x, 0.8) ** 2)(0.3)
    assert around == pytest.approx(-2 * np.cos(0.6) * np.cos(0.8) ** 2)


SPACES = [
    Space(Trig(1)),
    Space(Trig(2), 2),
    Space(Trig(0.5, 1)),
    Space(Trig(0.3, 1.0, 1.7)),
    Space(Trig(*(w + 0.01 * w**2 for w in range(1, 15)))),
    Space(Hyperbolic(1)),
    Space(Hyperbolic(1), 4),
    Space(Power(1)),
    Space(Power(1), 2),
    Space(Power(1), 5),
    Space(Power(1, forward=True), 1),
    Space(Power(1, forward=True), 3),
    Space(Trig()),
]


def curvatures(space):
    """A basis of the space as (f, f'') pairs."""
    functions = space.spectrum.power(space.degree)
    yield (lambda t: np.ones_like(t)), (lambda t: 0.0)
    if isinstance(functions, Trig):
        for w in functions:
            yield (lambda t, w=w: np.sin(w * t)), (lambda t, w=w: -(w**2) * np.sin(w * t))
            yield (lambda t, w=w: np.cos(w * t)), (lambda t, w=w: -(w**2) * np.cos(w * t))
    elif isinstance(functions, Hyperbolic):
        for k in range(1, functions.degree + 1):
            yield (lambda t, k=k: np.exp(k * t)), (lambda t, k=k: k**2 * np.exp(k * t))
            yield (lambda t, k=k: np.exp(-k * t)), (lambda t, k=k: k**2 * np.exp(-k * t))
    else:
        for k in range(1, functions.degree + 1):
            yield (lambda t, k=k: t**k), (lambda t, k=k: k * (k - 1) * t ** max(k - 2, 0))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_second_rule_is_exact_on_its_space(space):
    rule = second_rule(space)
    for t in (0.0, 0.37, -1.2):
        for f, curvature in curvatures(space):
            scale = 1 + np.abs(rule.weights) @ np.abs(f(t + rule.shifts))
            assert abs(rule.weights @ f(t + rule.shifts) - curvature(t)) < 1e-11 * scale


def test_the_number_of_points_is_the_least():
    counts = {
        Space(Trig(1)): 2,
        Space(Trig(1), 2): 4,
        Space(Trig(0.5, 1)): 4,
        Space(Hyperbolic(1), 2): 5,
        Space(Power(1), 2): 3,
        Space(Power(1)): 0,
        Space(Trig()): 0,
    }
    assert {space: len(second_rule(space).shifts) for space in counts} == counts
