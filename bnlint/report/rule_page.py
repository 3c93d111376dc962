"""The page of a rule: as JSON, as markdown, as text for the terminal (drawn by `terminal_page`)."""

from __future__ import annotations

import inspect
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
    from bnlint.report.terminal_page import terminal  # imported here: JSON and markdown need no rich

    return "\n".join(terminal(page, color, width) for page in pages)


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
