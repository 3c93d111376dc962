"""Keeps the lowered programs of a project between runs, by the content of their files.

The format holds data only (MessagePack of the program's nodes, checked against their types when read). Whatever is
wrong with an entry, it is a miss: the cache must never make a run fail, and never change what it says.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

FOLDER = ".bnlint_cache"


class Cache:
    """Bytes by key in a folder, which is made when the first entry is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = False

    def get(self, key: str) -> bytes | None:
        with suppress(OSError):
            return (self._folder / key[:2] / key[2:]).read_bytes()
        return None

    def put(self, key: str, data: bytes) -> None:
        path = self._folder / key[:2] / key[2:]
        # written beside and moved: another run may read at the same time
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            self._prepare()
            path.parent.mkdir(exist_ok=True)
            unfinished.write_bytes(data)
            unfinished.replace(path)

    def _prepare(self) -> None:
        if self._ready:
            return
        self._ready = True
        self._folder.mkdir(parents=True, exist_ok=True)
        marks = {
            ".gitignore": "# made by bnlint\n*\n",
            "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# made by bnlint; may be deleted\n",
        }
        for name, text in marks.items():
            if not (self._folder / name).exists():
                (self._folder / name).write_text(text, "utf-8")


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


def remove(folder: Path) -> bool:
    """Delete a cache; a folder that bnlint did not make is left alone. Says whether there was one."""
    import shutil

    try:
        mark = (folder / "CACHEDIR.TAG").read_text("utf-8", "replace")
    except OSError:
        return False
    if "# made by bnlint" not in mark:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
