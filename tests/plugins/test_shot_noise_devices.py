"""Every device's sampled values and derivatives are off by the errors they claim, shots by weight or not.

Chi-squares of scores (value - expectation) / error; each fails by chance with fresh seeds once in 10^7.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

import hybridge as hb
from hybridge.pytree import flatten

ALARM = 1e-7
REPEATS = 60
X = np.array([0.6, 0.4, 0.9])


def qubits(x):
    hb.RX(x[0], wires=0)
    hb.RY(x[1], wires=1)
    hb.CRX(x[2], wires=[0, 1])
    return hb.expval(2 * hb.Z(0) + hb.Z(0) @ hb.Z(1) + 0.3 * hb.X(1)), hb.probs(wires=[1])


def light(x):
    hb.Displacement(0.5 * x[0], x[1], wires=0)
    hb.Squeezing(0.2 * x[2], 0.3, wires=0)
    hb.Beamsplitter(0.5, 0.1, wires=[0, 1])
    return hb.expval(hb.QuadX(0) + 0.2 * hb.QuadP(1)), hb.expval(hb.NumberOperator(1)), hb.var(hb.QuadP(0))


def dim(x):
    """Of one mode: homodyne outcomes of a Fock device are drawn point by point."""
    hb.Displacement(0.3 * x[0], x[1], wires=0)
    return hb.expval(hb.NumberOperator(0)), hb.expval(hb.QuadX(0))


DEVICES = [
    ("default.qubit", qubits, {}),
    ("qiskit.aer", qubits, {}),
    ("forest.numpy", qubits, {}),
    ("default.gaussian", light, {}),
    ("default.fock", dim, {"cutoff_dim": 7}),
    ("strawberryfields.gaussian", light, {}),
]


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(x) for x in flatten(tree)[0]])


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize("dist", ["uniform", "weighted"])
@pytest.mark.parametrize("name, function, options", DEVICES)
def test_values_and_derivatives_are_off_by_their_errors(name, function, options, dist):
    device = hb.device(name, wires=1 if function is dim else 2, shots=1000, seed=12, **options)
    node = hb.QNode(function, device, "parameter-shift", shot_dist=dist)
    exact = node.update(shots=None)
    for f, truth in ((node, exact(X)), (hb.jacobian(node), hb.jacobian(exact)(X))):
        sure, expected = hb.with_error(f), flat(truth)
        pairs = [tuple(map(flat, sure(X))) for _ in range(REPEATS)]
        moving = pairs[0][1] > 0  # the others depend on nothing
        scores = np.array(
            [((value - expected) / np.where(moving, error, 1))[moving] for value, error in pairs]
        )
        sums, alarm = (scores**2).sum(axis=0), ALARM / moving.sum()
        assert (chi2.sf(sums, REPEATS) > alarm / 2).all() and (chi2.cdf(sums, REPEATS) > alarm / 2).all()


def test_aer_runs_tasks_of_different_shots_in_one_call_and_gives_each_its_own():
    device = hb.device("qiskit.aer", wires=2, shots=500, seed=3)
    node = hb.QNode(lambda x: qubits(x)[0], device, "parameter-shift", shot_dist="weighted")
    with hb.Tracker(device) as tracker:
        hb.grad(node)(X)
    runs = 2 + 2 + 4
    assert tracker.totals["jobs"] == 1 and tracker.totals["shots"] == 500 * 2 * (1 + runs)
