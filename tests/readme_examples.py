"""The examples of README.md that show a command and what it prints: `python -m tests.readme_examples` writes them anew."""

from __future__ import annotations

import os
import re
import shlex

from click.testing import CliRunner

from bnlint.cli.main import main
from tests.linting import CHECKOUT

README = CHECKOUT / "README.md"
EXAMPLE = re.compile(
    r"(?P<before><!-- example: begin -->\n```console\n\$ (?P<command>[^\n]*)\n)"
    r"(?P<shown>.*?)(?P<after>```\n<!-- example: end -->)",
    re.DOTALL,
)


def examples(text: str) -> list[tuple[str, str]]:
    """The commands, and what README.md says that they print."""
    return [(match["command"], match["shown"]) for match in EXAMPLE.finditer(text)]


def printed(command: str) -> str:
    """What the command prints in the checkout; nothing is read from or written to a cache."""
    program, name, *words = shlex.split(command)
    assert program == "bnlint"
    before = os.getcwd()
    os.chdir(CHECKOUT)
    try:
        cache = ["--no-cache"] if name in ("check", "inspect") else []
        return CliRunner().invoke(main, [name, *words, *cache]).stdout
    finally:
        os.chdir(before)


def renewed(text: str) -> str:
    return EXAMPLE.sub(lambda match: f"{match['before']}{printed(match['command'])}{match['after']}", text)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8")
