"""A circuit's value and its derivatives by a rule are one job, however its numbers are calculated."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.pytree import flatten

X, Y = np.array([0.4, 0.7]), 0.3


def entry(x, y):
    hb.RX(x[0], wires=0)
    hb.CRY(y, wires=[0, 1])
    hb.RX(x[1], wires=1)
    return hb.expval(hb.Z(1))


def reckoned(x, y):
    hb.RX(2 * x[0], wires=0)
    hb.CRY(y * x[1], wires=[0, 1])
    return hb.expval(hb.Z(1))


def weighed(x, y):
    hb.RX(x[0], wires=0)
    return hb.expval(y * hb.Z(0) + x[1] * hb.X(0))


def tabled(x, y):
    hb.RX(x[0] * y + x[1], wires=0)
    return {"one": hb.probs(wires=[0]), "two": hb.expval(hb.Y(0))}


def node(function, **options):
    return hb.QNode(function, hb.device("default.qubit", wires=2, shots=2000, seed=9), **options)


WAYS = {
    "jacobian": lambda c: hb.jacobian(c, argnums=(0, 1))(X, Y),
    "grad": lambda c: hb.grad(c, argnums=(0, 1))(X, Y),
    "grad in one": lambda c: hb.grad(c)(X, Y),
    "value_and_grad": lambda c: hb.value_and_grad(c, argnums=(0, 1))(X, Y),
    "vjp": lambda c: hb.vjp(c, (X, Y), 1.0),
}


NODES = {
    "entries": node(entry),
    "static": node(entry, static=True),
    "by weight": node(entry, shot_dist="weighted"),
    "spsa": node(entry, diff_method="spsa", gradient_kwargs={"h": 0.3}),
    "reckoned numbers": node(reckoned),
    "traced coefficients": node(weighed),
    "several results": node(tabled),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NODES)
def test_a_value_and_its_derivatives_are_one_job(name, way):
    circuit, ask = NODES[name], WAYS["jacobian" if name == "several results" else way]
    with hb.Tracker(circuit.device) as tracker:
        found = ask(circuit)
    assert tracker.totals["jobs"] == 1
    if name != "spsa":
        exact = ask(circuit.update(shots=None))
        for a, b in zip(flatten(found)[0], flatten(exact)[0], strict=True):
            assert np.max(np.abs(a - b)) < 0.3  # over eight standard deviations of the widest


def test_a_function_of_values_is_one_job_for_these_and_one_for_their_derivatives():
    circuit = node(entry)
    with hb.Tracker(circuit.device) as tracker:
        hb.grad(lambda x: np.pi * circuit(x, Y))(X)
    assert tracker.totals["jobs"] == 2
