"""Measurements inside a circuit in Qiskit's terms: where bits are, and conditions on them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import reduce
from typing import NamedTuple

from qiskit.circuit import Clbit
from qiskit.circuit.classical import expr

from hybridge.plugin import Bit
from hybridge_qiskit.translate import Gate, When


class Places(NamedTuple):
    """The wires measured at the end, and for each sample the classical bits of what it reads."""

    wires: list[int]
    bits: tuple[list[int], ...]


def num_bits(gates: Sequence[Gate]) -> int:
    """How many classical bits the measurements inside write: the first ones of the circuit."""
    return max((g.bit for g in gates), default=-1) + 1


def places_of(gates: Sequence[Gate], read: Sequence[Sequence[Hashable]]) -> Places:
    """The classical bits of what is read, wires and Bits; those of wires come after those written inside."""
    first = num_bits(gates)
    wires = list(dict.fromkeys(w for those in read for w in those if isinstance(w, int)))
    bits = {w: first + i for i, w in enumerate(wires)}
    return Places(wires, tuple([w.index if isinstance(w, Bit) else bits[w] for w in those] for those in read))


def condition(when: When, clbits: Sequence[Clbit]) -> expr.Expr:
    """That the bits read one of the patterns, as a logical expression of them: or of and of each bit."""
    if not when.allowed:
        return expr.lift(False)
    return reduce(expr.logic_or, [_pattern(when.bits, p, clbits) for p in when.allowed])


def _pattern(bits: Sequence[int], pattern: Sequence[int], clbits: Sequence[Clbit]) -> expr.Expr:
    literals = [expr.lift(clbits[b]) for b in bits]
    signed = [e if value else expr.logic_not(e) for e, value in zip(literals, pattern, strict=True)]
    return reduce(expr.logic_and, signed) if signed else expr.lift(True)
