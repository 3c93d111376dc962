"""Blanks the middle of large tables of numbers before they are parsed.

They carry no story, and libcst would take seconds and gigabytes for a file of a few megabytes of them. Blanks take
the place of what is dropped, so that every place in the text stays what it was. Must never touch a line end.
"""

from __future__ import annotations

import re

_LONGEST = 512
_SHOWN = 64
_STRETCH = re.compile(r"[\[({][\d\s,.+\-_:xXa-fA-F()\[\]{}]{4096,}")
"""numbers, hexadecimal ones too, and the punctuation between them"""
_PUNCTUATION = re.compile(r"[\[({,\])}]")
_NO_LINE_END = re.compile(r"[^\r\n]+")


def blank_tables(text: str) -> str:
    """`text` with all but the first 64 and the last element blanked of each display of more than 512 numbers or rows."""
    if len(text) < 4096:
        return text
    pieces: list[str] = []
    done = 0
    for stretch in _STRETCH.finditer(text):
        for start, end in _middles(text, stretch.start(), stretch.end()):
            if start >= done:
                pieces.append(text[done:start])
                pieces.append(_NO_LINE_END.sub(lambda match: " " * len(match[0]), text[start:end]))
                done = end
    if not pieces:
        return text
    pieces.append(text[done:])
    return "".join(pieces)


def _middles(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where to blank, outer tables before the ones they hold."""
    found: list[tuple[int, int]] = []
    open_: list[tuple[int, int, int]] = []  # of each open bracket: how many commas, where the 64th and the last one end
    for match in _PUNCTUATION.finditer(text, start, end):
        token = match[0]
        if token == ",":
            if open_:
                count, first, _ = open_[-1]
                at = match.end()
                open_[-1] = (count + 1, at if count + 1 == _SHOWN else first, at)
        elif token in "[({":
            open_.append((0, 0, 0))
        elif open_:
            count, first, last = open_.pop()
            if count > _LONGEST:
                found.append((first, last))
    found += [(first, last) for count, first, last in open_ if count > _LONGEST]
    return sorted(found)
