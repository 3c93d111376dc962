"""The second chance of a file that the parser rejects: Python 2 rewritten, then the lines at which it stops blanked.

Must never blank a line of a file that does not show Python 2: a broken Python 3 file is told to the user (BN001).
The number of attempts is bounded, so that the cost stays linear in the size of the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bnlint.read.python2 import expand_tabs, rewrite
from bnlint.read.tokens import LogicalLine, logical_lines

T = TypeVar("T")

MAX_ATTEMPTS = 40
MAX_CHARACTERS = 4_000_000

_PLACE = re.compile(r"\berror at (\d+):(\d+)")
# What a header becomes when it cannot be parsed: its block stays, what it says is unknown.
_HEADERS = {
    "if": "if _", "elif": "elif _", "else": "else", "for": "for _ in _", "while": "while _", "try": "try",
    "except": "except Exception", "finally": "finally", "with": "with _", "def": "def _()", "class": "class _",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and why a parser gave up; `row` from 1."""

    row: int
    message: str


def rescue(text: str, attempt: Callable[[str], T | Stop]) -> T | None:
    """Parse a rejected `text` as Python 2: what `attempt` makes of the first version that it accepts, or None.

    `attempt` is the parser: it gives its result, or a `Stop` for a text that it rejects.
    """
    rewritten = rewrite(text)
    best = rewritten.text
    stop = Stop(1, "")
    if best != text:
        first = attempt(best)
        if not isinstance(first, Stop):
            return first
        stop = first
    expanded = expand_tabs(best)
    if expanded is not None and expanded != best:
        second = attempt(expanded)
        if not isinstance(second, Stop):
            return second
        if best == text or second.row >= stop.row:
            best, stop = expanded, second
    if not rewritten.shows_python2:
        return None
    return _blank_and_retry(best, stop, attempt)


def _blank_and_retry(text: str, stop: Stop, attempt: Callable[[str], T | Stop]) -> T | None:
    page = _Page(text)
    for _ in range(min(MAX_ATTEMPTS, max(3, MAX_CHARACTERS // (len(text) + 1)))):
        if not page.blank(stop):
            return None
        result = attempt("".join(page.rows))
        if not isinstance(result, Stop):
            return result
        stop = result
    return None


class _Page:
    """A text by rows, of which logical lines are blanked one after the other."""

    def __init__(self, text: str) -> None:
        self.rows = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
        self._lines = logical_lines(text)
        offsets = [0]
        for row in self.rows:
            offsets.append(offsets[-1] + len(row))
        self._offsets = offsets
        self._first = [self._row(line.start) for line in self._lines]
        self._last = [self._row(line.end - 1) for line in self._lines]
        self._hits = [0] * len(self._lines)
        self._faults = self._own_faults()

    def blank(self, stop: Stop) -> bool:
        """Blank the logical line at which the parser stopped; False if there is nothing left to blank."""
        if "tokenizer error" in stop.message:
            # libcst does not tell where: what it rejects is found among our own tokens.
            if not self._faults:
                return False
            return self._blank_line(self._faults.pop(0))
        row = _row_of(stop)
        index = bisect_right(self._first, row) - 1
        if index < 0:
            return False
        if index and self._lines[index - 1].unclosed and not self._hits[index - 1]:
            index -= 1
        if stop.message.rstrip(". ").endswith("expected INDENT") and self._fill_block_before(index):
            return True
        return self._blank_line(index)

    def _row(self, offset: int) -> int:
        return bisect_right(self._offsets, offset)

    def _blank_line(self, index: int) -> bool:
        self._hits[index] += 1
        first, last = self._first[index], self._last[index]
        if self._hits[index] == 1:
            self._replace(first, last, self._indent(index) + _neutral(self._lines[index]))
        elif self._hits[index] == 2:
            self._replace(first, last, "")
            self._drop_block_after(index)
        else:
            return False
        return True

    def _drop_block_after(self, index: int) -> None:
        """A line that is wrong whatever it says is wrongly indented, and so are those that follow it in its block."""
        depth = len(self._indent(index))
        if index and len(self._indent(index - 1)) >= depth:
            return
        for other in range(index + 1, len(self._lines)):
            if len(self._indent(other)) < depth:
                return
            self._hits[other] = 2
            self._replace(self._first[other], self._last[other], "")

    def _fill_block_before(self, index: int) -> bool:
        for other in (index, index - 1):
            line = self._lines[other] if other >= 0 else None
            if line is not None and self._hits[other] == 0 and line.tokens[-1].text == ":":
                row = self._last[other]
                text = self.rows[row - 1]
                head = text[: line.end - self._offsets[row - 1]]
                self._hits[other] = 1
                self.rows[row - 1] = head + " pass" + _ending(text)
                return True
        return False

    def _indent(self, index: int) -> str:
        line = self._lines[index]
        start = self._offsets[self._first[index] - 1]
        return " " * (line.tokens[0].start - start)

    def _replace(self, first: int, last: int, content: str) -> None:
        for row in range(first, last + 1):
            self.rows[row - 1] = (content if row == first else "") + _ending(self.rows[row - 1])

    def _own_faults(self) -> list[int]:
        """Logical lines with an unclosed or unopened bracket, an invalid character or string, or a bad dedent."""
        faults: list[int] = []
        open_blocks = [0]
        for index, line in enumerate(self._lines):
            depth = len(self._indent(index))
            while open_blocks and open_blocks[-1] > depth:
                open_blocks.pop()
            bad_dedent = not open_blocks or (open_blocks[-1] < depth and index > 0 and depth < len(self._indent(index - 1)))
            open_blocks.append(depth)
            balance = 0
            unopened = False
            for token in line.tokens:
                if token.kind == "op" and token.text in "([{":
                    balance += 1
                elif token.kind == "op" and token.text in ")]}":
                    balance -= 1
                    unopened = unopened or balance < 0
            if bad_dedent or line.unclosed or unopened or any(token.kind == "error" for token in line.tokens):
                faults.append(index)
        return faults


def _row_of(stop: Stop) -> int:
    """libcst names the end of the token it cannot take: at column 0 that is the line break before."""
    found = _PLACE.search(stop.message)
    if found is None:
        return stop.row
    return max(1, int(found[1]) - (found[2] == "0"))


def _neutral(line: LogicalLine) -> str:
    header = _HEADERS.get(line.tokens[0].text)
    if header is None:
        return "pass"
    return header + (":" if line.tokens[-1].text == ":" else ": pass")


def _ending(row: str) -> str:
    return row[len(row.rstrip("\r\n")) :]
