"""How a QNode differentiates: the method by its name, its options, and what it may fall back to."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np

from hybridge.errors import CircuitError

Option = Callable[[Any], Any]  # the value, hashable; ValueError or TypeError, which says what it must be


def _positive(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not 0 < number < math.inf:
        raise ValueError("a number > 0")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError("a whole number >= 1")
    return int(value)


def _one_of(*names: str) -> Option:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(f"one of {_listed(names)}")
        return value

    return check


def _label(value: Any) -> Hashable:
    hash(value)  # TypeError
    return value


def _function(value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise ValueError("a function")
    return value


def _shifts(value: Any) -> tuple[Any, ...]:
    """Shifts (R,) of all periodic parameters, or by the names of operations: ((name, shifts), ...)."""
    pairs = list(value.items() if isinstance(value, Mapping) else value)
    if pairs and all(isinstance(pair, tuple) and isinstance(pair[0], str) for pair in pairs):
        return tuple((name, _shifts(own)) for name, own in pairs)
    found = tuple(float(x) for x in pairs)
    if not found or not all(map(math.isfinite, found)):
        raise ValueError("finite numbers, or lists of them by the names of operations")
    return found


_DIFFERENCES: dict[str, Option] = {
    "h": _positive,
    "approx_order": _whole,
    "strategy": _one_of("center", "forward", "backward"),
}
# name -> the options it takes, and what makes of each what the method keeps
METHODS: dict[str | None, Mapping[str, Option]] = {
    "best": {},
    "adjoint": {},
    "device": {},
    "parameter-shift": {"shifts": _shifts},
    "finite-diff": _DIFFERENCES,
    "spsa": {
        **_DIFFERENCES,
        "num_directions": _whole,
        "sampler": _function,
        "seed": np.random.default_rng,  # a generator: each derivative draws from where the last one ended
    },
    "hadamard": {"aux_wire": _label, "mode": _one_of("standard", "direct")},
    None: {},
}
ALWAYS: dict[str | None, Mapping[str, Any]] = {"spsa": {"seed": None}}  # options that it has in any case
OWN = ("best", "adjoint", "device")  # methods that use the device's own derivatives
EXACT = (*OWN, "parameter-shift")  # methods that use the exact rule
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

    @property
    def random(self) -> bool:
        """Whether its rule is drawn anew for each derivative."""
        return self.name == "spsa"

    def shifts(self, operation: str) -> tuple[float, ...] | None:
        """The shifts that the user chose for the periodic parameters of an operation; None for the best."""
        chosen = self.option("shifts", None)
        by_name = chosen is not None and isinstance(chosen[0], tuple)
        return dict(chosen).get(operation) if by_name else chosen

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
    options = {**ALWAYS.get(name, {}), **(gradient_kwargs or {})}
    return Method(name, fallback, tuple((k, _option(name, k, options[k])) for k in sorted(options)))


def _option(name: str | None, option: str, value: Any) -> Any:
    """The option's value as the method keeps it."""
    takes = METHODS[name]
    if option not in takes:
        known = f"it takes {_listed(sorted(takes))}" if takes else "it takes none"
        raise CircuitError(f"diff_method {name!r} has no option {option!r} in gradient_kwargs; {known}")
    try:
        return takes[option](value)
    except (TypeError, ValueError) as error:
        raise CircuitError(f"{option} of diff_method {name!r} must be {error}; got {value!r}") from error


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names))
