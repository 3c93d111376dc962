"""Events of freezing: parameters taken from the solver, batch norm held in eval mode and put back in train mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnlint.findings import Place
from bnlint.story.events.core import Event
from bnlint.story.values import Obj

if TYPE_CHECKING:
    from bnlint.story.events.networks import ModeSet


@dataclass(slots=True, eq=False)
class Frozen(Event):
    """`requires_grad` of a module's parameters is switched.

    flag: what it is set to, None where that is not known; norms: the batch norms that are concerned; contrary: it happens
    only against the default of an option; reasons: what the undecided conditions around it ask for, outermost first
    ("name" of a parameter, "default" of an option, "" for anything else); lifted: the norms whose parameters get their
    gradient back later on.
    """

    net: Obj
    flag: bool | None
    norms: tuple[Obj, ...]
    how: str
    contrary: bool
    reasons: tuple[str, ...]
    lifted: set[Obj] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A batch norm was put in eval mode, by itself or with a part of a network; before it was in train mode.

    by: the event that did it; contrary: only against the default of an option; frozen: its parameters are
    frozen, too, once it is put back in train mode.
    """

    norm: Obj
    by: ModeSet
    contrary: bool
    frozen: bool = False

    @property
    def itself(self) -> bool:
        """The batch norm alone was switched, or those of a library's network."""
        return self.by.net is self.norm or self.by.net.slots.get("#part_of") is self.norm


@dataclass(slots=True, eq=False)
class Thawed(Event):
    """`train()` of a whole network puts back in train mode what a part of it was kept in eval mode for.

    switch: the event that is this `train()`.
    """

    net: Obj
    held: tuple[Held, ...]
    switch: ModeSet


@dataclass(slots=True, eq=False)
class Hidden(Event):
    """An attribute is assigned that hides the method of the same name, which would have held batch norm in eval mode.

    wanted: what is assigned is not known to be false.
    """

    net: Obj
    method: str
    defined: Place
    wanted: bool
