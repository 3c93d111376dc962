"""Keeps the lowered programs of a project between runs, by the content of their files.

The format holds data only (MessagePack of the program's nodes, checked against their types when read), each entry with
a checksum before it. Whatever is wrong with an entry, it is a miss: the cache must never make a run fail, and never
change what it says. It stays below a size, and removes nothing but what it has made itself.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from bnlint.read.context import is_project

FOLDER = ".bnlint_cache"
MAX_BYTES = 256 * 1024 * 1024
"""what the entries of a project may take; a program takes about as much as its source"""

_TAG = "CACHEDIR.TAG"
_MARKS = {
    _TAG: "Signature: 8a477f597d28d172789f06886806bc55\n# made by bnlint; may be deleted\n",
    ".gitignore": "# made by bnlint\n*\n",
}
_CHECKSUM = 16
_SHELF = re.compile(r"[0-9a-f]{2}")
_ABANDONED = 3600.0
"""seconds after which an unfinished entry is no longer being written by another run"""


class Cache:
    """Bytes by key in a folder, which is made when the first entry is written."""

    def __init__(self, folder: Path, limit: int = MAX_BYTES) -> None:
        self._folder = home(folder)
        self._limit = limit
        self._ready = False
        self._used: set[str] = set()

    def get(self, key: str) -> bytes | None:
        with suppress(OSError):
            entry = (self._folder / key[:2] / key[2:]).read_bytes()
            if _checksum(entry[_CHECKSUM:]) == entry[:_CHECKSUM]:
                self._used.add(key)
                return entry[_CHECKSUM:]
        return None

    def put(self, key: str, data: bytes) -> None:
        path = self._folder / key[:2] / key[2:]
        # written beside and moved: another run may read or write the same at the same time
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            self._prepare()
            path.parent.mkdir(exist_ok=True)
            unfinished.write_bytes(_checksum(data) + data)
            unfinished.replace(path)
            self._used.add(key)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep the size bound, if this run has written anything: what it did not use goes first, the oldest before others."""
        if self._ready:
            with suppress(OSError):
                _shrink(self._folder, self._limit, self._used)

    def _prepare(self) -> None:
        if self._ready:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, text in _MARKS.items():
            if not (self._folder / name).exists():
                (self._folder / name).write_text(text, "utf-8")
        self._ready = True


def cache_for(root: Path, wished: Path | None) -> Cache | None:
    """The cache of the project at `root`, in the wished folder if there is one.

    None where it would be left behind in a home folder, or in one for temporary files, which are no projects.
    """
    if wished is not None:
        return Cache(wished)
    return Cache(root / FOLDER) if is_project(root) else None


def home(folder: Path) -> Path:
    """Where a cache that is wished in `folder` is: inside of it when there is something else already."""
    try:
        taken = not _is_ours(folder) and any(folder.iterdir())
    except OSError:
        taken = False
    return folder / FOLDER if taken else folder


def remove(folder: Path) -> bool:
    """Remove a cache, whole. False if the folder is none of ours, True if it is gone. Raises OSError."""
    if folder.is_symlink() or not _is_ours(folder):
        return False
    shutil.rmtree(folder)
    return True


def _is_ours(folder: Path) -> bool:
    try:
        return (folder / _TAG).read_text("utf-8", "replace") == _MARKS[_TAG]
    except OSError:
        return False


def _shrink(folder: Path, limit: int, used: set[str]) -> None:
    """Remove entries until the others take no more than three quarters of `limit`, if they take more than it."""
    entries = list(_entries(folder))
    newest = max((changed for _, changed, _ in entries), default=0.0)
    for path, changed, _ in entries:
        if "." in path.name and changed < newest - _ABANDONED:
            _forget(path)
    total = sum(size for _, _, size in entries)
    if total <= limit:
        return
    entries.sort(key=lambda entry: (entry[0].parent.name + entry[0].name in used, entry[1]))
    for path, _, size in entries:
        if total <= limit * 3 // 4:
            return
        _forget(path)
        total -= size


def _entries(folder: Path) -> Iterator[tuple[Path, float, int]]:
    """The entries with the time of their last change and their size; other runs may remove them at the same time."""
    for shelf in folder.iterdir():
        if not _SHELF.fullmatch(shelf.name) or shelf.is_symlink():
            continue
        with suppress(OSError), os.scandir(shelf) as listing:
            for entry in listing:
                with suppress(OSError):
                    if entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        yield shelf / entry.name, status.st_mtime, status.st_size


def _forget(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _checksum(data: bytes) -> bytes:
    return blake2b(data, digest_size=_CHECKSUM).digest()


def key_of(data: bytes, kind: str = "") -> str:
    """The key of a file with this content; `kind` tells apart what is not lowered as Python."""
    return blake2b(data, digest_size=20, key=_makers(), person=kind.encode()).hexdigest()


@lru_cache(maxsize=1)
def _makers() -> bytes:
    """A digest of the rooms that make a program from text: when they change, no old entry is right."""
    here = Path(__file__).parent
    digest = blake2b(digest_size=32)
    for path in sorted(path for room in ("read", "program") for path in (here / room).glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()
