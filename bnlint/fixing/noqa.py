"""Adds suppression comments: `# noqa: BN201` on a line of each statement that is reported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from bnlint.builtin import NEVER_HIDDEN, UNUSED
from bnlint.findings import Finding
from bnlint.fixing.layout import Text
from bnlint.fixing.passes import checked
from bnlint.fixing.sources import strings
from bnlint.program.lower import SyntaxProblem, parse_program
from bnlint.program.rows import statement_rows
from bnlint.read.source import Unreadable, decode

_NOQA = re.compile(r"#\s*noqa\s*:\s*(?P<codes>[A-Za-z]+[0-9]+(?:[,\s]+[A-Za-z]+[0-9]+)*)", re.IGNORECASE)


def add(findings: Iterable[Finding], read: Callable[[Path], bytes]) -> tuple[dict[Path, tuple[bytes, bytes]], list[Finding]]:
    """The old and new contents of the files that get comments, and the findings for which there is no place for one."""
    by_path: dict[Path, list[Finding]] = defaultdict(list)
    left: list[Finding] = []
    for finding in findings:
        if finding.code in NEVER_HIDDEN or finding.code == UNUSED or finding.place.cell is not None:
            left.append(finding)
        else:
            by_path[Path(finding.place.path)].append(finding)
    contents: dict[Path, tuple[bytes, bytes]] = {}
    for path, told in by_path.items():
        try:
            data = read(path)
            source = decode(path, data)
            text, missed = commented(source.text, told)
            contents[path] = data, checked(source, data, text)
            left += missed
        except (Unreadable, UnicodeError, SyntaxProblem):
            left += told
    return {path: (old, new) for path, (old, new) in contents.items() if old != new}, left


def commented(text: str, findings: Iterable[Finding]) -> tuple[str, list[Finding]]:
    """The text with comments, and the findings for which no row can take one. Raises SyntaxProblem."""
    program = parse_program(text)
    layout = Text(text, program.lines, lambda: strings(program))
    rows = statement_rows(program)
    codes: dict[int, set[str]] = defaultdict(set)
    missed: list[Finding] = []
    for finding in findings:
        first, last = rows(finding.place.row)
        wanted = (finding.place.row, last, *range(first, last))
        row = next((row for row in wanted if takes_comment(layout, row)), None)
        if row is None:
            missed.append(finding)
        else:
            codes[row].add(finding.code)
    for row in sorted(codes, reverse=True):
        start = layout.lines[row - 1]
        end = layout.row_end(start)
        text = text[:start] + with_codes(text[start:end], codes[row]) + text[end:]
    return text, missed


def takes_comment(layout: Text, row: int) -> bool:
    """Whether a comment can stand at the end of a row: not within a string, nor behind the sign that continues it."""
    start = layout.lines[row - 1]
    end = layout.row_end(start)
    return not layout.in_string(end) and not layout.text[start:end].endswith("\\") and bool(layout.text[start:end].strip())


def with_codes(line: str, codes: set[str]) -> str:
    known = _NOQA.search(line)
    if known is None:
        return f"{line.rstrip()}  # noqa: {', '.join(sorted(codes))}"
    more = sorted(codes - {code.upper() for code in re.split(r"[,\s]+", known["codes"])})
    return line[: known.end("codes")] + "".join(f", {code}" for code in more) + line[known.end("codes") :]
