"""default.qubit follows measurements outcome by outcome: the kit's items, and what is its own."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.conformance import QubitConformance, items
from hybridge.conformance.midcircuit import MidCircuitConformance
from hybridge_default import qubit_branches

KIT = type("Kit", (QubitConformance,), {"device": "default.qubit", "options": {"mid_circuit": "branches"}})
ITEMS = [item for item in items(KIT) if item.name.split("[")[0] in vars(MidCircuitConformance)]


@pytest.mark.parametrize("item", ITEMS, ids=[item.name for item in ITEMS])
def test_the_kit(item):
    item.run()


def node(function, wires=2, mid_circuit="branches", **options):
    return hb.QNode(function, hb.device("default.qubit", wires=wires, mid_circuit=mid_circuit, **options))


def chain(x, count):
    """One wire measured and reset over and over, another that remembers."""
    bits = []
    for _ in range(count):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])
        hb.RY(x, wires=1)
        bits.append(hb.measure(0, reset=True))
        hb.cond(bits[-1], hb.S)(1)
    return bits


def walked(count, x):
    """The exact <Z> of the wire that remembers: its density matrix, followed by hand."""
    rho = np.diag([1.0, 0]).astype(complex)
    ry, s = hb.RY.matrix(x), np.diag([1, 1j])
    for _ in range(count):
        stay, flip = ry * np.cos(x / 2), s @ ry @ np.array([[0, 1], [1, 0]]) * np.sin(x / 2)
        rho = stay @ rho @ stay.conj().T + flip @ rho @ flip.conj().T
    return float((rho[0, 0] - rho[1, 1]).real)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_any_number_of_measurements_takes_a_few_states(count):
    shots = 40_000 if count < 10 else 2000
    found = node(lambda x: (chain(x, count), hb.expval(hb.Z(1)))[1], shots=shots, seed=3)(0.4)
    assert abs(found - walked(count, 0.4)) < 5.4 / np.sqrt(shots)


def test_few_states_wait(monkeypatch):
    """Of 1024 shots that part at each of 30 measurements, no more than 12 branches are held."""
    held = []

    class Counting(list):
        def append(self, branch):
            super().append(branch)
            held.append(len(self))

    monkeypatch.setattr(qubit_branches, "Waiting", Counting)
    node(lambda: (chain(np.pi / 2, 30), hb.expval(hb.Z(1)))[1], shots=1024, seed=1)()
    assert 1 < max(held) <= 12


def test_sixty_bits_fit_nowhere_deferred():
    with pytest.raises(hb.UnsupportedCircuit, match="62 wires, 60 of them for what is measured"):
        node(lambda: (chain(0.4, 60), hb.expval(hb.Z(1)))[1], mid_circuit="deferred", shots=10, seed=1)()


def test_the_sooner_way_is_taken_and_both_have_the_same_distribution():
    values = {
        way: node(lambda x: (chain(x, 3), hb.expval(hb.Y(1)))[1], mid_circuit=way, shots=40_000, seed=5)(0.9)
        for way in ("branches", "deferred", None)
    }
    assert values[None] == values["deferred"] != values["branches"]
    assert abs(values["branches"] - values["deferred"]) < 2 * 5.4 / np.sqrt(40_000)
    many = node(lambda x: hb.counts(chain(x, 24)), mid_circuit=None, shots=10, seed=1)(0.4)
    assert sum(many.values()) == 10


@pytest.mark.parametrize("options", [{"dtype": "complex64"}, {"threads": 2}, {"wires": 3}])
def test_any_option_of_the_device(options):
    found = node(lambda x: (chain(x, 2), hb.probs(wires=[1]))[1], shots=40_000, seed=7, **options)(0.8)
    assert abs(found[0] - (1 + walked(2, 0.8)) / 2) < 0.5 * 5.4 / np.sqrt(40_000)


def test_the_seed_gives_the_shots():
    run = lambda seed: node(lambda: hb.sample(chain(0.8, 3)), shots=50, seed=seed)()
    assert (run(1) == run(1)).all() and (run(1) != run(2)).any()


def test_samples_come_in_no_order_of_the_branches():
    """The first of 10000 shots that are 1 or 0 with equal chance: their half is within 5.4 deviations."""
    found = node(lambda: (hb.H(0), hb.sample([hb.measure(0, reset=True)]))[1], shots=10_000, seed=4)()[:, 0]
    assert abs(found[:5000].mean() - 0.5) < 5.4 * 0.5 / np.sqrt(5000)


def test_a_wire_is_prepared_after_another_was_measured():
    def circuit():
        hb.H(0)
        outcome = hb.measure(0)
        hb.StatePrep([0.6, 0.8], wires=1)
        hb.cond(outcome, hb.X)(1)
        return hb.expval(hb.Z(1))

    assert abs(node(circuit, shots=40_000, seed=2)()) < 5.4 / np.sqrt(40_000)


def test_an_unknown_way_is_refused():
    with pytest.raises(hb.DeviceError, match="'branches', 'deferred' or None; got 'tree'"):
        hb.device("default.qubit", wires=1, mid_circuit="tree")
