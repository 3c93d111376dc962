"""What the shell offers while a rule is being typed. Whatever goes wrong, it offers nothing: a shell shows no errors."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Codes and names of rules that begin so, with their summaries."""
    return _offered(incomplete, "")


def selectors(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for the last part of a list with commas, and ALL."""
    before, comma, last = incomplete.rpartition(",")
    every = [CompletionItem(f"{before}{comma}ALL", help="every rule")] if last and "ALL".startswith(last.upper()) else []
    return every + _offered(last, before + comma)


def _offered(incomplete: str, before: str) -> list[CompletionItem]:
    from bnlint.report.rule_page import summary
    from bnlint.rulebook import RulebookError, catalogue

    try:
        known = catalogue()
    except RulebookError:
        return []
    return [
        CompletionItem(before + key, help=summary(rule))
        for rule in known
        for key in (rule.code, rule.name)
        if (incomplete and key.lower().startswith(incomplete.lower())) or (not incomplete and key == rule.code)
    ]
