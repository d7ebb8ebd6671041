"""Conditions of OpenQASM 3: comparisons of classical bits, and what `!`, `&&`, `||` make of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NoReturn

from hybridge.errors import CircuitError
from hybridge.io import conditions
from hybridge.io.conditions import Condition
from hybridge.io.formulas import MAX_DEPTH, MAX_DIGITS
from hybridge.io.program import Operand, Program
from hybridge.io.tokens import Token, Tokens, shown

# sign -> (how strongly it binds, what it makes of two conditions); of single bits `&` is what `&&` is
SIGNS: dict[str, tuple[int, Callable[[Condition, Condition], Condition]]] = {
    "||": (0, conditions.either),
    "&&": (1, conditions.both),
    "|": (2, conditions.either),
    "^": (3, conditions.differ),
    "&": (4, conditions.both),
}
COMPARED: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CASTS = ("bool", "uint", "int")


class Conditions:
    """Reads conditions. `whole` reads the formula of a whole number, `width` a size in square brackets."""

    def __init__(
        self,
        tokens: Tokens,
        program: Program,
        whole: Callable[[str, int, int], int],
        width: Callable[[], int | None],
    ):
        self.tokens, self.program, self._whole, self._width = tokens, program, whole, width

    def read(self, strength: int = 0, depth: int = 0) -> Condition:
        """The condition that comes next, its parts bound at least so strongly."""
        found = self._compared(depth)
        while True:
            sign = self.tokens.next
            binds, function = SIGNS.get(sign.text, (-1, conditions.both))
            if binds < strength or sign.kind != "sign":
                return found
            self.tokens.take()
            found = self.combined(sign, function, found, self.read(binds + 1, depth))

    def combined(self, token: Token, function: Callable[..., Condition], *parts: object) -> Condition:
        """Conditions put together, or an error at this token where they come to too much."""
        try:
            found = function(*parts)
        except CircuitError as error:
            self.tokens.fail(str(error), token)
        read = [c for c in (found, *parts) if isinstance(c, Condition)]
        self.program.spend(token, sum(len(c.bits) * len(c.allowed) for c in read) // 16)
        return found

    def equals(self, bits: Operand) -> Condition:
        """Where these bits read the number that comes next."""
        return conditions.equals(bits.places, self._asked(len(bits.places)))

    def _compared(self, depth: int) -> Condition:
        """A condition on one register or bit, its opposite, or one in brackets."""
        tokens, token = self.tokens, self.tokens.next
        if depth > MAX_DEPTH:
            tokens.fail(f"a condition nests more than {MAX_DEPTH} deep")
        if tokens.accept("!", "~"):
            return self.combined(token, conditions.opposite, self._compared(depth + 1))
        if tokens.accept("("):
            inside = self.read(0, depth + 1)
            tokens.expect(")")
            return self._against(inside, 1)
        if token.text == "bool" and tokens.accept("bool"):
            tokens.expect("(")
            bits = self.program.operand(quantum=False)
            tokens.expect(")")
            zero = conditions.equals(bits.places, 0)
            return self._against(self.combined(token, conditions.opposite, zero), 1)
        bits = self._bits()
        sign = tokens.next
        if sign.kind == "sign" and sign.text in COMPARED:
            tokens.take()
            number = self._asked(len(bits.places))
            holds = COMPARED[sign.text]
            return self.combined(sign, conditions.where, bits.places, lambda v: holds(v, number))
        if len(bits.places) == 1:
            return self._against(conditions.equals(bits.places, 1), 1)
        if not tokens.accept("==", "!="):
            tokens.fail(f"{token.text} is {len(bits.places)} bits: compare it with a number", token)
        found = self.equals(bits)
        return found if sign.text == "==" else self.combined(sign, conditions.opposite, found)

    def _bits(self) -> Operand:
        """The classical bits that come next, as they are or as a number without a sign."""
        token = self.tokens.next
        if not self.tokens.accept(*CASTS):
            return self.program.operand(quantum=False)
        size = self._width()
        self.tokens.expect("(")
        found = self.program.operand(quantum=False)
        self.tokens.expect(")")
        if size is not None and size < len(found.places) + (token.text == "int"):
            self._unlike(token, size, found)
        return found

    def _unlike(self, token: Token, size: int, bits: Operand) -> NoReturn:
        count = len(bits.places)
        what = f"{token.text}[{size}] of {count} bits is another number than the bits say"
        self.tokens.fail(f"{what}; uint[{count}] is the same", token)

    def _against(self, found: Condition, size: int) -> Condition:
        """The condition, or its opposite, as `== 1`, `!= true` and the like behind it say."""
        sign = self.tokens.next
        if not self.tokens.accept("==", "!="):
            return found
        token = self.tokens.next
        if token.text in self.program.registers:
            places = self.program.operand(quantum=False).places
            if len(places) != size:
                self.tokens.fail(f"{token.text} is {len(places)} bits, compared with {size}", token)
            other = conditions.equals(places, 1)
            unlike = self.combined(token, conditions.differ, found, other)
            return unlike if sign.text == "!=" else self.combined(token, conditions.opposite, unlike)
        asked = self._asked(size)
        if asked > 1:
            return self.combined(token, conditions.where, found.bits, lambda _: sign.text == "!=")
        same = asked == (sign.text == "==")
        return found if same else self.combined(sign, conditions.opposite, found)

    def _asked(self, size: int) -> int:
        """The number, truth value or string of bits that comes next."""
        tokens, token = self.tokens, self.tokens.next
        if token.text in ("true", "false"):
            tokens.take()
            return int(token.text == "true")
        if token.kind == "string":
            tokens.take()
            bits = token.text[1:-1]
            if len(bits) != size or set(bits) - {"0", "1"}:
                tokens.fail(f"{size} bits are compared with as many of 0 and 1, not {shown(token)}", token)
            return int(bits, 2)
        if token.kind == "integer" and len(token.text) >= MAX_DIGITS:
            return tokens.whole("a whole number", 10**400)
        return self._whole("the number it is compared with", 0, 2**63)
