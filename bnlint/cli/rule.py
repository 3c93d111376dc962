"""`bnlint rule`: explains a rule, or all of them."""

from __future__ import annotations

import shutil

import click

from bnlint.cli import completing
from bnlint.cli.output import colored, emit
from bnlint.report.rule_page import PAGE_FORMATS, render
from bnlint.rulebook import RulebookError, catalogue
from bnlint.select import UnknownSelector, find_rule


@click.command("rule")
@click.argument("name", metavar="[CODE|NAME]", required=False, shell_complete=completing.rules)
@click.option("--all", "every", is_flag=True, help="Explain every rule.")
@click.option("--output-format", type=click.Choice(PAGE_FORMATS), default="text", show_default=True)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
def command(name: str | None, every: bool, output_format: str, color: str) -> None:
    """Explain a rule: why, the wrong and the right way, when it is silent."""
    if every == (name is not None):
        raise click.UsageError("name one rule by its code or name, or give --all")
    try:
        known = catalogue()
        wanted = known if name is None else (find_rule(name, known),)
    except (RulebookError, UnknownSelector) as error:
        raise click.UsageError(str(error)) from error
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    emit(render(wanted, output_format, color=colored(color), width=width, many=every))
