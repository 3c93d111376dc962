"""Reads protobuf text format: a message as its fields, each with its place. Knows no schema.

Takes what protobuf's own parser takes and a little more. Must never recurse: a file may nest as deep as it likes.
Source: "Text Format Language Specification" of the Protocol Buffers documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from bnlint.read import suffixes

SUFFIX = suffixes.PROTOTXT

_TOKEN = re.compile(
    r"""
    (?P<blank>[\s\ufeff]+)
    | (?P<comment>\#[^\n\r]*)
    | (?P<word>[-+]?[\w.][\w.+-]*)
    | (?P<quoted>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<sign>[{}<>\[\]:;,])
    """,
    re.VERBOSE,
)
_USUAL = re.compile(
    r"""
    [\s,;]*
    (?: ([A-Za-z_]\w*) \s* (?: :\s* (?: ([-+\w.]+) (?![\w.+-]) | "([^"\\\n]*)" (?!\s*["'#]) ) | :?\s* ({) ) | (}) )
    """,
    re.VERBOSE,
)
"""a field with its value or opening brace, or a closing brace, as nearly all of a file is written: several times faster"""
_EXTENSION = re.compile(r"\[[^\]\n]*\]")
_CLOSING = {"{": "}", "<": ">"}
_LITERALS = {"true": True, "True": True, "false": False, "False": False}
_ESCAPE = re.compile(r"\\(['\"\\?])")


class Broken(Exception):
    """The text is no text format; `offset` is where it stops being one."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(slots=True)
class Message:
    """The fields of a message in the order of the text; a repeated field stands there as often as it is given."""

    fields: list[Field] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Field]:
        return (each for each in self.fields if each.name == name)

    def last(self, name: str) -> Scalar | Message | None:
        """The value of a field that is not repeated: the last one given."""
        found = None
        for each in self.fields:
            if each.name == name:
                found = each.value
        return found


@dataclass(frozen=True, slots=True)
class Word:
    """A name that stands unquoted: a constant of an enumeration."""

    name: str


Scalar: TypeAlias = str | float | bool | Word


@dataclass(frozen=True, slots=True)
class Field:
    """`name: value` or `name { ... }`, from its name to the end of its value; offsets are in characters."""

    name: str
    value: Scalar | Message
    start: int
    end: int


@dataclass(slots=True)
class _Open:
    """A message that is not closed yet."""

    message: Message
    name: str
    start: int
    closing: str
    listed: bool
    """it is an element of a list"""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def read(text: str) -> tuple[Message, list[tuple[int, int]]]:
    """The message that a file holds, and the places of its comments. Raises `Broken`."""
    return _Reader(text).read()


class _Reader:
    """One pass over the tokens, with a stack of the messages that are open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.comments: list[tuple[int, int]] = []
        self.open = [_Open(Message(), "", 0, "", False)]

    def read(self) -> tuple[Message, list[tuple[int, int]]]:
        while True:
            self.usual()
            token = self.token(naming=True)
            top = self.open[-1]
            if token.kind == "end":
                break
            if token.kind in ("word", "extension"):
                self.field(token)
            elif token.text and token.text == top.closing:
                self.close(token.end)
            elif token.text not in (",", ";"):
                raise Broken(f"{_shown(token)} where a field's name is expected", token.start)
        if len(self.open) > 1:
            raise Broken(f"{self.open[-1].name} is never closed", self.open[-1].start)
        return self.open[0].message, self.comments

    def usual(self) -> None:
        """Read fields as long as they are written in the usual way."""
        text = self.text
        while (match := _USUAL.match(text, self.pos)) is not None:
            name, word, quoted, opening, _ = match.groups()
            end = match.end()
            if name is None:
                if self.open[-1].closing != "}":
                    return
                self.pos = end
                self.close(end)
                continue  # which may have read on, in a list
            if opening is not None:
                self.open.append(_Open(Message(), name, match.start(1), "}", False))
            else:
                value = _value(word) if word is not None else quoted
                self.open[-1].message.fields.append(Field(name, value, match.start(1), end))
            self.pos = end

    def field(self, name: Token) -> None:
        token = self.token()
        colon = token.text == ":" and token.kind == "sign"
        if colon:
            token = self.token()
        if token.text in _CLOSING and token.kind == "sign":
            self.open.append(_Open(Message(), name.text, name.start, _CLOSING[token.text], False))
        elif not colon:
            raise Broken(f"{_shown(token)} behind {name.text}, where a colon or a brace is expected", token.start)
        elif token.text == "[" and token.kind == "sign":
            self.elements(name.text)
        else:
            self.add(name.text, name.start, *self.scalar(token))

    def elements(self, name: str) -> None:
        """The list of a repeated field, up to its end or to a message in it, after whose end it goes on."""
        while True:
            token = self.token()
            if token.kind == "sign" and token.text == "]":
                return
            if token.kind == "sign" and token.text == ",":
                continue
            if token.kind == "sign" and token.text in _CLOSING:
                self.open.append(_Open(Message(), name, token.start, _CLOSING[token.text], True))
                return
            self.add(name, token.start, *self.scalar(token))

    def close(self, end: int) -> None:
        done = self.open.pop()
        self.add(done.name, done.start, done.message, end)
        if done.listed:
            self.elements(done.name)

    def scalar(self, token: Token) -> tuple[Scalar, int]:
        """A value, and where it ends: strings that stand side by side are one."""
        if token.kind == "word":
            return _value(token.text), token.end
        if token.kind != "quoted":
            raise Broken(f"{_shown(token)} where a value is expected", token.start)
        parts, end = [token.text], token.end
        while True:
            before = self.pos, len(self.comments)
            token = self.token()
            if token.kind != "quoted":
                self.pos = before[0]
                del self.comments[before[1] :]
                break
            parts.append(token.text)
            end = token.end
        return "".join(_ESCAPE.sub(r"\1", part[1:-1]) for part in parts), end

    def add(self, name: str, start: int, value: Scalar | Message, end: int) -> None:
        self.open[-1].message.fields.append(Field(name, value, start, end))

    def token(self, naming: bool = False) -> Token:
        """The next token past blanks and comments. Where a field may begin, `[a.b]` is the name of an extension."""
        while self.pos < len(self.text):
            match = _TOKEN.match(self.text, self.pos)
            if match is None:
                raise Broken("a string is not closed" if self.text[self.pos] in "\"'" else "invalid character", self.pos)
            kind = match.lastgroup or ""
            if naming and match[0] == "[":
                match = _EXTENSION.match(self.text, self.pos) or match
                kind = "extension"
            self.pos = match.end()
            if kind == "comment":
                self.comments.append(match.span())
            elif kind != "blank":
                return Token(kind, match[0], match.start(), match.end())
        return Token("end", "", self.pos, self.pos)


def _value(word: str) -> Scalar:
    if word in _LITERALS:
        return _LITERALS[word]
    for number in (word, word.rstrip("fF")):  # C++ writes 1.0f
        try:
            return float(int(number, 16)) if number.lower().lstrip("+-").startswith("0x") else float(number)
        except (ValueError, OverflowError):
            continue
    return Word(word)


def _shown(token: Token) -> str:
    return "the end of the file" if token.kind == "end" else f"'{token.text[:20]}'"
