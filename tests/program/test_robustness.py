"""Any text ends in a program or a syntax problem, soon, and leaves nothing too deep for its readers."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.program.lower import SyntaxProblem, parse_program
from bnlint.program.model import Program
from tests.program.lowering import shape, source

DEEP = {
    "parentheses": "x = " + "(" * 10_000 + "1" + ")" * 10_000,
    "open brackets": "[" * 10_000,
    "calls in calls": "f(" * 3_000 + ")" * 3_000,
    "calls in a row": "x = a" + ".b(1)" * 3_000,
    "attributes": "x = a" + ".b" * 20_000,
    "operators": "x = " + "+".join(["a"] * 50_000),
    "operators on lines": "x = (" + "\n+ ".join(["a"] * 20_000) + ")",
    "continued operators": "x = " + " + \\\n".join(["a"] * 20_000),
    "powers": "x = " + "**".join(["a"] * 20_000),
    "ands": "x = " + " and ".join(["a"] * 20_000),
    "nots": "x = " + "not " * 20_000 + "a",
    "signs": "x = " + "-" * 20_000 + "a",
    "lambdas": "x = " + "lambda: " * 10_000 + "a",
    "conditionals": "x = " + "a if b else " * 10_000 + "a",
    "dicts": "{1: " * 5_000 + "1" + "}" * 5_000,
    "a mapping pattern": "match x:\n case " + "{1: " * 40 + "1" + "}" * 40 + ": pass",
    "a class pattern": "match x:\n case A(" + "\n b=B(" * 40 + ")" * 41 + ": pass",
    "format specs": "f'" + "{a:" * 5_000 + "}" * 5_000 + "'",
    "open f-strings": "f'{" * 5_000,
    "adjacent strings": "x = (" + "'a'\n" * 20_000 + ")",
    "a dotted import": "import a" + ".b" * 20_000,
    "blocks": "".join(" " * depth + "if a:\n" for depth in range(500)) + " " * 500 + "pass",
    "elifs": "if a: pass\n" + "elif a: pass\n" * 30_000,
    "escapes in an unterminated string": "x = '" + "\\'" * 50_000,
}
"""end the process when libcst is asked, or take it minutes"""

LONG = {
    "a chain of operators": "x = " + "+".join(["a"] * 1_000),
    "a chain of calls": "x = (a\n" + ".b(c)\n" * 300 + ")",
    "ands": "x = " + " and ".join(["a"] * 2_000),
    "elifs": "if a: pass\n" + "elif a: pass\n" * 10_000,
    "an import": "import a" + ".b" * 1_000,
    "brackets": "x = " + "[" * 100 + "]" * 100,
    "blocks": "".join(" " * depth + "if a:\n" for depth in range(95)) + " " * 95 + "x = " + "[" * 95 + "]" * 95,
    "strings": "x = (" + "'a'\n" * 2_000 + ")",
    "targets": "a = " * 5_000 + "1",
    "comparisons": "x = " + " < ".join(["a"] * 1_000),
    "semicolons": "a; " * 5_000,
    "comments": "# noqa\n" * 5_000,
    "empty lines": "\n" * 50_000,
    "handlers": "try: pass\n" + "except a: pass\n" * 2_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_what_is_nested_beyond_reason_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(SyntaxProblem):
        parse_program(text)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_what_is_merely_long_becomes_a_program_that_others_can_walk_and_store(text: str) -> None:
    program = parse_program(text)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(program), type=Program)
    assert shape(stored.body) == shape(program.body)
    assert source(text, program.body[-1]) if program.body else True


def test_the_recursion_limit_is_left_as_it_was() -> None:
    limit = sys.getrecursionlimit()
    parse_program(LONG["a chain of operators"])
    assert sys.getrecursionlimit() == limit


def test_the_cursor_is_right_after_what_was_too_deep() -> None:
    text = "x = " + "-" * 500 + "a; y"
    assert source(text, parse_program(text).body[1]) == "y"


@pytest.mark.parametrize(
    "table",
    ["1234, " * 300_000, "[1, 2.5, -3e-4],\n" * 80_000, "(0xff, 0x00),\r\n" * 80_000],
    ids=["numbers", "rows", "hexadecimal rows"],
)
def test_large_tables_of_numbers_cost_little_and_keep_all_places(table: str) -> None:
    text = f"x = [{table}]\ny"
    began = time.perf_counter()
    program = parse_program(text)
    assert time.perf_counter() - began < 10
    first, last = program.body
    assert source(text, first) == text[:-2]
    assert program.place(last.start) == (text.count("\n") + 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "x\0 = 1",
        "x = '\ud800'",
        "x = $",
        "x = '''",
        "if a:\n\tx\n        y",
        "print 1",
        "x = (",
        "x = \\",
        "def f(*, a, **k, b): pass",
        "\x1a",
    ],
)
def test_what_is_no_python_3_is_a_syntax_problem(text: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_program(text)
    assert caught.value.row >= 1
    assert caught.value.column >= 1
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x = 1\nprint 1", (2, 7)),
        ("a\nx = $", (2, 5)),
        ("a\n  b", (2, 3)),
        ("if a:\n    b\n  c", (3, 4)),
        ("é = '\ud800'", (1, 6)),
    ],
)
def test_a_syntax_problem_tells_its_place(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_program(text)
    assert caught.value.row == place[0]
    assert abs(caught.value.column - place[1]) <= 1  # interpreters differ by one in where an indentation is wrong


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "\x0c", "   ", "\r\n\r", "'doc'", "x = 1\x0c\n"])
def test_texts_with_hardly_anything_in_them_are_programs(text: str) -> None:
    assert isinstance(parse_program(text), Program)


PIECES = st.sampled_from([
    "(", ")", "[", "]", "{", "}", ",", ":", "=", ".", "#", "'", '"', "'''", "f'", "\\", "\n", "\r", "\r\n", "  ", "\t",
    "\x0c", ";", "@",
    "*", "a", "é", "1", "1j", "if", "else", "for", "in", "not", "lambda", "def f():", "class", "match", "case", "await",
    "yield", "-", "noqa",
])  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=30)))
def test_any_text_is_a_program_or_a_syntax_problem(text: str) -> None:
    with suppress(SyntaxProblem):
        program = parse_program(text)
        assert all(0 <= node.start <= node.end <= len(text) for node in program.body)


def test_importing_the_room_does_not_import_libcst() -> None:
    check = "import bnlint.program.lower, bnlint.program.rows, sys; sys.exit('libcst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
