"""qiskit.backend measures inside a circuit where its backend's target has that: same numbers as deferred."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.primitives import BackendSamplerV2, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

import hybridge as hb
from hybridge.conformance.statistics import probs_allowance

SHOTS = 1000
ALL = {"measure", "reset", "conditional"}
LINE = [[0, 1], [1, 0], [1, 2], [2, 1], [2, 3], [3, 2], [3, 4], [4, 3]]


def line(**options: Any) -> AerSimulator:
    """Five qubits in a line, without noise, run by Aer."""
    target = GenericBackendV2(5, coupling_map=LINE, noise_info=False, **options).target
    return AerSimulator(target=target)


def device(shots: int = SHOTS, wires: int = 3, **options: Any) -> Any:
    return hb.device("qiskit.backend", wires=wires, shots=shots, **options)


def branches(x: Any) -> Any:
    """Two bits, one of a wire that is reset and used again, one of a wire that goes on."""
    hb.RX(x, wires=0)
    hb.RY(0.8, wires=1)
    a, b = hb.measure(0, reset=True), hb.measure(1)
    hb.H(1)
    hb.cond(a == b, hb.RX)(x, wires=2)
    hb.cond(a | b, hb.CRot)(x, 2 * x, 0.3, wires=[2, 0])
    hb.cond(a, hb.SWAP)(wires=[0, 2])
    return hb.probs(wires=[2, 0, 1]), hb.probs(wires=[1]), hb.probs([b, a])


# who runs it, and what that does inside a circuit
RUNNERS = {
    "aer": (lambda: {"backend": AerSimulator()}, ALL),
    "a line": (lambda: {"backend": line(control_flow=True), "initial_layout": [4, 0, 2]}, ALL),
    "a line that does not branch": (lambda: {"backend": line()}, {"measure", "reset"}),
    "a sampler with a backend": (lambda: {"sampler": BackendSamplerV2(backend=AerSimulator())}, ALL),
    "local testing mode": (lambda: {"mode": AerSimulator()}, ALL),
    "qiskit's own state vector": (dict, set()),
    "the same, in a machine's gates": (
        lambda: {"sampler": StatevectorSampler(seed=1), "backend": FakeManilaV2()},
        set(),
    ),
}


@pytest.mark.parametrize(("options", "inside"), RUNNERS.values(), ids=RUNNERS)
def test_branches_are_followed(options: Any, inside: set[str]) -> None:
    """Of rows with angles of their own inside branches, within what chance allows once in a million."""
    made, x = device(**options()), np.array([0.9, -1.1])
    node = hb.qnode(made)(branches)
    assert made.capabilities.mid_circuit == inside
    text = node.plan(x).programs[0].native()
    assert ("if (" in text) == ("conditional" in inside)
    exact = hb.qnode(hb.device("default.qubit", wires=3))(branches)(x)
    for drawn, right in zip(node(x), exact, strict=True):
        assert np.all(np.abs(drawn - right) <= probs_allowance(right, SHOTS)), (drawn, right)


def test_a_branch_follows_what_the_machine_read() -> None:
    """Readout of qubit 0 errs. Put off to the end, the bit would err and the branch would not."""
    noise = NoiseModel()
    noise.add_readout_error(ReadoutError([[0.7, 0.3], [0.3, 0.7]]), [0])

    def circuit() -> Any:
        first = hb.measure(0)
        hb.cond(first, hb.X)(1)
        return hb.sample([first]), hb.sample(wires=[1])

    made = device(200, 2, backend=AerSimulator(noise_model=noise), initial_layout=[0, 1])
    first, second = hb.qnode(made)(circuit)()
    np.testing.assert_array_equal(first, second)
    assert 0 < first.mean() < 1  # 200 shots alike by chance: 0.7^200 < 1e-30


def test_many_measurements_need_no_wires() -> None:
    """Forty outcomes of one wire of a machine of five qubits."""

    def circuit(x: Any) -> Any:
        bits = []
        for _ in range(40):
            hb.RX(x, wires=0)
            bits.append(hb.measure(0, reset=True))
        return hb.sample(bits)

    bits = hb.qnode(device(100, 1, backend=line()))(circuit)(1.0)
    share = np.sin(0.5) ** 2
    assert bits.shape == (100, 40)
    assert abs(bits.mean() - share) < 4.9 * np.sqrt(share * (1 - share) / bits.size)  # once in a million


def test_what_is_selected_is_left_out() -> None:
    def circuit() -> Any:
        hb.H(0)
        hb.CNOT(wires=[0, 1])
        hb.measure(0, postselect=1)
        return hb.probs(wires=[1])

    np.testing.assert_array_equal(hb.qnode(device(50, 2, backend=AerSimulator()))(circuit)(), [0, 1])
