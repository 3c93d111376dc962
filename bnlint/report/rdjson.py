"""The diagnostic format of reviewdog, which posts findings and suggestions to pull requests.

Source: reviewdog, proto/rdf/reviewdog.proto (2026): columns count bytes of UTF-8, the end is exclusive.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bnlint.findings import Edit, Finding, Place
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
    edits = finding.fix.edits if finding.fix else ()
    if edits and all(edit.place.path == finding.place.path and edit.place.cell is None for edit in edits):
        whole = _joined(edits, lines)
        found["suggestions"] = [{"range": _range(whole.place, lines), "text": whole.content}]
    return found


def _joined(edits: Sequence[Edit], lines: Lines) -> Edit:
    """The edits of one file as one, with what stands between them: each suggestion is applied by itself."""
    first, *others = sorted(edits, key=lambda edit: edit.place)
    place, content = first.place, first.content
    for edit in others:
        code = lines(place.path, None)[place.end_row - 1 : edit.place.row]
        if code:
            # the end first: both may be on one row
            code = [*code[:-1], code[-1][: edit.place.column - 1]]
            code[0] = code[0][place.end_column - 1 :]
        content += "\n".join(code) + edit.content
        place = replace(place, end_row=edit.place.end_row, end_column=edit.place.end_column)
    return Edit(place, content)


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
