"""The settings of a run: `[tool.bnlint]` of the nearest pyproject.toml below what the command line says.

Every option of `bnlint check` has its key here, in kebab-case. Keys and types are checked strictly: a setting that is
silently without effect is worse than none. This room must never read anything but the settings file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from bnlint.findings import CONFIDENCES, Confidence
from bnlint.select import FileIgnores, Selectors, parse_selectors

OutputFormat = Literal["full", "concise", "grouped", "json", "json-lines", "sarif", "github", "gitlab", "junit", "rdjson"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
COLORS = ("auto", "always", "never")

FLAG, TEXTS, PATTERNS, SELECTORS, COUNT, FOLDER, PER_FILE = "flag", "texts", "patterns", "selectors", "count", "path", "per-file"
KEYS: Mapping[str, str | tuple[str, ...]] = {
    "select": SELECTORS,
    "extend-select": SELECTORS,
    "ignore": SELECTORS,
    "extend-ignore": SELECTORS,
    "per-file-ignores": PER_FILE,
    "min-confidence": CONFIDENCES,
    "output-format": OUTPUT_FORMATS,
    "output-file": FOLDER,
    "statistics": FLAG,
    "show-files": FLAG,
    "exit-zero": FLAG,
    "fix": FLAG,
    "unsafe-fixes": FLAG,
    "diff": FLAG,
    "fix-only": FLAG,
    "exit-non-zero-on-fix": FLAG,
    "baseline": FOLDER,
    "exclude": PATTERNS,
    "extend-exclude": PATTERNS,
    "force-exclude": FLAG,
    "respect-gitignore": FLAG,
    "cache": FLAG,
    "cache-dir": FOLDER,
    "jobs": COUNT,
    "prefilter": FLAG,
    "stdin-filename": FOLDER,
    "watch": FLAG,
    "quiet": FLAG,
    "verbose": FLAG,
    "color": COLORS,
    "batch-norm-classes": TEXTS,
    "models-with-batch-norm": TEXTS,
    "small-batch": COUNT,
}
NEGATED = {f"no-{key}": key for key in ("respect-gitignore", "cache", "prefilter")}
"""options that are spelt with "no-" on the command line may be spelt so in the file too"""

_WANTED = {
    FLAG: "true or false",
    TEXTS: "a list of strings",
    PATTERNS: "a list of strings",
    SELECTORS: "a list of codes, prefixes, names or ALL",
    COUNT: "a whole number above 0",
    FOLDER: "a path",
    PER_FILE: "a table of pattern = list of selectors",
}


class ConfigError(Exception):
    """A settings file is unreadable, or a setting is unknown or of the wrong type; the message says which."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run can be told. Paths are absolute."""

    selectors: tuple[Selectors, ...] = ()
    """from the weakest source (the file) to the strongest (the command line)"""
    per_file_ignores: tuple[FileIgnores, ...] = ()
    min_confidence: Confidence = "likely"
    output_format: OutputFormat = "full"
    output_file: Path | None = None
    statistics: bool = False
    """counts instead of findings"""
    show_files: bool = False
    """the names of the files instead of linting them"""
    exit_zero: bool = False
    fix: bool = False
    unsafe_fixes: bool = False
    """whether fixes count that change what the program does"""
    diff: bool = False
    fix_only: bool = False
    exit_non_zero_on_fix: bool = False
    baseline: Path | None = None
    exclude: tuple[str, ...] | None = None
    """None: the built-in list of folders that hold no code of the project"""
    extend_exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    cache: bool = True
    cache_dir: Path | None = None
    """None: `.bnlint_cache` in the project's root"""
    jobs: int | None = None
    """None: as many as there are processors"""
    prefilter: bool = True
    stdin_filename: Path | None = None
    watch: bool = False
    quiet: bool = False
    verbose: bool = False
    color: Literal["auto", "always", "never"] = "auto"
    batch_norm_classes: tuple[str, ...] = ()
    """names of classes, dotted or not, that are batch norms although their source is not in the project"""
    models_with_batch_norm: tuple[str, ...] = ()
    """names of classes or functions, dotted or not, that give networks with batch norm"""
    small_batch: int = 4
    """batches below this size are small"""


def find_config(start: Path, stop: Path | None = None) -> Path | None:
    """The nearest pyproject.toml with a `[tool.bnlint]`, from the folder `start` up to the folder `stop` or one with `.git`.

    A pyproject.toml that is no TOML raises ConfigError only if it speaks of bnlint.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file() and _speaks_of_bnlint(path):
            return path
        if folder == stop or (folder / ".git").exists() or folder == Path.home():
            break
    return None


def read_config(path: Path) -> dict[str, Any]:
    """The checked settings of a file by their field names; those of `pyproject.toml` stand under `[tool.bnlint]`, those
    of any other file there or at its top level. Raises ConfigError."""
    data = _parse(path)
    tool = data.get("tool")
    table = tool.get("bnlint") if isinstance(tool, dict) else None
    if table is None:
        table = {} if path.name == "pyproject.toml" else data
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.bnlint] must be a table")
    read: dict[str, Any] = {}
    for key, value in table.items():
        name, negate = (NEGATED[key], True) if key in NEGATED else (key, False)
        kind = KEYS.get(name)
        if kind is None:
            raise ConfigError(f"{path}: unknown setting {key!r}{_hint(key)}")
        checked = _checked(kind, value, path.parent)
        if checked is None:
            wanted = _WANTED[kind] if isinstance(kind, str) else "one of " + ", ".join(kind)
            raise ConfigError(f"{path}: setting {key!r} must be {wanted}, not {value!r}")
        read[name.replace("-", "_")] = not checked if negate else checked
    return read


def settle(from_file: Mapping[str, Any], from_command_line: Mapping[str, Any]) -> Settings:
    """The settings of a run. Both sources hold values by field name, None for what is not given."""
    selectors = tuple(_selectors(source) for source in (from_file, from_command_line))
    per_file = tuple(from_command_line.get("per_file_ignores") or from_file.get("per_file_ignores") or ())
    settings = Settings(selectors=selectors, per_file_ignores=per_file)
    plain = {field.name for field in fields(Settings)} - {"selectors", "per_file_ignores"}
    for source in (from_file, from_command_line):
        given = {name: value for name, value in source.items() if name in plain and value is not None}
        settings = replace(settings, **given)
    return settings


def _selectors(source: Mapping[str, Any]) -> Selectors:
    return Selectors(
        source.get("select"), source.get("extend_select") or (), source.get("ignore"), source.get("extend_ignore") or ()
    )


def _parse(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        # annotated: where tomli is not installed, type checkers know nothing of it
        parsed: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return parsed
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _speaks_of_bnlint(path: Path) -> bool:
    try:
        # most projects do not mention bnlint: no need to parse
        if b"bnlint" not in path.read_bytes():
            return False
    except OSError:
        return False
    tool = _parse(path).get("tool")
    return isinstance(tool, dict) and "bnlint" in tool


def _checked(kind: str | tuple[str, ...], value: object, base: Path) -> Any:
    """The value as its field wants it, or None when it is of the wrong type."""
    if isinstance(kind, tuple):
        return value if value in kind else None
    match kind:
        case "flag":
            return value if isinstance(value, bool) else None
        case "count":
            return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
        case "path":
            return base / value if isinstance(value, str) and value else None
        case "per-file":
            if not isinstance(value, dict):
                return None
            lists = [(pattern, _texts(selectors)) for pattern, selectors in value.items()]
            if any(selectors is None for _, selectors in lists):
                return None
            return tuple(FileIgnores(base, pattern, selectors or ()) for pattern, selectors in lists)
        case "patterns":
            return _anchored(_texts(value), base)
        case "selectors":
            return parse_selectors(value) if isinstance(value, str) else _texts(value)
        case _:
            return _texts(value)


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _anchored(patterns: tuple[str, ...] | None, base: Path) -> tuple[str, ...] | None:
    """Patterns with a slash are meant from the folder of the settings file, wherever bnlint is run."""
    if patterns is None:
        return None
    folder = re.sub(r"([*?\[\]!#\\ ])", r"\\\1", base.as_posix().rstrip("/"))
    return tuple(
        f"{folder}/{pattern.removeprefix('./')}" if "/" in pattern.rstrip("/") and not Path(pattern).is_absolute() else pattern
        for pattern in patterns
    )


def _hint(key: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key.replace("_", "-"), [*KEYS, *NEGATED], n=1)
    return f", did you mean {close[0]!r}?" if close else ""
