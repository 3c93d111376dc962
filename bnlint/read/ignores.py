"""Which files and folders a walk leaves out: .gitignore files, exclude patterns, virtual environments.

Must never decide by a path's ancestors above the folder a walk starts in: what the user names is walked. Paths are
absolute strings with forward slashes here, because building `Path` objects dominates the cost of a large walk.
"""

# Strings instead of paths on purpose (see bnlint.read.ignores):

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pathspec import GitIgnoreSpec

DEFAULT_EXCLUDE: tuple[str, ...] = (
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv",
    ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__",
    "_build", "buck-out", "build", "dist", "node_modules", "site-packages", "venv",
    "._*",  # what macOS writes beside each file on foreign file systems: binary, whatever its suffix
)  # fmt: skip

# Never part of a project, whatever the settings: tools' own folders and other people's packages.
FOREIGN_FOLDERS = frozenset(
    (
        ".bzr", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pytest_cache", ".pytype",
        ".ruff_cache", ".svn", ".tox", "__pycache__", "__pypackages__", "node_modules", "site-packages",
    )
)  # fmt: skip

_ENVIRONMENT_MARKS = frozenset(("pyvenv.cfg", "conda-meta"))


def is_environment(names: Iterable[str]) -> bool:
    """Whether a folder with these entries is a virtual or conda environment."""
    return not _ENVIRONMENT_MARKS.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class GitIgnores:
    """The .gitignore files that apply in a folder, the outermost first, each with the folder it stands in."""

    specs: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def hides(self, path: str, is_dir: bool) -> bool:
        """Whether git would ignore `path`, given that none of its parents is ignored. The innermost file wins."""
        for folder, spec in reversed(self.specs):
            verdict = spec.check_file(_below(path, folder) + ("/" if is_dir else "")).include
            if verdict is not None:
                return verdict
        return False

    def enter(self, folder: str) -> GitIgnores:
        """The files that apply inside `folder`: one more if it holds a .gitignore."""
        spec = _spec(_lines(folder.rstrip("/") + "/.gitignore"))
        return self if spec is None else GitIgnores((*self.specs, (folder, spec)))


def ignores_above(folder: str) -> GitIgnores:
    """The .gitignore files above `folder` up to its repository's root, without its own.

    A folder that is itself ignored was named by the user: the patterns that hide it are left out.
    """
    chain = [folder]
    while not os.path.lexists(chain[-1].rstrip("/") + "/.git"):
        parent = os.path.dirname(chain[-1])
        if parent == chain[-1]:
            return GitIgnores()
        chain.append(parent)
    chain.reverse()
    ignores = _repository_excludes(chain[0])
    hidden = False
    for outer, inner in pairwise(chain):
        ignores = ignores.enter(outer)
        hidden = hidden or ignores.hides(inner, True)
    return _without_those_that_match(ignores, folder) if hidden else ignores


def _without_those_that_match(ignores: GitIgnores, folder: str) -> GitIgnores:
    kept: list[tuple[str, GitIgnoreSpec]] = []
    for base, _ in ignores.specs:
        target = _below(folder, base) + "/"
        source = _lines(base.rstrip("/") + "/.gitignore")
        lines = [line for line in source if (one := _spec([line])) is not None and not one.match_file(target)]
        spec = _spec(lines)
        if spec is not None:
            kept.append((base, spec))
    return GitIgnores(tuple(kept))


def _repository_excludes(root: str) -> GitIgnores:
    spec = _spec(_lines(root.rstrip("/") + "/.git/info/exclude"))
    return GitIgnores() if spec is None else GitIgnores(((root, spec),))


@dataclass(frozen=True, slots=True)
class Excludes:
    """Exclude patterns: without a slash they match a name anywhere, with one a path below the settings' folder."""

    names: re.Pattern[str] | None
    paths: tuple[GitIgnoreSpec, ...]

    def hides(self, path: str, name: str, is_dir: bool) -> bool:
        if self.names is not None and self.names.match(name):
            return True
        target = path.lstrip("/") + ("/" if is_dir else "")
        return any(spec.match_file(target) for spec in self.paths)

    def hides_with_parents(self, path: str, base: str) -> bool:
        """Whether the file `path` or one of its folders below `base` is excluded (below the root if outside)."""
        inside = _is_below(path, base)
        parts = (_below(path, base) if inside else path.lstrip("/")).split("/")
        stem = base.rstrip("/") if inside else ""
        for index, part in enumerate(parts):
            stem += "/" + part
            if self.hides(stem, part, index < len(parts) - 1):
                return True
        return False

    def without_those_that_match(self, folder: str) -> Excludes:
        """For a folder the user named: path patterns that would exclude the folder itself do not count."""
        target = folder.lstrip("/") + "/"
        return Excludes(self.names, tuple(spec for spec in self.paths if not spec.match_file(target)))


def excludes(patterns: Sequence[str], base: str) -> Excludes:
    """Compile exclude patterns; those with a slash are relative to the folder `base` or absolute."""
    names: list[str] = []
    paths: list[GitIgnoreSpec] = []
    for pattern in patterns:
        pattern = pattern.replace(os.sep, "/").strip()
        plain = pattern.rstrip("/")
        if not plain:
            continue
        if "/" not in plain:
            names.append(fnmatch.translate(plain))
            continue
        if not os.path.isabs(pattern):
            pattern = re.sub(r"([*?\[\]!#\\ ])", r"\\\1", base.rstrip("/")) + "/" + pattern.removeprefix("./")
        spec = _spec(["/" + pattern.lstrip("/")])
        if spec is not None:
            paths.append(spec)
    return Excludes(re.compile("|".join(names)) if names else None, tuple(paths))


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _below(path: str, folder: str) -> str:
    return path[len(folder.rstrip("/")) + 1 :]


def _lines(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8-sig", errors="replace") as stream:
            return stream.read(1_000_000).splitlines()
    except OSError:
        return []


def _spec(lines: list[str]) -> GitIgnoreSpec | None:
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]
    if not wanted:
        return None
    try:
        return GitIgnoreSpec.from_lines(wanted)
    except ValueError:
        # One malformed pattern must not switch off the others (git ignores such lines too).
        return _spec_of_valid(wanted)


def _spec_of_valid(lines: list[str]) -> GitIgnoreSpec | None:
    valid: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        valid.append(line)
    return GitIgnoreSpec.from_lines(valid) if valid else None
