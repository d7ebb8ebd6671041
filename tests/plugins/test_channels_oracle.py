"""Channels against Qiskit's: single ones as superoperators, random circuits of them as density matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import RXGate, RYGate, RZGate
from qiskit.quantum_info import DensityMatrix, Kraus, SparsePauliOp, SuperOp
from qiskit_aer.noise import (
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
    phase_damping_error,
    reset_error,
    thermal_relaxation_error,
)
from qiskit_aer.noise.errors.standard_errors import phase_amplitude_damping_error

import hybridge as hb
from hybridge.operations.qubit_channels import QubitChannel
from hybridge_default.mixed_numpy import PlainMixed

# ours, numbers and the same thing by Qiskit, whose words have the first qubit last
SAME = {
    "BitFlip": (hb.BitFlip, (0.2,), pauli_error([("X", 0.2), ("I", 0.8)])),
    "PhaseFlip": (hb.PhaseFlip, (0.3,), pauli_error([("Z", 0.3), ("I", 0.7)])),
    "DepolarizingChannel": (hb.DepolarizingChannel, (0.15,), depolarizing_error(4 * 0.15 / 3, 1)),
    "AmplitudeDamping": (hb.AmplitudeDamping, (0.35,), amplitude_damping_error(0.35)),
    "GeneralizedAmplitudeDamping": (
        hb.GeneralizedAmplitudeDamping,
        (0.35, 0.8),
        phase_amplitude_damping_error(0.35, 0.0, 0.8),
    ),
    "PhaseDamping": (hb.PhaseDamping, (0.4,), phase_damping_error(0.4)),
    "ResetError": (hb.ResetError, (0.2, 0.3), reset_error(0.2, 0.3)),
    "ThermalRelaxationError, t2 < t1": (
        hb.ThermalRelaxationError,
        (0.1, 2.0, 1.2, 0.7),
        thermal_relaxation_error(2.0, 1.2, 0.7, 0.1),
    ),
    "ThermalRelaxationError, t2 > t1": (
        hb.ThermalRelaxationError,
        (0.1, 1.0, 1.7, 0.7),
        thermal_relaxation_error(1.0, 1.7, 0.7, 0.1),
    ),
    "PauliError": (hb.PauliError.of(2, "XY"), (0.25,), pauli_error([("XY", 0.25), ("II", 0.75)])),
}


@pytest.mark.parametrize("name", SAME)
def test_channels_are_those_of_qiskit(name):
    row, numbers, theirs = SAME[name]
    ours = SuperOp(Kraus(list(row.definition(*numbers))))
    np.testing.assert_allclose(ours.data, SuperOp(theirs).data, atol=1e-12)


def _kraus(rng, k):
    """Random Kraus operators on k wires."""
    size, count = 2**k, int(rng.integers(1, 4))
    tall = rng.normal(size=(count * size, size)) + 1j * rng.normal(size=(count * size, size))
    return np.linalg.qr(tall)[0].reshape(count, size, size)


TURNS = ((hb.RX, RXGate), (hb.RY, RYGate), (hb.RZ, RZGate))


def drawn(rng, n):
    """Instructions of ours, and Qiskit's density matrix of the same; its qubit 0 is the least significant."""
    instructions, rho = [], DensityMatrix.from_label("0" * n)
    for _ in range(int(rng.integers(3, 12))):
        k = int(rng.integers(1, min(n, 2) + 1))
        wires = rng.permutation(n)[:k].tolist()
        theirs = [n - 1 - w for w in reversed(wires)]
        if rng.random() < 0.4:
            ours, other = TURNS[rng.integers(3)]
            angle = float(rng.uniform(-3, 3))
            instructions.append((ours, (angle,), wires[:1]))
            rho = rho.evolve(other(angle), theirs[-1:])
        elif k == 2 and rng.random() < 0.5:
            instructions.append((hb.CNOT, (), wires))
            gate = QuantumCircuit(2)
            gate.cx(1, 0)  # the control is the more significant of the two, as with us
            rho = rho.evolve(gate, theirs)
        elif rng.random() < 0.5:
            operators = _kraus(rng, k)
            instructions.append((QubitChannel.of(k, list(operators)), (), wires))
            rho = rho.evolve(Kraus(list(operators)), theirs)
        else:
            row, numbers, channel = list(SAME.values())[rng.integers(len(SAME) - 1)]
            instructions.append((row, numbers, wires[:1]))
            rho = rho.evolve(SuperOp(channel), theirs[-1:])
    return instructions, rho


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4))
def test_random_circuits_of_channels_are_qiskits(seed, n):
    """Density matrices, means, variances and probabilities, on both forms of default.mixed."""
    rng = np.random.default_rng(seed)
    instructions, rho = drawn(rng, n)
    word = "".join(rng.choice(list("IXYZ"), n))
    letters = {"X": hb.X, "Y": hb.Y, "Z": hb.Z}

    def circuit():
        for row, numbers, wires in instructions:
            row(*numbers, wires=wires)
        found = [hb.density_matrix(range(n)), hb.probs(wires=list(range(n))[::-1])]
        acting = [letters[s](w) for w, s in enumerate(word) if s != "I"]
        if acting:
            observable = acting[0]
            for factor in acting[1:]:
                observable = observable @ factor
            found += [hb.expval(observable), hb.var(observable)]
        return found

    mean = rho.expectation_value(SparsePauliOp(word)).real
    wanted = [rho.data, np.diag(rho.data).real.reshape((2,) * n).transpose().reshape(-1), mean, 1 - mean**2]
    for device in (hb.device("default.mixed", wires=n), PlainMixed(wires=n)):
        for one, other in zip(hb.QNode(circuit, device)(), wanted, strict=False):
            np.testing.assert_allclose(one, other, atol=1e-12)
