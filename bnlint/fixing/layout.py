"""How a text is laid out: turns what a rule wants to be changed into edits of exact stretches of the text.

A change that the layout does not allow without touching anything else gives None. Strings and comments are never looked
into, and text within strings is never indented.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bnlint.findings import Argument, Change, Comment, Cure, Drop, Edit, Fix, Insert, Place, Wrap

_BLANK = " \t\f"
_LINE_END = re.compile(r"\r\n|\r|\n")
_COMPOUND = re.compile(r"(?:if|elif|else|for|while|try|except|finally|with|def|class|async)(?!\w)|@")
LONGEST = 40
"""rows of a statement that is indented further"""
DEFAULT_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Text:
    """A text, the offset of the first character of each row, and what tells which stretches of it are strings (sorted)."""

    text: str
    lines: tuple[int, ...]
    strings: Callable[[], Sequence[tuple[int, int]]] = tuple

    def offset(self, row: int, column: int) -> int:
        return min(self.lines[row - 1] + column - 1, len(self.text)) if row <= len(self.lines) else len(self.text)

    def start(self, place: Place) -> int:
        return self.offset(place.row, place.column)

    def end(self, place: Place) -> int:
        return self.offset(place.end_row, place.end_column)

    def place(self, like: Place, start: int, end: int) -> Place:
        first, last = bisect_right(self.lines, start), bisect_right(self.lines, end)
        return Place(like.path, first, start - self.lines[first - 1] + 1, last, end - self.lines[last - 1] + 1, like.cell)

    def row_start(self, offset: int) -> int:
        return self.lines[bisect_right(self.lines, offset) - 1]

    def row_end(self, offset: int) -> int:
        """Where the row ends, its line break left out."""
        found = _LINE_END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def row(self, number: int) -> str:
        """The row of a number, from 1, without its line break."""
        start = self.lines[number - 1]
        return self.text[start : self.row_end(start)]

    def newline(self, offset: int) -> str:
        """The line break of the row, else that of the row before, else a plain one."""
        found = _LINE_END.search(self.text, offset)
        if found:
            return found[0]
        start = self.row_start(offset)
        if start >= 2 and self.text[start - 2 : start] == "\r\n":
            return "\r\n"
        return self.text[start - 1] if start else "\n"

    def in_string(self, offset: int) -> bool:
        """Whether an offset lies behind the first and before the last character of a string."""
        strings = self.strings()
        at = bisect_right(strings, (offset, 0)) - 1
        return at >= 0 and strings[at][0] < offset < strings[at][1]


def fix_of(cure: Cure, text: Text) -> Fix | None:
    """The fix with exact edits, None where the layout does not allow one of the changes."""
    edits: list[Edit] = []
    for change in cure.changes:
        found = edit_of(change, text)
        if found is None:
            return None
        edits += found
    return Fix(cure.message, cure.applicability, tuple(sorted(edits, key=lambda edit: edit.place)))


def edit_of(change: Change, text: Text) -> list[Edit] | None:
    match change:
        case Edit():
            return [change]
        case Insert(after=False):
            return _before(change, text)
        case Insert():
            return _behind(change, text)
        case Wrap():
            return _wrapped(change, text)
        case Argument():
            return _argument(change, text)
        case Drop():
            return _dropped(change, text)
        case Comment():
            return [_comment(change, text)]


# --- statements ------------------------------------------------------------------------------


def _before(change: Insert, text: Text) -> list[Edit] | None:
    start = text.start(change.statement)
    if text.text.startswith(("elif", "else", "except", "finally"), start):
        return None
    if _alone_in_front(text, start):
        row = text.row_start(start)
        line = text.text[row:start] + change.content + text.newline(start)
        return [Edit(text.place(change.statement, row, row), line)]
    if _compound(text, start) or not _follows_sign(text, start):
        return None
    return [Edit(text.place(change.statement, start, start), f"{change.content}; ")]


def _behind(change: Insert, text: Text) -> list[Edit] | None:
    start, end = text.start(change.statement), text.end(change.statement)
    compound = _compound(text, start)
    if not compound and _one_line_block(text, start):
        return [Edit(text.place(change.statement, end, end), f"; {change.content}")]
    if not _alone_in_front(text, start):
        return None
    row_end = text.row_end(end)
    rest = text.text[end:row_end].strip(_BLANK)
    if rest.startswith(";") and rest.strip("; \t") and not rest.lstrip("; \t").startswith("#"):
        # other statements follow on the row: those of a block of its own, if it is a compound one
        if not compound:
            at = end + text.text[end:].index(";")
            return [Edit(text.place(change.statement, at, at), f"; {change.content}")]
    elif rest and not rest.startswith(("#", ";")):
        return None
    line = text.newline(start) + text.text[text.row_start(start) : start] + change.content
    return [Edit(text.place(change.statement, row_end, row_end), line)]


def _wrapped(change: Wrap, text: Text) -> list[Edit] | None:
    """The statement in a block: its rows are indented further, but for those that begin within a string."""
    start, end = text.start(change.statement), text.end(change.statement)
    rest = text.text[end : text.row_end(end)].strip(_BLANK)
    if not _alone_in_front(text, start) or _compound(text, start) or (rest and not rest.startswith("#")):
        return None
    row = text.row_start(start)
    indent = text.text[row:start]
    step = "\t" if indent.endswith("\t") else DEFAULT_INDENT
    edits = [Edit(text.place(change.statement, row, row), indent + change.header + text.newline(start) + step)]
    further = text.lines[bisect_right(text.lines, start) : bisect_right(text.lines, end)]
    if len(further) > LONGEST:
        return None
    for offset in further:
        if not text.in_string(offset) and text.text[offset : text.row_end(offset)].strip(_BLANK):
            edits.append(Edit(text.place(change.statement, offset, offset), step))
    return edits


def _alone_in_front(text: Text, start: int) -> bool:
    """Whether a statement is the first thing on its logical line."""
    row = text.row_start(start)
    if text.text[row:start].strip(_BLANK):
        return False
    before = text.text[:row].removesuffix("\n").removesuffix("\r") if row else ""
    return not before.endswith("\\")


def _compound(text: Text, start: int) -> bool:
    return _COMPOUND.match(text.text, start) is not None


def _follows_sign(text: Text, start: int) -> bool:
    """Whether the statement stands behind a colon or a semicolon on the same row."""
    return text.text[text.row_start(start) : start].rstrip(_BLANK).endswith((":", ";"))


def _one_line_block(text: Text, start: int) -> bool:
    return not _alone_in_front(text, start) and _follows_sign(text, start)


# --- arguments -------------------------------------------------------------------------------


def _argument(change: Argument, text: Text) -> list[Edit] | None:
    closing = text.end(change.call) - 1
    if closing < 0 or text.text[closing] != ")":
        return None
    if change.last is None:
        # `f()`, with whatever blanks and comments between the brackets
        opening = _opening(text, closing)
        return None if opening is None else [Edit(text.place(change.call, opening, opening), change.content)]
    start, end = text.start(change.last), _closed(text, text.end(change.last), closing)
    if end is None:
        return None
    comma = _comma(text, end, closing)
    if comma is None:
        return [Edit(text.place(change.call, end, end), f", {change.content}")]
    row = text.row_start(start)
    own_rows = not text.text[row:start].strip(_BLANK) and row > text.start(change.call)
    if own_rows and text.row_end(comma) < closing:
        # one argument to a row, the last one with a comma
        line = text.newline(comma) + text.text[row:start] + change.content + ","
        at = text.row_end(comma)
        return [Edit(text.place(change.call, at, at), line)]
    return [Edit(text.place(change.call, comma, comma), f", {change.content}")]


def _dropped(change: Drop, text: Text) -> list[Edit] | None:
    closing = text.end(change.call) - 1
    start, end = text.start(change.argument), _closed(text, text.end(change.argument), closing)
    if end is None or text.text[closing] != ")":
        return None
    if change.before is None:
        before = text.text[text.start(change.call) : start].rstrip(" \t\r\n")
        inside = text.text[end:closing]
        if not before.endswith("(") or inside.strip(" \t\r\n,") or end != text.end(change.argument):
            return None
        return [Edit(text.place(change.call, start, closing), "")]
    first = _closed(text, text.end(change.before), start)
    if first is None:
        return None
    between = _signs(text, first, start)
    brackets = sum(sign == ")" for _, sign in _signs(text, text.end(change.argument), end))
    if "".join(sign for _, sign in between) != "," + "(" * brackets:
        return None
    if "#" not in text.text[first:start]:
        return [Edit(text.place(change.call, first, end), "")]
    # the comment stays
    comma, opening = between[0][0], between[1][0] if brackets else start
    return [Edit(text.place(change.call, comma, comma + 1), ""), Edit(text.place(change.call, opening, end), "")]


def _closed(text: Text, offset: int, limit: int) -> int | None:
    """Behind the brackets that are closed around an argument, which do not count as a part of it; None if it is unclear."""
    end = offset
    for at, sign in _signs(text, offset, limit):
        if sign != ")":
            return end if sign in ",(" else None
        end = at + 1
    return end


def _comma(text: Text, offset: int, limit: int) -> int | None:
    """Where the comma behind an argument is, None if there is none."""
    return next((at for at, sign in _signs(text, offset, limit) if sign == ","), None)


def _opening(text: Text, closing: int) -> int | None:
    """Behind the bracket that opens an empty pair, None where a comment stands between the two."""
    at = closing - 1
    while at >= 0 and text.text[at] in " \t\f\r\n":
        at -= 1
    return at + 1 if at >= 0 and text.text[at] == "(" else None


def _signs(text: Text, offset: int, limit: int) -> list[tuple[int, str]]:
    """The signs between two tokens and where they stand, without blanks, line breaks and comments."""
    found = []
    at = offset
    while at < limit:
        sign = text.text[at]
        if sign == "#":
            at = text.row_end(at)
            continue
        if sign not in " \t\f\r\n\\":
            found.append((at, sign))
        at += 1
    return found


# --- comments --------------------------------------------------------------------------------


def _comment(change: Comment, text: Text) -> Edit:
    start, end = text.start(change.place), text.end(change.place)
    if change.content:
        return Edit(change.place, change.content)
    row, row_end = text.row_start(start), text.row_end(start)
    behind = text.text[end:row_end]
    if behind.strip(_BLANK):
        # another comment follows; what stands between a directive and it was its distance to the code
        end += len(behind) - len(behind.lstrip(_BLANK))
        if not behind.lstrip(_BLANK).startswith("#"):
            return Edit(text.place(change.place, start, end), "# ")
        return Edit(text.place(change.place, start, end), "")
    in_front = text.text[row:start].rstrip(_BLANK)
    if in_front:
        return Edit(text.place(change.place, row + len(in_front), row_end), "")
    return Edit(text.place(change.place, row, row_end + len(text.newline(start)) if row_end < len(text.text) else row_end), "")
