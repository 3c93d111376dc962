"""Validation that moves the averages: runs of a TensorFlow graph that evaluate in train mode and update with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence, Place, Step
from bnlint.judging import constants, evaluating
from bnlint.judging.modes import ORDER, names
from bnlint.story.events import Forward, GraphNorm, Story, TrainOp
from bnlint.story.values import Data, Token


@dataclass(frozen=True, slots=True)
class Feeding:
    """Batch norms whose averages an evaluation moves, at the constant or at the feed that is the reason."""

    norms: tuple[GraphNorm, ...]
    place: Place
    run: Forward
    how: str
    """"fed": the run itself says so; "tower": a tower of its own is built in train mode"""
    train: TrainOp | None
    """the train op that runs the tower's updates; None where they run in place"""
    confidence: Confidence


def feeding(story: Story) -> Iterator[Feeding]:
    """One for each place, the surest."""
    trains: list[TrainOp] = story.of(TrainOp)
    if story.test or not trains:
        return
    known = evaluating.layers(story)
    through = {token for train in trains for token in train.through}
    shared = {constants.stands(token.ref) for token in through}
    best: dict[Place, Feeding] = {}
    for forward, sure in evaluating.evaluations(story):
        moved = [known[id(use.norm)] for use in forward.norms if names(use) == {"train"} and id(use.norm) in known]
        for norms, place, how, train in causes(moved, forward, trains, through, shared):
            if place not in best or ORDER[sure] > ORDER[best[place].confidence]:
                best[place] = Feeding(norms, place, forward, how, train, sure)
    yield from best.values()


def causes(
    moved: list[GraphNorm], forward: Forward, trains: list[TrainOp], through: set[Token], shared: set[Place]
) -> Iterator[tuple[tuple[GraphNorm, ...], Place, str, TrainOp | None]]:
    """Why the averages of layers in train mode move: their places, "fed" or "tower", and the train op that updates them."""
    fed = tuple(norm for norm in moved if norm.in_place and type(norm.flag) is Data)
    if fed:
        yield fed, forward.where.place, "fed", None
    towers: dict[Place, list[GraphNorm]] = {}
    for norm in moved:
        place = constants.stands(norm)
        # what training itself is told by the same constant is one with BN204
        if constants.told_to_train(norm) and norm.token not in through and place not in shared:
            towers.setdefault(place, []).append(norm)
    for place, norms in towers.items():
        train = next((train for train in trains if any(norm.update in train.runs for norm in norms)), None)
        if train is not None or any(norm.in_place for norm in norms):
            yield tuple(norms), place, "tower", train


def trace(found: Feeding) -> list[Step]:
    steps = [Step("the averages of this layer move", norm.where.place) for norm in found.norms[:1]]
    if found.train is not None:
        steps.append(Step("every step of this train op runs the tower's updates, too", found.train.where.place))
    steps.append(Step("the tower is evaluated here", found.run.where.place))
    return steps
