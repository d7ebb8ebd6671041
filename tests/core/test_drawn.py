"""What a device drew is read the same whether it came shot by shot or as counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import hybridge as hb
from hybridge.device import Capabilities
from hybridge.readout import tally
from hybridge.readout.drawn import Counts, Distribution, Shots, bits_of
from hybridge.readout.noise import Share
from hybridge.readout.settings import read_observable, read_wires
from hybridge.tracker import Tracker

RNG = np.random.default_rng(0)
BITS = RNG.integers(0, 2, size=(2, 60, 3), dtype=np.uint8)
WIRES = (4, 0, 7)


def as_counts(shots_bits):
    numbers = shots_bits @ [4, 2, 1]
    times = np.array([np.bincount(row, minlength=8) for row in numbers])
    return Counts(np.tile(np.arange(8), (2, 1)), times, WIRES, shots_bits.shape[1])


SHOTS, COUNTS = Shots(BITS, WIRES), as_counts(BITS)
READINGS = {
    "word": read_observable(hb.Z(7) @ hb.Z(4)),
    "sum": read_observable(0.3 * hb.Z(0) - hb.Z(4) @ hb.Z(7) + 2 * hb.I(0)),
    "projector": read_observable(hb.Projector([1, 0], wires=[7, 0])),
    "matrix": read_observable(hb.Hermitian(np.diag([1.0, -2, 3, 0.5]), wires=[0, 7])),
}


@pytest.mark.parametrize("name", READINGS)
def test_counts_have_the_moments_and_tallies_of_the_shots(name):
    reading = READINGS[name]
    counted, single = (Share(0, d.shots, d.values(reading), d.times) for d in (COUNTS, SHOTS))
    assert counted.mean == pytest.approx(single.mean, abs=1e-13)
    assert counted.spread == pytest.approx(single.spread, abs=1e-13)
    for a, b in zip(COUNTS.counts(reading), SHOTS.counts(reading), strict=True):
        assert tally.of_values(a) == tally.of_values(b)


@pytest.mark.parametrize("wires", [(4, 0, 7), (7, 4), (0,)])
def test_counts_have_the_frequencies_and_bit_strings_of_the_shots(wires):
    reading, k = read_wires(wires), len(wires)
    assert np.array_equal(COUNTS.probs(reading), SHOTS.probs(reading))
    for a, b, row in zip(COUNTS.counts(reading), SHOTS.counts(reading), SHOTS.bits(wires), strict=True):
        assert tally.of_bits(a, k) == tally.of_bits(b, k) == Counter("".join(map(str, r)) for r in row)


def test_shuffled_counts_are_the_same_shots_in_any_order():
    drawn = COUNTS.shuffled(np.random.default_rng(1))
    assert np.array_equal(drawn.probs(read_wires(WIRES)), SHOTS.probs(read_wires(WIRES)))
    rows = np.zeros((4000, 3), int) + np.arange(3)
    found = Counts(rows, np.ones_like(rows), (0, 1), 3).shuffled(np.random.default_rng(2)).numbers((0, 1))
    orders = Counter(map(tuple, found.tolist()))
    assert len(orders) == 6
    assert all(abs(n - 4000 / 6) < 4.9 * np.sqrt(4000 * 5 / 36) for n in orders.values())  # 6e-6 wrong


class Extreme:
    """A generator whose numbers are the least and the greatest there are."""

    def random(self, shape):
        return np.resize([0.0, np.nextafter(1.0, 0.0)], shape)


@pytest.mark.parametrize("p", [[0.0, 0.1, 0.2, 0.0], [0.0, 0.7, 0.3, 0.0], [0.0, 0.0, 1e-300, 0.0]])
def test_the_core_never_draws_an_outcome_of_probability_0(p):
    found = Distribution(np.array([p, p]), (0, 1)).draw(10, Extreme()).numbers((0, 1))
    possible = np.nonzero(p)[0]
    assert np.array_equal(found, [[possible[0], possible[-1]] * 5] * 2)


@pytest.mark.parametrize("width", [1, 7, 10, 11, 20, 33, 62])
def test_bit_strings_of_many_are_those_of_each(width):
    numbers = np.random.default_rng(3).integers(0, 2**width, size=500)
    strings = [format(i, f"0{width}b") for i in numbers.tolist()]
    assert tally.bit_strings(numbers, width) == strings
    assert ["".join(map(str, bits)) for bits in bits_of(numbers, width)] == strings


class Tossing(hb.Device):
    """Wires that are 0 or 1 by chance, whatever the circuit says; bits or counts."""

    capabilities = Capabilities(
        domain="qubit", operations=None, measurements=frozenset({"sample"}), exact=False
    )

    def run(self, tasks):
        return [self._toss(task) for task in tasks]

    def _toss(self, task):
        (m,) = task.program.measurements
        k, rng = len(m.wires), np.random.default_rng(task.seed)
        if m.kind == "sample":
            return rng.integers(0, 2, size=(len(task.params), task.shots * k), dtype=np.uint8)
        times = rng.multinomial(task.shots, np.full(2**k, 2.0**-k), size=len(task.params))
        rows = np.zeros((len(task.params), 2, min(task.shots, 2**k)), int)
        for row, n in zip(rows, times, strict=True):
            came = np.nonzero(n)[0]
            row[0, : len(came)], row[1, : len(came)] = came, n[came]
        return rows.reshape(len(rows), -1)


class Counting(Tossing):
    capabilities = Capabilities(
        domain="qubit", operations=None, measurements=frozenset({"counts"}), exact=False
    )


def node(device, measure):
    def circuit(x=0.1):
        hb.RX(x, wires=0)
        return measure()

    return hb.QNode(circuit, device)


def test_counts_of_more_wires_than_a_number_has_bits():
    measure = lambda: (hb.sample(), hb.counts(), hb.counts(wires=[69, 3]))
    bits, counted, two = node(Tossing(wires=70, shots=50, seed=1), measure)()
    strings = ["".join(map(str, row)) for row in bits.tolist()]
    assert bits.shape == (50, 70) and counted == Counter(strings)
    assert two == Counter(s[69] + s[3] for s in strings)


@pytest.mark.parametrize("shots", [3, 400])
def test_a_device_that_gives_counts_answers_every_question(shots):
    measure = lambda: (hb.counts(wires=[2, 0]), hb.expval(hb.Z(0)), hb.probs(wires=2), hb.counts(hb.Z(2)))
    device = Counting(wires=3, shots=shots, seed=2)
    with Tracker(device) as tracker:
        counted, mean, p, values = node(device, measure)()
    assert tracker.latest["results"][0].shape == (1, 2 * min(shots, 4))
    assert sum(counted.values()) == shots and all(type(n) is int and n > 0 for n in counted.values())
    ones = [sum(n for key, n in counted.items() if key[i] == "1") for i in (0, 1)]
    assert mean == pytest.approx(1 - 2 * ones[1] / shots, abs=1e-12)
    assert p == pytest.approx([1 - ones[0] / shots, ones[0] / shots], abs=1e-12)
    assert values == {v: n for v, n in ((-1.0, ones[0]), (1.0, shots - ones[0])) if n}
    batch = node(device, lambda: hb.counts(all_outcomes=True))(np.array([0.1, 0.2]))
    assert [len(c) for c in batch] == [8, 8] and [sum(c.values()) for c in batch] == [shots] * 2


def test_single_shots_of_a_device_that_gives_counts_agree_with_them():
    measure = lambda: (hb.sample(wires=[1, 0]), hb.counts(wires=[1, 0]), hb.sample(hb.Z(1)))
    bits, counted, values = node(Counting(wires=3, shots=200, seed=3), measure)()
    assert bits.shape == (200, 2) and bits.dtype == np.int64
    assert counted == Counter("".join(map(str, row)) for row in bits.tolist())
    assert np.array_equal(values, 1 - 2.0 * bits[:, 0])
    assert len({tuple(row) for row in bits[:20].tolist()}) > 1, "in the order of their numbers"
