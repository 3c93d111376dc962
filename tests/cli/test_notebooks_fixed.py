"""The options that change files, on notebooks: the source of a cell changes, and every other byte stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.read.notebook import cell_sources
from tests.read.notebooks import code, notebook, text

BUILD = "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, 0.8))\n"
LOAD = "net.load_state_dict(torch.load('net.pt'))"
SCORE = "%%time\nwith torch.no_grad():\n    print(net(torch.load('images.pt')).argmax(1))"
FIXED = (BUILD.replace("0.8", "momentum=0.8"), LOAD, SCORE.replace("with", "net.eval()\nwith"), "x = 1\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory that is a project."""
    folder = tmp_path.resolve() / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *arguments], input=stdin)


def flowers(path: Path) -> bytes:
    image = {"output_type": "display_data", "data": {"image/png": "aGVsbG8="}, "metadata": {}}
    data = notebook(text("# Flowers"), BUILD, LOAD, code(SCORE, outputs=[image]), "x = 1\n# noqa: BN201")
    path.write_bytes(data)
    return data


def test_fixes_change_the_sources_of_cells_only(project: Path) -> None:
    data = flowers(project / "a.ipynb")
    result = run("--fix", "--unsafe-fixes")
    assert result.exit_code == 0
    assert "3 fixed" in result.stdout
    changed = (project / "a.ipynb").read_bytes()
    assert cell_sources(project, changed) == FIXED
    gone = set(data.decode().splitlines()) - set(changed.decode().splitlines())
    assert len(gone) == 3
    assert all("8, 0.8" in row or "x = 1" in row or "noqa" in row for row in gone)
    assert run("--fix", "--unsafe-fixes").stdout == "Nothing to report in 1 file: 1 network with batch norm followed\n"
    assert (project / "a.ipynb").read_bytes() == changed


def test_safe_fixes_alone_are_made_in_notebooks_as_well(project: Path) -> None:
    flowers(project / "a.ipynb")
    assert "1 fixed; 2 fixable: --fix --unsafe-fixes" in run("--fix").stdout
    assert cell_sources(project, (project / "a.ipynb").read_bytes()) == (BUILD, LOAD, SCORE, "x = 1\n")


def test_the_layout_of_the_json_stays(project: Path) -> None:
    flowers(project / "a.ipynb")
    record = json.loads((project / "a.ipynb").read_bytes())
    record["cells"][1]["source"] = "".join(record["cells"][1]["source"])
    compact = json.dumps(record, separators=(",", ":")).encode()
    (project / "a.ipynb").write_bytes(compact)
    run("--fix", "--unsafe-fixes", "--ignore", "BN201,BN003")
    assert (project / "a.ipynb").read_bytes() == compact.replace(b"8, 0.8", b"8, momentum=0.8")


def test_line_ends_of_a_cell_stay(project: Path) -> None:
    cells = [cell.replace("\n", "\r\n") for cell in (BUILD, LOAD, SCORE)]
    (project / "a.ipynb").write_bytes(notebook(*cells))
    run("--fix", "--unsafe-fixes")
    assert cell_sources(project, (project / "a.ipynb").read_bytes()) == tuple(cell.replace("\n", "\r\n") for cell in FIXED[:3])


def test_the_difference_is_shown_and_nothing_is_changed(project: Path) -> None:
    data = flowers(project / "a.ipynb")
    result = run("--diff", "--unsafe-fixes")
    assert result.exit_code == 1
    assert '\n     "%%time\\n",\n+    "net.eval()\\n",\n     "with torch.no_grad():\\n",\n' in result.stdout
    assert result.stderr == "Would fix 3 findings in 1 file\n"
    assert (project / "a.ipynb").read_bytes() == data


def test_a_notebook_from_standard_input_is_fixed_onto_standard_output(project: Path) -> None:
    data = flowers(project / "a.ipynb")
    result = run("-", "--stdin-filename", "b.ipynb", "--fix", "--unsafe-fixes", stdin=data)
    assert cell_sources(project, result.stdout_bytes) == FIXED
    assert run("-", "--stdin-filename", "b.ipynb", "--diff", stdin=data).stdout.startswith("--- b.ipynb\n+++ b.ipynb\n")
    assert run("-", "--stdin-filename", "b.ipynb", "--fix", stdin=b"{").stdout == "{"


@pytest.mark.parametrize("score", ["%time print(net(torch.load('images.pt')).argmax(1))", "!ls\nscores = %time net(x).argmax(1)"])
def test_a_row_with_a_magic_is_not_changed(project: Path, score: str) -> None:
    data = notebook(BUILD.replace(", 0.8", ""), LOAD, "x = torch.load('images.pt')", score)
    (project / "a.ipynb").write_bytes(data)
    result = run("--fix", "--unsafe-fixes", "--output-format", "concise")
    assert "BN201" in result.stdout
    assert "fixable" not in result.stdout
    assert (project / "a.ipynb").read_bytes() == data


def test_a_cell_that_cannot_be_parsed_does_not_keep_others_from_being_fixed(project: Path) -> None:
    (project / "a.ipynb").write_bytes(notebook("x = (", BUILD, "y = 1\n\n\n    z = 1"))
    result = run("--fix", "--unsafe-fixes", "--output-format", "concise")
    assert [line.split()[2] for line in result.stdout.splitlines()[:-1]] == ["BN001", "BN001"]
    assert cell_sources(project, (project / "a.ipynb").read_bytes())[1] == FIXED[0]


def test_json_names_the_cell_of_each_edit_and_formats_that_know_rows_of_files_leave_fixes_out(project: Path) -> None:
    flowers(project / "a.ipynb")
    rows = json.loads(run("--output-format", "json").stdout)
    edits = [edit for row in rows for edit in row["fix"]["edits"]]
    assert [(edit["cell"], edit["location"]["row"], edit["content"]) for edit in edits] == [
        (1, 3, "momentum="), (3, 2, "net.eval()\n"), (4, 2, ""),
    ]  # fmt: skip
    assert '"fixes"' not in run("--output-format", "sarif").stdout
    assert "suggestions" not in run("--output-format", "rdjson").stdout


def test_comments_are_added_to_cells(project: Path) -> None:
    cells = (BUILD, LOAD, "net.eval()", "net.train()\n%time print(net(torch.load('images.pt')).argmax(1))")
    (project / "a.ipynb").write_bytes(notebook(*cells))
    result = run("--add-noqa")
    assert result.stderr == "no comment can hide BN201 in a.ipynb:cell 4:2:13\nAdded comments for 1 finding\n"
    changed = BUILD.replace("0.8))", "0.8))  # noqa: BN601")
    assert cell_sources(project, (project / "a.ipynb").read_bytes()) == (changed, *cells[1:])
