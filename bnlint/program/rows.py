"""Which physical rows make up the statement that a row belongs to.

For suppression comments, which count on any physical line of a statement. Must never need the source text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from bnlint.program import model as ir
from bnlint.program.model import Program


def statement_rows(program: Program) -> Callable[[int], tuple[int, int]]:
    """A function from a row to the first and last row of its statement; all rows count from 1.

    The statement of a row is the innermost simple statement on it, else the header of the compound statement whose
    header covers it: from the first decorator, if any, to the colon. Rows between a header and its body that hold
    nothing but comments count as the header's, except below a `def`. A row of no statement is alone.
    """
    lines = program.lines
    headers: dict[int, tuple[int, int]] = {}
    simple: dict[int, tuple[int, int]] = {}

    def row_of(offset: int) -> int:
        return bisect_right(lines, offset)

    def last_row_of(node: ir.Node) -> int:
        return bisect_right(lines, max(node.end - 1, node.start))

    def mark_simple(statement: ir.Node) -> None:
        first, last = row_of(statement.start), last_row_of(statement)
        if first == last:
            return
        # statements may share a row, with a semicolon between them
        for row in range(first, last + 1):
            known = simple.get(row, (row, row))
            simple[row] = (min(first, known[0]), max(last, known[1]))

    def mark_header(start: int, body: tuple[ir.Stmt, ...], last: int | None = None) -> None:
        first = row_of(start)
        if last is None:
            last = max(first, row_of(_start(body[0])) - 1) if body else first
        for row in range(first, last + 1):
            headers[row] = (first, last)

    pending: list[ir.Stmt] = list(program.body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ir.Function):
            last = last_row_of(statement.params)
            if statement.returns is not None:
                last = max(last, last_row_of(statement.returns))
            mark_header(_start(statement), statement.body, last)
        elif isinstance(statement, ir.Match):
            if statement.cases:
                first, last = row_of(statement.start), row_of(statement.cases[0].start) - 1
                for row in range(first, last + 1):
                    headers[row] = (first, last)
            for case in statement.cases:
                mark_header(case.start, case.body)
        elif isinstance(statement, ir.Class | ir.If | ir.While | ir.Loop | ir.With | ir.Try):
            mark_header(_start(statement), statement.body)
            if isinstance(statement, ir.Try):
                for handler in statement.handlers:
                    mark_header(handler.start, handler.body)
        else:
            mark_simple(statement)
            continue
        for block in _blocks(statement):
            pending.extend(block)

    def rows(row: int) -> tuple[int, int]:
        return simple.get(row) or headers.get(row) or (row, row)

    return rows


def _start(statement: ir.Stmt) -> int:
    if isinstance(statement, ir.Function | ir.Class) and statement.decorators:
        return statement.decorators[0].start
    return statement.start


def _blocks(statement: ir.Stmt) -> Iterable[tuple[ir.Stmt, ...]]:
    if isinstance(statement, ir.Match):
        return [case.body for case in statement.cases]
    if isinstance(statement, ir.Try):
        return [statement.body, *(handler.body for handler in statement.handlers), statement.orelse, statement.final]
    if isinstance(statement, ir.If | ir.While | ir.Loop):
        return [statement.body, statement.orelse]
    if isinstance(statement, ir.Function | ir.Class | ir.With):
        return [statement.body]
    return []
