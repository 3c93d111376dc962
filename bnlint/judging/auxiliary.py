"""Networks that serve the training of others: teachers, targets, feature networks."""

from __future__ import annotations

from bnlint.findings import Confidence
from bnlint.judging import modes, purposes
from bnlint.judging.dummies import has_weights
from bnlint.judging.inputs import input_tokens, kinds, only_noise
from bnlint.judging.modes import names
from bnlint.story.events import Forward, Story


def in_train_mode(story: Story) -> list[tuple[Forward, Confidence]]:
    """Forwards whose output reaches a loss but not its gradient, through networks that nothing trains, in train mode."""
    found: list[tuple[Forward, Confidence]] = []
    forwards = [forward for forward in story.of(Forward) if forward.framework == "torch"]
    if story.test or not any(forward.purposes == {"auxiliary"} for forward in forwards):
        return found
    trained = {id(use.norm) for forward in forwards if "training" in forward.purposes for use in forward.norms}
    evaluated = {id(use.norm) for forward in forwards for use in forward.norms if "eval" in names(use)}
    followers, whole = purposes.followers(story), purposes.followers(story, {"both", "buffers"})
    told: set[object] = set()
    for forward in forwards:
        norms = {id(use.norm) for use in forward.norms}
        if forward.purposes != {"auxiliary"} or not norms or forward.net in told or norms & trained:
            continue
        if not forward.where.loops or modes.in_train_mode(forward) != "certain" or generates(forward):
            continue
        if purposes.evaluation(story, forward) == "likely" or purposes.optimized(story, forward.net):
            continue
        told.add(forward.net)
        follows = bool(norms & followers) or any(use.norm.slots.get("#copied") for use in forward.norms)
        needed = bool(norms & followers) and not norms & whole
        found.append((forward, "possible" if needed else sure(story, forward, follows, bool(norms & evaluated))))
    return found


def sure(story: Story, forward: Forward, follows: bool, evaluated: bool) -> Confidence:
    """An average of another network may be meant to be in train mode, if that is the only mode it is used in."""
    if purposes.on_purpose(story, forward) or (follows and not evaluated):
        return "possible"
    learnt = has_weights(forward) or any(use.frozen for use in forward.norms)
    if not story.bound:
        return "likely" if learnt else "possible"
    return "certain" if learnt and not follows else "likely"


def generates(forward: Forward) -> bool:
    """Whether it makes samples out of noise."""
    return only_noise(forward) or "noise" in kinds(input_tokens(forward))
