"""What is said of each project of a run: by an earlier run, else by the analysis; several are analysed side by side.

Projects share nothing, unless one lies inside of another: these are asked about together. What is said does not depend on
how many processes say it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnlint.answers import Answer, Answers
from bnlint.cache import cache_for
from bnlint.config import Settings
from bnlint.findings import Finding
from bnlint.read.context import context_files

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bnlint.analysis.programs import Progress

Projects = Mapping[Path, Sequence[Path]]
"""the linted files of each project, by its root"""

PARALLEL_FROM = 400_000
"""bytes of source from which forking pays"""
UNEVEN = 1.3
"""Where the largest project is so much more than a processor's share, its own entry points are better told side by side."""


def answer_of_all(
    projects: Projects, given: Mapping[Path, bytes], settings: Settings, unlisted: Sequence[Finding], progress: Progress | None
) -> Answer:
    """What is said of all projects. `given` stands for the content of files; `unlisted` is what is known already."""
    if given or unlisted or not projects:
        files = [file for members in projects.values() for file in members]
        return _analysed(projects, files, given, settings, unlisted, progress)
    groups = _independent(projects)
    kept = [_kept(group, settings) for group in groups]
    answers = [each.get() if each is not None else None for each in kept]
    missing = [number for number, answer in enumerate(answers) if answer is None]
    found = _side_by_side([groups[number] for number in missing], settings, progress)
    for number, known in zip(missing, found, strict=True):
        own = kept[number]
        answer = known
        if answer is None:
            files = [file for members in groups[number].values() for file in members]
            read = own.read if own is not None else {}
            answer = _analysed(groups[number], files, read, settings, (), progress)
        answers[number] = answer
        if own is not None and answer.lasts:
            own.put(answer)
    return _joined([answer for answer in answers if answer is not None])


def _independent(projects: Projects) -> list[dict[Path, Sequence[Path]]]:
    """The projects, each by itself; one inside of another together with it, for they share files."""
    groups: dict[Path, dict[Path, Sequence[Path]]] = {}
    for root in sorted(projects, key=lambda path: len(path.parts)):
        outer = next((path for path in reversed(root.parents) if path in groups), root)
        groups.setdefault(outer, {})[root] = projects[root]
    return [groups[outer] for outer in sorted(groups)]


def _kept(projects: Projects, settings: Settings) -> Answers | None:
    kept = cache_for(next(iter(projects)), settings.cache_dir) if settings.cache else None
    if kept is None:
        return None
    files = [file for members in projects.values() for file in members]
    names = (sorted(settings.batch_norm_classes), sorted(settings.models_with_batch_norm))
    listed = {root: (*members, *context_files(root)) for root, members in projects.items()}
    return Answers(kept, listed, files, (settings.prefilter, *names, settings.small_batch))


def _analysed(
    projects: Projects,
    files: Sequence[Path],
    given: Mapping[Path, bytes],
    settings: Settings,
    unlisted: Sequence[Finding],
    progress: Progress | None,
) -> Answer:
    # imported where there is work to do: it needs the rules, and they need most of bnlint
    from bnlint.analysis.pipeline import analysed

    return analysed(projects, files, given, settings, unlisted, progress)


def _joined(answers: Sequence[Answer]) -> Answer:
    return Answer(
        tuple(item for answer in answers for item in answer.findings),
        sum(answer.with_batch_norm for answer in answers),
        sum(answer.networks for answer in answers),
        tuple(entry for answer in answers for entry in answer.exhausted),
        answers[0].codes,
    )


# --- several processes -----------------------------------------------------------------------


def _side_by_side(groups: Sequence[Projects], settings: Settings, progress: Progress | None) -> list[Answer | None]:
    """The answers that child processes found, None for those that are to be found here."""
    found: list[Answer | None] = [None] * len(groups)
    workers = settings.jobs or (1 if os.environ.get("PRE_COMMIT") else os.cpu_count() or 1)
    # forking is safe with one thread only
    if workers < 2 or len(groups) < 2 or sys.platform != "linux" or threading.active_count() > 1:
        return found
    sizes = [sum(_size(file) for members in group.values() for file in members) for group in groups]
    if sum(sizes) < PARALLEL_FROM or max(sizes) * min(workers, len(groups)) > UNEVEN * sum(sizes):
        return found

    import multiprocessing

    from bnlint.rulebook import load_rules

    load_rules()  # imports most of bnlint, once for all children
    context = multiprocessing.get_context("fork")
    largest_first = sorted(range(len(groups)), key=lambda number: -sizes[number])
    following = context.Value("i", 0)
    children = []
    for _ in range(min(workers, len(groups))):
        mine, theirs = context.Pipe(duplex=False)
        arguments = ([groups[number] for number in largest_first], replace(settings, jobs=1), following, theirs)
        child = context.Process(target=_child, args=arguments, daemon=True)
        child.start()
        theirs.close()
        children.append((child, mine))
    for child, mine in children:
        try:
            while True:
                at, answer = mine.recv()
                found[largest_first[at]] = answer
                if progress is not None:
                    progress("analysing", sum(each is not None for each in found), len(groups))
        except (EOFError, OSError):
            pass  # it has told all, or died, whyever: what is missing is found here
        finally:
            mine.close()
            child.join()
    return found


def _child(groups: Sequence[Projects], settings: Settings, following: Any, results: Connection) -> None:
    while True:
        with following.get_lock():
            at, following.value = following.value, following.value + 1
        if at >= len(groups):
            break
        files = [file for members in groups[at].values() for file in members]
        results.send((at, _analysed(groups[at], files, {}, settings, (), None)))
    results.close()


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return 0
