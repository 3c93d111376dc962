"""Batch norms that keep no running statistics, or stop to keep them, in networks that are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.judging import batches, modes, purposes
from bnlint.story.events import Forward, NormUse, Story, TrackingSet
from bnlint.story.values import Obj

WITHOUT = "#without_statistics"
"""slot of a batch norm that was built to keep none"""


@dataclass(frozen=True, slots=True)
class Stateless:
    """A network whose batch norms keep no statistics, and the forwards that evaluate it."""

    net: Obj
    norms: tuple[Obj, ...]
    evaluations: tuple[Forward, ...]
    trained: bool


def without_statistics(story: Story) -> Iterator[Stateless]:
    """Each network once that is trained or evaluated with such batch norms."""
    uses: dict[Obj, tuple[dict[Obj, None], list[Forward], list[Forward]]] = {}
    for forward in story.of(Forward):
        own = [use.norm for use in forward.norms if use.certain and use.norm.slots.get(WITHOUT)]
        if forward.framework != "torch" or not own:
            continue
        norms, trained, evaluations = uses.setdefault(forward.net, ({}, [], []))
        norms.update(dict.fromkeys(own))
        if "training" in forward.purposes:
            trained.append(forward)
        elif purposes.evaluation(story, forward) is not None and not purposes.on_purpose(story, forward):
            evaluations.append(forward)
    for net, (norms, trained, evaluations) in uses.items():
        yield Stateless(net, tuple(norms), tuple(evaluations), bool(trained))


def stopped(story: Story) -> Iterator[tuple[TrackingSet, Forward, Forward]]:
    """Batch norms whose averages stay as they were built, the training that does not move them, and an evaluation with them."""
    switches: dict[Obj, list[TrackingSet]] = {}
    for event in story.of(TrackingSet):
        switches.setdefault(event.norm, []).append(event)
    if not switches or story.test:
        return
    lasting = {
        norm: found[0]
        for norm, found in switches.items()
        if norm.site is not None and all(event.flag is False and not event.removed for event in found)
    }
    trained: dict[Obj, Forward] = {}
    before: set[Obj] = set()
    for forward in batches.training(story):
        for norm in concerned(forward, "train", lasting):
            if forward.number < lasting[norm].number:
                before.add(norm)  # its averages are those of that training
            else:
                trained.setdefault(norm, forward)
    for forward in story.of(Forward):
        net = forward.net
        if net.slots.get("#loaded") or net.slots.get("#pretrained") or purposes.evaluation(story, forward) is None:
            continue
        for norm in concerned(forward, "eval", lasting):
            if norm in trained and norm not in before and lasting[norm].number < forward.number:
                yield lasting[norm], trained[norm], forward


def concerned(forward: Forward, mode: str, norms: dict[Obj, TrackingSet]) -> list[Obj]:
    def one(use: NormUse) -> bool:
        return use.certain and use.norm in norms and modes.names(use) == {mode}

    return [use.norm for use in forward.norms if one(use)]
