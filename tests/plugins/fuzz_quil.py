"""Quil programs changed at random (`make fuzz`): each is read, or refused with its line and column."""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import Counter

import hybridge as hb

PROGRAMS = (
    "DECLARE theta REAL[2]\nDECLARE ro BIT[2]\nRX(2*theta[0]) 0 # half\nCONTROLLED RY(-theta[1]/2 + pi) 0 1\n"
    "DAGGER T 1; CPHASE(cos(0.3)^2) 0 1\nMEASURE 0 ro[0]\nMEASURE 1 ro[1]\n",
    "DEFCIRCUIT TURN(%t) a b:\n    RX(%t/2) a\n    CNOT a b\n\nDEFCIRCUIT TWICE(%s) a b:\n    TURN(%s) a b\n"
    "    TURN(-%s) b a\n\nDECLARE x REAL\nDECLARE y REAL[3] SHARING z OFFSET 1 REAL\nDECLARE z REAL[4]\n"
    "TWICE(x) 0 1\nTWICE(y[2]*0.5) 2 0\n",
    "DEFGATE F(%t):\n    1, 0\n    0, exp(i*%t)\n\nDEFGATE P AS PERMUTATION:\n    0, 1, 3, 2\n\n"
    "DEFGATE Q(%t) a b AS PAULI-SUM:\n    ZZ(%t/2) a b\n    X(0.3) a\n\nF(0.4) 0\nDAGGER CONTROLLED P 2 1 0\n"
    "FORKED RX(0.3, 0.8) 1 0\nQ(0.4) 1 0\n",
    "DECLARE ro BIT[3]\nDECLARE x REAL\nMOVE x 0.3\nRESET\nH 0\nMEASURE 0 ro[0]\nJUMP-WHEN @THEN ro[0]\nX 1\n"
    "JUMP @END\nLABEL @THEN\nRX(x) 1\nJUMP-UNLESS @END ro[1]\nHALT\nLABEL @END\nX 0\n",
    'DEFGATE N:\n    1, 0\n    0, 1\n\nPRAGMA ADD-KRAUS N 0 "(0.8+0i 0.0 0.0 0.8)"\n'
    'PRAGMA ADD-KRAUS N 0 "(0.0 0.6 0.6 0.0)"\nPRAGMA INITIAL_REWIRING "PARTIAL"\nN 0\nNOP\nXY(pi/3) 0 1\n',
)
PIECES = (
    "H CNOT RX( U 0 1 7 99999999999999999999 1e999 -1 2i nan pi %t %u theta[0] ro[9] x ( ) [ ] : ; , + - * / "
    '# ^ " \\ @A JUMP JUMP-WHEN MEASURE RESET HALT DECLARE BIT REAL[9999999] INTEGER SHARING OFFSET '
    "MOVE LABEL ADD NOT DAGGER CONTROLLED FORKED DEFGATE DEFCIRCUIT DEFCAL DEFFRAME DEFWAVEFORM AS MATRIX "
    'PERMUTATION PAULI-SUM PRAGMA ADD-KRAUS INCLUDE "/etc/passwd" FENCE DELAY WAIT CALL EXTERN sin( exp( é '
    "😀 \x00 sqrt( TWICE TURN F N"
).split(" ")
TOKEN = re.compile(r"\n|[ \t]+|[\w%-]+|.")


def mutated(text: str, rng: random.Random) -> str:
    """The text with one to four changes: words cut, doubled, moved or changed, or a character put in."""
    words = TOKEN.findall(text)
    for _ in range(rng.randint(1, 4)):
        a = rng.randrange(len(words) + 1)
        part = words[a : a + rng.choice((0, 1, 1, 2, 5, 20))]
        before, after = words[:a], words[a + len(part) :]
        at = rng.randrange(len(after) + 1)
        words = rng.choice(
            (
                [*before, *after],
                [*before, *part, *part, *after],
                [*before, *after[:at], *part, *after[at:]],
                [*before, rng.choice(PIECES), " ", *after],
                [*before, "\n", rng.choice(("", "    ", "\t")), *after],
                [*before, chr(rng.choice((rng.randrange(128), rng.randrange(0xD800)))), *part, *after],
            )
        )
    return "".join(words)


def outcome(text: str) -> str:
    """What reading it comes to: "read", or "refused" with a place in the text; other errors come through."""
    try:
        hb.from_quil(text)
    except hb.FormatError as error:
        assert error.line is not None and error.column is not None, str(error)
        lines = ["", *text.split("\n")]
        inside = 0 < error.line < len(lines) and 0 < error.column <= len(lines[error.line]) + 1
        assert inside and len(str(error)) < 2000, str(error)
        return "refused"
    return "read"


def main() -> None:
    """Mutate programs until the time is up; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    rng, found = random.Random(given.seed), Counter[str]()
    end = time.monotonic() + given.seconds
    while time.monotonic() < end:
        text = mutated(rng.choice(PROGRAMS), rng)
        try:
            found[outcome(text)] += 1
        except BaseException:
            print(repr(text))
            raise
    print(f"{sum(found.values())} programs: {dict(found)}")


if __name__ == "__main__":
    main()
