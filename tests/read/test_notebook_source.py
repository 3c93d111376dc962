"""The source of one cell is replaced, and every other byte of the notebook stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnlint.read.notebook import cell_sources
from bnlint.read.notebook_source import replace_cell_source
from bnlint.read.source import Unreadable
from tests.read.notebooks import code, notebook, text

WHERE = Path("a.ipynb")

LINES = st.lists(st.sampled_from(["x = 1", 'y = "\\n"', "", "ü"])).map("\n".join)
SOURCES = st.text(st.characters(codec="utf-8"), max_size=20) | LINES
OUTPUTS = st.lists(st.dictionaries(st.text(max_size=3), st.floats() | SOURCES), max_size=2)
CELLS = st.builds(code, SOURCES, outputs=OUTPUTS) | st.builds(text, SOURCES)

unhurried = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
"""a machine that has other things to do is no mistake of the tests"""


@st.composite
def notebooks(draw: st.DrawFn, old: st.SearchStrategy[str] = SOURCES) -> bytes:
    """Notebooks in all the layouts that writers of JSON have."""
    cells = draw(st.lists(CELLS, max_size=4))
    cells.insert(draw(st.integers(0, len(cells))), code(draw(old)))
    for cell in cells:
        if draw(st.booleans()):
            cell["source"] = "".join(cell["source"])
    record = {"metadata": {"cells": [{"source": "no cell"}]}, "cells": cells, "nbformat": 4}
    indent = draw(st.sampled_from([None, 1, 4, "\t"]))
    separators = draw(st.sampled_from([None, (",", ":"), (", ", ": ")]))
    made = json.dumps(record, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + made.encode() + draw(st.sampled_from([b"", b"\n"]))


@unhurried
@given(notebooks(), SOURCES, st.data())
def test_only_the_source_of_that_cell_changes(raw: bytes, new: str, data: st.DataObject) -> None:
    before = cell_sources(WHERE, raw)
    number = data.draw(st.integers(1, len(before)))
    made = replace_cell_source(raw, number, new)
    assert cell_sources(WHERE, made) == (*before[: number - 1], new, *before[number:])

    def others(notebook: bytes) -> str:
        record = json.loads(notebook.decode("utf-8-sig"))
        [cell for cell in record["cells"] if cell["cell_type"] == "code"][number - 1]["source"] = None
        return json.dumps(record)

    assert others(made) == others(raw)


@unhurried
@given(notebooks(old=st.just("@mark@")), SOURCES.filter(bool))
def test_bytes_before_and_after_the_source_are_the_same(raw: bytes, new: str) -> None:
    number = cell_sources(WHERE, raw).index("@mark@") + 1
    before, after = raw.split(b'"@mark@"')
    made = replace_cell_source(raw, number, new)
    assert made.startswith(before)
    assert made.endswith(after)


@unhurried
@given(notebooks())
def test_the_same_source_gives_the_same_bytes(raw: bytes) -> None:
    for number, source in enumerate(cell_sources(WHERE, raw), 1):
        assert replace_cell_source(raw, number, source) == raw


def test_lines_that_stay_keep_their_bytes_and_new_ones_are_laid_out_like_them() -> None:
    raw = b'{"cells": [{"cell_type": "code", "source": [\n  "caf\\u00e9 = 1\\n",\n  "x = 2"\n ]}], "nbformat": 4}'
    made = replace_cell_source(raw, 1, "café = 1\ny = 3\nx = 2")
    assert made == raw.replace(b'  "x', b'  "y = 3\\n",\n  "x')


def test_other_unicode_encodings_are_kept() -> None:
    raw = notebook("x = 1").decode().encode("utf-16")
    assert replace_cell_source(raw, 1, "y = 'ü'").decode("utf-16") == notebook("y = 'ü'").decode()


@pytest.mark.parametrize(
    ("raw", "number", "said"),
    [
        (notebook("x = 1"), 2, "no code cell 2"),
        (notebook("x = 1"), 0, "no code cell 0"),
        (b'{"cells": [', 1, "invalid JSON"),
        (b"\xff\xfb", 1, "no valid utf-8"),
    ],
)
def test_what_cannot_be_replaced_is_told(raw: bytes, number: int, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        replace_cell_source(raw, number, "")
