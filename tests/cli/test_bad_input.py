"""Whatever bnlint is pointed at: a clear message, the right exit status, and never a traceback. By the installed command."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from bnlint.cli.main import main

UNUSED = "import torch\nbn = torch.nn.BatchNorm2d(8)  # noqa: BN201\n"


class Run(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    folder = tmp_path.resolve() / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def bnlint(folder: Path, *arguments: str) -> Run:
    """A process of its own."""
    command = [sys.executable, "-m", "bnlint", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True)
    run = Run(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in run.err
    return run


def check(*arguments: str, stdin: bytes = b"") -> Run:
    """The same command within this process, in the working directory: many of these take no time."""
    result = CliRunner().invoke(main, ["check", "--output-format", "concise", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Run(result.exit_code, result.stdout, result.stderr)


def linked_to_itself(path: Path) -> None:
    path.symlink_to(path)


def linked_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "gone.py")


def sized(size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(UNUSED.encode())
            stream.truncate(size)

    return make


def holding(data: bytes | str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    return make


BAD: tuple[tuple[str, Callable[[Path], None], str], ...] = (
    ("binary.py", holding(b"\x7fELF\x02\0\0\0" * 50), "is binary"),
    ("bracket.py", holding("import torch\nbn = torch.nn.BatchNorm2d(\n"), "invalid syntax"),
    ("brackets.py", holding("bn = BatchNorm2d" + "(" * 50_000), "nested too deeply"),
    ("huge.ipynb", sized(50 << 20), "larger than 20 MB"),
    ("huge.py", sized(50 << 20), "larger than 20 MB"),
    ("nul.py", holding(UNUSED.replace("8", "8\0")), "is binary"),
    ("other.ipynb", holding('{"a": 1}'), "is no notebook"),
    ("picture.ipynb", holding(b"\x89PNG\r\n\0"), "is binary"),
    ("python.ipynb", holding("import torch\n"), "is no notebook: invalid JSON"),
    ("text.prototxt", holding(b"\0BatchNorm"), "is binary"),
    ("utf16_unmarked.py", holding(UNUSED.encode("utf-16-le")), "is binary"),
    ("utf16_wrong.py", holding(b"\xff\xfe" + b"\x00\xd8" * 3), "has a utf-16-le byte order mark but is no valid utf-16-le"),
)


@pytest.mark.parametrize("named", [False, True], ids=["found", "named"])
def test_what_cannot_be_read_is_a_finding_on_that_file(project: Path, named: bool) -> None:
    for name, make, _ in BAD:
        make(project / name)
    (project / "z.py").write_text(UNUSED)
    run = bnlint(project, "check", "--output-format", "concise", *([name for name, _, _ in BAD] + ["z.py"] if named else []))
    assert run.status == 1
    *bad, good, last = run.out.splitlines()
    for line, (name, _, said) in zip(bad, BAD, strict=True):
        assert line.startswith(f"{name}:")
        assert f"BN001 [certain] {said}" in line
    assert good.startswith("z.py:2:")
    assert last.startswith(f"Found {len(BAD) + 1} findings")


@pytest.mark.parametrize(("make", "said"), [(linked_to_itself, "symbolic links"), (linked_to_nothing, "no such file")])
def test_a_link_that_leads_nowhere_is_told_when_it_is_named(project: Path, make: Callable[[Path], None], said: str) -> None:
    make(project / "a.py")
    assert f"a.py:1:1: BN001 [certain] {said}" in check("a.py").out.replace("cannot be read: too many levels of ", "")
    assert check().status == 0


def test_a_folder_that_is_linked_into_itself_is_walked_once(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "loop").symlink_to(project)
    (project / "there").symlink_to(project / "back")
    (project / "back").symlink_to(project / "there")
    run = check()
    assert (run.status, len(run.out.splitlines())) == (1, 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_finding(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "a.py").chmod(0)
    assert "a.py:1:1: BN001 [certain] permission denied" in check().out


def test_encodings_are_read_leniently(project: Path) -> None:
    (project / "a.py").write_bytes(b"# coding: klingon\n" + UNUSED.encode())
    (project / "b.py").write_bytes(UNUSED.encode("utf-16"))
    (project / "c.py").write_bytes(UNUSED.encode() + b"# \xe9\n")
    run = check()
    assert [line.partition(" ")[0] for line in run.out.splitlines()[:-1]] == ["a.py:3:31:", "b.py:2:31:", "c.py:2:31:"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.py",), "no such file or folder"),
        (("",), "no such file or folder"),
        (("--select", "BN999"), "unknown rule selector 'BN999'"),
        (("--select", "eval-in-train-mod"), "did you mean 'eval-in-train-mode'?"),
        (("--ignore", "BN999"), "unknown rule selector 'BN999'"),
        (("--config", "missing.toml"), "No such file"),
        (("--output-file", "no/such/folder"), "cannot write"),
        (("--jobs", "0"), "--jobs"),
    ],
)
def test_wrong_usage_is_told(project: Path, arguments: tuple[str, ...], said: str) -> None:
    (project / "a.py").write_text(UNUSED)
    run = check(*arguments)
    assert run.status == 2
    assert said in run.err
    assert run.out == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (b"[tool.bnlint", "Expected ']'"),
        (b"[tool.bnlint]\nselect = 3\n", "setting 'select' must be a list"),
        (b'[tool.bnlint]\nselect = ["BN999"]\n', "unknown rule selector 'BN999'"),
        (b"[tool.bnlint]\nselekt = []\n", "did you mean 'select'?"),
        (b"[tool]\nbnlint = 3\n", "[tool.bnlint] must be a table"),
        (b"[tool.bnlint]\n# \xff\n", "utf-8"),
    ],
)
def test_broken_settings_are_told(project: Path, settings: bytes, said: str) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "pyproject.toml").write_bytes(settings)
    run = check()
    assert (run.status, run.out) == (2, "")
    assert said in run.err
    assert check("--isolated").status == 1


def test_a_broken_pyproject_that_does_not_speak_of_bnlint_is_not_ours(project: Path) -> None:
    (project / "a.py").write_text(UNUSED)
    (project / "pyproject.toml").write_text("[project\n")
    assert check().status == 1


def test_nothing_to_lint_is_no_error(project: Path) -> None:
    (project / "notes.txt").write_text("no source")
    run = check()
    assert (run.status, run.out) == (0, "Nothing to check: no Python files found\n")
    (project / "a.py").write_text(UNUSED)
    assert check("--force-exclude", "--extend-exclude", "a.py", "a.py").status == 0


def test_files_that_go_away_meanwhile_stop_nothing(project: Path) -> None:
    for number in range(300):
        (project / f"a{number}.py").write_text(UNUSED)

    def remove() -> None:
        for path in sorted(project.glob("a*.py")):
            path.unlink(missing_ok=True)

    remover = threading.Timer(0.3, remove)
    remover.start()
    run = bnlint(project, "check", "--output-format", "concise", "--no-cache")
    remover.join()
    assert run.status in (0, 1)
    assert all("BN003" in line or "no such file" in line for line in run.out.splitlines()[:-1])
    assert "BN002" not in run.out


def test_standard_input_is_as_bad_as_files_may_be(project: Path) -> None:
    assert "-:1:1: BN001 [certain] larger than 20 MB" in check("-", stdin=b"#" * (21 << 20)).out
    assert "-:1:1: BN001 [certain] is binary" in check("-", stdin=b"\0").out
    assert check("-", stdin=b"").status == 0
    run = check("-", "--stdin-filename", "a.ipynb", stdin=b"{")
    assert "a.ipynb:1:2: BN001 [certain] is no notebook" in run.out


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a shell")
@pytest.mark.parametrize(
    ("redirected", "status", "said"),
    [
        pytest.param("check - <&-", 2, "standard input is closed", id="standard input closed"),
        pytest.param("check >&-", 1, "", id="standard output closed"),
        pytest.param("check missing.py 2>&-", 2, "", id="standard error closed"),
        pytest.param("check >/dev/full", 2, "cannot write to standard output", id="no space left"),
        pytest.param("--version >/dev/full", 2, "No space left", id="no space left for the version"),
    ],
)
def test_closed_and_full_streams(project: Path, redirected: str, status: int, said: str) -> None:
    (project / "a.py").write_text(UNUSED)
    if "full" in redirected and not os.path.exists("/dev/full"):
        pytest.skip("this system has no device that is always full")
    done = subprocess.run(["sh", "-c", f'"{sys.executable}" -m bnlint {redirected}'], cwd=project, capture_output=True, text=True)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_working_directory_that_is_gone_is_told(project: Path) -> None:
    script = f'mkdir gone && cd gone && rmdir ../gone && "{sys.executable}" -P -m bnlint check'
    if sys.version_info < (3, 11):
        pytest.skip("the interpreter itself needs a working directory")
    done = subprocess.run(["sh", "-c", script], cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the current folder does not exist any more" in done.stderr
