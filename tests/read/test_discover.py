"""Which files are linted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnlint.read.discover import Discovery, MissingPath, discover


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def found(result: Discovery, root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in result.files]


def test_python_files_below_a_folder_are_found_sorted(tmp_path: Path) -> None:
    write(tmp_path, "train.py", "models/net.py", "models/__init__.py", "gui.pyw", "stub.pyi", "notes.txt", "a.b/c.py")
    assert found(discover([tmp_path]), tmp_path) == ["a.b/c.py", "gui.pyw", "models/__init__.py", "models/net.py", "train.py"]


def test_a_file_is_found_once_however_often_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "sub/train.py")
    again = tmp_path / "sub" / ".." / "sub" / "train.py"
    assert found(discover([tmp_path, tmp_path / "sub", again]), tmp_path) == ["sub/train.py"]


def test_folders_of_tools_and_builds_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.py", ".git/x.py", ".venv/x.py", "venv/x.py", "build/x.py", "dist/x.py", "node_modules/x.py", ".tox/x.py")
    assert found(discover([tmp_path]), tmp_path) == ["a.py"]


def test_a_virtual_environment_of_any_name_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "torch113/pyvenv.cfg", "torch113/lib/x.py", "conda/conda-meta/history", "conda/x.py")
    assert found(discover([tmp_path]), tmp_path) == ["a.py"]


def test_exclude_replaces_the_defaults_and_extend_exclude_adds(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "build/b.py", "tests/c.py", "gen_x.py")
    assert found(discover([tmp_path], exclude=["tests"]), tmp_path) == ["a.py", "build/b.py", "gen_x.py"]
    assert found(discover([tmp_path], extend_exclude=["gen_*.py", "tests/"]), tmp_path) == ["a.py"]


def test_a_pattern_with_a_slash_is_relative_to_the_settings(tmp_path: Path) -> None:
    write(tmp_path, "src/old/a.py", "old/b.py", "src/keep/old/c.py")
    assert found(discover([tmp_path], extend_exclude=["src/old"], base=tmp_path), tmp_path) == ["old/b.py", "src/keep/old/c.py"]
    assert found(discover([tmp_path], extend_exclude=["src/**/old"], base=tmp_path), tmp_path) == ["old/b.py"]
    absolute = (tmp_path / "src").as_posix()
    assert found(discover([tmp_path], extend_exclude=[absolute]), tmp_path) == ["old/b.py"]


def test_what_is_named_is_linted_unless_exclusion_is_forced(tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD", "build/a.py", "build/tool", "logs/b.py")
    (tmp_path / ".gitignore").write_text("logs/\n")
    named = [tmp_path / "build" / "a.py", tmp_path / "build" / "tool", tmp_path / "logs" / "b.py"]
    assert found(discover(named), tmp_path) == ["build/a.py", "build/tool", "logs/b.py"]
    assert found(discover([tmp_path / "build", tmp_path / "logs"]), tmp_path) == ["build/a.py", "logs/b.py"]
    assert found(discover([*named, tmp_path / "build"], force_exclude=True, base=tmp_path), tmp_path) == []


def test_a_project_below_a_folder_called_build_is_linted(tmp_path: Path) -> None:
    write(tmp_path, "build/project/train.py")
    project = tmp_path / "build" / "project"
    assert found(discover([project], base=project), tmp_path) == ["build/project/train.py"]
    assert found(discover([project / "train.py"], base=project, force_exclude=True), tmp_path) == ["build/project/train.py"]


def test_gitignore_files_count_the_inner_one_before_the_outer_one(tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD", "a.py", "run_1.py", "out/x.py", "keep/run_2.py", "keep/deep/run_3.py", "keep/deep/z.py")
    (tmp_path / ".gitignore").write_text("# results\nrun_*.py\n/out/\n")
    (tmp_path / "keep" / ".gitignore").write_text("!run_2.py\ndeep/*\n!deep/z.py\n")
    assert found(discover([tmp_path]), tmp_path) == ["a.py", "keep/deep/z.py", "keep/run_2.py"]
    everything = discover([tmp_path], respect_gitignore=False)
    assert len(everything.files) == 6


def test_gitignore_files_above_the_given_folder_count_up_to_the_repository(tmp_path: Path) -> None:
    write(tmp_path, "repo/.git/HEAD", "repo/src/a.py", "repo/src/run_1.py", "repo/src/b.py")
    (tmp_path / ".gitignore").write_text("b.py\n")
    (tmp_path / "repo" / ".gitignore").write_text("run_*.py\n")
    assert found(discover([tmp_path / "repo" / "src"]), tmp_path) == ["repo/src/a.py", "repo/src/b.py"]


def test_a_malformed_gitignore_line_does_not_switch_off_the_others(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.py")
    (tmp_path / ".gitignore").write_text("!\n//\na[\nb.py\n")
    assert found(discover([tmp_path]), tmp_path) == ["a.py"]


def test_link_loops_are_harmless_and_a_linked_file_is_linted_once(tmp_path: Path) -> None:
    write(tmp_path, "a/net.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "same.py").symlink_to(tmp_path / "a" / "net.py")
    (tmp_path / "broken.py").symlink_to(tmp_path / "gone.py")
    assert found(discover([tmp_path]), tmp_path) == ["a/net.py"]


def test_a_missing_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingPath, match=r"no such file or folder: .*nowhere") as caught:
        discover([tmp_path / "nowhere"])
    assert caught.value.path == tmp_path / "nowhere"


def test_no_files_are_no_error(tmp_path: Path) -> None:
    assert discover([tmp_path]).files == ()
