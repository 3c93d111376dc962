"""A light tokenisation of Python 2 and 3 alike, for files that the parser rejects: tokens, logical lines, statements.

Must never fail: what cannot be a token becomes an `error` token, and brackets that are never closed end at the next
line that starts with a statement's keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["name", "number", "string", "op", "error"]

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\f]+|\\\r?\n|\#[^\r\n]*)
  | (?P<newline>\r\n|\n|\r)
  | (?P<string>[uUbBrRfF]{0,3}(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"
        |'(?!'')(?:[^'\\\r\n]|\\\r\n|\\.)*'|"(?!"")(?:[^"\\\r\n]|\\\r\n|\\.)*"))
  | (?P<name>[^\W\d]\w*)
  | (?P<number>0[xXoObB][0-9a-fA-F_]+[lL]?|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?[jJlL]?)
  | (?P<op>\*\*=|//=|>>=|<<=|\.\.\.|<>|!=|->|:=|==|<=|>=|\*\*|//|>>|<<|[-+*/%@&|^]=|[-+*/%@&|^~<>()\[\]{},:.;=`])
  | (?P<error>'''|\"\"\"|['"][^\r\n]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_KINDS: dict[str, Kind] = {"name": "name", "number": "number", "string": "string", "op": "op", "error": "error"}
_COMPOUND = frozenset(("if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class", "async"))
# Keywords that cannot begin a line within brackets: they show that a bracket was never closed.
_STATEMENT_ONLY = frozenset(
    ("def", "class", "import", "return", "while", "try", "with", "pass", "raise", "del", "assert", "elif", "except", "finally")
)


class Token(NamedTuple):
    """A token with its place as character offsets (a tuple, because building one is what tokenising costs)."""

    kind: Kind
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """The tokens of one logical line (never empty), the offset where its first row starts, and where its last token ends.

    `unclosed` tells that a bracket opened in it is never closed.
    """

    start: int
    tokens: tuple[Token, ...]
    unclosed: bool

    @property
    def end(self) -> int:
        return self.tokens[-1].end


def logical_lines(text: str) -> list[LogicalLine]:
    """Split `text` into logical lines; rows that hold only blanks and comments belong to none."""
    lines: list[LogicalLine] = []
    tokens: list[Token] = []
    depth = 0
    row_start = line_start = 0
    at_row_start = True
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind == "newline":
            if depth == 0 and tokens:
                lines.append(LogicalLine(line_start, tuple(tokens), False))
                tokens = []
            row_start, at_row_start = found.end(), True
            continue
        if kind == "blank":
            if found[0][0] == "\\":
                at_row_start = False
            continue
        value = found[0]
        if depth and at_row_start and kind == "name" and value in _STATEMENT_ONLY:
            lines.append(LogicalLine(line_start, tuple(tokens), True))
            tokens, depth = [], 0
        if not tokens:
            line_start = row_start
        at_row_start = False
        if kind == "op":
            if value in "([{":
                depth += 1
            elif value in ")]}":
                depth = max(0, depth - 1)
        tokens.append(Token(_KINDS[kind or "error"], value, *found.span()))
    if tokens:
        lines.append(LogicalLine(line_start, tuple(tokens), depth > 0))
    return lines


def statements(line: LogicalLine) -> Iterator[tuple[Token, ...]]:
    """The headers and simple statements of a logical line: `if x: print y; z` gives `if x`, `print y` and `z`."""
    depth = lambdas = start = 0
    header = line.tokens[0].text in _COMPOUND
    for index, token in enumerate(line.tokens):
        if depth == 0 and token.kind == "name" and token.text == "lambda":
            lambdas += 1
        if token.kind != "op":
            continue
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
        elif depth == 0 and token.text == ":" and header:
            if lambdas:
                lambdas -= 1
                continue
            yield line.tokens[start:index]
            start, header = index + 1, False
        elif depth == 0 and token.text == ";":
            yield line.tokens[start:index]
            start = index + 1
    if start < len(line.tokens):
        yield line.tokens[start:]
