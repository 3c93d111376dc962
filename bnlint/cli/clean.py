"""`bnlint clean`: removes the caches of projects, and nothing that bnlint did not make."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bnlint.cache import FOLDER, home, remove
from bnlint.cli import check
from bnlint.cli.output import emit, tell


@click.command("clean", params=[param for param in check.command.params if param.name in ("config", "isolated", "cache_dir")])
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--quiet", is_flag=True, help="Do not say what is removed.")
def command(paths: tuple[str, ...], config: Path | None, isolated: bool, cache_dir: Path | None, quiet: bool) -> None:
    """Remove the caches of the projects that files and folders (default: the current folder) belong to."""
    failed = False
    for folder in _caches(paths, config, isolated, cache_dir):
        try:
            removed = remove(folder)
        except OSError as error:
            tell(f"cannot remove {folder}: {error.strerror or error}")
            failed = True
            continue
        if removed and not quiet:
            emit(f"removed {folder}\n")
        elif not removed and os.path.lexists(folder):
            tell(f"not removed: {folder} is no cache of bnlint")
            failed = True
    if failed:
        raise click.exceptions.Exit(2)


def _caches(paths: tuple[str, ...], config: Path | None, isolated: bool, cache_dir: Path | None) -> list[Path]:
    """Where the runs that were given these paths and options have kept what they parsed."""
    from bnlint.read.context import project_root

    targets = check.targets_of(paths, None)
    for target in targets:
        if not os.path.lexists(target):
            raise click.UsageError(f"no such file or folder: {target}")
    configured = check.settings_for(targets, config, isolated, {"cache_dir": cache_dir}).cache_dir
    # a path that is no whole project has its cache in the root of the project, or, where none is marked, beside it
    folders = [project_root([target]) / FOLDER for target in targets]
    folders += [target / FOLDER for target in targets if target.is_dir()]
    return list(dict.fromkeys([home(configured)] if configured else folders))
