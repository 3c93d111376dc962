"""The report for people: the code with the place marked, then the numbered places that explain it.

Readable without colour: everything that colour says is also said by a word or a sign.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bnlint.findings import Finding, Place
from bnlint.outcome import Lines, Outcome
from bnlint.report.names import location

_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
CONTEXT = 2
"""lines of code shown above the marked ones"""
LONGEST = 6
"""rows of a marked stretch that are shown; of longer ones the first"""
WIDEST = 160
"""characters of a line of code that are shown"""


def render(outcome: Outcome, base: Path, *, color: bool = False) -> str:
    out = io.StringIO()
    # a line of code must stay one line, or its marks would stand under nothing: no wrapping
    console = Console(file=out, force_terminal=color, no_color=not color, color_system="standard" if color else None,
                      highlight=False, markup=False, emoji=False, width=10_000, legacy_windows=False)  # fmt: skip
    for finding in outcome.findings:
        for line in _finding(finding, base, outcome.lines):
            console.print(line, soft_wrap=True)
        console.print()
    return out.getvalue()


def _finding(finding: Finding, base: Path, lines: Lines) -> Iterator[Text]:
    style = _STYLES[finding.severity]
    yield Text.assemble(
        (f"{finding.severity}[{finding.code}]", style),
        (f" {finding.name}", "bold"),
        f" ({finding.confidence}): {finding.message}",
    )
    yield Text.assemble(("  --> ", "blue"), location(finding.place, base))
    yield from _frame(finding.place, lines(finding.place.path, finding.place.cell), style)
    if finding.trace:
        yield Text("  because", style="bold")
    for number, step in enumerate(finding.trace, 1):
        yield Text.assemble(f"  {number:>3}. ", (location(step.place, base), "cyan"), f": {step.message}")
        code = lines(step.place.path, step.place.cell)
        if 0 < step.place.row <= len(code):
            yield Text.assemble("         | ", (_shown(code[step.place.row - 1]).strip(), "dim"))
    if finding.fix:
        yield Text.assemble("  ", ("help", "bold green"), f": {finding.fix.message} ({finding.fix.applicability} fix)")


def _frame(place: Place, lines: Sequence[str], style: str) -> Iterator[Text]:
    """The marked rows with a few above them, a line of carets under each marked one."""
    if not 0 < place.row <= len(lines):
        return
    last = min(place.end_row, len(lines), place.row + LONGEST - 1)
    if last > place.row and last == place.end_row and place.end_column == 1:
        last -= 1  # the end is exclusive: nothing of that row is meant
    first = max(1, place.row - CONTEXT)
    margin = len(str(last))
    yield Text(f"{'':>{margin}} |", style="blue")
    for row in range(first, last + 1):
        code = _shown(lines[row - 1])
        yield Text.assemble((f"{row:>{margin}} | ", "blue"), code)
        if row >= place.row:
            start = place.column if row == place.row else len(code) - len(code.lstrip()) + 1
            end = place.end_column if row == place.end_row else len(code) + 1
            end = min(end, len(code) + 1)
            if code.strip():
                carets = " " * (_cells(code[: start - 1])) + "^" * max(1, _cells(code[start - 1 : end - 1]))
                yield Text.assemble((f"{'':>{margin}} | ", "blue"), (carets, style))
    if last < place.end_row and place.end_column != 1:
        yield Text(f"{'':>{margin}} | ...", style="blue")


def _shown(line: str) -> str:
    """The line with tabs as single blanks, so that columns stay columns, and nothing a terminal would act on."""
    clean = "".join(char if char.isprintable() else " " for char in line.rstrip("\r\n"))
    return clean if len(clean) <= WIDEST else clean[: WIDEST - 3] + "..."


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes: signs of East Asian scripts take two."""
    from rich.cells import cell_len

    return cell_len(text)
