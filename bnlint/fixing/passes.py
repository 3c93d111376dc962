"""Fixes again and again until nothing is left to be fixed, and never keeps a fix that did not help.

After each pass everything is linted anew. Where a finding is still there although it was fixed, or another has come that
no fix of the next pass can take away, the pass is taken back and smaller ones are tried, until the fix that does not help
is found and left out. Nothing is written here: contents are kept aside until all passes are done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bnlint.findings import Finding
from bnlint.fixing.choose import allowed, apply, by_file
from bnlint.fixing.contents import checked, texts_of
from bnlint.outcome import Outcome
from bnlint.program.problem import SyntaxProblem
from bnlint.read.source import Unreadable

PASSES = 10
TRIALS = 40
"""how often everything is linted at most: a pass that is taken back counts as well"""

Contents = Mapping[Path, bytes]
Lint = Callable[[Contents], Outcome]
"""what a run gives when these files have these contents"""
Key = tuple[str, str, str, str, str]


@dataclass(slots=True)
class Fixed:
    """contents: the new content of the files that change; before: the old one; findings: those that were fixed; outcome: what
    a run gives afterwards.
    """

    outcome: Outcome
    contents: dict[Path, bytes] = field(default_factory=dict)
    before: dict[Path, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def fix(lint: Lint, read: Callable[[Path], bytes], *, unsafe: bool) -> Fixed:
    """Fix what `lint` shows. `read` gives the bytes of a file as they are before all fixes."""
    fixed = Fixed(lint({}))
    refused: set[Key] = set()
    most: int | None = None
    passes = 0
    for _ in range(TRIALS):
        offered = [finding for finding in fixed.outcome.findings if allowed(finding.fix, unsafe)]
        wanted = [finding for finding in offered if key(finding) not in refused][:most]
        if not wanted or passes == PASSES:
            break
        contents, done, impossible = one_pass(wanted, fixed, read)
        refused.update(map(key, impossible))
        if not done:
            most = None
            continue
        after = lint({**fixed.contents, **contents})
        if helped(fixed.outcome, after, done, unsafe):
            fixed.contents |= contents
            fixed.findings += done
            fixed.outcome = after
            most = None
            passes += 1
        elif len(wanted) == 1 or len({key(finding) for finding in wanted}) == 1:
            refused.add(key(wanted[0]))
            most = None
        else:
            most = len(wanted) // 2
    fixed.before = {path: data for path, data in fixed.before.items() if path in fixed.contents}
    return fixed


def one_pass(
    wanted: Iterable[Finding], fixed: Fixed, read: Callable[[Path], bytes]
) -> tuple[dict[Path, bytes], list[Finding], list[Finding]]:
    """The contents after one round of fixes, the findings it was for, and those whose file cannot be fixed."""
    contents: dict[Path, bytes] = {}
    done: list[Finding] = []
    impossible: list[Finding] = []
    for path, findings in by_file(wanted).items():
        try:
            data = fixed.contents[path] if path in fixed.contents else fixed.before.setdefault(path, read(path))
            applied = apply(findings, texts_of(path, data))
            contents[path] = checked(path, data, applied.texts)
            done += applied.findings
        except (Unreadable, UnicodeError, SyntaxProblem):
            impossible += findings
    every = {key(finding) for finding in [*done, *impossible]}
    impossible += [finding for finding in wanted if Path(finding.place.path) not in contents and key(finding) not in every]
    return contents, done, impossible


def helped(before: Outcome, after: Outcome, done: Sequence[Finding], unsafe: bool) -> bool:
    """Whether what was fixed is gone, and what is new, if anything, can be fixed in turn.

    What is not selected counts as well: a fix must not make a mistake that only another run would show.
    """
    had = Counter(map(kind, (*before.findings, *before.others)))
    has = Counter(map(kind, (*after.findings, *after.others)))
    gone = Counter(map(kind, done))
    if any(has[each] > had[each] - count for each, count in gone.items()):
        return False
    new = has - had
    fixable = Counter(kind(finding) for finding in after.findings if allowed(finding.fix, unsafe))
    return all(count <= fixable[each] for each, count in new.items())


def kind(finding: Finding) -> tuple[str, str, str]:
    """What stays the same of a finding when its rows move."""
    return finding.code, finding.place.path, finding.message


def key(finding: Finding) -> Key:
    """What tells a finding from its like in the same file."""
    return finding.code, finding.place.path, finding.scope, finding.line, finding.message
