"""A notebook with the source of one cell replaced, and every other byte as it was.

Writing the JSON anew would change what its author's editor wrote: indentation, escapes, the order of keys, numbers. So
the text is only scanned, to find where the source of a cell stands, and of the source each line that stays keeps its bytes.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bnlint.read.source import Unreadable

_TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign>[{}\[\]:,])|(?P<scalar>[^\s{}\[\]:,"]+)', re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Value:
    """Where a JSON value stands, with its members: by key of an object, by number of an array."""

    start: int
    end: int
    text: str | None = None
    """of a string, what it means"""
    members: tuple[tuple[str, _Value], ...] = ()
    is_array: bool = False

    def get(self, key: str) -> _Value | None:
        # the last one counts, as for every reader of JSON
        return next((value for name, value in reversed(self.members) if name == key), None)


def replace_cell_source(raw_bytes: bytes, cell_index: int, new_source: str) -> bytes:
    """The notebook `raw_bytes` with `new_source` in its code cell `cell_index`, counted from 1 as in a finding's place.

    The source keeps its form, a string or a list of lines, and each line that it had already keeps its bytes. Raises
    Unreadable where the file is no notebook in a Unicode encoding, or has no such cell.
    """
    encoding = next((name for mark, name in _MARKS if raw_bytes.startswith(mark)), "utf-8")
    try:
        text = raw_bytes.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"is no valid {encoding}") from None
    source = _source_of(text, cell_index)
    if source is None:
        raise Unreadable(f"has no code cell {cell_index}")
    old = source.text if source.text is not None else "".join(value.text or "" for _, value in source.members)
    if old == new_source:
        return raw_bytes
    # escaped as the rest of the file is; Jupyter writes characters beyond ASCII as they are
    ascii_only = text.isascii() and "\\u" in text
    written = _as_string(new_source, ascii_only) if not source.is_array else _as_list(text, source, new_source, ascii_only)
    try:
        return (text[: source.start] + written + text[source.end :]).encode(encoding)
    except UnicodeEncodeError:
        # half of a pair of surrogates can only be escaped
        written = _as_string(new_source, True) if not source.is_array else _as_list(text, source, new_source, True)
        return (text[: source.start] + written + text[source.end :]).encode(encoding)


def _as_string(source: str, ascii_only: bool) -> str:
    return json.dumps(source, ensure_ascii=ascii_only)


def _as_list(text: str, old: _Value, source: str, ascii_only: bool) -> str:
    """The lines of `source`, laid out as the list was."""
    elements = [value for _, value in old.members]
    kept = {value.text: text[value.start : value.end] for value in elements}
    lines = [kept.get(line) or _as_string(line, ascii_only) for line in _LINE.findall(source)]
    if not elements:
        return "[" + ", ".join(lines) + "]"
    opening, closing = text[old.start : elements[0].start], text[elements[-1].end : old.end]
    if len(elements) > 1:
        between = text[elements[0].end : elements[1].start]
    else:
        between = "," + opening[1:] if "\n" in opening else ", "
    return opening + between.join(lines) + closing if lines else "[]"


def _source_of(text: str, number: int) -> _Value | None:
    try:
        root = _value(_tokens(text))
    except (StopIteration, RecursionError, ValueError):
        raise Unreadable("is no notebook: invalid JSON") from None
    cells = root.get("cells")
    if cells is not None:
        listed = [cell for _, cell in cells.members]
    else:
        sheets = root.get("worksheets")
        inner = [sheet.get("cells") for _, sheet in sheets.members] if sheets else []
        listed = [cell for sheet in inner if sheet for _, cell in sheet.members]
    code = [cell for cell in listed if (kind := cell.get("cell_type")) is not None and kind.text == "code"]
    if not 1 <= number <= len(code):
        return None
    return code[number - 1].get("source") or code[number - 1].get("input")


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        yield _Token(found.lastgroup or "", found[0], found.start(), found.end())


def _value(tokens: Iterator[_Token], first: _Token | None = None) -> _Value:
    token = first or next(tokens)
    if token.kind == "string":
        return _Value(token.start, token.end, text=json.loads(token.text, strict=False))
    if token.kind == "scalar":
        return _Value(token.start, token.end)
    if token.text not in "{[":
        raise ValueError(token.text)
    members: list[tuple[str, _Value]] = []
    closing = "}" if token.text == "{" else "]"
    following = next(tokens)
    while following.text != closing or following.kind != "sign":
        key = ""
        if closing == "}":
            key = json.loads(following.text, strict=False)
            if next(tokens).text != ":":
                raise ValueError("no colon")
            following = next(tokens)
        members.append((key, _value(tokens, following)))
        following = next(tokens)
        if following.text == ",":
            following = next(tokens)
    return _Value(token.start, following.end, None, tuple(members), closing == "]")
