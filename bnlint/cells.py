"""Rows of a notebook's program, as the analysis counts them, as rows of its cells, as the user sees them.

Everything before the report counts rows of programs; this is the one place where they become rows of cells.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bnlint.findings import Edit, Finding, Place, Step

Cells = Mapping[str, Sequence[int]]
"""the first row of each code cell of the notebooks, by their absolute paths"""


def in_cells(finding: Finding, notebooks: Cells) -> Finding:
    """The finding with each of its places, those of its trace and fix included, in the cell that it lies in."""
    if not notebooks:
        return finding
    fix = finding.fix
    if fix is not None:
        fix = replace(fix, edits=tuple(Edit(place_in_cell(edit.place, notebooks), edit.content) for edit in fix.edits))
    trace = tuple(Step(step.message, place_in_cell(step.place, notebooks)) for step in finding.trace)
    return replace(finding, place=place_in_cell(finding.place, notebooks), trace=trace, fix=fix)


def place_in_cell(place: Place, notebooks: Cells) -> Place:
    """The place in its cell; as it is where the file is no notebook, or one without cells."""
    first_rows = notebooks.get(place.path)
    if not first_rows or place.cell is not None:
        return place
    cell = max(1, bisect_right(first_rows, place.row))
    above = first_rows[cell - 1] - 1
    row = max(1, place.row - above)
    return Place(place.path, row, place.column, max(row, place.end_row - above), place.end_column, cell)
