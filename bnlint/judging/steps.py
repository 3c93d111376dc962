"""How many steps a network is trained for, where loops, arguments and sizes tell it."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import batches, modes
from bnlint.story.events import Forward, Story
from bnlint.story.values import Obj


def known(story: Story) -> Iterator[tuple[Obj, Forward, int]]:
    """Each network that is trained for a known number of steps, from new: one of its forwards, and the number."""
    found: dict[Obj, dict[object, Forward]] = {}
    for forward in batches.training(story):
        found.setdefault(forward.net, {}).setdefault((forward.where.place, forward.where.calls), forward)
    for net, forwards in found.items():
        counts = [turns(story, forward) for forward in forwards.values()]
        if net.slots.get("#loaded") or net.slots.get("#pretrained"):
            continue
        total = 0
        for count in counts:
            if count is None:
                break
            total += count
        else:
            yield net, next(iter(forwards.values())), total


def turns(story: Story, forward: Forward) -> int | None:
    """How often a forward runs in training, None where that is not known."""
    total = forward.steps
    for place, _ in forward.where.loops:
        length = story.lengths.get(place)
        if total is None or length is None:
            return None
        total *= length
    return total


def evaluated(story: Story, net: Obj, norm: Obj) -> bool:
    """Whether a batch norm of the network also normalises by its averages, outside of training."""
    return any(
        use.norm is norm and "eval" in modes.names(use)
        for forward in story.of(Forward)
        if forward.net is net and not forward.purposes & {"training", "graph"}
        for use in forward.norms
    )
