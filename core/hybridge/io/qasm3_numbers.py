"""Numbers of OpenQASM 3: whole ones, indices and ranges, constants, arrays and inputs."""

from __future__ import annotations

from collections.abc import Sequence

from hybridge.io.expression import Array, Expression, Number, parameter
from hybridge.io.program import MAX_REGISTER, Operand
from hybridge.io.qasm_reader import QasmReader
from hybridge.io.tokens import Token, Tokens, shown

FLOATS, WHOLES = ("float", "angle"), ("int", "uint")
MAX_STEP = 2**31


class NumberReader(QasmReader):
    """What a program of version 3 says of numbers. What has a value keeps it."""

    def __init__(self, tokens: Tokens):
        super().__init__(tokens)
        self.local: list[str] = []  # what the block that is being read has declared
        self.copies: dict[str, Operand | None] = {}  # whole numbers without a value -> bits they are set from

    def whole(self, what: str, least: int, most: int) -> int:
        """The value of the formula that comes next, a whole number."""
        token = self.tokens.next
        found = self.grammar.read(self.tokens, self.constants)
        if not isinstance(found, int) or not least <= found <= most:
            self.tokens.fail(f"{what} should stand here, a whole number of {least} to {most}", token)
        return found

    def indices(self, size: int) -> tuple[Sequence[int], bool]:
        """An index, a range first:last or first:step:last, or a list {a, b}; counted from the end below 0."""
        tokens = self.tokens
        if tokens.accept("{"):
            found = [self.index(size)]
            while tokens.accept(","):
                found.append(self.index(size))
            tokens.expect("}")
            return found, True
        first = self.index(size)
        if not tokens.accept(":"):
            return (first,), False
        token = tokens.next
        second = self.whole("a step, or the last index", -MAX_REGISTER, MAX_REGISTER)
        if tokens.accept(":"):
            return self.steps(token, first, self.index(size), second), True
        return self.steps(token, first, second + size * (second < 0), 1), True

    def index(self, size: int) -> int:
        found = self.whole("an index", -MAX_REGISTER, MAX_REGISTER)
        return found + size if found < 0 else found

    def interval(self) -> range:
        """first:last or first:step:last, as they are."""
        what = "a number of a range"
        first = self.whole(what, -MAX_STEP, MAX_STEP)
        self.tokens.expect(":")
        token = self.tokens.next
        second = self.whole(what, -MAX_STEP, MAX_STEP)
        if self.tokens.accept(":"):
            return self.steps(token, first, self.whole(what, -MAX_STEP, MAX_STEP), second)
        return self.steps(token, first, second, 1)

    def steps(self, token: Token, first: int, last: int, step: int) -> range:
        """The numbers from the first to the last, which is one of them."""
        if step == 0:
            self.tokens.fail("a step cannot be 0", token)
        return range(first, last + (1 if step > 0 else -1), step)

    def width(self) -> int | None:
        """The number in square brackets that comes next, if one does."""
        if not self.tokens.accept("["):
            return None
        found = self.whole("a number of places", 1, MAX_REGISTER)
        self.tokens.expect("]")
        return found

    # --- declarations ---

    def constant(self, token: Token) -> None:
        self.number(self.tokens.take(), fixed=True)

    def number(self, kind: Token, fixed: bool = False) -> None:
        """A number, or an array of them, of this kind; without a value, one that is set from bits."""
        if kind.text == "array":
            self.array()
            return
        if kind.text not in FLOATS + WHOLES:
            self.tokens.fail(f"a constant is a float, angle, int or uint here, not {shown(kind)}", kind)
        self.width()
        name = self.tokens.expect_kind("name", "the name of a constant")
        self.check_name(name)
        if not fixed and kind.text in WHOLES and self.tokens.accept(";"):
            self.copies[name.text] = None
            self.fixed.add(name.text)
            return
        self.tokens.expect("=")
        found = self.value(kind)
        self.tokens.expect(";")
        self.set_constant(name.text, found)
        self.local.append(name.text)

    def value(self, kind: Token) -> Number:
        """The number of this kind that comes next."""
        begins = self.tokens.next
        found = self.grammar.read(self.tokens, self.constants)
        assert not isinstance(found, Expression)  # of constants alone
        if kind.text not in WHOLES:
            return float(found)
        if not isinstance(found, int):
            self.tokens.fail(f"{kind.text} takes a whole number", begins)
        return found

    def listed(self, kind: Token) -> list[Number]:
        """Numbers with commas between, in braces of which the first is read."""
        found = [self.value(kind)]
        while self.tokens.accept(","):
            found.append(self.value(kind))
        self.tokens.expect("}")
        return found

    def array(self) -> None:
        """array[kind, size] name = {a, b, ...};"""
        kind, size, name = self.array_type()
        self.tokens.expect("=")
        begins = self.tokens.expect("{")
        found = self.listed(kind)
        if len(found) != size:
            self.tokens.fail(f"{name.text} has {size} numbers; got {len(found)}", begins)
        self.tokens.expect(";")
        self.set_constant(name.text, Array(tuple(found)))
        self.local.append(name.text)

    def array_type(self) -> tuple[Token, int, Token]:
        """What an array is of, its size, and its name."""
        tokens = self.tokens
        tokens.expect("[")
        kind = tokens.take()
        if kind.text not in FLOATS + WHOLES:
            tokens.fail(f"an array is of float, angle, int or uint here, not {shown(kind)}", kind)
        self.width()
        tokens.expect(",")
        size = self.whole("the size of an array, which has one dimension,", 1, MAX_REGISTER)
        tokens.expect("]")
        name = tokens.expect_kind("name", "the name of an array")
        self.check_name(name)
        return kind, size, name

    def input(self, token: Token) -> None:
        tokens, kind = self.tokens, self.tokens.take()
        if kind.text == "array":
            kind, size, name = self.array_type()
            self.program.spend(token, size)
            parameters = [f"{name.text}[{k}]" for k in range(size)]
            self.names[name.text] = Array(tuple(map(parameter, parameters)))
        else:
            self.width()
            name = tokens.expect_kind("name", "the name of a parameter")
            self.check_name(name)
            parameters = [name.text]
            self.names[name.text] = parameter(name.text)
        if kind.text not in FLOATS:
            tokens.fail(f"an input is a float or an angle here, not {shown(kind)}", kind)
        tokens.expect(";")
        self.program.parameters += parameters
        self.fixed.add(name.text)

    def set_constant(self, name: str, value: Number | Array) -> None:
        self.constants[name] = self.names[name] = value
        self.fixed.add(name)

    def forget(self, name: str, before: Number | Array | None = None) -> None:
        """Give a name the value that it had before the block that ends; without one, it is free again."""
        if before is not None:
            self.set_constant(name, before)
        elif name in self.constants:
            del self.constants[name], self.names[name]
            self.fixed.discard(name)
