"""The pipeline of `bnlint check`: from paths and settings to the findings that are to be shown.

What the files say comes from an earlier run over the same files, else from `analysis`; whether a finding is shown is
decided anew by `select` and `baseline`. Must import what parses and analyses only where there is something to analyse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint import baseline
from bnlint.analysis.projects import answer_of_all
from bnlint.builtin import UNREADABLE, finding
from bnlint.config import Settings
from bnlint.findings import CONFIDENCES, Finding, Place
from bnlint.outcome import Lines, Outcome
from bnlint.read import suffixes
from bnlint.read.context import group_by_project
from bnlint.read.discover import DEFAULT_EXCLUDE, Discovery, discover
from bnlint.read.source import Unreadable, decode, read_bytes
from bnlint.select import Named, Selection

if TYPE_CHECKING:
    from bnlint.analysis.programs import Progress


def check(
    paths: Sequence[Path],
    settings: Settings,
    *,
    stdin: bytes | None = None,
    overlay: Mapping[Path, bytes] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Lint `paths` (absolute); with `stdin` the one path is only the name of that content.

    overlay: what stands for the content of files on the disk. Raises RulebookError, UnknownSelector, BaselineError, and
    MissingPath for a path that does not exist.
    """
    accepted = baseline.read(settings.baseline) if settings.baseline is not None else ()
    discovery = discovered(paths, settings) if stdin is None else Discovery((paths[0],))
    files = discovery.files
    given = {**({} if stdin is None else {paths[0]: stdin}), **(overlay or {})}
    passed = frozenset(map(str, files))
    projects = group_by_project(files, paths)
    unlisted = [finding(UNREADABLE, "the folder cannot be listed", _top(folder)) for folder in discovery.unreadable]
    answer = answer_of_all(projects, given, settings, unlisted, progress)
    selection = Selection([Named(*code) for code in answer.codes], settings.selectors, settings.per_file_ignores)
    findings = sorted(answer.findings, key=_order)
    matched = baseline.match(findings, accepted, lambda file: _within(file, passed, paths), lambda file: Path(file).exists())
    shown = [item for item in matched.findings if selection.shows(item.code, item.default, item.place.path)]
    selected = set(map(id, shown))
    others = [item for item in matched.findings if item.default and id(item) not in selected]
    least = CONFIDENCES.index(settings.min_confidence)
    sure = tuple(item for item in shown if CONFIDENCES.index(item.confidence) >= least)
    hidden_possible = sum(item.confidence == "possible" for item in shown) if least else 0
    return Outcome(
        sure, hidden_possible, len(files), answer.with_batch_norm, answer.networks, answer.exhausted,
        lines_of(given), tuple(item for item in others if CONFIDENCES.index(item.confidence) >= least),
        matched.hidden, matched.stale,
    )  # fmt: skip


def _within(file: str, passed: frozenset[str], paths: Sequence[Path]) -> bool:
    """Whether a file was linted, or is gone from where it would have been."""
    return file in passed or (not Path(file).exists() and any(path in Path(file).parents for path in paths))


def discovered(paths: Sequence[Path], settings: Settings) -> Discovery:
    """The files that a run lints. Raises MissingPath."""
    return discover(
        paths,
        exclude=DEFAULT_EXCLUDE if settings.exclude is None else settings.exclude,
        extend_exclude=settings.extend_exclude,
        respect_gitignore=settings.respect_gitignore,
        force_exclude=settings.force_exclude,
    )


def _top(path: Path) -> Place:
    return Place(str(path), 1, 1, 1, 1)


def _order(item: Finding) -> tuple[str, int, int, int, str]:
    place = item.place
    return place.path, place.cell or 0, place.row, place.column, item.code


def _cells_of(file: Path, data: bytes) -> list[str]:
    """The texts of a notebook's cells by their number. Raises Unreadable."""
    from bnlint.read import notebook

    # where a place is in no cell nothing is shown: the JSON is not what people see
    return ["", *notebook.cell_sources(file, data)]


def lines_of(given: Mapping[Path, bytes]) -> Lines:
    """The lines of the files that a report shows, read once more when they are wanted."""
    known: dict[str, list[list[str]]] = {}

    def lines(path: str, cell: int | None) -> Sequence[str]:
        if path not in known:
            file = Path(path)
            try:
                data = given[file] if file in given else read_bytes(file)
                texts = [decode(file, data).text] if file.suffix != suffixes.NOTEBOOK else _cells_of(file, data)
                # as the parser counts rows: str.splitlines knows more line ends
                known[path] = [re.split(r"\r\n|\r|\n", text) for text in texts]
            except Unreadable:
                known[path] = []
        return next(iter(known[path][cell or 0 :]), ())

    return lines
