"""Where the flag that decides between training and inference was left to the library's default, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bnlint.findings import Step
from bnlint.judging.modes import names
from bnlint.judging.updating import concerned
from bnlint.story.events import Event, Forward, GraphNorm, Story, TrainOp
from bnlint.story.values import truth


@dataclass(frozen=True, slots=True)
class Unflagged:
    """Batch norms of one function that nothing tells their mode, and the event that makes it a mistake."""

    norms: tuple[GraphNorm, ...]
    by: Event


def never_normalising(story: Story) -> Iterator[Unflagged]:
    """Batch norms that a train op trains although, by default, they are in inference mode."""
    told: set[object] = set()
    for train in story.of(TrainOp):
        yield from grouped([norm for norm in concerned(train) if norm.by_default and truth(norm.flag) is False], train, told)


def evaluated_in_train_mode(story: Story) -> Iterator[Unflagged]:
    """Batch norms that a session evaluates although, by default, they are in train mode."""
    if story.test:
        return
    layers: dict[int, list[GraphNorm]] = {}
    for event in story.of(GraphNorm):
        layers.setdefault(id(event.norm), []).append(event)
    told: set[object] = set()
    for forward in story.of(Forward):
        if forward.framework != "tensorflow" or forward.purposes & {"training", "graph"}:
            continue
        used = [use for use in forward.norms if use.by_default and names(use) == {"train"}]
        yield from grouped([event for use in used for event in layers.get(id(use.norm), ())], forward, told)


def taped_in_inference_mode(story: Story) -> Iterator[Forward]:
    """Forwards of Keras models that a gradient flows through while nothing says `training`."""
    told: set[object] = set()
    for forward in story.of(Forward):
        if forward.framework != "keras" or "training" not in forward.purposes or forward.where.place in told:
            continue
        used = [use for use in forward.norms if use.certain and use.by_default and names(use) == {"eval"}]
        if used and len(used) == len([use for use in forward.norms if "eval" in names(use)]):
            told.add(forward.where.place)
            yield forward


def grouped(norms: Iterable[GraphNorm], by: Event, told: set[object]) -> Iterator[Unflagged]:
    """One group for each function that builds some of them, each layer told once."""
    groups: dict[object, list[GraphNorm]] = {}
    for norm in norms:
        place = norm.where.place
        if norm.by_default:
            groups.setdefault((place.path, norm.where.functions[-1:]), []).append(norm)
    for key, found in groups.items():
        if key not in told:
            told.add(key)
            found.sort(key=lambda norm: (norm.where.place.row, norm.where.place.column))
            yield Unflagged(tuple(found), by)


def others(found: Unflagged) -> list[Step]:
    """Further layers of the group, so that all of them are seen."""
    places = {norm.where.place: None for norm in found.norms}
    return [Step("nor does this one", place) for place in list(places)[1:4]]
