"""Which frozen batch norms go on updating their statistics in training, and what undid the freezing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bnlint.findings import Confidence, Place, Step
from bnlint.judging import purposes, traces
from bnlint.judging.modes import ORDER, names, weakest
from bnlint.story.events import Event, Forward, Frozen, Held, Hidden, NormUse, Story, Thawed
from bnlint.story.values import Obj, options

TRAINED = frozenset({"training", "auxiliary"})


@dataclass(frozen=True, slots=True)
class Drifting:
    """A batch norm whose parameters were frozen runs in train mode while something is trained."""

    freezing: Frozen
    forward: Forward
    use: NormUse
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Undone:
    """A `train()` puts batch norm back in train mode that was held in eval mode, and then trains with it."""

    thawed: Thawed
    held: Held
    forward: Forward
    confidence: Confidence


def training_forwards(story: Story) -> Iterator[tuple[Forward, NormUse]]:
    """Batch norms that may be in train mode in forwards of PyTorch whose output reaches a loss."""
    for forward in story.of(Forward):
        if forward.framework == "torch" and forward.purposes & TRAINED:
            for use in forward.norms:
                if "train" in names(use):
                    yield forward, use


# --- parameters frozen, statistics not -------------------------------------------------------


def drifting(story: Story) -> Iterator[Drifting]:
    """One for each network and for each statement that freezes, the surest."""
    if story.test or not any(isinstance(event, Frozen) for event in story.events):
        return
    followers = purposes.followers(story)
    toggled = {(event.where.place, event.where.calls, norm) for event in story.of(Frozen) for norm in event.lifted}
    found: dict[object, Drifting] = {}
    for forward, use in training_forwards(story):
        for event in sorted(use.frozen, key=lambda event: event.number):
            statement = (event.where.place, event.where.calls, use.norm)
            if statement not in toggled and id(use.norm) not in followers:
                one = Drifting(event, forward, use, sure_of_drift(story, event, forward, use))
                keep_surest(found, event.where.place, one)
    told: set[object] = set()
    for one in found.values():
        if one.forward.net not in told:
            told.add(one.forward.net)
            yield one


def keep_surest(found: dict[object, Any], key: object, one: Drifting | Undone) -> None:
    before = found.get(key)
    if before is None or ORDER[one.confidence] > ORDER[before.confidence]:
        found[key] = one


def sure_of_drift(story: Story, event: Frozen, forward: Forward, use: NormUse) -> Confidence:
    known = certainty(forward, use)
    if event.contrary and known == "certain":
        return "possible"
    if known == "possible" or names(use) != {"train"} or purposes.on_purpose(story, forward):
        return "possible"
    if use.norm.slots.get("#copied") and not event.net.slots.get("#loaded"):
        return "possible"  # a copy of what is trained: it may follow where the story does not see it
    asked = event.reasons[len(event.reasons) - max(0, event.where.forks - forward.where.forks) :]
    if "" in asked:
        return "possible"
    return weakest(known, "likely" if conditional(event, forward) or not story.bound else "certain")


def certainty(forward: Forward, use: NormUse) -> Confidence:
    """How sure it is that the norm is there; what a network that an option asks for does is as sure as the option."""
    if use.certain:
        return "certain"
    optional = any(net.slots.get("#contrary") for net in unwrapped(forward.net))
    return "likely" if optional and use.norm.slots.get("#norms") != "maybe" else "possible"


def unwrapped(net: Obj) -> list[Obj]:
    """A network, or the ones that may be inside a wrapper for several devices."""
    inner = options(net.slots["module"]) if net.lib and "module" in net.slots else ()
    return [option for option in inner if isinstance(option, Obj)] or [net]


def conditional(event: Event, later: Event) -> bool:
    """Whether something happens under a condition that what follows does not share."""
    return event.where.forks > later.where.forks


# --- held in eval mode, and put back ---------------------------------------------------------


def undone(story: Story) -> Iterator[Undone]:
    """Each `train()` once that takes back what was meant to last."""
    if story.test or not any(isinstance(event, Thawed) for event in story.events):
        return
    trained: dict[tuple[Place, int], list[tuple[Forward, NormUse]]] = {}
    evaluated: set[tuple[int, int]] = set()
    kept: set[tuple[int, int]] = set()
    for forward in story.of(Forward):
        for use in forward.norms:
            for mark in use.modes:
                switch = story.event(mark.event)
                if mark.name == "train" and forward.purposes & TRAINED and switch is not None:
                    trained.setdefault((switch.where.place, id(use.norm)), []).append((forward, use))
                elif mark.name == "eval":
                    (kept if forward.purposes & TRAINED else evaluated).add((mark.event, id(use.norm)))
    found: dict[object, Undone] = {}
    for thawed in story.of(Thawed):
        for held in thawed.held:
            by = (held.by.number, id(held.norm))
            after = trained.get((thawed.where.place, id(held.norm)), ())
            shown = next((each for each in after if each[0].number > thawed.number), None)
            if shown is not None and by not in evaluated - kept:
                sure = sure_of_undoing(story, thawed, held, shown, by in kept)
                keep_surest(found, thawed.where.place, Undone(thawed, held, shown[0], sure))
    yield from found.values()


def sure_of_undoing(
    story: Story, thawed: Thawed, held: Held, shown: tuple[Forward, NormUse], trained_with: bool
) -> Confidence:
    """Norms by themselves are put in eval mode to freeze them; a part of a network may be for other reasons, too."""
    known = certainty(*shown)
    meant = held.itself or held.frozen or trained_with
    if known == "possible" or "eval" in names(shown[1]) or not meant:
        return "possible"
    again = {place for place, _ in thawed.where.loops} & {place for place, _ in held.by.where.loops}
    sure = held.itself or (held.frozen and not again)
    chosen = conditional(held.by, thawed) or held.contrary
    return weakest(known, "certain" if story.bound and sure and not chosen else "likely")


def hidden(story: Story) -> Iterator[tuple[Hidden, Forward, Confidence]]:
    """Flags that took the place of the method that would have frozen batch norm, which then trains."""
    told: set[object] = set()
    for event in story.of(Hidden):
        if story.test or event.where.place in told:
            continue
        for forward, use in training_forwards(story):
            if forward.number > event.number and purposes.related(event.net, forward.net) and names(use) == {"train"}:
                told.add(event.where.place)
                found: Confidence = "certain" if story.bound and event.wanted else "likely"
                yield event, forward, weakest(found, certainty(forward, use))
                break


# --- explaining ------------------------------------------------------------------------------


def drift_steps(story: Story, found: Drifting) -> tuple[Step, ...]:
    steps = [*traces.called(found.freezing), *norm_built(found.use.norm, found.forward)]
    steps += traces.mode_steps(story, found.forward, "train")
    steps.append(Step("and updates its statistics in this training forward", found.forward.where.place))
    return traces.distinct(steps, found.freezing.where.place)


def undone_steps(found: Undone) -> tuple[Step, ...]:
    steps = [*norm_built(found.held.norm, found.forward), *traces.called(found.held.by)]
    steps.append(Step(f"put in eval mode by {found.held.by.how} here", found.held.by.where.place))
    steps += traces.called(found.thawed)
    steps.append(Step("and trains in train mode here", found.forward.where.place))
    return traces.distinct(steps, found.thawed.where.place)


def title(net: Obj) -> str:
    """A network in words; of one that is wrapped for several devices, its own."""
    return traces.title(unwrapped(net)[0])


def norm_built(norm: Obj, forward: Forward) -> list[Step]:
    if norm.site is None:
        return []
    holder = "" if norm is forward.net else f"{title(forward.net)} holds "
    return [Step(f"{holder}{traces.norm_kind(norm)}, built here", norm.site)]


def subjects(forward: Forward, norm: Obj) -> frozenset[object]:
    return frozenset({forward.net, norm})
