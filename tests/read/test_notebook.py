"""Notebooks as one program: which cells it holds, which row is which, what is no notebook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnlint.program.lower import parse_program
from bnlint.program.notebook import parse_notebook
from bnlint.read.notebook import cell_sources, first_rows, notebook_program
from bnlint.read.source import Unreadable
from tests.read.notebooks import code, notebook, text

WHERE = Path("a.ipynb")


def rows(data: bytes) -> list[str]:
    """The program without the heads of its cells, a cell to a string."""
    program = notebook_program(WHERE, data)
    lines = program.split("\n")
    starts = first_rows(program)
    ends = [*(start - 2 for start in starts[1:]), len(lines) - 1]
    return ["\n".join(lines[start - 1 : end]) for start, end in zip(starts, ends, strict=True)]


def test_code_cells_follow_each_other_and_text_is_left_out() -> None:
    data = notebook(text("# title"), "x = 1\ny = 2", text("more"), "", "z = 3\n")
    assert rows(data) == ["x = 1\ny = 2", "", "z = 3"]
    assert cell_sources(WHERE, data) == ("x = 1\ny = 2", "", "z = 3\n")


def test_a_notebook_may_have_no_cells() -> None:
    assert notebook_program(WHERE, notebook()) == ""
    assert first_rows("") == ()


def test_sources_may_be_strings_and_line_ends_of_windows() -> None:
    assert rows(notebook({"cell_type": "code", "source": "x = 1\r\ny = 2"})) == ["x = 1\ny = 2"]


def test_the_format_of_jupyters_first_years_is_read() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}, {"cell_type": "heading", "source": "a"}]}]}
    assert rows(json.dumps(old).encode()) == ["x = 1"]


def test_cells_in_other_languages_count_and_are_empty() -> None:
    shell = code("ls -l (\n", metadata={"vscode": {"languageId": "shellscript"}})
    assert rows(notebook(shell, "x = 1")) == ["", "x = 1"]
    julia = {"kernelspec": {"language": "julia", "name": "julia-1.9"}}
    assert rows(notebook("using Flux", metadata=julia)) == [""]
    unknown = {"kernelspec": {"name": "my-env", "display_name": "My Env"}}
    assert rows(notebook("x = 1", metadata=unknown)) == ["x = 1"]


def test_what_only_python_can_read_of_the_json_is_read() -> None:
    data = notebook(code("x = 1", outputs=[{"data": 0}])).replace(b'"data": 0', b'"data": NaN')
    assert rows(data) == ["x = 1"]
    assert rows(b"\xef\xbb\xbf" + data) == ["x = 1"]
    assert rows(data.decode().encode("utf-16")) == ["x = 1"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"print('hello')\n", "invalid JSON, expecting value", id="python"),
        pytest.param(b"", "invalid JSON", id="empty"),
        pytest.param(notebook("x = 1")[:-30], "invalid JSON", id="cut short"),
        pytest.param(b'{"a": 1}', "no cells", id="other json"),
        pytest.param(b"[1, 2]", "is no notebook", id="a list"),
        pytest.param(b'{"cells": [1]}', "is no notebook", id="cells that are none"),
        pytest.param(b"[" * 200_000, "is no notebook", id="too deep"),
        pytest.param(b'{"cells": \0}', "binary", id="null bytes"),
    ],
)
def test_what_is_no_notebook_is_unreadable(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        notebook_program(WHERE, data)


def test_a_cell_that_is_indented_as_a_whole_is_no_part_of_the_block_before() -> None:
    program = notebook_program(WHERE, notebook("for x in y:\n    f(x)", "    # as pasted\n    z = 1\n    w = 2"))
    body = parse_program(program).body
    assert len(body) == 2
    assert parse_notebook(program, parse_program).problems == ()


def test_a_broken_cell_is_left_out_and_told() -> None:
    program = parse_notebook(notebook_program(WHERE, notebook("x = 1", "y = (\n", "z =", "w = 4")), parse_program)
    assert program.cells == (2, 4, 6, 8)
    assert [row for row, _, _ in program.problems] == [4, 6]
    assert [program.place(statement.start) for statement in program.body] == [(2, 1), (8, 1)]


def test_await_needs_no_function() -> None:
    program = parse_notebook(notebook_program(WHERE, notebook("x = await f()\nasync for y in x:\n    pass")), parse_program)
    assert program.problems == ()
