"""`bnlint check`: turns options into settings, runs the pipeline, draws the outcome, sets the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from bnlint.cli import completing
from bnlint.cli.output import colored, emit, tell
from bnlint.config import COLORS, OUTPUT_FORMATS, ConfigError, Settings, find_config, read_config, settle
from bnlint.findings import CONFIDENCES
from bnlint.report.statistics import FORMATS as STATISTICS_FORMATS
from bnlint.report.statistics import render as counts
from bnlint.select import FileIgnores, UnknownSelector, parse_selectors

if TYPE_CHECKING:
    from bnlint.outcome import Outcome

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


def absolute(ctx: click.Context, param: click.Parameter, value: str | None) -> Path | None:
    return _below_here(value) if value else None


def _several(name: str, help_text: str, callback: Any, metavar: str) -> Callable[[F], F]:
    complete = completing.selectors if callback is _selectors else None
    return click.option(name, multiple=True, callback=callback, metavar=metavar, help=help_text, shell_complete=complete)


def _flag(name: str, help_text: str, *, negative: str | None = None) -> Callable[[F], F]:
    """A flag whose absence leaves the word to the settings file; `negative` also names the option that takes it back."""
    return click.option(f"{name}/{negative}" if negative else name, is_flag=True, default=None, help=help_text)


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@_several("--select", "Show these rules only: codes, prefixes such as BN2, names, ALL.", _selectors, "SELECTOR,...")
@_several("--extend-select", "Show these rules too.", _selectors, "SELECTOR,...")
@_several("--ignore", "Do not show these rules.", _selectors, "SELECTOR,...")
@_several("--extend-ignore", "Do not show these rules either.", _selectors, "SELECTOR,...")
@_several("--per-file-ignores", "Do not show rules in files: 'tests/*:BN2'.", _per_file, "PATTERN:SELECTOR,...")
@click.option("--min-confidence", type=click.Choice(CONFIDENCES), help="Hide findings that are less sure.  [default: likely]")
@click.option("--output-format", type=click.Choice(OUTPUT_FORMATS), help="[default: full]")
@click.option("--output-file", "-o", callback=absolute, metavar="FILE", help="Write the report there.")
@_flag("--statistics", "Count the findings of each rule instead of showing them.", negative="--no-statistics")
@_flag("--show-files", "Name the files that would be linted, and stop.", negative="--no-show-files")
@_flag("--exit-zero", "Exit with 0 although there are findings.", negative="--no-exit-zero")
@_flag("--fix", "Fix what can be fixed, and show what remains.", negative="--no-fix")
@_flag("--unsafe-fixes", "Fixes that change what the program does count, too.", negative="--no-unsafe-fixes")
@_flag("--diff", "Show what --fix would change, and change nothing.", negative="--no-diff")
@_flag("--fix-only", "Fix, and do not show what remains.", negative="--no-fix-only")
@_flag("--exit-non-zero-on-fix", "Exit with 1 when something was fixed.", negative="--no-exit-non-zero-on-fix")
@click.option("--add-noqa", is_flag=True, help="Add a suppression comment for each finding.")
@click.option("--baseline", callback=absolute, metavar="FILE", help="Hide the findings that this file accepts.")
@click.option("--write-baseline", is_flag=False, flag_value="", metavar="[FILE]", help="Accept all findings: write that file.")
@_several("--exclude", "Skip files and folders, instead of the built-in list.", _patterns, "PATTERN,...")
@_several("--extend-exclude", "Skip these files and folders too.", _patterns, "PATTERN,...")
@_flag("--force-exclude", "Exclude files even when they are named.", negative="--no-force-exclude")
@_flag("--respect-gitignore", "Whether to skip what .gitignore names.", negative="--no-respect-gitignore")
@click.option("--config", callback=absolute, metavar="FILE", help="Read the settings from this file.")
@click.option("--isolated", is_flag=True, help="Ignore all settings files.")
@_flag("--cache", "Whether to keep parsed files for the next run.", negative="--no-cache")
@click.option("--cache-dir", callback=absolute, metavar="FOLDER", help="Keep them there.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="How many processes parse.  [default: all processors]")
@_flag("--prefilter", "Whether to skip files that can have nothing to do with batch norm.", negative="--no-prefilter")
@click.option("--stdin-filename", callback=absolute, metavar="FILE", help="The name, and the context, of standard input.")
@_flag("--watch", "Lint again whenever something has changed, until Ctrl-C.", negative="--no-watch")
@_flag("--quiet", "Print findings only.", negative="--no-quiet")
@_flag("--verbose", "Say more about the run.", negative="--no-verbose")
@click.option("--color", type=click.Choice(COLORS), help="[default: auto]")
def command(
    paths: tuple[str, ...],
    config: Path | None,
    isolated: bool,
    add_noqa: bool,
    write_baseline: str | None,
    **options: Any,
) -> None:
    """Lint files and folders (default: the current folder); - reads standard input."""
    if write_baseline and options["baseline"] is not None:
        # the file is named already: what follows the option is one of the paths
        paths, write_baseline = (write_baseline, *paths), ""
    targets = targets_of(paths, options["stdin_filename"])
    settings = settings_for(targets, config, isolated, options)
    if settings.watch:
        if add_noqa or write_baseline is not None or settings.fix or settings.fix_only:
            # it would react to what it writes itself
            raise click.UsageError("--watch changes no files: not with --fix, --fix-only, --add-noqa and --write-baseline")
        _watch(paths, config, isolated, options, settings)
    sys.exit(_lint(paths, config, isolated, options, add_noqa=add_noqa, write_baseline=write_baseline))


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
        lint_on_change(targets_of(paths, None), filter(None, (settings.cache_dir, settings.output_file)), lint)
    except KeyboardInterrupt:
        sys.exit(0)
    raise AssertionError("watching ends by an interrupt only")


def _lint(
    paths: tuple[str, ...],
    config: Path | None,
    isolated: bool,
    options: dict[str, Any],
    *,
    add_noqa: bool = False,
    write_baseline: str | None = None,
) -> int:
    """Lint once, fix or accept what is to be, and draw the outcome; gives the exit status."""
    from bnlint.baseline import BaselineError
    from bnlint.check import check
    from bnlint.read.discover import MissingPath
    from bnlint.rulebook import RulebookError

    targets = targets_of(paths, options["stdin_filename"])
    settings = settings_for(targets, config, isolated, options)
    if STDIN in paths and settings.stdin_filename is not None:
        targets = (settings.stdin_filename,)
    stdin = _standard_input() if STDIN in paths else None
    if stdin is not None and not targets[0].parent.is_dir():
        # the cache would make the folder that only a name speaks of
        settings = replace(settings, cache=False)
    if settings.show_files:
        _show_files(targets, settings, named_only=stdin is not None)
        return 0
    if settings.statistics and settings.output_format not in STATISTICS_FORMATS:
        raise click.UsageError(f"--statistics goes with {', '.join(STATISTICS_FORMATS)}, not with {settings.output_format}")
    accepted = _baseline_to_write(write_baseline, settings)
    if accepted is not None:
        settings = replace(settings, baseline=None)  # it is made anew
    try:
        with progress_for(settings) as progress:

            def lint(contents: Mapping[Path, bytes]) -> Outcome:
                return check(targets, settings, stdin=stdin, overlay=contents, progress=progress)

            if settings.fix or settings.diff or settings.fix_only:
                from bnlint.cli.fixing import fix

                status = fix(lint, settings, targets[0] if stdin is not None else None, stdin, _report)
            elif add_noqa:
                from bnlint.cli.fixing import suppress

                status = suppress(lint({}), settings)
            elif accepted is not None:
                from bnlint.cli.fixing import accept

                status = accept(lint({}), accepted)
            else:
                outcome = lint({})
                _report(outcome, settings)
                status = 2 if outcome.internal else int(bool(outcome.findings) and not settings.exit_zero)
    except (RulebookError, UnknownSelector, MissingPath, BaselineError) as error:
        raise click.UsageError(str(error)) from error
    return status


def _baseline_to_write(named: str | None, settings: Settings) -> Path | None:
    """The file that `--write-baseline` is to write: named behind it, or by `--baseline`."""
    if named is None:
        return None
    if not named and settings.baseline is None:
        raise click.UsageError("--write-baseline needs a file: name it there, or by --baseline")
    path = _below_here(named) if named else settings.baseline
    assert path is not None
    if path.is_dir() or path.suffix in (".py", ".ipynb", ".prototxt"):
        raise click.UsageError(f"--write-baseline would write over {named or path}: name another file")
    return path


def targets_of(paths: tuple[str, ...], stdin_filename: Path | None) -> tuple[Path, ...]:
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
    """What the settings file and the options say together for a run over `targets` (absolute). Raises UsageError."""
    return settle(from_file(targets, config, isolated)[1], options)


def from_file(targets: tuple[Path, ...], config: Path | None, isolated: bool) -> tuple[Path | None, dict[str, Any]]:
    """The settings file of a run, if there is one, and what it says, by field name. Raises UsageError."""
    try:
        if config is not None and isolated:
            raise click.UsageError("--config and --isolated exclude each other")
        if config is None and not isolated:
            common = Path(os.path.commonpath(targets))
            config = find_config(common if common.is_dir() else common.parent)
        return config, read_config(config) if config else {}
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def progress_for(settings: Settings) -> Any:
    """The progress bar where a person is watching, as a context; else nothing."""
    from contextlib import nullcontext

    if settings.quiet or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    from bnlint.cli.progress import progress_bar

    return progress_bar()


def _show_files(targets: tuple[Path, ...], settings: Settings, *, named_only: bool) -> None:
    from bnlint.check import discovered
    from bnlint.read.discover import MissingPath
    from bnlint.report.names import filename

    try:
        files = targets if named_only else discovered(targets, settings).files
    except MissingPath as error:
        raise click.UsageError(str(error)) from error
    emit("".join(f"{filename(str(path), Path.cwd())}\n" for path in files), settings.output_file)


def _report(outcome: Outcome, settings: Settings, fixed: int = 0, *, beside: bool = False) -> None:
    """Draw the outcome; `beside`: standard output is taken, so it goes to standard error."""
    from bnlint.report import HUMAN, render
    from bnlint.report.closing import closing

    color = colored(settings.color, to_file=settings.output_file is not None)
    if settings.statistics:
        text = counts(settings.output_format, outcome)
    else:
        text = render(settings.output_format, outcome, Path.cwd(), color=color)
    human = settings.output_format in HUMAN
    last_words = closing(outcome, verbose=settings.verbose, fixed=fixed, unsafe=settings.unsafe_fixes)
    if human and not settings.quiet and settings.output_file is None:
        text += last_words + "\n"
    if beside and settings.output_file is None:
        click.echo(text, err=True, nl=False)
    else:
        emit(text, settings.output_file)
    for entry in outcome.stale:
        assert settings.baseline is not None
        tell(f"stale entry of the baseline: {entry.text(settings.baseline.parent)}")
    if not settings.quiet and (settings.output_file is not None or (settings.verbose and not human)):
        tell(last_words)
