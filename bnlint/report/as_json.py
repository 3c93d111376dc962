"""The machine-readable report: one JSON array with the same keys for every finding, null where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bnlint.findings import Edit, Finding, Fix, Place
from bnlint.outcome import Outcome
from bnlint.report.names import filename


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    rows = [record(finding, base) for finding in outcome.findings]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def record(finding: Finding, base: Path) -> dict[str, Any]:
    """One finding; all keys are always present."""
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "filename": filename(finding.place.path, base),
        "location": _start(finding.place),
        "end_location": _end(finding.place),
        "cell": finding.place.cell,
        "trace": [
            {
                "message": step.message,
                "filename": filename(step.place.path, base),
                "location": _start(step.place),
                "cell": step.place.cell,
            }
            for step in finding.trace
        ],
        "fix": _fix(finding.fix) if finding.fix else None,
        # the pages are not published: `bnlint rule CODE` prints them
        "url": None,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"applicability": fix.applicability, "message": fix.message, "edits": [_edit(edit) for edit in fix.edits]}


def _edit(edit: Edit) -> dict[str, Any]:
    found = {"location": _start(edit.place), "end_location": _end(edit.place), "content": edit.content}
    # which in a notebook need not be that of the finding
    return found if edit.place.cell is None else {**found, "cell": edit.place.cell}


def _start(place: Place) -> dict[str, int]:
    return {"row": place.row, "column": place.column}


def _end(place: Place) -> dict[str, int]:
    return {"row": place.end_row, "column": place.end_column}
