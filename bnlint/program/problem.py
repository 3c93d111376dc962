"""The one way in which lowering a file fails; importing this must never import libcst."""

from __future__ import annotations


class SyntaxProblem(Exception):
    """The text is no Python 3 (or nested beyond reason). Row and column are characters, both from 1."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message, row, column)
        self.message = message
        self.row = row
        self.column = column

    def __str__(self) -> str:
        return f"{self.row}:{self.column}: {self.message}"
