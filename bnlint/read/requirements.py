"""Which versions of libraries a project asks for: requirements and lock files at its root, or in `requirements/`, as text.

Facts: PEP 440 ("Version specifiers"), PEP 751 (pylock.toml); Poetry 2.1, "Dependency specification" (caret, tilde);
conda 25, "MatchSpec" (one equals sign: any version that begins like this). Never fails: what cannot be read says nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Version = tuple[int, int, int]

FILE = re.compile(
    r"([\w.-]*requirements?[\w.-]*|constraints[\w.-]*)\.(txt|in)|(environment|conda)[\w.-]*\.ya?ml|setup\.(py|cfg)|pyproject\.toml"
    r"|Pipfile(\.lock)?|(uv|poetry|pdm)\.lock|pylock[\w.-]*\.toml"
)
FOLDER = "requirements"
LARGEST = 4_000_000
"""bytes that are read of a file: lock files are long"""

BOUNDS = r"(?:[,\s]*[!=~<>^]=?=?\s*v?\d[\w.*]*)+"
LINE = re.compile(rf"(?<![\w.-])(?P<name>[A-Za-z][\w.-]*)(?:\[[\w,\s-]*\])?[\"'\s=(]*(?P<bounds>{BOUNDS})")
TABLE = re.compile(r"^\s*[\"']?(?P<name>[A-Za-z][\w.-]*)[\"']?\s*=\s*(?:\{.*?\bversion\s*=\s*)?[\"'](?P<bounds>[^\"']*)[\"']")
"""`tensorflow = "2.15.*"` and `keras = { version = "^3.3" }` of Poetry and Pipenv, where a version needs no sign"""
BARE = re.compile(r"^\s*(?:- )?[\"']?(?P<name>[A-Za-z][\w.-]*)[\"']?,?\s*$")
LOCKED = re.compile(
    r"^(?:name =|- name:|  name:) *[\"']?(?P<name>[\w.-]+)[\"']?\n *version(?: =|:) *[\"']?(?P<version>\d[\w.]*)", re.MULTILINE
)
COMMENT = re.compile(r"(^|\s)#.*")
BOUND = re.compile(r"([!=~<>^]=?=?)\s*v?(\d+(?:\.\d+)*)(\.\*)?")


@dataclass(frozen=True, slots=True)
class Range:
    """The versions from `low` on and before `end`; None where there is no such bound."""

    low: Version | None
    end: Version | None


Asked = dict[str, list[Range]]
"""name of a library, in lower case with hyphens -> what each line asks for"""


def is_requirements(name: str) -> bool:
    """Whether a file of this name says which versions a project uses."""
    return FILE.fullmatch(name) is not None


def files(root: str) -> Iterator[str]:
    """The requirements and lock files of a project."""
    for folder, anything in ((root, False), (os.path.join(root, FOLDER), True)):
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    known = is_requirements(entry.name) or (anything and entry.name.endswith((".txt", ".in")))
                    if known and entry.is_file():
                        yield entry.path
        except OSError:
            continue


def asked(root: Path) -> Asked:
    """What the requirements and lock files of a project ask for."""
    found: Asked = {}
    for name in sorted(files(str(root))):
        try:
            text = Path(name).read_bytes()[:LARGEST].decode("utf-8", "replace")
        except OSError:
            continue
        for library, bounds in lines(os.path.basename(name), text):
            found.setdefault(library.lower().replace("_", "-"), []).append(allowed(bounds))
    return found


def lines(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Names of libraries with their bounds, as they are written in a file of this name."""
    if name == "Pipfile.lock":
        yield from pipfile_lock(text)
    elif name.endswith(".lock") or name.startswith(("pylock", "conda-lock")):
        yield from ((found["name"], f"=={found['version']}") for found in LOCKED.finditer(text))
    else:
        for line in text.splitlines():
            said = COMMENT.sub("", line)
            table = TABLE.match(said) if name.endswith((".toml", "Pipfile")) else None
            bare = BARE.match(said)
            if table is not None:
                yield table["name"], f"=={table['bounds']}" if table["bounds"][:1].isdigit() else table["bounds"]
            elif bare is not None:
                yield bare["name"], ""
            else:
                yield from ((found["name"], found["bounds"]) for found in LINE.finditer(said))


def pipfile_lock(text: str) -> Iterator[tuple[str, str]]:
    try:
        sections = json.loads(text)
    except (ValueError, RecursionError):
        return
    for section in ("default", "develop"):
        entries = sections.get(section) if isinstance(sections, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and isinstance(entry.get("version"), str):
                yield name, entry["version"]


def allowed(bounds: str) -> Range:
    """The versions within all bounds of a line: `>=2.12,<2.16`, `==2.15.*`, `^2.15`."""
    low: Version | None = None
    end: Version | None = None
    for sign, written, star in BOUND.findall(bounds):
        parts = [int(part) for part in written.split(".")]
        first, last = padded(parts), end_of(sign, parts, bool(star))
        if sign not in ("<", "<=", "!="):
            low = max(low, first) if low is not None else first
        if last is not None:
            end = min(end, last) if end is not None else last
    return Range(low, end)


def end_of(sign: str, parts: list[int], star: bool) -> Version | None:
    """The first version that is too new for a bound."""
    if sign == "<":
        return padded(parts)
    if sign in ("<=", "==", "==="):
        return after(parts if star or len(parts) > 1 else [*parts, 0])
    if sign == "=":
        return after(parts)
    if sign == "~=":
        return after(parts[:-1] or parts)
    if sign == "~":
        return after(parts[:2])
    if sign == "^":
        return after(parts[:2] if parts[0] == 0 else parts[:1])
    return None


def after(parts: list[int]) -> Version:
    """The first version that does not begin with these numbers."""
    return padded([*parts[:2], parts[2] + 1] if len(parts) > 2 else [*parts[:-1], parts[-1] + 1])


def padded(parts: list[int]) -> Version:
    major, minor, micro = [*parts, 0, 0, 0][:3]
    return major, minor, micro
