"""Events of inputs of different quantities that are joined and normalised together."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.findings import Place
from bnlint.story.events.core import Event
from bnlint.story.values import Obj


@dataclass(slots=True, eq=False)
class StackedModalities(Event):
    """Raw inputs of different quantities, joined to one tensor, share the moments of one normalisation.

    joined: where; axis: along which; how: "batch norm" (in train mode, its channels are shared), "layer norm" or "scalar" (one
    mean and one deviation for all); norm: the layer, None for a function; forward: the number of the forward that it happens in.
    """

    quantities: tuple[str, ...]
    joined: Place
    axis: int
    how: str
    norm: Obj | None
    forward: int | None
