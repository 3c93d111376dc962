"""The texts of the files that findings stand in, and what only the text can tell about a finding.

Texts are not kept by the analysis: the few that hold findings are read once more.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from bnlint.findings import Finding, Fix, Place
from bnlint.fixing.layout import Text, fix_of
from bnlint.program import model as ir
from bnlint.program.inside import children, nodes
from bnlint.program.model import Program
from bnlint.program.paths import offset, path_to, scope_name
from bnlint.program.problem import line_starts
from bnlint.read import notebook
from bnlint.read.source import Unreadable, decode

_LINE_END = re.compile(r"\r\n?|\n")


class Sources:
    """Texts by file, each read and decoded when it is first asked for."""

    def __init__(self, read: Callable[[Path], bytes], programs: Mapping[Path, Program]) -> None:
        self._read = read
        self._programs = programs
        self._texts: dict[str, Text | None] = {}
        self._sources: dict[Path, tuple[str, ...]] = {}

    def text(self, path: str) -> Text | None:
        """None where the file is not read as it stands: it is gone, has no program, or was read as Python 2."""
        if path not in self._texts:
            self._texts[path] = self._loaded(Path(path))
        return self._texts[path]

    def complete(self, finding: Finding) -> Finding:
        """The finding with its scope, its line, and the fix that its cure stands for."""
        program = self._programs.get(Path(finding.place.path))
        text = self.text(finding.place.path)
        if program is None or text is None or finding.place.cell is not None:
            return replace(finding, cure=None)
        start = text.start(finding.place)
        path = enclosing(program, finding.place)
        line = text.text[text.row_start(start) : text.row_end(start)].strip()
        fix = fix_of(finding.cure, text) if finding.cure is not None and not program.lenient else None
        if fix is not None and Path(finding.place.path).suffix == notebook.SUFFIX:
            fix = in_notebook(fix, text, program.cells, self._cells(Path(finding.place.path)))
        return replace(finding, scope=scope_name(path), line=line, fix=fix or finding.fix, cure=None)

    def _cells(self, path: Path) -> tuple[str, ...]:
        if path not in self._sources:
            try:
                self._sources[path] = notebook.cell_sources(path, self._read(path))
            except Unreadable:  # gone since its text was read
                self._sources[path] = ()
        return self._sources[path]

    def _loaded(self, path: Path) -> Text | None:
        program = self._programs.get(path)
        if program is None:
            return None
        try:
            data = self._read(path)
            text = notebook.notebook_program(path, data) if path.suffix == notebook.SUFFIX else decode(path, data).text
        except Unreadable:
            return None
        return Text(text, line_starts(text), cache(partial(strings, program)))


def in_notebook(fix: Fix, text: Text, first_rows: tuple[int, ...], cells: tuple[str, ...]) -> Fix | None:
    """The fix of a notebook's program as one of its cells, whose first rows and sources are given, with their line breaks.

    None where it would change a row that the analysis reads otherwise than it stands there: a magic, a shell line.
    """
    edits = []
    for edit in fix.edits:
        cell = bisect_right(first_rows, edit.place.row) - 1
        if not 0 <= cell < len(cells):
            return None
        source, last = cells[cell], edit.place.end_row - (edit.place.end_column == 1 and edit.place.end_row > edit.place.row)
        rows = _LINE_END.split(source)[edit.place.row - first_rows[cell] : last + 1 - first_rows[cell]]
        if rows != [text.row(row) for row in range(edit.place.row, last + 1)]:
            return None
        edits.append(replace(edit, content=edit.content.replace("\n", "\r\n" if "\r\n" in source else "\n")))
    return replace(fix, edits=tuple(edits))


def enclosing(program: Program, place: Place) -> tuple[ir.Node, ...]:
    """The nodes around a place, outermost first."""
    start, end = offset(program, place.row, place.column), offset(program, place.end_row, place.end_column)
    return path_to(program, start, end)


def strings(program: Program) -> tuple[tuple[int, int], ...]:
    """Where the strings of a file stand."""
    found: list[tuple[int, int]] = []
    pending = list(nodes(program.body))
    while pending:
        node = pending.pop()
        if isinstance(node, ir.FString | ir.Opaque) or (isinstance(node, ir.Const) and isinstance(node.value, str)):
            found.append((node.start, node.end))
        else:
            pending.extend(children(node))
    return tuple(sorted(found))
