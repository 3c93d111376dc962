"""Networks on several devices: what is trained there, on how many examples each, and what becomes of the statistics."""

from __future__ import annotations

from bnlint.findings import Step
from bnlint.judging import modes, purposes
from bnlint.judging.traces import norm_kind, title
from bnlint.story.events import Event, Forward, Saved, Story, Wrapped
from bnlint.story.nesting import descendants


def forwards(story: Story, event: Wrapped) -> list[Forward]:
    """The forwards through a wrapper or the network in it, after it was wrapped."""
    return [
        forward
        for forward in story.of(Forward)
        if forward.number > event.number and (forward.net is event.wrapper or forward.net is event.net)
    ]


def training(story: Story, event: Wrapped) -> list[Forward]:
    """Those that train with batch norm in train mode."""
    return [
        forward
        for forward in forwards(story, event)
        if "training" in forward.purposes and modes.in_train_mode(forward) == "certain"
    ]


def frozen(story: Story, event: Wrapped) -> bool:
    """Whether every training forward runs with batch norm in eval mode."""
    trained = [forward for forward in forwards(story, event) if "training" in forward.purposes and forward.norms]
    return bool(trained) and all(modes.in_train_mode(forward) is None for forward in trained)


def used_afterwards(story: Story, event: Wrapped) -> list[tuple[str, Event]]:
    """Where the statistics matter: the network is evaluated or saved."""
    found: list[tuple[str, Event]] = []
    for forward in forwards(story, event):
        if purposes.evaluation(story, forward) is not None and modes.marks(forward, "eval"):
            found.append(("used for evaluation", forward))
    inside = {id(part) for part in descendants(event.wrapper)}
    for saved in story.of(Saved):
        holders = saved.net if isinstance(saved.net, tuple) else (saved.net,)
        if saved.number > event.number and any(id(holder) in inside for holder in holders):
            found.append(("saved", saved))
    return found


def built(event: Wrapped) -> list[Step]:
    """Where the network and one of its batch norms were built."""
    steps: list[Step] = []
    if event.net.site is not None:
        steps.append(Step(f"{title(event.net)} is built here", event.net.site))
    for norm in event.plain[:1]:
        if norm.site is not None:
            steps.append(Step(f"it holds {norm_kind(norm)}, built here", norm.site))
    return steps


def per_device(event: Wrapped, forward: Forward) -> int | None:
    """How many examples one device gets at a forward, where that is known."""
    if forward.batch is None:
        return None
    if event.distributed:
        return forward.batch
    return forward.batch // event.devices if event.devices else None
