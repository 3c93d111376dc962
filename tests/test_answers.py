"""A run over unchanged files is answered from the cache, by nothing but data, and says what it said before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bnlint import answers as room
from bnlint.analysis import pipeline
from bnlint.answers import Answer, answer_of, data_of
from bnlint.cache import FOLDER
from bnlint.check import check
from bnlint.config import Settings
from bnlint.findings import Edit, Finding, Fix, Place, Step
from bnlint.select import Selectors

NET = """\
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
"""
TRAIN = """\
import torch
from models import net

model = net()
with torch.no_grad():
    for x, y in torch.utils.data.DataLoader(data):
        print((model(x).argmax(1) == y).float().mean())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "models.py").write_text(NET)
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each run that analyses anything."""
    runs: list[int] = []
    analyse = pipeline.analysed

    def counted(*args: Any) -> Answer:
        runs.append(len(runs))
        return analyse(*args)

    monkeypatch.setattr(pipeline, "analysed", counted)
    return runs


def found(path: Path, **options: Any) -> tuple[Finding, ...]:
    return check([path], Settings(min_confidence="possible", jobs=1, **options)).findings


def run(project: Path) -> tuple[list[dict[str, object]], set[str]]:
    """What the command says, and which of its rooms and of the packages it imported for it."""
    program = (
        "import sys\nfrom bnlint.cli.main import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", program, "check", "--output-format", "json", "--min-confidence", "possible"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout), set(done.stderr.split())


def test_nothing_that_parses_or_analyses_is_imported_when_nothing_has_changed(project: Path) -> None:
    before, loaded = run(project)
    assert before
    assert "libcst" in loaded
    again, loaded = run(project)
    assert again == before
    assert loaded.isdisjoint({"libcst", "rich", "bnlint.story", "bnlint.judging", "bnlint.program.model", "msgspec"})


def test_what_is_shown_is_chosen_anew(project: Path, asked: list[int]) -> None:
    codes = tuple({item.code for item in found(project)})
    assert codes
    assert not found(project, selectors=(Selectors(ignore=codes),))
    assert len(asked) == 1


def test_a_file_that_was_only_touched_is_still_known(project: Path, asked: list[int]) -> None:
    before = found(project)
    os.utime(project / "train.py")
    assert found(project) == before
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("train.py", TRAIN.replace("model = net()", "model = net().eval()"), id="the_linted_file"),
        pytest.param("models.py", NET.replace(", nn.BatchNorm2d(8)", ""), id="its_context"),
        pytest.param("requirements.txt", "tensorflow==2.3\n", id="the_requirements"),
        pytest.param("torch.py", "", id="a_new_file"),
    ],
)
def test_a_change_is_seen(project: Path, asked: list[int], file: str, text: str) -> None:
    found(project / "train.py")
    (project / file).write_text(text)
    expected = found(project / "train.py", cache=False)
    assert found(project / "train.py") == expected
    assert len(asked) == 3


def test_a_change_that_keeps_size_and_time_is_seen(project: Path) -> None:
    file = project / "train.py"
    time = file.stat().st_mtime_ns - 10 * 10**9
    os.utime(file, ns=(time, time))
    assert found(project)
    file.write_text(TRAIN.replace("model = net()", "model = 'net'"))
    os.utime(file, ns=(time, time))
    assert found(project) == found(project, cache=False)


def test_a_change_is_no_concern_of_another_project(project: Path, asked: list[int]) -> None:
    for name in ("one", "other"):
        (project / name / ".git").mkdir(parents=True)
        for source in ("models.py", "train.py"):
            shutil.copy(project / source, project / name)
    (project / ".git").rmdir()
    paths = [project / "one", project / "other"]
    settings = Settings(min_confidence="possible", jobs=1)
    before = check(paths, settings)
    assert len(asked) == 2
    with (project / "one" / "train.py").open("a") as file:
        file.write("\n# touched\n")
    assert check(paths, settings).findings == before.findings
    assert len(asked) == 3


def test_settings_that_change_the_analysis_are_part_of_the_question(project: Path, asked: list[int]) -> None:
    found(project)
    found(project, prefilter=False)
    assert len(asked) == 2


def test_a_broken_answer_is_none(project: Path) -> None:
    before = found(project)
    for path in (project / FOLDER).glob("??/*"):
        path.write_bytes(b"[1, 2]")
    assert found(project) == before


def test_answers_come_back_as_they_were() -> None:
    place = Place("/project/train.py", 3, 1, 3, 9, 2)
    fix = Fix("call eval()", "unsafe", (Edit(place, "model.eval()\n"),))
    finding = Finding("BN201", "a-name", "said so", "error", "likely", place, (Step("built here", place),), fix, False)
    answer = Answer((finding,), 3, 1, ("/project/train.py: main",), (("BN201", "a-name"),))
    assert answer_of(json.loads(json.dumps(data_of(answer)))) == answer


def test_another_bnlint_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    room.itself.cache_clear()
    before = room.itself()
    room.itself.cache_clear()
    monkeypatch.setattr(room, "__version__", "99")
    try:
        assert room.itself() != before
    finally:
        room.itself.cache_clear()
