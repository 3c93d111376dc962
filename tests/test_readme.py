"""What README.md shows is true: its example, its commands, its settings. (The table of rules: see test_house.)"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bnlint.cli.main import main
from bnlint.config import read_config, settle
from bnlint.rulebook import catalogue
from bnlint.select import Selection
from tests.linting import CHECKOUT
from tests.readme_examples import examples, printed

COMMANDS: tuple[list[str], ...] = ([], ["check"], ["rule"], ["inspect"], ["config"], ["clean"])
README = (CHECKOUT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def fence_between(mark: str) -> str:
    found = FENCE.search(README, README.index(f"<!-- {mark}: begin -->"), README.index(f"<!-- {mark}: end -->"))
    assert found, f"no fenced block between the marks {mark!r}"
    return found["text"]


@pytest.mark.parametrize(("command", "shown"), examples(README))
def test_an_example_is_what_bnlint_prints(command: str, shown: str) -> None:
    assert shown == printed(command), "README.md shows something else; run: python -m tests.readme_examples"


def test_there_are_examples_of_a_finding_and_of_the_map() -> None:
    assert {command.split()[1] for command, _ in examples(README)} >= {"check", "inspect"}


def test_the_excerpt_of_the_settings_stands_in_what_bnlint_prints() -> None:
    command, *shown = fence_between("excerpt").splitlines()
    text = printed(command.removeprefix("$ ")).splitlines()
    assert [line for line in shown if line not in (*text, "...")] == []


def test_the_commands_that_install_bnlint_are_run_by_the_continuous_integration() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text("utf-8")
    blocks = [match["text"].strip() for match in FENCE.finditer(README) if match["language"] == "sh"]
    installing = [block for block in blocks if "pip install" in block]
    assert len(installing) == 2
    for command in installing:
        assert command in script


def test_the_example_of_settings_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(fence_between("settings"), "utf-8")
    settings = settle(read_config(path), {})
    selection = Selection(catalogue(), settings.selectors, settings.per_file_ignores)
    assert not selection.shows("BN305", True, str(tmp_path / "train.py"))
    assert selection.shows("BN201", True, str(tmp_path / "train.py"))
    assert not selection.shows("BN201", True, str(tmp_path / "tests" / "train.py"))


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))))
def test_options_that_are_named_exist(option: str) -> None:
    helps = [CliRunner().invoke(main, [*command, "--help"]).stdout for command in COMMANDS]
    assert any(re.search(rf"{option}\b(?!-)", text) for text in helps)
