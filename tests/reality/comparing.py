"""The story that is told of a program, held against what happened when it ran.

Sound: every forward that ran is told, at its place, by an event that allows the mode of each of its batch norms, its batch
size, and whether gradients were recorded; one that a gradient went back through is told as training, one whose output
reached an environment as acting.
Precise: what is told of a place is what happened there, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.findings import Place
from bnlint.program.lower import parse_program
from bnlint.project.imports import Imports
from bnlint.project.project import Project
from bnlint.story import tell
from bnlint.story.events import Forward, Story
from bnlint.story.joining import flow_of

if TYPE_CHECKING:
    from tests.reality.recording import Happened, Spot


@dataclass(slots=True)
class Verdict:
    """What a comparison found.

    unsound: what happened and is not told; vague: places of which too much is told; exact: how many places are told as
    they are.
    """

    unsound: list[str] = field(default_factory=list)
    vague: list[str] = field(default_factory=list)
    exact: int = 0
    forwards: int = 0


def told(root: Path, texts: Mapping[Path, str]) -> list[Story]:
    """The stories of a project's programs that begin without unknown arguments."""
    programs = {path: parse_program(text) for path, text in texts.items()}
    return bound(tell(Project(root, programs, Imports(root, programs), frozenset(programs))))


def bound(stories: Iterable[Story]) -> list[Story]:
    found = list(stories)
    failures = [failure for story in found for failure in story.failures]
    assert failures == [], failures
    return [story for story in found if story.bound]


def stands_at(place: Place, spot: Spot) -> bool:
    if place.path != spot.file or not place.row <= spot.row <= place.end_row:
        return False
    return spot.column is None or place.row != place.end_row or place.column <= spot.column + 1 <= place.end_column


def compare(stories: Sequence[Story], runs: Sequence[Sequence[Happened]]) -> Verdict:
    """Hold the stories of a program against several runs of it."""
    verdict = Verdict()
    events: list[Forward] = [event for story in stories for event in story.of(Forward)]
    by_row: dict[tuple[str, int], list[Forward]] = {}
    for event in events:
        for row in range(event.where.place.row, event.where.place.end_row + 1):
            by_row.setdefault((event.where.place.path, row), []).append(event)
    seen: dict[tuple[str, int], set[tuple[Spot, str]]] = {}
    for happened in {key(each): each for run in runs for each in run}.values():
        verdict.forwards += 1
        at = (happened.spot.file, happened.spot.row)
        seen.setdefault(at, set()).update(happened.norms)
        problem = wrong(by_row.get(at, []), happened)
        if problem:
            verdict.unsound.append(f"{Path(happened.spot.file).name}:{happened.spot.row}: {problem}")
    for line, here in by_row.items():
        modes = {(use.norm.site, mode.name) for event in here for use in event.norms for mode in use.modes}
        really = seen.get(line, set())
        extra = sorted(
            f"{site.row if site else '?'} {mode}"
            for site, mode in modes
            if not any(site is not None and stands_at(site, spot) and name == mode for spot, name in really)
        )
        if extra or line not in seen:
            verdict.vague.append(f"{line[1]}: told but not seen: {', '.join(extra) or 'the forward'}")
        else:
            verdict.exact += 1
    return verdict


def key(happened: Happened) -> object:
    became = (happened.grad, happened.trained, happened.acted)
    return (happened.spot, happened.calls, frozenset(happened.norms), happened.batch, became)


def wrong(here: Sequence[Forward], happened: Happened) -> str:
    """Why no event at its place tells of a forward; empty if one does."""
    if not here:
        return "a forward that is not told"
    fits = [event for event in here if all(allows(event, spot, mode) for spot, mode in happened.norms)]
    if not fits:
        missing = sorted(
            f"{spot.row} in {mode}" for spot, mode in happened.norms if not any(allows(event, spot, mode) for event in here)
        )
        return f"batch norms of {', '.join(missing) or 'several rows at once'}"
    fits = [event for event in fits if event.grad is None or event.grad is happened.grad]
    if not fits:
        return f"gradients {happened.grad}"
    fits = [event for event in fits if fits_batch(event, happened.batch)]
    if not fits:
        return f"batch of {happened.batch}"
    if happened.trained and not any("training" in event.purposes for event in fits):
        return "a gradient goes back through it"
    if happened.acted and not any("acting" in event.purposes for event in fits):
        return "an environment is given what it computes"
    return ""


def fits_batch(event: Forward, batch: int | None) -> bool:
    """Whether a batch may be of this size; the last one of a loader may be smaller than the loader's batch size."""
    if event.batch is None or batch is None or event.batch == batch:
        return True
    return batch < event.batch and any(token.kind == "batch" for value in event.inputs for token in flow_of(value)[0])


def allows(event: Forward, spot: Spot, mode: str) -> bool:
    """Whether a batch norm built there may be in this mode; one that stands for those of a library has no place of its own."""
    return any(
        (use.norm.site is None or stands_at(use.norm.site, spot)) and any(each.name == mode for each in use.modes)
        for use in event.norms
    )
