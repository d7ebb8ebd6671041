"""Measured values: what hb.measure returns, what hb.cond acts on, and what expval, sample and counts read."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Sequence
from itertools import product
from numbers import Real
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.observables.qubit import MatrixObservable, diagonal
from hybridge.operations.measuring import Bit, Pattern, Patterns, condition, conditional, mid_measure
from hybridge.operations.table import Applied, as_wires, derive
from hybridge.recording import record, recorder

MAX_BITS = 16  # of one value: its table has an entry for each of their patterns


class _Branches(threading.local):
    tapes: tuple[Any, ...] = ()  # the recordings around a branch of hb.cond that is being recorded


_around = _Branches()


def _operator(function: Callable[..., Any]) -> Callable[..., MeasuredValue]:
    return lambda self, *others: self.apply(function, *others)


def _reflected(function: Callable[..., Any]) -> Callable[..., MeasuredValue]:
    return lambda self, other: self.apply(lambda a, b: function(b, a), other)


def _and(a: Any, b: Any) -> bool:
    return bool(a) and bool(b)


def _or(a: Any, b: Any) -> bool:
    return bool(a) or bool(b)


def _xor(a: Any, b: Any) -> bool:
    return bool(a) != bool(b)


class MeasuredValue:
    """The outcome of measurements inside a circuit, or a function of them: a number for each pattern of bits.

    `bits` are the classical bits it depends on; `values` its value at each pattern of them, the first bit
    most significant. Arithmetic (+ - * / // % **), comparison and logic (& | ^ ~) with numbers and with each
    other give another; `hb.cond` acts on it. It belongs to the circuit that measured it: CircuitError
    elsewhere.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit():
    ...     hb.H(0)
    ...     first, second = hb.measure(0), hb.measure(1)
    ...     return hb.expval(first), hb.probs([first, second]), hb.var(2 * first - second)
    >>> [x.round(6).tolist() for x in circuit()]
    [0.5, [0.5, 0.0, 0.5, 0.0], 1.0]
    """

    __slots__ = ("_tape", "bits", "values")
    __array_ufunc__ = None  # numpy's numbers leave arithmetic to it

    def __init__(self, bits: tuple[int, ...], values: tuple[Any, ...], tape: Any):
        self.bits, self.values, self._tape = bits, values, tape

    @property
    def allowed(self) -> Patterns:
        """The patterns of the bits at which the value is not zero."""
        patterns = product((0, 1), repeat=len(self.bits))
        return tuple(p for p, value in zip(patterns, self.values, strict=True) if value)

    def as_observable(self) -> MatrixObservable:
        """The value as an observable of its bits. CircuitError outside the circuit that measured it."""
        self.check_at_home()
        return diagonal([float(v) for v in self.values], tuple(map(Bit, self.bits)))

    def check_at_home(self) -> None:
        """Raise CircuitError unless the circuit that measured it is being recorded."""
        tapes = (recorder.tape, *_around.tapes)
        if recorder.tape is None or not any(tape is self._tape for tape in tapes):
            raise CircuitError(
                f"{self!r} was measured in another circuit, or in another call of this one; use a measured "
                "value inside the function that measures it, with hb.cond around hb.adjoint and hb.ctrl"
            )

    @property
    def one_bit(self) -> Bit | None:
        """The bit that it is, where it is the outcome of one measurement and no function of it."""
        return Bit(self.bits[0]) if len(self.bits) == 1 and self.values == (0, 1) else None

    def apply(self, function: Callable[..., Any], *others: Any) -> MeasuredValue:
        """function(value, *others) at each pattern of the bits of all."""
        everyone = [self, *others]
        measured = [v for v in everyone if isinstance(v, MeasuredValue)]
        if any(v._tape is not self._tape for v in measured):
            raise CircuitError("values measured in different circuits, or calls of one, do not go together")
        for other in others:
            if not isinstance(other, (MeasuredValue, Real)):
                raise CircuitError(f"a measured value goes with plain numbers and its like; got {other!r}")
        bits = tuple(dict.fromkeys(bit for v in measured for bit in v.bits))
        if len(bits) > MAX_BITS:
            raise CircuitError(
                f"a measured value of {len(bits)} bits: one may have {MAX_BITS}; measure sums of fewer"
            )
        return MeasuredValue(bits, tuple(_table(function, everyone, bits)), self._tape)

    def at(self, read: dict[int, int]) -> Any:
        """The value where the bits read so."""
        place = 0
        for bit in self.bits:
            place = 2 * place + read[bit]
        return self.values[place]

    def __matmul__(self, other: Any) -> Any:
        raise CircuitError(
            f"a measured value has no product with {other!r}: it is a number known when the circuit has run; "
            "return the expval of each, or apply a gate under hb.cond"
        )

    __rmatmul__ = __matmul__

    def __bool__(self) -> bool:
        raise CircuitError(
            "a measured value is not known while the circuit is recorded; use hb.cond(value, operation) in "
            "place of `if`, and & | ~ in place of `and`, `or`, `not`"
        )

    __add__, __radd__ = _operator(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _operator(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _operator(operator.mul), _reflected(operator.mul)
    __truediv__, __rtruediv__ = _operator(operator.truediv), _reflected(operator.truediv)
    __floordiv__, __rfloordiv__ = _operator(operator.floordiv), _reflected(operator.floordiv)
    __mod__, __rmod__ = _operator(operator.mod), _reflected(operator.mod)
    __pow__, __rpow__ = _operator(operator.pow), _reflected(operator.pow)
    __and__, __rand__ = _operator(_and), _reflected(_and)
    __or__, __ror__ = _operator(_or), _reflected(_or)
    __xor__, __rxor__ = _operator(_xor), _reflected(_xor)
    __lt__, __le__ = _operator(operator.lt), _operator(operator.le)
    __gt__, __ge__ = _operator(operator.gt), _operator(operator.ge)
    __neg__, __invert__ = _operator(operator.neg), _operator(operator.not_)

    def __repr__(self) -> str:
        return f"MeasuredValue(bits={list(self.bits)}, values={list(self.values)})"


# comparison that object has too, and differently
for _name, _function in {"__eq__": operator.eq, "__ne__": operator.ne}.items():
    setattr(MeasuredValue, _name, _operator(_function))


def _table(function: Callable[..., Any], parts: Sequence[Any], bits: tuple[int, ...]) -> Any:
    for pattern in product((0, 1), repeat=len(bits)):
        read = dict(zip(bits, pattern, strict=True))
        given = [p.at(read) if isinstance(p, MeasuredValue) else p for p in parts]
        try:
            found = float(function(*given))
        except (ArithmeticError, TypeError) as error:
            raise CircuitError(f"a measured value where the bits are {list(pattern)}: {error}") from error
        if not np.isfinite(found):
            raise CircuitError(f"a measured value where the bits are {list(pattern)} is {found}")
        yield int(found) if found.is_integer() else found


def measured_bits(things: Any) -> tuple[Bit, ...] | None:
    """The bits of measured values, one or several; None for what is none.

    Raises CircuitError for several that are not outcomes as they are, and for other things among them.
    """
    if isinstance(things, MeasuredValue):
        things.check_at_home()
        return tuple(map(Bit, things.bits))
    if not isinstance(things, (list, tuple)) or not any(isinstance(x, MeasuredValue) for x in things):
        return None
    bits: list[Bit] = []
    for x in things:
        bit = x.one_bit if isinstance(x, MeasuredValue) else None
        if bit is None:
            raise CircuitError(
                f"a list of measured values has outcomes of hb.measure as they are; got {x!r} in it: "
                "measure a function of outcomes by itself"
            )
        x.check_at_home()
        bits.append(bit)
    return tuple(bits)


def measure(wires: Any, reset: bool = False, postselect: int | None = None) -> MeasuredValue:
    """Measure a wire inside a circuit, in the computational basis; `reset` leaves it in |0>.

    `postselect` keeps only the runs in which the outcome is this, 0 or 1: results are those of what is left.
    Returns the outcome, a MeasuredValue, which hb.cond acts on and expval, var, probs, sample and counts
    read. Raises CircuitError outside a circuit and for more wires than one.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit():
    ...     hb.H(0)
    ...     outcome = hb.measure(0)
    ...     hb.cond(outcome, hb.X)(1)
    ...     return hb.probs(wires=[0, 1])
    >>> circuit().round(6)
    array([0.5, 0. , 0. , 0.5])
    """
    tape = recorder.tape
    if tape is None:
        raise CircuitError("measure was called outside a circuit; call it inside a function with @hb.qnode")
    named = as_wires(wires)
    if len(named) != 1:
        raise CircuitError(f"measure takes one wire; got {list(named)!r}")
    if not (postselect is None or (isinstance(postselect, (int, np.integer)) and postselect in (0, 1))):
        raise CircuitError(f"measure: postselect is 0, 1 or None; got {postselect!r}")
    if not (isinstance(reset, (bool, np.bool_)) or (isinstance(reset, int) and reset in (0, 1))):
        raise CircuitError(f"measure: reset is True or False; got {reset!r}")
    bit = sum(applied.operation.kind == "measure" for applied in tape)
    derive(mid_measure, bit, bool(reset), None if postselect is None else int(postselect))(wires=named)
    return MeasuredValue((bit,), (0, 1), tape)


def cond(
    condition: Any,
    true_fn: Callable[..., Any] | None = None,
    false_fn: Callable[..., Any] | None = None,
    elifs: Any = (),
) -> Callable[..., Any]:
    """The function that applies `true_fn` where the measured value `condition` is not 0, else `false_fn`.

    `elifs` are pairs (value, function), or one, tried in their order before `false_fn`. Functions are gates,
    `hb.cond(m, hb.X)(wires=0)`, or functions that apply gates; all get the same arguments. Without `true_fn`
    it is a decorator. Raises CircuitError for what is no measured value, for a function that does other
    things than applying gates, and for gates on light.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(x):
    ...     hb.RY(x, wires=0)
    ...     hb.cond(hb.measure(0), hb.RX, false_fn=hb.RY)(x, wires=1)
    ...     return hb.expval(hb.X(1))
    >>> round(float(circuit(0.6)), 6)  # cos(0.3)**2 * sin(0.6)
    0.515331
    """
    pairs = [elifs] if isinstance(elifs, tuple) and len(elifs) == 2 and callable(elifs[1]) else list(elifs)
    if true_fn is None:
        return lambda function: cond(condition, function, false_fn, pairs)
    for value in (condition, *(pair[0] for pair in pairs)):
        if not isinstance(value, MeasuredValue):
            raise CircuitError(
                f"cond acts on a measured value, what hb.measure returns; got {value!r}: of what is known "
                "already, use Python's `if`"
            )
        value.check_at_home()
    for function in (true_fn, *(pair[1] for pair in pairs), *([] if false_fn is None else [false_fn])):
        if not callable(function):
            raise CircuitError(f"cond takes functions, such as hb.X in hb.cond(m, hb.X)(0); got {function!r}")

    def conditioned(*args: Any, **kwargs: Any) -> None:
        left: MeasuredValue | None = None  # where no branch was taken yet
        for value, function in ((condition, true_fn), *pairs):
            _enter(value if left is None else left & value, function, args, kwargs)
            left = ~value if left is None else left & ~value
        if false_fn is not None and left is not None:
            _enter(left, false_fn, args, kwargs)

    return conditioned


def _enter(value: MeasuredValue, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """What the function applies, where the value is not 0."""
    value.check_at_home()
    around = _around.tapes
    _around.tapes = (recorder.tape, *around)
    try:
        tape, returned = record(function, *args, **kwargs)
    finally:
        _around.tapes = around
    if not (returned is None or isinstance(returned, (Applied, list))):
        raise CircuitError(
            f"a function under hb.cond applies gates and returns nothing; got {returned!r}: what is measured "
            "at the end is the circuit's, whatever the bits"
        )
    for applied in tape:
        _apply(applied, value)


def _apply(applied: Applied, value: MeasuredValue) -> None:
    row, under = applied.operation, value
    if row.kind == "conditional":  # one hb.cond in another
        row, bits, allowed = condition(row)
        under = value & _indicator(bits, allowed, value)
    if row.kind == "marker":
        row(*applied.params, wires=applied.wires)
        return
    if row.kind != "gate" or row.domain != "qubit":
        what = "of light" if row.domain == "cv" else f"a {row.kind}"
        raise CircuitError(f"{applied!r} under hb.cond is {what}: only gates on qubits can be conditional")
    derive(conditional, row, under.bits, under.allowed)(*applied.params, wires=applied.wires)


def _indicator(bits: tuple[int, ...], allowed: Patterns, like: MeasuredValue) -> MeasuredValue:
    """1 where the bits read one of the patterns."""
    every: list[Pattern] = list(product((0, 1), repeat=len(bits)))
    return MeasuredValue(bits, tuple(int(p in allowed) for p in every), like._tape)
