"""The page of a rule as text for the terminal.

Prose is wrapped to the width, programs never are: a line that was broken by force could not be copied and run. The lines
in which the wrong and the right program differ are marked in the margin.
"""

from __future__ import annotations

import difflib
import io
import re
import textwrap

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```[ ]*\n?", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^##? +(.+?) *\n", re.MULTILINE)
SPAN = re.compile(r"`[^`]+`|(?<!\w)\*[^*]+\*(?!\w)")
MARGIN = "    "
COLOURS = {"-": "bold red", "+": "bold green"}


def terminal(page: str, color: bool, width: int) -> str:
    """A page in markdown as text of at most this width, programs aside."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=color, no_color=not color, color_system="standard" if color else None,
                      width=width, legacy_windows=False)  # fmt: skip
    marks = _differences(page)
    at = 0
    for heading in [*HEADING.finditer(page), None]:
        _body(console, page[at : heading.start() if heading is not None else len(page)], marks)
        if heading is not None:
            at = heading.end()
            _print(console, Text(heading[1], style="bold"))
            if not color:
                _print(console, Text(("-" if heading[0].startswith("##") else "=") * len(heading[1])))
    return out.getvalue()


def _body(console: Console, text: str, marks: dict[str, dict[int, str]]) -> None:
    """What stands below one heading: paragraphs, lists and programs."""
    at = 0
    for fence in [*FENCE.finditer(text), None]:
        for paragraph in text[at : fence.start() if fence is not None else len(text)].strip().split("\n\n"):
            if paragraph:
                _print(console, _prose(paragraph, console.width, plain=console.no_color))
                console.print()
        if fence is not None:
            at = fence.end()
            _print(console, _program(fence[1], marks.get(fence[1], {})))
            console.print()


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)


def _prose(paragraph: str, width: int, *, plain: bool) -> Text:
    """A paragraph or a list, wrapped anew; its code keeps the backticks where colour cannot tell it from the words."""
    kept = SPAN.sub(lambda span: re.sub(r"\s+", "\0", span[0]) if len(span[0]) < width // 2 else span[0], paragraph)
    wrapper = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    lines: list[str] = []
    for item in re.split(r"\n(?=- )", kept):
        wrapper.subsequent_indent = "  " if item.startswith("- ") else ""
        lines += wrapper.wrap(" ".join(item.split()))
    wrapped = "\n".join(lines).replace("\0", " ")
    if plain:
        return Text(SPAN.sub(lambda span: span[0] if span[0][0] == "`" else span[0][1:-1], wrapped))
    shown, at = Text(), 0
    for span in SPAN.finditer(wrapped):
        shown.append(wrapped[at : span.start()])
        shown.append(span[0][1:-1], style="cyan" if span[0][0] == "`" else "italic")
        at = span.end()
    return shown.append(wrapped[at:])


def _program(code: str, marks: dict[int, str]) -> Text:
    """A program in colour, with a margin that holds the marks of its lines."""
    lines = Syntax(code, "python", theme="ansi_dark").highlight(code.rstrip()).split()
    shown: list[Text] = []
    for number, line in enumerate(lines):
        mark = marks.get(number, "")
        margin = Text(f"  {mark} ", style=COLOURS[mark]) if mark else MARGIN if line.plain else ""
        shown.append(Text.assemble(margin, line))
    return Text("\n").join(shown)


def _differences(page: str) -> dict[str, dict[int, str]]:
    """For each program the lines in which it differs from its counterpart: "-" in the wrong one, "+" in the right one."""
    parts = HEADING.split(page)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    bad, good = (FENCE.findall(sections.get(name, "")) for name in ("Bad", "Good"))
    found: dict[str, dict[int, str]] = {}
    for wrong, right in zip(bad, good, strict=False):
        ours, theirs = wrong.splitlines(), right.splitlines()
        for what, start, end, other, last in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
            if what != "equal":
                found.setdefault(wrong, {}).update((n, "-") for n in range(start, end) if ours[n].strip())
                found.setdefault(right, {}).update((n, "+") for n in range(other, last) if theirs[n].strip())
    return found
