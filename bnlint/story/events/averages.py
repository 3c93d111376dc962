"""Events of averages that a TensorFlow graph keeps by itself: moments of the batch, and ops that average them.

Tokens refer to these events themselves, as those of graphs do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bnlint.findings import Place
from bnlint.story.events.core import Event
from bnlint.story.values import Token, Value


@dataclass(slots=True, eq=False)
class BatchMoments(Event):
    """Moments over the batch axis were taken; `normalising`: the branches of `tf.cond` in which they normalise something."""

    normalising: set[tuple[tuple[Value, bool], ...]] = field(default_factory=set)

    @property
    def token(self) -> Token:
        """Stands for a value that is one of these moments, if scaled, mixed or reshaped."""
        return Token("moment", self)


@dataclass(slots=True, eq=False)
class AverageUpdate(Event):
    """An op was created that puts moments of the batch into something kept.

    how: the function that makes it; name: of the variable, "" if unknown; moments: which; under: the predicates of `tf.cond`
    around it and in which of their branches it is; switched: its decay hangs on a condition itself; graph: it is certain that
    it does nothing until a session runs it.
    """

    how: str
    name: str
    moments: frozenset[Token]
    under: tuple[tuple[Value, bool], ...]
    switched: bool
    graph: bool
    keys: set[str] = field(default_factory=set)
    """the collections that it was put into, "?" for one that is unknown"""
    used: bool = False
    """an op was computed from it, or it is kept or went where the story does not follow it"""
    unconditional: Place | None = None
    """the condition whose one branch alone is meant to run it, though it runs whatever that condition is"""

    @property
    def token(self) -> Token:
        """Stands for a value whose running runs the update."""
        return Token("average", self)


def updates(flow: frozenset[Token]) -> list[Any]:
    """The updates of averages that run with a value."""
    return [token.ref for token in flow if token.kind == "average"]
