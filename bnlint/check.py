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
from bnlint.answers import Answer, Answers
from bnlint.builtin import UNREADABLE, finding
from bnlint.cache import FOLDER, Cache
from bnlint.config import Settings
from bnlint.findings import CONFIDENCES, Finding, Place
from bnlint.outcome import Lines, Outcome
from bnlint.read import suffixes
from bnlint.read.context import context_files, group_by_project
from bnlint.read.discover import DEFAULT_EXCLUDE, Discovery, discover
from bnlint.read.source import Unreadable, decode, read_bytes
from bnlint.select import Named, Selection

if TYPE_CHECKING:
    from bnlint.programs import Progress


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
    if settings.cache and not given and not discovery.unreadable and projects:
        answer = _joined([_answer(group, settings, progress) for group in _independent(projects)])
    else:
        answer = _analysed(projects, files, given, settings, discovery.unreadable, progress)
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


def _answer(projects: Mapping[Path, Sequence[Path]], settings: Settings, progress: Progress | None) -> Answer:
    """What the analysis says of projects, from the cache if an earlier run has kept it."""
    files = [file for members in projects.values() for file in members]
    names = (sorted(settings.batch_norm_classes), sorted(settings.models_with_batch_norm))
    kept = Cache(settings.cache_dir or next(iter(projects)) / FOLDER)
    listed = {root: (*members, *context_files(root)) for root, members in projects.items()}
    answers = Answers(kept, listed, files, (settings.prefilter, *names, settings.small_batch))
    answer = answers.get()
    if answer is None:
        answer = _analysed(projects, files, answers.read, settings, (), progress)
        if answer.lasts:
            answers.put(answer)
    return answer


def _analysed(
    projects: Mapping[Path, Sequence[Path]],
    files: Sequence[Path],
    given: Mapping[Path, bytes],
    settings: Settings,
    unlisted: Sequence[Path],
    progress: Progress | None,
) -> Answer:
    # imported where there is work to do: it needs the rules, and they need most of bnlint
    from bnlint.analysis import analysed

    found = [finding(UNREADABLE, "the folder cannot be listed", _top(folder)) for folder in unlisted]
    return analysed(projects, files, given, settings, found, progress)


def _independent(projects: Mapping[Path, Sequence[Path]]) -> list[dict[Path, Sequence[Path]]]:
    """The projects, each by itself; one inside of another together with it, for they share files."""
    groups: dict[Path, dict[Path, Sequence[Path]]] = {}
    for root in sorted(projects, key=lambda path: len(path.parts)):
        outer = next((path for path in reversed(root.parents) if path in groups), root)
        groups.setdefault(outer, {})[root] = projects[root]
    return [groups[outer] for outer in sorted(groups)]


def _joined(answers: Sequence[Answer]) -> Answer:
    return Answer(
        tuple(item for answer in answers for item in answer.findings),
        sum(answer.with_batch_norm for answer in answers),
        sum(answer.networks for answer in answers),
        tuple(entry for answer in answers for entry in answer.exhausted),
        answers[0].codes,
    )


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
