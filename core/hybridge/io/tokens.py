"""A text as tokens that know their place in it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from hybridge.errors import FormatError

MAX_CHARACTERS = 2**26  # of a text: a million gates are 20 to 30 million
MAX_NUMBER = 400  # characters of one number: more than any float has, and Python's int() has limits too
END = "the end of the text"

COMMENTS = {"//": r"//[^\n]*|/\*.*?\*/", "#": r"\#[^\n]*"}  # by what begins one
_TOKEN = r"""(?P<space>\s+|COMMENT)
    |(?P<name>[^\W\d]\w*)
    |(?P<real>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    |(?P<integer>[0-9]+)
    |(?P<string>"[^"\n]*"|'[^'\n]*')
    |(?P<sign>->|==|!=|<=|>=|&&|\|\||\*\*|\+\+|[-+*/^()\[\]{},;:=<>@!&|~%$\#.?])"""
_TOKENS = {
    sign: re.compile(_TOKEN.replace("COMMENT", comment), re.VERBOSE | re.DOTALL)
    for sign, comment in COMMENTS.items()
}


class Token(NamedTuple):
    """kind: name, real, integer, string, sign or end; offset: the place of its first character."""

    kind: str
    text: str
    offset: int


class Tokens:
    """The tokens of a text, read one by one; errors say the line and column of the token they are about.

    comments: what begins one, a key of COMMENTS.
    """

    def __init__(self, format: str, source: Any, comments: str = "//"):
        self.format = format
        self.text = _text(format, source)
        self.tokens = self._split(_TOKENS[comments])
        self.at = 0

    def _split(self, pattern: re.Pattern[str]) -> list[Token]:
        found, offset, text = [], 0, self.text
        for match in pattern.finditer(text):
            kind = match.lastgroup
            assert kind is not None
            if match.start() != offset:
                break
            offset = match.end()
            if kind != "space":
                found.append(Token(kind, match[0], match.start()))
        if offset != len(text):
            what = "a comment that does not end" if text[offset : offset + 2] == "/*" else repr(text[offset])
            self.fail(f"{what} cannot stand here", offset)
        found.append(Token("end", END, len(text)))
        return found

    def fail(self, reason: str, at: Token | int | None = None) -> NoReturn:
        """Raise FormatError about this token, or the one that is next."""
        token = self.tokens[self.at] if at is None else at
        offset = token.offset if isinstance(token, Token) else token
        line = self.text.count("\n", 0, offset) + 1
        raise FormatError(self.format, reason, line, offset - self.text.rfind("\n", 0, offset))

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """The next token, which is read now; the end stays where it is."""
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def accept(self, *texts: str) -> Token | None:
        """The next token, if it is one of these signs or words."""
        token = self.tokens[self.at]
        if token.text in texts and token.kind in ("sign", "name"):
            self.at += 1
            return token
        return None

    def expect(self, text: str) -> Token:
        """The next token, which must be this sign or word."""
        token = self.tokens[self.at]
        if token.text != text or token.kind == "string":
            self.fail(f"{text!r} should stand here, not {shown(token)}")
        self.at += 1
        return token

    def expect_kind(self, kind: str, what: str) -> Token:
        """The next token, which must be of this kind; `what` is it in words."""
        token = self.tokens[self.at]
        if token.kind != kind:
            self.fail(f"{what} should stand here, not {shown(token)}")
        self.at += 1
        return token

    def whole(self, what: str, limit: int) -> int:
        """The whole number that comes next, at most `limit`."""
        token = self.expect_kind("integer", what)
        self.check_number(token)
        number = int(token.text)
        if number > limit:
            self.fail(f"{what} can be at most {limit}; got {shown(token)}", token)
        return number

    def check_number(self, token: Token) -> None:
        """Refuse a number that is too long, is not finite, or runs on into a word."""
        after = token.offset + len(token.text)
        if len(token.text) > MAX_NUMBER:
            self.fail(f"a number of {len(token.text)} characters; at most {MAX_NUMBER} are read", token)
        if after < len(self.text) and (self.text[after].isalnum() or self.text[after] in "_."):
            self.fail(f"a number cannot run on into {self.text[after]!r}", after)


def shown(token: Token) -> str:
    """The token for an error, cut where it is long."""
    if token.kind == "end":
        return token.text
    return repr(token.text if len(token.text) <= 40 else f"{token.text[:37]}...")


def _text(format: str, source: Any) -> str:
    """The text itself, or that of the file a pathlib.Path names."""
    if isinstance(source, os.PathLike):
        path = Path(source)
        try:
            if path.stat().st_size > MAX_CHARACTERS:
                raise FormatError(format, f"{path} has more than {MAX_CHARACTERS} bytes", 1, 1)
            return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            column = error.start - error.object.rfind(b"\n", 0, error.start)
            raise FormatError(format, f"{path} is no text in UTF-8: {error.reason}", line, column) from error
        except OSError as error:
            raise FormatError(format, f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(source, str):
        what = f"got {type(source).__name__}"
        raise FormatError(format, f"a text, or a pathlib.Path of a file, is read; {what}")
    if len(source) > MAX_CHARACTERS:
        raise FormatError(format, f"the text has more than {MAX_CHARACTERS} characters", 1, 1)
    return source
