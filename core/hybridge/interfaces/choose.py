"""Which library's arrays a call's numbers are, told from their types without importing the library."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from hybridge.errors import CircuitError, MissingDependency
from hybridge.interfaces.rows import PLAIN
from hybridge.pytree import flatten

# what a library's arrays inherit from -> the library; the module here that calls a plan for it is named as
# it is, with an underscore, and imported when the first of its arrays comes along
LIBRARIES = {
    "autograd.tracer.Box": "autograd",
    "torch.Tensor": "torch",
    "hybridge.interfaces.tensorflow_entries.Entry": "tensorflow",
    "tensorflow.python.types.core.Tensor": "tensorflow",  # variables too, and Keras' of TensorFlow
    "jaxlib._jax.ArrayImpl": "jax",
    "jaxlib.xla_extension.ArrayImpl": "jax",  # before jax 0.6
    "jax._src.core.Tracer": "jax",
}
# whose module has `marked`, an array that knows its entries' places, and `plain`, the numbers of one
MARKED = frozenset({"tensorflow", "torch"})
UNMARKED = PLAIN | {np.ndarray}
INTERFACES = ("auto", *dict.fromkeys(LIBRARIES.values()), None)


def check_interface(interface: str | None) -> str | None:
    """The interface, if it is one; None means plain numbers only."""
    if interface not in INTERFACES:
        raise CircuitError(
            f"interface {interface!r} is not known; choose from {', '.join(map(repr, INTERFACES))}"
        )
    return interface


def keeps_plain(interface: str | None) -> bool:
    """Whether plain numbers give plain results: a library named gives its own arrays, and autograd's are
    numpy's."""
    return interface in ("auto", "autograd", None)


def library(numbers: Sequence[Any], interface: str | None = "auto") -> ModuleType | None:
    """The module for the library whose arrays are among the numbers; None where all are plain.

    Raises CircuitError where they are of two libraries, or of another than the interface names.
    """
    kinds = set(map(type, numbers))
    if interface is None or (keeps_plain(interface) and PLAIN.issuperset(kinds)):
        return None
    names = sorted({name for kind in kinds if (name := owner(kind)) is not None})
    if len(names) > 1:
        raise CircuitError(
            f"the parameters are arrays of {' and '.join(names)}; one call takes those of one library: "
            "convert the others, or split the model between two calls"
        )
    if interface != "auto" and names and names != [interface]:
        raise CircuitError(
            f"the parameters are arrays of {names[0]}, and the QNode was made with interface={interface!r}; "
            "use interface='auto'"
        )
    if not names:
        return None if keeps_plain(interface) else module_of(str(interface))
    return module_of(names[0])


def offered(args: Sequence[Any]) -> Sequence[Any]:
    """The arguments as a circuit function gets them: arrays whose library can do so know their entries."""
    if UNMARKED.issuperset(map(type, args)):  # nearly always
        return args
    kinds: list[type] = list(map(type, args))
    names = map(owner, kinds)
    return [module_of(n).marked(x) if n in MARKED else x for n, x in zip(names, args, strict=True)]


def slow(args: Iterable[Any], interface: str | None) -> ModuleType | None:
    """JAX's module where the arguments hold its arrays and no other's: to pick an entry takes 40 us."""
    if "jax" not in sys.modules or interface not in ("auto", "jax"):
        return None
    kinds: set[type] = {type(leaf) for x in args if type(x) not in UNMARKED for leaf in flatten(x)[0]}
    return module_of("jax") if {owner(kind) for kind in kinds} - {None} == {"jax"} else None


def values_of(numbers: Sequence[Any]) -> list[Any]:
    """The numbers for a look at them: of tensors that are differentiated their values."""
    kinds: list[type] = list(map(type, numbers))
    names = map(owner, kinds)
    return [module_of(n).plain(x) if n in MARKED else x for n, x in zip(names, numbers, strict=True)]


@lru_cache(maxsize=1024)
def owner(kind: type) -> str | None:
    """The library that arrays of this type belong to."""
    for parent in kind.__mro__:
        found = LIBRARIES.get(f"{parent.__module__}.{parent.__qualname__}")
        if found is not None:
            return found
    return None


@cache
def module_of(name: str) -> ModuleType:
    """The module here of a library, imported on first use. MissingDependency where that is not installed."""
    try:
        return importlib.import_module(f"hybridge.interfaces.{name}_")
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingDependency("", name, name, what=f"interface={name!r}") from error
