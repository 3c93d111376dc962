"""Adds suppression comments: `# noqa: BN201` on a line of each statement that is reported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bnlint.builtin import NEVER_HIDDEN, UNUSED
from bnlint.findings import Finding
from bnlint.fixing.contents import checked, texts_of
from bnlint.fixing.layout import Text
from bnlint.fixing.sources import strings
from bnlint.program.lower import SyntaxProblem, parse_program
from bnlint.program.notebook import parse_notebook
from bnlint.program.rows import statement_rows
from bnlint.read import notebook
from bnlint.read.source import Unreadable

_NOQA = re.compile(r"#\s*noqa\s*:\s*(?P<codes>[A-Za-z]+[0-9]+(?:[,\s]+[A-Za-z]+[0-9]+)*)", re.IGNORECASE)


def add(findings: Iterable[Finding], read: Callable[[Path], bytes]) -> tuple[dict[Path, tuple[bytes, bytes]], list[Finding]]:
    """The old and new contents of the files that get comments, and the findings for which there is no place for one."""
    by_path: dict[Path, list[Finding]] = defaultdict(list)
    left: list[Finding] = []
    for finding in findings:
        if finding.code in NEVER_HIDDEN or finding.code == UNUSED:
            left.append(finding)
        else:
            by_path[Path(finding.place.path)].append(finding)
    contents: dict[Path, tuple[bytes, bytes]] = {}
    for path, told in by_path.items():
        try:
            data = read(path)
            texts = texts_of(path, data)
            codes, missed = _wanted(path, data, texts, told)
            new = {cell: commented(text, codes[cell]) for cell, text in texts.items()}
            contents[path] = data, checked(path, data, new)
            left += missed
        except (Unreadable, UnicodeError, SyntaxProblem):
            left += told
    return {path: (old, new) for path, (old, new) in contents.items() if old != new}, left


def _wanted(
    path: Path, data: bytes, texts: Mapping[int, Text], findings: Iterable[Finding]
) -> tuple[dict[int, dict[int, set[str]]], list[Finding]]:
    """Cell -> row -> the codes to be hidden there, and the findings for which no row can take a comment. Raises SyntaxProblem."""
    if path.suffix == notebook.SUFFIX:
        text = notebook.notebook_program(path, data)
        program = parse_notebook(text, parse_program)
    else:
        text = texts[0].text
        program = parse_program(text)
    layout = Text(text, program.lines, lambda: strings(program))
    rows = statement_rows(program)
    codes: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    missed: list[Finding] = []
    for finding in findings:
        cell = finding.place.cell or 0
        above = program.cells[cell - 1] - 1 if cell else 0
        first, last = rows(finding.place.row + above)
        wanted = (finding.place.row + above, last, *range(first, last))
        # a magic is not the Python that it is read as: behind it a comment may be an argument
        stands = (row for row in wanted if not cell or layout.row(row) == texts[cell].row(row - above))
        row = next((row for row in stands if takes_comment(layout, row)), None)
        if row is None:
            missed.append(finding)
        else:
            codes[cell][row - above].add(finding.code)
    return codes, missed


def commented(layout: Text, codes: Mapping[int, set[str]]) -> str:
    """The text with comments for these codes, by row."""
    text = layout.text
    for row in sorted(codes, reverse=True):
        start = layout.lines[row - 1]
        end = layout.row_end(start)
        text = text[:start] + with_codes(text[start:end], codes[row]) + text[end:]
    return text


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
