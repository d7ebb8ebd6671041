"""Numbers that depend on named parameters, kept as data and evaluated by a table of functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hybridge import numpy as anp
from hybridge.errors import CircuitError

MAX_WHOLE = 2**63
MAX_STEPS = 10_000  # of one expression: substitution can double it at each level


class Function(NamedTuple):
    """A function by its name in FUNCTIONS."""

    name: str


class Expression(NamedTuple):
    """A formula in postfix: numbers, names of parameters (str), and functions of what stands before them."""

    steps: tuple[float | str | Function, ...]


Number = (
    int | float | Expression
)  # whole numbers stay so in sums and products: version 3 divides them otherwise


class Array(NamedTuple):
    """Numbers of one name, each read by its index."""

    numbers: tuple[Number, ...]


class Rule(NamedTuple):
    """How a function is computed: of plain floats, and of arrays and whatever a library differentiates."""

    arity: int
    of_floats: Callable[..., float]
    of_arrays: Callable[..., Any]


def _same(arity: int, function: Callable[..., Any]) -> Rule:
    return Rule(arity, function, function)


def _power(base: Any, exponent: Any) -> Any:
    found = base**exponent
    if isinstance(found, complex):
        raise ValueError("a root of a negative number")
    return found


def _whole_power(base: int, exponent: int) -> int | None:
    if exponent < 0 or (abs(base) > 1 and exponent > 63):  # 9^9^9^9 of whole numbers would never end
        return None
    return base**exponent


# what is a whole number of whole numbers; None where it is none, or too large
WHOLE: dict[str, Callable[..., int | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "%": lambda a, b: a % b if a >= 0 and b > 0 else None,
    "^": _whole_power,
    "negative": lambda a: -a,
}
FUNCTIONS: dict[str, Rule] = {
    "+": _same(2, lambda a, b: a + b),
    "-": _same(2, lambda a, b: a - b),
    "*": _same(2, lambda a, b: a * b),
    "/": _same(2, lambda a, b: a / b),
    "^": _same(2, _power),
    "negative": _same(1, lambda a: -a),
    "abs": _same(1, abs),
    "sign": _same(1, lambda a: (a > 0) * 1.0 - (a < 0) * 1.0),
}
# of floats by math, of arrays by the numpy that can be differentiated
_NAMES = {
    "sin": ("sin", "sin"),
    "cos": ("cos", "cos"),
    "tan": ("tan", "tan"),
    "asin": ("asin", "arcsin"),
    "acos": ("acos", "arccos"),
    "atan": ("atan", "arctan"),
    "exp": ("exp", "exp"),
    "ln": ("log", "log"),
    "sqrt": ("sqrt", "sqrt"),
    "%": ("fmod", "fmod"),
}
for _name, (_float, _array) in _NAMES.items():
    FUNCTIONS[_name] = Rule(1 + (_name == "%"), getattr(math, _float), getattr(anp, _array))


def constant(value: float) -> float:
    """The number as a float; CircuitError where it is not finite."""
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise CircuitError(f"a number must be finite; got {found}")
    return found


def call(name: str, *arguments: Number) -> Number:
    """The function of these numbers: computed where all are plain, else an Expression.

    Raises CircuitError where the value does not exist or is not finite, and where an expression grows beyond
    MAX_STEPS steps.
    """
    rule = FUNCTIONS[name]
    plain = [a for a in arguments if not isinstance(a, Expression)]
    if len(plain) == len(arguments):
        try:
            if name in WHOLE and all(type(a) is int for a in plain):
                found = WHOLE[name](*plain)
                if found is not None and abs(found) < MAX_WHOLE:
                    return found
            return constant(rule.of_floats(*map(float, plain)))
        except CircuitError:
            raise CircuitError(f"{_shown(name, arguments)} is not a finite number") from None
        except (ArithmeticError, ValueError) as reason:
            raise CircuitError(f"{_shown(name, arguments)} is not a finite number ({reason})") from None
    steps: list[float | str | Function] = []
    for a in arguments:
        steps += a.steps if isinstance(a, Expression) else (a,)
    if len(steps) >= MAX_STEPS:
        raise CircuitError(f"an expression has more than {MAX_STEPS} numbers and functions")
    return Expression((*steps, Function(name)))


def _shown(name: str, arguments: tuple[Any, ...]) -> str:
    return f"{name}({', '.join(f'{a:.6g}' for a in arguments)})"


def parameter(name: str) -> Expression:
    """The parameter of this name."""
    return Expression((name,))


def value(number: Number, named: Mapping[str, Any]) -> Any:
    """The number where the parameters have these values: floats, arrays, or traced ones of a library.

    With Expressions among the values it is their composition, an Expression.
    """
    if not isinstance(number, Expression):
        return number
    stack: list[Any] = []
    for step in number.steps:
        if isinstance(step, Function):
            rule = FUNCTIONS[step.name]
            arguments = stack[-rule.arity :]
            del stack[-rule.arity :]
            stack.append(_applied(step.name, rule, arguments))
        else:
            stack.append(named[step] if isinstance(step, str) else step)
    return stack[0]


def _applied(name: str, rule: Rule, arguments: list[Any]) -> Any:
    if all(isinstance(a, (float, int, Expression)) for a in arguments):
        return call(name, *arguments)
    if rule.of_floats is rule.of_arrays:
        return rule.of_arrays(*arguments)
    try:
        return rule.of_arrays(*arguments)
    except (TypeError, ValueError, RuntimeError) as reason:
        kind = type(arguments[0]).__name__
        raise CircuitError(
            f"{name} of a parameter that is a {kind} cannot be computed ({reason}); give the number itself"
        ) from reason
