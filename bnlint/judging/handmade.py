"""Own implementations of batch norm: which story is about one, how sure it is that gradients arrive there, and its averages.

Each class or function that may be one is told in a story of its own. Pure functions over its events.
"""

from __future__ import annotations

from bnlint.findings import Confidence, Step
from bnlint.story import Story
from bnlint.story.events import Averaged, OwnNorm


def own(story: Story) -> OwnNorm | None:
    """The class or function that a story is about, if it really is a batch norm; None in test code.

    Averages of moments alone are none: an observation filter keeps them, too. It has to normalise by the batch, or to stand
    behind a trained layer. Nor is standardising by the batch alone: losses do.
    """
    norms: list[OwnNorm] = [] if story.test else story.of(OwnNorm)
    return next((norm for norm in norms if (norm.batch and (norm.keeps or norm.affine)) or (norm.keeps and norm.inside)), None)


def frozen(story: Story) -> OwnNorm | None:
    """A module that only applies statistics which something else gave it, with a weight of its own."""
    norms: list[OwnNorm] = [] if story.test else story.of(OwnNorm)
    return next((norm for norm in norms if norm.module and norm.affine and not norm.keeps and not norm.batch), None)


def reached(norm: OwnNorm) -> Confidence | None:
    """How sure it is that a gradient flows into a norm's input: None where it was only seen before every trained layer."""
    if norm.inside:
        return "certain"
    return None if norm.first else "possible"


def updates(story: Story) -> tuple[Step, ...]:
    """Where the averages are updated."""
    found = {event.where.place: event for event in story.of(Averaged)}
    return tuple(Step(f"{event.name} is updated here", place) for place, event in list(found.items())[:2])
