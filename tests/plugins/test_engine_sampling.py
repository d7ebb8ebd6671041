"""default.qubit draws what the probabilities say; every statistical test is wrong once in a million runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2

import hybridge as hb
from hybridge_default.qubit_sampling import count, merge, multinomial, pick, sample

FALSE_ALARM = 1e-6
SIGMAS = 4.9  # of a normal variable, two-sided, once in a million


def mostly_zero(d):
    p = np.zeros(d)
    p[3 :: d // 4] = [0.4, 0.3, 0.2, 0.1]
    return p


def holes(d):
    return np.where(np.arange(d) % 3 == 1, np.random.default_rng(1).random(d), 0.0)


DISTRIBUTIONS = {
    "uniform": lambda d: np.full(d, 1 / d),
    "of a random state": lambda d: np.random.default_rng(0).exponential(size=d),  # and of no particular sum
    "skewed": lambda d: 0.5 ** np.arange(d),
    "skewed the other way": lambda d: 0.5 ** np.arange(d)[::-1],
    "mostly zero": mostly_zero,
    "holes, the first and the last": holes,
    "one outcome, the last": lambda d: (np.arange(d) == d - 1) * 1.0,
    "one outcome, the first": lambda d: (np.arange(d) == 0) * 1.0,
    "a sum that is not 1": lambda d: 0.37 * np.sin(np.arange(d)) ** 2,
    "a tiny sum": lambda d: 1e-200 * np.cos(np.arange(d)) ** 2,
}


def frequencies(p, kind, shots, seed=1):
    """(B, d): how often each outcome came, drawn in the way named."""
    wires = p.shape[1].bit_length() - 1
    if kind == "sample":
        bits = sample(p.copy(), wires, shots, seed).reshape(len(p), shots, wires)
        numbers = bits @ (1 << np.arange(wires)[::-1])
        return np.array([np.bincount(row, minlength=p.shape[1]) for row in numbers])
    outcomes, times = count(p.copy(), wires, shots, seed).reshape(len(p), 2, -1).transpose(1, 0, 2)
    rows = zip(outcomes, times, strict=True)
    return np.array([np.bincount(o, t, minlength=p.shape[1]) for o, t in rows]).astype(int)


def fits(found, p, shots):
    """Pearson's test; outcomes expected less than five times are taken together."""
    expected = shots * p / p.sum()
    rare = expected < 5
    cells = [*zip(found[~rare], expected[~rare], strict=True), (found[rare].sum(), expected[rare].sum())]
    cells = [(n, e) for n, e in cells if e > 0]
    statistic = sum((n - e) ** 2 / e for n, e in cells)
    return len(cells) < 2 or chi2.sf(statistic, len(cells) - 1) > FALSE_ALARM


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize(("kind", "d", "shots"), [
    ("sample", 2, 20_000), ("sample", 256, 40_000), ("sample", 4096, 500),
    ("merged counts", 256, 2000), ("merged counts", 1 << 14, 40_000),
    ("multinomial counts", 2, 20_000), ("multinomial counts", 256, 40_000),
])  # fmt: skip
def test_outcomes_come_as_often_as_their_probability_says(name, kind, d, shots):
    if d == 2 and name in ("mostly zero", "holes, the first and the last"):
        p = np.array([0.0, 0.25])
    else:
        p = DISTRIBUTIONS[name](d)
    found = frequencies(np.array([p, p[::-1]]), kind, shots)
    for row, q in zip(found, (p, p[::-1]), strict=True):
        assert row.sum() == shots
        assert not row[q == 0].any(), "an outcome of probability 0 was drawn"
        assert fits(row, q, shots)


@pytest.mark.parametrize(
    ("kind", "shots"), [("sample", 30), ("merged counts", 30), ("multinomial counts", 4096)]
)
def test_counts_vary_and_covary_as_independent_shots_do(kind, shots):
    p, runs = np.array([0.05, 0.3, 0.0, 0.65, 0.0, 0.0, 0.0, 0.0]), 40_000
    found = frequencies(np.tile(p, (runs, 1)), kind, shots)[:, [0, 1, 3]]
    p = p[[0, 1, 3]]
    off = found - shots * p
    exact = shots * (np.diag(p) - np.outer(p, p))
    products = off[:, :, None] * off[:, None, :]
    allowed = SIGMAS * products.std(axis=0) / np.sqrt(runs)
    assert (np.abs(products.mean(axis=0) - exact) < allowed).all()
    assert (np.abs(off.mean(axis=0)) < SIGMAS * np.sqrt(np.diag(exact) / runs)).all()


def test_a_shot_says_nothing_of_the_next():
    p, shots = np.array([[0.1, 0.2, 0.3, 0.4]]), 60_000
    drawn = sample(p.copy(), 2, shots, 3).reshape(shots, 2) @ [2, 1]
    for lag in (1, 2, 64):
        pairs = 4 * drawn[:-lag] + drawn[lag:]
        assert fits(np.bincount(pairs, minlength=16), np.outer(p, p).reshape(-1), len(pairs))


def test_a_shot_is_the_first_outcome_whose_running_sum_is_above_it():
    rng = np.random.default_rng(4)
    for d, shots in ((2, 7), (64, 1000), (1024, 100), (1 << 12, 1 << 13)):
        p = rng.exponential(size=(2, d)) * (rng.random((2, d)) < 0.5)
        p[:, d // 2 - 1], p[:, -1] = 1, 0
        uniform = rng.random((2, shots))
        uniform[:, :2] = 0.0, np.nextafter(1.0, 0.0)
        wires = d.bit_length() - 1
        table = np.empty(2 + 2 ** int(np.ceil(np.log2(min(shots, d)))), np.uint32)
        bits = np.empty((2, shots, wires), np.int64)
        pick(p.copy(), uniform, table, bits)
        for row in range(2):
            sums = np.cumsum(p[row])
            below = np.minimum(uniform[row] * sums[-1], np.nextafter(sums[-1], 0))
            expected = np.searchsorted(sums, below, side="right")
            assert np.array_equal(bits[row] @ (1 << np.arange(wires)[::-1]), expected)
            assert (p[row][expected] > 0).all()


@pytest.mark.parametrize("end", [1.0, 0.0])
def test_merged_counts_are_those_of_the_sorted_numbers(end):
    """A last gap of 0 puts the last shot where nothing is above it: the last possible outcome takes it."""
    rng = np.random.default_rng(5)
    for d, shots in ((4, 5), (64, 30), (1024, 3000), (512, 4)):
        p = rng.exponential(size=d) * (rng.random(d) < 0.7)
        p[0], p[d // 2], p[-1] = 0, 1, 0
        gaps = rng.standard_exponential(shots + 1)
        gaps[-1] *= end
        found = np.zeros((1, 2, min(shots, d)), np.int64)
        merge(p[None], gaps[None], found)
        sums, numbers = np.cumsum(p), np.cumsum(gaps)[:-1]
        reached = np.minimum(numbers / gaps.sum() * sums[-1], np.nextafter(sums[-1], 0))
        outcomes, times = np.unique(np.searchsorted(sums, reached, side="right"), return_counts=True)
        came = found[0, 1] > 0
        assert np.array_equal(found[0, 0, came], outcomes) and np.array_equal(found[0, 1, came], times)
        assert not found[0, :, ~came].any()


def test_what_rounding_leaves_over_goes_to_the_likeliest_outcome():
    class Greedy:
        """A generator whose multinomial gives everything to the last outcome."""

        def multinomial(self, shots, p):
            return np.where(np.arange(p.shape[1]) == p.shape[1] - 1, shots, 0) + np.zeros(p.shape, int)

    p = np.array([[0.2, 0.5, 0.3, 0.0], [0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]])
    assert np.array_equal(multinomial(p, 9, Greedy()).argmax(axis=1), [1, 3, 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_nothing_is_drawn_from_what_is_no_distribution(bad):
    p = np.array([[0.5, 0.5], [bad, 0.0]])
    for draw in (sample, count):
        with pytest.raises(FloatingPointError, match="not finite, or all 0"):
            draw(p.copy(), 1, 10, 1)


# ---- through the public interface -----------------------------------------------------------------------


def turned(measure, **options):
    def circuit(x=0.4):
        for w in range(6):
            hb.RY(x + 0.3 * w, wires=w)
            hb.RZ(0.2 * w, wires=w)
        for w in range(5):
            hb.CNOT([w, w + 1])
        return measure()

    return hb.QNode(circuit, hb.device("default.qubit", wires=6, **options))


WIRES = ([3], [4, 1], [5, 0, 2], None)


@pytest.mark.parametrize("wires", WIRES)
@pytest.mark.parametrize("shots", [300, 20_000])
def test_samples_and_counts_of_some_wires_follow_their_marginal_distribution(wires, shots):
    p = turned(lambda: hb.probs(wires=wires))()
    k = p.size.bit_length() - 1
    counted = turned(lambda: hb.counts(wires=wires), shots=shots, seed=2)()
    assert all(len(key) == k for key in counted) and list(counted) == sorted(counted)
    bits = turned(lambda: hb.sample(wires=wires), shots=shots, seed=2)()
    assert bits.shape == (shots, k) and bits.dtype == np.int64
    again = Counter("".join(map(str, row)) for row in bits.tolist())
    for found in (counted, again):
        assert fits(np.array([found.get(format(i, f"0{k}b"), 0) for i in range(2**k)]), p, shots)


@pytest.mark.parametrize("measure", [
    lambda: hb.expval(hb.Z(0) @ hb.X(3) + 0.5 * hb.Z(5) - 2 * hb.Y(2)),
    lambda: hb.expval(hb.Hermitian([[1, 0.5j], [-0.5j, -2]], wires=3)),
    lambda: hb.var(hb.Z(1) @ hb.Z(2)),
    lambda: hb.probs(wires=[4, 0]),
])  # fmt: skip
def test_what_is_read_from_counts_converges_to_the_exact_value(measure):
    exact = np.asarray(turned(measure)())
    shots, angles = 4000, np.full(400, 0.4)
    drawn = np.asarray(turned(measure, shots=shots, seed=3)(angles))
    assert drawn.shape == (400, *exact.shape)
    allowed = SIGMAS * drawn.std(axis=0) / np.sqrt(len(drawn)) + 2 / shots  # a sampled variance is biased
    assert (np.abs(drawn.mean(axis=0) - exact) <= allowed).all()


def test_questions_of_one_setting_are_answered_by_the_same_shots():
    measure = lambda: (
        hb.sample(wires=[1, 4]), hb.counts(wires=[4, 1]), hb.expval(hb.Z(1)), hb.counts(hb.Z(4)),
        hb.probs(wires=1),
    )  # fmt: skip
    bits, counted, mean, values, p = turned(measure, shots=500, seed=4)()
    assert counted == Counter(f"{b}{a}" for a, b in bits.tolist())
    assert mean == pytest.approx((1 - 2 * bits[:, 0]).mean(), abs=1e-12)
    assert values == Counter((1.0 - 2 * bits[:, 1]).tolist())
    assert p == pytest.approx([1 - bits[:, 0].mean(), bits[:, 0].mean()], abs=1e-12)
    unordered = lambda: (hb.counts(wires=[4, 1]), hb.counts(wires=1), hb.expval(hb.Z(1)), hb.counts(hb.Z(4)))
    both, one, mean, values = turned(unordered, shots=500, seed=4)()
    ones = sum(n for key, n in both.items() if key[1] == "1")
    assert one == {"0": 500 - ones, "1": ones} and mean == pytest.approx(1 - 2 * ones / 500, abs=1e-12)
    assert values[-1.0] == sum(n for key, n in both.items() if key[0] == "1")


@pytest.mark.parametrize(
    "measure", [lambda: hb.sample(), lambda: hb.counts(), lambda: hb.counts(wires=[2, 0])]
)
def test_a_seed_fixes_what_is_drawn_row_by_row(measure):
    angles = np.array([0.1, 0.4, 0.4])
    first, same, other = (turned(measure, shots=200, seed=s) for s in (5, 5, 6))
    equal = lambda a, b: [str(x) for x in a] == [str(x) for x in b]
    drawn = first(angles)
    assert len(drawn) == 3 and equal(drawn, same(angles)) and equal(first(angles), same(angles))
    assert not equal(drawn, other(angles))
    assert not equal(drawn[1:2], drawn[2:3]), "two rows of the same numbers share their shots"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_draws_what_its_seed_says():
    script = (
        "import os, hybridge as hb\n"
        "make = lambda: hb.QNode(lambda: (hb.H(0), hb.counts())[1], hb.device('default.qubit', 3, 9, 1))\n"
        "found = make()()\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0 if make()() == found else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
