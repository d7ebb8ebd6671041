"""The numbers of a static circuit while it is traced: entries of the arguments, scaled, shifted, added up.

Everything else that could be done with a number needs its value, which a trace has not: it is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from hybridge.errors import CircuitError
from hybridge.interfaces.gather import Gather
from hybridge.interfaces.rows import as_rows, real

OURS = ("hybridge", "numpy", "autograd")  # packages whose frames are not where the user's mistake is


class Symbols:
    """An array of numbers, or one number: sum_k scale[..., k] * flat[index[..., k]] + offset.

    index and scale are (*shape, K), offset (*shape); flat is the arguments' numbers one after another.
    """

    __slots__ = ("index", "offset", "scale")

    def __init__(self, index: np.ndarray, scale: np.ndarray, offset: np.ndarray):
        self.index, self.scale, self.offset = index, scale, offset

    @property
    def shape(self) -> tuple[int, ...]:
        return self.offset.shape

    @property
    def ndim(self) -> int:
        return self.offset.ndim

    @property
    def size(self) -> int:
        return self.offset.size

    @property
    def dtype(self) -> np.dtype:
        return self.offset.dtype

    @property
    def T(self) -> Symbols:
        return self.transpose()

    def __len__(self) -> int:
        return len(self.offset)

    def __getitem__(self, at: Any) -> Symbols:
        if type(at) is int and self.ndim:  # the usual case, five times sooner
            return Symbols(self.index[at], self.scale[at], np.asarray(self.offset[at]))
        places = np.arange(self.size).reshape(self.shape)[at]
        return self._picked(np.asarray(places))

    def __iter__(self) -> Iterator[Symbols]:
        if not self.ndim:
            _refuse("it goes through one of its numbers, or takes it for wires")
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> Symbols:
        return self._picked(np.arange(self.size).reshape(self.shape).reshape(*shape))

    def ravel(self) -> Symbols:
        return self.reshape(-1)

    flatten = ravel

    def transpose(self, *axes: Any) -> Symbols:
        return self._picked(np.arange(self.size).reshape(self.shape).transpose(*axes))

    def _picked(self, places: np.ndarray) -> Symbols:
        """The entries at these places of the flattened array."""
        terms = self.index.shape[-1]
        index, scale = self.index.reshape(self.size, terms), self.scale.reshape(self.size, terms)
        return Symbols(index[places], scale[places], np.asarray(self.offset.reshape(-1)[places]))

    def _spread(self, shape: tuple[int, ...]) -> Symbols:
        if shape == self.shape:
            return self
        return self._picked(np.broadcast_to(np.arange(self.size).reshape(self.shape), shape))

    def _scaled(self, factor: np.ndarray) -> Symbols:
        spread = self._spread(np.broadcast_shapes(self.shape, factor.shape))
        return Symbols(spread.index, spread.scale * factor[..., None], np.asarray(spread.offset * factor))

    def __neg__(self) -> Symbols:
        return self._scaled(np.array(-1.0))

    def __pos__(self) -> Symbols:
        return self

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Symbols):
            shape = np.broadcast_shapes(self.shape, other.shape)
            a, b = self._spread(shape), other._spread(shape)
            return Symbols(
                np.concatenate([a.index, b.index], axis=-1),
                np.concatenate([a.scale, b.scale], axis=-1),
                np.asarray(a.offset + b.offset),
            )
        number = _number(other)
        if number is None:
            return NotImplemented
        spread = self._spread(np.broadcast_shapes(self.shape, number.shape))
        return Symbols(spread.index, spread.scale, np.asarray(spread.offset + number))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        negative = -other if isinstance(other, Symbols) else _number(other)
        if negative is None:
            return NotImplemented
        return self + (negative if isinstance(other, Symbols) else -negative)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Symbols):
            _refuse("the product of two of its numbers is taken")
        factor = _number(other)
        return NotImplemented if factor is None else self._scaled(factor)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Symbols):
            _refuse("it divides by one of its numbers")
        divisor = _number(other)
        return NotImplemented if divisor is None else self._scaled(1 / divisor)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        operation = _UFUNCS.get(ufunc)
        if operation is None or method != "__call__" or options:
            _refuse(f"np.{ufunc.__name__} is taken of one of its numbers")
        return operation(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        operation = _FUNCTIONS.get(function)
        if operation is None:
            _refuse(f"np.{function.__name__} is taken of its numbers")
        return operation(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<static numbers of shape {self.shape}>" if self.shape else "<a static number>"


def _number(x: Any) -> np.ndarray | None:
    """x as an array of real numbers, None where it is something else."""
    if not isinstance(x, (int, float, np.ndarray, np.number, list, tuple)):
        return None
    array = np.asarray(x)
    return array if array.dtype.kind in "fiub" else None


_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: lambda a, b: a + b if isinstance(a, Symbols) else b + a,
    np.subtract: lambda a, b: a - b if isinstance(a, Symbols) else b.__rsub__(a),
    np.multiply: lambda a, b: a * b if isinstance(a, Symbols) else b * a,
    np.true_divide: lambda a, b: a / b if isinstance(a, Symbols) else b.__rtruediv__(a),
    np.negative: lambda a: -a,
    np.positive: lambda a: a,
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
    np.reshape: lambda a, shape: a.reshape(shape),
    np.ravel: lambda a: a.ravel(),
    np.transpose: lambda a, axes=None: a.transpose(axes),
}
# what Python and numpy ask of a number, and what it would mean
_REFUSED = {
    "__bool__": "it decides by one of its numbers",
    "__float__": "it takes the value of one of its numbers as a float",
    "__int__": "it takes the value of one of its numbers as an int",
    "__index__": "it counts or indexes by one of its numbers",
    "__complex__": "it takes the value of one of its numbers as a complex number",
    "__array__": "it puts its numbers into an array",
    "__hash__": "one of its numbers is a wire or a key",
    "__abs__": "abs is taken of one of its numbers",
    "__round__": "one of its numbers is rounded",
    **{f"__{c}__": "it compares one of its numbers" for c in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{f"__{r}pow__": "a power is taken of one of its numbers" for r in ("", "r")},
    **{f"__{r}mod__": "a remainder is taken of one of its numbers" for r in ("", "r")},
    **{f"__{r}floordiv__": "one of its numbers is divided to a whole" for r in ("", "r")},
    **{f"__{r}matmul__": "a matrix product is taken of its numbers" for r in ("", "r")},
    "__rtruediv__": "it divides by one of its numbers",
    **{
        name: f".{name}() is asked of its numbers"
        for name in ("astype", "copy", "dot", "item", "max", "mean", "min", "prod", "std", "sum", "tolist")
    },
}


def _refusing(what: str) -> Callable[..., NoReturn]:
    def refused(self: Symbols, *args: Any, **named: Any) -> NoReturn:
        _refuse(what)

    return refused


for _name, _what in _REFUSED.items():
    setattr(Symbols, _name, _refusing(_what))


def _refuse(what: str) -> NoReturn:
    """Raise CircuitError: what a static circuit does with its numbers, where, and what would work."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame = frame.f_back
    where = f"line {frame.f_lineno} of {Path(frame.f_code.co_filename).name}"
    raise CircuitError(
        f"a static circuit is recorded once, without the values of its numbers, but {what} ({where}); "
        "it may scale them by plain numbers, shift and add them (a * x + b): "
        "calculate the rest before the call, or use static=False"
    )


def symbols(shapes: Sequence[tuple[int, ...]]) -> list[Symbols]:
    """Leaves of these shapes as symbols, one after another."""
    found, start = [], 0
    for shape in shapes:
        index = np.arange(start, start + prod(shape)).reshape(*shape, 1)
        found.append(Symbols(index, np.ones(index.shape), np.zeros(shape)))
        start += prod(shape)
    return found


def gather_of(numbers: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> Gather:
    """How the numbers of a traced circuit follow from leaves of these shapes. Raises as_rows' errors."""
    found = [x if isinstance(x, Symbols) else real(x) for x in numbers]
    # says what is wrong with the shapes, and with numbers that are known
    rows, batched = as_rows([x.offset if isinstance(x, Symbols) else x for x in found])
    batch, width = rows.shape
    terms = max([x.index.shape[-1] for x in found if isinstance(x, Symbols)], default=0)
    index = np.zeros((batch, width, terms), dtype=np.intp)
    scale = np.zeros((batch, width, terms))
    for k, x in enumerate(found):
        if isinstance(x, Symbols):
            count = x.index.shape[-1]
            index[:, k, :count], scale[:, k, :count] = x.index, x.scale
    if terms != 1:
        return Gather(index, shapes, batched, scale, rows)
    index, scale = index[:, :, 0], scale[:, :, 0]
    if (scale == 1).all() and not rows.any():
        size = sum(map(prod, shapes))
        in_order = index.size == size and bool((index.ravel() == np.arange(size)).all())
        return Gather(index, shapes, batched, in_order=in_order)
    return Gather(index, shapes, batched, scale, rows)
