"""Train ops that run the update ops of more layers than they train: what is frozen, or another network's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Step
from bnlint.judging.updating import UPDATES, concerned, title, touches
from bnlint.story.events import CollectionRead, GraphNorm, Story, TrainOp
from bnlint.story.values import truth


@dataclass(frozen=True, slots=True)
class Surplus:
    """A train op, and the batch norms whose averages it moves without training their layers."""

    train: TrainOp
    norms: tuple[GraphNorm, ...]
    trained_elsewhere: bool
    """some other train op of the program trains them"""
    grouped: bool = False
    """that train op runs in the same step"""


def surplus(story: Story) -> Iterator[Surplus]:
    """What each train op on a known subset of the variables updates beside it, frozen layers and those of others apart."""
    trains: list[TrainOp] = story.of(TrainOp)
    for train in trains:
        if train.variables is None or any("?" in name for name in train.variables):
            continue
        if any(token.ref.named for token in train.runs if token.kind == "read"):
            continue  # the update ops were chosen by their names
        mine = concerned(train)
        if len(mine) == len(train.through) and len(trains) == 1:
            continue
        beside = [
            token.ref
            for token in train.runs
            if token.kind == "update" and moves(token.ref) and not belongs(token.ref, train) and "?" not in token.ref.name
        ]
        beside.sort(key=lambda norm: norm.norm.serial)
        own = {id(norm) for other in trains if other is not train for norm in beside if belongs(norm, other)}
        frozen = tuple(norm for norm in beside if id(norm) not in own)
        others = tuple(norm for norm in beside if id(norm) in own)
        if frozen:
            yield Surplus(train, frozen, False)
        built = {token.ref for token in train.built if token.kind == "update"}
        others = tuple(norm for norm in others if norm in built)
        if others and not told_apart(story, train):
            rivals = [other for other in trains if other is not train and any(belongs(norm, other) for norm in others)]
            yield Surplus(train, others, True, all(other.token in train.runs for other in rivals))


def told_apart(story: Story, train: TrainOp) -> bool:
    """Whether the program reads the collection again as networks are added, up to a train op: it may take the difference."""
    reads = [read for read in story.of(CollectionRead) if read.key == UPDATES and read.number < train.number]
    sizes = {len(read.held) for read in reads}
    return len(sizes) > 1


def moves(norm: GraphNorm) -> bool:
    """Whether the layer's update ops can do anything: its flag is not known to be off."""
    return truth(norm.flag) is not False


def belongs(norm: GraphNorm, train: TrainOp) -> bool:
    """Whether a train op changes the weights beside a batch norm: those of its layer, or of the same scope."""
    if train.variables is None:
        return norm.token in train.through
    scope = norm.name.rpartition("/")[0]
    return any(
        touches(norm.name, path) or (scope and (path == scope or path.startswith(f"{scope}/")))
        for path in (name.rpartition("/")[0] for name in train.variables)
    )


def trace(found: Surplus) -> list[Step]:
    places = {norm.where.place: norm for norm in found.norms}
    return [Step(f"the averages of this {title(norm)} move", place) for place, norm in list(places.items())[:3]]
