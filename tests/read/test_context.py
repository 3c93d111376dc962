"""Which project a file belongs to, and what the project's files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnlint.read.context import context_files, group_by_project, is_project, project_root


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def names(files: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in files]


def test_the_outermost_repository_is_the_project(tmp_path: Path) -> None:
    write(tmp_path, "outer/.git/HEAD", "outer/sub/.git", "outer/sub/pyproject.toml", "outer/sub/src/train.py")
    assert project_root([tmp_path / "outer/sub/src/train.py"]) == tmp_path / "outer"
    assert project_root([tmp_path / "outer/sub"]) == tmp_path / "outer"


def test_without_a_repository_the_outermost_manifest_counts(tmp_path: Path) -> None:
    write(tmp_path, "outer/setup.cfg", "outer/sub/pyproject.toml", "outer/sub/train.py")
    assert project_root([tmp_path / "outer/sub/train.py"]) == tmp_path / "outer"


def test_without_either_the_common_parent_counts(tmp_path: Path) -> None:
    write(tmp_path, "a/b/train.py", "a/c/net.py")
    assert project_root([tmp_path / "a/b/train.py", tmp_path / "a/c"]) == tmp_path / "a"
    assert project_root([tmp_path / "a/b/train.py"]) == tmp_path / "a/b"


def test_the_home_folder_is_never_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "home/.git/HEAD", "home/pyproject.toml", "home/code/train.py", "home/script.py")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert project_root([tmp_path / "home/code/train.py"]) == tmp_path / "home/code"
    assert context_files(tmp_path / "home") == []
    assert context_files(Path("/")) == []


def test_a_folder_for_temporary_files_is_never_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/scratch")
    assert [is_project(Path(name)) for name in ("/scratch", "/tmp", "/var/tmp", "/scratch/project")] == [False] * 3 + [True]


def test_repositories_below_a_folder_that_is_none_are_no_context_of_its_files(tmp_path: Path) -> None:
    write(tmp_path, "train.py", "nets/net.py", "one/.git/HEAD", "one/a.py", "more/two/.git", "more/two/b.py", "more/c.py")
    assert names(context_files(tmp_path), tmp_path) == ["more/c.py", "nets/net.py", "train.py"]
    write(tmp_path, "pyproject.toml")
    assert "one/a.py" in names(context_files(tmp_path), tmp_path)


def test_files_are_grouped_by_project(tmp_path: Path) -> None:
    write(tmp_path, "one/.git/HEAD", "one/a.py", "two/setup.py", "two/b.py", "loose/deep/c.py", "loose/d.py")
    files = sorted(tmp_path.rglob("*.py"))
    groups = group_by_project(files, [tmp_path])
    assert {root.relative_to(tmp_path).as_posix(): names(list(members), tmp_path) for root, members in groups.items()} == {
        ".": ["loose/d.py", "loose/deep/c.py"],
        "one": ["one/a.py"],
        "two": ["two/b.py", "two/setup.py"],
    }


def test_excluded_files_are_context_but_ignored_ones_and_environments_are_not(tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD", "a.py", "build/b.py", "tests/c.py", "runs/d.py", "env/pyvenv.cfg", "env/e.py")
    write(tmp_path, "node_modules/f.py")
    (tmp_path / ".gitignore").write_text("runs\n")
    assert names(context_files(tmp_path), tmp_path) == ["a.py", "build/b.py", "tests/c.py"]
