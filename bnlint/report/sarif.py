"""SARIF, which GitHub, GitLab, Azure and editors read: findings with the rules they break, the trace, and the fixes.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01". Columns count characters
(`unicodeCodePoints`), the end is exclusive as with us.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bnlint import __version__
from bnlint.findings import Finding, Fix, Place, Step
from bnlint.outcome import Outcome
from bnlint.report.fingerprints import fingerprints
from bnlint.report.names import filename, in_cell
from bnlint.report.rule_page import markdown, summary
from bnlint.rule import Rule
from bnlint.rulebook import catalogue

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""the name that readers know for the folder that file names start from"""
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    used = {finding.code for finding in outcome.findings}
    rules = [rule for rule in catalogue() if rule.code in used]
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    marks = fingerprints(outcome, base)
    results = [_result(finding, numbers, mark, base) for finding, mark in zip(outcome.findings, marks, strict=True)]
    driver = {"name": "bnlint", "version": __version__, "semanticVersion": __version__, "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not outcome.internal}],
        "originalUriBaseIds": {ROOT: {"uri": _uri(base) + "/"}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": summary(rule)},
        "fullDescription": {"text": summary(rule) + "."},
        "help": {"text": inspect.cleandoc(rule.page), "markdown": markdown(rule)},
        "defaultConfiguration": {"enabled": rule.default, "level": _LEVELS[rule.severity]},
        "properties": {"name": rule.name, "tags": ["batch-norm", *rule.frameworks]},
    }


def _result(finding: Finding, numbers: dict[str, int], fingerprint: str, base: Path) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message + in_cell(finding.place)},
        "locations": [_location(finding.place, base)],
        "partialFingerprints": {"bnlint/v1": fingerprint},
        "properties": {"confidence": finding.confidence},
    }
    if finding.code in numbers:
        result["ruleIndex"] = numbers[finding.code]
    if finding.trace:
        result["relatedLocations"] = [
            {"id": number, **_location(step.place, base, step.message)} for number, step in enumerate(finding.trace, 1)
        ]
        way = [*finding.trace, Step(finding.message, finding.place)]
        flow = [{"location": _location(step.place, base, step.message)} for step in way]
        result["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    # the edits of a notebook's cell stand in a text that is not the file's
    if finding.fix and all(edit.place.cell is None for edit in finding.fix.edits):
        result["fixes"] = [_fix(finding.fix, base)]
    return result


def _fix(fix: Fix, base: Path) -> dict[str, Any]:
    paths = dict.fromkeys(edit.place.path for edit in fix.edits)
    changes = [
        {
            "artifactLocation": _artifact(path, base),
            "replacements": [
                {"deletedRegion": _region(edit.place), "insertedContent": {"text": edit.content}}
                for edit in fix.edits
                if edit.place.path == path
            ],
        }
        for path in paths
    ]
    return {"description": {"text": f"{fix.message} ({fix.applicability})"}, "artifactChanges": changes}


def _location(place: Place, base: Path, message: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact(place.path, base)}}
    if place.cell is None:
        found["physicalLocation"]["region"] = _region(place)
    else:
        # its rows are none of the file; not every reader shows names, so the message of the result tells it, too
        found["logicalLocations"] = [{"name": f"cell {place.cell}, line {place.row}", "kind": "module"}]
    if message is not None:
        found["message"] = {"text": message}
    return found


def _region(place: Place) -> dict[str, int]:
    return {"startLine": place.row, "startColumn": place.column, "endLine": place.end_row, "endColumn": place.end_column}


def _artifact(path: str, base: Path) -> dict[str, str]:
    if not Path(path).is_relative_to(base):
        return {"uri": _uri(Path(path))}
    return {"uri": quote(filename(path, base)), "uriBaseId": ROOT}


def _uri(path: Path) -> str:
    return path.as_uri().rstrip("/")
