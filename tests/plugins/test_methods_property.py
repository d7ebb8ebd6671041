"""Random circuits of random containers: every method agrees; and the comparison sees every planted fault."""

import numpy as np
import pytest
from every_method import WAYS, assert_agree, assert_alive, every_method
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb
from hybridge.execution import Plan
from hybridge.pytree import flatten

EXACT = 1e-8
WIRES = (0, 1, 2)
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, database=None)

# ---- random circuits ----------------------------------------------------------------------------------

QUBIT_GATES = [
    hb.RX,
    hb.RZ,
    hb.Rot,
    hb.CRY,
    hb.IsingXY,
    hb.U3,
    hb.SingleExcitation,
    hb.ControlledPhaseShift,
    hb.PauliRot.of(3, "XYZ"),
    hb.CNOT,
    hb.H,
    hb.adjoint(hb.CRot),
    hb.pow(hb.IsingZZ, 0.3),
]
LIGHT_GATES = [
    hb.Displacement,
    hb.Squeezing,
    hb.Rotation,
    hb.Beamsplitter,
    hb.TwoModeSqueezing,
    hb.QuadraticPhase,
    hb.ControlledAddition,
    hb.adjoint(hb.Squeezing),
]
QUBIT_READ = [
    lambda w: hb.expval(hb.Z(w[0]) @ hb.X(w[1])),
    lambda w: hb.expval(0.4 * hb.Y(w[2]) - hb.Z(w[0]) @ hb.Z(w[2])),
    lambda w: hb.expval(hb.Projector([1, 0], wires=[w[1], w[0]])),
    lambda w: hb.probs(wires=[w[2], w[0]]),
]
LIGHT_READ = [
    lambda w: hb.expval(hb.QuadX(w[0])),
    lambda w: hb.expval(hb.NumberOperator(w[1])),
    lambda w: hb.expval(hb.QuadX(w[0]) @ hb.QuadP(w[1])),
    lambda w: hb.var(hb.QuadP(w[2])),
]
angles = st.floats(-1.0, 1.0).map(lambda v: round(v, 3))


@st.composite
def circuits(draw, gates, read):
    """Gates on permuted wires with places for their numbers, and measurements of permuted wires."""
    chosen = draw(st.lists(st.sampled_from(gates), min_size=2, max_size=6))
    placed = [(g, draw(st.permutations(WIRES))[: g.num_wires]) for g in chosen]
    measured = draw(st.lists(st.sampled_from(read), min_size=1, max_size=3))
    at = draw(st.permutations(WIRES))
    size = sum(len(g.params) for g, _ in placed)
    numbers = draw(st.lists(angles, min_size=size, max_size=size))
    return placed, measured, at, numbers


@st.composite
def trees(draw, numbers):
    """The numbers in nested containers: arrays, lists, tuples, dicts."""
    parts, rest = [], list(numbers)
    while rest:
        k = draw(st.integers(1, min(3, len(rest))))
        here, rest = rest[:k], rest[k:]
        kind = draw(st.sampled_from(["number", "array", "list", "dict", "tuple"]))
        parts += {
            "number": here,
            "array": [np.array(here)],
            "list": [[here[0], np.array(here[1:])]] if k > 1 else [here],
            "dict": [{f"p{i}": v for i, v in enumerate(here)}],
            "tuple": [tuple(here)],
        }[kind]
    return {"first": parts[: len(parts) // 2], "rest": tuple(parts[len(parts) // 2 :])}


def leaves(tree):
    """The numbers of a tree in its order, traced or not."""
    return [x[i] if np.ndim(x) else x for x in flatten(tree)[0] for i in range(np.size(x))]


@st.composite
def models(draw, gates, read):
    placed, measured, at, numbers = draw(circuits(gates, read))
    shape = draw(st.sampled_from(["list", "dict", "nested"]))
    return placed, measured, at, draw(trees(numbers)), shape


def node(model, device, method, **options):
    placed, measured, at, _, shape = model

    def circuit(tree):
        prepare = hb.RY if device.capabilities.domain == "qubit" else hb.Displacement
        for w in WIRES:
            prepare(*(0.4 + 0.2 * w,) * len(prepare.params), wires=w)
        rest = iter(leaves(tree))
        for gate, wires in placed:
            gate(*(next(rest) * 0.6 for _ in gate.params), wires=wires)
        found = [read(at) for read in measured]
        return {"list": found, "dict": dict(enumerate(found)), "nested": [found[0], {"z": tuple(found[1:])}]}[
            shape
        ]

    return hb.QNode(circuit, device, method, gradient_kwargs=options)


def assert_same_trees(found, expected):
    mine, theirs = flatten(found)[0], flatten(expected)[0]
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.allclose(a, b, rtol=EXACT, atol=EXACT)


def check(model, device, methods):
    tree = model[3]
    if not leaves(tree):
        return
    expected = hb.jacobian(node(model, device, "best"))(tree)
    for method, options in methods:
        assert_same_trees(hb.jacobian(node(model, device, method, **options))(tree), expected)


FINE = {"approx_order": 8, "h": 0.004}


@SETTINGS
@given(models(QUBIT_GATES, QUBIT_READ))
def test_random_circuits_of_qubits(model):
    methods = [
        ("adjoint", {}),
        ("parameter-shift", {}),
        ("hadamard", {}),
        ("hadamard", {"mode": "direct"}),
        ("finite-diff", FINE),
    ]
    check(model, hb.device("default.qubit", wires=4), methods)


@SETTINGS
@given(models(LIGHT_GATES, LIGHT_READ))
def test_random_circuits_of_light(model):
    methods = [("adjoint", {}), ("parameter-shift", {}), ("finite-diff", FINE)]
    check(model, hb.device("default.gaussian", wires=3), methods)


# ---- planted faults -----------------------------------------------------------------------------------

FAULTS = {
    "a weight": lambda part: part._replace(
        weights=part.weights * np.where(np.arange(len(part.weights)) == 0, 1.001, 1)[:, None]
    ),
    "a sign": lambda part: part._replace(
        weights=part.weights * np.where(np.arange(len(part.weights)) == 0, -1, 1)[:, None]
    ),
    "a parameter": lambda part: part._replace(weights=part.weights * (np.arange(part.weights.shape[1]) != 1)),
    "a shift": lambda part: part._replace(shifts=part.shifts * 1.001),
}


def model(x):
    hb.RY(0.4, wires=0)
    hb.CRX(x[0], wires=[0, 1])
    hb.Rot(x[1], x[2], 0.3, wires=1)
    hb.IsingXY(x[2], wires=[1, 2])
    return [hb.expval(hb.Z(1) @ hb.Y(2)), hb.probs(wires=[1, 2])]


X = np.array([0.7, -0.4, 1.1])


RULED = ("parameter-shift", "hadamard", "finite-diff", "spsa")
PLANTED = [(fault, way) for fault in FAULTS for way in RULED if (fault, way) != ("a shift", "hadamard")]


@pytest.mark.parametrize(("fault", "way"), PLANTED)  # a Hadamard test shifts nothing
def test_a_planted_fault_is_seen(monkeypatch, fault, way):
    device = hb.device("default.qubit", wires=4)
    sound = every_method(model, device, X)
    assert_agree(sound, EXACT)
    assert_alive(sound, [True] * 3, ["x0", "x1", "x2"], EXACT)
    rule = Plan.rule

    def faulty(self, slots, method, *rest):
        parts = rule(self, slots, method, *rest)
        return tuple(map(FAULTS[fault], parts)) if method.name == way else parts

    monkeypatch.setattr(Plan, "rule", faulty)
    with pytest.raises(AssertionError, match=f"{way}.* differ"):
        assert_agree(every_method(model, device, X), EXACT)


def test_a_method_that_refuses_all_is_seen():
    light = hb.device("default.gaussian", wires=3)

    def squeezed(x):
        hb.Squeezing(x[0], x[1], wires=0)
        hb.Beamsplitter(x[2], 0.3, wires=[0, 1])
        return [hb.expval(hb.NumberOperator(1))]

    found = every_method(squeezed, light, X)
    assert set(found.refused) == {"hadamard", "hadamard direct"}
    assert set(found.jacobians) == set(WAYS) - set(found.refused)
    assert all("use diff_method='parameter-shift'" in str(error) for error in found.refused.values())
