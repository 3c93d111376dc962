"""Every output format through the command line, to standard output and to a file; counts and names instead of findings."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.config import OUTPUT_FORMATS
from tests.linting import CHECKOUT

SHOWCASE = CHECKOUT / "fixtures" / "showcase" / "robot_learning"


@pytest.fixture(autouse=True)
def _in_the_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SHOWCASE)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *arguments])


def codes(output_format: str, text: str) -> list[str]:
    """The codes that a report names, read as its readers do."""
    match output_format:
        case "json":
            return [row["code"] for row in json.loads(text)]
        case "json-lines":
            return [json.loads(line)["code"] for line in text.splitlines()]
        case "sarif":
            return [result["ruleId"] for result in json.loads(text)["runs"][0]["results"]]
        case "gitlab":
            return [issue["check_name"] for issue in json.loads(text)]
        case "junit":
            return [case.get("name", "")[:5] for case in xml.fromstring(text).iter("testcase")]
        case "rdjson":
            return [diagnostic["code"]["value"] for diagnostic in json.loads(text)["diagnostics"]]
    return [code for code in ("BN203", "BN501", "BN101", "BN305") if code in text]


@pytest.mark.parametrize("output_format", OUTPUT_FORMATS)
def test_a_format_holds_every_finding_also_in_a_file(output_format: str, tmp_path: Path) -> None:
    file = tmp_path / "report"
    shown = run("--output-format", output_format, "--quiet")
    assert shown.exit_code == 1
    assert codes(output_format, shown.stdout) == ["BN203", "BN501", "BN101", "BN305"]
    written = run("--output-format", output_format, "--output-file", str(file))
    assert (written.exit_code, written.stdout) == (1, "")
    assert file.read_text("utf-8") == shown.stdout


def test_statistics_take_the_place_of_the_findings() -> None:
    result = run("--statistics", "--quiet")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "1  BN101  missing-update-ops"
    assert len(result.stdout.splitlines()) == 4


def test_statistics_refuse_a_format_that_is_made_of_findings() -> None:
    result = run("--statistics", "--output-format", "sarif")
    assert result.exit_code == 2
    assert "--statistics goes with full, concise, grouped, json, json-lines" in result.stderr


def test_files_are_named_and_not_linted() -> None:
    result = run("--show-files", "--extend-exclude", "sim_*")
    assert result.exit_code == 0
    names = result.stdout.splitlines()
    assert "agent.py" in names
    assert "sim_gan.py" not in names
    assert run("--show-files", "missing").exit_code == 2
