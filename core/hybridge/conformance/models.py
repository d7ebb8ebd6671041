"""What the items run over: sample circuits, measurements, and labels of wires."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

Circuits = Callable[..., Any]


class Model(NamedTuple):
    """A circuit function of numbers x and wires w, a point (n,) to run it at, and how many wires it takes."""

    name: str
    function: Callable[[Any, Sequence[Hashable]], Any]
    point: tuple[float, ...]
    num_wires: int

    def __str__(self) -> str:
        return self.name

    def on(self, wires: Sequence[Hashable]) -> Circuits:
        """The function of the numbers alone."""
        return lambda x: self.function(x, wires)


class Sampled(NamedTuple):
    """A measurement of wires w, to be compared with its statistics."""

    name: str
    measure: Callable[[Sequence[Hashable]], Any]

    def __str__(self) -> str:
        return self.name


class Labels(NamedTuple):
    """A device's wires."""

    name: str
    wires: tuple[Hashable, ...]

    def __str__(self) -> str:
        return self.name


LABELS = (
    Labels("strings", ("b", "a", "c", "aa", "0")),
    Labels("mixed", ("ancilla", 7, "0", 0, -3)),
    Labels("reversed", (4, 3, 2, 1, 0)),
)
