"""What autograd's boxes lack before its release 1.9, to which other libraries may hold a user."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.numpy.numpy_boxes import ArrayBox

OPERATORS = ("__mul__", "__add__", "__sub__")
TRACED = {f.fun: f for f in vars(anp).values() if isinstance(getattr(f, "fun", None), np.ufunc)}


# of plain floats too, which have no attributes of that name
ATTRIBUTES = {"shape": anp.shape, "ndim": anp.ndim, "size": anp.size, "dtype": anp.result_type}


def _attribute(function: Callable[[Any], Any]) -> property:
    return property(lambda self: function(self._value))


def _leaving_observables(name: str) -> Any:
    """`theta * Z(0)` is to reach `Z(0).__rmul__(theta)`; such boxes multiply themselves, and fail."""
    own = getattr(ArrayBox, name)

    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if hasattr(other, "as_observable") else own(self, other)

    return functools.wraps(own)(operator)


def _through_autograd(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """numpy's own functions of boxes: autograd's of the same name."""
    if method != "__call__" or "out" in kwargs or ufunc not in TRACED:
        return NotImplemented
    return TRACED[ufunc](*inputs, **kwargs)


def complete() -> None:
    """Give the boxes of an older autograd what those of 1.9 have."""
    if hasattr(ArrayBox, "__array_ufunc__"):
        return
    for name in OPERATORS:
        setattr(ArrayBox, name, _leaving_observables(name))
    for name, function in ATTRIBUTES.items():
        setattr(ArrayBox, name, _attribute(function))
    ArrayBox.__array_ufunc__ = _through_autograd
