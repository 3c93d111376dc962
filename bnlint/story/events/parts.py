"""Events of single batch norms inside a network: never called, called at every step of a recurrence, padded input."""

from __future__ import annotations

from dataclasses import dataclass

from bnlint.findings import Place
from bnlint.story.events.core import Event
from bnlint.story.values import Obj


@dataclass(slots=True, eq=False)
class Unused(Event):
    """The `forward` of a module ran to its end, and neither it nor anything else reads the attribute that holds a batch norm."""

    norm: Obj
    owner: Obj
    attribute: str
    forward: Place


@dataclass(slots=True, eq=False)
class Narrow(Event):
    """Of the batch norms of a network those of some classes are picked by a type check, and something is done with them.

    asked: where their class is asked for; picked, passed: the norms that were of the classes asked for, and those that were
    not (both still grow while the loop over the modules runs); how: "eval", "frozen" or "decay".
    """

    asked: Place
    picked: list[Obj]
    passed: list[Obj]
    how: str


@dataclass(slots=True, eq=False)
class Recurring(Event):
    """A forward applies one batch norm at every step of a recurrence. loop: the loop, or the library's layer that makes it."""

    norm: Obj
    loop: Place


@dataclass(slots=True, eq=False)
class Padded(Event):
    """A batch norm in train mode is given sequences with positions that are only filled up. filled: where they were."""

    norm: Obj
    filled: Place


@dataclass(slots=True, eq=False)
class Contrasted(Event):
    """A softmax tells the keys of a momentum encoder from those of earlier batches, and nothing shuffled its input.

    norms: its batch norms, in train mode and not synchronised; called: where it was called.
    """

    net: Obj
    norms: tuple[Obj, ...]
    called: Place
