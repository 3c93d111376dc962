"""Where the flag that decides between training and inference was left to the library's default, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence, Place, Step
from bnlint.judging.modes import names
from bnlint.judging.updating import concerned
from bnlint.story.events import Event, Forward, GraphNorm, NormUse, Story, TrainOp
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


def not_handed_on(story: Story) -> Iterator[tuple[Unflagged, Confidence]]:
    """Batch norms left to their default by a wrapper that asks for the mode: one group for each function."""
    norms, given = dropped(story), handing(story)
    yield from left_to_default(story, [norm for norm in norms if function_of(norm) not in given])


def forgotten(story: Story) -> Iterator[tuple[Unflagged, Confidence]]:
    """Batch norms left to their default in a function that hands the flag it asks for to others."""
    norms, given = dropped(story), handing(story)
    wrong = [*never_normalising(story), *evaluated_in_train_mode(story)] if norms else []
    told = {id(norm) for found in wrong for norm in found.norms}
    yield from left_to_default(story, [norm for norm in norms if function_of(norm) in given and id(norm) not in told])


def dropped(story: Story) -> list[GraphNorm]:
    """Batch norms left to their default where a function around asks for the mode."""
    return [event for event in story.of(GraphNorm) if event.by_default and event.dropped and not story.test]


def handing(story: Story) -> set[tuple[object, ...]]:
    """The functions that hand the flag to some batch norm."""
    return {function_of(event) for event in story.of(GraphNorm) if not event.by_default}


def left_to_default(story: Story, norms: list[GraphNorm]) -> Iterator[tuple[Unflagged, Confidence]]:
    if not norms:
        return
    trained = {id(norm) for train in story.of(TrainOp) for norm in concerned(train)}
    handed = any(norm.handed for norm in story.of(GraphNorm))  # so that no scope of an unknown caller is relied on
    told: set[object] = set()
    for found in grouped(norms, norms[0], told):
        learns = any(id(norm) in trained for norm in found.norms)
        scoped = truth(found.norms[0].flag) is True and (story.bound or handed)
        matters = learns or scoped  # what is never trained may be frozen on purpose
        yield found, "possible" if not matters else "certain" if story.bound else "likely"


def function_of(event: Event) -> tuple[object, ...]:
    return (event.where.place.path, event.where.functions[-1:])


def lost_on_the_way(story: Story) -> Iterator[tuple[Forward, NormUse, str, Place]]:
    """Keras layers that train in inference mode because a function around was told to train and did not say so; each once."""
    told: set[object] = set()
    for forward in story.of(Forward):
        if forward.framework != "keras" or "training" not in forward.purposes or story.test:
            continue
        for use in forward.norms:
            if use.dropped is not None and use.certain and names(use) == {"eval"}:
                name, place = use.dropped
                if (place.path, name) not in told:
                    told.add((place.path, name))
                    yield forward, use, name, place


def taped_in_inference_mode(story: Story) -> Iterator[tuple[Forward, Confidence]]:
    """Forwards of Keras models that a gradient flows through while nothing says `training`."""
    told: set[object] = set()
    for forward in story.of(Forward):
        if forward.framework != "keras" or "training" not in forward.purposes or forward.where.place in told:
            continue
        used = [use for use in forward.norms if use.certain and use.by_default and names(use) == {"eval"}]
        if used and len(used) == len([use for use in forward.norms if "eval" in names(use)]):
            told.add(forward.where.place)
            yield forward, "certain" if story.bound and not any(use.perhaps_frozen for use in used) else "likely"


def grouped(norms: Iterable[GraphNorm], by: Event, told: set[object]) -> Iterator[Unflagged]:
    """One group for each function that builds some of them, each layer told once."""
    groups: dict[object, list[GraphNorm]] = {}
    for norm in norms:
        if norm.by_default:
            groups.setdefault(function_of(norm), []).append(norm)
    for key, found in groups.items():
        if key not in told:
            told.add(key)
            found.sort(key=lambda norm: (norm.where.place.row, norm.where.place.column))
            yield Unflagged(tuple(found), by)


def others(found: Unflagged) -> list[Step]:
    """Further layers of the group, so that all of them are seen."""
    places = {norm.where.place: None for norm in found.norms}
    return [Step("nor does this one", place) for place in list(places)[1:4]]
