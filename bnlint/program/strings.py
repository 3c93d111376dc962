"""String literals: their evaluated value, and f-strings with the expressions in them.

Evaluates escapes itself: asking the interpreter would print warnings about the analysed code.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.cursor import Cursor

_ESCAPE = re.compile(
    r"\\(?:(?P<line>\n)|(?P<octal>[0-7]{1,3})|x(?P<hex2>[0-9a-fA-F]{2})|u(?P<hex4>[0-9a-fA-F]{4})"
    r"|U(?P<hex8>[0-9a-fA-F]{8})|N\{(?P<name>[^}]*)\}|(?P<letter>.))",
    re.DOTALL,
)
_LETTERS = {
    "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip

_TEXTS = {getattr(cst, name, None) for name in ("FormattedStringText", "TemplatedStringText")}


def _escape(match: re.Match[str]) -> str:
    kind = match.lastgroup
    text = match[kind] if kind else ""
    if kind == "line":
        return ""
    if kind == "octal":
        return chr(int(text, 8))
    if kind == "name":
        try:
            return unicodedata.lookup(text)
        except KeyError:
            return match[0]
    if kind == "letter":
        return _LETTERS.get(text, match[0])  # an unknown escape stands for itself
    code = int(text, 16)
    # A lone surrogate is no text that can be encoded, for a cache or a message.
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _evaluated(text: str, raw: bool) -> str:
    """The value of what stands between the quotes."""
    if "\r" in text:  # line ends in a literal are always one newline
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if raw else _ESCAPE.sub(_escape, text)


def _literal(value: str) -> str | None:
    """The value of a string literal as written; None for bytes."""
    first = value[0]
    if first == '"' or first == "'":
        raw = False
    else:
        at = 1 if value[1] in "\"'" else 2
        prefix = value[:at].lower()
        if "b" in prefix:
            return None
        raw = "r" in prefix
        value = value[at:]
        first = value[0]
    inner = value[3:-3] if len(value) > 5 and value.startswith(first * 3) else value[1:-1]
    if "\\" in inner or "\r" in inner:
        return _evaluated(inner, raw)
    return inner


def lower_string(cursor: Cursor, node: cst.SimpleString) -> ir.Expr:
    if lpar := node.lpar:
        cursor.open(lpar)
    text = node.value
    start = cursor.find(text, cursor.pos)
    if not -1 < start < cursor.hash:
        start = cursor.seek(text)
    cursor.pos = end = start + len(text)
    if lpar:
        cursor.close(lpar)
    value = _literal(text)
    return ir.Opaque(start, end) if value is None else ir.Const(start, end, value)


def lower_concatenation(cursor: Cursor, node: cst.ConcatenatedString) -> ir.Expr:
    """Adjacent literals; libcst nests them to the right, which a long table of text would nest too deeply for us."""
    cursor.open(node.lpar)
    pieces: list[ir.Expr] = []
    rest: Any = node
    while type(rest) is cst.ConcatenatedString:
        pieces.append(cursor.lower[type(rest.left)](cursor, rest.left))
        rest = rest.right
    pieces.append(cursor.lower[type(rest)](cursor, rest))
    start, end = pieces[0].start, cursor.pos
    cursor.close(node.rpar)
    if any(type(piece) is ir.Opaque for piece in pieces):
        return ir.Opaque(start, end)
    if any(type(piece) is ir.FString for piece in pieces):
        parts: list[ir.Expr] = []
        for piece in pieces:
            parts.extend(piece.parts if isinstance(piece, ir.FString) else (piece,))
        return ir.FString(start, end, tuple(parts))
    return ir.Const(start, end, "".join([str(piece.value) for piece in pieces if isinstance(piece, ir.Const)]))


def lower_formatted(cursor: Cursor, node: Any) -> ir.Expr:
    cursor.open(node.lpar)
    opening = node.start
    start = cursor.token(opening)
    parts = _parts(cursor, node.parts, "r" in opening.lower())
    cursor.pos += len(node.end)
    end = cursor.pos
    cursor.close(node.rpar)
    return ir.FString(start, end, parts)


def lower_template(cursor: Cursor, node: Any) -> ir.Expr:
    """A t-string is no string: what it becomes is up to whoever takes it."""
    string = lower_formatted(cursor, node)
    return ir.Opaque(string.start, string.end)


def _parts(cursor: Cursor, nodes: Any, raw: bool) -> tuple[ir.Expr, ...]:
    parts: list[ir.Expr] = []
    for node in nodes:
        if type(node) in _TEXTS:
            start = cursor.pos
            cursor.pos = end = start + len(node.value)
            text = node.value.replace("{{", "{").replace("}}", "}")
            parts.append(ir.Const(start, end, _evaluated(text, raw)))
            continue
        cursor.pos += 1  # the opening brace
        inner = node.expression
        parts.append(cursor.lower[type(inner)](cursor, inner))
        if node.equal is not None:
            cursor.token("=")
        if node.conversion is not None:
            cursor.token("!")
            cursor.token(node.conversion)
        if node.format_spec is not None:
            cursor.token(":")
            _parts(cursor, node.format_spec, raw)  # how a value is drawn is no part of the story
        cursor.token("}")
    return tuple(parts)
