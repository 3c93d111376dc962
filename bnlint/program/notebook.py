"""The program of a notebook: all its cells but those that cannot be parsed, which are told one by one.

Must never let one cell cost the others: a notebook is often left with a cell that does not run.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bnlint.program.lower import parse_program
from bnlint.program.model import Program
from bnlint.program.problem import SyntaxProblem
from bnlint.read.notebook import cell_texts, first_rows, with_blank_cells


def parse_notebook(text: str, parse: Callable[[str], Program]) -> Program:
    """Lower `text`, the cells of a notebook as `notebook_program` joins them, by `parse` (which may raise SyntaxProblem)."""
    rows = first_rows(text)
    problems: dict[int, tuple[int, int, str]] = {}
    try:
        program = parse(text)
    except SyntaxProblem:
        for number, cell in enumerate(cell_texts(text)):
            try:
                parse_program(cell)
            except SyntaxProblem as problem:
                problems[number] = _within(cell, rows[number], problem)
        try:
            program = parse(with_blank_cells(text, problems))
        except SyntaxProblem as problem:
            # each for itself can be parsed, and all together cannot
            return Program((), (0,), (), False, rows, ((problem.row, problem.column, problem.message),))
    return msgspec.structs.replace(program, cells=rows, problems=tuple(problems.values()))


def _within(cell: str, first_row: int, problem: SyntaxProblem) -> tuple[int, int, str]:
    """The place of the problem among the rows of the program. The head is no row of the cell, nor is what follows its end."""
    lines = cell.rstrip("\n").split("\n")[1:]
    row = min(max(problem.row - 1, 1), len(lines) or 1)
    if row == problem.row - 1:
        column = problem.column
    else:
        column = 1 if problem.row < 2 or not lines else len(lines[-1]) + 1
    return first_row + row - 1, column, problem.message
