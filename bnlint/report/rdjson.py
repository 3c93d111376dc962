"""The diagnostic format of reviewdog, which posts findings and suggestions to pull requests.

Source: reviewdog, proto/rdf/reviewdog.proto (2026): columns count bytes of UTF-8, the end is exclusive.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bnlint.findings import Finding, Place
from bnlint.outcome import Lines, Outcome
from bnlint.report.names import filename, in_cell, location


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    rows = [_diagnostic(finding, outcome.lines, base) for finding in outcome.findings]
    return json.dumps({"source": {"name": "bnlint"}, "diagnostics": rows}, indent=2, ensure_ascii=False) + "\n"


def _diagnostic(finding: Finding, lines: Lines, base: Path) -> dict[str, Any]:
    because = "".join(f"\n{number}. {location(step.place, base)}: {step.message}" for number, step in enumerate(finding.trace, 1))
    found: dict[str, Any] = {
        "message": f"{finding.message} ({finding.name}, {finding.confidence}){in_cell(finding.place)}{because}",
        "location": _location(finding.place, lines, base),
        "severity": finding.severity.upper(),
        "code": {"value": finding.code},
    }
    if finding.trace:
        found["related_locations"] = [
            {"message": step.message, "location": _location(step.place, lines, base)} for step in finding.trace
        ]
    # each suggestion is applied by itself, and in the file of its finding: of a fix in several places a part would be wrong
    edits = finding.fix.edits if finding.fix else ()
    if len(edits) == 1 and edits[0].place.path == finding.place.path and edits[0].place.cell is None:
        found["suggestions"] = [{"range": _range(edits[0].place, lines), "text": edits[0].content}]
    return found


def _location(place: Place, lines: Lines, base: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"path": filename(place.path, base)}
    if place.cell is None:
        # rows of a notebook's cell are none of its file
        found["range"] = _range(place, lines)
    return found


def _range(place: Place, lines: Lines) -> dict[str, Any]:
    code = lines(place.path, place.cell)
    return {
        "start": {"line": place.row, "column": _in_bytes(code[place.row - 1 : place.row], place.column)},
        "end": {"line": place.end_row, "column": _in_bytes(code[place.end_row - 1 : place.end_row], place.end_column)},
    }


def _in_bytes(line: Any, column: int) -> int:
    """The column of the one line, or of none, as a count of bytes."""
    before = line[0][: column - 1] if line else ""
    return len(before.encode("utf-8", "surrogatepass")) + column - len(before)
