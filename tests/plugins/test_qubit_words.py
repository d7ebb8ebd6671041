"""default.qubit evaluates the Pauli words of an observable in tiles, whatever they flip."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

import hybridge as hb
from hybridge.plugin import ROWS, Circuit, Instruction, Measurement, Task
from hybridge_default import qubit_words
from hybridge_default.qubit import DefaultQubit
from hybridge_default.qubit_blocks import CUT
from hybridge_default.qubit_numpy import PlainQubit
from hybridge_default.qubit_program import compiled
from hybridge_default.qubit_words import Word, groups

PLAIN = PlainQubit()
ANY = 3  # the family whose variance is measured too
LETTERS = {"X": hb.X, "Y": hb.Y, "Z": hb.Z}


def word(letters):
    """The word that "XIZ" writes, wire by wire."""
    factors = [LETTERS[s](w) for w, s in enumerate(letters) if s != "I"]
    return reduce(lambda a, b: a @ b, factors) if factors else hb.I(0)


def sentence(words, rng):
    return reduce(lambda a, b: a + b, (float(rng.normal()) * word(letters) for letters in words))


def alone(letter, n, w):
    return "I" * w + letter + "I" * (n - w - 1)


def families(n, rng):
    """Hamiltonians by name: fields, chains, words of all lengths, and single ones."""
    chain = [alone("Z", n, w)[: n - 1] + "Z" for w in range(n - 1)]
    return {
        "fields": [alone(s, n, w) for s in "XYZ" for w in range(n)],
        "ising": [*chain, *(alone("X", n, w) for w in range(n))],
        "of two": [alone(s, n, w)[:-1] + t for s in "XY" for t in "XYZ" for w in range(n - 1)] or ["X"],
        "any": ["".join(rng.choice(list("IXYZ"), n)) for _ in range(3 * n)],
        "long flips": ["".join(rng.choice(list("XY"), n)) for _ in range(n)],
        "X of the first": [alone("X", n, 0)],
        "Y of the last": [alone("Y", n, n - 1)],
        "one word": ["".join(rng.choice(list("IXYZ"), n))],
    }


def circuit(n, *measurements):
    """No amplitude is zero or real, and derivatives pass through entangled states."""
    turns = [Instruction(ROWS[name], (w,)) for w in range(n) for name in ("RY", "RZ", "RX")]
    chain = [Instruction(ROWS["CNOT"], (w, w + 1)) for w in range(n - 1)]
    return Circuit((*turns, *chain), measurements, tuple(range(n)))


def action(observable, state, n):
    """O x by the words' letters."""
    index, out = np.arange(2**n), np.zeros(2**n, complex)
    for letters, c in observable.terms.items():
        term = state
        for wire, s in letters:
            bit = n - 1 - wire
            sign = 1 - 2 * (index >> bit & 1)
            flipped = term[index ^ (1 << bit)]
            term = {"X": flipped, "Y": -1j * sign * flipped, "Z": sign * term}[s]
        out += c * term
    return out


def observables(n):
    rng = np.random.default_rng(n)
    return [sentence(words, rng) for words in families(n, rng).values()]


def moments(n, params):
    """(B, P) -> expectation values (B, K) of the observables and (B, 1) of the square of one, in numpy."""
    c = circuit(n, hb.state())
    found = []
    for state in PLAIN.run([Task(PLAIN.compile(c), params)])[0]:
        images = [action(o, state, n) for o in observables(n)]
        found.append([*(np.vdot(state, i).real for i in images), np.vdot(images[ANY], images[ANY]).real])
    return np.array(found)


def measured(n):
    found = observables(n)
    return circuit(n, *(Measurement("expval", o) for o in found), Measurement("var", found[ANY]))


def drawn(n):
    return np.random.default_rng(n).normal(size=(1, 3 * n))


def scales(n):
    sizes = [sum(abs(c) for c in o.terms.values()) for o in observables(n)]
    return np.array([*sizes, sizes[ANY] ** 2])


def assert_exact(n, dtype, tolerance):
    """Values and slopes: each angle is of one gate, whose shift rule is exact."""
    params, angles = drawn(n), np.random.default_rng(n).permutation(3 * n)[:3]
    shifts = [sign * np.pi / 2 * np.eye(3 * n)[k] for k in angles for sign in (1, -1)]
    found = moments(n, np.concatenate([params, *(params + shift for shift in shifts)]))
    slopes = (found[1::2] - found[2::2]) / 2
    mean, allowed = found[0, ANY], tolerance * scales(n)
    slopes[:, -1] -= 2 * mean * slopes[:, ANY]
    expected = np.append(found[0, :-1], found[0, -1] - mean**2)

    device = DefaultQubit(dtype=dtype)
    program, rows = device.compile(measured(n)), len(expected)
    assert (np.abs(device.run([Task(program, params)])[0][0] - expected) <= allowed).all()
    values, pulled = device.value_and_vjp(Task(program, params.repeat(rows, 0)), np.eye(rows))
    assert (np.abs(values - expected) <= allowed).all()
    assert (np.abs(pulled[:, angles].T - slopes) <= 2 * allowed).all()


PRECISE = [("complex128", 1e-13), ("complex64", 1e-5)]


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISE)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 12])
def test_values_and_slopes_of_words_are_those_of_numpy(n, dtype, tolerance):
    assert_exact(n, dtype, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISE)
@pytest.mark.parametrize(
    ("n", "tile", "run"), [(5, 4, 3), (6, 5, 3), (7, 5, 5), (8, 6, 4), (9, 6, 3), (9, 8, 3)]
)
def test_words_reach_across_small_tiles(n, tile, run, dtype, tolerance, monkeypatch):
    monkeypatch.setattr(qubit_words, "TILE_BITS", tile)
    monkeypatch.setattr(qubit_words, "RUN_BITS", run)
    assert_exact(n, dtype, tolerance)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_state_that_threads_share_has_the_same_values_and_slopes(threads):
    n = 13
    c, params = measured(n), drawn(n)
    cotangent = np.random.default_rng(n).normal(size=(1, len(c.measurements)))
    alone = DefaultQubit().value_and_vjp(Task(compiled(c), params), cotangent)
    shared = Task(compiled(c, cut=CUT._replace(shared=n)), params)
    for one, other in zip(alone, DefaultQubit(threads=threads).value_and_vjp(shared, cotangent), strict=True):
        assert np.abs(one - other).max() < 1e-12


@pytest.mark.parametrize("n", [3, 5, 8, 11, 12, 13, 16, 20])
def test_tiles_hold_every_word_once_and_cover_the_state_once(n):
    rng = np.random.default_rng(n)
    for count in (1, 2, 7, 40):
        pairs = rng.integers(0, 2**n, (count, 2)).tolist()
        words = [Word(flip, sign, float(k)) for k, (flip, sign) in enumerate(pairs)]
        words += [Word(1 << bit, 0, float(count + bit)) for bit in range(n)]
        found = groups(words, n, 3)
        assert sorted(w.coefficient for g in found for *_, w in g.words) == [w.coefficient for w in words]
        for g in found:
            size = len(g.masks) << g.run
            assert size <= 2 ** max(qubit_words.TILE_BITS, 3) or len(g.words) == 1
            free = 2**n - 1 & ~sum(1 << p for p in g.pivots) & ~((1 << g.run) - 1)
            begin = int(rng.integers(0, 2**n)) & free
            tile = [begin ^ mask ^ i for mask in g.masks for i in (0, (1 << g.run) - 1)]
            assert len({t & ~free for t in tile}) == len(
                {*tile}
            )  # no two of a tile, nor of two tiles, are one
            for flip, sign, w in g.words:
                for i in rng.integers(0, size, 4).tolist():
                    at = begin ^ g.masks[i >> g.run] ^ (i & ((1 << g.run) - 1))
                    j = i ^ flip
                    assert at ^ w.flip == begin ^ g.masks[j >> g.run] ^ (j & ((1 << g.run) - 1))
                    assert (
                        (at & w.sign).bit_count() ^ (begin & w.sign).bit_count() ^ (i & sign).bit_count()
                    ) & 1 == 0


def test_words_of_single_flips_on_twenty_bits_take_few_readings_of_the_state():
    assert len(groups([Word(1 << bit, 0, 1.0) for bit in range(20)], 20, 3)) <= 3
