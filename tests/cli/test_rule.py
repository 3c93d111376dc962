"""The command line around `bnlint check`: `rule`, `--version`, `--help`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from bnlint import __version__
from bnlint.cli.main import main
from bnlint.rulebook import catalogue


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("name", ["BN003", "bn003", "unused-suppression"])
def test_a_rule_is_explained_by_code_or_name(name: str) -> None:
    result = run("rule", name)
    assert result.exit_code == 0
    assert "A suppression comment hides nothing." in result.stdout


def test_all_rules_are_listed_as_json() -> None:
    rows = json.loads(run("rule", "--all", "--output-format", "json").stdout)
    assert [row["code"] for row in rows] == [rule.code for rule in catalogue()]


@pytest.mark.parametrize("arguments", [["BN999"], [], ["BN003", "--all"]])
def test_a_wrong_question_exits_with_2(arguments: list[str]) -> None:
    assert run("rule", *arguments).exit_code == 2


def test_version_is_printed() -> None:
    assert run("--version").stdout == f"bnlint, version {__version__}\n"


def test_help_names_the_commands() -> None:
    text = run("--help").stdout
    assert "check" in text
    assert "rule" in text
