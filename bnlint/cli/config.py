"""`bnlint config`: the settings that a check would run with, as TOML, each with where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bnlint.cli import check
from bnlint.cli.output import emit
from bnlint.config import KEYS, Settings, settle
from bnlint.report.names import filename
from bnlint.select import Selection, UnknownSelector

BUILT_IN = {
    "select": "the rules that are on by default",
    "output-file": "standard output",
    "cache-dir": ".bnlint_cache in the project's root",
    "jobs": "all processors",
    "stdin-filename": "-",
}
"""defaults that are no value"""
ADDED = frozenset({"extend-select", "extend-ignore"})
"""what the command line adds to the file; everything else it replaces"""
COLUMN = 60
"""where the words about a setting begin"""


SHOWN = frozenset({"config", "isolated"} | {key.replace("-", "_") for key in KEYS})
"""the options of a check that say how it runs; the others say what else to do"""


@click.command("config", params=[param for param in check.command.params if param.name in SHOWN])
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
def command(paths: tuple[str, ...], config: Path | None, isolated: bool, **options: Any) -> None:
    """Show the settings that `bnlint check` runs with for these paths and options, and where each comes from."""
    from bnlint.rulebook import RulebookError, catalogue

    file, read = check.from_file(check.targets_of(paths, None), config, isolated)
    settings = settle(read, options)
    try:
        rules = catalogue()
        selection = Selection(rules, settings.selectors, settings.per_file_ignores)
    except (RulebookError, UnknownSelector) as error:
        raise click.UsageError(str(error)) from error
    shown = [rule.code for rule in rules if selection.shows(rule.code, rule.default, "") and rule.frameworks]
    emit("\n".join(_lines(file, read, settings, options, shown)) + "\n")


def _lines(
    file: Path | None, read: dict[str, Any], settings: Settings, options: dict[str, Any], shown: list[str]
) -> Iterator[str]:
    name = filename(str(file), Path.cwd()) if file else ""
    yield f"# settings file: {name or 'none'}"
    yield f"# shows {len(shown)} rules: {' '.join(shown)}"
    yield "[tool.bnlint]"
    for key in KEYS:
        field = key.replace("-", "_")
        in_file, given = read.get(field), options.get(field)
        sources = [source for source, value in ((name, in_file), ("command line", given)) if value is not None]
        source = " + ".join(sources if key in ADDED else sources[-1:]) or "default"
        value = _value(key, settings, in_file, given)
        if value is None:
            yield _told(f"# {key}", f"{BUILT_IN.get(key, 'none')} ({source})")
        else:
            yield _told(f"{key} = {_toml(value)}", source)


def _told(setting: str, words: str) -> str:
    return f"{setting:<{COLUMN}}  # {words}"


def _value(key: str, settings: Settings, in_file: Any, given: Any) -> Any:
    """The value that holds; None for a default that is no value."""
    if key in ADDED:
        return (*(in_file or ()), *(given or ()))
    if key in ("select", "ignore"):
        chosen = in_file if given is None else given
        return () if chosen is None and key == "ignore" else chosen
    if key == "exclude" and settings.exclude is None:
        from bnlint.read.discover import DEFAULT_EXCLUDE

        return DEFAULT_EXCLUDE
    value = getattr(settings, key.replace("-", "_"))
    return {entry.pattern: entry.selectors for entry in value} if key == "per-file-ignores" else value


def _toml(value: Any) -> str:
    if isinstance(value, Path):
        return json.dumps(value.as_posix())
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # strings of JSON are strings of TOML, and so are numbers, true and false
    return json.dumps(value, ensure_ascii=False)
