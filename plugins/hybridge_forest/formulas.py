"""Formulas of Quil as numbers and Expressions, from the trees that pyQuil's parser makes of them.

Not from their text: of (-x)^2 pyQuil writes -x^2, which reads as another number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from quil.expression import ExpressionFunction, InfixOperator, PrefixOperator

from hybridge.plugin import CircuitError, expression

MAX_DEPTH = 64  # of formulas inside one another: each is a call here
_INFIX = (
    (InfixOperator.Plus, "+"),
    (InfixOperator.Minus, "-"),
    (InfixOperator.Star, "*"),
    (InfixOperator.Slash, "/"),
    (InfixOperator.Caret, "^"),
)
_FUNCTIONS = (
    (ExpressionFunction.Cosine, "cos"),
    (ExpressionFunction.Sine, "sin"),
    (ExpressionFunction.Exponent, "exp"),
    (ExpressionFunction.SquareRoot, "sqrt"),
)


def number(
    tree: Any, remembered: Callable[[str, int], Any], named: Mapping[str, Any], depth: int = 0
) -> expression.Number:
    """The number of a tree: `remembered` has those in memory, `named` those of %names.

    Raises CircuitError for what is not real and finite, and for what nests too deep.
    """
    if depth > MAX_DEPTH:
        raise CircuitError(f"a formula nests more than {MAX_DEPTH} deep")
    if tree.is_number():
        given = complex(tree.to_number())
        if given.imag:
            raise CircuitError(f"{tree.to_quil_or_debug()} is no real number")
        return expression.constant(given.real)
    if tree.is_pi():
        return math.pi
    if tree.is_address():
        reference = tree.to_address()
        return remembered(reference.name, reference.index)
    if tree.is_variable():
        name = tree.to_variable()
        if name not in named:
            raise CircuitError(f"%{name} is not given")
        return named[name]
    if tree.is_prefix():
        prefix = tree.to_prefix()
        inside = number(prefix.expression, remembered, named, depth + 1)
        return expression.call("negative", inside) if prefix.operator == PrefixOperator.Minus else inside
    if tree.is_function_call():
        called = tree.to_function_call()
        name = _of(_FUNCTIONS, called.function, tree)
        return expression.call(name, number(called.expression, remembered, named, depth + 1))
    infix = tree.to_infix()
    left = number(infix.left, remembered, named, depth + 1)
    right = number(infix.right, remembered, named, depth + 1)
    return expression.call(_of(_INFIX, infix.operator, tree), left, right)


def _of(table: tuple[tuple[Any, str], ...], which: Any, tree: Any) -> str:
    """The name in a table of pyQuil's enumerations, which have no hash in all of its versions."""
    name = next((name for known, name in table if known == which), None)
    if name is None:
        raise CircuitError(f"{tree.to_quil_or_debug()} is not read")
    return name
