"""One line per finding, for editors and logs."""

from __future__ import annotations

from pathlib import Path

from bnlint.outcome import Outcome
from bnlint.report.names import COLORS, location


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    lines = []
    for finding in outcome.findings:
        code = f"\x1b[1;{COLORS[finding.severity]}m{finding.code}\x1b[0m" if color else finding.code
        lines.append(f"{location(finding.place, base)}: {code} [{finding.confidence}] {finding.message}\n")
    return "".join(lines)
