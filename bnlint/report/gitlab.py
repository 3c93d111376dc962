"""The report of GitLab's code-quality widget: a version of the CodeClimate format with fewer fields.

Source: GitLab documentation, "Code Quality", section "Code Quality report format" (GitLab 17).
"""

from __future__ import annotations

import json
from pathlib import Path

from bnlint.findings import Finding
from bnlint.outcome import Outcome
from bnlint.report.fingerprints import fingerprints
from bnlint.report.names import filename, in_cell, location

_SEVERITIES = {"error": "major", "warning": "minor", "info": "info"}


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    marks = fingerprints(outcome, base)
    rows = [_issue(finding, mark, base) for finding, mark in zip(outcome.findings, marks, strict=True)]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _issue(finding: Finding, fingerprint: str, base: Path) -> dict[str, object]:
    place = finding.place
    because = "".join(f"\n{number}. {location(step.place, base)}: {step.message}" for number, step in enumerate(finding.trace, 1))
    return {
        "type": "issue",
        "check_name": finding.code,
        "description": f"{finding.code} {finding.name}: {finding.message}{in_cell(place)}",
        "categories": ["Bug Risk"],
        "severity": _SEVERITIES[finding.severity],
        "fingerprint": fingerprint,
        "content": {"body": f"Confidence: {finding.confidence}{because}"},
        "location": {
            "path": filename(place.path, base),
            # a row of a notebook's cell is none of its file: there the issue stands at the top
            "lines": {"begin": place.row, "end": place.end_row} if place.cell is None else {"begin": 1},
        },
    }
