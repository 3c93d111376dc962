"""`bnlint config`, what the shell completes, and what wrong words are answered with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.config import KEYS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = """
[tool.bnlint]
select = ["ALL"]
ignore = ["BN305"]
extend-ignore = ["BN306"]
min-confidence = "possible"
per-file-ignores = { "tests/*" = ["BN2"] }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def source(text: str, key: str) -> str:
    (line,) = [line for line in text.splitlines() if line.removeprefix("# ").split(" ")[0] == key]
    return line.rsplit("# ", 1)[1]


def test_settings_are_shown_as_toml_that_a_settings_file_may_hold(project: Path) -> None:
    text = run("config").stdout
    table: dict[str, Any] = tomllib.loads(text)["tool"]["bnlint"]
    assert table["ignore"] == ["BN305"]
    assert table["per-file-ignores"] == {"tests/*": ["BN2"]}
    assert set(table) <= set(KEYS)
    (project / "pyproject.toml").write_text(text)
    assert tomllib.loads(run("config").stdout)["tool"]["bnlint"] == table


def test_each_setting_says_where_it_comes_from(project: Path) -> None:
    text = run("config", "--min-confidence", "certain", "--extend-ignore", "BN307").stdout
    assert "# settings file: pyproject.toml" in text
    assert source(text, "select") == "pyproject.toml"
    assert source(text, "min-confidence") == "command line"
    assert source(text, "extend-ignore") == "pyproject.toml + command line"
    assert source(text, "color") == "default"
    assert source(text, "jobs") == "all processors (default)"
    assert 'extend-ignore = ["BN306", "BN307"]' in text


def test_the_rules_that_a_check_would_show_are_named(project: Path) -> None:
    (line,) = [line for line in run("config").stdout.splitlines() if line.startswith("# shows")]
    assert "BN502" in line
    assert "BN305" not in line
    assert "BN001" not in line


def test_settings_of_an_unknown_rule_are_refused_here_too(project: Path) -> None:
    result = run("config", "--select", "BN2O1")
    assert result.exit_code == 2
    assert "unknown rule selector 'BN2O1', did you mean 'BN201'?" in result.stderr


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("chekc", "Did you mean 'check'?"),
        ("inspekt", "Did you mean 'inspect'?"),
        ("pyproject.toml", "Did you mean 'bnlint check pyproject.toml'?"),
    ],
)
def test_an_unknown_command_is_answered_with_a_guess(project: Path, word: str, said: str) -> None:
    result = run(word)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_unknown_option_is_answered_with_a_guess(project: Path) -> None:
    assert "--select" in run("check", "--selct", "BN2").stderr


def completed(*words: str) -> list[str]:
    *before, last = words
    items = BashComplete(main, {}, "bnlint", "_BNLINT_COMPLETE").get_completions(list(before), last)
    return [item.value for item in items]


def test_the_shell_completes_commands_options_and_rules() -> None:
    assert completed("in") == ["inspect"]
    assert completed("check", "--output-f") == ["--output-format", "--output-file"]
    assert completed("check", "--output-format", "sa") == ["sarif"]
    assert completed("rule", "bn20")[:2] == ["BN201", "BN202"]
    assert completed("rule", "eval-") == ["eval-in-train-mode"]
    assert completed("check", "--select", "BN101,BN30")[0] == "BN101,BN301"
