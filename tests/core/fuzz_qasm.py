"""Programs changed at random (`make fuzz`): each is read, or refused with its line and column."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hybridge as hb

PIECES = (
    "h x cx q c q[0] c[0] ; , ( ) { } [ ] + - * / ^ == -> 0 1 7 1e400 .5 pi gate qreg creg if measure reset "
    'barrier include "qelib1.inc" opaque U CX sin( ln( OPENQASM 2.0 3.0 // /* */ " \' \x00 \\ é 😀 input '
    "ctrl @ inv pow"
).split(" ")


def mutated(text: str, rng: random.Random) -> str:
    """The text with one to four changes: a part cut, doubled, moved, or other text put in."""
    for _ in range(rng.randint(1, 4)):
        a = rng.randrange(len(text) + 1)
        b = min(len(text), a + rng.choice((0, 1, 2, 5, 40)))
        part = text[a:b]
        change = rng.choice(("cut", "double", "move", "piece", "character", "end"))
        if change == "cut":
            text = text[:a] + text[b:]
        elif change == "double":
            text = text[:b] + part + text[b:]
        elif change == "move":
            rest = text[:a] + text[b:]
            at = rng.randrange(len(rest) + 1)
            text = rest[:at] + part + rest[at:]
        elif change == "piece":
            text = f"{text[:a]} {rng.choice(PIECES)} {text[b:]}"
        elif change == "character":
            text = text[:a] + chr(rng.choice((rng.randrange(128), rng.randrange(0x10000)))) + text[b:]
        else:
            text = text[:a]
    return text


def outcome(read: Callable[[str], Any], text: str) -> str:
    """What reading it comes to: "read" or "refused"; any other error comes through."""
    try:
        read(text)
    except hb.FormatError as error:
        assert error.line is not None and error.column is not None, str(error)
        return "refused"
    return "read"


def main() -> None:
    """Mutate the programs of tests/data until the time is up; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    rng, found = random.Random(given.seed), Counter[str]()
    sources = [p.read_text() for p in sorted((Path(__file__).parents[1] / "data" / "qasm").glob("*.qasm"))]
    end = time.monotonic() + given.seconds
    while time.monotonic() < end:
        text = mutated(rng.choice(sources), rng)
        try:
            found[outcome(hb.from_qasm, text)] += 1
        except BaseException:
            print(repr(text))
            raise
    print(f"{sum(found.values())} programs: {dict(found)}")


if __name__ == "__main__":
    main()
