"""What the rules say about each story of a project; the stories are told in several processes where that pays.

A verdict is data: no story outlives it. Entry points are told in any order by child processes, which are forked when the
bodies of all modules have been run. Which of their verdicts count is decided in the order of the entry points, and one that
might have been another in that order is found anew, so the verdicts are the same for any number of processes.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bnlint.analysis.remembered import Found, Memory, Remembered
from bnlint.analysis.verdict import Trace, Verdict
from bnlint.boundaries import Claim, one_per_mistake
from bnlint.findings import Finding, Place
from bnlint.judging.modes import followed
from bnlint.project.project import Project
from bnlint.rule import Report, Rule
from bnlint.story.events import GraphNorm, Story
from bnlint.story.telling import Entry, Teller
from bnlint.story.values import Lib

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PARALLEL_FROM = 8_000
"""lines of programs from which forking pays"""
GRAPHS_SHARE = 5
"""Where more than every fifth module imports a library of graphs, much is kept from one story to the next."""
OF_GRAPHS = frozenset({"tensorflow", "keras", "flax", "slim", "jax"})


def verdicts(
    project: Project, rules: Sequence[Rule], jobs: int | None = None, memory: Memory | None = None
) -> Iterator[Verdict]:
    """One verdict for each story, in the order of the stories; `memory` is what may be known from an earlier run."""
    teller = Teller(project)
    run = teller.run
    with _collected_rarely():
        for story in teller.modules():
            yield judged(story, rules)
        stages = list(teller.stages())
        known = Remembered(memory, teller, [entry for stage in stages for entry in stage]) if memory is not None else None
        workers = _workers(teller, jobs)
        # of what the stories note, the first counts: it is handed over in their order, when all have been told
        notes = [run.hooks.notes(run)]
        for stage in stages:
            found = known.of(stage) if known is not None else {}
            if workers > 1:
                found.update(_found(teller, stage, rules, workers, found))
            for number, entry in enumerate(stage):
                if not teller.wanted(entry):
                    continue
                verdict, trace = found.pop(number, (None, None))
                if verdict is None or trace is None or trace.allowed != _allowed(teller, entry):
                    verdict, trace = _apart(teller, entry, rules)
                else:
                    run.reached |= trace.reached
                    run.budget.spend(entry.bound, trace.spent)
                notes.append(trace.notes)
                if known is not None:
                    known.keep(entry, verdict, trace)
                yield verdict
        if known is not None:
            known.close()
        for each in notes:
            run.hooks.noted(run, each)
        for story in teller.rest():
            yield judged(story, rules)


def judged(story: Story, rules: Sequence[Rule]) -> Verdict:
    failures = [(failure.message, failure.place) for failure in story.failures]
    claims: list[Claim] = []
    for rule in rules:
        try:
            claims += [Claim(_finding(rule, report, story), report.subjects) for report in rule.check(story)]
        except Exception as error:
            place = Place(str(story.path), 1, 1, 1, 1)
            failures.append((f"rule {rule.code} failed with {type(error).__name__}: {error}", place))
    findings = tuple(claim.finding for claim in one_per_mistake(claims))
    exhausted = f"{story.path}: {story.entry}" if story.exhausted else None
    return Verdict(findings, tuple(failures), exhausted, frozenset(followed(story)))


def _finding(rule: Rule, report: Report, story: Story) -> Finding:
    return Finding(
        rule.code,
        rule.name,
        report.message,
        report.severity or rule.severity,
        "possible" if story.cut else report.confidence,
        report.place,
        report.trace,
        default=rule.default if report.default is None else report.default,
        cure=report.fix,
    )


@contextmanager
def _collected_rarely() -> Iterator[None]:
    """Programs live to the end, and values have few cycles: looking through all of them often would be a third of the time."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


# --- several processes -----------------------------------------------------------------------


def _workers(teller: Teller, jobs: int | None) -> int:
    """How many processes tell. Forking is safe with one thread only; where it is not there, one process tells."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    wanted = jobs or (1 if os.environ.get("PRE_COMMIT") else os.cpu_count() or 1)
    if sum(len(program.lines) for program in teller.project.programs.values()) < PARALLEL_FROM:
        return 1
    modules = teller.run.modules.values()
    of_graphs = [
        module
        for module in modules
        if any(isinstance(value, Lib) and value.name.partition(".")[0] in OF_GRAPHS for value in module.table.values())
    ]
    return 1 if len(of_graphs) * GRAPHS_SHARE > len(modules) else wanted


def _allowed(teller: Teller, entry: Entry) -> int:
    program = teller.project.programs.get(entry.module.path)
    return teller.run.budget.allowed(entry.bound, len(program.lines) if program is not None else 0)


def _found(teller: Teller, stage: Sequence[Entry], rules: Sequence[Rule], workers: int, known: Found) -> Found:
    """The verdicts of a stage's entry points by their number, as far as child processes could find them."""
    wanted = [number for number, entry in enumerate(stage) if number not in known and teller.wanted(entry)]
    if len(wanted) < 2:
        return {}
    import multiprocessing

    context = multiprocessing.get_context("fork")
    following = context.Value("i", 0)
    found: Found = {}
    gc.freeze()  # what a collection touches would be copied by each of the children
    children = []
    for _ in range(min(workers, len(wanted))):
        mine, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(teller, stage, rules, wanted, following, theirs), daemon=True)
        child.start()
        theirs.close()
        children.append((child, mine))
    for child, mine in children:
        try:
            found.update(mine.recv())
        except (EOFError, OSError):
            pass  # it has died, whyever: what it had to tell is told here
        finally:
            mine.close()
            child.join()
    return found


def _child(
    teller: Teller, stage: Sequence[Entry], rules: Sequence[Rule], wanted: Sequence[int], following: Any, results: Connection
) -> None:
    found: Found = {}
    while True:
        with following.get_lock():
            at, following.value = following.value, following.value + 1
        if at >= len(wanted):
            break
        entry = stage[wanted[at]]
        if not teller.wanted(entry):
            continue
        verdict, trace = _apart(teller, entry, rules)
        if trace.alone:
            found[wanted[at]] = verdict, trace
    results.send(found)
    results.close()


def _apart(teller: Teller, entry: Entry, rules: Sequence[Rule]) -> tuple[Verdict, Trace]:
    """The verdict on an entry point, and what telling it has left behind. Its notes are taken away."""
    run = teller.run
    before = (run.hooks.lasting(), len(run.classes), len(run.modules), len(run.probed))
    reached, allowed = run.reached, _allowed(teller, entry)
    left = run.budget.bound if entry.bound else run.budget.unbound
    run.reached, run.imported, run.whole = set(), set(), False
    try:
        story = teller.tell(entry)
        verdict = judged(story, rules)
    finally:
        own = frozenset(run.reached)
        reached |= own
        run.reached = reached
    spent = left - (run.budget.bound if entry.bound else run.budget.unbound)
    after = (run.hooks.lasting(), len(run.classes), len(run.modules), len(run.probed))
    alone = before == after and not any(story.of(GraphNorm))
    return verdict, Trace(allowed, spent, own, run.hooks.notes(run), frozenset(run.imported), run.whole, alone)
