"""The baseline hides what it accepts while code moves around, and tells what it no longer needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.baseline import BaselineError, normalised, read
from bnlint.cli.main import main
from tests.read.notebooks import notebook

NETS = """\
from torch import nn


def small():
    return nn.BatchNorm2d(8, 0.8)


def large():
    return nn.BatchNorm2d(64, 0.8)


print(small(), large())
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two findings that its baseline accepts."""
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "nets.py").write_text(NETS)
    assert run("--write-baseline", "accepted.txt").stderr.startswith("Wrote 2 findings to ")
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", "--output-format", "concise", *arguments])


def shown(*arguments: str) -> list[str]:
    """The rows that are reported with the baseline."""
    result = run("--baseline", "accepted.txt", "--quiet", *arguments)
    return [":".join(line.split(":")[:2]) for line in result.stdout.splitlines()]


def stale() -> list[str]:
    said = run("--baseline", "accepted.txt").stderr.splitlines()
    return [line.removeprefix("stale entry of the baseline: ") for line in said]


def test_the_file_is_one_that_people_can_read(project: Path) -> None:
    assert (project / "accepted.txt").read_text().splitlines()[2:] == [
        "BN601 nets.py::large | return nn.BatchNorm2d(64, 0.8)",
        "BN601 nets.py::small | return nn.BatchNorm2d(8, 0.8)",
    ]


def test_accepted_findings_are_hidden_and_do_not_count(project: Path) -> None:
    result = run("--baseline", "accepted.txt")
    assert result.exit_code == 0
    assert "2 findings hidden by the baseline" in result.stdout
    assert result.stderr == ""


def test_one_more_of_the_same_kind_is_reported(project: Path) -> None:
    (project / "nets.py").write_text(NETS + "\n\ndef small_too():\n    return nn.BatchNorm2d(8, 0.8)\n\n\nprint(small_too())\n")
    assert shown() == ["nets.py:16"]


def test_rows_may_move_and_lines_be_spaced_and_remarked_on(project: Path) -> None:
    moved = "# a new head\n\n" + NETS.replace("return nn.BatchNorm2d(8, 0.8)", "return   nn.BatchNorm2d(8,  0.8)  # why?")
    (project / "nets.py").write_text(moved)
    assert shown() == []
    assert stale() == []


def test_functions_may_change_places_and_names(project: Path) -> None:
    (project / "nets.py").write_text(NETS.replace("small()", "tiny()"))
    assert shown() == []
    first, rest = NETS.split("def large")
    (project / "nets.py").write_text("from torch import nn\n\n\ndef large" + rest.replace("print", first[20:] + "print"))
    assert shown() == []
    assert stale() == []


def test_files_may_be_renamed_and_code_moved_to_another_file(project: Path) -> None:
    (project / "nets.py").rename(project / "layers.py")
    assert shown() == []
    assert stale() == []
    moved = "def small():\n    return nn.BatchNorm2d(8, 0.8)\n"
    (project / "layers.py").write_text(NETS.replace(moved, "from other import small"))
    (project / "other.py").write_text(f"from torch import nn\n\n\n{moved}")
    assert shown() == []


def test_a_changed_line_is_reported_again_and_its_entry_is_stale(project: Path) -> None:
    (project / "nets.py").write_text(NETS.replace("(8, 0.8)", "(8, 0.7)"))
    assert shown() == ["nets.py:5"]
    assert stale() == ["BN601 nets.py::small | return nn.BatchNorm2d(8, 0.8)"]
    assert run("--baseline", "accepted.txt").exit_code == 1


def test_of_files_that_are_not_linted_nothing_is_stale_and_nothing_is_borrowed(project: Path) -> None:
    (project / "copy.py").write_text(NETS)
    assert shown("copy.py") == ["copy.py:5", "copy.py:9"]
    (project / "other.py").write_text("import torch\n")
    assert "stale" not in run("--baseline", "accepted.txt", "other.py").stderr


def test_what_is_not_selected_or_not_sure_enough_is_not_stale(project: Path) -> None:
    assert "stale" not in run("--baseline", "accepted.txt", "--select", "BN2").stderr


def test_the_baseline_can_be_written_anew_where_it_is(project: Path) -> None:
    (project / "nets.py").write_text(NETS.replace("(8, 0.8)", "(8, 0.7)"))
    assert run("--baseline", "accepted.txt", "--write-baseline").exit_code == 0
    assert run("--baseline", "accepted.txt", "--write-baseline", "nets.py").exit_code == 0
    assert shown() == []


def test_the_baseline_can_be_named_by_the_settings(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "accepted.txt").rename(project / "sub" / "accepted.txt")
    text = (project / "sub" / "accepted.txt").read_text().replace(" nets.py", " ../nets.py")
    (project / "sub" / "accepted.txt").write_text(text)
    (project / "pyproject.toml").write_text('[tool.bnlint]\nbaseline = "sub/accepted.txt"\n')
    assert run().exit_code == 0


def test_findings_in_notebooks_are_accepted_by_their_line(project: Path) -> None:
    cells = "from torch import nn", "def tiny():\n    return nn.BatchNorm2d(4, 0.8)", "print(tiny())"
    (project / "a.ipynb").write_bytes(notebook(*cells))
    run("--write-baseline", "accepted.txt")
    assert "BN601 a.ipynb::tiny | return nn.BatchNorm2d(4, 0.8)" in (project / "accepted.txt").read_text().splitlines()
    assert shown() == []
    (project / "a.ipynb").write_bytes(notebook("# one more cell", *cells))
    assert shown() == []
    assert stale() == []


def test_what_the_baseline_hides_is_not_fixed(project: Path) -> None:
    run("--baseline", "accepted.txt", "--fix", "--unsafe-fixes")
    assert (project / "nets.py").read_text() == NETS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--baseline", "missing.txt"], "cannot read the baseline"),
        (["--write-baseline"], "needs a file"),
        (["--write-baseline", "nets.py"], "would write over nets.py"),
        (["--write-baseline", "."], "would write over ."),
        (["--write-baseline", "no/such/folder.txt"], "cannot write"),
    ],
)
def test_wrong_usage_is_told(project: Path, arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert (project / "nets.py").read_text() == NETS


def test_a_broken_line_is_told_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "accepted.txt"
    path.write_text("# head\n\nBN601 nets.py\n")
    with pytest.raises(BaselineError, match=r"accepted\.txt:3: not of the form"):
        read(path)


def test_the_sign_of_a_comment_may_stand_in_a_string() -> None:
    assert normalised("f('#',   x)  # why") == "f('#', x) # why"
    assert normalised("f(x)  # why") == "f(x)"
