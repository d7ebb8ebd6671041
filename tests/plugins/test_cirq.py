"""The devices of Cirq beside the kit: their claims are their translations; their options; their drawing."""

from __future__ import annotations

import pickle

import cirq
import numpy as np
import pytest

import hybridge as hb
from hybridge.conformance.rows import numbers
from hybridge.operations.modifiers import adjoint
from hybridge.operations.qubit_channels import QUBIT_CHANNELS
from hybridge.operations.table import FAMILIES, ROWS
from hybridge_cirq import DENSITY_MATRIX, GATES, SIMULATOR, translate

NAMES = ("cirq.simulator", "cirq.density_matrix")


def rows(name):
    if name in FAMILIES:
        return [FAMILIES[name].of(n, *constants) for n, constants in FAMILIES[name].examples]
    return [adjoint(ROWS[name[len("Adjoint(") : -1]]) if name.startswith("Adjoint(") else ROWS[name]]


def test_what_is_claimed_is_what_is_translated():
    known = {*translate.FIXED, *translate.ANGLES, *translate.CONSTANTS}
    assert known == GATES and set(translate.CHANNELS) < QUBIT_CHANNELS
    assert SIMULATOR.operations < DENSITY_MATRIX.operations


@pytest.mark.parametrize("name", sorted(GATES))
def test_each_gate_of_cirq_is_the_rows_matrix_phase_included(name):
    for row in rows(name):
        values = numbers(row, {}, 5)
        found = cirq.unitary(translate.maker(row)(*values)(*cirq.LineQubit.range(row.num_wires)))
        assert np.abs(found - row.matrix(*values)).max() < 1e-14


@pytest.mark.parametrize("name", sorted(QUBIT_CHANNELS))
def test_each_channel_of_cirq_is_the_rows_channel(name):
    ranges = {"p": (0.1, 0.4), "gamma": (0.1, 0.4), "p0": (0.1, 0.3), "p1": (0.1, 0.3)}
    ranges |= {"pe": (0.1, 0.4), "t1": (1.0, 2.0), "t2": (0.5, 1.5), "tg": (0.1, 0.5)}
    for row in rows(name):
        values = numbers(row, ranges, 5)
        gate = translate.maker(row)(*values)
        ours, theirs = row.definition(*values), np.array(cirq.kraus(gate))
        # the superoperator does not depend on which Kraus operators were chosen
        superoperators = [np.einsum("mij,mkl->ikjl", k, k.conj()) for k in (ours, theirs)]
        assert np.abs(superoperators[0] - superoperators[1]).max() < 1e-14


@pytest.mark.parametrize("name", NAMES)
def test_a_program_shows_cirqs_own_drawing(name):
    @hb.qnode(hb.device(name, wires=2))
    def circuit(x):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])
        if name == "cirq.density_matrix":
            hb.BitFlip(x, wires=1)
        return hb.expval(hb.Z(1))

    text = circuit.plan(0.3).programs[0].native()
    assert "Rx(theta0)" in text and "@" in text and "X" in text
    assert ("BitFlip(theta1)" in text) == (name == "cirq.density_matrix")


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_is_an_option_and_known_to_differences(name):
    def circuit(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    device = hb.device(name, wires=1, dtype="complex64")
    assert device.precision == np.finfo(np.float32).eps
    assert 0 < abs(hb.QNode(circuit, device)(0.4) - np.cos(0.4)) < 1e-6
    for other in ("complex32", np.complex64, ["complex64"]):
        with pytest.raises(hb.DeviceError, match="complex64, complex128"):
            hb.device(name, wires=1, dtype=other)


def preparing(ket, rotations):
    def circuit():
        hb.StatePrep(ket, wires=range(3))
        for i in range(rotations):
            hb.RX(0.3 * i, wires=i % 3)
            hb.CNOT([i % 3, (i + 1) % 3])
        return hb.probs(wires=[2, 0])

    return circuit


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_draws_shots_of_states_whose_norm_has_drifted(name):
    """6 standard deviations of 4 probabilities, twice: a false alarm in 10^7 runs."""
    rng = np.random.default_rng(4)
    ket = rng.normal(size=8) + 1j * rng.normal(size=8)
    function = preparing(ket / np.linalg.norm(ket), 300)
    found = hb.QNode(function, hb.device(name, wires=3, shots=4000, seed=1, dtype="complex64"))()
    assert np.abs(found - hb.QNode(function, "default.qubit")()).max() < 6 * 0.5 / np.sqrt(4000)


def test_what_is_measured_inside_is_put_off_and_simulated_once(monkeypatch):
    simulated = []
    own = cirq.Simulator.simulate
    monkeypatch.setattr(
        cirq.Simulator, "simulate", lambda self, *a, **k: simulated.append(1) or own(self, *a, **k)
    )

    @hb.qnode(hb.device("cirq.simulator", wires=2, shots=5000, seed=3))
    def circuit():
        hb.H(0)
        m = hb.measure(0)
        hb.cond(m, hb.X)(1)
        return hb.expval(hb.Z(0) @ hb.Z(1))

    assert circuit() == 1.0 and len(simulated) == 1


def test_a_mixed_state_is_refused_with_the_device_that_runs_it():
    @hb.qnode(hb.device("cirq.simulator", wires=1))
    def circuit():
        hb.PhaseDamping(0.2, wires=0)
        return hb.expval(hb.X(0))

    with pytest.raises(hb.UnsupportedCircuit, match=r"cirq\.density_matrix"):
        circuit()


@pytest.mark.parametrize("name", NAMES)
def test_a_device_pickles(name):
    device = pickle.loads(pickle.dumps(hb.device(name, wires=2, shots=10, seed=1)))
    assert device.name == name and device.shots == 10
