"""What stands before a batch norm: the layer that gave its input, and what is known of its shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Step
from bnlint.judging.modes import names
from bnlint.judging.traces import title
from bnlint.story.events import Chained, Forward, Story
from bnlint.story.values import Obj, Shape


@dataclass(frozen=True, slots=True)
class Fed:
    """A batch norm, the shape of what it was given, and the forward that showed it; None where only a Sequential does."""

    norm: Obj
    shape: Shape
    forward: Forward | None
    trains: bool
    """it may be in train mode there"""


def fed(story: Story) -> Iterator[Fed]:
    """Every batch norm whose input is known in part, each combination once; what ran counts before what stands in line."""
    seen: set[tuple[int, Shape]] = set()
    trained: dict[int, bool] = {}
    for forward in story.of(Forward):
        for use in forward.norms:
            trained[id(use.norm)] = trained.get(id(use.norm), False) or "train" in names(use)
            if use.shape is not None and (id(use.norm), use.shape) not in seen:
                seen.add((id(use.norm), use.shape))
                yield Fed(use.norm, use.shape, forward, "train" in names(use))
    ran = {norm for norm, _ in seen}
    for event in story.of(Chained):
        if id(event.norm) not in ran and not story.test:  # what tests build they do not always call
            yield Fed(event.norm, event.shape, None, trained.get(id(event.norm), True))


def steps(found: Fed) -> list[Step]:
    """Where the batch norm is built, and where the network runs."""
    told = [Step(f"{title(found.norm)} is built here", found.norm.site)] if found.norm.site is not None else []
    if found.forward is not None:
        told.append(Step("the network runs here", found.forward.where.place))
    return told
