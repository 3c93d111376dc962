"""Which fixes are applied together, and the text that they leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlint.findings import Edit, Finding, Fix
from bnlint.fixing.layout import Text

Span = tuple[int, int, str]
"""offsets of what is replaced, the end exclusive, and what stands there afterwards"""


@dataclass(frozen=True, slots=True)
class Applied:
    """The text that fixes leave in one file, and the findings that they were for."""

    text: str
    findings: tuple[Finding, ...]


def allowed(fix: Fix | None, unsafe: bool) -> bool:
    return fix is not None and (unsafe or fix.applicability == "safe")


def by_file(findings: Iterable[Finding]) -> Mapping[Path, list[Finding]]:
    """Findings whose fix concerns the one file that they stand in. Cells of notebooks are none."""
    found: dict[Path, list[Finding]] = defaultdict(list)
    for finding in findings:
        places = [edit.place for edit in finding.fix.edits] if finding.fix is not None else []
        if places and all(place.path == finding.place.path and place.cell is None for place in places):
            found[Path(finding.place.path)].append(finding)
    return found


def apply(findings: Sequence[Finding], text: Text) -> Applied:
    """Apply the fixes of the findings of one file, in the order of the text.

    One that touches what another changes is left for the next pass; two that want the very same edit share it.
    """
    spans: set[Span] = set()
    done: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: (finding.place, finding.code)):
        assert finding.fix is not None
        wanted = {span_of(edit, text) for edit in finding.fix.edits}
        fresh = wanted - spans
        if not any(touch(new, old) for new in fresh for old in spans):
            spans |= fresh
            done.append(finding)
    result = text.text
    for start, end, content in sorted(spans, reverse=True):
        result = result[:start] + content + result[end:]
    return Applied(result, tuple(done))


def span_of(edit: Edit, text: Text) -> Span:
    return text.start(edit.place), text.end(edit.place), edit.content


def touch(one: Span, other: Span) -> bool:
    """Whether two edits overlap, or stand side by side, where their order would matter."""
    return one[0] <= other[1] and other[0] <= one[1]
