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
                # the head is no row of the cell
                row = rows[number] + max(0, problem.row - 2)
                problems[number] = row, problem.column if problem.row > 1 else 1, problem.message
        try:
            program = parse(with_blank_cells(text, problems))
        except SyntaxProblem as problem:
            # each for itself can be parsed, and all together cannot
            return Program((), (0,), (), False, rows, ((problem.row, problem.column, problem.message),))
    return msgspec.structs.replace(program, cells=rows, problems=tuple(problems.values()))
