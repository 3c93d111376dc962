"""Events of TensorFlow graphs that one program saves and another imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bnlint.story.events.core import Event
from bnlint.story.events.graph import GraphNorm
from bnlint.story.values import Token

Kind = Literal["meta graph", "saved model"]


@dataclass(slots=True, eq=False)
class GraphSaved(Event):
    """A graph was written to disk, with the batch norms that the program had built by then."""

    kind: Kind
    norms: tuple[GraphNorm, ...]


@dataclass(slots=True, eq=False)
class GraphImported(Event):
    """A graph was read from disk.

    What it was used for and what was saved is filled in when all stories are told: used: where its tensors are fetched, or None;
    tuned: a gradient is taken through them. saved: the save that it most likely comes from; certain: that save is known to hold
    batch norms, all of them in train mode by a constant.
    """

    kind: Kind
    used: Event | None = None
    tuned: bool = False
    saved: GraphSaved | None = None
    certain: bool = False
    norms: tuple[GraphNorm, ...] = field(default=())

    @property
    def token(self) -> Token:
        """Stands for a tensor of the imported graph."""
        return Token("imported", self)
