"""Readout errors: what is read is a classical channel of what is there, in every measurement of bits.

Sampled checks are within what chance allows once in 10^6 (Bernstein's inequality), at fixed seeds.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import hybridge as hb
from hybridge.conformance.statistics import allowance, probs_allowance
from hybridge.device import Capabilities, Device
from hybridge.pytree import flatten

SHOTS = 20_000
TOGETHER = [[0.7, 0.1, 0.1, 0.1], [0.05, 0.8, 0.05, 0.1], [0.2, 0, 0.8, 0], [0.1, 0.2, 0.3, 0.4]]
MODEL = (
    hb.NoiseModel()
    .readout(0.05, 0.12)
    .readout(0.3, 0.1, wires=["b"])
    .readout_table(
        [[0.7, 0.1, 0.1, 0.1], [0.05, 0.8, 0.05, 0.1], [0.2, 0, 0.8, 0], [0.1, 0.2, 0.3, 0.4]],
        wires=["c", "d"],
    )
)
WIRES = ("a", "b", "c", "d")
CONFUSION = {"a": [[0.95, 0.05], [0.12, 0.88]], "b": [[0.7, 0.3], [0.1, 0.9]]}


def prepared(x: Any = 0.3) -> None:
    for k, w in enumerate(WIRES):
        hb.RY(x + 0.4 * k, wires=w)
        hb.RZ(0.7 - 0.3 * k, wires=w)
    for v, w in pairwise(WIRES):
        hb.CNOT([v, w])
        hb.RX(x, wires=w)


def node(
    measure: Any, name: str = "default.qubit", model: hb.NoiseModel | None = MODEL, **options: Any
) -> hb.QNode:
    def function(x: Any) -> Any:
        prepared(x)
        return measure()

    return hb.qnode(hb.device(name, wires=WIRES, noise_model=model, **options))(function)


def read(x: float, basis: dict[str, str] | None = None) -> np.ndarray:
    """(2, 2, 2, 2): what is read on all four wires after turning some into another basis, by einsum."""

    def function() -> Any:
        prepared(x)
        for w, letter in (basis or {}).items():
            if letter == "Y":
                hb.adjoint(hb.S)(w)
            if letter != "Z":
                hb.H(w)
        return hb.probs()

    true = hb.qnode(hb.device("default.qubit", wires=WIRES))(function)().reshape(2, 2, 2, 2)
    table = np.reshape(TOGETHER, (2,) * 4)
    return np.einsum("abcd,ae,bf,cdgh->efgh", true, CONFUSION["a"], CONFUSION["b"], table)


SIGN = np.array([1.0, -1.0])
# a measurement, and what it gives of the probabilities that are read
CASES = {
    "expval": (lambda: hb.expval(hb.Z("a")), lambda: np.einsum("abcd,a->", read(0.3), SIGN)),
    "word": (
        lambda: hb.expval(hb.X("a") @ hb.Y("b")),
        lambda: np.einsum("abcd,a,b->", read(0.3, {"a": "X", "b": "Y"}), SIGN, SIGN),
    ),
    "sum": (
        lambda: hb.expval(2 * hb.Z("b") - hb.X("a") + 0.5 * hb.I("a")),
        lambda: (
            2 * np.einsum("abcd,b->", read(0.3), SIGN)
            - np.einsum("abcd,a->", read(0.3, {"a": "X"}), SIGN)
            + 0.5
        ),
    ),
    "var": (
        lambda: hb.var(hb.Z("a") @ hb.Z("b")),
        lambda: 1 - np.einsum("abcd,a,b->", read(0.3), SIGN, SIGN) ** 2,
    ),
    "matrix": (
        lambda: hb.expval(hb.Hermitian(np.diag([1.0, 2.0, 4.0, -3.0]), wires=["b", "a"])),
        lambda: np.einsum("abcd,ba->", read(0.3), np.array([[1.0, 2.0], [4.0, -3.0]])),
    ),
    "projector": (
        lambda: hb.expval(hb.Projector([1, 0], wires=["a", "b"])),
        lambda: read(0.3)[1, 0].sum(),
    ),
    "probs": (lambda: hb.probs(wires=["b", "a"]), lambda: np.einsum("abcd->ba", read(0.3)).reshape(-1)),
    "probs of all": (lambda: hb.probs(), lambda: read(0.3).reshape(-1)),
    "probs of op": (
        lambda: hb.probs(op=hb.X("a") @ hb.Z("b")),
        lambda: np.einsum("abcd->ab", read(0.3, {"a": "X"})).reshape(-1),
    ),
    "read together": (
        lambda: hb.probs(wires=["d", "c"]),
        lambda: np.einsum("abcd->dc", read(0.3)).reshape(-1),
    ),
    "one of two read together": (
        lambda: hb.expval(hb.X("c")),
        lambda: np.einsum("abcd,c->", read(0.3, {"c": "X"}), SIGN),
    ),
}
DEVICES = ("default.qubit", "default.mixed", "qiskit.aer", "forest.numpy")


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("case", CASES)
def test_exact_values_are_of_the_probabilities_that_are_read(case, name):
    measure, expected = CASES[case]
    np.testing.assert_allclose(node(measure, name)(0.3), expected(), atol=1e-9)


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("case", CASES)
def test_sampled_values_are_too(case, name):
    measure, expected = CASES[case]
    found, exact = node(measure, name, shots=SHOTS, seed=3)(0.3), expected()
    if case.startswith(("probs", "read")):
        assert (np.abs(found - exact) <= probs_allowance(exact, SHOTS)).all()
    else:
        assert abs(found - exact) <= allowance(3.5, 8.0, SHOTS)  # of the widest: its spread and its range


@pytest.mark.parametrize("name", DEVICES)
def test_single_shots_and_counts_are_misread_alike(name):
    exact = np.einsum("abcd->ab", read(0.3)).reshape(-1)

    def measure() -> Any:
        return hb.sample(wires=["a", "b"]), hb.counts(wires=["a", "b"]), hb.counts(hb.Z("a") @ hb.Z("b"))

    bits, counted, signs = node(measure, name, shots=SHOTS, seed=4)(0.3)
    drawn = np.bincount(bits @ [2, 1], minlength=4) / SHOTS
    of_counts = np.array([counted.get(f"{i:02b}", 0) for i in range(4)]) / SHOTS
    assert bits.shape == (SHOTS, 2) and sum(counted.values()) == sum(signs.values()) == SHOTS
    for frequencies in (drawn, of_counts):
        assert (np.abs(frequencies - exact) <= probs_allowance(exact, SHOTS)).all()
    assert abs(signs[1.0] / SHOTS - exact[[0, 3]].sum()) <= allowance(0.5, 1.0, SHOTS)


def test_states_know_nothing_of_readout_errors():
    measure = lambda: (hb.state(), hb.density_matrix(wires=["b"]))
    for a, b in zip(node(measure)(0.3), node(measure, model=None)(0.3), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_not_misread_is_the_devices_own():
    model = hb.NoiseModel().readout(0.1, wires=["a"])
    of_b = node(lambda: hb.expval(hb.Z("b")), model=model)
    assert (
        of_b.plan(0.3).direct_vjp and not node(lambda: hb.expval(hb.Z("a")), model=model).plan(0.3).direct_vjp
    )
    assert of_b(0.3) == node(lambda: hb.expval(hb.Z("b")), model=None)(0.3)


def test_two_runs_with_one_seed_are_one_and_repeated_runs_are_not():
    measure = lambda: hb.sample(wires=["a", "b"])
    first, second = (node(measure, shots=200, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first(0.3), second(0.3))
    assert (first(0.3) != second.on("default.qubit", shots=200, seed=6, noise_model=MODEL)(0.3)).any()
    assert (first(0.3) != first(0.3)).any()


def test_errors_are_drawn_apart_from_the_state():
    """Of |0000> every 1 is an error: independent of each other, and of the rows of a batch."""
    model = hb.NoiseModel().readout(0.5)

    def nothing(x: Any) -> Any:
        hb.RZ(x, wires="a")
        return hb.sample(wires=["a", "b"])

    device = hb.device("default.qubit", wires=WIRES, shots=SHOTS, seed=8, noise_model=model)
    bits = hb.qnode(device)(nothing)(np.array([0.1, 0.2])) - 0.5
    columns = bits.transpose(0, 2, 1).reshape(4, SHOTS)
    correlations = 4 * columns @ columns.T / SHOTS - np.eye(4)
    assert np.abs(correlations).max() <= allowance(1.0, 2.0, SHOTS)


def step(function: Any, x: float, h: float = 1e-5) -> Any:
    above, below = (flatten(function(x + s))[0] for s in (h, -h))
    return [(np.asarray(a) - np.asarray(b)) / (2 * h) for a, b in zip(above, below, strict=True)]


@pytest.mark.parametrize("diff_method", ["best", "parameter-shift", "hadamard"])
def test_derivatives_are_of_what_is_read(diff_method):
    """IsingXX commutes with Z Z, and not with the Z that misreading mixes in."""

    def function(x: Any) -> Any:
        hb.RY(0.4, wires="a")
        hb.RX(0.9, wires="b")
        hb.IsingXX(x, wires=["a", "b"])
        return hb.expval(hb.Z("a") @ hb.Z("b")), hb.probs(wires=["b", "c"])

    device = hb.device("default.qubit", wires=(*WIRES, "e"), noise_model=MODEL)
    found = hb.qnode(device, diff_method=diff_method)(function)
    for a, b in zip(flatten(hb.jacobian(found)(0.3))[0], step(found, 0.3), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8)
    assert abs(flatten(hb.jacobian(found)(0.3))[0][0]) > 1e-3


def test_a_devices_own_derivatives_are_refused_where_they_would_be_of_other_values():
    with pytest.raises(hb.GradientError):
        hb.grad(node(lambda: hb.expval(hb.Z("a"))).update(diff_method="device"))(0.3)
    with pytest.raises(hb.GradientError):
        hb.grad(node(lambda: hb.probs(wires=["a"])).update(diff_method="device"))(0.3)


def test_standard_errors_count_what_is_misread():
    device = hb.device(
        "default.qubit", wires=1, shots=SHOTS, seed=1, noise_model=hb.NoiseModel().readout(0.2)
    )

    @hb.qnode(device)
    def ground():
        return hb.expval(hb.Z(0))

    value, error = hb.with_error(ground)()
    assert abs(value - 0.6) <= 5 * error and error == pytest.approx(np.sqrt(0.64 / SHOTS), rel=0.05)


def test_wires_that_are_not_there_are_zero():
    model = hb.NoiseModel().readout_table(TOGETHER, wires=["a", "far"])

    @hb.qnode(hb.device("default.qubit", wires=["a"], noise_model=model))
    def one():
        hb.X("a")
        return hb.probs()

    np.testing.assert_allclose(one(), [0.2, 0.8])


# ---- devices that answer in other ways ----------------------------------------------------------------


class Answering(Device):
    """|01> read as probabilities, samples or counts: whatever it claims."""

    def run(self, tasks: Any) -> Any:
        found = []
        for task in tasks:
            (m,) = task.program.measurements
            wires = m.wires or task.program.wires
            number = int("".join("01"[w] for w in wires), 2)
            row = np.eye(2 ** len(wires))[number]
            if m.kind == "sample":
                row = np.tile([w == 1 for w in wires], task.shots).astype(int)
            if m.kind == "counts":
                outcomes = np.zeros(min(task.shots, 2 ** len(wires)), int)
                times = outcomes.copy()
                outcomes[0], times[0] = number, task.shots
                row = np.concatenate([outcomes, times])
            found.append(np.tile(row, (len(task.params), 1)))
        return found


@pytest.mark.parametrize("kinds", [{"sample"}, {"counts"}, {"probs"}, {"sample", "counts"}])
def test_whatever_a_device_returns_is_misread_once(kinds):
    class Claims(Answering):
        capabilities = Capabilities("qubit", None, frozenset(kinds))

    device = Claims(wires=2, shots=SHOTS, seed=9)
    device._noise = hb.NoiseModel().readout(0.1, 0.4)

    @hb.qnode(device)
    def circuit():
        return hb.probs(), hb.sample(), hb.counts(), hb.expval(hb.Z(1))

    frequencies, bits, counted, mean = circuit()
    exact = np.kron([0.9, 0.1], [0.4, 0.6])
    drawn = np.bincount(bits @ [2, 1], minlength=4) / SHOTS
    tallied = np.array([counted[f"{i:02b}"] for i in range(4)]) / SHOTS
    for found in (frequencies, drawn, tallied):
        assert (np.abs(found - exact) <= probs_allowance(exact, SHOTS)).all()
    assert abs(mean - (0.4 - 0.6)) <= allowance(1.0, 2.0, SHOTS)


# ---- bits measured inside a circuit ------------------------------------------------------------------


def test_bits_measured_inside_are_misread_when_they_are_read():
    model = hb.NoiseModel().readout(0.1, 0.4, wires=["a"])

    def circuit() -> Any:
        hb.X("a")
        first = hb.measure("a", reset=True)
        hb.X("b")
        second = hb.measure("b")
        hb.cond(second, hb.X)("c")
        return hb.expval(first), hb.expval(second), hb.probs(wires=["a", "c"])

    for shots in (None, SHOTS):
        device = hb.device("default.qubit", wires=WIRES, shots=shots, seed=2, noise_model=model)
        first, second, rest = hb.qnode(device)(circuit)()
        assert abs(first - 0.6) <= (1e-12 if shots is None else allowance(0.5, 1.0, SHOTS))
        assert second == pytest.approx(1.0)
        exact = np.array([0, 0.9, 0, 0.1])
        assert (np.abs(rest - exact) <= (1e-12 if shots is None else probs_allowance(exact, SHOTS))).all()


FLIPS = hb.NoiseModel().readout(0.1, 0.25, wires=["a"]).readout(0.05, 0.3, wires=["b"])


def decided(x: Any) -> Any:
    """Two outcomes decide, one of them is selected; "a" is reset, "b" goes on as it was."""
    hb.RY(x, wires="a")
    hb.CNOT(["a", "b"])
    hb.RY(0.7, wires="b")
    first = hb.measure("a", reset=True)
    second = hb.measure("b", postselect=1)
    hb.cond(first & second, hb.RX, false_fn=hb.RY)(x, wires="a")
    hb.cond(first, hb.X)("c")
    return hb.expval(first), hb.probs(wires=["a", "b", "c"]), hb.expval(hb.Y("a") @ hb.Z("c"))


def in_branches(x: float) -> tuple[float, np.ndarray, float]:
    """The same by hand: true bits, the bits that are read, and what these do."""
    cosine, sine = np.cos(x / 2), np.sin(x / 2)
    b = {0: np.array([np.cos(0.35), np.sin(0.35)]), 1: np.array([-np.sin(0.35), np.cos(0.35)])}
    wrong = {"a": (0.1, 0.25), "b": (0.05, 0.3), "c": (0.0, 0.0)}
    reads = lambda w, true, read: wrong[w][true] if true != read else 1 - wrong[w][true]
    total, mean, found, product = 0.0, 0.0, np.zeros((2, 2, 2)), 0.0
    for i, j, first in np.ndindex(2, 2, 2):
        p = (cosine, sine)[i] ** 2 * b[i][j] ** 2 * reads("a", i, first) * reads("b", j, 1)
        ket = np.array([cosine, -1j * sine if first else sine])  # RX or RY of |0>
        y, ones = -2 * cosine * sine * first, abs(ket) ** 2
        total, mean = total + p, mean + p * first
        product += p * y * (1 - 0.1 - 0.25) * (1 - 2 * first)  # letters on "a" are misread
        product += p * (0.25 - 0.1) * (1 - 2 * first)
        for true, at_a, at_b in np.ndindex(2, 2, 2):
            found[at_a, at_b, first] += p * ones[true] * reads("a", true, at_a) * reads("b", j, at_b)
    return mean / total, found.ravel() / total, product / total


@pytest.mark.parametrize("name", ("default.mixed", "qiskit.aer"))
def test_what_decides_is_the_bit_that_is_read(name):
    options = {"method": "density_matrix"} if name == "qiskit.aer" else {}
    node = hb.qnode(hb.device(name, wires=WIRES[:3], noise_model=FLIPS, **options))(decided)
    for got, exact in zip(node(0.8), in_branches(0.8), strict=True):
        np.testing.assert_allclose(got, exact, atol=1e-12)
    ends = in_branches(0.8 + 1e-5), in_branches(0.8 - 1e-5)
    for got, high, low in zip(hb.jacobian(node)(0.8), *ends, strict=True):
        np.testing.assert_allclose(got, (high - low) / 2e-5, atol=1e-8)


def test_what_decides_is_misread_with_shots_too():
    def counted() -> Any:
        hb.X("a")
        outcome = hb.measure("a", reset=True)
        hb.cond(outcome, hb.X)("b")
        return hb.sample([outcome]), hb.sample(wires="b")

    device = hb.device("default.mixed", wires=WIRES[:2], shots=SHOTS, seed=4, noise_model=FLIPS)
    outcomes, true = hb.qnode(device)(counted)()
    assert abs(outcomes.mean() - 0.75) <= allowance(0.5, 1.0, SHOTS)
    read = np.array([0.25 * 0.95 + 0.75 * 0.3, 0.25 * 0.05 + 0.75 * 0.7])
    assert abs(true.mean() - read[1]) <= allowance(0.5, 1.0, SHOTS)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (
            hb.NoiseModel().readout(0.1),
            "conditions on bits that its noise model misreads, such as QubitChannel; .*default.mixed",
        ),
        (MODEL, "a measurement inside of wire 'c', which its noise model reads with others"),
    ],
)
def test_a_device_that_cannot_misread_what_decides_says_so(model, match):
    def circuit() -> Any:
        hb.X("d")
        hb.cond(hb.measure("c"), hb.X)("b")
        return hb.expval(hb.Z("b"))

    with pytest.raises(hb.UnsupportedCircuit, match=match):
        hb.qnode(hb.device("default.qubit", wires=WIRES, noise_model=model))(circuit)()
