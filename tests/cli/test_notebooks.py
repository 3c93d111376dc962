"""Notebooks on the command line: what is reported in which cell, in every form that users read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from tests.read.notebooks import notebook, text

BUILD = "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))\n"
LOAD = "net.load_state_dict(torch.load('net.pt'))\n"
SCORE = "%%time\nwith torch.no_grad():\n    %time print(net(torch.load('images.pt')).argmax(1))"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory that is a project."""
    folder = tmp_path.resolve() / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *arguments], input=stdin)


def findings(*arguments: str, stdin: bytes | None = None) -> list[tuple[str, str, int | None, int, int]]:
    rows = json.loads(run("--output-format", "json", *arguments, stdin=stdin).stdout)
    return [(row["code"], row["filename"], row["cell"], *row["location"].values()) for row in rows]


def test_a_finding_names_the_cell_and_counts_its_rows(project: Path) -> None:
    (project / "a.ipynb").write_bytes(notebook(text("# title"), BUILD, LOAD, SCORE))
    assert findings() == [("BN201", "a.ipynb", 3, 3, 17)]
    concise = run("--output-format", "concise").stdout
    assert concise.startswith("a.ipynb:cell 3:3:17: BN201 [certain] ")
    full = run().stdout
    assert "3 |     %time print(net(torch.load('images.pt')).argmax(1))\n  |                 ^^^^" in full
    assert "1. a.ipynb:cell 1:3:7: Sequential is built here" in full
    assert run().exit_code == 1


def test_steps_of_the_trace_name_their_cells(project: Path) -> None:
    (project / "a.ipynb").write_bytes(notebook(BUILD, LOAD, SCORE))
    (row,) = json.loads(run("--output-format", "json").stdout)
    assert [step["cell"] for step in row["trace"]][:2] == [1, 1]
    assert row["end_location"] == {"row": 3, "column": 45}


def test_a_notebook_from_standard_input_is_known_by_its_name(project: Path) -> None:
    data = notebook(BUILD, LOAD, SCORE)
    assert findings("-", "--stdin-filename", "b.ipynb", stdin=data) == [("BN201", "b.ipynb", 3, 3, 17)]


def test_a_broken_cell_is_reported_and_the_others_are_linted(project: Path) -> None:
    (project / "a.ipynb").write_bytes(notebook(BUILD, "x = (1,\ny", LOAD, SCORE))
    assert [(code, cell) for code, _, cell, _, _ in findings()] == [("BN001", 2), ("BN201", 4)]


def test_comments_hide_findings_in_cells(project: Path) -> None:
    (project / "a.ipynb").write_bytes(notebook(BUILD, LOAD, SCORE + "  # noqa: BN201", "x = 1  # noqa: BN301"))
    assert findings() == [("BN003", "a.ipynb", 4, 1, 8)]
    (project / "a.ipynb").write_bytes(notebook(BUILD, LOAD, "# bnlint: ignore-file[BN201]", SCORE))
    assert findings() == []


def test_a_notebook_is_context_of_the_modules_that_it_imports(project: Path) -> None:
    (project / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def build():\n    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))\n"
        "def score(net, images):\n    with torch.no_grad():\n        return net(images).argmax(1)\n"
    )
    cells = "import torch\nfrom net import build, score", "net = build()\n" + LOAD, "print(score(net, torch.load('images.pt')))"
    (project / "a.ipynb").write_bytes(notebook(*cells))
    everything = findings()
    assert [(code, name) for code, name, *_ in everything] == [("BN201", "net.py")]
    assert findings("net.py") == everything
    assert "a.ipynb:cell 3:1:7: called from here" in run("net.py").stdout


def test_what_is_no_notebook_is_a_finding(project: Path) -> None:
    (project / "a.ipynb").write_text("import torch\n")
    (project / "b.ipynb").write_bytes(notebook(BUILD, LOAD, SCORE))
    assert [(code, name) for code, name, *_ in findings()] == [("BN001", "a.ipynb"), ("BN201", "b.ipynb")]
    assert "a.ipynb:1:1: BN001 [certain] is no notebook: invalid JSON" in run("--output-format", "concise").stdout


def test_the_cache_does_not_change_what_is_said_of_a_notebook(project: Path) -> None:
    (project / "a.ipynb").write_bytes(notebook(BUILD, "x = (", LOAD, SCORE))
    runs = [CliRunner().invoke(main, ["check", "--output-format", "json"]).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(json.loads(runs[0])) == 2
