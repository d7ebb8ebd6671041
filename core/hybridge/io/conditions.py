"""Conditions on classical bits, as the patterns at which they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

from hybridge.errors import CircuitError
from hybridge.operations.measuring import Patterns

MAX_BITS = 10  # of a condition that is put together from others
MAX_PATTERNS = 2**MAX_BITS


class Condition(NamedTuple):
    """The patterns of classical bits at which a statement acts; without bits, always."""

    bits: tuple[int, ...]
    allowed: Patterns


ALWAYS = Condition((), ((),))


def equals(bits: Sequence[int], number: int) -> Condition:
    """Where the bits, the first least significant, read this number."""
    pattern = tuple([number >> k & 1 for k in range(len(bits))])
    return Condition(tuple(bits), () if number >> len(bits) else (pattern,))


def where(bits: Sequence[int], holds: Callable[[int], bool]) -> Condition:
    """Where the number that the bits read, the first least significant, is one of which this holds."""
    _check_size(bits)
    numbers = [number for number in range(2 ** len(bits)) if holds(number)]
    return Condition(tuple(bits), tuple(tuple([n >> k & 1 for k in range(len(bits))]) for n in numbers))


def both(a: Condition, b: Condition) -> Condition:
    """Where both hold. Raises CircuitError where that takes too many patterns."""
    if not a.bits or not b.bits:
        return b if not a.bits else a
    if a.bits == b.bits:
        shared = set(b.allowed)
        return Condition(a.bits, tuple([p for p in a.allowed if p in shared]))
    bits = tuple(dict.fromkeys((*a.bits, *b.bits)))
    if len(a.allowed) * len(b.allowed) > MAX_PATTERNS:
        raise CircuitError(f"a condition with more than {MAX_PATTERNS} patterns of classical bits")
    found = []
    for first, second in product(a.allowed, b.allowed):
        read = dict(zip(a.bits, first, strict=True))
        if all(read.get(bit, value) == value for bit, value in zip(b.bits, second, strict=True)):
            read |= dict(zip(b.bits, second, strict=True))
            found.append(tuple([read[bit] for bit in bits]))
    return Condition(bits, tuple(found))


def opposite(a: Condition) -> Condition:
    """Where it does not hold. Raises CircuitError where it is about too many bits."""
    _check_size(a.bits)
    allowed = set(a.allowed)
    return Condition(a.bits, tuple(p for p in product((0, 1), repeat=len(a.bits)) if p not in allowed))


def either(a: Condition, b: Condition) -> Condition:
    """Where one of them holds, or both."""
    return opposite(both(opposite(a), opposite(b)))


def differ(a: Condition, b: Condition) -> Condition:
    """Where one of them holds, and not both."""
    return either(both(a, opposite(b)), both(opposite(a), b))


def _check_size(bits: Sequence[int]) -> None:
    if len(bits) > MAX_BITS:
        raise CircuitError(f"a condition on {len(bits)} bits together; at most {MAX_BITS} are read")
