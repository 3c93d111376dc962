"""Forwards on made-up inputs: warm-up, shape inference, summaries; and whether they harm."""

from __future__ import annotations

from bnlint.findings import Confidence
from bnlint.judging import modes, purposes
from bnlint.judging.inputs import input_tokens, kinds
from bnlint.story.events import Forward, Saved, Story
from bnlint.story.events.dummies import Made
from bnlint.story.values import Data

PICTURE = 3
"""axes from which on noise is a probe rather than what a generator draws its samples from"""


def dummy(story: Story, forward: Forward) -> bool:
    """Whether a forward is fed nothing but zeros, ones or noise of a size that is written down, and is no sampling."""
    if forward.framework != "torch" or forward.purposes or story.test or not forward.inputs:
        return False
    if not all(type(value) is Data and value.flow for value in forward.inputs):
        return False
    tokens = input_tokens(forward)
    made = [token.ref for token in tokens if token.kind in ("noise", "constant") and isinstance(token.ref, Made)]
    if not made or len(made) < len(tokens) or any(None in each.sizes or not each.sizes for each in made):
        return False
    latent = any(len(each.sizes) < PICTURE or set(each.sizes[2:]) == {1} for each in made if each.name != "summary")
    return forward.dropped or not latent


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
            used |= not dummy(story, other)
        sampled |= "noise" in kinds(input_tokens(other)) and not dummy(story, other)
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
    """How sure it is that a forward is a harmful dummy in train mode, and nothing that BN201 speaks of."""
    if modes.in_train_mode(forward, story) != "certain" or not dummy(story, forward):
        return None
    if purposes.evaluation(story, forward) in ("likely", "certain"):
        return None
    found = harm(story, forward)
    return modes.weakest(found, "certain" if story.bound else "possible") if found is not None else None
