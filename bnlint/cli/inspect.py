"""`bnlint inspect`: draws the batch-norm map of the files that a check would lint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bnlint.cli import check
from bnlint.cli.output import colored, emit, tell
from bnlint.config import COLORS
from bnlint.inspecting.drawing import DRAWINGS

READING = frozenset({
    "exclude", "extend_exclude", "force_exclude", "respect_gitignore", "config", "isolated", "cache", "cache_dir", "jobs",
    "prefilter", "quiet",
})  # fmt: skip
"""the options of a check that say what is read, and mean the same here"""


@click.command("inspect", params=[param for param in check.command.params if param.name in READING])
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--output-format", type=click.Choice(DRAWINGS), default="text", show_default=True)
@click.option("--output-file", "-o", callback=check.absolute, metavar="FILE", help="Write the map there.")
@click.option("--color", type=click.Choice(COLORS), help="[default: auto]")
def command(
    paths: tuple[str, ...], output_format: str, output_file: Path | None, config: Path | None, isolated: bool, **options: Any
) -> None:
    """Draw the batch-norm map: each network, its batch norms, and its mode and batch at every forward."""
    from bnlint.inspecting.drawing import draw
    from bnlint.inspecting.surveying import survey
    from bnlint.read.discover import MissingPath

    targets = check.targets_of(paths, None)
    settings = check.settings_for(targets, config, isolated, options)
    try:
        with check.progress_for(settings) as progress:
            atlas, lines = survey(targets, settings, progress)
    except MissingPath as error:
        raise click.UsageError(str(error)) from error
    color = colored(settings.color, to_file=output_file is not None)
    emit(draw(output_format, atlas, Path.cwd(), lines, color=color), output_file)
    if output_file is not None and not settings.quiet:
        count = len(atlas.networks)
        tell(f"the map of {count} network{'' if count == 1 else 's'} is written to {output_file}")
