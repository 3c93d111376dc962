"""`bnlint check`: turns options into settings, runs the pipeline, draws the outcome, sets the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from bnlint.cli.output import colored, emit, tell
from bnlint.config import COLORS, OUTPUT_FORMATS, ConfigError, Settings, find_config, read_config, settle
from bnlint.findings import CONFIDENCES
from bnlint.select import FileIgnores, UnknownSelector, parse_selectors

F = TypeVar("F", bound=Callable[..., Any])
STDIN = "-"


def _selectors(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(selector for value in values for selector in parse_selectors(value)) if values else None


def _patterns(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(pattern.strip() for value in values for pattern in value.split(",") if pattern.strip()) or None


def _per_file(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[FileIgnores, ...] | None:
    """`PATTERN:SELECTOR,...`; a further `PATTERN:` after a comma or a blank starts the next entry."""
    entries: list[tuple[str, list[str]]] = []
    for part in (part for value in values for part in value.replace(",", " ").split()):
        pattern, colon, selector = part.rpartition(":")
        if colon and pattern and selector:
            entries.append((pattern, [selector]))
        elif colon or not entries:
            raise click.BadParameter(f"{part!r} is not of the form PATTERN:SELECTOR")
        else:
            entries[-1][1].append(part)
    return tuple(FileIgnores(Path.cwd(), pattern, tuple(selectors)) for pattern, selectors in entries) or None


def _absolute(ctx: click.Context, param: click.Parameter, value: str | None) -> Path | None:
    return _below_here(value) if value else None


def _several(name: str, help_text: str, callback: Any, metavar: str) -> Callable[[F], F]:
    return click.option(name, multiple=True, callback=callback, metavar=metavar, help=help_text)


def _flag(name: str, help_text: str, *, negative: str | None = None) -> Callable[[F], F]:
    """A flag whose absence leaves the word to the settings file; `negative` also names the option that takes it back."""
    return click.option(f"{name}/{negative}" if negative else name, is_flag=True, default=None, help=help_text)


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_several("--select", "Show these rules only: codes, prefixes such as BN2, names, ALL.", _selectors, "SELECTOR,...")
@_several("--extend-select", "Show these rules too.", _selectors, "SELECTOR,...")
@_several("--ignore", "Do not show these rules.", _selectors, "SELECTOR,...")
@_several("--extend-ignore", "Do not show these rules either.", _selectors, "SELECTOR,...")
@_several("--per-file-ignores", "Do not show rules in files: 'tests/*:BN2'.", _per_file, "PATTERN:SELECTOR,...")
@click.option("--min-confidence", type=click.Choice(CONFIDENCES), help="Hide findings that are less sure.  [default: likely]")
@click.option("--output-format", type=click.Choice(OUTPUT_FORMATS), help="[default: full]")
@click.option("--output-file", "-o", callback=_absolute, metavar="FILE", help="Write the report there.")
@_flag("--exit-zero", "Exit with 0 although there are findings.", negative="--no-exit-zero")
@_several("--exclude", "Skip files and folders, instead of the built-in list.", _patterns, "PATTERN,...")
@_several("--extend-exclude", "Skip these files and folders too.", _patterns, "PATTERN,...")
@_flag("--force-exclude", "Exclude files even when they are named.", negative="--no-force-exclude")
@_flag("--respect-gitignore", "Whether to skip what .gitignore names.", negative="--no-respect-gitignore")
@click.option("--config", callback=_absolute, metavar="FILE", help="Read the settings from this file.")
@click.option("--isolated", is_flag=True, help="Ignore all settings files.")
@_flag("--cache", "Whether to keep parsed files for the next run.", negative="--no-cache")
@click.option("--cache-dir", callback=_absolute, metavar="FOLDER", help="Keep them there.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="How many processes parse.  [default: all processors]")
@_flag("--prefilter", "Whether to skip files that can have nothing to do with batch norm.", negative="--no-prefilter")
@click.option("--stdin-filename", callback=_absolute, metavar="FILE", help="The name, and the context, of standard input.")
@_flag("--watch", "Lint again whenever something has changed, until Ctrl-C.", negative="--no-watch")
@_flag("--quiet", "Print findings only.", negative="--no-quiet")
@_flag("--verbose", "Say more about the run.", negative="--no-verbose")
@click.option("--color", type=click.Choice(COLORS), help="[default: auto]")
def command(paths: tuple[str, ...], config: Path | None, isolated: bool, **options: Any) -> None:
    """Lint files and folders (default: the current folder); - reads standard input."""
    targets = _targets(paths, options["stdin_filename"])
    settings = settings_for(targets, config, isolated, options)
    if settings.watch:
        _watch(paths, config, isolated, options, settings)
    sys.exit(_lint(paths, config, isolated, options))


def _watch(paths: tuple[str, ...], config: Path | None, isolated: bool, options: dict[str, Any], settings: Settings) -> NoReturn:
    if STDIN in paths:
        raise click.UsageError("--watch cannot be combined with standard input")
    from bnlint.cli.watch import lint_on_change

    started = False

    def lint() -> None:
        nonlocal started
        if sys.stdout is not None and sys.stdout.isatty():
            click.clear()
        try:
            # the settings are read anew: their file may be what has changed
            _lint(paths, config, isolated, options)
        except click.UsageError as error:
            if not started:
                raise
            error.show()
        started = True

    try:
        lint_on_change(_targets(paths, None), filter(None, (settings.cache_dir, settings.output_file)), lint)
    except KeyboardInterrupt:
        sys.exit(0)
    raise AssertionError("watching ends by an interrupt only")


def _lint(paths: tuple[str, ...], config: Path | None, isolated: bool, options: dict[str, Any]) -> int:
    """Lint once and draw the outcome; gives the exit status."""
    from bnlint.check import check
    from bnlint.read.discover import MissingPath
    from bnlint.rulebook import RulebookError

    targets = _targets(paths, options["stdin_filename"])
    settings = settings_for(targets, config, isolated, options)
    if STDIN in paths and settings.stdin_filename is not None:
        targets = (settings.stdin_filename,)
    stdin = _standard_input() if STDIN in paths else None
    if stdin is not None and not targets[0].parent.is_dir():
        # the cache would make the folder that only a name speaks of
        settings = replace(settings, cache=False)
    try:
        with _progress(settings) as progress:
            outcome = check(targets, settings, stdin=stdin, progress=progress)
    except (RulebookError, UnknownSelector, MissingPath) as error:
        raise click.UsageError(str(error)) from error
    _report(outcome, settings)
    if outcome.internal:
        return 2
    return 1 if outcome.findings and not settings.exit_zero else 0


def _targets(paths: tuple[str, ...], stdin_filename: Path | None) -> tuple[Path, ...]:
    """The absolute paths to lint; standard input stands at the path that it is said to have."""
    if STDIN in paths:
        if len(paths) > 1:
            raise click.UsageError("- reads standard input and cannot be combined with other paths")
        return (_below_here(stdin_filename or STDIN),)
    if "" in paths:
        raise click.UsageError("no such file or folder: '' (an empty name)")
    return tuple(_below_here(path) for path in paths) or (_below_here("."),)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    return sys.stdin.buffer.read()


def _below_here(path: str | Path) -> Path:
    # abspath takes `..` out of the name, and leaves links as the user sees them
    try:
        return Path(os.path.abspath(path))
    except FileNotFoundError:
        raise click.UsageError("the current folder does not exist any more") from None


def settings_for(targets: tuple[Path, ...], config: Path | None, isolated: bool, options: dict[str, Any]) -> Settings:
    """The settings of a run over `targets` (absolute), of the command line's `options` and the nearest settings file."""
    try:
        if config is not None and isolated:
            raise click.UsageError("--config and --isolated exclude each other")
        if config is None and not isolated:
            common = Path(os.path.commonpath(targets))
            config = find_config(common if common.is_dir() else common.parent)
        return settle(read_config(config) if config else {}, options)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _progress(settings: Settings) -> Any:
    from contextlib import nullcontext

    if settings.quiet or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    from bnlint.cli.progress import progress_bar

    return progress_bar()


def _report(outcome: Any, settings: Settings) -> None:
    from bnlint.report import HUMAN, render
    from bnlint.report.closing import closing

    color = colored(settings.color, to_file=settings.output_file is not None)
    text = render(settings.output_format, outcome, Path.cwd(), color=color)
    human = settings.output_format in HUMAN
    last_words = closing(outcome, verbose=settings.verbose)
    if human and not settings.quiet and settings.output_file is None:
        text += last_words + "\n"
    emit(text, settings.output_file)
    if not settings.quiet and (settings.output_file is not None or (settings.verbose and not human)):
        tell(last_words)
