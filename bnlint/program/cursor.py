"""Where the walk stands in the source text: exact character offsets without any position metadata.

The walk meets leaf tokens in the order of the text, so the place of a token is its next occurrence after the
previous one, provided that nothing in between could be taken for it. Between two tokens there are only white
space, line continuations, comments and punctuation. Hence the one duty of the walk: to step over every bracket,
keyword and operator that a later search might find by mistake. Comments are what the cursor watches for itself:
`hash` is the next `#`, and a search that crosses it goes through `seek`, which steps over the comment and keeps
it if it speaks to a linter.

The cursor must never fail: a token that is not found leaves it where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bnlint.program.model import Comment, Expr

_END_OF_LINE = re.compile(r"[\r\n]")
_FOR_LINTERS = re.compile("noqa|bnlint", re.IGNORECASE)
_FAR = 1 << 62
_LOSSES_BEFORE_GIVING_UP = 20
"""a text that does not match its tree is searched no further, so that the cost stays linear"""

Lower = Callable[["Cursor", Any], Expr]


class Cursor:
    """Mutable on purpose: one per file, passed to every lowering function.

    The lowering functions inline the usual case of `token` as

        start = cursor.find(token, cursor.pos)
        if not -1 < start < cursor.hash:
            start = cursor.seek(token)
        cursor.pos = start + len(token)
    """

    __slots__ = ("comments", "find", "hash", "lost", "lower", "pos", "statements", "text", "yields")

    def __init__(self, text: str, lower: Mapping[type, Lower], statements: Mapping[type, Any]) -> None:
        self.text = text
        self.find: Callable[[str, int], int] = text.find
        self.pos = 0
        hash = text.find("#")
        self.hash = hash if hash >= 0 else _FAR
        self.comments: list[Comment] = []
        self.yields = False
        """whether a yield was met since the last function began"""
        self.lower = lower
        """the lowering function of each node class that is an expression"""
        self.statements = statements
        """the same for statements"""
        self.lost = 0
        """how many tokens were not found: always 0 unless there is a mistake in the walk"""

    def seek(self, token: str) -> int:
        """The offset of the next `token`, past the comments in between; does not step over the token."""
        while True:
            pos = self.pos
            start = self.find(token, pos)
            if self.hash < pos:
                self._next_hash(pos)
            if -1 < start < self.hash:
                return start
            if start < 0 or start >= len(self.text):
                return self._lose()
            self._step_over_comment()

    def token(self, token: str) -> int:
        """Step over the next `token` and return where it starts."""
        start = self.find(token, self.pos)
        if not -1 < start < self.hash:
            start = self.seek(token)
        self.pos = start + len(token)
        return start

    def open(self, parentheses: Any) -> None:
        for _ in parentheses:
            self.token("(")

    def close(self, parentheses: Any) -> None:
        for _ in parentheses:
            self.token(")")

    def finish(self) -> None:
        """Read the comments after the last token."""
        self._next_hash(self.pos)
        while self.hash < _FAR:
            self._step_over_comment()

    def _next_hash(self, pos: int) -> None:
        hash = self.text.find("#", pos)
        self.hash = hash if hash >= 0 else _FAR

    def _step_over_comment(self) -> None:
        start = self.hash
        match = _END_OF_LINE.search(self.text, start)
        end = match.start() if match else len(self.text)
        comment = self.text[start:end]
        if _FOR_LINTERS.search(comment):
            self.comments.append(Comment(start, end, comment))
        self.pos = end
        self._next_hash(end)

    def _lose(self) -> int:
        self.lost += 1
        if self.lost == _LOSSES_BEFORE_GIVING_UP:
            self.find = lambda token, pos: min(pos, len(self.text) - 1)
        return min(self.pos, len(self.text))
