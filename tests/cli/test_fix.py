"""The options of `bnlint check` that change files: fixes and suppression comments."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main

UNUSED = "import torch\nbn = torch.nn.BatchNorm2d(8)  # noqa: BN201\n"
PLAIN = "import torch\nbn = torch.nn.BatchNorm2d(8)\n"
EPS = "from torch import nn\nbn = nn.BatchNorm2d(8, 0.8)\n"
MOMENTUM = EPS.replace("0.8", "momentum=0.8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *arguments], input=stdin)


def test_fix_fixes_what_is_safe_and_shows_what_remains(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "b.py").write_text(EPS)
    result = run("--fix", "--output-format", "concise")
    assert (project / "a.py").read_text() == PLAIN
    assert (project / "b.py").read_text() == EPS
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "b.py:2:6: BN601 [certain] the second position of BatchNorm2d is eps, here 0.8",
        "Found 1 finding (1 error); 1 fixed; 1 fixable: --fix --unsafe-fixes",
    ]


def test_unsafe_fixes_are_made_when_asked_for(project: Path) -> None:
    (project / "b.py").write_text(EPS)
    result = run("--fix", "--unsafe-fixes")
    assert (project / "b.py").read_text() == MOMENTUM
    assert result.exit_code == 0
    assert "1 fixed" in result.stdout


def test_unsafe_fixes_alone_changes_nothing(project: Path) -> None:
    (project / "b.py").write_text(EPS)
    result = run("--unsafe-fixes")
    assert (project / "b.py").read_text() == EPS
    assert result.exit_code == 1
    assert "1 fixable: --fix" in result.stdout


def test_a_fix_can_be_made_to_show_in_the_exit_status(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    assert run("--fix", "--exit-non-zero-on-fix").exit_code == 1
    assert run("--fix", "--exit-non-zero-on-fix").exit_code == 0


def test_fix_only_does_not_show_what_remains(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "b.py").write_text(EPS)
    result = run("--fix-only")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Fixed 1 finding in 1 file\n"
    assert (project / "a.py").read_text() == PLAIN
    assert run("--fix-only", "--unsafe-fixes", "--exit-non-zero-on-fix").exit_code == 1


def test_diff_shows_what_would_change_and_changes_nothing(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "b.py").write_text(EPS)
    result = run("--diff", "--unsafe-fixes")
    assert result.stdout == (
        "--- sub/b.py\n+++ sub/b.py\n@@ -1,2 +1,2 @@\n from torch import nn\n"
        "-bn = nn.BatchNorm2d(8, 0.8)\n+bn = nn.BatchNorm2d(8, momentum=0.8)\n"
    )
    assert result.stderr == "Would fix 1 finding in 1 file\n"
    assert result.exit_code == 1
    assert (project / "sub" / "b.py").read_text() == EPS
    assert run("--diff").exit_code == 0


def test_standard_input_is_fixed_onto_standard_output(project: Path) -> None:
    result = run("-", "--fix", "--output-format", "concise", stdin=UNUSED)
    assert result.stdout == PLAIN
    result = run("-", "--fix", "--output-format", "concise", stdin=EPS)
    assert result.stdout == EPS
    assert "BN601" in result.stderr
    assert result.exit_code == 1
    assert run("-", "--diff", stdin=UNUSED).stdout.startswith("--- -\n+++ -\n")


def test_only_what_is_selected_is_fixed(project: Path) -> None:
    (project / "b.py").write_text(EPS)
    run("--fix", "--unsafe-fixes", "--ignore", "BN601")
    assert (project / "b.py").read_text() == EPS


def test_a_read_only_file_is_an_error_and_the_others_are_fixed(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "b.py").write_text(UNUSED)
    (project / "a.py").chmod(0o444)
    result = run("--fix")
    assert result.exit_code == 2
    assert "a.py is read-only" in result.stderr
    assert "a.py:2" in result.stdout
    assert (project / "a.py").read_text() == UNUSED
    assert (project / "b.py").read_text() == PLAIN


def test_a_fixed_file_keeps_its_mode_and_a_link_stays_one(project: Path) -> None:
    (project / "real").mkdir()
    (project / "real" / "a.py").write_text(UNUSED)
    (project / "real" / "a.py").chmod(0o750)
    (project / "link.py").symlink_to(project / "real" / "a.py")
    run("--fix", "link.py")
    assert (project / "link.py").is_symlink()
    assert (project / "real" / "a.py").read_text() == PLAIN
    assert stat.S_IMODE((project / "real" / "a.py").stat().st_mode) == 0o750
    assert [path.name for path in (project / "real").iterdir()] == ["a.py"]


def test_json_tells_the_edits_of_a_fix(project: Path) -> None:
    (project / "b.py").write_text(EPS)
    (row,) = json.loads(run("--output-format", "json").stdout)
    assert row["fix"] == {
        "applicability": "unsafe",
        "message": "write `momentum=` in front",
        "edits": [{"location": {"row": 2, "column": 24}, "end_location": {"row": 2, "column": 24}, "content": "momentum="}],
    }
    assert json.loads(run("--fix", "--unsafe-fixes", "--output-format", "json").stdout) == []


def test_sarif_and_rdjson_carry_the_edits_of_a_fix(project: Path) -> None:
    (project / "b.py").write_text(EPS)
    (found,) = json.loads(run("--output-format", "sarif").stdout)["runs"][0]["results"]
    (fix,) = found["fixes"]
    assert fix["description"]["text"] == "write `momentum=` in front (unsafe)"
    (replacement,) = fix["artifactChanges"][0]["replacements"]
    assert replacement["insertedContent"] == {"text": "momentum="}
    assert (replacement["deletedRegion"]["startLine"], replacement["deletedRegion"]["startColumn"]) == (2, 24)
    (diagnostic,) = json.loads(run("--output-format", "rdjson").stdout)["diagnostics"]
    at = {"line": 2, "column": 24}
    assert diagnostic["suggestions"] == [{"range": {"start": at, "end": at}, "text": "momentum="}]


def test_watching_does_not_change_files(project: Path) -> None:
    for option in ("--fix", "--fix-only", "--add-noqa", "--write-baseline=b.txt"):
        result = run("--watch", option)
        assert result.exit_code == 2
        assert "--watch changes no files" in result.stderr


def test_settings_can_ask_for_fixes(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.bnlint]\nfix = true\nunsafe-fixes = true\n")
    (project / "b.py").write_text(EPS)
    assert run("--no-fix").exit_code == 1
    assert run().exit_code == 0
    assert (project / "b.py").read_text() == MOMENTUM


NESTED = """\
import torch
from torch import nn
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, 0.9), nn.Flatten())  # noqa: E501
net.load_state_dict(torch.load("net.pt"))
print(net(
    torch.load('''
images'''),
).argmax(1))
"""


def test_noqa_is_added_where_it_counts(project: Path) -> None:
    (project / "a.py").write_text(NESTED)
    result = run("--add-noqa")
    assert result.exit_code == 0
    assert result.stderr == "Added comments for 2 findings\n"
    assert (project / "a.py").read_text() == NESTED.replace("# noqa: E501", "# noqa: E501, BN601").replace(
        "print(net(\n", "print(net(  # noqa: BN201\n"
    )
    assert run().exit_code == 0


def test_noqa_is_not_added_within_a_string(project: Path) -> None:
    text = "from torch import nn\nbn = nn.BatchNorm2d(8, 0.9) if '''\n''' else \\\n    None\n"
    (project / "a.py").write_text(text)
    run("--add-noqa")
    assert (project / "a.py").read_text() == text.replace("    None", "    None  # noqa: BN601")
    assert run().exit_code == 0
