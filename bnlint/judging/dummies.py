"""Forwards on made-up inputs: warm-up, shape inference, summaries; and whether they harm."""

from __future__ import annotations

from bnlint.findings import Confidence
from bnlint.judging import modes
from bnlint.judging.inputs import input_tokens, kinds, made_up
from bnlint.story.events import Forward, Saved, Story
from bnlint.story.events.dummies import Made


def harm(story: Story, forward: Forward) -> Confidence | None:
    """How much a dummy forward in train mode matters; None where the network is not used afterwards."""
    norms = {id(use.norm) for use in forward.norms}
    trained = used = repeated = sampled = False
    for other in story.of(Forward):
        if norms.isdisjoint(id(use.norm) for use in other.norms):
            continue
        if other.where.place == forward.where.place:
            repeated |= other is not forward
        elif other.number > forward.number:
            trained |= "training" in other.purposes
            used |= not made_up(other)
        sampled |= "noise" in kinds(input_tokens(other)) and not made_up(other)
    saved = any(
        event.number > forward.number and not norms.isdisjoint(id(norm) for norm in event.net.norms)
        for event in story.of(Saved)
    )
    if sampled or not (trained or used or saved):
        return None
    empty = any(isinstance(token.ref, Made) and token.ref.name == "empty" for token in input_tokens(forward))
    if repeated or empty or not trained or has_weights(forward):
        return "likely"
    return "possible"


def has_weights(forward: Forward) -> bool:
    """Whether the statistics that are moved had been learnt before."""
    holders = [forward.net, *(use.norm for use in forward.norms)]
    return any(holder.slots.get("#loaded") or holder.slots.get("#pretrained") for holder in holders)


def judge(story: Story, forward: Forward) -> Confidence | None:
    """How sure it is that a forward is a harmful dummy in train mode; None if it is not one."""
    if forward.framework != "torch" or forward.purposes or story.test or not made_up(forward):
        return None
    if modes.in_train_mode(forward, story) != "certain":
        return None
    found = harm(story, forward)
    if found is None or story.bound or has_weights(forward):
        return found
    return "possible"
