"""How an outcome is drawn: one room per output format, each a pure function from the outcome to text.

Formats are looked up by name so that only the one that is wanted gets imported; rich is needed by `full` alone.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from bnlint.outcome import Outcome

HUMAN = frozenset({"full", "concise", "grouped"})
"""formats that end with the closing line"""
_EMPTY = HUMAN | {"json-lines", "github"}
"""formats that say nothing when there is nothing to say; the others are a document all the same"""

_ROOMS = {
    "full": "bnlint.report.full",
    "concise": "bnlint.report.concise",
    "grouped": "bnlint.report.grouped",
    "json": "bnlint.report.as_json",
    "json-lines": "bnlint.report.json_lines",
    "sarif": "bnlint.report.sarif",
    "github": "bnlint.report.github",
    "gitlab": "bnlint.report.gitlab",
    "junit": "bnlint.report.junit",
    "rdjson": "bnlint.report.rdjson",
}


def render(output_format: str, outcome: Outcome, base: Path, *, color: bool = False) -> str:
    """The findings as text that ends with a line break (or is empty), file names relative to `base`."""
    if not outcome.findings and output_format in _EMPTY:
        return ""
    room = import_module(_ROOMS[output_format])
    return cast(str, room.render(outcome, base, color=color))
