"""What bnlint says does not depend on the number of processes, on the order of the paths, or on what the cache holds."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bnlint.analysis import programs, projects, verdicts
from bnlint.check import check
from bnlint.config import Settings
from bnlint.findings import Finding
from bnlint.rulebook import load_rules
from bnlint.story import budget
from tests.story.programs import stories

FIXTURES = Path(__file__).parents[2] / "fixtures"
PROGRAMS = 12
CALLED_FROM_ABOVE = """\
import torch

def evaluate(model, loader):
    with torch.no_grad():
        return [model(x).argmax(1) for x in loader]

def report(model, loader):
    class Local(torch.nn.Module):
        def forward(self, x):
            return x
    print(evaluate(model, loader), Local())

def unused(model):
    return evaluate(model, [])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Fixtures as the scripts of one project, and functions that call each other."""
    (tmp_path / ".git").mkdir()
    written = sorted(path for folder in sorted(FIXTURES.iterdir()) for path in sorted(folder.glob("*.py"))[:1])
    for file in written[:: len(written) // PROGRAMS]:
        shutil.copy(file, tmp_path / f"{file.parent.name}_{file.name.replace('.', '_', file.name.count('.') - 1)}")
    (tmp_path / "functions.py").write_text(CALLED_FROM_ABOVE)
    return tmp_path


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Fork for any project; gives how many verdicts of children were offered at each stage."""
    offered: list[int] = []
    find = verdicts._found

    def counted(*args: object) -> object:
        found = find(*args)  # type: ignore[arg-type]
        offered.append(len(found))
        return found

    monkeypatch.setattr(verdicts, "PARALLEL_FROM", 0)
    monkeypatch.setattr(verdicts, "GRAPHS_SHARE", 0)
    monkeypatch.setattr(verdicts, "_found", counted)
    monkeypatch.setattr(programs, "PARALLEL_FROM", 0)
    return offered


def found(settings: Settings, *paths: Path) -> tuple[Finding, ...]:
    return check(paths, replace(settings, min_confidence="possible")).findings


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_several_processes_say_what_one_says(project: Path, forking: list[int]) -> None:
    alone = found(Settings(cache=False, jobs=1), project)
    assert len(alone) > 10
    assert not forking
    for jobs in (2, 3):
        assert found(Settings(cache=False, jobs=jobs), project) == alone
    assert sum(forking) > 10


def test_cold_and_warm_runs_say_the_same(project: Path, forking: list[int]) -> None:
    alone = found(Settings(cache=False, jobs=1), project)
    for jobs in (2, 1, 3):
        assert found(Settings(jobs=jobs), project) == alone
    with (project / "functions.py").open("a") as file:
        file.write("\n# touched\n")
    assert found(Settings(jobs=2), project) == alone


def test_the_order_of_the_paths_does_not_matter(project: Path) -> None:
    files = sorted(project.glob("*.py"))
    assert found(Settings(cache=False), *files) == found(Settings(cache=False), *reversed(files))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_projects_side_by_side_say_what_they_say_one_after_the_other(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".git").rmdir()
    for number, file in enumerate(sorted(project.glob("*.py"))):
        root = project / f"project{number % 3}"
        (root / ".git").mkdir(parents=True, exist_ok=True)
        file.rename(root / file.name)
    alone = found(Settings(cache=False, jobs=1), project)
    assert len(alone) > 10
    monkeypatch.setattr(projects, "PARALLEL_FROM", 0)
    monkeypatch.setattr(projects, "UNEVEN", 9)
    assert found(Settings(jobs=2), project) == alone
    monkeypatch.setattr(projects, "_child", lambda *args: sys.exit(3))
    assert found(Settings(cache=False, jobs=2), project) == alone


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_a_child_that_dies_loses_nothing(project: Path, forking: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    alone = found(Settings(cache=False, jobs=1), project)

    def dies(*args: object) -> None:
        sys.exit(3)

    monkeypatch.setattr(verdicts, "_child", dies)
    assert found(Settings(cache=False, jobs=2), project) == alone
    assert forking
    assert sum(forking) == 0


def test_one_process_tells_where_a_hook_runs_bnlint(
    project: Path, forking: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert found(Settings(cache=False), project)
    assert not forking


def test_what_was_seen_before_the_steps_ran_out_is_only_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STEPS_AT_LEAST", 0)
    monkeypatch.setattr(budget, "STEPS_PER_LINE", 0)
    text = "from torch import nn\nnorm = nn.BatchNorm2d(8, 0.1)\nwords = []\n" + "words.append(input())\n" * 300
    for steps, confidence in ((10_000, "certain"), (200, "possible")):
        monkeypatch.setattr(budget, "STEPS_PER_ENTRY", steps)
        (story,) = stories(text)
        found = verdicts.judged(story, load_rules()).findings
        assert [(item.code, item.confidence) for item in found] == [("BN601", confidence)]
