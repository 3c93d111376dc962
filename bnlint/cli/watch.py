"""`bnlint check --watch`: lints again when a source or a settings file of the project has changed, until Ctrl-C.

Only what has changed is parsed again, thanks to the cache; the rest of the project is told anew, for a change in one
file may make a mistake in another. Must never react to what bnlint itself reads or writes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from bnlint.cache import FOLDER
from bnlint.cli.output import tell
from bnlint.read.context import is_project, project_root
from bnlint.read.discover import SUFFIXES
from bnlint.read.ignores import FOREIGN_FOLDERS
from bnlint.read.requirements import is_requirements

SETTLED = 0.1
"""seconds without a further change after which a change is taken to be complete: editors write in several steps"""

_CHANGES = frozenset(("created", "modified", "deleted", "moved"))
_FOREIGN = FOREIGN_FOLDERS | {FOLDER}


def lint_on_change(targets: Sequence[Path], ignored: Iterable[Path], lint: Callable[[], None]) -> None:
    """Call `lint` now, and after each change in the projects of `targets`; changes below `ignored` are none.

    Ends by KeyboardInterrupt only. Raises UsageError when the projects cannot be watched.
    """
    changes = _Changes([os.fspath(path) for path in ignored])
    observer = Observer()
    try:
        for folder, whole in sorted(_watched(targets).items()):
            observer.schedule(changes, os.fspath(folder), recursive=whole)
        observer.start()
    except OSError as error:
        # on Linux the usual cause is the number of folders: fs.inotify.max_user_watches
        raise click.UsageError(f"cannot watch the project: {error.strerror or error}") from error
    try:
        while True:
            lint()
            tell("watching for changes, Ctrl-C ends")
            changes.wait()
            tell(f"changed: {', '.join(changes.taken())}")
    finally:
        observer.stop()
        observer.join()


def _watched(targets: Sequence[Path]) -> dict[Path, bool]:
    """The folders to watch, and whether with all below them: projects whole, a file of none with its neighbours."""
    folders: dict[Path, bool] = {}
    for target in targets:
        root = project_root([target])
        if is_project(root) or target.is_dir():
            folders[root if is_project(root) else target] = True
        else:
            folders.setdefault(target.parent, False)
    return folders


class _Changes(FileSystemEventHandler):
    """Collects the changes that matter, from the threads of the observer."""

    def __init__(self, ignored: Sequence[str]) -> None:
        self._ignored = tuple(ignored)
        self._paths: set[str] = set()
        self._changed = threading.Event()

    def dispatch(self, event: FileSystemEvent) -> None:
        if event.event_type not in _CHANGES:
            return  # opened, read, closed
        if event.is_directory and event.event_type not in ("deleted", "moved"):
            return  # what matters in it is told by itself
        for path in filter(None, (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))):
            if self._matters(path, event.is_directory):
                self._paths.add(path)
                self._changed.set()

    def wait(self) -> None:
        """Until something has changed, and then nothing more for a moment."""
        # with a time limit, because a wait without one cannot be interrupted on Windows
        while not self._changed.wait(1.0):
            pass
        while self._changed.is_set():
            self._changed.clear()
            self._changed.wait(SETTLED)

    def taken(self) -> list[str]:
        """The names of what has changed since the last call."""
        paths, self._paths = self._paths, set()
        return sorted({os.path.basename(path) for path in paths})

    def _matters(self, path: str, is_folder: bool) -> bool:
        parts = path.replace(os.sep, "/").split("/")
        if not _FOREIGN.isdisjoint(parts) or path.startswith(self._ignored):
            return False
        name = parts[-1]
        return is_folder or name.endswith(SUFFIXES) or name == ".gitignore" or is_requirements(name)
