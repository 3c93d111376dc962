"""Which updates of own averages in a TensorFlow graph run, and when. Pure functions over a story's events."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Step
from bnlint.story.events import AverageUpdate, CollectionRead, Dependencies, Fetched, Story, TrainOp

UPDATES = "update_ops"


def never_run(story: Story) -> list[AverageUpdate]:
    """Updates of averages by which a graph normalises, and which nothing in the story ever runs, keeps or hands on."""
    found: list[AverageUpdate] = [event for event in concerned(story) if not event.used and not event.keys]
    ran = places(story, run_by_blocks(story)) if found else set()
    return [event for event in found if event.where.place not in ran]


def not_waited_for(story: Story) -> Iterator[tuple[TrainOp, list[AverageUpdate]]]:
    """Train ops beside which the updates of own averages lie in UPDATE_OPS without being run."""
    found: list[AverageUpdate] = [event for event in concerned(story) if event.keys == {UPDATES}]
    if not found:
        return
    reads: list[CollectionRead] = story.of(CollectionRead)
    if any(read.used or read.key == "?" for read in reads):
        return
    run = run_by_blocks(story)
    if places(story, run) & {event.where.place for event in found}:
        return
    for train in story.of(TrainOp):
        before = [event for event in found if event.number < train.number and event.token not in train.runs]
        if before:
            yield train, before


def concerned(story: Story) -> list[AverageUpdate]:
    """Updates whose moments normalise something: in a graph that is built to evaluate, nothing is missed."""
    if story.exhausted or story.test:
        return []
    events: list[AverageUpdate] = story.of(AverageUpdate)
    return [event for event in events if event.graph and any(token.ref.normalising for token in event.moments)]


def run_by_blocks(story: Story) -> frozenset[object]:
    """The tokens of all that runs: with an op that was created under dependencies, with a train op, by a session."""
    found: set[object] = set()
    for event in story.events:
        if isinstance(event, Dependencies) and event.made:
            found |= event.flow
        elif isinstance(event, TrainOp):
            found |= event.runs
        elif isinstance(event, Fetched):
            found |= event.flow
    return frozenset(found)


def places(story: Story, run: frozenset[object]) -> set[object]:
    """Where the updates stand that run in some call: the same statement may run in one and not in another."""
    events: list[AverageUpdate] = story.of(AverageUpdate)
    return {event.where.place for event in events if event.used or event.token in run}


def title(update: AverageUpdate) -> str:
    """What an update is called in messages."""
    if update.how == "apply":
        return "the op of ema.apply"
    return f"the op that updates {update.name}" if update.name else f"the op of {update.how}"


def moments(update: AverageUpdate) -> tuple[Step, ...]:
    """Where the moments are taken that it averages."""
    taken = sorted({token.ref.where.place for token in update.moments}, key=lambda place: (place.path, place.row))
    return tuple(Step("the moments of the batch are taken here", place) for place in taken[:1])
