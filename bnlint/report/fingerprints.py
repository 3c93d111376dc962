"""What a finding is recognised by from one commit to the next: its code, its file and the text of its line, not its row."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from pathlib import Path

from bnlint.outcome import Outcome
from bnlint.report.names import filename


def fingerprints(outcome: Outcome, base: Path) -> list[str]:
    """One for each finding, in their order, all different: of those that are alike the second is told from the first."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for finding in outcome.findings:
        place = finding.place
        lines = outcome.lines(place.path, place.cell)
        text = " ".join(lines[place.row - 1].split()) if 0 < place.row <= len(lines) else ""
        alike = (finding.code, filename(place.path, base), text)
        seen[alike] += 1
        found.append(blake2b("\0".join((*alike, str(seen[alike]))).encode("utf-8", "replace"), digest_size=16).hexdigest())
    return found
