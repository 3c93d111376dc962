"""What a finding says: networks in words, the steps that explain a mode or a batch, what a mistake is about."""

from __future__ import annotations

from bnlint.findings import Place, Step
from bnlint.judging.inputs import input_tokens
from bnlint.judging.modes import known_norms, marks
from bnlint.story.events import Event, Forward, ModeSet, Story
from bnlint.story.nesting import descendants
from bnlint.story.values import Choice, Cls, Data, Obj, Tuple, Value


def title(net: Obj) -> str:
    """A network's class in words."""
    return net.cls.name if isinstance(net.cls, Cls) else net.lib.rpartition(".")[2]


def norm_kind(norm: Obj) -> str:
    name = title(norm)
    return f"{name}, which holds batch norm" if norm.slots.get("#norms") else name


def built(forward: Forward) -> list[Step]:
    """Where the network and one of its batch norms were built."""
    steps: list[Step] = []
    if forward.net.site is not None:
        starts = forward.framework == "torch" and any(mark.event < 0 for mark in marks(forward, "train"))
        fresh = ", and new modules start in train mode" if starts else ""
        steps.append(Step(f"{title(forward.net)} is built here{fresh}", forward.net.site))
    for use in known_norms(forward)[:1]:
        if use.norm.site is not None and use.norm is not forward.net:
            steps.append(Step(f"it holds {norm_kind(use.norm)}, built here", use.norm.site))
    return steps


def mode_steps(story: Story, forward: Forward, name: str) -> list[Step]:
    """Where the mode came from."""
    steps: list[Step] = []
    for mark in marks(forward, name)[-2:]:
        event = story.event(mark.event)
        if isinstance(event, ModeSet):
            steps.append(Step(f"put in {name} mode by {event.how} here", event.where.place))
    return steps


def circumstances(forward: Forward) -> list[Step]:
    steps = [Step("called from here", place) for place in forward.where.calls[-2:] if place != forward.where.place]
    if forward.grad_off is not None:
        steps.append(Step("gradients are switched off here, which does not stop batch norm from updating", forward.grad_off))
    return steps


def called(event: Event) -> list[Step]:
    """The calls that led to an event, the last two of them."""
    return [Step("called from here", place) for place in event.where.calls[-2:]]


def distinct(steps: list[Step], place: Place) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in steps:
        if step.place != place and step not in found:
            found.append(step)
    return tuple(found)


def mode_trace(story: Story, forward: Forward, name: str) -> tuple[Step, ...]:
    """The whole explanation of a forward's mode."""
    return distinct([*built(forward), *mode_steps(story, forward, name), *circumstances(forward)], forward.where.place)


def labels(value: Value) -> str:
    if type(value) is Data:
        return value.label
    if isinstance(value, (Tuple, Choice)):
        parts = value.items if isinstance(value, Tuple) else value.options
        return " ".join(labels(part) for part in parts)
    return ""


def acting_trace(story: Story, forward: Forward) -> tuple[Step, ...]:
    steps = [*built(forward), *mode_steps(story, forward, "train"), *circumstances(forward)]
    reached = forward.reached.get("acting")
    if reached is not None:
        steps.append(Step("its output reaches the environment here", reached.place))
    return distinct(steps, forward.where.place)


def batch_steps(forward: Forward) -> list[tuple[str, Place]]:
    """Where the batch size comes from."""
    found: list[tuple[str, Place]] = []
    for token in sorted(input_tokens(forward), key=lambda token: token.kind):
        if token.kind == "batch" and isinstance(token.ref, Obj) and token.ref.site is not None:
            found.append(("its batches come from here", token.ref.site))
    return found


def parts(value: Value) -> frozenset[object]:
    """A network and everything below it: what a mistake about the whole is also about."""
    return frozenset(descendants(value)) if isinstance(value, Obj) else frozenset({value})


def subjects(forward: Forward) -> frozenset[object]:
    """What a mistake at a forward is about: the network and the batch norms it ran through."""
    return frozenset({forward.net, *(use.norm for use in forward.norms)})
