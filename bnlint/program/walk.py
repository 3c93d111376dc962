"""The one walk over a libcst tree: puts the tables together and starts at the module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.blocks import lower_lines
from bnlint.program.clauses import EXPRESSIONS
from bnlint.program.cursor import Cursor, Lower
from bnlint.program.statements import STATEMENTS

_DEEPEST = 100


def walk(text: str, module: cst.Module, *, deep: bool) -> tuple[tuple[ir.Stmt, ...], tuple[ir.Comment, ...]]:
    """The statements of `module`, which was parsed from `text`, and the comments that speak to a linter.

    With `deep`, expressions nested further than 100 levels become Opaque, so that whoever reads the program may recurse.
    """
    cursor = Cursor(text, _bounded() if deep else EXPRESSIONS, STATEMENTS)
    body = lower_lines(cursor, module.body)
    cursor.finish()
    return body, tuple(cursor.comments)


def _bounded() -> Mapping[type, Lower]:
    """The table of expressions with a watch on the depth; the text is walked to the bottom all the same."""
    depth = 0

    def bound(lower: Lower) -> Lower:
        def bounded(cursor: Cursor, node: Any) -> ir.Expr:
            nonlocal depth
            depth += 1
            value = lower(cursor, node)
            depth -= 1
            return value if depth < _DEEPEST else ir.Opaque(value.start, value.end)

        return bounded

    return {kind: bound(lower) for kind, lower in EXPRESSIONS.items()}
