"""forest.qvm asks for one state where all shots share it, and for shots where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from qvm_server import QVMServer, serving

import hybridge as hb
from hybridge.operations.qubit_channels import QUBIT_CHANNELS
from hybridge.operations.table import FAMILIES, ROWS

SHOTS = 20_000
SIGMAS = 5.5  # beyond which a normal number is once in 26 million


@pytest.fixture(scope="module")
def server() -> Iterator[QVMServer]:
    with serving() as served:
        yield served


@pytest.fixture
def asked(server: QVMServer) -> Counter[str]:
    """Requests by type, from now on."""
    server.forget()
    return server.asked


def make(server: QVMServer, wires: int, shots: int = SHOTS, seed: int = 11, **options: Any) -> hb.Device:
    return hb.device("forest.qvm", wires=wires, shots=shots, seed=seed, url=server.url, **options)


def likely(found: Any, exact: Any, shots: int = SHOTS) -> None:
    """Means of as many values of +-1 as shots, or frequencies: within what chance allows."""
    exact = np.asarray(exact)
    spread = np.sqrt(np.maximum(1 - exact**2, 0) / shots)
    assert np.all(np.abs(np.asarray(found) - exact) <= SIGMAS * spread + 10 / shots), (found, exact)


def layers(n: int) -> Callable[[Any], Any]:
    def circuit(x: Any) -> Any:
        for w in range(n):
            hb.RY(x + 0.1 * w, wires=w)
        for w in range(n - 1):
            hb.CNOT(wires=[w, w + 1])
        return hb.sample(wires=range(n))

    return circuit


def test_a_thousand_shots_of_ten_qubits_are_one_state(server: QVMServer, asked: Counter[str]) -> None:
    bits = hb.QNode(layers(10), make(server, 10, shots=1000))(0.4)
    assert bits.shape == (1000, 10)
    del asked["version"]
    assert asked == {"wavefunction": 1} and server.trials == 1


def test_each_row_is_one_state(server: QVMServer, asked: Counter[str]) -> None:
    bits = hb.QNode(layers(3), make(server, 3, shots=100))(np.array([0.1, 0.2, 0.3, 0.4]))
    assert bits.shape == (4, 100, 3) and asked["wavefunction"] == 4 and not asked["multishot"]


# what makes every shot a run of its own
RUNS: dict[str, Callable[[], Any]] = {
    "channel": lambda: hb.BitFlip(0.1, wires=0),
    "measure": lambda: hb.measure(0),
    "reset": lambda: hb.measure(0, reset=True),
    "conditional": lambda: hb.cond(hb.measure(0), hb.X)(1),
}


@pytest.mark.parametrize("name", RUNS)
def test_what_differs_from_shot_to_shot_is_run_shot_by_shot(
    name: str, server: QVMServer, asked: Counter[str]
) -> None:
    def circuit() -> Any:
        hb.H(0)
        RUNS[name]()
        return hb.probs()

    hb.QNode(circuit, make(server, 2, shots=50))()
    assert asked["multishot"] == 1 and not asked["wavefunction"] and server.trials == 50


@pytest.mark.parametrize("option", ["gate_noise", "measurement_noise"])
def test_noise_of_the_qvm_is_run_shot_by_shot(option: str, server: QVMServer, asked: Counter[str]) -> None:
    hb.QNode(layers(2), make(server, 2, shots=50, **{option: (0.1, 0.0, 0.0)}))(0.3)
    assert asked["multishot"] == 1 and not asked["wavefunction"]


def test_noise_after_gates_is_that_of_each_qubit(server: QVMServer) -> None:
    def circuit() -> Any:
        hb.X(0)
        hb.CNOT(wires=[0, 1])
        return hb.expval(hb.Z(0)), hb.expval(hb.Z(1)), hb.expval(hb.Z(2))

    x, y, z = 0.05, 0.03, 0.2  # X and Y flip the bit
    found = hb.QNode(circuit, make(server, 3, gate_noise=(x, y, z)))()
    keeps = 1 - 2 * (x + y)
    likely(found, [-(keeps**2), -(keeps**2), 1.0])


def test_noise_before_measurement_flips_bits(server: QVMServer) -> None:
    found = hb.QNode(
        lambda: [hb.expval(hb.Z(w)) for w in (0, 1)], make(server, 2, measurement_noise=(0.1, 0, 0))
    )()
    likely(found, [0.8, 0.8])


def channel_rows() -> list[tuple[str, Any, tuple[float, ...]]]:
    numbers = {"ThermalRelaxationError": (0.2, 2.0, 1.5, 0.7), "ResetError": (0.3, 0.2)}
    found = []
    for name in sorted(QUBIT_CHANNELS):
        made = (
            [FAMILIES[name].of(k, *c) for k, c in FAMILIES[name].examples]
            if name in FAMILIES
            else [ROWS[name]]
        )
        found += [(name, row, numbers.get(name, (0.3, 0.6)[: len(row.params)])) for row in made]
    return found


@pytest.mark.parametrize(
    ("name", "row", "numbers"), channel_rows(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_channel_is_the_rows(
    name: str, row: Any, numbers: tuple[float, ...], server: QVMServer
) -> None:
    """On wires out of order, of a state without symmetry: like density matrices made of the definition."""
    wires = (2, 0, 1)[: row.num_wires]

    def circuit(*values: Any) -> Any:
        for w in range(3):
            hb.RY(0.6 + 0.5 * w, wires=w)
        hb.CNOT(wires=[0, 1])
        hb.CNOT(wires=[1, 2])
        row(*values, wires=wires)
        return [hb.expval(o) for o in (hb.X(0), hb.Y(1), hb.Z(2), hb.X(2) @ hb.Z(1), hb.Y(0) @ hb.Y(2))]

    exact = hb.QNode(circuit, hb.device("default.mixed", wires=3))(*numbers)
    likely(hb.QNode(circuit, make(server, 3))(*numbers), exact)


def test_a_channel_that_is_used_twice_is_declared_once(server: QVMServer) -> None:
    channel = hb.QubitChannel

    def circuit() -> Any:
        for _ in range(2):
            channel([np.sqrt(0.7) * np.eye(2), np.sqrt(0.3) * np.array([[0, 1], [1, 0]])], wires=0)
        return hb.expval(hb.Z(0))

    likely(hb.QNode(circuit, make(server, 1))(), 0.4**2)
    assert server.requests[-1]["compiled-quil"].count("ADD-KRAUS") == 2  # two Kraus operators


def test_a_channels_number_may_differ_from_row_to_row(server: QVMServer) -> None:
    def circuit(p: Any) -> Any:
        hb.BitFlip(p, wires=1)
        hb.PhaseFlip(0.5, wires=1)
        return hb.expval(hb.Z(1))

    likely(hb.QNode(circuit, make(server, 2))(np.array([0.0, 0.1, 0.5, 1.0])), [1.0, 0.8, 0.0, -1.0])


def test_patterns_of_several_bits_decide(server: QVMServer) -> None:
    """For each function of two bits: the gate acts where it is true, and nowhere else."""
    functions: list[Callable[[Any, Any], Any]] = [
        lambda a, b: a & b,
        lambda a, b: a | b,
        lambda a, b: a ^ b,
        lambda a, b: a == b,
        lambda a, b: ~(a | b),
        lambda a, b: a + 2 * b >= 2,
    ]

    def circuit(function: Callable[[Any, Any], Any], bits: tuple[int, int]) -> Any:
        for w, bit in enumerate(bits):
            hb.RX(np.pi * bit, wires=w)
        a, b = hb.measure(0), hb.measure(1)
        hb.cond(function(a, b), hb.X, false_fn=hb.I)(2)
        return hb.counts(wires=[2, 0, 1])

    truths = [
        lambda a, b: a and b,
        lambda a, b: a or b,
        lambda a, b: a != b,
        lambda a, b: a == b,
        lambda a, b: not (a or b),
        lambda a, b: a + 2 * b >= 2,
    ]
    device = make(server, 3, shots=5)
    for function, truth in zip(functions, truths, strict=True):
        for bits in ((0, 0), (0, 1), (1, 0), (1, 1)):
            found = hb.QNode(lambda f=function, b=bits: circuit(f, b), device)()
            assert found == {f"{int(truth(*bits))}{bits[0]}{bits[1]}": 5}


def test_teleportation_by_feed_forward(server: QVMServer, asked: Counter[str]) -> None:
    def circuit(x: Any) -> Any:
        hb.RY(x, wires=0)
        hb.H(1)
        hb.CNOT(wires=[1, 2])
        hb.CNOT(wires=[0, 1])
        hb.H(0)
        first, second = hb.measure(0), hb.measure(1)
        hb.cond(second, hb.X)(2)
        hb.cond(first, hb.Z)(2)
        return hb.expval(hb.Z(2)), hb.expval(hb.X(2))

    likely(hb.QNode(circuit, make(server, 3))(0.7), [np.cos(0.7), np.sin(0.7)])
    assert asked["multishot"] == 2  # Z and X are two settings


def test_every_request_has_a_seed_of_its_own(server: QVMServer, asked: Counter[str]) -> None:
    def circuit(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.measure(0)
        return hb.sample(wires=[0])

    node = hb.QNode(circuit, make(server, 1, shots=200))
    rows = node(np.full(3, 1.3))
    again = node(np.full(3, 1.3))
    seeds = [query["rng-seed"] for query in server.requests if query["type"] == "multishot"]
    assert len(set(seeds)) == 6
    draws = [*rows[..., 0].tolist(), *again[..., 0].tolist()]
    assert all(a != b for i, a in enumerate(draws) for b in draws[:i])
    same = hb.QNode(circuit, make(server, 1, shots=200))
    np.testing.assert_array_equal(same(np.full(3, 1.3)), rows)


def test_a_noise_model_gives_the_same_as_on_default_mixed(server: QVMServer) -> None:
    model = (
        hb.NoiseModel()
        .after("CNOT", hb.DepolarizingChannel, 0.1)
        .after("RY", hb.AmplitudeDamping, 0.2)
        .readout(0.05, 0.1)
    )

    def circuit(x: Any) -> Any:
        for w in range(3):
            hb.RY(x + 0.3 * w, wires=w)
        hb.CNOT(wires=[0, 1])
        hb.CNOT(wires=[1, 2])
        return [hb.expval(o) for o in (hb.Z(0), hb.X(1), hb.Z(1) @ hb.Z(2))]

    exact = hb.QNode(circuit, hb.device("default.mixed", wires=3, noise_model=model))(0.7)
    likely(hb.QNode(circuit, make(server, 3, noise_model=model))(0.7), exact)


@pytest.mark.parametrize(
    "noise", [(0.5, 0.5, 0.1), (0.1, 0.1), (-0.1, 0, 0), 0.1, ("a", 0, 0), (float("nan"), 0, 0)]
)
@pytest.mark.parametrize("option", ["gate_noise", "measurement_noise"])
def test_noise_is_three_probabilities(option: str, noise: Any, server: QVMServer) -> None:
    with pytest.raises(hb.DeviceError, match=f"{option} is three probabilities"):
        make(server, 1, **{option: noise})


def test_exact_results_are_those_of_another_device(server: QVMServer) -> None:
    with pytest.raises(hb.DeviceError, match="shots"):
        hb.QNode(lambda: hb.expval(hb.Z(0)), hb.device("forest.qvm", wires=1, url=server.url))()


def test_the_program_is_shown() -> None:
    def circuit(x: Any) -> Any:
        hb.RX(x, wires=0)
        hb.cond(hb.measure(0), hb.X)(1)
        return hb.sample(wires=[1])

    text = hb.QNode(circuit, hb.device("forest.qvm", wires=2, shots=1)).plan(0.1).programs[0].native()
    assert "DECLARE theta REAL[1]" in text and "MEASURE 0 ro[0]" in text and "JUMP-UNLESS" in text
    assert text.splitlines()[-1] == "MEASURE 1 ro[1]"
