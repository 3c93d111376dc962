"""Events of Flax linen, where applying a module gives the new statistics back instead of keeping them."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event
from bnlint.story.values import Token


@dataclass(slots=True, eq=False)
class StatisticsReturned(Event):
    """`module.apply(variables, x, mutable=["batch_stats"])`: the output, and the statistics after this batch.

    flag: the constant that asks for train mode, None where there is none. used: somebody looked into the statistics or handed
    them on; trained: a gradient is taken of what the output reaches. Both are filled in as the story goes on.
    """

    flag: bool | None
    used: bool = False
    trained: bool = False

    @property
    def output(self) -> Token:
        return Token("applied", self)

    @property
    def statistics(self) -> Token:
        return Token("statistics", self)
