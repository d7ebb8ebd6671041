"""hb.NoiseModel as a value: what it says, what it refuses, and that it is one."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

import hybridge as hb
from hybridge.noise.channels import channel_of, rows_of


def full() -> hb.NoiseModel:
    return (
        hb.NoiseModel()
        .after("CNOT", hb.DepolarizingChannel, 0.01)
        .after(["RX", hb.RY], hb.AmplitudeDamping, 0.001, wires=[0, "b"])
        .after("all", hb.PauliError, "XY", 0.1, wires=[(0, 1), (1, 0)])
        .after("all", hb.RZ, 0.02, num_wires=1, but=["RZ"])
        .idle(hb.PhaseDamping, 0.0005, wires=[3])
        .before_measurement(hb.ThermalRelaxationError, 0.1, 50e-6, 70e-6, 1e-6)
        .readout(0.02, 0.03)
        .readout(0.5, wires=[7])
        .readout_table(np.full((4, 4), 0.25), wires=(1, 2))
    )


def test_a_model_is_a_value():
    model = full()
    assert model == full() and hash(model) == hash(full())
    assert pickle.loads(pickle.dumps(model)) == model
    assert model != model.readout(0.1, wires=[8])
    assert hb.NoiseModel() == hb.NoiseModel() and not hb.NoiseModel().rules
    with pytest.raises(AttributeError):
        model.rules = ()


def test_a_model_prints_what_it_says():
    assert repr(full()) == (
        "NoiseModel\n"
        "  after CNOT: DepolarizingChannel(0.01)\n"
        "  after RX, RY: AmplitudeDamping(0.001) on wires [0, 'b']\n"
        "  after every gate: PauliError('XY', 0.1) on wires [(0, 1), (1, 0)]\n"
        "  after every gate of 1 wire but RZ: RZ(0.02)\n"
        "  idle: PhaseDamping(0.0005) on wires [3]\n"
        "  before measurement: ThermalRelaxationError(0.1, 5e-05, 7e-05, 1e-06)\n"
        "  readout: 0 is read as 1 with 0.02, 1 as 0 with 0.03\n"
        "  readout on wires [7]: 0 is read as 1 with 0.5, 1 as 0 with 0.5\n"
        f"  readout on wires [1, 2]: read together, {[[0.25] * 4] * 4}"
    )


def test_the_sum_of_models_has_the_rules_of_both():
    one = hb.NoiseModel().after("CNOT", hb.BitFlip, 0.1)
    other = hb.NoiseModel().idle(hb.BitFlip, 0.2).readout(0.1)
    assert one + other == one.idle(hb.BitFlip, 0.2).readout(0.1)
    with pytest.raises(hb.CircuitError, match="a readout error already"):
        other + other


def test_arguments_may_be_arrays_of_numpy():
    wires = np.array([0, 2])
    given = hb.NoiseModel().after("CNOT", hb.BitFlip, np.float64(0.1), wires=wires).readout(np.float32(0.5))
    assert given == hb.NoiseModel().after("CNOT", hb.BitFlip, 0.1, wires=[0, 2]).readout(0.5)


REFUSED: list[tuple[Callable[[hb.NoiseModel], hb.NoiseModel], str]] = [
    (lambda m: m.after("CNOTT", hb.BitFlip, 0.1), "'CNOTT'; did you mean 'CNOT'"),
    (lambda m: m.after([], hb.BitFlip, 0.1), "at least one gate"),
    (lambda m: m.after(3, hb.BitFlip, 0.1), "given by its name or as a row"),
    (lambda m: m.after(hb.BitFlip, hb.BitFlip, 0.1), "BitFlip is a channel"),
    (lambda m: m.after("CNOT", hb.BitFlip, 1.1), "0 <= p <= 1; got p = 1.1"),
    (lambda m: m.after("CNOT", hb.BitFlip, float("nan")), "needs a number p; got nan"),
    (lambda m: m.after("CNOT", hb.BitFlip, "much"), "needs a number p; got 'much'"),
    (lambda m: m.after("CNOT", hb.BitFlip, [0.1, 0.2]), "needs a number p"),
    (lambda m: m.after("CNOT", hb.BitFlip, True), "needs a number p; got True"),
    (lambda m: m.after("CNOT", hb.BitFlip), "takes 1 parameter"),
    (lambda m: m.after("CNOT", "BitFlip", 0.1), "takes a channel such as hb.DepolarizingChannel"),
    (lambda m: m.after("CNOT", hb.BasisState, [1]), "BasisState is a state"),
    (lambda m: m.after("CNOT", hb.ResetError, 0.7, 0.7), r"p0 \+ p1 <= 1"),
    (lambda m: m.after("CNOT", hb.ThermalRelaxationError, 0, 1, 3, 1), "t2 <= 2 t1"),
    (lambda m: m.after("CNOT", hb.RX, float("inf")), "finite phi"),
    (lambda m: m.after("CNOT", hb.PauliError, "XYZ", 0.1), "acts on 3 wires"),
    (lambda m: m.after("RX", hb.PauliError, "XY", 0.1), "acts on 2 wires"),
    (lambda m: m.after("RX", hb.CNOT), "CNOT acts on 2 wires, RX on 1"),
    (lambda m: m.after("CNOT", hb.QubitChannel, [np.eye(4) / 2]), "differs from that"),
    (lambda m: m.after("CNOT", hb.PauliError, "XY", 0.1, wires=[0, 1]), "those of a gate in their order"),
    (lambda m: m.after("RX", hb.BitFlip, 0.1, wires=(0, 1)), r"acts on \(0, 1\)"),
    (lambda m: m.after("CNOT", hb.BitFlip, 0.1, wires=(1, 1)), r"acts on \(1, 1\)"),
    (lambda m: m.after("CNOT", hb.BitFlip, 0.1, wires=[]), "names no wire"),
    (lambda m: m.after("CNOT", hb.BitFlip, 0.1, wires=[{}]), "hashable"),
    (lambda m: m.after("CNOT", hb.BitFlip, 0.1, num_wires=0), "num_wires"),
    (lambda m: m.after("CNOT", hb.BitFlip, 0.1, but="RX"), "leaves gates out of 'all'"),
    (lambda m: m.idle(hb.CNOT), "on one; CNOT acts on 2"),
    (lambda m: m.idle(hb.BitFlip, 0.1, wires=(0, 1)), r"single wires: wires=\[0, 1\]"),
    (lambda m: m.before_measurement(hb.BitFlip, -0.1), "got p = -0.1"),
    (lambda m: m.readout(1.5), "0 <= p01 <= 1; got 1.5"),
    (lambda m: m.readout(0.5, -0.1), "0 <= p10 <= 1; got -0.1"),
    (lambda m: m.readout("0.5"), "a probability"),
    (lambda m: m.readout(0.1).readout(0.1), "a readout error already"),
    (lambda m: m.readout(0.1, wires=[3]).readout(0.1, wires=3), "wire 3 has a readout error already"),
    (lambda m: m.readout(0.1, wires=[3, 3]), "wires that differ"),
    (lambda m: m.readout_table([[1, 0.1], [0, 1]], wires=0), "sum up to 1; one is off by 0.1"),
    (lambda m: m.readout_table(np.eye(2), wires=(0, 1)), r"shape \(4, 4\)"),
    (lambda m: m.readout_table([[2, -1], [0, 1]], wires=0), "needs probabilities"),
    (lambda m: m.readout_table(np.eye(2), wires=range(9)), "at most 6 wires"),
]


@pytest.mark.parametrize(("make", "match"), REFUSED, ids=[match for _, match in REFUSED])
def test_a_rule_that_makes_no_sense_is_refused_where_it_is_written(make, match):
    with pytest.raises(hb.CircuitError, match=match):
        make(hb.NoiseModel())


def test_a_device_takes_a_model_of_its_domain_and_keeps_it():
    model = hb.NoiseModel().readout(0.1)
    made = hb.device("default.qubit", wires=1, noise_model=model)
    assert made.noise == model and hb.device("default.qubit").noise is None
    assert repr(made) == "<default.qubit wires=1 shots=None noisy>"
    assert pickle.loads(pickle.dumps(made)).noise == model
    with pytest.raises(AttributeError):
        made.noise = None
    with pytest.raises(hb.DeviceError, match=r"is an hb.NoiseModel; got 3"):
        hb.device("default.qubit", noise_model=3)
    with pytest.raises(hb.DeviceError, match=r"is of modes; its noise model speaks of qubits"):
        hb.device("default.gaussian", noise_model=model)
    with pytest.raises(hb.DeviceError, match=r"is of qubits; its noise model speaks of modes"):
        hb.device("default.qubit", noise_model=hb.NoiseModel().idle(hb.LossChannel, 0.9))


# ---- several channels on the same wires are one -------------------------------------------------------


def superoperator(kraus: np.ndarray) -> np.ndarray:
    return sum(np.kron(k, k.conj()) for k in kraus)


CHANNELS = (
    (hb.DepolarizingChannel, 0.1),
    (hb.AmplitudeDamping, 0.2),
    (hb.ThermalRelaxationError, 0.1, 50.0, 70.0, 9.0),
    (hb.PauliError, "Y", 0.3),
    (hb.RX, 0.4),
    (hb.GeneralizedAmplitudeDamping, 0.2, 0.6),
)


@pytest.mark.parametrize("several", [(0, 1), (1, 0), (2, 3, 4), (5,), (0, 3), (4, 4), (2, 2, 1, 5)])
@pytest.mark.parametrize("times", [1, 3])
def test_channels_in_a_row_are_one_channel_of_at_most_as_many_operators_as_there_are(several, times):
    found = [channel_of(*CHANNELS[i][:1], CHANNELS[i][1:], [1]) for i in several]
    (row,) = rows_of(tuple((c, times) for c in found))
    expected = np.eye(4)
    for c in found:
        kraus = np.asarray(c.operation.definition(*c.numbers))
        each = superoperator(kraus if kraus.ndim == 3 else kraus[None])
        expected = np.linalg.matrix_power(each, times) @ expected
    kraus = row.definition()
    kraus = kraus if kraus.ndim == 3 else kraus[None]
    assert len(kraus) <= 4 or len(several) == times == 1
    np.testing.assert_allclose(superoperator(kraus), expected, atol=1e-14)


def test_a_mixture_of_pauli_words_stays_one():
    twice = rows_of(((channel_of(hb.DepolarizingChannel, [0.1], [1]), 2),))[0].definition()
    paulis = [np.eye(2), [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
    for kraus, pauli in zip(twice, paulis, strict=True):
        weight = np.trace(np.conj(pauli).T @ kraus) / 2
        np.testing.assert_allclose(kraus, weight * np.array(pauli), atol=1e-14)


def test_noise_that_does_nothing_is_none_and_unitary_noise_keeps_states_pure():
    assert rows_of(((channel_of(hb.BitFlip, [0.0], [1]), 3),)) == ()
    assert rows_of(((channel_of(hb.RX, [0.4], [1]), 1), (channel_of(hb.RX, [-0.4], [1]), 1))) == ()
    (row,) = rows_of(((channel_of(hb.RX, [0.4], [1]), 2),))
    assert row.name == "QubitUnitary" and not row.mixed


def test_losses_in_a_row_are_one_loss():
    half, third = (channel_of(hb.LossChannel, [T], [1]) for T in (0.5, 0.3))
    (row,) = rows_of(((half, 2), (third, 1)))
    np.testing.assert_allclose(row.definition()[0], np.sqrt(0.075) * np.eye(2))
    assert rows_of(((channel_of(hb.LossChannel, [1.0], [1]), 5),)) == ()
