"""The `bnlint` command: a group whose commands are imported only when they are called."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from bnlint import __version__

_COMMANDS = {
    "check": "lint files and folders",
    "rule": "explain a rule",
    "inspect": "draw the batch-norm map of a project",
    "config": "show the settings and where each comes from",
    "clean": "remove what is kept between runs",
}


class _LazyGroup(click.Group):
    """Names and one-line helps are data; the room of a command is imported when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"bnlint.cli.{cmd_name}").command
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            # a full disk or the like: nothing that a traceback would explain
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            hint = _meant(args[0])
            if not hint:
                raise
            raise click.UsageError(f"No such command {args[0]!r}. {hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _meant(word: str) -> str:
    from difflib import get_close_matches

    if Path(word).exists():
        return f"Did you mean 'bnlint check {word}'?"
    close = get_close_matches(word, _COMMANDS, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="bnlint")
def main() -> None:
    """Find batch-norm pitfalls in training code, without running it."""
