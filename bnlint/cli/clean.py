"""`bnlint clean`: removes the caches of projects."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bnlint.cache import FOLDER, home, remove
from bnlint.cli.output import emit, tell


@click.command("clean")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--cache-dir", metavar="FOLDER", help="Remove this cache instead of those of the projects.")
@click.option("--quiet", is_flag=True, help="Do not say what is removed.")
def command(paths: tuple[str, ...], cache_dir: str | None, quiet: bool) -> None:
    """Remove the caches of the projects that files and folders (default: the current folder) belong to."""
    folders = [home(Path(os.path.abspath(cache_dir)))] if cache_dir else _caches(paths)
    failed = False
    for folder in folders:
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


def _caches(paths: tuple[str, ...]) -> list[Path]:
    """Where the runs that were given these paths have kept what they parsed."""
    from bnlint.cli.check import settings_for
    from bnlint.read.context import project_root
    from bnlint.read.discover import absolute

    targets = [Path(absolute(Path(path))) for path in paths or (".",)]
    for target in targets:
        if not os.path.lexists(target):
            raise click.UsageError(f"no such file or folder: {target}")
    configured = settings_for(tuple(targets), None, False, {}).cache_dir
    # a path that is no whole project has its cache in the root of the project, or, where none is marked, beside it
    folders = [project_root([target]) / FOLDER for target in targets]
    folders += [target / FOLDER for target in targets if target.is_dir()]
    return list(dict.fromkeys([home(configured)] if configured else folders))
