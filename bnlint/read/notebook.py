"""A Jupyter notebook as one program: its code cells in their order, and which row of the program is which row of a cell.

The format is nbformat 4 (https://nbformat.readthedocs.io, "The notebook file format"), and 3 with its worksheets. Cells
are told apart by a row that ends in a form feed, which no cell holds: the text alone says where each begins. Must never
run anything, and never guess at what is no notebook: that is `Unreadable`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from bnlint.read import suffixes
from bnlint.read.magics import plain_python
from bnlint.read.source import Unreadable, decode

SUFFIX = suffixes.NOTEBOOK
# What stands before each cell; Python takes a form feed for white space.
_HEAD = "\f\n"
_INDENTED_HEAD = "if 1:\f\n"
"""the head of a cell that is indented as a whole, which IPython takes back"""
_ANY_HEAD = re.compile(r"^(?:if 1:)?\f\n", re.MULTILINE)
_INDENTED = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]+[^\s#]")

_PYTHON = ("python", "ipython", "sage", "pyspark", "xpython", "pyodide")
_OTHER_KERNELS = frozenset(("ir", "r", "scala", "spark", "bash", "javascript", "deno", "rust", "xcpp11", "xcpp14", "xcpp17"))
_MARKED = frozenset(("python", "python2", "python3", "ipython", "ipython2", "ipython3"))


class _Cell(msgspec.Struct):
    cell_type: str
    source: str | list[str] | None = None
    input: str | list[str] | None = None
    """the source in nbformat 3"""
    language: str | None = None
    metadata: Any = None


class _Sheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Notebook(msgspec.Struct):
    cells: list[_Cell] | None = None
    worksheets: list[_Sheet] | None = None
    metadata: Any = None


_decoder = msgspec.json.Decoder(_Notebook)


def cell_sources(path: Path, data: bytes) -> tuple[str, ...]:
    """The sources of the code cells of a notebook as they stand; cell 1 is the first. Raises `Unreadable`."""
    return tuple(_text(cell) for cell in _code_cells(_read(path, data)))


def notebook_program(path: Path, data: bytes) -> str:
    """The code cells joined to one text, in which all is Python. A cell in another language gives empty rows.

    Row for row and column for column that of the cells, with a head of one row before each. Raises `Unreadable`.
    """
    notebook = _read(path, data)
    speaks_python = _speaks_python(notebook.metadata)
    parts = []
    for cell in _code_cells(notebook):
        text = _one_kind_of_line_end(_text(cell))
        text = plain_python(text) if speaks_python and _is_python(cell) else _blank(text)
        end = "" if text.endswith("\n") or not text else "\n"
        parts.append((_INDENTED_HEAD if _INDENTED.match(text) else _HEAD) + text + end)
    return "".join(parts)


def first_rows(program: str) -> tuple[int, ...]:
    """The row, from 1, at which each cell of a notebook's program begins."""
    rows = []
    row = 1
    for cell in cell_texts(program):
        rows.append(row + 1)
        row += cell.count("\n")
    return tuple(rows)


def cell_texts(program: str) -> list[str]:
    """The cells of a notebook's program, each with its head."""
    starts = [found.start() for found in _ANY_HEAD.finditer(program)]
    return [program[start:end] for start, end in pairwise([*starts, len(program)])]


def with_blank_cells(program: str, cells: Collection[int]) -> str:
    """The program with the cells of these numbers (from 0) emptied, every other row where it was."""
    return "".join(
        _HEAD + _blank(text.partition("\n")[2]) if number in cells else text for number, text in enumerate(cell_texts(program))
    )


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


def _read(path: Path, data: bytes) -> _Notebook:
    try:
        return _checked(_decoder.decode(data.removeprefix(codecs.BOM_UTF8)))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _checked(_read_leniently(path, data))


def _read_leniently(path: Path, data: bytes) -> _Notebook:
    """As Python's own parser, which Jupyter writes with, reads it: NaN, single surrogates, other encodings."""
    import json

    text = decode(path, data).text
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"is no notebook: invalid JSON, {_said_within(error.msg)}"
        raise Unreadable(message, error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        raise Unreadable("is no notebook: its JSON cannot be read") from None
    try:
        return msgspec.convert(parsed, _Notebook)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unreadable(f"is no notebook: {_said_within(str(error))}") from None


def _said_within(message: str) -> str:
    return message[:1].lower() + message[1:]


def _checked(notebook: _Notebook) -> _Notebook:
    if notebook.cells is None and notebook.worksheets is None:
        raise Unreadable("is no notebook: it has no cells")
    return notebook


def _code_cells(notebook: _Notebook) -> list[_Cell]:
    cells = notebook.cells
    if cells is None:
        cells = [cell for sheet in notebook.worksheets or () for cell in sheet.cells]
    return [cell for cell in cells if cell.cell_type == "code"]


def _text(cell: _Cell) -> str:
    source = cell.source if cell.source is not None else cell.input
    return source if isinstance(source, str) else "".join(source or ())


def _one_kind_of_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _speaks_python(metadata: object) -> bool:
    """Whether the kernel is one of Python; where nothing says which it is, it is."""
    language = _said(metadata, "language_info", "name") or _said(metadata, "kernelspec", "language")
    if language:
        return language.startswith(_PYTHON)
    # the names of kernels are free: an unknown one says nothing
    return _said(metadata, "kernelspec", "name") not in _OTHER_KERNELS


def _said(metadata: object, section: str, key: str) -> str:
    part = metadata.get(section) if isinstance(metadata, dict) else None
    value = part.get(key) if isinstance(part, dict) else None
    return value.strip().lower() if isinstance(value, str) else ""


def _is_python(cell: _Cell) -> bool:
    """Some editors note the language of a cell, with it or in its metadata (VS Code: `vscode.languageId`)."""
    marks = [cell.language]
    if isinstance(cell.metadata, dict):
        editor = cell.metadata.get("vscode")
        marks += [cell.metadata.get("language"), editor.get("languageId") if isinstance(editor, dict) else None]
    return all(mark.lower() in _MARKED for mark in marks if isinstance(mark, str) and mark)
