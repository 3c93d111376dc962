"""Reports as programs of others read them: JSON schemas by `jsonschema`, JUnit by `junitparser`, SARIF by `sarif-tools`.

The schemas in `schemas/` say what the standards say of the part that bnlint writes, and refuse every other key: a name
that is not in a standard is a mistake of ours even where readers would overlook it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bnlint.cli.main import main
from tests.read.notebooks import notebook

SCHEMAS = Path(__file__).parent / "schemas"
NETWORK = "import torch\nfrom torch import nn\n\nnet = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, 0.8))\n"
SCORE = "net.load_state_dict(torch.load('net.pt'))\nwith torch.no_grad():\n    print(net(torch.load('images.pt')).argmax(1))\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a finding of every shape: with a trace through files, fixes, in a cell, of a file that cannot be read."""
    folder = tmp_path.resolve() / "two words é"
    (folder / ".git").mkdir(parents=True)
    (folder / "networks.py").write_text(NETWORK, "utf-8")
    (folder / "score.py").write_text("# é\nimport torch\nfrom networks import net\n" + SCORE, "utf-8")
    (folder / "old.py").write_text("x = 1  # noqa: BN201\n", "utf-8")
    (folder / "broken.py").write_text("import torch\nx = (BatchNorm2d\n", "utf-8")
    (folder / "flowers.ipynb").write_bytes(notebook(NETWORK, SCORE))
    monkeypatch.chdir(folder)
    return folder


def report(output_format: str) -> str:
    result = CliRunner().invoke(main, ["check", "--no-cache", "--output-format", output_format])
    assert result.exit_code == 1
    return result.stdout


CODES = ["BN001", "BN601", "BN201", "BN601", "BN003", "BN201"]


@pytest.mark.parametrize("output_format", ["sarif", "gitlab", "rdjson"])
def test_a_report_is_what_its_schema_says(output_format: str, project: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((SCHEMAS / f"{output_format}.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    document = json.loads(report(output_format))
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)] == []
    (project / "empty.py").write_text("")
    empty = CliRunner().invoke(main, ["check", "--no-cache", "--output-format", output_format, "empty.py"])
    assert list(validator.iter_errors(json.loads(empty.stdout))) == []


def test_sarif_tells_traces_and_fixes_of_the_findings_that_have_them(project: Path) -> None:
    results: list[dict[str, Any]] = json.loads(report("sarif"))["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == CODES
    assert [result["ruleId"] for result in results if "codeFlows" in result] == ["BN201", "BN201"]
    assert [result["ruleId"] for result in results if "fixes" in result] == ["BN601", "BN003"]


def test_junit_is_read_by_a_parser_of_others(project: Path) -> None:
    junitparser = pytest.importorskip("junitparser")
    read = junitparser.JUnitXml.fromstring(report("junit").encode())
    assert (read.tests, read.failures, read.errors) == (6, 6, 0)
    assert [case.name[:5] for suite in read for case in suite] == CODES


def test_sarif_is_read_by_tools_of_others(project: Path, tmp_path: Path) -> None:
    loader = pytest.importorskip("sarif.loader")
    (tmp_path / "bnlint.sarif").write_text(report("sarif"), "utf-8")
    read = loader.load_sarif_file(str(tmp_path / "bnlint.sarif"))
    assert read.get_result_count() == len(CODES)
    assert {row["Severity"] for row in read.get_records()} == {"error", "warning"}
    assert {row["Location"] for row in read.get_records()} >= {"networks.py", "score.py", "flowers.ipynb"}
