"""Which fixes are applied together, and the texts that they leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlint.findings import Edit, Finding, Fix
from bnlint.fixing.layout import Text

Span = tuple[int, int, int, str]
"""the cell (0 in a plain file), offsets of what is replaced, the end exclusive, and what stands there afterwards"""


@dataclass(frozen=True, slots=True)
class Applied:
    """The texts that fixes leave in one file, of a notebook by cell, and the findings that they were for."""

    texts: dict[int, str]
    findings: tuple[Finding, ...]


def allowed(fix: Fix | None, unsafe: bool) -> bool:
    return fix is not None and (unsafe or fix.applicability == "safe")


def by_file(findings: Iterable[Finding]) -> Mapping[Path, list[Finding]]:
    """Findings whose fix concerns the one file that they stand in."""
    found: dict[Path, list[Finding]] = defaultdict(list)
    for finding in findings:
        places = [edit.place for edit in finding.fix.edits] if finding.fix is not None else []
        if places and all(place.path == finding.place.path for place in places):
            found[Path(finding.place.path)].append(finding)
    return found


def apply(findings: Sequence[Finding], texts: Mapping[int, Text]) -> Applied:
    """Apply the fixes of the findings of one file, in the order of the text; `texts` are its own (0), or those of its cells.

    One that touches what another changes is left for the next pass; two that want the very same edit share it.
    """
    spans: set[Span] = set()
    done: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: (finding.place, finding.code)):
        assert finding.fix is not None
        wanted = {(edit.place.cell or 0, *span_of(edit, texts[edit.place.cell or 0])) for edit in finding.fix.edits}
        fresh = wanted - spans
        if not any(touch(new, old) for new in fresh for old in spans):
            spans |= fresh
            done.append(finding)
    results = {cell: text.text for cell, text in texts.items()}
    for cell, start, end, content in sorted(spans, reverse=True):
        results[cell] = results[cell][:start] + content + results[cell][end:]
    return Applied(results, tuple(done))


def span_of(edit: Edit, text: Text) -> tuple[int, int, str]:
    return text.start(edit.place), text.end(edit.place), edit.content


def touch(one: Span, other: Span) -> bool:
    """Whether two edits overlap, or stand side by side, where their order would matter."""
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]
