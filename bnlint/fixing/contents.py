"""What of a file fixes may change, and the bytes it has afterwards: its text, or the sources of a notebook's code cells.

Bytes are given only for what can be read again as it was meant; of a notebook all but the changed lines of the changed
cells stays byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bnlint.fixing.layout import Text
from bnlint.program.caffe_text import parse_caffe_text
from bnlint.program.lower import parse_program
from bnlint.program.notebook import parse_notebook
from bnlint.program.problem import SyntaxProblem, line_starts
from bnlint.read import notebook, prototxt
from bnlint.read.notebook_source import replace_cell_source
from bnlint.read.source import Source, Unreadable, decode, encode


def texts_of(path: Path, data: bytes) -> dict[int, Text]:
    """The text of a file by 0, or those of a notebook's code cells by their number. Raises Unreadable."""
    if path.suffix != notebook.SUFFIX:
        texts = {0: decode(path, data).text}
    else:
        texts = dict(enumerate(notebook.cell_sources(path, data), 1))
    return {cell: Text(text, line_starts(text)) for cell, text in texts.items()}


def checked(path: Path, data: bytes, texts: Mapping[int, str]) -> bytes:
    """The bytes of a file with new texts.

    Raises SyntaxProblem if they do not parse, Unreadable and UnicodeError if the file is not what it says it is.
    """
    if path.suffix == notebook.SUFFIX:
        return _checked_cells(path, data, texts)
    return _checked_text(decode(path, data), data, texts[0])


def _checked_text(source: Source, data: bytes, text: str) -> bytes:
    if encode(source, source.text) != data:
        raise UnicodeError("the file does not hold what its encoding would write")
    new = encode(source, text)
    if decode(source.path, new).text != text:
        raise UnicodeError("the new text would be read in another encoding")
    if source.path.suffix == prototxt.SUFFIX:
        parse_caffe_text(text)
    else:
        parse_program(text)
    return new


def _checked_cells(path: Path, data: bytes, texts: Mapping[int, str]) -> bytes:
    before = notebook.cell_sources(path, data)
    new = data
    for cell, text in texts.items():
        if before[cell - 1] != text:
            new = replace_cell_source(new, cell, text)
    if notebook.cell_sources(path, new) != tuple(texts[cell] for cell in range(1, len(before) + 1)):
        raise Unreadable("the notebook would be read otherwise than it was meant")
    if _broken(path, new) != _broken(path, data):
        raise SyntaxProblem("a cell cannot be parsed any more", 1, 1)
    return new


def _broken(path: Path, data: bytes) -> int:
    """How many cells cannot be parsed."""
    return len(parse_notebook(notebook.notebook_program(path, data), parse_program).problems)
