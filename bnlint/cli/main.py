"""The `bnlint` command: a group whose commands are imported only when they are called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from bnlint import __version__

_COMMANDS = {
    "check": "lint files and folders",
    "rule": "explain a rule",
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="bnlint")
def main() -> None:
    """Find batch-norm pitfalls in training code, without running it."""
