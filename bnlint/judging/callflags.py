"""Keras models that a constant keeps in train mode while they evaluate: in a call, in the model, or as the learning phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence, Place, Step
from bnlint.judging import purposes, traces
from bnlint.judging.constants import GENERATES, JUDGES
from bnlint.judging.inputs import input_tokens, kinds
from bnlint.judging.modes import ORDER, names
from bnlint.story.events import Event, FlagFixed, Forward, PhaseSet, Story

STEPS = ("test_step", "predict_step")


@dataclass(frozen=True, slots=True)
class InTrainMode:
    """A network that evaluates in train mode, and the statement that is the reason."""

    forward: Forward | None
    """where it evaluates; None where only its building is seen: a constant that means nothing to `fit` means evaluation"""
    place: Place
    how: str
    """"call", "model" or "phase" """
    confidence: Confidence


def in_train_mode(story: Story) -> Iterator[InTrainMode]:
    """One for each statement, the surest."""
    if story.test:
        return
    best: dict[Place, InTrainMode] = {}
    for forward in story.of(Forward):
        if forward.framework == "keras" and "training" not in forward.purposes:
            one = judged(story, forward)
            if one is not None and one.how == "call" and handed_on(forward):
                continue  # what hands on a flag is no constant
            if one is not None and (one.place not in best or ORDER[one.confidence] > ORDER[best[one.place].confidence]):
                best[one.place] = one
    for fixed in story.of(FlagFixed):
        if fixed.version == 2 and fixed.training and fixed.where.place not in best:
            best[fixed.where.place] = InTrainMode(None, fixed.where.place, "model", sure_of_model(story, fixed, fixed))
    yield from best.values()


def sure_of_model(story: Story, fixed: FlagFixed, used: Event) -> Confidence:
    """How sure it is that a constant in a functional model is none that is meant."""
    words = [*fixed.where.functions, *used.where.functions]
    meant = purposes.on_purpose(story, fixed) or any(GENERATES.search(word) or JUDGES.search(word) for word in words)
    return "possible" if meant else "likely"


def judged(story: Story, forward: Forward) -> InTrainMode | None:
    uses = [use for use in forward.norms if names(use) == {"train"} and use.certain]
    if not uses:
        return None
    sources = [story.event(number) for number in sorted({mark.event for use in uses for mark in use.modes})]
    fixed = next((event for event in sources if isinstance(event, FlagFixed)), None)
    if fixed is not None:
        return InTrainMode(forward, fixed.where.place, "model", sure_of_model(story, fixed, forward))
    found = purposes.evaluation(story, forward)
    if found is None:
        return None
    if forward.where.functions[-1:] and forward.where.functions[-1] in STEPS:
        found = "certain"  # Keras calls it for evaluate() and for validation data, and for nothing else
    meant = purposes.on_purpose(story, forward) or purposes.sampling(story, forward) or repeated(forward)
    if meant or adversarial(story, forward):
        found = "possible"
    phase = next((event for event in sources if isinstance(event, PhaseSet)), None)
    if phase is not None:
        return InTrainMode(forward, phase.where.place, "phase", found)
    return InTrainMode(forward, forward.where.place, "call", found)


def handed(story: Story) -> Iterator[tuple[Forward, Confidence]]:
    """Forwards that evaluate in train mode by a flag that was decided elsewhere and handed on; each place once, the surest."""
    best: dict[Place, tuple[Forward, Confidence]] = {}
    for forward in [] if story.test else story.of(Forward):
        if forward.framework == "keras" and handed_on(forward) and "training" not in forward.purposes:
            one = judged(story, forward)
            if one is not None and one.how == "call":
                place = forward.where.place
                if place not in best or ORDER[one.confidence] > ORDER[best[place][1]]:
                    best[place] = forward, one.confidence
    yield from best.values()


def handed_on(forward: Forward) -> bool:
    """Whether the flag came from elsewhere: below a `test_step` all that is constant was said for evaluation."""
    return forward.handed and not any(name in STEPS for name in forward.where.functions)


def repeated(forward: Forward) -> bool:
    """Whether one input may be run again and again for Monte Carlo dropout: in a loop or with dropout, not over a data set."""
    return bool(forward.where.loops or forward.random) and "batch" not in kinds(input_tokens(forward))


def adversarial(story: Story, forward: Forward) -> bool:
    """Whether another network is trained to judge what this one makes beside something else: pix2pix and its like."""
    trained = [other for other in story.of(Forward) if "training" in other.purposes]
    made = {other.token for other in trained if other.net is forward.net}
    judged = {other.net: set[bool]() for other in trained if other.net is not forward.net}
    for other in trained:
        if other.net in judged:
            judged[other.net].add(not made.isdisjoint(input_tokens(other)))
    return any(len(kinds) == 2 for kinds in judged.values())


def trace(found: InTrainMode) -> list[Step]:
    if found.forward is None:
        return []
    steps = [*traces.built(found.forward), Step("it evaluates here", found.forward.where.place)]
    return [*steps, *traces.circumstances(found.forward)]
