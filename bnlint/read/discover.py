"""Which files are linted: from the paths on the command line to Python, notebooks and text networks, sorted, once.

Must never follow a symbolic link to a folder (so loops are harmless) and never open a file.
"""

# Strings instead of paths on purpose (see bnlint.read.ignores):

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlint.read import suffixes
from bnlint.read.ignores import DEFAULT_EXCLUDE, Excludes, GitIgnores, excludes, ignores_above, is_environment

__all__ = ["DEFAULT_EXCLUDE", "PYTHON_SUFFIXES", "SUFFIXES", "Discovery", "MissingPath", "absolute", "discover"]

# what imports, and hence is also context of other files
PYTHON_SUFFIXES: tuple[str, ...] = (".py", ".pyw", suffixes.NOTEBOOK)
SUFFIXES: tuple[str, ...] = (*PYTHON_SUFFIXES, suffixes.PROTOTXT)


class MissingPath(Exception):
    """A path of the command line that does not exist."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no such file or folder: {path}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Discovery:
    """`files`: absolute, sorted, each once. `unreadable`: folders that could not be listed."""

    files: tuple[Path, ...]
    unreadable: tuple[Path, ...] = ()


def discover(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = DEFAULT_EXCLUDE,
    extend_exclude: Sequence[str] = (),
    respect_gitignore: bool = True,
    force_exclude: bool = False,
    base: Path | None = None,
    suffixes: Sequence[str] = SUFFIXES,
) -> Discovery:
    """Find the files to lint below `paths`.

    A named file is linted whatever its name and whatever would exclude it, unless `force_exclude`; of a named folder
    only what lies below it can be excluded. Patterns with a slash are relative to `base` (default: the working
    directory). Raises `MissingPath`.
    """
    root = absolute(base) if base is not None else absolute(Path())
    patterns = excludes((*exclude, *extend_exclude), root)
    found: set[str] = set()
    links: dict[str, str] = {}
    unreadable: list[str] = []
    for path in paths:
        name = absolute(path)
        if os.path.isdir(name):
            if force_exclude and _forced_out(patterns, name, root, respect_gitignore):
                continue
            own = patterns if force_exclude else patterns.without_those_that_match(name)
            _walk(name, own, respect_gitignore, tuple(suffixes), found, links, unreadable)
        elif os.path.lexists(name):
            if not (force_exclude and _forced_out(patterns, name, root, respect_gitignore)):
                found.add(name)
        else:
            raise MissingPath(path)
    # A link to a file is that file: it is linted under its own name if both were found.
    found.update(link for link, target in links.items() if target not in found)
    return Discovery(tuple(map(Path, sorted(found, key=_order))), tuple(map(Path, sorted(unreadable))))


def absolute(path: Path) -> str:
    """The absolute path with forward slashes and without `..`; links are kept, as the user sees them."""
    name = os.path.abspath(path)
    return name.replace(os.sep, "/") if os.sep != "/" else name


def _order(path: str) -> list[str]:
    return path.split("/")


def _forced_out(patterns: Excludes, path: str, base: str, respect_gitignore: bool) -> bool:
    if patterns.hides_with_parents(path, base):
        return True
    if not respect_gitignore:
        return False
    # Outside in: git never looks into an ignored folder, so the first ignored parent decides.
    parts = path.split("/")
    ancestors = ["/".join(parts[:count]) or "/" for count in range(1, len(parts))]
    inside = [folder for folder in ancestors if os.path.lexists(folder.rstrip("/") + "/.git")]
    outermost = inside[-1] if inside else base if base in ancestors else ancestors[-1]
    ignores = GitIgnores()
    start = ancestors.index(outermost)
    for folder, entry in zip(ancestors[start:], [*ancestors[start + 1 :], path], strict=True):
        ignores = ignores.enter(folder)
        if ignores.hides(entry, os.path.isdir(entry)):
            return True
    return False


def _walk(
    top: str,
    patterns: Excludes,
    respect_gitignore: bool,
    suffixes: tuple[str, ...],
    found: set[str],
    links: dict[str, str],
    unreadable: list[str],
) -> None:
    todo = deque([(top, ignores_above(top) if respect_gitignore else GitIgnores())])
    while todo:
        folder, ignores = todo.popleft()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            unreadable.append(folder)
            continue
        names = {entry.name for entry in entries}
        if folder != top and is_environment(names):
            continue
        if respect_gitignore and ".gitignore" in names:
            ignores = ignores.enter(folder)
        stem = folder.rstrip("/") + "/"
        for entry in entries:
            is_dir = _is_folder(entry)
            if not is_dir and not entry.name.endswith(suffixes):
                continue
            path = stem + entry.name
            if patterns.hides(path, entry.name, is_dir) or ignores.hides(path, is_dir):
                continue
            if is_dir:
                todo.append((path, ignores))
            elif entry.is_symlink():
                if os.path.isfile(path):
                    links[path] = absolute(Path(os.path.realpath(path)))
            elif entry.is_file():
                found.add(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
