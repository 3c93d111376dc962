"""What all events share, and the story that holds them: one `Story` per entry point, its events in their order.

Pure data for the rules. Events are appended only; a branch that is undone keeps its events, for they may happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnlint.findings import Place

if TYPE_CHECKING:
    from bnlint.project.project import Project
    from bnlint.story.values import Obj


@dataclass(frozen=True, slots=True)
class Where:
    """The circumstances of an event: its place, the calls that led there, the loops and functions around it."""

    place: Place
    calls: tuple[Place, ...]
    """call sites from the entry point inwards"""
    loops: tuple[tuple[Place, int], ...]
    """loops around it through all callers, outermost first: where the loop stands, and which pass over it"""
    functions: tuple[str, ...]
    """names of the functions around it, outermost first"""
    forks: int
    """how many undecided branches lie between the entry point and here"""


@dataclass(slots=True, eq=False)
class Event:
    number: int
    where: Where


@dataclass(frozen=True, slots=True)
class Failure:
    """The engine failed at a place: a finding BN002."""

    place: Place
    message: str


@dataclass(slots=True, eq=False)
class Story:
    """What happens when one entry point runs.

    path: the file it stands in; entry: its name; bound: whether it runs with what its program gives it
    (module bodies and `__main__`), or is a function that nothing calls, run with unknown arguments.
    """

    project: Project
    path: Path
    entry: str
    bound: bool
    test: bool
    """whether the entry point is test code: nothing in it is judged as evaluation or acting"""
    events: list[Event] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    exhausted: bool = False
    cut: bool = False
    """whether the steps ran out before its end: what would have come later, and might have made it right, is not known"""
    lengths: dict[Place, int | None] = field(default_factory=dict)
    """how many turns each loop takes; None where that is not known"""
    alone: list[tuple[int, int]] = field(default_factory=list)
    """spans of the numbers of events that happen in one of several processes only"""
    biased: dict[Place, list[Obj | None]] = field(default_factory=dict)
    """layers that have, or may have, a bias, by the call that builds them; None for one that nothing else is known of"""
    indirect: set[Place] = field(default_factory=set)
    """calls of a partial, or of a method by another name: what is called has none of the methods of the network that runs"""

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def in_one_process(self, event: Event) -> bool:
        """Whether only one of several processes gets there: `if rank == 0:`."""
        return any(first <= event.number < end for first, end in self.alone)

    def event(self, number: int) -> Event | None:
        return self.events[number] if 0 <= number < len(self.events) else None
