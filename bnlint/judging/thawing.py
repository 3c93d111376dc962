"""Pretrained Keras networks that are finetuned with their batch norm in train mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence, Step
from bnlint.judging.modes import names
from bnlint.story.events import BackboneThawed, FlagFixed, Forward, Story


@dataclass(frozen=True, slots=True)
class Thawing:
    """A network that was unfrozen, the training that runs its batch norm in train mode, and a constant that did not hold."""

    thawed: BackboneThawed
    forward: Forward
    overridden: FlagFixed | None
    confidence: Confidence


def thawing(story: Story) -> Iterator[Thawing]:
    """One for each network: the first statement after which it is trained."""
    if story.test:
        return
    told: set[int] = set()
    for thawed in story.of(BackboneThawed):
        if id(thawed.net) in told or thawed.spared:
            continue
        forward = next((forward for forward in story.of(Forward) if trains(forward, thawed)), None)
        if forward is not None:
            told.add(id(thawed.net))
            fixed = next((event for event in story.of(FlagFixed) if event.layer is thawed.net and not event.training), None)
            yield Thawing(thawed, forward, fixed, "likely" if thawed.again and not thawed.refrozen else "possible")


def trains(forward: Forward, thawed: BackboneThawed) -> bool:
    """Whether a training forward after the thaw runs the network's batch norm in train mode."""
    return forward.number > thawed.number and "training" in forward.purposes and any(
        use.norm is thawed.net and use.certain and names(use) == {"train"} for use in forward.norms
    )


def trace(found: Thawing) -> list[Step]:
    steps = [Step("built with pretrained weights here", found.thawed.net.site)] if found.thawed.net.site is not None else []
    if found.overridden is not None:
        steps.append(Step("Keras 3 overrides this constant when fit trains the model", found.overridden.where.place))
    steps.append(Step("and trained in train mode here", found.forward.where.place))
    return steps
