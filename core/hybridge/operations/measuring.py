"""Measurement inside a circuit: the rows that measure a wire, and those that act where the outcomes allow.

The k-th measurement of a recording writes classical bit k. An operation that depends on bits keeps its own
wires and numbers; the bits, and the patterns of them at which it acts, are its constants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from hybridge.errors import CircuitError
from hybridge.operations.table import Operation, as_wires, derive
from hybridge.recording import record, recorder

Patterns = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Bit:
    """A classical bit where a wire may stand: in what a device is asked to sample, and in observables."""

    index: int


def mid_measure(bit: int, reset: bool, postselect: int | None) -> Operation:
    """The row that measures a wire into a classical bit, then resets the wire where asked."""
    return Operation(
        "MidMeasure",
        "qubit",
        1,
        kind="measure",
        mixed=True,
        constants=(bit, reset, postselect),
        formula="a measurement in the computational basis, its outcome kept as a classical bit",
        label="┤↗├" + ("|0⟩" if reset else ""),
    )


def conditional(base: Operation, bits: tuple[int, ...], allowed: Patterns) -> Operation:
    """The row that acts as `base` where the classical bits read one of the `allowed` patterns."""
    return Operation(
        f"Conditional({base.name})",
        base.domain,
        base.num_wires,
        base.params,
        "conditional",
        spectrum=base.spectrum,
        bounds=base.bounds,
        check=base.check,
        mixed=base.mixed,
        constants=(base, bits, allowed),
        formula=f"{base.name} where classical bits read an allowed pattern",
        label=base.label or base.name,
    )


class MeasuredValue:
    """The outcome of measurements inside a circuit, or a function of them: a number for each pattern of bits.

    `bits` are the classical bits it depends on; `values` its value at each pattern of them, the first bit
    most significant. Arithmetic and comparison give another; `hb.cond` acts on it.
    """

    __slots__ = ("bits", "values")

    def __init__(self, bits: tuple[int, ...], values: tuple[Any, ...]):
        self.bits, self.values = bits, values

    @property
    def allowed(self) -> Patterns:
        """The patterns of the bits at which the value is not zero."""
        patterns = product((0, 1), repeat=len(self.bits))
        return tuple(p for p, value in zip(patterns, self.values, strict=True) if value)

    def _with(self, other: Any, function: Callable[[Any, Any], Any]) -> MeasuredValue:
        if not isinstance(other, MeasuredValue):
            return MeasuredValue(self.bits, tuple(function(v, other) for v in self.values))
        bits = tuple(dict.fromkeys((*self.bits, *other.bits)))
        values = []
        for pattern in product((0, 1), repeat=len(bits)):
            read = dict(zip(bits, pattern, strict=True))
            values.append(function(self.at(read), other.at(read)))
        return MeasuredValue(bits, tuple(values))

    def at(self, read: dict[int, int]) -> Any:
        """The value where the bits read so."""
        place = 0
        for bit in self.bits:
            place = 2 * place + read[bit]
        return self.values[place]

    def __invert__(self) -> MeasuredValue:
        return MeasuredValue(self.bits, tuple(not v for v in self.values))

    def __bool__(self) -> bool:
        raise CircuitError(
            "a measured value is not known while the circuit is recorded; use hb.cond(value, operation) in "
            "place of `if`"
        )

    def __repr__(self) -> str:
        return f"MeasuredValue(bits={list(self.bits)}, values={list(self.values)})"


def _operator(function: Callable[[Any, Any], Any]) -> Callable[[MeasuredValue, Any], MeasuredValue]:
    return lambda self, other: self._with(other, function)


for _name, _function in {
    "__add__": lambda a, b: a + b,
    "__radd__": lambda a, b: b + a,
    "__sub__": lambda a, b: a - b,
    "__rsub__": lambda a, b: b - a,
    "__mul__": lambda a, b: a * b,
    "__rmul__": lambda a, b: b * a,
    "__truediv__": lambda a, b: a / b,
    "__and__": lambda a, b: bool(a) and bool(b),
    "__or__": lambda a, b: bool(a) or bool(b),
    "__xor__": lambda a, b: bool(a) != bool(b),
    "__eq__": lambda a, b: a == b,
    "__ne__": lambda a, b: a != b,
    "__lt__": lambda a, b: a < b,
    "__le__": lambda a, b: a <= b,
    "__gt__": lambda a, b: a > b,
    "__ge__": lambda a, b: a >= b,
}.items():
    setattr(MeasuredValue, _name, _operator(_function))


def measure(wires: Any, reset: bool = False, postselect: int | None = None) -> MeasuredValue:
    """Measure a wire inside a circuit, in the computational basis; `reset` leaves it in |0>.

    `postselect` keeps only the runs in which the outcome is this, 0 or 1. Returns the outcome, which hb.cond
    acts on and expval, var, probs, sample and counts read. Raises CircuitError outside a circuit.
    """
    tape = recorder.tape
    if tape is None:
        raise CircuitError("measure was called outside a circuit; call it inside a function with @hb.qnode")
    named = as_wires(wires)
    if len(named) != 1:
        raise CircuitError(f"measure takes one wire; got {list(named)!r}")
    if postselect not in (None, 0, 1):
        raise CircuitError(f"measure: postselect is 0, 1 or None; got {postselect!r}")
    bit = sum(applied.operation.kind == "measure" for applied in tape)
    derive(mid_measure, bit, bool(reset), None if postselect is None else int(postselect))(wires=named)
    return MeasuredValue((bit,), (0, 1))


def cond(
    condition: Any,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any] | None = None,
    elifs: Any = (),
) -> Callable[..., None]:
    """The function that applies `true_fn` where the measured value `condition` is not 0, else `false_fn`.

    `elifs` are pairs (value, function), tried in their order before `false_fn`.
    """
    branches = [(condition, true_fn), *elifs]
    remaining: MeasuredValue | None = None

    def conditioned(*args: Any, **kwargs: Any) -> None:
        left = remaining
        for value, function in branches:
            _enter(value if left is None else left & value, function, args, kwargs)
            left = ~value if left is None else left & ~value
        if false_fn is not None and left is not None:
            _enter(left, false_fn, args, kwargs)

    return conditioned


def _enter(value: MeasuredValue, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    tape, _ = record(function, *args, **kwargs)
    for applied in tape:
        if applied.operation.kind not in ("gate", "marker"):
            raise CircuitError(f"{applied!r} cannot be conditional: only gates can")
        row = applied.operation
        if row.kind == "gate":
            row = derive(conditional, row, value.bits, value.allowed)
        row(*applied.params, wires=applied.wires)
