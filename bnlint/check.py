"""The pipeline of `bnlint check`: from paths and settings to the findings that are to be shown.

Here the rooms are joined, and nothing is analysed: what a finding is the rules decide, whether it is one mistake with
another `boundaries`, whether it is shown `select` and `suppress`. It must never let the failure of one file, story or
rule stop the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.answers import Answer, Answers
from bnlint.boundaries import Claim, one_per_mistake
from bnlint.builtin import INTERNAL, NEVER_HIDDEN, UNREADABLE, UNUSED, finding
from bnlint.cache import FOLDER, Cache
from bnlint.cells import in_cells
from bnlint.config import Settings
from bnlint.findings import CONFIDENCES, Finding, Place
from bnlint.outcome import Lines, Outcome
from bnlint.read import suffixes
from bnlint.read.context import context_files, group_by_project
from bnlint.read.discover import DEFAULT_EXCLUDE, discover
from bnlint.read.source import Unreadable, decode, read_bytes
from bnlint.select import Named, Selection

if TYPE_CHECKING:
    from bnlint.program.model import Program
    from bnlint.programs import Failed, Progress
    from bnlint.project.imports import Imports
    from bnlint.project.project import Project
    from bnlint.rule import Rule
    from bnlint.suppress import Suppressions

_SUPPRESSES_BY_CODE = re.compile(rb"#[^\n]*(?:noqa|bnlint)[^\n]*[A-Z]{2}\d")


@dataclass(slots=True)
class _Gathered:
    """What the projects of a run have given so far.

    comments: of the linted files, what hides findings in them; complete: the files of projects that were analysed to the end;
    cells: where the cells of notebooks begin.
    """

    findings: list[Finding] = field(default_factory=list)
    comments: dict[str, tuple[Program, Suppressions]] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)
    exhausted: list[str] = field(default_factory=list)
    cells: dict[str, tuple[int, ...]] = field(default_factory=dict)
    with_batch_norm: int = 0
    networks: set[object] = field(default_factory=set)


def check(
    paths: Sequence[Path], settings: Settings, *, stdin: bytes | None = None, progress: Progress | None = None
) -> Outcome:
    """Lint `paths` (absolute); with `stdin` the one path is only the name of that content.

    Raises RulebookError, UnknownSelector, and MissingPath for a path that does not exist.
    """
    given = {} if stdin is None else {paths[0]: stdin}
    gathered = _Gathered()
    files = tuple(given) if given else _discovered(paths, settings, gathered)
    projects = {root: _Members(members, tuple(context_files(root))) for root, members in group_by_project(files, paths).items()}
    answers = _answers(projects, files, settings) if settings.cache and not given and not gathered.findings else None
    answer = answers.get() if answers is not None else None
    if answer is not None:
        selection = Selection([Named(*code) for code in answer.codes], settings.selectors, settings.per_file_ignores)
    else:
        # imported where there is work to do: rules import most of bnlint
        from bnlint.rulebook import catalogue, load_rules

        selection = Selection(catalogue(), settings.selectors, settings.per_file_ignores)
        answer = _analysed(projects, files, given, settings, load_rules(), gathered, answers, progress)
    shown = [item for item in answer.findings if selection.shows(item.code, item.default, item.place.path)]
    least = CONFIDENCES.index(settings.min_confidence)
    sure = [item for item in shown if CONFIDENCES.index(item.confidence) >= least]
    hidden_possible = sum(item.confidence == "possible" for item in shown) if least else 0
    sure.sort(key=_order)
    return Outcome(
        tuple(sure), hidden_possible, len(files), answer.with_batch_norm, answer.networks, answer.exhausted, _lines(given)
    )


@dataclass(frozen=True, slots=True)
class _Members:
    """The files of a project that are linted, and its files."""

    linted: tuple[Path, ...]
    context: tuple[Path, ...]


def _answers(projects: Mapping[Path, _Members], files: Sequence[Path], settings: Settings) -> Answers | None:
    if not projects:
        return None
    names = (sorted(settings.batch_norm_classes), sorted(settings.models_with_batch_norm))
    matters = (settings.prefilter, *names, settings.small_batch)
    kept = Cache(settings.cache_dir or next(iter(projects)) / FOLDER)
    return Answers(kept, {root: (*found.linted, *found.context) for root, found in projects.items()}, files, matters)


def _analysed(
    projects: Mapping[Path, _Members],
    files: Sequence[Path],
    given: Mapping[Path, bytes],
    settings: Settings,
    rules: Sequence[Rule],
    gathered: _Gathered,
    answers: Answers | None,
    progress: Progress | None,
) -> Answer:
    """Analyse the projects one after the other. The answer is kept, unless it could be another the next time."""
    from bnlint.rulebook import catalogue, has_plugins

    passed = frozenset(map(str, files))
    known = {**answers.read, **given} if answers is not None else given
    for root, members in projects.items():
        _check_project(root, members, passed, known, settings, rules, gathered, progress)
    # a project inside of another is analysed with both
    findings = [in_cells(item, gathered.cells) for item in _unsuppressed(_merged(gathered.findings), gathered)]
    codes = tuple((rule.code, rule.name) for rule in catalogue())
    answer = Answer(tuple(findings), gathered.with_batch_norm, len(gathered.networks), tuple(gathered.exhausted), codes)
    if answers is not None and not has_plugins() and all(item.code != INTERNAL for item in findings):
        answers.put(answer)
    return answer


def _discovered(paths: Sequence[Path], settings: Settings, gathered: _Gathered) -> tuple[Path, ...]:
    discovery = discover(
        paths,
        exclude=DEFAULT_EXCLUDE if settings.exclude is None else settings.exclude,
        extend_exclude=settings.extend_exclude,
        respect_gitignore=settings.respect_gitignore,
        force_exclude=settings.force_exclude,
    )
    gathered.findings += [finding(UNREADABLE, "the folder cannot be listed", _top(folder)) for folder in discovery.unreadable]
    return discovery.files


def _check_project(
    root: Path,
    members: _Members,
    passed: frozenset[str],
    given: Mapping[Path, bytes],
    settings: Settings,
    rules: Sequence[Rule],
    gathered: _Gathered,
    progress: Progress | None,
) -> None:
    from bnlint.program.model import Program
    from bnlint.programs import Failed, programs_of, read_all
    from bnlint.project.imports import Imports
    from bnlint.project.project import Options, Project
    from bnlint.read.prefilter import names_batch_norm_layer

    reported = frozenset(members.linted)
    read = read_all(sorted({*members.linted, *members.context}), lambda path: given[path] if path in given else read_bytes(path))
    contents = {path: data for path, data in read.items() if isinstance(data, bytes)}
    networks = {path for path in contents if path.suffix == suffixes.PROTOTXT}
    sources = {path: data for path, data in contents.items() if path not in networks}
    imports = Imports(root, sources)
    chosen, seeds = _chosen(sources, imports, reported, settings)
    with_batch_norm = frozenset(path for path in networks if names_batch_norm_layer(contents[path]))
    chosen |= with_batch_norm if settings.prefilter else networks
    gathered.with_batch_norm += seeds + len(with_batch_norm)

    kept = Cache(settings.cache_dir or root / FOLDER) if settings.cache else None
    parsed = programs_of({path: contents[path] for path in sorted(chosen)}, kept, settings.jobs, progress)
    if kept is not None:
        kept.close()
    programs = {path: program for path, program in parsed.items() if isinstance(program, Program)}
    failed = {path: failure for path, failure in (*read.items(), *parsed.items()) if isinstance(failure, Failed)}
    gathered.networks |= {path for path in networks & programs.keys() if programs[path].body}
    del read, contents, sources, parsed
    told = [_failure(path, failure) for path, failure in failed.items() if path in reported or failure.internal]
    for path, program in programs.items():
        if path.suffix == suffixes.NOTEBOOK:
            gathered.cells[str(path)] = program.cells
            if path in reported:
                told += [_failure(path, Failed(message, row, column)) for row, column, message in program.problems]

    options = Options(frozenset(settings.batch_norm_classes), frozenset(settings.models_with_batch_norm), settings.small_batch)
    project = Project(root, programs, imports, reported, options)
    exhausted_before = len(gathered.exhausted)
    claims = _claims(project, rules, settings.jobs, gathered, told, progress)
    claimed = [claim for claim in claims if claim.finding.place.path in passed]
    complete = len(gathered.exhausted) == exhausted_before and all(item.code != INTERNAL for item in told)
    told += [claim.finding for claim in one_per_mistake(_one_per_place(claimed))]
    gathered.findings += told
    _note_comments(programs, reported, complete, gathered)


def _chosen(
    contents: Mapping[Path, bytes], imports: Imports, reported: frozenset[Path], settings: Settings
) -> tuple[frozenset[Path], int]:
    """The files to parse, and how many of the project speak of batch norm."""
    from bnlint.read.prefilter import is_seed, needed

    if not settings.prefilter:
        return frozenset(contents), sum(map(is_seed, contents.values()))
    prefiltered = needed(contents, imports, reported, (*settings.batch_norm_classes, *settings.models_with_batch_norm))
    # a comment that names a code may be one that hides nothing
    commented = {path for path in reported if path in contents and _SUPPRESSES_BY_CODE.search(contents[path])}
    return prefiltered.parse | commented, len(prefiltered.seeds)


def _claims(
    project: Project, rules: Sequence[Rule], jobs: int | None, gathered: _Gathered, told: list[Finding], progress: Progress | None
) -> Iterator[Claim]:
    """What the rules say about each story, one report per mistake; failures go to `told`."""
    if not project.programs:
        return
    # imported here: most of bnlint, and not needed where nothing speaks of batch norm
    from bnlint.verdicts import verdicts

    failures: dict[tuple[str, Place], Finding] = {}
    try:
        for number, verdict in enumerate(verdicts(project, rules, jobs), 1):
            if verdict.exhausted is not None:
                gathered.exhausted.append(verdict.exhausted)
            for message, place in verdict.failures:
                failures.setdefault((message, place), finding(INTERNAL, message, place))
            gathered.networks |= verdict.networks
            yield from map(Claim, verdict.findings)
            if progress is not None:
                progress("analysing", number, number + 1)
    except Exception as error:
        # nothing tells in which file: the story stopped between two entry points
        place = _top(min(project.reported & project.programs.keys(), default=project.root))
        message = f"the analysis stopped with {type(error).__name__}: {error}"
        failures.setdefault(("", place), finding(INTERNAL, message, place))
    told += failures.values()


def _one_per_place(claims: Iterable[Claim]) -> list[Claim]:
    """One claim per code and place. Subjects end with their story."""
    return [Claim(item) for item in _merged(claim.finding for claim in claims)]


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per code and place: the surest, and of these one that is shown by default."""
    best: dict[tuple[str, str, Place], Finding] = {}
    for item in findings:
        key = (item.code, item.message if item.code in NEVER_HIDDEN else "", item.place)
        if key not in best or _weight(item) > _weight(best[key]):
            best[key] = item
    return list(best.values())


def _weight(item: Finding) -> tuple[int, bool]:
    return CONFIDENCES.index(item.confidence), item.default


def _note_comments(
    programs: Mapping[Path, Program], reported: frozenset[Path], complete: bool, gathered: _Gathered
) -> None:
    from bnlint.program.rows import statement_rows
    from bnlint.rulebook import catalogue
    from bnlint.suppress import Suppressions

    codes = {rule.name: rule.code for rule in catalogue()}
    for path, program in programs.items():
        if path in reported and program.comments:
            gathered.comments[str(path)] = (program, Suppressions.from_program(program, statement_rows(program), codes))
            if complete:
                gathered.complete.add(str(path))


def _unsuppressed(told: Iterable[Finding], gathered: _Gathered) -> list[Finding]:
    """The findings that no comment hides, and those about comments that hide nothing.

    Whatever is selected or shown counts: a comment is not unused because of the options of one run, nor because the
    analysis was not complete.
    """
    kept: list[Finding] = []
    for item in told:
        known = gathered.comments.get(item.place.path)
        if known is None or not known[1].hides(item.code, item.place.row):
            kept.append(item)
    for path in sorted(gathered.complete):
        program, suppressions = gathered.comments[path]
        for unused in suppressions.unused():
            if not suppressions.hides(UNUSED, unused.row):
                place = Place(path, *program.place(unused.start), *program.place(unused.end))
                kept.append(finding(UNUSED, f"suppression of {', '.join(unused.codes)} hides nothing", place))
    return kept


def _failure(path: Path, failure: Failed) -> Finding:
    place = Place(str(path), failure.row, failure.column, failure.row, failure.column)
    return finding(INTERNAL if failure.internal else UNREADABLE, failure.message, place)


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


def _lines(given: Mapping[Path, bytes]) -> Lines:
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
