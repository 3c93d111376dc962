"""The page of a rule: as text for the terminal, as JSON, as markdown."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Sequence

from bnlint.rule import Rule

PAGE_FORMATS = ("text", "json", "markdown")


def render(rules: Sequence[Rule], output_format: str, *, color: bool = False, width: int = 100, many: bool = False) -> str:
    """The pages one after the other; as JSON an object, or an array of them when `many`."""
    if output_format == "json":
        rows = [_record(rule) for rule in rules]
        return json.dumps(rows if many else rows[0], indent=2, ensure_ascii=False) + "\n"
    pages = [markdown(rule) for rule in rules]
    if output_format == "markdown":
        return "\n".join(pages)
    return _terminal(pages, color, width)


def markdown(rule: Rule) -> str:
    """The page with its heading and a line of facts."""
    default = "on by default" if rule.default else "off by default"
    facts = ", ".join([rule.severity, default, *rule.frameworks])
    return f"# {rule.name} ({rule.code})\n\n*{facts}*\n\n{inspect.cleandoc(rule.page)}\n"


def summary(rule: Rule) -> str:
    """The first sentence of the page: its first paragraph as one line, without a full stop."""
    first = inspect.cleandoc(rule.page).split("\n\n", 1)[0]
    return " ".join(first.split()).removesuffix(".")


def _record(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": summary(rule),
        "severity": rule.severity,
        "default": rule.default,
        "frameworks": list(rule.frameworks),
        "page": inspect.cleandoc(rule.page),
    }


def _terminal(pages: Sequence[str], color: bool, width: int) -> str:
    # imported here: JSON and markdown need no rich
    from rich.console import Console
    from rich.markdown import Markdown

    out = io.StringIO()
    console = Console(file=out, force_terminal=color, no_color=not color, color_system="standard" if color else None,
                      width=width, legacy_windows=False)  # fmt: skip
    for page in pages:
        console.print(Markdown(page, code_theme="ansi_dark"))
        console.print()
    return out.getvalue()
