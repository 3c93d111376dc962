"""How places are named in every output format."""

from __future__ import annotations

from pathlib import Path

from bnlint.findings import Place

COLORS = {"error": "31", "warning": "33", "info": "36"}
"""how a terminal is told of each severity's colour"""


def filename(path: str, base: Path) -> str:
    """The path relative to `base` when it lies below it, else absolute; always with forward slashes."""
    file = Path(path)
    return file.relative_to(base).as_posix() if file.is_relative_to(base) else file.as_posix()


def location(place: Place, base: Path) -> str:
    """`file:row:column`, with the cell of a notebook after the file."""
    cell = "" if place.cell is None else f":cell {place.cell}"
    return f"{filename(place.path, base)}{cell}:{place.row}:{place.column}"


def in_cell(place: Place) -> str:
    """` (cell 3, line 2)` for a place in a notebook, else nothing: for formats that know rows of files only."""
    return "" if place.cell is None else f" (cell {place.cell}, line {place.row})"
