"""Evaluations that normalise by their own batch: runs of a TensorFlow graph that are fed so, applications of Flax modules.

What a constant in the graph says is BN204's; what moves the averages in place as well is BN106's.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.findings import Confidence, Place
from bnlint.judging import constants, evaluating, purposes
from bnlint.judging.modes import ORDER, names
from bnlint.story.events import Forward, GraphNorm, StatisticsReturned, Story
from bnlint.story.values import Data


def fed(story: Story) -> Iterator[tuple[Forward, GraphNorm, Confidence]]:
    """Sessions that evaluate while the feed, or what a placeholder is by default, says that they train; each place once."""
    known = evaluating.layers(story)
    if not known:
        return
    best: dict[Place, tuple[Forward, GraphNorm, Confidence]] = {}
    for forward, sure in evaluating.evaluations(story):
        layers = [known[id(use.norm)] for use in forward.norms if names(use) == {"train"} and id(use.norm) in known]
        told = [norm for norm in layers if type(norm.flag) is Data and not norm.in_place]
        if not told or "acting" in forward.purposes:
            continue
        place = forward.where.place
        if purposes.on_purpose(story, forward) or all(constants.generates(norm) for norm in told):
            sure = "possible"
        if place not in best or ORDER[sure] > ORDER[best[place][2]]:
            best[place] = forward, told[0], sure
    yield from best.values()


def applied(story: Story) -> Iterator[StatisticsReturned]:
    """Applications of Flax modules in train mode in functions that evaluate: nothing is trained, nothing is kept; each once."""
    events: list[StatisticsReturned] = story.of(StatisticsReturned)
    if story.test or not any(event.used for event in events):
        return
    by_place: dict[Place, list[StatisticsReturned]] = {}
    for event in events:
        by_place.setdefault(event.where.place, []).append(event)
    for same in by_place.values():
        dropped = all(event.flag and not (event.used or event.trained) for event in same)
        if dropped and named(same[0]) and not purposes.on_purpose(story, same[0]):
            yield same[0]


def named(event: StatisticsReturned) -> bool:
    """Whether the function around an application says that it evaluates."""
    inner = [name for name in event.where.functions if name != "<module>"][-1:]
    return any(purposes.EVALUATION.search(name) and not purposes.TRAINING.search(name) for name in inner)
