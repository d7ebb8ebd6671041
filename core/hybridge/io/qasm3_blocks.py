"""Blocks of OpenQASM 3: under a condition, in a loop over known numbers, in a case of a switch."""

from __future__ import annotations

from collections.abc import Sequence

from hybridge.io import conditions
from hybridge.io.conditions import ALWAYS, Condition
from hybridge.io.expression import Array, Number
from hybridge.io.formulas import MAX_DEPTH
from hybridge.io.program import Operand
from hybridge.io.qasm3_conditions import Conditions
from hybridge.io.qasm3_numbers import FLOATS, WHOLES, NumberReader
from hybridge.io.tokens import Token, Tokens, shown


class BlockReader(NumberReader):
    """Writes blocks out, within the operations that a program may come to."""

    def __init__(self, tokens: Tokens):
        super().__init__(tokens)
        self.conditions = Conditions(tokens, self.program, self.whole, self.width)
        self.depth = 0  # of the block that is being read

    def block(self, token: Token) -> None:
        """Read one statement, or several in braces; what they declare ends with them."""
        if self.depth == MAX_DEPTH:
            self.tokens.fail(f"blocks nest more than {MAX_DEPTH} deep", token)
        outer, self.local, self.depth = self.local, [], self.depth + 1
        if self.tokens.accept("{"):
            while not self.tokens.accept("}"):
                self.statement()
        else:
            self.statement()
        for name in self.local:
            self.forget(name)
        self.local, self.depth = outer, self.depth - 1

    def condition(self, token: Token) -> None:
        """Read an `if`, which acts where the block that it stands in does and its condition holds."""
        tokens = self.tokens
        tokens.expect("(")
        inside = self.conditions.read()
        tokens.expect(")")
        self.branch(token, inside)
        if tokens.accept("else"):
            self.branch(token, self.conditions.combined(token, conditions.opposite, inside))

    def branch(self, token: Token, inside: Condition) -> None:
        """Read a block that acts where this condition holds too."""
        outer = self.where
        self.where = self.conditions.combined(token, conditions.both, outer, inside)
        self.block(token)
        self.where = outer

    def switch(self, token: Token) -> None:
        """Read the cases of a number that was set from bits: each acts where the bits read its numbers."""
        tokens = self.tokens
        tokens.expect("(")
        bits = self.copied(tokens.take())
        tokens.expect(")")
        tokens.expect("{")
        others = ALWAYS
        while not tokens.accept("}"):
            place = tokens.next
            if tokens.accept("default"):
                self.branch(place, others)
                tokens.expect("}")
                return
            tokens.expect("case")
            found = self.conditions.equals(bits)
            while tokens.accept(","):
                found = self.conditions.combined(
                    place, conditions.either, found, self.conditions.equals(bits)
                )
            self.branch(place, found)
            opposite = self.conditions.combined(place, conditions.opposite, found)
            others = self.conditions.combined(place, conditions.both, others, opposite)

    def copied(self, token: Token) -> Operand:
        """The bits that this number was set from, which still read the same."""
        found = self.copies.get(token.text)
        if found is None:
            what = "a number that was set from bits, with no measurement since,"
            self.tokens.fail(f"{what} should stand here, not {shown(token)}", token)
        return found

    def loop(self, token: Token) -> None:
        """Read a `for` over known numbers: its block, once for each."""
        tokens = self.tokens
        kind = tokens.take()
        if kind.text not in FLOATS + WHOLES:
            tokens.fail(f"the variable of a loop is an int, uint or float, not {shown(kind)}", kind)
        self.width()
        name = tokens.expect_kind("name", "the name of a variable")
        before = self.constants.get(name.text)
        if before is None:
            self.check_name(name)
        tokens.expect("in")
        values, begins = self.values(kind), tokens.at
        if not values:
            self.skip_block()
        for value in values:
            tokens.at = begins
            self.set_constant(name.text, value)
            self.block(token)
            self.program.spend(token, tokens.at - begins)
        self.forget(name.text, before)

    def values(self, kind: Token) -> Sequence[Number]:
        """What a loop goes through: a range [first:last] or [first:step:last], a set {a, b}, or an array."""
        tokens, token = self.tokens, self.tokens.next
        if tokens.accept("{"):
            return self.listed(kind)
        array = self.constants.get(token.text)
        if not isinstance(array, Array):
            if kind.text not in WHOLES:
                what = "goes through a set {a, b} or an array"
                tokens.fail(f"a {kind.text} {what}, not {shown(token)}", token)
            tokens.expect("[")
            found = self.interval()
            tokens.expect("]")
            return found
        tokens.take()
        if kind.text in WHOLES and any(not isinstance(v, int) for v in array.numbers):
            tokens.fail(f"{kind.text} takes whole numbers", token)
        return array.numbers

    def skip_block(self) -> None:
        """Pass over a block in braces."""
        self.tokens.expect("{")
        deep = 1
        while deep:
            token = self.tokens.take()
            if token.kind == "end":
                self.tokens.fail(f"'}}' should stand here, not {shown(token)}", token)
            deep += (token.text == "{") - (token.text == "}")
