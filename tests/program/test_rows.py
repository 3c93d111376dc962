"""Which rows belong to the statement of a row."""

from __future__ import annotations

import pytest

from bnlint.program.lower import parse_program
from bnlint.program.rows import statement_rows

TEXT = """\
x = f(
    a,

    b,
)
@decorated(
    by=this,
)
# why
def f(
    a=1,
) -> int:
    # below a def
    '''A docstring
    of two rows.'''
    return (
        a
    )

class C(
    Base,
):
    y = 1

if (a and
        b):
    pass
elif (
    c
):
    d; e = [
        1]; g = [
        2]
else:
    h

with a as b, \\
        c as d:
    pass
try:
    i
except (A,
        B):
    j
match (
    k
):
    case [a,
          b]:
        l(
        )
    case _: pass
"""
STATEMENTS = [
    (1, 5), (6, 12), (14, 15), (16, 18), (20, 22), (23, 23), (25, 26), (27, 27), (28, 30), (34, 34), (35, 35), (37, 38), (39, 39),
    (40, 40), (41, 41), (42, 43), (44, 44), (45, 47), (48, 49), (50, 51), (52, 52),
]  # fmt: skip


@pytest.mark.parametrize(("first", "last"), STATEMENTS)
def test_each_row_of_a_statement_or_header_belongs_to_all_of_it(first: int, last: int) -> None:
    rows = statement_rows(parse_program(TEXT))
    assert {rows(row) for row in range(first, last + 1)} == {(first, last)}


@pytest.mark.parametrize("row", [13, 19, 24, 36, 53, 1000])
def test_a_row_of_no_statement_is_alone(row: int) -> None:
    assert statement_rows(parse_program(TEXT))(row) == (row, row)


def test_statements_that_share_a_row_with_a_semicolon_share_it() -> None:
    rows = statement_rows(parse_program(TEXT))
    assert [rows(31), rows(32), rows(33)] == [(31, 32), (31, 33), (32, 33)]


def test_the_statement_after_a_header_on_its_row_wins() -> None:
    rows = statement_rows(parse_program("if a: b(\n  c)\n"))
    assert rows(1) == rows(2) == (1, 2)


def test_a_program_without_statements_has_rows_all_the_same() -> None:
    assert statement_rows(parse_program("# noqa\n"))(1) == (1, 1)
