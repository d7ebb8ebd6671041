"""`make fuzz`: random circuits, batches, measurements and shots on default.qubit, engine against engine.

    python tests/plugins/fuzz_engine.py [--seed FIRST] [--seconds HOW_LONG] [--cases HOW_MANY]

Where a case fails, its seed is printed as the command that runs it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from random import Random

import numpy as np
from engine_circuits import (
    FAST,
    SLOPED,
    SMOOTH,
    TABLE,
    Case,
    drawn,
    plan,
    slopes_disagree,
    values,
    values_disagree,
)
from scipy.stats import chi2

import hybridge as hb
from hybridge.circuit import Circuit
from hybridge.execution import Plan
from hybridge_default.qubit import DefaultQubit

SHARING = DefaultQubit(threads=2)
FALSE_ALARM = 1e-10


def size(choose: Random) -> tuple[int, int]:
    """Wires and gates: mostly few wires and many gates; some so wide that a state is cut into blocks."""
    n = choose.choice((*range(1, 11), *range(1, 7), 12, 14, 17 if choose.random() < 0.3 else 13))
    return n, choose.randint(1, 40 if n < 10 else 15)


def engines_agree(choose: Random) -> Case:
    case = drawn(choose, *size(choose), TABLE, (*SLOPED, "state"))
    off = values_disagree(case)
    assert off < 1e-12, f"values are {off} apart"
    return case


def derivatives_agree(choose: Random) -> Case:
    n, depth = size(choose)
    case = drawn(choose, min(n, 10), min(depth, 20), SMOOTH, SLOPED)
    ruled, other = slopes_disagree(case)
    assert ruled < 1e-11 and other < 1e-8, f"derivatives are {ruled} and {other} apart"
    return case


def threads_agree(choose: Random) -> Case:
    """To the last bit, whoever shares a batch."""
    case = drawn(choose, *size(choose), SMOOTH, SLOPED)
    assert np.array_equal(values(case, FAST), values(case, SHARING)), "threads change values"
    cotangent = np.ones((len(case.params), values(case, FAST).shape[1]))
    one, two = (plan(case.circuit, d).vjp(case.params, cotangent) for d in (FAST, SHARING))
    assert np.array_equal(one, two), "threads change derivatives"
    return case


def shots_follow(choose: Random) -> Case:
    """Counts and samples of some wires against their exact probabilities."""
    n, depth = size(choose)
    case = drawn(choose, n, depth, TABLE, ("probs",))
    (wires, *_) = [m.wires for m in case.circuit.measurements]
    exact = case.circuit._replace(measurements=(hb.probs(wires=wires),))
    shots, k = choose.choice((50, 1000, 20_000)), len(wires)
    sampled = choose.choice((hb.counts(wires=wires), hb.sample(wires=wires)))
    asked: Circuit = case.circuit._replace(measurements=(sampled,))
    (probs,) = plan(exact, FAST).run(case.params, None)
    device = DefaultQubit(shots=shots, seed=choose.getrandbits(31))
    (found,) = Plan(asked, asked, device, True).run(case.params, shots)
    for p, row in zip(probs, found, strict=True):
        if sampled.kind == "counts":
            times = np.bincount(row[0], row[1], minlength=2**k)
        else:
            times = np.bincount(row @ (1 << np.arange(k)[::-1]), minlength=2**k)
        assert times.sum() == shots
        rare = shots * p < 5
        cells = [
            *zip(times[~rare], shots * p[~rare], strict=True),
            (times[rare].sum(), shots * p[rare].sum()),
        ]
        cells = [(t, e) for t, e in cells if e > 1e-9 or t]
        if len(cells) > 1:
            assert chi2.sf(sum((t - e) ** 2 / e for t, e in cells), len(cells) - 1) > FALSE_ALARM, (
                "shots are unlikely"
            )
    return case._replace(circuit=asked)


CHECKS: tuple[Callable[[Random], Case], ...] = (engines_agree, derivatives_agree, threads_agree, shots_follow)


def check(seed: int) -> None:
    """One case of each check; AssertionError, or whatever an engine raises, where it fails."""
    for number, one in enumerate(CHECKS):
        one(Random(seed * len(CHECKS) + number))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="default.qubit, engine against engine")
    parser.add_argument("--seed", type=int, default=None, help="the first; by the clock where not given")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cases", type=int, default=None, help="as many and no more")
    options = parser.parse_args(arguments)
    seed = int(time.time()) if options.seed is None else options.seed
    start, done = time.monotonic(), 0
    while done < options.cases if options.cases is not None else time.monotonic() - start < options.seconds:
        try:
            check(seed + done)
        except Exception:
            print(
                f"failed: python tests/plugins/fuzz_engine.py --cases 1 --seed {seed + done}", file=sys.stderr
            )
            raise
        done += 1
    print(f"{done} seeds from {seed} on agree, {len(CHECKS)} cases each")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
