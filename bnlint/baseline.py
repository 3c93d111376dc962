"""The baseline: findings that are known and accepted, in a text file that reviewers can read.

    BN201 train.py::Trainer.evaluate | scores = self.model(batch)

One finding a line: code, file (from the folder of the baseline), the function around it ("" in a module's body) and the
line of code. No numbers of rows: an entry still holds when code moves within its file, to another function, or with its
file to another place. Each entry hides one finding.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlint.findings import Finding

HEADER = """\
# Findings of bnlint that are known and accepted; see `bnlint check --baseline`.
# One a line: code, file::function | line of code. Delete a line to have its finding reported again.
"""
NEVER = frozenset({"BN001", "BN002"})
_ENTRY = re.compile(r"(?P<code>[A-Z]+\d+) (?P<file>.+?)::(?P<scope>[^\s:|]*) \|(?: (?P<line>.*))?")


class BaselineError(Exception):
    """The baseline cannot be read or written; the message says why, and where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding; `file` is absolute, `line` without what spacing and comments add."""

    code: str
    file: str
    scope: str
    line: str

    def text(self, base: Path) -> str:
        return f"{self.code} {_relative(self.file, base)}::{self.scope} | {self.line}".rstrip()


@dataclass(frozen=True, slots=True)
class Matched:
    """The findings that no entry hides, how many are hidden, and the entries that hide none."""

    findings: tuple[Finding, ...]
    hidden: int
    stale: tuple[Entry, ...]


def entry_of(finding: Finding) -> Entry:
    return Entry(finding.code, finding.place.path, finding.scope, normalised(finding.line))


def normalised(line: str) -> str:
    """A line of code without its comment, with single blanks: what reformatting and remarks leave alone."""
    if not re.search(r"['\"][^#]*#", line):  # the sign may stand in a string
        line = line.partition("#")[0]
    return " ".join(line.split())


def write(path: Path, findings: Iterable[Finding]) -> int:
    """Write the findings as entries, sorted; gives their number. Raises BaselineError."""
    base = path.parent
    entries = sorted(entry_of(finding).text(base) for finding in findings if finding.code not in NEVER)
    try:
        path.write_text(HEADER + "".join(f"{entry}\n" for entry in entries), "utf-8", newline="\n")
    except OSError as error:
        raise BaselineError(f"cannot write {path}: {error.strerror or error}") from error
    return len(entries)


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of a file. Raises BaselineError."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise BaselineError(f"cannot read the baseline {path}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise BaselineError(f"cannot read the baseline {path}: it is no UTF-8 text") from None
    entries = []
    for row, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _ENTRY.fullmatch(line.rstrip())
        if found is None:
            raise BaselineError(f"{path}:{row}: not of the form `CODE file::function | line of code`")
        file = os.path.normpath(path.parent / found["file"])
        entries.append(Entry(found["code"], file, found["scope"], found["line"] or ""))
    return tuple(entries)


def match(
    findings: Sequence[Finding], entries: Iterable[Entry], linted: Callable[[str], bool], exists: Callable[[str], bool]
) -> Matched:
    """Pair findings with entries, the closest first: same place, moved within the file, moved to another file.

    `linted` tells whether a file was, or would have been, linted: of other files nothing is known, so their entries neither
    hide a finding elsewhere nor are stale, unless their file is gone (not `exists`) and the finding's scope and line remain.
    """
    left = list(entries)
    known = {entry.file: (linted(entry.file), exists(entry.file)) for entry in left}
    waiting = [finding for finding in findings if finding.code not in NEVER]
    before = len(waiting)
    for close, elsewhere in _CLOSENESS:
        by_key: dict[Hashable, list[Entry]] = defaultdict(list)
        for entry in left:
            was_linted, is_there = known[entry.file]
            if not elsewhere or was_linted or not is_there:
                by_key[close(entry)].append(entry)
        used: set[int] = set()
        still = []
        for finding in waiting:
            candidates = by_key.get(close(entry_of(finding)))
            if candidates:
                used.add(id(candidates.pop(0)))
            else:
                still.append(finding)
        waiting = still
        left = [entry for entry in left if id(entry) not in used]
    shown = {id(finding) for finding in waiting}
    kept = tuple(finding for finding in findings if finding.code in NEVER or id(finding) in shown)
    return Matched(kept, before - len(waiting), tuple(entry for entry in left if known[entry.file][0]))


_CLOSENESS: Sequence[tuple[Callable[[Entry], Hashable], bool]] = (
    # what an entry and a finding have in common, and whether their files may differ
    (lambda entry: (entry.code, entry.file, entry.scope, entry.line), False),
    (lambda entry: (entry.code, entry.file, entry.line), False),
    (lambda entry: (entry.code, os.path.basename(entry.file), entry.scope, entry.line), True),
    (lambda entry: (entry.code, entry.scope, entry.line), True),
    (lambda entry: (entry.code, entry.line), True),
)


def _relative(file: str, base: Path) -> str:
    try:
        return Path(os.path.relpath(file, base)).as_posix()
    except ValueError:  # another drive
        return Path(file).as_posix()
