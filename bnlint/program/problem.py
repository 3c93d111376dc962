"""The one way in which lowering a file fails, and where in the text; importing this must never import libcst."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

_LINE_END = re.compile(r"\r\n?|\n")


class SyntaxProblem(Exception):
    """The text is not what its file should hold (or nested beyond reason). Row and column are characters, both from 1."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message, row, column)
        self.message = message
        self.row = row
        self.column = column

    def __str__(self) -> str:
        return f"{self.row}:{self.column}: {self.message}"


def line_starts(text: str) -> tuple[int, ...]:
    """The offset of each row as an editor counts them: not after form feeds and the like."""
    if "\r" in text:
        return (0, *[match.end() for match in _LINE_END.finditer(text)])
    lengths = [len(line) + 1 for line in text.split("\n")]
    lengths.pop()
    return tuple(accumulate(lengths, initial=0))


def problem_at(message: str, lines: tuple[int, ...], offset: int) -> SyntaxProblem:
    row = bisect_right(lines, offset)
    return SyntaxProblem(message, row, offset - lines[row - 1] + 1)
