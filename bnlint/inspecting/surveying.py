"""The pipeline of `bnlint inspect`: from paths and settings to the map. Files are found and read as for a check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bnlint.analysis.pipeline import prepare
from bnlint.analysis.programs import Failed, Progress
from bnlint.check import discovered, lines_of
from bnlint.config import Settings
from bnlint.findings import Place
from bnlint.inspecting.atlas import Atlas, Unfollowed
from bnlint.inspecting.collecting import Collector
from bnlint.outcome import Lines
from bnlint.read import notebook
from bnlint.read.context import group_by_project


def survey(paths: Sequence[Path], settings: Settings, progress: Progress | None = None) -> tuple[Atlas, Lines]:
    """The map of the files below `paths` (absolute), and the lines of these files. Raises MissingPath."""
    # imported here: most of bnlint, and not needed where nothing speaks of batch norm
    from bnlint.story import tell

    files = discovered(paths, settings).files
    lines = lines_of({})
    collector = Collector(frozenset(map(str, files)), lines)
    failed: dict[Path, Failed] = {}
    speaking: set[Path] = set()
    roots = []
    for root, members in group_by_project(files, paths).items():
        roots.append(root)
        prepared = prepare(root, members, {}, settings, progress)
        failed |= prepared.failed
        speaking |= prepared.with_batch_norm
        for path, program in prepared.project.programs.items():
            if path.suffix == notebook.SUFFIX:
                collector.cells[str(path)] = program.cells
                if path in members:
                    collector.unfollowed += [_unread(path, *problem) for problem in program.problems]
        if not prepared.project.programs:
            continue
        try:
            for number, story in enumerate(tell(prepared.project), 1):
                collector.add(story)
                for failure in story.failures:
                    collector.unfollowed.append(Unfollowed(f"bnlint failed here: {failure.message}", failure.place))
                if progress is not None:
                    progress("following entry point", number, 0)
        except Exception as error:
            # one project that bnlint fails on must not take the map of the others away
            text = f"the analysis stopped with {type(error).__name__}: {error}"
            collector.unfollowed.append(Unfollowed(text, Place(str(min(members, default=root)), 1, 1, 1, 1)))
    return collector.atlas(roots, len(files), failed, speaking), lines


def _unread(path: Path, row: int, column: int, message: str) -> Unfollowed:
    return Unfollowed(f"the cell cannot be read: {message}", Place(str(path), row, column, row, column))
