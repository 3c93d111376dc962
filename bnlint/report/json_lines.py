"""The objects of the JSON report, one to a line, for programs that read a stream."""

from __future__ import annotations

import json
from pathlib import Path

from bnlint.outcome import Outcome
from bnlint.report.as_json import record


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    # U+2028 and U+2029 are line ends to some readers, and stay escaped with everything that is not ASCII
    return "".join(json.dumps(record(finding, base)) + "\n" for finding in outcome.findings)
