"""How a QNode differentiates: the method by its name, its options, and what it may fall back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from hybridge.errors import CircuitError

# name -> the options it takes
METHODS: dict[str | None, frozenset[str]] = {
    "best": frozenset(),
    "adjoint": frozenset(),
    "device": frozenset(),
    "parameter-shift": frozenset(),
    "finite-diff": frozenset(),
    None: frozenset(),
}
OWN = ("best", "adjoint", "device")  # methods that use the device's own derivatives
FALLBACKS = (None, "finite-diff")


class Method(NamedTuple):
    """A method, hashable: rules are cached by it. `fallback` is used where there is no exact rule."""

    name: str | None = "best"
    fallback: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def own(self) -> bool:
        """Whether the device's own derivatives are used where it has them."""
        return self.name in OWN

    @property
    def must_own(self) -> bool:
        """Whether nothing but the device's own derivatives will do."""
        return self.name in ("adjoint", "device")

    def option(self, name: str, default: Any) -> Any:
        """The option of this name, or the default."""
        return dict(self.options).get(name, default)


BEST = Method()


def method(
    name: str | None, gradient_kwargs: Mapping[str, Any] | None = None, fallback: str | None = None
) -> Method:
    """The method of a QNode's arguments. Raises CircuitError for a name or an option that there is not."""
    if name not in METHODS:
        raise CircuitError(f"diff_method {name!r} is not known; choose from {_listed(METHODS)}")
    if fallback not in FALLBACKS:
        raise CircuitError(f"fallback {fallback!r} is not known; choose from {_listed(FALLBACKS)}")
    options = dict(gradient_kwargs or {})
    for option in options:
        if option not in METHODS[name]:
            known = f"it takes {_listed(sorted(METHODS[name]))}" if METHODS[name] else "it takes none"
            raise CircuitError(f"diff_method {name!r} has no option {option!r} in gradient_kwargs; {known}")
    return Method(name, fallback, tuple(sorted((k, _frozen(v)) for k, v in options.items())))


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names))


def _frozen(value: Any) -> Any:
    """The value in a form that can be hashed: sequences and arrays as tuples, mappings as pairs."""
    if isinstance(value, Mapping):
        return tuple((k, _frozen(v)) for k, v in value.items())
    if isinstance(value, np.ndarray):
        return _frozen(value.tolist())
    return tuple(_frozen(v) for v in value) if isinstance(value, (list, tuple)) else value
