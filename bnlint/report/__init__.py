"""How an outcome is drawn: one room per output format, each a pure function from the outcome to text.

Formats are looked up by name so that only the one that is wanted gets imported; rich is needed by `full` alone.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from bnlint.outcome import Outcome

HUMAN = frozenset({"full", "concise"})
"""formats that end with the closing line"""

_ROOMS = {
    "full": "bnlint.report.full",
    "concise": "bnlint.report.concise",
    "json": "bnlint.report.as_json",
    "github": "bnlint.report.github",
}


def render(output_format: str, outcome: Outcome, base: Path, *, color: bool = False) -> str:
    """The findings as text that ends with a line break (or is empty), file names relative to `base`."""
    if not outcome.findings and output_format != "json":
        return ""
    room = import_module(_ROOMS[output_format])
    return cast(str, room.render(outcome, base, color=color))
