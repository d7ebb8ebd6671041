"""A batch is one job for the values and one for the gradient, on every device, exact and with shots."""

import numpy as np
import pytest

import hybridge as hb
from hybridge import numpy as hnp

X, Y = np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.1, 0.15])
SHOTS = 40


def qubits(x, y):
    hb.RX(x, wires=0)
    hb.RY(y, wires=1)
    hb.CNOT([0, 1])
    hb.RX(x, wires=1)
    return {"z": hb.expval(hb.Z(1)), "more": (hb.var(hb.X(0) + 0.5 * hb.Z(1)), hb.probs(wires=[1]))}


def light(x, y):
    hb.Squeezing(x, 0.1, wires=0)
    hb.Displacement(y, 0.3, wires=1)
    hb.Beamsplitter(x, 0.2, wires=[0, 1])
    return {"z": hb.expval(hb.NumberOperator(0)), "more": (hb.var(hb.QuadX(1)), hb.expval(hb.QuadP(0)))}


# device -> the circuit, the device's options
DEVICES = {
    "default.qubit": (qubits, {}),
    "default.mixed": (qubits, {}),
    "qiskit.aer": (qubits, {}),
    "forest.numpy": (qubits, {}),
    "default.gaussian": (light, {}),
    "default.fock": (light, {"cutoff_dim": 8}),
    "strawberryfields.gaussian": (light, {}),
    "strawberryfields.fock": (light, {"cutoff_dim": 8}),
}
INSTALLED = sorted(d.name for d in hb.devices() if d.installed and d.name in DEVICES)
pytestmark = pytest.mark.filterwarnings("ignore::hybridge.TruncationWarning")


def node(name, shots=None):
    function, options = DEVICES[name]
    return hb.QNode(function, hb.device(name, wires=2, shots=shots, seed=1, **options))


def cost(found):
    """One number that depends on every value, and not linearly."""
    spread, last = found["more"]
    return hnp.sum(hnp.sin(found["z"])) + hnp.sum(spread**2) + hnp.sum(hnp.cos(last))


def leaves(found):
    return [found["z"], *found["more"]]


CALLS = {"broadcast": lambda circuit: circuit, "map": lambda circuit: circuit.map}


@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("name", INSTALLED)
def test_values_and_gradients_are_those_of_each_row(name, way):
    circuit = node(name)
    batched = CALLS[way](circuit)
    each = [circuit(*row) for row in zip(X, Y, strict=True)]
    for k, leaf in enumerate(leaves(batched(X, Y))):
        assert np.allclose(leaf, [leaves(one)[k] for one in each], rtol=0, atol=1e-9)
    found = hb.grad(lambda *a: cost(batched(*a)), argnums=(0, 1))(X, Y)
    alone = [hb.grad(lambda *a: cost(circuit(*a)), argnums=(0, 1))(*row) for row in zip(X, Y, strict=True)]
    assert np.allclose(np.transpose(found), alone, rtol=0, atol=1e-8)


@pytest.mark.parametrize("shots", [None, SHOTS])
@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("name", INSTALLED)
def test_a_batch_is_one_job_and_its_gradient_one_more(name, way, shots):
    circuit = node(name, shots)
    batched = CALLS[way](circuit)
    with hb.Tracker(circuit.device) as tracker:
        found = batched(X, Y)
    assert [np.shape(leaf)[0] for leaf in leaves(found)] == [3, 3, 3]
    assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == 3
    assert tracker.totals["shots"] % (3 * (shots or 0) or 1) == 0
    with hb.Tracker(circuit.device) as tracker:
        slopes = hb.grad(lambda *a: cost(batched(*a)), argnums=(0, 1))(X, Y)
    assert tracker.totals["jobs"] == 2
    assert [slope.shape for slope in slopes] == [(3,), (3,)] and np.isfinite(slopes).all()
    with hb.Tracker(circuit.device) as tracker:
        hb.jacobian(batched, argnums=(0, 1))(X, Y)
    own = hb.specs(circuit)(X, Y).gradient_method == "device"
    assert tracker.totals["jobs"] == 1 + own  # by a rule the values are of the same job


@pytest.mark.parametrize("name", INSTALLED)
def test_sampled_rows_are_drawn_each_on_its_own(name):
    circuit = node(name, 400)
    same = circuit.map(np.full(4, 0.3), np.full(4, 0.2))
    assert len(set(same["z"])) > 1
    exact = node(name)(0.3, 0.2)["z"]
    # a value of at most a few photons or one spin: 6 standard errors of 400 shots
    assert np.abs(same["z"] - exact).max() < 6 * 1.2 / 20
