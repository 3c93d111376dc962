"""Events of gradient accumulation: one step of the optimiser for the gradients of several batches."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event


@dataclass(slots=True, eq=False)
class Accumulated(Event):
    """The gradients of several batches are added up before the optimiser makes its step.

    forwards: numbers of the forwards that make up one step, each on a batch of its own; how: "condition" (the step is
    made in some iterations only), "loop" (it follows a loop over the batches), or "trainer" (a library counts);
    count: how many batches, None where that is not known; assumed: it is only the default of an option.
    """

    forwards: tuple[int, ...]
    how: str
    count: int | None
    assumed: bool
