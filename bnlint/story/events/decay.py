"""Events of weight decay that a loss carries: TensorFlow adds it to what is minimised, its optimisers have none."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.story.events.core import Event
from bnlint.story.values import Obj, Token


@dataclass(slots=True, eq=False)
class Decayed(Event):
    """A penalty on the size of weights is taken of the scale or shift of batch norm.

    how: the function that takes it; norms: the layers concerned, or the variables of a normalisation of the program's own.
    It acts where its token reaches a train op. sure: that these are among the variables is established.
    """

    how: str
    norms: tuple[Obj, ...]
    sure: bool = False

    @property
    def token(self) -> Token:
        """Stands for the penalty, in what is computed from it."""
        return Token("decay", self)
