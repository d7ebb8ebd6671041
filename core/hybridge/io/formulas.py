"""Formulas in a text, read by precedence into numbers and Expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hybridge.errors import CircuitError
from hybridge.io.expression import FUNCTIONS, Array, Number, call, constant
from hybridge.io.tokens import Token, Tokens, shown

MAX_DIGITS = 16  # of a whole number that is kept as one
MAX_DEPTH = 64  # of brackets and signs inside one another: each is a call here

Names = Mapping[str, Number | Array]


@dataclass(frozen=True)
class Grammar:
    """How a language writes formulas.

    infix: sign -> (how strongly it binds, function); what binds at `right` groups from the right, and
    stronger than a minus in front. calls: name in the text -> (function, number of arguments).
    """

    infix: Mapping[str, tuple[int, str]]
    calls: Mapping[str, str]
    constants: Mapping[str, float]
    whole_quotients: bool = False  # whether the quotient of two whole numbers is one, cut at the point
    right: int = 3
    signed: int = 2

    def read(self, tokens: Tokens, names: Names, strength: int = 0, depth: int = 0) -> Number:
        """The formula that comes next, its parts bound at least so strongly; `names` are what it may use."""
        if depth > MAX_DEPTH:
            tokens.fail(f"a formula nests more than {MAX_DEPTH} deep")
        left = self._operand(tokens, names, depth)
        while True:
            sign = tokens.next
            binds, function = self.infix.get(sign.text, (-1, ""))
            if binds < strength or sign.kind != "sign":
                return left
            tokens.take()
            next_strength = binds if binds == self.right else binds + 1
            right = self.read(tokens, names, next_strength, depth + 1)
            if self.whole_quotients and function == "/" and isinstance(left, int) and isinstance(right, int):
                if right and left % right:
                    tokens.fail(
                        f"{left}/{right} of whole numbers is cut to one; write {left}.0/{right}", sign
                    )
            left = self.computed(tokens, sign, partial(call, function, left, right))

    def _operand(self, tokens: Tokens, names: Names, depth: int) -> Number:
        token = tokens.take()
        if token.kind in ("real", "integer"):
            tokens.check_number(token)
            if token.kind == "integer" and len(token.text) < MAX_DIGITS:
                return int(token.text)
            return self.computed(tokens, token, lambda: constant(float(token.text)))
        if token.kind == "name":
            return self._named(tokens, token, names, depth)
        if token.text == "(" and token.kind == "sign":
            inside = self.read(tokens, names, 0, depth + 1)
            tokens.expect(")")
            return inside
        if token.text in ("-", "+") and token.kind == "sign":
            inside = self.read(tokens, names, self.signed, depth + 1)
            if token.text == "+":
                return inside
            return self.computed(tokens, token, lambda: call("negative", inside))
        tokens.fail(f"a number should stand here, not {shown(token)}", token)

    def _named(self, tokens: Tokens, token: Token, names: Names, depth: int) -> Number:
        name = token.text
        if name in names:
            found = names[name]
            return self._element(tokens, token, found, names, depth) if isinstance(found, Array) else found
        if name in self.constants:
            return self.constants[name]
        if name not in self.calls:
            known = ", ".join(map(repr, [*names, *self.constants, *self.calls][:12]))
            tokens.fail(f"no number or function is named {shown(token)}; known here: {known}", token)
        tokens.expect("(")
        inside = [self.read(tokens, names, 0, depth + 1)]
        while tokens.accept(","):
            inside.append(self.read(tokens, names, 0, depth + 1))
        tokens.expect(")")
        arity = FUNCTIONS[self.calls[name]].arity
        if len(inside) != arity:
            tokens.fail(f"{name} takes {arity} numbers; got {len(inside)}", token)
        return self.computed(tokens, token, lambda: call(self.calls[name], *inside))

    def _element(self, tokens: Tokens, token: Token, array: Array, names: Names, depth: int) -> Number:
        """The number of an array that the index in square brackets names; below 0, counted from the end."""
        tokens.expect("[")
        begins = tokens.next
        index = self.read(tokens, names, 0, depth + 1)
        size = len(array.numbers)
        if not isinstance(index, int) or not -size <= index < size:
            tokens.fail(f"{token.text} has {size} numbers: an index of {-size} to {size - 1}", begins)
        tokens.expect("]")
        return array.numbers[index]

    @staticmethod
    def computed(tokens: Tokens, token: Token, compute: Callable[[], Number]) -> Number:
        """The number, or an error at this token where it does not exist."""
        try:
            return compute()
        except CircuitError as error:
            tokens.fail(str(error), token)


_SIGNS = {"+": (0, "+"), "-": (0, "-"), "*": (1, "*"), "/": (1, "/")}
QASM2 = Grammar(
    {**_SIGNS, "^": (3, "^")},
    {name: name for name in ("sin", "cos", "tan", "exp", "ln", "sqrt")},
    {"pi": math.pi},
)
QASM3 = Grammar(
    {**_SIGNS, "%": (1, "%"), "**": (3, "^")},
    {name: name for name in ("sin", "cos", "tan", "exp", "sqrt")}
    | {"log": "ln", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "pow": "^"},
    {"pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "euler": math.e, "ℇ": math.e},
    whole_quotients=True,
)
PYTHON = Grammar(
    {**_SIGNS, "**": (3, "^")},
    {name: name for name in ("sin", "cos", "tan", "asin", "acos", "atan", "exp", "sqrt", "abs", "sign")}
    | {"log": "ln", "ln": "ln"},
    {"pi": math.pi},
)


def formula(format: str, text: str, names: Names) -> Number:
    """The number that a formula in Python's signs stands for; FormatError, with its place, for anything else.

    >>> formula("quil", "2*pi - 1", {})
    5.283185307179586
    """
    tokens = Tokens(format, text)
    found = PYTHON.read(tokens, names)
    if tokens.next.kind != "end":
        tokens.fail(f"the formula should end here, not go on with {shown(tokens.next)}")
    return float(found) if isinstance(found, int) else found
