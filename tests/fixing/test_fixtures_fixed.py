"""Fixes of whole programs: what a fixture's `.fixed.py` says is what they leave, in whatever layout the program comes.

A program is fixed in variations of its layout as well. Where the variation can be taken back, taking it back must give
what the fixes leave of the plain program: nothing else was touched.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint.program.lower import parse_program
from bnlint.program.problem import SyntaxProblem
from bnlint.read.notebook import cell_sources
from tests.linting import CHECKOUT, copy_case, fixed, lint
from tests.read.notebooks import code, notebook
from tests.read.notebooks import text as remark

FIXTURES = CHECKOUT / "fixtures"
FIXED = sorted(FIXTURES.glob("*/*.fixed.py"))
FIXABLE = ("bn101", "bn201", "bn202", "bn207", "bn208", "bn303", "bn501", "bn504", "bn601", "bn602", "bn607")


def fixed_id(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix('.fixed.py')}"


def case_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".fixed.py") + ".py")


def folder_with(data: bytes, tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "case"
    folder.mkdir()
    (folder / "program.py").write_bytes(data)
    return folder


def left_of(data: bytes, folder: Path) -> bytes:
    """What fixes leave of a program, checked: nothing to fix remains, nothing new has come, another time changes nothing."""
    path = folder / "program.py"
    before = Counter(finding.code for finding in lint(folder).findings)
    result = fixed(folder)
    path.write_bytes(result.contents.get(path, data))
    after = lint(folder).findings
    assert [finding.code for finding in after if finding.fix is not None] == []
    assert Counter(finding.code for finding in after) == before - Counter(finding.code for finding in result.findings)
    return path.read_bytes()


def test_every_code_that_can_be_fixed_has_a_fixture_that_is() -> None:
    assert {path.parent.name.partition("_")[0] for path in FIXED} == set(FIXABLE)


@pytest.mark.parametrize("path", FIXED, ids=fixed_id)
def test_fixes_leave_what_the_fixed_file_says(path: Path, tmp_path: Path) -> None:
    data = case_of(path).read_bytes()
    assert left_of(data, folder_with(data, tmp_path)) == path.read_bytes()


@pytest.mark.parametrize("case", sorted(case for code in FIXABLE for case in FIXTURES.glob(f"{code}_*/bad_*") if case.is_dir()),
                         ids=lambda case: f"{case.parent.name}/{case.name}")  # fmt: skip
def test_fixes_of_a_project_take_away_what_they_are_for(case: Path, tmp_path: Path) -> None:
    folder = copy_case(case, tmp_path)
    before = Counter(finding.code for finding in lint(folder).findings)
    result = fixed(folder)
    for path, data in result.contents.items():
        path.write_bytes(data)
        parse_program(data.decode())
    after = lint(folder).findings
    assert Counter(finding.code for finding in after) == before - Counter(finding.code for finding in result.findings)
    assert [finding.code for finding in after if finding.fix is not None] == []


# --- variations that can be taken back -------------------------------------------------------


def carriage_returns(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def marked(text: str) -> bytes:
    return b"\xef\xbb\xbf" + text.encode()


def latin_1(text: str) -> bytes:
    return f"# -*- coding: latin-1 -*-\n# caf\xe9\n{text}".encode("latin-1")


def tabs(text: str) -> bytes:
    def indented(line: str) -> str:
        stripped = line.lstrip(" ")
        steps, rest = divmod(len(line) - len(stripped), 4)
        return "\t" * steps + " " * rest + stripped

    return "".join(map(indented, text.splitlines(keepends=True))).encode()


def without_last_break(text: str) -> bytes:
    return text.rstrip("\n").encode()


VARIATIONS: tuple[Callable[[str], bytes], ...] = (carriage_returns, marked, latin_1, tabs, without_last_break)


@pytest.mark.parametrize(("number", "path"), list(enumerate(FIXED)), ids=[fixed_id(path) for path in FIXED])
def test_fixes_keep_newlines_marks_encodings_and_indentation(number: int, path: Path, tmp_path: Path) -> None:
    # each program in one variation, and all variations in turn
    vary = VARIATIONS[number % len(VARIATIONS)]
    data = vary(case_of(path).read_text("utf-8"))
    assert left_of(data, folder_with(data, tmp_path)) == vary(path.read_text("utf-8"))


# --- variations that can not -----------------------------------------------------------------


def spread(text: str) -> str:
    """The program with a comment and a line break behind every comma within brackets, and blanks around."""
    rows = text.splitlines(keepends=True)
    depth = 0
    commas: list[tuple[int, int]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.OP and token.string in "([{":
            depth += 1
        elif token.type == tokenize.OP and token.string in ")]}":
            depth -= 1
        elif depth and token.string == ",":
            commas.append(token.end)
    for row, column in reversed(commas):
        line = rows[row - 1]
        if line[column:].strip() and "f\"" not in line and "f'" not in line:
            rows[row - 1] = line[:column] + "  # one, (two)\n" + "          " + line[column:].lstrip()
    return "".join(rows)


def continued(text: str) -> str:
    """The program with a line break behind the sign of every assignment."""
    rows = text.splitlines(keepends=True)
    depth = 0
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(text).readline))):
        depth += (token.string in ")]}") - (token.string in "([{") if token.type == tokenize.OP else 0
        if depth == 0 and token.type == tokenize.OP and token.string == "=":
            row, column = token.end
            line = rows[row - 1]
            rows[row - 1] = line[:column] + " \\\n          " + line[column:].lstrip(" ")
    return "".join(rows)


def shortened(text: str) -> str:
    """The program with every block of one short statement behind its colon, on one row."""
    rows = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.For | ast.With | ast.If | ast.While) or len(node.body) > 1 or getattr(node, "orelse", None):
            continue
        (inner,) = node.body
        simple = isinstance(inner, ast.Expr | ast.Assign | ast.AugAssign | ast.Return) and inner.lineno == inner.end_lineno
        if simple and inner.lineno == node.lineno + 1 and rows[node.lineno - 1].rstrip().endswith(":"):
            rows[node.lineno - 1] = f"{rows[node.lineno - 1].rstrip()} {rows[inner.lineno - 1].lstrip()}"
            rows[inner.lineno - 1] = ""
    return "".join(rows)


@pytest.mark.parametrize("vary", [continued, shortened])
@pytest.mark.parametrize("path", FIXED, ids=fixed_id)
def test_fixes_of_a_program_in_another_layout_help_and_bring_nothing_new(
    path: Path, vary: Callable[[str], str], tmp_path: Path
) -> None:
    plain = case_of(path).read_text("utf-8")
    text = vary(plain)
    if text == plain:
        return  # it has no such place
    folder = folder_with(text.encode(), tmp_path)
    left = left_of(text.encode(), folder)
    assert left == left_of(left, folder)  # idempotent
    if vary is continued:
        assert left != text.encode()


@pytest.mark.parametrize("path", FIXED, ids=fixed_id)
def test_fixes_of_a_program_that_is_spread_over_many_rows(path: Path, tmp_path: Path) -> None:
    text = spread(case_of(path).read_text("utf-8"))
    parse_program(text)
    left = left_of(text.encode(), folder_with(text.encode(), tmp_path)).decode()
    assert left != text
    assert left.count("# one, (two)") == text.count("# one, (two)")


def cells_of(text: str) -> list[str]:
    """The program cut into cells where two rows are empty, as far as each part is a program of its own."""
    cells: list[str] = []
    for part in text.rstrip("\n").split("\n\n\n"):
        try:
            parse_program(part)
        except SyntaxProblem:
            return [text.rstrip("\n")]
        cells.append(part)
    return cells


@pytest.mark.parametrize("path", FIXED, ids=fixed_id)
def test_fixes_of_a_notebook_leave_in_its_cells_what_the_fixed_file_says(path: Path, tmp_path: Path) -> None:
    cells = cells_of(case_of(path).read_text("utf-8"))
    folder = tmp_path.resolve() / "case"
    folder.mkdir()
    program = folder / "program.ipynb"
    data = notebook(remark("# A program"), *cells, code("print('done')", outputs=[{"text": ["1\n"], "output_type": "stream"}]))
    program.write_bytes(data)
    before = Counter(finding.code for finding in lint(folder).findings)
    result = fixed(folder)
    program.write_bytes(result.contents.get(program, data))
    after = lint(folder).findings
    assert [finding.code for finding in after if finding.fix is not None] == []
    assert Counter(finding.code for finding in after) == before - Counter(finding.code for finding in result.findings)
    sources = cell_sources(program, program.read_bytes())
    assert "\n\n\n".join(sources[:-1]).rstrip("\n") == path.read_text("utf-8").rstrip("\n")
    # all else is as Jupyter wrote it
    assert program.read_bytes() == notebook(remark("# A program"), *sources[:-1], code("print('done')", outputs=[
        {"text": ["1\n"], "output_type": "stream"}]))  # fmt: skip


def test_nothing_is_fixed_in_python_2(tmp_path: Path) -> None:
    text = (FIXTURES / "bn601_momentum_as_eps" / "bad_lazy_layers.py").read_text("utf-8") + "print 'done'\n"
    folder = folder_with(text.encode(), tmp_path)
    assert "BN601" in {finding.code for finding in lint(folder).findings}
    assert fixed(folder).contents == {}


def test_safe_fixes_alone_leave_what_only_an_unsafe_one_can_fix(tmp_path: Path) -> None:
    text = (FIXTURES / "bn601_momentum_as_eps" / "bad_lazy_layers.py").read_text("utf-8")
    assert fixed(folder_with(text.encode(), tmp_path), unsafe=False).contents == {}
