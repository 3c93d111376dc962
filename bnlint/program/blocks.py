"""The body of a compound statement: from libcst's blocks and lines to a flat tuple of statements."""

from __future__ import annotations

from typing import Any

import libcst as cst

from bnlint.program import model as ir
from bnlint.program.cursor import Cursor


def lower_body(cursor: Cursor, block: Any) -> tuple[ir.Stmt, ...]:
    """Of an indented block or of statements on the line of the header."""
    if type(block) is cst.IndentedBlock:
        return lower_lines(cursor, block.body)
    statements = cursor.statements
    return tuple([statements[type(small)](cursor, small) for small in block.body])


def lower_lines(cursor: Cursor, lines: Any) -> tuple[ir.Stmt, ...]:
    statements = cursor.statements
    body: list[ir.Stmt] = []
    for line in lines:
        if type(line) is cst.SimpleStatementLine:
            for small in line.body:
                body.append(statements[type(small)](cursor, small))
        else:
            body.append(statements[type(line)](cursor, line))
    return tuple(body)
