"""What an earlier run said of the same files, so that a run over unchanged files need not even import the parser.

An answer is kept under a key of everything that it depends on: bnlint itself, the settings that change what is analysed,
which files were passed, which are their context, and the content of all of these. Whether content has changed is told by
size, times and inode, as by git; only where these differ is the file hashed. The format is JSON: data only.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bnlint import __version__
from bnlint.cache import Cache
from bnlint.findings import Cure, Edit, Finding, Fix, Place, Step
from bnlint.read import requirements

Status = tuple[int, int, int, int]
"""size, time of the last change of content and of status in nanoseconds, inode"""

RACY = 2_000_000_000
"""nanoseconds: within them a file may change twice and keep its times, so what is that young is hashed again"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the analysis gives before anything is selected.

    codes: code and name of every rule that was asked; lasts: whether the same files will give it again.
    """

    findings: tuple[Finding, ...]
    with_batch_norm: int
    networks: int
    exhausted: tuple[str, ...]
    codes: tuple[tuple[str, str], ...]
    lasts: bool = True


class Answers:
    """The answers kept in a cache, for one run: `projects` are the files of each project, context included, by its root."""

    def __init__(
        self, kept: Cache, projects: Mapping[Path, Iterable[Path]], passed: Iterable[Path], settings: Sequence[object]
    ) -> None:
        self._kept = kept
        self.read: dict[Path, bytes] = {}
        """the content of files that had to be read"""
        self._statuses: dict[str, Status] = {}
        roots = [str(root) for root in projects]
        files = {str(file) for members in projects.values() for file in members}
        files.update(name for root in roots for name in requirements.files(root))
        self._table = _digest(("statuses", roots))
        digests = self._digests(sorted(files))
        state = (itself(), roots, sorted(map(str, passed)), list(settings), digests)
        self._key = None if digests is None else _digest(state)

    def get(self) -> Answer | None:
        data = self._kept.get(self._key) if self._key is not None else None
        if data is None:
            return None
        try:
            return answer_of(json.loads(data))
        except (ValueError, TypeError, KeyError):
            return None

    def put(self, answer: Answer) -> None:
        """Keep an answer, unless a file has changed since the key was made."""
        if self._key is not None and all(_status(name) == status for name, status in self._statuses.items()):
            self._kept.put(self._key, json.dumps(data_of(answer), separators=(",", ":")).encode())

    def _digests(self, names: Sequence[str]) -> list[tuple[str, str]] | None:
        """Each file with a digest of its content; None if one cannot be read."""
        known = self._known()
        now = time.time_ns()
        found: list[tuple[str, str]] = []
        table: dict[str, list[object]] = {}
        for name in names:
            status = _status(name)
            if status is None:
                return None
            self._statuses[name] = status
            entry = known.get(name)
            if entry is not None and tuple(entry[:-1]) == status:
                digest = str(entry[-1])
            else:
                path = Path(name)
                try:
                    self.read[path] = data = path.read_bytes()
                except OSError:
                    return None
                digest = blake2b(data, digest_size=16).hexdigest()
            if max(status[1:3]) < now - RACY:
                table[name] = [*status, digest]
            found.append((name, digest))
        if table != known:
            self._kept.put(self._table, json.dumps(table, separators=(",", ":")).encode())
        return found

    def _known(self) -> dict[str, list[object]]:
        try:
            table = json.loads(self._kept.get(self._table) or b"{}")
        except ValueError:
            return {}
        return table if isinstance(table, dict) and all(isinstance(entry, list) and entry for entry in table.values()) else {}


def _digest(state: object) -> str:
    return blake2b(repr(state).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def _status(name: str) -> Status | None:
    try:
        status = os.stat(name)
    except OSError:
        return None
    if stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode):
        return None  # reading would wait for ever
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@cache
def itself() -> tuple[object, ...]:
    """What tells one bnlint from another: version, files, the Python that runs it, and what is installed beside it."""
    package = Path(__file__).parent
    files: list[tuple[str, int, int]] = []
    for top in (package, package.parent / "rules"):
        for folder, _, names in os.walk(top):
            for name in names:
                if name.endswith(".py"):
                    known = os.stat(path := os.path.join(folder, name))
                    files.append((path, known.st_size, known.st_mtime_ns))
    # a plugin that is installed changes the folder that it is installed into
    beside = [(folder, status[1]) for folder in sys.path if (status := _status(folder or ".")) is not None and "site-" in folder]
    return __version__, tuple(sys.version_info), sorted(files), beside


# --- data ------------------------------------------------------------------------------------


def data_of(answer: Answer) -> dict[str, Any]:
    return {
        "findings": [plain(finding) for finding in answer.findings],
        "with_batch_norm": answer.with_batch_norm,
        "networks": answer.networks,
        "exhausted": answer.exhausted,
        "codes": answer.codes,
    }


def plain(value: Any) -> Any:
    """Dataclasses as lists of their fields, in their order."""
    if isinstance(value, (Finding, Place, Step, Fix, Edit)):
        return [plain(getattr(value, field.name)) for field in fields(value)]
    assert not isinstance(value, Cure), "a cure becomes a fix before anything is kept"
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def answer_of(data: Mapping[str, Any]) -> Answer:
    """Raises ValueError, TypeError or KeyError for what is no answer."""
    return Answer(
        tuple(map(finding_of, data["findings"])),
        int(data["with_batch_norm"]),
        int(data["networks"]),
        tuple(map(str, data["exhausted"])),
        tuple((str(code), str(name)) for code, name in data["codes"]),
    )


def finding_of(row: list[Any]) -> Finding:
    if len(row) != len(fields(Finding)):
        raise ValueError("a finding of another version")
    known = dict(zip((field.name for field in fields(Finding)), row, strict=True))
    known["place"] = Place(*known["place"])
    known["trace"] = tuple(Step(message, Place(*place)) for message, place in known["trace"])
    if known["fix"] is not None:
        message, applicability, edits = known["fix"]
        known["fix"] = Fix(message, applicability, tuple(Edit(Place(*place), content) for place, content in edits))
    return Finding(**known)
