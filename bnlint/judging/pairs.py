"""The same statement twice where the second was meant for another network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from bnlint.judging import modes, purposes
from bnlint.story.events import Forward, ModeSet, Story

NEAR = 3
"""rows between two statements that were copied from each other"""


def twice(story: Story) -> Iterator[tuple[ModeSet, ModeSet, Forward]]:
    """`a.eval()` twice, and a forward of another network beside `a` that is left in train mode."""
    switches = [event for event in story.of(ModeSet) if len(event.modes) == 1]
    doubled = [(one, two) for one, two in pairwise(switches) if same(story, one, two)]
    if not doubled or story.test:
        return
    forwards = [forward for forward in story.of(Forward) if forward.framework == "torch"]
    told: set[object] = set()
    for first, second in doubled:
        if second.where.place in told:
            continue
        left = neglected(story, second, forwards)
        if left is not None:
            told.add(second.where.place)
            yield first, second, left


def same(story: Story, one: ModeSet, two: ModeSet) -> bool:
    here, there = one.where.place, two.where.place
    return (
        one.net is two.net
        and one.modes == two.modes == {"eval"}
        and here.path == there.path
        and one.where.calls == two.where.calls
        and 0 < abs(there.row - here.row) <= NEAR
        and not any(isinstance(event, Forward) for event in story.events[one.number : two.number])
    )


def neglected(story: Story, switch: ModeSet, forwards: list[Forward]) -> Forward | None:
    """A forward in train mode after a network was put in eval mode twice, in a loop in which that network runs, too."""
    depth = max(0, len(switch.where.calls) - 1)  # the function itself, or the one that calls it
    after = [
        forward for forward in forwards
        if forward.number > switch.number and forward.where.calls[:depth] == switch.where.calls[:depth]
    ]  # fmt: skip
    beside = {loops(forward) for forward in after if purposes.related(forward.net, switch.net)}
    for forward in after:
        if purposes.related(forward.net, switch.net) or "training" in forward.purposes or loops(forward) not in beside:
            continue
        if modes.all_in_train_mode(forward) and modes.in_train_mode(forward) == "certain":
            return forward
    return None


def loops(forward: Forward) -> object:
    return forward.where.loops[-1][0] if forward.where.loops else forward.where.calls
