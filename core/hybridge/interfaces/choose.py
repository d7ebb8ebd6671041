"""Which library a number belongs to, told from its type without importing the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hybridge.errors import CircuitError
from hybridge.interfaces import autograd_
from hybridge.interfaces.rows import PLAIN

# top-level module of a traced number's type -> how its library calls a plan
CALLS: dict[str, Callable[..., Any]] = {"autograd": autograd_.call}
INTERFACES = ("auto", "autograd", None)


def check_interface(interface: str | None) -> str | None:
    """The interface, if it is one; None means plain numbers only."""
    if interface not in INTERFACES:
        raise CircuitError(
            f"interface {interface!r} is not known; choose from {', '.join(map(repr, INTERFACES))}"
        )
    return interface


def library_call(numbers: Sequence[Any]) -> Callable[..., Any] | None:
    """The call of the library that traces one of the numbers; None where all are plain."""
    for x in numbers:
        if type(x) not in PLAIN:
            found = CALLS.get(type(x).__module__.partition(".")[0])
            if found is not None:
                return found
    return None
