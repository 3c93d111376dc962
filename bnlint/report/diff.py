"""What fixes change, as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from bnlint.read.source import decode
from bnlint.report.names import filename


def render(before: Mapping[Path, bytes], after: Mapping[Path, bytes], base: Path) -> str:
    """The diff of all files that differ, by name; file names relative to `base`."""
    return "".join(line for path in sorted(after) for line in _file(path, before[path], after[path], filename(str(path), base)))


def _file(path: Path, before: bytes, after: bytes, name: str) -> Iterator[str]:
    old, new = (_lines(decode(path, data).text) for data in (before, after))
    for line in difflib.unified_diff(old, new, name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    # not by str.splitlines, which also ends lines at form feeds; a carriage return stays, or the diff could not be applied
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
