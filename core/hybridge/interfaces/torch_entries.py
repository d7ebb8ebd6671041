"""Tensors that know their entries' places: what a circuit function gets in place of a tensor.

A circuit takes most of its numbers as they stand in the arguments, `x[3]`, `w[0, 1]`, `x[:, 2]`. Each of
these is a step of torch's graph, which takes 10 us to differentiate. A Marked gives the same tensors, which
are in the graph as ever, and notes where in the argument they stand: a circuit that takes them untouched
depends on the argument itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        """The entry at this place of the flattened argument."""
        if self.whole.numel() > MANY:
            found = self.whole.reshape(-1)[place]
            found.__dict__[PLACE] = self.whole, place
            return found
        return self.entries[place]

    @property
    def entries(self) -> tuple[torch.Tensor, ...]:
        """All of them."""
        if self._entries is None:
            whole = self.whole
            self._entries = (whole if whole.ndim == 1 else whole.reshape(-1)).unbind()
            for i, x in enumerate(self._entries):
                x.__dict__[PLACE] = whole, i
        return self._entries


class Marked(torch.Tensor):
    """An argument, or some entries of it, at `places` (their shape) of the flattened argument."""

    argument: _Argument
    places: np.ndarray | None  # None: all of them, in order
    kept: dict[int, torch.Tensor]  # what was asked for along the first axis

    # a torch function makes an ordinary tensor of it
    __torch_function__: Any = torch._C._disabled_torch_function_impl

    def __getitem__(self, at: Any) -> torch.Tensor:
        kind = type(at)
        if kind is int:
            found = self.kept.get(at)
            if found is not None:
                return found
        elif not BASIC.issuperset(map(type, at) if kind is tuple else (kind,)):
            return super().__getitem__(at)
        try:
            places = _places(self)[at]
        except IndexError:
            return super().__getitem__(at)  # torch's own error
        if type(places) is not np.ndarray:
            if self.ndim == 1 and not self.kept and self.argument.whole.numel() <= MANY:
                every = self.argument.entries
                self.kept.update(enumerate([every[place] for place in _places(self).tolist()]))
            return self.argument.entry(int(places))
        found = _marked(super().__getitem__(at), self.argument, places)
        if kind is int:
            self.kept[at] = found
        return found

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (self[i] for i in range(len(self)))


def _places(x: Marked) -> np.ndarray:
    if x.places is None:
        x.places = np.arange(x.numel()).reshape(x.shape)
    return x.places


def _marked(x: torch.Tensor, argument: _Argument, places: np.ndarray | None) -> Marked:
    found = x.as_subclass(Marked)
    found.argument, found.places, found.kept = argument, places, {}
    return found


def marked(x: torch.Tensor) -> torch.Tensor:
    """The tensor as a circuit function gets it."""
    if not x.ndim or x.layout is not torch.strided or torch._C._are_functorch_transforms_active():
        return x
    return _marked(x, _Argument(x), None)


def place_of(x: torch.Tensor) -> tuple[torch.Tensor, Any] | None:
    """The argument that a tensor is of, and its place or places there; None for any other tensor."""
    if type(x) is Marked:
        return x.argument.whole, _places(x)
    return x.__dict__.get(PLACE)


def entries_of_one(numbers: Sequence[Any]) -> tuple[torch.Tensor, list[int]] | None:
    """The argument that all of these are entries of, and their places there; None where they are not."""
    try:
        found = [x.__dict__[PLACE] for x in numbers]
    except (AttributeError, KeyError):  # a plain number, another tensor
        return None
    whole = found[0][0] if found else None
    for argument, _ in found:
        if argument is not whole:
            return None
    return None if whole is None else (whole, [place for _, place in found])
