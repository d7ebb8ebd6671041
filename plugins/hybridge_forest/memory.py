"""What a Quil program declares: the places of its memory, in the order of its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hybridge.plugin import CircuitError

MAX_PLACES = 2**16
Place = tuple[str, int]
_DECLARED = re.compile(r"^\s*DECLARE\s+([^\s\[]+)|;\s*DECLARE\s+([^\s\[]+)", re.MULTILINE)


class Memory:
    """Places by kind, and for those of shared memory whose they are. Raises CircuitError.

    bits   the place of each classical bit: its number
    reals  the place of each number: its name, `theta[0]`
    """

    def __init__(self, declarations: Iterable[Any], text: str):
        names = [a or b for a, b in _DECLARED.findall(text)]
        order = {name: k for k, name in enumerate(names)}
        for k, name in enumerate(names):
            if order[name] != k:
                raise CircuitError(f"memory {name} is declared twice")
        # pyQuil keeps declarations in an order that differs from run to run
        found = sorted(declarations, key=lambda d: (order.get(d.name, len(order)), d.name))
        if sum(d.memory_size for d in found) > MAX_PLACES:
            raise CircuitError(f"memory of more than {MAX_PLACES} places is not read")
        own = {d.name: (d.memory_type, d.memory_size) for d in found if not d.shared_region}
        self._sizes = {d.name: d.memory_size for d in found}
        self._shared = {d.name: _shared(d, own) for d in found if d.shared_region}
        places = [(name, kind, k) for name, (kind, size) in own.items() for k in range(size)]
        bits = ((name, k) for name, kind, k in places if kind == "BIT")
        self.bits: dict[Place, int] = {place: i for i, place in enumerate(bits)}
        self.reals = {(name, k): f"{name}[{k}]" for name, kind, k in places if kind == "REAL"}

    def place(self, name: str, offset: int) -> Place:
        """The place itself: that of the memory that a shared one is a part of."""
        if name not in self._shared or offset >= self._sizes[name]:
            return name, offset
        whole, begins = self._shared[name]
        return whole, begins + offset


def _shared(declaration: Any, own: Mapping[str, tuple[str, int]]) -> Place:
    """Where in other memory this one begins: it must be of the same kind, and inside."""
    kind, length = own.get(declaration.shared_region, ("", 0))
    begins = sum(offset for offset, _ in declaration.offsets)
    same = {kind} == {declaration.memory_type, *(of for _, of in declaration.offsets)}
    if not same or begins + declaration.memory_size > length:
        raise CircuitError(
            f"{declaration.name} shares {declaration.shared_region}, which is not read: "
            "memory shared is a part of other memory, of the same kind, that shares none itself"
        )
    return declaration.shared_region, begins
