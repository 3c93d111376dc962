"""Batch renorm: which layers use it, and whether their corrections r and d are limited.

Source: "Batch Renormalization" (Ioffe, 2017): r at most 1 and d at most 0 for the first 5000 steps, in the end 3 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint.findings import Confidence
from bnlint.judging import purposes
from bnlint.story.events import Forward, Renorm, Story, TrainOp
from bnlint.story.values import Value, number

LARGEST = {"rmax": 3.0, "dmax": 5.0}


@dataclass(frozen=True, slots=True)
class Unlimited:
    """A layer with batch renorm; `limits` are its constants in words, "" where there are none."""

    event: Renorm
    limits: str
    confidence: Confidence


def unlimited(story: Story) -> Iterator[Unlimited]:
    """The layers whose corrections are not limited, or by constants that are no tighter than the end of the schedule."""
    found: list[Renorm] = story.of(Renorm)
    if not found or story.test or (story.bound and not trained(story)):
        return
    for event in found:
        known = constants(event.limits)
        if event.inference or known is None:
            continue
        beyond = any(known.get(name, most + 1) > most for name, most in LARGEST.items())
        if beyond or any(known[name] == most for name, most in LARGEST.items()):
            words = " and ".join(f"{name} {value:g}" for name, value in known.items() if name in LARGEST)
            yield Unlimited(event, words, "likely" if beyond else "possible")


def trained(story: Story) -> bool:
    """Whether the story trains anything, in a graph or not."""
    if purposes.trains(story) or any(isinstance(event, TrainOp) for event in story.events):
        return True
    return any("training" in forward.purposes for forward in story.of(Forward))


def constants(limits: dict[str, Value] | None) -> dict[str, float] | None:
    """The limits as numbers; None where one of them is none: a tensor that follows the schedule."""
    found: dict[str, float] = {}
    for name, value in (limits or {}).items():
        known = number(value)
        if known is None:
            return None
        found[name] = float(known[0])
    return found if limits is not None else None
