"""After a change, only those entry points are told again whose stories can have changed, and bnlint says what it says anew."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bnlint.analysis import verdicts
from bnlint.cache import FOLDER
from bnlint.check import check
from bnlint.config import Settings
from bnlint.findings import Finding
from bnlint.story.telling import Entry, Teller

REGISTRY = """\
from torch import nn

MODELS = {}
NORM = nn.BatchNorm2d

def register(build):
    MODELS[build.__name__] = build
    return build

def make(name):
    return MODELS[name]()
"""
MODELS = """\
from torch import nn
import registry

@registry.register
def small():
    return nn.Sequential(nn.Conv2d(3, 8, 3), registry.NORM(8))
"""
ENGINE = """\
import torch

def train(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

def evaluate(model, loader):
    with torch.no_grad():
        return [(model(x).argmax(1) == y).float().mean() for x, y in loader]
"""
SCRIPT = """\
import models, registry, engine
from torch.utils.data import DataLoader

def main():
    model = registry.make("small")
    loader = DataLoader(data, batch_size=32, shuffle=True)
    for epoch in range(9):
        engine.train(model, loader)
        engine.evaluate(model, loader)

if __name__ == "__main__":
    main()
"""
OTHER = """\
import torch
import models
from torch import nn

def restart():
    return models.small()

def step(model, x, y, optimizer):
    model.eval()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()

def score(model, loader):
    with torch.no_grad():
        for x, y in loader:
            print(model(x).argmax(1))
"""
LATE = """\
import models

def check(loader):
    import extra
    extra.prepare(models.small(), loader)
"""
EXTRA = """\
def prepare(model, loader):
    model.eval()
    return [model(x) for x in loader]
"""
FILES = {
    "registry.py": REGISTRY, "models.py": MODELS, "engine.py": ENGINE, "script.py": SCRIPT, "other.py": OTHER,
    "late.py": LATE, "extra.py": EXTRA,
}  # fmt: skip
CHANGES = (
    "\n# touched\n",
    "\nimport registry\nregistry.NORM = registry.nn.InstanceNorm2d\n",
    "\nfrom registry import register\n@register\ndef large():\n    return nn.BatchNorm1d(3)\n",
    "\nimport other\nprint(other.step)\n",
    "\nimport keras.ops\n",
    "\ndef evaluate(model, loader):\n    model.eval()\n    return train(model, loader)\n",
    "\nimport engine\nengine.evaluate = lambda model, loader: model.eval()\n",
    "\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.bn = nn.BatchNorm2d(3)\n",
)
SETTINGS = Settings(min_confidence="possible", jobs=1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The entry points that were told."""
    names: list[str] = []
    tell = Teller.tell

    def noted(self: Teller, entry: Entry) -> object:
        names.append(f"{entry.module.path.stem}.{entry.name}")
        return tell(self, entry)

    monkeypatch.setattr(Teller, "tell", noted)
    return names


def found(project: Path, settings: Settings = SETTINGS) -> tuple[Finding, ...]:
    return check([project], settings).findings


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def test_a_change_to_a_script_is_a_matter_of_its_own_entry_points(project: Path, told: list[str]) -> None:
    before = found(project)
    assert before
    assert {"script.__main__", "other.step"} <= set(told)
    told.clear()
    append(project / "script.py", "\n# touched\n")
    assert found(project) == before
    assert told == ["script.__main__"]


def test_what_an_entry_point_imports_while_it_runs_is_its_matter(project: Path, told: list[str]) -> None:
    append(project / "late.py", "\nif __name__ == '__main__':\n    check([])\n")
    before = found(project)
    told.clear()
    append(project / "script.py", "\n# touched\n")
    assert found(project) == before
    assert "late.__main__" not in told
    told.clear()
    append(project / "extra.py", "\n# touched\n")
    assert found(project) == before
    assert told == ["late.__main__"]


def test_a_change_to_what_others_import_is_a_matter_of_all(project: Path, told: list[str]) -> None:
    found(project)
    everything = sorted(told)
    told.clear()
    append(project / "registry.py", "\n# touched\n")
    found(project)
    assert sorted(told) == everything


def test_a_script_that_changes_others_is_a_matter_of_all(project: Path, told: list[str]) -> None:
    found(project)
    append(project / "other.py", "\nimport registry\nregistry.NORM = nn.InstanceNorm2d\n")
    told.clear()
    found(project)
    assert "script.__main__" in told


@pytest.mark.parametrize("seed", range(4))
def test_after_any_changes_bnlint_says_what_it_says_without_a_cache(project: Path, seed: int) -> None:
    chosen = random.Random(seed)
    found(project)
    for _ in range(6):
        file = project / chosen.choice(sorted(FILES))
        if chosen.random() < 0.3:
            file.write_text(FILES[file.name])
        else:
            append(file, chosen.choice(CHANGES))
        assert found(project) == found(project, replace(SETTINGS, cache=False))


def test_what_is_kept_is_the_same_for_any_number_of_processes(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "PARALLEL_FROM", 0)
    before = found(project, replace(SETTINGS, jobs=2))
    append(project / "other.py", "\n# touched\n")
    told.clear()
    assert found(project) == before
    assert set(told) == {"other.step", "other.score"}


def test_broken_verdicts_are_none(project: Path) -> None:
    before = found(project)
    for path in (project / FOLDER).glob("??/*"):
        path.write_bytes(b"[1, 2]")
    append(project / "script.py", "\n# touched\n")
    assert found(project) == before
    shutil.rmtree(project / FOLDER)
    assert found(project) == before
