"""Workflow commands that GitHub shows as annotations of a pull request."""

from __future__ import annotations

from pathlib import Path

from bnlint.findings import Finding
from bnlint.outcome import Outcome
from bnlint.report.names import filename, location

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    return "".join(_annotation(finding, base) for finding in outcome.findings)


def _annotation(finding: Finding, base: Path) -> str:
    place = finding.place
    values = {
        "title": f"bnlint {finding.code} {finding.name} [{finding.confidence}]",
        "file": filename(place.path, base),
    }
    if place.cell is None:
        # rows of a cell are no rows of the notebook's file: there the annotation stands at the file
        values |= {"line": str(place.row), "endLine": str(place.end_row)}
        if place.row == place.end_row:
            # GitHub counts the last column in; it takes columns for a single line only
            values |= {"col": str(place.column), "endColumn": str(max(place.column, place.end_column - 1))}
    text = [f"{location(place, base)}: {finding.code} {finding.message}"]
    text += [f"{number}. {location(step.place, base)}: {step.message}" for number, step in enumerate(finding.trace, 1)]
    properties = ",".join(f"{key}={_escape_value(value)}" for key, value in values.items())
    return f"::{_LEVELS[finding.severity]} {properties}::{_escape(chr(10).join(text))}\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_value(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
