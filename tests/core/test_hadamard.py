"""Hadamard tests: derivatives from a wire beside the circuit, or from rotations in it."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.gradients.hadamard import insertions

X = np.array([0.3, -0.7, 1.1, 0.5, 0.9])
MODES = ("standard", "direct")


def ansatz(x, w=(0, 1, 2)):
    """Gates of one word and of many, of several parameters, under control, on wires out of order."""
    hb.H(w[0])
    hb.Rot(x[0], x[1], x[2], wires=w[1])
    hb.CRX(x[3], wires=[w[2], w[0]])
    hb.CRot(x[1], x[2], x[4], wires=[w[0], w[1]])
    hb.IsingXY(x[2], wires=[w[1], w[2]])
    hb.adjoint(hb.U3)(x[0], x[3], x[4], wires=w[2])
    hb.ctrl(hb.PhaseShift, control=[w[2], w[0]], control_values=[0, 1])(x[4], wires=w[1])
    hb.PauliRot(x[0], "YZX", wires=[w[2], w[0], w[1]])
    hb.evolve(hb.X(w[0]) @ hb.Y(w[1]) + 0.3 * hb.Z(w[1]), x[3])
    hb.GlobalPhase(x[1])


MEASURES = {
    "word": lambda w: hb.expval(hb.Z(w[0]) @ hb.X(w[1])),
    "sum": lambda w: hb.expval(0.3 * hb.X(w[0]) + hb.Z(w[2]) @ hb.Y(w[0]) + 2 * hb.I(w[1])),
    "matrix": lambda w: hb.expval(hb.Hermitian([[1, 2j], [-2j, 0.5]], wires=w[1])),
    "projector": lambda w: hb.expval(hb.Projector([0, 1], wires=[w[2], w[0]])),
    "probs": lambda w: hb.probs(wires=[w[2], w[0]]),
    "probs of a word": lambda w: hb.probs(op=hb.X(w[1]) @ hb.Y(w[2])),
    "probs of a matrix": lambda w: hb.probs(op=hb.Hermitian([[1, 2j], [-2j, 0.5]], wires=w[1])),
}


def node(measure, method="hadamard", wires=4, w=(0, 1, 2), shots=None, **options):
    def circuit(x):
        ansatz(x, w)
        return {name: MEASURES[name](w) for name in measure}

    device = hb.device("default.qubit", wires=wires, shots=shots, seed=3)
    return hb.QNode(circuit, device, method, gradient_kwargs=options)


def assert_same(found, expected, atol=1e-8):
    assert found.keys() == expected.keys()
    for name in expected:
        assert np.abs(expected[name]).max() > 0.05, name
        np.testing.assert_allclose(found[name], expected[name], atol=atol, rtol=0, err_msg=name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wires", [4, None], ids=["of the device", "inferred"])
def test_jacobians_are_those_of_the_shift_rule(mode, wires):
    found = hb.jacobian(node(MEASURES, mode=mode, wires=wires))(X)
    assert_same(found, hb.jacobian(node(MEASURES, "parameter-shift"))(X))


WORDS = {  # of the generator of the first parameter
    hb.RX: 1,
    hb.Rot: 1,
    hb.CRX: 2,
    hb.IsingXY: 2,
    hb.SingleExcitation: 2,
    hb.OrbitalRotation: 4,
    hb.MultiRZ.of(6): 1,
    hb.PauliRot.of(3, "XIY"): 1,
    hb.GlobalPhase.of(1): 0,
    hb.ControlledPhaseShift: 3,
}


@pytest.mark.parametrize("row", WORDS, ids=repr)
def test_the_words_of_a_generator(row):
    assert len(insertions(row, row.params[0])) == WORDS[row]


@pytest.mark.parametrize(("mode", "each"), [("standard", 1), ("direct", 2)])
def test_every_word_is_a_circuit_and_all_are_one_job(mode, each):
    circuit = node(["word"], mode=mode)
    circuit(X)
    words = sum(len(insertions(row, p)) for row, _ in circuit.circuit(X).instructions for p in row.params)
    assert words > 20
    with hb.Tracker(circuit.device) as tracker:
        hb.jacobian(circuit)(X)
    assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == 1 + each * words


def test_what_cannot_matter_costs_nothing_and_has_no_noise():
    def circuit(x):
        hb.RX(x[0], wires=0)
        hb.RY(x[1], wires=1)
        hb.RZ(x[0], wires=1)  # measured in the basis it keeps
        return hb.expval(hb.Z(0)), hb.expval(hb.Z(1)), hb.probs(wires=1)

    tested = hb.QNode(circuit, hb.device("default.qubit", wires=3, shots=100, seed=1), "hadamard")
    x = np.array([0.4, 0.9])
    tested(x)
    with hb.Tracker(tested.device) as tracker:
        first, second, third = hb.jacobian(tested)(x)
    assert tracker.totals["executions"] == 1 + 2
    assert first[1] == second[0] == 0 and not third[:, 0].any()
    assert first[0] < 0 > second[1]


def test_batches_static_circuits_and_containers():
    @hb.qnode(hb.device("default.qubit", wires=3), diff_method="hadamard", static=True)
    def circuit(p):
        hb.RX(p["a"] / 2, wires=0)
        hb.CRY(p["b"][1], wires=[0, 1])
        return [hb.expval(hb.Z(1)), {"p": hb.probs(wires=[1, 0])}]

    p = {"a": 0.4, "b": [1.0, 0.9]}
    found, expected = hb.jacobian(circuit)(p), hb.jacobian(circuit.update(diff_method="best"))(p)
    assert found[0]["a"] == pytest.approx(expected[0]["a"], abs=1e-12)
    assert np.allclose(found[1]["p"]["b"][1], expected[1]["p"]["b"][1], atol=1e-12)

    rows = hb.QNode(
        lambda a: (hb.RX(a, wires=0), hb.expval(hb.Y(0)))[1], circuit.device, diff_method="hadamard"
    )
    a = np.array([0.1, 0.8, 2.0])
    assert np.allclose(hb.jacobian(rows)(a), np.diag(-np.cos(a)), atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_second_derivatives_go_through_the_circuits_of_the_first(mode):
    def function(x):
        ansatz(x)
        return hb.expval(0.3 * hb.X(0) + hb.Z(2) @ hb.Y(0))

    device = hb.device("default.qubit", wires=4)
    tested = hb.QNode(function, device, "hadamard", gradient_kwargs={"mode": mode})
    expected = hb.hessian(hb.QNode(function, device))(X)
    assert np.abs(expected).max() > 0.1
    assert np.allclose(hb.hessian(tested)(X), expected, atol=1e-8)


@pytest.mark.parametrize("mode", MODES)
def test_with_shots_the_error_is_that_of_the_words(mode):
    """Each derivative is a sum over circuits of weight w of values of variance at most 1: 5 of its errors."""
    shots = 20_000
    names = ["word", "projector", "probs"]
    circuit = node(names, mode=mode, shots=shots)
    found, expected = hb.jacobian(circuit)(X), hb.jacobian(node(names, "parameter-shift"))(X)
    parts = circuit.plan(X).rule(tuple(range(circuit.plan(X).num_slots)), circuit.method, shots)
    error = np.sqrt(sum(np.sum(part.weights**2) for part in parts) / shots)
    for name in names:
        assert 0 < np.abs(found[name] - expected[name]).max() < 5 * error < 0.5


# ---- the auxiliary wire -------------------------------------------------------------------------------


def test_any_label_may_be_the_wire():
    labels = ["q", "aux", 7]
    expected = hb.jacobian(node(["word"], "parameter-shift"))(X)
    for wires in (None, [*labels, "spare"], ["spare", *labels, "more"]):
        assert_same(hb.jacobian(node(["word"], wires=wires, w=labels))(X), expected)
    assert_same(hb.jacobian(node(["word"], wires=[*labels, "spare", 8], w=labels, aux_wire=8))(X), expected)
    assert_same(hb.jacobian(node(["word"], wires=None, w=labels, aux_wire="test"))(X), expected)


def test_a_wire_that_only_gates_or_only_measurements_use_is_not_free():
    def circuit(x):
        hb.RX(x, wires=0)
        hb.H(1)
        return hb.expval(hb.Z(0)), hb.expval(hb.Z(2))

    for wires in (3, 4):
        tested = hb.QNode(circuit, hb.device("default.qubit", wires=wires), "hadamard")
        if wires == 4:
            assert hb.jacobian(tested)(0.3)[0] == pytest.approx(-np.sin(0.3))
            continue
        with pytest.raises(hb.GradientError, match=r"and it uses or measures all of \[0, 1, 2\]"):
            hb.jacobian(tested)(0.3)


def test_probabilities_of_all_wires_leave_none_free():
    circuit = lambda x: (hb.RX(x, wires=0), hb.probs())[1]
    device = hb.device("default.qubit", wires=2)
    with pytest.raises(hb.GradientError, match="give the device one more wire, use gradient_kwargs="):
        hb.jacobian(hb.QNode(circuit, device, "hadamard"))(0.3)
    direct = hb.QNode(circuit, device, "hadamard", gradient_kwargs={"mode": "direct"})
    slope = np.array([-np.sin(0.3) / 2, 0, np.sin(0.3) / 2, 0])
    assert np.allclose(hb.jacobian(direct)(0.3), slope)
    assert np.allclose(
        hb.jacobian(hb.QNode(circuit, hb.device("default.qubit"), "hadamard"))(0.3), slope[::2]
    )


@pytest.mark.parametrize(("aux", "words"), [(1, "is a wire of the circuit"), ("z", "is not on the device")])
def test_a_wire_that_cannot_be_the_one_asked_for(aux, words):
    with pytest.raises(hb.CircuitError, match=words):
        hb.jacobian(node(["word"], aux_wire=aux))(X)


# ---- where there is none ------------------------------------------------------------------------------


def test_a_variance_names_what_would_work_and_hurts_only_where_it_is_asked_for():
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Y(0)), hb.var(hb.Z(0)), hb.probs(wires=0)

    tested = hb.QNode(circuit, hb.device("default.qubit", wires=2), "hadamard")
    with pytest.raises(hb.GradientError, match=r"var\(Z\(0\)\) is not linear .* use diff_method='param"):
        hb.jacobian(tested)(0.3)
    assert hb.grad(lambda x: tested(x)[0])(0.3) == pytest.approx(-np.cos(0.3))
    assert hb.grad(lambda x: tested(x)[2][1])(0.3) == pytest.approx(np.sin(0.3) / 2)


def test_rows_without_words_say_so():
    root = hb.QNode(
        lambda x: (hb.pow(hb.Rot, 0.5)(x, 0.2, 0.3, wires=0), hb.expval(hb.Z(0)))[1],
        hb.device("default.qubit", wires=2),
        "hadamard",
    )
    with pytest.raises(hb.GradientError, match=r"'phi' of Rot\*\*0.5 on wires \[0\]: its generator is not"):
        hb.grad(root)(0.3)
    light = hb.QNode(
        lambda x: (hb.Displacement(x, 0.0, wires=0), hb.expval(hb.QuadX(0)))[1],
        hb.device("default.gaussian", wires=2),
        "hadamard",
    )
    with pytest.raises(hb.GradientError, match="Hadamard tests are of qubits; use diff_method='param"):
        hb.grad(light)(0.3)


def test_modes_that_there_are():
    said = "mode of diff_method 'hadamard' must be one of 'standard', 'direct'; got 'reversed'"
    with pytest.raises(hb.CircuitError, match=said):
        node(["word"], mode="reversed")
    with pytest.raises(hb.CircuitError, match=r"aux_wire of diff_method 'hadamard' must be .*; got \[1\]"):
        node(["word"], aux_wire=[1])
