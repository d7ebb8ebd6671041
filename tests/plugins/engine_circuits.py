"""Random qubit circuits over the whole table, and the engines that must agree on them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import numpy as np

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.conformance import reference
from hybridge.execution import Plan
from hybridge.operations.derived import adjoint_row, controlled, power
from hybridge.plugin import FAMILIES, ROWS, Operation
from hybridge_default.qubit import DefaultQubit
from hybridge_default.qubit_numpy import PlainQubit

FAST, PLAIN = DefaultQubit(), PlainQubit()
MAX_REFERENCE_WIRES = 5  # of matrices over all wires: 1024 entries each


def table() -> list[Operation]:
    """Every qubit gate: the table's rows, the families' examples, and rows derived from those, twice over."""
    rows = [r for r in ROWS.values() if r.domain == "qubit"]
    rows += [f.of(n, *c) for f in FAMILIES.values() if f.domain == "qubit" for n, c in f.examples]
    rows = [r for r in rows if r.kind == "gate"]
    narrow = [r for r in rows if 0 < r.num_wires <= 2]
    derived = [f(r) for r in rows for f in (adjoint_row, lambda r: power(r, 2), lambda r: power(r, -1))]
    derived += [power(r, 0.37) for r in rows if r.definition is not None]
    under = [controlled(r, values) for r in narrow for values in ((1,), (0,), (0, 1))]
    return [
        *rows,
        *derived,
        *under,
        *map(adjoint_row, under[::3]),
        *(controlled(r, (1, 1)) for r in under[::7]),
    ]


def smooth(row: Operation) -> bool:
    """Whether the row has a derivative everywhere: a principal branch has none where it jumps."""
    return all(s is not None or p in row.exponent for p, s in zip(row.params, row.spectrum, strict=True))


TABLE = table()
SMOOTH = [row for row in TABLE if smooth(row)]


def unitary(d: int, choose: Random) -> np.ndarray:
    rng = np.random.default_rng(choose.getrandbits(32))
    return np.linalg.qr(rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d)))[0]


def hermitian(d: int, choose: Random) -> np.ndarray:
    u = unitary(d, choose)
    return u + u.conj().T


# rows whose constants are drawn too, on k wires: (most wires, make)
DRAWN: tuple[tuple[int, Callable[[int, Random], Operation]], ...] = (
    (4, lambda k, c: FAMILIES["QubitUnitary"].of(k, unitary(2**k, c))),
    (5, lambda k, c: FAMILIES["DiagonalQubitUnitary"].of(k, np.exp(1j * np.angle(unitary(2**k, c)[0])))),
    (8, lambda k, c: FAMILIES["PauliRot"].of(k, "".join(c.choices("IXYZ", k=k)))),
    (8, lambda k, c: FAMILIES["MultiRZ"].of(k)),
    (4, lambda k, c: FAMILIES["PCPhase"].of(k, c.randrange(2**k + 1))),
    (4, lambda k, c: controlled(ROWS["RX"], c.choices((0, 1), k=max(1, k - 1)))),
)  # fmt: skip


def wires(k: int, n: int, choose: Random) -> tuple[int, ...]:
    return tuple(choose.sample(range(n), k))


def word(n: int, choose: Random) -> Any:
    found: Any = hb.I(choose.randrange(n))
    for w in range(n):
        letter = choose.choice("IIXYZ")
        found = found @ getattr(hb, letter)(w) if letter != "I" else found
    return found


def sentence(n: int, choose: Random) -> Any:
    terms = [choose.uniform(-1, 1) * word(n, choose) for _ in range(choose.randint(1, 5))]
    diagonal = sum(0.1 * (w + 1) * hb.Z(w) @ hb.Z((w + 1) % n) for w in range(n)) if n > 1 else hb.Z(0)
    return sum(terms, choose.choice((hb.Z(0), diagonal)))


def matrix(n: int, choose: Random) -> Any:
    k = choose.randint(1, min(n, 3))
    return hb.Hermitian(hermitian(2**k, choose), wires=wires(k, n, choose))


def projector(n: int, choose: Random) -> Any:
    on = wires(choose.randint(1, n), n, choose)
    return hb.Projector(choose.choices((0, 1), k=len(on)), wires=on)


OBSERVABLES = (word, sentence, matrix, projector)
MEASURES: dict[str, Callable[[int, Random], Measurement]] = {
    "expval": lambda n, choose: hb.expval(choose.choice(OBSERVABLES)(n, choose)),
    "var": lambda n, choose: hb.var(choose.choice(OBSERVABLES)(n, choose)),
    "probs": lambda n, choose: hb.probs(wires=wires(choose.randint(1, n), n, choose)),
    "state": lambda n, choose: hb.state(),
}
SLOPED = ("expval", "var", "probs")


class Case(NamedTuple):
    """A circuit on wires 0..n-1 and numbers for it, (B, P)."""

    circuit: Circuit
    params: np.ndarray


def prepared(n: int, choose: Random) -> list[Instruction]:
    """Mostly kets on all wires, up to four at a time, so that every entry counts; else a few bits."""
    if choose.random() < 0.2:
        on = wires(choose.randint(1, n), n, choose)
        return [Instruction(FAMILIES["BasisState"].of(len(on), choose.choices((0, 1), k=len(on))), on)]
    left, found = wires(n, n, choose), []
    while left:
        k = choose.randint(1, min(4, len(left)))
        found.append(Instruction(FAMILIES["StatePrep"].of(k, unitary(2**k, choose)[0]), left[:k]))
        left = left[k:]
    return found


def drawn(choose: Random, n: int, depth: int, rows: list[Operation], kinds: tuple[str, ...]) -> Case:
    """Preparations, gates in any order and one to three measurements of these kinds."""
    instructions = prepared(n, choose)
    fit = [row for row in rows if row.num_wires <= n]
    for _ in range(depth):
        if choose.random() < 0.2:
            most, make = choose.choice(DRAWN)
            row = make(choose.randint(1, min(n, most)), choose)
            if row.num_wires > n:
                continue
        else:
            row = choose.choice(fit)
        instructions.append(Instruction(row, wires(row.num_wires, n, choose)))
    measurements = tuple(MEASURES[choose.choice(kinds)](n, choose) for _ in range(choose.randint(1, 3)))
    circuit = Circuit(tuple(instructions), measurements, tuple(range(n)))
    rng = np.random.default_rng(choose.getrandbits(32))
    return Case(circuit, rng.normal(size=(choose.randint(1, 3), circuit.num_slots)) * 2)


def plan(circuit: Circuit, device: Any) -> Plan:
    return Plan(circuit, circuit, device, False)


def flat(values: Any, batch: int) -> np.ndarray:
    """Measurements side by side, (B, columns)."""
    return np.concatenate([np.reshape(v, (batch, -1)) for v in values], axis=1)


def values(case: Case, device: Any) -> np.ndarray:
    return flat(plan(case.circuit, device).run(case.params, None), len(case.params))


def by_reference(case: Case) -> np.ndarray:
    rows = [reference.evaluate(case.circuit, row.tolist()) for row in case.params]
    return np.concatenate([flat(found, 1) for found in rows])


def values_disagree(case: Case) -> float:
    """How far the engines are apart, against the largest value where it is above 1."""
    plain = values(case, PLAIN)
    found = [values(case, FAST)]
    if len(case.circuit.wires) <= MAX_REFERENCE_WIRES:
        found.append(by_reference(case))
    return max(np.abs(v - plain).max() for v in found) / max(1.0, np.abs(plain).max())


def slopes_disagree(case: Case) -> tuple[float, float]:
    """How far the kernels' derivatives are from shift rules on the numpy engine, where there are rules, and
    from differences of it, of order 8, elsewhere."""
    circuit, params = case
    fast, plain = plan(circuit, FAST), plan(circuit, PLAIN)
    rng = np.random.default_rng(1)
    cotangent = rng.normal(size=(len(params), sum(int(np.prod(s)) for s in fast.shapes(None))))
    found = fast.vjp(params, cotangent)
    spectra = [
        row.spectrum[row.params.index(p)]
        for row, p in [(circuit.instructions[i][0], p) for i, p in circuit.slots]
    ]
    ruled = [slot for slot, spectrum in enumerate(spectra) if spectrum is not None]
    worst, worst_other = 0.0, 0.0
    [rule] = plain.rule(tuple(ruled))
    if not len(rule.shifts):  # of gates that are the identity, or a phase
        worst = float(np.abs(found[:, ruled]).max(initial=0.0))
    else:
        shifted = (params[:, None, :] + rule.shifts).reshape(-1, params.shape[1])
        run = flat(plain.run(shifted, None), len(shifted)).reshape(len(params), len(rule.shifts), -1)
        exact = np.einsum("rp,brc,bc->bp", rule.weights, run, cotangent)
        worst = float(np.abs(found[:, ruled] - exact).max() / max(1.0, np.abs(exact).max()))
    for slot in sorted({*range(params.shape[1])} - {*ruled}):

        def moved(x: np.ndarray, slot: int = slot) -> np.ndarray:
            there = params.copy()
            there[:, slot] += x[0]
            return (flat(plain.run(there, None), len(there)) * cotangent).sum(axis=1)

        slope = reference.jacobian(moved, np.zeros(1))[:, 0]
        worst_other = max(worst_other, float(np.abs(found[:, slot] - slope).max()))
    return worst, worst_other
