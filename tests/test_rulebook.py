"""Where rules come from, and what is said when one is broken. Plugins are real packages on the path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bnlint.cli.main import main
from bnlint.rulebook import RulebookError, load_rules

RULE = """
from bnlint.rule import rule

@rule({code!r}, "house-habit", severity="info")
def check(story):
    {body}
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package that offers a plugin on the path."""

    def make(source: str, module: str) -> None:
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[bnlint.rules]\nhouse = {module}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        load_rules.cache_clear()

    yield make
    load_rules.cache_clear()


def test_rules_are_sorted_by_code() -> None:
    codes = [rule.code for rule in load_rules()]
    assert codes == sorted(codes)


def test_a_plugin_adds_its_rule(install: Install) -> None:
    install(RULE.format(code="HOUSE001", body="yield from ()"), "plugin_that_works")
    assert "HOUSE001" in [rule.code for rule in load_rules()]


@pytest.mark.parametrize(
    ("source", "module", "said"),
    [
        (RULE.format(code="BN950", body="yield from ()"), "plugin_with_our_prefix", "BN is kept for bnlint's own rules"),
        ("1 / 0\n", "plugin_that_breaks", "fails to load: ZeroDivisionError"),
        ("nothing = None\n", "plugin_that_is_empty", "offers no rule"),
    ],
)
def test_a_wrong_plugin_is_refused_by_its_name(install: Install, source: str, module: str, said: str) -> None:
    install(source, module)
    with pytest.raises(RulebookError) as caught:
        load_rules()
    assert said in str(caught.value)
    assert f"plugin house ({module})" in str(caught.value)


def test_a_rule_that_fails_is_an_internal_error_and_the_exit_status_2(install: Install, tmp_path: Path) -> None:
    install(RULE.format(code="HOUSE002", body="raise KeyError('lost')\n    yield"), "plugin_that_fails_late")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "model.py").write_text("import torch\nbn = torch.nn.BatchNorm2d(8)\n")
    result = CliRunner().invoke(main, ["check", "--no-cache", "--exit-zero", "--output-format", "json", str(folder)])
    assert result.exit_code == 2
    (row,) = json.loads(result.stdout)
    assert (row["code"], row["location"]["row"]) == ("BN002", 1)
    assert row["message"] == "rule HOUSE002 failed with KeyError: 'lost'"
