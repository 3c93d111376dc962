"""What requirements and lock files of all kinds say of a library's version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnlint.project.versions import before
from bnlint.read.requirements import Range, allowed, asked, is_requirements


@pytest.mark.parametrize(
    ("bounds", "low", "end"),
    [
        ("==2.15.0", (2, 15, 0), (2, 15, 1)),
        ("==2.15", (2, 15, 0), (2, 16, 0)),
        ("==2", (2, 0, 0), (2, 1, 0)),
        ("==2.15.*", (2, 15, 0), (2, 16, 0)),
        ("===2.1.0", (2, 1, 0), (2, 1, 1)),
        ("=2.3", (2, 3, 0), (2, 4, 0)),
        ("=2", (2, 0, 0), (3, 0, 0)),
        (">=1.8", (1, 8, 0), None),
        (">=2.12,<2.16", (2, 12, 0), (2, 16, 0)),
        (">=2.0, !=2.3.1, <3", (2, 0, 0), (3, 0, 0)),
        ("<=2.15.1", None, (2, 15, 2)),
        ("~=2.15", (2, 15, 0), (3, 0, 0)),
        ("~=2.15.0", (2, 15, 0), (2, 16, 0)),
        ("~2.15.1", (2, 15, 1), (2, 16, 0)),
        ("^2.15", (2, 15, 0), (3, 0, 0)),
        ("^0.12.8", (0, 12, 8), (0, 13, 0)),
        ("==2.1.0+cu118", (2, 1, 0), (2, 1, 1)),
        ("*", None, None),
    ],
)
def test_bounds_are_a_range_of_versions(bounds: str, low: tuple[int, int, int] | None, end: tuple[int, int, int] | None) -> None:
    assert allowed(bounds) == Range(low, end)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "torch==2.1.0+cu118", True),
        ("requirements.txt", "torch >= 2.9  # was torch<2", False),
        ("requirements.txt", "torch>=1.8", None),
        ("requirements.txt", "torch", None),
        ("requirements.txt", "torch!=2.1", None),
        ("requirements.txt", "torchvision==0.16\npytorch-lightning==2.0", None),
        ("requirements.txt", "torch==2.1; python_version<'3.12'\ntorch==2.9; python_version>='3.12'", None),
        ("requirements.txt", "torch[opt]==2.1", True),
        ("dev-requirements.in", "Torch<2.9", True),
        ("requirements/base.txt", "torch==2.8.0", True),
        ("constraints.txt", "torch==2.10.1", False),
        ("environment.yml", "dependencies:\n  - pytorch::pytorch=2.1=py3.10_cuda11.8", True),
        ("setup.py", "setup(install_requires=['torch>=1.8,<2.0'])", True),
        ("setup.cfg", "[options]\ninstall_requires =\n    torch~=2.4", None),
        ("pyproject.toml", '[project]\ndependencies = ["torch>=2.9", "numpy"]', False),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntorch = "2.3.1"', True),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntorch = {version = "~2.3", source = "pytorch"}', True),
        ("Pipfile", '[packages]\ntorch = "==2.3"\nnumpy = "*"', True),
        ("Pipfile.lock", json.dumps({"default": {"torch": {"hashes": ["sha256:0"], "version": "==2.9.1"}}}), False),
        ("Pipfile.lock", "{", None),
        ("poetry.lock", '[[package]]\nname = "torch"\nversion = "2.1.2"\n', True),
        ("uv.lock", 'version = 1\n\n[[package]]\nname = "torch"\nversion = "2.10.0"\n', False),
        ("pylock.toml", '[[packages]]\nname = "torch"\nversion = "2.10.0"\n', False),
        ("conda-lock.yml", "package:\n- name: pytorch\n  version: 2.4.0\n  manager: conda\n", True),
        ("notes.txt", "torch==2.1", None),
    ],
)
def test_project_says_whether_it_is_older_than_a_version(tmp_path: Path, name: str, text: str, expected: bool | None) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert before(asked(tmp_path), ("torch", "pytorch"), (2, 9, 0)) is expected


def test_a_lower_bound_is_decided_by_the_lock_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('dependencies = ["torch>=2.0"]')
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "torch"\nversion = "2.10.0"\n')
    assert before(asked(tmp_path), ("torch",), (2, 9, 0)) is False


@pytest.mark.parametrize(("name", "expected"), [("requirements-gpu.txt", True), ("uv.lock", True), ("names.txt", False)])
def test_requirements_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_requirements(name) is expected
