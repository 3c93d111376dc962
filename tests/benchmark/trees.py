"""The trees that are measured: copies, so that a file can be touched; each a project of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path


def copied(paths: Sequence[Path], target: Path) -> Path:
    """Copy the Python files below each path into a folder; an empty `.git` makes each of them one project."""
    for number, path in enumerate(paths):
        copy_sources(path, target / f"{number:02}_{path.resolve().name}", None)
    return target


def scaled(paths: Sequence[Path], target: Path, lines: int) -> Path:
    """One project of about so many lines: as many copies of the sources as that takes, side by side."""
    left = lines
    copy = 0
    while left > 0:
        for path in paths:
            if left > 0:
                left -= copy_sources(path, target / f"copy{copy}_{path.resolve().name.replace('-', '_')}", left, project=False)
        copy += 1
    (target / ".git").mkdir(parents=True, exist_ok=True)
    return target


def copy_sources(path: Path, target: Path, limit: int | None, *, project: bool = True) -> int:
    """Copy until `limit` lines are reached; gives the number of lines."""
    copied_lines = 0
    for source in sources(path):
        if limit is not None and copied_lines >= limit:
            break
        place = target / source.relative_to(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        copied_lines += source.read_bytes().count(b"\n")
    if project:
        (target / ".git").mkdir(parents=True, exist_ok=True)
    return copied_lines


def sources(path: Path) -> Iterator[Path]:
    return iter(sorted(source for source in path.rglob("*.py") if source.is_file() and not source.is_symlink()))


def leaf(tree: Path) -> Path:
    """A script to touch: the longest with a `__main__` block that trains."""
    scripts = [path for path in sources(tree) if b"__main__" in path.read_bytes() and b"backward()" in path.read_bytes()]
    return max(scripts or list(sources(tree)), key=lambda path: path.stat().st_size)
