"""Findings below the name of their file, for people who go through a project file by file."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from bnlint.findings import Finding
from bnlint.outcome import Outcome
from bnlint.report.names import COLORS, filename


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    blocks = []
    for path, members in groupby(outcome.findings, key=lambda finding: finding.place.path):
        findings = list(members)
        spots = [_spot(finding) for finding in findings]
        width = max(map(len, spots))
        name = filename(path, base)
        head = f"\x1b[1m{name}\x1b[0m:" if color else f"{name}:"
        lines = [_line(finding, spot.rjust(width), color) for finding, spot in zip(findings, spots, strict=True)]
        blocks.append("\n".join([head, *lines]) + "\n")
    return "\n".join(blocks)


def _spot(finding: Finding) -> str:
    place = finding.place
    cell = "" if place.cell is None else f"cell {place.cell}:"
    return f"{cell}{place.row}:{place.column}"


def _line(finding: Finding, spot: str, color: bool) -> str:
    code = f"\x1b[1;{COLORS[finding.severity]}m{finding.code}\x1b[0m" if color else finding.code
    return f"  {spot}  {code} {finding.name} [{finding.confidence}] {finding.message}"
