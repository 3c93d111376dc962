"""The command line of `bnlint check`: options, exit status, which stream says what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from tests.linting import CHECKOUT

BROKEN = "import torch\nnet = BatchNorm2d(\n"
UNUSED = "import torch\nbn = torch.nn.BatchNorm2d(8)  # noqa: BN201\n"
PLAIN = "print('no network here')\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *arguments], input=stdin)


def findings(*arguments: str, stdin: str | None = None) -> list[tuple[str, str, int]]:
    rows = json.loads(run("--output-format", "json", *arguments, stdin=stdin).stdout)
    return [(row["code"], row["filename"], row["location"]["row"]) for row in rows]


def test_nothing_to_report_exits_with_0_and_says_why(project: Path) -> None:
    (project / "plain.py").write_text(PLAIN)
    result = run()
    assert result.exit_code == 0
    assert result.stdout == "Nothing to report: no batch norm found in 1 file\n"


def test_an_empty_folder_is_no_error(project: Path) -> None:
    assert run().exit_code == 0
    assert run("--output-format", "json").stdout == "[]\n"


def test_a_broken_file_is_a_finding_and_the_others_are_linted(project: Path) -> None:
    (project / "broken.py").write_text(BROKEN)
    (project / "other.py").write_text(UNUSED)
    assert [(code, name) for code, name, _ in findings()] == [("BN001", "broken.py"), ("BN003", "other.py")]
    assert run().exit_code == 1


def test_exit_zero_hides_the_findings_from_the_exit_status_only(project: Path) -> None:
    (project / "broken.py").write_text(BROKEN)
    result = run("--exit-zero", "--output-format", "concise")
    assert result.exit_code == 0
    assert "BN001 [certain]" in result.stdout


def test_a_suppression_that_hides_nothing_can_be_ignored(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    assert findings() == [("BN003", "a.py", 2)]
    assert findings("--ignore", "BN003") == []
    assert findings("--ignore", "unused-suppression") == []
    assert findings("--per-file-ignores", "a.py:BN003") == []
    assert findings("--select", "BN201") == [("BN003", "a.py", 2)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--select", "eval-in-training"], "unknown rule selector 'eval-in-training'"),
        (["--select", "BN-003"], "did you mean 'BN003'?"),
        (["--min-confidence", "sure"], "'sure' is not one of"),
        (["--colour"], "No such option"),
        (["missing.py"], "no such file or folder"),
        (["-", "other.py"], "cannot be combined"),
        (["--per-file-ignores", "BN2"], "PATTERN:SELECTOR"),
        (["--config", "missing.toml"], "missing.toml"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_so_on_standard_error(project: Path, arguments: Sequence[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_settings_come_from_the_nearest_pyproject_and_can_be_left_aside(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bnlint]\nignore = ["BN003"]\n')
    (project / "a.py").write_text(UNUSED)
    assert findings() == []
    assert findings("--isolated") == [("BN003", "a.py", 2)]
    assert findings("--extend-select", "BN003") == [("BN003", "a.py", 2)]


def test_a_wrong_setting_exits_with_2_and_a_guess(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bnlint]\nselekt = ["BN2"]\n')
    result = run()
    assert result.exit_code == 2
    assert "unknown setting 'selekt', did you mean 'select'?" in result.stderr


def test_settings_of_the_linted_folder_hold_when_run_from_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text('[tool.bnlint]\nignore = ["BN003"]\n')
    (project / "a.py").write_text(UNUSED)
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert findings(str(project)) == []


def test_standard_input_takes_the_name_it_is_given(project: Path) -> None:
    assert findings("-", stdin=UNUSED) == [("BN003", "-", 2)]
    assert findings("-", "--stdin-filename", "sub/a.py", stdin=UNUSED) == [("BN003", "sub/a.py", 2)]


def test_standard_input_makes_no_folder_out_of_the_name_it_is_given(project: Path) -> None:
    CliRunner().invoke(main, ["check", "-", "--stdin-filename", "sub/a.py"], input=UNUSED)
    assert not (project / "sub").exists()


def test_excluded_files_are_linted_when_named_unless_forced_out(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    assert findings("--extend-exclude", "a.py") == []
    assert findings("--extend-exclude", "a.py", "a.py") == [("BN003", "a.py", 2)]
    assert findings("--extend-exclude", "a.py", "--force-exclude", "a.py") == []


def test_findings_are_reported_in_passed_files_only(project: Path) -> None:
    (project / "pyproject.toml").write_text("")
    (project / "a.py").write_text(UNUSED)
    (project / "b.py").write_text(UNUSED)
    assert findings("b.py") == [("BN003", "b.py", 2)]


def test_what_a_script_does_with_a_package_that_is_a_project_of_its_own_is_reported_there(project: Path) -> None:
    (project / "lib").mkdir()
    (project / "lib" / "setup.py").write_text("from setuptools import setup\nsetup()\n")
    (project / "lib" / "net.py").write_text(
        "from torch import nn\n"
        "def evaluate(net, x):\n"
        "    return net(x).argmax(1)\n"
        "def build():\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))\n"
    )
    (project / "run.py").write_text(
        "import torch\nfrom lib.net import build, evaluate\n"
        "net = build()\nnet.load_state_dict(torch.load('net.pt'))\n"
        "with torch.no_grad():\n    print(evaluate(net, torch.load('images.pt')))\n"
    )
    assert findings() == [("BN201", "lib/net.py", 3)]


def test_report_goes_to_a_file_and_the_closing_line_to_standard_error(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    result = run("--output-format", "concise", "--output-file", "report.txt")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "Found 1 finding (1 warning); 1 fixable: --fix\n"
    assert (project / "report.txt").read_text().startswith("a.py:2:")


def test_quiet_prints_findings_only(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    assert len(run("--quiet", "--output-format", "concise").stdout.splitlines()) == 1


def test_json_has_no_words_for_people_beside_it(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    assert run("--output-format", "json").stderr == ""


def test_colour_is_used_when_asked_for_only(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    assert "\x1b[" not in run().stdout
    assert "\x1b[" in run("--color", "always").output


def test_the_cache_does_not_change_what_is_said(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    runs = [CliRunner().invoke(main, ["check", "--cache-dir", "kept", "--output-format", "json"]).stdout for _ in range(2)]
    assert runs[0] == runs[1] != "[]\n"
    assert (project / "kept" / ".gitignore").exists()
    for entry in (path for path in (project / "kept").glob("*/*") if path.is_file()):
        entry.write_bytes(b"damaged")
    assert CliRunner().invoke(main, ["check", "--cache-dir", "kept", "--output-format", "json"]).stdout == runs[0]


def test_a_reader_that_goes_away_leaves_no_traceback(project: Path) -> None:
    for number in range(20):
        (project / f"a{number}.py").write_text(UNUSED)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "bnlint", "check", "--no-cache", str(project)]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


def test_python_2_is_read_and_python_3_that_is_broken_is_not_guessed_at(project: Path) -> None:
    (project / "old.py").write_text("import torch\nbn = torch.nn.BatchNorm2d(8)  # noqa: BN201\nprint 'built', bn\n")
    (project / "new.py").write_text("import torch\nbn = torch.nn.BatchNorm2d(8\n\ndef f():\n    return bn\n")
    assert [(code, name) for code, name, _ in findings()] == [("BN001", "new.py"), ("BN003", "old.py")]
