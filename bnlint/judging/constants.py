"""Batch norms that a constant tells to train, in networks that also evaluate or that ask for the mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence, Place, Step
from bnlint.judging import evaluating
from bnlint.judging.modes import ORDER, names
from bnlint.judging.updating import DISCRIMINATOR
from bnlint.story.events import Forward, GraphNorm, Story
from bnlint.story.values import truth

JUDGES = re.compile(r"discriminat|critic", re.I)
GENERATES = re.compile(r"gener|gan(\b|_|s\b)|pix2|cycle", re.I)
"""functions around the layers of networks that are sampled in train mode on purpose"""


@dataclass(frozen=True, slots=True)
class Constant:
    """Batch norms of one function that a constant at `place` puts in train mode, and what shows that it is a mistake."""

    norms: tuple[GraphNorm, ...]
    place: Place
    confidence: Confidence
    run: Forward | None
    """the evaluation they run in"""

    @property
    def dropped(self) -> str:
        return self.norms[0].dropped


def told_to_train(norm: GraphNorm) -> bool:
    """Whether a constant says so, and not in one of the branches of a condition of the graph."""
    return truth(norm.flag) is True and not norm.by_default and not norm.under


def constants(story: Story) -> Iterator[Constant]:
    """Each constant once, with the surest evidence against it."""
    if story.test:
        return
    found: dict[object, list[GraphNorm]] = {}
    for norm in story.of(GraphNorm):
        if told_to_train(norm):
            own = norm.where.place
            found.setdefault(stands(norm) if norm.written else own.path, []).append(norm)
    if not found:
        return
    evaluated: dict[int, tuple[Forward, Confidence]] = {}
    for forward, sure in evaluating.evaluations(story):
        for use in forward.norms:
            before = evaluated.get(id(use.norm))
            if names(use) == {"train"} and (before is None or ORDER[sure] > ORDER[before[1]]):
                evaluated[id(use.norm)] = forward, sure
    for norms in found.values():
        known = [evaluated[id(norm.norm)] for norm in norms if id(norm.norm) in evaluated]
        best = max(known, key=lambda one: ORDER[one[1]]) if known else None
        sure = best[1] if best is not None else "possible"
        ignored = any(norm.dropped for norm in norms)
        if ignored and ORDER[sure] < ORDER["likely"] and not all(judges(norm) for norm in norms):
            sure = "likely"
        if not ignored and all(generates(norm) for norm in norms):
            sure = "possible"
        if best is not None or ignored:
            yield Constant(tuple(norms), stands(norms[0]), sure, best[0] if best is not None else None)


def judges(norm: GraphNorm) -> bool:
    """Whether it belongs to a discriminator, whose averages nobody asks for."""
    return bool(DISCRIMINATOR.search(norm.name)) or any(JUDGES.search(name) for name in norm.where.functions)


def generates(norm: GraphNorm) -> bool:
    return any(GENERATES.search(name) for name in (*norm.where.functions, norm.name))


def stands(norm: GraphNorm) -> Place:
    """Where the constant is seen: at the layer's call if it is written there, else where it is handed over."""
    own, written = norm.where.place, norm.written
    if written is None or (written.path == own.path and own.row <= written.row <= own.end_row):
        return own
    return written


def trace(found: Constant) -> list[Step]:
    places = {norm.where.place: norm for norm in found.norms}
    steps = [Step("it puts this layer in train mode", place) for place in list(places)[:2]]
    if found.run is not None:
        steps.append(Step("the network is evaluated here", found.run.where.place))
    return steps
