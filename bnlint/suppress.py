"""Suppression comments: which findings a file's comments hide, and which of these comments hide nothing.

    x = f()  # noqa: BN201, E501          # noqa            # ruff: noqa   # flake8: noqa
    x = f()  # bnlint: ignore[BN201] why  # bnlint: ignore  # bnlint: ignore-file[BN2]

Must never hide BN001 or BN002, and never judge the codes of other linters in a `noqa`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnlint.program.model import Program

ALWAYS_SHOWN = frozenset(("BN001", "BN002"))
UNUSED_SUPPRESSION = "BN003"

_CODE = r"[A-Za-z]+[0-9]+"
_NOQA = re.compile(rf"#\s*noqa\b(?P<list>\s*:\s*(?P<codes>{_CODE}(?![\w-])(?:[,\s]+{_CODE}(?![\w-]))*))?", re.IGNORECASE)
_FILE_NOQA = re.compile(r"#\s*(?:ruff|flake8)\s*:\s*noqa\b(?!\s*:)", re.IGNORECASE)
_BNLINT = re.compile(r"#\s*bnlint\s*:\s*(?P<kind>ignore-file|ignore)\b(?!-)\s*(?:\[(?P<codes>[^\]#]*)\])?", re.IGNORECASE)
_WORD = re.compile(r"[^\s,]+")
_OURS = re.compile(r"BN\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unused:
    """A comment that names codes of ours and hid nothing.

    `start` and `end` are character offsets of the directive in the source; `content` is what should stand there
    instead: "" or the directive with the other linters' codes.
    """

    row: int
    start: int
    end: int
    codes: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True)
class _Directive:
    """One directive: `selectors` are upper-case codes or prefixes ("" selects all), `named` how they were written."""

    row: int
    start: int
    end: int
    whole_file: bool
    selectors: tuple[str, ...]
    named: tuple[str, ...]
    content: str

    def selects(self, code: str) -> bool:
        return code.startswith(self.selectors)


@dataclass(slots=True)
class Suppressions:
    """The suppressions of one file; remembers which of them hid something."""

    _directives: tuple[_Directive, ...]
    _rows: Callable[[int], tuple[int, int]]
    _used: set[int] = field(default_factory=set)

    @classmethod
    def from_program(
        cls, program: Program, rows: Callable[[int], tuple[int, int]], names: Mapping[str, str] | None = None
    ) -> Suppressions:
        """Read the comments of `program`.

        `rows` gives the first and last row of the statement that covers a row; `names` gives the code of a rule's name.
        """
        comments = ((program.place(comment.start)[0], comment.start, comment.text) for comment in program.comments)
        return cls(tuple(_directives(comments, names or {})), rows)

    def hides(self, code: str, row: int) -> bool:
        """Whether a finding of `code` that starts in `row` is suppressed; remembers the directives that do it."""
        if code in ALWAYS_SHOWN or not self._directives:
            return False
        first, last = self._rows(row)
        hidden = False
        for index, directive in enumerate(self._directives):
            if (directive.whole_file or first <= directive.row <= last) and directive.selects(code):
                self._used.add(index)
                hidden = True
        return hidden

    def unused(self) -> list[Unused]:
        """The directives that name codes of ours and have hidden nothing so far; blanket ones are never among them."""
        return [
            Unused(directive.row, directive.start, directive.end, directive.named, directive.content)
            for index, directive in enumerate(self._directives)
            if directive.named and index not in self._used
        ]


def _directives(comments: Iterable[tuple[int, int, str]], names: Mapping[str, str]) -> Iterable[_Directive]:
    for row, offset, text in comments:
        for found in _FILE_NOQA.finditer(text):
            yield _Directive(row, offset + found.start(), offset + found.end(), True, ("",), (), "")
        for found in _NOQA.finditer(text):
            yield _noqa(row, offset, found)
        for found in _BNLINT.finditer(text):
            yield _ignore(row, offset, text, found, names)


def _noqa(row: int, offset: int, found: re.Match[str]) -> _Directive:
    start, end = offset + found.start(), offset + found.end()
    if found["codes"] is None:
        return _Directive(row, start, end, False, ("",), (), "")
    codes: list[str] = _WORD.findall(found["codes"])
    ours = tuple(code for code in codes if _OURS.fullmatch(code) and code.upper() != UNUSED_SUPPRESSION)
    others = [code for code in codes if not _OURS.fullmatch(code)]
    content = "# noqa: " + ", ".join(others) if others else ""
    return _Directive(row, start, end, False, tuple(code.upper() for code in codes), ours, content)


def _ignore(row: int, offset: int, text: str, found: re.Match[str], names: Mapping[str, str]) -> _Directive:
    # The reason behind the brackets belongs to the directive, up to the next comment sign.
    reason_end = text.find("#", found.end())
    end = len(text) if reason_end < 0 else reason_end
    whole_file = found["kind"].lower() == "ignore-file"
    if found["codes"] is None:
        return _Directive(row, offset + found.start(), offset + end, whole_file, ("",), (), "")
    words: list[str] = _WORD.findall(found["codes"])
    selectors = tuple("" if word.upper() == "ALL" else names.get(word.lower(), word).upper() for word in words)
    named = tuple(word for word in words if word.upper() not in ("ALL", UNUSED_SUPPRESSION))
    return _Directive(row, offset + found.start(), offset + end, whole_file, selectors, named, "")
