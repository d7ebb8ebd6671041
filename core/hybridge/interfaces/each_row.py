"""The numbers of all rows at once, while a function is mapped: what it does with one, it does in each row.

Where it cannot be so, a TypeError or an AttributeError says it, and the function is recorded row by row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import autograd.numpy as anp
import numpy as np

from hybridge.interfaces.choose import owner

# functions of numbers, entry by entry, that numpy and torch call by these names
ELEMENTWISE = frozenset(
    "abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh acos asin atan atan2 cos cosh "
    "cbrt deg2rad divide exp exp2 expm1 fabs hypot log log10 log1p log2 maximum minimum mul multiply "
    "negative positive pow power rad2deg reciprocal remainder sigmoid sign sin sinh sqrt square sub subtract "
    "tan tanh true_divide".split()
)
PLACES = (int, np.integer, slice, type(None), type(Ellipsis))


class EachRow:
    """An array (shape) of each row, as one array `value` (B, *shape), plain or traced.

    `rows` is False for what all rows share, whose value is (1, *shape).
    """

    __slots__ = ("rows", "value")
    __hash__: Any = None

    def __init__(self, value: Any, rows: bool):
        self.value, self.rows = value, rows

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)[1:]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def number(self) -> Any:
        """As a number of the circuit: (B,), or one number where all rows share it."""
        return self.value if self.rows else self.value[0]

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a number of each row has no length")
        return self.shape[0]

    def __getitem__(self, at: Any) -> EachRow:
        places = at if isinstance(at, tuple) else (at,)
        # several lists or arrays of places may put their axes in front of the rows'
        if len(places) > 1 and not all(isinstance(place, PLACES) for place in places):
            raise TypeError("only one list of places is taken in each row")
        return EachRow(self.value[(slice(None), *places)], self.rows)

    def __iter__(self) -> Iterator[EachRow]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> EachRow:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return EachRow(self.value.reshape((self.value.shape[0], *wanted)), self.rows)

    def ravel(self) -> EachRow:
        return self.reshape(-1)

    flatten = ravel

    def sum(self, axis: int | None = None) -> EachRow:
        whole = self.ravel() if axis is None else self
        return EachRow(whole.value.sum(-1 if axis is None else axis + 1 if axis >= 0 else axis), self.rows)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> EachRow:
        if method != "__call__" or options or ufunc.__name__ not in ELEMENTWISE:
            raise TypeError(f"np.{ufunc.__name__} is not taken of each row")
        return _applied(getattr(anp, ufunc.__name__), inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        taken = FUNCTIONS.get(function)
        if taken is None or not isinstance(args[0], EachRow):
            raise TypeError(f"np.{function.__name__} is not taken of each row")
        return taken(*args, **kwargs)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> EachRow:
        if kwargs or function.__name__ not in ELEMENTWISE:
            raise TypeError(f"torch.{function.__name__} is not taken of each row")
        return _applied(function, args)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
    np.sum: EachRow.sum,
    np.reshape: EachRow.reshape,
    np.ravel: EachRow.ravel,
}


def _applied(function: Callable[..., Any], inputs: Any) -> EachRow:
    """A function taken entry by entry: the axes of each row are aligned from the last, as numpy's are."""
    ndim = max(np.ndim(x) for x in inputs)
    values, rows = [], False
    for x in inputs:
        if isinstance(x, EachRow):
            rows |= x.rows
            x = x.reshape((1,) * (ndim - x.ndim) + x.shape).value if x.ndim < ndim else x.value
        values.append(x)
    return EachRow(function(*values), rows)


def _operand(x: Any) -> bool:
    """Whether x is a number or an array; an observable, for one, knows itself what to do with a number."""
    kind: type = type(x)
    return isinstance(x, (EachRow, int, float, np.ndarray, np.number)) or owner(kind) is not None


def _binary(function: Callable[..., Any], swapped: bool) -> Callable[[EachRow, Any], Any]:
    def applied(self: EachRow, other: Any) -> Any:
        if not _operand(other):
            return NotImplemented
        return _applied(function, (other, self) if swapped else (self, other))

    return applied


def _unary(function: Callable[..., Any]) -> Callable[[EachRow], EachRow]:
    return lambda self: EachRow(function(self.value), self.rows)


def _needs_values(self: EachRow, *others: Any) -> NoReturn:
    raise TypeError("the value of a number is asked for, which differs from row to row")


for _name in ("add", "sub", "mul", "truediv", "pow", "mod"):
    setattr(EachRow, f"__{_name}__", _binary(getattr(operator, _name), False))
    setattr(EachRow, f"__r{_name}__", _binary(getattr(operator, _name), True))
for _name in ("neg", "pos", "abs"):
    setattr(EachRow, f"__{_name}__", _unary(getattr(operator, _name)))
for _name in ("bool", "float", "int", "index", "complex", "array", "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(EachRow, f"__{_name}__", _needs_values)
