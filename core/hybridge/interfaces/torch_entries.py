"""Tensors that know their entries' places: what a circuit function gets in place of a tensor.

A circuit takes most of its numbers as they stand in the arguments, `x[3]`, `w[0, 1]`, `x[:, 2]`. Each of
these is a step of torch's graph, which takes 10 us to differentiate. A Marked gives the same tensors, which
are in the graph as ever, and notes where in the argument they stand: a circuit that takes them untouched
depends on the argument itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

PLACE = "_hybridge_place"  # of an entry: the argument and where in it, flattened, the entry stands
MANY = 4096  # entries of one argument that are taken apart at once: a tenth of the time of one after another
BASIC = frozenset({int, slice, type(...)})


class _Argument:
    """An argument, and its entries once one is asked for."""

    __slots__ = ("_entries", "whole")

    def __init__(self, whole: torch.Tensor):
        self.whole = whole
        self._entries: Any = None

    def entry(self, place: int) -> torch.Tensor:
        if self.whole.numel() > MANY:
            return _placed(self.whole.reshape(-1)[place], self.whole, place)
        if self._entries is None:
            self._entries = self.whole.reshape(-1).unbind()
            for i, x in enumerate(self._entries):
                _placed(x, self.whole, i)
        return self._entries[place]


def _placed(entry: torch.Tensor, whole: torch.Tensor, place: int) -> torch.Tensor:
    entry.__dict__[PLACE] = whole, place
    return entry


class Marked(torch.Tensor):
    """An argument, or some entries of it, at `places` (their shape) of the flattened argument."""

    argument: _Argument
    places: np.ndarray

    # a torch function makes an ordinary tensor of it
    __torch_function__: Any = torch._C._disabled_torch_function_impl

    def __getitem__(self, at: Any) -> torch.Tensor:
        kind = type(at)
        if kind is not int and not BASIC.issuperset(map(type, at) if kind is tuple else (kind,)):
            return super().__getitem__(at)
        try:
            places = self.places[at]
        except IndexError:
            return super().__getitem__(at)  # torch's own error
        if type(places) is not np.ndarray:
            return self.argument.entry(int(places))
        return _marked(super().__getitem__(at), self.argument, places)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (self[i] for i in range(len(self)))


def _marked(x: torch.Tensor, argument: _Argument, places: np.ndarray) -> Marked:
    found = x.as_subclass(Marked)
    found.argument, found.places = argument, places
    return found


def marked(x: torch.Tensor) -> torch.Tensor:
    """The tensor as a circuit function gets it."""
    if not x.ndim or x.layout is not torch.strided or torch._C._are_functorch_transforms_active():
        return x
    return _marked(x, _Argument(x), np.arange(x.numel()).reshape(x.shape))


def place_of(x: torch.Tensor) -> tuple[torch.Tensor, Any] | None:
    """The argument that a tensor is of, and its place or places there; None for any other tensor."""
    if type(x) is Marked:
        return x.argument.whole, x.places
    return x.__dict__.get(PLACE)
