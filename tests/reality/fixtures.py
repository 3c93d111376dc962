"""The fixtures that run by themselves: each is run, as far as it comes without its data, and held against its story."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.linting import CHECKOUT
from tests.reality.alone import alone
from tests.reality.comparing import Verdict, compare, told
from tests.reality.recording import Slow, TooLong, run
from tests.reality.stand_ins import in_place

FIXTURES = CHECKOUT / "fixtures"
TORCH = re.compile(r"^\s*(?:import|from) torch\b", re.MULTILINE)
BEGINNING = 40
"""how many forwards of a fixture are watched: most of them train for longer than a test may take"""
SECONDS = 6


@dataclass(frozen=True, slots=True)
class Subject:
    """A program of a fixture: the file that is run, and all files of its project."""

    entry: Path
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        return self.entry.relative_to(FIXTURES).with_suffix("").as_posix()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a subject. verdict: None if no network was applied; ended: why it did not come to its end, or ""."""

    verdict: Verdict | None
    ended: str


def subjects() -> list[Subject]:
    """Every program of a fixture that speaks of PyTorch: single files, and what is run of a folder."""
    found = [Subject(path, (path,)) for path in sorted(FIXTURES.glob("*/*.py")) if TORCH.search(path.read_text("utf-8"))]
    for folder in sorted(path for path in FIXTURES.glob("*/*") if path.is_dir()):
        files = tuple(sorted(folder.rglob("*.py")))
        texts = {path: path.read_text("utf-8") for path in files}
        if any(TORCH.search(text) for text in texts.values()):
            found += [Subject(entry, files) for entry in entries(texts)]
    return found


def entries(texts: dict[Path, str]) -> list[Path]:
    """What is run of a project: files with a `__main__` block, else those that no other one imports."""
    mains = [path for path, text in texts.items() if "__main__" in text]
    if mains:
        return mains
    words = {path: set(re.findall(r"\w+", " ".join(re.findall(r"^\s*(?:from|import) .*", text, re.MULTILINE))))
             for path, text in texts.items()}  # fmt: skip
    return [path for path in texts if not any(path.stem in words[other] for other in texts if other != path)]


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise Slow

    before = signal.signal(signal.SIGPROF, stop)  # seconds of work: other processes do not count
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def check(subject: Subject) -> Outcome:
    """Run a fixture's program for its first forwards, and hold what happened against what is told of its project."""
    code = compile(subject.entry.read_text("utf-8"), str(subject.entry), "exec")
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), in_place(subject.entry.parent), alone():
        warnings.simplefilter("ignore")
        os.chdir(scratch)
        try:
            with limited(SECONDS):
                happened, ended = run(code, ("here", "there"), BEGINNING, [str(path) for path in subject.files])
        finally:
            os.chdir(here)
    reason = "" if ended is None or isinstance(ended, (Slow, TooLong)) else f"{type(ended).__name__}: {ended}".partition("\n")[0]
    if not happened:
        return Outcome(None, reason or "runs no network by itself")
    root = subject.entry.parent
    stories = told(root, {path: path.read_text("utf-8") for path in subject.files})
    return Outcome(compare(stories, [happened]), reason)
