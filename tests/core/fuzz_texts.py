"""Texts changed at random (`make fuzz`): each is read, or refused with its place, soon, by no other error.

python tests/core/fuzz_texts.py [--seed FIRST] [--seconds HOW_LONG] [--texts HOW_MANY]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hybridge as hb

DATA = Path(__file__).parents[1] / "data" / "qasm"
SECONDS = 5  # of the processor, for one text
WORDS = (
    "h x cx q c q[0] c[0] ; , ( ) { } [ ] + - * / ^ == -> 0 1 7 1e400 .5 pi gate qreg creg if measure reset "
    'barrier include "qelib1.inc" opaque U CX sin( ln( OPENQASM 2.0 3.0 // /* */ " \' \x00 \\ é 😀 '
    + "9"
    * 30
).split(" ")
WORDS3 = (
    "input ctrl @ negctrl inv pow pow( for int i in [0:3] {0,2} [0:-1:9**9] switch case default else let ++ "
    "array[float,2] a a[0] % ** & | ~ != < >= bool( uint[2]( $0 delay[3ns] box const float θ while def"
).split(" ")
VERSION3 = """OPENQASM 3.0;
include "stdgates.inc";
input float[64] theta; const int n = 2; input array[float[64], 2] phi;
qubit[n] q; qubit r; bit[2] c; bit d; int k; array[float, 2] a = {0.3, pi}; let s = q[0:1] ++ r;
gate g(x, y) a, b { U(x, y, 0) a; ctrl @ rz(x*y) a, b; gphase(x/4); inv @ s a; pow(2) @ t b; }
g(theta, 2*pi) q[0], q[1];
negctrl @ ctrl @ x q[0], q[1], r;
for int i in [0:n - 1] { rx(phi[i] + a[i]) s[i]; for uint j in {0, 2} cx s[j], s[(j + 1) % 3]; }
h q[0:1]; reset r; delay[20ns] q; box { h s; }
c = measure q; d = measure r; k = c;
if (c[0] && !d || c == 2) { x q[1]; } else if (d ^ c[0]) z q[0]; else { ry(theta) q[1]; }
switch (k) { case 0, 1 { x r; } default { if (c < 3) y r; } }
"""
PHYSICAL = 'include "stdgates.inc";\nbit[2] c;\nrz(pi/2) $1;\nsx $1;\ncx $1, $0;\nc[0] = measure $1;\n'
LIGHT = """name program
version 1.0
target gaussian (shots=10)
float array S[2, 2] =
    1.5, 0
    0, 0.6666666666666666

complex array U[2, 2] =
    0, 1j
    1+0j, 0

float beta = 0.25
GaussianTransform(S) | 2
Interferometer(U) | [0, 1]
Sgate(2*{r} - beta, phi=pi/4) | 0
Dgate({a}, sqrt(2)*{r}) | 1
BSgate() | [0, 1]
Fock(2) | 3
GKP([0.3, {a}], epsilon=0.2) | 3
MeasureHomodyne(0.5, select=0.3) | 1
MeasureX | 0
MeasureHD() | 2
"""


@hb.qnode(hb.device("default.qubit", wires=["a", 1, ("x", 2)]))
def qubits() -> Any:
    hb.QubitUnitary([[0, 1], [1, 0]], wires="a")
    m = hb.measure("a", reset=True)
    hb.cond(m, hb.ctrl(hb.S, control=1, control_values=0))(wires=[("x", 2)])
    hb.pow(hb.X, 0.3)(1)
    hb.adjoint(hb.IsingXX)(0.3, wires=[1, "a"])
    hb.evolve(hb.X(1) @ hb.Z("a"), 0.2)
    return (
        hb.expval(0.3 * hb.X("a") @ hb.Z(1) - 2.5),
        hb.var(hb.Hermitian([[1, 2j], [-2j, 0]], 1)),
        hb.probs([m]),
    )


@hb.qnode(hb.device("default.gaussian", wires=2))
def light() -> Any:
    hb.GaussianState([[2.0, 0], [0, 1.0]], [0.1, 0.2], wires=[0])
    hb.InterferometerUnitary([[0, 1], [1, 0]], wires=[1, 0])
    return hb.expval(hb.QuadX(0) @ hb.QuadP(1)), hb.var(hb.NumberOperator(1)), hb.probs(wires=[1])


class Language(NamedTuple):
    """Texts that are good, what is put into them, and whether a refusal names its line and column."""

    read: Callable[[str], Any]
    texts: list[str]
    pieces: list[str]
    placed: bool = True


def languages() -> dict[str, Language]:
    """Every text that the core and Strawberry Fields' formats read, by format."""
    programs = [p.read_text() for p in sorted(DATA.glob("*.qasm"))]
    documents = [hb.to_json(qubits)(), hb.to_json(light)()]
    keys = (
        '{ } [ ] , : " null true -1 0 3 1e400 1e30 NaN 10000000000 "RX" "X" "tuple" "family" "power" "float"'
    )
    signs = "( ) [ ] { } , | = \n e j - * # ' \" array float complex {r} select= Sgate(0.3) q0 1e999 /0 **"
    return {
        "qasm": Language(hb.from_qasm, programs, WORDS),
        "qasm3": Language(hb.from_qasm3, [VERSION3, PHYSICAL], [*WORDS, *WORDS3]),
        "json": Language(hb.from_json, documents, keys.split(" "), placed=False),
        "blackbird": Language(hb.from_blackbird, [LIGHT], signs.split(" ")),
    }


def mutated(text: str, rng: random.Random, pieces: list[str]) -> str:
    """The text with one to four changes: a part cut, doubled, moved, or other text put in."""
    for _ in range(rng.randint(1, 4)):
        a = rng.randrange(len(text) + 1)
        b = min(len(text), a + rng.choice((0, 1, 2, 5, 40)))
        part = text[a:b]
        change = rng.choice(("cut", "double", "move", "piece", "piece", "character", "end"))
        if change == "cut":
            text = text[:a] + text[b:]
        elif change == "double":
            text = text[:b] + part + text[b:]
        elif change == "move":
            rest = text[:a] + text[b:]
            at = rng.randrange(len(rest) + 1)
            text = rest[:at] + part + rest[at:]
        elif change == "piece":
            text = f"{text[:a]} {rng.choice(pieces)} {text[b:]}"
        elif change == "character":
            text = text[:a] + chr(rng.choice((rng.randrange(128), rng.randrange(0x10000)))) + text[b:]
        elif rng.random() < 0.2:
            text = text[:a]
    return text


def outcome(language: Language, text: str) -> str:
    """What reading it comes to: "read" or "refused"; any other error comes through."""
    begun = time.process_time()
    try:
        language.read(text)
    except hb.FormatError as error:
        assert not language.placed or (error.line is not None and error.column is not None), str(error)
        assert len(str(error)) < 600, str(error)
        return "refused"
    finally:
        assert time.process_time() - begun < SECONDS, "too slow"
    return "read"


def main() -> None:
    """Mutate the texts until the time is up; print what came of it, by format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--texts", type=int, default=None, help="end after so many")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    every, end, done = languages(), time.monotonic() + given.seconds, 0
    found: dict[str, Counter[str]] = {name: Counter() for name in every}
    while time.monotonic() < end and (given.texts is None or done < given.texts):
        for name, language in every.items():
            rng = random.Random(f"{given.seed + done} {name}")
            text = mutated(rng.choice(language.texts), rng, language.pieces)
            try:
                found[name][outcome(language, text)] += 1
            except BaseException:
                again = f"python tests/core/fuzz_texts.py --texts 1 --seed {given.seed + done}"
                print(f"failed: {again}\n{name}: {text!r}", file=sys.stderr)
                raise
        done += 1
    for name, outcomes in found.items():
        print(f"{name:10} {outcomes.total():8} texts: {outcomes['read']} read, {outcomes['refused']} refused")


if __name__ == "__main__":
    main()
