"""`bnlint clean`, and runs that share a cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cache import FOLDER
from bnlint.cli.main import main

SOURCE = "import torch\nbn = torch.nn.BatchNorm2d(8)  # noqa: BN201\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path.resolve() / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "sub").mkdir()
    (folder / "sub" / "a.py").write_text(SOURCE)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("arguments", [(), (".",), ("sub",), ("sub/a.py",)])
def test_the_cache_of_the_project_is_removed(project: Path, arguments: tuple[str, ...]) -> None:
    run("check")
    assert (project / FOLDER).is_dir()
    result = run("clean", *arguments)
    assert result.exit_code == 0
    assert result.stdout == f"removed {project / FOLDER}\n"
    assert (project / "sub" / "a.py").exists()
    assert not (project / FOLDER).exists()


def test_nothing_to_remove_is_no_error(project: Path) -> None:
    assert (run("clean").exit_code, run("clean").output) == (0, "")


def test_the_folder_of_the_settings_or_of_the_option_is_removed(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bnlint]\ncache-dir = "kept"\n')
    run("check")
    run("check", "--cache-dir", "other")
    assert run("clean").stdout == f"removed {project / 'kept'}\n"
    assert run("clean", "--cache-dir", "other", "--quiet").output == ""
    assert not (project / "other").exists()


def test_settings_files_mean_the_same_as_for_a_check(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bnlint]\ncache-dir = "kept"\n')
    (project / "other.toml").write_text('cache-dir = "named"\n')
    run("check")
    run("check", "--config", "other.toml")
    run("check", "--isolated")
    assert run("clean", "--config", "other.toml").stdout == f"removed {project / 'named'}\n"
    assert run("clean", "--isolated").stdout == f"removed {project / FOLDER}\n"
    assert run("clean").stdout == f"removed {project / 'kept'}\n"
    assert run("clean", "--config", "other.toml", "--isolated").exit_code == 2


def test_what_is_no_cache_is_not_removed(project: Path) -> None:
    (project / FOLDER).mkdir()
    (project / FOLDER / "thesis.tex").write_text("")
    result = run("clean")
    assert result.exit_code == 2
    assert "is no cache of bnlint" in result.stderr
    assert (project / FOLDER / "thesis.tex").exists()


def test_a_missing_path_is_wrong_usage(project: Path) -> None:
    assert run("clean", "nowhere").exit_code == 2


def test_runs_at_the_same_time_share_a_cache(project: Path) -> None:
    for number in range(30):
        (project / f"a{number}.py").write_text(f"x = {number}\n{SOURCE}")
    command = [sys.executable, "-m", "bnlint", "check", "--output-format", "json"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = {run.communicate() for run in runs}
    assert len(outputs) == 1
    assert next(iter(outputs))[1] == ""
    assert outputs.pop()[0].count('"BN003"') == 31
    left = [path.name for path in (project / FOLDER).glob("??/*")]
    assert len(left) in (32, 33)  # the programs and the answer; and the times of files that are older than the run
    assert not any("." in name for name in left)
