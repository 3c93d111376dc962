"""The runs of `bnlint check` that change files: fixes, suppression comments, and the baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bnlint import baseline
from bnlint.cli.output import emit, tell
from bnlint.config import Settings
from bnlint.fixing.noqa import add
from bnlint.fixing.passes import Fixed, Lint
from bnlint.fixing.passes import fix as fix_all
from bnlint.fixing.write import CannotWrite, refusal, write
from bnlint.outcome import Outcome
from bnlint.read.source import Unreadable, read_bytes
from bnlint.report.diff import render
from bnlint.report.names import location

Report = Callable[..., None]


def fix(lint: Lint, settings: Settings, stdin_name: Path | None, stdin: bytes | None, report: Report) -> int:
    """Fix, write or show the difference, report what remains; gives the exit status."""
    refused: dict[Path, str] = {}

    def read(path: Path) -> bytes:
        if path == stdin_name and stdin is not None:
            return stdin
        why = None if settings.diff else refusal(path)
        if why is not None:
            refused[path] = why
            raise Unreadable(why)
        return read_bytes(path)

    fixed = fix_all(lint, read, unsafe=settings.unsafe_fixes)
    failed = 2 if fixed.outcome.internal else 0
    changed = 0 if settings.exit_zero else int(bool(fixed.contents))
    if settings.diff:
        emit(render(fixed.before, fixed.contents, Path.cwd()), settings.output_file)
        say(settings, f"Would fix {counted(fixed)}" if fixed.findings else "Nothing to fix")
        return failed or changed
    if stdin_name is not None and stdin is not None:
        emit(fixed.contents.get(stdin_name, stdin))
    else:
        for path, content in sorted(fixed.contents.items()):
            try:
                write(path, content, fixed.before[path])
            except CannotWrite as error:
                refused[path] = str(error)
    for why in refused.values():
        tell(f"Error: {why}")
    failed = failed or (2 if refused else 0)
    on_fix = changed if settings.exit_non_zero_on_fix else 0
    if settings.fix_only:
        say(settings, f"Fixed {counted(fixed)}" if fixed.findings else "Nothing to fix")
        return failed or on_fix
    report(fixed.outcome, settings, len(fixed.findings), beside=stdin is not None)
    return failed or on_fix or int(bool(fixed.outcome.findings) and not settings.exit_zero)


def suppress(outcome: Outcome, settings: Settings) -> int:
    """Add a suppression comment for each finding; gives the exit status."""
    contents, left = add(outcome.findings, read_bytes)
    refused = []
    for path, (old, new) in sorted(contents.items()):
        try:
            write(path, new, old)
        except CannotWrite as error:
            refused.append(str(error))
    for finding in left:
        tell(f"no comment can hide {finding.code} in {location(finding.place, Path.cwd())}")
    for why in refused:
        tell(f"Error: {why}")
    number = len(outcome.findings) - len(left)
    say(settings, f"Added comments for {number} finding{'s' * (number != 1)}")
    return 2 if refused or outcome.internal else 0


def accept(outcome: Outcome, path: Path) -> int:
    """Write the baseline; gives the exit status."""
    number = baseline.write(path, outcome.findings)
    tell(f"Wrote {number} finding{'s' * (number != 1)} to {path}")
    return 2 if outcome.internal else 0


def say(settings: Settings, text: str) -> None:
    if not settings.quiet:
        tell(text)


def counted(fixed: Fixed) -> str:
    findings, files = len(fixed.findings), len(fixed.contents)
    return f"{findings} finding{'s' * (findings != 1)} in {files} file{'s' * (files != 1)}"
