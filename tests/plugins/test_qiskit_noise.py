"""Calibrations of Qiskit's backends, and Aer's noise models: the same states as Aer's own simulation of them.

Sampled checks are within what chance allows once in 10^6 (Bernstein's inequality), at fixed seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate, SXGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel as AerModel
from qiskit_aer.noise import depolarizing_error

import hybridge as hb
from hybridge.conformance.statistics import probs_allowance

SHOTS = 20_000
ROWS = {
    "sx": hb.SX,
    "rz": hb.RZ,
    "x": hb.X,
    "cx": hb.CNOT,
    "ecr": hb.ECR,
    "cz": hb.CZ,
    "id": hb.I,
    "ry": hb.RY,
    "h": hb.H,
    "ccx": hb.Toffoli,
    "sdg": hb.adjoint(hb.S),
    "rxx": hb.IsingXX,
}
Gates = tuple[tuple[str, tuple[int, ...], tuple[float, ...]], ...]


def generic(pair: str, wires: tuple[int, int, int] = (0, 1, 2), turns: bool = True) -> Gates:
    """Native gates that leave no symmetry on a line of three qubits."""
    a, b, c = wires
    found = [("sx", (a,), ()), ("rz", (a,), (0.3,)), ("sx", (a,), ()), ("sx", (b,), ()), ("x", (c,), ())]
    found += [
        (pair, (a, b), ()),
        ("rz", (b,), (0.7,)),
        ("sx", (b,), ()),
        (pair, (b, c), ()),
        ("sx", (c,), ()),
    ]
    return tuple(found) if not turns else (*found, (pair, (b, a), ()), ("id", (a,), ()), ("sx", (a,), ()))


def in_aer(model: AerModel, gates: Gates, wires: int) -> np.ndarray:
    """(2^n, 2^n), qubit 0 most significant."""
    circuit = QuantumCircuit(wires)
    for name, on, numbers in gates:
        getattr(circuit, name)(*numbers, *on)
    circuit.save_density_matrix(list(range(wires))[::-1])
    result = AerSimulator(method="density_matrix", noise_model=model).run(circuit).result()
    return np.asarray(result.data(0)["density_matrix"])


def in_hybridge(model: hb.NoiseModel | None, gates: Gates, wires: int) -> np.ndarray:
    @hb.qnode(hb.device("default.mixed", wires=wires, noise_model=model))
    def circuit() -> Any:
        for name, on, numbers in gates:
            ROWS[name](*numbers, wires=on)
        return hb.density_matrix(wires=list(range(wires)))

    return circuit()


BACKENDS = {
    "cx": GenericBackendV2(3, seed=1),
    "ecr": GenericBackendV2(3, basis_gates=["ecr", "id", "rz", "sx", "x"], seed=2),
    "cz": GenericBackendV2(3, basis_gates=["cz", "id", "rz", "sx", "x"], seed=3),
}


@pytest.mark.parametrize("pair", BACKENDS)
def test_a_calibration_gives_the_states_that_aer_makes_of_it(pair):
    backend, gates = BACKENDS[pair], generic(pair)
    found = in_hybridge(hb.from_qiskit_noise(backend), gates, 3)
    np.testing.assert_allclose(found, in_aer(AerModel.from_backend(backend), gates, 3), atol=2e-9)
    assert np.abs(found - in_hybridge(None, gates, 3)).max() > 1e-4
    np.testing.assert_allclose(in_hybridge(hb.from_qiskit_noise(backend.target), gates, 3), found, atol=1e-12)


def test_a_real_machines_calibration_does_too():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    backend, gates = FakeManilaV2(), generic("cx")
    expected = in_aer(AerModel.from_backend(backend), gates, 3)
    np.testing.assert_allclose(in_hybridge(hb.from_qiskit_noise(backend), gates, 3), expected, atol=2e-9)


def test_a_calibrations_readout_is_read_as_it_says():
    expected = AerModel.from_backend(BACKENDS["cx"])._local_readout_errors
    model = hb.from_qiskit_noise(BACKENDS["cx"])
    assert [e.wires for e in model.readouts] == [(0,), (1,), (2,)]
    for error in model.readouts:
        np.testing.assert_allclose(error.table.array, expected[error.wires].probabilities)


def test_gates_that_a_machine_lacks_take_the_error_of_those_it_has():
    model = hb.from_qiskit_noise(BACKENDS["ecr"])
    for missing, native in (("ry", "sx"), ("cx", "ecr"), ("rxx", "ecr")):
        one = ROWS[missing].num_wires == 1
        on, numbers = ((1,), (0.4,)) if one else ((0, 1), (0.4,))
        start = generic("ecr", turns=False)
        found = in_hybridge(model, (*start, (missing, on, numbers if missing != "cx" else ())), 3)
        ideal = in_hybridge(None, ((missing, on, numbers if missing != "cx" else ()),), 3)
        assert np.abs(found).max() < 1 and ideal.shape == found.shape
        rows = [r for r in model.rules if r.gates.match(ROWS[missing]) and on in r.places.ordered]
        like = [r for r in model.rules if r.gates.match(ROWS[native]) and on in r.places.ordered]
        assert rows and [r.channel for r in rows] == [r.channel for r in like]
    assert not [r for r in model.rules if r.gates.match(hb.adjoint(hb.S))]  # by a turn of the frame


@pytest.mark.parametrize(
    ("gates", "match"),
    [
        ((("ccx", (0, 1, 2), ()),), r"nothing of Toffoli on wires \[0, 1, 2\]"),
        ((("cx", (0, 2), ()),), r"nothing of CNOT on wires \[0, 2\]"),
        ((("x", (3,), ()),), r"nothing of X on wires \[3\]"),
    ],
)
def test_what_a_machine_cannot_do_never_runs_without_noise(gates, match):
    backend = GenericBackendV2(3, coupling_map=[[0, 1], [1, 2]], seed=1)
    with pytest.raises(hb.CircuitError, match=match):
        in_hybridge(hb.from_qiskit_noise(backend), gates, 4)


def test_infidelities_are_those_of_the_calibration():
    """Of a gate whose error is all depolarizing: average infidelity e on k wires is L (d - 1)/d."""
    for gate, wires, e in ((SXGate(), (0,), 0.03), (CXGate(), (0, 1), 0.05)):
        target = Target(num_qubits=2)
        target.add_instruction(gate, {wires: InstructionProperties(error=e)})
        rule = hb.from_qiskit_noise(target).rules[0]
        kraus = rule.channel.operation.definition()
        d = kraus.shape[-1]
        fidelity = (sum(abs(np.trace(k)) ** 2 for k in kraus) / d + 1) / (d + 1)
        assert 1 - fidelity == pytest.approx(e, abs=1e-12)


def test_qiskits_depolarizing_parameter_is_four_thirds_of_ours():
    p = 0.12
    model = AerModel()
    model.add_all_qubit_quantum_error(depolarizing_error(4 * p / 3, 1), ["sx", "x"])
    ours = hb.NoiseModel().after(["SX", "X"], hb.DepolarizingChannel, p)
    gates = generic("cx")
    np.testing.assert_allclose(in_hybridge(ours, gates, 3), in_aer(model, gates, 3), atol=1e-12)
    same = in_hybridge(hb.NoiseModel().after(["SX", "X"], hb.DepolarizingChannel, 4 * p / 3), gates, 3)
    assert np.abs(same - in_aer(model, gates, 3)).max() > 1e-3  # passed through, it would be wrong


M = hb.NoiseModel()
EXPORTED = {
    "every place": M.after("CNOT", hb.DepolarizingChannel, 0.05).after(["SX", "X"], hb.AmplitudeDamping, 0.2),
    "two wires, not alike": M.after("CNOT", hb.PauliError, "XY", 0.2),
    "places beside everywhere": M.after("CNOT", hb.PauliError, "XY", 0.2)
    .after("CNOT", hb.PauliError, "ZI", 0.3, wires=[(1, 0)])
    .after("SX", hb.ThermalRelaxationError, 0.1, 50.0, 60.0, 7.0)
    .after("SX", hb.PhaseFlip, 0.1, wires=[1, 2]),
    "all gates": M.after("all", hb.AmplitudeDamping, 0.1, num_wires=2).after(
        "all", hb.BitFlip, 0.1, but=["X"]
    ),
    "by mistake": M.after("SX", hb.RX, 0.1).after("CNOT", hb.IsingXX, 0.2),
    "a calibration": hb.from_qiskit_noise(BACKENDS["cx"]),
}


@pytest.mark.parametrize("name", EXPORTED)
def test_a_model_written_for_aer_makes_the_same_states_there(name):
    model, gates = EXPORTED[name], generic("cx")
    found = in_aer(hb.to_qiskit_noise(model), gates, 3)
    np.testing.assert_allclose(found, in_hybridge(model, gates, 3), atol=2e-9)
    assert np.abs(found - in_hybridge(None, gates, 3)).max() > 1e-4


def test_readout_errors_written_for_aer_read_the_same():
    for model in (M.readout(0.1, 0.3), M.readout(0.2, 0.05).readout(0.3, 0.4, wires=[2])):
        circuit = QuantumCircuit(3)
        for name, on, numbers in generic("cx"):
            getattr(circuit, name)(*numbers, *on)
        circuit.measure_all()
        simulator = AerSimulator(noise_model=hb.to_qiskit_noise(model), seed_simulator=5)
        counted = simulator.run(circuit, shots=SHOTS).result().get_counts()
        found = np.array([counted.get(f"{i:03b}"[::-1], 0) for i in range(8)]) / SHOTS

        @hb.qnode(hb.device("default.qubit", wires=3, noise_model=model))
        def ours() -> Any:
            for name, on, numbers in generic("cx"):
                ROWS[name](*numbers, wires=on)
            return hb.probs()

        assert (np.abs(found - ours()) <= probs_allowance(ours(), SHOTS)).all()


@pytest.mark.parametrize(
    ("write", "match"),
    [
        (
            lambda: hb.to_qiskit_noise(M.idle(hb.BitFlip, 0.1)),
            r"not 'idle: BitFlip\(0\.1\)'",
        ),
        (lambda: hb.to_qiskit_noise(M.before_measurement(hb.BitFlip, 0.1)), "errors of gates alone"),
        (lambda: hb.to_qiskit_noise(M.after("PauliRot", hb.BitFlip, 0.1)), "no name for the gate PauliRot"),
        (lambda: hb.to_qiskit_noise(M.after("CNOT", hb.BitFlip, 0.1, wires=[1])), "on wires in order"),
        (
            lambda: hb.to_qiskit_noise(M.after("SX", hb.BitFlip, 0.1, wires=["a"])),
            r"numbered; got wires \['a'\]",
        ),
        (lambda: hb.from_qiskit_noise("backend"), "BackendV2"),
        (lambda: hb.from_qiskit_noise(Target(num_qubits=2)), "no errors and durations"),
        (lambda: hb.to_qasm(M), "no noise models"),
    ],
)
def test_what_one_side_does_not_have_is_refused(write, match):
    with pytest.raises(hb.FormatError, match=match):
        write()
