"""`bnlint check --watch` as a process of its own: it lints again when something changes, and only then."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("watchdog")

UNUSED = "import torch\nbn = torch.nn.BatchNorm2d(8)  # noqa: BN201\n"
PATIENCE = 60.0


class Watching:
    """The process, and the lines that it prints on both streams."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "bnlint", "check", "--watch", "--output-format", "concise", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # who runs the tests in the background may have them ignore interrupts, and children inherit that
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def said(self) -> list[str]:
        """What it prints until it waits."""
        lines: list[str] = []
        while not lines or not lines[-1].startswith("watching"):
            lines.append(self._lines.get(timeout=PATIENCE))
        return lines[:-1]

    def is_silent(self, seconds: float) -> bool:
        try:
            self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "a.py").write_text(UNUSED)
    return folder


@pytest.fixture
def watching(project: Path) -> Iterator[Watching]:
    running = Watching(project)
    yield running
    running.process.kill()
    running.process.wait()


def test_each_change_is_linted_and_nothing_else(project: Path, watching: Watching) -> None:
    first = watching.said()
    assert first[0].startswith("a.py:2:31: BN003")
    (project / "runs").mkdir()
    (project / "runs" / "log.txt").write_text("no source")
    (project / "a.py").read_text()
    assert watching.is_silent(1.5), "its own cache, folders and other files are no changes"

    (project / "a.py").write_text(UNUSED.replace("# noqa: BN201", ""))
    assert watching.said()[:2] == [
        "changed: a.py",
        "Nothing to report in 1 file: batch norm is named in 1 file, but no network that holds one is seen to run",
    ]

    (project / "new").mkdir()
    (project / "new" / "b.py").write_text(UNUSED)
    assert any(line.startswith("new/b.py:2:31: BN003") for line in watching.said())

    (project / "pyproject.toml").write_text("[tool.bnlint]\nignor = []\n")
    assert any("did you mean 'ignore'" in line for line in watching.said()), "wrong settings do not end it"
    (project / "pyproject.toml").write_text('[tool.bnlint]\nignore = ["BN003"]\n')
    assert watching.said()[-1].startswith("Nothing to report in 2 files")

    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == 0


def test_wrong_usage_ends_at_once(project: Path) -> None:
    for arguments in (["missing.py"], ["-"], ["--select", "BN999"]):
        run = Watching(project, *arguments)
        assert run.process.wait(PATIENCE) == 2
