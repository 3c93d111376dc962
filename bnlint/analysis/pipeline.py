"""From the files of projects to all findings about them, before anything is selected: `bnlint check` where nothing is known yet.

Here the rooms are joined, and nothing is analysed: what a finding is the rules decide, whether it is one mistake with
another `boundaries`, whether a comment hides it `suppress`. It must never let the failure of one file, story or rule stop
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bnlint.analysis.programs import Failed, Progress, programs_of, read_all
from bnlint.answers import Answer
from bnlint.boundaries import Claim, one_per_mistake
from bnlint.builtin import INTERNAL, NEVER_HIDDEN, UNREADABLE, UNUSED, finding
from bnlint.cache import Cache, cache_for, key_of
from bnlint.cells import in_cells
from bnlint.config import Settings
from bnlint.findings import CONFIDENCES, Comment, Cure, Finding, Place
from bnlint.fixing.sources import Sources
from bnlint.program.model import Program
from bnlint.program.rows import statement_rows
from bnlint.project.imports import Imports
from bnlint.project.project import Options, Project
from bnlint.read import notebook, prototxt
from bnlint.read.context import context_files
from bnlint.read.prefilter import is_seed, names_batch_norm_layer, needed
from bnlint.read.source import read_bytes
from bnlint.rule import Rule
from bnlint.rulebook import catalogue, has_plugins, load_rules
from bnlint.suppress import Suppressions

_SUPPRESSES_BY_CODE = re.compile(rb"#[^\n]*(?:noqa|bnlint)[^\n]*[A-Z]{2}\d")


@dataclass(slots=True)
class _Gathered:
    """What the projects of a run have given so far.

    comments: of the linted files, what hides findings in them; complete: the files of projects that were analysed to the end;
    cells: where the cells of notebooks begin.
    """

    findings: list[Finding] = field(default_factory=list)
    comments: dict[str, tuple[Program, Suppressions, Sources]] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)
    exhausted: list[str] = field(default_factory=list)
    cells: dict[str, tuple[int, ...]] = field(default_factory=dict)
    with_batch_norm: int = 0
    networks: set[object] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A project ready to be analysed: its programs, the files that have none and why, those that speak of batch norm."""

    project: Project
    failed: dict[Path, Failed]
    with_batch_norm: frozenset[Path]
    digests: Mapping[Path, str]
    """of the content of each program"""


def analysed(
    projects: Mapping[Path, Sequence[Path]],
    files: Sequence[Path],
    given: Mapping[Path, bytes],
    settings: Settings,
    unlisted: Iterable[Finding],
    progress: Progress | None,
) -> Answer:
    """Analyse the linted files of the projects, by root, one project after the other; `unlisted` is what is known already."""
    rules = load_rules()
    gathered = _Gathered(list(unlisted))
    passed = frozenset(map(str, files))
    for root, members in projects.items():
        _check_project(root, members, passed, given, settings, rules, gathered, progress)
    # a project inside of another is analysed with both
    told = _unsuppressed(_merged(gathered.findings), gathered)
    findings = tuple(in_cells(item, gathered.cells) for item in told)
    codes = tuple((rule.code, rule.name) for rule in catalogue())
    lasts = not has_plugins() and all(item.code != INTERNAL for item in findings)
    return Answer(findings, gathered.with_batch_norm, len(gathered.networks), tuple(gathered.exhausted), codes, lasts)


def _check_project(
    root: Path,
    members: Sequence[Path],
    passed: frozenset[str],
    given: Mapping[Path, bytes],
    settings: Settings,
    rules: Sequence[Rule],
    gathered: _Gathered,
    progress: Progress | None,
) -> None:
    reported = frozenset(members)
    prepared = prepare(root, members, given, settings, progress)
    project = prepared.project
    gathered.with_batch_norm += len(prepared.with_batch_norm)
    gathered.networks |= {path for path, program in project.programs.items() if path.suffix == prototxt.SUFFIX and program.body}
    told = [_failure(path, failure) for path, failure in prepared.failed.items() if path in reported or failure.internal]
    for path, program in project.programs.items():
        if path.suffix == notebook.SUFFIX:
            gathered.cells[str(path)] = program.cells
            if path in reported:
                told += [_failure(path, Failed(message, row, column)) for row, column, message in program.problems]

    exhausted_before = len(gathered.exhausted)
    kept = cache_for(root, settings.cache_dir) if settings.cache and not has_plugins() else None
    claims = _claims(project, rules, settings.jobs, kept, prepared.digests, gathered, told, progress)
    claimed = [claim for claim in claims if claim.finding.place.path in passed]
    complete = len(gathered.exhausted) == exhausted_before and all(item.code != INTERNAL for item in told)
    told += [claim.finding for claim in one_per_mistake(_one_per_place(claimed))]
    read = _reader(given)
    texts = Sources(read, project.programs)
    gathered.findings += [texts.complete(item) for item in told]
    _note_comments(project.programs, reported, complete, read, gathered)


def _reader(given: Mapping[Path, bytes]) -> Callable[[Path], bytes]:
    return lambda path: given[path] if path in given else read_bytes(path)


def prepare(
    root: Path, members: Sequence[Path], given: Mapping[Path, bytes], settings: Settings, progress: Progress | None = None
) -> Prepared:
    """Read and parse what the project at `root` needs so that its `members` can be analysed."""
    reported = frozenset(members)
    read = read_all(sorted({*members, *context_files(root)}), _reader(given))
    contents = {path: data for path, data in read.items() if isinstance(data, bytes)}
    networks = {path for path in contents if path.suffix == prototxt.SUFFIX}
    sources = {path: data for path, data in contents.items() if path not in networks}
    imports = Imports(root, sources)
    chosen, seeds, concerned = _chosen(sources, imports, reported, settings)
    with_batch_norm = frozenset(path for path in networks if names_batch_norm_layer(contents[path]))
    chosen |= with_batch_norm if settings.prefilter else networks
    concerned = concerned | networks if concerned is not None else None

    kept = cache_for(root, settings.cache_dir) if settings.cache else None
    parsed = programs_of({path: contents[path] for path in sorted(chosen)}, kept, settings.jobs, progress)
    if kept is not None:
        kept.close()
    programs = {path: program for path, program in parsed.items() if isinstance(program, Program)}
    failed = {path: failure for path, failure in (*read.items(), *parsed.items()) if isinstance(failure, Failed)}
    options = Options(frozenset(settings.batch_norm_classes), frozenset(settings.models_with_batch_norm), settings.small_batch)
    digests = {path: key_of(contents[path]) for path in programs} if kept is not None else {}
    project = Project(root, programs, imports, reported, options, concerned)
    return Prepared(project, failed, seeds | with_batch_norm, digests)


def _chosen(
    contents: Mapping[Path, bytes], imports: Imports, reported: frozenset[Path], settings: Settings
) -> tuple[frozenset[Path], frozenset[Path], frozenset[Path] | None]:
    """The files to parse, those of the project that speak of batch norm, and those that are concerned (see `Project`)."""
    if not settings.prefilter:
        return frozenset(contents), frozenset(path for path, data in contents.items() if is_seed(data)), None
    prefiltered = needed(contents, imports, reported, (*settings.batch_norm_classes, *settings.models_with_batch_norm))
    # a comment that names a code may be one that hides nothing
    commented = {path for path in reported if path in contents and _SUPPRESSES_BY_CODE.search(contents[path])}
    return prefiltered.parse | commented, prefiltered.seeds, prefiltered.concerned | commented


def _claims(
    project: Project,
    rules: Sequence[Rule],
    jobs: int | None,
    kept: Cache | None,
    digests: Mapping[Path, str],
    gathered: _Gathered,
    told: list[Finding],
    progress: Progress | None,
) -> Iterator[Claim]:
    """What the rules say about each story, one report per mistake; failures go to `told`."""
    if not project.programs:
        return
    # imported here: most of bnlint, and not needed where nothing speaks of batch norm
    from bnlint.analysis.remembered import Memory
    from bnlint.analysis.verdicts import verdicts

    memory = Memory(kept, digests) if kept is not None else None
    failures: dict[tuple[str, Place], Finding] = {}
    try:
        for number, verdict in enumerate(verdicts(project, rules, jobs, memory), 1):
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
    programs: Mapping[Path, Program],
    reported: frozenset[Path],
    complete: bool,
    read: Callable[[Path], bytes],
    gathered: _Gathered,
) -> None:
    codes = {rule.name: rule.code for rule in catalogue()}
    for path, program in programs.items():
        if path in reported and program.comments:
            suppressions = Suppressions.from_program(program, statement_rows(program), codes)
            gathered.comments[str(path)] = (program, suppressions, Sources(read, {path: program}))
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
        program, suppressions, sources = gathered.comments[path]
        for unused in suppressions.unused():
            if not suppressions.hides(UNUSED, unused.row):
                place = Place(path, *program.place(unused.start), *program.place(unused.end))
                told_codes = ", ".join(unused.codes)
                cure = Cure(f"take the suppression of {told_codes} away", "safe", (Comment(place, unused.content),))
                found = finding(UNUSED, f"suppression of {told_codes} hides nothing", place)
                kept.append(sources.complete(replace(found, cure=cure)))
    return kept


def _failure(path: Path, failure: Failed) -> Finding:
    place = Place(str(path), failure.row, failure.column, failure.row, failure.column)
    return finding(INTERNAL if failure.internal else UNREADABLE, failure.message, place)


def _top(path: Path) -> Place:
    return Place(str(path), 1, 1, 1, 1)
