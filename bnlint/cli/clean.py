"""`bnlint clean`: removes the caches of the projects that the paths lie in, and nothing that bnlint did not make."""

from __future__ import annotations

from pathlib import Path

import click

from bnlint.cli import check
from bnlint.cli.output import tell


@click.command("clean", params=[param for param in check.command.params if param.name in ("config", "isolated", "cache_dir")])
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
def command(paths: tuple[str, ...], config: Path | None, isolated: bool, cache_dir: Path | None) -> None:
    """Remove the cache of the project of each path (default: of the current folder)."""
    from bnlint.cache import FOLDER, remove
    from bnlint.read.context import project_root

    targets = check.targets_of(paths, None)
    settings = check.settings_for(targets, config, isolated, {"cache_dir": cache_dir})
    # a cache stands in the root of a project, which without a mark is the folder itself
    roots = {root for target in targets for root in (target, project_root([target]))}
    folders = {settings.cache_dir} if settings.cache_dir else {root / FOLDER for root in roots}
    removed = [folder for folder in sorted(folders) if remove(folder)]
    for folder in removed:
        tell(f"removed {folder}")
    if not removed:
        tell("nothing to remove")
