"""The time line of a story: its forwards and mode switches in their order, what repeats in the passes of a loop told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from bnlint.findings import Place
from bnlint.inspecting.atlas import Mode, Passes, Purpose, Turn
from bnlint.judging import evaluating, purposes
from bnlint.judging.modes import known_norms, names
from bnlint.judging.traces import title
from bnlint.story.events import Event, Forward, ModeSet, Story
from bnlint.story.values import Obj

MOST_TURNS = 300
"""lines of one time line"""

Numbers = Callable[[Event], Iterable[tuple[int, str]]]
"""the networks that an event is about, by number, and the part of each that is meant"""


@dataclass(slots=True)
class _Seen:
    """A turn, and the passes of its loops in which it was seen."""

    turn: Turn
    passes: set[tuple[int, ...]] = field(default_factory=set)


def timeline(story: Story, numbers: Numbers) -> tuple[tuple[Turn, ...], int]:
    """The turns, and how many more there are."""
    spots: dict[object, dict[Turn, _Seen]] = {}
    order: list[_Seen] = []
    judged: dict[object, tuple[Purpose, str]] = {}
    sessions: dict[int, str] = {id(forward): sure for forward, sure in evaluating.evaluations(story)}
    graphs: dict[object, Turn] = {}
    for event in story.events:
        if not isinstance(event, (Forward, ModeSet)):
            continue
        for number, part in numbers(event):
            spot: tuple[object, ...] = (number, part, type(event), event.where.place, event.where.calls)
            if isinstance(event, Forward):
                turn = _forward(story, event, number, judged, sessions)
            else:
                turn = _switch(event, number, part)
            if turn.purpose == "graph":
                # one line for all the layers that a function puts into a graph
                spot = (number, event.where.calls[:-1], event.where.functions)
                turn = graphs.setdefault((spot, turn.mode, turn.loops), turn)
            seen = spots.setdefault(spot, {}).get(turn)
            if seen is None:
                seen = spots[spot][turn] = _Seen(turn)
                order.append(seen)
            seen.passes.add(tuple(turn_of for _, turn_of in event.where.loops))
    siblings = {id(seen): list(variants.values()) for variants in spots.values() for seen in variants.values()}
    turns = [replace(seen.turn, passes=_passes(seen, siblings[id(seen)])) for seen in order[:MOST_TURNS]]
    return tuple(turns), len(order) - len(turns)


def _passes(seen: _Seen, siblings: list[_Seen]) -> Passes:
    """Whether a turn is one of the first pass or of later ones, in the outermost loop where that tells it from its siblings."""
    for level in range(len(seen.turn.loops) if len(siblings) > 1 else 0):
        mine = {each[level] for each in seen.passes if level < len(each)}
        if mine == {each[level] for other in siblings for each in other.passes if level < len(each)}:
            continue
        if mine == {0}:
            return "first"
        if 0 not in mine:
            return "later"
    return ""


def _forward(
    story: Story, event: Forward, number: int, judged: dict[object, tuple[Purpose, str]], sessions: dict[int, str]
) -> Turn:
    counts = _counts(event)
    # a question about the whole story: asked once for what it can depend on
    asked = (number, event.where.place, event.where.calls, event.grad, counts, frozenset(event.purposes))
    if asked not in judged:
        judged[asked] = _purpose(story, event, sessions.get(id(event)))
    purpose, sure = judged[asked]
    # outside of PyTorch nothing switches gradients on or off around a forward
    told = event.framework == "torch" or purpose == "training" or event.grad is False
    return Turn(
        number, event.where.place, _function(event), event.where.calls, _loops(event), "", _mode(counts), counts,
        purpose=purpose, sure=sure, batch=event.batch, assumed=event.batch_assumed, gradient=event.grad if told else None,
    )  # fmt: skip


def _switch(event: ModeSet, number: int, part: str) -> Turn:
    mode: Mode = "unknown" if len(event.modes) != 1 else "train" if "train" in event.modes else "eval"
    how = event.how.removesuffix(" =")
    return Turn(
        number, event.where.place, _function(event), event.where.calls, _loops(event), "", mode, switch=how, part=part
    )  # fmt: skip


def _purpose(story: Story, event: Forward, session: str | None) -> tuple[Purpose, str]:
    if "graph" in event.purposes:
        return "graph", ""
    acting = purposes.acting(story, event)
    if acting is not None:
        return "acting", acting
    if "training" in event.purposes:
        return "training", "certain"
    evaluation = session or purposes.evaluation(story, event)
    if evaluation is not None and not (evaluation == "possible" and "auxiliary" in event.purposes):
        return "evaluation", evaluation
    return ("target", "certain") if "auxiliary" in event.purposes else ("unknown", "")


def _counts(event: Forward) -> tuple[int, int, int]:
    found = [names(use) for use in known_norms(event)]
    train, evaluation = found.count({"train"}), found.count({"eval"})
    return train, evaluation, len(found) - train - evaluation


def _mode(counts: tuple[int, int, int]) -> Mode:
    train, evaluation, either = counts
    if either:
        return "unknown"
    if train and evaluation:
        return "mixed"
    return "train" if train else "eval"


def _function(event: Event) -> str:
    named = [name for name in event.where.functions if name != "<module>"]
    return named[-1] if named else ""


def _loops(event: Event) -> tuple[Place, ...]:
    return tuple(place for place, _ in event.where.loops)


def part_of(net: Obj, whole: str) -> str:
    """How a part of a network is named, "" for one that is called like the whole."""
    return "" if title(net) == whole else title(net)
