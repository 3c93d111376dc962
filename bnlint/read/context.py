"""The project around the linted files: its root, its files, and which linted file belongs to which project.

A finding may need files that were not passed. Must never report on them, never walk the home folder, the root of the
file system or the folder for temporary files, and never leave the project.
"""

# Strings instead of paths on purpose (see bnlint.read.ignores):

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bnlint.read.discover import PYTHON_SUFFIXES, absolute
from bnlint.read.ignores import FOREIGN_FOLDERS, ignores_above, is_environment

# A project larger than this is cut off, the files nearest to its root first: context is an aid, not worth minutes.
MAX_ENTRIES = 400_000
MAX_FILES = 20_000

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg")


def project_root(paths: Sequence[Path]) -> Path:
    """The project of `paths`: the outermost folder above that holds .git, else the outermost with a manifest.

    Without either, or if the paths lie in different projects, it is their common parent. The home folder, what lies
    above it and the folder for temporary files are never taken by their marks; as a common parent they may come out,
    and `context_files` is then empty.
    """
    names = [absolute(path) for path in paths] or [absolute(Path())]
    folders = [name if os.path.isdir(name) else os.path.dirname(name) for name in names]
    marks = _Marks(_forbidden())
    roots = {marks.root_above(folder) for folder in folders}
    if len(roots) == 1 and (root := roots.pop()) is not None:
        return Path(root)
    return Path(_common(folders))


def group_by_project(files: Iterable[Path], given: Sequence[Path] = ()) -> dict[Path, tuple[Path, ...]]:
    """The linted files by the root of their project; `given` are the paths of the command line.

    Files of no marked project share the common parent of the given paths (of the files if none are given).
    """
    marks = _Marks(_forbidden())
    groups: dict[str, list[Path]] = {}
    unmarked: list[Path] = []
    for file in files:
        root = marks.root_above(os.path.dirname(absolute(file)))
        if root is None:
            unmarked.append(file)
        else:
            groups.setdefault(root, []).append(file)
    if unmarked:
        groups.setdefault(_unmarked_root(unmarked, given, marks), []).extend(unmarked)
    return {Path(root): tuple(members) for root, members in sorted(groups.items())}


def _unmarked_root(files: Sequence[Path], given: Sequence[Path], marks: _Marks) -> str:
    names = [absolute(path) for path in given]
    folders = [name if os.path.isdir(name) else os.path.dirname(name) for name in names]
    unmarked = [folder for folder in folders if marks.root_above(folder) is None]
    return _common(unmarked or [os.path.dirname(absolute(file)) for file in files])


def is_project(root: Path) -> bool:
    """Whether the folder may be walked as a project: not the home folder, what lies above it, nor that of temporary files."""
    return absolute(root) not in _forbidden()


def context_files(root: Path) -> list[Path]:
    """The Python files and notebooks of the project at `root`, sorted: not the ignored ones nor those of virtual environments.

    Excluded files are included: excluding limits what is reported. The caller adds the linted files, which may be
    ignored ones. A folder that nothing marks as a project may hold repositories: these are projects of their own.
    """
    top = absolute(root)
    if top in _forbidden():
        return []
    files: list[str] = []
    seen = 0
    marked = any(_Marks(frozenset()).of(top))
    todo = deque([(top, ignores_above(top))])
    while todo and seen < MAX_ENTRIES and len(files) < MAX_FILES:
        folder, ignores = todo.popleft()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            continue
        seen += len(entries)
        names = {entry.name for entry in entries}
        if folder != top and (is_environment(names) or (not marked and ".git" in names)):
            continue
        if ".gitignore" in names:
            ignores = ignores.enter(folder)
        stem = folder.rstrip("/") + "/"
        for entry in entries:
            name = entry.name
            try:
                is_dir = entry.is_dir(follow_symlinks=False)
                wanted = name not in FOREIGN_FOLDERS if is_dir else name.endswith(PYTHON_SUFFIXES) and entry.is_file()
            except OSError:
                continue
            if not wanted or ignores.hides(stem + name, is_dir):
                continue
            if is_dir:
                todo.append((stem + name, ignores))
            else:
                files.append(stem + name)
    return [Path(file) for file in sorted(files[:MAX_FILES])]


@dataclass(slots=True)
class _Marks:
    """What lies in the folders asked about so far: (has .git, has a manifest). Lives for one call only."""

    forbidden: frozenset[str]
    known: dict[str, tuple[bool, bool]] = field(default_factory=dict)

    def root_above(self, folder: str) -> str | None:
        """The outermost folder at or above `folder` with .git, else with a manifest; None without either."""
        manifest: str | None = None
        repository: str | None = None
        while True:
            if folder not in self.forbidden:
                has_git, has_manifest = self.of(folder)
                repository = folder if has_git else repository
                manifest = folder if has_manifest else manifest
            parent = os.path.dirname(folder)
            if parent == folder:
                return repository or manifest
            folder = parent

    def of(self, folder: str) -> tuple[bool, bool]:
        marks = self.known.get(folder)
        if marks is None:
            stem = folder.rstrip("/") + "/"
            marks = os.path.lexists(stem + ".git"), any(os.path.isfile(stem + name) for name in _MANIFESTS)
            self.known[folder] = marks
        return marks


def _forbidden() -> frozenset[str]:
    # TMPDIR may name another one, and what others leave in these is no project either
    folders = {absolute(Path(tempfile.gettempdir())), "/tmp", "/var/tmp", "/private/tmp"}
    try:
        folder = absolute(Path.home())
    except RuntimeError:
        folder = absolute(Path())
        folder = folder[: folder.index("/") + 1]
    while os.path.dirname(folder) != folder:
        folders.add(folder)
        folder = os.path.dirname(folder)
    folders.add(folder)
    return frozenset(folders)


def _common(folders: Sequence[str]) -> str:
    try:
        return absolute(Path(os.path.commonpath(folders)))
    except ValueError:
        # Different drives have no common parent.
        return folders[0]
