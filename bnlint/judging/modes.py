"""In which mode a forward ran its batch norms, and how sure that is."""

from __future__ import annotations

from bnlint.findings import Confidence
from bnlint.story.events import Forward, Mode, NormUse, Story
from bnlint.story.nesting import descendants
from bnlint.story.values import Obj, options

ORDER: dict[Confidence, int] = {"possible": 0, "likely": 1, "certain": 2}


def weakest(*confidences: Confidence) -> Confidence:
    return min(confidences, key=lambda confidence: ORDER[confidence])


def known_norms(forward: Forward) -> tuple[NormUse, ...]:
    """The batch norms that a forward certainly runs through, else those it may run through."""
    sure = tuple(use for use in forward.norms if use.certain)
    return sure or forward.norms


def names(use: NormUse) -> set[str]:
    return {mark.name for mark in use.modes}


def in_train_mode(forward: Forward, story: Story | None = None) -> Confidence | None:
    """How sure it is that some batch norm of the forward is in train mode; None if none can be.

    With a story, a mode that only some path leaves behind counts as likely.
    """
    best: Confidence | None = None
    for use in forward.norms:
        modes = names(use)
        if "train" not in modes:
            continue
        found: Confidence = "certain" if modes == {"train"} and use.certain else "possible"
        if found == "possible" and use.certain and story is not None and own_path(story, use):
            found = "likely"
        best = found if best is None or ORDER[found] > ORDER[best] else best
    return best


def own_path(story: Story, use: NormUse) -> bool:
    """Whether train mode comes from a `train()` of its own on some path, not from one call whose argument is unknown."""
    switched = {mark.event for mark in use.modes if mark.name == "eval"}
    return story.bound and any(mark.name == "train" and mark.event not in switched | {-1} for mark in use.modes)


def all_in_train_mode(forward: Forward) -> bool:
    uses = known_norms(forward)
    return bool(uses) and all(names(use) == {"train"} for use in uses)


def marks(forward: Forward, name: str) -> list[Mode]:
    """The marks of this mode on the forward's batch norms, each once."""
    found = {mark for use in known_norms(forward) for mark in use.modes if mark.name == name}
    return sorted(found, key=lambda mark: mark.event)


def whole(switched: Obj, net: Obj) -> bool:
    """Whether switching one network switches all of another, also of one that only wraps it."""
    wrapped = options(net.slots["module"]) if net.lib and "module" in net.slots else ()
    return switched is net or any(part is switched for part in wrapped) or any(part is net for part in descendants(switched))


def followed(story: Story) -> set[object]:
    """The networks that certainly ran through batch norm, each as the place where it was built and what it is."""
    found: set[object] = set()
    for forward in story.of(Forward):
        if any(use.certain for use in forward.norms):
            cls = forward.net.cls
            found.add((forward.net.site, cls.name))
    return found
