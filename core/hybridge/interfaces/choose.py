"""Which library a number belongs to, told from its type without importing the library."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from hybridge.errors import CircuitError
from hybridge.interfaces import autograd_
from hybridge.interfaces.rows import PLAIN

# module of a traced number's type, or its top level -> the module that calls a plan for its library
LIBRARIES: dict[str, ModuleType] = {"autograd": autograd_, "hybridge.interfaces.entries": autograd_}
INTERFACES = ("auto", "autograd", None)


def check_interface(interface: str | None) -> str | None:
    """The interface, if it is one; None means plain numbers only."""
    if interface not in INTERFACES:
        raise CircuitError(
            f"interface {interface!r} is not known; choose from {', '.join(map(repr, INTERFACES))}"
        )
    return interface


def library(numbers: Sequence[Any]) -> ModuleType | None:
    """The module for the library that traces one of the numbers; None where all are plain."""
    for x in numbers:
        if type(x) not in PLAIN:
            module = type(x).__module__
            found = LIBRARIES.get(module) or LIBRARIES.get(module.partition(".")[0])
            if found is not None:
                return found
    return None
